/* cmd_watch.c - "capillaries watch": shows a run that other processes work on, until it ends. */
#include "cmd/commands.h"
#include "cmd/find.h"
#include "cmd/history.h"
#include "cmd/progress.h"
#include "cmd/session.h"

#include "run/observe.h"

#include <stdio.h>
#include <time.h>

enum { WATCH_EVERY_MS = 500, WATCH_NOBODY_MS = 5000, LOCK_PATIENCE_MS = 200, LOCK_LOOK_EVERY = 4 };

typedef struct watch {
    capi_engine *engine;
    capi_state *state;
    capi_keyspace keyspace;
    uint32_t run_id;
    capi_arena arena; /* keyspace, script */
    capi_script *script;
    capi_display *display;
    capi_output output;
    uint64_t figure;    /* changes whenever the run gets on */
    int64_t changed_ms; /* when it did last */
    bool has_said_nobody;
    uint32_t looks;
    bool has_told_trouble;
} watch;

static int64_t now_ms(void)
{
    return capi_clock_system.monotonic_ns(capi_clock_system.context) / 1000000;
}

static bool is_waiting(const capi_node_view *node)
{
    return node->status == CAPI_WORK_NONE && node->waiting_for.bytes;
}

/* Is there a node that any process could work on? */
static bool has_work(const capi_run_view *view)
{
    for (uint32_t i = 0; i < view->node_count; i++)
        if (view->nodes[i].status == CAPI_WORK_START ||
            (is_waiting(&view->nodes[i]) &&
             capi_str_equal(view->nodes[i].waiting_for, CAPI_STR(CAPI_WAITS_FOR_PROCESS))))
            return true;
    return false;
}

/* Nobody holds a batch and nothing has changed for a while: the watcher should know, once. */
static void say_if_nobody_works(watch *watched, const capi_run_view *view)
{
    uint64_t figure = 0;
    uint32_t running = 0;

    for (uint32_t i = 0; i < view->node_count; i++) {
        figure = figure * 31 + view->nodes[i].batches_done * 8 + view->nodes[i].status;
        running += view->nodes[i].batches_running;
    }
    if (figure != watched->figure || running || watched->changed_ms == 0) {
        watched->figure = figure;
        watched->changed_ms = now_ms();
        watched->has_said_nobody = false;
    }
    if (watched->has_said_nobody || now_ms() - watched->changed_ms < WATCH_NOBODY_MS) return;
    watched->has_said_nobody = true;
    if (has_work(view))
        fprintf(stderr,
                "no process works on run %u: start one with \"capillaries daemon\", or go on with it by \"capillaries "
                "resume\"\n",
                watched->run_id);
    else
        fprintf(stderr, "run %u does not get on: no node of it can be worked on now\n", watched->run_id);
    for (uint32_t i = 0; i < view->node_count; i++)
        if (is_waiting(&view->nodes[i]))
            fprintf(stderr, "node \"%.*s\" waits for %.*s\n", CAPI_STR_ARG(view->nodes[i].name),
                    CAPI_STR_ARG(view->nodes[i].waiting_for));
}

static int report(const watch *watched, const capi_run *run, const capi_run_view *view)
{
    uint32_t failed = 0;

    for (uint32_t i = 0; i < view->node_count; i++) {
        if (view->nodes[i].status != CAPI_WORK_FAIL) continue;
        if (failed++ == 0) fprintf(stderr, "error: %.*s\n", CAPI_STR_ARG(view->nodes[i].comment));
    }
    fprintf(stderr, "run %u of keyspace \"%.*s\" is %s", run->run_id, CAPI_STR_ARG(watched->keyspace.name),
            run->status == CAPI_RUN_STOP ? "stopped" : "complete");
    if (run->status == CAPI_RUN_STOP && run->stop_comment.bytes)
        fprintf(stderr, ": %.*s", CAPI_STR_ARG(run->stop_comment));
    if (failed) fprintf(stderr, "; %u node%s failed", failed, failed == 1 ? "" : "s");
    fprintf(stderr, "\n");
    return failed || run->status == CAPI_RUN_STOP ? CAPI_EXIT_FAILED : CAPI_EXIT_DONE;
}

static void say_if_nobody_can_write(watch *watched)
{
    capi_err err = {0};
    bool is_well;

    if (++watched->looks % LOCK_LOOK_EVERY) return;
    is_well = capi_engine_check_writable(watched->engine, LOCK_PATIENCE_MS, &err) == CAPI_OK;
    if (!is_well && !watched->has_told_trouble) fprintf(stderr, "note: %s\n", err.text);
    watched->has_told_trouble = !is_well;
}

static capi_status watch_until_end(watch *watched, int *exit_code, capi_err *err)
{
    capi_arena scratch = {0};
    capi_run_view view;
    capi_run run;
    capi_status st;

    for (;;) {
        struct timespec pause = {.tv_nsec = WATCH_EVERY_MS * 1000000L};

        capi_arena_reset(&scratch);
        CAPI_TRY_OUT(capi_run_observe(watched->state, &watched->keyspace, watched->run_id, watched->script, &scratch,
                                      &run, &view, err));
        capi_display_watch(watched->display, &view);
        if (run.status != CAPI_RUN_START) break;
        say_if_nobody_works(watched, &view);
        say_if_nobody_can_write(watched);
        if (*capi_interrupts()) {
            fprintf(stderr, "run %u goes on without a watcher\n", watched->run_id);
            *exit_code = CAPI_EXIT_INTERRUPTED;
            goto out;
        }
        nanosleep(&pause, NULL);
    }
    *exit_code = report(watched, &run, &view);
    st = capi_print_nodes(watched->state, &run, watched->output, err);
out:
    capi_arena_deinit(&scratch);
    return st;
}

static capi_status take_run(watch *watched, capi_err *err)
{
    capi_run run;

    CAPI_TRY(capi_find_run(watched->state, &watched->keyspace, watched->run_id, &watched->arena, &run, err));
    watched->run_id = run.run_id;
    return capi_run_script(watched->state, &run, &watched->script, err);
}

static int command_watch(const capi_args *args)
{
    const char *keyspace = capi_args_value(args, "keyspace");
    watch watched = {0};
    capi_err err = {0};
    capi_status st;
    int exit_code;

    if (!capi_args_output(args, &watched.output) || !capi_find_run_id(args, &watched.run_id)) return CAPI_EXIT_USAGE;
    if (!keyspace) {
        fprintf(stderr, "error: say which keyspace: --keyspace NAME\n");
        return CAPI_EXIT_USAGE;
    }
    watched.engine = capi_session_old_engine(args, &exit_code);
    if (!watched.engine) return exit_code;
    watched.state = capi_engine_state(watched.engine);
    watched.display = capi_display_new();
    capi_catch_interrupts();
    CAPI_TRY_OUT(capi_find_keyspace(watched.state, capi_str_of(keyspace), &watched.arena, &watched.keyspace, &err));
    CAPI_TRY_OUT(take_run(&watched, &err));
    st = watch_until_end(&watched, &exit_code, &err);
out:
    if (st != CAPI_OK) exit_code = capi_command_fail(&err);
    capi_display_free(watched.display);
    capi_script_free(watched.script);
    capi_engine_close(watched.engine);
    capi_arena_deinit(&watched.arena);
    return exit_code;
}

static const capi_option options[] = {
    {"keyspace", "NAME", "keyspace of the run", false},
    {"run", "ID", "which run (default: the newest)", false},
    {"output", "table|json|csv", "json or csv: the nodes in the end, on standard output", false},
    {"data", "DIR", "data folder (default: CAPI_DATA, else the user's data folder)", false},
};

const capi_command capi_command_watch = {
    .name = "watch",
    .arguments = "",
    .summary = "show a run that other processes work on, until it ends",
    .details =
        "Exit code 0: all nodes succeeded; 1: some failed, or the run was stopped; 130: interrupted, the run goes on.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = command_watch,
};
