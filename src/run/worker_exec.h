/* worker_exec.h - the capi_worker that really works: batches and seals on exec.h. */
#pragma once

#include "run/alone.h"

/* alone: how batches on which processes died get a process of their own; borrowed. NULL: they do not. */
capi_worker *capi_worker_exec_new(capi_exec *exec, capi_state *state, uint32_t slot_count, const capi_alone *alone);
void capi_worker_exec_free(capi_worker *worker); /* NULL is fine */
