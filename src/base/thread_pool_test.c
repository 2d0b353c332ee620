#include "base/thread_pool.h"

#include "base/arena.h"
#include "base/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

typedef struct counters {
    _Atomic uint64_t sum;
    _Atomic uint64_t calls;
    uint64_t fail_from; /* indexes from here on fail, in any order of time */
    uint32_t thread_count;
    _Atomic bool bad_worker;
} counters;

static capi_status count_up(void *context, uint32_t worker, uint64_t index, capi_err *err)
{
    counters *all = context;

    if (worker >= all->thread_count) all->bad_worker = true;
    all->sum += index;
    all->calls++;
    if (index >= all->fail_from) {
        if (index == all->fail_from) usleep(2000); /* the lowest failure comes last */
        return capi_err_set(err, CAPI_INVALID, "morsel %llu", (unsigned long long)index);
    }
    return CAPI_OK;
}

TEST(every_index_is_done_once)
{
    static const uint32_t sizes[] = {1, 2, 7};

    for (size_t i = 0; i < 3; i++) {
        capi_thread_pool *pool = capi_thread_pool_new(sizes[i]);
        counters all = {.fail_from = UINT64_MAX, .thread_count = sizes[i]};
        capi_err err = {0};

        CHECK_INT(capi_thread_pool_size(pool), sizes[i]);
        CHECK_OK(capi_parallel_for(pool, 10000, count_up, &all, &err), err);
        CHECK_INT(all.calls, 10000);
        CHECK_INT(all.sum, 10000 * 9999 / 2);
        CHECK(!all.bad_worker);
        capi_thread_pool_free(pool);
    }
}

TEST(a_job_without_morsels_is_done_at_once)
{
    capi_thread_pool *pool = capi_thread_pool_new(0);
    counters all = {.thread_count = CAPI_THREAD_MAX};

    CHECK(capi_thread_pool_size(pool) >= 1);
    CHECK(capi_parallel_for(pool, 0, count_up, &all, NULL) == CAPI_OK);
    CHECK_INT(all.calls, 0);
    capi_thread_pool_free(pool);
    capi_thread_pool_free(NULL);
}

TEST(of_several_failures_the_lowest_index_wins)
{
    for (uint32_t threads = 1; threads <= 8; threads *= 2) {
        capi_thread_pool *pool = capi_thread_pool_new(threads);

        for (int round = 0; round < 20; round++) {
            counters all = {.fail_from = 17, .thread_count = threads};
            capi_err err = {0};

            CHECK(capi_parallel_for(pool, 1000, count_up, &all, &err) == CAPI_INVALID);
            CHECK_STR(err.text, "morsel 17");
            CHECK(all.calls < 1000);
        }
        capi_thread_pool_free(pool);
    }
}

typedef struct order_log {
    uint64_t seen[100];
    _Atomic uint32_t count;
} order_log;

static capi_status log_order(void *context, uint32_t worker, uint64_t index, capi_err *err)
{
    order_log *log = context;

    (void)worker;
    (void)err;
    log->seen[log->count++] = index;
    return CAPI_OK;
}

TEST(indexes_ascend_and_an_older_job_goes_first)
{
    capi_thread_pool *pool = capi_thread_pool_new(1);
    order_log log = {0};
    capi_job *first = capi_job_start(pool, 30, log_order, &log);
    capi_job *second = capi_job_start(pool, 30, log_order, &log);

    CHECK(capi_job_wait(second, NULL) == CAPI_OK);
    CHECK(capi_job_wait(first, NULL) == CAPI_OK);
    for (uint32_t i = 0; i < 60; i++)
        CHECK_INT(log.seen[i], i % 30);
    capi_thread_pool_free(pool);
}

typedef struct submitter {
    capi_thread_pool *pool;
    uint64_t calls;
    uint32_t failures;
} submitter;

static void *submit_many(void *context)
{
    submitter *mine = context;

    for (uint64_t i = 0; i < 200; i++) {
        counters all = {.fail_from = i % 5 == 0 ? 3 : UINT64_MAX, .thread_count = CAPI_THREAD_MAX};

        if (capi_parallel_for(mine->pool, i % 23, count_up, &all, NULL) != CAPI_OK) mine->failures++;
        mine->calls += all.calls;
    }
    return NULL;
}

TEST(many_jobs_from_several_threads_share_the_pool)
{
    capi_thread_pool *pool = capi_thread_pool_new(3);
    submitter submitters[4] = {0};
    pthread_t threads[4];

    for (int i = 0; i < 4; i++) {
        submitters[i].pool = pool;
        CHECK_INT(pthread_create(&threads[i], NULL, submit_many, &submitters[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 1; i < 4; i++)
        CHECK_INT(submitters[i].failures, submitters[0].failures);
    CHECK(submitters[0].failures > 0);
    CHECK(submitters[0].calls > 1000);
    capi_thread_pool_free(pool);
}
