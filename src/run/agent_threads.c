/* agent_threads.c - a thread for each kind of step; news wakes them all. */
#include "run/agent_threads.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEP_DISPATCH, STEP_BEAT, STEP_SLOTS };

typedef struct agent_thread {
    capi_agent_threads *owner;
    pthread_t thread;
    uint32_t kind;       /* STEP_DISPATCH, STEP_BEAT, or STEP_SLOTS + slot */
    capi_status failure; /* of its last step that called the state; under the lock */
    int64_t failing_since_ns;
    capi_err failure_err;
} agent_thread;

struct capi_agent_threads {
    capi_agent *agent;
    capi_wake *wake_file; /* the other processes */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    uint64_t news;        /* counts */
    uint64_t news_waited; /* what capi_agent_threads_wait has seen */
    bool is_ending;       /* leave as soon as the slot is idle */
    bool is_leaving;      /* leave now */
    agent_thread *threads;
    uint32_t count;
};

static int64_t now_ns(void)
{
    return capi_clock_system.monotonic_ns(capi_clock_system.context);
}

static struct timespec at(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

static void on_news(void *context)
{
    capi_agent_threads *threads = context;

    pthread_mutex_lock(&threads->lock);
    threads->news++;
    pthread_cond_broadcast(&threads->wake);
    pthread_mutex_unlock(&threads->lock);
}

/* Each thread repeats the step that failed until it goes well, so its own next success ends its failure. */
static void note_status(agent_thread *thread, capi_status status, const capi_err *err)
{
    pthread_mutex_lock(&thread->owner->lock);
    if (status != CAPI_OK && thread->failure == CAPI_OK) thread->failing_since_ns = now_ns();
    if (status != CAPI_OK) capi_err_copy(&thread->failure_err, err);
    thread->failure = status;
    pthread_mutex_unlock(&thread->owner->lock);
}

static capi_status do_step(agent_thread *thread, capi_step *step, capi_err *err)
{
    capi_agent *agent = thread->owner->agent;

    switch (thread->kind) {
    case STEP_DISPATCH: return capi_agent_dispatch_step(agent, step, err);
    case STEP_BEAT: return capi_agent_beat_step(agent, step, err);
    default: return capi_agent_slot_step(agent, thread->kind - STEP_SLOTS, step, err);
    }
}

/* With the lock held. Slots leave when they are idle, the others when all slots are. */
static bool must_leave(const agent_thread *thread, bool did_nothing)
{
    const capi_agent_threads *threads = thread->owner;

    if (threads->is_leaving) return true;
    return threads->is_ending && thread->kind >= STEP_SLOTS && did_nothing;
}

/* Nodes begin and end, and work is given back: others can go on then. Batches are too many, and nobody waits for one. */
static bool is_news_for_others(const char *did)
{
    static const char *const words[] = {"open", "refuse", "complete", "seal finish", "release", "seal release", "bury"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(did, words[i]) == 0) return true;
    return false;
}

static void on_ring(void *context)
{
    capi_agent_threads *threads = context;

    capi_agent_hear(threads->agent);
}

static void *thread_main(void *argument)
{
    agent_thread *thread = argument;
    capi_agent_threads *threads = thread->owner;
    capi_err err = {0};
    uint64_t seen = 0;

    for (;;) {
        capi_step step;
        capi_status status;
        struct timespec until;

        pthread_mutex_lock(&threads->lock);
        seen = threads->news;
        pthread_mutex_unlock(&threads->lock);
        status = do_step(thread, &step, &err);
        if (status != CAPI_OK || step.did) note_status(thread, status, &err);
        if (status == CAPI_OK && step.did && is_news_for_others(step.did)) capi_wake_ring(threads->wake_file);

        pthread_mutex_lock(&threads->lock);
        if (must_leave(thread, !step.did)) break;
        until = at(step.again_ns);
        while (step.again_ns && threads->news == seen && !threads->is_ending && !threads->is_leaving)
            if (pthread_cond_timedwait(&threads->wake, &threads->lock, &until) != 0) break;
        pthread_mutex_unlock(&threads->lock);
    }
    pthread_mutex_unlock(&threads->lock);
    return NULL;
}

static void join_all(capi_agent_threads *threads, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        pthread_join(threads->threads[i].thread, NULL);
}

capi_status capi_agent_threads_start(const capi_agent_options *given, capi_wake *wake, capi_agent_threads **out,
                                     capi_err *err)
{
    capi_agent_threads *threads = capi_zmalloc(sizeof *threads);
    capi_agent_options options = *given;
    uint32_t wanted = STEP_SLOTS + options.slot_count;
    pthread_condattr_t monotonic;

    options.on_news = on_news;
    options.news_context = threads;
    pthread_mutex_init(&threads->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&threads->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    threads->agent = capi_agent_new(&options);
    threads->wake_file = wake;
    threads->threads = capi_zmalloc(wanted * sizeof *threads->threads);
    for (uint32_t i = 0; i < wanted; i++) {
        threads->threads[i].owner = threads;
        threads->threads[i].kind = i;
        if (pthread_create(&threads->threads[i].thread, NULL, thread_main, &threads->threads[i]) != 0) {
            capi_agent_threads_end(threads, 0);
            return capi_err_set(err, CAPI_UNAVAILABLE, "could not start thread %u of %u", i + 1, wanted);
        }
        threads->count = i + 1;
    }
    capi_wake_listen(wake, on_ring, threads);
    *out = threads;
    return CAPI_OK;
}

capi_agent *capi_agent_threads_agent(capi_agent_threads *threads)
{
    return threads->agent;
}

void capi_agent_threads_wait(capi_agent_threads *threads, uint32_t timeout_ms)
{
    struct timespec until = at(now_ns() + (int64_t)timeout_ms * 1000000);

    pthread_mutex_lock(&threads->lock);
    while (threads->news == threads->news_waited)
        if (pthread_cond_timedwait(&threads->wake, &threads->lock, &until) != 0) break;
    threads->news_waited = threads->news;
    pthread_mutex_unlock(&threads->lock);
}

capi_status capi_agent_threads_failure(capi_agent_threads *threads, uint32_t patience_ms, capi_err *err)
{
    capi_status status = CAPI_OK;

    pthread_mutex_lock(&threads->lock);
    for (uint32_t i = 0; i < threads->count && status == CAPI_OK; i++) {
        const agent_thread *thread = &threads->threads[i];
        bool may_pass =
            thread->failure == CAPI_UNAVAILABLE && now_ns() - thread->failing_since_ns < (int64_t)patience_ms * 1000000;

        if (thread->failure == CAPI_OK || may_pass) continue;
        status = thread->failure;
        capi_err_copy(err, &thread->failure_err);
    }
    pthread_mutex_unlock(&threads->lock);
    return status;
}

static void raise_flag(capi_agent_threads *threads, bool *flag)
{
    pthread_mutex_lock(&threads->lock);
    *flag = true;
    pthread_cond_broadcast(&threads->wake);
    pthread_mutex_unlock(&threads->lock);
}

/* Waits until all slots are idle, as long as the store answers. */
static void wait_idle(capi_agent_threads *threads, uint32_t patience_ms)
{
    capi_err err = {0};

    while (!capi_agent_is_idle(threads->agent)) {
        if (capi_agent_threads_failure(threads, patience_ms, &err) != CAPI_OK) return;
        capi_agent_threads_wait(threads, 20);
    }
}

void capi_agent_threads_end(capi_agent_threads *threads, uint32_t patience_ms)
{
    if (!threads) return;
    capi_agent_stop(threads->agent);
    raise_flag(threads, &threads->is_ending);
    if (threads->count) wait_idle(threads, patience_ms);
    raise_flag(threads, &threads->is_leaving);
    join_all(threads, 0, threads->count);
    capi_wake_close(threads->wake_file);
    capi_agent_free(threads->agent);
    pthread_cond_destroy(&threads->wake);
    pthread_mutex_destroy(&threads->lock);
    free(threads->threads);
    free(threads);
}
