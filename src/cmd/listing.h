/* listing.h - rows of text in the form that the user asked for: a table for people, JSON or CSV for programs. */
#pragma once

#include "cmd/options.h"

typedef enum capi_output { CAPI_OUTPUT_TABLE, CAPI_OUTPUT_JSON, CAPI_OUTPUT_CSV } capi_output;

/* --output table|json|csv; prints what is wrong and returns false. */
bool capi_args_output(const capi_args *args, capi_output *out);

#define CAPI_OPTION_OUTPUT                                                                                             \
    {                                                                                                                  \
        "output", "table|json|csv", "for people or for programs (default: table)", false                               \
    }

typedef enum capi_cell_kind {
    CAPI_CELL_TEXT,
    CAPI_CELL_INTEGER, /* right-aligned; a number in JSON */
    CAPI_CELL_REAL,    /* the same; what JSON cannot say (NaN, Inf) is a string */
    CAPI_CELL_DECIMAL, /* right-aligned; a string in JSON, so that nothing is lost */
    CAPI_CELL_BOOL,    /* "true" or "false" */
} capi_cell_kind;

typedef struct capi_listing_column {
    const char *name; /* as in JSON and CSV: "run_id" */
    capi_cell_kind kind;
} capi_listing_column;

typedef struct capi_listing {
    capi_arena arena;
    const capi_listing_column *columns;
    uint32_t column_count;
    capi_str *cells; /* row by row; malloc'ed */
    size_t cell_count, cell_capacity;
} capi_listing;

/* Prints a text; what would move a terminal's cursor, or worse, is shown as a blank. */
void capi_print_plainly(capi_str text);
void capi_append_plainly(capi_buf *to, capi_str text);

/* The next cell, in row order; the text is copied. */
void capi_listing_add(capi_listing *listing, capi_str text);
void capi_listing_addf(capi_listing *listing, const char *format, ...) CAPI_PRINTF(2, 3);
/* "2026-11-25T03:00:00.123Z", or empty for 0. */
void capi_listing_add_time(capi_listing *listing, int64_t ms);
/* The same, but 0 is 1970. */
void capi_listing_add_moment(capi_listing *listing, int64_t ms);
void capi_listing_print(const capi_listing *listing, capi_output output);
void capi_listing_deinit(capi_listing *listing);
