/* node_distinct_test.c - the first row of each key survives, in any number of batches and threads, also without memory. */
#include "exec/exec_fixture.h"

#include <stdlib.h>

static const char distinct_script[] =
    "nodes:\n"
    "  read:\n"
    "    type: file_table\n"
    "    r: {urls: ['{dir}/in.csv'], csv: {first_data_line_idx: 1}, columns: {k: {csv: {col_hdr: k}, col_type: int},\n"
    "        v: {csv: {col_hdr: v}, col_type: int}}}\n"
    "    w: {name: source, fields: {k: {expression: r.k, type: int}, v: {expression: r.v, type: int}}}\n"
    "  only:\n"
    "    type: distinct_table\n"
    "    rerun_policy: fail\n"
    "    r: {table: source, expected_batches_total: %u}\n"
    "    w: {name: result, fields: {k: {expression: '%s', type: %s}, v: {expression: r.v, type: int}},\n"
    "        indexes: {idx_k: unique(k)}}\n";

static const char *distinct_of(exec_fixture *f, uint32_t batches, bool by_text)
{
    exec_fixture_run_script(f, capi_str_format(&f->arena, distinct_script, batches,
                                               by_text ? "\"a rather long key \" + string(r.k)" : "r.k",
                                               by_text ? "string" : "int")
                                   .data);
    return exec_fixture_table(f, "only");
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Writes in.csv and gives the expected rows. */
static const char *put_rows(exec_fixture *f, uint32_t count, uint32_t key_count, bool by_text)
{
    capi_buf text = {0}, expected = {0};
    uint8_t *seen = calloc(key_count, 1);
    uint64_t seed = count;
    const char *out;

    capi_buf_append_text(&text, "k,v\n");
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key = (uint32_t)(next_random(&seed) % key_count);

        capi_buf_printf(&text, "%u,%u\n", key, i);
        if (!seen[key])
            capi_buf_printf(&expected, "%s%s%u,%u", expected.bytes ? "|" : "", by_text ? "a rather long key " : "", key,
                            i);
        seen[key] = 1;
    }
    free(seen);
    capi_buf_append_byte(&text, 0);
    exec_fixture_put(f, "in.csv", text.data);
    out = capi_str_copy(&f->arena, capi_buf_str(&expected)).data;
    capi_buf_deinit(&text);
    capi_buf_deinit(&expected);
    return out;
}

static void check(uint32_t threads, uint32_t batches, uint32_t count, uint32_t key_count, bool by_text, uint64_t budget)
{
    exec_fixture f;
    const char *expected;

    exec_fixture_open(&f, threads, budget);
    expected = put_rows(&f, count, key_count, by_text);
    CHECK(strcmp(distinct_of(&f, batches, by_text), expected) == 0);
    exec_fixture_close(&f);
}

TEST(the_distinct_example_of_the_specification)
{
    exec_fixture f;

    exec_fixture_open(&f, 2, 64 << 20);
    exec_fixture_put(&f, "in.csv", "k,v\n7,1\n8,2\n7,3\n");
    CHECK_STR(distinct_of(&f, 1, false), "7,1|8,2");
    CHECK_INT(f.outputs[1].rows_read, 3);
    CHECK_INT(f.outputs[1].rows_written, 2);
    CHECK_STR(distinct_of(&f, 3, false), "7,1|8,2");
    exec_fixture_close(&f);
}

TEST(the_first_row_in_table_order_survives)
{
    for (uint32_t batches = 1; batches <= 5; batches += 2)
        for (uint32_t threads = 1; threads <= 3; threads++) {
            check(threads, batches, 3000, 1000, threads & 1, 64 << 20);
            check(threads, batches, 5000, 20, threads & 1, 64 << 20);
        }
}

TEST(large_tables_are_deduplicated_block_by_block)
{
    check(3, 1, 200000, 100000, false, 256 << 20);
    check(2, 2, 200000, 100000, true, 256 << 20);
}

TEST(what_a_batch_cannot_remember_the_seal_finds)
{
    /* The batch's set may take a quarter of the budget: too little for so many keys. */
    check(1, 1, 200000, 150000, false, 20 << 20);
    check(2, 2, 150000, 100000, false, 20 << 20);
}

TEST(an_error_of_a_distinct_row_names_it)
{
    exec_fixture f;

    exec_fixture_open(&f, 2, 64 << 20);
    exec_fixture_put(&f, "in.csv", "k,v\n7,1\n8,2\n0,3\n");
    exec_fixture_load(&f, capi_str_format(&f.arena, distinct_script, 1, "56 / r.k", "int").data);
    CHECK(exec_fixture_run(&f) != NULL);
    CHECK_ERR(f.err, "row 2 of table \"source\": field \"k\": ");
    exec_fixture_close(&f);
}
