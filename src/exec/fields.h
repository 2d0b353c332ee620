/* fields.h - from input vectors to the values of all fields (or file columns), and which rows pass `having`.
 *
 * One thread at a time; every worker has its own. */
#pragma once

#include "exec/scan.h"

/* `having` over the fields as just computed. */
typedef struct exec_having {
    capi_evaluator *evaluator; /* NULL: all rows pass */
    uint32_t *selected;
} exec_having;

void exec_having_init(exec_having *having, const capi_program *program, capi_instant now);
void exec_having_deinit(exec_having *having);
/* *rows: the rows that pass, NULL for all; valid until the next run. */
CAPI_MUST_USE capi_status exec_having_run(exec_having *having, const capi_vec *fields, uint32_t row_count,
                                          const uint32_t **rows, uint32_t *count, uint32_t *bad_row, capi_err *err);

typedef struct exec_fields {
    const capi_node *node;
    capi_arena arena;
    capi_evaluator *evaluator;
    exec_having having;
    uint32_t field_count;
    capi_vec *inputs;     /* by slot: set by the caller before each run */
    capi_vec *outputs;    /* of the program */
    capi_vec *fields;     /* in the order of the sink's fields or columns: results, valid until the next run */
    const uint32_t *rows; /* of them, those that pass; NULL: all */
    uint32_t row_count;   /* how many pass */
} exec_fields;

void exec_fields_init(exec_fields *fields, const capi_node *node, capi_instant now);
void exec_fields_deinit(exec_fields *fields);
/* Sets inputs of one side from the source's columns. */
void exec_fields_set_inputs(exec_fields *fields, capi_side side, const capi_vec *columns);
CAPI_MUST_USE capi_status exec_fields_run(exec_fields *fields, uint32_t row_count, uint32_t *bad_row, capi_err *err);

/* The name of a field or file column, and the word for it. */
capi_str exec_field_name(const capi_node *node, uint32_t field);
const char *exec_field_word(const capi_node *node);

/* Does something to the first row_count rows of what the context holds. */
typedef capi_status (*exec_attempt_fn)(void *context, uint32_t row_count, uint32_t *bad_row, capi_err *err);
/* Of all rows that fail the lowest is reported: the parts of a step fail chunk by chunk, so after a failure the rows below
 * it are tried alone. */
CAPI_MUST_USE capi_status exec_lowest_failure(exec_attempt_fn fn, void *context, uint32_t row_count, uint32_t *bad_row,
                                              capi_err *err);
/* The same for rows of a scan, with words for the row that failed. */
CAPI_MUST_USE capi_status exec_try_rows(exec_attempt_fn fn, void *context, const exec_scan *scan, const exec_rows *rows,
                                        capi_err *err);
