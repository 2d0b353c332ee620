/* state_sqlite_schema.h - the tables of state.db and how older files become newer ones. Private to src/store/. */
#pragma once

#include "base/err.h"

#include <sqlite3.h>

enum {
    STATE_APPLICATION_ID = 0x43415049, /* "CAPI" */
    STATE_VERSION = 1,                 /* user_version of what this program writes */
};

/* Looks at the file under an open connection: makes the tables if it is empty, migrates an older version, and refuses
 * what is not ours, damaged or newer, in words that name `path`. */
CAPI_MUST_USE capi_status state_schema_prepare(sqlite3 *db, const char *path, capi_err *err);

/* Status and words for what SQLite says. */
capi_status state_sqlite_error(sqlite3 *db, int code, const char *path, capi_err *err);
