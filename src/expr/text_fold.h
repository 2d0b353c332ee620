/* text_fold.h - texts without regard to the case of ASCII letters. As in Unicode's folding, the long s (U+017F) is an s and the
 * Kelvin sign (U+212A) a k; other characters stay as they are. */
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The byte at *at, or the letter that begins there in one of the two guises; *at then is its last byte. Upper case stays. */
static inline unsigned char expr_letter_at(const char *text, size_t bytes, size_t *at)
{
    const unsigned char *p = (const unsigned char *)text + *at;
    size_t left = bytes - *at;

    if (p[0] == 0xC5 && left >= 2 && p[1] == 0xBF) {
        *at += 1;
        return 's';
    }
    if (p[0] == 0xE2 && left >= 3 && p[1] == 0x84 && p[2] == 0xAA) {
        *at += 2;
        return 'k';
    }
    return p[0];
}

static inline char expr_lower(char byte)
{
    return (char)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
}

/* The text in lower case, into `out` of as many bytes; returns how many there are. */
size_t expr_text_fold(const char *text, size_t bytes, char *out);

#ifdef __cplusplus
}
#endif
