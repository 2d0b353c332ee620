/* cql.c - CREATE TABLE statements, sorted by name. */
#include "cmd/cql.h"

#include <stdlib.h>

static const struct {
    const char *name, *columns, *key;
} workflow_tables[] = {
    {"wf_batch_history",
     "ts timestamp, run_id int, script_node text, batch_idx int, batches_total int, status tinyint, first_token "
     "bigint, "
     "last_token bigint, instance text, thread bigint, comment text",
     "run_id, script_node, batch_idx, status"},
    {"wf_node_history",
     "ts timestamp, run_id int, script_node text, written_by_batch_idx int, status tinyint, comment text",
     "run_id, script_node, written_by_batch_idx, status"},
    {"wf_run_history", "ts timestamp, run_id int, status tinyint, comment text", "run_id, status"},
    {"wf_run_properties",
     "run_id int, start_nodes text, affected_nodes text, script_url text, script_params_url text, run_description text",
     "run_id"},
    {"wf_run_counter", "ks text, last_run int", "ks"},
};

static void write_workflow(capi_str keyspace, capi_buf *to)
{
    capi_buf_append_text(to, "-- Workflow\n");
    for (size_t i = 0; i < sizeof workflow_tables / sizeof *workflow_tables; i++)
        capi_buf_printf(to, "CREATE TABLE IF NOT EXISTS %.*s.%s (%s, PRIMARY KEY(%s));\n", CAPI_STR_ARG(keyspace),
                        workflow_tables[i].name, workflow_tables[i].columns, workflow_tables[i].key);
    capi_buf_printf(to, "INSERT INTO %.*s.wf_run_counter ( ks, last_run ) VALUES ( '%.*s', 0 ) IF NOT EXISTS;\n",
                    CAPI_STR_ARG(keyspace), CAPI_STR_ARG(keyspace));
}

static const char *cql_type(capi_type type)
{
    switch (type) {
    case CAPI_INT: return "BIGINT";
    case CAPI_FLOAT: return "DOUBLE";
    case CAPI_BOOL: return "BOOLEAN";
    case CAPI_DECIMAL: return "DECIMAL";
    case CAPI_DATETIME: return "TIMESTAMP";
    case CAPI_STRING:
    case CAPI_LENGTH:
    case CAPI_MONTH:
    case CAPI_ZONE: return "TEXT";
    }
    return "TEXT";
}

static int compare_fields(const void *a, const void *b)
{
    return capi_str_compare(((const capi_table_field *)a)->name, ((const capi_table_field *)b)->name);
}

static int compare_indexes(const void *a, const void *b)
{
    return capi_str_compare(((const capi_index *)a)->name, ((const capi_index *)b)->name);
}

static int compare_nodes(const void *a, const void *b)
{
    return capi_str_compare((*(const capi_node *const *)a)->name, (*(const capi_node *const *)b)->name);
}

static void write_end(const capi_table_sink *table, capi_buf *to)
{
    capi_str options = capi_str_trim(table->table_options);

    if (options.bytes) capi_buf_printf(to, " %.*s", CAPI_STR_ARG(options));
    capi_buf_append_text(to, ";\n");
}

static void write_node(const capi_node *node, capi_str keyspace, uint32_t run_id, capi_arena *arena, capi_buf *to)
{
    const capi_table_sink *table = node->table;
    capi_table_field *fields = capi_arena_copy(arena, table->fields, table->field_count * sizeof *fields);
    capi_index *indexes = capi_arena_copy(arena, table->indexes, table->index_count * sizeof *indexes);

    qsort(fields, table->field_count, sizeof *fields, compare_fields);
    if (table->index_count) qsort(indexes, table->index_count, sizeof *indexes, compare_indexes);
    capi_buf_printf(to, "-- %.*s\n", CAPI_STR_ARG(node->name));
    capi_buf_printf(to, "CREATE TABLE IF NOT EXISTS %.*s.%.*s_%05u ( rowid BIGINT, batch_idx BIGINT, ",
                    CAPI_STR_ARG(keyspace), CAPI_STR_ARG(table->name), run_id);
    for (uint32_t i = 0; i < table->field_count; i++)
        capi_buf_printf(to, "%.*s %s, ", CAPI_STR_ARG(fields[i].name), cql_type(fields[i].type));
    capi_buf_append_text(to, "PRIMARY KEY((rowid)))");
    write_end(table, to);
    for (uint32_t i = 0; i < table->index_count; i++) {
        capi_buf_printf(to, "CREATE TABLE IF NOT EXISTS %.*s.%.*s_%05u ( key TEXT, rowid BIGINT, PRIMARY KEY(%s))",
                        CAPI_STR_ARG(keyspace), CAPI_STR_ARG(indexes[i].name), run_id,
                        indexes[i].key.is_unique ? "(key)" : "(key), rowid");
        write_end(table, to);
    }
}

capi_status capi_cql_write(const capi_script *script, capi_str keyspace, uint32_t run_id, capi_str start_nodes,
                           capi_arena *arena, capi_buf *to, capi_err *err)
{
    const capi_node **affected = NULL;
    uint32_t count = 0;

    if (capi_str_trim(start_nodes).bytes)
        CAPI_TRY(capi_script_affected(script, start_nodes, arena, &affected, &count, err));
    write_workflow(keyspace, to);
    if (count) qsort(affected, count, sizeof *affected, compare_nodes);
    for (uint32_t i = 0; i < count; i++)
        if (affected[i]->table) write_node(affected[i], keyspace, run_id, arena, to);
    return CAPI_OK;
}
