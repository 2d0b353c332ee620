/* log_file.h - a log file of its own: a new one every 1 MB and when asked for, the old ones compressed.
 *
 *     daemon.log                                    written
 *     daemon-2026-11-25T03-00-00.123.log.gz         up to 10 old ones, at most a day old; times are UTC
 *
 * One thread at a time. */
#pragma once

#include "base/err.h"
#include "base/str.h"

typedef struct capi_log_file capi_log_file;

/* Appends to what is there. size_max 0: 1 MB. */
CAPI_MUST_USE capi_status capi_log_file_open(capi_str path, uint64_t size_max, capi_log_file **out, capi_err *err);
void capi_log_file_close(capi_log_file *file); /* NULL is fine */

/* A whole line. What cannot be written is lost: there is nowhere to complain. */
void capi_log_file_write(capi_log_file *file, const char *line, uint64_t bytes);

/* Begins a new file, and compresses the old one. */
void capi_log_file_rotate(capi_log_file *file);
