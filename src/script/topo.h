/* topo.h - orders things so that each comes behind those it depends on. Iterative, so depth does not matter. */
#pragma once

#include "base/arena.h"

#include <stdint.h>

typedef struct capi_topo_edge {
    uint32_t before, after;
} capi_topo_edge;

/* Writes the numbers 0..count-1 to `order`; of those that could come next, the smallest comes first. Returns how many could be
 * ordered: the rest lies on cycles or behind them. */
uint32_t capi_topo_sort(uint32_t count, const capi_topo_edge *edges, uint32_t edge_count, uint32_t *order);

/* One cycle among what could not be ordered, in the direction of the edges; returns its length. `cycle` has room for count. */
uint32_t capi_topo_cycle(uint32_t count, const capi_topo_edge *edges, uint32_t edge_count, const uint32_t *order,
                         uint32_t ordered_count, uint32_t *cycle);
