/* text_fold.c - 16 bytes at a time where all of them are ASCII. */
#include "expr/text_fold.h"

#ifdef __SSE2__
#include <emmintrin.h>

enum { FOLD_STEP = 16 };

/* False if one of the bytes is not ASCII. */
static inline int fold_step(const char *text, char *out)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i is_upper =
        _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8('A' - 1)), _mm_cmplt_epi8(bytes, _mm_set1_epi8('Z' + 1)));

    if (_mm_movemask_epi8(bytes)) return 0;
    bytes = _mm_or_si128(bytes, _mm_and_si128(is_upper, _mm_set1_epi8(0x20)));
    _mm_storeu_si128((__m128i *)(void *)out, bytes);
    return 1;
}
#else
enum { FOLD_STEP = 1 };

static inline int fold_step(const char *text, char *out)
{
    if ((unsigned char)*text >= 0x80) return 0;
    *out = expr_lower(*text);
    return 1;
}
#endif

size_t expr_text_fold(const char *text, size_t bytes, char *out)
{
    size_t count = 0;
    size_t at = 0;

    while (at < bytes) {
        size_t end = at + FOLD_STEP;

        if (bytes - at >= FOLD_STEP && fold_step(text + at, out + count)) {
            at += FOLD_STEP;
            count += FOLD_STEP;
            continue;
        }
        for (; at < bytes && at < end; at++) {
            char letter = (char)expr_letter_at(text, bytes, &at);

            out[count++] = expr_lower(letter);
        }
    }
    return count;
}
