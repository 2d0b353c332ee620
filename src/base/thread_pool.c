/* thread_pool.c - one mutex, a queue of jobs that still have indexes to hand out, oldest first.
 *
 * A morsel is thousands of rows, so taking the lock once per morsel costs nothing that can be measured. A job leaves the
 * queue when its last index is handed out or one of its morsels failed; it is done when, besides, none of its morsels runs.
 * Because indexes are handed out in ascending order, every index below a failed one has been handed out before it; so the
 * lowest failing index of a job always runs, and it is the one that is reported. */
#include "base/thread_pool.h"

#include "base/arena.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct capi_job {
    capi_thread_pool *pool;
    capi_job *newer; /* next in the queue */
    capi_job_fn fn;
    void *context;
    uint64_t count;
    uint64_t next_index;
    uint32_t running_count;
    bool queued;
    pthread_cond_t done;
    uint64_t failed_index; /* lowest so far; UINT64_MAX: none */
    capi_status status;
    capi_err err;
};

typedef struct pool_worker {
    capi_thread_pool *pool;
    uint32_t index;
    pthread_t thread;
} pool_worker;

struct capi_thread_pool {
    pthread_mutex_t mutex;
    pthread_cond_t work; /* the queue is not empty, or the pool ends */
    capi_job *oldest;
    capi_job *newest;
    bool ending;
    uint32_t thread_count;
    pool_worker workers[];
};

static _Thread_local const capi_thread_pool *pool_of_this_thread;

static void queue_add(capi_thread_pool *pool, capi_job *job)
{
    if (pool->newest)
        pool->newest->newer = job;
    else
        pool->oldest = job;
    pool->newest = job;
    job->queued = true;
}

static void queue_remove(capi_thread_pool *pool, capi_job *job)
{
    capi_job *older = NULL;

    for (capi_job *at = pool->oldest; at != job; at = at->newer)
        older = at;
    if (older)
        older->newer = job->newer;
    else
        pool->oldest = job->newer;
    if (pool->newest == job) pool->newest = older;
    job->newer = NULL;
    job->queued = false;
}

static bool job_is_done(const capi_job *job)
{
    return !job->queued && job->running_count == 0;
}

static void job_note_failure(capi_job *job, uint64_t index, capi_status status, const capi_err *err)
{
    if (index < job->failed_index) {
        job->failed_index = index;
        job->status = status;
        capi_err_copy(&job->err, err);
    }
    if (job->queued) queue_remove(job->pool, job);
}

/* Runs one morsel of the oldest job; called and left with the lock held. */
static void worker_step(pool_worker *worker, capi_err *err)
{
    capi_thread_pool *pool = worker->pool;
    capi_job *job = pool->oldest;
    uint64_t index = job->next_index++;
    capi_status status;

    job->running_count++;
    if (job->next_index == job->count) queue_remove(pool, job);
    pthread_mutex_unlock(&pool->mutex);

    capi_err_clear(err);
    status = job->fn(job->context, worker->index, index, err);

    pthread_mutex_lock(&pool->mutex);
    job->running_count--;
    if (status != CAPI_OK) job_note_failure(job, index, status, err);
    if (job_is_done(job)) pthread_cond_signal(&job->done);
}

static void *worker_run(void *context)
{
    pool_worker *worker = context;
    capi_thread_pool *pool = worker->pool;
    capi_err err;

    pool_of_this_thread = pool;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (!pool->oldest && !pool->ending)
            pthread_cond_wait(&pool->work, &pool->mutex);
        if (!pool->oldest) break;
        worker_step(worker, &err);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

uint32_t capi_core_count(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return count < 1 ? 1 : (uint32_t)count;
}

capi_thread_pool *capi_thread_pool_new(uint32_t thread_count)
{
    capi_thread_pool *pool;

    if (thread_count == 0) thread_count = capi_core_count();
    if (thread_count > CAPI_THREAD_MAX) thread_count = CAPI_THREAD_MAX;
    pool = capi_zmalloc(sizeof *pool + thread_count * sizeof(pool_worker));
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    for (uint32_t i = 0; i < thread_count; i++) {
        pool_worker *worker = &pool->workers[i];
        int failure;

        *worker = (pool_worker){.pool = pool, .index = i};
        failure = pthread_create(&worker->thread, NULL, worker_run, worker);
        if (failure && i == 0) {
            fprintf(stderr, "error: could not start a thread: %s\n", strerror(failure));
            abort();
        }
        if (failure) break; /* fewer threads give the same rows */
        pool->thread_count = i + 1;
    }
    return pool;
}

void capi_thread_pool_free(capi_thread_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->mutex);
    assert(!pool->oldest);
    pool->ending = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (uint32_t i = 0; i < pool->thread_count; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

uint32_t capi_thread_pool_size(const capi_thread_pool *pool)
{
    return pool->thread_count;
}

capi_job *capi_job_start(capi_thread_pool *pool, uint64_t count, capi_job_fn fn, void *context)
{
    capi_job *job = capi_malloc(sizeof *job);

    job->pool = pool;
    job->newer = NULL;
    job->fn = fn;
    job->context = context;
    job->count = count;
    job->next_index = 0;
    job->running_count = 0;
    job->queued = false;
    job->failed_index = UINT64_MAX;
    job->status = CAPI_OK;
    capi_err_clear(&job->err);
    pthread_cond_init(&job->done, NULL);
    if (count == 0) return job;
    pthread_mutex_lock(&pool->mutex);
    queue_add(pool, job);
    if (count == 1)
        pthread_cond_signal(&pool->work);
    else
        pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    return job;
}

capi_status capi_job_wait(capi_job *job, capi_err *err)
{
    capi_thread_pool *pool = job->pool;
    capi_status status;

    /* A morsel that waits for other morsels would keep the thread that they need. */
    assert(pool_of_this_thread != pool);
    pthread_mutex_lock(&pool->mutex);
    while (!job_is_done(job))
        pthread_cond_wait(&job->done, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
    status = job->status;
    if (status != CAPI_OK) capi_err_copy(err, &job->err);
    pthread_cond_destroy(&job->done);
    free(job);
    return status;
}

capi_status capi_parallel_for(capi_thread_pool *pool, uint64_t count, capi_job_fn fn, void *context, capi_err *err)
{
    return capi_job_wait(capi_job_start(pool, count, fn, context), err);
}
