/* log.h - one JSON object a line on standard error (or a file), for people and programs.
 *
 *     {"l":"info","ts":"2026-11-25T03:00:00.123Z","m":"batch done","run_id":"1","node":"read_orders"}
 *
 * Any thread may log; a line is written whole. Never log secrets: values come from the caller. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef enum capi_log_level {
    CAPI_LOG_DEBUG,
    CAPI_LOG_INFO,
    CAPI_LOG_WARN,
    CAPI_LOG_ERROR,
    CAPI_LOG_OFF
} capi_log_level;

void capi_log_set_level(capi_log_level level);
/* Where lines go: a file descriptor (default 2). */
void capi_log_set_fd(int fd);
/* Pairs of key and text value, ended by NULL: capi_log(CAPI_LOG_INFO, "batch done", "node", name, NULL). */
void capi_log(capi_log_level level, const char *message, ...) __attribute__((sentinel));
