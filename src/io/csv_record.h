/* csv_record.h - one record at a time: the dialect itself, byte by byte.
 *
 * Everything faster than this (csv_index.h) falls back on it where quotes stand in odd places, and is tested against it.
 * Only the ends of fields are found here; capi_csv_field takes off quotes when a field is needed. */
#pragma once

#include "base/str.h"

typedef enum capi_csv_step {
    CAPI_CSV_RECORD, /* a record; its fields and where the next one begins are set */
    CAPI_CSV_BLANK,  /* an empty line, which is no record; only `next` is set */
    CAPI_CSV_CUT,    /* the record runs past the bytes given, and more follow in the file */
    CAPI_CSV_END,    /* no bytes are left */
} capi_csv_step;

typedef struct capi_csv_text {
    const char *data;
    size_t end;       /* bytes that are there */
    bool is_complete; /* the file ends at `end` */
    char separator;
} capi_csv_text;

/* The record (or empty line) that begins at `at`. ends[i] is set to where field i ends, for at most ends_max fields;
 * *field_count counts all. A field begins one byte behind the end of the one before it. */
capi_csv_step capi_csv_record_at(const capi_csv_text *text, size_t at, uint32_t *ends, uint32_t ends_max,
                                 uint32_t *field_count, size_t *next);

/* The same for the rest of a record of which `at` is inside a quoted field. */
capi_csv_step capi_csv_record_rest(const capi_csv_text *text, size_t at, size_t *next);

/* The value of the raw field data[start .. end): quotes taken off, CR LF made LF. Bytes are shared where nothing inside
 * changes, else copied to `arena` (with 16 readable bytes behind). `is_last`: the field ends its record, so a CR at its
 * end belongs to the line end. */
capi_str capi_csv_field(const char *data, size_t start, size_t end, bool is_last, capi_arena *arena);
