/* cmd_start.c - "capillaries start": a run for daemons to work on. */
#include "cmd/commands.h"
#include "cmd/deed.h"
#include "cmd/session.h"

#include <stdio.h>

static int start_script(const capi_args *args, capi_engine *engine, const capi_script *script)
{
    capi_arena arena = {0};
    capi_str set_names[CAPI_SETS_MAX];
    capi_str set_values[CAPI_SETS_MAX];
    capi_start_options options = {
        .keyspace = capi_session_keyspace(args, script->url, &arena),
        .script = script,
        .start_nodes = capi_str_of(capi_args_value(args, "start")),
        .description = capi_str_of(capi_args_value(args, "description")),
        .mode = CAPI_RUN_QUEUED,
        .set_names = set_names,
        .set_values = set_values,
    };
    capi_deeds deeds;
    capi_run run;
    capi_err err = {0};
    int exit_code = CAPI_EXIT_USAGE;

    if (capi_deeds_init(&deeds, args) && capi_session_sets(args, set_names, set_values, &options.set_count)) {
        if (capi_run_begin(engine, &options, &arena, &run, &err) == CAPI_OK) {
            capi_deeds_add(&deeds, "started", options.keyspace, run.run_id, "%u", run.run_id);
            capi_deeds_end(&deeds);
            exit_code = CAPI_EXIT_DONE;
        } else {
            exit_code = capi_command_fail(&err);
        }
    }
    capi_arena_deinit(&arena);
    return exit_code;
}

static int command_start(const capi_args *args)
{
    int exit_code;
    capi_script *script = capi_session_script(args, &exit_code);
    capi_engine *engine = script ? capi_session_engine(args, &exit_code) : NULL;

    if (engine) exit_code = start_script(args, engine, script);
    capi_engine_close(engine);
    capi_script_free(script);
    return exit_code;
}

static const capi_option options[] = {
    CAPI_OPTIONS_SCRIPT,
    {"start", "NODES", "start nodes, comma-separated (default: all nodes that read only files and are not manual)",
     false},
    CAPI_OPTION_KEYSPACE,
    {"data", "DIR", "data folder (default: CAPI_DATA, else the user's data folder)", false},
    {"description", "TEXT", "a remark kept with the run", false},
    CAPI_OPTION_OUTPUT,
};

const capi_command capi_command_start = {
    .name = "start",
    .arguments = "SCRIPT",
    .summary = "start a run for daemons to work on; prints its id",
    .argument_min = 1,
    .argument_max = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = command_start,
};
