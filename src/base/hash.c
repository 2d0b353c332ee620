/* hash.c - XXH3 and an open-addressing map over an insertion-ordered array. */
#include "base/hash.h"

#include <xxhash.h>

uint64_t capi_hash_bytes(const void *data, size_t bytes)
{
    return XXH3_64bits(data, bytes);
}

void capi_map_init(capi_map *map, capi_arena *arena)
{
    *map = (capi_map){.arena = arena};
}

static uint32_t *map_slot(const capi_map *map, capi_str name)
{
    uint32_t mask = map->capacity * 2 - 1;
    uint32_t at = (uint32_t)capi_hash_bytes(name.data, name.bytes) & mask;

    while (map->slots[at] && !capi_str_equal(map->entries[map->slots[at] - 1].name, name))
        at = (at + 1) & mask;
    return &map->slots[at];
}

void *capi_map_get(const capi_map *map, capi_str name)
{
    uint32_t *slot;

    if (map->count == 0) return NULL;
    slot = map_slot(map, name);
    return *slot ? map->entries[*slot - 1].value : NULL;
}

static void map_grow(capi_map *map)
{
    uint32_t capacity = map->capacity ? map->capacity * 2 : 8;
    capi_map_entry *entries = capi_new_array(map->arena, capi_map_entry, capacity);

    if (map->count) memcpy(entries, map->entries, map->count * sizeof *entries);
    map->entries = entries;
    map->capacity = capacity;
    map->slots = capi_new_array(map->arena, uint32_t, (size_t)capacity * 2);
    for (uint32_t i = 0; i < map->count; i++)
        *map_slot(map, entries[i].name) = i + 1;
}

void *capi_map_put(capi_map *map, capi_str name, void *value)
{
    uint32_t *slot;
    void *before;

    if (map->count == map->capacity) map_grow(map);
    slot = map_slot(map, name);
    if (*slot) {
        before = map->entries[*slot - 1].value;
        map->entries[*slot - 1].value = value;
        return before;
    }
    map->entries[map->count] = (capi_map_entry){name, value};
    *slot = ++map->count;
    return NULL;
}
