/* state_timed.h - a state that measures another: how long operations take, and how many fail. For the daemon's metrics. */
#pragma once

#include "base/histogram.h"
#include "store/state.h"

typedef struct capi_state_times {
    capi_histogram duration;        /* of all operations */
    _Atomic uint64_t failure_count; /* the store was away, or an internal error; refusals are answers like others */
} capi_state_times;

/* Takes the inner state, which it closes with itself; *times must outlive it. */
capi_state *capi_state_timed_new(capi_state *inner, capi_state_times *times);
