/* convert.c - one table says which storage and annotation may be which of our types, and how values get there. A column that
 * lies in memory as we store it is not copied. */
#include "parquet/convert.h"

enum { MILLIS_PER_DAY = 86400000, SECONDS_PER_DAY = 86400, JULIAN_DAY_1970 = 2440588, NANOS_PER_SECOND = 1000000000 };

static bool is_null(const parquet_slice *slice, uint32_t row)
{
    const capi_pq_column *column = slice->column;
    size_t bit = column->validity_offset + slice->from + row;

    return column->validity && !(column->validity[bit / 8] >> (bit % 8) & 1);
}

/* ---- strings ---- */

/* As Arrow lays them out. */
typedef struct arrow_view {
    uint32_t bytes;
    char prefix[4];
    uint32_t buffer;
    uint32_t offset;
} arrow_view;

static bool convert_text(const parquet_rule *rule, const parquet_slice *slice, capi_arena *arena, capi_vec *vec,
                         uint32_t *bad_row, capi_err *err)
{
    const arrow_view *in = (const arrow_view *)slice->column->values + slice->from;
    capi_view missing = capi_view_make(rule->default_value.string.data, rule->default_value.string.bytes);

    (void)bad_row;
    (void)err;
    *vec = capi_vec_new(arena, CAPI_STRING, CAPI_FORM_VIEW, slice->count);
    for (uint32_t i = 0; i < slice->count; i++) {
        uint64_t place;

        memcpy(&vec->views[i], &in[i], sizeof in[i]);
        if (in[i].bytes <= CAPI_VIEW_INLINE_MAX) continue;
        if (is_null(slice, i)) continue;
        place = (uint64_t)(uintptr_t)(slice->column->buffers[in[i].buffer] + in[i].offset);
        vec->views[i].data_low = (uint32_t)place;
        vec->views[i].data_high = (uint32_t)(place >> 32);
    }
    for (uint32_t i = 0; slice->column->validity && i < slice->count; i++)
        if (is_null(slice, i)) vec->views[i] = missing;
    return true;
}

/* ---- int ---- */

static void fill_nulls(const parquet_slice *slice, int64_t missing, int64_t *to)
{
    for (uint32_t i = 0; slice->column->validity && i < slice->count; i++)
        if (is_null(slice, i)) to[i] = missing;
}

/* 8-byte values as they lie there, or a copy with defaults. */
static capi_vec share_words(const parquet_slice *slice, capi_arena *arena, capi_type type, int64_t missing)
{
    const int64_t *in = (const int64_t *)slice->column->values + slice->from;
    capi_vec vec = {.type = type, .form = capi_form_stored(type), .data = (void *)(uintptr_t)in};

    if (!slice->column->validity) return vec;
    vec = capi_vec_new(arena, type, vec.form, slice->count);
    memcpy(vec.data, in, slice->count * sizeof *in);
    fill_nulls(slice, missing, vec.int64s);
    return vec;
}

static bool convert_int64(const parquet_rule *rule, const parquet_slice *slice, capi_arena *arena, capi_vec *vec,
                          uint32_t *bad_row, capi_err *err)
{
    *vec = share_words(slice, arena, CAPI_INT, rule->default_value.integer);
    if (rule->field.meaning != CAPI_PQ_UNSIGNED) return true;
    for (uint32_t i = 0; i < slice->count; i++) {
        if (vec->int64s[i] >= 0 || is_null(slice, i)) continue;
        *bad_row = i;
        capi_err_set(err, CAPI_INVALID, "value %llu is too large: expected at most 9223372036854775807",
                     (unsigned long long)vec->int64s[i]);
        return false;
    }
    return true;
}

static bool convert_int32(const parquet_rule *rule, const parquet_slice *slice, capi_arena *arena, capi_vec *vec,
                          uint32_t *bad_row, capi_err *err)
{
    const int32_t *in = (const int32_t *)slice->column->values + slice->from;

    (void)bad_row;
    (void)err;
    *vec = capi_vec_new(arena, CAPI_INT, CAPI_FORM_INT64, slice->count);
    if (rule->field.meaning == CAPI_PQ_UNSIGNED)
        for (uint32_t i = 0; i < slice->count; i++)
            vec->int64s[i] = (uint32_t)in[i];
    else
        for (uint32_t i = 0; i < slice->count; i++)
            vec->int64s[i] = in[i];
    fill_nulls(slice, rule->default_value.integer, vec->int64s);
    return true;
}

/* ---- float and bool ---- */

static bool convert_double(const parquet_rule *rule, const parquet_slice *slice, capi_arena *arena, capi_vec *vec,
                           uint32_t *bad_row, capi_err *err)
{
    int64_t missing;

    (void)bad_row;
    (void)err;
    memcpy(&missing, &rule->default_value.real, sizeof missing);
    *vec = share_words(slice, arena, CAPI_FLOAT, missing);
    return true;
}

static bool convert_float(const parquet_rule *rule, const parquet_slice *slice, capi_arena *arena, capi_vec *vec,
                          uint32_t *bad_row, capi_err *err)
{
    const float *in = (const float *)slice->column->values + slice->from;

    (void)bad_row;
    (void)err;
    *vec = capi_vec_new(arena, CAPI_FLOAT, CAPI_FORM_DOUBLE, slice->count);
    for (uint32_t i = 0; i < slice->count; i++)
        vec->doubles[i] = is_null(slice, i) ? rule->default_value.real : (double)in[i];
    return true;
}

static bool convert_bool(const parquet_rule *rule, const parquet_slice *slice, capi_arena *arena, capi_vec *vec,
                         uint32_t *bad_row, capi_err *err)
{
    const uint8_t *in = slice->column->values;
    size_t first = slice->column->value_offset + slice->from;

    (void)bad_row;
    (void)err;
    *vec = capi_vec_new(arena, CAPI_BOOL, CAPI_FORM_BOOL, slice->count);
    for (uint32_t i = 0; i < slice->count; i++)
        vec->bools[i] = is_null(slice, i) ? rule->default_value.boolean : in[(first + i) / 8] >> ((first + i) % 8) & 1;
    return true;
}

/* ---- datetime ---- */

static capi_instant instant_of(int64_t count, int64_t per_second)
{
    int64_t seconds = count / per_second;
    int64_t rest = count % per_second;

    if (rest < 0) {
        rest += per_second;
        seconds--;
    }
    return (capi_instant){.seconds = seconds,
                          .nanoseconds = (uint32_t)(rest * (NANOS_PER_SECOND / per_second)),
                          .zone_name = capi_zone_utc_name};
}

/* Value `row` of the column, whatever its unit. */
static capi_instant instant_at(const parquet_rule *rule, const parquet_slice *slice, uint32_t row)
{
    uint32_t at = slice->from + row;
    const int64_t *words = slice->column->values;
    const int32_t *days = slice->column->values;
    const char *raw = slice->column->values;
    capi_instant instant;
    int32_t julian_day;
    int64_t nanos;

    if (is_null(slice, row)) return rule->default_value.instant;
    if (rule->field.physical == CAPI_PQ_INT96) {
        memcpy(&nanos, raw + (size_t)at * 12, 8);
        memcpy(&julian_day, raw + (size_t)at * 12 + 8, 4);
        instant = instant_of(nanos, NANOS_PER_SECOND);
        instant.seconds += ((int64_t)julian_day - JULIAN_DAY_1970) * SECONDS_PER_DAY;
        return instant;
    }
    switch (rule->field.meaning) {
    case CAPI_PQ_DATE: return instant_of((int64_t)days[at] * SECONDS_PER_DAY, 1);
    case CAPI_PQ_MILLIS: return instant_of(words[at], 1000);
    case CAPI_PQ_MICROS: return instant_of(words[at], 1000000);
    default: return instant_of(words[at], NANOS_PER_SECOND);
    }
}

/* Milliseconds if all values are whole ones that fit. */
static bool convert_instant(const parquet_rule *rule, const parquet_slice *slice, capi_arena *arena, capi_vec *vec,
                            uint32_t *bad_row, capi_err *err)
{
    bool is_whole = true;

    (void)bad_row;
    (void)err;
    *vec = capi_vec_new(arena, CAPI_DATETIME, CAPI_FORM_MILLIS, slice->count);
    for (uint32_t i = 0; is_whole && i < slice->count; i++) {
        capi_instant instant = instant_at(rule, slice, i);

        is_whole = instant.nanoseconds % 1000000 == 0 && capi_instant_to_ms(&instant, &vec->int64s[i]);
    }
    if (is_whole) return true;
    *vec = capi_vec_new(arena, CAPI_DATETIME, CAPI_FORM_INSTANT, slice->count);
    for (uint32_t i = 0; i < slice->count; i++)
        vec->instants[i] = instant_at(rule, slice, i);
    return true;
}

static bool convert_millis(const parquet_rule *rule, const parquet_slice *slice, capi_arena *arena, capi_vec *vec,
                           uint32_t *bad_row, capi_err *err)
{
    int64_t missing;

    if (rule->field.meaning != CAPI_PQ_MILLIS || !capi_instant_to_ms(&rule->default_value.instant, &missing))
        return convert_instant(rule, slice, arena, vec, bad_row, err);
    *vec = share_words(slice, arena, CAPI_DATETIME, missing);
    return true;
}

/* ---- decimal2 ---- */

enum { COEFFICIENT_BYTES_MAX = 31 }; /* what 76 digits fit into */

/* Big-endian two's complement. False if it has more digits than our decimals. */
static bool decimal_of_bytes(const uint8_t *bytes, size_t count, capi_decimal *out)
{
    bool is_negative = count && bytes[0] & 0x80;
    uint8_t fill = is_negative ? 0xff : 0;
    bool carry = is_negative;

    *out = (capi_decimal){0};
    while (count > COEFFICIENT_BYTES_MAX && *bytes == fill) {
        bytes++;
        count--;
    }
    if (count > COEFFICIENT_BYTES_MAX) return false;
    for (size_t i = 0; i < 32; i++) {
        uint8_t byte = i < count ? bytes[count - 1 - i] : fill;

        if (is_negative) {
            byte = (uint8_t)(~byte + carry);
            carry = carry && byte == 0;
        }
        out->limb[i / 8] |= (uint64_t)byte << (i % 8 * 8);
    }
    out->negative = is_negative;
    return true;
}

static bool decimal_at(const parquet_rule *rule, const parquet_slice *slice, uint32_t row, capi_decimal *out)
{
    const capi_pq_column *column = slice->column;
    uint32_t at = slice->from + row;
    const arrow_view *view;

    if (is_null(slice, row)) {
        *out = rule->default_value.decimal;
        return true;
    }
    switch (rule->field.physical) {
    case CAPI_PQ_INT32: *out = capi_decimal_from_int64(((const int32_t *)column->values)[at]); break;
    case CAPI_PQ_INT64: *out = capi_decimal_from_int64(((const int64_t *)column->values)[at]); break;
    case CAPI_PQ_FIXED:
        if (!decimal_of_bytes((const uint8_t *)column->values + (size_t)at * rule->field.type_bytes,
                              (size_t)rule->field.type_bytes, out))
            return false;
        break;
    default:
        view = (const arrow_view *)column->values + at;
        if (!decimal_of_bytes(view->bytes <= CAPI_VIEW_INLINE_MAX ? (const uint8_t *)view->prefix
                                                                  : column->buffers[view->buffer] + view->offset,
                              view->bytes, out))
            return false;
    }
    out->scale = rule->field.scale;
    return true;
}

static bool convert_decimal(const parquet_rule *rule, const parquet_slice *slice, capi_arena *arena, capi_vec *vec,
                            uint32_t *bad_row, capi_err *err)
{
    capi_decimal *decimals = capi_arena_alloc_aligned(arena, slice->count * sizeof *decimals);
    bool is_cents = true;

    *vec = capi_vec_new(arena, CAPI_DECIMAL, CAPI_FORM_CENTS, slice->count);
    for (uint32_t i = 0; i < slice->count; i++) {
        if (!decimal_at(rule, slice, i, &decimals[i])) {
            *bad_row = i;
            capi_err_set(err, CAPI_INVALID, "a decimal has more than %d digits", CAPI_DECIMAL_DIGITS_MAX);
            return false;
        }
        is_cents = is_cents && capi_decimal_is_cents(&decimals[i], &vec->int64s[i]);
    }
    if (!is_cents) *vec = (capi_vec){.type = CAPI_DECIMAL, .form = CAPI_FORM_DECIMAL, .decimals = decimals};
    return true;
}

static bool convert_cents(const parquet_rule *rule, const parquet_slice *slice, capi_arena *arena, capi_vec *vec,
                          uint32_t *bad_row, capi_err *err)
{
    int64_t missing;

    if (rule->field.scale != 2 || !capi_decimal_is_cents(&rule->default_value.decimal, &missing))
        return convert_decimal(rule, slice, arena, vec, bad_row, err);
    *vec = share_words(slice, arena, CAPI_DECIMAL, missing);
    return true;
}

/* ---- is it null? ---- */

static bool convert_null_flag(const parquet_rule *rule, const parquet_slice *slice, capi_arena *arena, capi_vec *vec,
                              uint32_t *bad_row, capi_err *err)
{
    (void)rule;
    (void)bad_row;
    (void)err;
    *vec = capi_vec_new(arena, CAPI_BOOL, CAPI_FORM_BOOL, slice->count);
    for (uint32_t i = 0; i < slice->count; i++)
        vec->bools[i] = is_null(slice, i);
    return true;
}

/* ---- the table ---- */

#define BIT(meaning) (1u << (meaning))
#define INTS (BIT(CAPI_PQ_PLAIN) | BIT(CAPI_PQ_SIGNED) | BIT(CAPI_PQ_UNSIGNED))
#define TIMES (BIT(CAPI_PQ_MILLIS) | BIT(CAPI_PQ_MICROS) | BIT(CAPI_PQ_NANOS))
#define ANY UINT32_MAX

typedef struct parquet_way {
    capi_pq_physical physical;
    unsigned meanings; /* bits */
    capi_type type;
    parquet_convert convert;
    bool is_asked; /* only when the script asks for this type: by itself the column is another */
} parquet_way;

static const parquet_way ways[] = {
    {CAPI_PQ_BYTES, BIT(CAPI_PQ_TEXT), CAPI_STRING, convert_text, false},
    {CAPI_PQ_INT32, BIT(CAPI_PQ_DECIMAL), CAPI_DECIMAL, convert_decimal, false},
    {CAPI_PQ_INT64, BIT(CAPI_PQ_DECIMAL), CAPI_DECIMAL, convert_cents, false},
    {CAPI_PQ_FIXED, BIT(CAPI_PQ_DECIMAL), CAPI_DECIMAL, convert_decimal, false},
    {CAPI_PQ_BYTES, BIT(CAPI_PQ_DECIMAL), CAPI_DECIMAL, convert_decimal, false},
    {CAPI_PQ_INT64, TIMES, CAPI_DATETIME, convert_millis, false},
    {CAPI_PQ_INT32, BIT(CAPI_PQ_DATE), CAPI_DATETIME, convert_instant, false},
    {CAPI_PQ_INT96, ANY, CAPI_DATETIME, convert_instant, false},
    {CAPI_PQ_INT32, INTS, CAPI_INT, convert_int32, false},
    {CAPI_PQ_INT64, INTS, CAPI_INT, convert_int64, false},
    {CAPI_PQ_INT32, BIT(CAPI_PQ_DATE), CAPI_INT, convert_int32, true},
    {CAPI_PQ_INT64, TIMES, CAPI_INT, convert_int64, true},
    {CAPI_PQ_FLOAT, BIT(CAPI_PQ_PLAIN), CAPI_FLOAT, convert_float, false},
    {CAPI_PQ_DOUBLE, BIT(CAPI_PQ_PLAIN), CAPI_FLOAT, convert_double, false},
    {CAPI_PQ_BOOLEAN, BIT(CAPI_PQ_PLAIN), CAPI_BOOL, convert_bool, false},
};

enum { WAY_COUNT = sizeof ways / sizeof ways[0] };

static bool way_fits(const parquet_way *way, const capi_pq_field *field)
{
    return !field->is_nested && !field->is_repeated && way->physical == (capi_pq_physical)field->physical &&
           (way->meanings & BIT(field->meaning));
}

capi_type parquet_type_of(const capi_pq_field *field)
{
    for (unsigned i = 0; i < WAY_COUNT; i++)
        if (way_fits(&ways[i], field) && !ways[i].is_asked) return ways[i].type;
    return (capi_type)CAPI_TYPE_STORED_COUNT;
}

const char *parquet_physical_name(const capi_pq_field *field)
{
    static const char *names[] = {"BOOLEAN", "INT32",  "INT64",      "INT96",
                                  "FLOAT",   "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"};

    return field->is_nested ? "a group" : names[field->physical];
}

/* What stands behind the physical type: nothing for plain columns. */
static capi_str describe_meaning(const capi_pq_field *field, capi_arena *arena)
{
    static const char *names[] = {"",     "STRING",        "INTEGER",       "UNSIGNED",      "DECIMAL",
                                  "DATE", "TIMESTAMP(ms)", "TIMESTAMP(us)", "TIMESTAMP(ns)", "with another annotation"};

    if (field->meaning == CAPI_PQ_DECIMAL)
        return capi_str_format(arena, "DECIMAL(%d,%d)", field->precision, field->scale);
    if (field->meaning == CAPI_PQ_SIGNED || field->meaning == CAPI_PQ_UNSIGNED)
        return capi_str_format(arena, "%s(%u)", names[field->meaning], field->bits);
    return capi_str_of(names[field->meaning]);
}

capi_str parquet_describe_field(const capi_pq_field *field, capi_arena *arena)
{
    capi_str physical = capi_str_of(parquet_physical_name(field));
    capi_str meaning;

    if (field->is_nested) return physical;
    if (field->physical == CAPI_PQ_FIXED)
        physical = capi_str_format(arena, "%.*s(%d)", CAPI_STR_ARG(physical), field->type_bytes);
    if (field->is_repeated) physical = capi_str_format(arena, "a list of %.*s", CAPI_STR_ARG(physical));
    meaning = describe_meaning(field, arena);
    if (meaning.bytes == 0) return physical;
    return capi_str_format(arena, "%.*s %.*s", CAPI_STR_ARG(physical), CAPI_STR_ARG(meaning));
}

static const char *meaning_name(const capi_pq_field *field)
{
    static const char *names[] = {
        "no annotation", "STRING",          "INTEGER",         "unsigned INTEGER", "DECIMAL",
        "DATE",          "TIMESTAMP in ms", "TIMESTAMP in us", "TIMESTAMP in ns",  "another annotation"};

    return names[field->meaning];
}

static capi_status refuse(const capi_pq_field *field, capi_type type, capi_err *err)
{
    if (field->is_nested || field->is_repeated)
        return capi_err_set(err, CAPI_INVALID, "it is a %s in the file, expected %s",
                            field->is_nested ? "group" : "list", capi_type_name(type));
    return capi_err_set(err, CAPI_INVALID, "it is %s with %s in the file, which is no %s", parquet_physical_name(field),
                        meaning_name(field), capi_type_name(type));
}

capi_status parquet_rule_make(const capi_pq_field *field, capi_type type, const capi_value *default_value,
                              parquet_rule *out, capi_err *err)
{
    for (unsigned i = 0; i < WAY_COUNT; i++) {
        if (ways[i].type != type || !way_fits(&ways[i], field)) continue;
        if (type == CAPI_DECIMAL && (field->scale < -CAPI_DECIMAL_DIGITS_MAX || field->scale > CAPI_DECIMAL_DIGITS_MAX))
            return capi_err_set(err, CAPI_INVALID, "its decimals have the scale %d, expected -%d .. %d", field->scale,
                                CAPI_DECIMAL_DIGITS_MAX, CAPI_DECIMAL_DIGITS_MAX);
        *out =
            (parquet_rule){.type = type, .field = *field, .default_value = *default_value, .convert = ways[i].convert};
        return CAPI_OK;
    }
    return refuse(field, type, err);
}

capi_status parquet_rule_make_null_flag(const capi_pq_field *field, parquet_rule *out, capi_err *err)
{
    if (field->is_nested || field->is_repeated) return refuse(field, CAPI_BOOL, err);
    *out = (parquet_rule){.type = CAPI_BOOL, .field = *field, .convert = convert_null_flag};
    return CAPI_OK;
}
