/* file_form.h - what a table_file does differently for each kind of file: one table of functions per kind. */
#pragma once

#include "exec/batch.h"

typedef struct file_form {
    /* is_direct: one worker writes everything in order. *sink is to be freed whatever is returned. */
    capi_status (*open)(exec_batch *batch, bool is_direct, void **sink, capi_err *err);
    void (*free)(void *sink); /* NULL is fine */
    /* Rows of the worker's current group; *bad_row stays when no row is to blame. */
    capi_status (*add)(void *sink, uint32_t worker, const capi_vec *columns, const uint32_t *rows, uint32_t row_count,
                       uint32_t *bad_row, capi_err *err);
    capi_status (*end_group)(void *sink, uint32_t worker, uint64_t group, capi_err *err);
    void (*fail)(void *sink);
    capi_status (*finish)(void *sink, capi_err *err);
    /* `top` keeps a row as bytes, and gives the rows that remain to a direct sink. */
    capi_status (*line)(const exec_batch *batch, const capi_vec *columns, uint32_t row, capi_arena *scratch,
                        capi_buf *to, capi_err *err);
    capi_status (*add_line)(void *sink, capi_str line, capi_err *err);
    capi_status (*end_lines)(void *sink, capi_err *err);
    uint32_t morsels_per_group; /* at least so many make a group that is worth writing */
} file_form;

extern const file_form file_form_csv;
extern const file_form file_form_parquet;
