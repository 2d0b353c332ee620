/* diagram_svg.c - the diagram as SVG: boxes with an icon and lines of text, edges as curves with labels.
 *
 * Colours follow the page (prefers-color-scheme). Text widths are estimated on the safe side, so that text stays within its
 * box; where they cannot be known, the text is clipped. */
#include "script/diagram_box.h"
#include "script/diagram_color.h"
#include "script/diagram_layout.h"
#include "script/diagram_text.h"

#include "base/hash.h"

#include <math.h>

static const double FONT = 20;
static const double LABEL_FONT = 18;
static const double LINE = 1.3;
static const double LABEL_WIDTH = 420;
static const double ICON_HEIGHT_MAX = 5 * 20 * 1.3;

typedef struct drawing {
    const capi_diagram_graph *graph;
    capi_diagram_box *texts;
    capi_layout_box *places;
    capi_layout_edge *edges;
    uint8_t *colors; /* per node */
    bool colors_edges;
    capi_buf *to;
} drawing;

/* ---- icons ---- */

typedef enum svg_icon {
    ICON_FILE_TABLE,
    ICON_TABLE_TABLE,
    ICON_LOOKUP,
    ICON_DISTINCT,
    ICON_PYTHON,
    ICON_TAGS,
    ICON_CSV,
    ICON_PARQUET,
    ICON_COUNT,
} svg_icon;

#define DATABASE "M2 6a8 4 0 0 1 16 0v16a8 4 0 0 1 -16 0zM2 6a8 4 0 0 0 16 0M2 14a8 4 0 0 0 16 0"
#define DOCUMENT "M2 2h18l8 8v16h-26zM20 2v8h8"

/* Drawn in a field 28 high, by strokes alone. */
static const struct {
    const char *name;
    int width;
    const char *path;
} icons[ICON_COUNT] = {
    [ICON_FILE_TABLE] = {"file_table", 48, DATABASE "M30 2h10l6 6v18h-16zM40 2v6h6M28 14h-7M24 11l-3 3l3 3"},
    [ICON_TABLE_TABLE] = {"table_table", 48,
                          DATABASE "M30 6a8 4 0 0 1 16 0v16a8 4 0 0 1 -16 0zM30 6a8 4 0 0 0 16 0M30 14a8 4 0 0 0 16 0"
                                   "M20 14h8M25 11l3 3l-3 3"},
    [ICON_LOOKUP] = {"lookup", 48, DATABASE "M46 5h-6l-8 9h-11M46 23h-6l-8 -9M25 10l-4 4l4 4"},
    [ICON_DISTINCT] = {"distinct", 46, DATABASE "M25 8v12M31 8v12h4a6 6 0 0 0 0 -12z"},
    [ICON_PYTHON] = {"python", 48,
                     DATABASE "M31 10v-3a4 4 0 0 1 4 -4h4a4 4 0 0 1 4 4v3a4 4 0 0 1 -4 4h-8a4 4 0 0 0 -4 4v3"
                              "M40 18v3a4 4 0 0 1 -4 4h-4a4 4 0 0 1 -4 -4M36 7h.1M35 21h.1M35 10h-8"},
    [ICON_TAGS] = {"tags", 48, DATABASE "M24 7h10l10 10l-9 9l-11 -11zM27 10h2v2h-2zM38 7l8 8"},
    [ICON_CSV] = {"csv", 30, DOCUMENT "M7 14h14M7 18h14M7 22h9"},
    [ICON_PARQUET] = {"parquet", 30, DOCUMENT "M7 13h5v9h-5zM15 13h6v9h-6zM7 17h5M15 17h6"},
};

static svg_icon node_icon(const capi_node *node)
{
    switch (node->type) {
    case CAPI_NODE_FILE_TABLE: return ICON_FILE_TABLE;
    case CAPI_NODE_LOOKUP: return ICON_LOOKUP;
    case CAPI_NODE_DISTINCT: return ICON_DISTINCT;
    case CAPI_NODE_CUSTOM: return node->processor->kind == CAPI_PROCESSOR_PY ? ICON_PYTHON : ICON_TAGS;
    case CAPI_NODE_TABLE_FILE: return node->file->kind == CAPI_FILE_PARQUET ? ICON_PARQUET : ICON_CSV;
    case CAPI_NODE_TABLE_TABLE:
    case CAPI_NODE_TYPE_COUNT: break;
    }
    return ICON_TABLE_TABLE;
}

static double icon_height(const capi_diagram_box *text)
{
    return fmin(text->line_count * FONT * LINE, ICON_HEIGHT_MAX);
}

static double icon_width(const capi_diagram_box *text, svg_icon icon)
{
    return icon_height(text) * icons[icon].width / 28;
}

/* ---- sizes ---- */

static void box_size(const capi_diagram_box *text, svg_icon icon, capi_layout_box *out)
{
    double widest = 0;

    for (uint32_t i = 0; i < text->line_count; i++)
        widest = fmax(widest, capi_text_width(text->lines[i], CAPI_FACE_BOX));
    out->height = text->line_count * FONT * LINE + 2 * FONT;
    out->width = widest + icon_width(text, icon) + FONT * 2.75;
}

static void label_size(capi_diagram_edge *edge, capi_layout_box *out, capi_arena *arena)
{
    double widest = 0;

    *out = (capi_layout_box){0};
    if (edge->line_count == 0) return;
    for (uint32_t i = 0; i < edge->line_count; i++) {
        edge->label[i] = capi_text_fit(edge->label[i], CAPI_FACE_LABEL, LABEL_WIDTH, arena);
        widest = fmax(widest, capi_text_width(edge->label[i], CAPI_FACE_LABEL));
    }
    out->width = widest + LABEL_FONT;
    out->height = edge->line_count * LABEL_FONT * LINE + LABEL_FONT / 2;
}

/* Lookups in one table whose labels say the same share the label. */
static void share_labels(const drawing *d, capi_arena *arena)
{
    capi_buf key = {0};
    capi_map seen;

    capi_map_init(&seen, arena);
    for (uint32_t e = 0; e < d->graph->edge_count; e++) {
        const capi_diagram_edge *edge = &d->graph->edges[e];
        uintptr_t leader;

        if (!edge->is_lookup || edge->line_count == 0) continue;
        capi_buf_clear(&key);
        capi_buf_printf(&key, "%u", edge->from);
        for (uint32_t i = 0; i < edge->line_count; i++) {
            capi_buf_append_byte(&key, '\n');
            capi_buf_append_str(&key, edge->label[i]);
        }
        leader = (uintptr_t)capi_map_get(&seen, capi_buf_str(&key));
        if (leader)
            d->edges[e].leader = (uint32_t)leader;
        else
            capi_map_put(&seen, capi_str_copy(arena, capi_buf_str(&key)), (void *)((uintptr_t)e + 1));
    }
    capi_buf_deinit(&key);
}

/* ---- drawing ---- */

static void draw_class(capi_buf *to, const char *name, uint8_t color)
{
    capi_buf_printf(to, " class=\"%s", name);
    if (color) capi_buf_printf(to, " c%d", color);
    capi_buf_append_byte(to, '"');
}

static void draw_rect(capi_buf *to, const char *name, uint8_t color, const capi_layout_box *at, int radius)
{
    capi_buf_append_text(to, "<rect");
    draw_class(to, name, color);
    capi_buf_printf(to, " x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%d\"", at->x, at->y, at->width,
                    at->height, radius);
}

static void draw_text(capi_buf *to, const char *name, capi_str text, double x, double y, double width)
{
    bool is_clipped = !capi_text_is_ascii(text);

    if (text.bytes == 0) return;
    if (is_clipped) {
        capi_buf_printf(to, "<svg x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">", x, y - FONT * 1.05, width,
                        FONT * 1.5);
        x = 0;
        y = FONT * 1.05;
    }
    capi_buf_printf(to, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", name, x, y);
    capi_text_escape(to, text);
    capi_buf_append_text(to, is_clipped ? "</text></svg>" : "</text>");
}

static void draw_box(const drawing *d, uint32_t number)
{
    const capi_node *node = d->graph->nodes[number];
    const capi_diagram_box *text = &d->texts[number];
    const capi_layout_box *at = &d->places[number];
    svg_icon icon = node_icon(node);
    double text_x = at->x + icon_width(text, icon) + FONT * 1.75;
    double text_y = at->y + FONT * 2;

    capi_buf_append_text(d->to, "<g><title>");
    capi_text_escape(d->to, node->desc.bytes ? node->desc : node->name);
    capi_buf_append_text(d->to, "</title>");
    draw_rect(d->to, "box", d->colors[number], at, 10);
    capi_buf_printf(d->to, " stroke-width=\"%d\"/><use href=\"#capi-%s\"", node->is_manual ? 5 : 1, icons[icon].name);
    draw_class(d->to, "icon", d->colors[number]);
    capi_buf_printf(d->to, " x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", at->x + FONT,
                    at->y + (at->height - icon_height(text)) / 2, icon_width(text, icon), icon_height(text));
    for (uint32_t i = 0; i < text->line_count; i++)
        draw_text(d->to, "txt", text->lines[i], text_x, text_y + i * FONT * LINE,
                  at->x + at->width - text_x - FONT / 2);
    capi_buf_append_text(d->to, "</g>\n");
}

static void draw_tooltip(capi_buf *to, const capi_diagram_edge *about)
{
    if (about->line_count == 0) return;
    capi_buf_append_text(to, "<title>");
    for (uint32_t i = 0; i < about->line_count; i++) {
        if (i) capi_buf_append_byte(to, ' ');
        capi_text_escape(to, about->label[i]);
    }
    capi_buf_append_text(to, "</title>");
}

static uint8_t edge_color(const drawing *d, uint32_t e)
{
    return d->colors_edges ? d->colors[d->graph->edges[e].from] : CAPI_DIAGRAM_PLAIN;
}

static void draw_edge(const drawing *d, uint32_t e)
{
    const capi_diagram_edge *about = &d->graph->edges[e];
    const capi_layout_edge *edge = &d->edges[e];
    const capi_layout_point *p = edge->points;
    uint8_t color = edge_color(d, e);

    capi_buf_append_text(d->to, "<path");
    draw_class(d->to, "edge", color);
    capi_buf_printf(d->to, " marker-end=\"url(#capi-tip%d)\"%s d=\"M%.1f %.1f", color,
                    about->is_lookup ? " stroke-dasharray=\"8 5\"" : "", p[0].x, p[0].y);
    for (uint32_t i = 1; i < edge->point_count; i++) {
        double middle = (p[i - 1].y + p[i].y) / 2;

        if (fabs(p[i].x - p[i - 1].x) < 0.05)
            capi_buf_printf(d->to, "L%.1f %.1f", p[i].x, p[i].y);
        else
            capi_buf_printf(d->to, "C%.1f %.1f %.1f %.1f %.1f %.1f", p[i - 1].x, middle, p[i].x, middle, p[i].x,
                            p[i].y);
    }
    capi_buf_append_text(d->to, "\">");
    draw_tooltip(d->to, about);
    capi_buf_append_text(d->to, "</path>\n");
}

static void draw_label(const drawing *d, uint32_t e)
{
    const capi_diagram_edge *about = &d->graph->edges[e];
    const capi_layout_box *at = &d->edges[e].label;

    if (about->line_count == 0 || d->edges[e].leader) return;
    capi_buf_append_text(d->to, "<g>");
    draw_tooltip(d->to, about);
    draw_rect(d->to, "lbox", edge_color(d, e), at, 6);
    capi_buf_append_text(d->to, about->is_lookup ? " stroke-dasharray=\"5 4\"/>" : "/>");
    for (uint32_t i = 0; i < about->line_count; i++)
        draw_text(d->to, "lbl", about->label[i], at->x + LABEL_FONT / 2, at->y + LABEL_FONT * (1.2 + i * LINE),
                  at->width - LABEL_FONT / 2);
    capi_buf_append_text(d->to, "</g>\n");
}

/* Only what is used. */
static void draw_definitions(const drawing *d, const bool used[CAPI_DIAGRAM_COLORS])
{
    bool has_icon[ICON_COUNT] = {false};

    for (uint32_t i = 0; i < d->graph->node_count; i++)
        has_icon[node_icon(d->graph->nodes[i])] = true;
    capi_diagram_style(d->to, used);
    capi_buf_append_text(d->to, "<defs>\n");
    for (int i = 0; i < ICON_COUNT; i++)
        if (has_icon[i])
            capi_buf_printf(d->to, "<symbol id=\"capi-%s\" viewBox=\"0 0 %d 28\"><path d=\"%s\"/></symbol>\n",
                            icons[i].name, icons[i].width, icons[i].path);
    for (int i = 0; i < CAPI_DIAGRAM_COLORS; i++) {
        if (i > 0 && !used[i]) continue;
        capi_buf_printf(d->to,
                        "<marker id=\"capi-tip%d\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" "
                        "markerHeight=\"7\" orient=\"auto\"><path",
                        i);
        draw_class(d->to, "tip", (uint8_t)i);
        capi_buf_append_text(d->to, " d=\"M0 0L10 5L0 10z\"/></marker>\n");
    }
    capi_buf_append_text(d->to, "</defs>\n");
}

static void draw_all(const drawing *d, capi_layout_size size)
{
    const capi_diagram_graph *graph = d->graph;
    bool used[CAPI_DIAGRAM_COLORS] = {false};

    for (uint32_t i = 0; i < graph->node_count; i++)
        used[d->colors[i]] = true;
    capi_buf_printf(d->to,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"capi\" width=\"%.0f\" height=\"%.0f\" "
                    "viewBox=\"0 0 %.0f %.0f\">\n",
                    ceil(size.width), ceil(size.height), ceil(size.width), ceil(size.height));
    draw_definitions(d, used);
    capi_buf_append_text(d->to, "<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n");
    for (uint32_t e = 0; e < graph->edge_count; e++)
        draw_edge(d, e);
    for (uint32_t e = 0; e < graph->edge_count; e++)
        draw_label(d, e);
    for (uint32_t i = 0; i < graph->node_count; i++)
        draw_box(d, i);
    capi_buf_append_text(d->to, "</svg>\n");
}

void capi_diagram_svg(const capi_script *script, const capi_diagram_options *options, capi_buf *to)
{
    capi_arena arena = {0};
    capi_diagram_graph graph;
    bool has_status = options->statuses != NULL;
    drawing d = {.graph = &graph, .colors_edges = !has_status, .to = to};

    capi_diagram_graph_make(script, options, &arena, &graph);
    d.texts = capi_new_array(&arena, capi_diagram_box, graph.node_count);
    d.places = capi_new_array(&arena, capi_layout_box, graph.node_count);
    d.edges = capi_new_array(&arena, capi_layout_edge, graph.edge_count);
    d.colors = capi_new_array(&arena, uint8_t, graph.node_count);
    if (options->with_root_colors && !has_status) capi_diagram_color_roots(&graph, d.colors, &arena);
    for (uint32_t i = 0; i < graph.node_count; i++) {
        (has_status ? capi_diagram_box_name : capi_diagram_box_full)(&d.texts[i], graph.nodes[i], &arena);
        if (has_status) d.colors[i] = capi_diagram_color_status(graph.statuses[i]);
        box_size(&d.texts[i], node_icon(graph.nodes[i]), &d.places[i]);
    }
    for (uint32_t e = 0; e < graph.edge_count; e++) {
        d.edges[e] = (capi_layout_edge){.from = graph.edges[e].from, .to = graph.edges[e].to};
        label_size(&graph.edges[e], &d.edges[e].label, &arena);
    }
    share_labels(&d, &arena);
    draw_all(&d, capi_diagram_layout(d.places, graph.node_count, d.edges, graph.edge_count, &arena));
    capi_arena_deinit(&arena);
}
