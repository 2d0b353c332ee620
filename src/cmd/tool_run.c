/* tool_run.c - toolbelt: start_run, stop_run, exec_node, drop_keyspace. */
#include "cmd/commands.h"
#include "cmd/find.h"
#include "cmd/toolbelt.h"

#include "exec/node_py_calc.h"

#include <stdio.h>

#define SCRIPT_FLAGS                                                                                                   \
    {"script_file", "FILE", "script, .json or .yaml", false},                                                          \
    {                                                                                                                  \
        "params_file", "FILE", "parameters of the script, .json or .yaml", false                                       \
    }
#define KEYSPACE_FLAG                                                                                                  \
    {                                                                                                                  \
        "keyspace", "NAME", "keyspace: letters, digits and _", false                                                   \
    }

/* ---- start_run ---- */

/* Start nodes without empty items, which are ignored; an error if nothing is left. */
static capi_status take_start_nodes(capi_str text, capi_arena *arena, capi_str *out, capi_err *err)
{
    capi_buf kept = {0};

    while (text.bytes) {
        int64_t comma = capi_str_find(text, CAPI_STR(","));
        capi_str item = capi_str_trim(comma < 0 ? text : capi_str_slice(text, 0, (size_t)comma));

        if (item.bytes) capi_buf_printf(&kept, "%s%.*s", kept.bytes ? "," : "", CAPI_STR_ARG(item));
        text = comma < 0 ? (capi_str){0} : capi_str_slice(text, (size_t)comma + 1, text.bytes);
    }
    *out = capi_str_copy(arena, capi_buf_str(&kept));
    capi_buf_deinit(&kept);
    if (out->bytes) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "flag -start_nodes names no node");
}

static capi_status start_run(const capi_args *args, const capi_script *script, capi_engine *engine, capi_arena *arena,
                             capi_err *err)
{
    capi_start_options options = {
        .keyspace = capi_tool_text(args, "keyspace"),
        .script = script,
        .description = CAPI_STR("started by Toolbelt"),
        .mode = CAPI_RUN_QUEUED,
    };
    capi_run run;

    CAPI_TRY(take_start_nodes(capi_tool_text(args, "start_nodes"), arena, &options.start_nodes, err));
    CAPI_TRY(capi_run_begin(engine, &options, arena, &run, err));
    printf("%u\n", run.run_id);
    return CAPI_OK;
}

/* Names are checked before anything is read or made. */
static int tool_start_run(const capi_args *args)
{
    capi_script *script = NULL;
    capi_engine *engine = NULL;
    capi_arena arena = {0};
    capi_err err = {0};
    capi_status st = capi_keyspace_check_name(capi_tool_text(args, "keyspace"), &err);
    int exit_code = CAPI_EXIT_FAILED;

    if (st == CAPI_OK) script = capi_tool_script(args);
    if (script) st = capi_tool_open(&engine, &err);
    if (script && st == CAPI_OK) st = start_run(args, script, engine, &arena, &err);
    if (st != CAPI_OK)
        exit_code = capi_tool_fail(&err);
    else if (script)
        exit_code = CAPI_EXIT_DONE;
    capi_engine_close(engine);
    capi_script_free(script);
    capi_arena_deinit(&arena);
    return exit_code;
}

static const capi_option start_flags[] = {
    KEYSPACE_FLAG,
    SCRIPT_FLAGS,
    {"start_nodes", "NODES", "nodes to start from, comma-separated", false},
};

const capi_command capi_tool_start_run = {
    .name = "start_run",
    .arguments = "",
    .summary = "start a run for daemons to work on; prints its id",
    .options = start_flags,
    .option_count = sizeof start_flags / sizeof *start_flags,
    .run = tool_start_run,
};

/* ---- commands about a keyspace that is there ---- */

typedef capi_status (*keyspace_action)(const capi_args *args, capi_engine *engine, capi_str keyspace, capi_arena *arena,
                                       capi_err *err);

/* absent_is_well: where there is no store there is nothing to do. */
static int on_keyspace(const capi_args *args, keyspace_action act, bool absent_is_well)
{
    capi_str keyspace = capi_tool_text(args, "keyspace");
    capi_engine *engine = NULL;
    capi_arena arena = {0};
    capi_err err = {0};
    capi_status st;

    CAPI_TRY_OUT(capi_keyspace_check_name(keyspace, &err));
    st = capi_tool_open_old(&engine, &err);
    if (st == CAPI_NOT_FOUND && absent_is_well) st = CAPI_OK;
    if (st == CAPI_OK && engine) st = act(args, engine, keyspace, &arena, &err);
out:
    capi_engine_close(engine);
    capi_arena_deinit(&arena);
    return st == CAPI_OK ? CAPI_EXIT_DONE : capi_tool_fail(&err);
}

/* ---- stop_run ---- */

static capi_status stop_run(const capi_args *args, capi_engine *engine, capi_str name, capi_arena *arena, capi_err *err)
{
    capi_keyspace keyspace;
    capi_run run;
    uint32_t run_id;

    CAPI_TRY(capi_tool_run_id(capi_tool_text(args, "run_id"), "run_id", &run_id, err));
    CAPI_TRY(capi_find_keyspace(capi_engine_state(engine), name, arena, &keyspace, err));
    CAPI_TRY(capi_find_run(capi_engine_state(engine), &keyspace, run_id, arena, &run, err));
    CAPI_TRY(capi_run_stop(capi_engine_state(engine), &keyspace, run_id, CAPI_STR("stopped by toolbelt"), err));
    capi_engine_ring(engine);
    return CAPI_OK;
}

static int tool_stop_run(const capi_args *args)
{
    return on_keyspace(args, stop_run, false);
}

static const capi_option stop_flags[] = {KEYSPACE_FLAG, {"run_id", "ID", "which run", false}};

const capi_command capi_tool_stop_run = {
    .name = "stop_run",
    .arguments = "",
    .summary = "stop a run, or declare the results of a complete one invalid",
    .options = stop_flags,
    .option_count = sizeof stop_flags / sizeof *stop_flags,
    .run = tool_stop_run,
};

/* ---- drop_keyspace ---- */

/* A keyspace that is not there is as good as dropped. */
static capi_status drop_keyspace(const capi_args *args, capi_engine *engine, capi_str name, capi_arena *arena,
                                 capi_err *err)
{
    capi_str uid;
    capi_status st = capi_keyspace_drop(capi_engine_state(engine), name, arena, &uid, err);

    (void)args;
    if (st == CAPI_NOT_FOUND) return CAPI_OK;
    if (st != CAPI_OK) return st;
    return capi_tables_drop(capi_engine_exec(engine)->tables, uid, (capi_str){0}, err);
}

static int tool_drop_keyspace(const capi_args *args)
{
    return on_keyspace(args, drop_keyspace, true);
}

static const capi_option drop_flags[] = {KEYSPACE_FLAG};

const capi_command capi_tool_drop_keyspace = {
    .name = "drop_keyspace",
    .arguments = "",
    .summary = "remove a keyspace with all its runs and tables",
    .options = drop_flags,
    .option_count = sizeof drop_flags / sizeof *drop_flags,
    .run = tool_drop_keyspace,
};

/* ---- exec_node ---- */

typedef struct exec_work {
    const capi_args *args;
    const capi_script *script;
    capi_engine *engine;
    capi_arena arena;
    capi_keyspace keyspace;
    capi_run run;
} exec_work;

/* "850.3ms", "12.345678s", "1m2.5s" */
static void print_duration(int64_t ns)
{
    double seconds = (double)ns / 1e9;
    int64_t minutes = ns / INT64_C(60000000000);

    if (ns < 1000000000)
        printf("%.9gms", (double)(ns / 1000) / 1000);
    else if (minutes == 0)
        printf("%.8gs", (double)(ns / 1000) / 1e6);
    else if (minutes < 60)
        printf("%lldm%.8gs", (long long)minutes, seconds - (double)minutes * 60);
    else
        printf("%lldh%lldm%.8gs", (long long)minutes / 60, (long long)minutes % 60, seconds - (double)minutes * 60);
}

/* A run that exec_node began before and that did not end may be gone on with; any other is refused. */
static capi_status take_run(exec_work *work, uint32_t run_id, capi_str node, capi_err *err)
{
    capi_state *state = capi_engine_state(work->engine);
    capi_node_state about;

    if (work->run.status != CAPI_RUN_START)
        return capi_err_set(err, CAPI_INVALID, "run %u is %s; leave -run_id out to begin a new one", run_id,
                            work->run.status == CAPI_RUN_STOP ? "stopped" : "complete");
    if (work->run.mode != CAPI_RUN_DIRECT)
        return capi_err_set(err, CAPI_INVALID, "run %u was started for daemons, exec_node cannot take part in it",
                            run_id);
    return capi_find_node(state, &work->keyspace, &work->run, node, &work->arena, &about, err);
}

static capi_status begin_run(exec_work *work, uint32_t run_id, capi_str node, capi_err *err)
{
    capi_start_options options = {
        .keyspace = capi_tool_text(work->args, "keyspace"),
        .script = work->script,
        .start_nodes = node,
        .description = CAPI_STR("started by Toolbelt direct RunNode"),
        .mode = CAPI_RUN_DIRECT,
        .run_id = run_id,
    };

    CAPI_TRY(capi_run_begin(work->engine, &options, &work->arena, &work->run, err));
    return capi_keyspace_open(capi_engine_state(work->engine), options.keyspace, false, &work->arena, &work->keyspace,
                              err);
}

/* The run with that id if there is one, else a new one. */
static capi_status choose_run(exec_work *work, uint32_t run_id, capi_str node, capi_err *err)
{
    capi_state *state = capi_engine_state(work->engine);
    capi_str name = capi_tool_text(work->args, "keyspace");
    capi_status st = CAPI_NOT_FOUND;

    if (run_id) st = capi_keyspace_open(state, name, false, &work->arena, &work->keyspace, err);
    if (run_id && st == CAPI_OK) st = capi_run_get(state, &work->keyspace, run_id, &work->arena, &work->run, err);
    if (st == CAPI_OK) return take_run(work, run_id, node, err);
    if (st != CAPI_NOT_FOUND) return st;
    capi_err_clear(err);
    return begin_run(work, run_id, node, err);
}

/* The run stays as it is: exec_node may go on with it, stop_run may stop it. */
static int leave(const exec_work *work, int exit_code)
{
    fprintf(stderr, "run %u stays unfinished: go on with exec_node -run_id=%u, or end it with stop_run\n",
            work->run.run_id, work->run.run_id);
    return exit_code;
}

static int do_work(exec_work *work, capi_str node, capi_err *err)
{
    capi_work_options options = {
        .only_node = node,
        .script = work->script,
        .keyspace = &work->keyspace,
        .run = &work->run,
        .interrupted = capi_interrupts(),
    };
    capi_work_result result = {0};
    int64_t begin_ns = capi_clock_system.monotonic_ns(capi_clock_system.context);
    capi_status st;

    capi_catch_interrupts();
    st = capi_run_work(work->engine, &options, &work->arena, &result, err);
    if (st == CAPI_STOPPED) {
        fprintf(stderr, "interrupted\n");
        return leave(work, CAPI_EXIT_INTERRUPTED);
    }
    if (st != CAPI_OK) return leave(work, capi_tool_fail(err));
    if (result.is_stopped) {
        fprintf(stderr, "error: run %u was stopped%s%.*s\n", work->run.run_id, result.stop_comment.bytes ? ": " : "",
                CAPI_STR_ARG(result.stop_comment));
        return CAPI_EXIT_FAILED;
    }
    if (result.nodes_waiting) {
        fprintf(stderr, "error: exec_node does not wait: %.*s", CAPI_STR_ARG(result.waiting));
        return leave(work, CAPI_EXIT_FAILED);
    }
    printf("run %u, elapsed ", work->run.run_id);
    print_duration(capi_clock_system.monotonic_ns(capi_clock_system.context) - begin_ns);
    printf("\n");
    if (result.nodes_failed == 0) return CAPI_EXIT_DONE;
    fprintf(stderr, "error: %.*s\n", CAPI_STR_ARG(result.first_failure));
    return CAPI_EXIT_FAILED;
}

static int exec_node(exec_work *work, int64_t run_id, capi_err *err)
{
    capi_str node = capi_str_trim(capi_tool_text(work->args, "node_id"));
    capi_status st;

    if (!capi_script_node(work->script, node)) {
        capi_err_set(err, CAPI_INVALID, "the script has no node \"%.*s\" (flag -node_id)", CAPI_STR_ARG(node));
        return capi_tool_fail(err);
    }
    CAPI_TRY_OUT(capi_tool_open(&work->engine, err));
    CAPI_TRY_OUT(choose_run(work, (uint32_t)run_id, node, err));
    return do_work(work, node, err);
out:
    return capi_tool_fail(err);
}

static int tool_exec_node(const capi_args *args)
{
    exec_work work = {.args = args};
    capi_script *script;
    capi_err err = {0};
    int64_t run_id = 0;
    int exit_code;

    if (!capi_tool_int(args, "run_id", &run_id)) return CAPI_EXIT_USAGE;
    if (capi_keyspace_check_name(capi_tool_text(args, "keyspace"), &err) != CAPI_OK) return capi_tool_fail(&err);
    if (run_id < 0 || run_id > CAPI_RUN_ID_MAX) {
        capi_err_set(&err, CAPI_INVALID, "flag -run_id is %lld, expected 0 to %d", (long long)run_id, CAPI_RUN_ID_MAX);
        return capi_tool_fail(&err);
    }
    script = capi_tool_script(args);
    if (!script) return CAPI_EXIT_FAILED;
    exec_py_calc_warm_up(script);
    work.script = script;
    exit_code = exec_node(&work, run_id, &err);
    capi_engine_close(work.engine);
    capi_script_free(script);
    capi_arena_deinit(&work.arena);
    return exit_code;
}

static const capi_option exec_flags[] = {
    KEYSPACE_FLAG,
    SCRIPT_FLAGS,
    {"run_id", "ID",
     "a run that exec_node began and that did not end, or a new one of that id; 0 (default): the next new one", false},
    {"node_id", "NAME", "which node", false},
};

const capi_command capi_tool_exec_node = {
    .name = "exec_node",
    .arguments = "",
    .summary = "execute one node in this process, without daemons",
    .options = exec_flags,
    .option_count = sizeof exec_flags / sizeof *exec_flags,
    .run = tool_exec_node,
};
