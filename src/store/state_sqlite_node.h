/* state_sqlite_node.h - what the two halves of the SQLite backend share: state_sqlite.c (keyspaces, runs, nodes) and
 * state_sqlite_batch.c (batches, seals, processes). Private to src/store/. */
#pragma once

#include "store/state_sqlite_db.h"

enum { UID_TEXT_MAX = 65 };

/* What decides about a node and its batches. */
typedef struct node_decision {
    int64_t node_id;
    uint32_t batches_total;
    int status;
    uint32_t next_batch;
    int rest_status;
    uint32_t done, claimed;
    int64_t start_ms;
    uint32_t seal_deaths;
    char seal_owner[UID_TEXT_MAX], seal_operation[UID_TEXT_MAX], seal_attempt[UID_TEXT_MAX];
    int64_t stop_ms; /* of the run */
} node_decision;

static inline sqlite_state *sq_of(capi_state *state)
{
    return (sqlite_state *)state;
}

static inline int64_t batch_id(int64_t node_id, uint32_t batch_idx)
{
    return node_id << 32 | batch_idx;
}

static inline int64_t batch_id_last(int64_t node_id)
{
    return batch_id(node_id, UINT32_MAX);
}

void sqlite_new_uid(sqlite_state *sq, char uid[CAPI_UID_BYTES]);
void sqlite_row_uid(sqlite3_stmt *row, int column, char to[UID_TEXT_MAX]);
void sqlite_row_decision(sqlite3_stmt *row, node_decision *out);
/* CAPI_NOT_FOUND with words if there is no such run, or no such node of it. */
capi_status sqlite_node_decide(sqlite_state *sq, capi_str run_uid, capi_str node, node_decision *out, capi_err *err);
/* The words for a node that was not found. */
capi_status sqlite_no_node(sqlite_state *sq, capi_str run_uid, capi_str node, capi_err *err);
/* Appends the numbers (int64_t) in the first column of a query by `key`, so that the caller may write while it goes on. */
capi_status sqlite_collect_numbers(sqlite_state *sq, state_sql sql, capi_str key, capi_buf *out, capi_err *err);

/* The methods of state_sqlite_batch.c. */
capi_status sq_batch_claim(capi_state *state, capi_str run_uid, capi_str node, capi_str process_uid,
                           capi_str operation_uid, capi_claim *out, capi_err *err);
capi_status sq_batch_release(capi_state *state, const capi_claim *claim, capi_err *err);
capi_status sq_batch_note(capi_state *state, const capi_claim *claim, capi_str note, capi_err *err);
capi_status sq_batch_publish(capi_state *state, const capi_claim *claim, capi_str staged, capi_str target,
                             capi_err *err);
capi_status sq_batch_publication(capi_state *state, const capi_claim *claim, capi_arena *arena, capi_str *staged,
                                 capi_str *target, capi_err *err);
capi_status sq_batch_finish(capi_state *state, const capi_claim *claim, const capi_batch_result *result, capi_err *err);
capi_status sq_batch_list(capi_state *state, capi_str run_uid, capi_str node, bool with_extents, capi_arena *arena,
                          capi_batch_state **out, uint32_t *count, capi_err *err);
capi_status sq_seal_claim(capi_state *state, capi_str run_uid, capi_str node, capi_str process_uid,
                          capi_str operation_uid, capi_claim *out, capi_err *err);
capi_status sq_seal_finish(capi_state *state, const capi_claim *claim, const capi_seal_result *result, capi_err *err);
capi_status sq_seal_release(capi_state *state, const capi_claim *claim, capi_err *err);
capi_status sq_process_beat(capi_state *state, capi_str process_uid, capi_err *err);
capi_status sq_process_list(capi_state *state, capi_arena *arena, capi_process **out, uint32_t *count, capi_err *err);
capi_status sq_process_bury(capi_state *state, capi_str process_uid, uint64_t beat, capi_err *err);
capi_status sq_process_leave(capi_state *state, capi_str process_uid, capi_err *err);
