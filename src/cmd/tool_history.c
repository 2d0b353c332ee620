/* tool_history.c - toolbelt: get_run_history, get_node_history, get_batch_history, get_run_status_diagram. */
#include "cmd/find.h"
#include "cmd/history_text.h"
#include "cmd/toolbelt.h"

#include "run/history.h"
#include "script/diagram.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct history_view {
    const capi_args *args;
    capi_engine *engine;
    capi_state *state;
    capi_keyspace keyspace;
    capi_arena arena;
    capi_buf text;
} history_view;

typedef capi_status (*history_fn)(history_view *view, capi_err *err);

static int with_history(const capi_args *args, history_fn fn)
{
    history_view view = {.args = args};
    capi_str keyspace = capi_tool_text(args, "keyspace");
    capi_err err = {0};
    capi_status st;

    CAPI_TRY_OUT(capi_keyspace_check_name(keyspace, &err));
    CAPI_TRY_OUT(capi_tool_open_old(&view.engine, &err));
    view.state = capi_engine_state(view.engine);
    CAPI_TRY_OUT(capi_find_keyspace(view.state, keyspace, &view.arena, &view.keyspace, &err));
    CAPI_TRY_OUT(fn(&view, &err));
    if (fwrite(view.text.data, 1, view.text.bytes, stdout) != view.text.bytes || fflush(stdout) != 0)
        st = capi_err_set(&err, CAPI_UNAVAILABLE, "could not write to standard output");
out:
    capi_buf_deinit(&view.text);
    capi_engine_close(view.engine);
    capi_arena_deinit(&view.arena);
    return st == CAPI_OK ? CAPI_EXIT_DONE : capi_tool_fail(&err);
}

/* The runs of a list of ids; all of the keyspace if it is empty. */
static capi_status take_runs(history_view *view, const char *flag, capi_run **out, uint32_t *count, capi_err *err)
{
    uint32_t *ids = NULL;
    uint32_t id_count = 0;

    CAPI_TRY(capi_tool_run_ids(capi_tool_text(view->args, flag), flag, &view->arena, &ids, &id_count, err));
    if (id_count == 0) return capi_run_list(view->state, &view->keyspace, &view->arena, out, count, err);
    *out = capi_new_array(&view->arena, capi_run, id_count);
    for (*count = 0; *count < id_count; ++*count)
        CAPI_TRY(capi_find_run(view->state, &view->keyspace, ids[*count], &view->arena, &(*out)[*count], err));
    return CAPI_OK;
}

/* ---- runs ---- */

static capi_status run_history(history_view *view, capi_err *err)
{
    capi_run *runs = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_run_list(view->state, &view->keyspace, &view->arena, &runs, &count, err));
    capi_history_runs(runs, count, &view->arena, &view->text);
    return CAPI_OK;
}

static int tool_run_history(const capi_args *args)
{
    return with_history(args, run_history);
}

/* ---- nodes ---- */

typedef struct node_items {
    capi_history_node *items;
    uint32_t count;
} node_items;

static capi_status add_nodes(history_view *view, const capi_run *run, node_items *to, capi_err *err)
{
    capi_node_state *nodes = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_node_list(view->state, run->run_uid, &view->arena, &nodes, &count, err));
    to->items = capi_realloc(to->items, ((size_t)to->count + count + 1) * sizeof *to->items);
    for (uint32_t i = 0; i < count; i++) {
        capi_node_comments comments;

        CAPI_TRY(capi_history_node_comments(view->state, run, &nodes[i], &view->arena, &comments, err));
        to->items[to->count++] = (capi_history_node){run->run_id, &nodes[i], comments.start, comments.end};
    }
    return CAPI_OK;
}

static capi_status node_history(history_view *view, capi_err *err)
{
    capi_run *runs = NULL;
    uint32_t run_count = 0;
    node_items nodes = {0};
    capi_status st = CAPI_OK;

    CAPI_TRY(take_runs(view, "run_ids", &runs, &run_count, err));
    for (uint32_t i = 0; i < run_count && st == CAPI_OK; i++)
        st = add_nodes(view, &runs[i], &nodes, err);
    if (st == CAPI_OK) capi_history_nodes(nodes.items, nodes.count, &view->arena, &view->text);
    free(nodes.items);
    return st;
}

static int tool_node_history(const capi_args *args)
{
    return with_history(args, node_history);
}

/* ---- batches ---- */

typedef struct batch_items {
    capi_history_batch *items;
    uint32_t count;
    capi_script *script; /* of the run in work, as it was started; NULL: it does not load with this configuration */
} batch_items;

static capi_status add_batches(history_view *view, const capi_run *run, capi_str node, batch_items *to, capi_err *err)
{
    capi_batch_state *batches = NULL;
    capi_node_state about;
    uint32_t count = 0;

    CAPI_TRY(capi_find_node(view->state, &view->keyspace, run, node, &view->arena, &about, err));
    CAPI_TRY(capi_history_batches_of(view->state, run, to->script, node, &view->arena, &batches, &count, err));
    to->items = capi_realloc(to->items, ((size_t)to->count + count + 1) * sizeof *to->items);
    for (uint32_t i = 0; i < count; i++)
        to->items[to->count++] =
            (capi_history_batch){run->run_id, about.name, &batches[i],
                                 capi_history_batch_comment(run, to->script, node, &batches[i], &view->arena)};
    return CAPI_OK;
}

static capi_status add_all_nodes(history_view *view, const capi_run *run, batch_items *to, capi_err *err)
{
    capi_node_state *nodes = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_node_list(view->state, run->run_uid, &view->arena, &nodes, &count, err));
    for (uint32_t i = 0; i < count; i++)
        CAPI_TRY(add_batches(view, run, nodes[i].name, to, err));
    return CAPI_OK;
}

/* -node, else the comma list of the old -nodes, else all. */
static capi_status add_wanted(history_view *view, const capi_run *run, batch_items *to, capi_err *err)
{
    capi_str one = capi_str_trim(capi_tool_text(view->args, "node"));
    capi_str list = capi_tool_text(view->args, "nodes");

    if (one.bytes) return add_batches(view, run, one, to, err);
    if (capi_str_trim(list).bytes == 0) return add_all_nodes(view, run, to, err);
    while (list.bytes) {
        int64_t comma = capi_str_find(list, CAPI_STR(","));
        capi_str item = capi_str_trim(comma < 0 ? list : capi_str_slice(list, 0, (size_t)comma));

        if (item.bytes) CAPI_TRY(add_batches(view, run, item, to, err));
        list = comma < 0 ? (capi_str){0} : capi_str_slice(list, (size_t)comma + 1, list.bytes);
    }
    return CAPI_OK;
}

/* Batches that are all well tell everything by themselves. */
static capi_status needs_script(history_view *view, const capi_run *run, bool *out, capi_err *err)
{
    capi_node_state *nodes = NULL;
    uint32_t count = 0;

    *out = false;
    CAPI_TRY(capi_node_list(view->state, run->run_uid, &view->arena, &nodes, &count, err));
    for (uint32_t i = 0; i < count; i++)
        *out = *out || nodes[i].status != CAPI_WORK_SUCCESS;
    return CAPI_OK;
}

static capi_status add_run(history_view *view, const capi_run *run, batch_items *to, capi_err *err)
{
    capi_str processors = capi_tool_config()->values[CAPI_CONFIG_PROCESSORS].json;
    bool is_needed = false;
    capi_status st;

    CAPI_TRY(needs_script(view, run, &is_needed, err));
    if (!is_needed || capi_run_script_with(view->state, run, processors, &to->script, NULL) != CAPI_OK)
        to->script = NULL;
    st = add_wanted(view, run, to, err);
    capi_script_free(to->script);
    to->script = NULL;
    return st;
}

/* The new flags are one run and one node, both needed; the old ones are lists that may be missing. */
static capi_status batch_history(history_view *view, capi_err *err)
{
    bool is_old = capi_args_value(view->args, "run_ids") || capi_args_value(view->args, "nodes");
    capi_run *runs = NULL;
    uint32_t run_count = 0;
    batch_items items = {0};
    capi_status st = CAPI_OK;

    if (!is_old) {
        uint32_t run_id;

        CAPI_TRY(capi_tool_run_id(capi_tool_text(view->args, "run_id"), "run_id", &run_id, err));
        if (capi_str_trim(capi_tool_text(view->args, "node")).bytes == 0)
            return capi_err_set(err, CAPI_INVALID, "say which node: -node NAME");
    }
    CAPI_TRY(take_runs(view, capi_args_value(view->args, "run_id") ? "run_id" : "run_ids", &runs, &run_count, err));
    for (uint32_t i = 0; i < run_count && st == CAPI_OK; i++)
        st = add_run(view, &runs[i], &items, err);
    if (st == CAPI_OK) capi_history_batches(items.items, items.count, &view->arena, &view->text);
    free(items.items);
    return st;
}

static int tool_batch_history(const capi_args *args)
{
    return with_history(args, batch_history);
}

/* ---- diagram ---- */

static capi_status take_statuses(history_view *view, const capi_script *script, int **out, capi_err *err)
{
    capi_node_state *nodes = NULL;
    capi_run run;
    uint32_t count = 0;
    uint32_t run_id;

    CAPI_TRY(capi_tool_run_id(capi_tool_text(view->args, "run_id"), "run_id", &run_id, err));
    CAPI_TRY(capi_find_run(view->state, &view->keyspace, run_id, &view->arena, &run, err));
    CAPI_TRY(capi_node_list(view->state, run.run_uid, &view->arena, &nodes, &count, err));
    *out = capi_new_array(&view->arena, int, script->node_count + 1);
    for (uint32_t i = 0; i < script->node_count; i++)
        for (uint32_t j = 0; j < count; j++)
            if (capi_str_equal(script->nodes[i]->name, nodes[j].name)) (*out)[i] = nodes[j].status;
    return CAPI_OK;
}

static capi_status draw_status(history_view *view, const capi_script *script, bool is_dot, capi_err *err)
{
    int *statuses = NULL;
    capi_diagram_options options = {.with_index = is_dot};

    CAPI_TRY(take_statuses(view, script, &statuses, err));
    options.statuses = statuses;
    (is_dot ? capi_diagram_dot : capi_diagram_svg)(script, &options, &view->text);
    return CAPI_OK;
}

/* The script is loaded first: its mistakes are printed, and the command fails without further words. */
static const capi_script *diagram_script;
static bool diagram_is_dot;

static capi_status status_diagram(history_view *view, capi_err *err)
{
    return draw_status(view, diagram_script, diagram_is_dot, err);
}

static int draw_diagram(const capi_args *args, bool is_dot)
{
    capi_script *script = capi_tool_script(args);
    int exit_code = CAPI_EXIT_FAILED;

    if (!script) return exit_code;
    diagram_script = script;
    diagram_is_dot = is_dot;
    exit_code = with_history(args, status_diagram);
    capi_script_free(script);
    return exit_code;
}

static int tool_status_diagram(const capi_args *args)
{
    const char *format = capi_args_value(args, "format");

    return draw_diagram(args, format && strcmp(format, "capigraph") != 0);
}

static int tool_old_diagram(const capi_args *args)
{
    return draw_diagram(args, true);
}

/* ---- tables of flags ---- */

#define KEYSPACE_FLAG                                                                                                  \
    {                                                                                                                  \
        "keyspace", "NAME", "keyspace to look at", false                                                               \
    }

static const capi_option run_flags[] = {KEYSPACE_FLAG};
static const capi_option node_flags[] = {KEYSPACE_FLAG,
                                         {"run_ids", "IDS", "which runs, comma-separated; empty: all", false}};
static const capi_option batch_flags[] = {
    KEYSPACE_FLAG,
    {"run_id", "ID", "which run", false},
    {"node", "NAME", "which node", false},
    {"run_ids", "IDS", "which runs, comma-separated; empty: all", false},
    {"nodes", "NAMES", "which nodes, comma-separated; empty: all", false},
};
static const capi_option diagram_flags[] = {
    {"script_file", "FILE", "script, .json or .yaml", false},
    {"params_file", "FILE", "parameters of the script, .json or .yaml", false},
    KEYSPACE_FLAG,
    {"run_id", "ID", "which run", false},
    {"format", "FORMAT", "capigraph: SVG (default); anything else: DOT", false},
};

const capi_command capi_tool_get_run_history = {
    .name = "get_run_history",
    .arguments = "",
    .summary = "what happened to the runs of a keyspace, as CSV",
    .options = run_flags,
    .option_count = sizeof run_flags / sizeof *run_flags,
    .run = tool_run_history,
};

const capi_command capi_tool_get_node_history = {
    .name = "get_node_history",
    .arguments = "",
    .summary = "what happened to the nodes of runs, as CSV",
    .options = node_flags,
    .option_count = sizeof node_flags / sizeof *node_flags,
    .run = tool_node_history,
};

const capi_command capi_tool_get_batch_history = {
    .name = "get_batch_history",
    .arguments = "",
    .summary = "what happened to the batches of a node, as CSV",
    .options = batch_flags,
    .option_count = sizeof batch_flags / sizeof *batch_flags,
    .run = tool_batch_history,
};

const capi_command capi_tool_get_run_status_diagram = {
    .name = "get_run_status_diagram",
    .arguments = "",
    .summary = "draw a script with the status of its nodes in a run",
    .options = diagram_flags,
    .option_count = sizeof diagram_flags / sizeof *diagram_flags,
    .run = tool_status_diagram,
};

const capi_command capi_tool_drop_run_status_diagram = {
    .name = "drop_run_status_diagram",
    .arguments = "",
    .summary = "an old name of get_run_status_diagram -format=dot",
    .options = diagram_flags,
    .option_count = sizeof diagram_flags / sizeof *diagram_flags,
    .run = tool_old_diagram,
};
