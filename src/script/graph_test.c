#include "script/load_fixture.h"

#include <stdlib.h>

/* The example of section 9: name, table it reads ("" for files), second table, and whether it is manual. */
typedef struct graph_node {
    const char *name, *reads, *looks_up;
    bool is_manual;
} graph_node;

static const graph_node example[] = {
    {"read1", "", NULL, false},          {"clean", "read1", NULL, false}, {"summary", "read1", NULL, true},
    {"join", "clean", "summary", false}, {"out", "join", NULL, false},    {"read2", "", NULL, false},
    {"other", "read2", "clean", false},
};

static void open_graph(load_bed *bed, const graph_node *nodes, size_t count)
{
    capi_buf text = {0};

    *bed = (load_bed){0};
    capi_buf_append_text(&text, "nodes:\n");
    for (size_t i = 0; i < count; i++) {
        const graph_node *node = &nodes[i];

        capi_buf_printf(&text, "  %s:\n    type: %s\n    start_policy: %s\n", node->name,
                        node->looks_up   ? "table_lookup_table"
                        : node->reads[0] ? "table_table"
                                         : "file_table",
                        node->is_manual ? "manual" : "auto");
        if (node->reads[0])
            capi_buf_printf(&text, "    r: {table: %s}\n", node->reads);
        else
            capi_buf_append_text(&text, "    r: {urls: [a], columns: {x: {col_type: int}}}\n");
        if (node->looks_up)
            capi_buf_printf(&text, "    l: {index_name: idx_%s, join_on: r.x, join_type: left}\n", node->looks_up);
        capi_buf_printf(&text,
                        "    w: {name: %s, fields: {x: {expression: r.x, type: int}}, indexes: {idx_%s: unique(x)}}\n",
                        node->name, node->name);
    }
    load_open(bed, "g.yaml", capi_str_copy(&bed->arena, capi_buf_str(&text)).data);
    capi_buf_deinit(&text);
    load_must(bed);
}

static void check_affected(const capi_script *script, const char *start, const char *expected)
{
    capi_arena arena = {0};
    const capi_node **nodes;
    uint32_t count;
    capi_buf names = {0};
    capi_err err = {0};

    CHECK_OK(capi_script_affected(script, capi_str_of(start), &arena, &nodes, &count, &err), err);
    for (uint32_t i = 0; i < count; i++)
        capi_buf_printf(&names, "%s%.*s", i ? "," : "", CAPI_STR_ARG(nodes[i]->name));
    CHECK_STR(capi_str_copy(&arena, capi_buf_str(&names)).data, expected);
    capi_buf_deinit(&names);
    capi_arena_deinit(&arena);
}

TEST(affected_nodes_are_those_of_the_examples)
{
    load_bed bed;

    open_graph(&bed, example, sizeof example / sizeof *example);
    check_affected(bed.script, "read1", "read1,clean,other");
    check_affected(bed.script, "read2", "read2,other");
    check_affected(bed.script, "summary", "summary,join,out");
    check_affected(bed.script, "clean", "clean,other,join,out");
    check_affected(bed.script, " read1 , summary,", "read1,clean,other,summary,join,out");
    check_affected(bed.script, "read1,join", "read1,clean,other,join,out");
    check_affected(bed.script, "out", "out");
    load_close(&bed);
}

TEST(nodes_come_in_topological_order_with_ties_by_name)
{
    load_bed bed;
    capi_buf names = {0};

    open_graph(&bed, example, sizeof example / sizeof *example);
    for (uint32_t i = 0; i < bed.script->node_count; i++) {
        CHECK_INT(bed.script->order[i]->rank, i);
        capi_buf_printf(&names, "%.*s ", CAPI_STR_ARG(bed.script->order[i]->name));
    }
    CHECK_STR(capi_str_copy(&bed.arena, capi_buf_str(&names)).data, "read1 clean read2 other summary join out ");
    capi_buf_deinit(&names);
    load_close(&bed);
}

TEST(start_nodes_that_do_not_exist_are_listed)
{
    load_bed bed;
    const capi_node **nodes;
    uint32_t count;
    capi_err err = {0};

    open_graph(&bed, example, sizeof example / sizeof *example);
    CHECK(capi_script_affected(bed.script, CAPI_STR("reed1,out,x"), &bed.arena, &nodes, &count, &err) == CAPI_INVALID);
    CHECK_STR(err.text, "the script has no node \"reed1\"; did you mean \"read1\"?, \"x\"");
    CHECK(capi_script_affected(bed.script, CAPI_STR(" , "), &bed.arena, &nodes, &count, &err) == CAPI_INVALID);
    load_close(&bed);
}

TEST(a_run_starts_with_all_readers_of_files_that_are_not_manual)
{
    static const graph_node nodes[] = {
        {"b", "", NULL, false}, {"a", "", NULL, false}, {"m", "", NULL, true}, {"t", "a", NULL, false}};
    load_bed bed;

    open_graph(&bed, nodes, 4);
    CHECK_STR(capi_script_default_start(bed.script, &bed.arena).data, "a,b");
    load_close(&bed);
}

TEST(a_chain_of_ten_thousand_nodes_is_loaded_and_walked)
{
    enum { COUNT = 10000 };
    graph_node *nodes = capi_malloc(COUNT * sizeof *nodes);
    capi_arena arena = {0};
    load_bed bed;
    const capi_node **affected;
    uint32_t count;
    capi_err err = {0};

    for (uint32_t i = 0; i < COUNT; i++)
        nodes[i] = (graph_node){.name = capi_str_format(&arena, "n%u", i).data, .reads = i ? nodes[i - 1].name : ""};
    open_graph(&bed, nodes, COUNT);
    CHECK_OK(capi_script_affected(bed.script, CAPI_STR("n0"), &arena, &affected, &count, &err), err);
    CHECK_INT(count, COUNT);
    CHECK_INT(bed.script->order[COUNT - 1]->rank, COUNT - 1);
    load_close(&bed);
    capi_arena_deinit(&arena);
    free(nodes);
}
