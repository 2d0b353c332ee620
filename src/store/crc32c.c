/* crc32c.c - by the crc32 instruction (SSE4.2 belongs to our baseline on x86-64), in three streams because one
 * instruction takes three cycles but another can start in each; elsewhere eight bytes at a time from tables. */
#include "store/crc32c.h"

#include <string.h>

enum { CRC_SLICES = 8, CRC_STREAM_BYTES = 1024 };

static const uint32_t crc_polynomial = 0x82f63b78; /* 0x1edc6f41 with its bits reversed */

static uint32_t crc_tables[CRC_SLICES][256];
/* What appending CRC_STREAM_BYTES zero bytes makes of a checksum: appending is linear, so byte by byte of it. */
static uint32_t crc_shift[4][256];

static uint32_t crc_append_zeros(uint32_t crc)
{
    for (int i = 0; i < CRC_STREAM_BYTES; i++)
        crc = crc >> 8 ^ crc_tables[0][crc & 255];
    return crc;
}

static void crc_fill_shift(void)
{
    uint32_t of_bit[32];

    for (int bit = 0; bit < 32; bit++)
        of_bit[bit] = crc_append_zeros(UINT32_C(1) << bit);
    for (int part = 0; part < 4; part++)
        for (uint32_t byte = 0; byte < 256; byte++)
            for (int bit = 0; bit < 8; bit++)
                if (byte >> bit & 1) crc_shift[part][byte] ^= of_bit[part * 8 + bit];
}

__attribute__((constructor)) static void crc_fill_tables(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;

        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ crc_polynomial : crc >> 1;
        crc_tables[0][byte] = crc;
    }
    for (int slice = 1; slice < CRC_SLICES; slice++)
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t before = crc_tables[slice - 1][byte];

            crc_tables[slice][byte] = before >> 8 ^ crc_tables[0][before & 255];
        }
    crc_fill_shift();
}

uint32_t capi_crc32c_portable(uint32_t crc, const void *data, size_t bytes)
{
    const uint8_t *at = data;

    crc = ~crc;
    for (; bytes >= 8; bytes -= 8, at += 8) {
        uint32_t low = crc ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);

        crc = crc_tables[7][low & 255] ^ crc_tables[6][low >> 8 & 255] ^ crc_tables[5][low >> 16 & 255] ^
              crc_tables[4][low >> 24] ^ crc_tables[3][at[4]] ^ crc_tables[2][at[5]] ^ crc_tables[1][at[6]] ^
              crc_tables[0][at[7]];
    }
    for (; bytes; bytes--, at++)
        crc = crc >> 8 ^ crc_tables[0][(crc ^ *at) & 255];
    return ~crc;
}

#if defined(__x86_64__)

#define CRC_TARGET __attribute__((target("sse4.2")))

static inline uint64_t crc_load(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint32_t crc_shifted(uint32_t crc)
{
    return crc_shift[0][crc & 255] ^ crc_shift[1][crc >> 8 & 255] ^ crc_shift[2][crc >> 16 & 255] ^
           crc_shift[3][crc >> 24];
}

CRC_TARGET static uint32_t crc_sse42(uint32_t crc, const uint8_t *at, size_t bytes)
{
    uint64_t first = (uint32_t)~crc;

    for (; bytes >= 3 * CRC_STREAM_BYTES; bytes -= 3 * CRC_STREAM_BYTES, at += 3 * CRC_STREAM_BYTES) {
        uint64_t second = 0;
        uint64_t third = 0;

        for (int i = 0; i < CRC_STREAM_BYTES; i += 8) {
            first = __builtin_ia32_crc32di(first, crc_load(at + i));
            second = __builtin_ia32_crc32di(second, crc_load(at + CRC_STREAM_BYTES + i));
            third = __builtin_ia32_crc32di(third, crc_load(at + 2 * CRC_STREAM_BYTES + i));
        }
        first = crc_shifted((uint32_t)first) ^ second;
        first = crc_shifted((uint32_t)first) ^ third;
    }
    for (; bytes >= 8; bytes -= 8, at += 8)
        first = __builtin_ia32_crc32di(first, crc_load(at));
    for (; bytes; bytes--, at++)
        first = __builtin_ia32_crc32qi((uint32_t)first, *at);
    return ~(uint32_t)first;
}

uint32_t capi_crc32c(uint32_t crc, const void *data, size_t bytes)
{
    if (__builtin_cpu_supports("sse4.2")) return crc_sse42(crc, data, bytes);
    return capi_crc32c_portable(crc, data, bytes);
}

#else

uint32_t capi_crc32c(uint32_t crc, const void *data, size_t bytes)
{
    return capi_crc32c_portable(crc, data, bytes);
}

#endif
