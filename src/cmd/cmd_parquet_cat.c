/* cmd_parquet_cat.c - "capillaries parquet cat": a Parquet file as text. */
#include "cmd/commands.h"
#include "cmd/parquet_rows.h"

#include <stdio.h>

enum { FLUSH_BYTES = 1 << 20 };

static void append_text(capi_buf *to, capi_str text)
{
    bool is_quoted = memchr(text.data ? text.data : "", ',', text.bytes) != NULL;

    if (is_quoted) capi_buf_append_byte(to, '"');
    capi_buf_append_str(to, text);
    if (is_quoted) capi_buf_append_byte(to, '"');
}

static void append_header(capi_buf *to, const capi_parquet_rows *rows)
{
    for (uint32_t i = 0; i < rows->field_count; i++) {
        if (i > 0) capi_buf_append_byte(to, ',');
        append_text(to, rows->fields[i].name);
    }
    capi_buf_append_byte(to, '\n');
}

static void append_row(capi_buf *to, const capi_parquet_rows *rows)
{
    for (uint32_t i = 0; i < rows->field_count; i++) {
        capi_value value;
        bool is_there = capi_parquet_rows_value(rows, i, &value);

        if (i > 0) capi_buf_append_byte(to, ',');
        if (is_there && value.type == CAPI_STRING)
            append_text(to, value.string);
        else if (is_there)
            capi_parquet_append_value(to, &value);
    }
    capi_buf_append_byte(to, '\n');
}

static capi_status flush(capi_buf *text, capi_err *err)
{
    if (fwrite(text->data, 1, text->bytes, stdout) != text->bytes || fflush(stdout) != 0)
        return capi_err_set(err, CAPI_UNAVAILABLE, "could not write to standard output");
    capi_buf_clear(text);
    return CAPI_OK;
}

static capi_status print_rows(capi_parquet_rows *rows, capi_buf *text, capi_err *err)
{
    bool is_there = true;

    append_header(text, rows);
    while (is_there) {
        CAPI_TRY(capi_parquet_rows_next(rows, &is_there, err));
        if (is_there) append_row(text, rows);
        if (!is_there || text->bytes >= FLUSH_BYTES) CAPI_TRY(flush(text, err));
    }
    return CAPI_OK;
}

static int command_cat(const capi_args *args)
{
    capi_parquet_rows rows = {0};
    capi_budget budget = {0};
    capi_buf text = {0};
    capi_err err = {0};
    capi_status st;

    if (!capi_parquet_tool_budget(args, &budget)) return CAPI_EXIT_USAGE;
    CAPI_TRY_OUT(capi_parquet_rows_open(capi_args_word(args, 0), &budget, &rows, &err));
    CAPI_TRY_OUT(print_rows(&rows, &text, &err));
out:
    capi_parquet_rows_close(&rows);
    capi_buf_deinit(&text);
    return st == CAPI_OK ? CAPI_EXIT_DONE : capi_parquet_tool_fail(&err);
}

static const capi_option cat_options[] = {CAPI_OPTION_PARQUET_MEMORY};

const capi_command capi_command_parquet_cat = {
    .name = "parquet cat",
    .arguments = "FILE",
    .summary = "print a Parquet file",
    .details = "A line of column names, then a line for each row. A text with a comma is put in double quotes; an "
               "empty value (null) is nothing between two commas; datetimes are in UTC.",
    .argument_min = 1,
    .argument_max = 1,
    .options = cat_options,
    .option_count = sizeof cat_options / sizeof *cat_options,
    .run = command_cat,
};
