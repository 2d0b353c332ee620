/* text_find.c - substring search for short texts: 16 places at a time are compared by the first and the last byte of the
 * part, and only places where both fit are looked at (W. Mula, "SIMD-friendly algorithms for substring searching"). */
#include "expr/text_find.h"

#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Byte by byte, for the end of a text and for other processors. */
static const char *find_plainly(const char *text, const char *end, const char *part, size_t part_bytes)
{
    while ((size_t)(end - text) >= part_bytes) {
        const char *found = memchr(text, part[0], (size_t)(end - text) - part_bytes + 1);

        if (!found) return NULL;
        if (memcmp(found + 1, part + 1, part_bytes - 1) == 0) return found;
        text = found + 1;
    }
    return NULL;
}

const char *expr_text_find(const char *text, size_t text_bytes, const char *part, size_t part_bytes)
{
    const char *end = text + text_bytes;

    if (part_bytes == 0) return text;
    if (part_bytes > text_bytes) return NULL;
    if (part_bytes == 1) return memchr(text, part[0], text_bytes);
#ifdef __SSE2__
    const __m128i first = _mm_set1_epi8(part[0]);
    const __m128i last = _mm_set1_epi8(part[part_bytes - 1]);

    for (; (size_t)(end - text) >= part_bytes - 1 + 16; text += 16) {
        __m128i at_first = _mm_loadu_si128((const __m128i *)(const void *)text);
        __m128i at_last = _mm_loadu_si128((const __m128i *)(const void *)(text + part_bytes - 1));
        __m128i both = _mm_and_si128(_mm_cmpeq_epi8(at_first, first), _mm_cmpeq_epi8(at_last, last));
        unsigned places = (unsigned)_mm_movemask_epi8(both);

        for (; places; places &= places - 1) {
            const char *place = text + __builtin_ctz(places);

            if (memcmp(place + 1, part + 1, part_bytes - 1) == 0) return place;
        }
    }
#endif
    return find_plainly(text, end, part, part_bytes);
}
