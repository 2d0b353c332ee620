/* cmd_run.c - "capillaries run": start, work, watch, in one process. */
#include "cmd/commands.h"
#include "cmd/find.h"
#include "cmd/history.h"
#include "cmd/plan.h"
#include "cmd/progress.h"
#include "cmd/session.h"
#include "exec/node_py_calc.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { INTERRUPT_AGAIN_MS = 500 };

static _Atomic int interrupt_count;  /* the signal comes to any thread */
static _Atomic int64_t interrupt_ms; /* when the first one came */

/* The first signal lets running batches give back their claims; some senders repeat it at once, and mean the same. One that
 * comes later ends the process, and leaves its claims to the others. */
static void on_interrupt(int signal_number)
{
    struct timespec now;
    int64_t now_ms;

    (void)signal_number;
    clock_gettime(CLOCK_MONOTONIC, &now);
    now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (interrupt_count == 0) {
        interrupt_ms = now_ms;
        interrupt_count = 1;
    } else if (now_ms - interrupt_ms >= INTERRUPT_AGAIN_MS) {
        _exit(CAPI_EXIT_INTERRUPTED);
    }
}

void capi_catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};

    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

const _Atomic int *capi_interrupts(void)
{
    return &interrupt_count;
}

/* Nodes that this run did not touch because they are manual: what the operator may start next. */
static void print_next(const capi_script *script, const capi_keyspace *keyspace, capi_engine *engine,
                       const capi_run *run)
{
    capi_arena arena = {0};
    capi_node_state *nodes = NULL;
    uint32_t count = 0;

    if (capi_node_list(capi_engine_state(engine), run->run_uid, &arena, &nodes, &count, NULL) == CAPI_OK) {
        for (uint32_t i = 0; i < script->node_count; i++) {
            const capi_node *node = script->order[i];
            const capi_node *parents[2];
            uint32_t parent_count = capi_node_parents(node, parents);
            bool is_in_run = false;
            bool is_next = node->is_manual && parent_count > 0;

            for (uint32_t j = 0; j < count; j++)
                is_in_run = is_in_run || capi_str_equal(nodes[j].name, node->name);
            for (uint32_t p = 0; p < parent_count; p++) {
                bool has_parent = false;

                for (uint32_t j = 0; j < count; j++)
                    has_parent = has_parent || capi_str_equal(nodes[j].name, parents[p]->name);
                is_next = is_next && has_parent;
            }
            if (is_next && !is_in_run)
                fprintf(stderr,
                        "waiting for the operator: look at the tables, then start node \"%.*s\" (--keyspace %.*s "
                        "--start %.*s)\n",
                        CAPI_STR_ARG(node->name), CAPI_STR_ARG(keyspace->name), CAPI_STR_ARG(node->name));
        }
    }
    capi_arena_deinit(&arena);
}

static int report(capi_status st, const capi_err *err, const capi_work_result *result, const capi_run *run,
                  const capi_keyspace *keyspace)
{
    if (st == CAPI_STOPPED) {
        fprintf(stderr, "interrupted: go on with \"capillaries resume --keyspace %.*s --run %u\"\n",
                CAPI_STR_ARG(keyspace->name), run->run_id);
        return CAPI_EXIT_INTERRUPTED;
    }
    if (st != CAPI_OK) {
        capi_command_fail(err);
        return CAPI_EXIT_FAILED;
    }
    if (result->is_stopped) {
        fprintf(stderr, "run %u of keyspace \"%.*s\" is stopped%s%.*s\n", run->run_id, CAPI_STR_ARG(keyspace->name),
                result->stop_comment.bytes ? ": " : "", CAPI_STR_ARG(result->stop_comment));
        return CAPI_EXIT_FAILED;
    }
    if (result->nodes_failed) {
        fprintf(stderr, "error: %.*s\n", CAPI_STR_ARG(result->first_failure));
        fprintf(stderr, "run %u of keyspace \"%.*s\": %u node%s failed\n", run->run_id, CAPI_STR_ARG(keyspace->name),
                result->nodes_failed, result->nodes_failed == 1 ? "" : "s");
        return CAPI_EXIT_FAILED;
    }
    if (result->nodes_waiting) {
        fprintf(stderr, "%.*s", CAPI_STR_ARG(result->waiting));
        fprintf(stderr,
                "run %u of keyspace \"%.*s\" is unfinished: %u node%s for something that this process cannot do\n",
                run->run_id, CAPI_STR_ARG(keyspace->name), result->nodes_waiting,
                result->nodes_waiting == 1 ? " waits" : "s wait");
        return CAPI_EXIT_FAILED;
    }
    fprintf(stderr, "run %u of keyspace \"%.*s\" is complete\n", run->run_id, CAPI_STR_ARG(keyspace->name));
    return CAPI_EXIT_DONE;
}

static int work_on(capi_engine *engine, const capi_script *script, const capi_keyspace *keyspace, const capi_run *run,
                   capi_output output, capi_arena *arena)
{
    capi_display *display = capi_display_new();
    capi_work_result result = {0};
    capi_err err = {0};
    capi_work_options options = {
        .script = script,
        .keyspace = keyspace,
        .run = run,
        .watch = capi_display_watch,
        .watch_context = display,
        .interval_ms = 200,
        .interrupted = capi_interrupts(),
    };
    capi_status st = capi_run_work(engine, &options, arena, &result, &err);
    int exit_code = report(st, &err, &result, run, keyspace);

    if (exit_code == CAPI_EXIT_DONE) print_next(script, keyspace, engine, run);
    if (capi_print_nodes(capi_engine_state(engine), run, output, &err) != CAPI_OK) exit_code = capi_command_fail(&err);
    capi_display_free(display);
    return exit_code;
}

/* ---- run ---- */

static int run_script(const capi_args *args, capi_engine *engine, const capi_script *script)
{
    capi_arena arena = {0};
    capi_keyspace keyspace;
    capi_run run;
    capi_err err = {0};
    const char *start = capi_args_value(args, "start");
    const char *description = capi_args_value(args, "description");
    capi_str set_names[CAPI_SETS_MAX];
    capi_str set_values[CAPI_SETS_MAX];
    capi_start_options options = {
        .keyspace = capi_session_keyspace(args, script->url, &arena),
        .script = script,
        .start_nodes = capi_str_of(start),
        .description = capi_str_of(description),
        .mode = CAPI_RUN_QUEUED,
        .set_names = set_names,
        .set_values = set_values,
    };
    capi_output output;
    int exit_code;

    if (!capi_args_output(args, &output)) return CAPI_EXIT_USAGE;
    if (!capi_session_sets(args, set_names, set_values, &options.set_count)) return CAPI_EXIT_USAGE;

    if (capi_run_begin(engine, &options, &arena, &run, &err) != CAPI_OK ||
        capi_keyspace_open(capi_engine_state(engine), options.keyspace, false, &arena, &keyspace, &err) != CAPI_OK)
        exit_code = capi_command_fail(&err);
    else
        exit_code = work_on(engine, script, &keyspace, &run, output, &arena);
    capi_arena_deinit(&arena);
    return exit_code;
}

static int command_run(const capi_args *args)
{
    int exit_code;
    capi_script *script = capi_session_script(args, &exit_code);
    capi_engine *engine;

    if (script && capi_args_flag(args, "dry-run")) {
        exit_code = capi_plan_command(args, script);
        capi_script_free(script);
        return exit_code;
    }
    if (script) exec_py_calc_warm_up(script);
    engine = script ? capi_session_engine(args, &exit_code) : NULL;
    capi_catch_interrupts();
    if (engine) exit_code = run_script(args, engine, script);
    capi_engine_close(engine);
    capi_script_free(script);
    return exit_code;
}

/* ---- resume ---- */

/* Of a direct run one node is executed, and those below it, which it lists too, are not. */
static capi_status check_is_ours(const capi_run *run, capi_err *err)
{
    if (run->mode != CAPI_RUN_DIRECT || run->status != CAPI_RUN_START) return CAPI_OK;
    return capi_err_set(
        err, CAPI_INVALID,
        "run %u executes one node, \"%.*s\", by itself: go on with \"capitoolbelt exec_node -run_id=%u\"", run->run_id,
        CAPI_STR_ARG(run->start_nodes), run->run_id);
}

static int resume_run(const capi_args *args, capi_engine *engine)
{
    const char *keyspace_name = capi_args_value(args, "keyspace");
    capi_arena arena = {0};
    capi_keyspace keyspace;
    capi_script *script = NULL;
    capi_run run;
    capi_err err = {0};
    uint32_t run_id = 0;
    capi_output output;
    int exit_code = CAPI_EXIT_USAGE;

    if (!capi_args_output(args, &output) || !capi_find_run_id(args, &run_id)) return exit_code;
    if (!keyspace_name || run_id == 0) {
        fprintf(stderr, "error: say which run: --keyspace NAME --run ID\n");
        return exit_code;
    }
    if (capi_find_keyspace(capi_engine_state(engine), capi_str_of(keyspace_name), &arena, &keyspace, &err) != CAPI_OK ||
        capi_find_run(capi_engine_state(engine), &keyspace, run_id, &arena, &run, &err) != CAPI_OK ||
        check_is_ours(&run, &err) != CAPI_OK ||
        capi_run_script(capi_engine_state(engine), &run, &script, &err) != CAPI_OK)
        exit_code = capi_command_fail(&err);
    else
        exit_code = work_on(engine, script, &keyspace, &run, output, &arena);
    capi_script_free(script);
    capi_arena_deinit(&arena);
    return exit_code;
}

static int command_resume(const capi_args *args)
{
    int exit_code;
    capi_engine *engine = capi_session_old_engine(args, &exit_code);

    if (!engine) return exit_code;
    capi_catch_interrupts();
    exit_code = resume_run(args, engine);
    capi_engine_close(engine);
    return exit_code;
}

static const capi_option resume_options[] = {
    {"keyspace", "NAME", "keyspace of the run", false},
    {"run", "ID", "which run", false},
    {"output", "table|json|csv", "json or csv: the nodes in the end, on standard output", false},
    CAPI_OPTIONS_ENGINE,
};

const capi_command capi_command_resume = {
    .name = "resume",
    .arguments = "",
    .summary = "go on with a run that was interrupted",
    .details =
        "Works with the script, the parameters and the other files as they were when the run was started. What a\n"
        "process that died was working on is taken over when it has been silent for the length of a lease.",
    .options = resume_options,
    .option_count = sizeof resume_options / sizeof *resume_options,
    .run = command_resume,
};

static const capi_option options[] = {
    CAPI_OPTIONS_SCRIPT,
    {"start", "NODES", "start nodes, comma-separated (default: all nodes that read only files and are not manual)",
     false},
    CAPI_OPTION_KEYSPACE,
    CAPI_OPTIONS_ENGINE,
    {"description", "TEXT", "a remark kept with the run", false},
    {"dry-run", NULL, "only show what the run would do, as `validate --plan` does", false},
    {"output", "table|json|csv", "json or csv: the nodes in the end, on standard output (--dry-run: the plan)", false},
};

const capi_command capi_command_run = {
    .name = "run",
    .arguments = "SCRIPT",
    .summary = "start a run, work on it and watch it, in this process",
    .details = "The run executes the start nodes and everything below them up to manual nodes. Its tables stay in the\n"
               "keyspace; a later run may start from them. Exit code 0: all nodes succeeded, 1: some failed, 2: the\n"
               "script or the command line is wrong, 130: interrupted.",
    .argument_min = 1,
    .argument_max = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = command_run,
};
