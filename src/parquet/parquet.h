/* parquet.h - Parquet files to column vectors and back.
 *
 * Reading. Opening checks the footer and that the wanted columns are there and fit their types; nothing else of the file is
 * looked at. A file is cut into pieces (a row group, or a share of a large one) that any thread reads in any order. Only the
 * wanted columns are read. Texts are not copied: vectors refer to the unpacked pages, during the call.
 *
 *     string     BYTE_ARRAY with STRING/UTF8
 *     int        INT32, INT64, signed or not; also DATE, TIMESTAMP and the like on them: the raw number
 *     float      FLOAT, DOUBLE
 *     bool       BOOLEAN
 *     decimal2   DECIMAL on INT32, INT64, FIXED_LEN_BYTE_ARRAY, BYTE_ARRAY
 *     datetime   TIMESTAMP in ms, us or ns, DATE, INT96
 *
 * Values that do not fit the stored form of their type come as CAPI_FORM_INSTANT or CAPI_FORM_DECIMAL: nothing is rounded.
 *
 * Writing. Rows are gathered and encoded as row groups by any thread, in memory, and appended in order.
 *
 * Memory: unpacked pages, charged to the budget before they are allocated; forged sizes are refused. Builds without the Rust
 * toolchain have none of this: capi_parquet_is_built. */
#pragma once

#include "base/budget.h"
#include "base/file.h"
#include "vec/vec.h"

enum { CAPI_PARQUET_PIECE_ROWS = 1 << 18 }; /* of row groups that are larger, when they are shared */

bool capi_parquet_is_built(void);

/* ---- reading ---- */

typedef struct capi_parquet_column {
    capi_str name; /* exactly as in the file, top level */
    capi_type type;
    bool is_needed;           /* false: must be there, but is not read; its vector is left unset */
    capi_value default_value; /* of nulls */
    bool is_null_flag;        /* instead of the value, a bool: is it null? type and default_value are of no account */
} capi_parquet_column;

/* What a file has: for tools. Type CAPI_TYPE_STORED_COUNT: none of ours. */
typedef struct capi_parquet_field {
    capi_str name;
    capi_type type;
    const char *storage;  /* "INT64", ... */
    capi_str description; /* "INT64 DECIMAL(17,2)", ... */
} capi_parquet_field;

typedef struct capi_parquet capi_parquet;

/* `name` is what messages call the file. Columns and their texts must outlive it. No column is an error only if it is
 * missing or does not fit. is_shared: large row groups are cut for several threads. */
CAPI_MUST_USE capi_status capi_parquet_open(const char *path, const char *name, const capi_parquet_column *columns,
                                            uint32_t column_count, bool is_shared, capi_budget *budget,
                                            capi_parquet **out, capi_err *err);
/* A file that is not a local one. */
typedef struct capi_parquet_span {
    uint64_t offset, bytes;
} capi_parquet_span;

typedef struct capi_parquet_source {
    /* All of the bytes, or a failure with words that name the file. Any thread. */
    capi_status (*read_at)(void *context, uint64_t offset, void *to, size_t bytes, capi_err *err);
    /* Once the footer is known: all that may be read from now on, in any order. */
    void (*expect)(void *context, const capi_parquet_span *spans, uint32_t count);
    void *context;
    uint64_t size_bytes;
} capi_parquet_source;

/* As above; the source must outlive the file. */
CAPI_MUST_USE capi_status capi_parquet_open_source(const capi_parquet_source *source, const char *name,
                                                   const capi_parquet_column *columns, uint32_t column_count,
                                                   bool is_shared, capi_budget *budget, capi_parquet **out,
                                                   capi_err *err);
/* The file with all its columns of our types, as it says itself; for tools. Array in the arena. */
CAPI_MUST_USE capi_status capi_parquet_describe(const char *path, const char *name, capi_budget *budget,
                                                capi_arena *arena, capi_parquet_field **out, uint32_t *count,
                                                capi_err *err);
void capi_parquet_close(capi_parquet *file); /* NULL is fine */
uint64_t capi_parquet_piece_count(const capi_parquet *file);
uint64_t capi_parquet_row_count(const capi_parquet *file);
uint64_t capi_parquet_size_bytes(const capi_parquet *file);
/* CAPI_CONFLICT if the file changed while it was read. (A source knows by itself.) */
CAPI_MUST_USE capi_status capi_parquet_check_unchanged(const capi_parquet *file, capi_err *err);

/* Gets up to CAPI_CHUNK_ROWS rows; columns[i] belongs to the columns of the file, and is valid during the call. first_row: the
 * number in the file of row 0. */
typedef capi_status (*capi_parquet_chunk_fn)(void *context, const capi_chunk *chunk, uint64_t first_row, capi_err *err);
/* Any thread, any order. A value that does not fit its type fails with file, row, column and value. */
CAPI_MUST_USE capi_status capi_parquet_read(capi_parquet *file, uint64_t piece, capi_parquet_chunk_fn fn, void *context,
                                            capi_err *err);

/* The rows of the whole file in order, a chunk at a time, for callers that ask rather than be called. One thread. */
typedef struct capi_parquet_cursor capi_parquet_cursor;
capi_parquet_cursor *capi_parquet_cursor_new(capi_parquet *file);
void capi_parquet_cursor_free(capi_parquet_cursor *cursor); /* NULL is fine; before the file is closed */
/* *chunk is valid until the next call; NULL at the end. first_row as above. */
CAPI_MUST_USE capi_status capi_parquet_cursor_next(capi_parquet_cursor *cursor, const capi_chunk **chunk,
                                                   uint64_t *first_row, capi_err *err);

/* ---- writing ---- */

/* A row group ends with the row that reaches one of these; bytes before they are packed. */
enum { CAPI_PARQUET_GROUP_ROWS = 1 << 17, CAPI_PARQUET_GROUP_BYTES = 32 << 20 };

typedef struct capi_parquet_out_column {
    capi_str name;
    capi_type type;
} capi_parquet_out_column;

typedef struct capi_parquet_writer capi_parquet_writer;
typedef struct capi_parquet_group capi_parquet_group; /* rows that become one row group */

/* codec: "gzip", "snappy", "zstd", "lz4" or "uncompressed". The file stays the caller's. */
CAPI_MUST_USE capi_status capi_parquet_writer_new(capi_file_writer *file, const capi_parquet_out_column *columns,
                                                  uint32_t column_count, capi_str codec, capi_parquet_writer **out,
                                                  capi_err *err);
void capi_parquet_writer_free(capi_parquet_writer *writer); /* NULL is fine; without the footer */

/* The writer must outlive its groups. */
capi_parquet_group *capi_parquet_group_new(capi_parquet_writer *writer); /* any thread */
void capi_parquet_group_free(capi_parquet_group *group);                 /* NULL is fine */
/* Vectors in any form, rounded to what is stored; rows: which, or NULL for all; at most CAPI_CHUNK_ROWS, of which none is
 * added when it fails. A datetime that is the zero value becomes null. CAPI_INVALID with *bad_row (of the vectors) when a
 * value does not fit. */
CAPI_MUST_USE capi_status capi_parquet_group_add(capi_parquet_group *group, const capi_vec *columns,
                                                 const uint32_t *rows, uint32_t row_count, uint32_t *bad_row,
                                                 capi_err *err);
/* Copies the rows of another group, from row `first` on, until the group is full or there are no more: how many. Files made
 * so do not depend on how their rows came together. */
uint32_t capi_parquet_group_fill(capi_parquet_group *group, const capi_parquet_group *from, uint32_t first);
bool capi_parquet_group_is_full(const capi_parquet_group *group);
void capi_parquet_group_clear(capi_parquet_group *group); /* of its rows; keeps the memory */
uint64_t capi_parquet_group_rows(const capi_parquet_group *group);
uint64_t capi_parquet_group_bytes(const capi_parquet_group *group); /* about, in memory */
/* Encodes the rows: no more can be added. Any thread. */
CAPI_MUST_USE capi_status capi_parquet_group_finish(capi_parquet_group *group, capi_err *err);
/* In order, one thread at a time. Takes the group over; one without rows leaves no trace. */
CAPI_MUST_USE capi_status capi_parquet_writer_append(capi_parquet_writer *writer, capi_parquet_group *group,
                                                     capi_err *err);
/* The footer. The file is neither synced nor closed. */
CAPI_MUST_USE capi_status capi_parquet_writer_finish(capi_parquet_writer *writer, uint64_t *bytes_written,
                                                     capi_err *err);

/* ---- another order ---- */

/* Writes the columns of the file to `to` (not synced, not closed), unchanged to the last bit, in one row group: row i is row
 * order[i] of the file. Memory: one column of the file. The budget is that of the file. */
CAPI_MUST_USE capi_status capi_parquet_reorder(capi_parquet *file, const uint32_t *order, uint64_t row_count,
                                               capi_str codec, capi_file_writer *to, capi_err *err);
