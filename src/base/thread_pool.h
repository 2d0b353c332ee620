/* thread_pool.h - a fixed number of threads that work through numbered morsels.
 *
 * One pool serves all jobs of a process; jobs that run at the same time share its threads, oldest job first, so that nodes
 * that are ready run together. Indexes of a job are handed out in ascending order. Each call of `fn` gets the number of the
 * worker (0 .. thread_count-1) that runs it, so that it can keep state per worker without locks; the thread that waits for a
 * job does not work on it itself. */
#pragma once

#include "base/err.h"

typedef struct capi_thread_pool capi_thread_pool;
typedef struct capi_job capi_job;

enum { CAPI_THREAD_MAX = 256 };

/* Cores that this process may use. */
uint32_t capi_core_count(void);

/* thread_count 0: one per core. */
capi_thread_pool *capi_thread_pool_new(uint32_t thread_count);
/* All jobs must have been waited for. */
void capi_thread_pool_free(capi_thread_pool *pool);
uint32_t capi_thread_pool_size(const capi_thread_pool *pool);

/* Does one morsel. A failure stops the handing out of higher indexes; the lower ones that are still running finish. */
typedef capi_status (*capi_job_fn)(void *context, uint32_t worker, uint64_t index, capi_err *err);

/* Starts fn(context, worker, i) for i in 0 .. count-1 and returns at once. */
capi_job *capi_job_start(capi_thread_pool *pool, uint64_t count, capi_job_fn fn, void *context);
/* Waits for the end and frees the job. Of several failures the one with the lowest index is returned: the same for any
 * number of threads. */
CAPI_MUST_USE capi_status capi_job_wait(capi_job *job, capi_err *err);

/* Start and wait. */
CAPI_MUST_USE capi_status capi_parallel_for(capi_thread_pool *pool, uint64_t count, capi_job_fn fn, void *context,
                                            capi_err *err);
