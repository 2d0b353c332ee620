/* format_fuzz.h - one input of a fuzzer through formats, layouts and input formats: the fuzzers in test/fuzz/ and the test
 * that replays their corpus share it.
 *
 * An input is the format, then a byte 0x1E, then the text or the values. What must hold is asserted: nothing crashes, and two
 * ways to the same result agree. */
#pragma once

#include "base/err.h"
#include "vec/format.h"
#include "vec/layout_parts.h"
#include "vec/type.h"

#include "base/must.h"
#include <stdint.h>
#include <string.h>

enum { FUZZ_SEPARATOR = 0x1E, FUZZ_VALUE_MAX = 6, FUZZ_WIDTH_DIGITS_MAX = 4 };

static inline void fuzz_split(const uint8_t *data, size_t bytes, capi_str *first, capi_str *second)
{
    const uint8_t *separator = bytes ? memchr(data, FUZZ_SEPARATOR, bytes) : NULL;
    size_t at = separator ? (size_t)(separator - data) : bytes;

    *first = (capi_str){(const char *)data, at};
    *second = separator ? (capi_str){(const char *)separator + 1, bytes - at - 1} : (capi_str){"", 0};
}

/* Takes `bytes` bytes off the text, zeros when there are not enough. */
static inline uint64_t fuzz_take(capi_str *text, size_t bytes)
{
    uint64_t value = 0;

    if (bytes > text->bytes) bytes = text->bytes;
    if (bytes) memcpy(&value, text->data, bytes);
    text->data += bytes;
    text->bytes -= bytes;
    return value;
}

/* A byte says which type; the bytes of the value follow. */
static inline capi_value fuzz_value(capi_str *text)
{
    capi_value value = {.type = (capi_type)(fuzz_take(text, 1) % CAPI_TYPE_COUNT)};
    uint64_t bits;

    switch (value.type) {
    case CAPI_STRING:
        value.string.bytes = fuzz_take(text, 1) % 16;
        if (value.string.bytes > text->bytes) value.string.bytes = text->bytes;
        value.string.data = text->data;
        text->data += value.string.bytes;
        text->bytes -= value.string.bytes;
        break;
    case CAPI_INT:
    case CAPI_LENGTH: value.integer = (int64_t)fuzz_take(text, 8); break;
    case CAPI_FLOAT:
        bits = fuzz_take(text, 8);
        memcpy(&value.real, &bits, 8);
        break;
    case CAPI_BOOL: value.boolean = fuzz_take(text, 1) & 1; break;
    case CAPI_DATETIME:
        value.instant = capi_instant_from_ms((int64_t)fuzz_take(text, 8) >> 12);
        value.instant.offset_seconds = (int32_t)(fuzz_take(text, 2) % 90000) - 45000;
        value.instant.zone_name = NULL;
        break;
    case CAPI_DECIMAL: value.decimal = capi_decimal_from_cents((int64_t)fuzz_take(text, 8)); break;
    case CAPI_MONTH: value.integer = 1 + (int64_t)(fuzz_take(text, 1) % 12); break;
    case CAPI_ZONE: value.zone = (capi_zone){0, 3, capi_zone_utc_name}; break;
    }
    return value;
}

/* A width of many digits is no mistake, it is only slow. */
static inline bool fuzz_has_long_number(capi_str text)
{
    size_t run = 0;

    for (size_t i = 0; i < text.bytes; i++) {
        run = text.data[i] >= '0' && text.data[i] <= '9' ? run + 1 : 0;
        if (run > FUZZ_WIDTH_DIGITS_MAX) return true;
    }
    return false;
}

/* A plain format and the formatter of the type say the same. */
static inline void fuzz_check_fixed(const capi_format *format, const capi_value *value, const capi_buf *buf)
{
    char text[CAPI_FLOAT_FIXED_TEXT_MAX];
    unsigned digits = 0;

    if (value->type != CAPI_FLOAT) return;
    if (capi_format_plain_of(format, CAPI_FLOAT, &digits) != CAPI_FORMAT_FIXED) return;
    CAPI_MUST(capi_str_equal((capi_str){text, capi_float_fixed_text(value->real, digits, text)}, capi_buf_str(buf)));
}

static inline void fuzz_format(const uint8_t *data, size_t bytes)
{
    capi_arena arena = {0};
    capi_value values[FUZZ_VALUE_MAX];
    uint32_t count = 0;
    capi_str text, rest;
    const capi_format *format;
    capi_buf buf = {0};

    fuzz_split(data, bytes, &text, &rest);
    if (fuzz_has_long_number(text)) return;
    while (count < FUZZ_VALUE_MAX && rest.bytes)
        values[count++] = fuzz_value(&rest);
    format = capi_format_compile(&arena, text);
    capi_format_apply(&buf, format, values, count);
    if (count == 1) fuzz_check_fixed(format, &values[0], &buf);
    for (int type = 0; type < CAPI_TYPE_STORED_COUNT; type++) {
        capi_err err = {0};

        if (capi_csv_format_check(text, (capi_type)type, &err) != CAPI_OK) CAPI_MUST(err.text_bytes > 0);
    }
    capi_buf_deinit(&buf);
    capi_arena_deinit(&arena);
}

static inline void fuzz_check_layout_fast(const capi_layout *layout, capi_str text, const capi_instant *instant,
                                          bool is_valid)
{
    int64_t fast, general;

    if (!capi_layout_parse_ms(layout, text, &fast)) return;
    CAPI_MUST(is_valid);
    CAPI_MUST(capi_instant_to_ms(instant, &general));
    CAPI_MUST(fast == general);
}

/* Both ways to write the instant agree, and neither is longer than promised. */
static inline void fuzz_check_layout_format(capi_arena *arena, const capi_layout *layout, const capi_instant *instant)
{
    char *text = capi_arena_alloc(arena, capi_layout_bytes_max(layout));
    capi_instant utc;
    capi_buf buf = {0}, shown = {0};
    size_t bytes;
    int64_t ms;

    capi_layout_format_parts(layout, instant, &buf);
    capi_layout_format(layout, instant, &shown);
    CAPI_MUST(capi_str_equal(capi_buf_str(&shown), capi_buf_str(&buf)));
    capi_buf_deinit(&shown);
    capi_buf_clear(&buf);
    CAPI_MUST(capi_instant_to_ms(instant, &ms));
    bytes = capi_layout_format_ms(layout, ms, text);
    utc = capi_instant_from_ms(ms);
    capi_layout_format_parts(layout, &utc, &buf);
    if (bytes) CAPI_MUST(capi_str_equal((capi_str){text, bytes}, capi_buf_str(&buf)));
    capi_buf_deinit(&buf);
}

static inline void fuzz_layout(const uint8_t *data, size_t bytes)
{
    capi_arena arena = {0};
    capi_str layout_text, text;
    const capi_layout *layout;
    capi_instant instant;
    bool is_valid;
    capi_err err = {0};

    fuzz_split(data, bytes, &layout_text, &text);
    layout = capi_layout_compile(&arena, layout_text);
    is_valid = capi_layout_parse_parts(layout, text, &arena, &instant, &err) == CAPI_OK;
    fuzz_check_layout_fast(layout, text, &instant, is_valid);
    if (is_valid)
        fuzz_check_layout_format(&arena, layout, &instant);
    else
        CAPI_MUST(err.text_bytes > 0);
    capi_arena_deinit(&arena);
}

static inline void fuzz_scan(const uint8_t *data, size_t bytes)
{
    capi_arena arena = {0};
    capi_str format, text;
    const capi_scan *scan;
    capi_err err = {0};
    int64_t integer;
    double real;

    fuzz_split(data, bytes, &format, &text);
    if (capi_scan_compile(&arena, format, CAPI_INT, &scan, &err) == CAPI_OK &&
        capi_scan_int(scan, text, &integer, &err) != CAPI_OK)
        CAPI_MUST(err.text_bytes > 0);
    if (capi_scan_compile(&arena, format, CAPI_FLOAT, &scan, &err) == CAPI_OK &&
        capi_scan_float(scan, text, &real, &err) != CAPI_OK)
        CAPI_MUST(err.text_bytes > 0);
    capi_arena_deinit(&arena);
}
