/* cmd_history.c - "capillaries runs", "nodes" and "batches": what happened in a keyspace. */
#include "cmd/commands.h"
#include "cmd/listing.h"
#include "cmd/session.h"

#include <stdio.h>

typedef struct history_view {
    capi_arena arena;
    capi_engine *engine;
    capi_state *state;
    capi_keyspace keyspace;
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
    {"run_id", true}, {"status", false},      {"started", false}, {"ended", false},
    {"nodes", true},  {"start_nodes", false}, {"script", false},  {"description", false},
};

static capi_status add_run(history_view *history, const capi_run *run, capi_err *err)
{
    capi_listing *listing = &history->listing;
    capi_node_state *nodes = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_node_list(history->state, run->run_uid, &history->arena, &nodes, &count, err));
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

static capi_status list_runs(history_view *history, const capi_args *args, capi_err *err)
{
    capi_run *runs = NULL;
    uint32_t count = 0;

    (void)args;
    history->listing.columns = run_columns;
    history->listing.column_count = sizeof run_columns / sizeof *run_columns;
    CAPI_TRY(capi_run_list(history->state, &history->keyspace, &history->arena, &runs, &count, err));
    for (uint32_t i = 0; i < count; i++)
        CAPI_TRY(add_run(history, &runs[i], err));
    return CAPI_OK;
}

/* ---- nodes ---- */

static const capi_listing_column node_columns[] = {
    {"node", false}, {"status", false},  {"batches", true}, {"done", true},     {"failed", true},
    {"rows", true},  {"started", false}, {"ended", false},  {"comment", false},
};

static capi_status get_run(history_view *history, const capi_args *args, capi_run *run, capi_err *err)
{
    uint64_t run_id = 0;

    if (!capi_args_number(args, "run", 1, UINT32_MAX, &run_id) || run_id == 0)
        return capi_err_set(err, CAPI_INVALID, "say which run: --run ID");
    return capi_run_get(history->state, &history->keyspace, (uint32_t)run_id, &history->arena, run, err);
}

static capi_status list_nodes(history_view *history, const capi_args *args, capi_err *err)
{
    capi_listing *listing = &history->listing;
    capi_node_state *nodes = NULL;
    uint32_t count = 0;
    capi_run run;

    listing->columns = node_columns;
    listing->column_count = sizeof node_columns / sizeof *node_columns;
    CAPI_TRY(get_run(history, args, &run, err));
    CAPI_TRY(capi_node_list(history->state, run.run_uid, &history->arena, &nodes, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        capi_listing_add(listing, nodes[i].name);
        add_status(history, work_status(nodes[i].status));
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

/* ---- batches ---- */

static const capi_listing_column batch_columns[] = {
    {"batch", true},      {"status", false},  {"rows_read", true}, {"rows_written", true}, {"first_token", true},
    {"last_token", true}, {"started", false}, {"ended", false},    {"comment", false},
};

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
    CAPI_TRY(get_run(history, args, &run, err));
    CAPI_TRY(capi_node_get(history->state, run.run_uid, capi_str_of(node), &history->arena, &about, err));
    CAPI_TRY(capi_batch_list(history->state, run.run_uid, about.name, false, &history->arena, &batches, &count, err));
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

static int with_history(const capi_args *args,
                        capi_status (*list)(history_view *history, const capi_args *args, capi_err *err))
{
    const char *keyspace = capi_args_value(args, "keyspace");
    history_view history = {0};
    capi_output output;
    capi_err err = {0};
    int exit_code;

    if (!capi_args_output(args, &output)) return CAPI_EXIT_USAGE;
    if (!keyspace) {
        fprintf(stderr, "error: say in which keyspace: --keyspace NAME\n");
        return CAPI_EXIT_USAGE;
    }
    history.engine = capi_session_engine(args, &exit_code);
    if (!history.engine) return exit_code;
    history.state = capi_engine_state(history.engine);
    if (capi_keyspace_open(history.state, capi_str_of(keyspace), false, &history.arena, &history.keyspace, &err) !=
            CAPI_OK ||
        list(&history, args, &err) != CAPI_OK)
        exit_code = capi_command_fail(&err);
    else
        capi_listing_print(&history.listing, output);
    capi_listing_deinit(&history.listing);
    capi_engine_close(history.engine);
    capi_arena_deinit(&history.arena);
    return exit_code;
}

static int command_runs(const capi_args *args)
{
    return with_history(args, list_runs);
}

static int command_nodes(const capi_args *args)
{
    return with_history(args, list_nodes);
}

static int command_batches(const capi_args *args)
{
    return with_history(args, list_batches);
}

#define HISTORY_OPTIONS                                                                                                \
    {"keyspace", "NAME", "keyspace to look at", false}, CAPI_OPTION_OUTPUT,                                            \
    {                                                                                                                  \
        "data", "DIR", "data folder (default: CAPI_DATA, else the user's data folder)", false                          \
    }

static const capi_option runs_options[] = {HISTORY_OPTIONS};
static const capi_option nodes_options[] = {{"run", "ID", "which run", false}, HISTORY_OPTIONS};
static const capi_option batches_options[] = {
    {"run", "ID", "which run", false}, {"node", "NAME", "which node", false}, HISTORY_OPTIONS};

const capi_command capi_command_runs = {
    .name = "runs",
    .arguments = "",
    .summary = "list the runs of a keyspace",
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
