/* agent_threads.h - drives an agent with real threads: one per slot, one for dispatch, one for beats. They sleep until a step
 * wants to be called again or there is news. */
#pragma once

#include "run/agent.h"
#include "run/wake.h"

typedef struct capi_agent_threads capi_agent_threads;

/* Fills in on_news of *options and makes the agent. What it does that others may wait for is rung, and their rings are heard. wake:
 * ours until the end; may be NULL. */
CAPI_MUST_USE capi_status capi_agent_threads_start(const capi_agent_options *options, capi_wake *wake,
                                                   capi_agent_threads **out, capi_err *err);
capi_agent *capi_agent_threads_agent(capi_agent_threads *threads);
/* Sleeps until news or for timeout_ms; returns at once if there was news since the last call. */
void capi_agent_threads_wait(capi_agent_threads *threads, uint32_t timeout_ms);
/* The first failure of a step that cannot pass by itself, or that has lasted longer than patience_ms; CAPI_OK: none. */
capi_status capi_agent_threads_failure(capi_agent_threads *threads, uint32_t patience_ms, capi_err *err);
/* Tells running batches to give back their claims (at most patience_ms are spent on a store that does not answer), ends the
 * threads, frees the agent. */
void capi_agent_threads_end(capi_agent_threads *threads, uint32_t patience_ms);
