/* log.h - one JSON object a line on standard error (or a file), for people and programs.
 *
 *     {"l":"info","ts":"2026-11-25T03:00:00.123Z","m":"batch done","run":1,"node":"read_orders"}
 *
 * A long-lived program that has an instance (capi_log_set_instance) says in each line who it is and which of its threads
 * speaks: "i", "t" and "f" follow "m". Any thread may log; a line is written whole. Never log secrets: values come from the
 * caller. */
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
/* Gets each line as well, its end included; called by one thread at a time. NULL: nobody. Before other threads log. */
void capi_log_set_sink(void (*sink)(void *context, const char *line, uint64_t bytes), void *context);
/* "host/capi_daemon/11-25T03:00:00.000"; must outlive the log. NULL (the default): lines without instance and thread. */
void capi_log_set_instance(const char *instance);
/* The number of the calling thread in its lines; 0 (the default) is the main one. */
void capi_log_set_thread(uint32_t number);
/* Pairs of key and text value, ended by NULL: capi_log(CAPI_LOG_INFO, "batch done", "node", name, NULL). The value of a key
 * that begins with "#" is a number, and stands without quotes: "#run", "1". The key "f" (what speaks) comes first. */
void capi_log(capi_log_level level, const char *message, ...) __attribute__((sentinel));
