/* diagram_box.c - the lines of a box. */
#include "script/diagram_box.h"

#include "base/secret.h"
#include "script/diagram_text.h"

#include <math.h>

enum { DESC_LINES = 3, DESC_STEP = 10 };

static const double DESC_WIDTH = 520; /* descriptions are wrapped */
static const double LINE_WIDTH = 760; /* names and URLs are not, only cut */

capi_str capi_diagram_short_url(capi_str given, capi_arena *arena)
{
    capi_str url = capi_secret_mask(given, arena);
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

static void add_line(capi_diagram_box *box, capi_str line, capi_arena *arena)
{
    if (line.bytes) box->lines[box->line_count++] = capi_text_fit(line, CAPI_FACE_BOX, LINE_WIDTH, arena);
}

static void add_processing(capi_diagram_box *box, const capi_node *node, capi_arena *arena)
{
    const capi_processor *processor = node->processor;

    if (processor->kind == CAPI_PROCESSOR_TAG && processor->criteria_url.bytes == 0)
        add_line(box, CAPI_STR("(inline)"), arena);
    else if (processor->kind == CAPI_PROCESSOR_TAG)
        add_line(box, capi_diagram_short_url(processor->criteria_url, arena), arena);
    else if (processor->python_source_count > 0)
        add_line(box, capi_diagram_short_url(processor->python_sources[0].url, arena), arena);
}

/* Lines of about the same length, rather than a last line of one word. */
static void add_desc(capi_diagram_box *box, capi_str desc, capi_arena *arena)
{
    capi_str *lines = &box->lines[box->line_count];
    uint32_t count = capi_text_wrap(desc, CAPI_FACE_BOX, DESC_WIDTH, lines, DESC_LINES, arena);
    double whole = capi_text_width(desc, CAPI_FACE_BOX);

    if (count > 1 && whole < DESC_WIDTH * DESC_LINES) {
        double width = whole / count;

        while (width < DESC_WIDTH && capi_text_wrap(desc, CAPI_FACE_BOX, width, lines, DESC_LINES + 1, arena) > count)
            width += DESC_STEP;
        count = capi_text_wrap(desc, CAPI_FACE_BOX, fmin(width, DESC_WIDTH), lines, DESC_LINES, arena);
    }
    box->line_count += count;
}

void capi_diagram_box_full(capi_diagram_box *box, const capi_node *node, capi_arena *arena)
{
    add_line(box, node->name, arena);
    add_desc(box, node->desc, arena);
    switch (node->type) {
    case CAPI_NODE_FILE_TABLE:
        if (node->source.url_count) add_line(box, capi_diagram_short_url(node->source.urls[0], arena), arena);
        break;
    case CAPI_NODE_TABLE_TABLE:
    case CAPI_NODE_TABLE_FILE: add_line(box, node->source_table, arena); break;
    case CAPI_NODE_LOOKUP:
        add_line(box, join_words(node), arena);
        add_line(box, node->lookup->index->name, arena);
        break;
    case CAPI_NODE_DISTINCT: add_line(box, unique_index(node), arena); break;
    case CAPI_NODE_CUSTOM: add_processing(box, node, arena); break;
    case CAPI_NODE_TYPE_COUNT: break;
    }
    add_line(box, node->table ? node->table->name : capi_diagram_short_url(node->file->url_template, arena), arena);
}

void capi_diagram_box_name(capi_diagram_box *box, const capi_node *node, capi_arena *arena)
{
    *box = (capi_diagram_box){.line_count = 1};
    add_line(box, node->name, arena);
    box->line_count++;
}
