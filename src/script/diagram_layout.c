/* diagram_layout.c - layers, and what stands in them. */
#include "script/diagram_layers.h"

#include <stdlib.h>
#include <string.h>

/* Vertices of passing edges; above that, the longest edges get lanes. */
enum { PASS_MAX = 120000 };

/* ---- layers ---- */

/* Longest path from the roots, by repeated relaxation in topological order (Kahn). Boxes take the even layers. */
static void assign_layers(uint32_t *depth, uint32_t box_count, const capi_layout_edge *edges, uint32_t edge_count,
                          capi_arena *arena)
{
    uint32_t *waiting = capi_new_array(arena, uint32_t, box_count);
    uint32_t *first = capi_new_array(arena, uint32_t, (size_t)box_count + 2);
    uint32_t *sorted = capi_new_array(arena, uint32_t, (size_t)edge_count + 1);
    uint32_t *queue = capi_new_array(arena, uint32_t, box_count);
    uint32_t queued = 0;

    for (uint32_t e = 0; e < edge_count; e++) {
        waiting[edges[e].to]++;
        first[edges[e].from + 2]++;
    }
    for (uint32_t b = 2; b < box_count + 2; b++)
        first[b] += first[b - 1];
    for (uint32_t e = 0; e < edge_count; e++)
        sorted[first[edges[e].from + 1]++] = e;
    for (uint32_t b = 0; b < box_count; b++)
        if (waiting[b] == 0) queue[queued++] = b;
    for (uint32_t q = 0; q < queued; q++) {
        uint32_t from = queue[q];

        for (uint32_t i = first[from]; i < first[from + 1]; i++) {
            uint32_t to = edges[sorted[i]].to;

            if (depth[to] < depth[from] + 2) depth[to] = depth[from] + 2;
            if (--waiting[to] == 0) queue[queued++] = to;
        }
    }
}

/* A root moves down to just above its highest reader: shorter edges. */
static void sink_roots(uint32_t *depth, uint32_t box_count, const capi_layout_edge *edges, uint32_t edge_count,
                       capi_arena *arena)
{
    uint32_t *lowest = capi_new_array(arena, uint32_t, box_count);

    for (uint32_t b = 0; b < box_count; b++)
        lowest[b] = UINT32_MAX;
    for (uint32_t e = 0; e < edge_count; e++)
        if (depth[edges[e].to] < lowest[edges[e].from]) lowest[edges[e].from] = depth[edges[e].to];
    for (uint32_t b = 0; b < box_count; b++)
        if (depth[b] == 0 && lowest[b] != UINT32_MAX && lowest[b] > 2) depth[b] = lowest[b] - 2;
}

/* ---- vertices ---- */

/* The longest span of an edge that has a vertex in each layer. */
static uint32_t longest_chain(const uint32_t *depth, uint32_t layer_count, const capi_layout_edge *edges,
                              uint32_t edge_count, capi_arena *arena)
{
    uint64_t *spans = capi_new_array(arena, uint64_t, (size_t)layer_count + 1);
    uint64_t total = 0;
    uint32_t longest;

    for (uint32_t e = 0; e < edge_count; e++)
        spans[depth[edges[e].to] - depth[edges[e].from]]++;
    for (longest = 2; longest < layer_count; longest++) {
        total += spans[longest] * (longest - 1);
        if (longest > 2 && total > PASS_MAX) return longest - 1;
    }
    return layer_count;
}

static uint32_t new_pass(capi_layers *graph, uint32_t layer, const capi_layout_box *label)
{
    capi_layer_vertex *pass = &graph->vertices[graph->vertex_count];

    pass->layer = layer;
    pass->width = CAPI_LAYOUT_PASS_WIDTH;
    if (label && label->width > 0) {
        pass->width = label->width;
        pass->height = label->height;
    }
    return graph->vertex_count++;
}

/* A label of one edge stands just above the reader; one that several edges share just below the box they come from. */
static void make_chain(capi_layers *graph, capi_layout_edge *edge, uint32_t e, const uint32_t *depth, bool leads,
                       uint32_t longest, capi_arena *arena)
{
    uint32_t above = depth[edge->from];
    uint32_t below = depth[edge->to];
    capi_layer_chain *chain = &graph->chains[e];

    chain->has_lane = below - above > longest;
    chain->count = chain->has_lane ? 2 : below - above - 1;
    chain->vertices = capi_new_array(arena, uint32_t, chain->count);
    chain->label_at = leads || edge->leader ? 0 : chain->count - 1;
    for (uint32_t i = 0; i < chain->count; i++) {
        uint32_t layer = chain->has_lane && i == 1 ? below - 1 : above + 1 + i;

        if (i == 0 && edge->leader)
            chain->vertices[i] = graph->chains[edge->leader - 1].vertices[0];
        else
            chain->vertices[i] = new_pass(graph, layer, i == chain->label_at ? &edge->label : NULL);
    }
}

static void make_vertices(capi_layers *graph, const capi_layout_box *boxes, uint32_t box_count, capi_layout_edge *edges,
                          uint32_t edge_count, const uint32_t *depth, capi_arena *arena)
{
    bool *leads = capi_new_array(arena, bool, edge_count);
    uint32_t longest = longest_chain(depth, graph->layer_count, edges, edge_count, arena);
    size_t total = box_count;

    for (uint32_t e = 0; e < edge_count; e++) {
        uint32_t span = depth[edges[e].to] - depth[edges[e].from];

        total += span > longest ? 2 : span - 1;
        if (edges[e].leader) leads[edges[e].leader - 1] = true;
    }
    graph->vertices = capi_new_array(arena, capi_layer_vertex, total);
    graph->chains = capi_new_array(arena, capi_layer_chain, edge_count);
    graph->box_count = graph->vertex_count = box_count;
    graph->edge_count = edge_count;
    for (uint32_t b = 0; b < box_count; b++)
        graph->vertices[b] = (capi_layer_vertex){.width = boxes[b].width, .height = boxes[b].height, .layer = depth[b]};
    for (uint32_t e = 0; e < edge_count; e++)
        make_chain(graph, &edges[e], e, depth, leads[e], longest, arena);
}

static void link_pair(capi_layers *graph, uint32_t upper, uint32_t lower, bool count_only)
{
    capi_layer_vertex *a = &graph->vertices[upper];
    capi_layer_vertex *b = &graph->vertices[lower];

    if (!count_only) {
        a->down[a->down_count] = lower;
        b->up[b->up_count] = upper;
    }
    a->down_count++;
    b->up_count++;
}

static void link_all(capi_layers *graph, const capi_layout_edge *edges, uint32_t edge_count, bool count_only)
{
    for (uint32_t e = 0; e < edge_count; e++) {
        const capi_layer_chain *chain = &graph->chains[e];
        uint32_t above = edges[e].from;

        for (uint32_t i = 0; i < chain->count; i++) {
            bool is_apart = (i == 0 && edges[e].leader) || (i == 1 && chain->has_lane);

            if (!is_apart) link_pair(graph, above, chain->vertices[i], count_only);
            above = chain->vertices[i];
        }
        link_pair(graph, above, edges[e].to, count_only);
    }
}

static void link_vertices(capi_layers *graph, const capi_layout_edge *edges, uint32_t edge_count, capi_arena *arena)
{
    link_all(graph, edges, edge_count, true);
    for (uint32_t v = 0; v < graph->vertex_count; v++) {
        capi_layer_vertex *vertex = &graph->vertices[v];

        vertex->up = capi_new_array(arena, uint32_t, vertex->up_count);
        vertex->down = capi_new_array(arena, uint32_t, vertex->down_count);
        vertex->up_count = vertex->down_count = 0;
    }
    link_all(graph, edges, edge_count, false);
}

static void fill_layers(capi_layers *graph, capi_arena *arena)
{
    graph->order = capi_new_array(arena, uint32_t *, graph->layer_count);
    graph->counts = capi_new_array(arena, uint32_t, graph->layer_count);
    for (uint32_t v = 0; v < graph->vertex_count; v++)
        graph->counts[graph->vertices[v].layer]++;
    for (uint32_t l = 0; l < graph->layer_count; l++) {
        graph->order[l] = capi_new_array(arena, uint32_t, graph->counts[l]);
        graph->counts[l] = 0;
    }
    for (uint32_t v = 0; v < graph->vertex_count; v++) {
        capi_layer_vertex *vertex = &graph->vertices[v];

        vertex->position = graph->counts[vertex->layer];
        graph->order[vertex->layer][graph->counts[vertex->layer]++] = v;
    }
}

capi_layout_size capi_layers_lay_out(capi_layout_box *boxes, uint32_t box_count, capi_layout_edge *edges,
                                     uint32_t edge_count, capi_arena *arena)
{
    capi_layers graph = {0};
    uint32_t *depth = capi_new_array(arena, uint32_t, box_count);

    if (box_count > 0) {
        assign_layers(depth, box_count, edges, edge_count, arena);
        sink_roots(depth, box_count, edges, edge_count, arena);
        for (uint32_t b = 0; b < box_count; b++)
            if (depth[b] >= graph.layer_count) graph.layer_count = depth[b] + 1;
        make_vertices(&graph, boxes, box_count, edges, edge_count, depth, arena);
        link_vertices(&graph, edges, edge_count, arena);
        fill_layers(&graph, arena);
        capi_layers_order(&graph, arena);
        capi_layers_place(&graph, arena);
    }
    return capi_layers_write(&graph, boxes, edges, arena);
}
