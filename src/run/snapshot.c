/* snapshot.c - loads the script of a run as it was when the run started (invariant I14). */
#include "run/source_files.h"

typedef struct run_snapshot {
    const capi_snapshot_file *files;
    uint32_t count;
} run_snapshot;

static capi_status fetch_from_snapshot(void *context, capi_str url, capi_arena *arena, capi_str *text, capi_err *err)
{
    const run_snapshot *snapshot = context;

    for (uint32_t i = 0; i < snapshot->count; i++) {
        if (capi_str_is(snapshot->files[i].kind, "schema") ||
            capi_str_is(snapshot->files[i].kind, CAPI_SNAPSHOT_FILES) || !capi_str_equal(snapshot->files[i].url, url))
            continue;
        *text = capi_str_copy(arena, snapshot->files[i].text);
        return CAPI_OK;
    }
    return capi_err_set(err, CAPI_INVALID, "\"%.*s\" is not among the files that the run was started with",
                        CAPI_STR_ARG(url));
}

static bool expand_from_snapshot(void *context, capi_str url, capi_arena *arena, const capi_str **urls, uint32_t *count)
{
    const run_snapshot *snapshot = context;

    return capi_source_list_read(snapshot->files, snapshot->count, url, arena, urls, count);
}

/* Parameters that were given one by one: "set" files, named like the parameter. */
static uint32_t take_sets(const run_snapshot *snapshot, capi_arena *arena, capi_str **names, capi_str **values)
{
    uint32_t count = 0;

    *names = capi_new_array(arena, capi_str, snapshot->count);
    *values = capi_new_array(arena, capi_str, snapshot->count);
    for (uint32_t i = 0; i < snapshot->count; i++)
        if (capi_str_is(snapshot->files[i].kind, "set")) {
            (*names)[count] = snapshot->files[i].url;
            (*values)[count++] = snapshot->files[i].text;
        }
    return count;
}

capi_status capi_run_script(capi_state *state, const capi_run *run, capi_script **out, capi_err *err)
{
    return capi_run_script_with(state, run, (capi_str){0}, out, err);
}

capi_status capi_run_script_with(capi_state *state, const capi_run *run, capi_str custom_processors_json,
                                 capi_script **out, capi_err *err)
{
    capi_arena arena = {0};
    capi_snapshot_file *files = NULL;
    run_snapshot snapshot = {0};
    capi_str *names;
    capi_str *values;
    capi_diags diags;
    capi_load_options options = {
        .script_url = run->script_url,
        .params_url = run->params_url,
        .fetch = fetch_from_snapshot,
        .fetch_context = &snapshot,
        .expand = expand_from_snapshot,
        .custom_processors_json = custom_processors_json,
    };
    capi_status st;

    CAPI_TRY_OUT(capi_run_snapshot(state, run->run_uid, &arena, &files, &snapshot.count, err));
    snapshot.files = files;
    options.set_count = take_sets(&snapshot, &arena, &names, &values);
    options.set_names = names;
    options.set_values = values;
    capi_diags_init(&diags, &arena);
    st = capi_script_load(&options, out, &diags);
    if (st != CAPI_OK) st = capi_diags_to_err(&diags, err);
out:
    capi_arena_deinit(&arena);
    return st;
}
