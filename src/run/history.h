/* history.h - what the state keeps of nodes and batches, as histories tell it (workflow specification, section 10.3).
 *
 * The state keeps causes and numbers. The sentences around them, and the tokens of batches that have no result, are made when
 * somebody looks: they follow from the script and from the runs that a node reads. */
#pragma once

#include "run/run.h"

/* Why a batch failed, and where: for messages. In the arena. */
capi_str capi_failure_place(const capi_node *node, uint32_t batch_idx, uint32_t batches_total, capi_str script_url,
                            capi_str cause, capi_arena *arena);

/* The batches of a node. Those without a result have the tokens that they work on, or would have: of a reader of files the
 * number of the URL, of a reader of a table its first and last row, once the node was opened; else 0 and -1. `script` is that of
 * the run; NULL: it cannot be had, and tokens are as the state knows them. */
CAPI_MUST_USE capi_status capi_history_batches_of(capi_state *state, const capi_run *run, const capi_script *script,
                                                  capi_str node, capi_arena *arena, capi_batch_state **out,
                                                  uint32_t *count, capi_err *err);
/* What their events say: `batch` of `node` in `run`. */
capi_str capi_history_batch_comment(const capi_run *run, const capi_script *script, capi_str node,
                                    const capi_batch_state *batch, capi_arena *arena);

typedef struct capi_node_comments { /* empty: no such event */
    capi_str start, end;
} capi_node_comments;

/* What the events of a node say. Batches tell which of them came last. */
CAPI_MUST_USE capi_status capi_history_node_comments(capi_state *state, const capi_run *run,
                                                     const capi_node_state *node, capi_arena *arena,
                                                     capi_node_comments *out, capi_err *err);
