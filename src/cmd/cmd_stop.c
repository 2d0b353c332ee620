/* cmd_stop.c - "capillaries stop" and "drop": an operator ends a run or a whole keyspace. */
#include "cmd/commands.h"
#include "cmd/deed.h"
#include "cmd/find.h"
#include "cmd/session.h"

#include "run/forget.h"

#include <stdio.h>

static capi_status stop_run(capi_engine *engine, const capi_args *args, capi_str keyspace_name, uint32_t run_id,
                            capi_deeds *deeds, capi_arena *arena, capi_err *err)
{
    const char *comment = capi_args_value(args, "comment");
    capi_state *state = capi_engine_state(engine);
    capi_keyspace keyspace;
    capi_run run;

    if (run_id == 0) return capi_err_set(err, CAPI_INVALID, "say which run: --run ID");
    CAPI_TRY(capi_find_keyspace(state, keyspace_name, arena, &keyspace, err));
    CAPI_TRY(capi_find_run(state, &keyspace, run_id, arena, &run, err));
    CAPI_TRY(capi_run_stop(state, &keyspace, run_id, capi_str_of(comment ? comment : "stopped by the operator"), err));
    capi_engine_ring(engine);
    capi_deeds_add(deeds, "stopped", keyspace_name, run_id, "run %u of keyspace \"%.*s\" is stopped", run_id,
                   CAPI_STR_ARG(keyspace_name));
    return CAPI_OK;
}

static capi_status drop_run(capi_engine *engine, capi_str keyspace_name, uint32_t run_id, capi_deeds *deeds,
                            capi_arena *arena, capi_err *err)
{
    capi_keyspace keyspace;
    capi_run run;

    CAPI_TRY(capi_find_keyspace(capi_engine_state(engine), keyspace_name, arena, &keyspace, err));
    CAPI_TRY(capi_find_run(capi_engine_state(engine), &keyspace, run_id, arena, &run, err));
    CAPI_TRY(capi_run_remove(engine, &keyspace, run_id, err));
    capi_deeds_add(deeds, "removed", keyspace_name, run_id, "run %u of keyspace \"%.*s\" is gone with its tables",
                   run_id, CAPI_STR_ARG(keyspace_name));
    return CAPI_OK;
}

/* First the state, so that nobody reads the tables any more; then the tables. */
static capi_status drop_keyspace(capi_engine *engine, const capi_args *args, capi_str keyspace_name, uint32_t run_id,
                                 capi_deeds *deeds, capi_arena *arena, capi_err *err)
{
    capi_keyspace keyspace;
    capi_str uid;

    (void)args;
    if (run_id) return drop_run(engine, keyspace_name, run_id, deeds, arena, err);
    CAPI_TRY(capi_find_keyspace(capi_engine_state(engine), keyspace_name, arena, &keyspace, err));
    CAPI_TRY(capi_keyspace_drop(capi_engine_state(engine), keyspace_name, arena, &uid, err));
    CAPI_TRY(capi_tables_drop(capi_engine_exec(engine)->tables, uid, (capi_str){0}, err));
    capi_deeds_add(deeds, "removed", keyspace_name, 0, "keyspace \"%.*s\" is gone with all its runs and tables",
                   CAPI_STR_ARG(keyspace_name));
    return CAPI_OK;
}

/* What a command does; run_id 0: --run is not given. */
typedef capi_status (*keyspace_act)(capi_engine *engine, const capi_args *args, capi_str keyspace, uint32_t run_id,
                                    capi_deeds *deeds, capi_arena *arena, capi_err *err);

static int with_keyspace(const capi_args *args, keyspace_act act)
{
    const char *keyspace = capi_args_value(args, "keyspace");
    capi_engine *engine;
    capi_arena arena = {0};
    capi_deeds deeds;
    capi_err err = {0};
    uint32_t run_id = 0;
    int exit_code;

    if (!capi_deeds_init(&deeds, args) || !capi_find_run_id(args, &run_id)) return CAPI_EXIT_USAGE;
    if (!keyspace) {
        fprintf(stderr, "error: say which keyspace: --keyspace NAME\n");
        return CAPI_EXIT_USAGE;
    }
    engine = capi_session_old_engine(args, &exit_code);
    if (!engine) return exit_code;
    if (act(engine, args, capi_str_of(keyspace), run_id, &deeds, &arena, &err) != CAPI_OK)
        exit_code = capi_command_fail(&err);
    capi_deeds_end(&deeds);
    capi_engine_close(engine);
    capi_arena_deinit(&arena);
    return exit_code;
}

static int command_stop(const capi_args *args)
{
    return with_keyspace(args, stop_run);
}

static int command_drop(const capi_args *args)
{
    return with_keyspace(args, drop_keyspace);
}

#define DATA_OPTION                                                                                                    \
    {                                                                                                                  \
        "data", "DIR", "data folder (default: CAPI_DATA, else the user's data folder)", false                          \
    }

static const capi_option stop_options[] = {
    {"keyspace", "NAME", "keyspace of the run", false},
    {"run", "ID", "which run", false},
    {"comment", "TEXT", "why (kept with the run)", false},
    CAPI_OPTION_OUTPUT,
    DATA_OPTION,
};

static const capi_option drop_options[] = {
    {"keyspace", "NAME", "keyspace to remove", false},
    {"run", "ID", "remove only this run, which must be complete or stopped", false},
    CAPI_OPTION_OUTPUT,
    DATA_OPTION,
};

const capi_command capi_command_stop = {
    .name = "stop",
    .arguments = "",
    .summary = "stop a run, or declare the results of a complete one invalid",
    .details = "No batch of the run begins any more; batches that are running end. Later runs do not read its tables.",
    .options = stop_options,
    .option_count = sizeof stop_options / sizeof *stop_options,
    .run = command_stop,
};

const capi_command capi_command_drop = {
    .name = "drop",
    .arguments = "",
    .summary = "remove a keyspace with all its runs and tables, or one run",
    .options = drop_options,
    .option_count = sizeof drop_options / sizeof *drop_options,
    .run = command_drop,
};
