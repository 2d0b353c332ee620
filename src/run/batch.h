/* batch.h - one claimed batch, or one claimed seal, from claim to commit. Runs on a worker's thread; knows nothing of other
 * batches. */
#pragma once

#include "run/run.h"

/* What all batches of one opened node share. */
typedef struct capi_batch_context {
    capi_state *state;
    capi_exec *exec;
    const capi_script *script;
    const capi_node *node;
    const capi_run *run;
    const capi_table_input *reader; /* NULL for files */
    const capi_table_input *lookup; /* NULL if none */
} capi_batch_context;

typedef struct capi_batch_totals {
    capi_work_status status; /* what was committed; NONE when the claim was given back or lost */
    uint64_t rows_read, rows_written;
} capi_batch_totals;

/* Executes, publishes and commits. A failure of the data becomes the batch's status; what is returned is a failure of the
 * store, or CAPI_STOPPED when progress->stop was set (the claim is then given back). */
CAPI_MUST_USE capi_status capi_batch_work(const capi_batch_context *context, const capi_claim *claim,
                                          capi_progress *progress, capi_batch_totals *totals, capi_err *err);

/* Decides the node's status from its batches: fail if any failed; else stopreceived if any was stopped; else fail if a
 * unique index is violated across batches; else success. */
CAPI_MUST_USE capi_status capi_seal_work(const capi_batch_context *context, const capi_claim *claim,
                                         capi_work_status *status, capi_err *err);
