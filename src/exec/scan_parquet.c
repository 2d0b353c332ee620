/* scan_parquet.c - the Parquet file of one batch of a file_table, piece by piece, in any order. */
#include "exec/scan.h"
#include "exec/source_file.h"
#include "parquet/parquet.h"

#include <stdlib.h>

typedef struct scan_parquet {
    exec_scan base;
    const exec_batch *batch;
    exec_source_file file;
    capi_partial *part; /* or NULL: the file is there as a whole */
    capi_parquet *parquet;
    uint64_t piece_bytes; /* about, for the display */
    _Atomic uint64_t rows_read;
} scan_parquet;

typedef struct parquet_call {
    scan_parquet *scan;
    exec_rows_fn fn;
    void *context;
} parquet_call;

static capi_status parquet_chunk(void *context, const capi_chunk *chunk, uint64_t first_row, capi_err *err)
{
    parquet_call *call = context;
    exec_rows rows = {.columns = chunk->columns, .row_count = chunk->row_count, .first_row = first_row};
    capi_status st;

    atomic_fetch_add_explicit(&call->scan->rows_read, chunk->row_count, memory_order_relaxed);
    st = call->fn(call->context, &rows, err);
    /* exec_scan_blame_row has left the row's number in the error. */
    if (st != CAPI_OK && err && err->offset >= (int64_t)first_row)
        exec_err_prefix(err, "file \"%s\", row %lld", call->scan->file.name, (long long)err->offset + 1);
    return st;
}

static capi_status scan_parquet_read(exec_scan *base, uint32_t worker, uint64_t morsel, exec_rows_fn fn, void *context,
                                     capi_err *err)
{
    scan_parquet *scan = (scan_parquet *)base;
    capi_progress *progress = scan->batch->task->progress;
    parquet_call call = {scan, fn, context};

    (void)worker;
    CAPI_TRY(capi_parquet_read(scan->parquet, morsel, parquet_chunk, &call, err));
    if (progress) atomic_fetch_add_explicit(&progress->bytes_read, scan->piece_bytes, memory_order_relaxed);
    return CAPI_OK;
}

static capi_status scan_parquet_finish(exec_scan *base, capi_err *err)
{
    scan_parquet *scan = (scan_parquet *)base;

    scan->batch->out->rows_read = scan->rows_read;
    return capi_parquet_check_unchanged(scan->parquet, err);
}

static void scan_parquet_close(exec_scan *base)
{
    scan_parquet *scan = (scan_parquet *)base;

    capi_parquet_close(scan->parquet);
    capi_partial_close(scan->part);
    if (scan->part) exec_transfer_end(&scan->file.transfer);
    exec_source_file_drop(&scan->file);
    free(scan);
}

/* What a null becomes: the default as CSV would read it, or the zero value. */
static capi_status null_value(const capi_csv_column *column, capi_arena *arena, capi_value *out, capi_err *err)
{
    capi_csv_column plain = *column;

    *out = capi_value_zero(column->type);
    if (!column->has_default) return CAPI_OK;
    plain.format = column->type == CAPI_DATETIME ? CAPI_STR("2006-01-02T15:04:05.000-07:00") : (capi_str){0};
    return capi_csv_convert(&plain, (capi_str){"", 0}, arena, out, err);
}

static capi_status wanted_columns(const exec_batch *batch, capi_parquet_column **out, capi_err *err)
{
    const capi_file_source *source = &batch->node->source;

    *out = capi_new_array(batch->arena, capi_parquet_column, source->csv.column_count + 1);
    for (uint32_t i = 0; i < source->csv.column_count; i++) {
        const capi_csv_column *column = &source->csv.columns[i];

        (*out)[i] = (capi_parquet_column){
            .name = source->parquet_names[i], .type = column->type, .is_needed = column->is_needed};
        CAPI_TRY(null_value(column, batch->arena, &(*out)[i].default_value, err));
    }
    return CAPI_OK;
}

static capi_status part_read_at(void *context, uint64_t offset, void *to, size_t bytes, capi_err *err)
{
    return capi_partial_read_at(context, offset, to, bytes, err);
}

static void part_expect(void *context, const capi_parquet_span *spans, uint32_t count)
{
    capi_partial_range *ranges = capi_malloc(count * sizeof *ranges + 1);

    for (uint32_t i = 0; i < count; i++)
        ranges[i] = (capi_partial_range){spans[i].offset, spans[i].bytes};
    capi_partial_expect(context, ranges, count);
    free(ranges);
}

/* Of a file that lies elsewhere, the footer and the needed columns are fetched if the server can do that. */
static capi_status open_parquet(scan_parquet *scan, exec_batch *batch, capi_str url, capi_err *err)
{
    uint32_t column_count = batch->node->source.csv.column_count;
    bool is_shared = batch->worker_count > 1;
    capi_parquet_source source = {.read_at = part_read_at, .expect = part_expect};
    capi_parquet_column *columns;

    CAPI_TRY(wanted_columns(batch, &columns, err));
    CAPI_TRY(exec_source_file_part(batch, url, &scan->file, &scan->part, err));
    if (scan->part) {
        source.context = scan->part;
        source.size_bytes = capi_partial_size_bytes(scan->part);
        return capi_parquet_open_source(&source, scan->file.name, columns, column_count, is_shared, batch->exec->budget,
                                        &scan->parquet, err);
    }
    CAPI_TRY(exec_source_file_get(batch, url, &scan->file, err));
    return capi_parquet_open(scan->file.path, scan->file.name, columns, column_count, is_shared, batch->exec->budget,
                             &scan->parquet, err);
}

static capi_status scan_open(scan_parquet *scan, exec_batch *batch, capi_str url, capi_err *err)
{
    CAPI_TRY(open_parquet(scan, batch, url, err));
    scan->base.morsel_count = capi_parquet_piece_count(scan->parquet);
    if (scan->base.morsel_count) scan->piece_bytes = capi_parquet_size_bytes(scan->parquet) / scan->base.morsel_count;
    return CAPI_OK;
}

capi_status exec_scan_parquet_open(exec_batch *batch, capi_str url, exec_scan **out, capi_err *err)
{
    scan_parquet *scan = capi_zmalloc(sizeof *scan);

    scan->base = (exec_scan){.read = scan_parquet_read, .finish = scan_parquet_finish, .close = scan_parquet_close};
    scan->batch = batch;
    *out = &scan->base;
    return scan_open(scan, batch, url, err);
}
