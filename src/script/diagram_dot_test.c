#include "script/diagram.h"
#include "script/load_fixture.h"

static const char two_nodes[] =
    "{\"nodes\": {\"b_read\": {\"type\": \"file_table\", \"r\": {\"urls\": [\"x\\\\\\\"y{|}<z>\"], "
    "\"csv\": {\"hdr_line_idx\": 0, \"first_data_line_idx\": 1}, "
    "\"columns\": {\"c\": {\"csv\": {\"col_hdr\": \"c\"}, \"col_type\": \"int\"}}}, "
    "\"w\": {\"name\": \"t\", \"fields\": {\"c\": {\"expression\": \"r.c\", \"type\": \"int\"}}}}, "
    "\"a_write\": {\"type\": \"table_file\", \"desc\": \"two\\nlines\", \"r\": {\"table\": \"t\"}, "
    "\"w\": {\"url_template\": \"o\\\\\\\"{batch_idx|string}<.csv\", \"csv\": {\"separator\": \",\"}, \"columns\": "
    "[{\"name\": \"c\", \"expression\": \"r.c\", \"type\": \"int\", \"csv\": {\"header\": \"c\", \"format\": "
    "\"%d\"}}]}}}}";

/* Whether the diagram contains a statement. */
static bool has(const capi_buf *text, const char *part)
{
    return capi_str_find(capi_buf_str(text), capi_str_of(part)) >= 0;
}

TEST(a_status_is_the_color_of_a_dot_box)
{
    static const struct {
        int status;
        const char *color;
    } colors[] = {{CAPI_DIAGRAM_NO_STATUS, "white"},
                  {0, "white"},
                  {1, "lightblue"},
                  {2, "green"},
                  {3, "red"},
                  {104, "orangered"},
                  {7, "cyan"}};
    load_bed bed = {0};

    load_open(&bed, "s.json", two_nodes);
    load_must(&bed);
    for (size_t i = 0; i < sizeof colors / sizeof *colors; i++) {
        int statuses[2] = {colors[i].status, 2};
        capi_diagram_options options = {.with_index = true, .statuses = statuses};
        capi_buf expected = {0};
        capi_buf text = {0};

        capi_diagram_dot(bed.script, &options, &text);
        capi_buf_printf(&expected,
                        "\n\"t\" [shape=record, penwidth=\"1\", fontsize=\"20\", fillcolor=\"%s\", style=\"filled\",",
                        colors[i].color);
        capi_buf_append_byte(&expected, 0);
        CHECK(has(&text, expected.data));
        CHECK(has(&text, "\n\"a_write\" [shape=record, penwidth=\"1\", fontsize=\"20\", fillcolor=\"green\","));
        capi_buf_deinit(&expected);
        capi_buf_deinit(&text);
    }
    load_close(&bed);
}

TEST(quotes_backslashes_and_record_marks_are_escaped_in_dot)
{
    capi_diagram_options options = {0};
    load_bed bed = {0};
    capi_buf text = {0};

    load_open(&bed, "s.json", two_nodes);
    load_must(&bed);
    capi_diagram_dot(bed.script, &options, &text);
    CHECK(has(&text, "\n\"x\\\\\\\"y{|}<z>\" -> \"t\" [style=dotted, fontsize=\"18\", label=\"\"];\n"));
    CHECK(has(&text, "\n\"x\\\\\\\"y{|}<z>\" [shape=folder, fontsize=\"20\", label=\"x\\\\\\\"y{|}<z>\", "
                     "tooltip=\"Source data file(s)\"];\n"));
    CHECK(has(&text, "label=\"{a_write|creates file:\\no\\\\\\\"\\{batch_idx\\|string\\}\\<.csv}\", "
                     "tooltip=\"two\\nlines\"];\n"));
    capi_buf_deinit(&text);
    load_close(&bed);
}

TEST(strings_longer_than_graphviz_reads_are_cut)
{
    capi_diagram_options options = {0};
    load_bed bed = {0};
    capi_buf script = {0};
    capi_buf text = {0};

    capi_buf_append_text(&script, "{\"nodes\": {\"read\": {\"type\": \"file_table\", \"desc\": \"a");
    for (int i = 0; i < 10000; i++)
        capi_buf_append_text(&script, "\xe7\x95\x8c");
    capi_buf_append_text(&script, "\", \"r\": {\"urls\": [\"first\"");
    for (int i = 0; i < 2000; i++)
        capi_buf_printf(&script, ", \"file%04d\"", i);
    capi_buf_append_text(&script, "], \"csv\": {\"hdr_line_idx\": 0, \"first_data_line_idx\": 1}, \"columns\": "
                                  "{\"c\": {\"csv\": {\"col_hdr\": \"c\"}, \"col_type\": \"int\"}}}, \"w\": "
                                  "{\"name\": \"t\", \"fields\": {\"c\": {\"expression\": \"r.c\", \"type\": "
                                  "\"int\"}}}}}}");
    capi_buf_append_byte(&script, 0);
    load_open(&bed, "s.json", script.data);
    load_must(&bed);
    capi_diagram_dot(bed.script, &options, &text);
    /* "a" and 2,666 characters of three bytes are 7,999 bytes. */
    CHECK(has(&text, "\xe7\x95\x8c...\"];\n"));
    /* 6 bytes, and 888 times 9. */
    CHECK(has(&text, "file0887\\n... 1112 more\", tooltip="));
    CHECK(text.bytes < 18000);
    capi_buf_deinit(&script);
    capi_buf_deinit(&text);
    load_close(&bed);
}
