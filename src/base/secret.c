/* secret.c - finds URLs by "://"; they end at a blank, a quote or a bracket of markup. */
#include "base/secret.h"

#include "base/buf.h"

#include <ctype.h>
#include <string.h>

bool capi_secret_is_name(capi_str name)
{
    static const char *const parts[] = {"sig", "token", "secret", "password", "credential", "key"};
    char lower[64];
    size_t bytes = name.bytes < sizeof lower - 1 ? name.bytes : sizeof lower - 1;

    for (size_t i = 0; i < bytes; i++)
        lower[i] = (char)tolower((unsigned char)name.data[i]);
    lower[bytes] = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(lower, parts[i])) return true;
    return false;
}

/* Where one of the bytes comes next, or the end. */
static size_t find_any(capi_str text, size_t at, const char *bytes)
{
    while (at < text.bytes && (text.data[at] == 0 || !strchr(bytes, text.data[at])))
        at++;
    return at;
}

static void append_stars(capi_buf *to, capi_str hidden)
{
    for (size_t i = 0; i < hidden.bytes; i++)
        if (((unsigned char)hidden.data[i] & 0xC0) != 0x80) capi_buf_append_byte(to, '*');
}

/* "user:password@host" */
static void append_authority(capi_buf *to, capi_str authority)
{
    size_t at = authority.bytes;
    size_t colon;

    while (at > 0 && authority.data[at - 1] != '@')
        at--;
    colon = find_any(authority, 0, ":");
    if (at == 0 || colon >= at - 1) {
        capi_buf_append_str(to, authority);
        return;
    }
    capi_buf_append(to, authority.data, colon + 1);
    append_stars(to, capi_str_slice(authority, colon + 1, at - 1));
    capi_buf_append(to, authority.data + at - 1, authority.bytes - at + 1);
}

/* "?name=value&..." */
static void append_query(capi_buf *to, capi_str query)
{
    for (size_t at = 0; at < query.bytes;) {
        size_t end = find_any(query, at, "?&#;");
        size_t equals = find_any(capi_str_slice(query, at, end), 0, "=") + at;
        size_t shown = end;

        if (equals < end && capi_secret_is_name(capi_str_slice(query, at, equals))) shown = equals + 1;
        capi_buf_append(to, query.data + at, shown - at);
        append_stars(to, capi_str_slice(query, shown, end));
        if (end < query.bytes) capi_buf_append_byte(to, query.data[end++]);
        at = end;
    }
}

capi_str capi_secret_mask(capi_str text, capi_arena *arena)
{
    static const char mark[] = "://";
    capi_buf masked = {0};
    capi_str result = text;
    size_t at = 0;
    int64_t found;

    while ((found = capi_str_find(capi_str_slice(text, at, text.bytes), CAPI_STR(mark))) >= 0) {
        size_t begin = at + (size_t)found + strlen(mark);
        size_t end = find_any(text, begin, " \t\r\n\"'`<>");
        size_t path = find_any(capi_str_slice(text, begin, end), 0, "/?#") + begin;
        size_t query = find_any(capi_str_slice(text, path, end), 0, "?") + path;

        capi_buf_append(&masked, text.data + at, begin - at);
        append_authority(&masked, capi_str_slice(text, begin, path));
        capi_buf_append(&masked, text.data + path, query - path);
        append_query(&masked, capi_str_slice(text, query, end));
        at = end;
    }
    if (at) capi_buf_append(&masked, text.data + at, text.bytes - at);
    if (at && !capi_str_equal(capi_buf_str(&masked), text)) result = capi_str_copy(arena, capi_buf_str(&masked));
    capi_buf_deinit(&masked);
    return result;
}
