/* state_sqlite.c - the state in one SQLite file, shared by the processes of one machine.
 *
 * Each operation is one short transaction: read the row that decides, compare, write. state_memory.c says the same in
 * plain structures; a property test runs both side by side. doc/internals/state.md lists the statements of each
 * operation. */
#include "store/state.h"

#include "store/state_sqlite_lock.h"
#include "store/state_sqlite_node.h"

#include <stdlib.h>

void sqlite_new_uid(sqlite_state *sq, char uid[CAPI_UID_BYTES])
{
    capi_random_uid(&sq->base.random, uid);
}

static void sq_close(capi_state *state)
{
    sqlite_state *sq = sq_of(state);

    db_close(sq);
    free(sq);
}

static capi_status sq_check(capi_state *state, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_READ, err));
    return db_end(sq, DB_READ, db_check_same(sq, err), err);
}

/* ---- keyspaces ---- */

static capi_status keyspace_get(sqlite_state *sq, capi_str name, capi_arena *arena, capi_keyspace *out, capi_err *err)
{
    sqlite3_stmt *row;

    CAPI_TRY(db_query(sq, SQL_KEYSPACE_BY_NAME, &row, err, "t", name));
    if (!row) return CAPI_NOT_FOUND;
    *out = (capi_keyspace){db_copy_text(row, 0, arena), db_copy_text(row, 1, arena)};
    db_reset(row);
    return CAPI_OK;
}

static capi_status keyspace_check(sqlite_state *sq, const capi_keyspace *keyspace, capi_err *err)
{
    sqlite3_stmt *row;

    CAPI_TRY(db_query(sq, SQL_KEYSPACE_BY_UID, &row, err, "t", keyspace->uid));
    if (!row) return state_dropped_keyspace(err, keyspace);
    db_reset(row);
    return CAPI_OK;
}

static capi_status unknown_keyspace(sqlite_state *sq, capi_str name, capi_err *err)
{
    capi_arena arena = {0};
    capi_status st = state_no_keyspace(err, name, capi_str_format(&arena, "\"%s\"", sq->path).data);

    capi_arena_deinit(&arena);
    return st;
}

static capi_status keyspace_add(sqlite_state *sq, capi_str name, capi_arena *arena, capi_keyspace *out, capi_err *err)
{
    char uid[CAPI_UID_BYTES];

    sqlite_new_uid(sq, uid);
    CAPI_TRY(db_exec(sq, SQL_KEYSPACE_ADD, err, "ts", name, uid));
    *out = (capi_keyspace){capi_str_copy(arena, name), capi_str_copy(arena, capi_str_of(uid))};
    return CAPI_OK;
}

static capi_status sq_keyspace_open(capi_state *state, capi_str name, bool create, capi_arena *arena,
                                    capi_keyspace *out, capi_err *err)
{
    sqlite_state *sq = sq_of(state);
    capi_status st;

    CAPI_TRY(db_begin(sq, DB_READ, err));
    st = keyspace_get(sq, name, arena, out, err);
    if (st == CAPI_NOT_FOUND && !create) st = unknown_keyspace(sq, name, err);
    st = db_end(sq, DB_READ, st, err);
    if (st != CAPI_NOT_FOUND || !create) return st;

    CAPI_TRY(db_begin(sq, DB_RESULT, err));
    st = keyspace_get(sq, name, arena, out, err);
    if (st == CAPI_NOT_FOUND) st = keyspace_add(sq, name, arena, out, err);
    return db_end(sq, DB_RESULT, st, err);
}

static capi_status keyspace_list(sqlite_state *sq, capi_arena *arena, capi_keyspace **out, uint32_t *count,
                                 capi_err *err)
{
    sqlite3_stmt *row;
    capi_buf list = {0};
    capi_status st = db_query(sq, SQL_KEYSPACE_LIST, &row, err, "");

    while (st == CAPI_OK && row) {
        capi_keyspace keyspace = {db_copy_text(row, 0, arena), db_copy_text(row, 1, arena)};

        capi_buf_append(&list, &keyspace, sizeof keyspace);
        st = db_next(sq, &row, err);
    }
    *count = (uint32_t)(list.bytes / sizeof **out);
    *out = capi_arena_copy(arena, list.data, list.bytes);
    capi_buf_deinit(&list);
    return st;
}

static capi_status sq_keyspace_list(capi_state *state, capi_arena *arena, capi_keyspace **out, uint32_t *count,
                                    capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_READ, err));
    return db_end(sq, DB_READ, keyspace_list(sq, arena, out, count, err), err);
}

/* Numbers or texts of the first column of a query, so that the caller may write while it goes through them. */
capi_status sqlite_collect_numbers(sqlite_state *sq, state_sql sql, capi_str key, capi_buf *out, capi_err *err)
{
    sqlite3_stmt *row;

    CAPI_TRY(db_query(sq, sql, &row, err, "t", key));
    while (row) {
        int64_t number = sqlite3_column_int64(row, 0);

        capi_buf_append(out, &number, sizeof number);
        CAPI_TRY(db_next(sq, &row, err));
    }
    return CAPI_OK;
}

static capi_status run_delete(sqlite_state *sq, capi_str run_uid, capi_err *err)
{
    capi_buf nodes = {0};
    capi_status st = sqlite_collect_numbers(sq, SQL_NODE_IDS, run_uid, &nodes, err);
    const int64_t *ids = (const int64_t *)nodes.data;

    for (size_t i = 0; st == CAPI_OK && i < nodes.bytes / sizeof *ids; i++) {
        st = db_exec(sq, SQL_BATCH_DELETE, err, "ii", batch_id(ids[i], 0), batch_id_last(ids[i]));
        if (st == CAPI_OK) st = db_exec(sq, SQL_NODE_DELETE, err, "i", ids[i]);
    }
    if (st == CAPI_OK) st = db_exec(sq, SQL_SNAPSHOT_DELETE, err, "t", run_uid);
    if (st == CAPI_OK) st = db_exec(sq, SQL_TARGET_DELETE, err, "t", run_uid);
    if (st == CAPI_OK) st = db_exec(sq, SQL_RUN_DELETE, err, "t", run_uid);
    capi_buf_deinit(&nodes);
    return st;
}

static capi_status keyspace_delete(sqlite_state *sq, capi_str uid, capi_err *err)
{
    capi_arena arena = {0};
    sqlite3_stmt *row;
    capi_status st = CAPI_OK;

    do {
        capi_str run_uid;

        CAPI_TRY_OUT(db_query(sq, SQL_KEYSPACE_RUNS, &row, err, "t", uid));
        if (!row) break;
        run_uid = db_copy_text(row, 0, &arena);
        db_reset(row);
        CAPI_TRY_OUT(run_delete(sq, run_uid, err));
    } while (true);
    st = db_exec(sq, SQL_KEYSPACE_DELETE, err, "t", uid);
out:
    capi_arena_deinit(&arena);
    return st;
}

static capi_status keyspace_last_run(sqlite_state *sq, const capi_keyspace *keyspace, uint32_t *out, capi_err *err)
{
    sqlite3_stmt *row;

    CAPI_TRY(db_query(sq, SQL_KEYSPACE_LAST_RUN, &row, err, "t", keyspace->uid));
    if (!row) return state_dropped_keyspace(err, keyspace);
    *out = (uint32_t)sqlite3_column_int64(row, 0);
    db_reset(row);
    return CAPI_OK;
}

static capi_status sq_keyspace_last_run(capi_state *state, const capi_keyspace *keyspace, uint32_t *out, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_READ, err));
    return db_end(sq, DB_READ, keyspace_last_run(sq, keyspace, out, err), err);
}

static capi_status sq_keyspace_drop(capi_state *state, capi_str name, capi_arena *arena, capi_str *uid, capi_err *err)
{
    sqlite_state *sq = sq_of(state);
    capi_keyspace keyspace = {0};
    capi_status st;

    CAPI_TRY(db_begin(sq, DB_RESULT, err));
    st = keyspace_get(sq, name, arena, &keyspace, err);
    if (st == CAPI_NOT_FOUND) st = unknown_keyspace(sq, name, err);
    if (st == CAPI_OK) st = keyspace_delete(sq, keyspace.uid, err);
    if (st == CAPI_OK) *uid = keyspace.uid;
    return db_end(sq, DB_RESULT, st, err);
}

/* ---- runs ---- */

static void row_run(sqlite3_stmt *row, capi_arena *arena, capi_run *out)
{
    *out = (capi_run){
        .run_uid = db_copy_text(row, 0, arena),
        .keyspace_uid = db_copy_text(row, 1, arena),
        .run_id = (uint32_t)sqlite3_column_int64(row, 2),
        .script_url = db_copy_text(row, 3, arena),
        .params_url = db_copy_text(row, 4, arena),
        .start_nodes = db_copy_text(row, 5, arena),
        .description = db_copy_text(row, 6, arena),
        .owner = db_copy_text(row, 7, arena),
        .mode = (capi_run_mode)sqlite3_column_int(row, 8),
        .start_ms = sqlite3_column_int64(row, 9),
        .complete_ms = sqlite3_column_int64(row, 10),
        .stop_ms = sqlite3_column_int64(row, 11),
        .complete_comment = db_copy_text(row, 12, arena),
        .stop_comment = db_copy_text(row, 13, arena),
    };
    out->status = state_run_status(out->complete_ms, out->stop_ms);
}

static capi_status run_by_id(sqlite_state *sq, const capi_keyspace *keyspace, uint32_t run_id, capi_arena *arena,
                             capi_run *out, capi_err *err)
{
    sqlite3_stmt *row;

    CAPI_TRY(keyspace_check(sq, keyspace, err));
    CAPI_TRY(db_query(sq, SQL_RUN_BY_ID, &row, err, "ti", keyspace->uid, (int64_t)run_id));
    if (!row) return state_no_run_id(err, keyspace, run_id);
    row_run(row, arena, out);
    db_reset(row);
    return CAPI_OK;
}

static capi_status run_by_uid(sqlite_state *sq, capi_str run_uid, capi_arena *arena, capi_run *out, capi_err *err)
{
    sqlite3_stmt *row;

    CAPI_TRY(db_query(sq, SQL_RUN_BY_UID, &row, err, "t", run_uid));
    if (!row) return state_no_run(err, run_uid);
    row_run(row, arena, out);
    db_reset(row);
    return CAPI_OK;
}

static capi_status run_check(sqlite_state *sq, capi_str run_uid, capi_err *err)
{
    sqlite3_stmt *row;

    CAPI_TRY(db_query(sq, SQL_RUN_BY_UID, &row, err, "t", run_uid));
    if (!row) return state_no_run(err, run_uid);
    db_reset(row);
    return CAPI_OK;
}

/* Takes a file for the run; somebody else's is a conflict, our own (listed twice) is none. A stopped run keeps its files until the
 * batches that were running have ended, for they may still write them. */
static capi_status target_add(sqlite_state *sq, capi_str target, const char *run_uid, capi_err *err)
{
    sqlite3_stmt *row;
    bool is_left;
    capi_status st;

    CAPI_TRY(db_exec(sq, SQL_TARGET_ADD, err, "ts", target, run_uid));
    if (sqlite3_changes(sq->db)) return CAPI_OK;
    CAPI_TRY(db_query(sq, SQL_TARGET_OWNER, &row, err, "t", target));
    if (!row) return CAPI_OK;
    is_left = sqlite3_column_int(row, 3) != 0;
    if (is_left) {
        db_reset(row);
        return db_exec(sq, SQL_TARGET_TAKE, err, "ts", target, run_uid);
    }
    st = capi_str_is(db_text(row, 0), run_uid)
             ? CAPI_OK
             : state_target_taken(err, target, (uint32_t)sqlite3_column_int64(row, 1), db_text(row, 2));
    db_reset(row);
    return st;
}

static capi_status run_add_parts(sqlite_state *sq, const char *run_uid, uint32_t run_id, const capi_run_spec *spec,
                                 capi_err *err)
{
    for (uint32_t i = 0; i < spec->target_count; i++) {
        char *target = state_target_resolve(spec->targets[i], run_id);
        capi_status st = target_add(sq, capi_str_of(target), run_uid, err);

        free(target);
        CAPI_TRY(st);
    }
    for (uint32_t i = 0; i < spec->node_count; i++)
        CAPI_TRY(
            db_exec(sq, SQL_NODE_ADD, err, "sti", run_uid, spec->nodes[i].name, (int64_t)spec->nodes[i].batches_total));
    for (uint32_t i = 0; i < spec->file_count; i++)
        CAPI_TRY(db_exec(sq, SQL_SNAPSHOT_ADD, err, "sittt", run_uid, (int64_t)i, spec->files[i].kind,
                         spec->files[i].url, spec->files[i].text));
    return CAPI_OK;
}

static capi_status run_add(sqlite_state *sq, const capi_keyspace *keyspace, const capi_run_spec *spec,
                           capi_arena *arena, capi_run *out, capi_err *err)
{
    char run_uid[CAPI_UID_BYTES];
    sqlite3_stmt *row;
    int64_t run_id;

    CAPI_TRY(db_query(sq, SQL_KEYSPACE_NEXT_RUN, &row, err, "ti", keyspace->uid, (int64_t)spec->run_id));
    if (!row) return state_run_id_was_given(err, keyspace, spec->run_id);
    run_id = sqlite3_column_int64(row, 0);
    /* A statement that returns rows must be run to its end. */
    while (row)
        CAPI_TRY(db_next(sq, &row, err));
    sqlite_new_uid(sq, run_uid);
    CAPI_TRY(db_exec(sq, SQL_RUN_ADD, err, "stittttttii", run_uid, keyspace->uid, run_id, spec->operation_uid,
                     spec->script_url, spec->params_url, spec->start_nodes, spec->description, spec->owner,
                     (int64_t)spec->mode, state_now_ms(&sq->base)));
    CAPI_TRY(run_add_parts(sq, run_uid, (uint32_t)run_id, spec, err));
    return run_by_uid(sq, capi_str_of(run_uid), arena, out, err);
}

static capi_status run_start(sqlite_state *sq, const capi_keyspace *keyspace, const capi_run_spec *spec,
                             capi_arena *arena, capi_run *out, capi_err *err)
{
    sqlite3_stmt *row;

    CAPI_TRY(keyspace_check(sq, keyspace, err));
    CAPI_TRY(db_query(sq, SQL_RUN_BY_OPERATION, &row, err, "tt", keyspace->uid, spec->operation_uid));
    if (!row) return run_add(sq, keyspace, spec, arena, out, err);
    row_run(row, arena, out);
    db_reset(row);
    return CAPI_OK;
}

static capi_status sq_run_start(capi_state *state, const capi_keyspace *keyspace, const capi_run_spec *spec,
                                capi_arena *arena, capi_run *out, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_RESULT, err));
    return db_end(sq, DB_RESULT, run_start(sq, keyspace, spec, arena, out, err), err);
}

static capi_status sq_run_get(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id, capi_arena *arena,
                              capi_run *out, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_READ, err));
    return db_end(sq, DB_READ, run_by_id(sq, keyspace, run_id, arena, out, err), err);
}

static capi_status run_list(sqlite_state *sq, const capi_keyspace *keyspace, capi_arena *arena, capi_run **out,
                            uint32_t *count, capi_err *err)
{
    sqlite3_stmt *row;
    capi_buf list = {0};
    capi_status st;

    CAPI_TRY(keyspace_check(sq, keyspace, err));
    st = db_query(sq, SQL_RUN_LIST, &row, err, "t", keyspace->uid);
    while (st == CAPI_OK && row) {
        capi_run run;

        row_run(row, arena, &run);
        capi_buf_append(&list, &run, sizeof run);
        st = db_next(sq, &row, err);
    }
    *count = (uint32_t)(list.bytes / sizeof **out);
    *out = capi_arena_copy(arena, list.data, list.bytes);
    capi_buf_deinit(&list);
    return st;
}

static capi_status sq_run_list(capi_state *state, const capi_keyspace *keyspace, capi_arena *arena, capi_run **out,
                               uint32_t *count, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_READ, err));
    return db_end(sq, DB_READ, run_list(sq, keyspace, arena, out, count, err), err);
}

static capi_status run_snapshot(sqlite_state *sq, capi_str run_uid, capi_arena *arena, capi_snapshot_file **out,
                                uint32_t *count, capi_err *err)
{
    sqlite3_stmt *row;
    capi_buf list = {0};
    capi_status st;

    CAPI_TRY(run_check(sq, run_uid, err));
    st = db_query(sq, SQL_SNAPSHOT_LIST, &row, err, "t", run_uid);
    while (st == CAPI_OK && row) {
        capi_snapshot_file file = {db_copy_text(row, 0, arena), db_copy_text(row, 1, arena),
                                   db_copy_text(row, 2, arena)};

        capi_buf_append(&list, &file, sizeof file);
        st = db_next(sq, &row, err);
    }
    *count = (uint32_t)(list.bytes / sizeof **out);
    *out = capi_arena_copy(arena, list.data, list.bytes);
    capi_buf_deinit(&list);
    return st;
}

static capi_status sq_run_snapshot(capi_state *state, capi_str run_uid, capi_arena *arena, capi_snapshot_file **out,
                                   uint32_t *count, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_READ, err));
    return db_end(sq, DB_READ, run_snapshot(sq, run_uid, arena, out, count, err), err);
}

/* ---- the end of a run ---- */

/* Batches that nobody has begun are stopped, those that were given back and those without a row. */
static capi_status node_stop(sqlite_state *sq, int64_t node_id, capi_str comment, int64_t now_ms, capi_err *err)
{
    int64_t freed;

    CAPI_TRY(
        db_exec(sq, SQL_BATCH_STOP_FREE, err, "iiit", batch_id(node_id, 0), batch_id_last(node_id), now_ms, comment));
    freed = sqlite3_changes(sq->db);
    CAPI_TRY(db_exec(sq, SQL_NODE_STOP, err, "iiit", node_id, freed, now_ms, comment));
    return db_exec(sq, SQL_NODE_SETTLE, err, "ii", node_id, now_ms);
}

static capi_status collect_unfinished_nodes(sqlite_state *sq, capi_str run_uid, capi_buf *ids, capi_err *err)
{
    sqlite3_stmt *row;

    CAPI_TRY(db_query(sq, SQL_NODE_IDS, &row, err, "t", run_uid));
    while (row) {
        int64_t id = sqlite3_column_int64(row, 0);

        if (!state_work_is_final(sqlite3_column_int(row, 1))) capi_buf_append(ids, &id, sizeof id);
        CAPI_TRY(db_next(sq, &row, err));
    }
    return CAPI_OK;
}

static capi_status run_stop(sqlite_state *sq, const capi_keyspace *keyspace, uint32_t run_id, capi_str comment,
                            capi_arena *arena, capi_err *err)
{
    int64_t now_ms = state_now_ms(&sq->base);
    capi_buf nodes = {0};
    capi_run run = {0};
    capi_status st;

    CAPI_TRY(run_by_id(sq, keyspace, run_id, arena, &run, err));
    if (run.stop_ms) return CAPI_OK;
    CAPI_TRY(db_exec(sq, SQL_RUN_STOP, err, "tit", run.run_uid, now_ms, comment));
    st = collect_unfinished_nodes(sq, run.run_uid, &nodes, err);
    for (size_t i = 0; st == CAPI_OK && i < nodes.bytes / sizeof(int64_t); i++)
        st = node_stop(sq, ((const int64_t *)nodes.data)[i], comment, now_ms, err);
    capi_buf_deinit(&nodes);
    return st;
}

static capi_status sq_run_stop(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id, capi_str comment,
                               capi_err *err)
{
    sqlite_state *sq = sq_of(state);
    capi_arena arena = {0};
    capi_status st;

    CAPI_TRY(db_begin(sq, DB_RESULT, err));
    st = db_end(sq, DB_RESULT, run_stop(sq, keyspace, run_id, comment, &arena, err), err);
    capi_arena_deinit(&arena);
    return st;
}

static capi_status run_complete(sqlite_state *sq, capi_str run_uid, capi_str comment, capi_arena *arena, capi_err *err)
{
    capi_run run = {0};
    sqlite3_stmt *row;

    CAPI_TRY(run_by_uid(sq, run_uid, arena, &run, err));
    if (run.complete_ms) return CAPI_OK;
    CAPI_TRY(db_query(sq, SQL_NODE_UNFINISHED, &row, err, "ti", run_uid, (int64_t)(run.mode == CAPI_RUN_DIRECT)));
    if (row) {
        capi_status st = state_node_unfinished(err, db_text(row, 0), sqlite3_column_int(row, 1));

        db_reset(row);
        return st;
    }
    CAPI_TRY(db_exec(sq, SQL_RUN_COMPLETE, err, "tit", run_uid, state_now_ms(&sq->base), comment));
    return db_exec(sq, SQL_TARGET_DELETE, err, "t", run_uid);
}

static capi_status sq_run_complete(capi_state *state, capi_str run_uid, capi_str comment, capi_err *err)
{
    sqlite_state *sq = sq_of(state);
    capi_arena arena = {0};
    capi_status st;

    CAPI_TRY(db_begin(sq, DB_RESULT, err));
    st = db_end(sq, DB_RESULT, run_complete(sq, run_uid, comment, &arena, err), err);
    capi_arena_deinit(&arena);
    return st;
}

static capi_status run_forget(sqlite_state *sq, const capi_keyspace *keyspace, uint32_t run_id, capi_arena *arena,
                              capi_str *run_uid, capi_err *err)
{
    capi_run run = {0};
    sqlite3_stmt *row;

    CAPI_TRY(run_by_id(sq, keyspace, run_id, arena, &run, err));
    CAPI_TRY(db_query(sq, SQL_RUN_CLAIMS, &row, err, "t", run.run_uid));
    db_reset(row);
    if (row || run.status == CAPI_RUN_START) return state_run_unfinished(err, run_id);
    CAPI_TRY(db_query(sq, SQL_RUN_READER, &row, err, "tt", run.keyspace_uid, run.run_uid));
    if (row) {
        uint32_t reader_id = (uint32_t)sqlite3_column_int64(row, 0);

        db_reset(row);
        return state_run_is_read(err, run_id, reader_id);
    }
    *run_uid = run.run_uid;
    return run_delete(sq, run.run_uid, err);
}

static capi_status sq_run_forget(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id, capi_arena *arena,
                                 capi_str *run_uid, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_RESULT, err));
    return db_end(sq, DB_RESULT, run_forget(sq, keyspace, run_id, arena, run_uid, err), err);
}

/* ---- nodes ---- */

static void row_node(sqlite3_stmt *row, capi_arena *arena, capi_node_state *out)
{
    *out = (capi_node_state){
        .name = db_copy_text(row, 0, arena),
        .batches_total = (uint32_t)sqlite3_column_int64(row, 1),
        .batches_done = (uint32_t)sqlite3_column_int64(row, 2),
        .batches_failed = (uint32_t)sqlite3_column_int64(row, 3),
        .batches_claimed = (uint32_t)sqlite3_column_int64(row, 4),
        .status = (capi_work_status)sqlite3_column_int(row, 5),
        .reader_run_uid = db_copy_text(row, 6, arena),
        .lookup_run_uid = db_copy_text(row, 7, arena),
        .start_ms = sqlite3_column_int64(row, 8),
        .final_ms = sqlite3_column_int64(row, 9),
        .comment = db_copy_text(row, 10, arena),
        .sealing = sqlite3_column_int(row, 11) != 0,
        .row_count = (uint64_t)sqlite3_column_int64(row, 12),
    };
}

capi_status sqlite_no_node(sqlite_state *sq, capi_str run_uid, capi_str node, capi_err *err)
{
    CAPI_TRY(run_check(sq, run_uid, err));
    return state_no_node(err, run_uid, node);
}

static capi_status node_get(sqlite_state *sq, capi_str run_uid, capi_str node, capi_arena *arena, capi_node_state *out,
                            capi_err *err)
{
    sqlite3_stmt *row;

    CAPI_TRY(db_query(sq, SQL_NODE_GET, &row, err, "tt", run_uid, node));
    if (!row) return sqlite_no_node(sq, run_uid, node, err);
    row_node(row, arena, out);
    db_reset(row);
    return CAPI_OK;
}

static capi_status sq_node_get(capi_state *state, capi_str run_uid, capi_str node, capi_arena *arena,
                               capi_node_state *out, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_READ, err));
    return db_end(sq, DB_READ, node_get(sq, run_uid, node, arena, out, err), err);
}

static capi_status node_list(sqlite_state *sq, capi_str run_uid, capi_arena *arena, capi_node_state **out,
                             uint32_t *count, capi_err *err)
{
    sqlite3_stmt *row;
    capi_buf list = {0};
    capi_status st;

    CAPI_TRY(run_check(sq, run_uid, err));
    st = db_query(sq, SQL_NODE_LIST, &row, err, "t", run_uid);
    while (st == CAPI_OK && row) {
        capi_node_state node;

        row_node(row, arena, &node);
        capi_buf_append(&list, &node, sizeof node);
        st = db_next(sq, &row, err);
    }
    *count = (uint32_t)(list.bytes / sizeof **out);
    *out = capi_arena_copy(arena, list.data, list.bytes);
    capi_buf_deinit(&list);
    return st;
}

static capi_status sq_node_list(capi_state *state, capi_str run_uid, capi_arena *arena, capi_node_state **out,
                                uint32_t *count, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_READ, err));
    return db_end(sq, DB_READ, node_list(sq, run_uid, arena, out, count, err), err);
}

void sqlite_row_uid(sqlite3_stmt *row, int column, char to[UID_TEXT_MAX])
{
    capi_str text = db_text(row, column);
    size_t bytes = text.bytes < UID_TEXT_MAX ? text.bytes : UID_TEXT_MAX - 1;

    if (bytes) memcpy(to, text.data, bytes);
    to[bytes] = 0;
}

void sqlite_row_decision(sqlite3_stmt *row, node_decision *out)
{
    out->node_id = sqlite3_column_int64(row, 0);
    out->batches_total = (uint32_t)sqlite3_column_int64(row, 1);
    out->status = sqlite3_column_int(row, 2);
    out->next_batch = (uint32_t)sqlite3_column_int64(row, 3);
    out->rest_status = sqlite3_column_int(row, 4);
    out->done = (uint32_t)sqlite3_column_int64(row, 5);
    out->claimed = (uint32_t)sqlite3_column_int64(row, 6);
    out->start_ms = sqlite3_column_int64(row, 7);
    out->seal_deaths = (uint32_t)sqlite3_column_int64(row, 8);
    sqlite_row_uid(row, 9, out->seal_owner);
    sqlite_row_uid(row, 10, out->seal_operation);
    sqlite_row_uid(row, 11, out->seal_attempt);
    out->stop_ms = sqlite3_column_int64(row, 12);
}

capi_status sqlite_node_decide(sqlite_state *sq, capi_str run_uid, capi_str node, node_decision *out, capi_err *err)
{
    sqlite3_stmt *row;

    CAPI_TRY(db_query(sq, SQL_NODE_DECISION, &row, err, "tt", run_uid, node));
    if (!row) return sqlite_no_node(sq, run_uid, node, err);
    sqlite_row_decision(row, out);
    db_reset(row);
    return CAPI_OK;
}

static capi_status node_open(sqlite_state *sq, capi_str run_uid, capi_str node, capi_str reader_run_uid,
                             capi_str lookup_run_uid, capi_arena *arena, capi_node_state *out, capi_err *err)
{
    node_decision decision;

    CAPI_TRY(sqlite_node_decide(sq, run_uid, node, &decision, err));
    CAPI_TRY(db_exec(sq, SQL_NODE_OPEN, err, "iitt", decision.node_id, state_now_ms(&sq->base), reader_run_uid,
                     lookup_run_uid));
    return node_get(sq, run_uid, node, arena, out, err);
}

static capi_status sq_node_open(capi_state *state, capi_str run_uid, capi_str node, capi_str reader_run_uid,
                                capi_str lookup_run_uid, capi_arena *arena, capi_node_state *out, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_RESULT, err));
    return db_end(sq, DB_RESULT, node_open(sq, run_uid, node, reader_run_uid, lookup_run_uid, arena, out, err), err);
}

static capi_status node_refuse(sqlite_state *sq, capi_str run_uid, capi_str node, capi_str comment, capi_err *err)
{
    node_decision decision;

    CAPI_TRY(sqlite_node_decide(sq, run_uid, node, &decision, err));
    if (decision.status == CAPI_WORK_NONE)
        return db_exec(sq, SQL_NODE_REFUSE, err, "iit", decision.node_id, state_now_ms(&sq->base), comment);
    /* Refused before, or ended with its run: done. */
    return decision.rest_status && decision.start_ms == 0 ? CAPI_OK : state_node_is_open(err, node);
}

static capi_status sq_node_refuse(capi_state *state, capi_str run_uid, capi_str node, capi_str comment, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_RESULT, err));
    return db_end(sq, DB_RESULT, node_refuse(sq, run_uid, node, comment, err), err);
}

/* ---- */

static capi_status sq_check_writable(capi_state *state, uint32_t patience_ms, capi_err *err)
{
    return state_lock_check(sq_of(state)->path, patience_ms, err);
}

static const capi_state_ops sqlite_ops = {
    .name = "sqlite",
    .close = sq_close,
    .check = sq_check,
    .check_writable = sq_check_writable,
    .keyspace_open = sq_keyspace_open,
    .keyspace_list = sq_keyspace_list,
    .keyspace_drop = sq_keyspace_drop,
    .keyspace_last_run = sq_keyspace_last_run,
    .run_start = sq_run_start,
    .run_get = sq_run_get,
    .run_list = sq_run_list,
    .run_snapshot = sq_run_snapshot,
    .run_stop = sq_run_stop,
    .run_complete = sq_run_complete,
    .run_forget = sq_run_forget,
    .node_list = sq_node_list,
    .node_get = sq_node_get,
    .node_open = sq_node_open,
    .node_refuse = sq_node_refuse,
    .batch_claim = sq_batch_claim,
    .batch_release = sq_batch_release,
    .batch_note = sq_batch_note,
    .batch_publish = sq_batch_publish,
    .batch_publication = sq_batch_publication,
    .batch_finish = sq_batch_finish,
    .batch_list = sq_batch_list,
    .seal_claim = sq_seal_claim,
    .seal_finish = sq_seal_finish,
    .seal_release = sq_seal_release,
    .process_beat = sq_process_beat,
    .process_list = sq_process_list,
    .process_bury = sq_process_bury,
    .process_leave = sq_process_leave,
};

capi_status capi_state_open_sqlite(capi_str folder, const capi_clock *clock, const capi_random *random,
                                   capi_state **out, capi_err *err)
{
    sqlite_state *sq = capi_zmalloc(sizeof *sq);
    capi_status st;

    sq->base = (capi_state){.ops = &sqlite_ops, .clock = *clock, .random = *random};
    st = db_open(sq, folder, err);
    if (st == CAPI_OK) {
        *out = &sq->base;
        return CAPI_OK;
    }
    sq_close(&sq->base);
    *out = NULL;
    return st;
}
