/* serve.c - works on every live queued run of a data folder until it is told to end: the daemon. */
#include "run/serve.h"

#include "base/log.h"
#include "exec/node_py_calc.h"
#include "run/agent_threads.h"
#include "run/engine.h"
#include "run/worker_exec.h"

enum { SERVE_LOOK_MS = 500, SERVE_PATIENCE_MS = 10000 };

typedef struct serve_loader {
    capi_state *state;
    capi_str custom_processors_json;
} serve_loader;

static capi_status load_script(void *context, const capi_run *run, capi_script **out, capi_err *err)
{
    const serve_loader *loader = context;

    CAPI_TRY(capi_run_script_with(loader->state, run, loader->custom_processors_json, out, err));
    exec_py_calc_warm_up(*out);
    return CAPI_OK;
}

/* Says once that the store does not answer, and once that it does again. */
static void log_failure(capi_agent_threads *threads, const capi_serve_options *options, bool *is_failing)
{
    capi_err err = {0};
    capi_status status = capi_agent_threads_failure(threads, 0, &err);

    if (options->on_store && (status != CAPI_OK) != *is_failing)
        options->on_store(options->context, status != CAPI_OK ? &err : NULL);
    if (status != CAPI_OK && !*is_failing)
        capi_log(CAPI_LOG_ERROR, "the store does not answer", "f", "serve", "error", err.text, NULL);
    if (status == CAPI_OK && *is_failing) capi_log(CAPI_LOG_INFO, "the store answers again", "f", "serve", NULL);
    *is_failing = status != CAPI_OK;
}

static capi_status serve_watch(capi_agent_threads *threads, capi_state *state, const capi_serve_options *options,
                               capi_err *err)
{
    bool is_failing = false;

    while (!*options->interrupted) {
        capi_agent_totals totals;

        capi_agent_threads_wait(threads, SERVE_LOOK_MS);
        log_failure(threads, options, &is_failing);
        if (capi_state_check(state, err) == CAPI_INVALID) return CAPI_INVALID;
        capi_agent_count(capi_agent_threads_agent(threads), &totals);
        if (options->watch) options->watch(options->context, &totals);
    }
    capi_err_clear(err);
    return CAPI_OK;
}

capi_status capi_serve(capi_engine *engine, const capi_serve_options *options, capi_err *err)
{
    serve_loader loader = {engine->state, options->custom_processors_json};
    capi_worker *worker = capi_worker_exec_new(&engine->exec, engine->state, engine->batch_count_max,
                                               engine->can_work_alone ? &engine->alone : NULL);
    capi_worker *observed = options->on_batch ? capi_worker_observed_new(worker, engine->state, engine->batch_count_max,
                                                                         options->on_batch, options->context)
                                              : NULL;
    capi_agent_threads *threads = NULL;
    capi_agent_options agent = {
        .state = engine->state,
        .clock = &capi_clock_system,
        .random = &capi_random_system,
        .worker = observed ? observed : worker,
        .process_uid = capi_str_of(engine->process_uid),
        .slot_count = engine->batch_count_max,
        .lease_ns = engine->lease_ns,
        .patience_ns = engine->patience_ns,
        .load = load_script,
        .load_context = &loader,
        .on_held = options->on_held,
        .held_context = options->context,
    };
    capi_status st;

    engine->has_worked = true;
    (void)capi_temp_folders_sweep(engine->folder.data);
    st = capi_agent_threads_start(&agent, capi_wake_open(engine->folder.data), &threads, err);

    if (st == CAPI_OK) st = serve_watch(threads, engine->state, options, err);
    capi_agent_threads_end(threads, SERVE_PATIENCE_MS);
    capi_worker_observed_free(observed);
    capi_worker_exec_free(worker);
    return st;
}
