/* csv_mask.h - where the bytes that matter to CSV stand: bit masks of 64 bytes of text each.
 *
 * Bit i of a mask is byte i of the block. Which instructions are used is settled once per process; all ways give the
 * same bits. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CAPI_CSV_MASK_BYTES = 64,    /* of text per block of masks */
    CAPI_CSV_PADDING_BYTES = 64, /* that must be readable behind a text */
};

typedef struct capi_csv_masks {
    uint64_t quote;
    uint64_t separator;
    uint64_t line_end; /* LF */
    uint64_t carriage_return;
    uint64_t odd; /* not ASCII, or NUL: a string with such a byte needs a closer look */
} capi_csv_masks;

/* Fills out[0 .. block_count-1] from block_count * 64 bytes at `text`. */
void capi_csv_mask(const char *text, size_t block_count, char separator, capi_csv_masks *out);

/* The ways there are on this machine, for tests: calls the way number `way`; false if there is no such way. */
bool capi_csv_mask_by(unsigned way, const char *text, size_t block_count, char separator, capi_csv_masks *out);

/* Number of LF in the text. */
uint64_t capi_csv_count_line_ends(const char *text, size_t bytes);

/* True if some byte is NUL or not ASCII. */
bool capi_csv_has_odd_bytes(const char *text, size_t bytes);
