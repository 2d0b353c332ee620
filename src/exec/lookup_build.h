/* lookup_build.h - the inside of a lookup index, for lookup_index.c, lookup_build.c and lookup_probe.c alone. */
#pragma once

#include "exec/lookup_index.h"

typedef struct lookup_slot {
    uint64_t key; /* the number itself, or the hash of the bytes */
    uint32_t start;
    uint32_t count; /* 0: empty */
} lookup_slot;

typedef struct lookup_part {
    lookup_slot *slots;
    uint64_t mask;        /* of slots: a power of two less one */
    uint64_t alloc_bytes; /* paid for */
} lookup_part;

typedef struct lookup_text { /* bytes of the long strings of a block */
    char *data;
    uint64_t bytes;
} lookup_text;

typedef struct lookup_column {
    capi_vec vec;
    bool is_loaded;
    lookup_text *texts; /* by block */
} lookup_column;

struct lookup_index {
    /* identity; see lookup_index.c */
    lookup_index *next;
    capi_arena arena;
    capi_table_address address;
    capi_schema schema;
    capi_key_def key;
    uint32_t ref_count;
    uint64_t used_at;
    bool is_busy; /* being built, or being given columns */
    bool is_built;

    capi_table_reader *reader;
    uint32_t pass, pass_bits;
    uint32_t row_count; /* of the pass */
    uint64_t block_count;
    uint64_t *block_first; /* first row of each block, and the end */
    uint32_t *picked;      /* pass_bits > 0: the row's number within its block */
    _Atomic uint64_t reserved_bytes;

    bool is_int64;
    bool is_dense;
    /* dense: by key - dense_first */
    int64_t dense_first;
    uint64_t dense_count;
    lookup_range *dense;
    /* else */
    uint32_t part_bits;
    lookup_part *parts;     /* 1 << part_bits */
    capi_view *views;       /* keys by row, unless is_int64 */
    lookup_text *texts;     /* their bytes, by block */
    uint32_t *rows;         /* grouped by key */
    lookup_column *columns; /* by schema column */
};

/* Fills an index whose reader is open. */
CAPI_MUST_USE capi_status lookup_index_build(capi_exec *exec, lookup_index *index, const capi_progress *progress,
                                             capi_err *err);

/* Any thread. Indexes leave room for the others: one takes at most half of the budget, all together three quarters; an index
 * of a pass takes at most an eighth. Whatever does not fit is done in passes. */
CAPI_MUST_USE capi_status lookup_reserve(capi_exec *exec, lookup_index *index, uint64_t bytes, capi_err *err);
/* Moves the long strings into memory of the index; *text is empty so far. */
CAPI_MUST_USE capi_status lookup_own_texts(capi_exec *exec, lookup_index *index, capi_view *views, uint32_t count,
                                           lookup_text *text, capi_err *err);
void lookup_release(capi_exec *exec, lookup_index *index, uint64_t bytes);

/* The part a hash belongs to: its highest bits. */
static inline uint32_t lookup_part_of(uint64_t hash, uint32_t part_bits)
{
    return (uint32_t)(hash >> 1 >> (63 - part_bits));
}
