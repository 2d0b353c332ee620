/* tool_check.c - toolbelt: check_db_connectivity, check_queue_connectivity. */
#include "cmd/toolbelt.h"

#include <stdio.h>

static int tool_check_db(const capi_args *args)
{
    capi_engine *engine = NULL;
    capi_keyspace *keyspaces = NULL;
    capi_arena arena = {0};
    capi_err err = {0};
    capi_str folder;
    uint32_t count = 0;
    capi_status st;

    (void)args;
    CAPI_TRY_OUT(capi_tool_data_folder(&arena, &folder, &err));
    CAPI_TRY_OUT(capi_engine_check_folder(folder, &err));
    if (capi_engine_has_state(folder)) {
        CAPI_TRY_OUT(capi_tool_open_old(&engine, &err));
        CAPI_TRY_OUT(capi_keyspace_list(capi_engine_state(engine), &arena, &keyspaces, &count, &err));
    } else {
        fprintf(stderr, "there is no store yet, the first run makes it\n");
    }
    printf("OK: [%.*s]\n", CAPI_STR_ARG(folder));
out:
    capi_engine_close(engine);
    capi_arena_deinit(&arena);
    return st == CAPI_OK ? CAPI_EXIT_DONE : capi_tool_fail(&err);
}

/* A broker cannot be reached by a program that has no client for one; without one there is nothing to reach. */
static int tool_check_queue(const capi_args *args)
{
    capi_str type = capi_config_text(capi_tool_config(), CAPI_CONFIG_MQ_TYPE);
    capi_err err = {0};

    (void)args;
    if (type.bytes == 0 || capi_str_is(type, "none") || capi_str_is(type, "capimq")) {
        printf("OK: none (processes find their work in the data folder)\n");
        return CAPI_EXIT_DONE;
    }
    capi_err_set(&err, CAPI_UNAVAILABLE,
                 "mq_type is \"%.*s\", and this program has no client for it; it needs no queue: set mq_type to none",
                 CAPI_STR_ARG(type));
    return capi_tool_fail(&err);
}

const capi_command capi_tool_check_db_connectivity = {
    .name = "check_db_connectivity",
    .arguments = "",
    .summary = "see whether the store answers",
    .run = tool_check_db,
};

const capi_command capi_tool_check_queue_connectivity = {
    .name = "check_queue_connectivity",
    .arguments = "",
    .summary = "see whether the queue answers",
    .run = tool_check_queue,
};
