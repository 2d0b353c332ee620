/* diagram_graph.c - nodes, edges and labels of a diagram. */
#include "script/diagram_graph.h"

#include "base/hash.h"

#include <stdlib.h>

static int compare_nodes(const void *a, const void *b)
{
    return capi_str_compare((*(const capi_node *const *)a)->name, (*(const capi_node *const *)b)->name);
}

static int compare_names(const void *a, const void *b)
{
    return capi_str_compare(*(const capi_str *)a, *(const capi_str *)b);
}

uint32_t capi_diagram_used_fields(const capi_node *node, capi_side side, bool with_processor, capi_arena *arena,
                                  capi_str **names)
{
    uint32_t count = 0;
    uint32_t unique = 0;

    *names = capi_new_array(arena, capi_str, node->slot_count);
    for (uint32_t i = 0; i < node->slot_count; i++)
        if (node->slots[i].side == side && (with_processor || capi_program_reads_slot(node->program, i)))
            (*names)[count++] = node->slots[i].name;
    if (count) qsort(*names, count, sizeof **names, compare_names);
    for (uint32_t i = 0; i < count; i++)
        if (unique == 0 || !capi_str_equal((*names)[unique - 1], (*names)[i])) (*names)[unique++] = (*names)[i];
    return unique;
}

static void label_add(capi_diagram_edge *edge, capi_str line)
{
    edge->label[edge->line_count++] = line;
}

static void edge_label(capi_diagram_edge *edge, const capi_node *node, const capi_diagram_options *options,
                       capi_arena *arena)
{
    capi_str *fields;
    uint32_t count =
        capi_diagram_used_fields(node, edge->is_lookup ? CAPI_SIDE_LOOKUP : CAPI_SIDE_READER, true, arena, &fields);

    edge->label = capi_new_array(arena, capi_str, (size_t)count + 2);
    if (options->with_index && edge->is_lookup) {
        label_add(edge, node->lookup->index->name);
        label_add(edge, CAPI_STR("(lookup)"));
    } else if (options->with_index) {
        label_add(edge, node->source_table);
        label_add(edge, node->batches_total > 1 ? capi_str_format(arena, "(%u batches)", node->batches_total)
                                                : CAPI_STR("(no parallelism)"));
    }
    for (uint32_t i = 0; options->with_fields && i < count; i++)
        label_add(edge, fields[i]);
}

static uint32_t node_number(const capi_map *numbers, const capi_node *node)
{
    return (uint32_t)((uintptr_t)capi_map_get(numbers, node->name) - 1);
}

static void add_edge(capi_diagram_graph *graph, const capi_map *numbers, const capi_node *from, uint32_t to,
                     bool is_lookup, const capi_diagram_options *options, capi_arena *arena)
{
    capi_diagram_edge *edge = &graph->edges[graph->edge_count++];

    *edge = (capi_diagram_edge){.from = node_number(numbers, from), .to = to, .is_lookup = is_lookup};
    edge_label(edge, graph->nodes[to], options, arena);
}

void capi_diagram_graph_make(const capi_script *script, const capi_diagram_options *options, capi_arena *arena,
                             capi_diagram_graph *out)
{
    uint32_t count = script->node_count;
    capi_map numbers;

    *out = (capi_diagram_graph){.node_count = count};
    out->nodes = capi_new_array(arena, const capi_node *, count);
    out->statuses = capi_new_array(arena, int, count);
    out->edges = capi_new_array(arena, capi_diagram_edge, (size_t)count * 2);
    if (count == 0) return;
    memcpy(out->nodes, script->nodes, count * sizeof *out->nodes);
    qsort(out->nodes, count, sizeof *out->nodes, compare_nodes);
    capi_map_init(&numbers, arena);
    for (uint32_t i = 0; i < count; i++) {
        out->statuses[i] = CAPI_DIAGRAM_NO_STATUS;
        capi_map_put(&numbers, out->nodes[i]->name, (void *)(uintptr_t)(i + 1));
    }
    for (uint32_t i = 0; options->statuses && i < count; i++)
        out->statuses[node_number(&numbers, script->nodes[i])] = options->statuses[i];
    for (uint32_t i = 0; i < count; i++) {
        const capi_node *node = out->nodes[i];

        if (node->reader) add_edge(out, &numbers, node->reader, i, false, options, arena);
        if (node->lookup) add_edge(out, &numbers, node->lookup->index->owner, i, true, options, arena);
    }
}
