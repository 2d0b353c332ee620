/* cmd_table.c - "capillaries table head" and "table export": look at a table that a run made. */
#include "cmd/commands.h"
#include "cmd/table_view.h"

#include "base/file.h"

#include <stdio.h>
#include <unistd.h>

enum { HEAD_ROWS = 10, HEAD_CELL_MAX = 60 };

/* One row more than fits a screen is nobody's head; the text of all cells is held in memory. */
enum { HEAD_ROWS_MAX = 100000 };

/* ---- head ---- */

typedef struct head_table {
    capi_arena *arena;
    const capi_schema *schema;
    capi_str *cells; /* row by row */
    uint64_t row_count;
} head_table;

static capi_str cell_text(const capi_value *value, capi_arena *arena)
{
    capi_buf buf = {0};
    capi_str text;

    capi_value_append_text(&buf, value);
    for (size_t i = 0; i < buf.bytes; i++)
        if ((unsigned char)buf.data[i] < 0x20 || buf.data[i] == 0x7f) buf.data[i] = ' ';
    text = capi_str_copy(arena, capi_buf_str(&buf));
    capi_buf_deinit(&buf);
    return text;
}

static capi_status head_take(void *context, const capi_chunk *chunk, uint64_t first_row, capi_err *err)
{
    head_table *head = context;

    (void)first_row;
    (void)err;
    for (uint32_t row = 0; row < chunk->row_count; row++, head->row_count++)
        for (uint32_t column = 0; column < chunk->column_count; column++) {
            capi_value value = capi_vec_get(&chunk->columns[column], row);

            head->cells[head->row_count * chunk->column_count + column] = cell_text(&value, head->arena);
        }
    return CAPI_OK;
}

static size_t characters(capi_str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.bytes; i++)
        count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

/* The first HEAD_CELL_MAX characters. */
static capi_str cut(capi_str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.bytes; i++)
        if (((unsigned char)text.data[i] & 0xC0) != 0x80 && count++ == HEAD_CELL_MAX) {
            text.bytes = i;
            break;
        }
    return text;
}

static bool is_numeric(capi_type type)
{
    return type == CAPI_INT || type == CAPI_FLOAT || type == CAPI_DECIMAL;
}

static void print_cell(capi_str text, size_t width, bool is_right, bool is_last)
{
    int pad = (int)(width - characters(text));

    if (is_right)
        printf("%*s%.*s", pad, "", CAPI_STR_ARG(text));
    else
        printf("%.*s%*s", CAPI_STR_ARG(text), is_last ? 0 : pad, "");
    printf(is_last ? "\n" : "  ");
}

static void head_print(const head_table *head)
{
    uint32_t columns = head->schema->field_count;
    size_t *widths = capi_new_array(head->arena, size_t, columns);

    for (uint32_t c = 0; c < columns; c++) {
        widths[c] = characters(cut(head->schema->fields[c].name));
        for (uint64_t r = 0; r < head->row_count; r++) {
            size_t width = characters(cut(head->cells[r * columns + c]));

            if (width > widths[c]) widths[c] = width;
        }
    }
    for (uint32_t c = 0; c < columns; c++)
        print_cell(cut(head->schema->fields[c].name), widths[c], is_numeric(head->schema->fields[c].type),
                   c + 1 == columns);
    for (uint64_t r = 0; r < head->row_count; r++)
        for (uint32_t c = 0; c < columns; c++)
            print_cell(cut(head->cells[r * columns + c]), widths[c], is_numeric(head->schema->fields[c].type),
                       c + 1 == columns);
}

static capi_status head_show(capi_table_view *view, uint64_t rows, capi_err *err)
{
    uint64_t total = view->input.content.row_count;
    head_table head = {.arena = &view->arena, .schema = &view->schema};

    if (rows > total) rows = total;
    head.cells = capi_new_array(&view->arena, capi_str, rows * view->schema.field_count + 1);
    CAPI_TRY(
        capi_table_scan(capi_engine_exec(view->engine), &view->input, &view->schema, 0, rows, head_take, &head, err));
    head_print(&head);
    fprintf(stderr, "%llu of %llu rows\n", (unsigned long long)rows, (unsigned long long)total);
    return CAPI_OK;
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

    if (!capi_args_number(args, "rows", 0, HEAD_ROWS_MAX, &rows))
        return capi_err_set(err, CAPI_INVALID, "nothing was shown");
    return head_show(view, rows, err);
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
