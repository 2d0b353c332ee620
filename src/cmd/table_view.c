/* table_view.c - opens a table of a keyspace for the commands that look at it. */
#include "cmd/table_view.h"

#include "cmd/find.h"

static capi_status view_open(capi_table_view *view, const capi_args *args, uint32_t run_id, capi_err *err)
{
    const char *keyspace_name = capi_args_value(args, "keyspace");
    capi_keyspace keyspace;
    capi_run run;

    if (!keyspace_name) return capi_err_set(err, CAPI_INVALID, "say in which keyspace: --keyspace NAME");
    CAPI_TRY(
        capi_find_keyspace(capi_engine_state(view->engine), capi_str_of(keyspace_name), &view->arena, &keyspace, err));
    if (run_id) CAPI_TRY(capi_find_run(capi_engine_state(view->engine), &keyspace, run_id, &view->arena, &run, err));
    return capi_run_table(view->engine, &keyspace, capi_str_of(capi_args_word(args, 0)), run_id, &view->arena,
                          &view->schema, &view->input, err);
}

int capi_with_table_view(const capi_args *args,
                         capi_status (*show)(capi_table_view *view, const capi_args *args, capi_err *err))
{
    capi_table_view view = {0};
    capi_err err = {0};
    uint32_t run_id = 0;
    int exit_code;

    if (!capi_find_run_id(args, &run_id)) return CAPI_EXIT_USAGE;
    view.engine = capi_session_old_engine(args, &exit_code);
    if (!view.engine) return exit_code;
    if (view_open(&view, args, run_id, &err) != CAPI_OK || show(&view, args, &err) != CAPI_OK)
        exit_code = capi_command_fail(&err);
    capi_engine_close(view.engine);
    capi_arena_deinit(&view.arena);
    return exit_code;
}
