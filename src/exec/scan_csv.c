/* scan_csv.c - the CSV file of one batch of a file_table, range by range.
 *
 * With one range, or one thread, the ranges are read in order and carry the reader's state along. Otherwise all ranges are
 * scanned first (csv.h), so that any worker can read any range. */
#include "exec/scan.h"
#include "exec/source_file.h"

#include <stdlib.h>

typedef struct scan_csv {
    exec_scan base;
    const exec_batch *batch;
    exec_source_file file;
    capi_csv *csv;
    capi_csv_reader **readers; /* by worker, made on first use */
    uint64_t range_bytes;      /* about, for the display */
    _Atomic uint64_t rows_read;
} scan_csv;

typedef struct csv_call {
    scan_csv *scan;
    const capi_csv_reader *reader;
    exec_rows_fn fn;
    void *context;
} csv_call;

static capi_csv_reader *csv_reader(scan_csv *scan, uint32_t worker)
{
    if (!scan->readers[worker]) scan->readers[worker] = capi_csv_reader_new(scan->csv);
    return scan->readers[worker];
}

/* exec_scan_blame_row has left the record's number in the error; only now is there somebody who knows its line. */
static void say_place(const capi_csv_reader *reader, uint32_t row, capi_err *err)
{
    capi_buf place = {0};

    capi_csv_append_row_place(reader, row, &place);
    exec_err_prefix(err, "%.*s", CAPI_STR_ARG(capi_buf_str(&place)));
    capi_buf_deinit(&place);
}

static capi_status csv_chunk(void *context, const capi_chunk *chunk, uint64_t first_record, capi_err *err)
{
    csv_call *call = context;
    exec_rows rows = {.columns = chunk->columns, .row_count = chunk->row_count, .first_row = first_record};
    capi_status st;

    atomic_fetch_add_explicit(&call->scan->rows_read, chunk->row_count, memory_order_relaxed);
    st = call->fn(call->context, &rows, err);
    if (st != CAPI_OK && err && err->offset >= (int64_t)first_record)
        say_place(call->reader, (uint32_t)((uint64_t)err->offset - first_record), err);
    return st;
}

static capi_status scan_csv_read(exec_scan *base, uint32_t worker, uint64_t morsel, exec_rows_fn fn, void *context,
                                 capi_err *err)
{
    scan_csv *scan = (scan_csv *)base;
    capi_progress *progress = scan->batch->task->progress;
    capi_csv_reader *reader = csv_reader(scan, worker);
    csv_call call = {.scan = scan, .reader = reader, .fn = fn, .context = context};

    CAPI_TRY(capi_csv_read(scan->csv, reader, morsel, csv_chunk, &call, err));
    if (progress) atomic_fetch_add_explicit(&progress->bytes_read, scan->range_bytes, memory_order_relaxed);
    return CAPI_OK;
}

static capi_status scan_csv_finish(exec_scan *base, capi_err *err)
{
    scan_csv *scan = (scan_csv *)base;

    scan->batch->out->rows_read = scan->rows_read;
    return capi_csv_check_unchanged(scan->csv, err);
}

static void scan_csv_close(exec_scan *base)
{
    scan_csv *scan = (scan_csv *)base;

    for (uint32_t worker = 0; worker < scan->batch->worker_count; worker++)
        if (scan->readers[worker]) capi_csv_reader_free(scan->readers[worker]);
    free(scan->readers);
    capi_csv_close(scan->csv);
    exec_source_file_drop(&scan->file);
    free(scan);
}

static capi_status csv_scan_range(void *context, uint32_t worker, uint64_t range, capi_err *err)
{
    scan_csv *scan = context;

    CAPI_TRY(exec_check_stop(scan->batch, err));
    return capi_csv_scan(scan->csv, csv_reader(scan, worker), range, err);
}

static capi_status scan_csv_open(scan_csv *scan, exec_batch *batch, capi_str url, capi_err *err)
{
    const exec_source_file *file = &scan->file;

    CAPI_TRY(exec_source_file_get(batch, url, &scan->file, err));
    CAPI_TRY(capi_csv_open_copy(file->path, file->name, &batch->node->source.csv, &scan->csv, err));
    scan->base.morsel_count = capi_csv_range_count(scan->csv);
    if (scan->base.morsel_count) scan->range_bytes = capi_csv_size_bytes(scan->csv) / scan->base.morsel_count;
    scan->base.in_order = batch->worker_count == 1 || scan->base.morsel_count <= 1;
    if (scan->base.in_order) return CAPI_OK;
    CAPI_TRY(capi_parallel_for(batch->exec->pool, scan->base.morsel_count, csv_scan_range, scan, err));
    capi_csv_compose(scan->csv);
    return CAPI_OK;
}

capi_status exec_scan_csv_open(exec_batch *batch, capi_str url, exec_scan **out, capi_err *err)
{
    scan_csv *scan = capi_zmalloc(sizeof *scan);

    scan->base = (exec_scan){
        .read = scan_csv_read,
        .finish = scan_csv_finish,
        .close = scan_csv_close,
    };
    scan->batch = batch;
    scan->readers = capi_zmalloc(batch->worker_count * sizeof *scan->readers);
    *out = &scan->base;
    return scan_csv_open(scan, batch, url, err);
}
