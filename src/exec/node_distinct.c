/* node_distinct.c - the first row of each key, in source order.
 *
 * A batch writes rows that are unique within it: groups of morsels are computed in parallel and freed of their own
 * duplicates; what is left goes, in order, through the one set of keys of the batch. With one thread rows go straight to it.
 * When that set fills the budget the remaining rows are written unless they are known, marked as such (unique.h), and the
 * seal, which compares all batches, finds their duplicates too. */
#include "exec/distinct.h"
#include "exec/drive.h"
#include "exec/fields.h"
#include "exec/order.h"
#include "exec/sink_table.h"
#include "exec/unique.h"
#include "exec/vectors.h"

#include <stdlib.h>

typedef struct kept_rows kept_rows;
struct kept_rows { /* rows of one chunk, waiting for their turn */
    kept_rows *next;
    capi_vec *fields;
    uint64_t *hashes;
    capi_view *views; /* NULL: numbers */
    uint32_t row_count;
};

typedef struct kept_group {
    capi_arena arena;
    kept_rows *first, **last;
} kept_group;

typedef struct distinct_worker {
    bool is_open;
    exec_fields fields;
    exec_keys keys;
    distinct_set *seen; /* of the group; NULL with one thread */
    kept_group *kept;
    uint32_t *selected;
} distinct_worker;

typedef struct distinct_stage {
    exec_batch *batch;
    exec_scan *scan;
    const capi_index *index;
    sink_table *sink;
    bool is_direct; /* one worker at a time: no group is kept */
    distinct_worker *workers;
    exec_order *order;
    distinct_set *seen; /* of the batch; whoever's turn it is */
    uint32_t *selected;
    uint64_t *hashes;
} distinct_stage;

/* ---- in order ---- */

/* Writes those of the rows (positions in the key arrays; rows[] in the fields, NULL: the same) that are new. */
static capi_status write_new(distinct_stage *stage, const capi_vec *fields, const uint32_t *rows, uint32_t row_count,
                             const uint64_t *hashes, const capi_view *views, uint32_t *bad_row, capi_err *err)
{
    uint32_t count = distinct_set_add(stage->seen, hashes, views, NULL, row_count, stage->selected, NULL);
    bool is_compared = !distinct_set_is_full(stage->seen);

    for (uint32_t i = 0; i < count; i++) {
        stage->hashes[i] = exec_stored_hash(hashes[stage->selected[i]], is_compared);
        if (rows) stage->selected[i] = rows[stage->selected[i]];
    }
    return sink_table_append(stage->sink, 0, fields, stage->selected, count, stage->hashes, bad_row, err);
}

static void drop_group(void *item)
{
    kept_group *group = item;

    capi_arena_deinit(&group->arena);
    free(group);
}

static capi_status consume_group(void *context, void *item, capi_err *err)
{
    distinct_stage *stage = context;
    kept_group *group = item;
    uint32_t bad_row = 0;
    capi_status st = CAPI_OK;

    for (const kept_rows *rows = group->first; rows && st == CAPI_OK; rows = rows->next)
        st = write_new(stage, rows->fields, NULL, rows->row_count, rows->hashes, rows->views, &bad_row, err);
    drop_group(group);
    return st;
}

/* ---- in parallel ---- */

static void worker_open(distinct_stage *stage, distinct_worker *worker)
{
    exec_fields_init(&worker->fields, stage->batch->node, stage->batch->task->now);
    exec_keys_init(&worker->keys, &stage->index->key);
    worker->selected = capi_malloc(CAPI_CHUNK_ROWS * sizeof *worker->selected);
    if (!stage->is_direct) worker->seen = distinct_set_new(stage->batch->exec, worker->keys.is_int64, UINT64_MAX);
    worker->is_open = true;
}

static void worker_close(distinct_worker *worker)
{
    if (!worker->is_open) return;
    if (worker->kept) drop_group(worker->kept);
    exec_fields_deinit(&worker->fields);
    exec_keys_deinit(&worker->keys);
    distinct_set_free(worker->seen);
    free(worker->selected);
}

/* Keeps the rows that are new in their group. */
static capi_status keep_new(distinct_stage *stage, distinct_worker *worker, uint32_t row_count, uint32_t *bad_row,
                            capi_err *err)
{
    exec_fields *fields = &worker->fields;
    uint32_t count = distinct_set_add(worker->seen, worker->keys.hashes, worker->keys.views, NULL, row_count,
                                      worker->selected, NULL);
    kept_group *group = worker->kept;
    kept_rows *rows;

    if (count == 0) return CAPI_OK;
    rows = capi_new(&group->arena, kept_rows);
    rows->row_count = count;
    rows->hashes = capi_arena_alloc(&group->arena, count * sizeof *rows->hashes);
    if (worker->keys.views) rows->views = capi_arena_alloc(&group->arena, count * sizeof *rows->views);
    for (uint32_t i = 0; i < count; i++) {
        rows->hashes[i] = worker->keys.hashes[worker->selected[i]];
        if (rows->views) rows->views[i] = worker->keys.views[worker->selected[i]];
    }
    if (rows->views) exec_views_own(&group->arena, rows->views, count);
    if (fields->rows)
        for (uint32_t i = 0; i < count; i++)
            worker->selected[i] = fields->rows[worker->selected[i]];
    rows->fields = capi_new_array(&group->arena, capi_vec, fields->field_count);
    for (uint32_t field = 0; field < fields->field_count; field++)
        CAPI_TRY(exec_vec_copy_stored(&group->arena, &fields->fields[field], worker->selected, count,
                                      &rows->fields[field], bad_row, err));
    (void)stage;
    *group->last = rows;
    group->last = &rows->next;
    return CAPI_OK;
}

typedef struct distinct_attempt {
    distinct_stage *stage;
    distinct_worker *worker;
} distinct_attempt;

static capi_status distinct_try(void *context, uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    distinct_attempt *attempt = context;
    distinct_stage *stage = attempt->stage;
    distinct_worker *worker = attempt->worker;
    exec_fields *fields = &worker->fields;

    CAPI_TRY(exec_fields_run(fields, row_count, bad_row, err));
    CAPI_TRY(exec_keys_build_from(&worker->keys, &stage->batch->node->table->schema, fields->fields, fields->rows,
                                  fields->row_count, bad_row, err));
    if (!stage->is_direct) return keep_new(stage, worker, fields->row_count, bad_row, err);
    return write_new(stage, fields->fields, fields->rows, fields->row_count, worker->keys.hashes, worker->keys.views,
                     bad_row, err);
}

static capi_status distinct_take(void *context, uint32_t index, uint64_t group, const exec_rows *rows, capi_err *err)
{
    distinct_stage *stage = context;
    distinct_worker *worker = &stage->workers[index];
    distinct_attempt attempt = {stage, worker};

    (void)group;
    if (!worker->is_open) worker_open(stage, worker);
    if (!stage->is_direct && !worker->kept) {
        worker->kept = capi_zmalloc(sizeof *worker->kept);
        worker->kept->last = &worker->kept->first;
        distinct_set_clear(worker->seen);
    }
    exec_fields_set_inputs(&worker->fields, CAPI_SIDE_READER, rows->columns);
    return exec_try_rows(distinct_try, &attempt, stage->scan, rows, err);
}

static capi_status distinct_end(void *context, uint32_t index, uint64_t group, capi_err *err)
{
    distinct_stage *stage = context;
    kept_group *kept = stage->workers[index].kept;

    if (stage->is_direct) return CAPI_OK;
    if (!kept) kept = capi_zmalloc(sizeof *kept); /* no rows: its turn comes all the same */
    stage->workers[index].kept = NULL;
    return exec_order_put(stage->order, group, kept, kept->arena.total_bytes, err);
}

static void distinct_fail(void *context, uint64_t group)
{
    distinct_stage *stage = context;

    (void)group;
    exec_order_close(stage->order);
}

static capi_status distinct_drive(distinct_stage *stage, uint64_t group_count, capi_err *err)
{
    exec_stage driven = {.context = stage, .rows = distinct_take, .end = distinct_end, .fail = distinct_fail};

    CAPI_TRY(exec_drive(stage->batch, stage->scan, group_count, &driven, err));
    CAPI_TRY(exec_scan_finish(stage->scan, err));
    CAPI_TRY(sink_table_end_group(stage->sink, 0, 0, err));
    return sink_table_finish(stage->sink, false, err);
}

static capi_status distinct_run(exec_batch *batch, exec_scan *scan, capi_err *err)
{
    uint64_t group_count = exec_group_count_fine(batch, scan);
    distinct_stage stage = {
        .batch = batch,
        .scan = scan,
        .index = exec_hashed_index(batch->node->table),
        .sink = sink_table_new(batch, 1),
        .is_direct = group_count <= 1,
    };
    capi_status st;

    stage.workers = capi_zmalloc(batch->worker_count * sizeof *stage.workers);
    stage.selected = capi_malloc(CAPI_CHUNK_ROWS * sizeof *stage.selected);
    stage.hashes = capi_malloc(CAPI_CHUNK_ROWS * sizeof *stage.hashes);
    stage.order = exec_order_new(2 * batch->worker_count + 2, batch->exec->budget->limit_bytes / 16, consume_group,
                                 drop_group, &stage);
    /* A quarter of the budget is for this set: other batches want to live, too. */
    stage.seen =
        distinct_set_new(batch->exec, capi_key_is_int64(&stage.index->key), batch->exec->budget->limit_bytes / 4);
    st = distinct_drive(&stage, group_count, err);
    for (uint32_t i = 0; i < batch->worker_count; i++)
        worker_close(&stage.workers[i]);
    exec_order_free(stage.order);
    distinct_set_free(stage.seen);
    sink_table_free(stage.sink);
    free(stage.workers);
    free(stage.selected);
    free(stage.hashes);
    return st;
}

capi_status exec_distinct(exec_batch *batch, capi_err *err)
{
    bool *needed = capi_arena_zalloc(batch->arena, capi_node_schema(batch->node->reader)->field_count + 1);
    exec_scan *scan = NULL;
    capi_status st;

    exec_needed_columns(batch->node, batch->node->program, CAPI_SIDE_READER, needed);
    CAPI_TRY_OUT(exec_scan_table_open(batch, needed, &scan, err));
    CAPI_TRY_OUT(distinct_run(batch, scan, err));
out:
    exec_scan_close(scan);
    return st;
}
