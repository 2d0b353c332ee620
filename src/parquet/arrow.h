/* arrow.h - column vectors to an Arrow IPC file (also called Feather, version 2), which other programs map into memory.
 *
 *     string     utf8
 *     int        int64
 *     float      float64
 *     bool       bool
 *     decimal2   decimal128(19, 2)
 *     datetime   timestamp in ms without a zone, meaning UTC; the zero value is null, as in Parquet files
 *
 * One thread. Rows wait in memory, at most about CAPI_ARROW_BATCH_BYTES of them, until they make a record batch. Builds without
 * the Rust toolchain have none of this: capi_parquet_is_built. */
#pragma once

#include "base/file.h"
#include "vec/vec.h"

enum { CAPI_ARROW_BATCH_ROWS = 1 << 16, CAPI_ARROW_BATCH_BYTES = 16 << 20 };

typedef struct capi_arrow_writer capi_arrow_writer;

/* The file stays the caller's. */
CAPI_MUST_USE capi_status capi_arrow_writer_new(capi_file_writer *file, const capi_schema *schema,
                                                capi_arrow_writer **out, capi_err *err);
/* Columns of the schema in their stored form, at most CAPI_CHUNK_ROWS rows; no constants. */
CAPI_MUST_USE capi_status capi_arrow_write(capi_arrow_writer *writer, const capi_vec *columns, uint32_t row_count,
                                           capi_err *err);
/* The last record batch and the footer. The file is neither synced nor closed. */
CAPI_MUST_USE capi_status capi_arrow_writer_finish(capi_arrow_writer *writer, capi_err *err);
void capi_arrow_writer_free(capi_arrow_writer *writer); /* NULL is fine; without the footer */
