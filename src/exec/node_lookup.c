/* node_lookup.c - a batch of a table_lookup_table: gets the index over the right table, joins its share of the left one; part by part
 * (lookup_grace.h) if the index does not fit the memory budget. */
#include "exec/drive.h"
#include "exec/lookup_grace.h"
#include "exec/lookup_rows.h"
#include "exec/sink_table.h"

#include <stdlib.h>

typedef struct lookup_stage {
    exec_batch *batch;
    exec_scan *scan;
    sink_table *sink;
    const lookup_plan *plan;
    lookup_index *index;
    struct lookup_worker *workers;
} lookup_stage;

typedef struct lookup_worker {
    lookup_stage *stage;
    uint32_t worker;
    lookup_rows *rows; /* NULL: not opened */
    const capi_vec *columns;
} lookup_worker;

static capi_status lookup_give(void *context, const capi_vec *fields, const uint32_t *left, const uint32_t *rows,
                               uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    lookup_worker *worker = context;

    (void)left;
    return sink_table_append(worker->stage->sink, worker->worker, fields, rows, row_count, NULL, bad_row, err);
}

static capi_status lookup_try(void *context, uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    lookup_worker *worker = context;

    return lookup_rows_join(worker->rows, worker->columns, row_count, bad_row, err);
}

static capi_status lookup_take(void *context, uint32_t index, uint64_t group, const exec_rows *rows, capi_err *err)
{
    lookup_stage *stage = context;
    lookup_worker *worker = &stage->workers[index];

    (void)group;
    if (!worker->rows) {
        worker->stage = stage;
        worker->worker = index;
        worker->rows = lookup_rows_new(stage->plan, stage->index, stage->batch->task->now, lookup_give, worker);
    }
    worker->columns = rows->columns;
    return exec_try_rows(lookup_try, worker, stage->scan, rows, err);
}

static capi_status lookup_end(void *context, uint32_t worker, uint64_t group, capi_err *err)
{
    lookup_stage *stage = context;

    return sink_table_end_group(stage->sink, worker, group, err);
}

static capi_status lookup_open_index(exec_batch *batch, const lookup_plan *plan, lookup_index **out, capi_err *err)
{
    lookup_index_spec spec = {
        .table = batch->task->lookup,
        .schema = plan->right_schema,
        .key = &plan->lookup->index->key,
        .progress = batch->task->progress,
    };

    CAPI_TRY(lookup_index_acquire(batch->exec, &spec, out, err));
    return lookup_index_load(batch->exec, *out, plan->right_needed, batch->task->progress, err);
}

static capi_status lookup_in_memory(lookup_stage *stage, capi_err *err)
{
    exec_batch *batch = stage->batch;
    uint64_t group_count = exec_group_count(batch, stage->scan);
    exec_stage driven = {.context = stage, .rows = lookup_take, .end = lookup_end};
    capi_status st;

    stage->workers = capi_zmalloc(batch->worker_count * sizeof *stage->workers);
    stage->sink = sink_table_new(batch, group_count);
    CAPI_TRY_OUT(exec_drive(batch, stage->scan, group_count, &driven, err));
    CAPI_TRY_OUT(exec_scan_finish(stage->scan, err));
    CAPI_TRY_OUT(sink_table_finish(stage->sink, true, err));
out:
    for (uint32_t i = 0; i < batch->worker_count; i++)
        lookup_rows_free(stage->workers[i].rows);
    free(stage->workers);
    sink_table_free(stage->sink);
    return st;
}

capi_status exec_lookup(exec_batch *batch, capi_err *err)
{
    lookup_stage stage = {.batch = batch, .plan = lookup_plan_new(batch)};
    capi_err full = {0};
    capi_status st;

    if (!batch->task->lookup)
        return capi_err_set(err, CAPI_INTERNAL, "the lookup table of node \"%.*s\" was not given to the batch",
                            CAPI_STR_ARG(batch->node->name));
    CAPI_TRY_OUT(exec_scan_table_open(batch, stage.plan->left_needed, &stage.scan, err));
    if (stage.scan->morsel_count) st = lookup_open_index(batch, stage.plan, &stage.index, &full);
    if (st == CAPI_OK) {
        st = lookup_in_memory(&stage, err);
    } else if (st == CAPI_NO_MEMORY) {
        lookup_index_release(batch->exec, stage.index);
        stage.index = NULL;
        exec_index_cache_trim(batch->exec->indexes);
        st = lookup_grace_run(batch, stage.plan, stage.scan, err);
    } else {
        capi_err_copy(err, &full);
    }
out:
    lookup_index_release(batch->exec, stage.index);
    exec_scan_close(stage.scan);
    return st;
}
