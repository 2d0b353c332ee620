/* worker_observed.h - a capi_worker that tells somebody about each batch and seal that another worker has done: for the log
 * and the metrics of a daemon. */
#pragma once

#include "run/agent.h"

typedef struct capi_batch_report {
    capi_str keyspace; /* its name; empty if it was dropped meanwhile */
    const capi_work_item *item;
    const capi_work_outcome *outcome;
    uint32_t slot;
    bool is_seal;
    int64_t elapsed_ns;
} capi_batch_report;

/* Called by the thread that did the work, several at a time. */
typedef void (*capi_batch_report_fn)(void *context, const capi_batch_report *report);

/* The inner worker is borrowed. */
capi_worker *capi_worker_observed_new(capi_worker *inner, capi_state *state, capi_batch_report_fn fn, void *context);
void capi_worker_observed_free(capi_worker *worker); /* NULL is fine */
