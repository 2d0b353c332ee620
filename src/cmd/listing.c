/* listing.c - collects cells, prints them in one of three forms. */
#include "cmd/listing.h"

#include "cmd/json_text.h"
#include "vec/instant.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CELL_SHOWN_MAX = 100 };

bool capi_args_output(const capi_args *args, capi_output *out)
{
    const char *text = capi_args_value(args, "output");

    *out = CAPI_OUTPUT_TABLE;
    if (!text || strcmp(text, "table") == 0) return true;
    *out = strcmp(text, "json") == 0 ? CAPI_OUTPUT_JSON : CAPI_OUTPUT_CSV;
    if (*out == CAPI_OUTPUT_JSON || strcmp(text, "csv") == 0) return true;
    fprintf(stderr, "error: option \"--output\" is \"%s\", expected table, json or csv\n", text);
    return false;
}

void capi_listing_add(capi_listing *listing, capi_str text)
{
    if (listing->cell_count == listing->cell_capacity) {
        listing->cell_capacity = listing->cell_capacity ? listing->cell_capacity * 2 : 64;
        listing->cells = capi_realloc(listing->cells, capi_array_bytes(listing->cell_capacity, sizeof *listing->cells));
    }
    listing->cells[listing->cell_count++] = capi_str_copy(&listing->arena, text);
}

void capi_listing_addf(capi_listing *listing, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    capi_listing_add(listing, capi_str_of(text));
}

void capi_listing_add_time(capi_listing *listing, int64_t ms)
{
    if (ms)
        capi_listing_add_moment(listing, ms);
    else
        capi_listing_add(listing, CAPI_STR(""));
}

void capi_listing_add_moment(capi_listing *listing, int64_t ms)
{
    capi_instant instant = capi_instant_from_ms(ms);
    capi_civil civil;

    capi_instant_to_civil(&instant, &civil);
    capi_listing_addf(listing, "%04lld-%02u-%02uT%02u:%02u:%02u.%03uZ", (long long)civil.year, civil.month, civil.day,
                      civil.hour, civil.minute, civil.second, civil.nanoseconds / 1000000);
}

static size_t row_count(const capi_listing *listing)
{
    return listing->cell_count / listing->column_count;
}

static const capi_str *cell(const capi_listing *listing, size_t row, uint32_t column)
{
    return &listing->cells[row * listing->column_count + column];
}

/* ---- for people ---- */

static size_t characters(capi_str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.bytes; i++)
        count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

static bool is_right(const capi_listing_column *column)
{
    return column->kind == CAPI_CELL_INTEGER || column->kind == CAPI_CELL_REAL || column->kind == CAPI_CELL_DECIMAL;
}

/* The first line, at most CELL_SHOWN_MAX characters of it. */
static capi_str shown(capi_str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] == '\n') return capi_str_slice(text, 0, i);
        if (((unsigned char)text.data[i] & 0xC0) != 0x80 && count++ == CELL_SHOWN_MAX)
            return capi_str_slice(text, 0, i);
    }
    return text;
}

/* Control characters of ASCII, and those of U+0080 .. U+009F, which some terminals obey too. */
static size_t control_bytes(capi_str text, size_t at)
{
    unsigned char byte = (unsigned char)text.data[at];

    if (byte < 0x20 || byte == 0x7f) return 1;
    return byte == 0xC2 && at + 1 < text.bytes && ((unsigned char)text.data[at + 1] & 0xE0) == 0x80 ? 2 : 0;
}

void capi_append_plainly(capi_buf *to, capi_str text)
{
    for (size_t i = 0; i < text.bytes;) {
        size_t control = control_bytes(text, i);

        capi_buf_append_byte(to, control ? ' ' : text.data[i]);
        i += control ? control : 1;
    }
}

void capi_print_plainly(capi_str text)
{
    capi_buf plain = {0};

    capi_append_plainly(&plain, text);
    if (plain.bytes) fwrite(plain.data, 1, plain.bytes, stdout);
    capi_buf_deinit(&plain);
}

static void print_cell(capi_str text, size_t width, bool at_right, bool is_last)
{
    int pad = (int)(width - characters(text));

    printf("%*s", at_right ? pad : 0, "");
    capi_print_plainly(text);
    printf("%*s%s", at_right || is_last ? 0 : pad, "", is_last ? "\n" : "  ");
}

static void print_table(const capi_listing *listing)
{
    uint32_t columns = listing->column_count;
    size_t *widths = capi_zmalloc(columns * sizeof *widths);

    for (uint32_t c = 0; c < columns; c++) {
        widths[c] = strlen(listing->columns[c].name);
        for (size_t r = 0; r < row_count(listing); r++) {
            size_t width = characters(shown(*cell(listing, r, c)));

            if (width > widths[c]) widths[c] = width;
        }
    }
    for (uint32_t c = 0; c < columns; c++)
        print_cell(capi_str_of(listing->columns[c].name), widths[c], is_right(&listing->columns[c]), c + 1 == columns);
    for (size_t r = 0; r < row_count(listing); r++)
        for (uint32_t c = 0; c < columns; c++)
            print_cell(shown(*cell(listing, r, c)), widths[c], is_right(&listing->columns[c]), c + 1 == columns);
    free(widths);
}

/* ---- for programs ---- */

static json_t *cell_json(capi_str text, capi_cell_kind kind)
{
    double real;

    switch (kind) {
    case CAPI_CELL_INTEGER: return json_integer(strtoll(text.data, NULL, 10));
    case CAPI_CELL_REAL: real = strtod(text.data, NULL); return isfinite(real) ? json_real(real) : capi_json_text(text);
    case CAPI_CELL_BOOL: return json_boolean(capi_str_is(text, "true"));
    case CAPI_CELL_TEXT:
    case CAPI_CELL_DECIMAL: break;
    }
    return capi_json_text(text);
}

static void print_json(const capi_listing *listing)
{
    json_t *rows = json_array();

    for (size_t r = 0; r < row_count(listing); r++) {
        json_t *row = json_object();

        for (uint32_t c = 0; c < listing->column_count; c++)
            json_object_set_new(row, listing->columns[c].name,
                                cell_json(*cell(listing, r, c), listing->columns[c].kind));
        json_array_append_new(rows, row);
    }
    capi_json_print(rows);
}

static void print_csv_cell(capi_str text, bool is_last)
{
    bool needs_quotes = false;

    for (size_t i = 0; i < text.bytes; i++)
        needs_quotes = needs_quotes || strchr(",\"\r\n", text.data[i]);
    if (needs_quotes) putchar('"');
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] == '"') putchar('"');
        putchar(text.data[i]);
    }
    if (needs_quotes) putchar('"');
    putchar(is_last ? '\n' : ',');
}

static void print_csv(const capi_listing *listing)
{
    for (uint32_t c = 0; c < listing->column_count; c++)
        print_csv_cell(capi_str_of(listing->columns[c].name), c + 1 == listing->column_count);
    for (size_t r = 0; r < row_count(listing); r++)
        for (uint32_t c = 0; c < listing->column_count; c++)
            print_csv_cell(*cell(listing, r, c), c + 1 == listing->column_count);
}

void capi_listing_print(const capi_listing *listing, capi_output output)
{
    switch (output) {
    case CAPI_OUTPUT_TABLE: print_table(listing); break;
    case CAPI_OUTPUT_JSON: print_json(listing); break;
    case CAPI_OUTPUT_CSV: print_csv(listing); break;
    }
}

void capi_listing_deinit(capi_listing *listing)
{
    free(listing->cells);
    capi_arena_deinit(&listing->arena);
}
