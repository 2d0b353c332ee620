/* find.c - asks the state, and where it knows nothing of the name, asks it what there is. */
#include "cmd/find.h"

bool capi_find_run_id(const capi_args *args, uint32_t *run_id)
{
    uint64_t number = 0;

    if (!capi_args_number(args, "run", 1, CAPI_RUN_ID_MAX, &number)) return false;
    *run_id = (uint32_t)number;
    return true;
}

/* Puts `more` behind the message; *err may be NULL. */
static capi_status add_words(capi_err *err, capi_arena *arena, capi_str more)
{
    capi_str text = err ? capi_str_copy(arena, (capi_str){err->text, err->text_bytes}) : (capi_str){0};

    return capi_err_set(err, CAPI_NOT_FOUND, "%.*s%.*s", CAPI_STR_ARG(text), CAPI_STR_ARG(more));
}

static capi_status add_nearest(capi_err *err, capi_arena *arena, capi_str wrong, const capi_str *names, uint32_t count)
{
    capi_str nearest = capi_str_nearest(wrong, names, count);

    if (nearest.bytes == 0) return CAPI_NOT_FOUND;
    return add_words(err, arena, capi_str_format(arena, "; did you mean \"%.*s\"?", CAPI_STR_ARG(nearest)));
}

capi_status capi_find_keyspace(capi_state *state, capi_str name, capi_arena *arena, capi_keyspace *out, capi_err *err)
{
    capi_keyspace *keyspaces = NULL;
    uint32_t count = 0;
    capi_str *names;
    capi_status st = capi_keyspace_open(state, name, false, arena, out, err);

    if (st != CAPI_NOT_FOUND || capi_keyspace_list(state, arena, &keyspaces, &count, NULL) != CAPI_OK) return st;
    names = capi_new_array(arena, capi_str, count + 1);
    for (uint32_t i = 0; i < count; i++)
        names[i] = keyspaces[i].name;
    return add_nearest(err, arena, name, names, count);
}

static capi_status newest_run(capi_state *state, const capi_keyspace *keyspace, capi_arena *arena, capi_run *out,
                              capi_err *err)
{
    capi_run *runs = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_run_list(state, keyspace, arena, &runs, &count, err));
    if (count == 0)
        return capi_err_set(err, CAPI_NOT_FOUND, "keyspace \"%.*s\" has no runs", CAPI_STR_ARG(keyspace->name));
    *out = runs[count - 1];
    return CAPI_OK;
}

capi_status capi_find_run(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id, capi_arena *arena,
                          capi_run *out, capi_err *err)
{
    capi_run *runs = NULL;
    uint32_t count = 0;
    capi_status st;

    if (run_id == 0) return newest_run(state, keyspace, arena, out, err);
    st = capi_run_get(state, keyspace, run_id, arena, out, err);
    if (st != CAPI_NOT_FOUND || capi_run_list(state, keyspace, arena, &runs, &count, NULL) != CAPI_OK) return st;
    if (count == 0) return add_words(err, arena, CAPI_STR("; it has no runs"));
    if (count == 1) return add_words(err, arena, capi_str_format(arena, "; it has run %u alone", runs[0].run_id));
    return add_words(
        err, arena,
        capi_str_format(arena, "; it has %u runs, %u to %u", count, runs[0].run_id, runs[count - 1].run_id));
}

capi_status capi_find_node(capi_state *state, const capi_keyspace *keyspace, const capi_run *run, capi_str name,
                           capi_arena *arena, capi_node_state *out, capi_err *err)
{
    capi_node_state *nodes = NULL;
    uint32_t count = 0;
    capi_str *names;
    capi_status st = capi_node_get(state, run->run_uid, name, arena, out, err);

    if (st != CAPI_NOT_FOUND || capi_node_list(state, run->run_uid, arena, &nodes, &count, NULL) != CAPI_OK) return st;
    names = capi_new_array(arena, capi_str, count + 1);
    for (uint32_t i = 0; i < count; i++)
        names[i] = nodes[i].name;
    capi_err_set(err, CAPI_NOT_FOUND, "run %u of keyspace \"%.*s\" has no node \"%.*s\"", run->run_id,
                 CAPI_STR_ARG(keyspace->name), CAPI_STR_ARG(name));
    return add_nearest(err, arena, name, names, count);
}
