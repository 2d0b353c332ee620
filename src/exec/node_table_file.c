/* node_table_file.c - a table, or a share of it, as a file: rows are formatted in parallel and written in order, or, with
 * `top`, collected by key (top.h) and written at the end. */
#include "exec/drive.h"
#include "exec/fields.h"
#include "exec/file_form.h"
#include "exec/top.h"

#include <stdlib.h>

typedef struct file_worker {
    bool is_open;
    exec_fields fields;
    uint64_t row_count; /* written, or given to `top` */
    top_rows *top;
    capi_arena arena; /* keys of a chunk */
    capi_vec *parts;  /* key columns */
    capi_view *keys;
    capi_buf line;
    capi_arena line_arena;
} file_worker;

typedef struct file_stage {
    exec_batch *batch;
    const capi_file_sink *file;
    exec_scan *scan;
    const file_form *form;
    void *sink;
    file_worker *workers;
} file_stage;

typedef struct file_attempt {
    file_stage *stage;
    uint32_t worker;
    uint64_t first_row;
} file_attempt;

static void worker_open(file_stage *stage, file_worker *worker, uint32_t index)
{
    exec_batch *batch = stage->batch;

    exec_fields_init(&worker->fields, batch->node, batch->task->now);
    if (stage->file->has_top) {
        capi_str name =
            capi_str_format(&worker->fields.arena, "top_%.*s_%u", CAPI_STR_ARG(batch->task->attempt_uid), index);

        worker->top = top_rows_new(batch->exec, stage->file->top_limit, name);
        worker->parts = capi_malloc((stage->file->top_order.part_count + 1) * sizeof *worker->parts);
        worker->keys = capi_malloc(CAPI_CHUNK_ROWS * sizeof *worker->keys);
    }
    worker->is_open = true;
}

static void worker_close(file_worker *worker)
{
    if (!worker->is_open) return;
    top_rows_free(worker->top); /* its name lies in the fields' arena */
    exec_fields_deinit(&worker->fields);
    free(worker->parts);
    free(worker->keys);
    capi_arena_deinit(&worker->arena);
    capi_buf_deinit(&worker->line);
    capi_arena_deinit(&worker->line_arena);
}

/* Keys of the selected rows, from the values as they are stored. */
static capi_status top_keys(const file_stage *stage, file_worker *worker, uint32_t *bad_row, capi_err *err)
{
    const capi_key_def *def = &stage->file->top_order;
    const exec_fields *fields = &worker->fields;

    capi_arena_reset(&worker->arena);
    for (uint32_t part = 0; part < def->part_count; part++) {
        uint32_t column = def->parts[part].column;
        capi_vec in = fields->fields[column];
        uint32_t bad = 0;
        capi_status st;

        if (fields->rows) in = capi_vec_gather(&worker->arena, &in, fields->rows, fields->row_count);
        st = capi_vec_to_stored(&worker->arena, &in, fields->row_count, &worker->parts[part], &bad, err);
        if (st != CAPI_OK) {
            *bad_row = fields->rows ? fields->rows[bad] : bad;
            exec_err_prefix(err, "column \"%.*s\"", CAPI_STR_ARG(exec_field_name(stage->batch->node, column)));
            return st;
        }
    }
    if (fields->row_count) capi_keys_build(def, worker->parts, fields->row_count, true, &worker->arena, worker->keys);
    return CAPI_OK;
}

static capi_status top_take(const file_stage *stage, file_worker *worker, uint64_t first_row, uint32_t *bad_row,
                            capi_err *err)
{
    const exec_fields *fields = &worker->fields;
    capi_status st;

    CAPI_TRY(top_keys(stage, worker, bad_row, err));
    for (uint32_t i = 0; i < fields->row_count; i++) {
        uint32_t row = fields->rows ? fields->rows[i] : i;

        if (!top_rows_wants(worker->top, &worker->keys[i])) continue;
        capi_buf_clear(&worker->line);
        capi_arena_reset(&worker->line_arena);
        st = stage->form->line(stage->batch, fields->fields, row, &worker->line_arena, &worker->line, err);
        if (st != CAPI_OK) {
            *bad_row = row;
            return st;
        }
        CAPI_TRY(top_rows_add(worker->top, &worker->keys[i], first_row + row, capi_buf_str(&worker->line), err));
    }
    return CAPI_OK;
}

static capi_status file_try(void *context, uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    file_attempt *attempt = context;
    file_stage *stage = attempt->stage;
    file_worker *worker = &stage->workers[attempt->worker];
    exec_fields *fields = &worker->fields;
    capi_progress *progress = stage->batch->task->progress;

    CAPI_TRY(exec_fields_run(fields, row_count, bad_row, err));
    if (worker->top) return top_take(stage, worker, attempt->first_row, bad_row, err);
    if (fields->row_count == 0) return CAPI_OK;
    CAPI_TRY(
        stage->form->add(stage->sink, attempt->worker, fields->fields, fields->rows, fields->row_count, bad_row, err));
    worker->row_count += fields->row_count;
    if (progress) atomic_fetch_add_explicit(&progress->rows_written, fields->row_count, memory_order_relaxed);
    return CAPI_OK;
}

static capi_status file_take(void *context, uint32_t index, uint64_t group, const exec_rows *rows, capi_err *err)
{
    file_stage *stage = context;
    file_worker *worker = &stage->workers[index];
    file_attempt attempt = {stage, index, rows->first_row};

    (void)group;
    if (!worker->is_open) worker_open(stage, worker, index);
    exec_fields_set_inputs(&worker->fields, CAPI_SIDE_READER, rows->columns);
    return exec_try_rows(file_try, &attempt, stage->scan, rows, err);
}

static capi_status file_end(void *context, uint32_t worker, uint64_t group, capi_err *err)
{
    file_stage *stage = context;

    if (stage->file->has_top) return CAPI_OK;
    return stage->form->end_group(stage->sink, worker, group, err);
}

static void file_fail(void *context, uint64_t group)
{
    file_stage *stage = context;

    (void)group;
    stage->form->fail(stage->sink);
}

/* ---- the end of `top` ---- */

static capi_status top_sort_one(void *context, uint32_t worker, uint64_t index, capi_err *err)
{
    file_stage *stage = context;

    (void)worker;
    (void)err;
    if (stage->workers[index].top) top_rows_sort(stage->workers[index].top);
    return CAPI_OK;
}

static capi_status top_write_line(void *context, capi_str line, capi_err *err)
{
    file_stage *stage = context;

    stage->workers[0].row_count++;
    return stage->form->add_line(stage->sink, line, err);
}

static capi_status top_write(file_stage *stage, capi_err *err)
{
    exec_batch *batch = stage->batch;
    top_rows **tops = capi_new_array(batch->arena, top_rows *, batch->worker_count);
    capi_progress *progress = batch->task->progress;

    CAPI_TRY(capi_parallel_for(batch->exec->pool, batch->worker_count, top_sort_one, stage, err));
    for (uint32_t i = 0; i < batch->worker_count; i++)
        tops[i] = stage->workers[i].top;
    CAPI_TRY(top_rows_merge(tops, batch->worker_count, stage->file->top_limit, top_write_line, stage, err));
    CAPI_TRY(stage->form->end_lines(stage->sink, err));
    if (progress) atomic_fetch_add_explicit(&progress->rows_written, stage->workers[0].row_count, memory_order_relaxed);
    return CAPI_OK;
}

static uint64_t file_group_count(const file_stage *stage)
{
    uint64_t fine;

    if (stage->file->has_top) return exec_group_count(stage->batch, stage->scan);
    fine = exec_group_count_fine(stage->batch, stage->scan);
    return (fine + stage->form->morsels_per_group - 1) / stage->form->morsels_per_group;
}

static capi_status file_run(file_stage *stage, capi_err *err)
{
    exec_batch *batch = stage->batch;
    bool has_top = stage->file->has_top;
    uint64_t group_count = file_group_count(stage);
    exec_stage driven = {.context = stage, .rows = file_take, .end = file_end, .fail = file_fail};

    CAPI_TRY(stage->form->open(batch, has_top || group_count <= 1, &stage->sink, err));
    CAPI_TRY(exec_drive(batch, stage->scan, group_count, &driven, err));
    CAPI_TRY(exec_scan_finish(stage->scan, err));
    if (has_top) CAPI_TRY(top_write(stage, err));
    for (uint32_t i = 0; i < batch->worker_count; i++)
        batch->out->rows_written += stage->workers[i].row_count;
    return stage->form->finish(stage->sink, err);
}

capi_status exec_table_file(exec_batch *batch, capi_err *err)
{
    static const file_form *const forms[] = {
        [CAPI_FILE_CSV] = &file_form_csv, [CAPI_FILE_PARQUET] = &file_form_parquet};
    bool *needed = capi_arena_zalloc(batch->arena, capi_node_schema(batch->node->reader)->field_count + 1);
    file_stage stage = {.batch = batch, .file = batch->node->file};
    capi_status st;

    stage.form = forms[stage.file->kind];
    stage.workers = capi_zmalloc(batch->worker_count * sizeof *stage.workers);
    exec_needed_columns(batch->node, batch->node->program, CAPI_SIDE_READER, needed);
    CAPI_TRY_OUT(exec_scan_table_open(batch, needed, &stage.scan, err));
    CAPI_TRY_OUT(file_run(&stage, err));
out:
    for (uint32_t i = 0; i < batch->worker_count; i++)
        worker_close(&stage.workers[i]);
    free(stage.workers);
    stage.form->free(stage.sink);
    exec_scan_close(stage.scan);
    return st;
}
