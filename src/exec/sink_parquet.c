/* sink_parquet.c - rows of all workers become one sequence, which is cut into row groups of a fixed size; so a file does not
 * depend on who made which rows. A single worker fills one row group after the other. Several each gather rows; `rows` puts
 * these into order, and whoever fills a row group that way encodes it, beside the others; `groups` puts those into order. */
#include "exec/sink_parquet.h"

#include "exec/file_form.h"
#include "exec/order.h"
#include "exec/target.h"
#include "parquet/parquet.h"

#include <pthread.h>
#include <stdlib.h>

/* Rows of one group of the drive, a few at a time. */
typedef struct rows_list {
    capi_parquet_group **parts;
    uint32_t count;
    uint64_t bytes;
} rows_list;

/* A full row group that waits for somebody to encode it. */
typedef struct full_group {
    struct full_group *next;
    capi_parquet_group *group;
    uint64_t number;
} full_group;

struct sink_parquet {
    exec_batch *batch;
    bool is_direct;
    capi_file_writer *file;
    capi_parquet_writer *writer;
    rows_list *workers;        /* direct: the first one's only part takes rows until they are moved on */
    capi_parquet_group *open;  /* the row group that is being filled: by one thread at a time */
    uint64_t group_count;      /* full ones */
    pthread_mutex_t full_lock; /* of the list, which is in order */
    full_group *full_first;
    full_group **full_end;
    exec_order *rows;
    exec_order *groups;
    /* lines of `top` that wait to be a chunk */
    capi_arena line_arena;
    capi_vec *line_columns;
    uint32_t line_count;
};

/* ---- full row groups ---- */

static void push_full(sink_parquet *sink)
{
    full_group *full = capi_zmalloc(sizeof *full);

    full->group = sink->open;
    full->number = sink->group_count++;
    sink->open = NULL;
    pthread_mutex_lock(&sink->full_lock);
    *sink->full_end = full;
    sink->full_end = &full->next;
    pthread_mutex_unlock(&sink->full_lock);
}

/* The first one, or NULL. In order: so who has the lowest number never waits for one that nobody has taken. */
static full_group *pop_full(sink_parquet *sink)
{
    full_group *full;

    pthread_mutex_lock(&sink->full_lock);
    full = sink->full_first;
    if (full) {
        sink->full_first = full->next;
        if (!full->next) sink->full_end = &sink->full_first;
    }
    pthread_mutex_unlock(&sink->full_lock);
    return full;
}

static void drop_group(void *item)
{
    capi_parquet_group_free(item);
}

static capi_status append_group(void *context, void *item, capi_err *err)
{
    sink_parquet *sink = context;

    return capi_parquet_writer_append(sink->writer, item, err);
}

/* Encodes what is full until there is nothing left. */
static capi_status encode_full(sink_parquet *sink, capi_err *err)
{
    full_group *full;

    while ((full = pop_full(sink)) != NULL) {
        capi_parquet_group *group = full->group;
        uint64_t number = full->number;
        capi_status st = capi_parquet_group_finish(group, err);

        free(full);
        if (st != CAPI_OK) {
            capi_parquet_group_free(group);
            return st;
        }
        CAPI_TRY(exec_order_put(sink->groups, number, group, capi_parquet_group_bytes(group), err));
    }
    return CAPI_OK;
}

/* Moves all rows of a part into row groups. */
static void move_rows(sink_parquet *sink, const capi_parquet_group *part)
{
    uint32_t count = (uint32_t)capi_parquet_group_rows(part);
    uint32_t moved = 0;

    while (moved < count) {
        if (!sink->open) sink->open = capi_parquet_group_new(sink->writer);
        moved += capi_parquet_group_fill(sink->open, part, moved);
        if (capi_parquet_group_is_full(sink->open)) push_full(sink);
    }
}

/* ---- rows of workers ---- */

static void drop_list(void *item)
{
    rows_list *list = item;

    for (uint32_t i = 0; i < list->count; i++)
        capi_parquet_group_free(list->parts[i]);
    free(list->parts);
    free(list);
}

static capi_status consume_list(void *context, void *item, capi_err *err)
{
    rows_list *list = item;

    (void)err;
    for (uint32_t i = 0; i < list->count; i++) {
        move_rows(context, list->parts[i]);
        capi_parquet_group_free(list->parts[i]);
        list->parts[i] = NULL;
    }
    drop_list(list);
    return CAPI_OK;
}

/* The part that takes the worker's next rows. */
static capi_parquet_group *open_part(sink_parquet *sink, rows_list *list)
{
    if (list->count && !capi_parquet_group_is_full(list->parts[list->count - 1])) return list->parts[list->count - 1];
    list->parts = capi_realloc(list->parts, (list->count + 1) * sizeof *list->parts);
    return list->parts[list->count++] = capi_parquet_group_new(sink->writer);
}

capi_status sink_parquet_add(sink_parquet *sink, uint32_t worker, const capi_vec *columns, const uint32_t *rows,
                             uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    rows_list *list = &sink->workers[worker];
    capi_parquet_group *part = open_part(sink, list);
    uint64_t bytes = capi_parquet_group_bytes(part);

    *bad_row = EXEC_NO_ROW;
    CAPI_TRY(capi_parquet_group_add(part, columns, rows, row_count, bad_row, err));
    list->bytes += capi_parquet_group_bytes(part) - bytes;
    if (!sink->is_direct) return CAPI_OK;
    move_rows(sink, part);
    capi_parquet_group_clear(part);
    return encode_full(sink, err);
}

capi_status sink_parquet_end_group(sink_parquet *sink, uint32_t worker, uint64_t group, capi_err *err)
{
    rows_list *list;

    if (sink->is_direct) return CAPI_OK;
    list = capi_malloc(sizeof *list);
    *list = sink->workers[worker];
    sink->workers[worker] = (rows_list){0};
    CAPI_TRY(exec_order_put(sink->rows, group, list, list->bytes, err));
    return encode_full(sink, err);
}

void sink_parquet_fail(sink_parquet *sink)
{
    exec_order_close(sink->rows);
    exec_order_close(sink->groups);
}

/* ---- the file ---- */

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
    uint32_t window = 2 * batch->worker_count + 2;
    uint64_t bytes_max = batch->exec->budget->limit_bytes / 16;

    *out = sink;
    sink->batch = batch;
    sink->is_direct = is_direct;
    sink->workers = capi_zmalloc(batch->worker_count * sizeof *sink->workers);
    sink->full_end = &sink->full_first;
    pthread_mutex_init(&sink->full_lock, NULL);
    sink->rows = exec_order_new(window, bytes_max, consume_list, drop_list, sink);
    sink->groups = exec_order_new(window, bytes_max, append_group, drop_group, sink);
    CAPI_TRY(exec_target_create(batch, &sink->file, err));
    return writer_open(sink, err);
}

void sink_parquet_free(sink_parquet *sink)
{
    full_group *full;

    if (!sink) return;
    for (uint32_t i = 0; i < sink->batch->worker_count; i++) {
        for (uint32_t part = 0; part < sink->workers[i].count; part++)
            capi_parquet_group_free(sink->workers[i].parts[part]);
        free(sink->workers[i].parts);
    }
    free(sink->workers);
    while ((full = pop_full(sink)) != NULL) {
        capi_parquet_group_free(full->group);
        free(full);
    }
    capi_parquet_group_free(sink->open);
    exec_order_free(sink->rows);
    exec_order_free(sink->groups);
    pthread_mutex_destroy(&sink->full_lock);
    capi_parquet_writer_free(sink->writer);
    capi_file_writer_close(sink->file);
    capi_arena_deinit(&sink->line_arena);
    free(sink);
}

capi_status sink_parquet_finish(sink_parquet *sink, capi_err *err)
{
    uint64_t bytes_written = 0;

    if (sink->open) push_full(sink);
    CAPI_TRY(encode_full(sink, err));
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
    .morsels_per_group = 1,
};
