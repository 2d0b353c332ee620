/* worker_observed.h - a capi_worker that tells somebody what became of each batch and seal that another worker has done, when the
 * state knows it: for the log and the metrics of a daemon. */
#pragma once

#include "run/agent.h"

typedef enum capi_report_what {
    CAPI_REPORT_OK,
    CAPI_REPORT_FAILED,
    CAPI_REPORT_RETRY,      /* what it needs is not available: it will be tried again */
    CAPI_REPORT_GIVEN_BACK, /* interrupted */
    CAPI_REPORT_LOST,       /* another process has it, so our result counts for nothing */
    CAPI_REPORTS
} capi_report_what;

typedef struct capi_batch_report {
    capi_str keyspace; /* its name; empty if it was dropped meanwhile */
    capi_report_what what;
    const capi_work_item *item;
    const capi_work_outcome *outcome;
    uint32_t slot;
    bool is_seal;
    int64_t elapsed_ns; /* of the work alone */
} capi_batch_report;

/* Called by the thread that did the work, several at a time. */
typedef void (*capi_batch_report_fn)(void *context, const capi_batch_report *report);

/* The inner worker is borrowed. */
capi_worker *capi_worker_observed_new(capi_worker *inner, capi_state *state, uint32_t slot_count,
                                      capi_batch_report_fn fn, void *context);
void capi_worker_observed_free(capi_worker *worker); /* NULL is fine */
