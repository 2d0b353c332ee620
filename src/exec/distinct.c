/* distinct.c - open addressing over (hash, place) slots; the bytes of keys lie in blocks.
 *
 * A slot of a number holds its row + 1, a slot of bytes a pointer to row, length and bytes; 0 is an empty slot. The slots of a
 * chunk are prefetched before they are looked at, so that misses overlap. */
#include "exec/distinct.h"
#include "exec/large.h"

#include <stdlib.h>

enum {
    SET_SLOTS_FIRST = 4096,
    SET_BLOCK_BYTES_FIRST = 16 << 10,
    SET_BLOCK_BYTES_MAX = 1 << 20,
};

typedef struct set_slot {
    uint64_t hash;
    uint64_t place;
} set_slot;

typedef struct set_key {
    uint64_t row;
    uint32_t bytes;
    char data[];
} set_key;

typedef struct set_block set_block;
struct set_block {
    set_block *older;
    size_t bytes;
    char data[];
};

struct distinct_set {
    capi_exec *exec;
    bool is_int64;
    bool is_full;
    uint64_t limit_bytes;
    uint64_t reserved_bytes;
    set_slot *slots;
    uint64_t slot_count; /* a power of two, or 0 */
    uint64_t key_count;
    set_block *block; /* newest first */
    char *next, *end; /* free part of the newest */
};

distinct_set *distinct_set_new(capi_exec *exec, bool is_int64, uint64_t limit_bytes)
{
    distinct_set *set = capi_zmalloc(sizeof *set);

    set->exec = exec;
    set->is_int64 = is_int64;
    set->limit_bytes = limit_bytes;
    return set;
}

static void set_release(distinct_set *set, uint64_t bytes)
{
    capi_budget_release(set->exec->budget, bytes);
    set->reserved_bytes -= bytes;
}

static bool set_reserve(distinct_set *set, uint64_t bytes)
{
    if (set->reserved_bytes + bytes > set->limit_bytes || !exec_try_reserve(set->exec, bytes)) return false;
    set->reserved_bytes += bytes;
    return true;
}

static void set_free_blocks(distinct_set *set)
{
    while (set->block) {
        set_block *block = set->block;

        set->block = block->older;
        set_release(set, block->bytes);
        free(block);
    }
    set->next = set->end = NULL;
}

void distinct_set_free(distinct_set *set)
{
    if (!set) return;
    set_free_blocks(set);
    set_release(set, set->reserved_bytes);
    exec_large_free(set->slots, set->slot_count * sizeof *set->slots);
    free(set);
}

void distinct_set_clear(distinct_set *set)
{
    set_free_blocks(set);
    if (set->slot_count) memset(set->slots, 0, set->slot_count * sizeof *set->slots);
    set->key_count = 0;
    set->is_full = false;
}

bool distinct_set_is_full(const distinct_set *set)
{
    return set->is_full;
}

/* ---- memory ---- */

static void set_move(const set_slot *from, uint64_t from_count, set_slot *to, uint64_t to_count)
{
    for (uint64_t i = 0; i < from_count; i++) {
        uint64_t at = from[i].hash & (to_count - 1);

        if (!from[i].place) continue;
        while (to[at].place)
            at = (at + 1) & (to_count - 1);
        to[at] = from[i];
    }
}

/* Room for `more` keys at a load of at most one half. */
static bool set_grow(distinct_set *set, uint32_t more)
{
    uint64_t wanted = set->slot_count ? set->slot_count : SET_SLOTS_FIRST;
    set_slot *slots;

    while ((set->key_count + more) * 2 > wanted)
        wanted *= 2;
    if (wanted == set->slot_count) return true;
    if (!set_reserve(set, wanted * sizeof *slots)) return false;
    slots = exec_large_alloc(wanted * sizeof *slots);
    set_move(set->slots, set->slot_count, slots, wanted);
    if (set->slots) set_release(set, set->slot_count * sizeof *slots);
    exec_large_free(set->slots, set->slot_count * sizeof *slots);
    set->slots = slots;
    set->slot_count = wanted;
    return true;
}

static set_key *set_alloc_key(distinct_set *set, uint32_t key_bytes)
{
    size_t bytes = (sizeof(set_key) + key_bytes + 7) & ~(size_t)7;
    set_key *key;

    if ((size_t)(set->end - set->next) < bytes || !set->next) {
        size_t block_bytes = set->block ? set->block->bytes * 2 : SET_BLOCK_BYTES_FIRST;
        set_block *block;

        if (block_bytes > SET_BLOCK_BYTES_MAX) block_bytes = SET_BLOCK_BYTES_MAX;
        if (block_bytes < bytes + sizeof *block) block_bytes = bytes + sizeof *block;
        if (!set_reserve(set, block_bytes)) return NULL;
        block = capi_malloc(block_bytes);
        block->older = set->block;
        block->bytes = block_bytes;
        set->block = block;
        set->next = block->data;
        set->end = (char *)block + block_bytes;
    }
    key = (set_key *)set->next;
    set->next += bytes;
    return key;
}

/* ---- adding ---- */

static bool set_same(const distinct_set *set, const set_slot *slot, uint64_t hash, const capi_view *view)
{
    const set_key *key;

    if (slot->hash != hash) return false;
    if (set->is_int64) return true;
    key = (const set_key *)(uintptr_t)slot->place;
    return key->bytes == view->bytes && memcmp(key->data, capi_view_data(view), key->bytes) == 0;
}

static uint64_t set_row(const distinct_set *set, const set_slot *slot)
{
    return set->is_int64 ? slot->place - 1 : ((const set_key *)(uintptr_t)slot->place)->row;
}

static bool set_put(distinct_set *set, set_slot *slot, uint64_t hash, const capi_view *view, uint64_t row)
{
    if (set->is_int64) {
        *slot = (set_slot){hash, row + 1};
    } else {
        set_key *key = set_alloc_key(set, view->bytes);

        if (!key) return false;
        key->row = row;
        key->bytes = view->bytes;
        memcpy(key->data, capi_view_data(view), view->bytes);
        *slot = (set_slot){hash, (uintptr_t)key};
    }
    set->key_count++;
    return true;
}

static void set_prefetch(const distinct_set *set, const uint64_t *hashes, uint32_t count)
{
    uint64_t mask = set->slot_count - 1;

    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(&set->slots[hashes[i] & mask]);
    if (set->is_int64) return;
    for (uint32_t i = 0; i < count; i++) {
        const set_slot *slot = &set->slots[hashes[i] & mask];

        if (slot->place && slot->hash == hashes[i]) __builtin_prefetch((const void *)(uintptr_t)slot->place);
    }
}

uint32_t distinct_set_add(distinct_set *set, const uint64_t *hashes, const capi_view *views, const uint64_t *rows,
                          uint32_t count, uint32_t *selected, uint64_t *first_seen)
{
    uint32_t selected_count = 0;
    uint64_t mask;

    if (!set->is_full && !set_grow(set, count)) set->is_full = true;
    if (set->slot_count == 0) { /* no room even for the first keys */
        for (uint32_t i = 0; i < count; i++)
            selected[i] = i;
        return count;
    }
    mask = set->slot_count - 1;
    set_prefetch(set, hashes, count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = hashes[i] & mask;
        const capi_view *view = views ? &views[i] : NULL;

        while (set->slots[at].place && !set_same(set, &set->slots[at], hashes[i], view))
            at = (at + 1) & mask;
        if (set->slots[at].place) {
            if (first_seen) first_seen[i] = set_row(set, &set->slots[at]);
            continue;
        }
        selected[selected_count++] = i;
        if (!set->is_full && !set_put(set, &set->slots[at], hashes[i], view, rows ? rows[i] : 0)) set->is_full = true;
    }
    return selected_count;
}
