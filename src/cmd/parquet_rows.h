/* parquet_rows.h - all columns of a Parquet file, row by row, for the commands that look at files.
 *
 * Values have the types of scripts; a column that is none of them is an error that names it. Memory: a few thousand rows, and
 * the open page of each column. */
#pragma once

#include "cmd/options.h"
#include "parquet/parquet.h"

typedef struct capi_parquet_rows {
    const char *path;
    capi_parquet_field *fields;
    uint32_t field_count;
    uint64_t row; /* of the file, from 0 */
    /* the rest is private */
    capi_arena arena;
    capi_parquet *file;
    capi_parquet_cursor *cursor;
    const capi_chunk *chunk;
    uint32_t at;
} capi_parquet_rows;

/* Before the first row. Path and budget must outlive it. */
CAPI_MUST_USE capi_status capi_parquet_rows_open(const char *path, capi_budget *budget, capi_parquet_rows *out,
                                                 capi_err *err);
void capi_parquet_rows_close(capi_parquet_rows *rows); /* all zero is fine */
/* The next row; *is_there is false at the end. */
CAPI_MUST_USE capi_status capi_parquet_rows_next(capi_parquet_rows *rows, bool *is_there, capi_err *err);
/* A value of the row, borrowed until the next one; false: it is null. */
bool capi_parquet_rows_value(const capi_parquet_rows *rows, uint32_t field, capi_value *out);

/* As "parquet cat" prints it: decimals with two digits at least, datetimes in UTC with microseconds. */
void capi_parquet_append_value(capi_buf *to, const capi_value *value);

/* --memory, else what is usual; prints what is wrong and returns false. */
bool capi_parquet_tool_budget(const capi_args *args, capi_budget *out);
/* Prints the error; the exit code, which is 1 under the name of the reference. */
int capi_parquet_tool_fail(const capi_err *err);

#define CAPI_OPTION_PARQUET_MEMORY                                                                                     \
    {                                                                                                                  \
        "memory", "BYTES", "memory budget, such as 2G (default: half of the machine)", false                           \
    }
