/* node_py_calc.c - py_calc: pages of source rows go to a Python worker and come back as columns p.*; then each row is computed
 * like any other row.
 *
 * Every thread of the pool has a worker process of its own, from its first rows to the end of the batch. Its memory limit counts
 * against the budget; where that is small, fewer threads take part. A page has rowset_size rows; formulas over whole columns get
 * as many rows as a block has. */
#include "exec/node_py_calc.h"

#include "exec/drive.h"
#include "exec/fields.h"
#include "exec/sink_table.h"
#include "python/python.h"
#include "python/translate.h"

#include <stdlib.h>

#define PY_MEMORY_MIN (UINT64_C(256) << 20)
#define PY_MEMORY_MAX (UINT64_C(2) << 30)

typedef struct py_worker {
    bool is_open;
    bool is_well; /* no page failed */
    exec_fields fields;
    capi_python_worker *python;
    capi_arena arena;  /* of one page */
    capi_vec *inputs;  /* of the Python program */
    capi_vec *outputs; /* p.*, by calculated field */
} py_worker;

typedef struct py_stage {
    exec_batch *batch;
    exec_scan *scan;
    sink_table *sink;
    capi_python_program program;
    capi_python_limits limits;
    uint32_t *columns;     /* source column of each input */
    uint32_t *slot_fields; /* calculated field of each slot that reads one; the program has them in dependency order */
    py_worker *workers;
    uint32_t worker_max;     /* Python processes at once */
    uint64_t reserved_bytes; /* of the budget, for their memory */
} py_stage;

/* Some rows of a page whose p.* are known. */
typedef struct py_attempt {
    py_stage *stage;
    uint32_t worker;
} py_attempt;

/* ---- the program ---- */

static capi_python_names py_names(const exec_batch *batch)
{
    const capi_processor *processor = batch->node->processor;
    const capi_schema *schema = capi_node_schema(batch->node->reader);
    capi_str *names = capi_new_array(batch->arena, capi_str, processor->field_count + 1);

    for (uint32_t i = 0; i < processor->field_count; i++)
        names[i] = processor->fields[i].name;
    return (capi_python_names){schema->fields, schema->field_count, names, processor->field_count};
}

static void py_find_slots(py_stage *stage)
{
    const capi_node *node = stage->batch->node;

    stage->slot_fields = capi_new_array(stage->batch->arena, uint32_t, node->slot_count + 1);
    for (uint32_t slot = 0; slot < node->slot_count; slot++) {
        if (node->slots[slot].side != CAPI_SIDE_PROCESSOR) continue;
        for (uint32_t i = 0; i < node->processor->field_count; i++)
            if (capi_str_equal(node->processor->fields[i].name, node->slots[slot].name)) stage->slot_fields[slot] = i;
    }
}

/* The reader fields that Python needs: used[column]. */
static void py_take_inputs(py_stage *stage, const bool *used)
{
    const capi_schema *schema = capi_node_schema(stage->batch->node->reader);
    capi_field *inputs = capi_new_array(stage->batch->arena, capi_field, schema->field_count + 1);

    stage->columns = capi_new_array(stage->batch->arena, uint32_t, schema->field_count + 1);
    for (uint32_t column = 0; column < schema->field_count; column++) {
        if (!used[column]) continue;
        inputs[stage->program.input_count] = schema->fields[column];
        stage->columns[stage->program.input_count++] = column;
    }
    stage->program.inputs = inputs;
}

static void py_make_program(py_stage *stage, bool *used)
{
    capi_arena *arena = stage->batch->arena;
    const capi_processor *processor = stage->batch->node->processor;
    capi_python_names names = py_names(stage->batch);
    capi_python_source *sources = capi_new_array(arena, capi_python_source, processor->python_source_count + 1);
    capi_python_field *fields = capi_new_array(arena, capi_python_field, processor->field_count + 1);

    for (uint32_t i = 0; i < processor->python_source_count; i++)
        sources[i] = (capi_python_source){processor->python_sources[i].url, processor->python_sources[i].text};
    for (uint32_t i = 0; i < processor->field_count; i++) {
        const capi_processor_field *field = &processor->fields[i];

        fields[i] =
            (capi_python_field){field->name, field->type, capi_python_translate(arena, field->text, &names, used)};
    }
    stage->program = (capi_python_program){
        .sources = sources,
        .source_count = processor->python_source_count,
        .fields = fields,
        .field_count = processor->field_count,
        .owner = capi_str_format(arena, "%.*s/%.*s", CAPI_STR_ARG(stage->batch->task->run_uid),
                                 CAPI_STR_ARG(stage->batch->node->name)),
        .as_globals = capi_python_find_globals(processor->python_code, &names, used),
    };
    /* Code that looks for globals finds those that the node's own fields read, too. */
    if (stage->program.as_globals)
        exec_needed_columns(stage->batch->node, stage->batch->node->program, CAPI_SIDE_READER, used);
    py_take_inputs(stage, used);
    py_find_slots(stage);
}

/* ---- limits ---- */

static bool py_should_stop(void *context)
{
    return exec_check_stop(context, NULL) != CAPI_OK;
}

/* A quarter of the budget, shared by the workers, within what an interpreter needs and what is sensible. */
static uint64_t py_memory(const exec_batch *batch)
{
    uint64_t bytes = batch->exec->budget->limit_bytes / 4 / batch->worker_count;

    if (bytes < PY_MEMORY_MIN) return PY_MEMORY_MIN;
    return bytes > PY_MEMORY_MAX ? PY_MEMORY_MAX : bytes & ~((UINT64_C(1) << 20) - 1);
}

/* As many workers as half of the budget has room for, and as are left when others keep a quarter of it. One there is always: a
 * batch must come to its end. */
static void py_reserve(py_stage *stage)
{
    capi_exec *exec = stage->batch->exec;
    uint64_t limit_bytes = exec->budget->limit_bytes;
    uint64_t each_bytes = stage->limits.memory_bytes;
    uint64_t count = limit_bytes / 2 / each_bytes;

    if (count > stage->batch->worker_count) count = stage->batch->worker_count;
    for (; count > 0; count--) {
        uint64_t bytes = count * each_bytes;

        if (atomic_load(&exec->budget->used_bytes) + bytes > limit_bytes - limit_bytes / 4) continue;
        if (!exec_try_reserve(exec, bytes)) continue;
        stage->reserved_bytes = bytes;
        break;
    }
    stage->worker_max = count ? (uint32_t)count : 1;
}

static capi_status py_take_limits(py_stage *stage, capi_err *err)
{
    const char *text = getenv("CAPI_PYCALC_EXECUTION_TIMEOUT");
    char *end;

    stage->limits = (capi_python_limits){.memory_bytes = py_memory(stage->batch),
                                         .idle_bytes_max = stage->batch->exec->budget->limit_bytes / 4,
                                         .should_stop = py_should_stop,
                                         .stop_context = stage->batch};
    if (!text || !text[0]) return CAPI_OK;
    stage->limits.page_timeout_ms = strtoll(text, &end, 10);
    if (*end || stage->limits.page_timeout_ms < 0)
        return capi_err_set(err, CAPI_INVALID,
                            "CAPI_PYCALC_EXECUTION_TIMEOUT is \"%s\", expected milliseconds per page (0: no limit)",
                            text);
    return CAPI_OK;
}

/* ---- rows ---- */

static capi_status py_worker_open(py_stage *stage, py_worker *worker, capi_err *err)
{
    capi_arena *arena = &worker->fields.arena;

    if (!worker->is_open) {
        exec_fields_init(&worker->fields, stage->batch->node, stage->batch->task->now);
        worker->inputs = capi_new_array(arena, capi_vec, stage->program.input_count + 1);
        worker->outputs = capi_new_array(arena, capi_vec, stage->program.field_count + 1);
        worker->is_open = true;
    }
    if (!worker->python) {
        CAPI_TRY(capi_python_get(&stage->program, &stage->limits, &worker->python, err));
        worker->is_well = true;
    }
    return CAPI_OK;
}

static void py_worker_close(py_worker *worker)
{
    if (!worker->is_open) return;
    capi_python_give(worker->python, worker->is_well);
    exec_fields_deinit(&worker->fields);
    capi_arena_deinit(&worker->arena);
}

static capi_status py_try(void *context, uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    py_attempt *attempt = context;
    exec_fields *fields = &attempt->stage->workers[attempt->worker].fields;

    CAPI_TRY(exec_fields_run(fields, row_count, bad_row, err));
    return sink_table_append(attempt->stage->sink, attempt->worker, fields->fields, fields->rows, fields->row_count,
                             NULL, bad_row, err);
}

/* The rows from..from+row_count of `rows`, whose p.* are in the outputs from `output_from` on. */
static capi_status py_write(py_stage *stage, uint32_t index, const exec_rows *rows, uint32_t from, uint32_t output_from,
                            uint32_t row_count, capi_err *err)
{
    const capi_node *node = stage->batch->node;
    py_worker *worker = &stage->workers[index];
    py_attempt attempt = {stage, index};
    uint32_t bad_row;
    capi_status st;

    for (uint32_t slot = 0; slot < node->slot_count; slot++) {
        if (!capi_program_reads_slot(node->program, slot)) continue;
        worker->fields.inputs[slot] = node->slots[slot].side == CAPI_SIDE_READER
                                          ? capi_vec_slice(&rows->columns[node->slots[slot].column], from)
                                          : capi_vec_slice(&worker->outputs[stage->slot_fields[slot]], output_from);
    }
    st = exec_lowest_failure(py_try, &attempt, row_count, &bad_row, err);
    if (st != CAPI_OK && bad_row != EXEC_NO_ROW)
        exec_scan_blame_row(stage->scan, rows->first_row + from + bad_row, err);
    return st;
}

static capi_status py_page(py_stage *stage, uint32_t index, const exec_rows *rows, uint32_t from, uint32_t row_count,
                           capi_err *err)
{
    py_worker *worker = &stage->workers[index];
    uint32_t bad_row;
    capi_status st;

    capi_arena_reset(&worker->arena);
    for (uint32_t i = 0; i < stage->program.input_count; i++)
        worker->inputs[i] = capi_vec_slice(&rows->columns[stage->columns[i]], from);
    st = capi_python_page(worker->python, &stage->limits, worker->inputs, row_count, rows->first_row + from,
                          &worker->arena, worker->outputs, &bad_row, err);
    if (st != CAPI_OK) {
        uint64_t first = rows->first_row + from;

        worker->is_well = false;
        if (bad_row != CAPI_PYTHON_NO_ROW)
            exec_scan_blame_row(stage->scan, first + bad_row, err);
        else
            capi_err_note(err, "while rows %llu to %llu of table \"%.*s\" were computed", (unsigned long long)first,
                          (unsigned long long)(first + row_count - 1), CAPI_STR_ARG(stage->scan->table));
        return st;
    }
    for (uint32_t at = 0; at < row_count; at += CAPI_CHUNK_ROWS) {
        uint32_t count = row_count - at < CAPI_CHUNK_ROWS ? row_count - at : CAPI_CHUNK_ROWS;

        CAPI_TRY(py_write(stage, index, rows, from + at, at, count, err));
    }
    return CAPI_OK;
}

static capi_status py_take(void *context, uint32_t index, uint64_t group, const exec_rows *rows, capi_err *err)
{
    py_stage *stage = context;
    py_worker *worker = &stage->workers[index];
    uint32_t page_rows = stage->batch->node->rowset_size;

    (void)group;
    CAPI_TRY(py_worker_open(stage, worker, err));
    if (page_rows == 0 || page_rows > rows->row_count || capi_python_is_vectorized(worker->python))
        page_rows = rows->row_count;
    for (uint32_t from = 0; from < rows->row_count; from += page_rows) {
        uint32_t count = rows->row_count - from < page_rows ? rows->row_count - from : page_rows;

        CAPI_TRY(exec_check_stop(stage->batch, err));
        CAPI_TRY(py_page(stage, index, rows, from, count, err));
    }
    return CAPI_OK;
}

static capi_status py_end(void *context, uint32_t worker, uint64_t group, capi_err *err)
{
    py_stage *stage = context;

    return sink_table_end_group(stage->sink, worker, group, err);
}

/* ---- the batch ---- */

static capi_status py_drive(py_stage *stage, capi_err *err)
{
    exec_batch *batch = stage->batch;
    uint64_t group_count = exec_group_count(batch, stage->scan);
    exec_stage driven = {.context = stage, .rows = py_take, .end = py_end};
    capi_status st;

    /* A group is one thread's at a time: so many groups use so many workers at most. */
    if (stage->worker_max < batch->worker_count && group_count > stage->worker_max) group_count = stage->worker_max;
    stage->sink = sink_table_new(batch, group_count);
    stage->workers = capi_zmalloc(batch->worker_count * sizeof *stage->workers);
    stage->scan->chunk_rows = CAPI_PYTHON_PAGE_ROWS_MAX;
    CAPI_TRY_OUT(exec_drive(batch, stage->scan, group_count, &driven, err));
    CAPI_TRY_OUT(exec_scan_finish(stage->scan, err));
    CAPI_TRY_OUT(sink_table_finish(stage->sink, true, err));
out:
    for (uint32_t i = 0; i < batch->worker_count; i++)
        py_worker_close(&stage->workers[i]);
    free(stage->workers);
    sink_table_free(stage->sink);
    return st;
}

capi_status exec_py_calc(exec_batch *batch, capi_err *err)
{
    py_stage stage = {.batch = batch};
    bool *needed = capi_arena_zalloc(batch->arena, capi_node_schema(batch->node->reader)->field_count + 1);
    capi_status st;

    CAPI_TRY(py_take_limits(&stage, err));
    py_make_program(&stage, needed);
    exec_needed_columns(batch->node, batch->node->program, CAPI_SIDE_READER, needed);
    py_reserve(&stage);
    CAPI_TRY_OUT(exec_scan_table_open(batch, needed, &stage.scan, err));
    CAPI_TRY_OUT(py_drive(&stage, err));
out:
    capi_budget_release(batch->exec->budget, stage.reserved_bytes);
    exec_scan_close(stage.scan);
    return st;
}

void exec_py_calc_warm_up(const capi_script *script)
{
    for (uint32_t i = 0; i < script->node_count; i++) {
        const capi_node *node = script->nodes[i];

        if (node->type != CAPI_NODE_CUSTOM || node->processor->kind != CAPI_PROCESSOR_PY) continue;
        capi_python_warm_up();
        return;
    }
}
