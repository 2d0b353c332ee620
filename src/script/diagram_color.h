/* diagram_color.h - the colours of an SVG diagram: one for light pages, as the palette has it, and one for dark ones. */
#pragma once

#include "script/diagram_graph.h"

enum { CAPI_DIAGRAM_PLAIN = 0, CAPI_DIAGRAM_COLORS = 16 }; /* a colour is a number; 0: black and white */

/* Each root and everything that reads from it, by primary edges, gets one colour; the largest family the first one. */
void capi_diagram_color_roots(const capi_diagram_graph *graph, uint8_t *colors, capi_arena *arena);
uint8_t capi_diagram_color_status(int status);
/* The style sheet, with the colours that are used. */
void capi_diagram_style(capi_buf *to, const bool used[CAPI_DIAGRAM_COLORS]);
