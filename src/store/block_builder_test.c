/* block_builder_test.c - rows of chunks of any form become blocks, in order, within the limits of a block. */
#include "store/table_testing.h"

#include "store/table_format.h"

static void writer_open(table_rig *rig, const capi_schema *schema, capi_table_writer **writer)
{
    capi_err err = {0};

    CHECK_OK(capi_table_writer_open(rig->tables, &rig->address, schema, writer, &err), err);
}

static capi_table_reader *read_extents(table_rig *rig, const capi_schema *schema, const capi_extent *extents,
                                       uint32_t count, uint64_t row_count)
{
    capi_table_reader *reader = NULL;
    capi_err err = {0};

    CHECK_OK(
        capi_table_reader_open(rig->tables, &rig->address, schema,
                               &(capi_table_content){.extents = extents, .extent_count = count, .row_count = row_count},
                               &reader, &err),
        err);
    return reader;
}

TEST(chunks_become_full_blocks_in_the_order_of_their_rows)
{
    enum { CHUNKS = 80, ROWS = CAPI_CHUNK_ROWS };
    static const capi_field fields[] = {{CAPI_STR("n"), CAPI_INT}, {CAPI_STR("t"), CAPI_STRING}};
    capi_schema schema = {fields, 2};
    table_rig rig = {0};
    capi_table_writer *writer;
    capi_block_builder *builder;
    capi_table_reader *reader;
    capi_extent *extents;
    uint32_t extent_count;
    int64_t next = 0;
    capi_err err = {0};

    rig_open(&rig, false, 0);
    writer_open(&rig, &schema, &writer);
    builder = capi_block_builder_new(writer, &schema, false);
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
        capi_vec columns[2] = {capi_vec_new(&rig.arena, CAPI_INT, CAPI_FORM_INT64, ROWS),
                               capi_vec_new(&rig.arena, CAPI_STRING, CAPI_FORM_VIEW, ROWS)};

        for (int row = 0; row < ROWS; row++, next++) {
            char text[40];
            int bytes = snprintf(text, sizeof text, next % 3 ? "%lld" : "a longer text, number %lld", (long long)next);

            columns[0].int64s[row] = next;
            columns[1].views[row] = capi_view_make(capi_arena_copy(&rig.arena, text, (size_t)bytes), (size_t)bytes);
        }
        CHECK_OK(capi_block_builder_append(builder, columns, NULL, ROWS, NULL, NULL, NULL, &err), err);
    }
    CHECK_OK(capi_block_builder_take(builder, &extents, &extent_count, &err), err);
    CHECK_INT(extent_count, 3);
    CHECK_INT(extents[0].row_count, CAPI_BLOCK_ROWS);
    CHECK_INT(extents[1].row_count, CAPI_BLOCK_ROWS);
    reader = read_extents(&rig, &schema, extents, extent_count, (uint64_t)next);
    next = 0;
    for (uint64_t i = 0; i < extent_count; i++) {
        capi_block block;

        CHECK_OK(capi_table_read_block(reader, i, NULL, false, &block, &err), err);
        for (uint32_t row = 0; row < block.row_count; row++, next++) {
            char text[40];

            snprintf(text, sizeof text, next % 3 ? "%lld" : "a longer text, number %lld", (long long)next);
            if (block.columns[0].int64s[row] != next || !capi_str_is(capi_view_str(&block.columns[1].views[row]), text))
                capi_test_fail(__FILE__, __LINE__, "row %lld differs", (long long)next);
        }
        capi_block_release(&block);
    }
    free(extents);
    capi_table_reader_close(reader);
    capi_block_builder_free(builder);
    capi_table_writer_close(writer);
    rig_close(&rig);
}

TEST(selected_rows_constants_and_hashes_are_added)
{
    capi_schema schema = rig_schema();
    table_rig rig = {0};
    uint32_t rows[500];
    uint64_t hashes[2000];
    capi_table_writer *writer;
    capi_block_builder *builder;
    capi_table_reader *reader;
    capi_extent *extents;
    uint32_t extent_count;
    capi_vec *columns;
    capi_vec *whole;
    capi_block block;
    capi_err err = {0};

    rig_open(&rig, true, 0);
    columns = rig_columns(&rig, &schema, 2000);
    whole = capi_arena_copy(&rig.arena, columns, schema.field_count * sizeof *columns);
    for (uint32_t i = 0; i < 2000; i++)
        hashes[i] = capi_random_system.next(NULL);
    for (uint32_t i = 0; i < 500; i++)
        rows[i] = i * 4 + i % 3;
    columns[1] = capi_vec_constant(&rig.arena, &(capi_value){.type = CAPI_INT, .integer = 77});
    columns[4] = capi_vec_constant(&rig.arena, &(capi_value){.type = CAPI_BOOL, .boolean = true});
    columns[8] =
        capi_vec_constant(&rig.arena, &(capi_value){.type = CAPI_STRING, .string = CAPI_STR("the same for all rows")});
    writer_open(&rig, &schema, &writer);
    builder = capi_block_builder_new(writer, &schema, true);
    CHECK_OK(capi_block_builder_append(builder, columns, rows, 500, hashes, NULL, NULL, &err), err);
    CHECK_OK(capi_block_builder_append(builder, columns, NULL, 300, hashes, NULL, NULL, &err), err);
    CHECK_OK(capi_block_builder_append(builder, columns, rows, 0, hashes, NULL, NULL, &err), err);
    CHECK_OK(capi_block_builder_take(builder, &extents, &extent_count, &err), err);
    CHECK_INT(extent_count, 1);
    reader = read_extents(&rig, &schema, extents, extent_count, 800);
    CHECK_OK(capi_table_read_block(reader, 0, NULL, true, &block, &err), err);
    for (uint32_t i = 0; i < 800; i++) {
        uint32_t row = i < 500 ? rows[i] : i - 500;

        CHECK_INT(block.columns[1].int64s[i], 77);
        CHECK_INT(block.columns[4].bools[i], 1);
        CHECK(capi_str_is(capi_view_str(&block.columns[8].views[i]), "the same for all rows"));
        CHECK(block.key_hashes[i] == hashes[row]);
        for (uint32_t c = 0; c < schema.field_count; c++)
            if (c != 1 && c != 4 && c != 8) CHECK(rig_values_equal(&block.columns[c], i, &whole[c], row));
    }
    capi_block_release(&block);
    capi_table_reader_close(reader);
    free(extents);
    capi_block_builder_free(builder);
    capi_table_writer_close(writer);
    rig_close(&rig);
}

static capi_decimal decimal(const char *text)
{
    capi_decimal out;

    CHECK(capi_decimal_parse(capi_str_of(text), &out));
    return out;
}

TEST(computed_values_are_stored_as_cents_and_milliseconds)
{
    static const capi_field fields[] = {{CAPI_STR("price"), CAPI_DECIMAL}, {CAPI_STR("at"), CAPI_DATETIME}};
    capi_schema schema = {fields, 2};
    table_rig rig = {0};
    uint32_t rows[2] = {2, 0};
    capi_vec columns[2];
    capi_table_writer *writer;
    capi_block_builder *builder;
    capi_table_reader *reader;
    capi_extent *extents;
    uint32_t extent_count;
    capi_block block;
    capi_err err = {0};

    rig_open(&rig, false, 0);
    columns[0] = capi_vec_new(&rig.arena, CAPI_DECIMAL, CAPI_FORM_DECIMAL, 3);
    columns[1] = capi_vec_new(&rig.arena, CAPI_DATETIME, CAPI_FORM_INSTANT, 3);
    columns[0].decimals[0] = decimal("1.005");
    columns[0].decimals[1] = decimal("1e60"); /* not selected */
    columns[0].decimals[2] = decimal("-7.1");
    for (int row = 0; row < 3; row++)
        columns[1].instants[row] = (capi_instant){.seconds = 10 * row, .nanoseconds = 999999, .offset_seconds = 3600};
    writer_open(&rig, &schema, &writer);
    builder = capi_block_builder_new(writer, &schema, false);
    CHECK_OK(capi_block_builder_append(builder, columns, rows, 2, NULL, NULL, NULL, &err), err);
    CHECK_OK(capi_block_builder_take(builder, &extents, &extent_count, &err), err);
    reader = read_extents(&rig, &schema, extents, extent_count, 2);
    CHECK_OK(capi_table_read_block(reader, 0, NULL, false, &block, &err), err);
    CHECK_INT(block.columns[0].int64s[0], -710);
    CHECK_INT(block.columns[0].int64s[1], 101);
    CHECK_INT(block.columns[1].int64s[0], 20000);
    CHECK_INT(block.columns[1].int64s[1], 0);
    capi_block_release(&block);
    capi_table_reader_close(reader);
    free(extents);
    capi_block_builder_free(builder);
    capi_table_writer_close(writer);
    rig_close(&rig);
}

TEST(of_values_that_do_not_fit_the_lowest_row_is_named)
{
    static const capi_field fields[] = {
        {CAPI_STR("a"), CAPI_DECIMAL}, {CAPI_STR("at"), CAPI_DATETIME}, {CAPI_STR("b"), CAPI_DECIMAL}};
    capi_schema schema = {fields, 3};
    table_rig rig = {0};
    uint32_t rows[2] = {2, 5};
    uint32_t bad_row = 0, bad_column = 0;
    capi_vec columns[3];
    capi_table_writer *writer;
    capi_block_builder *builder;
    capi_extent *extents;
    uint32_t extent_count;
    capi_err err = {0};

    rig_open(&rig, false, 0);
    for (int c = 0; c < 3; c++) {
        if (c == 1) continue;
        columns[c] = capi_vec_new(&rig.arena, CAPI_DECIMAL, CAPI_FORM_DECIMAL, 6);
        for (int row = 0; row < 6; row++)
            columns[c].decimals[row] = decimal("1");
    }
    columns[1] = capi_vec_new(&rig.arena, CAPI_DATETIME, CAPI_FORM_INSTANT, 6);
    for (int row = 0; row < 6; row++)
        columns[1].instants[row] = (capi_instant){.seconds = row};
    columns[0].decimals[5] = decimal("123456789012345678901");
    columns[2].decimals[2] = decimal("-5e30");
    columns[1].instants[4].seconds = INT64_MAX;
    writer_open(&rig, &schema, &writer);
    builder = capi_block_builder_new(writer, &schema, false);
    CHECK(capi_block_builder_append(builder, columns, NULL, 6, NULL, &bad_row, &bad_column, &err) == CAPI_INVALID);
    CHECK_INT(bad_row, 2);
    CHECK_INT(bad_column, 2);
    CHECK_ERR(
        err, "value -5000000000000000000000000000000 of column \"b\" cannot be stored as decimal2: it is out of range");
    columns[2].decimals[2] = decimal("0");
    CHECK(capi_block_builder_append(builder, columns, NULL, 6, NULL, &bad_row, &bad_column, &err) == CAPI_INVALID);
    CHECK_INT(bad_row, 4);
    CHECK_INT(bad_column, 1);
    CHECK(capi_block_builder_append(builder, columns, rows, 2, NULL, &bad_row, &bad_column, &err) == CAPI_INVALID);
    CHECK_INT(bad_row, 5);
    CHECK_INT(bad_column, 0);
    CHECK_OK(capi_block_builder_append(builder, columns, rows, 1, NULL, &bad_row, &bad_column, &err), err);
    capi_block_builder_reset(builder);
    CHECK_OK(capi_block_builder_take(builder, &extents, &extent_count, &err), err);
    CHECK_INT(extent_count, 0);
    capi_block_builder_free(builder);
    capi_table_writer_close(writer);
    rig_close(&rig);
}

TEST(blocks_keep_to_eight_megabytes_but_for_single_rows_that_are_larger)
{
    enum { ROWS = 40 };
    static const capi_field fields[] = {{CAPI_STR("n"), CAPI_INT}, {CAPI_STR("t"), CAPI_STRING}};
    capi_schema schema = {fields, 2};
    table_rig rig = {0};
    size_t bytes[ROWS];
    char *text = malloc(9 << 20);
    capi_vec columns[2];
    capi_table_writer *writer;
    capi_block_builder *builder;
    capi_table_reader *reader;
    capi_extent *extents;
    uint32_t extent_count;
    uint64_t row = 0;
    capi_err err = {0};

    for (size_t i = 0; i < 9 << 20; i++)
        text[i] = (char)(i * 2654435761u >> 13);
    rig_open(&rig, false, 0);
    columns[0] = capi_vec_new(&rig.arena, CAPI_INT, CAPI_FORM_INT64, ROWS);
    columns[1] = capi_vec_new(&rig.arena, CAPI_STRING, CAPI_FORM_VIEW, ROWS);
    for (int i = 0; i < ROWS; i++) {
        bytes[i] = i == 0 || i == 7 ? 9 << 20 : (size_t)(i % 5) * 1000000;
        columns[0].int64s[i] = i;
        columns[1].views[i] = capi_view_make(text, bytes[i]);
    }
    writer_open(&rig, &schema, &writer);
    builder = capi_block_builder_new(writer, &schema, false);
    CHECK_OK(capi_block_builder_append(builder, columns, NULL, ROWS, NULL, NULL, NULL, &err), err);
    CHECK_OK(capi_block_builder_take(builder, &extents, &extent_count, &err), err);
    reader = read_extents(&rig, &schema, extents, extent_count, ROWS);
    for (uint64_t i = 0; i < extent_count; i++) {
        uint64_t data = 0;
        capi_block block;

        CHECK_OK(capi_table_read_block(reader, i, NULL, false, &block, &err), err);
        for (uint32_t at = 0; at < block.row_count; at++, row++) {
            CHECK_INT(block.columns[0].int64s[at], row);
            CHECK(capi_view_equal(&block.columns[1].views[at], &columns[1].views[row]));
            data += 12 + bytes[row];
        }
        CHECK(data <= BLOCK_DATA_MAX || block.row_count == 1);
        capi_block_release(&block);
    }
    CHECK_INT(row, ROWS);
    capi_table_reader_close(reader);
    free(extents);
    free(text);
    capi_block_builder_free(builder);
    capi_table_writer_close(writer);
    rig_close(&rig);
}

TEST(rows_beyond_the_memory_budget_are_an_error_that_says_so)
{
    capi_schema schema = rig_schema();
    table_rig rig = {.budget = {.limit_bytes = 300000}};
    capi_vec *columns;
    capi_table_writer *writer;
    capi_block_builder *builder;
    capi_status st = CAPI_OK;
    capi_err err = {0};

    rig_open(&rig, false, 0);
    columns = rig_columns(&rig, &schema, CAPI_CHUNK_ROWS);
    writer_open(&rig, &schema, &writer);
    builder = capi_block_builder_new(writer, &schema, false);
    for (int i = 0; st == CAPI_OK && i < 100; i++)
        st = capi_block_builder_append(builder, columns, NULL, CAPI_CHUNK_ROWS, NULL, NULL, NULL, &err);
    CHECK_INT(st, CAPI_NO_MEMORY);
    CHECK_ERR(err, "rows of a table needs");
    capi_block_builder_free(builder);
    capi_table_writer_close(writer);
    rig_close(&rig);
}
