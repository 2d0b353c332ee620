/* utf8.h - characters of a text that may hold any bytes.
 *
 * A byte that belongs to no character counts as one character, U+FFFD, as in Go. */
#pragma once

#include "base/str.h"

enum { CAPI_RUNE_ERROR = 0xFFFD, CAPI_RUNE_MAX = 0x10FFFF, CAPI_RUNE_BYTES_MAX = 4 };

/* The character at the start of [at, end), at < end; returns its bytes, 1 for a bad one. */
static inline unsigned capi_utf8_decode(const char *at, const char *end, uint32_t *rune)
{
    const unsigned char *byte = (const unsigned char *)at;
    size_t left = (size_t)(end - at);
    unsigned bytes = byte[0] < 0x80 ? 1 : byte[0] < 0xC2 ? 0 : byte[0] < 0xE0 ? 2 : byte[0] < 0xF0 ? 3 : 4;
    uint32_t value;

    *rune = byte[0];
    if (bytes == 1) return 1;
    *rune = CAPI_RUNE_ERROR;
    if (bytes == 0 || bytes > left || byte[0] > 0xF4) return 1;
    value = byte[0] & (0x7Fu >> bytes);
    for (unsigned i = 1; i < bytes; i++) {
        if ((byte[i] & 0xC0) != 0x80) return 1;
        value = value << 6 | (byte[i] & 0x3Fu);
    }
    if (bytes == 3 && (value < 0x800 || (value >= 0xD800 && value <= 0xDFFF))) return 1;
    if (bytes == 4 && (value < 0x10000 || value > CAPI_RUNE_MAX)) return 1;
    *rune = value;
    return bytes;
}

static inline bool capi_rune_is_valid(uint32_t rune)
{
    return rune <= CAPI_RUNE_MAX && (rune < 0xD800 || rune > 0xDFFF);
}

/* What is no character is written as U+FFFD. Returns the bytes. */
static inline unsigned capi_utf8_encode(uint32_t rune, char to[CAPI_RUNE_BYTES_MAX])
{
    if (!capi_rune_is_valid(rune)) rune = CAPI_RUNE_ERROR;
    if (rune < 0x80) {
        to[0] = (char)rune;
        return 1;
    }
    if (rune < 0x800) {
        to[0] = (char)(0xC0 | rune >> 6);
        to[1] = (char)(0x80 | (rune & 0x3F));
        return 2;
    }
    if (rune < 0x10000) {
        to[0] = (char)(0xE0 | rune >> 12);
        to[1] = (char)(0x80 | (rune >> 6 & 0x3F));
        to[2] = (char)(0x80 | (rune & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | rune >> 18);
    to[1] = (char)(0x80 | (rune >> 12 & 0x3F));
    to[2] = (char)(0x80 | (rune >> 6 & 0x3F));
    to[3] = (char)(0x80 | (rune & 0x3F));
    return 4;
}

/* Unicode's white space. */
static inline bool capi_rune_is_space(uint32_t rune)
{
    if (rune < 0x80) return rune == ' ' || (rune >= '\t' && rune <= '\r');
    return rune == 0x85 || rune == 0xA0 || rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200A) || rune == 0x2028 ||
           rune == 0x2029 || rune == 0x202F || rune == 0x205F || rune == 0x3000;
}
