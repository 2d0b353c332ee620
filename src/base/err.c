/* err.c - error objects: one fixed buffer of text, cause first, then notes. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Puts "..." where the text reached the end of its room, behind a whole character. */
static void err_cut(capi_err *err)
{
    size_t end = sizeof err->text - 4;

    while (end > 0 && (err->text[end] & 0xC0) == 0x80)
        end--;
    memcpy(err->text + end, "...", 4);
    err->text_bytes = (uint32_t)end + 3;
}

static void err_append(capi_err *err, const char *format, va_list args)
{
    size_t room = sizeof err->text - err->text_bytes;
    int written = vsnprintf(err->text + err->text_bytes, room, format, args);

    if (written < 0) return;
    if ((size_t)written >= room)
        err_cut(err);
    else
        err->text_bytes += (uint32_t)written;
}

static void err_append_text(capi_err *err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    err_append(err, format, args);
    va_end(args);
}

static void err_start(capi_err *err, capi_status status)
{
    err->status = status;
    err->text_bytes = 0;
    err->offset = -1;
    err->length_bytes = 0;
    err->text[0] = 0;
}

capi_status capi_err_set(capi_err *err, capi_status status, const char *format, ...)
{
    va_list args;

    if (!err) return status;
    err_start(err, status);
    va_start(args, format);
    err_append(err, format, args);
    va_end(args);
    return status;
}

capi_status capi_err_set_at(capi_err *err, capi_status status, int64_t offset, uint32_t length_bytes,
                            const char *format, ...)
{
    va_list args;

    if (!err) return status;
    err_start(err, status);
    err->offset = offset;
    err->length_bytes = length_bytes;
    va_start(args, format);
    err_append(err, format, args);
    va_end(args);
    return status;
}

static capi_status err_status_of_errno(int errno_value)
{
    switch (errno_value) {
    case ENOENT: return CAPI_NOT_FOUND;
    case ENOMEM: return CAPI_NO_MEMORY;
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOSPC:
    case EDQUOT:
    case EAGAIN:
    case ETIMEDOUT: return CAPI_UNAVAILABLE;
    default: return CAPI_INVALID;
    }
}

capi_status capi_err_set_errno(capi_err *err, int errno_value, const char *format, ...)
{
    capi_status status = err_status_of_errno(errno_value);
    char words[256];
    va_list args;

    if (!err) return status;
    err_start(err, status);
    va_start(args, format);
    err_append(err, format, args);
    va_end(args);
    err_append_text(err, ": %s", strerror_r(errno_value, words, sizeof words));
    return status;
}

void capi_err_note(capi_err *err, const char *format, ...)
{
    va_list args;

    if (!err || err->status == CAPI_OK) return;
    err_append_text(err, "\n  ");
    va_start(args, format);
    err_append(err, format, args);
    va_end(args);
}

void capi_err_copy(capi_err *to, const capi_err *from)
{
    if (!to || !from || to == from) return;
    to->status = from->status;
    to->text_bytes = from->text_bytes;
    to->offset = from->offset;
    to->length_bytes = from->length_bytes;
    memcpy(to->text, from->text, from->text_bytes + 1);
}

void capi_err_clear(capi_err *err)
{
    if (err) err_start(err, CAPI_OK);
}

const char *capi_status_name(capi_status status)
{
    switch (status) {
    case CAPI_OK: return "ok";
    case CAPI_INVALID: return "invalid";
    case CAPI_NOT_FOUND: return "not found";
    case CAPI_CONFLICT: return "conflict";
    case CAPI_UNAVAILABLE: return "unavailable";
    case CAPI_KILLED: return "killed";
    case CAPI_NO_MEMORY: return "no memory";
    case CAPI_STOPPED: return "stopped";
    case CAPI_INTERNAL: return "internal";
    }
    return "unknown";
}
