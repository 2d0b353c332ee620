/* str.h - a piece of text that somebody else owns: pointer and length, not NUL-terminated, any bytes. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <string.h>

typedef struct capi_str {
    const char *data; /* may be NULL when bytes is 0 */
    size_t bytes;
} capi_str;

#define CAPI_STR(literal) ((capi_str){(literal), sizeof(literal) - 1})
/* For printf: printf("%.*s", CAPI_STR_ARG(name)) */
#define CAPI_STR_ARG(str) (int)(str).bytes, (str).data ? (str).data : ""

static inline capi_str capi_str_of(const char *text)
{
    return (capi_str){text, text ? strlen(text) : 0};
}

static inline bool capi_str_equal(capi_str a, capi_str b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

static inline bool capi_str_is(capi_str a, const char *text)
{
    return capi_str_equal(a, capi_str_of(text));
}

static inline capi_str capi_str_slice(capi_str a, size_t from, size_t to)
{
    return (capi_str){a.data + from, to - from};
}

/* Bytewise; a prefix comes before the longer text. */
int capi_str_compare(capi_str a, capi_str b);
bool capi_str_starts(capi_str text, const char *start);
bool capi_str_ends(capi_str text, const char *end);
/* Where `part` begins in `text`, or -1. */
int64_t capi_str_find(capi_str text, capi_str part);
/* Without ASCII white space at both ends. */
capi_str capi_str_trim(capi_str text);
/* A copy in the arena, followed by a NUL that does not count. */
capi_str capi_str_copy(capi_arena *arena, capi_str text);
/* printf into the arena; a NUL follows. */
capi_str capi_str_format(capi_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* True for well-formed UTF-8 (no surrogates, nothing above U+10FFFF, no overlong forms); else *bad_at is the first bad byte. */
bool capi_str_is_utf8(capi_str text, size_t *bad_at);

/* The candidate most like `wrong` by edit distance, if it is near enough to be a slip of the pen; else empty. For
 * "did you mean". */
capi_str capi_str_nearest(capi_str wrong, const capi_str *candidates, size_t count);
