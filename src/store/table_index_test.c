/* table_index_test.c - readers of the same content share its index, others do not. */
#include "store/table_store.h"
#include "store/table_testing.h"

enum { TEST_EXTENTS = 3, TEST_ROWS = 100 };

static void write_extents(table_rig *rig, capi_extent extents[TEST_EXTENTS])
{
    capi_schema schema = rig_schema();
    capi_table_writer *writer = NULL;
    capi_err err = {0};

    CHECK_OK(capi_table_writer_open(rig->tables, &rig->address, &schema, &writer, &err), err);
    for (int i = 0; i < TEST_EXTENTS; i++)
        CHECK_OK(
            capi_table_write_block(writer, rig_columns(rig, &schema, TEST_ROWS), TEST_ROWS, NULL, &extents[i], &err),
            err);
    CHECK_OK(capi_table_writer_sync(writer, &err), err);
    capi_table_writer_close(writer);
}

static table_index *open_index(table_rig *rig, const capi_table_content *content)
{
    table_index *index = NULL;
    capi_err err = {0};

    CHECK_OK(
        tables_open_index(rig->tables, tables_path(rig->tables, &rig->address, &rig->arena), content, &index, &err),
        err);
    return index;
}

TEST(indexes_of_the_same_content_are_one)
{
    table_rig rig = {0};
    capi_extent extents[TEST_EXTENTS], other_order[TEST_EXTENTS];
    uint8_t all[TEST_EXTENTS * TEST_ROWS / 8 + 1], odd[TEST_EXTENTS * TEST_ROWS / 8 + 1];
    capi_table_content content = {
        .extents = extents, .extent_count = TEST_EXTENTS, .row_count = TEST_EXTENTS * TEST_ROWS};
    table_index *first, *same, *swapped, *kept, *kept_other;

    rig_open(&rig, false, 0);
    write_extents(&rig, extents);
    first = open_index(&rig, &content);
    same = open_index(&rig, &content);
    CHECK(first == same);
    for (int i = 0; i < TEST_EXTENTS; i++)
        other_order[i] = extents[TEST_EXTENTS - 1 - i];
    content.extents = other_order;
    swapped = open_index(&rig, &content);
    CHECK(swapped != first);
    content.extents = extents;
    memset(all, 0xff, sizeof all);
    memset(odd, 0xaa, sizeof odd);
    content.survivors = all;
    kept = open_index(&rig, &content);
    CHECK(kept != first);
    content.survivors = odd;
    content.row_count /= 2;
    kept_other = open_index(&rig, &content);
    CHECK(kept_other != kept);
    CHECK_INT(kept_other->blocks[1].survivor_count, TEST_ROWS / 2);
    tables_close_index(rig.tables, first);
    tables_close_index(rig.tables, same);
    tables_close_index(rig.tables, swapped);
    tables_close_index(rig.tables, kept);
    tables_close_index(rig.tables, kept_other);
    tables_close_index(rig.tables, NULL);
    CHECK_INT(rig.tables->idle_index_count, 4);
    rig_close(&rig);
}

TEST(few_indexes_are_kept_for_the_next_reader)
{
    table_rig rig = {0};
    capi_extent extents[TEST_EXTENTS];
    capi_err err = {0};

    rig_open(&rig, false, 0);
    write_extents(&rig, extents);
    for (uint64_t round = 0; round < 3; round++)
        for (uint64_t from = 0; from < TEST_EXTENTS; from++)
            for (uint64_t count = 1; from + count <= TEST_EXTENTS; count++) {
                capi_table_content part = {
                    .extents = extents + from, .extent_count = count, .row_count = count * TEST_ROWS};
                table_index *index = open_index(&rig, &part);

                CHECK_INT(index->first_rows[count], count * TEST_ROWS);
                CHECK(memcmp(&index->blocks[0].extent, &extents[from], sizeof *extents) == 0);
                tables_close_index(rig.tables, index);
                CHECK(rig.tables->idle_index_count <= 4);
            }
    CHECK_OK(capi_tables_drop(rig.tables, CAPI_STR("ks1"), CAPI_STR("run1"), &err), err);
    CHECK_INT(rig.tables->idle_index_count, 0);
    CHECK_INT(rig.tables->idle_segment_count, 0);
    rig_close(&rig);
}
