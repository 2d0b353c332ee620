/* seal.c - looks over all batches of a node: unique indexes, and which rows of a distinct_table survive. */
#include "exec/unique.h"

#include <stdlib.h>

typedef struct seal_state {
    capi_exec *exec;
    const capi_seal_task *task;
    capi_arena *arena;
    capi_seal_output *out;
    capi_extent *extents; /* of all batches */
    uint64_t extent_count;
    uint64_t *first_rows; /* of each batch, and the end */
    capi_table_reader *reader;
} seal_state;

static void seal_join(seal_state *seal)
{
    const capi_seal_task *task = seal->task;
    uint64_t rows = 0;

    seal->first_rows = capi_new_array(seal->arena, uint64_t, (size_t)task->batch_count + 1);
    for (uint32_t i = 0; i < task->batch_count; i++)
        seal->extent_count += task->batches[i].extent_count;
    seal->extents = capi_new_array(seal->arena, capi_extent, seal->extent_count + 1);
    seal->extent_count = 0;
    for (uint32_t i = 0; i < task->batch_count; i++) {
        const capi_table_content *batch = &task->batches[i];

        seal->first_rows[i] = rows;
        if (batch->extent_count)
            memcpy(seal->extents + seal->extent_count, batch->extents, batch->extent_count * sizeof *seal->extents);
        seal->extent_count += batch->extent_count;
        for (uint64_t at = 0; at < batch->extent_count; at++)
            rows += batch->extents[at].row_count;
    }
    seal->first_rows[task->batch_count] = rows;
    seal->out->row_count = rows;
}

/* The batch that holds a row. */
static uint32_t seal_batch(const seal_state *seal, uint64_t row)
{
    uint32_t low = 0, high = seal->task->batch_count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (seal->first_rows[middle] <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static uint32_t seal_batches_with_rows(const seal_state *seal)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < seal->task->batch_count; i++)
        count += seal->first_rows[i + 1] > seal->first_rows[i];
    return count;
}

/* ---- unique indexes ---- */

static capi_status seal_check_index(seal_state *seal, const capi_index *index, bool has_hashes, capi_err *err)
{
    exec_unique unique = {
        .exec = seal->exec,
        .reader = seal->reader,
        .schema = &seal->task->node->table->schema,
        .index = index,
        .has_hashes = has_hashes,
    };
    capi_buf key = {0};
    uint64_t first = 0, row = 0;
    bool found = false;
    capi_status st = exec_unique_first(&unique, &found, &first, &row, &key, err);

    if (st == CAPI_OK && found) {
        uint32_t first_batch = seal_batch(seal, first);
        uint32_t batch = seal_batch(seal, row);

        seal->out->has_duplicates = true;
        seal->out->duplicate = capi_str_format(
            seal->arena,
            "unique index \"%.*s\" has a key twice: %.*s is in row %llu of batch %u and row %llu of batch %u",
            CAPI_STR_ARG(index->name), (int)(key.bytes > 1000 ? 1000 : key.bytes), key.data,
            (unsigned long long)(first - seal->first_rows[first_batch]), first_batch,
            (unsigned long long)(row - seal->first_rows[batch]), batch);
    }
    capi_buf_deinit(&key);
    return st;
}

static capi_status seal_check(seal_state *seal, capi_err *err)
{
    const capi_table_sink *table = seal->task->node->table;
    bool is_first = true;

    /* Within one batch the batch itself has checked. */
    if (seal_batches_with_rows(seal) < 2) return CAPI_OK;
    for (uint32_t i = 0; i < table->index_count && !seal->out->has_duplicates; i++) {
        if (!table->indexes[i].key.is_unique) continue;
        CAPI_TRY(seal_check_index(seal, &table->indexes[i], is_first, err));
        is_first = false;
    }
    return CAPI_OK;
}

/* ---- survivors ---- */

static capi_status seal_drop_row(void *context, uint64_t first, uint64_t row, const capi_vec *parts, uint32_t at,
                                 capi_err *err)
{
    seal_state *seal = context;
    uint32_t batch = seal_batch(seal, row);
    uint64_t bit = row - seal->first_rows[batch];
    uint8_t *bitmap = (uint8_t *)seal->out->survivors[batch].data;

    (void)first;
    (void)parts;
    (void)at;
    (void)err;
    if (bitmap[bit / 8] >> bit % 8 & 1) {
        bitmap[bit / 8] &= (uint8_t) ~(1u << bit % 8);
        seal->out->row_count--;
    }
    return CAPI_OK;
}

static void seal_make_bitmaps(seal_state *seal)
{
    uint32_t batch_count = seal->task->batch_count;

    seal->out->survivors = capi_new_array(seal->arena, capi_str, (size_t)batch_count + 1);
    for (uint32_t i = 0; i < batch_count; i++) {
        uint64_t rows = seal->first_rows[i + 1] - seal->first_rows[i];
        uint64_t bytes = (rows + 7) / 8;
        uint8_t *bitmap = capi_arena_alloc(seal->arena, bytes);

        memset(bitmap, 0xff, bytes);
        if (rows % 8) bitmap[bytes - 1] = (uint8_t)((1u << rows % 8) - 1);
        seal->out->survivors[i] = (capi_str){(const char *)bitmap, bytes};
    }
}

/* True if the rows of the only batch are known to be unique: its last row says so (unique.h). */
static capi_status seal_is_done(const seal_state *seal, bool *done, capi_err *err)
{
    uint64_t last = capi_table_reader_block_count(seal->reader) - 1;
    bool *needed = capi_zmalloc(seal->task->node->table->schema.field_count + 1);
    capi_block block = {0};
    capi_status st;

    *done = false;
    if (seal_batches_with_rows(seal) > 1) {
        free(needed);
        return CAPI_OK;
    }
    st = capi_table_read_block(seal->reader, last, needed, true, &block, err);
    if (st == CAPI_OK && block.row_count && block.key_hashes) *done = !(block.key_hashes[block.row_count - 1] & 1);
    capi_block_release(&block);
    free(needed);
    return st;
}

static capi_status seal_distinct(seal_state *seal, const capi_index *index, capi_err *err)
{
    exec_unique unique = {
        .exec = seal->exec,
        .reader = seal->reader,
        .schema = &seal->task->node->table->schema,
        .index = index,
        .has_hashes = true,
    };
    uint64_t rows = seal->out->row_count;
    bool done = false;

    CAPI_TRY(seal_is_done(seal, &done, err));
    if (done) return CAPI_OK;
    seal_make_bitmaps(seal);
    CAPI_TRY(exec_unique_find(&unique, seal_drop_row, seal, err));
    if (seal->out->row_count == rows) seal->out->survivors = NULL;
    return CAPI_OK;
}

capi_status capi_seal_run(capi_exec *exec, const capi_seal_task *task, capi_arena *arena, capi_seal_output *out,
                          capi_err *err)
{
    const capi_table_sink *table = task->node->table;
    seal_state seal = {.exec = exec, .task = task, .arena = arena, .out = out};
    const capi_index *index = NULL;
    capi_table_content content;
    capi_status st;

    *out = (capi_seal_output){0};
    if (!table) return CAPI_OK;
    seal_join(&seal);
    for (uint32_t i = 0; i < table->index_count && !index; i++)
        if (table->indexes[i].key.is_unique) index = &table->indexes[i];
    if (!index || out->row_count < 2) return CAPI_OK;
    content = (capi_table_content){seal.extents, seal.extent_count, NULL, out->row_count};
    CAPI_TRY(capi_table_reader_open(exec->tables, &task->address, &table->schema, &content, &seal.reader, err));
    st = task->node->type == CAPI_NODE_DISTINCT ? seal_distinct(&seal, index, err) : seal_check(&seal, err);
    capi_table_reader_close(seal.reader);
    if (st != CAPI_OK) capi_err_note(err, "while sealing table \"%.*s\"", CAPI_STR_ARG(table->name));
    return st;
}
