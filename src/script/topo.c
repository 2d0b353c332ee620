/* topo.c - Kahn's algorithm with a heap, so that the order depends on numbers alone. */
#include "script/topo.h"

#include <stdbool.h>
#include <stdlib.h>

typedef struct topo_heap {
    uint32_t *items;
    uint32_t count;
} topo_heap;

static void heap_push(topo_heap *heap, uint32_t item)
{
    uint32_t at = heap->count++;

    while (at > 0 && heap->items[(at - 1) / 2] > item) {
        heap->items[at] = heap->items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->items[at] = item;
}

static uint32_t heap_pop(topo_heap *heap)
{
    uint32_t smallest = heap->items[0];
    uint32_t item = heap->items[--heap->count];
    uint32_t at = 0;

    for (;;) {
        uint32_t child = at * 2 + 1;

        if (child >= heap->count) break;
        if (child + 1 < heap->count && heap->items[child + 1] < heap->items[child]) child++;
        if (heap->items[child] >= item) break;
        heap->items[at] = heap->items[child];
        at = child;
    }
    heap->items[at] = item;
    return smallest;
}

/* first[i] .. first[i + 1]: the places in `targets` of what comes behind i. */
static void index_edges(uint32_t count, const capi_topo_edge *edges, uint32_t edge_count, uint32_t *first,
                        uint32_t *targets)
{
    for (uint32_t i = 0; i < edge_count; i++)
        first[edges[i].before + 1]++;
    for (uint32_t i = 0; i < count; i++)
        first[i + 1] += first[i];
    for (uint32_t i = edge_count; i > 0; i--)
        targets[--first[edges[i - 1].before + 1]] = edges[i - 1].after;
    /* Each first[i + 1] has moved down to the beginning of i's targets. */
    for (uint32_t i = 0; i < count; i++)
        first[i] = first[i + 1];
    first[count] = edge_count;
}

uint32_t capi_topo_sort(uint32_t count, const capi_topo_edge *edges, uint32_t edge_count, uint32_t *order)
{
    uint32_t *first = capi_zmalloc(((size_t)count + 1) * sizeof *first);
    uint32_t *targets = capi_malloc(((size_t)edge_count + 1) * sizeof *targets);
    uint32_t *waits_for = capi_zmalloc(((size_t)count + 1) * sizeof *waits_for);
    topo_heap heap = {capi_malloc(((size_t)count + 1) * sizeof *heap.items), 0};
    uint32_t done = 0;

    index_edges(count, edges, edge_count, first, targets);
    for (uint32_t i = 0; i < edge_count; i++)
        waits_for[edges[i].after]++;
    for (uint32_t i = 0; i < count; i++)
        if (waits_for[i] == 0) heap_push(&heap, i);
    while (heap.count > 0) {
        uint32_t item = heap_pop(&heap);

        order[done++] = item;
        for (uint32_t i = first[item]; i < first[item + 1]; i++)
            if (--waits_for[targets[i]] == 0) heap_push(&heap, targets[i]);
    }
    free(first);
    free(targets);
    free(waits_for);
    free(heap.items);
    return done;
}

static void reverse(uint32_t *items, uint32_t count)
{
    for (uint32_t i = 0; i < count / 2; i++) {
        uint32_t item = items[i];

        items[i] = items[count - 1 - i];
        items[count - 1 - i] = item;
    }
}

/* Turns a cycle so that its smallest number comes first. */
static void turn(uint32_t *cycle, uint32_t length)
{
    uint32_t smallest = 0;

    for (uint32_t i = 1; i < length; i++)
        if (cycle[i] < cycle[smallest]) smallest = i;
    reverse(cycle, smallest);
    reverse(cycle + smallest, length - smallest);
    reverse(cycle, length);
}

/* Walks backwards from something that could not be ordered: it has a predecessor that could not either, and so on, until one
 * is met again. */
uint32_t capi_topo_cycle(uint32_t count, const capi_topo_edge *edges, uint32_t edge_count, const uint32_t *order,
                         uint32_t ordered_count, uint32_t *cycle)
{
    bool *is_ordered = capi_zmalloc((size_t)count + 1);
    uint32_t *before = capi_malloc(((size_t)count + 1) * sizeof *before); /* one unordered predecessor */
    uint32_t *met = capi_zmalloc(((size_t)count + 1) * sizeof *met);      /* step + 1 */
    uint32_t length = 0;
    uint32_t at = 0;
    uint32_t from;

    for (uint32_t i = 0; i < ordered_count; i++)
        is_ordered[order[i]] = true;
    for (uint32_t i = 0; i < count; i++)
        before[i] = UINT32_MAX;
    for (uint32_t i = 0; i < edge_count; i++)
        if (!is_ordered[edges[i].before] && before[edges[i].after] == UINT32_MAX)
            before[edges[i].after] = edges[i].before;
    while (at < count && is_ordered[at])
        at++;
    while (at < count && !met[at]) {
        cycle[length] = at;
        met[at] = ++length;
        at = before[at];
    }
    from = at < count ? met[at] - 1 : length;
    for (uint32_t i = from; i < length; i++)
        cycle[i - from] = cycle[i];
    length -= from;
    reverse(cycle, length);
    turn(cycle, length);
    free(is_ordered);
    free(before);
    free(met);
    return length;
}
