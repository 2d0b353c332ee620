/* csv_columns.c - a column of a chunk at a time: one tight loop per way of reading.
 *
 * Each loop knows the usual shape of a field and hands everything else to capi_csv_rule_value. A short way is taken only
 * where it provably gives what the rules give. */
#include "io/csv_convert.h"

#include "io/csv_mask.h"
#include "vec/number.h"

/* ---- digits, eight at a time ---- */

/* The value of 1 to 8 digits; false if some byte is none. 8 bytes are readable at `at`. */
static inline bool read_digits8(const char *at, unsigned count, uint64_t *out)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    unsigned shift = (8 - count) * 8;
    uint64_t word;

    memcpy(&word, at, 8);
    word = (word ^ UINT64_C(0x3030303030303030)) << shift; /* leading places become zero */
    if ((word | (word + UINT64_C(0x0606060606060606))) & UINT64_C(0xf0f0f0f0f0f0f0f0)) return false;
    word = word * 10 + (word >> 8);
    *out = ((word & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
            ((word >> 16) & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >>
           32;
    return true;
#else
    uint64_t value = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned digit = (unsigned char)(at[i] - '0');

        if (digit > 9) return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
#endif
}

/* Where the first point stands among 8 bytes, or 8. */
static inline unsigned point_in8(const char *at)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t word;

    memcpy(&word, at, 8);
    word ^= UINT64_C(0x2e2e2e2e2e2e2e2e);
    word = (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
    return word ? (unsigned)__builtin_ctzll(word) / 8 : 8;
#else
    const char *point = memchr(at, '.', 8);

    return point ? (unsigned)(point - at) : 8;
#endif
}

/* The value of 1 to 18 digits. */
static inline bool read_digits(const char *at, unsigned count, uint64_t *out)
{
    uint64_t value = 0;

    if (count - 1 >= 18) return false;
    if (count > 8) {
        uint64_t part;

        if (count > 16) {
            if (!read_digits8(at, count - 16, &value)) return false;
            at += count - 16;
            count = 16;
        }
        if (!read_digits8(at, count - 8, &part)) return false;
        value = value * (count == 16 ? UINT64_C(100000000) : 1) + part;
        at += count - 8;
        if (!read_digits8(at, 8, &part)) return false;
        *out = value * UINT64_C(100000000) + part;
        return true;
    }
    return read_digits8(at, count, out);
}

static inline bool fast_int(const char *at, uint32_t bytes, int64_t *out)
{
    bool is_negative = *at == '-';
    unsigned sign = is_negative || *at == '+';
    uint64_t magnitude;

    if (bytes <= sign || !read_digits(at + sign, bytes - sign, &magnitude)) return false;
    *out = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

/* Hundredths of `[+-]?digits[.digits]`, with at most `digits_max` digits and at least one before the point. With a format
 * the rules go through a double; its shortest text has the very digits of the field if those are at most 15. */
static inline bool fast_cents(const char *at, uint32_t bytes, unsigned digits_max, int64_t *out)
{
    bool is_negative = *at == '-';
    unsigned sign = is_negative || *at == '+';
    uint64_t whole, fraction = 0;
    unsigned count, point;

    at += sign;
    count = bytes - sign;
    if (bytes <= sign || count > digits_max) return false;
    if (count > 3 && at[count - 3] == '.') {
        if (!read_digits(at, count - 3, &whole) || !read_digits8(at + count - 2, 2, &fraction)) return false;
    } else if (count > 2 && at[count - 2] == '.') {
        if (!read_digits(at, count - 2, &whole) || !read_digits8(at + count - 1, 1, &fraction)) return false;
        fraction *= 10;
    } else if (read_digits(at, count, &whole)) {
        fraction = 0;
    } else {
        for (point = 0; point < count && at[point] != '.'; point++) {
        }
        if (point == 0 || point + 3 >= count) return false;
        if (!read_digits(at, point, &whole)) return false;
        at += point + 1;
        count -= point + 1;
        if (!read_digits(at, count, &fraction)) return false;
        if (!read_digits8(at, 2, &fraction)) return false;
        fraction += at[2] >= '5'; /* half away from zero: the third digit decides */
    }
    whole = whole * 100 + fraction;
    *out = is_negative ? -(int64_t)whole : (int64_t)whole;
    return true;
}

/* A double from `[+-]?digits[.digits]`: digits and power of ten are exact doubles, so the quotient is the nearest one
 * (William Clinger, "How to read floating point numbers accurately", 1990). */
static inline bool fast_float(const char *at, uint32_t bytes, double *out)
{
    static const uint64_t powers[] = {1,
                                      10,
                                      100,
                                      1000,
                                      10000,
                                      100000,
                                      1000000,
                                      10000000,
                                      100000000,
                                      1000000000,
                                      10000000000,
                                      100000000000,
                                      1000000000000,
                                      10000000000000,
                                      100000000000000,
                                      1000000000000000};
    const bool is_negative = *at == '-';
    const unsigned sign = is_negative || *at == '+';
    const unsigned count = bytes - sign;
    uint64_t whole, fraction = 0;
    unsigned point, places = 0;
    double value;

    at += sign;
    if (bytes <= sign || count > 16) return false; /* 15 digits and a point fit 2^53 */
    point = point_in8(at);
    if (point >= count) {
        if (!read_digits(at, count, &whole)) return false;
    } else {
        places = count - point - 1;
        if (point == 0 || point == 8 || !read_digits8(at, point, &whole)) return false;
        if (places > 0 && !read_digits(at + point + 1, places, &fraction)) return false;
        whole = whole * powers[places] + fraction;
    }
    if (whole > UINT64_C(1) << 53) return false;
    value = (double)whole / (double)powers[places];
    *out = is_negative ? -value : value;
    return true;
}

/* Without a branch on the value, which may be random. 8 bytes are readable at `at`. */
static inline bool fast_bool(const char *at, uint32_t bytes, uint8_t *out)
{
    bool is_true = (bytes == 4) & (memcmp(at, "true", 4) == 0);
    bool is_false = (bytes == 5) & (memcmp(at, "false", 5) == 0);

    is_true |= (bytes == 1) & (*at == '1');
    is_false |= (bytes == 1) & (*at == '0');
    *out = is_true;
    return is_true | is_false;
}

/* ---- strings ---- */

/* Masks that keep the first 0 to 12 of 12 bytes. */
static const uint8_t view_keep[2 * CAPI_VIEW_INLINE_MAX] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

/* capi_view_make for bytes behind which 16 more are readable: no copy of a variable length. */
static inline capi_view view_of(const char *text, uint32_t bytes)
{
    capi_view view;
    uint64_t low, keep_low;
    uint32_t high, keep_high;
    const uint8_t *keep;

    if (bytes > CAPI_VIEW_INLINE_MAX) return capi_view_make(text, bytes);
    keep = view_keep + CAPI_VIEW_INLINE_MAX - bytes;
    memcpy(&low, text, 8);
    memcpy(&high, text + 8, 4);
    memcpy(&keep_low, keep, 8);
    memcpy(&keep_high, keep + 8, 4);
    low &= keep_low;
    high &= keep_high;
    view.bytes = bytes;
    memcpy(view.inlined, &low, 8);
    memcpy(view.inlined + 8, &high, 4);
    return view;
}

/* Strings must be UTF-8 without NUL. */
static bool is_clean_text(const char *text, uint32_t bytes)
{
    size_t bad_at;

    if (!capi_csv_has_odd_bytes(text, bytes)) return true;
    return !memchr(text, 0, bytes) && capi_str_is_utf8((capi_str){text, bytes}, &bad_at);
}

static uint32_t first_odd_text(const capi_csv_fields *fields)
{
    if (!fields->has_odd_bytes) return fields->count;
    for (uint32_t row = 0; row < fields->count; row++)
        if (!is_clean_text(fields->texts[row], fields->bytes[row])) return row;
    return fields->count;
}

static uint32_t string_column(const capi_csv_rule *rule, const capi_csv_fields *fields, capi_view *out)
{
    uint32_t count = first_odd_text(fields);
    capi_str default_text = rule->default_value.string;

    for (uint32_t row = 0; row < count; row++)
        out[row] = view_of(fields->texts[row], fields->bytes[row]);
    if (default_text.bytes == 0) return count;
    for (uint32_t row = 0; row < count; row++)
        if (fields->bytes[row] == 0) out[row] = capi_view_make(default_text.data, default_text.bytes);
    return count;
}

/* ---- the other types ---- */

static capi_status general_value(const capi_csv_rule *rule, const capi_csv_fields *fields, uint32_t row,
                                 capi_arena *arena, capi_value *out)
{
    return capi_csv_rule_value(rule, (capi_str){fields->texts[row], fields->bytes[row]}, arena, out, NULL);
}

static uint32_t int_column(const capi_csv_rule *rule, const capi_csv_fields *fields, capi_arena *arena, int64_t *out)
{
    const bool is_plain = rule->is_plain;

    for (uint32_t row = 0; row < fields->count; row++) {
        capi_value value;

        if (is_plain && fast_int(fields->texts[row], fields->bytes[row], &out[row])) continue;
        if (general_value(rule, fields, row, arena, &value) != CAPI_OK) return row;
        out[row] = value.integer;
    }
    return fields->count;
}

static uint32_t float_column(const capi_csv_rule *rule, const capi_csv_fields *fields, capi_arena *arena, double *out)
{
    for (uint32_t row = 0; row < fields->count; row++) {
        capi_value value;

        if (rule->is_plain && fast_float(fields->texts[row], fields->bytes[row], &out[row])) continue;
        if (general_value(rule, fields, row, arena, &value) != CAPI_OK) return row;
        out[row] = value.real;
    }
    return fields->count;
}

static uint32_t bool_column(const capi_csv_rule *rule, const capi_csv_fields *fields, capi_arena *arena, uint8_t *out)
{
    for (uint32_t row = 0; row < fields->count; row++) {
        capi_value value;

        if (fast_bool(fields->texts[row], fields->bytes[row], &out[row])) continue;
        if (general_value(rule, fields, row, arena, &value) != CAPI_OK) return row;
        out[row] = value.boolean;
    }
    return fields->count;
}

/* Goes on with exact decimals from the first row whose hundredths do not fit. */
static uint32_t wide_decimal_column(const capi_csv_rule *rule, const capi_csv_fields *fields, uint32_t from,
                                    capi_arena *arena, capi_vec *vec)
{
    capi_vec wide = capi_vec_new(arena, CAPI_DECIMAL, CAPI_FORM_DECIMAL, fields->count);
    uint32_t row;

    for (row = 0; row < from; row++)
        wide.decimals[row] = capi_decimal_from_cents(vec->int64s[row]);
    for (; row < fields->count; row++) {
        capi_value value;

        if (general_value(rule, fields, row, arena, &value) != CAPI_OK) break;
        wide.decimals[row] = value.decimal;
    }
    *vec = wide;
    return row;
}

static uint32_t decimal_column(const capi_csv_rule *rule, const capi_csv_fields *fields, capi_arena *arena,
                               capi_vec *vec)
{
    const bool is_plain = rule->is_plain;
    const unsigned digits_max = rule->way == CAPI_CSV_DECIMAL ? 16 : 15;
    int64_t *out = vec->int64s;

    for (uint32_t row = 0; row < fields->count; row++) {
        capi_value value;

        if (is_plain && fast_cents(fields->texts[row], fields->bytes[row], digits_max, &out[row])) continue;
        if (general_value(rule, fields, row, arena, &value) != CAPI_OK) return row;
        if (!capi_decimal_is_cents(&value.decimal, &out[row]))
            return wide_decimal_column(rule, fields, row, arena, vec);
    }
    return fields->count;
}

/* True if a stored value is all there is to the instant: UTC and whole milliseconds. */
static bool instant_is_ms(const capi_instant *instant, int64_t *ms)
{
    if (instant->offset_seconds != 0 || instant->nanoseconds % 1000000 != 0) return false;
    if (!instant->zone_name || strcmp(instant->zone_name, capi_zone_utc_name) != 0) return false;
    return capi_instant_to_ms(instant, ms);
}

/* Goes on with instants from the first row that has a zone or parts of a millisecond. */
static uint32_t instant_column(const capi_csv_rule *rule, const capi_csv_fields *fields, uint32_t from,
                               capi_arena *arena, capi_vec *vec)
{
    capi_vec wide = capi_vec_new(arena, CAPI_DATETIME, CAPI_FORM_INSTANT, fields->count);
    uint32_t row;

    for (row = 0; row < from; row++)
        wide.instants[row] = capi_instant_from_ms(vec->int64s[row]);
    for (; row < fields->count; row++) {
        capi_value value;

        if (general_value(rule, fields, row, arena, &value) != CAPI_OK) break;
        wide.instants[row] = value.instant;
    }
    *vec = wide;
    return row;
}

static uint32_t datetime_column(const capi_csv_rule *rule, const capi_csv_fields *fields, capi_arena *arena,
                                capi_vec *vec)
{
    int64_t *out = vec->int64s;

    for (uint32_t row = 0; row < fields->count; row++) {
        capi_str text = {fields->texts[row], fields->bytes[row]};
        capi_value value;

        if (capi_layout_parse_ms(rule->layout, text, &out[row])) continue;
        if (general_value(rule, fields, row, arena, &value) != CAPI_OK) return row;
        if (!instant_is_ms(&value.instant, &out[row])) return instant_column(rule, fields, row, arena, vec);
    }
    return fields->count;
}

uint32_t capi_csv_convert_column(const capi_csv_rule *rule, const capi_csv_fields *fields, capi_arena *arena,
                                 capi_vec *vec)
{
    switch (rule->way) {
    case CAPI_CSV_STRING: return string_column(rule, fields, vec->views);
    case CAPI_CSV_BOOL: return bool_column(rule, fields, arena, vec->bools);
    case CAPI_CSV_INT:
    case CAPI_CSV_INT_SCAN: return int_column(rule, fields, arena, vec->int64s);
    case CAPI_CSV_FLOAT:
    case CAPI_CSV_FLOAT_SCAN: return float_column(rule, fields, arena, vec->doubles);
    case CAPI_CSV_DECIMAL:
    case CAPI_CSV_DECIMAL_SCAN: return decimal_column(rule, fields, arena, vec);
    case CAPI_CSV_DATETIME: return datetime_column(rule, fields, arena, vec);
    }
    return 0;
}
