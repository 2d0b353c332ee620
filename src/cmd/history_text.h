/* history_text.h - the history of runs, nodes and batches as the toolbelt prints it: lines of CSV without quotes. */
#pragma once

#include "base/buf.h"
#include "store/state.h"

/* "2024-05-01T10:20:30.123+0000" */
void capi_history_append_time(capi_buf *to, int64_t ms);
/* A comment: every comma becomes a semicolon, a line end a blank. */
void capi_history_append_comment(capi_buf *to, capi_str comment);

/* ts,run_id,status,comment: a line per event of each run, in order of time. */
void capi_history_runs(const capi_run *runs, uint32_t count, capi_arena *arena, capi_buf *to);

typedef struct capi_history_node {
    uint32_t run_id;
    const capi_node_state *node;
    capi_str start_comment, end_comment;
} capi_history_node;

/* ts,run_id,script_node,status,comment */
void capi_history_nodes(const capi_history_node *nodes, uint32_t count, capi_arena *arena, capi_buf *to);

typedef struct capi_history_batch {
    uint32_t run_id;
    capi_str node;
    const capi_batch_state *batch;
    capi_str end_comment;
} capi_history_batch;

/* ts,run_id,script_node,batch_idx,batches_total,status,first_token,last_token,comment */
void capi_history_batches(const capi_history_batch *batches, uint32_t count, capi_arena *arena, capi_buf *to);
