/* serve.h - the daemon's work: every live queued run of a data folder. */
#pragma once

#include "run/worker_observed.h"

typedef struct capi_serve_options {
    const _Atomic int *interrupted;
    capi_str custom_processors_json; /* see capi_load_options */
    /* Called a few times a second with what was done so far. May be NULL. */
    void (*watch)(void *context, const capi_agent_totals *totals);
    /* Called for each batch and seal, by the thread that did it. May be NULL. */
    capi_batch_report_fn on_batch;
    /* Called for each node that is refused, or begins to wait. May be NULL. */
    void (*on_held)(void *context, const capi_held_node *held);
    /* Called when the store does not answer, with the cause, and with NULL when it does again. May be NULL. */
    void (*on_store)(void *context, const capi_err *err);
    void *context; /* of all */
} capi_serve_options;

/* Works until *interrupted is not 0; then running batches give back their claims. A store that does not answer is waited for; one
 * that is no longer the one that was opened is an error. */
CAPI_MUST_USE capi_status capi_serve(capi_engine *engine, const capi_serve_options *options, capi_err *err);
