/* block_cache.h - decoded columns of blocks, kept for whoever reads them next. Private to src/store/.
 *
 * An entry is one column of one block, named by (segment, offset, column): blocks never change, so there is nothing to
 * invalidate. Entries in use are pinned; others go, least recently used first, when the cache is over its limit or the
 * memory budget is short. Every byte is reserved from the budget. Any thread may call. */
#pragma once

#include "base/budget.h"

#include <pthread.h>

typedef struct block_cache_key {
    uint64_t segment;
    uint64_t offset;
    uint32_t column;
} block_cache_key;

typedef struct block_cache_entry block_cache_entry;
struct block_cache_entry {
    block_cache_key key;
    uint32_t pin_count;
    uint64_t memory_bytes;
    void *memory;    /* 64-byte aligned */
    void *allocated; /* where it lies */
    block_cache_entry *bucket_next;
    block_cache_entry *older, *newer; /* among the unpinned */
};

typedef struct block_cache {
    pthread_mutex_t lock;
    capi_budget *budget; /* or NULL */
    uint64_t limit_bytes;
    uint64_t used_bytes; /* of all entries, pinned ones included */
    uint64_t hit_count, miss_count;
    block_cache_entry **buckets;
    uint32_t bucket_count; /* a power of two */
    uint32_t entry_count;
    block_cache_entry *oldest, *newest;
} block_cache;

void block_cache_init(block_cache *cache, capi_budget *budget, uint64_t limit_bytes);
/* Nothing may be pinned. */
void block_cache_deinit(block_cache *cache);

/* The entry, pinned, or NULL. */
block_cache_entry *block_cache_pin(block_cache *cache, block_cache_key key);
/* A pinned entry with memory of so many bytes, not yet seen by others. */
CAPI_MUST_USE capi_status block_cache_new_entry(block_cache *cache, block_cache_key key, uint64_t bytes,
                                                block_cache_entry **out, capi_err *err);
/* Makes a new entry visible. If another thread was faster, its entry is returned (pinned) and this one freed. */
block_cache_entry *block_cache_publish(block_cache *cache, block_cache_entry *entry);
/* Frees a new entry that could not be filled. */
void block_cache_discard(block_cache *cache, block_cache_entry *entry);
void block_cache_unpin(block_cache *cache, block_cache_entry *entry);

/* Reserves memory outside of the cache from the same budget, letting entries go for it. */
CAPI_MUST_USE capi_status block_cache_reserve(block_cache *cache, uint64_t bytes, const char *what, capi_err *err);
void block_cache_release(block_cache *cache, uint64_t bytes);
