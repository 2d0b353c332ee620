/* vec.c - making vectors, taking rows from them, and bringing them to the stored form. Loops are picked by the form, once
 * per vector. */
#include "vec/vec.h"

#include "base/buf.h"
#include "base/err.h"
#include "vec/number.h"

static const uint8_t form_bytes[] = {
    [CAPI_FORM_VIEW] = sizeof(capi_view), [CAPI_FORM_INT64] = sizeof(int64_t),
    [CAPI_FORM_DOUBLE] = sizeof(double),  [CAPI_FORM_BOOL] = sizeof(uint8_t),
    [CAPI_FORM_MILLIS] = sizeof(int64_t), [CAPI_FORM_INSTANT] = sizeof(capi_instant),
    [CAPI_FORM_CENTS] = sizeof(int64_t),  [CAPI_FORM_DECIMAL] = sizeof(capi_decimal),
    [CAPI_FORM_ZONE] = sizeof(capi_zone),
};

size_t capi_form_bytes(capi_form form)
{
    return form_bytes[form];
}

capi_form capi_form_stored(capi_type type)
{
    static const uint8_t forms[CAPI_TYPE_COUNT] = {
        [CAPI_STRING] = CAPI_FORM_VIEW,  [CAPI_INT] = CAPI_FORM_INT64,       [CAPI_FLOAT] = CAPI_FORM_DOUBLE,
        [CAPI_BOOL] = CAPI_FORM_BOOL,    [CAPI_DATETIME] = CAPI_FORM_MILLIS, [CAPI_DECIMAL] = CAPI_FORM_CENTS,
        [CAPI_LENGTH] = CAPI_FORM_INT64, [CAPI_MONTH] = CAPI_FORM_INT64,     [CAPI_ZONE] = CAPI_FORM_ZONE,
    };

    return (capi_form)forms[type];
}

capi_vec capi_vec_new(capi_arena *arena, capi_type type, capi_form form, uint32_t row_max)
{
    return (capi_vec){
        .type = type,
        .form = form,
        .data = capi_arena_alloc_aligned(arena, capi_array_bytes(row_max, form_bytes[form])),
    };
}

/* Milliseconds lose nothing of the value, zone included. */
static bool is_plain_millis(const capi_instant *instant, int64_t *ms)
{
    if (instant->offset_seconds != 0 || !instant->zone_name) return false;
    if (instant->nanoseconds % 1000000 != 0) return false;
    if (strcmp(instant->zone_name, capi_zone_utc_name) != 0) return false;
    return capi_instant_to_ms(instant, ms);
}

static capi_view view_copy(capi_arena *arena, capi_str text)
{
    if (text.bytes <= CAPI_VIEW_INLINE_MAX) return capi_view_make(text.data, text.bytes);
    return capi_view_make(capi_arena_copy(arena, text.data, text.bytes), text.bytes);
}

capi_vec capi_vec_constant(capi_arena *arena, const capi_value *value)
{
    capi_form form = capi_form_stored(value->type);
    int64_t stored = 0;
    capi_vec vec;

    if (value->type == CAPI_DATETIME && !is_plain_millis(&value->instant, &stored)) form = CAPI_FORM_INSTANT;
    if (value->type == CAPI_DECIMAL && !capi_decimal_is_cents(&value->decimal, &stored)) form = CAPI_FORM_DECIMAL;
    vec = capi_vec_new(arena, value->type, form, 1);
    vec.is_constant = true;
    switch (form) {
    case CAPI_FORM_VIEW: vec.views[0] = view_copy(arena, value->string); break;
    case CAPI_FORM_INT64: vec.int64s[0] = value->integer; break;
    case CAPI_FORM_DOUBLE: vec.doubles[0] = value->real; break;
    case CAPI_FORM_BOOL: vec.bools[0] = value->boolean; break;
    case CAPI_FORM_MILLIS:
    case CAPI_FORM_CENTS: vec.int64s[0] = stored; break;
    case CAPI_FORM_INSTANT: vec.instants[0] = value->instant; break;
    case CAPI_FORM_DECIMAL: vec.decimals[0] = value->decimal; break;
    case CAPI_FORM_ZONE: vec.zones[0] = value->zone; break;
    }
    return vec;
}

capi_value capi_vec_get(const capi_vec *vec, uint32_t row)
{
    capi_value value = {.type = vec->type};

    if (vec->is_constant) row = 0;
    switch (vec->form) {
    case CAPI_FORM_VIEW: value.string = capi_view_str(&vec->views[row]); break;
    case CAPI_FORM_INT64: value.integer = vec->int64s[row]; break;
    case CAPI_FORM_DOUBLE: value.real = vec->doubles[row]; break;
    case CAPI_FORM_BOOL: value.boolean = vec->bools[row]; break;
    case CAPI_FORM_MILLIS: value.instant = capi_instant_from_ms(vec->int64s[row]); break;
    case CAPI_FORM_INSTANT: value.instant = vec->instants[row]; break;
    case CAPI_FORM_CENTS: value.decimal = capi_decimal_from_cents(vec->int64s[row]); break;
    case CAPI_FORM_DECIMAL: value.decimal = vec->decimals[row]; break;
    case CAPI_FORM_ZONE: value.zone = vec->zones[row]; break;
    }
    return value;
}

/* One loop per form: out[i] = in[rows[i]]. */
#define GATHER(name, item)                                                                                             \
    static void gather_##name(const item *restrict in, const uint32_t *restrict rows, item *restrict out,              \
                              uint32_t row_count)                                                                      \
    {                                                                                                                  \
        for (uint32_t i = 0; i < row_count; i++)                                                                       \
            out[i] = in[rows[i]];                                                                                      \
    }
GATHER(views, capi_view)
GATHER(int64s, int64_t)
GATHER(bools, uint8_t)
GATHER(instants, capi_instant)
GATHER(decimals, capi_decimal)
GATHER(zones, capi_zone)

capi_vec capi_vec_gather(capi_arena *arena, const capi_vec *in, const uint32_t *rows, uint32_t row_count)
{
    capi_vec out;

    if (in->is_constant) return *in;
    out = capi_vec_new(arena, in->type, in->form, row_count);
    switch (in->form) {
    case CAPI_FORM_VIEW: gather_views(in->views, rows, out.views, row_count); break;
    case CAPI_FORM_INT64:
    case CAPI_FORM_MILLIS:
    case CAPI_FORM_CENTS:
    case CAPI_FORM_DOUBLE: /* also 8 bytes each; moved, not interpreted */
        gather_int64s(in->int64s, rows, out.int64s, row_count);
        break;
    case CAPI_FORM_BOOL: gather_bools(in->bools, rows, out.bools, row_count); break;
    case CAPI_FORM_INSTANT: gather_instants(in->instants, rows, out.instants, row_count); break;
    case CAPI_FORM_DECIMAL: gather_decimals(in->decimals, rows, out.decimals, row_count); break;
    case CAPI_FORM_ZONE: gather_zones(in->zones, rows, out.zones, row_count); break;
    }
    return out;
}

capi_vec capi_vec_slice(const capi_vec *vec, uint32_t from)
{
    capi_vec slice = *vec;

    if (!vec->is_constant) slice.data = (char *)vec->data + (size_t)from * form_bytes[vec->form];
    return slice;
}

/* A constant written out for every row. */
static capi_vec spread(capi_arena *arena, const capi_vec *in, uint32_t row_count)
{
    capi_vec out = capi_vec_new(arena, in->type, in->form, row_count);
    size_t bytes = form_bytes[in->form];

    switch (bytes) {
    case 1: memset(out.data, in->bools[0], row_count); break;
    case 8:
        for (uint32_t row = 0; row < row_count; row++)
            out.int64s[row] = in->int64s[0];
        break;
    default:
        for (uint32_t row = 0; row < row_count; row++)
            memcpy((char *)out.data + row * bytes, in->data, bytes);
        break;
    }
    return out;
}

static capi_status instants_to_ms(const capi_instant *instants, uint32_t row_count, int64_t *out, uint32_t *bad_row,
                                  capi_err *err)
{
    for (uint32_t row = 0; row < row_count; row++) {
        if (capi_instant_to_ms(&instants[row], &out[row])) continue;
        *bad_row = row;
        return capi_err_set(err, CAPI_INVALID,
                            "datetime with %lld seconds since 1970 cannot be stored, expected milliseconds that fit "
                            "64 bits",
                            (long long)instants[row].seconds);
    }
    return CAPI_OK;
}

static capi_status decimals_to_cents(const capi_decimal *decimals, uint32_t row_count, int64_t *out, uint32_t *bad_row,
                                     capi_err *err)
{
    char text[CAPI_DECIMAL_TEXT_MAX];

    for (uint32_t row = 0; row < row_count; row++) {
        if (capi_decimal_to_cents(&decimals[row], &out[row])) continue;
        *bad_row = row;
        return capi_err_set(err, CAPI_INVALID,
                            "decimal2 value %.*s cannot be stored, expected a value from -92233720368547758.08 to "
                            "92233720368547758.07",
                            (int)capi_decimal_text(&decimals[row], text), text);
    }
    return CAPI_OK;
}

capi_status capi_vec_to_stored(capi_arena *arena, const capi_vec *in, uint32_t row_count, capi_vec *out,
                               uint32_t *bad_row, capi_err *err)
{
    uint32_t value_count = in->is_constant ? row_count > 0 : row_count;
    capi_vec stored = *in;

    if (in->form == CAPI_FORM_INSTANT || in->form == CAPI_FORM_DECIMAL) {
        stored = capi_vec_new(arena, in->type, capi_form_stored(in->type), value_count);
        stored.is_constant = in->is_constant;
        if (in->form == CAPI_FORM_INSTANT)
            CAPI_TRY(instants_to_ms(in->instants, value_count, stored.int64s, bad_row, err));
        else
            CAPI_TRY(decimals_to_cents(in->decimals, value_count, stored.int64s, bad_row, err));
    }
    *out = in->is_constant ? spread(arena, &stored, row_count) : stored;
    return CAPI_OK;
}

/* "-0700": hours and minutes; a rest of seconds is dropped. */
static void append_offset(capi_buf *buf, int32_t offset_seconds)
{
    int32_t minutes = offset_seconds / 60;
    int32_t size = minutes < 0 ? -minutes : minutes;

    capi_buf_printf(buf, "%c%02d%02d", minutes < 0 ? '-' : '+', size / 60, size % 60);
}

/* Layout 2006-01-02 15:04:05.999999999 -0700 MST */
static void append_instant(capi_buf *buf, const capi_instant *instant)
{
    capi_civil civil;
    uint64_t year;

    capi_instant_to_civil(instant, &civil);
    year = civil.year < 0 ? 0 - (uint64_t)civil.year : (uint64_t)civil.year;
    capi_buf_printf(buf, "%s%04llu-%02u-%02u %02u:%02u:%02u", civil.year < 0 ? "-" : "", (unsigned long long)year,
                    civil.month, civil.day, civil.hour, civil.minute, civil.second);
    if (civil.nanoseconds) {
        capi_buf_printf(buf, ".%09u", civil.nanoseconds);
        while (buf->data[buf->bytes - 1] == '0')
            buf->bytes--;
    }
    capi_buf_append_byte(buf, ' ');
    append_offset(buf, instant->offset_seconds);
    capi_buf_append_byte(buf, ' ');
    if (instant->zone_name)
        capi_buf_append_text(buf, instant->zone_name);
    else
        append_offset(buf, instant->offset_seconds);
}

static void append_month(capi_buf *buf, int64_t month)
{
    static const char *const names[] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};

    if (month >= 1 && month <= 12)
        capi_buf_append_text(buf, names[month - 1]);
    else
        capi_buf_printf(buf, "%%!Month(%lld)", (long long)month);
}

void capi_value_append_text(capi_buf *buf, const capi_value *value)
{
    switch (value->type) {
    case CAPI_STRING: capi_buf_append_str(buf, value->string); break;
    case CAPI_INT:
    case CAPI_LENGTH: buf->bytes += capi_int_text(value->integer, capi_buf_reserve(buf, CAPI_NUMBER_TEXT_MAX)); break;
    case CAPI_FLOAT: buf->bytes += capi_float_text(value->real, capi_buf_reserve(buf, CAPI_NUMBER_TEXT_MAX)); break;
    case CAPI_BOOL: capi_buf_append_text(buf, value->boolean ? "true" : "false"); break;
    case CAPI_DATETIME: append_instant(buf, &value->instant); break;
    case CAPI_DECIMAL:
        buf->bytes += capi_decimal_text(&value->decimal, capi_buf_reserve(buf, CAPI_DECIMAL_TEXT_MAX));
        break;
    case CAPI_MONTH: append_month(buf, value->integer); break;
    case CAPI_ZONE: capi_buf_append(buf, value->zone.name, value->zone.name_bytes); break;
    }
}
