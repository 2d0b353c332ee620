/* forget.c - removes a run of which the state says that nobody needs it, and tables that nobody knows. */
#include "run/forget.h"
#include "run/engine.h"

#include <dirent.h>

capi_status capi_run_remove(capi_engine *engine, const capi_keyspace *keyspace, uint32_t run_id, capi_err *err)
{
    capi_arena arena = {0};
    capi_str run_uid;
    capi_status st;

    CAPI_TRY_OUT(capi_run_forget(engine->state, keyspace, run_id, &arena, &run_uid, err));
    CAPI_TRY_OUT(capi_tables_drop(engine->tables, keyspace->uid, run_uid, err));
out:
    capi_arena_deinit(&arena);
    return st;
}

/* ---- what nobody knows ---- */

typedef struct known_uids {
    capi_str *items;
    uint32_t count;
} known_uids;

static bool is_known(const known_uids *known, capi_str uid)
{
    for (uint32_t i = 0; i < known->count; i++)
        if (capi_str_equal(known->items[i], uid)) return true;
    return false;
}

/* Names in a folder; none if it does not exist. */
static known_uids list_folder(capi_str path, capi_arena *arena)
{
    known_uids names = {0};
    uint32_t capacity = 0;
    DIR *folder = opendir(path.data);

    if (!folder) return names;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        if (names.count == capacity) {
            capi_str *more = capi_new_array(arena, capi_str, capacity * 2 + 64);

            if (names.count) memcpy(more, names.items, names.count * sizeof *more);
            names.items = more;
            capacity = capacity * 2 + 64;
        }
        names.items[names.count++] = capi_str_copy(arena, capi_str_of(entry->d_name));
    }
    closedir(folder);
    return names;
}

static capi_status known_runs(capi_state *state, const capi_keyspace *keyspace, capi_arena *arena, known_uids *out,
                              capi_err *err)
{
    capi_run *runs = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_run_list(state, keyspace, arena, &runs, &count, err));
    out->items = capi_new_array(arena, capi_str, count + 1);
    for (uint32_t i = 0; i < count; i++)
        out->items[out->count++] = runs[i].run_uid;
    return CAPI_OK;
}

/* Folders are listed before the state is asked: what begins meanwhile is known to neither or to the state. */
static capi_status remove_runs(capi_engine *engine, const capi_keyspace *keyspace, capi_str folder, capi_arena *arena,
                               uint32_t *removed, capi_err *err)
{
    known_uids found = list_folder(folder, arena);
    known_uids known = {0};
    capi_err why = {0};
    capi_status st = known_runs(engine->state, keyspace, arena, &known, &why);

    if (st == CAPI_NOT_FOUND) return CAPI_OK; /* dropped meanwhile: its tables are gone, or are taken the next time */
    if (st != CAPI_OK) {
        capi_err_copy(err, &why);
        return st;
    }
    for (uint32_t i = 0; i < found.count; i++) {
        if (is_known(&known, found.items[i])) continue;
        CAPI_TRY(capi_tables_drop(engine->tables, keyspace->uid, found.items[i], err));
        ++*removed;
    }
    return CAPI_OK;
}

capi_status capi_tables_remove_unknown(capi_engine *engine, uint32_t *count, capi_err *err)
{
    capi_arena arena = {0};
    capi_str folder = capi_str_format(&arena, "%.*s/tables", CAPI_STR_ARG(engine->folder));
    known_uids found = list_folder(folder, &arena);
    capi_keyspace *keyspaces = NULL;
    uint32_t keyspace_count = 0;
    capi_status st;

    *count = capi_temp_folders_sweep(engine->folder.data);
    CAPI_TRY_OUT(capi_keyspace_list(engine->state, &arena, &keyspaces, &keyspace_count, err));
    for (uint32_t i = 0; i < found.count; i++) {
        const capi_keyspace *keyspace = NULL;

        for (uint32_t k = 0; k < keyspace_count; k++)
            if (capi_str_equal(keyspaces[k].uid, found.items[i])) keyspace = &keyspaces[k];
        if (!keyspace) {
            CAPI_TRY_OUT(capi_tables_drop(engine->tables, found.items[i], (capi_str){0}, err));
            ++*count;
        } else {
            capi_str path = capi_str_format(&arena, "%.*s/%.*s", CAPI_STR_ARG(folder), CAPI_STR_ARG(found.items[i]));

            CAPI_TRY_OUT(remove_runs(engine, keyspace, path, &arena, count, err));
        }
    }
out:
    capi_arena_deinit(&arena);
    return st;
}
