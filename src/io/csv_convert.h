/* csv_convert.h - fields of a CSV column to values: one at a time (the rules), or a column of a chunk (the same, fast). */
#pragma once

#include "io/csv.h"

/* How a field that is not empty is read. */
typedef enum capi_csv_way {
    CAPI_CSV_STRING,
    CAPI_CSV_BOOL,
    CAPI_CSV_INT,
    CAPI_CSV_INT_SCAN,
    CAPI_CSV_FLOAT,
    CAPI_CSV_FLOAT_SCAN,
    CAPI_CSV_DECIMAL,
    CAPI_CSV_DECIMAL_SCAN,
    CAPI_CSV_DATETIME,
} capi_csv_way;

/* A column, compiled. Read by any number of threads. */
typedef struct capi_csv_rule {
    const capi_csv_column *column;
    capi_csv_way way;
    bool is_plain;             /* plain digits mean the same with and without the format */
    const capi_scan *scan;     /* of the ways with SCAN */
    const capi_layout *layout; /* of DATETIME */
    capi_value default_value;  /* for an empty field */
    uint32_t position;         /* of the field in a record */
} capi_csv_rule;

/* Everything, or the first thing that is wrong with the column. The message does not name the column. */
CAPI_MUST_USE capi_status capi_csv_rule_compile(capi_csv_rule *rule, const capi_csv_column *column, capi_arena *arena,
                                                capi_err *err);

/* The value of one field; the message shows it and what was expected. */
CAPI_MUST_USE capi_status capi_csv_rule_value(const capi_csv_rule *rule, capi_str field, capi_arena *arena,
                                              capi_value *out, capi_err *err);

/* What is wrong with a field that could not be converted, strings that are no text included. */
capi_status capi_csv_rule_explain(const capi_csv_rule *rule, capi_str field, capi_arena *arena, capi_err *err);

/* The fields of one column of a chunk. 16 bytes are readable behind each. */
typedef struct capi_csv_fields {
    const char **texts;
    uint32_t *bytes;
    uint32_t count;
    bool has_odd_bytes; /* some field may hold NUL or bytes that are not ASCII */
} capi_csv_fields;

/* Fills *vec, whose data has room for count values of the stored form; a column with values that need another form gets it
 * from the arena. Returns how many rows could be converted: count, or the number of the first bad one. */
uint32_t capi_csv_convert_column(const capi_csv_rule *rule, const capi_csv_fields *fields, capi_arena *arena,
                                 capi_vec *vec);

/* `text` as messages show it: control characters and bytes that are not UTF-8 escaped, cut when long. */
void capi_csv_append_shown(capi_buf *to, capi_str text);
