/* serve.h - the daemon's work: every live queued run of a data folder. */
#pragma once

#include "run/agent.h"

/* Works until *interrupted is not 0; then running batches give back their claims. `watch` (or NULL) is called a few times a
 * second with what was done so far: for logs and metrics. */
CAPI_MUST_USE capi_status capi_serve(capi_engine *engine, const volatile int *interrupted,
                                     void (*watch)(void *context, const capi_agent_totals *totals), void *watch_context,
                                     capi_err *err);
