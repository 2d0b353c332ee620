/* table_input.c - joins the extents, and the survivors' bitmaps, of a node's batches. */
#include "run/table_input.h"

static uint64_t extent_rows(const capi_extent *extents, uint64_t count)
{
    uint64_t rows = 0;

    for (uint64_t i = 0; i < count; i++)
        rows += extents[i].row_count;
    return rows;
}

uint64_t capi_survivor_count(capi_str bitmap, uint64_t rows)
{
    uint64_t bits = 0;

    for (uint64_t row = 0; row < rows; row++)
        bits += (uint8_t)bitmap.data[row / 8] >> row % 8 & 1;
    return bits;
}

static capi_status batch_content(const capi_batch_state *batch, capi_arena *arena, capi_table_content *out,
                                 capi_err *err)
{
    capi_extent *extents = NULL;
    uint32_t count = 0;
    uint64_t rows;

    *out = (capi_table_content){0};
    if (batch->status != CAPI_WORK_SUCCESS || batch->extents.bytes == 0) return CAPI_OK;
    CAPI_TRY(capi_extents_decode(batch->extents, arena, &extents, &count, err));
    rows = extent_rows(extents, count);
    *out = (capi_table_content){.extents = extents, .extent_count = count, .row_count = rows};
    if (batch->survivors.bytes == 0) return CAPI_OK;
    if (batch->survivors.bytes < (rows + 7) / 8)
        return capi_err_set(err, CAPI_INVALID, "the bitmap of batch %u has %zu bytes for %llu rows", batch->batch_idx,
                            batch->survivors.bytes, (unsigned long long)rows);
    out->survivors = (const uint8_t *)batch->survivors.data;
    out->row_count = capi_survivor_count(batch->survivors, rows);
    return CAPI_OK;
}

capi_status capi_batch_contents_load(capi_state *state, capi_str run_uid, capi_str node, capi_arena *arena,
                                     capi_table_content **out, capi_batch_state **batches, uint32_t *count,
                                     capi_err *err)
{
    CAPI_TRY(capi_batch_list(state, run_uid, node, true, arena, batches, count, err));
    *out = capi_new_array(arena, capi_table_content, *count);
    for (uint32_t i = 0; i < *count; i++)
        CAPI_TRY(batch_content(&(*batches)[i], arena, &(*out)[i], err));
    return CAPI_OK;
}

/* Sets the bits of all rows of a batch that survive, at bit `at` of the whole bitmap. */
static void join_survivors(uint8_t *bitmap, uint64_t at, const capi_table_content *part, uint64_t rows)
{
    for (uint64_t row = 0; row < rows; row++) {
        unsigned bit = part->survivors ? part->survivors[row / 8] >> row % 8 & 1 : 1;

        bitmap[(at + row) / 8] |= (uint8_t)(bit << (at + row) % 8);
    }
}

static void join_contents(const capi_table_content *parts, uint32_t count, capi_arena *arena, capi_table_content *out)
{
    uint64_t extent_count = 0;
    uint64_t rows = 0;
    bool has_survivors = false;
    capi_extent *extents;
    uint8_t *bitmap = NULL;

    for (uint32_t i = 0; i < count; i++) {
        extent_count += parts[i].extent_count;
        rows += extent_rows(parts[i].extents, parts[i].extent_count);
        has_survivors = has_survivors || parts[i].survivors;
        out->row_count += parts[i].row_count;
    }
    extents = capi_new_array(arena, capi_extent, extent_count);
    if (has_survivors) bitmap = capi_arena_zalloc(arena, (rows + 7) / 8);
    extent_count = rows = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t part_rows = extent_rows(parts[i].extents, parts[i].extent_count);

        if (parts[i].extent_count)
            memcpy(extents + extent_count, parts[i].extents, parts[i].extent_count * sizeof *extents);
        extent_count += parts[i].extent_count;
        if (bitmap) join_survivors(bitmap, rows, &parts[i], part_rows);
        rows += part_rows;
    }
    out->extents = extents;
    out->extent_count = extent_count;
    out->survivors = bitmap;
}

capi_status capi_table_input_load(capi_state *state, capi_str keyspace_uid, capi_str run_uid, capi_str node,
                                  capi_str table, capi_arena *arena, capi_table_input *out, capi_err *err)
{
    capi_table_content *parts = NULL;
    capi_batch_state *batches = NULL;
    uint32_t count = 0;

    *out = (capi_table_input){
        .address = {capi_str_copy(arena, keyspace_uid), capi_str_copy(arena, run_uid), capi_str_copy(arena, table)}};
    CAPI_TRY(capi_batch_contents_load(state, run_uid, node, arena, &parts, &batches, &count, err));
    join_contents(parts, count, arena, &out->content);
    return CAPI_OK;
}

capi_status capi_table_input_find_run(capi_state *state, const capi_keyspace *keyspace, capi_str run_uid,
                                      capi_arena *scratch, uint32_t *out, capi_err *err)
{
    capi_run *runs = NULL;
    uint32_t count = 0;

    *out = 0;
    CAPI_TRY(capi_run_list(state, keyspace, scratch, &runs, &count, err));
    for (uint32_t i = 0; i < count; i++)
        if (capi_str_equal(runs[i].run_uid, run_uid)) *out = runs[i].run_id;
    return CAPI_OK;
}

void capi_table_input_copy(capi_arena *arena, const capi_table_input *from, capi_table_input *to)
{
    uint64_t rows = extent_rows(from->content.extents, from->content.extent_count);

    *to = *from;
    to->address.keyspace_uid = capi_str_copy(arena, from->address.keyspace_uid);
    to->address.run_uid = capi_str_copy(arena, from->address.run_uid);
    to->address.table = capi_str_copy(arena, from->address.table);
    to->content.extents =
        capi_arena_copy(arena, from->content.extents, from->content.extent_count * sizeof *from->content.extents);
    if (from->content.survivors)
        to->content.survivors = capi_arena_copy(arena, from->content.survivors, (rows + 7) / 8);
}
