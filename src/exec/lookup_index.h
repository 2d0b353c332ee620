/* lookup_index.h - the index over a right-hand table: from keys to row numbers, and the right columns that lookups read.
 *
 * An index is built once per table of a run and key definition, by all threads of the pool, and shared by all batches; it is
 * immutable but for columns, which are added on demand. Matching rows come in right-table order.
 *
 *     rows are dealt into partitions by hash (or, if the keys are nearly gapless numbers, by value), in row order; every
 *     partition then gets its own table of slots, small enough to be built within the processor's cache:
 *
 *     slot: key or hash, start, count      count 1: `start` is the row; more: rows[start .. start + count - 1] */
#pragma once

#include "exec/keys.h"

typedef struct lookup_index lookup_index;

typedef struct lookup_range {
    uint32_t start;
    uint32_t count; /* 0: no match; 1: the row is `start`; more: see lookup_index_rows */
} lookup_range;

/* ---- the cache of a process ---- */

struct capi_index_cache *exec_index_cache_new(capi_budget *budget);
void exec_index_cache_free(struct capi_index_cache *cache); /* NULL is fine; nobody may use an index any more */
/* Lets go of the indexes that nobody uses. */
void exec_index_cache_trim(struct capi_index_cache *cache);

typedef struct lookup_index_spec {
    const capi_table_input *table;
    const capi_schema *schema;
    const capi_key_def *key;
    const capi_progress *progress; /* or NULL */
    uint32_t pass, pass_bits;      /* only keys of this pass (keys.h); 0 bits: all */
} lookup_index_spec;

/* The index, built if nobody did; a build in progress is waited for. CAPI_NO_MEMORY: it does not fit. Must not be called on
 * a thread of the pool. */
CAPI_MUST_USE capi_status lookup_index_acquire(capi_exec *exec, const lookup_index_spec *spec, lookup_index **out,
                                               capi_err *err);
void lookup_index_release(capi_exec *exec, lookup_index *index); /* NULL is fine */

/* An index over the keys of one pass, for its caller alone. Give it back with lookup_index_discard. */
CAPI_MUST_USE capi_status lookup_index_make(capi_exec *exec, const lookup_index_spec *spec, lookup_index **out,
                                            capi_err *err);
void lookup_index_discard(capi_exec *exec, lookup_index *index); /* NULL is fine */

/* Brings whole columns into memory: needed[column]. Same rules as acquiring. */
CAPI_MUST_USE capi_status lookup_index_load(capi_exec *exec, lookup_index *index, const bool *needed,
                                            const capi_progress *progress, capi_err *err);

/* ---- for workers ---- */

/* A loaded column, all rows; in stored form. */
const capi_vec *lookup_index_column(const lookup_index *index, uint32_t column);
/* The number in the table of a row of the index: the same, unless the index is that of a pass. */
uint64_t lookup_index_row_number(const lookup_index *index, uint32_t row);
/* The rows of ranges with more than one. */
const uint32_t *lookup_index_rows(const lookup_index *index);
/* What matches the first row_count keys. */
void lookup_index_probe(const lookup_index *index, const exec_keys *keys, uint32_t row_count, lookup_range *ranges);
