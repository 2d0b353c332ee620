/* plan_columns.c - does an earlier run's table have the columns that a node reads? The script may have been edited since. */
#include "cmd/plan.h"

typedef struct column_check {
    capi_arena *arena;
    const capi_schema *script; /* as the script has the table now */
    const capi_schema *stored;
    capi_str table;
    uint32_t run_id;
    capi_str problem; /* the first; or empty */
} column_check;

static void check_column(column_check *check, uint32_t column)
{
    const capi_field *wanted = &check->script->fields[column];
    int32_t found = capi_schema_find(check->stored, wanted->name);

    if (check->problem.bytes) return;
    if (found < 0)
        check->problem = capi_str_format(check->arena, "table \"%.*s\" of run %u has no column \"%.*s\"",
                                         CAPI_STR_ARG(check->table), check->run_id, CAPI_STR_ARG(wanted->name));
    else if (check->stored->fields[found].type != wanted->type)
        check->problem =
            capi_str_format(check->arena, "column \"%.*s\" of table \"%.*s\" of run %u is %s, expected %s",
                            CAPI_STR_ARG(wanted->name), CAPI_STR_ARG(check->table), check->run_id,
                            capi_type_name(check->stored->fields[found].type), capi_type_name(wanted->type));
}

static void check_slots(column_check *check, const capi_node *node, capi_side side)
{
    for (uint32_t i = 0; i < node->slot_count; i++)
        if (node->slots[i].side == side) check_column(check, node->slots[i].column);
}

static void check_right(column_check *check, const capi_node *node)
{
    const capi_lookup *lookup = node->lookup;

    check_slots(check, node, CAPI_SIDE_LOOKUP);
    for (uint32_t i = 0; i < lookup->index->key.part_count; i++)
        check_column(check, lookup->index->key.parts[i].column);
    for (uint32_t i = 0; lookup->filter_program && i < check->script->field_count; i++)
        if (capi_program_reads_slot(lookup->filter_program, i)) check_column(check, i);
}

static void check_left(column_check *check, const capi_node *node)
{
    check_slots(check, node, CAPI_SIDE_READER);
    for (uint32_t i = 0; node->lookup && i < node->lookup->index->key.part_count; i++)
        check_column(check, node->lookup->left_columns[i]);
}

capi_status capi_plan_check_columns(capi_state *state, const capi_keyspace *keyspace, const capi_node *node,
                                    const capi_plan_table *table, capi_arena *arena, capi_str *problem, capi_err *err)
{
    capi_run run;
    capi_schema stored;
    column_check check = {.arena = arena,
                          .script = capi_node_schema(table->maker),
                          .stored = &stored,
                          .table = table->maker->table->name,
                          .run_id = table->run_id};
    capi_status st;

    *problem = (capi_str){0};
    CAPI_TRY(capi_run_get(state, keyspace, table->run_id, arena, &run, err));
    st = capi_run_schema(state, &run, check.table, arena, &stored, err);
    if (st == CAPI_NOT_FOUND) { /* the node makes another table now */
        *problem = capi_str_format(arena, "run %u has no table \"%.*s\"", run.run_id, CAPI_STR_ARG(check.table));
        return CAPI_OK;
    }
    CAPI_TRY(st);
    (table->lookup ? check_right : check_left)(&check, node);
    *problem = check.problem;
    return CAPI_OK;
}
