/* csv_mask.c - structure masks, with the widest compare instructions that the processor has.
 *
 * The same few lines exist for AVX-512, AVX2, SSE2 and for any machine (eight bytes at a time in a register). */
#include "io/csv_mask.h"

#include <stdatomic.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define CSV_X86 1
#endif

typedef void (*mask_fn)(const char *text, size_t block_count, char separator, capi_csv_masks *out);

/* ---- any machine ---- */

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (uint8_t)(value))

/* Bit i is set if byte i of `word` (in memory order, read as little-endian) is zero. */
static uint64_t zero_bytes(uint64_t word)
{
    const uint64_t low7 = EACH_BYTE(0x7f);
    uint64_t high = ~(((word & low7) + low7) | word | low7); /* 0x80 where the byte is zero */

    return (high >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

static uint64_t load_word(const char *text)
{
    uint64_t word;

    memcpy(&word, text, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static void mask_portable(const char *text, size_t block_count, char separator, capi_csv_masks *out)
{
    for (size_t block = 0; block < block_count; block++) {
        capi_csv_masks masks = {0};

        for (unsigned word = 0; word < 8; word++) {
            uint64_t bytes = load_word(text + block * 64 + word * 8);
            unsigned shift = word * 8;

            masks.quote |= zero_bytes(bytes ^ EACH_BYTE('"')) << shift;
            masks.separator |= zero_bytes(bytes ^ EACH_BYTE(separator)) << shift;
            masks.line_end |= zero_bytes(bytes ^ EACH_BYTE('\n')) << shift;
            masks.carriage_return |= zero_bytes(bytes ^ EACH_BYTE('\r')) << shift;
            masks.odd |= (zero_bytes(bytes) | (zero_bytes(~bytes & EACH_BYTE(0x80)))) << shift;
        }
        out[block] = masks;
    }
}

#ifdef CSV_X86

/* ---- SSE2: the baseline ---- */

static inline uint64_t equal16(const __m128i bytes[4], __m128i wanted)
{
    uint64_t a = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes[0], wanted));
    uint64_t b = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes[1], wanted));
    uint64_t c = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes[2], wanted));
    uint64_t d = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes[3], wanted));

    return a | b << 16 | c << 32 | d << 48;
}

/* Of the highest bits. */
static inline uint64_t high16(const __m128i bytes[4])
{
    uint64_t a = (uint32_t)_mm_movemask_epi8(bytes[0]);
    uint64_t b = (uint32_t)_mm_movemask_epi8(bytes[1]);
    uint64_t c = (uint32_t)_mm_movemask_epi8(bytes[2]);
    uint64_t d = (uint32_t)_mm_movemask_epi8(bytes[3]);

    return a | b << 16 | c << 32 | d << 48;
}

static void mask_sse2(const char *text, size_t block_count, char separator, capi_csv_masks *out)
{
    const __m128i wanted = _mm_set1_epi8(separator);

    for (size_t block = 0; block < block_count; block++) {
        __m128i bytes[4];

        for (unsigned i = 0; i < 4; i++)
            bytes[i] = _mm_loadu_si128((const __m128i *)(const void *)(text + block * 64 + i * 16));
        out[block].quote = equal16(bytes, _mm_set1_epi8('"'));
        out[block].separator = equal16(bytes, wanted);
        out[block].line_end = equal16(bytes, _mm_set1_epi8('\n'));
        out[block].carriage_return = equal16(bytes, _mm_set1_epi8('\r'));
        out[block].odd = high16(bytes) | equal16(bytes, _mm_setzero_si128());
    }
}

/* ---- AVX2 ---- */

__attribute__((target("avx2"))) static inline uint64_t equal32(__m256i low, __m256i high, char wanted)
{
    __m256i all = _mm256_set1_epi8(wanted);
    uint64_t a = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, all));
    uint64_t b = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, all));

    return a | b << 32;
}

__attribute__((target("avx2"))) static void mask_avx2(const char *text, size_t block_count, char separator,
                                                      capi_csv_masks *out)
{
    for (size_t block = 0; block < block_count; block++) {
        const __m256i *from = (const __m256i *)(const void *)(text + block * 64);
        __m256i low = _mm256_loadu_si256(from);
        __m256i high = _mm256_loadu_si256(from + 1);
        uint64_t not_ascii = (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;

        out[block].quote = equal32(low, high, '"');
        out[block].separator = equal32(low, high, separator);
        out[block].line_end = equal32(low, high, '\n');
        out[block].carriage_return = equal32(low, high, '\r');
        out[block].odd = not_ascii | equal32(low, high, 0);
    }
}

/* ---- AVX-512 ---- */

__attribute__((target("avx512f,avx512bw"))) static void mask_avx512(const char *text, size_t block_count,
                                                                    char separator, capi_csv_masks *out)
{
    const __m512i wanted = _mm512_set1_epi8(separator);

    for (size_t block = 0; block < block_count; block++) {
        __m512i bytes = _mm512_loadu_si512(text + block * 64);

        out[block].quote = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('"'));
        out[block].separator = _mm512_cmpeq_epi8_mask(bytes, wanted);
        out[block].line_end = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\n'));
        out[block].carriage_return = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\r'));
        out[block].odd = _mm512_movepi8_mask(bytes) | _mm512_testn_epi8_mask(bytes, bytes);
    }
}

#endif

/* ---- choice ---- */

/* Best first. */
static mask_fn mask_way(unsigned way)
{
#ifdef CSV_X86
    static const mask_fn ways[] = {mask_avx512, mask_avx2, mask_sse2, mask_portable};
    bool has[] = {__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"),
                  __builtin_cpu_supports("avx2") != 0, true, true};
#else
    static const mask_fn ways[] = {mask_portable};
    bool has[] = {true};
#endif

    for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (has[i] && way-- == 0) return ways[i];
    return NULL;
}

bool capi_csv_mask_by(unsigned way, const char *text, size_t block_count, char separator, capi_csv_masks *out)
{
    mask_fn fn = mask_way(way);

    if (fn) fn(text, block_count, separator, out);
    return fn != NULL;
}

void capi_csv_mask(const char *text, size_t block_count, char separator, capi_csv_masks *out)
{
    static _Atomic(mask_fn) best; /* every thread finds the same one */
    mask_fn fn = atomic_load_explicit(&best, memory_order_relaxed);

    if (!fn) {
        fn = mask_way(0);
        atomic_store_explicit(&best, fn, memory_order_relaxed);
    }
    fn(text, block_count, separator, out);
}

/* ---- counting line ends ---- */

static uint64_t count_portable(const char *text, size_t bytes)
{
    const uint64_t low7 = EACH_BYTE(0x7f);
    uint64_t count = 0;
    size_t at = 0;

    for (; at + 8 <= bytes; at += 8) {
        uint64_t word = load_word(text + at) ^ EACH_BYTE('\n');

        count += (unsigned)__builtin_popcountll(~(((word & low7) + low7) | word | low7));
    }
    for (; at < bytes; at++)
        count += text[at] == '\n';
    return count;
}

#ifdef CSV_X86

__attribute__((target("avx2,popcnt"))) static uint64_t count_avx2(const char *text, size_t bytes)
{
    const __m256i wanted = _mm256_set1_epi8('\n');
    uint64_t count = 0;
    size_t at = 0;

    for (; at + 64 <= bytes; at += 64) {
        const __m256i *from = (const __m256i *)(const void *)(text + at);
        uint64_t low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256(from), wanted));
        uint64_t high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256(from + 1), wanted));

        count += (unsigned)__builtin_popcountll(low | high << 32);
    }
    return count + count_portable(text + at, bytes - at);
}

#endif

uint64_t capi_csv_count_line_ends(const char *text, size_t bytes)
{
#ifdef CSV_X86
    if (__builtin_cpu_supports("avx2")) return count_avx2(text, bytes);
#endif
    return count_portable(text, bytes);
}

bool capi_csv_has_odd_bytes(const char *text, size_t bytes)
{
    size_t at = 0;

    for (; at + 8 <= bytes; at += 8) {
        uint64_t word = load_word(text + at);

        if (((word - EACH_BYTE(1)) | word) & EACH_BYTE(0x80)) return true;
    }
    for (; at < bytes; at++)
        if (text[at] <= 0 || (text[at] & 0x80)) return true;
    return false;
}
