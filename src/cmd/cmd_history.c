/* cmd_history.c - "capillaries runs", "nodes" and "batches": what happened in a keyspace. */
#include "cmd/commands.h"
#include "cmd/find.h"
#include "cmd/history.h"
#include "cmd/session.h"
#include "run/history.h"

#include <stdio.h>

enum { LOCK_PATIENCE_MS = 200 };

typedef struct history_view {
    capi_arena arena;
    capi_engine *engine;
    capi_state *state;
    capi_keyspace keyspace;
    uint32_t run_id; /* 0: the newest */
    capi_listing listing;
} history_view;

static const char *run_status(capi_run_status status)
{
    static const char *const names[] = {"none", "running", "complete", "stopped"};

    return (unsigned)status < 4 ? names[status] : "unknown";
}

static const char *work_status(capi_work_status status)
{
    switch (status) {
    case CAPI_WORK_NONE: return "none";
    case CAPI_WORK_START: return "running";
    case CAPI_WORK_SUCCESS: return "success";
    case CAPI_WORK_FAIL: return "failed";
    case CAPI_WORK_STOP_RECEIVED: return "stopped";
    }
    return "unknown";
}

static void add_status(history_view *history, const char *text)
{
    capi_listing_add(&history->listing, capi_str_of(text));
}

/* ---- runs ---- */

static const capi_listing_column run_columns[] = {
    {"keyspace", CAPI_CELL_TEXT},    {"run_id", CAPI_CELL_INTEGER}, {"status", CAPI_CELL_TEXT},
    {"started", CAPI_CELL_TEXT},     {"ended", CAPI_CELL_TEXT},     {"nodes", CAPI_CELL_INTEGER},
    {"start_nodes", CAPI_CELL_TEXT}, {"script", CAPI_CELL_TEXT},    {"description", CAPI_CELL_TEXT},
};

static capi_status add_run(history_view *history, const capi_run *run, capi_err *err)
{
    capi_listing *listing = &history->listing;
    capi_node_state *nodes = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_node_list(history->state, run->run_uid, &history->arena, &nodes, &count, err));
    capi_listing_add(listing, history->keyspace.name);
    capi_listing_addf(listing, "%u", run->run_id);
    add_status(history, run_status(run->status));
    capi_listing_add_time(listing, run->start_ms);
    capi_listing_add_time(listing, run->stop_ms ? run->stop_ms : run->complete_ms);
    capi_listing_addf(listing, "%u", count);
    capi_listing_add(listing, run->start_nodes);
    capi_listing_add(listing, run->script_url);
    capi_listing_add(listing, run->description);
    return CAPI_OK;
}

static capi_status list_runs_of(history_view *history, const capi_keyspace *keyspace, capi_err *err)
{
    capi_run *runs = NULL;
    uint32_t count = 0;

    history->keyspace = *keyspace;
    CAPI_TRY(capi_run_list(history->state, keyspace, &history->arena, &runs, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        capi_status st = add_run(history, &runs[i], err);

        if (st != CAPI_OK && st != CAPI_NOT_FOUND) return st; /* not found: removed while we look */
    }
    capi_err_clear(err);
    return CAPI_OK;
}

/* Of one keyspace, or of all. */
static capi_status list_runs(history_view *history, const capi_args *args, capi_err *err)
{
    capi_keyspace *keyspaces = NULL;
    uint32_t count = 0;

    history->listing.columns = run_columns;
    history->listing.column_count = sizeof run_columns / sizeof *run_columns;
    if (capi_args_value(args, "keyspace")) return list_runs_of(history, &history->keyspace, err);
    CAPI_TRY(capi_keyspace_list(history->state, &history->arena, &keyspaces, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        capi_status st = list_runs_of(history, &keyspaces[i], err);

        if (st != CAPI_OK && st != CAPI_NOT_FOUND) return st; /* not found: dropped while we look */
    }
    capi_err_clear(err);
    return CAPI_OK;
}

/* ---- nodes ---- */

static const capi_listing_column node_columns[] = {
    {"node", CAPI_CELL_TEXT},    {"status", CAPI_CELL_TEXT},    {"batches", CAPI_CELL_INTEGER},
    {"done", CAPI_CELL_INTEGER}, {"failed", CAPI_CELL_INTEGER}, {"rows", CAPI_CELL_INTEGER},
    {"started", CAPI_CELL_TEXT}, {"ended", CAPI_CELL_TEXT},     {"comment", CAPI_CELL_TEXT},
};

capi_status capi_list_nodes(capi_state *state, const capi_run *run, capi_listing *listing, capi_err *err)
{
    capi_node_state *nodes = NULL;
    uint32_t count = 0;

    listing->columns = node_columns;
    listing->column_count = sizeof node_columns / sizeof *node_columns;
    CAPI_TRY(capi_node_list(state, run->run_uid, &listing->arena, &nodes, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        capi_listing_add(listing, nodes[i].name);
        capi_listing_add(listing, capi_str_of(work_status(nodes[i].status)));
        capi_listing_addf(listing, "%u", nodes[i].batches_total);
        capi_listing_addf(listing, "%u", nodes[i].batches_done);
        capi_listing_addf(listing, "%u", nodes[i].batches_failed);
        capi_listing_addf(listing, "%llu", (unsigned long long)nodes[i].row_count);
        capi_listing_add_time(listing, nodes[i].start_ms);
        capi_listing_add_time(listing, nodes[i].final_ms);
        capi_listing_add(listing, nodes[i].comment);
    }
    return CAPI_OK;
}

capi_status capi_print_nodes(capi_state *state, const capi_run *run, capi_output output, capi_err *err)
{
    capi_listing listing = {0};
    capi_status st = CAPI_OK;

    if (output == CAPI_OUTPUT_TABLE) return CAPI_OK;
    st = capi_list_nodes(state, run, &listing, err);
    if (st == CAPI_OK) capi_listing_print(&listing, output);
    capi_listing_deinit(&listing);
    return st;
}

static capi_status list_nodes(history_view *history, const capi_args *args, capi_err *err)
{
    capi_run run;

    (void)args;
    CAPI_TRY(capi_find_run(history->state, &history->keyspace, history->run_id, &history->arena, &run, err));
    return capi_list_nodes(history->state, &run, &history->listing, err);
}

/* ---- batches ---- */

static const capi_listing_column batch_columns[] = {
    {"batch", CAPI_CELL_INTEGER},        {"status", CAPI_CELL_TEXT},         {"rows_read", CAPI_CELL_INTEGER},
    {"rows_written", CAPI_CELL_INTEGER}, {"first_token", CAPI_CELL_INTEGER}, {"last_token", CAPI_CELL_INTEGER},
    {"started", CAPI_CELL_TEXT},         {"ended", CAPI_CELL_TEXT},          {"comment", CAPI_CELL_TEXT},
};

static capi_status list_batch_states(history_view *history, const capi_run *run, capi_str node, capi_batch_state **out,
                                     uint32_t *count, capi_err *err)
{
    capi_script *script = NULL;
    capi_status st;

    if (capi_run_script(history->state, run, &script, NULL) != CAPI_OK) script = NULL;
    st = capi_history_batches_of(history->state, run, script, node, &history->arena, out, count, err);
    capi_script_free(script);
    return st;
}

static capi_status list_batches(history_view *history, const capi_args *args, capi_err *err)
{
    const char *node = capi_args_value(args, "node");
    capi_listing *listing = &history->listing;
    capi_batch_state *batches = NULL;
    capi_node_state about;
    uint32_t count = 0;
    capi_run run;

    listing->columns = batch_columns;
    listing->column_count = sizeof batch_columns / sizeof *batch_columns;
    if (!node) return capi_err_set(err, CAPI_INVALID, "say which node: --node NAME");
    CAPI_TRY(capi_find_run(history->state, &history->keyspace, history->run_id, &history->arena, &run, err));
    CAPI_TRY(capi_find_node(history->state, &history->keyspace, &run, capi_str_of(node), &history->arena, &about, err));
    CAPI_TRY(list_batch_states(history, &run, about.name, &batches, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        capi_listing_addf(listing, "%u", batches[i].batch_idx);
        add_status(history, work_status(batches[i].status));
        capi_listing_addf(listing, "%llu", (unsigned long long)batches[i].rows_read);
        capi_listing_addf(listing, "%llu", (unsigned long long)batches[i].rows_written);
        capi_listing_addf(listing, "%lld", (long long)batches[i].first_token);
        capi_listing_addf(listing, "%lld", (long long)batches[i].last_token);
        capi_listing_add_time(listing, batches[i].start_ms);
        capi_listing_add_time(listing, batches[i].final_ms);
        capi_listing_add(listing, batches[i].comment);
    }
    return CAPI_OK;
}

/* ---- commands ---- */

/* What is listed may stand still because nobody can write. */
static void print_history(history_view *history, capi_output output)
{
    capi_err err = {0};

    capi_listing_print(&history->listing, output);
    if (capi_engine_check_writable(history->engine, LOCK_PATIENCE_MS, &err) != CAPI_OK)
        fprintf(stderr, "note: %s\n", err.text);
}

static int with_history(const capi_args *args, bool needs_keyspace,
                        capi_status (*list)(history_view *history, const capi_args *args, capi_err *err))
{
    const char *keyspace = capi_args_value(args, "keyspace");
    history_view history = {0};
    capi_output output;
    capi_err err = {0};
    int exit_code;

    if (!capi_args_output(args, &output) || !capi_find_run_id(args, &history.run_id)) return CAPI_EXIT_USAGE;
    if (!keyspace && needs_keyspace) {
        fprintf(stderr, "error: say in which keyspace: --keyspace NAME\n");
        return CAPI_EXIT_USAGE;
    }
    history.engine = capi_session_old_engine(args, &exit_code);
    if (!history.engine) return exit_code;
    history.state = capi_engine_state(history.engine);
    if ((keyspace && capi_find_keyspace(history.state, capi_str_of(keyspace), &history.arena, &history.keyspace,
                                        &err) != CAPI_OK) ||
        list(&history, args, &err) != CAPI_OK)
        exit_code = capi_command_fail(&err);
    else
        print_history(&history, output);
    capi_listing_deinit(&history.listing);
    capi_engine_close(history.engine);
    capi_arena_deinit(&history.arena);
    return exit_code;
}

static int command_runs(const capi_args *args)
{
    return with_history(args, false, list_runs);
}

static int command_nodes(const capi_args *args)
{
    return with_history(args, true, list_nodes);
}

static int command_batches(const capi_args *args)
{
    return with_history(args, true, list_batches);
}

#define HISTORY_OPTIONS                                                                                                \
    {"keyspace", "NAME", "keyspace to look at", false}, CAPI_OPTION_OUTPUT,                                            \
    {                                                                                                                  \
        "data", "DIR", "data folder (default: CAPI_DATA, else the user's data folder)", false                          \
    }

static const capi_option runs_options[] = {
    {"keyspace", "NAME", "keyspace to look at (default: all)", false},
    CAPI_OPTION_OUTPUT,
    {"data", "DIR", "data folder (default: CAPI_DATA, else the user's data folder)", false}};
static const capi_option nodes_options[] = {{"run", "ID", "which run (default: the newest)", false}, HISTORY_OPTIONS};
static const capi_option batches_options[] = {
    {"run", "ID", "which run (default: the newest)", false}, {"node", "NAME", "which node", false}, HISTORY_OPTIONS};

const capi_command capi_command_runs = {
    .name = "runs",
    .arguments = "",
    .summary = "list the runs of a keyspace, or of all of them",
    .options = runs_options,
    .option_count = sizeof runs_options / sizeof *runs_options,
    .run = command_runs,
};

const capi_command capi_command_nodes = {
    .name = "nodes",
    .arguments = "",
    .summary = "list the nodes of a run with their status",
    .options = nodes_options,
    .option_count = sizeof nodes_options / sizeof *nodes_options,
    .run = command_nodes,
};

const capi_command capi_command_batches = {
    .name = "batches",
    .arguments = "",
    .summary = "list the batches of a node with their status",
    .options = batches_options,
    .option_count = sizeof batches_options / sizeof *batches_options,
    .run = command_batches,
};
