/* block_cache.c - a hash table and a list in order of last use, under one lock that is held for a few instructions:
 * reading and decoding happen outside of it, on entries that nobody else sees yet. */
#include "store/block_cache.h"

#include "base/arena.h"
#include "base/hash.h"

#include <stdlib.h>

enum { CACHE_BUCKETS_FIRST = 256, CACHE_ALIGN = 64 };

void block_cache_init(block_cache *cache, capi_budget *budget, uint64_t limit_bytes)
{
    *cache = (block_cache){.budget = budget, .limit_bytes = limit_bytes, .bucket_count = CACHE_BUCKETS_FIRST};
    pthread_mutex_init(&cache->lock, NULL);
    cache->buckets = capi_zmalloc(CACHE_BUCKETS_FIRST * sizeof(block_cache_entry *));
}

/* ---- both structures; the lock is held ---- */

static bool key_equal(const block_cache_key *a, const block_cache_key *b)
{
    return a->offset == b->offset && a->segment == b->segment && a->column == b->column;
}

static block_cache_entry **cache_bucket(const block_cache *cache, const block_cache_key *key)
{
    uint64_t hash = capi_hash_combine(capi_hash_combine(key->segment, key->offset), key->column);

    return &cache->buckets[hash & (cache->bucket_count - 1)];
}

static block_cache_entry *cache_find(const block_cache *cache, const block_cache_key *key)
{
    block_cache_entry *entry = *cache_bucket(cache, key);

    while (entry && !key_equal(&entry->key, key))
        entry = entry->bucket_next;
    return entry;
}

static void cache_grow_buckets(block_cache *cache)
{
    block_cache_entry **before = cache->buckets;
    uint32_t count_before = cache->bucket_count;

    cache->bucket_count *= 2;
    cache->buckets = capi_zmalloc(cache->bucket_count * sizeof *cache->buckets);
    for (uint32_t i = 0; i < count_before; i++)
        while (before[i]) {
            block_cache_entry *entry = before[i];
            block_cache_entry **bucket = cache_bucket(cache, &entry->key);

            before[i] = entry->bucket_next;
            entry->bucket_next = *bucket;
            *bucket = entry;
        }
    free(before);
}

static void cache_insert(block_cache *cache, block_cache_entry *entry)
{
    block_cache_entry **bucket;

    if (cache->entry_count == cache->bucket_count) cache_grow_buckets(cache);
    bucket = cache_bucket(cache, &entry->key);
    entry->bucket_next = *bucket;
    *bucket = entry;
    cache->entry_count++;
}

static void cache_remove(block_cache *cache, block_cache_entry *entry)
{
    block_cache_entry **at = cache_bucket(cache, &entry->key);

    while (*at != entry)
        at = &(*at)->bucket_next;
    *at = entry->bucket_next;
    cache->entry_count--;
}

static void list_add(block_cache *cache, block_cache_entry *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    if (cache->newest) cache->newest->newer = entry;
    cache->newest = entry;
    if (!cache->oldest) cache->oldest = entry;
}

static void list_remove(block_cache *cache, block_cache_entry *entry)
{
    *(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
    *(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
    entry->older = entry->newer = NULL;
}

static void entry_free(block_cache *cache, block_cache_entry *entry)
{
    cache->used_bytes -= entry->memory_bytes;
    if (cache->budget) capi_budget_release(cache->budget, entry->memory_bytes);
    free(entry->allocated);
    free(entry);
}

static bool cache_drop_oldest(block_cache *cache)
{
    block_cache_entry *entry = cache->oldest;

    if (!entry) return false;
    list_remove(cache, entry);
    cache_remove(cache, entry);
    entry_free(cache, entry);
    return true;
}

static void cache_shrink(block_cache *cache, uint64_t to_bytes)
{
    while (cache->used_bytes > to_bytes && cache_drop_oldest(cache))
        continue;
}

static capi_status cache_reserve(block_cache *cache, uint64_t bytes, const char *what, capi_err *err)
{
    if (!cache->budget) return CAPI_OK;
    while (!capi_budget_try_reserve(cache->budget, bytes))
        if (!cache_drop_oldest(cache)) return capi_budget_reserve(cache->budget, bytes, what, err);
    return CAPI_OK;
}

/* ---- */

void block_cache_deinit(block_cache *cache)
{
    cache_shrink(cache, 0);
    pthread_mutex_destroy(&cache->lock);
    free(cache->buckets);
    *cache = (block_cache){0};
}

block_cache_entry *block_cache_pin(block_cache *cache, block_cache_key key)
{
    block_cache_entry *entry;

    pthread_mutex_lock(&cache->lock);
    entry = cache_find(cache, &key);
    if (entry && entry->pin_count++ == 0) list_remove(cache, entry);
    *(entry ? &cache->hit_count : &cache->miss_count) += 1;
    pthread_mutex_unlock(&cache->lock);
    return entry;
}

capi_status block_cache_new_entry(block_cache *cache, block_cache_key key, uint64_t bytes, block_cache_entry **out,
                                  capi_err *err)
{
    uint64_t memory_bytes = (bytes + CACHE_ALIGN - 1) & ~(uint64_t)(CACHE_ALIGN - 1);
    block_cache_entry *entry;
    capi_status st;

    if (memory_bytes == 0) memory_bytes = CACHE_ALIGN;
    pthread_mutex_lock(&cache->lock);
    cache_shrink(cache, cache->limit_bytes > memory_bytes ? cache->limit_bytes - memory_bytes : 0);
    st = cache_reserve(cache, memory_bytes, "a block of a table", err);
    if (st == CAPI_OK) cache->used_bytes += memory_bytes;
    pthread_mutex_unlock(&cache->lock);
    if (st != CAPI_OK) return st;

    entry = capi_zmalloc(sizeof *entry);
    *entry = (block_cache_entry){.key = key, .pin_count = 1, .memory_bytes = memory_bytes};
    /* Not aligned_alloc: a freed piece of its is too small for the next request of the same size (glibc before 2.38), so that
     * a full cache took twice its limit. */
    entry->allocated = malloc(memory_bytes + CACHE_ALIGN);
    entry->memory = (void *)(((uintptr_t)entry->allocated + CACHE_ALIGN - 1) & ~(uintptr_t)(CACHE_ALIGN - 1));
    *out = entry;
    if (entry->allocated) return CAPI_OK;
    block_cache_discard(cache, entry);
    *out = NULL;
    return capi_err_set(err, CAPI_NO_MEMORY, "out of memory while asking for %llu bytes for a block of a table",
                        (unsigned long long)memory_bytes);
}

block_cache_entry *block_cache_publish(block_cache *cache, block_cache_entry *entry)
{
    block_cache_entry *other;

    pthread_mutex_lock(&cache->lock);
    other = cache_find(cache, &entry->key);
    if (other) {
        if (other->pin_count++ == 0) list_remove(cache, other);
        entry_free(cache, entry);
        entry = other;
    } else {
        cache_insert(cache, entry);
    }
    pthread_mutex_unlock(&cache->lock);
    return entry;
}

void block_cache_discard(block_cache *cache, block_cache_entry *entry)
{
    pthread_mutex_lock(&cache->lock);
    entry_free(cache, entry);
    pthread_mutex_unlock(&cache->lock);
}

void block_cache_unpin(block_cache *cache, block_cache_entry *entry)
{
    pthread_mutex_lock(&cache->lock);
    if (--entry->pin_count == 0) {
        list_add(cache, entry);
        cache_shrink(cache, cache->limit_bytes);
    }
    pthread_mutex_unlock(&cache->lock);
}

capi_status block_cache_reserve(block_cache *cache, uint64_t bytes, const char *what, capi_err *err)
{
    capi_status st;

    pthread_mutex_lock(&cache->lock);
    st = cache_reserve(cache, bytes, what, err);
    pthread_mutex_unlock(&cache->lock);
    return st;
}

void block_cache_release(block_cache *cache, uint64_t bytes)
{
    if (cache->budget) capi_budget_release(cache->budget, bytes);
}
