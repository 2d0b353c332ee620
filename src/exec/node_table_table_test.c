/* node_table_table_test.c - file_table and table_table: rows, shares of batches, order, errors, stopping. */
#include "exec/exec_fixture.h"

static const char read_script[] =
    "nodes:\n"
    "  read:\n"
    "    type: file_table\n"
    "    r: {urls: ['{dir}/in.csv'], csv: {first_data_line_idx: 1}, columns: {k: {csv: {col_hdr: k}, col_type: "
    "string},\n"
    "        v: {csv: {col_hdr: v}, col_type: int}}}\n"
    "    w: {name: source, fields: {k: {expression: r.k, type: string}, v: {expression: r.v, type: int}}}\n"
    "  next:\n"
    "    type: table_table\n"
    "    r: {table: source, expected_batches_total: %u}\n"
    "    w: {name: result, having: '%s', fields: {k: {expression: r.k, type: string}, d: {expression: '%s', type: "
    "%s}}}\n";

static const char *script(exec_fixture *f, uint32_t batches, const char *having, const char *expression,
                          const char *type)
{
    return capi_str_format(&f->arena, read_script, batches, having, expression, type).data;
}

static void put_numbers(exec_fixture *f, uint32_t count)
{
    capi_buf text = {0};

    capi_buf_append_text(&text, "k,v\n");
    for (uint32_t i = 0; i < count; i++)
        capi_buf_printf(&text, "key number %u,%u\n", i, i);
    capi_buf_append_byte(&text, 0);
    exec_fixture_put(f, "in.csv", text.data);
    capi_buf_deinit(&text);
}

TEST(the_table_example_of_the_specification)
{
    exec_fixture f;

    exec_fixture_open(&f, 2, 64 << 20);
    exec_fixture_put(&f, "in.csv", "k,v\na,3\nb,-1\nc,5\n");
    exec_fixture_run_script(&f, script(&f, 1, "w.d > 0", "r.v * 2", "int"));
    CHECK_STR(exec_fixture_table(&f, "next"), "a,6|c,10");
    CHECK_INT(f.outputs[1].rows_read, 3);
    CHECK_INT(f.outputs[1].rows_written, 2);
    CHECK_INT(f.outputs[1].first_token, 0);
    CHECK_INT(f.outputs[1].last_token, 2);
    exec_fixture_close(&f);
}

TEST(batches_share_the_rows_and_keep_their_order)
{
    exec_fixture f;
    const char *one;

    exec_fixture_open(&f, 3, 64 << 20);
    put_numbers(&f, 10000);
    exec_fixture_run_script(&f, script(&f, 1, "w.d % 3 > 0", "r.v * 2", "int"));
    one = exec_fixture_table(&f, "next");
    exec_fixture_run_script(&f, script(&f, 7, "w.d % 3 > 0", "r.v * 2", "int"));
    CHECK_STR(exec_fixture_table(&f, "next"), one);
    CHECK_INT(f.outputs[1].first_token, 8571);
    CHECK_INT(f.outputs[1].last_token, 9999);
    CHECK_INT(f.outputs[1].rows_read, 1429);
    exec_fixture_close(&f);
}

TEST(more_batches_than_rows_leave_some_empty)
{
    exec_fixture f;

    exec_fixture_open(&f, 1, 64 << 20);
    put_numbers(&f, 2);
    exec_fixture_run_script(&f, script(&f, 5, "", "r.v + 1", "int"));
    CHECK_STR(exec_fixture_table(&f, "next"), "key number 0,1|key number 1,2");
    put_numbers(&f, 0);
    exec_fixture_run_script(&f, script(&f, 3, "", "r.v + 1", "int"));
    CHECK_STR(exec_fixture_table(&f, "next"), "");
    CHECK_INT(f.outputs[1].first_token, 0);
    CHECK_INT(f.outputs[1].last_token, -1);
    exec_fixture_close(&f);
}

TEST(large_files_keep_their_order_with_any_number_of_threads)
{
    exec_fixture f;
    const char *texts[3];

    exec_fixture_open(&f, 1, 256 << 20);
    put_numbers(&f, 300000);
    for (uint32_t threads = 1; threads <= 3; threads++) {
        exec_fixture g;

        exec_fixture_open(&g, threads, 256 << 20);
        put_numbers(&g, 300000);
        exec_fixture_run_script(&g, script(&g, threads, "w.d % 2 == 0", "r.v % 1000", "int"));
        texts[threads - 1] = capi_str_copy(&f.arena, capi_str_of(exec_fixture_table(&g, "next"))).data;
        CHECK_INT(exec_fixture_rows(&g, "next"), 150000);
        CHECK_INT(g.progress.rows_read, 600000);
        CHECK_INT(g.progress.rows_written, 450000);
        CHECK(g.progress.units_done == g.progress.units_total);
        exec_fixture_close(&g);
    }
    CHECK(strcmp(texts[0], texts[1]) == 0);
    CHECK(strcmp(texts[0], texts[2]) == 0);
    exec_fixture_close(&f);
}

static void check_failure(const char *csv, const char *having, const char *expression, const char *type,
                          const char *part)
{
    exec_fixture f;

    exec_fixture_open(&f, 2, 64 << 20);
    exec_fixture_put(&f, "in.csv", csv);
    exec_fixture_load(&f, script(&f, 1, having, expression, type));
    CHECK(exec_fixture_run(&f) != NULL);
    CHECK_ERR(f.err, part);
    exec_fixture_close(&f);
}

TEST(the_lowest_failing_row_is_named_with_its_field)
{
    check_failure("k,v\na,3\nb,0\nc,5\n", "", "1 / r.v", "int", "row 1 of table \"source\": field \"d\": ");
    check_failure("k,v\na,0\nb,1\nc,5\n", "1 / (w.d - 1) > 0", "6 / (5 - r.v)", "int",
                  "row 0 of table \"source\": having: ");
    check_failure("k,v\na,1\nb,-2\n", "", "decimal2(92233720368547758) * decimal2(1 - r.v)", "decimal2",
                  "row 1 of table \"source\": ");
    check_failure("k,v\na,1\nb,x\n", "", "r.v", "int", "in.csv");
}

TEST(a_failing_row_that_having_drops_is_stored_nowhere)
{
    exec_fixture f;

    exec_fixture_open(&f, 1, 64 << 20);
    exec_fixture_put(&f, "in.csv", "k,v\na,1\nb,-2\n");
    exec_fixture_run_script(&f,
                            script(&f, 1, "w.k == \"a\"", "decimal2(92233720368547758) * decimal2(r.v)", "decimal2"));
    CHECK_STR(exec_fixture_table(&f, "next"), "a,92233720368547758");
    exec_fixture_close(&f);
}

TEST(having_sees_values_before_storage_rounds_them)
{
    exec_fixture f;

    exec_fixture_open(&f, 1, 64 << 20);
    exec_fixture_put(&f, "in.csv", "k,v\n2020-01-02T03:04:05.123456,1\n2020-01-02T03:04:05.123,2\n");
    exec_fixture_run_script(
        &f, "nodes:\n"
            "  read:\n"
            "    type: file_table\n"
            "    r: {urls: ['{dir}/in.csv'], csv: {first_data_line_idx: 1}, columns: {\n"
            "        k: {csv: {col_hdr: k, col_format: '2006-01-02T15:04:05.999999'}, col_type: datetime},\n"
            "        v: {csv: {col_hdr: v}, col_type: int}}}\n"
            "    w:\n"
            "      name: source\n"
            "      having: 'w.k != time.Date(2020, time.January, 2, 3, 4, 5, 123000000, time.UTC)'\n"
            "      fields: {k: {expression: r.k, type: datetime}, v: {expression: r.v, type: int}}\n");
    CHECK_STR(exec_fixture_table(&f, "read"), "2020-01-02 03:04:05.123 +0000 UTC,1");
    exec_fixture_close(&f);
}

TEST(a_stopped_batch_ends_as_stopped)
{
    exec_fixture f;

    exec_fixture_open(&f, 2, 64 << 20);
    put_numbers(&f, 100);
    exec_fixture_load(&f, script(&f, 1, "", "r.v", "int"));
    f.progress.stop = true;
    CHECK(exec_fixture_run_node(&f, "read") == CAPI_STOPPED);
    exec_fixture_close(&f);
}

static const char unique_script[] =
    "nodes:\n"
    "  read:\n"
    "    type: file_table\n"
    "    r: {urls: ['{dir}/in.csv', '{dir}/in2.csv'], csv: {first_data_line_idx: 1}, columns: {k: {csv: {col_hdr: k}, "
    "col_type: string},\n"
    "        v: {csv: {col_hdr: v}, col_type: int}}}\n"
    "    w: {name: source, fields: {k: {expression: r.k, type: string}, v: {expression: r.v, type: int}},\n"
    "        indexes: {idx_k_to_check_uniq: unique(k), idx_v_to_check_uniq: 'unique(v(desc))'}}\n";

static void check_unique(const char *first, const char *second, const char *part)
{
    exec_fixture f;
    const char *message;

    exec_fixture_open(&f, 2, 64 << 20);
    exec_fixture_put(&f, "in.csv", first);
    exec_fixture_put(&f, "in2.csv", second);
    exec_fixture_load(&f, unique_script);
    message = exec_fixture_run(&f);
    if (part) {
        CHECK(message != NULL);
        CHECK_ERR(f.err, part);
    } else {
        CHECK(message == NULL);
    }
    exec_fixture_close(&f);
}

TEST(duplicates_in_a_unique_index_are_found_within_a_batch_and_across)
{
    check_unique("k,v\na,1\nb,2\n", "k,v\nc,3\nd,4\n", NULL);
    check_unique("k,v\na,1\nb,2\na ,5\n", "k,v\nc,3\n",
                 "unique index \"idx_k_to_check_uniq\" has a key twice: k \"a \" is in rows 0 and 2 of batch 0");
    check_unique("k,v\na,1\nb,2\nc,2\n", "k,v\nc,3\n",
                 "unique index \"idx_v_to_check_uniq\" has a key twice: v 2 is in rows 1 and 2 of batch 0");
    check_unique(
        "k,v\na,1\nb,2\n", "k,v\nc,3\nb,4\n",
        "unique index \"idx_k_to_check_uniq\" has a key twice: k \"b\" is in row 1 of batch 0 and row 1 of batch 1");
    check_unique(
        "k,v\na,1\nb,2\n", "k,v\nc,2\nb,4\n",
        "unique index \"idx_k_to_check_uniq\" has a key twice: k \"b\" is in row 1 of batch 0 and row 1 of batch 1");
    check_unique(
        "k,v\na,1\nb,2\n", "k,v\nc,2\nd,4\n",
        "unique index \"idx_v_to_check_uniq\" has a key twice: v 2 is in row 1 of batch 0 and row 0 of batch 1");
}
