/* table_scan.c - the rows of a table in order, for whoever looks at tables. */
#include "exec/exec.h"

#include <stdlib.h>

static capi_status scan_block(capi_table_reader *reader, const capi_schema *schema, uint64_t index, uint64_t from,
                              uint64_t to, capi_vec *columns, capi_table_chunk_fn fn, void *context, capi_err *err)
{
    uint64_t block_row = capi_table_reader_first_row(reader, index);
    capi_block block = {0};
    capi_status st = CAPI_OK;

    CAPI_TRY(capi_table_read_block(reader, index, NULL, false, &block, err));
    for (uint64_t row = from; row < to && st == CAPI_OK; row += CAPI_CHUNK_ROWS) {
        uint64_t left = to - row;
        capi_chunk chunk = {columns, schema->field_count, left < CAPI_CHUNK_ROWS ? (uint32_t)left : CAPI_CHUNK_ROWS};

        for (uint32_t column = 0; column < schema->field_count; column++)
            columns[column] = capi_vec_slice(&block.columns[column], (uint32_t)(row - block_row));
        st = fn(context, &chunk, row, err);
    }
    capi_block_release(&block);
    return st;
}

capi_status capi_table_scan(capi_exec *exec, const capi_table_input *input, const capi_schema *schema, uint64_t from,
                            uint64_t count, capi_table_chunk_fn fn, void *context, capi_err *err)
{
    capi_table_reader *reader = NULL;
    capi_vec *columns = capi_malloc((schema->field_count + 1) * sizeof *columns);
    uint64_t row_count, end;
    capi_status st;

    CAPI_TRY_OUT(capi_table_reader_open(exec->tables, &input->address, schema, &input->content, &reader, err));
    row_count = capi_table_reader_row_count(reader);
    end = from < row_count && count < row_count - from ? from + count : row_count;
    for (uint64_t row = from; row < end && st == CAPI_OK;) {
        uint64_t block = capi_table_reader_find_block(reader, row);
        uint64_t block_end = capi_table_reader_first_row(reader, block + 1);
        uint64_t to = block_end < end ? block_end : end;

        st = scan_block(reader, schema, block, row, to, columns, fn, context, err);
        row = to;
    }
out:
    capi_table_reader_close(reader);
    free(columns);
    return st;
}
