/* proto_script.h - a first script for a sample CSV file: one node reads it to a table, one writes the table to a file.
 *
 * Types are guessed from at most 100 records; the author looks them over. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

typedef struct capi_proto_options {
    capi_str file;         /* its path; only its name is used */
    int64_t header_record; /* -1: no header. Records are counted, not lines */
    int64_t first_record;  /* of the data; more than header_record */
    char separator;
} capi_proto_options;

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

/* What one value looks like; for a datetime, the layout that reads it (40 bytes are enough). */
capi_proto_type capi_proto_classify(capi_str value, char layout[40]);

/* Appends the script, as JSON. When the sample turns out wrong after some columns were seen, what is known is appended and the
 * status says what is wrong. */
CAPI_MUST_USE capi_status capi_proto_write(capi_str sample, const capi_proto_options *options, capi_buf *to,
                                           capi_err *err);
