/* lookup_probe.c - looks up a chunk of keys: places are computed and prefetched a few hundred at a time, so that the misses
 * of different keys overlap. */
#include "exec/lookup_build.h"

enum { PROBE_ROWS = 256 };

static const lookup_range no_range = {0, 0};

static void probe_dense(const lookup_index *index, const int64_t *numbers, uint32_t row_count, lookup_range *ranges)
{
    uint64_t places[PROBE_ROWS];

    for (uint32_t i = 0; i < row_count; i++) {
        uint64_t place = (uint64_t)numbers[i] - (uint64_t)index->dense_first;

        places[i] = place < index->dense_count ? place : UINT64_MAX;
        if (place < index->dense_count) __builtin_prefetch(&index->dense[place]);
    }
    for (uint32_t i = 0; i < row_count; i++)
        ranges[i] = places[i] == UINT64_MAX ? no_range : index->dense[places[i]];
}

static void probe_numbers(const lookup_index *index, const int64_t *numbers, const uint64_t *hashes, uint32_t row_count,
                          lookup_range *ranges)
{
    for (uint32_t i = 0; i < row_count; i++) {
        const lookup_part *part = &index->parts[lookup_part_of(hashes[i], index->part_bits)];

        __builtin_prefetch(&part->slots[hashes[i] & part->mask]);
    }
    for (uint32_t i = 0; i < row_count; i++) {
        const lookup_part *part = &index->parts[lookup_part_of(hashes[i], index->part_bits)];
        uint64_t at = hashes[i] & part->mask;

        while (part->slots[at].count && part->slots[at].key != (uint64_t)numbers[i])
            at = (at + 1) & part->mask;
        ranges[i] = (lookup_range){part->slots[at].start, part->slots[at].count};
    }
}

/* The next slot with this hash, from `at` on; or an empty one. */
static uint64_t next_with_hash(const lookup_part *part, uint64_t hash, uint64_t at)
{
    while (part->slots[at].count && part->slots[at].key != hash)
        at = (at + 1) & part->mask;
    return at;
}

static const capi_view *slot_view(const lookup_index *index, const lookup_slot *slot)
{
    return &index->views[slot->count == 1 ? slot->start : index->rows[slot->start]];
}

static void prefetch_bytes(const capi_view *view)
{
    if (view->bytes > CAPI_VIEW_INLINE_MAX) __builtin_prefetch(capi_view_data(view));
}

static void probe_bytes(const lookup_index *index, const capi_view *views, const uint64_t *hashes, uint32_t row_count,
                        lookup_range *ranges)
{
    uint64_t places[PROBE_ROWS];

    for (uint32_t i = 0; i < row_count; i++) {
        const lookup_part *part = &index->parts[lookup_part_of(hashes[i], index->part_bits)];

        __builtin_prefetch(&part->slots[hashes[i] & part->mask]);
    }
    for (uint32_t i = 0; i < row_count; i++) {
        const lookup_part *part = &index->parts[lookup_part_of(hashes[i], index->part_bits)];

        places[i] = next_with_hash(part, hashes[i], hashes[i] & part->mask);
        if (part->slots[places[i]].count) __builtin_prefetch(slot_view(index, &part->slots[places[i]]));
    }
    for (uint32_t i = 0; i < row_count; i++) {
        const lookup_slot *slot = &index->parts[lookup_part_of(hashes[i], index->part_bits)].slots[places[i]];

        if (slot->count) prefetch_bytes(slot_view(index, slot));
    }
    for (uint32_t i = 0; i < row_count; i++) {
        const lookup_part *part = &index->parts[lookup_part_of(hashes[i], index->part_bits)];
        uint64_t at = places[i];

        while (part->slots[at].count && !capi_view_equal(slot_view(index, &part->slots[at]), &views[i]))
            at = next_with_hash(part, hashes[i], (at + 1) & part->mask);
        ranges[i] = (lookup_range){part->slots[at].start, part->slots[at].count};
    }
}

void lookup_index_probe(const lookup_index *index, const exec_keys *keys, uint32_t row_count, lookup_range *ranges)
{
    if (index->row_count == 0) {
        memset(ranges, 0, row_count * sizeof *ranges);
        return;
    }
    for (uint32_t from = 0; from < row_count; from += PROBE_ROWS) {
        uint32_t left = row_count - from;
        uint32_t count = left < PROBE_ROWS ? left : PROBE_ROWS;

        if (index->is_dense)
            probe_dense(index, keys->numbers + from, count, ranges + from);
        else if (index->is_int64)
            probe_numbers(index, keys->numbers + from, keys->hashes + from, count, ranges + from);
        else
            probe_bytes(index, keys->views + from, keys->hashes + from, count, ranges + from);
    }
}
