/* hash.h - 64-bit hashes (XXH3) and a map from names to pointers. */
#pragma once

#include "base/str.h"

uint64_t capi_hash_bytes(const void *data, size_t bytes);

/* A strong mix of one 64-bit value (the finaliser of SplitMix64, public domain, Sebastiano Vigna). */
static inline uint64_t capi_hash_int64(uint64_t value)
{
    value ^= value >> 30;
    value *= 0xbf58476d1ce4e5b9ull;
    value ^= value >> 27;
    value *= 0x94d049bb133111ebull;
    return value ^ value >> 31;
}

static inline uint64_t capi_hash_combine(uint64_t a, uint64_t b)
{
    return capi_hash_int64(a * 0x9e3779b97f4a7c15ull + b);
}

/* Map: names are borrowed and must outlive the map; the map lives in an arena. One thread writes; many may read a map
 * that nobody changes. Iteration follows insertion. */
typedef struct capi_map_entry {
    capi_str name;
    void *value;
} capi_map_entry;

typedef struct capi_map {
    capi_arena *arena;
    capi_map_entry *entries; /* in order of insertion */
    uint32_t *slots;         /* entry index + 1, or 0 */
    uint32_t count;
    uint32_t capacity; /* of entries; slots are twice as many, a power of two */
} capi_map;

void capi_map_init(capi_map *map, capi_arena *arena);
/* The value, or NULL. */
void *capi_map_get(const capi_map *map, capi_str name);
/* Adds or replaces; returns the value that was there, or NULL. */
void *capi_map_put(capi_map *map, capi_str name, void *value);
