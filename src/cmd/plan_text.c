/* plan_text.c - a plan for people. */
#include "cmd/plan.h"

enum { SHOWN_FILES_MAX = 6, LABEL_WIDTH = 9 };

/* 999 B, 1.2 kB, 34.5 MB, ... */
static void append_size(capi_buf *to, uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double size = (double)bytes;
    int unit = -1;

    while (size >= 999.5 && unit < 5) {
        size /= 1000;
        unit++;
    }
    if (unit < 0)
        capi_buf_printf(to, "%llu B", (unsigned long long)bytes);
    else
        capi_buf_printf(to, size < 99.95 ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

/* Names of files and reasons may hold what a terminal would obey. */
static void append_plain(capi_buf *to, const char *before, capi_str text)
{
    capi_buf_append_text(to, before);
    capi_append_plainly(to, text);
}

static void append_label(capi_buf *to, const char *label)
{
    capi_buf_printf(to, "    %-*s", LABEL_WIDTH, label);
}

static void append_inputs(capi_buf *to, const capi_plan_node *node)
{
    uint64_t total = 0;
    uint32_t missing = 0;

    for (uint32_t i = 0; i < node->input_count; i++) {
        const capi_plan_file *file = &node->inputs[i];

        total += file->bytes;
        missing += file->problem.bytes > 0;
        if (i >= SHOWN_FILES_MAX) continue;
        append_label(to, "reads");
        append_plain(to, "file ", file->url);
        if (file->problem.bytes)
            capi_buf_append_text(to, file->exists ? ", CANNOT BE READ" : ", MISSING");
        else if (file->is_elsewhere && !file->bytes)
            capi_buf_append_text(to, ", not local");
        else {
            capi_buf_append_text(to, ", ");
            append_size(to, file->bytes);
        }
        capi_buf_append_byte(to, '\n');
    }
    if (node->input_count <= SHOWN_FILES_MAX) return;
    append_label(to, "");
    capi_buf_printf(to, "and %u more: %u files, ", node->input_count - SHOWN_FILES_MAX, node->input_count);
    append_size(to, total);
    if (missing) capi_buf_printf(to, ", %u MISSING", missing);
    capi_buf_append_byte(to, '\n');
}

static void append_source(capi_buf *to, const capi_plan_table *table)
{
    if (table->is_in_run)
        capi_buf_printf(to, " of this run (node %.*s)", CAPI_STR_ARG(table->maker->name));
    else if (!table->run_id)
        capi_buf_printf(to, " of an earlier run (node %.*s): THERE IS NONE", CAPI_STR_ARG(table->maker->name));
    else
        capi_buf_printf(to, " of run %u (node %.*s)%s", table->run_id, CAPI_STR_ARG(table->maker->name),
                        table->command == CAPI_POLICY_GO     ? ""
                        : table->command == CAPI_POLICY_WAIT ? ", NOT READY: the node would wait"
                                                             : ", NOT TO BE READ: the node would fail");
}

static void append_tables(capi_buf *to, const capi_plan_node *node)
{
    for (uint32_t i = 0; i < node->table_count; i++) {
        const capi_plan_table *table = &node->tables[i];

        append_label(to, table->lookup ? "looks up" : "reads");
        capi_buf_printf(to, "table %.*s", CAPI_STR_ARG(table->maker->table->name));
        append_source(to, table);
        if (table->lookup)
            capi_buf_printf(to, ", by index %.*s, %s join%s", CAPI_STR_ARG(table->lookup->index->name),
                            table->lookup->is_left ? "left" : "inner", table->lookup->is_grouped ? ", grouped" : "");
        capi_buf_append_byte(to, '\n');
    }
}

static void append_table_sink(capi_buf *to, const capi_table_sink *table)
{
    append_label(to, "writes");
    capi_buf_printf(to, "table %.*s: %u field%s", CAPI_STR_ARG(table->name), table->field_count,
                    table->field_count == 1 ? "" : "s");
    for (uint32_t i = 0; i < table->index_count; i++)
        capi_buf_printf(to, "%s%.*s%s",
                        i                         ? ", "
                        : table->index_count == 1 ? "; index "
                                                  : "; indexes ",
                        CAPI_STR_ARG(table->indexes[i].name), table->indexes[i].key.is_unique ? " (unique)" : "");
    capi_buf_append_byte(to, '\n');
}

/* The files that are not shown; those beyond CAPI_PLAN_TARGETS_MAX were not even looked at. */
static void append_more_outputs(capi_buf *to, const capi_plan_node *node, uint32_t overwritten)
{
    uint32_t total = node->node->file ? node->node->batches_total : 0;
    uint32_t shown = node->output_count < SHOWN_FILES_MAX ? node->output_count : SHOWN_FILES_MAX;

    if (total <= shown) return;
    append_label(to, "");
    capi_buf_printf(to, "and %u more: %u files", total - shown, total);
    if (node->output_count < total)
        capi_buf_printf(to, "; of the first %u, %u %s OVERWRITTEN", node->output_count, overwritten,
                        overwritten == 1 ? "is" : "are");
    else if (overwritten)
        capi_buf_printf(to, ", %u %s OVERWRITTEN", overwritten, overwritten == 1 ? "is" : "are");
    capi_buf_append_byte(to, '\n');
}

static void append_outputs(capi_buf *to, const capi_plan_node *node)
{
    uint32_t overwritten = 0;

    for (uint32_t i = 0; i < node->output_count; i++) {
        const capi_plan_file *file = &node->outputs[i];

        overwritten += file->exists;
        if (i >= SHOWN_FILES_MAX) continue;
        append_label(to, "writes");
        append_plain(to, "file ", file->url);
        if (file->is_elsewhere)
            capi_buf_append_text(to, ", not local");
        else if (file->problem.bytes)
            capi_buf_append_text(to, ", CANNOT BE WRITTEN");
        else if (file->exists) {
            capi_buf_append_text(to, ", OVERWRITES ");
            append_size(to, file->bytes);
        }
        capi_buf_append_byte(to, '\n');
    }
    append_more_outputs(to, node, overwritten);
}

static void append_batches(capi_buf *to, const capi_plan_node *node)
{
    const char *words = node->node->type == CAPI_NODE_FILE_TABLE ? ", one for each file"
                        : node->node->file                       ? ", one file each"
                                                                 : "";

    append_label(to, "batches");
    capi_buf_printf(to, "%u%s\n", node->batches, words);
}

static void append_node(capi_buf *to, const capi_plan_node *node)
{
    capi_buf_printf(to, "  %.*s, %s%s\n", CAPI_STR_ARG(node->node->name), capi_node_type_name(node->node->type),
                    node->node->is_manual ? ", manual" : "");
    append_inputs(to, node);
    append_tables(to, node);
    if (node->node->table) append_table_sink(to, node->node->table);
    append_outputs(to, node);
    append_batches(to, node);
    if (node->node->policy && node->table_count) {
        append_label(to, "policy");
        capi_buf_printf(to, "%.*s\n", CAPI_STR_ARG(capi_policy_name(node->node->policy)));
    }
}

static void append_steps(capi_buf *to, const capi_plan *plan)
{
    uint32_t last = 0;

    for (uint32_t i = 0; i < plan->node_count; i++)
        if (plan->nodes[i].step > last) last = plan->nodes[i].step;
    for (uint32_t step = 1; step <= last; step++) {
        capi_buf_printf(to, "\nstep %u\n", step);
        for (uint32_t i = 0; i < plan->node_count; i++)
            if (plan->nodes[i].step == step) append_node(to, &plan->nodes[i]);
    }
}

void capi_plan_to_text(const capi_plan *plan, capi_buf *to)
{
    capi_buf_printf(to, "run %u of keyspace \"%.*s\" from %.*s: %u of %u nodes\n", plan->run_id,
                    CAPI_STR_ARG(plan->keyspace), CAPI_STR_ARG(plan->start_nodes), plan->node_count,
                    plan->script->node_count);
    append_steps(to, plan);
    if (plan->next_count) capi_buf_append_text(to, "\nwaits for the operator\n");
    for (uint32_t i = 0; i < plan->next_count; i++)
        capi_buf_printf(to, "  look at the tables, then start node %.*s: --start %.*s\n",
                        CAPI_STR_ARG(plan->next[i]->name), CAPI_STR_ARG(plan->next[i]->name));
    if (plan->left_out_count) capi_buf_append_text(to, "\nnot in this run\n");
    for (uint32_t i = 0; i < plan->left_out_count; i++)
        capi_buf_printf(to, "  %.*s%s\n", CAPI_STR_ARG(plan->left_out[i]->name),
                        plan->left_out[i]->is_manual ? ", manual" : "");
    if (plan->problem_count) capi_buf_printf(to, "\nthe run would fail\n");
    for (uint32_t i = 0; i < plan->problem_count; i++) {
        append_plain(to, "  ", plan->problems[i]);
        capi_buf_append_byte(to, '\n');
    }
}
