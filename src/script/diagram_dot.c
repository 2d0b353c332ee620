/* diagram_dot.c - the diagram as a DOT file: fixed statements in the order that programs reading them expect. */
#include "script/diagram_graph.h"

#include "base/secret.h"

/* Escapes what DOT gives a meaning to inside a quoted string. */
static void dot_text(capi_buf *to, capi_str text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];

        if (c == '"' || c == '\\') capi_buf_append_byte(to, '\\');
        if (c == '\n')
            capi_buf_append_text(to, "\\n");
        else if (c != '\r')
            capi_buf_append_byte(to, c);
    }
}

/* Inside a record's label, braces and bars have a meaning, too. */
static void dot_record_text(capi_buf *to, capi_str text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];

        if (c == '{' || c == '}' || c == '|' || c == '<' || c == '>') capi_buf_append_byte(to, '\\');
        dot_text(to, (capi_str){&text.data[i], 1});
    }
}

/* Graphviz refuses quoted strings above 16 KiB; every byte may need a backslash. */
enum { STRING_MAX_BYTES = 8000 };

/* What fits of a long text, without half a character at its end; *is_whole tells whether it is all. */
static capi_str what_fits(capi_str text, size_t room, bool *is_whole)
{
    *is_whole = text.bytes <= room;
    if (*is_whole) return text;
    while (room > 0 && ((unsigned char)text.data[room] & 0xC0) == 0x80)
        room--;
    return capi_str_slice(text, 0, room);
}

static void dot_long_text(capi_buf *to, capi_str text)
{
    bool is_whole;

    dot_text(to, what_fits(text, STRING_MAX_BYTES, &is_whole));
    if (!is_whole) capi_buf_append_text(to, "...");
}

static void dot_id(capi_buf *to, capi_str id)
{
    capi_buf_append_byte(to, '"');
    dot_text(to, id);
    capi_buf_append_byte(to, '"');
}

static const char *fill_color(int status)
{
    switch (status) {
    case CAPI_DIAGRAM_NO_STATUS:
    case 0: return "white";
    case 1: return "lightblue";
    case 2: return "green";
    case 3: return "red";
    case 104: return "orangered";
    default: return "cyan";
    }
}

static capi_str node_id(const capi_node *node)
{
    return node->table ? node->table->name : node->name;
}

static void field_lines(capi_buf *to, const capi_str *fields, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        dot_text(to, fields[i]);
        capi_buf_append_text(to, "\\l");
    }
}

static void source_names(capi_buf *to, const capi_node *node, capi_arena *arena)
{
    size_t room = STRING_MAX_BYTES;

    for (uint32_t i = 0; i < node->source.url_count; i++) {
        capi_str url = capi_secret_mask(node->source.urls[i], arena);

        if (i) capi_buf_append_text(to, "\\n");
        if (i && url.bytes + 1 > room) {
            capi_buf_printf(to, "... %u more", node->source.url_count - i);
            return;
        }
        dot_long_text(to, url);
        room -= url.bytes + 1 < room ? url.bytes + 1 : room;
    }
}

static void source_files(capi_buf *to, const capi_node *node, const capi_diagram_options *options, capi_arena *arena)
{
    capi_str first = node->source.url_count ? capi_secret_mask(node->source.urls[0], arena) : CAPI_STR("");

    dot_id(to, first);
    capi_buf_append_text(to, " -> ");
    dot_id(to, node_id(node));
    capi_buf_append_text(to, " [style=dotted, fontsize=\"18\", label=\"");
    for (uint32_t i = 0; options->with_fields && i < node->source.csv.column_count; i++)
        field_lines(to, &node->source.csv.columns[i].name, 1);
    capi_buf_append_text(to, "\"];\n");
    dot_id(to, first);
    capi_buf_append_text(to, " [shape=folder, fontsize=\"20\", label=\"");
    source_names(to, node, arena);
    capi_buf_append_text(to, "\", tooltip=\"Source data file(s)\"];\n");
}

static void reader_edge(capi_buf *to, const capi_node *node, const capi_diagram_options *options, capi_arena *arena)
{
    capi_str *fields;
    uint32_t count = capi_diagram_used_fields(node, CAPI_SIDE_READER, false, arena, &fields);

    dot_id(to, node->source_table);
    capi_buf_append_text(to, " -> ");
    dot_id(to, node_id(node));
    capi_buf_append_text(to, " [style=solid, fontsize=\"18\", label=\"");
    if (options->with_index) {
        dot_text(to, node->source_table);
        if (node->batches_total > 1)
            capi_buf_printf(to, " (%u batches)", node->batches_total);
        else
            capi_buf_append_text(to, " (no parallelism)");
        if (options->with_fields && count) capi_buf_append_text(to, "\\l");
    }
    if (options->with_fields) field_lines(to, fields, count);
    capi_buf_append_text(to, "\"];\n");
}

static void lookup_edge(capi_buf *to, const capi_node *node, const capi_diagram_options *options, capi_arena *arena)
{
    capi_str *fields;
    uint32_t count = capi_diagram_used_fields(node, CAPI_SIDE_LOOKUP, false, arena, &fields);

    dot_id(to, node->lookup->index->owner->table->name);
    capi_buf_append_text(to, " -> ");
    dot_id(to, node_id(node));
    capi_buf_append_text(to, " [style=dashed, fontsize=\"18\", label=\"");
    if (options->with_fields) {
        field_lines(to, fields, count);
    } else {
        dot_text(to, node->lookup->index->name);
        capi_buf_append_text(to, " (lookup)");
    }
    capi_buf_append_text(to, "\"];\n");
}

static void node_box(capi_buf *to, const capi_node *node, int status, capi_arena *arena)
{
    dot_id(to, node_id(node));
    capi_buf_printf(to,
                    " [shape=record, penwidth=\"%d\", fontsize=\"20\", fillcolor=\"%s\", style=\"filled\", label=\"{",
                    node->is_manual ? 6 : 1, fill_color(status));
    dot_record_text(to, node->name);
    capi_buf_append_text(to, node->table ? "|creates table:\\n" : "|creates file:\\n");
    dot_record_text(to, node->table ? node->table->name : capi_secret_mask(node->file->url_template, arena));
    if (node->lookup)
        capi_buf_printf(to, "|group:%s, join:%s", node->lookup->is_grouped ? "true" : "false",
                        node->lookup->is_left ? "left" : "inner");
    capi_buf_append_text(to, "}\", tooltip=\"");
    dot_long_text(to, node->desc);
    capi_buf_append_text(to, "\"];\n");
}

static void target_file(capi_buf *to, const capi_node *node, const capi_diagram_options *options, capi_arena *arena)
{
    capi_str url = capi_secret_mask(node->file->url_template, arena);
    capi_str *fields;
    uint32_t count = capi_diagram_used_fields(node, CAPI_SIDE_READER, false, arena, &fields);

    dot_id(to, node_id(node));
    capi_buf_append_text(to, " -> ");
    dot_id(to, url);
    capi_buf_append_text(to, " [style=dotted, fontsize=\"18\", label=\"");
    if (options->with_fields) field_lines(to, fields, count);
    capi_buf_append_text(to, "\"];\n");
    dot_id(to, url);
    capi_buf_append_text(to, " [shape=note, fontsize=\"20\", label=\"");
    dot_text(to, url);
    capi_buf_append_text(to, "\", tooltip=\"Target data file(s)\"];\n");
}

void capi_diagram_dot(const capi_script *script, const capi_diagram_options *options, capi_buf *to)
{
    capi_arena arena = {0};
    capi_diagram_graph graph;

    capi_diagram_graph_make(script, options, &arena, &graph);
    capi_buf_append_text(to, "\ndigraph idx_fields {\nrankdir=\"TD\";\n node [fontname=\"Helvetica\"];\n"
                             "edge [fontname=\"Helvetica\"];\n"
                             "graph [splines=true, pad=\"0.5\", ranksep=\"0.5\", nodesep=\"0.5\"];\n");
    for (uint32_t i = 0; i < graph.node_count; i++) {
        const capi_node *node = graph.nodes[i];

        if (!node->reader)
            source_files(to, node, options, &arena);
        else
            reader_edge(to, node, options, &arena);
        if (node->lookup) lookup_edge(to, node, options, &arena);
        node_box(to, node, graph.statuses[i], &arena);
        if (node->file) target_file(to, node, options, &arena);
    }
    capi_buf_append_text(to, "}\n");
    capi_arena_deinit(&arena);
}
