/* state_sqlite_db.h - the connection under the SQLite backend: prepared statements, transactions, durability. Private to
 * src/store/.
 *
 * One connection and one lock for a state; a transaction is short and holds the lock. Claims and beats are committed
 * without waiting for the disk. What must survive a power cut is committed the same way and then waits until the
 * write-ahead log has been synced after its commit: all who wait at that time share one sync, and nobody waits for
 * company. */
#pragma once

#include "base/buf.h"
#include "base/file.h"
#include "store/state_backend.h"

#include <pthread.h>
#include <sqlite3.h>

typedef enum state_sql {
#define STATE_SQL(name, text) SQL_##name,
#include "store/state_sqlite_sql.h"
#undef STATE_SQL
    SQL_COUNT
} state_sql;

typedef struct sqlite_state {
    capi_state base;
    char *path;
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_COUNT];
    uint64_t device, inode; /* of the file that was opened; 0: it is none that the system knows */
    uint64_t wal_inode;     /* of its log; 0: the same */
    bool is_astray;         /* the files are no longer those that were opened: nothing of them is touched any more */
    pthread_mutex_t lock;
    uint64_t commit_count; /* under lock */
    uint32_t result_count; /* under lock: transactions that began as results */

    pthread_mutex_t sync_lock;
    pthread_cond_t sync_done;
    capi_file_writer *wal; /* the write-ahead log, for syncing */
    uint64_t synced_count; /* commits known to be on the disk */
    bool is_syncing;
    bool sync_failed;         /* nothing can be promised until the log has been written again */
    uint64_t sync_fail_count; /* whoever waited meanwhile is told */
} sqlite_state;

CAPI_MUST_USE capi_status db_open(sqlite_state *sq, capi_str folder, capi_err *err);
void db_close(sqlite_state *sq);
/* Within a transaction: is the file under our path the one that was opened, in a version that we know? */
CAPI_MUST_USE capi_status db_check_same(sqlite_state *sq, capi_err *err);

typedef enum db_kind {
    DB_READ,
    DB_CLAIM,  /* written, need not survive a power cut */
    DB_RESULT, /* durable when db_end returns */
} db_kind;

/* Takes the lock and begins. */
CAPI_MUST_USE capi_status db_begin(sqlite_state *sq, db_kind kind, capi_err *err);
/* Ends what db_begin began: commits if `st` is CAPI_OK, rolls back otherwise; gives the lock back, and makes results
 * durable. Returns st or what went wrong here. */
CAPI_MUST_USE capi_status db_end(sqlite_state *sq, db_kind kind, capi_status st, capi_err *err);

/* Binds values by `types`, one letter each: i int64_t, t capi_str as text, b capi_str as blob, s const char*. */
CAPI_MUST_USE capi_status db_exec(sqlite_state *sq, state_sql sql, capi_err *err, const char *types, ...);
/* Same, and makes the first step: *row is NULL if there is no row, else to be read, stepped on and reset. */
CAPI_MUST_USE capi_status db_query(sqlite_state *sq, state_sql sql, sqlite3_stmt **row, capi_err *err,
                                   const char *types, ...);
/* The next row, or NULL at the end. */
CAPI_MUST_USE capi_status db_next(sqlite_state *sq, sqlite3_stmt **row, capi_err *err);
/* Done with a row before the end. NULL is fine. */
void db_reset(sqlite3_stmt *row);

/* Borrowed until the row moves on. */
capi_str db_text(sqlite3_stmt *row, int column);
capi_str db_copy_text(sqlite3_stmt *row, int column, capi_arena *arena);
