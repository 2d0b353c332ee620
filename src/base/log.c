/* log.c - a line is put together in memory and written by one call, so that lines of threads do not mix. */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static _Atomic int least_level = CAPI_LOG_INFO;
static _Atomic int log_fd = 2;
static const char *log_instance;
static _Thread_local uint32_t log_thread;

static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static void (*log_sink)(void *context, const char *line, uint64_t bytes);
static void *log_sink_context;

void capi_log_set_level(capi_log_level level)
{
    atomic_store(&least_level, (int)level);
}

void capi_log_set_fd(int fd)
{
    atomic_store(&log_fd, fd);
}

void capi_log_set_sink(void (*sink)(void *context, const char *line, uint64_t bytes), void *context)
{
    pthread_mutex_lock(&sink_lock);
    log_sink = sink;
    log_sink_context = context;
    pthread_mutex_unlock(&sink_lock);
}

void capi_log_set_instance(const char *instance)
{
    log_instance = instance;
}

void capi_log_set_thread(uint32_t number)
{
    log_thread = number;
}

static const char *level_name(capi_log_level level)
{
    switch (level) {
    case CAPI_LOG_DEBUG: return "debug";
    case CAPI_LOG_INFO: return "info";
    case CAPI_LOG_WARN: return "warn";
    case CAPI_LOG_ERROR: return "error";
    case CAPI_LOG_OFF: return "off";
    }
    return "info";
}

static void append_escaped(capi_buf *line, char c)
{
    switch (c) {
    case '"': capi_buf_append_text(line, "\\\""); break;
    case '\\': capi_buf_append_text(line, "\\\\"); break;
    case '\n': capi_buf_append_text(line, "\\n"); break;
    case '\r': capi_buf_append_text(line, "\\r"); break;
    case '\t': capi_buf_append_text(line, "\\t"); break;
    default:
        if ((unsigned char)c < 0x20)
            capi_buf_printf(line, "\\u%04x", (unsigned)c);
        else
            capi_buf_append_byte(line, c);
    }
}

/* A JSON string; bytes that are no UTF-8 become U+FFFD, for a log line must always be valid JSON. */
static void append_json_text(capi_buf *line, capi_str text)
{
    capi_buf_append_byte(line, '"');
    while (text.bytes) {
        size_t good = text.bytes;

        capi_str_is_utf8(text, &good);
        for (size_t i = 0; i < good; i++)
            append_escaped(line, text.data[i]);
        text = capi_str_slice(text, good, text.bytes);
        if (text.bytes) {
            capi_buf_append_text(line, "\xEF\xBF\xBD");
            text = capi_str_slice(text, 1, text.bytes);
        }
    }
    capi_buf_append_byte(line, '"');
}

static void append_time(capi_buf *line)
{
    int64_t now_ms = capi_clock_wall_ms(&capi_clock_system);
    time_t seconds = now_ms / 1000;
    struct tm utc;
    char text[32];

    gmtime_r(&seconds, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    capi_buf_printf(line, "\"%s.%03dZ\"", text, (int)(now_ms % 1000));
}

static void write_whole(int fd, capi_str line)
{
    while (line.bytes) {
        ssize_t written = write(fd, line.data, line.bytes);

        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return; /* there is nowhere to complain about the log itself */
        line = capi_str_slice(line, (size_t)written, line.bytes);
    }
}

static void append_instance(capi_buf *line)
{
    if (!log_instance) return;
    capi_buf_append_text(line, ",\"i\":");
    append_json_text(line, capi_str_of(log_instance));
    capi_buf_printf(line, ",\"t\":%u", log_thread);
}

static void append_pair(capi_buf *line, const char *key, const char *value)
{
    bool is_number = key[0] == '#';

    capi_buf_append_byte(line, ',');
    append_json_text(line, capi_str_of(key + is_number));
    capi_buf_append_byte(line, ':');
    if (is_number)
        capi_buf_append_text(line, value);
    else
        append_json_text(line, capi_str_of(value));
}

/* Under one lock, so that both have the lines in the same order. */
static void put_out(capi_str line)
{
    pthread_mutex_lock(&sink_lock);
    write_whole(atomic_load(&log_fd), line);
    if (log_sink) log_sink(log_sink_context, line.data, line.bytes);
    pthread_mutex_unlock(&sink_lock);
}

void capi_log(capi_log_level level, const char *message, ...)
{
    capi_buf line = {0};
    va_list args;
    const char *key;

    if ((int)level < atomic_load(&least_level)) return;
    capi_buf_printf(&line, "{\"l\":\"%s\",\"ts\":", level_name(level));
    append_time(&line);
    capi_buf_append_text(&line, ",\"m\":");
    append_json_text(&line, capi_str_of(message));
    append_instance(&line);
    va_start(args, message);
    while ((key = va_arg(args, const char *)) != NULL)
        append_pair(&line, key, va_arg(args, const char *));
    va_end(args);
    capi_buf_append_text(&line, "}\n");
    put_out(capi_buf_str(&line));
    capi_buf_deinit(&line);
}
