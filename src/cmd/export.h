/* export.h - the forms in which "table export" writes a table: one file each, export_<form>.c. */
#pragma once

#include "base/file.h"
#include "io/unpack.h"
#include "vec/vec.h"

typedef struct capi_export_options {
    const capi_schema *schema;
    capi_file_writer *file; /* NULL: standard output, for forms that are text */
    const char *separator;  /* of CSV */
    capi_packing packing;   /* of CSV in a file */
    const char *codec;      /* of Parquet */
} capi_export_options;

typedef struct capi_export_form {
    const char *name;       /* "csv" */
    const char *endings[4]; /* of file names, in any case: ".csv"; NULL at the end */
    bool is_text;           /* may go to standard output, or be packed */
    bool needs_parquet;     /* and what comes with it: capi_parquet_is_built */
    /* The options, what they point to and the arena outlive the sink. On failure *sink may be set: free it. */
    capi_status (*open)(const capi_export_options *options, capi_arena *arena, void **sink, capi_err *err);
    /* In the order of the table; columns in stored form. */
    capi_status (*add)(void *sink, const capi_chunk *chunk, capi_err *err);
    /* Everything is in the file, which is neither synced nor closed. */
    capi_status (*finish)(void *sink, capi_err *err);
    void (*free)(void *sink); /* NULL is fine */
} capi_export_form;

extern const capi_export_form capi_export_csv;
extern const capi_export_form capi_export_parquet;
extern const capi_export_form capi_export_arrow;
