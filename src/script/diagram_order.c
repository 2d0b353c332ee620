/* diagram_order.c - the order within layers: barycentres of the layer above or below in turn, then exchanges of neighbours.
 *
 * Equal barycentres keep their order in two sweeps and are turned round in the next two; the best order of all is kept. */
#include "script/diagram_layers.h"

#include <stdlib.h>
#include <string.h>

enum { SWEEPS = 24, EXCHANGE_ROUNDS = 6, EXCHANGE_ALWAYS_MAX = 4000, SWEEP_WORK_MAX = 2000000 };

typedef struct sort_item {
    double key;
    uint32_t tie;
    uint32_t vertex;
} sort_item;

typedef struct order_search {
    capi_layers *graph;
    sort_item *items;
    uint32_t *tree; /* Fenwick tree over positions */
    uint32_t *ends; /* positions of one vertex's neighbours, sorted */
    uint32_t *other_ends;
    uint32_t *best;
    uint64_t fewest;
} order_search;

/* ---- counting ---- */

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static uint32_t sorted_ends(const capi_layers *graph, const uint32_t *list, uint32_t count, uint32_t *ends)
{
    for (uint32_t i = 0; i < count; i++)
        ends[i] = graph->vertices[list[i]].position;
    if (count > 1) qsort(ends, count, sizeof *ends, compare_numbers);
    return count;
}

/* Between a layer and the one below: inversions among the lower ends. */
static uint64_t layer_crossings(const order_search *search, uint32_t layer)
{
    const capi_layers *graph = search->graph;
    uint32_t below = graph->counts[layer + 1];
    uint64_t crossings = 0;
    uint64_t seen = 0;

    memset(search->tree, 0, (below + 1) * sizeof *search->tree);
    for (uint32_t i = 0; i < graph->counts[layer]; i++) {
        const capi_layer_vertex *vertex = &graph->vertices[graph->order[layer][i]];
        uint32_t count = sorted_ends(graph, vertex->down, vertex->down_count, search->ends);

        for (uint32_t d = 0; d < count; d++) {
            uint64_t up_to = 0;

            for (uint32_t at = search->ends[d] + 1; at > 0; at &= at - 1)
                up_to += search->tree[at];
            crossings += seen - up_to;
        }
        for (uint32_t d = 0; d < count; d++, seen++)
            for (uint32_t at = search->ends[d] + 1; at <= below; at += at & -at)
                search->tree[at]++;
    }
    return crossings;
}

static uint64_t all_crossings(const order_search *search)
{
    uint64_t crossings = 0;

    for (uint32_t l = 0; l + 1 < search->graph->layer_count; l++)
        crossings += layer_crossings(search, l);
    return crossings;
}

static void search_init(order_search *search, capi_layers *graph, capi_arena *arena)
{
    size_t count = (size_t)graph->vertex_count + graph->edge_count + 2;

    *search = (order_search){.graph = graph};
    search->items = capi_new_array(arena, sort_item, count);
    search->tree = capi_new_array(arena, uint32_t, count);
    search->ends = capi_new_array(arena, uint32_t, count);
    search->other_ends = capi_new_array(arena, uint32_t, count);
    search->best = capi_new_array(arena, uint32_t, count);
}

/* ---- barycentres ---- */

static int compare_items(const void *a, const void *b)
{
    const sort_item *x = a;
    const sort_item *y = b;

    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->tie < y->tie ? -1 : x->tie > y->tie;
}

static double barycentre(const capi_layers *graph, const capi_layer_vertex *vertex, bool look_up)
{
    const uint32_t *neighbours = look_up ? vertex->up : vertex->down;
    uint32_t count = look_up ? vertex->up_count : vertex->down_count;
    double sum = 0;

    if (count == 0) return -1;
    for (uint32_t i = 0; i < count; i++)
        sum += graph->vertices[neighbours[i]].position;
    return sum / count;
}

/* Vertices without neighbours on that side stay where they are; the others are sorted into the places between them. */
static void sort_layer(order_search *search, uint32_t layer, bool look_up, bool turns_ties)
{
    capi_layers *graph = search->graph;
    uint32_t *order = graph->order[layer];
    uint32_t count = graph->counts[layer];
    uint32_t moving = 0;

    for (uint32_t i = 0; i < count; i++) {
        double key = barycentre(graph, &graph->vertices[order[i]], look_up);

        if (key >= 0) search->items[moving++] = (sort_item){key, turns_ties ? count - i : i, order[i]};
    }
    if (moving > 1) qsort(search->items, moving, sizeof *search->items, compare_items);
    for (uint32_t i = 0, at = 0; i < count; i++) {
        const capi_layer_vertex *vertex = &graph->vertices[order[i]];

        if (look_up ? vertex->up_count : vertex->down_count) order[i] = search->items[at++].vertex;
    }
    for (uint32_t i = 0; i < count; i++)
        graph->vertices[order[i]].position = i;
}

/* ---- exchanges ---- */

/* Pairs in which an end of `left` lies right of an end of `right`, less those the other way round: crossings that an exchange
 * would save. */
static int64_t crossings_saved(const uint32_t *left, uint32_t left_count, const uint32_t *right, uint32_t right_count)
{
    int64_t saved = 0;
    uint32_t below = 0;
    uint32_t equal_end = 0;

    for (uint32_t i = 0; i < left_count; i++) {
        while (below < right_count && right[below] < left[i])
            below++;
        while (equal_end < right_count && right[equal_end] <= left[i])
            equal_end++;
        saved += (int64_t)below - (int64_t)(right_count - equal_end);
    }
    return saved;
}

static int64_t exchange_saves(order_search *search, const capi_layer_vertex *left, const capi_layer_vertex *right)
{
    const capi_layers *graph = search->graph;
    int64_t saved = 0;

    if (left->up_count && right->up_count) {
        sorted_ends(graph, left->up, left->up_count, search->ends);
        sorted_ends(graph, right->up, right->up_count, search->other_ends);
        saved += crossings_saved(search->ends, left->up_count, search->other_ends, right->up_count);
    }
    if (left->down_count && right->down_count) {
        sorted_ends(graph, left->down, left->down_count, search->ends);
        sorted_ends(graph, right->down, right->down_count, search->other_ends);
        saved += crossings_saved(search->ends, left->down_count, search->other_ends, right->down_count);
    }
    return saved;
}

static bool exchange_in_layer(order_search *search, uint32_t layer)
{
    capi_layers *graph = search->graph;
    uint32_t *order = graph->order[layer];
    bool has_changed = false;

    for (uint32_t i = 0; i + 1 < graph->counts[layer]; i++) {
        capi_layer_vertex *left = &graph->vertices[order[i]];
        capi_layer_vertex *right = &graph->vertices[order[i + 1]];
        uint32_t kept = order[i];

        if (exchange_saves(search, left, right) <= 0) continue;
        order[i] = order[i + 1];
        order[i + 1] = kept;
        left->position = i + 1;
        right->position = i;
        has_changed = true;
    }
    return has_changed;
}

static void exchange(order_search *search)
{
    bool has_changed = true;

    for (uint32_t round = 0; round < EXCHANGE_ROUNDS && has_changed; round++) {
        has_changed = false;
        for (uint32_t l = 0; l < search->graph->layer_count; l++)
            if (exchange_in_layer(search, l)) has_changed = true;
    }
}

/* ---- search ---- */

static void keep_if_better(order_search *search)
{
    uint64_t crossings = all_crossings(search);

    if (crossings >= search->fewest) return;
    search->fewest = crossings;
    for (uint32_t v = 0; v < search->graph->vertex_count; v++)
        search->best[v] = search->graph->vertices[v].position;
}

static void restore_best(order_search *search)
{
    for (uint32_t v = 0; v < search->graph->vertex_count; v++) {
        capi_layer_vertex *vertex = &search->graph->vertices[v];

        vertex->position = search->best[v];
        search->graph->order[vertex->layer][search->best[v]] = v;
    }
}

void capi_layers_order(capi_layers *graph, capi_arena *arena)
{
    bool is_small = graph->vertex_count <= EXCHANGE_ALWAYS_MAX;
    uint32_t sweeps = SWEEP_WORK_MAX / (graph->vertex_count + 1);
    order_search search;

    if (sweeps > SWEEPS) sweeps = SWEEPS;
    if (sweeps < 4) sweeps = 4;
    search_init(&search, graph, arena);
    search.fewest = UINT64_MAX;
    keep_if_better(&search);
    for (uint32_t sweep = 0; sweep < sweeps && search.fewest > 0; sweep++) {
        bool goes_down = sweep % 2 == 0;

        for (uint32_t l = 1; l < graph->layer_count; l++)
            sort_layer(&search, goes_down ? l : graph->layer_count - 1 - l, goes_down, sweep % 4 >= 2);
        if (is_small) exchange(&search);
        keep_if_better(&search);
    }
    restore_best(&search);
    exchange(&search);
    keep_if_better(&search);
    restore_best(&search);
}
