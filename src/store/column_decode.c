/* column_decode.c - turns stored arrays back into vectors. What the arrays say is outside input: a checksum tells damage
 * by accident, but every size and code is checked here as well, before it is used. */
#include "store/table_format.h"

#include <lz4.h>

enum { LZ4_RATIO_MAX = 255 }; /* a compressed byte stands for at most so many */

/* ---- entries ---- */

static bool entry_stores_array(uint64_t stored, uint64_t raw, bool is_lz4)
{
    if (!is_lz4) return stored == raw;
    return stored < raw && raw <= LZ4_MAX_INPUT_SIZE && raw / LZ4_RATIO_MAX <= stored;
}

/* Both arrays lie where the entry says, within the block. */
static bool entry_fits(const column_entry *entry, uint64_t block_bytes, uint64_t directory_bytes)
{
    if (entry->offset % BLOCK_ALIGN || entry->offset < directory_bytes || entry->offset > block_bytes) return false;
    if (entry->stored_bytes > block_bytes - entry->offset) return false;
    if (entry->first_stored > entry->stored_bytes || entry->second_stored > entry->stored_bytes) return false;
    if (block_aligned(entry->first_stored) + block_aligned(entry->second_stored) != entry->stored_bytes) return false;
    if (!entry_stores_array(entry->first_stored, entry->first_raw, entry->flags & COLUMN_FIRST_LZ4)) return false;
    if (entry->flags & COLUMN_SECOND_NIBBLES)
        return entry->encoding == COLUMN_STRINGS && !(entry->flags & COLUMN_SECOND_LZ4) &&
               entry->second_raw <= UINT32_MAX && entry->second_stored == nibbles_stored_bytes(entry->second_raw);
    return entry_stores_array(entry->second_stored, entry->second_raw, entry->flags & COLUMN_SECOND_LZ4);
}

static bool width_is_narrow(uint8_t width)
{
    return width == 0 || width == 1 || width == 2 || width == 4;
}

static bool entry_strings_fit(const column_entry *entry, uint32_t row_count)
{
    if (entry->encoding == COLUMN_STRINGS)
        return width_is_narrow(entry->width) && entry->base >= 0 && entry->base <= UINT32_MAX &&
               entry->second_raw <= UINT32_MAX && entry->first_raw == (uint64_t)row_count * entry->width;
    return entry->encoding == COLUMN_DICTIONARY && entry->width <= 2 && entry->count >= 1 &&
           entry->count <= UINT16_MAX + 1 && entry->second_raw >= (uint64_t)entry->count * 4 &&
           entry->second_raw <= UINT32_MAX && entry->first_raw == (uint64_t)row_count * entry->width;
}

/* Encoding, width and the size of the arrays go together and suit the type. */
static bool entry_is_consistent(const column_entry *entry, uint32_t row_count)
{
    if (entry->type == CAPI_STRING) return entry_strings_fit(entry, row_count);
    if (entry->second_raw) return false;
    if (entry->type == CAPI_BOOL)
        return entry->encoding == COLUMN_BITS && entry->width <= 1 &&
               entry->first_raw == (entry->width ? (row_count + UINT64_C(7)) / 8 : 0);
    if (entry->encoding == COLUMN_PLAIN) return entry->width == 8 && entry->first_raw == (uint64_t)row_count * 8;
    if (entry->encoding == COLUMN_DECIMALS)
        return entry->type == CAPI_FLOAT && entry->scale && width_is_narrow(entry->width) &&
               entry->first_raw == (uint64_t)row_count * entry->width;
    return entry->encoding == COLUMN_NARROW && width_is_narrow(entry->width) && entry->type != COLUMN_HASHES &&
           entry->first_raw == (uint64_t)row_count * entry->width && (entry->type != CAPI_FLOAT || entry->width == 0);
}

capi_status column_entry_check(const column_entry *entry, uint8_t type, uint32_t row_count, uint64_t block_bytes,
                               uint64_t directory_bytes, capi_err *err)
{
    if (entry->type != type)
        return capi_err_set(err, CAPI_INVALID, "column entry is of type %u, expected %u", entry->type, type);
    if (!entry_fits(entry, block_bytes, directory_bytes))
        return capi_err_set(err, CAPI_INVALID, "column entry points outside of its block");
    if (!entry_is_consistent(entry, row_count))
        return capi_err_set(err, CAPI_INVALID, "column entry has encoding %u and width %u, which do not go together",
                            entry->encoding, entry->width);
    return CAPI_OK;
}

static bool strings_are_inline(const column_entry *entry)
{
    return entry->scale <= CAPI_VIEW_INLINE_MAX;
}

static uint64_t views_bytes(uint32_t row_count)
{
    return block_aligned((uint64_t)row_count * sizeof(capi_view));
}

uint64_t column_decoded_bytes(const column_entry *entry, uint32_t row_count)
{
    if (entry->type == CAPI_BOOL) return block_aligned(row_count);
    if (entry->type != CAPI_STRING) return block_aligned((uint64_t)row_count * 8);
    if (strings_are_inline(entry)) return views_bytes(row_count);
    return views_bytes(row_count) + block_aligned(entry->second_raw + COLUMN_SLACK_BYTES);
}

/* ---- arrays ---- */

static capi_status damaged(capi_err *err, const char *what)
{
    return capi_err_set(err, CAPI_INVALID, "%s", what);
}

/* Decompresses to `to`, which has room for raw_bytes and the slack. */
static capi_status unpack(const char *stored, uint64_t stored_bytes, char *to, uint64_t raw_bytes, capi_err *err)
{
    if (LZ4_decompress_safe(stored, to, (int)stored_bytes, (int)raw_bytes) != (int)raw_bytes)
        return damaged(err, "compressed array does not have the length that its entry says");
    return CAPI_OK;
}

static void widen(const column_entry *entry, uint32_t row_count, const void *stored, int64_t *restrict to)
{
    const uint8_t *bytes = stored;
    const uint16_t *halves = stored;
    const uint32_t *words = stored;
    uint64_t base = (uint64_t)entry->base;
    uint64_t scale = entry->scale;

    if (entry->width == 0)
        for (uint32_t row = 0; row < row_count; row++)
            to[row] = (int64_t)base;
    else if (entry->width == 1)
        for (uint32_t row = 0; row < row_count; row++)
            to[row] = (int64_t)(base + bytes[row] * scale);
    else if (entry->width == 2)
        for (uint32_t row = 0; row < row_count; row++)
            to[row] = (int64_t)(base + halves[row] * scale);
    else if (scale == 1)
        for (uint32_t row = 0; row < row_count; row++)
            to[row] = (int64_t)(base + words[row]);
    else
        for (uint32_t row = 0; row < row_count; row++)
            to[row] = (int64_t)(base + words[row] * scale);
}

static void widen_decimals(const column_entry *entry, uint32_t row_count, const void *stored, double *restrict to)
{
    const uint8_t *bytes = stored;
    const uint16_t *halves = stored;
    const uint32_t *words = stored;
    uint64_t base = (uint64_t)entry->base;
    double scale = entry->scale;

    if (entry->width == 0)
        for (uint32_t row = 0; row < row_count; row++)
            to[row] = (double)(int64_t)base / scale;
    else if (entry->width == 1)
        for (uint32_t row = 0; row < row_count; row++)
            to[row] = (double)(int64_t)(base + bytes[row]) / scale;
    else if (entry->width == 2)
        for (uint32_t row = 0; row < row_count; row++)
            to[row] = (double)(int64_t)(base + halves[row]) / scale;
    else
        for (uint32_t row = 0; row < row_count; row++)
            to[row] = (double)(int64_t)(base + words[row]) / scale;
}

/* Two bytes at a time from a table of all pairs; writes one byte too many when their number is odd. */
static void unpack_nibbles(const char *stored, uint64_t raw_bytes, char *restrict to)
{
    const uint8_t *alphabet = (const uint8_t *)stored;
    const uint8_t *codes = alphabet + NIBBLES_ALPHABET;
    uint16_t pairs[256];

    for (unsigned code = 0; code < 256; code++)
        pairs[code] = (uint16_t)(alphabet[code & 15] | alphabet[code >> 4] << 8);
    for (uint64_t i = 0; i < (raw_bytes + 1) / 2; i++)
        memcpy(to + 2 * i, &pairs[codes[i]], 2);
}

static void unpack_bits(const column_entry *entry, uint32_t row_count, const uint8_t *bits, uint8_t *to)
{
    uint32_t row = 0;

    if (entry->width == 0) {
        memset(to, entry->base & 1, row_count);
        return;
    }
    for (; row + 8 <= row_count; row += 8) {
        uint64_t eight = bits[row / 8] * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);

        eight = (eight + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7 & UINT64_C(0x0101010101010101);
        memcpy(to + row, &eight, 8);
    }
    for (; row < row_count; row++)
        to[row] = bits[row / 8] >> row % 8 & 1;
}

static inline uint32_t length_at(const void *lengths, uint8_t width, uint32_t row)
{
    if (width == 1) return ((const uint8_t *)lengths)[row];
    if (width == 2) return ((const uint16_t *)lengths)[row];
    return width == 4 ? ((const uint32_t *)lengths)[row] : 0;
}

/* A view of a text behind which COLUMN_SLACK_BYTES may be read: no loop, no call. */
static inline capi_view view_make(const char *text, uint32_t bytes)
{
    static const uint64_t low_bytes[9] = {
        0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff, UINT64_MAX};
    capi_view view = {.bytes = bytes};
    uint64_t low;
    uint32_t high;

    if (__builtin_expect(bytes > CAPI_VIEW_INLINE_MAX, 0)) {
        memcpy(view.prefix, text, 4);
        view.data_low = (uint32_t)(uintptr_t)text;
        view.data_high = (uint32_t)((uint64_t)(uintptr_t)text >> 32);
        return view;
    }
    memcpy(&low, text, 8);
    memcpy(&high, text + 8, 4);
    low &= low_bytes[bytes < 8 ? bytes : 8];
    high &= (uint32_t)low_bytes[bytes > 8 ? bytes - 8 : 0];
    memcpy(view.inlined, &low, 8);
    memcpy(view.inlined + 8, &high, 4);
    return view;
}

/* The lengths make up exactly all bytes, and none is longer than the entry says. */
static bool lengths_are_sound(const void *lengths, uint8_t width, uint64_t base, uint32_t count, uint64_t longest,
                              uint64_t total_bytes)
{
    uint64_t sum = base * count;
    uint64_t most = 0;

    for (uint32_t i = 0; width && i < count; i++) {
        uint64_t length = length_at(lengths, width, i);

        sum += length;
        most = length > most ? length : most;
    }
    return sum == total_bytes && (count == 0 || most + base <= longest);
}

static inline __attribute__((always_inline)) void make_views(const void *lengths, const uint8_t width, uint32_t base,
                                                             uint32_t count, const char *text, capi_view *views)
{
    for (uint32_t row = 0; row < count; row++) {
        uint32_t bytes = base + length_at(lengths, width, row);

        views[row] = view_make(text, bytes);
        text += bytes;
    }
}

static capi_status decode_plain_strings(const column_entry *entry, uint32_t row_count, const char *lengths,
                                        const char *text, capi_view *views, capi_err *err)
{
    uint32_t base = (uint32_t)entry->base;

    if (!lengths_are_sound(lengths, entry->width, base, row_count, entry->scale, entry->second_raw))
        return damaged(err, "lengths of strings do not add up to their bytes");
    switch (entry->width) {
    case 0: make_views(lengths, 0, base, row_count, text, views); break;
    case 1: make_views(lengths, 1, base, row_count, text, views); break;
    case 2: make_views(lengths, 2, base, row_count, text, views); break;
    default: make_views(lengths, 4, base, row_count, text, views); break;
    }
    return CAPI_OK;
}

static bool codes_are_sound(const void *codes, uint8_t width, uint32_t row_count, uint32_t count)
{
    uint32_t most = 0;

    for (uint32_t row = 0; width && row < row_count; row++) {
        uint32_t code = length_at(codes, width, row);

        most = code > most ? code : most;
    }
    return most < count;
}

static capi_status decode_dictionary(const column_entry *entry, uint32_t row_count, const char *codes,
                                     const char *dictionary, capi_view *views, capi_buf *scratch, capi_err *err)
{
    uint64_t length_bytes = (uint64_t)entry->count * 4;
    capi_view *entries;

    if (!codes_are_sound(codes, entry->width, row_count, entry->count))
        return damaged(err, "a code is outside of its dictionary");
    if (!lengths_are_sound(dictionary, 4, 0, entry->count, entry->scale, entry->second_raw - length_bytes))
        return damaged(err, "lengths of a dictionary do not add up to its bytes");
    entries = (capi_view *)capi_buf_reserve(scratch, entry->count * sizeof *entries);
    make_views(dictionary, 4, 0, entry->count, dictionary + length_bytes, entries);
    if (entry->width == 0)
        for (uint32_t row = 0; row < row_count; row++)
            views[row] = entries[0];
    else if (entry->width == 1)
        for (uint32_t row = 0; row < row_count; row++)
            views[row] = entries[((const uint8_t *)codes)[row]];
    else
        for (uint32_t row = 0; row < row_count; row++)
            views[row] = entries[((const uint16_t *)codes)[row]];
    return CAPI_OK;
}

/* Where the bytes of strings lie while views are made: in the column's own memory if a view may point to them. */
static capi_status strings_place(const column_entry *entry, const char *stored, char *own, capi_buf *scratch,
                                 const char **out, capi_err *err)
{
    bool is_packed = entry->flags & (COLUMN_SECOND_LZ4 | COLUMN_SECOND_NIBBLES);

    *out = stored;
    if (is_packed && !own) {
        own = capi_buf_reserve(scratch, entry->second_raw + COLUMN_SLACK_BYTES);
        scratch->bytes += block_aligned(entry->second_raw + COLUMN_SLACK_BYTES);
    }
    if (entry->flags & COLUMN_SECOND_NIBBLES)
        unpack_nibbles(stored, entry->second_raw, own);
    else if (is_packed)
        CAPI_TRY(unpack(stored, entry->second_stored, own, entry->second_raw, err));
    else if (own)
        memcpy(own, stored, entry->second_raw);
    if (own) *out = own;
    return CAPI_OK;
}

static capi_status decode_strings(const column_entry *entry, uint32_t row_count, const char *first, const char *second,
                                  capi_view *views, capi_buf *scratch, capi_err *err)
{
    char *own = strings_are_inline(entry) ? NULL : (char *)views + views_bytes(row_count);
    const char *text = NULL;

    CAPI_TRY(strings_place(entry, second, own, scratch, &text, err));
    if (entry->encoding == COLUMN_STRINGS) return decode_plain_strings(entry, row_count, first, text, views, err);
    return decode_dictionary(entry, row_count, first, text, views, scratch, err);
}

static uint64_t scratch_bytes(const column_entry *entry)
{
    uint64_t bytes = BLOCK_ALIGN;

    if (entry->flags & COLUMN_FIRST_LZ4) bytes += block_aligned(entry->first_raw + COLUMN_SLACK_BYTES);
    if (entry->flags & (COLUMN_SECOND_LZ4 | COLUMN_SECOND_NIBBLES))
        bytes += block_aligned(entry->second_raw + COLUMN_SLACK_BYTES);
    if (entry->encoding == COLUMN_DICTIONARY) bytes += (uint64_t)entry->count * sizeof(capi_view);
    return bytes;
}

capi_status column_decode(const column_entry *entry, uint32_t row_count, const char *stored, void *memory,
                          capi_buf *scratch, capi_err *err)
{
    const char *first = stored;
    const char *second = stored + block_aligned(entry->first_stored);

    capi_buf_clear(scratch);
    capi_buf_reserve(scratch, scratch_bytes(entry)); /* at once: what lies in it must not move */
    if (entry->flags & COLUMN_FIRST_LZ4) {
        char *raw = capi_buf_reserve(scratch, entry->first_raw);

        CAPI_TRY(unpack(first, entry->first_stored, raw, entry->first_raw, err));
        scratch->bytes += block_aligned(entry->first_raw + COLUMN_SLACK_BYTES);
        first = raw;
    }
    if (entry->type == CAPI_STRING) return decode_strings(entry, row_count, first, second, memory, scratch, err);
    if (entry->type == CAPI_BOOL)
        unpack_bits(entry, row_count, (const uint8_t *)first, memory);
    else if (entry->encoding == COLUMN_PLAIN)
        memcpy(memory, first, (size_t)row_count * 8);
    else if (entry->encoding == COLUMN_DECIMALS)
        widen_decimals(entry, row_count, first, memory);
    else
        widen(entry, row_count, first, memory);
    return CAPI_OK;
}
