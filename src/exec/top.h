/* top.h - the first `limit` rows by key, ties in source order; every worker collects for itself, a merge ends it.
 *
 * A row is kept as its key, its number and its line of text, so nothing has to be formatted later. Memory comes from the
 * budget; when it is short, sorted runs go to temporary files and are merged with what is in memory. */
#pragma once

#include "exec/batch.h"

typedef struct top_rows top_rows; /* one worker's */

/* name: of temporary files, unique in the process. */
top_rows *top_rows_new(capi_exec *exec, uint64_t limit, capi_str name);
void top_rows_free(top_rows *top); /* NULL is fine */

/* False if a row with this key cannot be among the first any more: it comes after at least `limit` others. Rows come in
 * ascending order of their numbers. */
bool top_rows_wants(const top_rows *top, const capi_view *key);
CAPI_MUST_USE capi_status top_rows_add(top_rows *top, const capi_view *key, uint64_t row, capi_str text, capi_err *err);
/* No more rows will come: sorts. Different collectors may do so at the same time. */
void top_rows_sort(top_rows *top);

typedef capi_status (*top_fn)(void *context, capi_str text, capi_err *err);
/* Calls fn for the first `limit` rows of all collectors (NULLs are skipped), in order. */
CAPI_MUST_USE capi_status top_rows_merge(top_rows **tops, uint32_t count, uint64_t limit, top_fn fn, void *context,
                                         capi_err *err);
