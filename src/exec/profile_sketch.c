/* profile_sketch.c - see profile_sketch.h */
#include "exec/profile_sketch.h"

#include "base/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 64 };

/* Never the key itself: 0 is a frequent key, and its hash would look very rare to the HyperLogLog. */
static uint64_t hash_of(uint64_t key)
{
    return capi_hash_int64(key + 0x9e3779b97f4a7c15ull);
}

void capi_sketch_init(capi_sketch *sketch, uint32_t limit)
{
    *sketch = (capi_sketch){.slot_count = FIRST_SLOTS, .limit = limit};
    sketch->registers = capi_zmalloc(CAPI_SKETCH_REGISTERS);
    sketch->slots = capi_zmalloc(capi_array_bytes(FIRST_SLOTS, sizeof *sketch->slots));
}

void capi_sketch_deinit(capi_sketch *sketch)
{
    free(sketch->registers);
    free(sketch->slots);
    *sketch = (capi_sketch){0};
}

static capi_sketch_slot *find_slot(const capi_sketch *sketch, uint64_t key, uint64_t hash)
{
    uint32_t mask = sketch->slot_count - 1;
    uint32_t at = (uint32_t)hash & mask;

    while (sketch->slots[at].first && sketch->slots[at].key != key)
        at = (at + 1) & mask;
    return &sketch->slots[at];
}

/* Takes one off every count if `lost`; what has none left is gone. */
static void rebuild(capi_sketch *sketch, uint32_t slot_count, uint64_t lost)
{
    capi_sketch_slot *old = sketch->slots;
    uint32_t old_count = sketch->slot_count;

    sketch->slots = capi_zmalloc(capi_array_bytes(slot_count, sizeof *old));
    sketch->slot_count = slot_count;
    sketch->used = 0;
    for (uint32_t i = 0; i < old_count; i++) {
        capi_sketch_slot *slot;

        if (!old[i].first || old[i].count <= lost) continue;
        slot = find_slot(sketch, old[i].key, hash_of(old[i].key));
        *slot = old[i];
        slot->count -= lost;
        sketch->used++;
    }
    free(old);
}

static void count_distinct(capi_sketch *sketch, uint64_t hash)
{
    uint64_t rest = hash << CAPI_SKETCH_HLL_BITS | (uint64_t)1 << (CAPI_SKETCH_HLL_BITS - 1);
    uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
    uint8_t *reg = &sketch->registers[hash >> (64 - CAPI_SKETCH_HLL_BITS)];

    if (rank > *reg) *reg = rank;
}

void capi_sketch_add(capi_sketch *sketch, uint64_t key, uint64_t row)
{
    uint64_t hash = hash_of(key);
    capi_sketch_slot *slot = find_slot(sketch, key, hash);

    count_distinct(sketch, hash);
    if (slot->first) {
        slot->count++;
        return;
    }
    if (sketch->used == sketch->limit) { /* happens at most once in `limit` keys, on average */
        sketch->given_up++;
        rebuild(sketch, sketch->slot_count, 1);
        return;
    }
    if (2 * sketch->used == sketch->slot_count) {
        rebuild(sketch, 2 * sketch->slot_count, 0);
        slot = find_slot(sketch, key, hash);
    }
    *slot = (capi_sketch_slot){key, 1, row + 1};
    sketch->used++;
}

double capi_sketch_distinct(const capi_sketch *sketch)
{
    const double count = CAPI_SKETCH_REGISTERS;
    double sum = 0, estimate;
    uint32_t zeros = 0;

    if (capi_sketch_is_exact(sketch)) return sketch->used;
    for (uint32_t i = 0; i < CAPI_SKETCH_REGISTERS; i++) {
        sum += ldexp(1, -sketch->registers[i]);
        zeros += sketch->registers[i] == 0;
    }
    estimate = 0.7213 / (1 + 1.079 / count) * count * count / sum;
    return estimate <= 2.5 * count && zeros ? count * log(count / zeros) : estimate;
}

void capi_sketch_begin_recount(capi_sketch *sketch)
{
    for (uint32_t i = 0; i < sketch->slot_count; i++)
        sketch->slots[i].count = 0;
}

void capi_sketch_recount(capi_sketch *sketch, uint64_t key, uint64_t row)
{
    capi_sketch_slot *slot = find_slot(sketch, key, hash_of(key));

    if (!slot->first) return;
    if (slot->count++ == 0) slot->first = row + 1;
}

static bool comes_before(const capi_sketch_slot *a, const capi_sketch_slot *b)
{
    return a->count != b->count ? a->count > b->count : a->first < b->first;
}

uint32_t capi_sketch_top(const capi_sketch *sketch, capi_sketch_slot *out, uint32_t max)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < sketch->slot_count; i++) {
        const capi_sketch_slot *slot = &sketch->slots[i];
        uint32_t at = count;

        if (!slot->first || (count == max && !comes_before(slot, &out[max - 1]))) continue;
        if (count == max)
            at = max - 1;
        else
            count++;
        for (; at > 0 && comes_before(slot, &out[at - 1]); at--)
            out[at] = out[at - 1];
        out[at] = *slot;
    }
    return count;
}
