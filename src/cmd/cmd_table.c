/* cmd_table.c - "capillaries table head" and "table export": look at a table that a run made. */
#include "cmd/commands.h"
#include "cmd/listing.h"
#include "cmd/table_cell.h"
#include "cmd/table_view.h"

#include "base/file.h"

#include <stdio.h>
#include <unistd.h>

enum { HEAD_ROWS = 10 };

/* One row more than fits a screen is nobody's head; the text of all cells is held in memory. */
enum { HEAD_ROWS_MAX = 100000 };

/* ---- head ---- */

static capi_cell_kind cell_kind(capi_type type)
{
    switch (type) {
    case CAPI_INT: return CAPI_CELL_INTEGER;
    case CAPI_FLOAT: return CAPI_CELL_REAL;
    case CAPI_DECIMAL: return CAPI_CELL_DECIMAL;
    case CAPI_BOOL: return CAPI_CELL_BOOL;
    default: return CAPI_CELL_TEXT;
    }
}

static capi_status head_take(void *context, const capi_chunk *chunk, uint64_t first_row, capi_err *err)
{
    capi_listing *listing = context;
    capi_buf text = {0};

    (void)first_row;
    (void)err;
    for (uint32_t row = 0; row < chunk->row_count; row++)
        for (uint32_t column = 0; column < chunk->column_count; column++) {
            capi_value value = capi_vec_get(&chunk->columns[column], row);

            capi_buf_clear(&text);
            capi_table_append_cell(&text, &value);
            capi_listing_add(listing, capi_buf_str(&text));
        }
    capi_buf_deinit(&text);
    return CAPI_OK;
}

static capi_status head_show(capi_table_view *view, uint64_t rows, capi_output output, capi_err *err)
{
    uint64_t total = view->input.content.row_count;
    capi_listing_column *columns = capi_new_array(&view->arena, capi_listing_column, view->schema.field_count);
    capi_listing listing = {.columns = columns, .column_count = view->schema.field_count};
    capi_status st;

    for (uint32_t i = 0; i < view->schema.field_count; i++)
        columns[i] = (capi_listing_column){capi_str_copy(&view->arena, view->schema.fields[i].name).data,
                                           cell_kind(view->schema.fields[i].type)};
    if (rows > total) rows = total;
    st =
        capi_table_scan(capi_engine_exec(view->engine), &view->input, &view->schema, 0, rows, head_take, &listing, err);
    if (st == CAPI_OK) {
        capi_listing_print(&listing, output);
        fprintf(stderr, "%llu of %llu rows\n", (unsigned long long)rows, (unsigned long long)total);
    }
    capi_listing_deinit(&listing);
    return st;
}

/* ---- export ---- */

typedef struct export_job {
    const capi_csv_writer *writer;
    capi_file_writer *file; /* NULL: standard output */
    capi_buf buf;
} export_job;

static const char *export_format(capi_type type)
{
    switch (type) {
    case CAPI_INT: return "%d";
    case CAPI_FLOAT: return "%v";
    case CAPI_BOOL: return "%t";
    case CAPI_DATETIME: return "2006-01-02T15:04:05.000Z07:00";
    default: return "%s";
    }
}

static capi_status export_flush(export_job *export, capi_err *err)
{
    if (export->file) {
        CAPI_TRY(capi_file_write(export->file, export->buf.data, export->buf.bytes, err));
    } else if (fwrite(export->buf.data, 1, export->buf.bytes, stdout) != export->buf.bytes) {
        return capi_err_set(err, CAPI_UNAVAILABLE, "could not write to standard output");
    }
    capi_buf_clear(&export->buf);
    return CAPI_OK;
}

static capi_status export_chunk(void *context, const capi_chunk *chunk, uint64_t first_row, capi_err *err)
{
    export_job *export = context;

    (void)first_row;
    capi_csv_write_rows(export->writer, chunk->columns, NULL, chunk->row_count, &export->buf);
    return export->buf.bytes >= 1 << 20 ? export_flush(export, err) : CAPI_OK;
}

static capi_status export_open(export_job *export, capi_table_view *view, const char *path, const char *separator,
                               capi_err *err)
{
    uint32_t count = view->schema.field_count;
    capi_csv_out_column *columns = capi_new_array(&view->arena, capi_csv_out_column, count);

    for (uint32_t i = 0; i < count; i++)
        columns[i] =
            (capi_csv_out_column){view->schema.fields[i].name, capi_str_of(export_format(view->schema.fields[i].type)),
                                  view->schema.fields[i].type};
    CAPI_TRY(capi_csv_writer_new(&view->arena, capi_str_of(separator), columns, count, &export->writer, err));
    if (!path) return CAPI_OK;
    return capi_file_create_beside(path, "export", &export->file, err);
}

static capi_status export_all(capi_table_view *view, const char *path, const char *separator, capi_err *err)
{
    export_job export = {0};
    capi_status st;

    CAPI_TRY_OUT(export_open(&export, view, path, separator, err));
    capi_csv_write_header(export.writer, &export.buf);
    CAPI_TRY_OUT(capi_table_scan(capi_engine_exec(view->engine), &view->input, &view->schema, 0,
                                 view->input.content.row_count, export_chunk, &export, err));
    CAPI_TRY_OUT(export_flush(&export, err));
    if (export.file) {
        capi_file_writer *file = export.file;

        export.file = NULL;
        st = capi_file_publish(file, err);
    } else if (fflush(stdout) != 0) {
        st = capi_err_set(err, CAPI_UNAVAILABLE, "could not write to standard output");
    }
out:
    capi_file_writer_close(export.file);
    capi_buf_deinit(&export.buf);
    return st;
}

/* ---- commands ---- */

static capi_status show_head(capi_table_view *view, const capi_args *args, capi_err *err)
{
    uint64_t rows = HEAD_ROWS;
    capi_output output;

    if (!capi_args_output(args, &output)) return capi_err_set(err, CAPI_INVALID, "nothing was shown");
    if (!capi_args_number(args, "rows", 0, HEAD_ROWS_MAX, &rows))
        return capi_err_set(err, CAPI_INVALID, "nothing was shown");
    return head_show(view, rows, output, err);
}

static capi_status show_export(capi_table_view *view, const capi_args *args, capi_err *err)
{
    const char *format = capi_args_value(args, "format");
    const char *separator = capi_args_value(args, "separator");

    if (format && strcmp(format, "csv") != 0)
        return capi_err_set(err, CAPI_INVALID, "option \"--format\" is \"%s\", expected csv", format);
    return export_all(view, capi_args_value(args, "to"), separator ? separator : ",", err);
}

static int command_head(const capi_args *args)
{
    return capi_with_table_view(args, show_head);
}

static int command_export(const capi_args *args)
{
    return capi_with_table_view(args, show_export);
}

static const capi_option head_options[] = {
    {"rows", "N", "how many rows (default: 10)", false},
    CAPI_OPTION_OUTPUT,
    CAPI_OPTIONS_TABLE,
};

static const capi_option export_options[] = {
    {"format", "csv", "format of the file (default: csv)", false},
    {"separator", "TEXT", "between the columns (default: a comma)", false},
    {"to", "FILE", "file to write (default: standard output)", false},
    CAPI_OPTIONS_TABLE,
};

const capi_command capi_command_table_head = {
    .name = "table head",
    .arguments = "TABLE",
    .summary = "show the first rows of a table",
    .argument_min = 1,
    .argument_max = 1,
    .options = head_options,
    .option_count = sizeof head_options / sizeof *head_options,
    .run = command_head,
};

const capi_command capi_command_table_export = {
    .name = "table export",
    .arguments = "TABLE",
    .summary = "write a table to a file or to standard output",
    .argument_min = 1,
    .argument_max = 1,
    .options = export_options,
    .option_count = sizeof export_options / sizeof *export_options,
    .run = command_export,
};
