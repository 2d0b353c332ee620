/* sink_table.c - one writer and one block builder per worker; extents by group. */
#include "exec/sink_table.h"
#include "exec/unique.h"

#include <stdlib.h>

typedef struct sink_worker {
    capi_table_writer *writer; /* NULL: no row yet */
    capi_block_builder *builder;
    exec_keys keys;
    uint64_t *hashes;    /* by row of the chunk */
    uint32_t block_rows; /* since the last cut, when blocks are cut short */
    capi_buf extents;    /* of the group, cut so far */
} sink_worker;

typedef struct sink_group {
    capi_extent *extents;
    uint32_t extent_count;
} sink_group;

struct sink_table {
    exec_batch *batch;
    capi_tables *tables;
    capi_table_address address;
    const capi_schema *schema;
    uint32_t block_row_max;   /* 0: as the store likes it */
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

sink_table *sink_table_new_temporary(exec_batch *batch, const sink_table_place *place, uint64_t group_count)
{
    sink_table *sink = capi_zmalloc(sizeof *sink);

    sink->batch = batch;
    sink->tables = place->tables;
    sink->address = place->address;
    sink->schema = place->schema;
    sink->block_row_max = place->block_row_max;
    sink->workers = capi_zmalloc(batch->worker_count * sizeof *sink->workers);
    sink->groups = capi_zmalloc((group_count + 1) * sizeof *sink->groups);
    sink->group_count = group_count;
    return sink;
}

sink_table *sink_table_new(exec_batch *batch, uint64_t group_count)
{
    const capi_table_sink *table = batch->node->table;
    sink_table_place place = {
        .tables = batch->exec->tables,
        .address = {batch->task->keyspace_uid, batch->task->run_uid, table->name},
        .schema = &table->schema,
    };
    sink_table *sink = sink_table_new_temporary(batch, &place, group_count);

    sink->hashed = exec_hashed_index(table);
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
        capi_buf_deinit(&worker->extents);
    }
    for (uint64_t group = 0; group < sink->group_count; group++)
        free(sink->groups[group].extents);
    free(sink->groups);
    free(sink->workers);
    free(sink);
}

static capi_status worker_open(sink_table *sink, sink_worker *worker, capi_err *err)
{
    CAPI_TRY(capi_table_writer_open(sink->tables, &sink->address, sink->schema, &worker->writer, err));
    worker->builder = capi_block_builder_new(worker->writer, sink->schema, sink->hashed != NULL);
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
        CAPI_TRY(exec_keys_build_from(&worker->keys, sink->schema, fields, rows, row_count, bad_row, err));
        for (uint32_t i = 0; i < row_count; i++)
            worker->keys.hashes[i] = exec_stored_hash(worker->keys.hashes[i], true);
        hashes = worker->keys.hashes;
    }
    for (uint32_t i = 0; i < row_count; i++)
        worker->hashes[rows ? rows[i] : i] = hashes[i];
    return CAPI_OK;
}

/* Writes what the builder holds; the extents so far wait for the end of the group. */
static capi_status worker_cut(sink_worker *worker, capi_err *err)
{
    capi_extent *extents = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_block_builder_take(worker->builder, &extents, &count, err));
    if (count) capi_buf_append(&worker->extents, extents, count * sizeof *extents);
    free(extents);
    worker->block_rows = 0;
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
    if (progress && !sink->batch->is_quiet)
        atomic_fetch_add_explicit(&progress->rows_written, row_count, memory_order_relaxed);
    worker->block_rows += row_count;
    if (!sink->block_row_max || worker->block_rows < sink->block_row_max) return CAPI_OK;
    return worker_cut(worker, err);
}

capi_status sink_table_end_group(sink_table *sink, uint32_t index, uint64_t group, capi_err *err)
{
    sink_worker *worker = &sink->workers[index];
    sink_group *to = &sink->groups[group];

    if (!worker->writer) return CAPI_OK;
    CAPI_TRY(worker_cut(worker, err));
    to->extents = (capi_extent *)worker->extents.data;
    to->extent_count = (uint32_t)(worker->extents.bytes / sizeof *to->extents);
    worker->extents = (capi_buf){0};
    return CAPI_OK;
}

static capi_extent *join_extents(const sink_table *sink, uint64_t *extent_count, uint64_t *row_count, uint64_t *bytes)
{
    capi_extent *extents;
    uint64_t count = 0;

    *row_count = *bytes = 0;
    for (uint64_t group = 0; group < sink->group_count; group++)
        count += sink->groups[group].extent_count;
    extents = capi_malloc((count + 1) * sizeof *extents);
    *extent_count = count;
    count = 0;
    for (uint64_t group = 0; group < sink->group_count; group++)
        for (uint32_t i = 0; i < sink->groups[group].extent_count; i++) {
            extents[count] = sink->groups[group].extents[i];
            *row_count += extents[count].row_count;
            *bytes += extents[count++].length_bytes;
        }
    return extents;
}

/* Also for temporary tables: what was never synced goes when its writer is closed (table.h). */
static capi_status sync_writers(sink_table *sink, capi_err *err)
{
    for (uint32_t i = 0; i < sink->batch->worker_count; i++)
        if (sink->workers[i].writer) CAPI_TRY(capi_table_writer_sync(sink->workers[i].writer, err));
    return CAPI_OK;
}

capi_status sink_table_finish_temporary(sink_table *sink, capi_extent **extents, uint64_t *extent_count,
                                        uint64_t *row_count, capi_err *err)
{
    uint64_t bytes;

    *extents = join_extents(sink, extent_count, row_count, &bytes);
    return sync_writers(sink, err);
}

capi_status sink_table_finish(sink_table *sink, bool check_unique, capi_err *err)
{
    capi_batch_output *out = sink->batch->out;
    uint64_t extent_count;

    out->extents = join_extents(sink, &extent_count, &out->rows_written, &out->bytes_written);
    out->extent_count = (uint32_t)extent_count;
    CAPI_TRY(sync_writers(sink, err));
    return check_unique && sink->hashed ? exec_unique_check_batch(sink->batch, &sink->address, err) : CAPI_OK;
}
