/* sink_table.c - one writer and one block builder per worker; extents by group. */
#include "exec/sink_table.h"
#include "exec/unique.h"

#include <stdlib.h>

typedef struct sink_worker {
    capi_table_writer *writer; /* NULL: no row yet */
    capi_block_builder *builder;
    exec_keys keys;
    uint64_t *hashes; /* by row of the chunk */
    uint64_t row_count;
} sink_worker;

typedef struct sink_group {
    capi_extent *extents;
    uint32_t extent_count;
} sink_group;

struct sink_table {
    exec_batch *batch;
    const capi_table_sink *table;
    capi_table_address address;
    const capi_index *hashed; /* NULL: no hashes */
    sink_worker *workers;
    sink_group *groups;
    uint64_t group_count;
};

const capi_index *exec_hashed_index(const capi_table_sink *table)
{
    for (uint32_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].key.is_unique) return &table->indexes[i];
    return NULL;
}

sink_table *sink_table_new(exec_batch *batch, uint64_t group_count)
{
    sink_table *sink = capi_zmalloc(sizeof *sink);

    sink->batch = batch;
    sink->table = batch->node->table;
    sink->address = (capi_table_address){batch->task->keyspace_uid, batch->task->run_uid, sink->table->name};
    sink->hashed = exec_hashed_index(sink->table);
    sink->workers = capi_zmalloc(batch->worker_count * sizeof *sink->workers);
    sink->groups = capi_zmalloc((group_count + 1) * sizeof *sink->groups);
    sink->group_count = group_count;
    return sink;
}

void sink_table_free(sink_table *sink)
{
    if (!sink) return;
    for (uint32_t i = 0; i < sink->batch->worker_count; i++) {
        sink_worker *worker = &sink->workers[i];

        if (!worker->writer) continue;
        capi_block_builder_free(worker->builder);
        capi_table_writer_close(worker->writer);
        if (sink->hashed) exec_keys_deinit(&worker->keys);
        free(worker->hashes);
    }
    for (uint64_t group = 0; group < sink->group_count; group++)
        free(sink->groups[group].extents);
    free(sink->groups);
    free(sink->workers);
    free(sink);
}

static capi_status worker_open(sink_table *sink, sink_worker *worker, capi_err *err)
{
    CAPI_TRY(capi_table_writer_open(sink->batch->exec->tables, &sink->address, &sink->table->schema, &worker->writer, err));
    worker->builder = capi_block_builder_new(worker->writer, &sink->table->schema, sink->hashed != NULL);
    if (!sink->hashed) return CAPI_OK;
    exec_keys_init(&worker->keys, &sink->hashed->key);
    worker->hashes = capi_malloc(CAPI_CHUNK_ROWS * sizeof *worker->hashes);
    return CAPI_OK;
}

/* Spreads the hashes of the selected rows over the chunk, as the block builder wants them. */
static capi_status worker_hash(sink_table *sink, sink_worker *worker, const capi_vec *fields, const uint32_t *rows,
                               uint32_t row_count, const uint64_t *hashes, uint32_t *bad_row, capi_err *err)
{
    if (!hashes) {
        CAPI_TRY(exec_keys_build_from(&worker->keys, &sink->table->schema, fields, rows, row_count, bad_row, err));
        for (uint32_t i = 0; i < row_count; i++)
            worker->keys.hashes[i] = exec_stored_hash(worker->keys.hashes[i], true);
        hashes = worker->keys.hashes;
    }
    for (uint32_t i = 0; i < row_count; i++)
        worker->hashes[rows ? rows[i] : i] = hashes[i];
    return CAPI_OK;
}

capi_status sink_table_append(sink_table *sink, uint32_t index, const capi_vec *fields, const uint32_t *rows,
                              uint32_t row_count, const uint64_t *hashes, uint32_t *bad_row, capi_err *err)
{
    sink_worker *worker = &sink->workers[index];
    capi_progress *progress = sink->batch->task->progress;
    uint32_t bad_column = 0;

    if (row_count == 0) return CAPI_OK;
    if (!worker->writer) CAPI_TRY(worker_open(sink, worker, err));
    if (sink->hashed) CAPI_TRY(worker_hash(sink, worker, fields, rows, row_count, hashes, bad_row, err));
    CAPI_TRY(capi_block_builder_append(worker->builder, fields, rows, row_count, sink->hashed ? worker->hashes : NULL,
                                       bad_row, &bad_column, err));
    worker->row_count += row_count;
    if (progress) atomic_fetch_add_explicit(&progress->rows_written, row_count, memory_order_relaxed);
    return CAPI_OK;
}

capi_status sink_table_end_group(sink_table *sink, uint32_t index, uint64_t group, capi_err *err)
{
    sink_worker *worker = &sink->workers[index];

    if (!worker->writer) return CAPI_OK;
    return capi_block_builder_take(worker->builder, &sink->groups[group].extents, &sink->groups[group].extent_count, err);
}

static void join_extents(sink_table *sink)
{
    capi_batch_output *out = sink->batch->out;
    uint64_t count = 0;

    for (uint64_t group = 0; group < sink->group_count; group++)
        count += sink->groups[group].extent_count;
    out->extents = capi_malloc((count + 1) * sizeof *out->extents);
    for (uint64_t group = 0; group < sink->group_count; group++)
        for (uint32_t i = 0; i < sink->groups[group].extent_count; i++) {
            const capi_extent *extent = &sink->groups[group].extents[i];

            out->extents[out->extent_count++] = *extent;
            out->rows_written += extent->row_count;
            out->bytes_written += extent->length_bytes;
        }
}

capi_status sink_table_finish(sink_table *sink, bool check_unique, capi_err *err)
{
    join_extents(sink);
    for (uint32_t i = 0; i < sink->batch->worker_count; i++)
        if (sink->workers[i].writer) CAPI_TRY(capi_table_writer_sync(sink->workers[i].writer, err));
    return check_unique && sink->hashed ? exec_unique_check_batch(sink->batch, &sink->address, err) : CAPI_OK;
}
