/* fields.c - runs a node's program and its `having` over chunks. */
#include "exec/fields.h"

#include <stdlib.h>

/* ---- having ---- */

void exec_having_init(exec_having *having, const capi_program *program, capi_instant now)
{
    *having = (exec_having){0};
    if (!program) return;
    having->evaluator = capi_evaluator_new(program, now);
    having->selected = capi_malloc(CAPI_CHUNK_ROWS * sizeof *having->selected);
}

void exec_having_deinit(exec_having *having)
{
    capi_evaluator_free(having->evaluator);
    free(having->selected);
    *having = (exec_having){0};
}

capi_status exec_having_run(exec_having *having, const capi_vec *fields, uint32_t row_count, const uint32_t **rows,
                            uint32_t *count, uint32_t *bad_row, capi_err *err)
{
    capi_vec condition;
    uint32_t bad_output;
    capi_status st;

    *rows = NULL;
    *count = row_count;
    if (!having->evaluator || row_count == 0) return CAPI_OK;
    st = capi_evaluator_run(having->evaluator, fields, row_count, &condition, bad_row, &bad_output, err);
    if (st != CAPI_OK) {
        exec_err_prefix(err, "having");
        return st;
    }
    *count = capi_select_true(&condition, row_count, having->selected);
    if (*count < row_count) *rows = having->selected;
    return CAPI_OK;
}

/* ---- fields ---- */

capi_str exec_field_name(const capi_node *node, uint32_t field)
{
    return node->table ? node->table->fields[field].name : node->file->columns[field].name;
}

const char *exec_field_word(const capi_node *node)
{
    return node->table ? "field" : "column";
}

static uint32_t field_output(const capi_node *node, uint32_t field)
{
    return node->table ? node->table->fields[field].output : node->file->columns[field].output;
}

void exec_fields_init(exec_fields *fields, const capi_node *node, capi_instant now)
{
    *fields = (exec_fields){.node = node};
    fields->field_count = node->table ? node->table->field_count : node->file->column_count;
    fields->evaluator = capi_evaluator_new(node->program, now);
    fields->inputs = capi_new_array(&fields->arena, capi_vec, node->slot_count + 1);
    fields->outputs = capi_new_array(&fields->arena, capi_vec, capi_program_output_count(node->program) + 1);
    fields->fields = capi_new_array(&fields->arena, capi_vec, fields->field_count + 1);
    exec_having_init(&fields->having, node->table ? node->table->having_program : node->file->having_program, now);
}

void exec_fields_deinit(exec_fields *fields)
{
    capi_evaluator_free(fields->evaluator);
    exec_having_deinit(&fields->having);
    capi_arena_deinit(&fields->arena);
    *fields = (exec_fields){0};
}

void exec_fields_set_inputs(exec_fields *fields, capi_side side, const capi_vec *columns)
{
    const capi_node *node = fields->node;

    for (uint32_t slot = 0; slot < node->slot_count; slot++)
        if (node->slots[slot].side == side) fields->inputs[slot] = columns[node->slots[slot].column];
}

static void blame_output(const exec_fields *fields, uint32_t output, capi_err *err)
{
    for (uint32_t field = 0; field < fields->field_count; field++) {
        capi_str name = exec_field_name(fields->node, field);

        if (field_output(fields->node, field) != output) continue;
        exec_err_prefix(err, "%s \"%.*s\"", exec_field_word(fields->node), CAPI_STR_ARG(name));
        return;
    }
}

capi_status exec_fields_run(exec_fields *fields, uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    uint32_t bad_output = 0;
    capi_status st =
        capi_evaluator_run(fields->evaluator, fields->inputs, row_count, fields->outputs, bad_row, &bad_output, err);

    if (st != CAPI_OK) {
        blame_output(fields, bad_output, err);
        return st;
    }
    for (uint32_t field = 0; field < fields->field_count; field++)
        fields->fields[field] = fields->outputs[field_output(fields->node, field)];
    return exec_having_run(&fields->having, fields->fields, row_count, &fields->rows, &fields->row_count, bad_row, err);
}

/* ---- lowest failure ---- */

capi_status exec_lowest_failure(exec_attempt_fn fn, void *context, uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    capi_status st;

    *bad_row = EXEC_NO_ROW;
    st = fn(context, row_count, bad_row, err);
    while (st == CAPI_INVALID && *bad_row != EXEC_NO_ROW && *bad_row > 0) {
        capi_err lower = {0};
        uint32_t lower_row = EXEC_NO_ROW;
        capi_status lower_st = fn(context, *bad_row, &lower_row, &lower);

        if (lower_st != CAPI_INVALID || lower_row >= *bad_row) break;
        capi_err_copy(err, &lower);
        *bad_row = lower_row;
        st = lower_st;
    }
    return st;
}

capi_status exec_try_rows(exec_attempt_fn fn, void *context, const exec_scan *scan, const exec_rows *rows,
                          capi_err *err)
{
    uint32_t bad_row;
    capi_status st = exec_lowest_failure(fn, context, rows->row_count, &bad_row, err);

    if (st != CAPI_OK && bad_row != EXEC_NO_ROW) exec_scan_blame_row(scan, rows->first_row + bad_row, err);
    return st;
}
