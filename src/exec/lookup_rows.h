/* lookup_rows.h - joins chunks of left rows with an index and computes the rows of the node: one worker's state. */
#pragma once

#include "exec/fields.h"
#include "exec/lookup_index.h"
#include "exec/lookup_plan.h"

/* Finished rows: the fields, and which of them pass `having` (NULL: all). left[row]: the left row that a row comes from. */
typedef capi_status (*lookup_rows_fn)(void *context, const capi_vec *fields, const uint32_t *left, const uint32_t *rows,
                                      uint32_t row_count, uint32_t *bad_row, capi_err *err);

typedef struct lookup_rows lookup_rows;

lookup_rows *lookup_rows_new(const lookup_plan *plan, const lookup_index *index, capi_instant now, lookup_rows_fn fn,
                             void *context);
void lookup_rows_free(lookup_rows *rows); /* NULL is fine */

/* Joins row_count (up to CAPI_CHUNK_ROWS) left rows; fn gets the results in left order. On CAPI_INVALID *bad_row is the left
 * row. */
CAPI_MUST_USE capi_status lookup_rows_join(lookup_rows *rows, const capi_vec *left_columns, uint32_t row_count,
                                           uint32_t *bad_row, capi_err *err);
