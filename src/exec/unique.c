/* unique.c - two steps: which hashes occur more than once (hashes only, in parallel, in any order), and then, for the rows
 * with such a hash alone, their keys in table order. Without duplicates no key column is ever read. */
#include "exec/unique.h"
#include "exec/distinct.h"

#include <stdlib.h>

enum {
    FIND_PARTITIONS = 64,
    FIND_SMALL_ROWS = 4096, /* so few are compared at once */
};

/* ---- reading hashes and keys of a block ---- */

typedef struct block_keys {
    capi_block block;
    exec_keys keys;
    uint64_t *hashes; /* of the block's rows, lowest bit cleared */
    uint32_t capacity;
} block_keys;

static void block_keys_deinit(block_keys *keys)
{
    capi_block_release(&keys->block);
    exec_keys_deinit(&keys->keys);
    free(keys->hashes);
}

static void key_columns(const exec_unique *unique, bool *needed)
{
    const capi_key_def *def = &unique->index->key;

    for (uint32_t part = 0; part < def->part_count; part++)
        needed[def->parts[part].column] = true;
}

/* The keys of the block's rows from `from` on; returns how many. */
static uint32_t block_keys_chunk(const exec_unique *unique, block_keys *keys, uint32_t from)
{
    uint32_t left = keys->block.row_count - from;
    uint32_t count = left < CAPI_CHUNK_ROWS ? left : CAPI_CHUNK_ROWS;
    const capi_key_def *def = &unique->index->key;

    for (uint32_t part = 0; part < def->part_count; part++)
        keys->keys.parts[part] = capi_vec_slice(&keys->block.columns[def->parts[part].column], from);
    exec_keys_build(&keys->keys, count);
    return count;
}

/* Reads the hashes of a block; its key columns, too, if with_keys or if the hashes must be made from them. */
static capi_status block_keys_read(const exec_unique *unique, block_keys *keys, uint64_t block, bool with_keys,
                                   capi_err *err)
{
    bool *needed = capi_zmalloc(unique->schema->field_count + 1);
    capi_status st;

    if (unique->progress && unique->progress->stop) {
        free(needed);
        return capi_err_set(err, CAPI_STOPPED, "stopped on request");
    }
    if (with_keys || !unique->has_hashes) key_columns(unique, needed);
    capi_block_release(&keys->block);
    st = capi_table_read_block(unique->reader, block, needed, unique->has_hashes, &keys->block, err);
    free(needed);
    if (st != CAPI_OK) return st;
    if (unique->has_hashes && keys->block.row_count && !keys->block.key_hashes)
        return capi_err_set(err, CAPI_INVALID, "a block of the table of unique index \"%.*s\" has no key hashes",
                            CAPI_STR_ARG(unique->index->name));
    if (keys->capacity < keys->block.row_count) {
        keys->capacity = keys->block.row_count;
        keys->hashes = capi_realloc(keys->hashes, keys->capacity * sizeof *keys->hashes);
    }
    if (unique->has_hashes) {
        for (uint32_t row = 0; row < keys->block.row_count; row++)
            keys->hashes[row] = keys->block.key_hashes[row] & ~UINT64_C(1);
        return CAPI_OK;
    }
    for (uint32_t from = 0; from < keys->block.row_count;) {
        uint32_t count = block_keys_chunk(unique, keys, from);

        for (uint32_t i = 0; i < count; i++)
            keys->hashes[from + i] = keys->keys.hashes[i] & ~UINT64_C(1);
        from += count;
    }
    return CAPI_OK;
}

/* ---- first step: hashes that occur more than once ---- */

static uint32_t hash_partition(uint64_t hash)
{
    return (uint32_t)(hash >> 58);
}

typedef struct repeat_set { /* open addressing; 0 is an empty slot, the hash 0 is kept apart */
    uint64_t *slots;
    uint64_t slot_count;
    bool has_zero;
} repeat_set;

static void repeat_init(repeat_set *set, uint64_t count)
{
    *set = (repeat_set){.slot_count = 16};
    while (set->slot_count < count * 2)
        set->slot_count *= 2;
    set->slots = capi_zmalloc(set->slot_count * sizeof *set->slots);
}

/* True if it was there. */
static bool repeat_add(repeat_set *set, uint64_t hash)
{
    uint64_t at = (hash >> 1) & (set->slot_count - 1);
    bool had = set->has_zero;

    if (hash == 0) {
        set->has_zero = true;
        return had;
    }
    while (set->slots[at] && set->slots[at] != hash)
        at = (at + 1) & (set->slot_count - 1);
    had = set->slots[at] != 0;
    set->slots[at] = hash;
    return had;
}

static bool repeat_has(const repeat_set *set, uint64_t hash)
{
    uint64_t at = (hash >> 1) & (set->slot_count - 1);

    if (hash == 0) return set->has_zero;
    while (set->slots[at] && set->slots[at] != hash)
        at = (at + 1) & (set->slot_count - 1);
    return set->slots[at] != 0;
}

typedef struct find_worker {
    block_keys keys;
    bool is_open;
    capi_buf parts[FIND_PARTITIONS]; /* uint64_t hashes */
} find_worker;

typedef struct find_job {
    const exec_unique *unique;
    uint32_t pass, pass_bits;
    uint32_t worker_count;
    find_worker *workers;
    capi_buf repeats[FIND_PARTITIONS]; /* hashes that occur again, each perhaps several times */
} find_job;

static capi_status find_collect(void *context, uint32_t index, uint64_t block, capi_err *err)
{
    find_job *job = context;
    find_worker *worker = &job->workers[index];

    if (!worker->is_open) {
        exec_keys_init(&worker->keys.keys, &job->unique->index->key);
        worker->is_open = true;
    }
    CAPI_TRY(block_keys_read(job->unique, &worker->keys, block, false, err));
    for (uint32_t row = 0; row < worker->keys.block.row_count; row++) {
        uint64_t hash = worker->keys.hashes[row];

        if (exec_hash_in_pass(hash, job->pass, job->pass_bits))
            capi_buf_append(&worker->parts[hash_partition(hash)], &hash, sizeof hash);
    }
    capi_block_release(&worker->keys.block);
    return CAPI_OK;
}

static capi_status find_repeats(void *context, uint32_t index, uint64_t partition, capi_err *err)
{
    find_job *job = context;
    repeat_set set;
    uint64_t count = 0;

    (void)index;
    (void)err;
    for (uint32_t i = 0; i < job->worker_count; i++)
        count += job->workers[i].parts[partition].bytes / sizeof(uint64_t);
    if (count == 0) return CAPI_OK;
    repeat_init(&set, count);
    for (uint32_t i = 0; i < job->worker_count; i++) {
        const uint64_t *hashes = (const uint64_t *)job->workers[i].parts[partition].data;
        uint64_t hash_count = job->workers[i].parts[partition].bytes / sizeof *hashes;

        for (uint64_t at = 0; at < hash_count; at++)
            if (repeat_add(&set, hashes[at])) capi_buf_append(&job->repeats[partition], &hashes[at], sizeof hashes[at]);
    }
    free(set.slots);
    return CAPI_OK;
}

static void find_job_deinit(find_job *job)
{
    for (uint32_t i = 0; i < job->worker_count; i++) {
        if (job->workers[i].is_open) block_keys_deinit(&job->workers[i].keys);
        for (uint32_t part = 0; part < FIND_PARTITIONS; part++)
            capi_buf_deinit(&job->workers[i].parts[part]);
    }
    for (uint32_t part = 0; part < FIND_PARTITIONS; part++)
        capi_buf_deinit(&job->repeats[part]);
    free(job->workers);
}

/* *count: how many hashes may be in the set. */
static capi_status find_repeated_hashes(const exec_unique *unique, uint32_t pass, uint32_t pass_bits, repeat_set *out,
                                        uint64_t *count, capi_err *err)
{
    find_job job = {.unique = unique, .pass = pass, .pass_bits = pass_bits};
    capi_status st;

    *count = 0;
    job.worker_count = capi_thread_pool_size(unique->exec->pool);
    job.workers = capi_zmalloc(job.worker_count * sizeof *job.workers);
    CAPI_TRY_OUT(
        capi_parallel_for(unique->exec->pool, capi_table_reader_block_count(unique->reader), find_collect, &job, err));
    CAPI_TRY_OUT(capi_parallel_for(unique->exec->pool, FIND_PARTITIONS, find_repeats, &job, err));
    for (uint32_t part = 0; part < FIND_PARTITIONS; part++)
        *count += job.repeats[part].bytes / sizeof(uint64_t);
    repeat_init(out, *count);
    for (uint32_t part = 0; part < FIND_PARTITIONS; part++)
        for (uint64_t at = 0; at < job.repeats[part].bytes / sizeof(uint64_t); at++)
            (void)repeat_add(out, ((const uint64_t *)job.repeats[part].data)[at]);
out:
    find_job_deinit(&job);
    return st;
}

/* ---- second step: keys in table order ---- */

typedef struct compare_state {
    const exec_unique *unique;
    const repeat_set *repeated; /* NULL: all rows are compared */
    uint32_t pass, pass_bits;
    distinct_set *seen;
    exec_unique_fn fn;
    void *context;
} compare_state;

/* Rows of the chunk that have to be compared: their positions in it. */
static uint32_t compare_pick(const compare_state *state, const uint64_t *hashes, uint32_t count, uint32_t *picked)
{
    uint32_t picked_count = 0;

    for (uint32_t i = 0; i < count; i++)
        if (exec_hash_in_pass(hashes[i], state->pass, state->pass_bits) &&
            (!state->repeated || repeat_has(state->repeated, hashes[i])))
            picked[picked_count++] = i;
    return picked_count;
}

static capi_status compare_chunk(compare_state *state, block_keys *keys, uint64_t block_row, uint32_t from,
                                 uint32_t count, capi_err *err)
{
    uint32_t picked[CAPI_CHUNK_ROWS], selected[CAPI_CHUNK_ROWS];
    uint64_t hashes[CAPI_CHUNK_ROWS], rows[CAPI_CHUNK_ROWS], first_seen[CAPI_CHUNK_ROWS];
    uint32_t picked_count = compare_pick(state, keys->hashes + from, count, picked);
    uint32_t selected_count;

    if (picked_count == 0) return CAPI_OK;
    (void)block_keys_chunk(state->unique, keys, from);
    for (uint32_t i = 0; i < picked_count; i++) {
        hashes[i] = keys->keys.hashes[picked[i]];
        rows[i] = block_row + from + picked[i];
        if (!keys->keys.is_int64) keys->keys.views[i] = keys->keys.views[picked[i]];
    }
    selected_count = distinct_set_add(state->seen, hashes, keys->keys.views, rows, picked_count, selected, first_seen);
    if (distinct_set_is_full(state->seen))
        return capi_err_set(err, CAPI_NO_MEMORY, "the keys of unique index \"%.*s\" do not fit the memory budget",
                            CAPI_STR_ARG(state->unique->index->name));
    for (uint32_t i = 0, at = 0; i < picked_count; i++) {
        if (at < selected_count && selected[at] == i) {
            at++;
            continue;
        }
        CAPI_TRY(state->fn(state->context, first_seen[i], rows[i], keys->keys.parts, picked[i], err));
    }
    return CAPI_OK;
}

static capi_status compare_block(compare_state *state, block_keys *keys, uint64_t block, capi_err *err)
{
    uint64_t block_row = capi_table_reader_first_row(state->unique->reader, block);
    bool some = !state->repeated;

    CAPI_TRY(block_keys_read(state->unique, keys, block, !state->repeated, err));
    for (uint32_t row = 0; row < keys->block.row_count && !some; row++)
        some = repeat_has(state->repeated, keys->hashes[row]);
    if (!some) return CAPI_OK;
    if (state->repeated) CAPI_TRY(block_keys_read(state->unique, keys, block, true, err));
    for (uint32_t from = 0; from < keys->block.row_count; from += CAPI_CHUNK_ROWS) {
        uint32_t left = keys->block.row_count - from;

        CAPI_TRY(compare_chunk(state, keys, block_row, from, left < CAPI_CHUNK_ROWS ? left : CAPI_CHUNK_ROWS, err));
    }
    return CAPI_OK;
}

static capi_status compare_all(compare_state *state, capi_err *err)
{
    uint64_t block_count = capi_table_reader_block_count(state->unique->reader);
    block_keys keys = {0};
    capi_status st = CAPI_OK;

    exec_keys_init(&keys.keys, &state->unique->index->key);
    state->seen = distinct_set_new(state->unique->exec, keys.keys.is_int64, UINT64_MAX);
    for (uint64_t block = 0; block < block_count && st == CAPI_OK; block++)
        st = compare_block(state, &keys, block, err);
    distinct_set_free(state->seen);
    block_keys_deinit(&keys);
    return st;
}

/* ---- both ---- */

/* What the first step needs at once: hashes, in buffers that double, and the sets of a few partitions. */
static uint64_t pass_bytes(uint64_t row_count, uint32_t pass_bits)
{
    return ((row_count * 24) >> pass_bits) + (64 << 10);
}

static capi_status find_in_pass(const exec_unique *unique, uint32_t pass, uint32_t pass_bits, exec_unique_fn fn,
                                void *context, capi_err *err)
{
    compare_state state = {.unique = unique, .pass = pass, .pass_bits = pass_bits, .fn = fn, .context = context};
    uint64_t bytes = pass_bytes(capi_table_reader_row_count(unique->reader), pass_bits);
    repeat_set repeated = {0};
    uint64_t repeated_count = 0;
    capi_status st;

    CAPI_TRY(exec_reserve(unique->exec, bytes, "the key hashes of a unique index", err));
    CAPI_TRY_OUT(find_repeated_hashes(unique, pass, pass_bits, &repeated, &repeated_count, err));
    state.repeated = &repeated;
    if (repeated_count) st = compare_all(&state, err);
out:
    free(repeated.slots);
    capi_budget_release(unique->exec->budget, bytes);
    return st;
}

static capi_status find_in_passes(const exec_unique *unique, uint32_t pass_bits, exec_unique_fn fn, void *context,
                                  capi_err *err)
{
    for (uint32_t pass = 0; pass < 1u << pass_bits; pass++)
        CAPI_TRY(find_in_pass(unique, pass, pass_bits, fn, context, err));
    return CAPI_OK;
}

capi_status exec_unique_find(const exec_unique *unique, exec_unique_fn fn, void *context, capi_err *err)
{
    capi_status st = CAPI_NO_MEMORY;

    if (capi_table_reader_row_count(unique->reader) <= FIND_SMALL_ROWS) {
        compare_state state = {.unique = unique, .fn = fn, .context = context};

        return compare_all(&state, err);
    }
    /* A pass that fails for memory reported rows that further passes report again: callers do not mind. */
    for (uint32_t bits = 0; bits <= EXEC_PASS_BITS_MAX && st == CAPI_NO_MEMORY; bits += 3)
        st = find_in_passes(unique, bits, fn, context, err);
    return st;
}

typedef struct first_duplicate {
    const exec_unique *unique;
    bool found;
    uint64_t first, row;
    capi_buf *key;
} first_duplicate;

static capi_status note_duplicate(void *context, uint64_t first, uint64_t row, const capi_vec *parts, uint32_t at,
                                  capi_err *err)
{
    first_duplicate *note = context;

    (void)err;
    if (note->found && note->row <= row) return CAPI_OK;
    note->found = true;
    note->first = first;
    note->row = row;
    capi_buf_clear(note->key);
    exec_key_text(&note->unique->index->key, note->unique->schema, parts, at, note->key);
    return CAPI_OK;
}

capi_status exec_unique_first(const exec_unique *unique, bool *found, uint64_t *first, uint64_t *row, capi_buf *key,
                              capi_err *err)
{
    first_duplicate note = {.unique = unique, .key = key};

    *found = false;
    CAPI_TRY(exec_unique_find(unique, note_duplicate, &note, err));
    *found = note.found;
    *first = note.first;
    *row = note.row;
    return CAPI_OK;
}

/* ---- one batch ---- */

static capi_status check_index(const exec_unique *unique, uint32_t batch_idx, capi_err *err)
{
    capi_buf key = {0};
    uint64_t first = 0, row = 0;
    bool found = false;
    capi_status st = exec_unique_first(unique, &found, &first, &row, &key, err);

    if (st == CAPI_OK && found)
        st = capi_err_set(err, CAPI_INVALID,
                          "unique index \"%.*s\" has a key twice: %.*s is in rows %llu and %llu of batch %u",
                          CAPI_STR_ARG(unique->index->name), (int)(key.bytes > 1000 ? 1000 : key.bytes), key.data,
                          (unsigned long long)first, (unsigned long long)row, batch_idx);
    capi_buf_deinit(&key);
    return st;
}

capi_status exec_unique_check_batch(const exec_batch *batch, const capi_table_address *address, capi_err *err)
{
    const capi_table_sink *table = batch->node->table;
    capi_table_content content = {
        .extents = batch->out->extents,
        .extent_count = batch->out->extent_count,
        .row_count = batch->out->rows_written,
    };
    exec_unique unique = {.exec = batch->exec, .schema = &table->schema, .progress = batch->task->progress};
    bool is_first = true;
    capi_status st = CAPI_OK;

    if (content.row_count < 2) return CAPI_OK;
    CAPI_TRY(capi_table_reader_open(batch->exec->tables, address, &table->schema, &content, &unique.reader, err));
    for (uint32_t i = 0; i < table->index_count && st == CAPI_OK; i++) {
        if (!table->indexes[i].key.is_unique) continue;
        unique.index = &table->indexes[i];
        unique.has_hashes = is_first;
        is_first = false;
        st = check_index(&unique, batch->task->batch_idx, err);
    }
    capi_table_reader_close(unique.reader);
    return st;
}
