/* diagram_layout.h - places boxes in layers so that edges run downwards, cross seldom, and nothing overlaps.
 *
 * After Sugiyama, Tagawa and Toda ("Methods for visual understanding of hierarchical system structures", 1981): nodes get
 * layers by their longest path; an edge gets a vertex in every layer that it passes, one of which carries its label, so that
 * labels take room like boxes; vertices are ordered within layers by barycentres (diagram_order.c); then x positions follow
 * the neighbours as near as order and widths allow, and edges get their points (diagram_place.c). Where the vertices would
 * be too many, the longest edges run in lanes beside everything else. Parts that nothing connects are laid out one by one
 * (diagram_pack.c). */
#pragma once

#include "base/arena.h"

#include <stdbool.h>

typedef struct capi_layout_box { /* in: size; out: place of the upper left corner */
    double width, height;
    double x, y;
} capi_layout_box;

typedef struct capi_layout_point {
    double x, y;
} capi_layout_point;

typedef struct capi_layout_edge {
    uint32_t from, to;     /* boxes; the graph has no cycles */
    capi_layout_box label; /* size 0: none */
    uint32_t leader;       /* 0: none; else the number + 1 of an earlier edge from the same box whose label is also this
                                  edge's: both pass through that label */
    capi_layout_point *points; /* out: from the lower side of one box, or with a leader of its label, to the upper side
                                  of the other; y never decreases */
    uint32_t point_count;
} capi_layout_edge;

typedef struct capi_layout_size {
    double width, height;
} capi_layout_size;

capi_layout_size capi_diagram_layout(capi_layout_box *boxes, uint32_t box_count, capi_layout_edge *edges,
                                     uint32_t edge_count, capi_arena *arena);
