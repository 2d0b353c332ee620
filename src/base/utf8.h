/* utf8.h - characters and their bytes, in texts that may hold bytes that are no UTF-8: each of those is one U+FFFD.
 *
 * For C and C++ alike. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPI_RUNE_BAD 0xFFFDu

static inline bool capi_utf8_goes_on(const unsigned char *p, size_t bytes)
{
    for (size_t i = 2; i < bytes; i++)
        if (p[i] < 0x80 || p[i] > 0xBF) return false;
    return true;
}

/* Bytes of the well-formed character at `p`, or 0 (Unicode 15, table 3-7). */
static inline size_t capi_utf8_bytes(const unsigned char *p, size_t left)
{
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    size_t bytes;

    if (p[0] < 0x80) return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4) return 0;
    bytes = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (left < bytes) return 0;
    if (p[0] == 0xE0) low = 0xA0;
    if (p[0] == 0xED) high = 0x9F;
    if (p[0] == 0xF0) low = 0x90;
    if (p[0] == 0xF4) high = 0x8F;
    if (p[1] < low || p[1] > high || !capi_utf8_goes_on(p, bytes)) return 0;
    return bytes;
}

/* The character at *at, which moves behind it. */
static inline uint32_t capi_utf8_read(const char *text, size_t bytes, size_t *at)
{
    const unsigned char *p = (const unsigned char *)text + *at;
    size_t step = capi_utf8_bytes(p, bytes - *at);
    uint32_t rune;

    *at += step ? step : 1;
    if (step == 1) return p[0];
    if (step == 0) return CAPI_RUNE_BAD;
    rune = p[0] & (0x7Fu >> step);
    for (size_t i = 1; i < step; i++)
        rune = rune << 6 | (p[i] & 0x3Fu);
    return rune;
}

/* Returns the number of bytes. */
static inline uint32_t capi_utf8_write(uint32_t rune, char *out)
{
    uint32_t bytes = rune < 0x80 ? 1 : rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;

    out[0] = (char)(bytes == 1 ? rune : (0xF00u >> bytes & 0xFF) | rune >> 6 * (bytes - 1));
    for (uint32_t i = 1; i < bytes; i++)
        out[i] = (char)(0x80 | (rune >> 6 * (bytes - 1 - i) & 0x3F));
    return bytes;
}
