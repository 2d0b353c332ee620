/* rows.h - rows that will be a row group, as the encoder wants them: every column side by side, texts with their lengths in
 * front. Private to src/parquet/. One thread at a time. */
#pragma once

#include "base/buf.h"
#include "parquet/bridge.h"
#include "vec/vec.h"

typedef struct parquet_rows_column {
    capi_type type;
    capi_buf values;  /* numbers, a byte per bool, or texts: a length of 4 bytes before each */
    capi_buf offsets; /* of texts: uint32_t, one more than rows */
} parquet_rows_column;

typedef struct parquet_rows {
    parquet_rows_column *columns;
    uint32_t column_count;
    uint32_t row_count;
    uint64_t bytes;
    capi_arena arena; /* of an addition */
} parquet_rows;

void parquet_rows_init(parquet_rows *rows, const capi_type *types, uint32_t column_count);
void parquet_rows_deinit(parquet_rows *rows);
void parquet_rows_clear(parquet_rows *rows); /* keeps the memory */
/* As capi_parquet_group_add. Adds all or nothing. */
CAPI_MUST_USE capi_status parquet_rows_add(parquet_rows *rows, const capi_vec *vecs, const uint32_t *picked,
                                           uint32_t row_count, uint32_t *bad_row, capi_err *err);
/* Copies rows of `from`, from row `first` on, until row_max rows or bytes_max bytes are there; the row that reaches
 * bytes_max is the last. How many were copied. */
uint32_t parquet_rows_fill(parquet_rows *rows, const parquet_rows *from, uint32_t first, uint32_t row_max,
                           uint64_t bytes_max);
/* As the bridge takes them: an array of column_count, valid until the rows change. */
void parquet_rows_borrow(const parquet_rows *rows, capi_pq_out_column *out);
