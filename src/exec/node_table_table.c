/* node_table_table.c - one row of the table from each row of the source that passes `having`; file_table shares it. */
#include "exec/fields.h"
#include "exec/node_rows.h"
#include "exec/sink_table.h"

#include <stdlib.h>

typedef struct rows_worker {
    bool is_open;
    exec_fields fields;
} rows_worker;

typedef struct rows_stage {
    exec_batch *batch;
    exec_scan *scan;
    sink_table *sink;
    rows_worker *workers;
} rows_stage;

typedef struct rows_attempt {
    rows_stage *stage;
    uint32_t worker;
} rows_attempt;

static capi_status rows_try(void *context, uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    rows_attempt *attempt = context;
    exec_fields *fields = &attempt->stage->workers[attempt->worker].fields;

    CAPI_TRY(exec_fields_run(fields, row_count, bad_row, err));
    return sink_table_append(attempt->stage->sink, attempt->worker, fields->fields, fields->rows, fields->row_count,
                             NULL, bad_row, err);
}

static capi_status rows_take(void *context, uint32_t index, uint64_t group, const exec_rows *rows, capi_err *err)
{
    rows_stage *stage = context;
    rows_worker *worker = &stage->workers[index];
    rows_attempt attempt = {stage, index};

    (void)group;
    if (!worker->is_open) {
        exec_fields_init(&worker->fields, stage->batch->node, stage->batch->task->now);
        worker->is_open = true;
    }
    exec_fields_set_inputs(&worker->fields, CAPI_SIDE_READER, rows->columns);
    return exec_try_rows(rows_try, &attempt, stage->scan, rows, err);
}

static capi_status rows_end(void *context, uint32_t worker, uint64_t group, capi_err *err)
{
    rows_stage *stage = context;

    return sink_table_end_group(stage->sink, worker, group, err);
}

capi_status exec_rows_to_table(exec_batch *batch, exec_scan *scan, capi_err *err)
{
    uint64_t group_count = exec_group_count(batch, scan);
    rows_stage stage = {.batch = batch, .scan = scan, .sink = sink_table_new(batch, group_count)};
    exec_stage driven = {.context = &stage, .rows = rows_take, .end = rows_end};
    capi_status st;

    stage.workers = capi_zmalloc(batch->worker_count * sizeof *stage.workers);
    CAPI_TRY_OUT(exec_drive(batch, scan, group_count, &driven, err));
    CAPI_TRY_OUT(exec_scan_finish(scan, err));
    CAPI_TRY_OUT(sink_table_finish(stage.sink, true, err));
out:
    for (uint32_t i = 0; i < batch->worker_count; i++)
        if (stage.workers[i].is_open) exec_fields_deinit(&stage.workers[i].fields);
    free(stage.workers);
    sink_table_free(stage.sink);
    return st;
}

capi_status exec_table_table(exec_batch *batch, capi_err *err)
{
    bool *needed = capi_arena_zalloc(batch->arena, capi_node_schema(batch->node->reader)->field_count + 1);
    exec_scan *scan = NULL;
    capi_status st;

    exec_needed_columns(batch->node, batch->node->program, CAPI_SIDE_READER, needed);
    CAPI_TRY_OUT(exec_scan_table_open(batch, needed, &scan, err));
    CAPI_TRY_OUT(exec_rows_to_table(batch, scan, err));
out:
    exec_scan_close(scan);
    return st;
}
