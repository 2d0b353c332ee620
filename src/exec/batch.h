/* batch.h - what the parts of one batch share. Private to src/exec/.
 *
 *     scan ──rows──▶ node (one file per type) ──columns, selection──▶ sink
 *
 * A batch is driven morsel by morsel (drive.h). The thread that called capi_batch_run owns exec_batch and its arena; workers
 * only read it. What a worker changes lies in arrays with one element per worker. */
#pragma once

#include "exec/exec.h"

#include "base/buf.h"

typedef struct exec_batch {
    capi_exec *exec;
    const capi_batch_task *task;
    const capi_node *node;
    capi_arena *arena; /* of the batch */
    capi_batch_output *out;
    uint32_t worker_count;
    bool is_quiet; /* work that is done over again is not counted as progress */
} exec_batch;

enum { EXEC_NO_ROW = UINT32_MAX };

/* Puts "<prefix>: " before the cause that *err holds. */
void exec_err_prefix(capi_err *err, const char *format, ...) CAPI_PRINTF(2, 3);

/* CAPI_STOPPED with words when the owner of the batch wants it to end. */
CAPI_MUST_USE capi_status exec_check_stop(const exec_batch *batch, capi_err *err);

/* Reserves from the budget; lookup indexes that nobody uses are let go for it. Release with capi_budget_release. */
CAPI_MUST_USE capi_status exec_reserve(capi_exec *exec, uint64_t bytes, const char *what, capi_err *err);
bool exec_try_reserve(capi_exec *exec, uint64_t bytes);

/* Which source columns the program reads from the reader's side; needed[] has one element per column and is only added to. */
void exec_needed_columns(const capi_node *node, const capi_program *program, capi_side side, bool *needed);

/* ---- nodes: one batch each ---- */

CAPI_MUST_USE capi_status exec_file_table(exec_batch *batch, capi_err *err);
CAPI_MUST_USE capi_status exec_table_table(exec_batch *batch, capi_err *err);
CAPI_MUST_USE capi_status exec_lookup(exec_batch *batch, capi_err *err);
CAPI_MUST_USE capi_status exec_distinct(exec_batch *batch, capi_err *err);
CAPI_MUST_USE capi_status exec_table_file(exec_batch *batch, capi_err *err);
CAPI_MUST_USE capi_status exec_custom(exec_batch *batch, capi_err *err);
