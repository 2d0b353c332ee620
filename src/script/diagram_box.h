/* diagram_box.h - what a box of the SVG diagram says. */
#pragma once

#include "script/diagram_graph.h"

enum { CAPI_DIAGRAM_BOX_LINES = 8 /* one of them for trying */ };

typedef struct capi_diagram_box {
    capi_str lines[CAPI_DIAGRAM_BOX_LINES];
    uint32_t line_count;
} capi_diagram_box;

/* Name, description, kind of processing, source, result. */
void capi_diagram_box_full(capi_diagram_box *box, const capi_node *node, capi_arena *arena);
/* The name between empty lines. */
void capi_diagram_box_name(capi_diagram_box *box, const capi_node *node, capi_arena *arena);
/* "/tmp/out/x/y.csv" -> "/tmp/out/.../y.csv": the first three parts and the last. */
capi_str capi_diagram_short_url(capi_str url, capi_arena *arena);
