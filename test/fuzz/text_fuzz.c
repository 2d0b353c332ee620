/* text_fuzz.c - any bytes as "layout NUL value": datetimes, numbers and Go-style formats, in and out. */
#include "vec/format.h"
#include "vec/layout.h"
#include "vec/number.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void try_layout(capi_arena *arena, capi_str pattern, capi_str value)
{
    const capi_layout *layout = capi_layout_compile(arena, pattern);
    capi_buf text = {0};
    capi_instant instant;
    capi_instant fast_instant;
    capi_err err;
    int64_t ms;
    int64_t fast_ms;
    bool is_fast = capi_layout_parse_ms(layout, value, &fast_ms);

    if (capi_layout_parse(layout, value, arena, &instant, &err) == CAPI_OK) {
        capi_layout_format(layout, &instant, &text);
        /* The fast way may give up, but never disagree. */
        if (is_fast && capi_instant_to_ms(&instant, &ms)) CAPI_MUST(ms == fast_ms);
    } else {
        CAPI_MUST(!is_fast);
    }
    if (is_fast) {
        fast_instant = capi_instant_from_ms(fast_ms);
        capi_layout_format(layout, &fast_instant, &text);
    }
    capi_buf_deinit(&text);
}

static void try_format(capi_arena *arena, capi_str format, capi_str text)
{
    capi_value values[] = {{.type = CAPI_INT, .integer = -42},
                           {.type = CAPI_FLOAT, .real = 1234.5678},
                           {.type = CAPI_STRING, .string = text},
                           {.type = CAPI_BOOL, .boolean = true}};
    const capi_scan *scan;
    capi_buf out = {0};
    capi_err err;
    int64_t integer;
    double real;

    capi_sprintf(&out, format, values, 4);
    if (capi_scan_compile(arena, format, CAPI_INT, &scan, &err) == CAPI_OK &&
        capi_scan_int(scan, text, &integer, &err) == CAPI_OK)
        capi_buf_append_byte(&out, ' ');
    if (capi_scan_compile(arena, format, CAPI_FLOAT, &scan, &err) == CAPI_OK &&
        capi_scan_float(scan, text, &real, &err) == CAPI_OK)
        capi_buf_append_byte(&out, ' ');
    capi_buf_deinit(&out);
}

static void try_numbers(capi_str text)
{
    char written[CAPI_DECIMAL_TEXT_MAX];
    capi_decimal decimal;
    capi_decimal again;
    int64_t integer;
    double real;
    bool boolean;

    capi_parse_int(text, &integer);
    capi_parse_bool(text, &boolean);
    if (capi_parse_float(text, &real) == CAPI_FLOAT_OK) capi_float_text(real, written);
    if (capi_decimal_parse(text, &decimal)) {
        size_t bytes = capi_decimal_text(&decimal, written);

        CAPI_MUST(bytes <= CAPI_DECIMAL_TEXT_MAX);
        CAPI_MUST(capi_decimal_parse((capi_str){written, bytes}, &again));
        CAPI_MUST(capi_decimal_compare(&decimal, &again) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const uint8_t *nul = bytes ? memchr(data, 0, bytes) : NULL;
    capi_str pattern = {(const char *)data, nul ? (size_t)(nul - data) : bytes};
    capi_str value = {(const char *)data + (nul ? pattern.bytes + 1 : 0), bytes - (nul ? pattern.bytes + 1 : 0)};
    capi_arena arena = {0};

    if (bytes > 1000) return 0;
    try_layout(&arena, pattern, value);
    try_format(&arena, pattern, value);
    try_numbers(value);
    capi_arena_deinit(&arena);
    return 0;
}
