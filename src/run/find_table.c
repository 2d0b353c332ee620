/* find_table.c - finds a table that some run made, without the script: the run's snapshot has its schema. */
#include "run/engine.h"
#include "run/schema_text.h"
#include "run/table_input.h"

/* The schema of `table` in a run: CAPI_NOT_FOUND if the run does not make it. */
static capi_status find_in_run(capi_state *state, const capi_run *run, capi_str table, capi_arena *arena,
                               capi_str *node, capi_schema *schema, capi_err *err)
{
    capi_snapshot_file *files = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_run_snapshot(state, run->run_uid, arena, &files, &count, err));
    for (uint32_t i = 0; i < count; i++)
        if (capi_str_is(files[i].kind, "schema") && capi_str_equal(files[i].url, table))
            return capi_schema_from_text(files[i].text, arena, node, schema, err);
    return CAPI_NOT_FOUND;
}

capi_status capi_run_schema(capi_state *state, const capi_run *run, capi_str table, capi_arena *arena, capi_schema *out,
                            capi_err *err)
{
    capi_str node;

    return find_in_run(state, run, table, arena, &node, out, err);
}

capi_status capi_run_table(capi_engine *engine, const capi_keyspace *keyspace, capi_str table, uint32_t run_id,
                           capi_arena *arena, capi_schema *schema, capi_table_input *out, capi_err *err)
{
    capi_run *runs = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_run_list(engine->state, keyspace, arena, &runs, &count, err));
    for (uint32_t i = count; i-- > 0;) {
        const capi_run *run = &runs[i];
        capi_str node;
        capi_node_state node_state;
        capi_status st;

        if (run_id && run->run_id != run_id) continue;
        st = find_in_run(engine->state, run, table, arena, &node, schema, err);
        if (st == CAPI_NOT_FOUND) continue;
        if (st != CAPI_OK) return st;
        CAPI_TRY(capi_node_get(engine->state, run->run_uid, node, arena, &node_state, err));
        if (node_state.status == CAPI_WORK_NONE && run_id == 0) continue;
        return capi_table_input_load(engine->state, keyspace->uid, run->run_uid, node, table, arena, out, err);
    }
    if (run_id)
        return capi_err_set(err, CAPI_NOT_FOUND, "run %u of keyspace \"%.*s\" has no table \"%.*s\"", run_id,
                            CAPI_STR_ARG(keyspace->name), CAPI_STR_ARG(table));
    return capi_err_set(err, CAPI_NOT_FOUND, "no run of keyspace \"%.*s\" has made a table \"%.*s\"",
                        CAPI_STR_ARG(keyspace->name), CAPI_STR_ARG(table));
}
