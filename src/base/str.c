/* str.c - searching, comparing and copying pieces of text. */
#include "base/str.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

int capi_str_compare(capi_str a, capi_str b)
{
    size_t common = a.bytes < b.bytes ? a.bytes : b.bytes;
    int order = common ? memcmp(a.data, b.data, common) : 0;

    if (order) return order;
    return a.bytes < b.bytes ? -1 : a.bytes > b.bytes;
}

bool capi_str_starts(capi_str text, const char *start)
{
    size_t bytes = strlen(start);

    return text.bytes >= bytes && (bytes == 0 || memcmp(text.data, start, bytes) == 0);
}

bool capi_str_ends(capi_str text, const char *end)
{
    size_t bytes = strlen(end);

    return text.bytes >= bytes && (bytes == 0 || memcmp(text.data + text.bytes - bytes, end, bytes) == 0);
}

int64_t capi_str_find(capi_str text, capi_str part)
{
    const char *found;

    if (part.bytes == 0) return 0;
    if (text.bytes < part.bytes) return -1;
    found = memmem(text.data, text.bytes, part.data, part.bytes);
    return found ? found - text.data : -1;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

capi_str capi_str_trim(capi_str text)
{
    while (text.bytes && is_space(text.data[0])) {
        text.data++;
        text.bytes--;
    }
    while (text.bytes && is_space(text.data[text.bytes - 1]))
        text.bytes--;
    return text;
}

capi_str capi_str_copy(capi_arena *arena, capi_str text)
{
    char *copy = capi_arena_alloc(arena, text.bytes + 1);

    if (text.bytes) memcpy(copy, text.data, text.bytes);
    copy[text.bytes] = 0;
    return (capi_str){copy, text.bytes};
}

capi_str capi_str_format(capi_arena *arena, const char *format, ...)
{
    va_list args;
    va_list again;
    int bytes;
    char *text;

    va_start(args, format);
    va_copy(again, args);
    bytes = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (bytes < 0) bytes = 0;
    text = capi_arena_alloc(arena, (size_t)bytes + 1);
    vsnprintf(text, (size_t)bytes + 1, format, again);
    va_end(again);
    return (capi_str){text, (size_t)bytes};
}

bool capi_str_is_utf8(capi_str text, size_t *bad_at)
{
    const unsigned char *p = (const unsigned char *)text.data;
    size_t at = 0;

    while (at < text.bytes) {
        uint64_t word;
        size_t step;

        if (text.bytes - at >= 8) {
            memcpy(&word, p + at, 8);
            if ((word & 0x8080808080808080ull) == 0) {
                at += 8;
                continue;
            }
        }
        step = capi_utf8_bytes(p + at, text.bytes - at);
        if (step == 0) {
            if (bad_at) *bad_at = at;
            return false;
        }
        at += step;
    }
    return true;
}

enum { NEAREST_MAX = 64 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Optimal string alignment distance: insert, delete, replace, swap of neighbours; letter case is half free. */
static unsigned edit_distance(capi_str a, capi_str b)
{
    unsigned rows[3][NEAREST_MAX + 1];

    for (size_t j = 0; j <= b.bytes; j++)
        rows[1][j] = 2 * (unsigned)j;
    for (size_t i = 1; i <= a.bytes; i++) {
        unsigned *before = rows[(i + 2) % 3];
        unsigned *above = rows[i % 3];
        unsigned *row = rows[(i + 1) % 3];

        row[0] = 2 * (unsigned)i;
        for (size_t j = 1; j <= b.bytes; j++) {
            char ca = a.data[i - 1];
            char cb = b.data[j - 1];
            unsigned best = above[j - 1] + (ca == cb ? 0 : lower(ca) == lower(cb) ? 1 : 2);

            if (above[j] + 2 < best) best = above[j] + 2;
            if (row[j - 1] + 2 < best) best = row[j - 1] + 2;
            if (i > 1 && j > 1 && ca == b.data[j - 2] && a.data[i - 2] == cb && before[j - 2] + 2 < best)
                best = before[j - 2] + 2;
            row[j] = best;
        }
    }
    return rows[(a.bytes + 1) % 3][b.bytes];
}

capi_str capi_str_nearest(capi_str wrong, const capi_str *candidates, size_t count)
{
    capi_str nearest = {0};
    unsigned nearest_distance = 0;

    if (wrong.bytes == 0 || wrong.bytes > NEAREST_MAX) return nearest;
    for (size_t i = 0; i < count; i++) {
        capi_str candidate = candidates[i];
        unsigned limit = 2 * (unsigned)((wrong.bytes > candidate.bytes ? wrong.bytes : candidate.bytes) / 3);
        unsigned distance;

        if (candidate.bytes == 0 || candidate.bytes > NEAREST_MAX) continue;
        if (limit < 2) limit = wrong.bytes < 2 ? 1 : 2; /* one letter for another is no slip of the pen, its case is */
        distance = edit_distance(wrong, candidate);
        if (distance <= limit && (nearest.bytes == 0 || distance < nearest_distance)) {
            nearest = candidate;
            nearest_distance = distance;
        }
    }
    return nearest;
}
