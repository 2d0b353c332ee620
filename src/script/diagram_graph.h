/* diagram_graph.h - what both kinds of diagram draw: nodes sorted by name, edges with their labels. */
#pragma once

#include "script/diagram.h"

typedef struct capi_diagram_edge {
    uint32_t from, to; /* diagram node numbers */
    bool is_lookup;
    capi_str *label; /* lines */
    uint32_t line_count;
} capi_diagram_edge;

typedef struct capi_diagram_graph {
    const capi_node **nodes; /* sorted by name */
    int *statuses;           /* CAPI_DIAGRAM_NO_STATUS where there is none */
    uint32_t node_count;
    capi_diagram_edge *edges;
    uint32_t edge_count;
} capi_diagram_graph;

void capi_diagram_graph_make(const capi_script *script, const capi_diagram_options *options, capi_arena *arena,
                             capi_diagram_graph *out);

/* The fields of one side that the node's writer uses, and if asked for its custom processor, too; sorted by name, each once. */
uint32_t capi_diagram_used_fields(const capi_node *node, capi_side side, bool with_processor, capi_arena *arena,
                                  capi_str **names);
