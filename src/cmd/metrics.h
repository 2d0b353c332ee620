/* metrics.h - what a daemon tells Prometheus, as its text format. */
#pragma once

#include "run/agent.h"
#include "store/state_timed.h"

typedef struct capi_metrics {
    capi_agent_totals totals;
    capi_state_times store;        /* any thread */
    capi_histogram batches, seals; /* how long they took; any thread */
    uint64_t queue_depth;          /* batches of opened nodes that nobody works on */
    uint64_t memory_used_bytes, memory_limit_bytes;
} capi_metrics;

/* How many batches wait in all live runs of a data folder. */
CAPI_MUST_USE capi_status capi_metrics_queue_depth(capi_state *state, uint64_t *out, capi_err *err);

void capi_metrics_write(const capi_metrics *metrics, capi_buf *to);
/* The standard process_* set. */
void capi_metrics_write_process(capi_buf *to);
