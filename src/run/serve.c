/* serve.c - works on every live queued run of a data folder until it is told to end: the daemon. */
#include "run/serve.h"
#include "run/agent_threads.h"
#include "run/engine.h"
#include "run/worker_exec.h"

#include "base/log.h"

enum { SERVE_LOOK_MS = 500, SERVE_PATIENCE_MS = 10000 };

static capi_status load_script(void *context, const capi_run *run, capi_script **out, capi_err *err)
{
    return capi_run_script(context, run, out, err);
}

/* Says once that the store does not answer, and once that it does again. */
static void log_failure(capi_agent_threads *threads, bool *is_failing)
{
    capi_err err = {0};
    capi_status status = capi_agent_threads_failure(threads, 0, &err);

    if (status != CAPI_OK && !*is_failing)
        capi_log(CAPI_LOG_ERROR, "the store does not answer", "error", err.text, NULL);
    if (status == CAPI_OK && *is_failing) capi_log(CAPI_LOG_INFO, "the store answers again", NULL);
    *is_failing = status != CAPI_OK;
}

capi_status capi_serve(capi_engine *engine, const volatile int *interrupted,
                       void (*watch)(void *context, const capi_agent_totals *totals), void *watch_context,
                       capi_err *err)
{
    capi_worker *worker = capi_worker_exec_new(&engine->exec, engine->state, engine->batch_count_max);
    capi_agent_threads *threads = NULL;
    bool is_failing = false;
    capi_agent_options options = {
        .state = engine->state,
        .clock = &capi_clock_system,
        .random = &capi_random_system,
        .worker = worker,
        .process_uid = capi_str_of(engine->process_uid),
        .slot_count = engine->batch_count_max,
        .lease_ns = engine->lease_ns,
        .load = load_script,
        .load_context = engine->state,
    };
    capi_status st = capi_agent_threads_start(&options, &threads, err);

    while (st == CAPI_OK && !*interrupted) {
        capi_agent_totals totals;

        capi_agent_threads_wait(threads, SERVE_LOOK_MS);
        log_failure(threads, &is_failing);
        capi_agent_count(capi_agent_threads_agent(threads), &totals);
        if (watch) watch(watch_context, &totals);
    }
    capi_agent_threads_end(threads, SERVE_PATIENCE_MS);
    capi_worker_exec_free(worker);
    return st;
}
