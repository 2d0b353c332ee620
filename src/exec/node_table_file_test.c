/* node_table_file_test.c - files: order, header, having, top with and without memory, names, failures. */
#include "exec/exec_fixture.h"

#include <stdlib.h>
#include <unistd.h>

static const char file_script[] =
    "nodes:\n"
    "  read:\n"
    "    type: file_table\n"
    "    r: {urls: ['{dir}/in.csv'], csv: {first_data_line_idx: 1}, columns: {k: {csv: {col_hdr: k}, col_type: "
    "string},\n"
    "        v: {csv: {col_hdr: v}, col_type: int}}}\n"
    "    w: {name: source, fields: {k: {expression: r.k, type: string}, v: {expression: r.v, type: int}}}\n"
    "  report:\n"
    "    type: table_file\n"
    "    r: {table: source, expected_batches_total: %u}\n"
    "    w:\n"
    "      url_template: '{dir}/%s'\n"
    "      %s\n"
    "      columns:\n"
    "        - {name: k, expression: r.k, type: string, csv: {header: 'K', format: '%%s'}}\n"
    "        - {name: d, expression: 'r.v * 2', type: int, csv: {header: D, format: '%%d'}}\n";

static const char *file_of(exec_fixture *f, uint32_t batches, const char *target, const char *settings)
{
    return capi_str_format(&f->arena, file_script, batches, target, settings).data;
}

static const char *report(exec_fixture *f, const char *settings)
{
    exec_fixture_run_script(f, file_of(f, 1, "out.csv", settings));
    return exec_fixture_get(f, "out.csv");
}

TEST(rows_are_written_in_table_order)
{
    exec_fixture f;

    exec_fixture_open(&f, 2, 64 << 20);
    exec_fixture_put(&f, "in.csv", "k,v\nb,1\n\"a,\"\"x\"\"\",2\nb,0\n");
    CHECK_STR(report(&f, ""), "K,D\nb,2\n\"a,\"\"x\"\"\",4\nb,0\n");
    CHECK_STR(report(&f, "having: w.d > 0"), "K,D\nb,2\n\"a,\"\"x\"\"\",4\n");
    CHECK_INT(f.outputs[1].rows_read, 3);
    CHECK_INT(f.outputs[1].rows_written, 2);
    exec_fixture_put(&f, "in.csv", "k,v\n");
    CHECK_STR(report(&f, ""), "K,D\n");
    CHECK_STR(report(&f, "top: {order: k}"), "K,D\n");
    exec_fixture_close(&f);
}

TEST(top_sorts_and_cuts_and_keeps_ties_in_order)
{
    exec_fixture f;

    exec_fixture_open(&f, 2, 64 << 20);
    exec_fixture_put(&f, "in.csv", "k,v\nb,1\na,1\nc,3\nb,3\na,2\n");
    CHECK_STR(report(&f, "top: {order: k}"), "K,D\na,2\na,4\nb,2\nb,6\nc,6\n");
    CHECK_STR(report(&f, "top: {order: 'd(desc),k'}"), "K,D\nb,6\nc,6\na,4\na,2\nb,2\n");
    CHECK_STR(report(&f, "top: {order: 'd(desc)', limit: 3}"), "K,D\nc,6\nb,6\na,4\n");
    CHECK_INT(f.outputs[1].rows_written, 3);
    exec_fixture_close(&f);
}

TEST(every_batch_has_a_file_of_its_own)
{
    exec_fixture f;

    exec_fixture_open(&f, 2, 64 << 20);
    exec_fixture_put(&f, "in.csv", "k,v\nb,1\na,1\nc,3\n");
    exec_fixture_run_script(&f, file_of(&f, 2, "out_{run_id}_{batch_idx}.csv", ""));
    CHECK_STR(exec_fixture_get(&f, "out_00001_00000.csv"), "K,D\nb,2\n");
    CHECK_STR(exec_fixture_get(&f, "out_00001_00001.csv"), "K,D\na,2\nc,6\n");
    exec_fixture_close(&f);
}

typedef struct line {
    uint32_t number;
    uint32_t key;
} line;

static int by_key(const void *a, const void *b)
{
    const line *x = a, *y = b;

    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* count rows "text <number>",<key>; what top by d gives. */
static const char *put_many(exec_fixture *f, uint32_t count, uint32_t limit, bool sorted)
{
    line *lines = malloc(count * sizeof *lines);
    capi_buf text = {0}, expected = {0};
    const char *out;

    capi_buf_append_text(&text, "k,v\n");
    for (uint32_t i = 0; i < count; i++) {
        lines[i] = (line){i, (uint32_t)(i * 2654435761u % 50000)};
        capi_buf_printf(&text, "text %u,%u\n", i, lines[i].key);
    }
    if (sorted) qsort(lines, count, sizeof *lines, by_key);
    capi_buf_append_text(&expected, "K,D\n");
    for (uint32_t i = 0; i < count && i < limit; i++)
        capi_buf_printf(&expected, "text %u,%u\n", lines[i].number, lines[i].key * 2);
    capi_buf_append_byte(&text, 0);
    exec_fixture_put(f, "in.csv", text.data);
    out = capi_str_copy(&f->arena, capi_buf_str(&expected)).data;
    capi_buf_deinit(&text);
    capi_buf_deinit(&expected);
    free(lines);
    return out;
}

TEST(large_tables_are_written_in_order_by_several_threads)
{
    for (uint32_t threads = 1; threads <= 3; threads++) {
        exec_fixture f;
        const char *expected;

        exec_fixture_open(&f, threads, 256 << 20);
        expected = put_many(&f, 400000, UINT32_MAX, false);
        CHECK(strcmp(report(&f, ""), expected) == 0);
        exec_fixture_close(&f);
    }
}

TEST(large_tops_are_merged_and_small_limits_are_pruned)
{
    exec_fixture f;
    const char *expected;

    exec_fixture_open(&f, 2, 256 << 20);
    expected = put_many(&f, 200000, UINT32_MAX, true);
    CHECK(strcmp(expected, report(&f, "top: {order: d}")) == 0);
    expected = put_many(&f, 200000, 10, true);
    CHECK(strcmp(expected, report(&f, "top: {order: d, limit: 10}")) == 0);
    expected = put_many(&f, 200000, 5000, true);
    CHECK(strcmp(expected, report(&f, "top: {order: d, limit: 5000}")) == 0);
    exec_fixture_close(&f);
}

TEST(a_top_that_does_not_fit_the_budget_is_sorted_in_runs)
{
    exec_fixture f;
    const char *expected;

    exec_fixture_open(&f, 2, 14 << 20);
    expected = put_many(&f, 200000, UINT32_MAX, true);
    CHECK(strcmp(expected, report(&f, "top: {order: d}")) == 0);
    expected = put_many(&f, 200000, 150000, true);
    CHECK(strcmp(expected, report(&f, "top: {order: d, limit: 150000}")) == 0);
    exec_fixture_close(&f);
}

TEST(a_failed_file_leaves_nothing_behind)
{
    exec_fixture f;

    exec_fixture_open(&f, 2, 64 << 20);
    exec_fixture_put(&f, "in.csv", "k,v\nb,1\na,0\n");
    exec_fixture_load(&f, file_of(&f, 1, "out.csv", "having: 1 / w.d > 0"));
    CHECK(exec_fixture_run(&f) != NULL);
    CHECK_ERR(f.err, "row 1 of table \"source\": having: ");
    CHECK(access(capi_str_format(&f.arena, "%s/out.csv", f.folder).data, F_OK) != 0);
    exec_fixture_load(&f, file_of(&f, 1, "no_such_folder/out.csv", ""));
    CHECK(exec_fixture_run(&f) != NULL);
    CHECK_ERR(f.err, "no_such_folder");
    exec_fixture_close(&f);
}
