/* sink_parquet.c - a worker's rows become encoded row groups; only whole ones wait for their turn. */
#include "exec/sink_parquet.h"

#include "exec/file_form.h"
#include "exec/order.h"
#include "exec/target.h"
#include "parquet/parquet.h"

#include <stdlib.h>

enum { GROUP_BYTES_MAX = 128 << 20 };

/* Row groups that belong to one group of the drive. */
typedef struct group_list {
    capi_parquet_group **groups;
    uint32_t count;
    uint64_t bytes;
} group_list;

typedef struct parquet_worker {
    capi_parquet_group *open;
    group_list done;
} parquet_worker;

struct sink_parquet {
    exec_batch *batch;
    bool is_direct;
    capi_file_writer *file;
    capi_parquet_writer *writer;
    parquet_worker *workers;
    exec_order *order;
    /* lines of `top` that wait to be a chunk */
    capi_arena line_arena;
    capi_vec *line_columns;
    uint32_t line_count;
};

static void drop_list(void *item)
{
    group_list *list = item;

    for (uint32_t i = 0; i < list->count; i++)
        capi_parquet_group_free(list->groups[i]);
    free(list->groups);
    free(list);
}

/* Appends all groups, of which none is left. */
static capi_status append_list(sink_parquet *sink, group_list *list, capi_err *err)
{
    for (uint32_t i = 0; i < list->count; i++) {
        capi_parquet_group *group = list->groups[i];

        list->groups[i] = NULL;
        CAPI_TRY(capi_parquet_writer_append(sink->writer, group, err));
    }
    list->count = 0;
    return CAPI_OK;
}

static capi_status consume_list(void *context, void *item, capi_err *err)
{
    capi_status st = append_list(context, item, err);

    drop_list(item);
    return st;
}

static capi_status writer_open(sink_parquet *sink, capi_err *err)
{
    const capi_file_sink *file = sink->batch->node->file;
    capi_parquet_out_column *columns =
        capi_new_array(sink->batch->arena, capi_parquet_out_column, file->column_count + 1);

    for (uint32_t i = 0; i < file->column_count; i++)
        columns[i] = (capi_parquet_out_column){file->columns[i].parquet_name, file->columns[i].type};
    return capi_parquet_writer_new(sink->file, columns, file->column_count, file->parquet_codec, &sink->writer, err);
}

capi_status sink_parquet_open(exec_batch *batch, bool is_direct, sink_parquet **out, capi_err *err)
{
    sink_parquet *sink = capi_zmalloc(sizeof *sink);

    *out = sink;
    sink->batch = batch;
    sink->is_direct = is_direct;
    sink->workers = capi_zmalloc(batch->worker_count * sizeof *sink->workers);
    sink->order = exec_order_new(2 * batch->worker_count + 2, batch->exec->budget->limit_bytes / 16, consume_list,
                                 drop_list, sink);
    CAPI_TRY(exec_target_create(batch, &sink->file, err));
    return writer_open(sink, err);
}

void sink_parquet_free(sink_parquet *sink)
{
    if (!sink) return;
    for (uint32_t i = 0; i < sink->batch->worker_count; i++) {
        parquet_worker *worker = &sink->workers[i];

        capi_parquet_group_free(worker->open);
        for (uint32_t group = 0; group < worker->done.count; group++)
            capi_parquet_group_free(worker->done.groups[group]);
        free(worker->done.groups);
    }
    free(sink->workers);
    exec_order_free(sink->order);
    capi_parquet_writer_free(sink->writer);
    capi_file_writer_close(sink->file);
    capi_arena_deinit(&sink->line_arena);
    free(sink);
}

static capi_status end_row_group(sink_parquet *sink, parquet_worker *worker, capi_err *err)
{
    capi_parquet_group *group = worker->open;

    if (!group) return CAPI_OK;
    CAPI_TRY(capi_parquet_group_finish(group, err));
    worker->open = NULL;
    if (sink->is_direct) return capi_parquet_writer_append(sink->writer, group, err);
    worker->done.groups = capi_realloc(worker->done.groups, (worker->done.count + 1) * sizeof *worker->done.groups);
    worker->done.groups[worker->done.count++] = group;
    worker->done.bytes += capi_parquet_group_bytes(group);
    return CAPI_OK;
}

capi_status sink_parquet_add(sink_parquet *sink, uint32_t worker_index, const capi_vec *columns, const uint32_t *rows,
                             uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    parquet_worker *worker = &sink->workers[worker_index];

    *bad_row = EXEC_NO_ROW;
    if (!worker->open) worker->open = capi_parquet_group_new(sink->writer);
    CAPI_TRY(capi_parquet_group_add(worker->open, columns, rows, row_count, bad_row, err));
    if (capi_parquet_group_rows(worker->open) < CAPI_PARQUET_GROUP_ROWS &&
        capi_parquet_group_bytes(worker->open) < GROUP_BYTES_MAX)
        return CAPI_OK;
    return end_row_group(sink, worker, err);
}

capi_status sink_parquet_end_group(sink_parquet *sink, uint32_t worker_index, uint64_t group, capi_err *err)
{
    parquet_worker *worker = &sink->workers[worker_index];
    group_list *list;

    CAPI_TRY(end_row_group(sink, worker, err));
    if (sink->is_direct) return CAPI_OK;
    list = capi_malloc(sizeof *list);
    *list = worker->done;
    worker->done = (group_list){0};
    return exec_order_put(sink->order, group, list, list->bytes, err);
}

void sink_parquet_fail(sink_parquet *sink)
{
    exec_order_close(sink->order);
}

capi_status sink_parquet_finish(sink_parquet *sink, capi_err *err)
{
    uint64_t bytes_written = 0;

    CAPI_TRY(capi_parquet_writer_finish(sink->writer, &bytes_written, err));
    CAPI_TRY(capi_file_sync(sink->file, err));
    sink->batch->out->file = sink->file;
    sink->batch->out->bytes_written = bytes_written;
    sink->file = NULL;
    return CAPI_OK;
}

/* ---- rows kept by `top` ---- */

capi_status sink_parquet_line(const exec_batch *batch, const capi_vec *columns, uint32_t row, capi_arena *scratch,
                              capi_buf *to, capi_err *err)
{
    const capi_file_sink *file = batch->node->file;

    for (uint32_t i = 0; i < file->column_count; i++) {
        capi_vec in = capi_vec_gather(scratch, &columns[i], &row, 1);
        capi_vec stored;
        uint32_t bad_row;

        CAPI_TRY(capi_vec_to_stored(scratch, &in, 1, &stored, &bad_row, err));
        if (stored.form == CAPI_FORM_VIEW) {
            capi_buf_append(to, &stored.views[0].bytes, sizeof stored.views[0].bytes);
            capi_buf_append(to, capi_view_data(&stored.views[0]), stored.views[0].bytes);
        } else {
            capi_buf_append(to, stored.data, capi_form_bytes(stored.form));
        }
    }
    return CAPI_OK;
}

static void lines_start(sink_parquet *sink)
{
    const capi_file_sink *file = sink->batch->node->file;

    capi_arena_reset(&sink->line_arena);
    sink->line_columns = capi_new_array(&sink->line_arena, capi_vec, file->column_count + 1);
    for (uint32_t i = 0; i < file->column_count; i++) {
        capi_type type = file->columns[i].type;

        sink->line_columns[i] = capi_vec_new(&sink->line_arena, type, capi_form_stored(type), CAPI_CHUNK_ROWS);
    }
}

capi_status sink_parquet_end_lines(sink_parquet *sink, capi_err *err)
{
    uint32_t count = sink->line_count;
    uint32_t bad_row;

    sink->line_count = 0;
    return count ? sink_parquet_add(sink, 0, sink->line_columns, NULL, count, &bad_row, err) : CAPI_OK;
}

capi_status sink_parquet_add_line(sink_parquet *sink, capi_str line, capi_err *err)
{
    const char *at = line.data;
    uint32_t row = sink->line_count;

    if (row == 0) lines_start(sink);
    for (uint32_t i = 0; i < sink->batch->node->file->column_count; i++) {
        capi_vec *vec = &sink->line_columns[i];
        size_t bytes = capi_form_bytes(vec->form);

        if (vec->form == CAPI_FORM_VIEW) {
            uint32_t length;

            memcpy(&length, at, sizeof length);
            at += sizeof length;
            vec->views[row] = capi_view_make(capi_arena_copy(&sink->line_arena, at, length), length);
            bytes = length;
        } else {
            memcpy((char *)vec->data + row * bytes, at, bytes);
        }
        at += bytes;
    }
    if (++sink->line_count < CAPI_CHUNK_ROWS) return CAPI_OK;
    return sink_parquet_end_lines(sink, err);
}

/* ---- the form ---- */

static capi_status form_open(exec_batch *batch, bool is_direct, void **sink, capi_err *err)
{
    sink_parquet *parquet = NULL;
    capi_status st = sink_parquet_open(batch, is_direct, &parquet, err);

    *sink = parquet;
    return st;
}

static void form_free(void *sink)
{
    sink_parquet_free(sink);
}

static capi_status form_add(void *sink, uint32_t worker, const capi_vec *columns, const uint32_t *rows,
                            uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    return sink_parquet_add(sink, worker, columns, rows, row_count, bad_row, err);
}

static capi_status form_end_group(void *sink, uint32_t worker, uint64_t group, capi_err *err)
{
    return sink_parquet_end_group(sink, worker, group, err);
}

static void form_fail(void *sink)
{
    sink_parquet_fail(sink);
}

static capi_status form_finish(void *sink, capi_err *err)
{
    return sink_parquet_finish(sink, err);
}

static capi_status form_add_line(void *sink, capi_str line, capi_err *err)
{
    return sink_parquet_add_line(sink, line, err);
}

static capi_status form_end_lines(void *sink, capi_err *err)
{
    CAPI_TRY(sink_parquet_end_lines(sink, err));
    return sink_parquet_end_group(sink, 0, 0, err);
}

const file_form file_form_parquet = {
    .open = form_open,
    .free = form_free,
    .add = form_add,
    .end_group = form_end_group,
    .fail = form_fail,
    .finish = form_finish,
    .line = sink_parquet_line,
    .add_line = form_add_line,
    .end_lines = form_end_lines,
    .morsels_per_group = 8,
};
