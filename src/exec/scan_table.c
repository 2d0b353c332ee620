/* scan_table.c - a batch's share of its source table, block by block, cut at the borders of the batch. */
#include "exec/scan.h"

#include <stdlib.h>

typedef struct scan_table {
    exec_scan base;
    capi_table_reader *reader;
    bool *needed;
    uint32_t column_count;
    uint64_t begin, end; /* rows of the share */
    uint64_t first_block;
} scan_table;

capi_status exec_scan_finish(exec_scan *scan, capi_err *err)
{
    return scan->finish ? scan->finish(scan, err) : CAPI_OK;
}

void exec_scan_close(exec_scan *scan)
{
    if (scan) scan->close(scan);
}

void exec_scan_blame_row(const exec_scan *scan, uint64_t row, capi_err *err)
{
    if (scan->table.bytes)
        exec_err_prefix(err, "row %llu of table \"%.*s\"", (unsigned long long)row, CAPI_STR_ARG(scan->table));
    else if (err && err->status != CAPI_OK)
        err->offset = (int64_t)row; /* the scan of the file says the place */
}

/* Gives the rows from..to of a block as chunks. */
static capi_status give_rows(const scan_table *scan, const capi_block *block, uint64_t block_row, uint64_t from,
                             uint64_t to, exec_rows_fn fn, void *context, capi_err *err)
{
    capi_vec *columns = capi_malloc((scan->column_count + 1) * sizeof *columns);
    capi_status st = CAPI_OK;

    for (uint64_t row = from; row < to && st == CAPI_OK; row += scan->base.chunk_rows) {
        exec_rows rows = {.columns = columns, .first_row = row};

        rows.row_count = to - row < scan->base.chunk_rows ? (uint32_t)(to - row) : scan->base.chunk_rows;
        for (uint32_t column = 0; column < scan->column_count; column++)
            if (scan->needed[column])
                columns[column] = capi_vec_slice(&block->columns[column], (uint32_t)(row - block_row));
        st = fn(context, &rows, err);
    }
    free(columns);
    return st;
}

static capi_status scan_table_read(exec_scan *base, uint32_t worker, uint64_t morsel, exec_rows_fn fn, void *context,
                                   capi_err *err)
{
    scan_table *scan = (scan_table *)base;
    uint64_t index = scan->first_block + morsel;
    uint64_t block_row = capi_table_reader_first_row(scan->reader, index);
    uint64_t block_end = capi_table_reader_first_row(scan->reader, index + 1);
    uint64_t from = block_row > scan->begin ? block_row : scan->begin;
    uint64_t to = block_end < scan->end ? block_end : scan->end;
    capi_block block = {0};
    capi_status st;

    (void)worker;
    if (from >= to) return CAPI_OK;
    CAPI_TRY(capi_table_read_block(scan->reader, index, scan->needed, false, &block, err));
    st = give_rows(scan, &block, block_row, from, to, fn, context, err);
    capi_block_release(&block);
    return st;
}

static void scan_table_close(exec_scan *base)
{
    scan_table *scan = (scan_table *)base;

    capi_table_reader_close(scan->reader);
    free(scan->needed);
    free(scan);
}

uint64_t capi_batch_share(uint64_t rows, uint32_t index, uint32_t count)
{
    return (uint64_t)((unsigned __int128)rows * index / count);
}

capi_status exec_scan_table_open(exec_batch *batch, const bool *needed, exec_scan **out, capi_err *err)
{
    const capi_batch_task *task = batch->task;
    const capi_schema *schema = capi_node_schema(batch->node->reader);
    scan_table *scan;
    uint64_t rows;

    *out = NULL;
    if (!task->input)
        return capi_err_set(err, CAPI_INTERNAL, "table \"%.*s\" was not given to the batch",
                            CAPI_STR_ARG(batch->node->source_table));
    scan = capi_zmalloc(sizeof *scan);
    scan->base = (exec_scan){
        .read = scan_table_read,
        .close = scan_table_close,
        .chunk_rows = CAPI_CHUNK_ROWS,
        .table = batch->node->source_table,
    };
    scan->column_count = schema->field_count;
    scan->needed = capi_zmalloc(schema->field_count + 1);
    memcpy(scan->needed, needed, schema->field_count);
    *out = &scan->base;
    CAPI_TRY(capi_table_reader_open(batch->exec->tables, &task->input->address, schema, &task->input->content,
                                    &scan->reader, err));
    CAPI_TRY(capi_table_reader_check(scan->reader, needed, err));
    rows = capi_table_reader_row_count(scan->reader);
    scan->begin = capi_batch_share(rows, task->batch_idx, task->batches_total);
    scan->end = capi_batch_share(rows, task->batch_idx + 1, task->batches_total);
    batch->out->first_token = (int64_t)scan->begin;
    batch->out->last_token = (int64_t)scan->end - 1;
    batch->out->rows_read = scan->end - scan->begin;
    if (scan->begin == scan->end) return CAPI_OK;
    scan->first_block = capi_table_reader_find_block(scan->reader, scan->begin);
    scan->base.morsel_count = capi_table_reader_find_block(scan->reader, scan->end - 1) - scan->first_block + 1;
    return CAPI_OK;
}
