/* buf.h - a growing byte buffer on the heap. All zero is valid and empty. One thread at a time.
 *
 *     capi_buf buf = {0};
 *     capi_buf_printf(&buf, "%d rows", 3);
 *     capi_buf_deinit(&buf); */
#pragma once

#include "base/str.h"

typedef struct capi_buf {
    char *data; /* not NUL-terminated */
    size_t bytes;
    size_t capacity_bytes;
} capi_buf;

/* Makes room for `more` bytes at the end and returns where they go; the caller adds to buf->bytes what it wrote. */
char *capi_buf_reserve(capi_buf *buf, size_t more);
void capi_buf_append(capi_buf *buf, const void *data, size_t bytes);
void capi_buf_append_str(capi_buf *buf, capi_str text);
void capi_buf_append_text(capi_buf *buf, const char *text);
void capi_buf_append_byte(capi_buf *buf, char byte);
void capi_buf_printf(capi_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* For messages: at most bytes_max bytes of the text, then "..."; what would break a line or is no UTF-8 as \n or \xNN. */
void capi_buf_append_visible(capi_buf *buf, capi_str text, size_t bytes_max);
/* The same as a text of its own, in the arena. */
capi_str capi_str_visible(capi_arena *arena, capi_str text, size_t bytes_max);
/* Borrowed: valid until the buffer changes. */
static inline capi_str capi_buf_str(const capi_buf *buf)
{
    return (capi_str){buf->data, buf->bytes};
}
/* Empties it and keeps the memory. */
static inline void capi_buf_clear(capi_buf *buf)
{
    buf->bytes = 0;
}
void capi_buf_deinit(capi_buf *buf);
