/* node_lookup_test.c - joins: the example of the specification, every combination against a plain nested loop, errors. */
#include "base/file.h"
#include "exec/exec_fixture.h"

#include <stdlib.h>

/* Two tables from a.csv (oid) and b.csv (oid, v), and a lookup with the given settings and fields. */
static const char *lookup_script(exec_fixture *f, const char *settings, const char *fields, uint32_t batches)
{
    return capi_str_format(
               &f->arena,
               "nodes:\n"
               "  a:\n"
               "    type: file_table\n"
               "    r: {urls: ['{dir}/a.csv'], csv: {first_data_line_idx: 1}, columns: {c: {csv: {col_hdr: oid}, "
               "col_type: int}}}\n"
               "    w: {name: ta, fields: {oid: {expression: r.c, type: int}, name: {expression: '\"n\" + "
               "string(r.c)', type: string}}}\n"
               "  b:\n"
               "    type: file_table\n"
               "    r:\n"
               "      urls: ['{dir}/b.csv']\n"
               "      csv: {first_data_line_idx: 1}\n"
               "      columns: {c: {csv: {col_hdr: oid}, col_type: int}, v: {csv: {col_hdr: v}, col_type: decimal2}}\n"
               "    w:\n"
               "      name: tb\n"
               "      fields: {oid: {expression: r.c, type: int}, v: {expression: r.v, type: decimal2}, name: "
               "{expression: '\"n\" + string(r.c)', type: string}}\n"
               "      indexes: {idx_oid: non_unique(oid), idx_name: non_unique(name)}\n"
               "  j:\n"
               "    type: table_lookup_table\n"
               "    r: {table: ta, expected_batches_total: %u}\n"
               "    l: {%s}\n"
               "    w: {name: tj, fields: {%s}}\n",
               batches, settings, fields)
        .data;
}

static const char *example(const char *settings, const char *fields)
{
    static char result[1000];
    exec_fixture f;

    exec_fixture_open(&f, 2, 64 << 20);
    exec_fixture_put(&f, "a.csv", "oid\n1\n2\n3\n");
    exec_fixture_put(&f, "b.csv", "oid,v\n1,10.00\n1,5.50\n2,-1.00\n");
    exec_fixture_run_script(&f, lookup_script(&f, settings, fields, 1));
    snprintf(result, sizeof result, "%s", exec_fixture_table(&f, "j"));
    exec_fixture_close(&f);
    return result;
}

static const char plain_fields[] =
    "id: {expression: r.oid, type: int}, v: {expression: l.v, type: decimal2, default_value: '9.99'},"
    "tw: {expression: r.oid*2, type: int}";
static const char group_fields[] = "id: {expression: r.oid, type: int}, s: {expression: sum(l.v), type: decimal2},"
                                   "n: {expression: count(), type: int, default_value: '-1'}";

TEST(the_example_of_the_specification)
{
    CHECK_STR(example("index_name: idx_oid, join_on: r.oid, join_type: left, filter: l.v > 0", plain_fields),
              "1,10,2|1,5.5,2|2,9.99,4|3,9.99,6");
    CHECK_STR(example("index_name: idx_oid, join_on: r.oid, join_type: inner, filter: l.v > 0", plain_fields),
              "1,10,2|1,5.5,2");
    CHECK_STR(
        example("index_name: idx_oid, join_on: r.oid, join_type: left, filter: l.v > 0, group: true", group_fields),
        "1,15.5,2|2,0,-1|3,0,-1");
    CHECK_STR(
        example("index_name: idx_oid, join_on: r.oid, join_type: inner, filter: l.v > 0, group: true", group_fields),
        "1,15.5,2");
}

TEST(text_keys_join_like_numbers)
{
    CHECK_STR(example("index_name: idx_name, join_on: r.name, join_type: left", plain_fields),
              "1,10,2|1,5.5,2|2,-1,4|3,9.99,6");
    CHECK_STR(example("index_name: idx_name, join_on: r.name, join_type: inner, group: true", group_fields),
              "1,15.5,2|2,-1,1");
}

TEST(a_grouped_field_without_aggregate_takes_the_last_right_row)
{
    CHECK_STR(
        example("index_name: idx_oid, join_on: r.oid, join_type: left, group: true",
                "id: {expression: r.oid, type: int}, v: {expression: l.v + 1, type: decimal2, default_value: '7'}"),
        "1,6.5|2,0|3,7");
}

TEST(defaults_of_unmatched_rows_have_the_field_s_type)
{
    CHECK_STR(
        example(
            "index_name: idx_oid, join_on: r.oid, join_type: left, filter: l.v > 100",
            "v: {expression: l.v / 3, type: decimal2}, n: {expression: l.name, type: string, default_value: ' none '},"
            "b: {expression: l.v > 1, type: bool, default_value: 'true'}, f: {expression: float(l.v), type: float,"
            "default_value: '1.5'}"),
        "0,none,true,1.5|0,none,true,1.5|0,none,true,1.5");
}

static const char *failure(const char *settings, const char *fields)
{
    static char result[1000];
    const char *message;
    exec_fixture f;

    exec_fixture_open(&f, 2, 64 << 20);
    exec_fixture_put(&f, "a.csv", "oid\n1\n2\n3\n");
    exec_fixture_put(&f, "b.csv", "oid,v\n5,0\n1,10.00\n1,5.50\n2,0\n");
    exec_fixture_load(&f, lookup_script(&f, settings, fields, 1));
    message = exec_fixture_run(&f);
    snprintf(result, sizeof result, "%s", message ? message : exec_fixture_table(&f, "j"));
    exec_fixture_close(&f);
    return result;
}

TEST(an_error_names_the_left_row_and_the_field)
{
    capi_err err = {0};

    capi_err_set(&err, CAPI_INVALID, "%s",
                 failure("index_name: idx_oid, join_on: r.oid, join_type: inner",
                         "ok: {expression: r.oid, type: int}, q: {expression: 1 / l.v, type: decimal2}"));
    CHECK_ERR(err, "row 1 of table \"ta\": field \"q\": ");
    capi_err_set(&err, CAPI_INVALID, "%s",
                 failure("index_name: idx_oid, join_on: r.oid, join_type: inner, group: true",
                         "q: {expression: sum(1 / l.v), type: decimal2}"));
    CHECK_ERR(err, "row 1 of table \"ta\": field \"q\": ");
    capi_err_set(&err, CAPI_INVALID, "%s",
                 failure("index_name: idx_oid, join_on: r.oid, join_type: left, filter: 1 / l.v > 0",
                         "q: {expression: l.v, type: decimal2}"));
    CHECK_ERR(err, "row 1 of table \"ta\": filter, row 3 of lookup table \"tb\": ");
}

TEST(only_rows_that_match_are_computed)
{
    /* Row 0 of the right table, whose v is 0, matches nobody; left row 3 has no match. */
    CHECK_STR(failure("index_name: idx_oid, join_on: r.oid, join_type: inner, filter: l.oid == 1",
                      "q: {expression: 1 / l.v, type: decimal2}, z: {expression: 6 / (3 - r.oid), type: int}"),
              "0.1,3|0.18,3");
    CHECK_STR(failure("index_name: idx_oid, join_on: r.oid, join_type: inner, filter: l.oid == 1, group: true",
                      "q: {expression: max(1 / l.v), type: decimal2}, z: {expression: 6 / (3 - r.oid), type: int}"),
              "0.18,3");
}

/* ---- random tables against a nested loop ---- */

typedef struct plain_row {
    int64_t key;
    int64_t value;
} plain_row;

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static plain_row *make_rows(exec_fixture *f, const char *name, uint32_t count, uint32_t key_count, bool sparse,
                            uint64_t seed)
{
    plain_row *rows = capi_new_array(&f->arena, plain_row, count + 1);
    capi_buf text = {0};

    capi_buf_append_text(&text, "oid,v\n");
    for (uint32_t i = 0; i < count; i++) {
        rows[i].key = (int64_t)(next_random(&seed) % key_count);
        if (sparse) rows[i].key = rows[i].key * 1000003 - 5000000000;
        rows[i].value = (int64_t)(next_random(&seed) % 100);
        capi_buf_printf(&text, "%lld,%lld\n", (long long)rows[i].key, (long long)rows[i].value);
    }
    capi_buf_append_byte(&text, 0);
    exec_fixture_put(f, name, text.data);
    capi_buf_deinit(&text);
    return rows;
}

static const char *nested_loop(exec_fixture *f, const plain_row *left, uint32_t left_count, const plain_row *right,
                               uint32_t right_count, bool is_left, bool is_grouped, int64_t above)
{
    capi_buf text = {0};
    const char *out;

    for (uint32_t l = 0; l < left_count; l++) {
        int64_t sum = 0, count = 0;

        for (uint32_t r = 0; r < right_count; r++) {
            if (right[r].key != left[l].key || right[r].value <= above) continue;
            sum += right[r].value;
            count++;
            if (!is_grouped) capi_buf_printf(&text, "%lld,%lld|", (long long)left[l].key, (long long)right[r].value);
        }
        if (is_grouped && (count || is_left))
            capi_buf_printf(&text, "%lld,%lld,%lld|", (long long)left[l].key, (long long)sum, (long long)count);
        if (!is_grouped && is_left && !count) capi_buf_printf(&text, "%lld,-1|", (long long)left[l].key);
    }
    if (text.bytes) text.bytes--;
    out = capi_str_copy(&f->arena, capi_buf_str(&text)).data;
    capi_buf_deinit(&text);
    return out;
}

static void compare(uint32_t left_count, uint32_t right_count, uint32_t key_count, bool sparse, uint32_t threads,
                    uint32_t batches)
{
    for (uint32_t kind = 0; kind < 16; kind++) {
        bool is_left = kind & 1, is_grouped = kind & 2, by_name = kind & 4, filtered = kind & 8;
        char settings[300];
        exec_fixture f;
        plain_row *left, *right;

        exec_fixture_open(&f, threads, 256 << 20);
        left = make_rows(&f, "a.csv", left_count, key_count, sparse, kind);
        right = make_rows(&f, "b.csv", right_count, key_count, sparse, kind + 100);
        snprintf(settings, sizeof settings, "index_name: %s, join_on: %s, join_type: %s, group: %s%s",
                 by_name ? "idx_name" : "idx_oid", by_name ? "r.name" : "r.oid", is_left ? "left" : "inner",
                 is_grouped ? "true" : "false", filtered ? ", filter: l.v > 70" : "");
        exec_fixture_run_script(
            &f,
            lookup_script(&f, settings,
                          is_grouped ? "k: {expression: r.oid, type: int}, s: {expression: sum(l.v), type: decimal2},"
                                       "n: {expression: count(), type: int}"
                                     : "k: {expression: r.oid, type: int},"
                                       "v: {expression: l.v, type: decimal2, default_value: '-1'}",
                          batches));
        CHECK_STR(exec_fixture_table(&f, "j"),
                  nested_loop(&f, left, left_count, right, right_count, is_left, is_grouped, filtered ? 70 : -1));
        exec_fixture_close(&f);
    }
}

TEST(random_tables_join_like_a_nested_loop)
{
    compare(300, 200, 100, false, 1, 1);
    compare(300, 200, 100, true, 2, 3);
    compare(50, 0, 10, true, 2, 1);
    compare(0, 50, 10, false, 2, 2);
}

TEST(many_pairs_of_one_left_row_span_chunks)
{
    compare(3, 5000, 2, false, 1, 1);
    compare(5000, 20, 4, true, 2, 4);
}

/* ---- large indexes: several partitions, checked by counting ---- */

static void large(bool sparse, uint32_t threads, uint64_t budget_bytes, bool in_parts)
{
    enum { ROWS = 300000 };
    exec_fixture f;
    capi_buf text = {0}, expected = {0};
    uint64_t *sums = calloc(ROWS / 2, sizeof *sums);

    exec_fixture_open(&f, threads, budget_bytes);
    capi_buf_append_text(&text, "oid,v\n");
    for (uint32_t i = 0; i < ROWS; i++) { /* every key twice, far apart */
        uint32_t key = (uint32_t)(i * UINT64_C(7919) % (ROWS / 2));

        capi_buf_printf(&text, "%lld,%u\n", (long long)key * (sparse ? 1000003 : 1), i % 100);
        sums[key] = sums[key] * 100 + i % 100;
    }
    capi_buf_append_byte(&text, 0);
    exec_fixture_put(&f, "b.csv", text.data);
    capi_buf_clear(&text);
    capi_buf_append_text(&text, "oid\n");
    for (uint32_t i = 0; i < ROWS; i++)
        capi_buf_printf(&text, "%lld\n", (long long)i * (sparse ? 1000003 : 1));
    capi_buf_append_byte(&text, 0);
    exec_fixture_put(&f, "a.csv", text.data);
    capi_buf_deinit(&text);
    exec_fixture_run_script(&f, lookup_script(&f, "index_name: idx_oid, join_on: r.oid, join_type: inner, group: true",
                                              "k: {expression: r.oid, type: int}, n: {expression: count(), type: int},"
                                              "v: {expression: 'string_agg(string(l.v), \"+\")', type: string}",
                                              1));
    for (uint32_t i = 0; i < ROWS / 2; i++)
        capi_buf_printf(&expected, "%s%lld,2,%u+%u", i ? "|" : "", (long long)i * (sparse ? 1000003 : 1),
                        (unsigned)(sums[i] / 100), (unsigned)(sums[i] % 100));
    capi_buf_append_byte(&expected, 0);
    CHECK(strcmp(exec_fixture_table(&f, "j"), expected.data) == 0);
    CHECK(capi_folder_exists(f.exec.temp_folder.data) == in_parts);
    capi_buf_deinit(&expected);
    free(sums);
    exec_fixture_close(&f);
}

TEST(large_indexes_have_several_partitions)
{
    large(true, 2, 512 << 20, false);
    large(false, 2, 512 << 20, false);
}

TEST(an_index_that_does_not_fit_is_done_part_by_part)
{
    large(true, 1, 16 << 20, true);
    large(true, 3, 16 << 20, true);
}

/* Of failures in different parts the lowest row is reported, and outputs without match keep their places. */
TEST(parts_give_what_one_index_gives)
{
    enum { ROWS = 200000 };
    const char *texts[2];
    capi_arena arena = {0};

    for (uint32_t round = 0; round < 2; round++) {
        exec_fixture f;
        capi_buf left = {0}, right = {0};

        exec_fixture_open(&f, 2, round ? 20 << 20 : 512 << 20);
        capi_buf_append_text(&left, "oid\n");
        capi_buf_append_text(&right, "oid,v\n");
        for (uint32_t i = 0; i < ROWS; i++) {
            capi_buf_printf(&left, "%u\n", i * 7919u % ROWS * 3);
            capi_buf_printf(&right, "%u,%d\n", i * 104729u % ROWS * 2, i % 5000 == 4999 ? 0 : 1 + (int)(i % 7));
        }
        capi_buf_append_byte(&left, 0);
        capi_buf_append_byte(&right, 0);
        exec_fixture_put(&f, "a.csv", left.data);
        exec_fixture_put(&f, "b.csv", right.data);
        exec_fixture_run_script(
            &f, lookup_script(&f, "index_name: idx_name, join_on: r.name, join_type: left, filter: l.v > 1",
                              "k: {expression: r.oid, type: int}, v: {expression: 1 / l.v, type: decimal2,"
                              "default_value: '-1'}, n: {expression: l.name, type: string}",
                              2));
        texts[round] = capi_str_copy(&arena, capi_str_of(exec_fixture_table(&f, "j"))).data;
        CHECK(capi_folder_exists(f.exec.temp_folder.data) == (round == 1));
        exec_fixture_load(
            &f, lookup_script(&f, "index_name: idx_name, join_on: r.name, join_type: left",
                              "k: {expression: r.oid, type: int}, v: {expression: 1 / l.v, type: decimal2}", 1));
        CHECK(exec_fixture_run(&f) != NULL);
        if (round == 0) texts[0] = capi_str_format(&arena, "%s %s", texts[0], f.err.text).data;
        if (round == 1) {
            capi_str text = capi_str_of(f.err.text);
            int64_t note = capi_str_find(text, CAPI_STR("\n  while looking up"));

            if (note >= 0) text.bytes = (size_t)note;
            texts[1] = capi_str_format(&arena, "%s %.*s", texts[1], CAPI_STR_ARG(text)).data;
        }
        capi_buf_deinit(&left);
        capi_buf_deinit(&right);
        exec_fixture_close(&f);
    }
    CHECK(strcmp(texts[0], texts[1]) == 0);
    capi_arena_deinit(&arena);
}
