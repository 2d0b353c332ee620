/* diagram_svg.c - the diagram as SVG: boxes with an icon and lines of text, edges as curves with labels.
 *
 * Colours of text and lines follow the page (prefers-color-scheme); colours of roots and statuses are the same on both. Text
 * widths are estimated on the safe side for Verdana and its usual replacements, so that text stays within its box. */
#include "script/diagram_graph.h"
#include "script/diagram_layout.h"

#include <stdlib.h>

static const double FONT = 20;
static const double LABEL_FONT = 18;
static const double LINE = 1.3;

static const char *const palette[] = {"#023EFF", "#FF7C00", "#1AC938", "#E8000B", "#8B2BE2",
                                      "#9F4800", "#F14CC1", "#A3A3A3", "#FFC400", "#00D7FF"};
enum { PALETTE_COUNT = sizeof palette / sizeof *palette };

typedef struct svg_node {
    capi_str lines[5];
    uint32_t line_count;
    const char *icon;
    const char *color; /* NULL: the page's */
} svg_node;

/* ---- text ---- */

static void svg_text(capi_buf *to, capi_str text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.data[i];

        switch (c) {
        case '&': capi_buf_append_text(to, "&amp;"); break;
        case '<': capi_buf_append_text(to, "&lt;"); break;
        case '>': capi_buf_append_text(to, "&gt;"); break;
        case '"': capi_buf_append_text(to, "&quot;"); break;
        case '\'': capi_buf_append_text(to, "&#39;"); break;
        default: capi_buf_append_byte(to, c < 0x20 ? ' ' : (char)c);
        }
    }
}

static double text_width(capi_str text, double font)
{
    double em = 0;

    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if ((c & 0xC0) == 0x80) continue;
        if (c >= 0xE0)
            em += 1.05; /* may be as wide as high */
        else if (c && strchr("iljtfrI.,:;'|!()[]{}/ -", c))
            em += 0.48;
        else if (c && strchr("mwMW@%", c))
            em += 1.05;
        else
            em += (c >= 'A' && c <= 'Z') || c >= 0x80 ? 0.78 : 0.67;
    }
    return em * font;
}

/* "/tmp/out/x/y.csv" -> "/tmp/out/.../y.csv": the first three parts and the last. */
static capi_str shorten(capi_str url, capi_arena *arena)
{
    size_t slashes[4] = {0};
    uint32_t count = 0;
    size_t last = 0;

    for (size_t i = 0; i < url.bytes; i++)
        if (url.data[i] == '/') {
            if (count < 4) slashes[count] = i;
            count++;
            last = i;
        }
    if (count < 4) return url;
    return capi_str_format(arena, "%.*s/...%.*s", (int)slashes[2], url.data, (int)(url.bytes - last), url.data + last);
}

/* ---- what a box says ---- */

static void box_line(svg_node *box, capi_str line)
{
    if (line.bytes) box->lines[box->line_count++] = line;
}

static capi_str join_words(const capi_node *node)
{
    if (node->lookup->is_grouped)
        return node->lookup->is_left ? CAPI_STR("left join, grouped") : CAPI_STR("inner join, grouped");
    return node->lookup->is_left ? CAPI_STR("left join") : CAPI_STR("inner join");
}

static capi_str unique_index(const capi_node *node)
{
    for (uint32_t i = 0; i < node->table->index_count; i++)
        if (node->table->indexes[i].key.is_unique) return node->table->indexes[i].name;
    return CAPI_STR("");
}

static void box_full(svg_node *box, const capi_node *node, capi_arena *arena)
{
    box_line(box, node->name);
    box_line(box, node->desc);
    switch (node->type) {
    case CAPI_NODE_FILE_TABLE:
        if (node->source.url_count) box_line(box, shorten(node->source.urls[0], arena));
        break;
    case CAPI_NODE_TABLE_TABLE:
    case CAPI_NODE_TABLE_FILE: box_line(box, node->source_table); break;
    case CAPI_NODE_LOOKUP:
        box_line(box, join_words(node));
        box_line(box, node->lookup->index->name);
        break;
    case CAPI_NODE_DISTINCT: box_line(box, unique_index(node)); break;
    case CAPI_NODE_CUSTOM:
        box_line(box, node->processor->kind == CAPI_PROCESSOR_PY ? CAPI_STR("Python formulas") : CAPI_STR("tags"));
        break;
    case CAPI_NODE_TYPE_COUNT: break;
    }
    box_line(box, node->table ? node->table->name : shorten(node->file->url_template, arena));
}

static const char *icon_name(const capi_node *node)
{
    switch (node->type) {
    case CAPI_NODE_FILE_TABLE: return "file_table";
    case CAPI_NODE_TABLE_TABLE: return "table_table";
    case CAPI_NODE_LOOKUP: return "lookup";
    case CAPI_NODE_DISTINCT: return "distinct";
    case CAPI_NODE_CUSTOM: return node->processor->kind == CAPI_PROCESSOR_PY ? "python" : "tags";
    case CAPI_NODE_TABLE_FILE: return node->file->kind == CAPI_FILE_PARQUET ? "parquet" : "csv";
    case CAPI_NODE_TYPE_COUNT: break;
    }
    return "table_table";
}

/* ---- colours ---- */

static const char *status_color(int status)
{
    switch (status) {
    case CAPI_DIAGRAM_NO_STATUS:
    case 0: return NULL;
    case 1: return "#63AFFA";
    case 2: return "#4CCC93";
    case 3: return "#F84143";
    case 104: return "#FBA141";
    default: return "#2F4F4F";
    }
}

typedef struct root_size {
    uint32_t root, count;
} root_size;

static int compare_roots(const void *a, const void *b)
{
    const root_size *x = a;
    const root_size *y = b;

    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return x->root < y->root ? -1 : x->root > y->root;
}

/* Each root and everything that reads from it, by primary edges, gets one colour; the largest family the first one. */
static void color_roots(const capi_diagram_graph *graph, svg_node *boxes, capi_arena *arena)
{
    uint32_t *root_of = capi_new_array(arena, uint32_t, graph->node_count);
    root_size *sizes = capi_new_array(arena, root_size, graph->node_count);
    uint32_t *source = capi_new_array(arena, uint32_t, graph->node_count);

    for (uint32_t i = 0; i < graph->node_count; i++)
        source[i] = UINT32_MAX;
    for (uint32_t e = 0; e < graph->edge_count; e++)
        if (!graph->edges[e].is_lookup) source[graph->edges[e].to] = graph->edges[e].from;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        uint32_t root = i;

        while (source[root] != UINT32_MAX)
            root = source[root];
        root_of[i] = root;
        sizes[i].root = i;
        sizes[root].count++;
    }
    qsort(sizes, graph->node_count, sizeof *sizes, compare_roots);
    for (uint32_t i = 0; i < graph->node_count && sizes[i].count; i++)
        boxes[sizes[i].root].color = palette[i % PALETTE_COUNT];
    for (uint32_t i = 0; i < graph->node_count; i++)
        boxes[i].color = boxes[root_of[i]].color;
}

/* ---- drawing ---- */

static const char style[] =
    "<style>\n"
    ".ink{stroke:#222;fill:#222}.box{fill:#fff;stroke:#222}.txt{font:20px Verdana,'DejaVu Sans',sans-serif;fill:#111}\n"
    ".lbl{font:18px Arial,'Liberation "
    "Sans',sans-serif;fill:#606060}.lbox{fill:#fff;stroke:#888}.edge{fill:none;stroke:#444;"
    "stroke-width:2}.icon{fill:none;stroke-width:2;stroke:#222}.page{fill:#fff}\n"
    "@media "
    "(prefers-color-scheme:dark){.page{fill:#16181c}.box{fill:#20242b;stroke:#ccc}.txt{fill:#eee}.lbl{fill:#b8bcc4}"
    ".lbox{fill:#16181c;stroke:#777}.edge{stroke:#aaa}.icon{stroke:#ccc}.ink{stroke:#aaa;fill:#aaa}}\n"
    "</style>\n";

#define DATABASE "M2 6a8 4 0 0 1 16 0v16a8 4 0 0 1 -16 0zM2 6a8 4 0 0 0 16 0M2 14a8 4 0 0 0 16 0"

static const char symbols[] =
    "<defs>\n"
    "<marker id=\"arrow\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" "
    "orient=\"auto\"><path class=\"ink\" d=\"M0 0L10 5L0 10z\"/></marker>\n"
    "<symbol id=\"file_table\" viewBox=\"0 0 48 28\"><path d=\"M30 2h10l6 6v18h-16zM40 2v6h6M20 14h8M25 11l-5 3l5 "
    "3" DATABASE "\"/></symbol>\n"
    "<symbol id=\"table_table\" viewBox=\"0 0 48 28\"><path d=\"" DATABASE "M30 6a8 4 0 0 1 16 0v16a8 4 0 0 1 -16 0z"
    "M30 6a8 4 0 0 0 16 0M20 14h8M25 11l3 3l-3 3\"/></symbol>\n"
    "<symbol id=\"lookup\" viewBox=\"0 0 48 28\"><path d=\"" DATABASE
    "M46 4h-6l-8 10h-8M46 24h-6l-8 -10M28 11l-4 3l4 3\"/>"
    "</symbol>\n"
    "<symbol id=\"distinct\" viewBox=\"0 0 48 28\"><path d=\"" DATABASE
    "M26 8v12M32 8v12h4a6 6 0 0 0 0 -12z\"/></symbol>\n"
    "<symbol id=\"python\" viewBox=\"0 0 48 28\"><path d=\"" DATABASE
    "M30 10v-4a4 4 0 0 1 8 0v6h-8a4 4 0 0 0 0 8M46 18v4"
    "a4 4 0 0 1 -8 0v-4\"/></symbol>\n"
    "<symbol id=\"tags\" viewBox=\"0 0 48 28\"><path d=\"" DATABASE
    "M26 6h10l10 10l-10 10l-10 -10zM31 11h.1\"/></symbol>\n"
    "<symbol id=\"csv\" viewBox=\"0 0 48 28\"><path d=\"M12 2h18l8 8v16h-26zM30 2v8h8M16 14h16M16 18h16M16 "
    "22h10\"/></symbol>\n"
    "<symbol id=\"parquet\" viewBox=\"0 0 48 28\"><path d=\"M12 2h18l8 8v16h-26zM30 2v8h8M16 14h6v8h-6zM26 "
    "14h6v8h-6z\"/>"
    "</symbol>\n</defs>\n";

static double icon_width(const svg_node *box)
{
    return box->line_count * FONT * LINE * 48 / 28;
}

static void box_size(const svg_node *box, bool has_icon, capi_layout_box *out)
{
    double widest = 0;

    for (uint32_t i = 0; i < box->line_count; i++) {
        double width = text_width(box->lines[i], FONT);

        if (width > widest) widest = width;
    }
    out->height = box->line_count * FONT * LINE + 2 * FONT;
    if (!has_icon && box->line_count == 1) out->height += 2 * FONT * LINE; /* an empty line above and below */
    out->width = widest + 2 * FONT + (has_icon ? icon_width(box) + FONT / 2 : 0);
}

static void label_size(const capi_diagram_edge *edge, capi_layout_box *out)
{
    double widest = 0;

    *out = (capi_layout_box){0};
    if (edge->line_count == 0) return;
    for (uint32_t i = 0; i < edge->line_count; i++) {
        double width = text_width(edge->label[i], LABEL_FONT);

        if (width > widest) widest = width;
    }
    out->width = widest + LABEL_FONT;
    out->height = edge->line_count * LABEL_FONT * LINE + LABEL_FONT / 2;
}

static void draw_box(capi_buf *to, const svg_node *box, const capi_layout_box *at, const capi_node *node, bool has_icon)
{
    double text_x = at->x + FONT + (has_icon ? icon_width(box) + FONT / 2 : 0);
    double text_y = at->y + (at->height - box->line_count * FONT * LINE) / 2 + FONT;

    capi_buf_append_text(to, "<g><title>");
    svg_text(to, node->desc.bytes ? node->desc : node->name);
    capi_buf_printf(to,
                    "</title><rect class=\"box\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"10\" "
                    "stroke-width=\"%d\"",
                    at->x, at->y, at->width, at->height, node->is_manual ? 5 : 1);
    if (box->color) capi_buf_printf(to, " style=\"fill:%s;fill-opacity:0.3;stroke:%s\"", box->color, box->color);
    capi_buf_append_text(to, "/>");
    if (has_icon) {
        capi_buf_printf(to, "<use href=\"#%s\" class=\"icon\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"",
                        box->icon, at->x + FONT * 0.75, at->y + FONT, icon_width(box), box->line_count * FONT * LINE);
        if (box->color) capi_buf_printf(to, " style=\"stroke:%s\"", box->color);
        capi_buf_append_text(to, "/>");
    }
    for (uint32_t i = 0; i < box->line_count; i++) {
        capi_buf_printf(to, "<text class=\"txt\" x=\"%.1f\" y=\"%.1f\"%s>", text_x, text_y + i * FONT * LINE,
                        i == 0 && box->line_count > 1 ? " font-weight=\"bold\"" : "");
        svg_text(to, box->lines[i]);
        capi_buf_append_text(to, "</text>");
    }
    capi_buf_append_text(to, "</g>\n");
}

static void draw_edge(capi_buf *to, const capi_layout_edge *edge, const capi_diagram_edge *about, const char *color)
{
    const capi_layout_point *p = edge->points;

    capi_buf_printf(to, "<path class=\"edge\" marker-end=\"url(#arrow)\"%s",
                    about->is_lookup ? " stroke-dasharray=\"8 5\"" : "");
    if (color) capi_buf_printf(to, " style=\"stroke:%s\"", color);
    capi_buf_printf(to, " d=\"M%.1f %.1f", p[0].x, p[0].y);
    for (uint32_t i = 1; i < edge->point_count; i++) {
        double middle = (p[i - 1].y + p[i].y) / 2;

        if (p[i].x == p[i - 1].x)
            capi_buf_printf(to, "L%.1f %.1f", p[i].x, p[i].y);
        else
            capi_buf_printf(to, "C%.1f %.1f %.1f %.1f %.1f %.1f", p[i - 1].x, middle, p[i].x, middle, p[i].x, p[i].y);
    }
    capi_buf_append_text(to, "\">");
    if (about->line_count) {
        capi_buf_append_text(to, "<title>");
        for (uint32_t i = 0; i < about->line_count; i++) {
            if (i) capi_buf_append_byte(to, ' ');
            svg_text(to, about->label[i]);
        }
        capi_buf_append_text(to, "</title>");
    }
    capi_buf_append_text(to, "</path>\n");
}

static void draw_label(capi_buf *to, const capi_layout_edge *edge, const capi_diagram_edge *about, const char *color)
{
    const capi_layout_box *at = &edge->label;

    if (about->line_count == 0) return;
    capi_buf_printf(to, "<rect class=\"lbox\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"6\"%s", at->x,
                    at->y, at->width, at->height, about->is_lookup ? " stroke-dasharray=\"5 4\"" : "");
    if (color) capi_buf_printf(to, " style=\"stroke:%s\"", color);
    capi_buf_append_text(to, "/>");
    for (uint32_t i = 0; i < about->line_count; i++) {
        capi_buf_printf(to, "<text class=\"lbl\" x=\"%.1f\" y=\"%.1f\">", at->x + LABEL_FONT / 2,
                        at->y + LABEL_FONT * 1.1 + i * LABEL_FONT * LINE);
        svg_text(to, about->label[i]);
        capi_buf_append_text(to, "</text>");
    }
    capi_buf_append_byte(to, '\n');
}

void capi_diagram_svg(const capi_script *script, const capi_diagram_options *options, capi_buf *to)
{
    capi_arena arena = {0};
    capi_diagram_graph graph;
    bool is_full = !options->statuses;
    svg_node *boxes;
    capi_layout_box *places;
    capi_layout_edge *edges;
    capi_layout_size size;

    capi_diagram_graph_make(script, options, &arena, &graph);
    boxes = capi_new_array(&arena, svg_node, graph.node_count);
    places = capi_new_array(&arena, capi_layout_box, graph.node_count);
    edges = capi_new_array(&arena, capi_layout_edge, graph.edge_count);
    if (options->with_root_colors && is_full) color_roots(&graph, boxes, &arena);
    for (uint32_t i = 0; i < graph.node_count; i++) {
        if (is_full)
            box_full(&boxes[i], graph.nodes[i], &arena);
        else
            box_line(&boxes[i], graph.nodes[i]->name);
        boxes[i].icon = icon_name(graph.nodes[i]);
        if (!is_full) boxes[i].color = status_color(graph.statuses[i]);
        box_size(&boxes[i], is_full, &places[i]);
    }
    for (uint32_t e = 0; e < graph.edge_count; e++) {
        edges[e] = (capi_layout_edge){.from = graph.edges[e].from, .to = graph.edges[e].to};
        label_size(&graph.edges[e], &edges[e].label);
    }
    size = capi_diagram_layout(places, graph.node_count, edges, graph.edge_count, &arena);

    capi_buf_printf(
        to, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n",
        size.width, size.height, size.width, size.height);
    capi_buf_append_text(to, style);
    capi_buf_append_text(to, symbols);
    capi_buf_append_text(to, "<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n");
    for (uint32_t e = 0; e < graph.edge_count; e++)
        draw_edge(to, &edges[e], &graph.edges[e], is_full ? boxes[graph.edges[e].from].color : NULL);
    for (uint32_t e = 0; e < graph.edge_count; e++)
        draw_label(to, &edges[e], &graph.edges[e], is_full ? boxes[graph.edges[e].from].color : NULL);
    for (uint32_t i = 0; i < graph.node_count; i++)
        draw_box(to, &boxes[i], &places[i], graph.nodes[i], is_full);
    capi_buf_append_text(to, "</svg>\n");
    capi_arena_deinit(&arena);
}
