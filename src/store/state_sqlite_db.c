/* state_sqlite_db.c - opening state.db, statements, transactions, and the shared sync of the write-ahead log.
 *
 * Why not synchronous=FULL: SQLite would hold the write lock while it syncs, so claims of all processes would wait for
 * every result's sync, and each result would sync alone. With synchronous=NORMAL a commit is a few writes to the log;
 * syncing the log file afterwards gives the same promise. A log frame is valid only with its checksum, so a torn commit
 * is no commit; if a checkpoint comes between, SQLite itself has synced the log before it copied and the database before
 * it reuses the log.
 *
 * A sync of a file that has grown waits for the file system's journal, and with it for what others write. So a process
 * that does much work fills the log with zeros up to the size at which it is reused: from then on a sync is the data
 * alone. SQLite takes such a tail for what it is, frames without a valid checksum.
 *
 * A failed sync is not the end of the process: results wait until the log has been written again. */
#include "store/state_sqlite_db.h"

#include "store/state_sqlite_lock.h"
#include "store/state_sqlite_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    WAL_FILL_AFTER = 16,          /* results: a short run does not pay for it */
    WAL_FILL_BYTES = 1024 * 4120, /* a little more than the 1,000 pages after which a checkpoint comes */
    BUSY_WAIT_FIRST_US = 100,
    BUSY_WAIT_MAX_US = 20000,
    BUSY_WAIT_TOTAL_MS = 10000,
    BUSY_LOOK_AFTER_MS = 1000, /* then it is looked from time to time whether whoever has the lock was stopped */
    BUSY_LOOK_EVERY = 50,      /* waits */
};

static const char *const sql_texts[SQL_COUNT] = {
#define STATE_SQL(name, text) [SQL_##name] = text,
#include "store/state_sqlite_sql.h"
#undef STATE_SQL
};

/* ---- open, close ---- */

/* Called when another process has the lock: transactions are short, so the first waits are. */
static int busy_wait(void *context, int count)
{
    int64_t waited_us = 0;
    int64_t wait_us = BUSY_WAIT_FIRST_US;
    const sqlite_state *sq = context;
    struct timespec pause;

    for (int i = 0; i < count; i++) {
        waited_us += wait_us;
        if (wait_us < BUSY_WAIT_MAX_US) wait_us *= 2;
    }
    if (waited_us > (int64_t)BUSY_WAIT_TOTAL_MS * 1000) return 0;
    if (waited_us > (int64_t)BUSY_LOOK_AFTER_MS * 1000 && count % BUSY_LOOK_EVERY == 0) {
        state_lock_holder holder;

        state_lock_find_holder(sq->path, &holder);
        if (holder.is_stopped) return 0;
    }
    pause = (struct timespec){.tv_nsec = wait_us * 1000};
    nanosleep(&pause, NULL);
    return 1;
}

/* Says in plain words that a file which SQLite cannot know was put there. */
static capi_status check_magic(const char *path, capi_err *err)
{
    capi_file_reader *file = NULL;
    char magic[16];
    size_t got = 0;
    capi_status st = capi_file_open(path, &file, err);

    if (st == CAPI_NOT_FOUND) {
        capi_err_clear(err);
        return CAPI_OK;
    }
    if (st == CAPI_OK) st = capi_file_read_at(file, 0, magic, sizeof magic, &got, err);
    if (st == CAPI_OK && got > 0 && (got < sizeof magic || memcmp(magic, "SQLite format 3", 16) != 0))
        st = capi_err_set(err, CAPI_INVALID, "file \"%s\" is not a state file: it is no SQLite database", path);
    capi_file_close(file);
    return st;
}

static capi_status db_configure_once(sqlite_state *sq, capi_err *err)
{
    static const char *const pragmas[] = {"PRAGMA journal_mode = WAL",        "PRAGMA synchronous = NORMAL",
                                          "PRAGMA temp_store = MEMORY",       "PRAGMA cache_size = -8192",
                                          "PRAGMA wal_autocheckpoint = 1000", "PRAGMA trusted_schema = OFF"};

    for (size_t i = 0; i < sizeof pragmas / sizeof *pragmas; i++) {
        int code = sqlite3_exec(sq->db, pragmas[i], NULL, NULL, NULL);

        if (code != SQLITE_OK) return state_sqlite_error(sq->db, code, sq->path, err);
    }
    return CAPI_OK;
}

/* While another process makes the same new file, SQLite says busy without asking the busy handler. */
static capi_status db_configure(sqlite_state *sq, capi_err *err)
{
    capi_status st = db_configure_once(sq, err);

    for (int count = 0; st == CAPI_UNAVAILABLE && busy_wait(sq, count); count++)
        st = db_configure_once(sq, err);
    return st;
}

/* Opens the log for syncing; and its name must be on the disk, like the database's. */
static capi_status db_open_wal(sqlite_state *sq, capi_str folder, capi_err *err)
{
    capi_arena arena = {0};
    uint64_t bytes = 0;
    capi_status st;

    CAPI_TRY_OUT(capi_file_append_to(capi_str_format(&arena, "%s-wal", sq->path).data, &sq->wal, &bytes, err));
    CAPI_TRY_OUT(capi_file_sync(sq->wal, err));
    CAPI_TRY_OUT(capi_folder_sync(capi_str_copy(&arena, folder).data, err));
out:
    capi_arena_deinit(&arena);
    return st;
}

/* Under SQLite's write lock, so that nobody else appends. A failure costs nothing but speed. */
static void db_fill_wal(sqlite_state *sq)
{
    static const char zeros[65536];
    struct stat info;

    if (stat(capi_file_writer_path(sq->wal), &info) != 0) return;
    for (off_t end = info.st_size; end < WAL_FILL_BYTES; end += sizeof zeros)
        if (capi_file_write(sq->wal, zeros, sizeof zeros, NULL) != CAPI_OK) return;
}

/* Tests may put a VFS of their own under SQLite: then there is no such file. */
static void note_file(sqlite_state *sq)
{
    struct stat info;

    if (stat(sq->path, &info) != 0) return;
    sq->device = (uint64_t)info.st_dev;
    sq->inode = (uint64_t)info.st_ino;
    if (stat(capi_file_writer_path(sq->wal), &info) == 0) sq->wal_inode = (uint64_t)info.st_ino;
}

capi_status db_open(sqlite_state *sq, capi_str folder, capi_err *err)
{
    capi_arena arena = {0};
    capi_status st;
    int code;

    pthread_mutex_init(&sq->lock, NULL);
    pthread_mutex_init(&sq->sync_lock, NULL);
    pthread_cond_init(&sq->sync_done, NULL);
    sq->path = capi_malloc(folder.bytes + sizeof "/state.db");
    snprintf(sq->path, folder.bytes + sizeof "/state.db", "%.*s/state.db", CAPI_STR_ARG(folder));
    CAPI_TRY_OUT(capi_folder_make(capi_str_copy(&arena, folder).data, err));
    CAPI_TRY_OUT(check_magic(sq->path, err));
    code = sqlite3_open_v2(sq->path, &sq->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) {
        st = state_sqlite_error(sq->db, code, sq->path, err);
        goto out;
    }
    sqlite3_busy_handler(sq->db, busy_wait, sq);
    sqlite3_extended_result_codes(sq->db, 1);
    CAPI_TRY_OUT(db_configure(sq, err));
    CAPI_TRY_OUT(state_schema_prepare(sq->db, sq->path, err));
    CAPI_TRY_OUT(db_open_wal(sq, folder, err));
    note_file(sq);
out:
    capi_arena_deinit(&arena);
    return st;
}

static capi_status check_one_file(const char *what, const char *path, uint64_t device, uint64_t inode, capi_err *err)
{
    struct stat info;

    if (inode == 0) return CAPI_OK;
    if (stat(path, &info) != 0)
        return capi_err_set(err, CAPI_INVALID, "%s \"%s\" was removed while it was in use", what, path);
    if ((uint64_t)info.st_dev != device || (uint64_t)info.st_ino != inode)
        return capi_err_set(err, CAPI_INVALID, "%s \"%s\" was replaced while it was in use", what, path);
    return CAPI_OK;
}

static capi_status check_files(sqlite_state *sq, capi_err *err)
{
    capi_status st = check_one_file("state file", sq->path, sq->device, sq->inode, err);

    if (st == CAPI_OK && sq->inode)
        st = check_one_file("the log of the state,", capi_file_writer_path(sq->wal), sq->device, sq->wal_inode, err);
    sq->is_astray = sq->is_astray || st != CAPI_OK;
    return st;
}

capi_status db_check_same(sqlite_state *sq, capi_err *err)
{
    sqlite3_stmt *row;
    int64_t version = 0;

    CAPI_TRY(check_files(sq, err));
    CAPI_TRY(db_query(sq, SQL_VERSION, &row, err, ""));
    if (row) version = sqlite3_column_int64(row, 0);
    db_reset(row);
    if (version == STATE_VERSION) return CAPI_OK;
    return capi_err_set(
        err, CAPI_INVALID,
        "state file \"%s\" has version %lld now, this program knows versions up to %d: use a newer program", sq->path,
        (long long)version, (int)STATE_VERSION);
}

/* Files of that name may be of others now, and SQLite would remove a log by its name. */
static void leave_files(sqlite_state *sq)
{
    int is_on = 1;

    sqlite3_file_control(sq->db, "main", SQLITE_FCNTL_PERSIST_WAL, &is_on);
    sqlite3_db_config(sq->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

void db_close(sqlite_state *sq)
{
    for (int i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(sq->statements[i]);
    if (sq->is_astray) leave_files(sq);
    sqlite3_close(sq->db);
    capi_file_writer_close(sq->wal);
    pthread_cond_destroy(&sq->sync_done);
    pthread_mutex_destroy(&sq->sync_lock);
    pthread_mutex_destroy(&sq->lock);
    free(sq->path);
}

/* ---- statements ---- */

static capi_status db_failed(sqlite_state *sq, int code, capi_err *err)
{
    return state_sqlite_error(sq->db, code, sq->path, err);
}

static capi_status db_statement(sqlite_state *sq, state_sql sql, sqlite3_stmt **out, capi_err *err)
{
    if (!sq->statements[sql]) {
        int code =
            sqlite3_prepare_v3(sq->db, sql_texts[sql], -1, SQLITE_PREPARE_PERSISTENT, &sq->statements[sql], NULL);

        if (code != SQLITE_OK) return db_failed(sq, code, err);
    }
    *out = sq->statements[sql];
    return CAPI_OK;
}

static int bind_str(sqlite3_stmt *stmt, int at, char type, capi_str value)
{
    const char *data = value.bytes ? value.data : "";

    if (type == 'b') return sqlite3_bind_blob64(stmt, at, data, value.bytes, SQLITE_STATIC);
    return sqlite3_bind_text64(stmt, at, data, value.bytes, SQLITE_STATIC, SQLITE_UTF8);
}

static int bind_values(sqlite3_stmt *stmt, const char *types, va_list args)
{
    int code = SQLITE_OK;

    for (int at = 1; types[at - 1] && code == SQLITE_OK; at++) {
        char type = types[at - 1];

        if (type == 'i')
            code = sqlite3_bind_int64(stmt, at, va_arg(args, int64_t));
        else if (type == 's')
            code = bind_str(stmt, at, 't', capi_str_of(va_arg(args, const char *)));
        else
            code = bind_str(stmt, at, type, va_arg(args, capi_str));
    }
    return code;
}

static capi_status db_begin_statement(sqlite_state *sq, state_sql sql, sqlite3_stmt **out, capi_err *err,
                                      const char *types, va_list args)
{
    int code;

    CAPI_TRY(db_statement(sq, sql, out, err));
    code = bind_values(*out, types, args);
    return code == SQLITE_OK ? CAPI_OK : db_failed(sq, code, err);
}

capi_status db_next(sqlite_state *sq, sqlite3_stmt **row, capi_err *err)
{
    sqlite3_stmt *stmt = *row;
    int code = sqlite3_step(stmt);
    capi_status st = CAPI_OK;

    if (code == SQLITE_ROW) return CAPI_OK;
    if (code != SQLITE_DONE) st = db_failed(sq, code, err);
    sqlite3_reset(stmt);
    *row = NULL;
    return st;
}

capi_status db_query(sqlite_state *sq, state_sql sql, sqlite3_stmt **row, capi_err *err, const char *types, ...)
{
    va_list args;
    capi_status st;

    *row = NULL;
    va_start(args, types);
    st = db_begin_statement(sq, sql, row, err, types, args);
    va_end(args);
    return st == CAPI_OK ? db_next(sq, row, err) : st;
}

capi_status db_exec(sqlite_state *sq, state_sql sql, capi_err *err, const char *types, ...)
{
    sqlite3_stmt *row = NULL;
    va_list args;
    capi_status st;

    va_start(args, types);
    st = db_begin_statement(sq, sql, &row, err, types, args);
    va_end(args);
    if (st == CAPI_OK) st = db_next(sq, &row, err);
    if (st == CAPI_OK) db_reset(row);
    return st;
}

void db_reset(sqlite3_stmt *row)
{
    if (row) sqlite3_reset(row);
}

capi_str db_text(sqlite3_stmt *row, int column)
{
    const void *data = sqlite3_column_blob(row, column); /* texts too: they are UTF-8 */

    return (capi_str){data, data ? (size_t)sqlite3_column_bytes(row, column) : 0};
}

capi_str db_copy_text(sqlite3_stmt *row, int column, capi_arena *arena)
{
    return capi_str_copy(arena, db_text(row, column));
}

/* ---- transactions ---- */

capi_status db_begin(sqlite_state *sq, db_kind kind, capi_err *err)
{
    capi_status st;

    pthread_mutex_lock(&sq->lock);
    st = db_exec(sq, kind == DB_READ ? SQL_BEGIN_READ : SQL_BEGIN_WRITE, err, "");
    if (st == CAPI_OK && kind == DB_RESULT && ++sq->result_count == WAL_FILL_AFTER) db_fill_wal(sq);
    if (st != CAPI_OK) pthread_mutex_unlock(&sq->lock);
    return st;
}

/* ---- after a failed sync ---- */

static capi_status log_error(const sqlite_state *sq, capi_err *err)
{
    return capi_err_set_errno(err, errno, "could not write the log of state file \"%s\" again", sq->path);
}

/* Writes what can be read of the log to where it was read from: the same bytes, but the system has to write them anew. */
static capi_status log_copy_onto_itself(const sqlite_state *sq, int fd, capi_err *err)
{
    char page[65536];
    off_t at = 0;

    for (;;) {
        ssize_t got = pread(fd, page, sizeof page, at);

        if (got < 0) return log_error(sq, err);
        if (got == 0) return CAPI_OK;
        if (pwrite(fd, page, (size_t)got, at) != got) return log_error(sq, err);
        at += got;
    }
}

/* After a failed sync the system takes the pages that it could not write for clean: the next sync would say that all is well,
 * and lie. So the log is written again as it is seen by everybody, while nobody can append to it or begin it anew. */
static capi_status db_write_log_again(sqlite_state *sq, uint64_t *covered, capi_err *err)
{
    int fd = open(capi_file_writer_path(sq->wal), O_RDWR | O_CLOEXEC);
    capi_status st;

    if (fd < 0) return log_error(sq, err);
    st = db_begin(sq, DB_CLAIM, err);
    if (st == CAPI_OK) {
        *covered = sq->commit_count;
        st = log_copy_onto_itself(sq, fd, err);
        (void)!db_exec(sq, SQL_ROLLBACK, NULL, "");
        pthread_mutex_unlock(&sq->lock);
    }
    close(fd);
    return st;
}

/* All commits so far, *covered of them, go to the disk. */
static capi_status db_sync_log(sqlite_state *sq, bool has_failed, uint64_t *covered, capi_err *err)
{
    if (has_failed) {
        CAPI_TRY(db_write_log_again(sq, covered, err));
    } else {
        pthread_mutex_lock(&sq->lock);
        *covered = sq->commit_count;
        pthread_mutex_unlock(&sq->lock);
    }
    return capi_file_sync_data(sq->wal, err);
}

static capi_status sync_error(const sqlite_state *sq, capi_err *err)
{
    return capi_err_set(err, CAPI_UNAVAILABLE,
                        "could not write state file \"%s\" to the disk; it may have been written", sq->path);
}

/* Waits until commit number `ticket` is on the disk. Whoever finds nobody syncing does it, for all commits made so far. */
static capi_status db_sync(sqlite_state *sq, uint64_t ticket, capi_err *err)
{
    uint64_t fail_count;
    capi_status st = CAPI_OK;

    pthread_mutex_lock(&sq->sync_lock);
    fail_count = sq->sync_fail_count;
    while (sq->synced_count < ticket && sq->sync_fail_count == fail_count) {
        bool has_failed = sq->sync_failed;
        uint64_t covered = 0;
        capi_status sync_st;

        if (sq->is_syncing) {
            pthread_cond_wait(&sq->sync_done, &sq->sync_lock);
            continue;
        }
        sq->is_syncing = true;
        pthread_mutex_unlock(&sq->sync_lock);
        sync_st = db_sync_log(sq, has_failed, &covered, err);
        pthread_mutex_lock(&sq->sync_lock);
        sq->is_syncing = false;
        sq->sync_failed = sync_st != CAPI_OK;
        if (sync_st == CAPI_OK)
            sq->synced_count = covered;
        else
            sq->sync_fail_count++;
        pthread_cond_broadcast(&sq->sync_done);
    }
    if (sq->synced_count < ticket) st = sync_error(sq, err);
    pthread_mutex_unlock(&sq->sync_lock);
    return st;
}

capi_status db_end(sqlite_state *sq, db_kind kind, capi_status st, capi_err *err)
{
    uint64_t ticket;

    if (st == CAPI_OK) st = db_exec(sq, SQL_COMMIT, err, "");
    if (st != CAPI_OK && !sqlite3_get_autocommit(sq->db)) (void)!db_exec(sq, SQL_ROLLBACK, NULL, "");
    if (st == CAPI_OK && kind != DB_READ) sq->commit_count++;
    ticket = sq->commit_count;
    pthread_mutex_unlock(&sq->lock);
    if (st != CAPI_OK || kind != DB_RESULT) return st;
    return db_sync(sq, ticket, err);
}
