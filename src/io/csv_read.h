/* csv_read.h - an open CSV file, as the files of this folder see it. */
#pragma once

#include "io/csv_convert.h"
#include "io/csv_file.h"
#include "io/csv_split.h"

struct capi_csv {
    char *path;
    capi_file_reader *file;
    capi_csv_options options;
    uint64_t range_bytes;
    uint64_t range_count;
    capi_csv_rule *rules; /* of the needed columns, by column; others are zero */
    uint32_t field_count; /* of every data record; 0: there are none */
    uint64_t data_offset; /* where the first data record begins */
    uint64_t data_record; /* its index */
    uint64_t data_lines;  /* LF in front of it */
    capi_csv_span *spans; /* one per range */
    bool is_composed;
    /* Without scan and compose, one thread reads the ranges in order and leaves the place here: */
    uint64_t next_range;
    uint64_t next_offset;
    uint64_t next_record;
    uint64_t next_lines;
    capi_arena arena;
};

struct capi_csv_reader {
    const capi_csv *csv;
    capi_csv_piece piece;
    capi_csv_index index;
    capi_csv_scan_state scan;
    const char **texts; /* of the column being converted */
    uint32_t *text_bytes;
    void **column_data;                /* by column: room for a chunk's values in stored form */
    capi_vec *vecs;                    /* by column */
    capi_arena arena;                  /* lives as long as the reader */
    capi_arena chunk_arena;            /* unescaped strings, wide values */
    const struct csv_reading *reading; /* the call of capi_csv_read that is using it */
};

/* "file "x.csv", line 12, byte 345" for a place that begins at byte `offset`, of record `record`. The number of the line is
 * counted from byte `line_offset` on, which has `lines` line ends in front of it. */
void capi_csv_append_place(const capi_csv *csv, uint64_t offset, uint64_t record, uint64_t line_offset, uint64_t lines,
                           capi_buf *to);

/* Where range number `range` ends, in the file. */
uint64_t capi_csv_range_end(const capi_csv *csv, uint64_t range);

/* Finds header and data, and where each column stands in a record. */
CAPI_MUST_USE capi_status capi_csv_find_data(capi_csv *csv, capi_err *err);
