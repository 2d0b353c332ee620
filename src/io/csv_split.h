/* csv_split.h - which records begin in a byte range of a file, before anybody knows what stands in front of it.
 *
 * A range owns the lines that begin in it. Between two physical lines there are only two states: outside of any record, or
 * inside a quoted field. So each range is scanned from both, which gives for each: the state behind it, the records that end
 * in it and where the first record begins. Composing these from left to right tells which of the two was the right one.
 * Mostly both meet after a few quotes, and then one scan does. */
#pragma once

#include "io/csv_index.h"

typedef struct capi_csv_outcome {
    bool ends_in_quotes;
    bool has_boundary;       /* some record may begin in the range */
    uint64_t first_boundary; /* the first place where a record may begin */
    uint64_t record_count;   /* records that end in the range */
} capi_csv_outcome;

typedef struct capi_csv_span {
    bool has_lines;           /* some line begins in the range */
    uint64_t line_start;      /* the first of them, in the file */
    uint64_t line_end_count;  /* LF from line_start to the line start of the next range */
    capi_csv_outcome from[2]; /* [0] begun outside of records, [1] inside a quoted field */
    /* set by capi_csv_compose_spans: */
    bool begins_records;
    uint64_t start;        /* where the first record of the range begins, in the file */
    uint64_t start_record; /* its index */
    uint64_t lines_before; /* LF in front of line_start */
} capi_csv_span;

/* A scan from both states, which gets the lines of a range in portions. */
typedef struct capi_csv_scan_state {
    bool are_met;                /* both were outside of records at the same place, and stay together */
    capi_csv_outcome outcome[2]; /* as far as the lines go that it got */
    uint64_t line_end_count;
    capi_csv_window window;
} capi_csv_scan_state;

void capi_csv_scan_begin(capi_csv_scan_state *scan);
/* The next lines, whole: text->data[at .. text->end), where text->data[0] is byte `text_offset` of the file. Readable for
 * CAPI_CSV_PADDING_BYTES behind the end. */
void capi_csv_scan_lines(capi_csv_scan_state *scan, const capi_csv_text *text, size_t at, uint64_t text_offset);
/* Fills line_end_count and from[]. */
void capi_csv_scan_end(const capi_csv_scan_state *scan, capi_csv_span *span);

void capi_csv_compose_spans(capi_csv_span *spans, uint64_t count);
