/* lookup_build.c - builds a lookup index in three parallel steps.
 *
 *     1 by block      read the key columns; keys (or hashes) by row; lowest and highest number
 *     2 by block      deal (key, row) into partitions: a count per block and partition, prefix sums, then every block
 *                     writes to places of its own, so rows stay in order within a partition
 *     3 by partition  group equal keys; counts, prefix sums, rows by group; then the table of slots
 */
#include "exec/lookup_build.h"
#include "exec/large.h"

#include "base/hash.h"

#include <stdlib.h>

enum {
    PART_ROWS = 80 << 10, /* about 2 MiB of slots */
    PART_BITS_MAX = 12,
    DENSE_BITS_MIN = 17, /* keys of a dense partition: 1 MiB of ranges */
    DENSE_PARTS_MAX = 4096,
    DENSE_SPREAD = 4, /* dense tables may have so many places per row */
    DENSE_PLACES_MIN = 1024,
};

typedef struct build_worker {
    exec_keys keys;
    bool is_open;
    uint32_t *groups; /* of the rows of a partition */
    uint32_t *counts; /* by group */
    uint32_t *rows;
    uint32_t row_max;
    lookup_slot *slots; /* scratch: the partition's table as it grows */
    lookup_slot *spare;
    uint64_t slot_max;
} build_worker;

typedef struct lookup_build {
    capi_exec *exec;
    lookup_index *index;
    const capi_progress *progress;
    uint32_t worker_count;
    build_worker *workers;
    uint64_t *keys; /* by row: number or hash */
    int64_t *block_min, *block_max;
    uint32_t part_count;
    uint32_t part_shift;  /* dense: key offset to partition */
    uint32_t *places;     /* by block and partition: counts, then where the block's rows begin */
    uint64_t *part_first; /* by partition, and the end */
    uint64_t *part_keys;  /* dealt */
    uint32_t *part_rows;
} lookup_build;

static capi_status check_stop(const lookup_build *build, capi_err *err)
{
    if (!build->progress || !atomic_load_explicit(&build->progress->stop, memory_order_relaxed)) return CAPI_OK;
    return capi_err_set(err, CAPI_STOPPED, "the batch was stopped on request");
}

/* ---- step 1: keys by row ---- */

/* The keys of the rows from `from` on; returns how many rows those are. */
static uint32_t chunk_keys(const lookup_build *build, exec_keys *keys, const capi_block *block, uint32_t from)
{
    const capi_key_def *def = &build->index->key;
    uint32_t left = block->row_count - from;
    uint32_t count = left < CAPI_CHUNK_ROWS ? left : CAPI_CHUNK_ROWS;

    for (uint32_t part = 0; part < def->part_count; part++)
        keys->parts[part] = capi_vec_slice(&block->columns[def->parts[part].column], from);
    exec_keys_build(keys, count);
    return count;
}

static uint32_t count_in_pass(const lookup_index *index, const uint64_t *hashes, uint32_t count)
{
    uint32_t in_pass = 0;

    for (uint32_t i = 0; i < count; i++)
        in_pass += exec_hash_in_pass(hashes[i], index->pass, index->pass_bits);
    return in_pass;
}

/* Moves the keys of the pass to the front; notes which rows of the block, from `from` on, they belong to. */
static uint32_t pick_keys(lookup_index *index, exec_keys *keys, uint32_t from, uint32_t count, uint64_t to)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (!exec_hash_in_pass(keys->hashes[i], index->pass, index->pass_bits)) continue;
        keys->hashes[kept] = keys->hashes[i];
        if (index->is_int64)
            keys->numbers[kept] = keys->numbers[i];
        else
            keys->views[kept] = keys->views[i];
        index->picked[to + kept++] = from + i;
    }
    return kept;
}

/* Key bytes live until the next chunk is built, so the whole block's are copied chunk by chunk into one arena first. */
static capi_status read_keys_of_block(lookup_build *build, exec_keys *keys, const capi_block *block,
                                      uint64_t block_index, capi_err *err)
{
    lookup_index *index = build->index;
    uint64_t first = index->block_first[block_index];
    uint64_t to = first;
    capi_arena bytes = {0};
    capi_status st = CAPI_OK;

    for (uint32_t from = 0; from < block->row_count;) {
        uint32_t count = chunk_keys(build, keys, block, from);
        uint32_t kept = index->pass_bits ? pick_keys(index, keys, from, count, to) : count;

        memcpy(build->keys + to, index->is_int64 ? (const void *)keys->numbers : keys->hashes,
               kept * sizeof *build->keys);
        for (uint32_t i = 0; i < kept && !index->is_int64; i++) {
            const capi_view *view = &keys->views[i];

            index->views[to + i] = *view;
            if (view->bytes > CAPI_VIEW_INLINE_MAX)
                index->views[to + i] =
                    capi_view_make(capi_arena_copy(&bytes, capi_view_data(view), view->bytes), view->bytes);
        }
        to += kept;
        from += count;
    }
    if (!index->is_int64)
        st = lookup_own_texts(build->exec, index, index->views + first, (uint32_t)(to - first),
                              &index->texts[block_index], err);
    capi_arena_deinit(&bytes);
    return st;
}

static void note_bounds(lookup_build *build, uint64_t block, uint64_t first_row, uint32_t count)
{
    const int64_t *keys = (const int64_t *)build->keys + first_row;
    int64_t low = INT64_MAX, high = INT64_MIN;

    for (uint32_t i = 0; i < count; i++) {
        low = keys[i] < low ? keys[i] : low;
        high = keys[i] > high ? keys[i] : high;
    }
    build->block_min[block] = low;
    build->block_max[block] = high;
}

static capi_status open_block(lookup_build *build, build_worker *worker, uint64_t block_index, capi_block *block,
                              capi_err *err)
{
    const capi_key_def *def = &build->index->key;
    bool *needed;
    capi_status st;

    CAPI_TRY(check_stop(build, err));
    if (!worker->is_open) {
        exec_keys_init(&worker->keys, def);
        worker->is_open = true;
    }
    needed = capi_zmalloc(build->index->schema.field_count + 1);
    for (uint32_t part = 0; part < def->part_count; part++)
        needed[def->parts[part].column] = true;
    st = capi_table_read_block(build->index->reader, block_index, needed, false, block, err);
    free(needed);
    return st;
}

static capi_status read_block(void *context, uint32_t index, uint64_t block_index, capi_err *err)
{
    lookup_build *build = context;
    build_worker *worker = &build->workers[index];
    const uint64_t *first = build->index->block_first;
    capi_block block = {0};
    capi_status st;

    CAPI_TRY(open_block(build, worker, block_index, &block, err));
    st = read_keys_of_block(build, &worker->keys, &block, block_index, err);
    if (build->index->is_int64)
        note_bounds(build, block_index, first[block_index], (uint32_t)(first[block_index + 1] - first[block_index]));
    capi_block_release(&block);
    return st;
}

/* Only the number of rows in the pass; kept where the block's first row will be. */
static capi_status count_rows_of_block(void *context, uint32_t index, uint64_t block_index, capi_err *err)
{
    lookup_build *build = context;
    build_worker *worker = &build->workers[index];
    capi_block block = {0};
    uint64_t in_pass = 0;

    CAPI_TRY(open_block(build, worker, block_index, &block, err));
    for (uint32_t from = 0; from < block.row_count;) {
        uint32_t count = chunk_keys(build, &worker->keys, &block, from);

        in_pass += count_in_pass(build->index, worker->keys.hashes, count);
        from += count;
    }
    build->index->block_first[block_index] = in_pass;
    capi_block_release(&block);
    return CAPI_OK;
}

/* How many rows the index has, and where those of each block begin. */
static capi_status count_rows(lookup_build *build, capi_err *err)
{
    lookup_index *index = build->index;
    uint64_t row_count = 0;

    index->block_first = capi_zmalloc((index->block_count + 1) * sizeof *index->block_first);
    if (index->pass_bits)
        CAPI_TRY(capi_parallel_for(build->exec->pool, index->block_count, count_rows_of_block, build, err));
    for (uint64_t block = 0; block < index->block_count; block++) {
        uint64_t count = index->block_first[block];

        if (!index->pass_bits)
            count = capi_table_reader_first_row(index->reader, block + 1) -
                    capi_table_reader_first_row(index->reader, block);
        index->block_first[block] = row_count;
        row_count += count;
    }
    index->block_first[index->block_count] = row_count;
    if (row_count >= UINT32_MAX)
        return capi_err_set(err, CAPI_NO_MEMORY, "a lookup index cannot have %llu rows, expected at most %u",
                            (unsigned long long)row_count, UINT32_MAX - 1);
    index->row_count = (uint32_t)row_count;
    return CAPI_OK;
}

/* ---- step 2: partitions ---- */

/* Numbers with few gaps need no hashing. */
static void choose_dense(lookup_build *build)
{
    lookup_index *index = build->index;
    int64_t low = INT64_MAX, high = INT64_MIN;
    uint64_t span;

    if (!index->is_int64 || index->row_count == 0) return;
    for (uint64_t block = 0; block < index->block_count; block++) {
        low = build->block_min[block] < low ? build->block_min[block] : low;
        high = build->block_max[block] > high ? build->block_max[block] : high;
    }
    span = (uint64_t)high - (uint64_t)low;
    if (span >= (uint64_t)index->row_count * DENSE_SPREAD + DENSE_PLACES_MIN) return;
    index->is_dense = true;
    index->dense_first = low;
    index->dense_count = span + 1;
}

static void choose_parts(lookup_build *build)
{
    lookup_index *index = build->index;

    if (index->is_dense) {
        build->part_shift = DENSE_BITS_MIN;
        while ((index->dense_count - 1) >> build->part_shift >= DENSE_PARTS_MAX)
            build->part_shift++;
        build->part_count = (uint32_t)((index->dense_count - 1) >> build->part_shift) + 1;
        return;
    }
    while (index->part_bits < PART_BITS_MAX && (uint64_t)PART_ROWS << index->part_bits < index->row_count)
        index->part_bits++;
    build->part_count = 1u << index->part_bits;
}

static uint32_t part_of(const lookup_build *build, uint64_t key)
{
    const lookup_index *index = build->index;

    if (index->is_dense) return (uint32_t)((key - (uint64_t)index->dense_first) >> build->part_shift);
    return lookup_part_of(index->is_int64 ? capi_hash_int64(key) : key, index->part_bits);
}

static uint32_t *block_places(const lookup_build *build, uint64_t block)
{
    return build->places + block * build->part_count;
}

static capi_status count_block(void *context, uint32_t worker, uint64_t block, capi_err *err)
{
    lookup_build *build = context;
    uint64_t first = build->index->block_first[block];
    uint64_t end = build->index->block_first[block + 1];
    uint32_t *counts = block_places(build, block);

    (void)worker;
    for (uint64_t row = first; row < end; row++)
        counts[part_of(build, build->keys[row])]++;
    return check_stop(build, err);
}

static void place_blocks(lookup_build *build)
{
    uint64_t at = 0;

    for (uint32_t part = 0; part < build->part_count; part++) {
        build->part_first[part] = at;
        for (uint64_t block = 0; block < build->index->block_count; block++) {
            uint32_t *place = &block_places(build, block)[part];
            uint32_t count = *place;

            *place = (uint32_t)at;
            at += count;
        }
    }
    build->part_first[build->part_count] = at;
}

static capi_status deal_block(void *context, uint32_t worker, uint64_t block, capi_err *err)
{
    lookup_build *build = context;
    uint64_t first = build->index->block_first[block];
    uint64_t end = build->index->block_first[block + 1];
    uint32_t *places = block_places(build, block);

    (void)worker;
    for (uint64_t row = first; row < end; row++) {
        uint32_t to = places[part_of(build, build->keys[row])]++;

        build->part_keys[to] = build->keys[row];
        build->part_rows[to] = (uint32_t)row;
    }
    return check_stop(build, err);
}

/* With one partition the rows are there already. */
static capi_status deal(lookup_build *build, capi_err *err)
{
    lookup_index *index = build->index;
    uint64_t places = index->block_count * build->part_count;

    build->part_first = capi_zmalloc((build->part_count + 1) * sizeof *build->part_first);
    if (build->part_count == 1) {
        build->part_first[1] = index->row_count;
        build->part_keys = build->keys;
        for (uint32_t row = 0; row < index->row_count; row++)
            build->part_rows[row] = row;
        return CAPI_OK;
    }
    CAPI_TRY(lookup_reserve(build->exec, index, places * sizeof *build->places, err));
    build->places = capi_zmalloc(places * sizeof *build->places);
    CAPI_TRY(lookup_reserve(build->exec, index, index->row_count * sizeof *build->part_keys, err));
    build->part_keys = exec_large_alloc(index->row_count * sizeof *build->part_keys);
    CAPI_TRY(capi_parallel_for(build->exec->pool, index->block_count, count_block, build, err));
    place_blocks(build);
    return capi_parallel_for(build->exec->pool, index->block_count, deal_block, build, err);
}

/* ---- step 3: one partition ---- */

static void worker_room(build_worker *worker, uint32_t row_count)
{
    if (worker->row_max > row_count) return;
    worker->row_max = ++row_count;
    worker->groups = capi_realloc(worker->groups, row_count * sizeof *worker->groups);
    worker->counts = capi_realloc(worker->counts, row_count * sizeof *worker->counts);
    worker->rows = capi_realloc(worker->rows, row_count * sizeof *worker->rows);
}

/* Brings the rows of a partition into groups: counts[group] becomes where the group begins in the partition. Groups of one
 * row stay in their place, too, though nobody reads it. */
static void group_rows(build_worker *worker, uint32_t *rows, uint32_t row_count, uint32_t group_count)
{
    uint32_t at = 0;

    for (uint32_t group = 0; group < group_count; group++) {
        uint32_t count = worker->counts[group];

        worker->counts[group] = at;
        at += count;
    }
    memcpy(worker->rows, rows, row_count * sizeof *rows);
    for (uint32_t i = 0; i < row_count; i++)
        rows[worker->counts[worker->groups[i]]++] = worker->rows[i];
}

static capi_status build_dense_part(void *context, uint32_t worker_index, uint64_t part, capi_err *err)
{
    lookup_build *build = context;
    lookup_index *index = build->index;
    uint64_t first = build->part_first[part];
    uint32_t row_count = (uint32_t)(build->part_first[part + 1] - first);
    const uint64_t *keys = build->part_keys + first;
    uint32_t *rows = build->part_rows + first;
    lookup_range *ranges = index->dense;
    uint64_t low = part << build->part_shift;
    uint64_t high = low + (UINT64_C(1) << build->part_shift);
    build_worker *worker = &build->workers[worker_index];
    bool has_groups = false;
    uint32_t at = (uint32_t)first;

    CAPI_TRY(check_stop(build, err));
    for (uint32_t i = 0; i < row_count; i++) {
        lookup_range *range = &ranges[keys[i] - (uint64_t)index->dense_first];

        has_groups = has_groups || range->count;
        range->start = rows[i];
        range->count++;
    }
    if (!has_groups) return CAPI_OK;
    if (high > index->dense_count) high = index->dense_count;
    for (uint64_t key = low; key < high; key++) {
        if (ranges[key].count == 0) continue;
        if (ranges[key].count > 1) ranges[key].start = at;
        at += ranges[key].count;
    }
    /* `start` of a group moves while its rows are placed, and is moved back after. */
    worker_room(worker, row_count);
    memcpy(worker->rows, rows, row_count * sizeof *rows);
    for (uint32_t i = 0; i < row_count; i++) {
        lookup_range *range = &ranges[keys[i] - (uint64_t)index->dense_first];

        if (range->count > 1) build->part_rows[range->start++] = worker->rows[i];
    }
    for (uint64_t key = low; key < high; key++)
        if (ranges[key].count > 1) ranges[key].start -= ranges[key].count;
    return CAPI_OK;
}

static void slots_grow(build_worker *worker, uint64_t *slot_count, bool is_int64)
{
    uint64_t wanted = *slot_count * 2;
    lookup_slot *swapped;

    if (worker->slot_max < wanted) {
        worker->slot_max = wanted;
        worker->slots = capi_realloc(worker->slots, wanted * sizeof *worker->slots);
        worker->spare = capi_realloc(worker->spare, wanted * sizeof *worker->spare);
    }
    memset(worker->spare, 0, wanted * sizeof *worker->spare);
    for (uint64_t i = 0; i < *slot_count; i++) {
        const lookup_slot *slot = &worker->slots[i];
        uint64_t at = (is_int64 ? capi_hash_int64(slot->key) : slot->key) & (wanted - 1);

        if (!slot->count) continue;
        while (worker->spare[at].count)
            at = (at + 1) & (wanted - 1);
        worker->spare[at] = *slot;
    }
    swapped = worker->slots;
    worker->slots = worker->spare;
    worker->spare = swapped;
    *slot_count = wanted;
}

static void slots_start(build_worker *worker, uint64_t slot_count)
{
    if (worker->slot_max < slot_count) {
        worker->slot_max = slot_count;
        worker->slots = capi_realloc(worker->slots, slot_count * sizeof *worker->slots);
        worker->spare = capi_realloc(worker->spare, slot_count * sizeof *worker->spare);
    }
    memset(worker->slots, 0, slot_count * sizeof *worker->slots);
}

/* Numbers the groups in the order of their first rows; slots hold the group while counts are not known yet. Returns the
 * number of groups. first_rows: of each group, for comparing bytes. */
static uint32_t find_groups(const lookup_build *build, build_worker *worker, const uint64_t *keys, const uint32_t *rows,
                            uint32_t row_count, uint64_t *slot_count)
{
    const lookup_index *index = build->index;
    uint32_t group_count = 0;

    for (uint32_t i = 0; i < row_count; i++) {
        uint64_t key = keys[i];
        uint64_t mask, at;

        if (((uint64_t)group_count + 1) * 8 > *slot_count * 5) slots_grow(worker, slot_count, index->is_int64);
        mask = *slot_count - 1;
        at = (index->is_int64 ? capi_hash_int64(key) : key) & mask;
        for (; worker->slots[at].count; at = (at + 1) & mask)
            if (worker->slots[at].key == key &&
                (index->is_int64 ||
                 capi_view_equal(&index->views[worker->rows[worker->slots[at].start]], &index->views[rows[i]])))
                break;
        if (!worker->slots[at].count) {
            worker->slots[at] = (lookup_slot){.key = key, .start = group_count, .count = 1};
            worker->counts[group_count] = 0;
            worker->rows[group_count++] = rows[i];
        }
        worker->groups[i] = worker->slots[at].start;
        worker->counts[worker->slots[at].start]++;
    }
    return group_count;
}

static capi_status build_part(void *context, uint32_t worker_index, uint64_t part_index, capi_err *err)
{
    lookup_build *build = context;
    lookup_index *index = build->index;
    build_worker *worker = &build->workers[worker_index];
    lookup_part *part = &index->parts[part_index];
    uint64_t first = build->part_first[part_index];
    uint32_t row_count = (uint32_t)(build->part_first[part_index + 1] - first);
    uint32_t *rows = build->part_rows + first;
    uint64_t slot_count = 16;
    uint32_t group_count;

    CAPI_TRY(check_stop(build, err));
    while (slot_count < row_count / 2)
        slot_count *= 2;
    worker_room(worker, row_count);
    slots_start(worker, slot_count);
    group_count = find_groups(build, worker, build->part_keys + first, rows, row_count, &slot_count);
    part->alloc_bytes = slot_count * sizeof *part->slots;
    CAPI_TRY(lookup_reserve(build->exec, index, part->alloc_bytes, err));
    part->slots = exec_large_alloc(part->alloc_bytes);
    part->mask = slot_count - 1;
    memcpy(part->slots, worker->slots, part->alloc_bytes);
    /* From here on groups have counts: ends after group_rows. */
    for (uint64_t i = 0; i < slot_count; i++)
        if (part->slots[i].count) part->slots[i].count = worker->counts[part->slots[i].start];
    group_rows(worker, rows, row_count, group_count);
    for (uint64_t i = 0; i < slot_count; i++) {
        lookup_slot *slot = &part->slots[i];
        uint32_t begin;

        if (!slot->count) continue;
        begin = (uint32_t)first + worker->counts[slot->start] - slot->count;
        slot->start = slot->count == 1 ? build->part_rows[begin] : begin;
    }
    return CAPI_OK;
}

static capi_status build_parts(lookup_build *build, capi_err *err)
{
    lookup_index *index = build->index;

    if (index->is_dense) {
        CAPI_TRY(lookup_reserve(build->exec, index, index->dense_count * sizeof *index->dense, err));
        index->dense = exec_large_alloc(index->dense_count * sizeof *index->dense);
        return capi_parallel_for(build->exec->pool, build->part_count, build_dense_part, build, err);
    }
    index->parts = capi_zmalloc(build->part_count * sizeof *index->parts);
    return capi_parallel_for(build->exec->pool, build->part_count, build_part, build, err);
}

/* ---- all ---- */

static capi_status build_start(lookup_build *build, capi_err *err)
{
    lookup_index *index = build->index;
    uint64_t rows = index->row_count;
    uint64_t bytes =
        rows * (sizeof *build->keys + sizeof *build->part_rows + (index->is_int64 ? 0 : sizeof(capi_view)) +
                (index->pass_bits ? sizeof *index->picked : 0));

    CAPI_TRY(lookup_reserve(build->exec, index, bytes, err));
    build->keys = exec_large_alloc(rows * sizeof *build->keys);
    build->part_rows = exec_large_alloc(rows * sizeof *build->part_rows);
    index->rows = build->part_rows;
    if (index->pass_bits) index->picked = exec_large_alloc(rows * sizeof *index->picked);
    if (index->is_int64) {
        build->block_min = capi_malloc((index->block_count + 1) * sizeof *build->block_min);
        build->block_max = capi_malloc((index->block_count + 1) * sizeof *build->block_max);
    } else {
        index->views = exec_large_alloc(rows * sizeof *index->views);
        index->texts = capi_zmalloc((index->block_count + 1) * sizeof *index->texts);
    }
    return CAPI_OK;
}

static void build_end(lookup_build *build)
{
    lookup_index *index = build->index;
    uint64_t freed = 0;

    for (uint32_t i = 0; i < build->worker_count; i++) {
        build_worker *worker = &build->workers[i];

        if (worker->is_open) exec_keys_deinit(&worker->keys);
        free(worker->groups);
        free(worker->counts);
        free(worker->rows);
        free(worker->slots);
        free(worker->spare);
    }
    free(build->workers);
    if (build->part_keys && build->part_keys != build->keys) {
        exec_large_free(build->part_keys, index->row_count * sizeof *build->part_keys);
        freed += index->row_count * sizeof *build->part_keys;
    }
    if (build->places) freed += index->block_count * build->part_count * sizeof *build->places;
    if (build->keys) freed += index->row_count * sizeof *build->keys;
    free(build->places);
    exec_large_free(build->keys, index->row_count * sizeof *build->keys);
    free(build->part_first);
    free(build->block_min);
    free(build->block_max);
    lookup_release(build->exec, index, freed);
}

static capi_status build_run(lookup_build *build, capi_err *err)
{
    CAPI_TRY(count_rows(build, err));
    CAPI_TRY(build_start(build, err));
    CAPI_TRY(capi_parallel_for(build->exec->pool, build->index->block_count, read_block, build, err));
    choose_dense(build);
    choose_parts(build);
    CAPI_TRY(deal(build, err));
    return build_parts(build, err);
}

capi_status lookup_index_build(capi_exec *exec, lookup_index *index, const capi_progress *progress, capi_err *err)
{
    lookup_build build = {.exec = exec, .index = index, .progress = progress};
    capi_status st;

    build.worker_count = capi_thread_pool_size(exec->pool);
    build.workers = capi_zmalloc(build.worker_count * sizeof *build.workers);
    st = build_run(&build, err);
    build_end(&build);
    return st;
}
