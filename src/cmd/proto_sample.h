/* proto_sample.h - what a sample file tells about files like it: the columns, their names in a script, and their types.
 *
 * Types of CSV columns are guessed from at most 100 records, those of Parquet columns are in the file. */
#pragma once

#include "base/budget.h"
#include "base/buf.h"
#include "vec/type.h"

#include <stdbool.h>

enum { CAPI_PROTO_LAYOUT_BYTES = 40 };

/* A guess, for one field. */
typedef enum capi_proto_type {
    CAPI_PROTO_NONE, /* nothing seen but empty fields */
    CAPI_PROTO_DECIMAL,
    CAPI_PROTO_INT,
    CAPI_PROTO_FLOAT,
    CAPI_PROTO_BOOL,
    CAPI_PROTO_DATETIME,
    CAPI_PROTO_STRING,
} capi_proto_type;

typedef struct capi_proto_column {
    capi_str header; /* in the file; empty: by index */
    capi_str column; /* in the reader and the writer: "col_qty" */
    capi_str field;  /* in the table: "qty" */
    capi_proto_type type;
    char layout[CAPI_PROTO_LAYOUT_BYTES]; /* of datetimes in CSV */
    bool has_empty;                       /* of CSV columns that do not look like strings */
    capi_proto_type without_empty;        /* of a string only because of its empty fields; else NONE */
} capi_proto_column;

typedef struct capi_proto_csv {
    int64_t header_record; /* -1: no header. Records are counted, not lines */
    int64_t first_record;  /* of the data; more than header_record */
    char separator;
    /* Unlike the reference: dates without a time are datetimes; what would not come out as it went in is a text: numbers
     * with leading zeros or too many digits, datetimes finer than milliseconds or not in UTC, columns with empty fields. */
    bool is_careful;
} capi_proto_csv;

typedef struct capi_proto_sample {
    capi_arena arena;
    capi_proto_column *columns;
    uint32_t column_count;
    bool is_parquet;
    capi_proto_csv csv;
    bool has_header; /* of CSV */
    int64_t record;  /* how many were seen */
} capi_proto_sample;

/* A script cannot name every file. */
CAPI_MUST_USE capi_status capi_proto_check_name(capi_str path, capi_err *err);
/* The beginning of a file, which is enough of a sample; a packed one (.gz, .zst) is unpacked. */
CAPI_MUST_USE capi_status capi_proto_read(const char *path, capi_arena *arena, capi_str *out, capi_err *err);
/* The one that cuts the records into the most fields, the same number in all; a comma if none does. */
char capi_proto_guess_separator(capi_str text);

/* When the sample turns out wrong after some columns were seen, *out has these, and the status says what is wrong. */
CAPI_MUST_USE capi_status capi_proto_sample_csv(capi_str text, const capi_proto_csv *csv, capi_proto_sample *out,
                                                capi_err *err);
/* The same: columns that no script can read are left out, the first of them is told. */
CAPI_MUST_USE capi_status capi_proto_sample_parquet(const char *path, capi_budget *budget, capi_proto_sample *out,
                                                    capi_err *err);
void capi_proto_sample_deinit(capi_proto_sample *sample);

/* A valid name made of any text: what is no letter, digit or _ becomes _. */
capi_str capi_proto_word(capi_arena *arena, capi_str text);

/* How a column is read; NULL: without a format. */
const char *capi_proto_reader_format(const capi_proto_column *column);
capi_type capi_proto_script_type(capi_proto_type type);

/* ---- for proto_sample.c and tests ---- */

/* What one value looks like; for a datetime, the layout that reads it. */
capi_proto_type capi_proto_classify(capi_str value, bool is_careful, char layout[CAPI_PROTO_LAYOUT_BYTES]);
/* One more value of the column. */
void capi_proto_see(capi_proto_column *column, capi_str value, bool is_careful);
/* Makes strings of the columns with a value that a run could not read as their type, careful or not. */
void capi_proto_check_types(capi_str text, capi_proto_sample *sample);
