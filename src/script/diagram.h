/* diagram.h - a script as a picture: nodes as boxes, tables and files flowing from top to bottom.
 *
 * An edge leads from the node that makes a table to a node that reads it (solid) or looks up in it (dashed). SVG has a layout
 * of its own (diagram_layout.h) and is readable on light and dark pages; DOT leaves the layout to Graphviz. The output
 * depends on nothing but the script and the options. */
#pragma once

#include "script/script.h"

enum { CAPI_DIAGRAM_NO_STATUS = -1 };

typedef struct capi_diagram_options {
    bool with_index;       /* edge labels: table and batches, index of a lookup */
    bool with_fields;      /* edge labels: the fields that are read */
    bool with_root_colors; /* SVG: one colour for each root and everything that reads from it */
    const int
        *statuses; /* per script node (script->nodes order): 0, 1, 2, 3, 104 or CAPI_DIAGRAM_NO_STATUS; NULL: none */
} capi_diagram_options;

void capi_diagram_svg(const capi_script *script, const capi_diagram_options *options, capi_buf *to);
void capi_diagram_dot(const capi_script *script, const capi_diagram_options *options, capi_buf *to);
