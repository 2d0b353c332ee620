/* plan_json.c - a plan for programs. */
#include "cmd/plan.h"

#include "cmd/json_text.h"

#include <stdlib.h>

static json_t *file_json(const capi_plan_file *file, const char *exists)
{
    json_t *json = json_object();

    json_object_set_new(json, "url", capi_json_text(file->url));
    json_object_set_new(json, "is_local", json_boolean(!file->is_elsewhere));
    if (!file->is_elsewhere) json_object_set_new(json, exists, json_boolean(file->exists));
    if (file->exists || file->bytes) json_object_set_new(json, "bytes", json_integer((json_int_t)file->bytes));
    if (file->problem.bytes) json_object_set_new(json, "problem", capi_json_text(file->problem));
    return json;
}

static json_t *files_json(const capi_plan_file *files, uint32_t count, const char *exists)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(list, file_json(&files[i], exists));
    return list;
}

static const char *command_name(capi_policy_command command)
{
    return command == CAPI_POLICY_GO ? "go" : command == CAPI_POLICY_WAIT ? "wait" : "nogo";
}

static json_t *table_json(const capi_plan_table *table)
{
    json_t *json = json_object();

    json_object_set_new(json, "table", capi_json_text(table->maker->table->name));
    json_object_set_new(json, "node", capi_json_text(table->maker->name));
    json_object_set_new(json, "in_this_run", json_boolean(table->is_in_run));
    if (!table->is_in_run) {
        json_object_set_new(json, "run_id", table->run_id ? json_integer(table->run_id) : json_null());
        json_object_set_new(json, "policy_says", json_string(command_name(table->command)));
        if (table->reason.bytes) json_object_set_new(json, "reason", capi_json_text(table->reason));
    }
    if (table->lookup) {
        json_object_set_new(json, "index", capi_json_text(table->lookup->index->name));
        json_object_set_new(json, "join", json_string(table->lookup->is_left ? "left" : "inner"));
        json_object_set_new(json, "grouped", json_boolean(table->lookup->is_grouped));
    }
    return json;
}

static json_t *sink_json(const capi_table_sink *table)
{
    json_t *json = json_object(), *indexes = json_array();

    json_object_set_new(json, "table", capi_json_text(table->name));
    json_object_set_new(json, "fields", json_integer(table->field_count));
    for (uint32_t i = 0; i < table->index_count; i++) {
        json_t *index = json_object();

        json_object_set_new(index, "name", capi_json_text(table->indexes[i].name));
        json_object_set_new(index, "unique", json_boolean(table->indexes[i].key.is_unique));
        json_array_append_new(indexes, index);
    }
    json_object_set_new(json, "indexes", indexes);
    return json;
}

static json_t *node_json(const capi_plan_node *node)
{
    json_t *json = json_object(), *tables = json_array();

    json_object_set_new(json, "name", capi_json_text(node->node->name));
    json_object_set_new(json, "type", json_string(capi_node_type_name(node->node->type)));
    json_object_set_new(json, "step", json_integer(node->step));
    json_object_set_new(json, "manual", json_boolean(node->node->is_manual));
    json_object_set_new(json, "batches", json_integer(node->batches));
    if (node->node->policy && node->table_count)
        json_object_set_new(json, "policy", capi_json_text(capi_policy_name(node->node->policy)));
    json_object_set_new(json, "reads_files", files_json(node->inputs, node->input_count, "exists"));
    for (uint32_t i = 0; i < node->table_count; i++)
        json_array_append_new(tables, table_json(&node->tables[i]));
    json_object_set_new(json, "reads_tables", tables);
    if (node->node->table) json_object_set_new(json, "writes_table", sink_json(node->node->table));
    json_object_set_new(json, "writes_files", files_json(node->outputs, node->output_count, "overwrites"));
    return json;
}

static json_t *names_json(const capi_node **nodes, uint32_t count)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(list, capi_json_text(nodes[i]->name));
    return list;
}

void capi_plan_to_json(const capi_plan *plan, capi_buf *to)
{
    json_t *json = json_object(), *nodes = json_array(), *problems = json_array();
    char *text;

    for (uint32_t i = 0; i < plan->node_count; i++)
        json_array_append_new(nodes, node_json(&plan->nodes[i]));
    for (uint32_t i = 0; i < plan->problem_count; i++)
        json_array_append_new(problems, capi_json_text(plan->problems[i]));
    json_object_set_new(json, "keyspace", capi_json_text(plan->keyspace));
    json_object_set_new(json, "run_id", json_integer(plan->run_id));
    json_object_set_new(json, "start_nodes", capi_json_text(plan->start_nodes));
    json_object_set_new(json, "nodes", nodes);
    json_object_set_new(json, "waits_for_operator", names_json(plan->next, plan->next_count));
    json_object_set_new(json, "not_in_this_run", names_json(plan->left_out, plan->left_out_count));
    json_object_set_new(json, "problems", problems);
    text = json_dumps(json, JSON_INDENT(2));
    capi_buf_append_text(to, text);
    capi_buf_append_byte(to, '\n');
    free(text);
    json_decref(json);
}
