/* state_sqlite_schema.c - one list of steps makes the tables: step i takes a file from version i to version i + 1, so a
 * new file and an old one end up the same. A step is never changed once released; new ones are added. */
#include "store/state_sqlite_schema.h"

#include "store/state_sqlite_lock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Batches are keyed by node_id << 32 | batch_idx and have a row only once somebody has claimed them: the others are as
 * the node says (rest_status, from next_batch on). Large values stand last, where reading the others does not touch
 * them. */
static const char *const schema_steps[STATE_VERSION] = {
    "CREATE TABLE keyspace (uid TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, run_id_last INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE run (run_uid TEXT PRIMARY KEY, keyspace_uid TEXT NOT NULL, run_id INTEGER NOT NULL,"
    " operation_uid TEXT NOT NULL, script_url TEXT NOT NULL, params_url TEXT NOT NULL, start_nodes TEXT NOT NULL,"
    " description TEXT NOT NULL, owner TEXT NOT NULL, mode INTEGER NOT NULL, start_ms INTEGER NOT NULL,"
    " complete_ms INTEGER NOT NULL DEFAULT 0, stop_ms INTEGER NOT NULL DEFAULT 0,"
    " complete_comment TEXT NOT NULL DEFAULT '', stop_comment TEXT NOT NULL DEFAULT '', UNIQUE (keyspace_uid, run_id));"
    "CREATE INDEX run_operation ON run (operation_uid) WHERE operation_uid <> '';"
    "CREATE TABLE snapshot (run_uid TEXT NOT NULL, file_idx INTEGER NOT NULL, kind TEXT NOT NULL, url TEXT NOT NULL,"
    " text TEXT NOT NULL, PRIMARY KEY (run_uid, file_idx));"
    "CREATE TABLE target (path TEXT PRIMARY KEY, run_uid TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX target_run ON target (run_uid);"
    "CREATE TABLE node (node_id INTEGER PRIMARY KEY AUTOINCREMENT, run_uid TEXT NOT NULL, name TEXT NOT NULL,"
    " batches_total INTEGER NOT NULL, status INTEGER NOT NULL DEFAULT 0, next_batch INTEGER NOT NULL DEFAULT 0,"
    " done INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0, stopped INTEGER NOT NULL DEFAULT 0,"
    " claimed INTEGER NOT NULL DEFAULT 0, rest_status INTEGER NOT NULL DEFAULT 0, rest_ms INTEGER NOT NULL DEFAULT 0,"
    " start_ms INTEGER NOT NULL DEFAULT 0, final_ms INTEGER NOT NULL DEFAULT 0, row_count INTEGER NOT NULL DEFAULT 0,"
    " seal_deaths INTEGER NOT NULL DEFAULT 0, seal_owner TEXT NOT NULL DEFAULT '', seal_operation TEXT NOT NULL "
    "DEFAULT '',"
    " seal_attempt TEXT NOT NULL DEFAULT '', reader_run_uid TEXT NOT NULL DEFAULT '',"
    " lookup_run_uid TEXT NOT NULL DEFAULT '', rest_comment TEXT NOT NULL DEFAULT '', comment TEXT NOT NULL DEFAULT '',"
    " UNIQUE (run_uid, name));"
    "CREATE INDEX node_sealing ON node (seal_owner) WHERE seal_owner <> '';"
    "CREATE TABLE batch (id INTEGER PRIMARY KEY, status INTEGER NOT NULL, deaths INTEGER NOT NULL DEFAULT 0,"
    " start_ms INTEGER NOT NULL DEFAULT 0, final_ms INTEGER NOT NULL DEFAULT 0, rows_read INTEGER NOT NULL DEFAULT 0,"
    " rows_written INTEGER NOT NULL DEFAULT 0, bytes_written INTEGER NOT NULL DEFAULT 0,"
    " first_token INTEGER NOT NULL DEFAULT 0, last_token INTEGER NOT NULL DEFAULT -1, owner TEXT NOT NULL DEFAULT '',"
    " operation TEXT NOT NULL DEFAULT '', attempt TEXT NOT NULL DEFAULT '', staged TEXT NOT NULL DEFAULT '',"
    " target TEXT NOT NULL DEFAULT '', comment TEXT NOT NULL DEFAULT '', extents BLOB NOT NULL DEFAULT x'',"
    " survivors BLOB NOT NULL DEFAULT x'');"
    "CREATE INDEX batch_owned ON batch (owner) WHERE owner <> '';"
    "CREATE INDEX batch_free ON batch (id) WHERE status = 0;"
    "CREATE TABLE process (process_uid TEXT PRIMARY KEY, beat INTEGER NOT NULL) WITHOUT ROWID;",
};

/* SQLite says "disk I/O error"; what the system said is more use: "File too large", "No space left on device". */
static capi_status store_error(sqlite3 *db, const char *text, const char *path, capi_err *err)
{
    int cause = db ? sqlite3_system_errno(db) : 0;

    if (cause == 0) return capi_err_set(err, CAPI_UNAVAILABLE, "could not use state file \"%s\": %s", path, text);
    capi_err_set_errno(err, cause, "could not use state file \"%s\": %s", path, text);
    if (err) err->status = CAPI_UNAVAILABLE;
    return CAPI_UNAVAILABLE;
}

static capi_status locked_error(const char *path, capi_err *err)
{
    state_lock_holder holder;

    state_lock_find_holder(path, &holder);
    return state_lock_error(path, &holder, err);
}

capi_status state_sqlite_error(sqlite3 *db, int code, const char *path, capi_err *err)
{
    const char *text = db ? sqlite3_errmsg(db) : sqlite3_errstr(code);

    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return locked_error(path, err);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_SCHEMA: return capi_err_set(err, CAPI_INVALID, "state file \"%s\" is damaged: %s", path, text);
    case SQLITE_FULL: /* SQLite says "database or disk is full", and there is no limit on the database */
        return capi_err_set(err, CAPI_UNAVAILABLE, "could not use state file \"%s\": %s", path, strerror(ENOSPC));
    case SQLITE_NOMEM: return capi_err_set(err, CAPI_NO_MEMORY, "state file \"%s\": %s", path, text);
    case SQLITE_ERROR: /* tables or columns that should be there */
        return capi_err_set(err, CAPI_INVALID, "state file \"%s\" is not as it should be: %s", path, text);
    default: return store_error(db, text, path, err);
    }
}

static capi_status schema_exec(sqlite3 *db, const char *sql, const char *path, capi_err *err)
{
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? CAPI_OK : state_sqlite_error(db, code, path, err);
}

static capi_status schema_number(sqlite3 *db, const char *sql, const char *path, int64_t *out, capi_err *err)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (code == SQLITE_OK) code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) *out = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return code == SQLITE_ROW ? CAPI_OK : state_sqlite_error(db, code, path, err);
}

static capi_status schema_read_version(sqlite3 *db, const char *path, int64_t *version, capi_err *err)
{
    int64_t application = 0;
    int64_t table_count = 0;

    CAPI_TRY(schema_number(db, "PRAGMA application_id", path, &application, err));
    CAPI_TRY(schema_number(db, "PRAGMA user_version", path, version, err));
    CAPI_TRY(schema_number(db, "SELECT count(*) FROM sqlite_master", path, &table_count, err));
    if (application == STATE_APPLICATION_ID) {
        if (*version <= STATE_VERSION && *version >= 1) return CAPI_OK;
        return capi_err_set(
            err, CAPI_INVALID,
            "state file \"%s\" has version %lld, this program knows versions up to %d: use a newer program", path,
            (long long)*version, (int)STATE_VERSION);
    }
    if (application == 0 && *version == 0 && table_count == 0) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "file \"%s\" is a database of another application, expected our state file",
                        path);
}

static capi_status schema_migrate(sqlite3 *db, const char *path, int64_t version, capi_err *err)
{
    char pragmas[128];

    for (int64_t i = version; i < STATE_VERSION; i++)
        CAPI_TRY(schema_exec(db, schema_steps[i], path, err));
    snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %d", (int)STATE_APPLICATION_ID,
             (int)STATE_VERSION);
    return schema_exec(db, pragmas, path, err);
}

capi_status state_schema_prepare(sqlite3 *db, const char *path, capi_err *err)
{
    int64_t version = 0;
    capi_status st;

    CAPI_TRY(schema_exec(db, "BEGIN", path, err)); /* one view for all that is read */
    st = schema_read_version(db, path, &version, err);
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (st != CAPI_OK || version == STATE_VERSION) return st;
    /* Another process may be doing the same: look again under the lock. */
    CAPI_TRY(schema_exec(db, "BEGIN IMMEDIATE", path, err));
    st = schema_read_version(db, path, &version, err);
    if (st == CAPI_OK && version < STATE_VERSION) st = schema_migrate(db, path, version, err);
    if (st == CAPI_OK) st = schema_exec(db, "COMMIT", path, err);
    if (st != CAPI_OK) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}
