/* node_custom.c - custom processors: rows with `p.*` beside `r.*`, each then computed like any other row.
 *
 * py_calc is in node_py_calc.c. tag_and_denormalize: every criterion is evaluated for every source row; each one that is true
 * gives one row with its tag, in the order of source rows, and of the script's tags within a row. */
#include "base/buf.h"
#include "exec/drive.h"
#include "exec/fields.h"
#include "exec/node_py_calc.h"
#include "exec/sink_table.h"

#include <stdlib.h>
#include <string.h>

enum { TAG_BLOCK_ROWS = 64, TAG_SHOWN_BYTES = 100 };

/* A tag, and for which rows of a block it is true. */
typedef struct tag_hit {
    uint64_t rows;
    uint32_t tag;
} tag_hit;

typedef struct tag_worker {
    bool is_open;
    exec_fields fields;
    capi_evaluator *criteria;
    capi_vec *verdicts; /* bool, by tag */
    capi_arena arena;   /* of one chunk of output rows */
    uint32_t *rows;     /* source row of each output row */
    uint32_t *tags;     /* its tag */
    uint32_t count;
    tag_hit *hits; /* of the current block */
    uint32_t hit_count;
} tag_worker;

typedef struct tag_stage {
    exec_batch *batch;
    exec_scan *scan;
    sink_table *sink;
    capi_view *names; /* by tag */
    tag_worker *workers;
} tag_stage;

typedef struct tag_attempt {
    tag_stage *stage;
    uint32_t worker;
    const exec_rows *rows;
} tag_attempt;

static void tag_worker_open(tag_stage *stage, tag_worker *worker)
{
    const capi_node *node = stage->batch->node;

    exec_fields_init(&worker->fields, node, stage->batch->task->now);
    worker->criteria = capi_evaluator_new(node->processor->tag_program, stage->batch->task->now);
    worker->verdicts = capi_malloc((node->processor->tag_count + 1) * sizeof *worker->verdicts);
    worker->hits = capi_malloc((node->processor->tag_count + 1) * sizeof *worker->hits);
    worker->rows = capi_malloc(CAPI_CHUNK_ROWS * sizeof *worker->rows);
    worker->tags = capi_malloc(CAPI_CHUNK_ROWS * sizeof *worker->tags);
    worker->is_open = true;
}

static void tag_worker_close(tag_worker *worker)
{
    if (!worker->is_open) return;
    exec_fields_deinit(&worker->fields);
    capi_evaluator_free(worker->criteria);
    free(worker->verdicts);
    free(worker->hits);
    free(worker->rows);
    free(worker->tags);
    capi_arena_deinit(&worker->arena);
}

/* The inputs of the output rows that were collected. */
static void tag_gather(const tag_stage *stage, tag_worker *worker, const exec_rows *rows)
{
    const capi_node *node = stage->batch->node;

    for (uint32_t slot = 0; slot < node->slot_count; slot++) {
        capi_vec *input = &worker->fields.inputs[slot];

        if (!capi_program_reads_slot(node->program, slot)) continue;
        if (node->slots[slot].side == CAPI_SIDE_READER) {
            *input =
                capi_vec_gather(&worker->arena, &rows->columns[node->slots[slot].column], worker->rows, worker->count);
            continue;
        }
        *input = capi_vec_new(&worker->arena, CAPI_STRING, CAPI_FORM_VIEW, worker->count);
        for (uint32_t i = 0; i < worker->count; i++)
            input->views[i] = stage->names[worker->tags[i]];
    }
}

static capi_status tag_try(void *context, uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    tag_attempt *attempt = context;
    exec_fields *fields = &attempt->stage->workers[attempt->worker].fields;

    CAPI_TRY(exec_fields_run(fields, row_count, bad_row, err));
    return sink_table_append(attempt->stage->sink, attempt->worker, fields->fields, fields->rows, fields->row_count,
                             NULL, bad_row, err);
}

static capi_status tag_flush(tag_attempt *attempt, uint32_t *bad_row, capi_err *err)
{
    tag_worker *worker = &attempt->stage->workers[attempt->worker];
    uint32_t bad = EXEC_NO_ROW;
    capi_status st;

    if (worker->count == 0) return CAPI_OK;
    capi_arena_reset(&worker->arena);
    tag_gather(attempt->stage, worker, attempt->rows);
    st = exec_lowest_failure(tag_try, attempt, worker->count, &bad, err);
    if (st != CAPI_OK && bad != EXEC_NO_ROW) *bad_row = worker->rows[bad];
    worker->count = 0;
    return st;
}

static capi_status tag_criteria(const tag_stage *stage, tag_worker *worker, const exec_rows *rows, uint32_t row_count,
                                uint32_t *bad_row, capi_err *err)
{
    const capi_node *node = stage->batch->node;
    capi_vec *inputs = worker->fields.inputs;
    uint32_t bad_tag = 0;
    capi_status st;

    for (uint32_t slot = 0; slot < node->slot_count; slot++)
        if (node->slots[slot].side == CAPI_SIDE_READER) inputs[slot] = rows->columns[node->slots[slot].column];
    st = capi_evaluator_run(worker->criteria, inputs, row_count, worker->verdicts, bad_row, &bad_tag, err);
    if (st != CAPI_OK) {
        capi_buf tag = {0};

        capi_buf_append_visible(&tag, node->processor->tags[bad_tag].tag, TAG_SHOWN_BYTES);
        exec_err_prefix(err, "criterion of tag \"%.*s\"", CAPI_STR_ARG(capi_buf_str(&tag)));
        capi_buf_deinit(&tag);
    }
    return st;
}

/* One bit for each of the TAG_BLOCK_ROWS rows from `first` on: is the criterion true? */
static uint64_t verdict_bits(const capi_vec *vec, uint32_t first, uint32_t row_count)
{
    uint32_t count = row_count - first < TAG_BLOCK_ROWS ? row_count - first : TAG_BLOCK_ROWS;
    uint64_t bits = 0;
    uint64_t any = 0;

    if (vec->is_constant) return vec->bools[0] ? UINT64_MAX >> (64 - count) : 0;
    if (count == TAG_BLOCK_ROWS) {
        for (uint32_t i = 0; i < TAG_BLOCK_ROWS / 8; i++) {
            uint64_t eight;

            memcpy(&eight, &vec->bools[first + 8 * i], 8);
            any |= eight;
        }
        if (!any) return 0;
    }
    for (uint32_t i = 0; i < count; i++)
        bits |= (uint64_t)vec->bools[first + i] << i;
    return bits;
}

/* The tags that are true for some of the rows from `first` on, in the order of the script. */
static void find_hits(tag_worker *worker, uint32_t tag_count, uint32_t first, uint32_t row_count)
{
    worker->hit_count = 0;
    for (uint32_t tag = 0; tag < tag_count; tag++) {
        uint64_t rows = verdict_bits(&worker->verdicts[tag], first, row_count);

        if (rows) worker->hits[worker->hit_count++] = (tag_hit){rows, tag};
    }
}

/* Most criteria are true for few rows, so the tags of a block of rows are found first, one vector after the other. */
static capi_status tag_rows(void *context, uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    tag_attempt *attempt = context;
    tag_worker *worker = &attempt->stage->workers[attempt->worker];
    uint32_t tag_count = attempt->stage->batch->node->processor->tag_count;

    worker->count = 0;
    if (tag_count == 0) return CAPI_OK;
    CAPI_TRY(tag_criteria(attempt->stage, worker, attempt->rows, row_count, bad_row, err));
    for (uint32_t row = 0; row < row_count; row++) {
        if (row % TAG_BLOCK_ROWS == 0) find_hits(worker, tag_count, row, row_count);
        for (uint32_t i = 0; i < worker->hit_count; i++) {
            if (!(worker->hits[i].rows >> row % TAG_BLOCK_ROWS & 1)) continue;
            if (worker->count == CAPI_CHUNK_ROWS) CAPI_TRY(tag_flush(attempt, bad_row, err));
            worker->rows[worker->count] = row;
            worker->tags[worker->count++] = worker->hits[i].tag;
        }
    }
    return tag_flush(attempt, bad_row, err);
}

static capi_status tag_take(void *context, uint32_t index, uint64_t group, const exec_rows *rows, capi_err *err)
{
    tag_stage *stage = context;
    tag_attempt attempt = {stage, index, rows};

    (void)group;
    if (!stage->workers[index].is_open) tag_worker_open(stage, &stage->workers[index]);
    return exec_try_rows(tag_rows, &attempt, stage->scan, rows, err);
}

static capi_status tag_end(void *context, uint32_t worker, uint64_t group, capi_err *err)
{
    tag_stage *stage = context;

    return sink_table_end_group(stage->sink, worker, group, err);
}

static void tag_names(tag_stage *stage)
{
    const capi_processor *processor = stage->batch->node->processor;

    stage->names = capi_new_array(stage->batch->arena, capi_view, processor->tag_count + 1);
    for (uint32_t tag = 0; tag < processor->tag_count; tag++)
        stage->names[tag] = capi_view_make(processor->tags[tag].tag.data, processor->tags[tag].tag.bytes);
}

static capi_status tag_run(exec_batch *batch, exec_scan *scan, capi_err *err)
{
    uint64_t group_count = exec_group_count(batch, scan);
    tag_stage stage = {.batch = batch, .scan = scan, .sink = sink_table_new(batch, group_count)};
    exec_stage driven = {.context = &stage, .rows = tag_take, .end = tag_end};
    capi_status st;

    tag_names(&stage);
    stage.workers = capi_zmalloc(batch->worker_count * sizeof *stage.workers);
    CAPI_TRY_OUT(exec_drive(batch, scan, group_count, &driven, err));
    CAPI_TRY_OUT(exec_scan_finish(scan, err));
    CAPI_TRY_OUT(sink_table_finish(stage.sink, true, err));
out:
    for (uint32_t i = 0; i < batch->worker_count; i++)
        tag_worker_close(&stage.workers[i]);
    free(stage.workers);
    sink_table_free(stage.sink);
    return st;
}

capi_status exec_custom(exec_batch *batch, capi_err *err)
{
    const capi_node *node = batch->node;
    bool *needed = capi_arena_zalloc(batch->arena, capi_node_schema(node->reader)->field_count + 1);
    exec_scan *scan = NULL;
    capi_status st;

    if (node->processor->kind == CAPI_PROCESSOR_PY) return exec_py_calc(batch, err);
    exec_needed_columns(node, node->program, CAPI_SIDE_READER, needed);
    exec_needed_columns(node, node->processor->tag_program, CAPI_SIDE_READER, needed);
    CAPI_TRY_OUT(exec_scan_table_open(batch, needed, &scan, err));
    CAPI_TRY_OUT(tag_run(batch, scan, err));
out:
    exec_scan_close(scan);
    return st;
}
