/* worker_exec.h - the capi_worker that really works: batches and seals on exec.h. */
#pragma once

#include "run/agent.h"

capi_worker *capi_worker_exec_new(capi_exec *exec, capi_state *state, uint32_t slot_count);
void capi_worker_exec_free(capi_worker *worker); /* NULL is fine */
