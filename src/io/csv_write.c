/* csv_write.c - chunks to CSV text.
 *
 * Rows are written a block at a time. Each column of a block gets a function that writes one value: directly for the usual
 * formats, else by way of strings, which were formatted for the whole block before. Space for the block is reserved once, so
 * these functions do not check it; only what may need quotes is looked at. */
#include "io/csv.h"

#include "io/csv_quote.h"
#include "vec/number.h"

#include <stdlib.h>

enum {
    WRITE_BLOCK_ROWS = 256,
    WRITE_SLACK_BYTES = 16, /* short strings are copied with what lies behind them */
};

typedef struct csv_out csv_out;
/* Writes the value of one row and returns the end. */
typedef char *(*write_fn)(const csv_out *column, const capi_vec *vec, uint32_t row, char *to);

struct csv_out {
    capi_csv_out_column given;
    capi_csv_special special;  /* bytes that ask for quotes */
    write_fn write;            /* for vectors in stored form; NULL: all go the general way */
    size_t bytes_max;          /* of what it writes; strings have no bound */
    unsigned digits;           /* behind the point, of fixed floats */
    const capi_format *format; /* but for datetimes: */
    const capi_layout *layout;
};

struct capi_csv_writer {
    capi_csv_special special;
    uint32_t column_count;
    csv_out *columns;
};

/* ---- direct ways ---- */

static char *write_string(const csv_out *column, const capi_vec *vec, uint32_t row, char *to)
{
    return capi_csv_put_view(&column->special, &vec->views[row], to);
}

static char *write_int(const csv_out *column, const capi_vec *vec, uint32_t row, char *to)
{
    (void)column;
    return to + capi_int_text(vec->int64s[row], to);
}

static char *write_cents(const csv_out *column, const capi_vec *vec, uint32_t row, char *to)
{
    (void)column;
    return to + capi_cents_text_fixed(vec->int64s[row], to);
}

static char *write_bool(const csv_out *column, const capi_vec *vec, uint32_t row, char *to)
{
    bool value = vec->bools[row] != 0;

    (void)column;
    memcpy(to, value ? "true\0\0\0" : "false\0\0", 8);
    return to + 5 - value;
}

static char *write_float_shortest(const csv_out *column, const capi_vec *vec, uint32_t row, char *to)
{
    (void)column;
    return to + capi_float_text(vec->doubles[row], to);
}

static char *write_float_fixed(const csv_out *column, const capi_vec *vec, uint32_t row, char *to)
{
    return to + capi_float_fixed_text(vec->doubles[row], column->digits, to);
}

static char *write_datetime(const csv_out *column, const capi_vec *vec, uint32_t row, char *to)
{
    return to + capi_layout_format_ms(column->layout, vec->int64s[row], to);
}

/* ---- the general way ---- */

/* Two digits behind the point, however large. */
static void append_decimal(capi_buf *to, const capi_decimal *value)
{
    char text[CAPI_DECIMAL_TEXT_MAX];
    capi_decimal rounded = *value;
    int64_t cents;
    size_t bytes;
    const char *point;

    if (capi_decimal_to_cents(value, &cents)) {
        capi_buf_append(to, text, capi_cents_text_fixed(cents, text));
        return;
    }
    if (!capi_decimal_round(value, 2, &rounded)) rounded = *value;
    bytes = capi_decimal_text(&rounded, text);
    capi_buf_append(to, text, bytes);
    point = memchr(text, '.', bytes);
    if (!point)
        capi_buf_append_text(to, ".00");
    else if (text + bytes - point == 2)
        capi_buf_append_byte(to, '0');
}

static void append_value(const csv_out *column, const capi_value *value, capi_buf *decimal, capi_buf *to)
{
    capi_value text = {.type = CAPI_STRING};

    if (column->layout) {
        capi_layout_format(column->layout, &value->instant, to);
        return;
    }
    if (value->type != CAPI_DECIMAL) {
        capi_format_apply(to, column->format, value, 1);
        return;
    }
    capi_buf_clear(decimal);
    append_decimal(decimal, &value->decimal);
    text.string = capi_buf_str(decimal);
    capi_format_apply(to, column->format, &text, 1);
}

/* ---- blocks ---- */

/* A column while a block is written. */
typedef struct csv_block_column {
    const csv_out *column;
    write_fn write;
    const capi_vec *vec;
    const uint32_t *rows; /* [row of the block]: row of vec */
    capi_vec texts;       /* of the general way: views of `buf` */
    capi_buf buf;
} csv_block_column;

typedef struct csv_block {
    uint32_t row_count;
    uint32_t rows[WRITE_BLOCK_ROWS];    /* of the vectors */
    uint32_t numbers[WRITE_BLOCK_ROWS]; /* 0, 1, 2, ...: for `texts` */
    size_t ends[WRITE_BLOCK_ROWS];      /* of the texts while they are formatted */
    capi_buf decimal;
} csv_block;

static const uint32_t all_zero[WRITE_BLOCK_ROWS]; /* rows of a constant */

/* Formats the column's values to views, which write_string can write. */
static void format_column(csv_block *block, csv_block_column *state)
{
    const char *text;
    size_t start = 0;

    capi_buf_clear(&state->buf);
    for (uint32_t i = 0; i < block->row_count; i++) {
        capi_value value = capi_vec_get(state->vec, state->rows[i]);

        append_value(state->column, &value, &block->decimal, &state->buf);
        block->ends[i] = state->buf.bytes;
    }
    if (!state->texts.views) state->texts.views = capi_malloc(WRITE_BLOCK_ROWS * sizeof(capi_view));
    text = state->buf.data;
    for (uint32_t i = 0; i < block->row_count; i++) {
        state->texts.views[i] = capi_view_make(text + start, block->ends[i] - start);
        start = block->ends[i];
    }
    state->vec = &state->texts;
    state->rows = block->numbers;
}

/* True if capi_layout_format_ms can write all values: years 0 to 9999. */
static bool dates_are_usual(const csv_block *block, const csv_block_column *state)
{
    const int64_t low = INT64_C(-62167219200000), high = INT64_C(253402300799999);
    bool is_usual = true;

    for (uint32_t i = 0; i < block->row_count; i++) {
        int64_t ms = state->vec->int64s[state->rows[i]];

        is_usual &= (ms >= low) & (ms <= high);
    }
    return is_usual;
}

static size_t string_bytes(const csv_block *block, const csv_block_column *state)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < block->row_count; i++)
        bytes += state->vec->views[state->rows[i]].bytes;
    return bytes;
}

/* Settles how the column is written in this block; returns the most bytes that takes. */
static size_t begin_column(csv_block *block, const csv_out *column, const capi_vec *vec, csv_block_column *state)
{
    state->column = column;
    state->vec = vec;
    state->rows = vec->is_constant ? all_zero : block->rows;
    state->write = vec->form == capi_form_stored(vec->type) ? column->write : NULL;
    if (state->write == write_datetime && !dates_are_usual(block, state)) state->write = NULL;
    if (!state->write) {
        format_column(block, state);
        state->write = write_string;
    }
    if (state->write != write_string) return column->bytes_max * block->row_count;
    return 2 * string_bytes(block, state) + (2 + WRITE_SLACK_BYTES) * (size_t)block->row_count;
}

static char *put_rows(const capi_csv_writer *writer, const csv_block *block, const csv_block_column *states, char *to)
{
    const capi_str separator = writer->special.separator;

    for (uint32_t i = 0; i < block->row_count; i++) {
        for (uint32_t c = 0; c < writer->column_count; c++) {
            const csv_block_column *state = &states[c];

            if (separator.bytes == 1)
                *to = separator.data[0];
            else if (separator.bytes)
                memcpy(to, separator.data, separator.bytes);
            if (c) to += separator.bytes;
            to = state->write(state->column, state->vec, state->rows[i], to);
        }
        *to++ = '\n';
    }
    return to;
}

/* One block of rows, numbered in block->rows. */
static void write_block(const capi_csv_writer *writer, csv_block *block, const capi_vec *columns,
                        csv_block_column *states, capi_buf *to)
{
    size_t line_bytes = writer->column_count * writer->special.separator.bytes + 1;
    size_t bytes = WRITE_SLACK_BYTES + line_bytes * block->row_count;
    char *start;

    for (uint32_t c = 0; c < writer->column_count; c++)
        bytes += begin_column(block, &writer->columns[c], &columns[c], &states[c]);
    start = capi_buf_reserve(to, bytes);
    to->bytes += (size_t)(put_rows(writer, block, states, start) - start);
}

void capi_csv_write_rows(const capi_csv_writer *writer, const capi_vec *columns, const uint32_t *rows,
                         uint32_t row_count, capi_buf *to)
{
    csv_block_column few_states[32]; /* callers may write a row at a time: no allocation for that */
    csv_block_column *states = few_states;
    csv_block block;

    block.decimal = (capi_buf){0};
    if (writer->column_count > sizeof few_states / sizeof few_states[0])
        states = capi_malloc(writer->column_count * sizeof *states);
    memset(states, 0, writer->column_count * sizeof *states);
    for (uint32_t from = 0; from < row_count; from += block.row_count) {
        block.row_count = row_count - from < WRITE_BLOCK_ROWS ? row_count - from : WRITE_BLOCK_ROWS;
        for (uint32_t i = 0; i < block.row_count; i++) {
            block.rows[i] = rows ? rows[from + i] : from + i;
            block.numbers[i] = i;
        }
        write_block(writer, &block, columns, states, to);
    }
    for (uint32_t c = 0; c < writer->column_count; c++) {
        free(states[c].texts.views);
        capi_buf_deinit(&states[c].buf);
    }
    capi_buf_deinit(&block.decimal);
    if (states != few_states) free(states);
}

void capi_csv_write_header(const capi_csv_writer *writer, capi_buf *to)
{
    for (uint32_t c = 0; c < writer->column_count; c++) {
        if (c) capi_buf_append_str(to, writer->special.separator);
        capi_csv_quote(writer->special.separator, writer->columns[c].given.header, to);
    }
    capi_buf_append_text(to, "\r\n");
}

/* ---- making a writer ---- */

/* True if no number, bool or usual datetime can hold the separator. */
static bool separator_is_usual(capi_str separator)
{
    char first = separator.bytes ? separator.data[0] : ',';

    return first == ',' || first == ';' || first == '|' || first == '\t';
}

/* True if a datetime written with the layout may need quotes. */
static bool layout_is_special(const capi_csv_special *special, capi_str layout)
{
    for (size_t i = 0; i < layout.bytes; i++)
        if (layout.data[i] == '"' || capi_csv_is_special(special, layout.data[i])) return true;
    return false;
}

static void choose_datetime(csv_out *column)
{
    char text[256];
    size_t bytes_max = capi_layout_bytes_max(column->layout);

    if (bytes_max == 0 || bytes_max > sizeof text || layout_is_special(&column->special, column->given.format)) return;
    if (capi_layout_format_ms(column->layout, 0, text) == 0) return; /* a layout that needs the general way */
    column->write = write_datetime;
    column->bytes_max = bytes_max;
}

/* Takes a direct way where there is one that writes nothing which needs quotes. */
static void choose_way(csv_out *column)
{
    bool is_decimal = column->given.type == CAPI_DECIMAL;

    if (column->given.type != CAPI_STRING && !separator_is_usual(column->special.separator)) return;
    if (column->layout) {
        choose_datetime(column);
        return;
    }
    switch (capi_format_plain_of(column->format, column->given.type, &column->digits)) {
    case CAPI_FORMAT_NOT_PLAIN: break;
    case CAPI_FORMAT_TEXT:
        column->write = is_decimal ? write_cents : write_string;
        column->bytes_max = 32;
        break;
    case CAPI_FORMAT_INT:
        column->write = write_int;
        column->bytes_max = CAPI_NUMBER_TEXT_MAX;
        break;
    case CAPI_FORMAT_FIXED:
        column->write = write_float_fixed;
        column->bytes_max = CAPI_FLOAT_FIXED_TEXT_MAX;
        break;
    case CAPI_FORMAT_SHORTEST:
        column->write = write_float_shortest;
        column->bytes_max = CAPI_NUMBER_TEXT_MAX;
        break;
    case CAPI_FORMAT_BOOL:
        column->write = write_bool;
        column->bytes_max = 8;
        break;
    }
}

static capi_status open_column(csv_out *column, capi_arena *arena, capi_err *err)
{
    const capi_csv_out_column *given = &column->given;

    if (given->type == CAPI_DATETIME) {
        if (given->format.bytes == 0)
            return capi_err_set(err, CAPI_INVALID, "a datetime column needs a layout as its format");
        column->layout = capi_layout_compile(arena, given->format);
    } else {
        CAPI_TRY(capi_csv_format_check(given->format, given->type, err));
        column->format = capi_format_compile(arena, given->format);
    }
    choose_way(column);
    return CAPI_OK;
}

capi_status capi_csv_writer_new(capi_arena *arena, capi_str separator, const capi_csv_out_column *columns,
                                uint32_t column_count, const capi_csv_writer **out, capi_err *err)
{
    capi_csv_writer *writer = capi_new(arena, capi_csv_writer);
    capi_err cause;

    memset(&cause, 0, offsetof(capi_err, text) + 1);
    writer->special = capi_csv_special_of(capi_str_copy(arena, separator));
    writer->column_count = column_count;
    writer->columns = capi_new_array(arena, csv_out, column_count);
    for (uint32_t i = 0; i < column_count; i++) {
        csv_out *column = &writer->columns[i];

        column->given = columns[i];
        column->given.header = capi_str_copy(arena, columns[i].header);
        column->given.format = capi_str_copy(arena, columns[i].format);
        column->special = writer->special;
        if (open_column(column, arena, &cause) != CAPI_OK)
            return capi_err_set(err, CAPI_INVALID, "column \"%.*s\": %s", CAPI_STR_ARG(columns[i].header), cause.text);
    }
    *out = writer;
    return CAPI_OK;
}
