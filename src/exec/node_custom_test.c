/* node_custom_test.c - tag_and_denormalize. */
#include "exec/exec_fixture.h"

static const char tag_script[] =
    "nodes:\n"
    "  read:\n"
    "    type: file_table\n"
    "    r: {urls: ['{dir}/in.csv'], csv: {first_data_line_idx: 1}, columns: {v: {csv: {col_hdr: v}, col_type: int}}}\n"
    "    w: {name: source, fields: {v: {expression: r.v, type: int}}}\n"
    "  tag:\n"
    "    type: table_custom_tfm_table\n"
    "    custom_proc_type: tag_and_denormalize\n"
    "    r: {table: source, expected_batches_total: %u}\n"
    "    p: {tag_field_name: t, tag_criteria: {%s}}\n"
    "    w: {name: tagged, having: '%s', fields: {t: {expression: p.t, type: string}, v: {expression: %s, type: "
    "int}}}\n";

static const char *script(exec_fixture *f, uint32_t batches, const char *criteria, const char *having,
                          const char *value)
{
    return capi_str_format(&f->arena, tag_script, batches, criteria, having, value).data;
}

TEST(the_tag_example_of_the_specification)
{
    exec_fixture f;

    exec_fixture_open(&f, 2, 64 << 20);
    exec_fixture_put(&f, "in.csv", "v\n10\n3\n4\n");
    exec_fixture_run_script(&f, script(&f, 2, "big: r.v >= 10, even: r.v % 2 == 0", "", "r.v"));
    CHECK_STR(exec_fixture_table(&f, "tag"), "big,10|even,10|even,4");
    exec_fixture_run_script(&f, script(&f, 1, "big: r.v >= 10, even: r.v % 2 == 0", "w.t == \"even\"", "r.v"));
    CHECK_STR(exec_fixture_table(&f, "tag"), "even,10|even,4");
    CHECK_INT(f.outputs[1].rows_read, 3);
    CHECK_INT(f.outputs[1].rows_written, 2);
    exec_fixture_close(&f);
}

TEST(errors_of_criteria_and_fields_name_tag_or_field_and_row)
{
    exec_fixture f;

    exec_fixture_open(&f, 2, 64 << 20);
    exec_fixture_put(&f, "in.csv", "v\n10\n0\n4\n");
    exec_fixture_load(&f, script(&f, 1, "all: true || r.v > 0, odd: 1 / r.v > 0", "", "r.v"));
    CHECK(exec_fixture_run(&f) != NULL);
    CHECK_ERR(f.err, "row 1 of table \"source\": criterion of tag \"odd\": ");
    exec_fixture_load(&f, script(&f, 1, "all: true || r.v > 0, small: r.v < 5", "", "8 / (r.v - 4)"));
    CHECK(exec_fixture_run(&f) != NULL);
    CHECK_ERR(f.err, "row 2 of table \"source\": field \"v\": ");
    exec_fixture_close(&f);
}

TEST(many_tags_of_many_rows_span_chunks_in_order)
{
    exec_fixture f;
    capi_buf text = {0}, expected = {0};

    exec_fixture_open(&f, 2, 64 << 20);
    capi_buf_append_text(&text, "v\n");
    for (uint32_t i = 0; i < 5000; i++) {
        capi_buf_printf(&text, "%u\n", i);
        capi_buf_printf(&expected, "%sa,%u|%sc,%u", i ? "|" : "", i,
                        i % 2 ? "" : capi_str_format(&f.arena, "b,%u|", i).data, i);
    }
    capi_buf_append_byte(&text, 0);
    capi_buf_append_byte(&expected, 0);
    exec_fixture_put(&f, "in.csv", text.data);
    exec_fixture_run_script(&f, script(&f, 3, "a: r.v >= 0, b: r.v % 2 == 0, c: r.v > -1", "", "r.v"));
    CHECK_STR(exec_fixture_table(&f, "tag"), expected.data);
    capi_buf_deinit(&text);
    capi_buf_deinit(&expected);
    exec_fixture_close(&f);
}
