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

typedef struct capi_listing_column {
    const char *name; /* as in JSON and CSV: "run_id" */
    bool is_number;   /* right-aligned; a bare number in JSON */
} capi_listing_column;

typedef struct capi_listing {
    capi_arena arena;
    const capi_listing_column *columns;
    uint32_t column_count;
    capi_str *cells; /* row by row; malloc'ed */
    size_t cell_count, cell_capacity;
} capi_listing;

/* The next cell, in row order; the text is copied. */
void capi_listing_add(capi_listing *listing, capi_str text);
void capi_listing_addf(capi_listing *listing, const char *format, ...) CAPI_PRINTF(2, 3);
/* "2026-11-25T03:00:00.123Z", or empty for 0. */
void capi_listing_add_time(capi_listing *listing, int64_t ms);
void capi_listing_print(const capi_listing *listing, capi_output output);
void capi_listing_deinit(capi_listing *listing);
