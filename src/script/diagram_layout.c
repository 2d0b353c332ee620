/* diagram_layout.c - layers, order, coordinates. */
#include "script/diagram_layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SWEEPS = 24, PLACE_PASSES = 12 };

static const double GAP_X = 40;
static const double GAP_Y = 36;
static const double MARGIN = 20;
static const double PASS_WIDTH = 10; /* room for an edge that only passes a layer */

typedef struct layer_vertex {
    double width, height;
    double x; /* of its middle */
    double key;
    uint32_t layer;
    uint32_t position; /* within its layer */
    uint32_t *up, *down;
    uint32_t up_count, down_count;
} layer_vertex;

typedef struct layers {
    layer_vertex *vertices;
    uint32_t vertex_count;
    uint32_t **order; /* order[layer][position] = vertex */
    uint32_t *counts;
    uint32_t layer_count;
    uint32_t **chains; /* per edge: its vertices between the boxes, top to bottom */
    uint32_t *chain_counts;
    uint32_t *label_at; /* per edge: which of the chain carries the label */
} layers;

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

static void make_vertices(layers *graph, const capi_layout_box *boxes, uint32_t box_count, capi_layout_edge *edges,
                          uint32_t edge_count, const uint32_t *depth, capi_arena *arena)
{
    size_t total = box_count;
    uint32_t next = box_count;

    for (uint32_t e = 0; e < edge_count; e++)
        total += depth[edges[e].to] - depth[edges[e].from] - 1;
    graph->vertices = capi_new_array(arena, layer_vertex, total);
    graph->vertex_count = (uint32_t)total;
    graph->chains = capi_new_array(arena, uint32_t *, edge_count);
    graph->chain_counts = capi_new_array(arena, uint32_t, edge_count);
    graph->label_at = capi_new_array(arena, uint32_t, edge_count);
    for (uint32_t b = 0; b < box_count; b++)
        graph->vertices[b] = (layer_vertex){.width = boxes[b].width, .height = boxes[b].height, .layer = depth[b]};
    for (uint32_t e = 0; e < edge_count; e++) {
        uint32_t count = depth[edges[e].to] - depth[edges[e].from] - 1;

        graph->chains[e] = capi_new_array(arena, uint32_t, count);
        graph->chain_counts[e] = count;
        graph->label_at[e] = count - 1; /* just above the reader, an odd layer */
        for (uint32_t i = 0; i < count; i++) {
            layer_vertex *pass = &graph->vertices[next];

            pass->layer = depth[edges[e].from] + 1 + i;
            pass->width = PASS_WIDTH;
            if (i == graph->label_at[e] && edges[e].label.width > 0) {
                pass->width = edges[e].label.width;
                pass->height = edges[e].label.height;
            }
            graph->chains[e][i] = next++;
        }
    }
}

static void link_pair(layers *graph, uint32_t upper, uint32_t lower, bool count_only)
{
    layer_vertex *a = &graph->vertices[upper];
    layer_vertex *b = &graph->vertices[lower];

    if (!count_only) {
        a->down[a->down_count] = lower;
        b->up[b->up_count] = upper;
    }
    a->down_count++;
    b->up_count++;
}

static void link_all(layers *graph, const capi_layout_edge *edges, uint32_t edge_count, bool count_only)
{
    for (uint32_t e = 0; e < edge_count; e++) {
        uint32_t above = edges[e].from;

        for (uint32_t i = 0; i < graph->chain_counts[e]; i++) {
            link_pair(graph, above, graph->chains[e][i], count_only);
            above = graph->chains[e][i];
        }
        link_pair(graph, above, edges[e].to, count_only);
    }
}

static void link_vertices(layers *graph, const capi_layout_edge *edges, uint32_t edge_count, capi_arena *arena)
{
    link_all(graph, edges, edge_count, true);
    for (uint32_t v = 0; v < graph->vertex_count; v++) {
        layer_vertex *vertex = &graph->vertices[v];

        vertex->up = capi_new_array(arena, uint32_t, vertex->up_count);
        vertex->down = capi_new_array(arena, uint32_t, vertex->down_count);
        vertex->up_count = vertex->down_count = 0;
    }
    link_all(graph, edges, edge_count, false);
}

static void fill_layers(layers *graph, capi_arena *arena)
{
    for (uint32_t v = 0; v < graph->vertex_count; v++)
        if (graph->vertices[v].layer >= graph->layer_count) graph->layer_count = graph->vertices[v].layer + 1;
    graph->order = capi_new_array(arena, uint32_t *, graph->layer_count);
    graph->counts = capi_new_array(arena, uint32_t, graph->layer_count);
    for (uint32_t v = 0; v < graph->vertex_count; v++)
        graph->counts[graph->vertices[v].layer]++;
    for (uint32_t l = 0; l < graph->layer_count; l++) {
        graph->order[l] = capi_new_array(arena, uint32_t, graph->counts[l]);
        graph->counts[l] = 0;
    }
    for (uint32_t v = 0; v < graph->vertex_count; v++) {
        layer_vertex *vertex = &graph->vertices[v];

        vertex->position = graph->counts[vertex->layer];
        graph->order[vertex->layer][graph->counts[vertex->layer]++] = v;
    }
}

/* ---- order within layers ---- */

typedef struct sort_item {
    double key;
    uint32_t position;
    uint32_t vertex;
} sort_item;

static int compare_items(const void *a, const void *b)
{
    const sort_item *x = a;
    const sort_item *y = b;

    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->position < y->position ? -1 : x->position > y->position;
}

static double barycentre(const layers *graph, const layer_vertex *vertex, bool look_up)
{
    const uint32_t *neighbours = look_up ? vertex->up : vertex->down;
    uint32_t count = look_up ? vertex->up_count : vertex->down_count;
    double sum = 0;

    if (count == 0) return vertex->position;
    for (uint32_t i = 0; i < count; i++)
        sum += graph->vertices[neighbours[i]].position;
    return sum / count;
}

static void sort_layer(layers *graph, uint32_t layer, bool look_up, sort_item *items)
{
    uint32_t count = graph->counts[layer];

    for (uint32_t i = 0; i < count; i++) {
        uint32_t v = graph->order[layer][i];

        items[i] = (sort_item){barycentre(graph, &graph->vertices[v], look_up), i, v};
    }
    qsort(items, count, sizeof *items, compare_items);
    for (uint32_t i = 0; i < count; i++) {
        graph->order[layer][i] = items[i].vertex;
        graph->vertices[items[i].vertex].position = i;
    }
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* Crossings between a layer and the one below: inversions among the lower ends, counted with a Fenwick tree. */
static uint64_t layer_crossings(const layers *graph, uint32_t layer, uint32_t *tree, uint32_t *ends)
{
    uint32_t below = graph->counts[layer + 1];
    uint64_t crossings = 0;
    uint64_t seen = 0;

    memset(tree, 0, (below + 1) * sizeof *tree);
    for (uint32_t i = 0; i < graph->counts[layer]; i++) {
        const layer_vertex *vertex = &graph->vertices[graph->order[layer][i]];

        for (uint32_t d = 0; d < vertex->down_count; d++)
            ends[d] = graph->vertices[vertex->down[d]].position;
        if (vertex->down_count) qsort(ends, vertex->down_count, sizeof *ends, compare_numbers);
        for (uint32_t d = 0; d < vertex->down_count; d++) {
            uint64_t up_to = 0;

            for (uint32_t at = ends[d] + 1; at > 0; at &= at - 1)
                up_to += tree[at];
            crossings += seen - up_to;
        }
        for (uint32_t d = 0; d < vertex->down_count; d++, seen++)
            for (uint32_t at = ends[d] + 1; at <= below; at += at & -at)
                tree[at]++;
    }
    return crossings;
}

static uint64_t all_crossings(const layers *graph, uint32_t *tree, uint32_t *ends)
{
    uint64_t crossings = 0;

    for (uint32_t l = 0; l + 1 < graph->layer_count; l++)
        crossings += layer_crossings(graph, l, tree, ends);
    return crossings;
}

static void save_order(const layers *graph, uint32_t *saved)
{
    for (uint32_t v = 0; v < graph->vertex_count; v++)
        saved[v] = graph->vertices[v].position;
}

static void restore_order(layers *graph, const uint32_t *saved)
{
    for (uint32_t v = 0; v < graph->vertex_count; v++) {
        layer_vertex *vertex = &graph->vertices[v];

        vertex->position = saved[v];
        graph->order[vertex->layer][saved[v]] = v;
    }
}

static void order_vertices(layers *graph, capi_arena *arena)
{
    sort_item *items = capi_new_array(arena, sort_item, graph->vertex_count);
    uint32_t *tree = capi_new_array(arena, uint32_t, (size_t)graph->vertex_count + 2);
    uint32_t *ends = capi_new_array(arena, uint32_t, (size_t)graph->vertex_count + 2);
    uint32_t *best = capi_new_array(arena, uint32_t, graph->vertex_count);
    uint64_t fewest = all_crossings(graph, tree, ends);

    save_order(graph, best);
    for (uint32_t sweep = 0; sweep < SWEEPS && fewest > 0; sweep++) {
        uint64_t crossings;

        for (uint32_t l = 1; l < graph->layer_count; l++)
            sort_layer(graph, sweep % 2 ? graph->layer_count - 1 - l : l, sweep % 2 == 0, items);
        crossings = all_crossings(graph, tree, ends);
        if (crossings < fewest) {
            fewest = crossings;
            save_order(graph, best);
        }
    }
    restore_order(graph, best);
}

/* ---- coordinates ---- */

static double half_step(const layer_vertex *a, const layer_vertex *b)
{
    return (a->width + b->width) / 2 + GAP_X;
}

typedef struct pool {
    double sum, weight;
    uint32_t count;
} pool;

/* Moves the vertices of a layer as near to their wishes (key) as order and widths allow, in the least squares sense: with
 * the needed distances taken off, wishes must not decrease; runs that do are pooled to their mean. */
static void place_layer(layers *graph, uint32_t layer, pool *pools, double *offsets)
{
    uint32_t count = graph->counts[layer];
    uint32_t pool_count = 0;
    uint32_t at = 0;

    for (uint32_t i = 0; i < count; i++) {
        const layer_vertex *vertex = &graph->vertices[graph->order[layer][i]];
        double weight = vertex->up_count + vertex->down_count ? 1 : 0.01;

        offsets[i] = i ? offsets[i - 1] + half_step(&graph->vertices[graph->order[layer][i - 1]], vertex) : 0;
        pools[pool_count++] = (pool){(vertex->key - offsets[i]) * weight, weight, 1};
        while (pool_count > 1 && pools[pool_count - 1].sum / pools[pool_count - 1].weight <
                                     pools[pool_count - 2].sum / pools[pool_count - 2].weight) {
            pools[pool_count - 2].sum += pools[pool_count - 1].sum;
            pools[pool_count - 2].weight += pools[pool_count - 1].weight;
            pools[pool_count - 2].count += pools[pool_count - 1].count;
            pool_count--;
        }
    }
    for (uint32_t p = 0; p < pool_count; p++)
        for (uint32_t i = 0; i < pools[p].count; i++, at++)
            graph->vertices[graph->order[layer][at]].x = pools[p].sum / pools[p].weight + offsets[at];
}

static double mean_x(const layers *graph, const uint32_t *list, uint32_t count, double otherwise)
{
    double sum = 0;

    for (uint32_t i = 0; i < count; i++)
        sum += graph->vertices[list[i]].x;
    return count ? sum / count : otherwise;
}

static void wish(layers *graph, uint32_t v, uint32_t pass)
{
    layer_vertex *vertex = &graph->vertices[v];
    double up = mean_x(graph, vertex->up, vertex->up_count, vertex->x);
    double down = mean_x(graph, vertex->down, vertex->down_count, vertex->x);

    if (pass == 0 || vertex->down_count == 0)
        vertex->key = vertex->up_count ? up : down;
    else if (vertex->up_count == 0)
        vertex->key = down;
    else
        vertex->key = (up * vertex->up_count + down * vertex->down_count) / (vertex->up_count + vertex->down_count);
}

static void place_vertices(layers *graph, capi_arena *arena)
{
    pool *pools = capi_new_array(arena, pool, graph->vertex_count);
    double *offsets = capi_new_array(arena, double, graph->vertex_count);

    for (uint32_t l = 0; l < graph->layer_count; l++) {
        for (uint32_t i = 0; i < graph->counts[l]; i++)
            graph->vertices[graph->order[l][i]].key = 0;
        place_layer(graph, l, pools, offsets);
    }
    for (uint32_t pass = 0; pass < PLACE_PASSES; pass++)
        for (uint32_t i = 0; i < graph->layer_count; i++) {
            uint32_t l = pass % 2 ? graph->layer_count - 1 - i : i;

            for (uint32_t k = 0; k < graph->counts[l]; k++)
                wish(graph, graph->order[l][k], pass);
            place_layer(graph, l, pools, offsets);
        }
}

/* ---- results ---- */

static void lay_out_rows(const layers *graph, double *tops, double *heights)
{
    double y = MARGIN;

    for (uint32_t l = 0; l < graph->layer_count; l++) {
        heights[l] = 0;
        for (uint32_t i = 0; i < graph->counts[l]; i++) {
            double height = graph->vertices[graph->order[l][i]].height;

            if (height > heights[l]) heights[l] = height;
        }
        tops[l] = y;
        y += heights[l] + GAP_Y;
    }
}

static void edge_points(const layers *graph, capi_layout_edge *edge, uint32_t e, const capi_layout_box *boxes,
                        const double *tops, const double *heights, double shift, capi_arena *arena)
{
    const capi_layout_box *from = &boxes[edge->from];
    const capi_layout_box *to = &boxes[edge->to];

    edge->point_count = 0;
    edge->points = capi_new_array(arena, capi_layout_point, (size_t)graph->chain_counts[e] * 2 + 2);
    edge->points[edge->point_count++] = (capi_layout_point){from->x + from->width / 2, from->y + from->height};
    for (uint32_t i = 0; i < graph->chain_counts[e]; i++) {
        const layer_vertex *pass = &graph->vertices[graph->chains[e][i]];
        double x = pass->x + shift;
        double top = tops[pass->layer];

        if (i == graph->label_at[e] && edge->label.width > 0) {
            edge->label.x = x - edge->label.width / 2;
            edge->label.y = top + (heights[pass->layer] - edge->label.height) / 2;
        }
        edge->points[edge->point_count++] = (capi_layout_point){x, top};
        if (heights[pass->layer] > 0)
            edge->points[edge->point_count++] = (capi_layout_point){x, top + heights[pass->layer]};
    }
    edge->points[edge->point_count++] = (capi_layout_point){to->x + to->width / 2, to->y};
}

capi_layout_size capi_diagram_layout(capi_layout_box *boxes, uint32_t box_count, capi_layout_edge *edges,
                                     uint32_t edge_count, capi_arena *arena)
{
    layers graph = {0};
    uint32_t *depth = capi_new_array(arena, uint32_t, box_count);
    capi_layout_size size = {2 * MARGIN, 2 * MARGIN};
    double left = 0;
    double right = 0;
    double *tops;
    double *heights;

    if (box_count == 0) return size;
    assign_layers(depth, box_count, edges, edge_count, arena);
    sink_roots(depth, box_count, edges, edge_count, arena);
    make_vertices(&graph, boxes, box_count, edges, edge_count, depth, arena);
    link_vertices(&graph, edges, edge_count, arena);
    fill_layers(&graph, arena);
    order_vertices(&graph, arena);
    place_vertices(&graph, arena);

    for (uint32_t v = 0; v < graph.vertex_count; v++) {
        left = fmin(left, graph.vertices[v].x - graph.vertices[v].width / 2);
        right = fmax(right, graph.vertices[v].x + graph.vertices[v].width / 2);
    }
    tops = capi_new_array(arena, double, graph.layer_count);
    heights = capi_new_array(arena, double, graph.layer_count);
    lay_out_rows(&graph, tops, heights);
    for (uint32_t b = 0; b < box_count; b++) {
        const layer_vertex *vertex = &graph.vertices[b];

        boxes[b].x = vertex->x - vertex->width / 2 - left + MARGIN;
        boxes[b].y = tops[vertex->layer] + (heights[vertex->layer] - vertex->height) / 2;
    }
    for (uint32_t e = 0; e < edge_count; e++)
        edge_points(&graph, &edges[e], e, boxes, tops, heights, MARGIN - left, arena);
    size.width = right - left + 2 * MARGIN;
    size.height = tops[graph.layer_count - 1] + heights[graph.layer_count - 1] + MARGIN;
    return size;
}
