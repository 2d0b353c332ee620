/* diagram_color.c - colours of families and statuses, and the style sheet. */
#include "script/diagram_color.h"

#include <stdlib.h>

enum { ROOT_COLORS = 10 };

static const struct {
    const char *light, *dark;
} palette[CAPI_DIAGRAM_COLORS] = {
    {NULL, NULL},           {"#023EFF", "#7D98FF"}, {"#FF7C00", "#FF9A3D"}, {"#1AC938", "#3DDB58"},
    {"#E8000B", "#FF6B70"}, {"#8B2BE2", "#B983F2"}, {"#9F4800", "#D98A4A"}, {"#F14CC1", "#F57FD3"},
    {"#A3A3A3", "#B5B5B5"}, {"#FFC400", "#FFD24D"}, {"#00D7FF", "#5BE4FF"}, {"#63AFFA", "#7DBDFB"},
    {"#4CCC93", "#5FD9A2"}, {"#F84143", "#FF6E70"}, {"#FBA141", "#FCB062"}, {"#2F4F4F", "#8FB3B3"},
};

uint8_t capi_diagram_color_status(int status)
{
    switch (status) {
    case CAPI_DIAGRAM_NO_STATUS:
    case 0: return CAPI_DIAGRAM_PLAIN;
    case 1: return 11;
    case 2: return 12;
    case 3: return 13;
    case 104: return 14;
    default: return 15;
    }
}

/* ---- families ---- */

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

/* Follows the sources up, and makes them all point to the root: long chains are walked once. */
static uint32_t find_root(uint32_t *source, uint32_t node)
{
    uint32_t root = node;

    while (source[root] != UINT32_MAX)
        root = source[root];
    while (source[node] != UINT32_MAX) {
        uint32_t next = source[node];

        source[node] = root;
        node = next;
    }
    return root;
}

void capi_diagram_color_roots(const capi_diagram_graph *graph, uint8_t *colors, capi_arena *arena)
{
    uint32_t *root_of = capi_new_array(arena, uint32_t, graph->node_count);
    root_size *sizes = capi_new_array(arena, root_size, graph->node_count);
    uint32_t *source = capi_new_array(arena, uint32_t, graph->node_count);

    for (uint32_t i = 0; i < graph->node_count; i++)
        source[i] = UINT32_MAX;
    for (uint32_t e = 0; e < graph->edge_count; e++)
        if (!graph->edges[e].is_lookup) source[graph->edges[e].to] = graph->edges[e].from;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        sizes[i].root = i;
        root_of[i] = find_root(source, i);
    }
    for (uint32_t i = 0; i < graph->node_count; i++)
        sizes[root_of[i]].count++;
    qsort(sizes, graph->node_count, sizeof *sizes, compare_roots);
    for (uint32_t i = 0; i < graph->node_count && sizes[i].count; i++)
        colors[sizes[i].root] = (uint8_t)(1 + i % ROOT_COLORS);
    for (uint32_t i = 0; i < graph->node_count; i++)
        colors[i] = colors[root_of[i]];
}

/* ---- style ---- */

/* Classes are prefixed and below the picture's own class: a page that holds the picture is not touched. */
static const char base[] =
    ".capi .page{fill:#fff}.capi .box{fill:#fff;stroke:#222}"
    ".capi .txt{font:20px Verdana,'DejaVu Sans',sans-serif;fill:#111;white-space:pre}\n"
    ".capi .lbl{font:18px Arial,'Liberation Sans',sans-serif;fill:#606060;white-space:pre}"
    ".capi .lbox{fill:#fff;stroke:#888}\n"
    ".capi .edge{fill:none;stroke:#444;stroke-width:2}.capi .tip{fill:#444}"
    ".capi .icon{fill:none;stroke-width:1.6;stroke:#222;stroke-linejoin:round;stroke-linecap:round}\n";

static const char base_dark[] =
    ".capi .page{fill:#16181c}.capi .box{fill:#20242b;stroke:#ccc}.capi .txt{fill:#eee}.capi .lbl{fill:#b8bcc4}\n"
    ".capi .lbox{fill:#16181c;stroke:#777}.capi .edge{stroke:#aaa}.capi .tip{fill:#aaa}.capi .icon{stroke:#ccc}\n";

static void color_rules(capi_buf *to, int number, const char *color)
{
    capi_buf_printf(to, ".capi .box.c%d{fill:%s;fill-opacity:.3;stroke:%s}", number, color, color);
    capi_buf_printf(to, ".capi .lbox.c%d,.capi .edge.c%d,.capi .icon.c%d{stroke:%s}", number, number, number, color);
    capi_buf_printf(to, ".capi .tip.c%d{fill:%s}\n", number, color);
}

void capi_diagram_style(capi_buf *to, const bool used[CAPI_DIAGRAM_COLORS])
{
    capi_buf_append_text(to, "<style>\n");
    capi_buf_append_text(to, base);
    for (int i = 1; i < CAPI_DIAGRAM_COLORS; i++)
        if (used[i]) color_rules(to, i, palette[i].light);
    capi_buf_append_text(to, "@media (prefers-color-scheme:dark){\n");
    capi_buf_append_text(to, base_dark);
    for (int i = 1; i < CAPI_DIAGRAM_COLORS; i++)
        if (used[i]) color_rules(to, i, palette[i].dark);
    capi_buf_append_text(to, "}\n</style>\n");
}
