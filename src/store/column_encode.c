/* column_encode.c - turns the values of one column of a block into the arrays that are stored.
 *
 * Bytes are time here: disks write a few hundred megabytes a second, a core narrows several gigabytes. So whole numbers
 * are stored as distances from the smallest in as few bytes as these need, datetimes in whole seconds or days if they
 * are such, floats like 12.5 as whole numbers and a divisor, bools as bits, strings as lengths and bytes or as codes of
 * a dictionary. All of it is decided per block and column. */
#include "base/hash.h"
#include "store/crc32c.h"
#include "store/table_format.h"

#include <lz4.h>
#include <stdlib.h>

enum {
    COMPRESS_BYTES_MIN = 512,
    COMPRESS_SKIP = 15, /* blocks without another try after an array that LZ4 did not shrink */
    DICTIONARY_SAMPLE_ROWS = 1024,
    DICTIONARY_PAUSE_MAX = 63,
    DICTIONARY_SLOTS = 1 << 15, /* a quarter filled at most */
    DICTIONARY_MAX = DICTIONARY_SLOTS / 4,
    DECIMALS_SAMPLE_ROWS = 64,
    DECIMALS_SCALE_MAX = 100000000,
    NIBBLES_STEP = 1024, /* bytes that are encoded before looking whether all were known */
    MS_PER_SECOND = 1000,
    MS_PER_DAY = 86400000,
};

void column_scratch_deinit(column_scratch *scratch)
{
    capi_buf_deinit(&scratch->bytes);
    free(scratch->slots);
    free(scratch->starts);
    free(scratch->lengths);
    *scratch = (column_scratch){0};
}

/* ---- the block's buffer ---- */

static void block_pad(capi_buf *block)
{
    size_t padding = block_aligned(block->bytes) - block->bytes;

    memset(capi_buf_reserve(block, padding), 0, padding);
    block->bytes += padding;
}

/* Replaces the last raw_bytes of the block by their compressed form if that saves an eighth. */
static bool block_compress(capi_buf *block, uint64_t raw_bytes, uint8_t *skip, capi_buf *scratch)
{
    int packed_max;
    int packed;

    if (raw_bytes < COMPRESS_BYTES_MIN || raw_bytes > LZ4_MAX_INPUT_SIZE) return false;
    if (*skip) {
        (*skip)--;
        return false;
    }
    packed_max = (int)(raw_bytes - raw_bytes / 8);
    capi_buf_clear(scratch);
    packed = LZ4_compress_default(block->data + block->bytes - raw_bytes, capi_buf_reserve(scratch, (size_t)packed_max),
                                  (int)raw_bytes, packed_max);
    if (packed <= 0) {
        *skip = COMPRESS_SKIP;
        return false;
    }
    memcpy(block->data + block->bytes - raw_bytes, scratch->data, (size_t)packed);
    block->bytes -= raw_bytes - (uint64_t)packed;
    return true;
}

/* Ends the first array, which is the last raw_bytes of the block. */
static void entry_end_first(column_entry *entry, capi_buf *block, uint64_t raw_bytes, bool compress,
                            column_habit *habit, column_scratch *scratch)
{
    uint64_t from = block->bytes - raw_bytes;

    if (compress && block_compress(block, raw_bytes, &habit->first_skip, &scratch->bytes))
        entry->flags |= COLUMN_FIRST_LZ4;
    entry->first_raw = raw_bytes;
    entry->first_stored = block->bytes - from;
    block_pad(block);
}

static void entry_end_second(column_entry *entry, capi_buf *block, uint64_t raw_bytes, bool compress,
                             column_habit *habit, column_scratch *scratch)
{
    uint64_t from = block->bytes - raw_bytes;

    if (compress && block_compress(block, raw_bytes, &habit->second_skip, &scratch->bytes))
        entry->flags |= COLUMN_SECOND_LZ4;
    entry->second_raw = raw_bytes;
    entry->second_stored = block->bytes - from;
    block_pad(block);
}

/* ---- whole numbers ---- */

static void int64_range(const int64_t *values, uint32_t count, int64_t *minimum, int64_t *maximum)
{
    int64_t least = values[0];
    int64_t most = values[0];

    for (uint32_t i = 0; i < count; i++) {
        least = values[i] < least ? values[i] : least;
        most = values[i] > most ? values[i] : most;
    }
    *minimum = least;
    *maximum = most;
}

/* The bytes that distances up to `range` need. */
static uint8_t width_of(uint64_t range)
{
    if (range == 0) return 0;
    if (range <= UINT8_MAX) return 1;
    if (range <= UINT16_MAX) return 2;
    return range <= UINT32_MAX ? 4 : 8;
}

static inline bool all_multiples(const int64_t *values, uint32_t count, int64_t base, const uint64_t scale)
{
    for (uint32_t i = 0; i < count; i++)
        if (((uint64_t)values[i] - (uint64_t)base) % scale != 0) return false;
    return true;
}

/* The largest unit of time of which all distances from the base are multiples. */
static uint32_t datetime_scale(const int64_t *values, uint32_t count, int64_t base)
{
    if (all_multiples(values, count, base, MS_PER_DAY)) return MS_PER_DAY;
    if (all_multiples(values, count, base, MS_PER_SECOND)) return MS_PER_SECOND;
    return 1;
}

/* Called with constants for scale, so that there is no division left in the loops. */
static inline __attribute__((always_inline)) void narrow(const int64_t *restrict values, uint32_t count, int64_t base,
                                                         const uint64_t scale, uint8_t width, void *restrict to)
{
    uint8_t *bytes = to;
    uint16_t *halves = to;
    uint32_t *words = to;

    if (width == 1)
        for (uint32_t i = 0; i < count; i++)
            bytes[i] = (uint8_t)(((uint64_t)values[i] - (uint64_t)base) / scale);
    else if (width == 2)
        for (uint32_t i = 0; i < count; i++)
            halves[i] = (uint16_t)(((uint64_t)values[i] - (uint64_t)base) / scale);
    else if (width == 4)
        for (uint32_t i = 0; i < count; i++)
            words[i] = (uint32_t)(((uint64_t)values[i] - (uint64_t)base) / scale);
}

static void narrow_scaled(const int64_t *values, uint32_t count, const column_entry *entry, void *to)
{
    if (entry->scale == MS_PER_DAY)
        narrow(values, count, entry->base, MS_PER_DAY, entry->width, to);
    else if (entry->scale == MS_PER_SECOND)
        narrow(values, count, entry->base, MS_PER_SECOND, entry->width, to);
    else
        narrow(values, count, entry->base, 1, entry->width, to);
}

/* Appends `bytes` bytes to be filled by the caller. They begin at a multiple of 64 from the block's start; the buffer
 * itself comes from malloc, so 16 bytes of that hold in memory. */
static char *block_extend(capi_buf *block, uint64_t bytes)
{
    char *at = capi_buf_reserve(block, bytes);

    block->bytes += bytes;
    return at;
}

static uint64_t encode_int64s(const column_source *source, uint32_t row_count, capi_buf *block, column_entry *entry)
{
    int64_t minimum, maximum;
    uint64_t range;

    int64_range(source->int64s, row_count, &minimum, &maximum);
    memcpy(entry->minimum, &minimum, 8);
    memcpy(entry->maximum, &maximum, 8);
    entry->flags |= COLUMN_HAS_RANGE;
    range = (uint64_t)maximum - (uint64_t)minimum;
    entry->base = minimum;
    entry->scale = 1;
    if (source->type == CAPI_DATETIME && range > UINT8_MAX)
        entry->scale = datetime_scale(source->int64s, row_count, minimum);
    entry->width = width_of(range / entry->scale);
    entry->encoding = COLUMN_NARROW;
    if (entry->width == 8) {
        entry->encoding = COLUMN_PLAIN;
        entry->base = 0;
        entry->scale = 0;
        memcpy(block_extend(block, (uint64_t)row_count * 8), source->int64s, (size_t)row_count * 8);
    } else {
        narrow_scaled(source->int64s, row_count, entry, block_extend(block, (uint64_t)row_count * entry->width));
    }
    return (uint64_t)row_count * entry->width;
}

static uint64_t encode_hashes(const column_source *source, uint32_t row_count, capi_buf *block, column_entry *entry)
{
    entry->encoding = COLUMN_PLAIN;
    entry->width = 8;
    memcpy(block_extend(block, (uint64_t)row_count * 8), source->int64s, (size_t)row_count * 8);
    return (uint64_t)row_count * 8;
}

/* ---- floats, bools ---- */

/* False if there is a NaN. Four lanes, so that the comparisons do not wait for each other. */
static bool double_range(const double *values, uint32_t count, double *minimum, double *maximum)
{
    double least[4] = {values[0], values[0], values[0], values[0]};
    double most[4] = {values[0], values[0], values[0], values[0]};
    bool has_nan = false;

    for (uint32_t i = 0; i < count; i++) {
        double value = values[i];

        least[i & 3] = value < least[i & 3] ? value : least[i & 3];
        most[i & 3] = value > most[i & 3] ? value : most[i & 3];
        has_nan |= value != value;
    }
    for (int lane = 1; lane < 4; lane++) {
        if (least[lane] < least[0]) least[0] = least[lane];
        if (most[lane] > most[0]) most[0] = most[lane];
    }
    *minimum = least[0];
    *maximum = most[0];
    return !has_nan;
}

static bool all_same_bits(const double *values, uint32_t count)
{
    return count == 1 || memcmp(values, values + 1, (size_t)(count - 1) * sizeof *values) == 0;
}

/* Whole numbers that divided by `scale` give back exactly these floats, bit for bit; false if there are none. Adding 1.5
 * * 2^52 rounds to a whole number and leaves it in the low bits (two's complement) of the sum. */
static bool decimals_of(const double *values, uint32_t count, double scale, int64_t *restrict wholes)
{
    static const double magic = 0x1.8p52;
    int64_t magic_bits;
    int64_t wrong = 0;

    memcpy(&magic_bits, &magic, 8);
    for (uint32_t i = 0; i < count; i++) {
        double scaled = values[i] * scale;
        double sum = scaled + magic;
        double back = (sum - magic) / scale;
        int64_t value_bits, back_bits, sum_bits;

        memcpy(&value_bits, &values[i], 8);
        memcpy(&back_bits, &back, 8);
        memcpy(&sum_bits, &sum, 8);
        wholes[i] = sum_bits - magic_bits;
        wrong |= (value_bits ^ back_bits) | !(scaled < 0x1p50 && scaled > -0x1p50);
    }
    return wrong == 0;
}

/* The smallest power of ten that makes a sample whole, or 0. */
static uint32_t decimals_scale(const double *values, uint32_t count)
{
    int64_t wholes[DECIMALS_SAMPLE_ROWS];

    if (count > DECIMALS_SAMPLE_ROWS) count = DECIMALS_SAMPLE_ROWS;
    for (uint32_t scale = 1; scale <= DECIMALS_SCALE_MAX; scale *= 10)
        if (decimals_of(values, count, scale, wholes)) return scale;
    return 0;
}

static bool encode_decimals(const column_source *source, uint32_t row_count, column_scratch *scratch, capi_buf *block,
                            column_entry *entry)
{
    uint32_t scale = decimals_scale(source->doubles, row_count);
    int64_t *wholes;
    int64_t minimum, maximum;
    uint8_t width;

    if (!scale) return false;
    capi_buf_clear(&scratch->bytes);
    wholes = (int64_t *)capi_buf_reserve(&scratch->bytes, (size_t)row_count * sizeof *wholes);
    if (!decimals_of(source->doubles, row_count, scale, wholes)) return false;
    int64_range(wholes, row_count, &minimum, &maximum);
    width = width_of((uint64_t)maximum - (uint64_t)minimum);
    if (width == 8) return false;
    entry->encoding = COLUMN_DECIMALS;
    entry->width = width;
    entry->base = minimum;
    entry->scale = scale;
    narrow(wholes, row_count, minimum, 1, width, block_extend(block, (uint64_t)row_count * width));
    return true;
}

static uint64_t encode_doubles(const column_source *source, uint32_t row_count, column_scratch *scratch,
                               capi_buf *block, column_entry *entry)
{
    double minimum, maximum;

    if (double_range(source->doubles, row_count, &minimum, &maximum)) {
        memcpy(entry->minimum, &minimum, 8);
        memcpy(entry->maximum, &maximum, 8);
        entry->flags |= COLUMN_HAS_RANGE;
    }
    if (encode_decimals(source, row_count, scratch, block, entry)) return (uint64_t)row_count * entry->width;
    if (all_same_bits(source->doubles, row_count)) {
        entry->encoding = COLUMN_NARROW;
        entry->scale = 1;
        memcpy(&entry->base, source->doubles, 8);
        return 0;
    }
    entry->encoding = COLUMN_PLAIN;
    entry->width = 8;
    memcpy(block_extend(block, (uint64_t)row_count * 8), source->doubles, (size_t)row_count * 8);
    return (uint64_t)row_count * 8;
}

static uint64_t encode_bools(const column_source *source, uint32_t row_count, capi_buf *block, column_entry *entry)
{
    const uint8_t *bools = source->bools;
    uint64_t bytes = (row_count + 7) / 8;
    uint8_t *bits;
    uint32_t row = 0;

    entry->encoding = COLUMN_BITS;
    entry->base = bools[0] & 1;
    if (row_count == 1 || memcmp(bools, bools + 1, row_count - 1) == 0) return 0;
    entry->base = 0;
    entry->width = 1;
    bits = (uint8_t *)block_extend(block, bytes);
    for (; row + 8 <= row_count; row += 8) {
        uint64_t eight;

        memcpy(&eight, bools + row, 8);
        bits[row / 8] = (uint8_t)((eight & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080) >> 56);
    }
    if (row < row_count) bits[row / 8] = 0;
    for (; row < row_count; row++)
        bits[row / 8] |= (uint8_t)((bools[row] & 1) << row % 8);
    return bytes;
}

/* ---- strings ---- */

static void length_range(const uint32_t *lengths, uint32_t count, uint32_t *minimum, uint32_t *maximum)
{
    uint32_t least = lengths[0];
    uint32_t most = lengths[0];

    for (uint32_t i = 0; i < count; i++) {
        least = lengths[i] < least ? lengths[i] : least;
        most = lengths[i] > most ? lengths[i] : most;
    }
    *minimum = least;
    *maximum = most;
}

static void narrow_lengths(const uint32_t *restrict lengths, uint32_t count, uint32_t base, uint8_t width,
                           void *restrict to)
{
    uint8_t *bytes = to;
    uint16_t *halves = to;
    uint32_t *words = to;

    if (width == 1)
        for (uint32_t i = 0; i < count; i++)
            bytes[i] = (uint8_t)(lengths[i] - base);
    else if (width == 2)
        for (uint32_t i = 0; i < count; i++)
            halves[i] = (uint16_t)(lengths[i] - base);
    else if (width == 4)
        for (uint32_t i = 0; i < count; i++)
            words[i] = lengths[i] - base;
}

/* Reads up to COLUMN_SLACK_BYTES behind the text. */
static inline uint64_t text_hash(const char *text, uint32_t bytes)
{
    static const uint64_t low_bytes[9] = {
        0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff, UINT64_MAX};
    uint64_t low, high;

    if (bytes > 16) return capi_hash_bytes(text, bytes);
    memcpy(&low, text, 8);
    memcpy(&high, text + 8, 8);
    low &= low_bytes[bytes < 8 ? bytes : 8];
    high &= low_bytes[bytes > 8 ? bytes - 8 : 0];
    low = (low ^ bytes) * UINT64_C(0x9e3779b97f4a7c15) ^ high * UINT64_C(0xbf58476d1ce4e5b9);
    return low ^ low >> 32;
}

/* Finds or adds the text among `*count` entries; the code, or DICTIONARY_MAX when the dictionary is full. */
static inline uint32_t dictionary_code(column_scratch *scratch, const char *bytes, uint32_t start, uint32_t length,
                                       uint32_t *count)
{
    uint32_t slot = (uint32_t)text_hash(bytes + start, length) & (DICTIONARY_SLOTS - 1);

    for (;; slot = (slot + 1) & (DICTIONARY_SLOTS - 1)) {
        uint32_t code = scratch->slots[slot];

        if (code == 0) break;
        code--;
        if (scratch->lengths[code] == length && memcmp(bytes + scratch->starts[code], bytes + start, length) == 0)
            return code;
    }
    if (*count == DICTIONARY_MAX) return DICTIONARY_MAX;
    scratch->starts[*count] = start;
    scratch->lengths[*count] = length;
    scratch->slots[slot] = *count + 1;
    return (*count)++;
}

static void dictionary_prepare(column_scratch *scratch)
{
    if (!scratch->slots) {
        scratch->slots = capi_malloc(DICTIONARY_SLOTS * sizeof *scratch->slots);
        scratch->starts = capi_malloc(DICTIONARY_MAX * sizeof *scratch->starts);
        scratch->lengths = capi_malloc(DICTIONARY_MAX * sizeof *scratch->lengths);
    }
    memset(scratch->slots, 0, DICTIONARY_SLOTS * sizeof *scratch->slots);
}

/* Codes for all rows as 16-bit numbers in scratch->bytes; false once it is seen not to pay. */
static bool dictionary_build(const column_source *source, uint32_t row_count, column_scratch *scratch, uint32_t *count)
{
    uint16_t *codes;
    uint32_t start = 0;

    dictionary_prepare(scratch);
    capi_buf_clear(&scratch->bytes);
    codes = (uint16_t *)capi_buf_reserve(&scratch->bytes, (size_t)row_count * sizeof *codes);
    *count = 0;
    for (uint32_t row = 0; row < row_count; row++) {
        uint32_t code = dictionary_code(scratch, source->bytes, start, source->lengths[row], count);

        if (code == DICTIONARY_MAX) return false;
        if (row == DICTIONARY_SAMPLE_ROWS && *count > DICTIONARY_SAMPLE_ROWS / 2) return false;
        codes[row] = (uint16_t)code;
        start += source->lengths[row];
    }
    return true;
}

static uint64_t dictionary_bytes(const column_scratch *scratch, uint32_t count)
{
    uint64_t bytes = 0;

    for (uint32_t code = 0; code < count; code++)
        bytes += scratch->lengths[code];
    return bytes;
}

static void dictionary_append(const column_source *source, const column_scratch *scratch, uint32_t count,
                              uint64_t text_bytes, capi_buf *block)
{
    char *to = block_extend(block, (uint64_t)count * 4 + text_bytes);

    memcpy(to, scratch->lengths, (size_t)count * 4);
    to += (size_t)count * 4;
    for (uint32_t code = 0; code < count; code++) {
        memcpy(to, source->bytes + scratch->starts[code], scratch->lengths[code]);
        to += scratch->lengths[code];
    }
}

/* Encodes by dictionary if that takes less than three quarters of what lengths and bytes take. */
static bool encode_dictionary(const column_source *source, uint32_t row_count, bool compress, column_habit *habit,
                              column_scratch *scratch, capi_buf *block, column_entry *entry)
{
    uint64_t plain_bytes = (uint64_t)row_count * entry->width + source->byte_count;
    uint64_t text_bytes, code_bytes;
    uint32_t count;
    const uint16_t *codes;
    char *to;

    if (row_count < 64 || source->byte_count > UINT32_MAX) return false;
    if (habit->dictionary_skip) {
        habit->dictionary_skip--;
        return false;
    }
    if (!dictionary_build(source, row_count, scratch, &count)) goto pause;
    text_bytes = dictionary_bytes(scratch, count);
    entry->count = count;
    code_bytes = (uint64_t)row_count * width_of(count - 1);
    if (code_bytes + (uint64_t)count * 4 + text_bytes > plain_bytes - plain_bytes / 4) goto pause;
    habit->dictionary_pause = 0;
    entry->encoding = COLUMN_DICTIONARY;
    entry->width = width_of(count - 1);
    entry->base = 0;
    codes = (const uint16_t *)scratch->bytes.data;
    to = block_extend(block, code_bytes);
    if (entry->width == 1)
        for (uint32_t row = 0; row < row_count; row++)
            to[row] = (char)codes[row];
    else if (entry->width == 2)
        memcpy(to, codes, code_bytes);
    entry_end_first(entry, block, code_bytes, compress, habit, scratch);
    dictionary_append(source, scratch, count, text_bytes, block);
    entry_end_second(entry, block, (uint64_t)count * 4 + text_bytes, compress, habit, scratch);
    return true;
pause:
    entry->count = 0;
    habit->dictionary_pause = (uint8_t)(habit->dictionary_pause * 2 + 1);
    if (habit->dictionary_pause > DICTIONARY_PAUSE_MAX) habit->dictionary_pause = DICTIONARY_PAUSE_MAX;
    habit->dictionary_skip = habit->dictionary_pause;
    return false;
}

/* Gives codes to bytes that have none yet; false when there are more than 16. */
static bool nibbles_learn(const uint8_t *text, uint64_t bytes, uint8_t codes[256], uint8_t *alphabet, uint32_t *count)
{
    for (uint64_t i = 0; i < bytes; i++) {
        if (codes[text[i]] != UINT8_MAX) continue;
        if (*count == NIBBLES_ALPHABET) return false;
        alphabet[*count] = text[i];
        codes[text[i]] = (uint8_t)(*count)++;
    }
    return true;
}

/* True if all bytes of the step had codes. */
static bool nibbles_step(const uint8_t *text, uint64_t bytes, const uint8_t codes[256], uint8_t *restrict to)
{
    uint8_t seen = 0;
    uint64_t i = 0;

    for (; i + 2 <= bytes; i += 2) {
        uint8_t low = codes[text[i]];
        uint8_t high = codes[text[i + 1]];

        to[i / 2] = (uint8_t)(low | high << 4);
        seen |= low | high;
    }
    if (i < bytes) {
        to[i / 2] = codes[text[i]] & 15;
        seen |= codes[text[i]];
    }
    return seen < NIBBLES_ALPHABET;
}

/* Appends the bytes of strings at half a byte each, if there are few enough different ones. Text in words shows more
 * than 16 within the first step, so trying costs next to nothing. */
static bool encode_nibbles(const column_source *source, capi_buf *block, column_entry *entry)
{
    const uint8_t *text = (const uint8_t *)source->bytes;
    uint64_t stored_bytes = nibbles_stored_bytes(source->byte_count);
    uint8_t *alphabet = (uint8_t *)capi_buf_reserve(block, stored_bytes);
    uint8_t codes[256];
    uint32_t count = 0;

    if (source->byte_count < COMPRESS_BYTES_MIN) return false;
    memset(codes, UINT8_MAX, sizeof codes);
    memset(alphabet, 0, NIBBLES_ALPHABET);
    for (uint64_t at = 0; at < source->byte_count; at += NIBBLES_STEP) {
        uint64_t bytes = source->byte_count - at < NIBBLES_STEP ? source->byte_count - at : NIBBLES_STEP;
        uint8_t *to = alphabet + NIBBLES_ALPHABET + at / 2;

        if (nibbles_step(text + at, bytes, codes, to)) continue;
        if (!nibbles_learn(text + at, bytes, codes, alphabet, &count)) return false;
        nibbles_step(text + at, bytes, codes, to);
    }
    block->bytes += stored_bytes;
    entry->flags |= COLUMN_SECOND_NIBBLES;
    entry->second_raw = source->byte_count;
    entry->second_stored = stored_bytes;
    block_pad(block);
    return true;
}

static void encode_strings(const column_source *source, uint32_t row_count, bool compress, column_habit *habit,
                           column_scratch *scratch, capi_buf *block, column_entry *entry)
{
    uint32_t shortest, longest;

    length_range(source->lengths, row_count, &shortest, &longest);
    entry->scale = longest;
    entry->base = shortest;
    entry->width = width_of(longest - shortest);
    if (encode_dictionary(source, row_count, compress, habit, scratch, block, entry)) return;
    entry->encoding = COLUMN_STRINGS;
    narrow_lengths(source->lengths, row_count, shortest, entry->width,
                   block_extend(block, (uint64_t)row_count * entry->width));
    entry_end_first(entry, block, (uint64_t)row_count * entry->width, compress, habit, scratch);
    if (encode_nibbles(source, block, entry)) return;
    if (source->byte_count) memcpy(block_extend(block, source->byte_count), source->bytes, source->byte_count);
    entry_end_second(entry, block, source->byte_count, compress, habit, scratch);
}

/* ---- */

void column_encode(const column_source *source, uint32_t row_count, bool compress, column_habit *habit,
                   column_scratch *scratch, capi_buf *block, column_entry *entry)
{
    uint64_t raw_bytes = 0;

    *entry = (column_entry){.type = source->type, .offset = block->bytes};
    if (source->type == CAPI_STRING) {
        encode_strings(source, row_count, compress, habit, scratch, block, entry);
    } else {
        if (source->type == COLUMN_HASHES)
            raw_bytes = encode_hashes(source, row_count, block, entry);
        else if (source->type == CAPI_FLOAT)
            raw_bytes = encode_doubles(source, row_count, scratch, block, entry);
        else if (source->type == CAPI_BOOL)
            raw_bytes = encode_bools(source, row_count, block, entry);
        else
            raw_bytes = encode_int64s(source, row_count, block, entry);
        entry_end_first(entry, block, raw_bytes, compress && source->type != COLUMN_HASHES, habit, scratch);
    }
    entry->stored_bytes = block->bytes - entry->offset;
    entry->checksum = capi_crc32c(0, block->data + entry->offset, entry->stored_bytes);
}
