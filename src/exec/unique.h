/* unique.h - finds rows of a table whose keys occurred before: for unique indexes and for the seal of a distinct_table. */
#pragma once

#include "exec/keys.h"

/* The lowest bit of a stored key hash is 1 in rows of a distinct_table that were not compared with all earlier rows of their
 * batch, for want of memory. Such rows stand at the end of a batch, so its last row tells. */
static inline uint64_t exec_stored_hash(uint64_t hash, bool is_compared)
{
    return (hash & ~UINT64_C(1)) | !is_compared;
}

typedef struct exec_unique {
    capi_exec *exec;
    capi_table_reader *reader; /* all rows, in table order */
    const capi_schema *schema;
    const capi_index *index;
    bool has_hashes;               /* the reader's blocks hold the hashes of this index */
    const capi_progress *progress; /* or NULL */
} exec_unique;

/* `row` has the key of the earlier row `first`; rows come in no particular order. parts[part] at `at` are the key columns.
 * Whatever but CAPI_OK ends the search and is returned. */
typedef capi_status (*exec_unique_fn)(void *context, uint64_t first, uint64_t row, const capi_vec *parts, uint32_t at,
                                      capi_err *err);

/* Calls fn for every row but the first of each key. Memory is bounded: what does not fit the budget at once is done in
 * several passes, each over a part of the hashes. */
CAPI_MUST_USE capi_status exec_unique_find(const exec_unique *unique, exec_unique_fn fn, void *context, capi_err *err);

/* The duplicate whose second row is lowest; *found false: there is none. *key is appended to. */
CAPI_MUST_USE capi_status exec_unique_first(const exec_unique *unique, bool *found, uint64_t *first, uint64_t *row,
                                            capi_buf *key, capi_err *err);

/* All unique indexes over the extents that the batch wrote: a duplicate is CAPI_INVALID naming index, key and both rows. */
CAPI_MUST_USE capi_status exec_unique_check_batch(const exec_batch *batch, const capi_table_address *address,
                                                  capi_err *err);
