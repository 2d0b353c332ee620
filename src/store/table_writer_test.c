/* table_writer_test.c - segments: shared by small batches, synced before they are named, given up after a failed write. */
#include "store/table_testing.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>

static capi_status write_batch(table_rig *rig, const capi_schema *schema, const capi_vec *columns, uint32_t row_count,
                               capi_extent *extents, uint32_t block_count, capi_err *err)
{
    capi_table_writer *writer = NULL;
    capi_status st = capi_table_writer_open(rig->tables, &rig->address, schema, &writer, err);

    for (uint32_t i = 0; st == CAPI_OK && i < block_count; i++)
        st = capi_table_write_block(writer, columns, row_count, NULL, &extents[i], err);
    if (st == CAPI_OK) st = capi_table_writer_sync(writer, err);
    capi_table_writer_close(writer);
    return st;
}

static int file_count(const char *path)
{
    DIR *folder = opendir(path);
    int count = 0;

    if (!folder) return 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static const char *table_folder(table_rig *rig)
{
    return capi_str_format(&rig->arena, "%s/tables/ks1/run1/orders", capi_test_folder()).data;
}

TEST(many_small_batches_share_few_files)
{
    table_rig rig = {0};
    capi_schema schema = rig_schema();
    capi_vec *columns;
    capi_extent extents[200];
    uint64_t bytes = 0;
    capi_err err = {0};

    rig_open(&rig, false, 0);
    columns = rig_columns(&rig, &schema, 3);
    for (int i = 0; i < 200; i++)
        CHECK_OK(write_batch(&rig, &schema, columns, 3, &extents[i], 1, &err), err);
    CHECK_INT(file_count(table_folder(&rig)), 1);
    for (int i = 1; i < 200; i++) {
        CHECK(extents[i].segment == extents[0].segment);
        CHECK_INT(extents[i].offset, extents[i - 1].offset + extents[i - 1].length_bytes);
    }
    CHECK_OK(capi_tables_disk_bytes(rig.tables, &rig.address, &bytes, &err), err);
    CHECK_INT(bytes, extents[199].offset + extents[199].length_bytes);
    rig_close(&rig);
}

TEST(what_was_not_synced_is_removed_and_its_segment_given_up)
{
    table_rig rig = {0};
    capi_schema schema = rig_schema();
    capi_table_writer *writer = NULL;
    capi_extent kept, lost, next;
    capi_vec *columns;
    uint64_t bytes = 0;
    capi_err err = {0};

    rig_open(&rig, false, 0);
    columns = rig_columns(&rig, &schema, 500);
    CHECK_OK(write_batch(&rig, &schema, columns, 500, &kept, 1, &err), err);
    CHECK_OK(capi_table_writer_open(rig.tables, &rig.address, &schema, &writer, &err), err);
    CHECK_OK(capi_table_write_block(writer, columns, 500, NULL, &lost, &err), err);
    CHECK(lost.segment == kept.segment);
    capi_table_writer_close(writer);
    CHECK_OK(capi_tables_disk_bytes(rig.tables, &rig.address, &bytes, &err), err);
    CHECK_INT(bytes, kept.offset + kept.length_bytes);
    CHECK_OK(capi_table_writer_open(rig.tables, &rig.address, &schema, &writer, &err), err);
    CHECK_OK(capi_table_write_block(writer, columns, 500, NULL, &lost, &err), err);
    CHECK(lost.segment != kept.segment);
    capi_table_writer_close(writer);
    CHECK_INT(file_count(table_folder(&rig)), 1);
    CHECK_OK(write_batch(&rig, &schema, columns, 500, &next, 1, &err), err);
    CHECK(next.segment != kept.segment && next.segment != lost.segment);
    rig_close(&rig);
}

TEST(a_writer_without_blocks_leaves_no_file)
{
    table_rig rig = {0};
    capi_schema schema = rig_schema();
    uint64_t bytes = 1;
    capi_err err = {0};

    rig_open(&rig, false, 0);
    CHECK_OK(write_batch(&rig, &schema, NULL, 0, NULL, 0, &err), err);
    CHECK_INT(file_count(table_folder(&rig)), 0);
    CHECK_OK(capi_tables_disk_bytes(rig.tables, &rig.address, &bytes, &err), err);
    CHECK_INT(bytes, 0);
    rig_close(&rig);
}

TEST(dropping_a_run_or_a_keyspace_removes_its_tables_only)
{
    table_rig rig = {0};
    capi_schema schema = rig_schema();
    capi_vec *columns;
    capi_extent extent;
    char path[500];
    capi_err err = {0};

    rig_open(&rig, false, 0);
    columns = rig_columns(&rig, &schema, 5);
    for (int i = 0; i < 3; i++) {
        static const char *const runs[] = {"run1", "run12", "run1"};

        rig.address.run_uid = capi_str_of(runs[i]);
        rig.address.keyspace_uid = i == 2 ? CAPI_STR("ks2") : CAPI_STR("ks1");
        CHECK_OK(write_batch(&rig, &schema, columns, 5, &extent, 1, &err), err);
    }
    CHECK_OK(capi_tables_drop(rig.tables, CAPI_STR("ks1"), CAPI_STR("run1"), &err), err);
    snprintf(path, sizeof path, "%s/tables/ks1/run1", capi_test_folder());
    CHECK(!capi_folder_exists(path));
    snprintf(path, sizeof path, "%s/tables/ks1/run12/orders", capi_test_folder());
    CHECK_INT(file_count(path), 1);
    CHECK_OK(capi_tables_drop(rig.tables, CAPI_STR("ks1"), (capi_str){0}, &err), err);
    CHECK_OK(capi_tables_drop(rig.tables, CAPI_STR("ks1"), (capi_str){0}, &err), err);
    snprintf(path, sizeof path, "%s/tables/ks1", capi_test_folder());
    CHECK(!capi_folder_exists(path));
    snprintf(path, sizeof path, "%s/tables/ks2/run1/orders", capi_test_folder());
    CHECK_INT(file_count(path), 1);
    CHECK(capi_tables_drop(rig.tables, (capi_str){0}, (capi_str){0}, NULL) == CAPI_INVALID);
    rig_close(&rig);
}

TEST(names_cannot_lead_out_of_the_folder)
{
    table_rig rig = {0};
    capi_schema schema = rig_schema();
    capi_extent extent;
    char path[500];
    capi_err err = {0};

    rig_open(&rig, false, 0);
    rig.address = (capi_table_address){CAPI_STR(".."), CAPI_STR("../../x"), CAPI_STR("a/b")};
    CHECK_OK(write_batch(&rig, &schema, rig_columns(&rig, &schema, 5), 5, &extent, 1, &err), err);
    snprintf(path, sizeof path, "%s/tables/%%2E./%%2E.%%2F..%%2Fx/a%%2Fb", capi_test_folder());
    CHECK_INT(file_count(path), 1);
    rig_close(&rig);
}

TEST(a_failing_disk_publishes_nothing_and_says_what_failed)
{
    static const int causes[] = {ENOSPC, EIO};
    capi_schema schema = rig_schema();

    for (int c = 0; c < 2; c++)
        for (uint64_t fail_at = 1;; fail_at++) {
            table_rig rig = {0};
            capi_extent extents[3];
            capi_vec *columns;
            capi_status st;
            capi_err err = {0};

            rig_open(&rig, false, 0);
            columns = rig_columns(&rig, &schema, 700);
            capi_file_faults("/tables/", fail_at, causes[c]);
            st = write_batch(&rig, &schema, columns, 700, extents, 3, &err);
            capi_file_faults(NULL, 0, 0);
            if (st == CAPI_OK) { /* the fault lies beyond the last operation */
                CHECK(fail_at > 5);
                CHECK_OK(capi_tables_drop(rig.tables, CAPI_STR("ks1"), (capi_str){0}, &err), err);
                rig_close(&rig);
                break;
            }
            CHECK(st == CAPI_UNAVAILABLE || st == CAPI_INVALID);
            CHECK_ERR(err, "/tables");
            CHECK_ERR(err, "could not write");
            CHECK_INT(file_count(table_folder(&rig)), 0);
            /* The next attempt writes elsewhere and is whole. */
            CHECK_OK(write_batch(&rig, &schema, columns, 700, extents, 3, &err), err);
            CHECK_OK(capi_tables_drop(rig.tables, CAPI_STR("ks1"), (capi_str){0}, &err), err);
            rig_close(&rig);
        }
}

TEST(a_failing_read_is_an_error_of_the_disk_not_of_the_table)
{
    capi_schema schema = rig_schema();
    table_rig rig = {0};
    capi_extent extent;
    capi_vec *columns;
    capi_table_content content = {.extents = &extent, .extent_count = 1, .row_count = 20000};
    uint64_t fail_at = 1;
    capi_err err = {0};

    rig_open(&rig, false, 0);
    columns = rig_columns(&rig, &schema, 20000);
    CHECK_OK(write_batch(&rig, &schema, columns, 20000, &extent, 1, &err), err);
    for (;; fail_at++) {
        capi_table_reader *reader = NULL;
        capi_block block = {0};
        capi_status st;

        capi_tables_close(rig.tables);
        rig_open(&rig, false, 0);
        capi_file_faults("/tables/", fail_at, EIO);
        st = capi_table_reader_open(rig.tables, &rig.address, &schema, &content, &reader, &err);
        if (st == CAPI_OK) st = capi_table_read_block(reader, 0, NULL, false, &block, &err);
        capi_file_faults(NULL, 0, 0);
        capi_block_release(&block);
        capi_table_reader_close(reader);
        if (st == CAPI_OK) break;
        CHECK_ERR(err, "could not read");
    }
    CHECK(fail_at > schema.field_count);
    rig_close(&rig);
}
