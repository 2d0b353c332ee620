/* buf.c - a growing byte buffer: capacity doubles. */
#include "base/buf.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

char *capi_buf_reserve(capi_buf *buf, size_t more)
{
    if (buf->capacity_bytes - buf->bytes < more) {
        size_t capacity = buf->capacity_bytes < 32 ? 64 : buf->capacity_bytes * 2;

        if (capacity < buf->bytes + more) capacity = buf->bytes + more;
        buf->data = capi_realloc(buf->data, capacity);
        buf->capacity_bytes = capacity;
    }
    return buf->data + buf->bytes;
}

void capi_buf_append(capi_buf *buf, const void *data, size_t bytes)
{
    if (bytes == 0) return;
    memcpy(capi_buf_reserve(buf, bytes), data, bytes);
    buf->bytes += bytes;
}

void capi_buf_append_str(capi_buf *buf, capi_str text)
{
    capi_buf_append(buf, text.data, text.bytes);
}

void capi_buf_append_text(capi_buf *buf, const char *text)
{
    capi_buf_append(buf, text, strlen(text));
}

void capi_buf_append_byte(capi_buf *buf, char byte)
{
    *capi_buf_reserve(buf, 1) = byte;
    buf->bytes++;
}

void capi_buf_printf(capi_buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    int bytes;

    va_start(args, format);
    va_copy(again, args);
    bytes = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (bytes > 0) {
        vsnprintf(capi_buf_reserve(buf, (size_t)bytes + 1), (size_t)bytes + 1, format, again);
        buf->bytes += (size_t)bytes;
    }
    va_end(again);
}

/* Control characters are below U+0020 and from U+007F to U+009F. */
static void append_visible_character(capi_buf *buf, const unsigned char *at, size_t bytes)
{
    if (bytes == 1 && *at == '\n')
        capi_buf_append_text(buf, "\\n");
    else if (bytes == 2 && at[0] == 0xC2 && at[1] < 0xA0)
        capi_buf_printf(buf, "\\x%02x", at[1]);
    else if (bytes == 0 || *at < 0x20 || *at == 0x7F)
        capi_buf_printf(buf, "\\x%02x", *at);
    else
        capi_buf_append(buf, at, bytes);
}

void capi_buf_append_visible(capi_buf *buf, capi_str text, size_t bytes_max)
{
    const unsigned char *data = (const unsigned char *)text.data;
    size_t at = 0;

    while (at < text.bytes) {
        size_t bytes = capi_utf8_bytes(data + at, text.bytes - at);
        size_t step = bytes ? bytes : 1;

        if (at + step > bytes_max) {
            capi_buf_append_text(buf, "...");
            return;
        }
        append_visible_character(buf, data + at, bytes);
        at += step;
    }
}

capi_str capi_str_visible(capi_arena *arena, capi_str text, size_t bytes_max)
{
    capi_buf buf = {0};
    capi_str shown;

    capi_buf_append_visible(&buf, text, bytes_max);
    shown = capi_str_copy(arena, capi_buf_str(&buf));
    capi_buf_deinit(&buf);
    return shown;
}

void capi_buf_deinit(capi_buf *buf)
{
    free(buf->data);
    *buf = (capi_buf){0};
}
