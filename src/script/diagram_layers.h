/* diagram_layers.h - the layered graph that the parts of diagram_layout share: boxes on even layers, labels and passing edges
 * on all. */
#pragma once

#include "script/diagram_layout.h"

enum { CAPI_LAYOUT_PASS_WIDTH = 10 }; /* room for an edge that only passes a layer */

typedef struct capi_layer_vertex {
    double width, height;
    double x;   /* of its middle */
    double key; /* where it would like to be */
    uint32_t layer;
    uint32_t position; /* within its layer */
    uint32_t *up, *down;
    uint32_t up_count, down_count;
} capi_layer_vertex;

typedef struct capi_layer_chain { /* of an edge: its vertices between the boxes, top to bottom */
    uint32_t *vertices;
    uint32_t count;
    uint32_t label_at;
    bool has_lane; /* two vertices, one below the upper box and one above the lower; between them it runs outside */
} capi_layer_chain;

typedef struct capi_layers {
    capi_layer_vertex *vertices; /* boxes first, under their numbers */
    uint32_t vertex_count, box_count, edge_count;
    uint32_t **order; /* order[layer][position] = vertex */
    uint32_t *counts;
    uint32_t layer_count;
    capi_layer_chain *chains; /* per edge */
} capi_layers;

/* diagram_layout.c: one graph, whether or not it hangs together. */
capi_layout_size capi_layers_lay_out(capi_layout_box *boxes, uint32_t box_count, capi_layout_edge *edges,
                                     uint32_t edge_count, capi_arena *arena);

/* diagram_order.c: few crossings. */
void capi_layers_order(capi_layers *graph, capi_arena *arena);

/* diagram_place.c: x of all vertices, then places of boxes, labels and points. */
void capi_layers_place(capi_layers *graph, capi_arena *arena);
capi_layout_size capi_layers_write(const capi_layers *graph, capi_layout_box *boxes, capi_layout_edge *edges,
                                   capi_arena *arena);
