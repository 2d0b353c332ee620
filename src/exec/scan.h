/* scan.h - where a batch's rows come from: a share of a table, or a file.
 *
 * A scan is cut into morsels that any worker reads (in any order, unless in_order), each as chunks of at most
 * CAPI_CHUNK_ROWS rows (unless said otherwise) in order. */
#pragma once

#include "exec/batch.h"

typedef struct exec_rows {
    const capi_vec
        *columns; /* by source column, in stored form; unset where they are not needed. Valid during the call */
    uint32_t row_count;
    uint64_t first_row; /* number of the first one: row of the table, or record of the file, from 0 */
} exec_rows;

typedef capi_status (*exec_rows_fn)(void *context, const exec_rows *rows, capi_err *err);

typedef struct exec_scan exec_scan;
struct exec_scan {
    capi_status (*read)(exec_scan *scan, uint32_t worker, uint64_t morsel, exec_rows_fn fn, void *context,
                        capi_err *err);
    /* Nothing changed under us; or NULL. */
    capi_status (*finish)(exec_scan *scan, capi_err *err);
    void (*close)(exec_scan *scan);
    capi_str table; /* its name, for messages; empty: a file, which says places itself */
    uint64_t morsel_count;
    uint32_t
        chunk_rows; /* at most so many rows at once, of a table: CAPI_CHUNK_ROWS, unless changed before the first read */
    bool in_order;  /* one worker must read all morsels, one after the other */
};

/* Rows floor(i R / N) .. floor((i + 1) R / N) of a table; sets the batch's tokens. needed[column] of the reader's schema. */
CAPI_MUST_USE capi_status exec_scan_table_open(exec_batch *batch, const bool *needed, exec_scan **out, capi_err *err);
/* The batch's own file of a file_table. */
CAPI_MUST_USE capi_status exec_scan_file_open(exec_batch *batch, exec_scan **out, capi_err *err);
/* The same by kind of file; `url` is the batch's. */
CAPI_MUST_USE capi_status exec_scan_csv_open(exec_batch *batch, capi_str url, exec_scan **out, capi_err *err);
CAPI_MUST_USE capi_status exec_scan_parquet_open(exec_batch *batch, capi_str url, exec_scan **out, capi_err *err);

static inline capi_status exec_scan_read(exec_scan *scan, uint32_t worker, uint64_t morsel, exec_rows_fn fn,
                                         void *context, capi_err *err)
{
    return scan->read(scan, worker, morsel, fn, context, err);
}
CAPI_MUST_USE capi_status exec_scan_finish(exec_scan *scan, capi_err *err);
void exec_scan_close(exec_scan *scan); /* NULL is fine */

/* Puts `row 12 of table "orders": ` before the cause. */
void exec_scan_blame_row(const exec_scan *scan, uint64_t row, capi_err *err);
