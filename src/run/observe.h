/* observe.h - a picture of a run that others work on, put together from the state alone. */
#pragma once

/* What a node waits for that could be worked on at once. */
#define CAPI_WAITS_FOR_PROCESS "a process to work on it"

#include "run/run.h"

/* The run as it is now; nodes in topological order, what they wait for included. In the arena. */
CAPI_MUST_USE capi_status capi_run_observe(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id,
                                           const capi_script *script, capi_arena *arena, capi_run *run,
                                           capi_run_view *out, capi_err *err);
