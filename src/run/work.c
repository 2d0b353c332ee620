/* work.c - works on one run in this process and shows it to a watcher, until it is complete, stopped, or waits for somebody
 * else. */
#include "run/agent_threads.h"
#include "run/engine.h"
#include "run/source_files.h"
#include "run/worker_exec.h"

#include "base/clock.h"

#include <stdlib.h>

/* How long a store may be away before the work is given up (its claims are then left to others). */
enum { WORK_PATIENCE_MS = 30000, WORK_END_PATIENCE_MS = 3000 };

static bool is_interrupted(const capi_work_options *options)
{
    return options->interrupted && *options->interrupted;
}

enum { WAITING_LINES_MAX = 10 };

static capi_str waiting_lines(const capi_run_view *view, capi_arena *arena)
{
    capi_buf lines = {0};
    capi_str text;
    uint32_t count = 0;

    for (uint32_t i = 0; i < view->node_count && count < WAITING_LINES_MAX; i++) {
        const capi_node_view *node = &view->nodes[i];

        if (node->status != CAPI_WORK_NONE || node->waiting_for.bytes == 0) continue;
        capi_buf_printf(&lines, "node \"%.*s\" waits for %.*s\n", CAPI_STR_ARG(node->name),
                        CAPI_STR_ARG(node->waiting_for));
        count++;
    }
    text = capi_str_copy(arena, capi_buf_str(&lines));
    capi_buf_deinit(&lines);
    return text;
}

static void sum_up(const capi_run_view *view, capi_arena *arena, capi_work_result *out)
{
    *out = (capi_work_result){0};
    for (uint32_t i = 0; i < view->node_count; i++) {
        const capi_node_view *node = &view->nodes[i];

        out->nodes_failed += node->status == CAPI_WORK_FAIL;
        out->nodes_waiting += node->status == CAPI_WORK_NONE;
        if (node->status == CAPI_WORK_FAIL && out->first_failure.bytes == 0)
            out->first_failure = capi_str_copy(arena, node->comment);
    }
    if (out->nodes_waiting) out->waiting = waiting_lines(view, arena);
}

static capi_status look_if_stopped(capi_state *state, const capi_work_options *options, capi_arena *arena,
                                   capi_work_result *out, capi_err *err)
{
    capi_run run;

    CAPI_TRY(capi_run_get(state, options->keyspace, options->run->run_id, arena, &run, err));
    out->is_stopped = run.status == CAPI_RUN_STOP;
    out->stop_comment = run.stop_comment;
    return CAPI_OK;
}

/* ---- what other processes did ---- */

/* Of an ended node that this process did not do alone: what all of them did, looked up once. */
typedef struct ended_node {
    bool is_known;
    uint64_t rows_read, rows_written;
    int64_t elapsed_ms;
} ended_node;

typedef struct ended_nodes {
    capi_state *state;
    capi_str run_uid;
    ended_node *nodes; /* by their place in the view; on the heap */
} ended_nodes;

static void look_up_node(const ended_nodes *ended, capi_str name, ended_node *out)
{
    capi_arena scratch = {0};
    capi_batch_state *batches = NULL;
    capi_node_state node;
    uint32_t count = 0;

    if (capi_node_get(ended->state, ended->run_uid, name, &scratch, &node, NULL) == CAPI_OK &&
        capi_batch_list(ended->state, ended->run_uid, name, false, &scratch, &batches, &count, NULL) == CAPI_OK) {
        for (uint32_t i = 0; i < count; i++) {
            out->rows_read += batches[i].rows_read;
            out->rows_written += batches[i].rows_written;
        }
        out->elapsed_ms = node.start_ms ? node.final_ms - node.start_ms : 0;
        out->is_known = true;
    }
    capi_arena_deinit(&scratch);
}

static void fill_in(ended_nodes *ended, capi_run_view *view)
{
    if (!ended->nodes) ended->nodes = capi_zmalloc((view->node_count + 1) * sizeof *ended->nodes);
    for (uint32_t i = 0; i < view->node_count; i++) {
        capi_node_view *node = &view->nodes[i];
        ended_node *all = &ended->nodes[i];

        if (node->status < CAPI_WORK_SUCCESS || node->batches_here >= node->batches_total) continue;
        if (!all->is_known) look_up_node(ended, node->name, all);
        if (!all->is_known) continue;
        node->rows_read = all->rows_read;
        node->rows_written = all->rows_written;
        node->elapsed_ms = all->elapsed_ms;
    }
}

/* ---- watching ---- */

/* A store that does not answer holds up everything that has begun. */
static void show_store_trouble(capi_agent_threads *threads, capi_arena *scratch, capi_run_view *view)
{
    capi_err trouble = {0};

    if (capi_agent_threads_failure(threads, 0, &trouble) == CAPI_OK) return;
    for (uint32_t i = 0; i < view->node_count; i++)
        if (view->nodes[i].status == CAPI_WORK_START)
            view->nodes[i].waiting_for = capi_str_copy(scratch, capi_str_of(trouble.text));
}

/* Looks and shows until there is nothing left to wait for. */
static capi_status work_watch(capi_agent_threads *threads, const capi_work_options *options, ended_nodes *ended,
                              capi_arena *scratch, capi_run_view *view, capi_err *err)
{
    uint32_t interval_ms = options->interval_ms ? options->interval_ms : 200;
    int64_t shown_ns = 0;

    for (;;) {
        int64_t now_ns = capi_clock_system.monotonic_ns(capi_clock_system.context);
        capi_agent_state state;

        if (is_interrupted(options)) return capi_err_set(err, CAPI_STOPPED, "interrupted");
        CAPI_TRY(capi_agent_threads_failure(threads, WORK_PATIENCE_MS, err));
        capi_arena_reset(scratch);
        state = capi_agent_view(capi_agent_threads_agent(threads), scratch, view);
        if (view->node_count) fill_in(ended, view);
        if (state != CAPI_AGENT_WORKING) return CAPI_OK;
        show_store_trouble(threads, scratch, view);
        if (options->watch && now_ns - shown_ns >= (int64_t)interval_ms * 1000000) {
            options->watch(options->watch_context, view);
            shown_ns = now_ns;
        }
        capi_agent_threads_wait(threads, interval_ms);
    }
}

capi_status capi_run_work(capi_engine *engine, const capi_work_options *options, capi_arena *arena,
                          capi_work_result *out, capi_err *err)
{
    capi_worker *worker = capi_worker_exec_new(&engine->exec, engine->state, engine->batch_count_max,
                                               engine->can_work_alone ? &engine->alone : NULL);
    capi_agent_threads *threads = NULL;
    capi_arena scratch = {0};
    capi_run_view view = {0};
    ended_nodes ended = {.state = engine->state, .run_uid = options->run->run_uid};
    capi_script *of_run = NULL; /* with the files that were looked up when the run was started */
    capi_agent_options agent = {
        .state = engine->state,
        .clock = &capi_clock_system,
        .random = &capi_random_system,
        .worker = worker,
        .process_uid = capi_str_of(engine->process_uid),
        .slot_count = options->only_node.bytes ? 1 : engine->batch_count_max,
        .lease_ns = engine->lease_ns,
        .patience_ns = engine->patience_ns,
        .keyspace = options->keyspace,
        .run = options->run,
        .script = options->script,
        .only_node = options->only_node,
    };
    capi_status st;

    *out = (capi_work_result){0};
    engine->has_worked = true;
    (void)capi_temp_folders_sweep(engine->folder.data);
    if (capi_source_has_patterns(options->script)) {
        CAPI_TRY_OUT(capi_run_script(engine->state, options->run, &of_run, err));
        agent.script = of_run;
    }
    CAPI_TRY_OUT(capi_agent_threads_start(&agent, capi_wake_open(engine->folder.data), &threads, err));
    st = work_watch(threads, options, &ended, &scratch, &view, err);
    if (st == CAPI_OK) {
        if (options->watch) options->watch(options->watch_context, &view);
        sum_up(&view, arena, out);
        st = look_if_stopped(engine->state, options, arena, out, err);
        if (st == CAPI_NOT_FOUND && view.status == CAPI_RUN_COMPLETE) { /* it ended well, and gc has taken it since */
            st = CAPI_OK;
            capi_err_clear(err);
        }
    }
out:
    capi_agent_threads_end(threads, WORK_END_PATIENCE_MS);
    capi_worker_exec_free(worker);
    capi_script_free(of_run);
    capi_arena_deinit(&scratch);
    free(ended.nodes);
    return st;
}
