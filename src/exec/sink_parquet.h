/* sink_parquet.h - the Parquet file of one batch: row groups encoded by workers, appended in source order. */
#pragma once

#include "exec/batch.h"

typedef struct sink_parquet sink_parquet;

/* is_direct: one worker writes everything in order; otherwise groups are put back into order through a bounded window. */
CAPI_MUST_USE capi_status sink_parquet_open(exec_batch *batch, bool is_direct, sink_parquet **out, capi_err *err);
/* Rows of the worker's current group; *bad_row as capi_parquet_group_add has it. */
CAPI_MUST_USE capi_status sink_parquet_add(sink_parquet *sink, uint32_t worker, const capi_vec *columns,
                                           const uint32_t *rows, uint32_t row_count, uint32_t *bad_row, capi_err *err);
/* The worker's rows make up this group. */
CAPI_MUST_USE capi_status sink_parquet_end_group(sink_parquet *sink, uint32_t worker, uint64_t group, capi_err *err);
void sink_parquet_fail(sink_parquet *sink); /* a group will never come */
/* Whole and synced: the file becomes batch->out->file. */
CAPI_MUST_USE capi_status sink_parquet_finish(sink_parquet *sink, capi_err *err);
void sink_parquet_free(sink_parquet *sink); /* NULL is fine */

/* ---- rows kept by `top` ---- */

/* One row as bytes, from which sink_parquet_add_line makes it again. */
CAPI_MUST_USE capi_status sink_parquet_line(const exec_batch *batch, const capi_vec *columns, uint32_t row,
                                            capi_arena *scratch, capi_buf *to, capi_err *err);
/* Direct: the next row of worker 0. */
CAPI_MUST_USE capi_status sink_parquet_add_line(sink_parquet *sink, capi_str line, capi_err *err);
/* After the last one. */
CAPI_MUST_USE capi_status sink_parquet_end_lines(sink_parquet *sink, capi_err *err);
