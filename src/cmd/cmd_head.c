/* cmd_head.c - "capillaries table head": look at a table that a run made. */
#include "cmd/commands.h"
#include "cmd/listing.h"
#include "cmd/table_cell.h"
#include "cmd/table_view.h"

#include <stdio.h>

enum { HEAD_ROWS = 10 };

/* One row more than fits a screen is nobody's head; the text of all cells is held in memory. */
enum { HEAD_ROWS_MAX = 100000 };

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

static capi_status show_head(capi_table_view *view, const capi_args *args, capi_err *err)
{
    uint64_t rows = HEAD_ROWS;
    capi_output output;

    if (!capi_args_output(args, &output)) return capi_err_set(err, CAPI_INVALID, "nothing was shown");
    if (!capi_args_number(args, "rows", 0, HEAD_ROWS_MAX, &rows))
        return capi_err_set(err, CAPI_INVALID, "nothing was shown");
    return head_show(view, rows, output, err);
}

static int command_head(const capi_args *args)
{
    return capi_with_table_view(args, show_head);
}

static const capi_option head_options[] = {
    {"rows", "N", "how many rows (default: 10)", false},
    CAPI_OPTION_OUTPUT,
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
