/* convert.h - what the columns of a file mean, and their values as vectors. */
#pragma once

#include "parquet/bridge.h"
#include "parquet/parquet.h"

/* Rows from .. from + count of a batch, as one column of a chunk. */
typedef struct parquet_slice {
    const capi_pq_column *column;
    uint32_t from;
    uint32_t count;
} parquet_slice;

typedef struct parquet_rule parquet_rule;

/* Fills vec, whose memory is the arena's or the batch's. False with *bad_row and words in the error. */
typedef bool (*parquet_convert)(const parquet_rule *rule, const parquet_slice *slice, capi_arena *arena, capi_vec *vec,
                                uint32_t *bad_row, capi_err *err);

struct parquet_rule {
    capi_type type;
    capi_pq_field field;
    capi_value default_value;
    parquet_convert convert;
};

/* CAPI_INVALID says what the column is and what was expected. */
CAPI_MUST_USE capi_status parquet_rule_make(const capi_pq_field *field, capi_type type, const capi_value *default_value,
                                            parquet_rule *out, capi_err *err);
/* The type that a column is of by itself, or CAPI_TYPE_STORED_COUNT. */
capi_type parquet_type_of(const capi_pq_field *field);
/* "INT64", ... */
const char *parquet_physical_name(const capi_pq_field *field);
/* A rule that asks of a column whether it is null. */
CAPI_MUST_USE capi_status parquet_rule_make_null_flag(const capi_pq_field *field, parquet_rule *out, capi_err *err);
/* "INT64 DECIMAL(17,2)", "FIXED_LEN_BYTE_ARRAY(12)", "a group", ... */
capi_str parquet_describe_field(const capi_pq_field *field, capi_arena *arena);
