/* lookup_plan.c - sorts the fields of a lookup node into three programs. */
#include "exec/lookup_plan.h"

static void note_output(uint32_t *fields, uint32_t output, uint32_t field)
{
    if (output != UINT32_MAX && fields[output] == UINT32_MAX) fields[output] = field;
}

static void plan_field(lookup_plan *plan, uint32_t index)
{
    const capi_table_field *field = &plan->node->table->fields[index];
    lookup_field *to = &plan->fields[index];

    *to = (lookup_field){.output = UINT32_MAX, .value = UINT32_MAX, .condition = UINT32_MAX};
    if (field->is_aggregate) {
        to->kind = LOOKUP_AGGREGATE;
        capi_program_add_aggregate(plan->pair, field->expr, &to->value, &to->condition);
        note_output(plan->pair_fields, to->value, index);
        note_output(plan->pair_fields, to->condition, index);
    } else if (!field->uses_lookup) {
        to->kind = LOOKUP_LEFT;
        to->output = capi_program_add(plan->left, field->expr);
        note_output(plan->left_fields, to->output, index);
    } else {
        /* Grouped: computed for every pair for the sake of its errors, and once more where the value counts. */
        to->kind = plan->lookup->is_grouped ? LOOKUP_LAST : LOOKUP_PAIR;
        to->output = capi_program_add(plan->pair, field->expr);
        note_output(plan->pair_fields, to->output, index);
        if (plan->lookup->is_grouped) {
            to->output = capi_program_add(plan->last, field->expr);
            note_output(plan->last_fields, to->output, index);
        }
    }
}

static uint32_t *output_fields(capi_arena *arena, uint32_t field_count)
{
    uint32_t count = 2 * field_count + 1; /* an aggregate has two outputs */
    uint32_t *fields = capi_new_array(arena, uint32_t, count);

    for (uint32_t i = 0; i < count; i++)
        fields[i] = UINT32_MAX;
    return fields;
}

static void plan_columns(lookup_plan *plan, capi_arena *arena)
{
    const capi_node *node = plan->node;
    const capi_schema *left_schema = capi_node_schema(node->reader);

    plan->left_needed = capi_arena_zalloc(arena, left_schema->field_count + 1);
    plan->right_needed = capi_arena_zalloc(arena, plan->right_schema->field_count + 1);
    for (uint32_t part = 0; part < plan->lookup->index->key.part_count; part++)
        plan->left_needed[plan->lookup->left_columns[part]] = true;
    exec_needed_columns(node, plan->left, CAPI_SIDE_READER, plan->left_needed);
    exec_needed_columns(node, plan->pair, CAPI_SIDE_READER, plan->left_needed);
    exec_needed_columns(node, plan->pair, CAPI_SIDE_LOOKUP, plan->right_needed);
    for (uint32_t column = 0; plan->lookup->filter_program && column < plan->right_schema->field_count; column++)
        if (capi_program_reads_slot(plan->lookup->filter_program, column)) plan->right_needed[column] = true;
}

lookup_plan *lookup_plan_new(exec_batch *batch)
{
    lookup_plan *plan = capi_new(batch->arena, lookup_plan);
    const capi_node *node = batch->node;

    plan->node = node;
    plan->lookup = node->lookup;
    plan->right_schema = capi_node_schema(node->lookup->index->owner);
    plan->field_count = node->table->field_count;
    plan->fields = capi_new_array(batch->arena, lookup_field, plan->field_count + 1);
    plan->left = capi_program_new(batch->arena);
    plan->pair = capi_program_new(batch->arena);
    plan->last = capi_program_new(batch->arena);
    plan->left_fields = output_fields(batch->arena, plan->field_count);
    plan->pair_fields = output_fields(batch->arena, plan->field_count);
    plan->last_fields = output_fields(batch->arena, plan->field_count);
    for (uint32_t field = 0; field < plan->field_count; field++)
        plan_field(plan, field);
    plan_columns(plan, batch->arena);
    return plan;
}
