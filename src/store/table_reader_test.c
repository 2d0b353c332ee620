/* table_reader_test.c - what was written is what is read: whole, in part, with survivors, from several threads; and
 * damage is named, never believed. */
#include "store/table_testing.h"

#include "store/table_format.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEST_BLOCKS = 5 };

typedef struct stored_table {
    capi_schema schema;
    capi_vec *columns[TEST_BLOCKS];
    uint32_t row_counts[TEST_BLOCKS];
    capi_extent extents[TEST_BLOCKS];
    uint64_t row_count;
} stored_table;

static void table_write(table_rig *rig, stored_table *table)
{
    static const uint32_t counts[TEST_BLOCKS] = {1, 3000, 65, 20000, 2};
    capi_table_writer *writer = NULL;
    capi_err err = {0};

    table->schema = rig_schema();
    CHECK_OK(capi_table_writer_open(rig->tables, &rig->address, &table->schema, &writer, &err), err);
    for (int i = 0; i < TEST_BLOCKS; i++) {
        table->row_counts[i] = counts[i];
        table->columns[i] = rig_columns(rig, &table->schema, counts[i]);
        CHECK_OK(capi_table_write_block(writer, table->columns[i], counts[i], NULL, &table->extents[i], &err), err);
        table->row_count += counts[i];
    }
    CHECK_OK(capi_table_writer_sync(writer, &err), err);
    capi_table_writer_close(writer);
}

static capi_table_content table_content(const stored_table *table)
{
    return (capi_table_content){.extents = table->extents, .extent_count = TEST_BLOCKS, .row_count = table->row_count};
}

static capi_table_reader *table_open(table_rig *rig, const stored_table *table)
{
    capi_table_content content = table_content(table);
    capi_table_reader *reader = NULL;
    capi_err err = {0};

    CHECK_OK(capi_table_reader_open(rig->tables, &rig->address, &table->schema, &content, &reader, &err), err);
    return reader;
}

static void check_whole_table(capi_table_reader *reader, const stored_table *table)
{
    capi_err err = {0};

    for (int i = 0; i < TEST_BLOCKS; i++) {
        capi_block block;

        CHECK_OK(capi_table_read_block(reader, (uint64_t)i, NULL, true, &block, &err), err);
        CHECK_INT(block.row_count, table->row_counts[i]);
        CHECK(block.key_hashes == NULL);
        rig_check_columns(block.columns, 0, table->columns[i], 0, block.row_count, table->schema.field_count);
        capi_block_release(&block);
    }
}

TEST(blocks_come_back_as_they_were_written)
{
    for (int compress = 0; compress < 2; compress++)
        for (int reopened = 0; reopened < 2; reopened++) {
            table_rig rig = {0};
            stored_table table = {0};
            capi_table_reader *reader;

            rig_open(&rig, compress, 0);
            table_write(&rig, &table);
            if (reopened) {
                capi_tables_close(rig.tables);
                rig_open(&rig, compress, 0);
            }
            reader = table_open(&rig, &table);
            CHECK_INT(capi_table_reader_row_count(reader), table.row_count);
            CHECK_INT(capi_table_reader_block_count(reader), TEST_BLOCKS);
            check_whole_table(reader, &table);
            check_whole_table(reader, &table); /* from the cache */
            capi_table_reader_close(reader);
            rig_close(&rig);
        }
}

TEST(rows_are_found_in_their_blocks)
{
    table_rig rig = {0};
    stored_table table = {0};
    capi_table_reader *reader;
    uint64_t first = 0;

    rig_open(&rig, false, 0);
    table_write(&rig, &table);
    reader = table_open(&rig, &table);
    for (int i = 0; i < TEST_BLOCKS; i++) {
        CHECK_INT(capi_table_reader_first_row(reader, (uint64_t)i), first);
        CHECK_INT(capi_table_reader_find_block(reader, first), i);
        first += table.row_counts[i];
        CHECK_INT(capi_table_reader_find_block(reader, first - 1), i);
    }
    CHECK_INT(capi_table_reader_first_row(reader, TEST_BLOCKS), first);
    capi_table_reader_close(reader);
    rig_close(&rig);
}

TEST(only_the_columns_that_are_needed_are_read)
{
    table_rig rig = {0};
    stored_table table = {0};
    capi_table_reader *reader;
    capi_err err = {0};

    rig_open(&rig, false, 0);
    table_write(&rig, &table);
    reader = table_open(&rig, &table);
    for (uint32_t only = 0; only < table.schema.field_count; only++) {
        bool needed[32] = {false};
        capi_block block;

        needed[only] = true;
        CHECK_OK(capi_table_read_block(reader, 3, needed, false, &block, &err), err);
        for (uint32_t c = 0; c < table.schema.field_count; c++)
            CHECK((block.columns[c].data != NULL) == needed[c]);
        rig_check_columns(&block.columns[only], 0, &table.columns[3][only], 0, block.row_count, 1);
        capi_block_release(&block);
    }
    capi_table_reader_close(reader);
    rig_close(&rig);
}

TEST(a_reader_may_ask_for_some_columns_in_another_order)
{
    static const capi_field fields[] = {{CAPI_STR("note"), CAPI_STRING}, {CAPI_STR("id"), CAPI_INT}};
    capi_schema part = {fields, 2};
    table_rig rig = {0};
    stored_table table = {0};
    capi_table_content content;
    capi_table_reader *reader = NULL;
    capi_block block;
    capi_err err = {0};

    rig_open(&rig, false, 0);
    table_write(&rig, &table);
    content = table_content(&table);
    CHECK_OK(capi_table_reader_open(rig.tables, &rig.address, &part, &content, &reader, &err), err);
    CHECK_OK(capi_table_read_block(reader, 1, NULL, false, &block, &err), err);
    rig_check_columns(&block.columns[0], 0, &table.columns[1][9], 0, block.row_count, 1);
    rig_check_columns(&block.columns[1], 0, &table.columns[1][0], 0, block.row_count, 1);
    capi_block_release(&block);
    capi_table_reader_close(reader);
    rig_close(&rig);
}

TEST(a_column_that_is_not_there_or_of_another_type_is_named_when_it_is_read)
{
    const capi_schema schema = rig_schema();
    const capi_field other[] = {{CAPI_STR("nope"), CAPI_INT}, {CAPI_STR("note"), CAPI_INT}, schema.fields[0]};
    static const bool nope[] = {true, false, false};
    static const bool note[] = {false, true, false};
    static const bool stored[] = {false, false, true};
    capi_block block = {0};
    table_rig rig = {0};
    stored_table table = {0};
    capi_table_content content;
    capi_table_reader *reader = NULL;
    capi_err err = {0};

    rig_open(&rig, false, 0);
    table_write(&rig, &table);
    content = table_content(&table);
    CHECK_OK(capi_table_reader_open(rig.tables, &rig.address, &(capi_schema){other, 3}, &content, &reader, &err), err);
    CHECK(capi_table_reader_check(reader, NULL, &err) == CAPI_INVALID);
    CHECK_ERR(err, "\" has no column \"nope\"");
    CHECK(capi_table_read_block(reader, 0, nope, false, &block, &err) == CAPI_INVALID);
    CHECK_ERR(err, "\" has no column \"nope\"");
    CHECK(capi_table_read_block(reader, 0, note, false, &block, &err) == CAPI_INVALID);
    CHECK_ERR(err, "column \"note\" of the stored table \"");
    CHECK_OK(capi_table_reader_check(reader, stored, &err), err);
    CHECK_OK(capi_table_read_block(reader, 0, stored, false, &block, &err), err);
    CHECK(block.columns[0].data == NULL && block.columns[2].data != NULL);
    capi_block_release(&block);
    capi_table_reader_close(reader);
    rig_close(&rig);
}

TEST(a_table_without_blocks_is_empty)
{
    table_rig rig = {0};
    capi_schema schema = rig_schema();
    capi_table_content content = {0};
    capi_table_reader *reader = NULL;
    capi_err err = {0};

    rig_open(&rig, false, 0);
    CHECK_OK(capi_table_reader_open(rig.tables, &rig.address, &schema, &content, &reader, &err), err);
    CHECK_INT(capi_table_reader_row_count(reader), 0);
    CHECK_INT(capi_table_reader_block_count(reader), 0);
    CHECK_INT(capi_table_reader_first_row(reader, 0), 0);
    capi_table_reader_close(reader);
    rig_close(&rig);
}

TEST(rows_that_a_seal_dropped_are_not_there)
{
    table_rig rig = {0};
    stored_table table = {0};
    capi_table_content content;
    capi_table_reader *reader = NULL;
    uint8_t *survivors;
    uint64_t kept = 0;
    uint64_t stored_first = 0;
    capi_err err = {0};

    rig_open(&rig, false, 0);
    table_write(&rig, &table);
    survivors = capi_arena_zalloc(&rig.arena, table.row_count / 8 + 1);
    for (uint64_t row = 0; row < table.row_count; row++) {
        bool keep = row != 0 && (row < 3001 ? row % 3 == 0 : row >= 3066 || row % 2); /* block 0 loses all rows */

        if (keep) survivors[row / 8] |= (uint8_t)(1 << row % 8);
        kept += keep;
    }
    content = table_content(&table);
    content.survivors = survivors;
    content.row_count = kept;
    CHECK_OK(capi_table_reader_open(rig.tables, &rig.address, &table.schema, &content, &reader, &err), err);
    CHECK_INT(capi_table_reader_row_count(reader), kept);
    CHECK_INT(capi_table_reader_find_block(reader, 0), 1);
    for (int i = 0; i < TEST_BLOCKS; i++) {
        capi_block block;
        uint32_t at = 0;

        CHECK_OK(capi_table_read_block(reader, (uint64_t)i, NULL, false, &block, &err), err);
        for (uint32_t row = 0; row < table.row_counts[i]; row++) {
            uint64_t stored = stored_first + row;

            if (!(survivors[stored / 8] >> stored % 8 & 1)) continue;
            rig_check_columns(block.columns, at++, table.columns[i], row, 1, table.schema.field_count);
        }
        CHECK_INT(block.row_count, at);
        stored_first += table.row_counts[i];
        capi_block_release(&block);
    }
    capi_table_reader_close(reader);
    content.row_count = kept + 1;
    CHECK(capi_table_reader_open(rig.tables, &rig.address, &table.schema, &content, &reader, &err) == CAPI_INVALID);
    rig_close(&rig);
}

TEST(key_hashes_are_kept_beside_the_rows)
{
    static const capi_field fields[] = {{CAPI_STR("id"), CAPI_INT}};
    capi_schema schema = {fields, 1};
    table_rig rig = {0};
    uint64_t hashes[300];
    capi_table_writer *writer = NULL;
    capi_table_reader *reader = NULL;
    capi_extent extent;
    capi_block block;
    capi_err err = {0};
    bool none[1] = {false};

    rig_open(&rig, true, 0);
    for (uint64_t i = 0; i < 300; i++)
        hashes[i] = rig_random(&rig, UINT64_MAX);
    CHECK_OK(capi_table_writer_open(rig.tables, &rig.address, &schema, &writer, &err), err);
    CHECK_OK(capi_table_write_block(writer, rig_columns(&rig, &schema, 300), 300, hashes, &extent, &err), err);
    CHECK_OK(capi_table_writer_sync(writer, &err), err);
    capi_table_writer_close(writer);
    CHECK_OK(capi_table_reader_open(rig.tables, &rig.address, &schema,
                                    &(capi_table_content){.extents = &extent, .extent_count = 1, .row_count = 300},
                                    &reader, &err),
             err);
    CHECK_OK(capi_table_read_block(reader, 0, none, true, &block, &err), err);
    CHECK(block.key_hashes != NULL);
    CHECK(memcmp(block.key_hashes, hashes, sizeof hashes) == 0);
    capi_block_release(&block);
    capi_table_reader_close(reader);
    rig_close(&rig);
}

/* ---- memory ---- */

TEST(the_cache_keeps_to_its_limit_and_blocks_in_use_to_the_budget)
{
    table_rig rig = {.budget = {.limit_bytes = 6 << 20}};
    stored_table table = {0};
    capi_table_reader *reader;
    capi_block first, block;
    capi_err err = {0};

    rig_open(&rig, false, 100000);
    table_write(&rig, &table);
    reader = table_open(&rig, &table);
    check_whole_table(reader, &table);
    CHECK(atomic_load(&rig.budget.used_bytes) < 3 << 20);
    CHECK_OK(capi_table_read_block(reader, 3, NULL, false, &first, &err), err);
    CHECK(capi_table_read_block(reader, 1, NULL, false, &block, &err) == CAPI_OK);
    capi_block_release(&block);
    rig.budget.limit_bytes = atomic_load(&rig.budget.used_bytes);
    CHECK(capi_table_read_block(reader, 2, NULL, false, &block, &err) != CAPI_INVALID);
    capi_block_release(&block);
    rig.budget.limit_bytes = 6 << 20;
    rig_check_columns(first.columns, 0, table.columns[3], 0, first.row_count, table.schema.field_count);
    capi_block_release(&first);
    capi_table_reader_close(reader);
    rig_close(&rig);
}

TEST(a_block_that_does_not_fit_the_budget_says_so)
{
    table_rig rig = {0};
    stored_table table = {0};
    capi_table_reader *reader;
    capi_block block;
    capi_err err = {0};

    rig_open(&rig, false, 0);
    table_write(&rig, &table);
    reader = table_open(&rig, &table);
    rig.budget.limit_bytes = 100000;
    CHECK(capi_table_read_block(reader, 3, NULL, false, &block, &err) == CAPI_NO_MEMORY);
    CHECK_ERR(err, "a block of a table");
    rig.budget.limit_bytes = 1 << 30;
    CHECK_OK(capi_table_read_block(reader, 3, NULL, false, &block, &err), err);
    capi_block_release(&block);
    capi_table_reader_close(reader);
    rig_close(&rig);
}

typedef struct reading_thread {
    pthread_t thread;
    capi_table_reader *reader;
    const stored_table *table;
    bool is_right;
} reading_thread;

static void *read_all(void *context)
{
    reading_thread *self = context;

    self->is_right = true;
    for (int round = 0; round < 20; round++)
        for (int i = 0; i < TEST_BLOCKS; i++) {
            capi_block block;

            if (capi_table_read_block(self->reader, (uint64_t)i, NULL, false, &block, NULL) != CAPI_OK) {
                self->is_right = false;
                return NULL;
            }
            for (uint32_t c = 0; c < self->table->schema.field_count; c++)
                for (uint32_t row = 0; row < block.row_count; row += 97)
                    self->is_right =
                        self->is_right && rig_values_equal(&block.columns[c], row, &self->table->columns[i][c], row);
            capi_block_release(&block);
        }
    return NULL;
}

TEST(threads_share_readers_and_cache)
{
    static const uint64_t cache_sizes[] = {1 << 28, 300000};

    for (int size = 0; size < 2; size++) {
        table_rig rig = {0};
        stored_table table = {0};
        reading_thread threads[4];
        capi_table_reader *reader;

        rig_open(&rig, true, cache_sizes[size]);
        table_write(&rig, &table);
        reader = table_open(&rig, &table);
        for (int i = 0; i < 4; i++) {
            threads[i] = (reading_thread){.reader = reader, .table = &table};
            pthread_create(&threads[i].thread, NULL, read_all, &threads[i]);
        }
        for (int i = 0; i < 4; i++) {
            pthread_join(threads[i].thread, NULL);
            CHECK(threads[i].is_right);
        }
        capi_table_reader_close(reader);
        rig_close(&rig);
    }
}

/* ---- damage ---- */

static const char *segment_path(table_rig *rig, const stored_table *table)
{
    return capi_str_format(&rig->arena, "%s/tables/ks1/run1/orders/%016llx.seg", capi_test_folder(),
                           (unsigned long long)table->extents[0].segment)
        .data;
}

static void overwrite(const char *path, uint64_t offset, char byte)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    CHECK(fd >= 0);
    CHECK_INT(pwrite(fd, &byte, 1, (off_t)offset), 1);
    close(fd);
}

static char byte_at(const char *path, uint64_t offset)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char byte = 0;

    CHECK_INT(pread(fd, &byte, 1, (off_t)offset), 1);
    close(fd);
    return byte;
}

/* What a reader says that opens the table anew: CAPI_OK only if all rows are right. */
static capi_status read_anew(table_rig *rig, const stored_table *table, capi_err *err)
{
    capi_table_content content = table_content(table);
    capi_table_reader *reader = NULL;
    capi_status st;

    capi_tables_close(rig->tables);
    rig_open(rig, false, 0);
    st = capi_table_reader_open(rig->tables, &rig->address, &table->schema, &content, &reader, err);
    for (int i = 0; st == CAPI_OK && i < TEST_BLOCKS; i++) {
        capi_block block;

        st = capi_table_read_block(reader, (uint64_t)i, NULL, false, &block, err);
        if (st != CAPI_OK) break;
        rig_check_columns(block.columns, 0, table->columns[i], 0, block.row_count, table->schema.field_count);
        capi_block_release(&block);
    }
    capi_table_reader_close(reader);
    return st;
}

TEST(a_changed_byte_anywhere_is_found_or_does_not_matter)
{
    table_rig rig = {0};
    stored_table table = {0};
    const char *path;
    uint64_t end;
    capi_err err = {0};
    uint64_t found = 0;

    rig_open(&rig, false, 0);
    table_write(&rig, &table);
    path = segment_path(&rig, &table);
    end = table.extents[TEST_BLOCKS - 1].offset + table.extents[TEST_BLOCKS - 1].length_bytes;
    for (uint64_t offset = 0; offset < end; offset += offset < 3000 ? 37 : 28657) {
        char before = byte_at(path, offset);
        capi_status st;

        overwrite(path, offset, (char)(before ^ 0x10));
        st = read_anew(&rig, &table, &err);
        CHECK(st == CAPI_OK || st == CAPI_INVALID);
        if (st == CAPI_INVALID) CHECK_ERR(err, path);
        found += st == CAPI_INVALID;
        overwrite(path, offset, before);
    }
    CHECK(found > 70);
    CHECK_OK(read_anew(&rig, &table, &err), err);
    rig_close(&rig);
}

TEST(damage_is_told_with_file_offset_and_both_checksums)
{
    table_rig rig = {0};
    stored_table table = {0};
    const char *path;
    char before;
    char expected[600];
    capi_err err = {0};

    rig_open(&rig, false, 0);
    table_write(&rig, &table);
    path = segment_path(&rig, &table);
    before = byte_at(path, table.extents[1].offset + 8);
    overwrite(path, table.extents[1].offset + 8, (char)~before);
    CHECK(read_anew(&rig, &table, &err) == CAPI_INVALID);
    snprintf(expected, sizeof expected,
             "file \"%s\" is damaged at offset %llu: the checksum of the block's directory is ", path,
             (unsigned long long)table.extents[1].offset);
    CHECK_ERR(err, expected);
    snprintf(expected, sizeof expected, ", expected %08x", table.extents[1].checksum);
    CHECK_ERR(err, expected);
    overwrite(path, table.extents[1].offset + 8, before);
    rig_close(&rig);
}

TEST(files_that_are_cut_off_missing_foreign_or_newer_are_refused_in_words)
{
    table_rig rig = {0};
    stored_table table = {0};
    const char *path;
    capi_err err = {0};

    rig_open(&rig, false, 0);
    table_write(&rig, &table);
    path = segment_path(&rig, &table);
    overwrite(path, 8, 77);
    CHECK(read_anew(&rig, &table, &err) == CAPI_INVALID);
    CHECK_ERR(err, "has version 77, this program knows version 1");
    overwrite(path, 0, 'x');
    CHECK(read_anew(&rig, &table, &err) == CAPI_INVALID);
    CHECK_ERR(err, "is not a column file");
    overwrite(path, 0, 'C');
    overwrite(path, 8, 1);
    CHECK_INT(truncate(path, (off_t)table.extents[3].offset + 1000), 0);
    CHECK(read_anew(&rig, &table, &err) == CAPI_INVALID);
    CHECK_ERR(err, "ends at offset");
    CHECK_INT(truncate(path, 100), 0);
    CHECK(read_anew(&rig, &table, &err) == CAPI_INVALID);
    CHECK_ERR(err, "cut off");
    CHECK_INT(unlink(path), 0);
    CHECK(read_anew(&rig, &table, &err) == CAPI_INVALID);
    CHECK_ERR(err, "missing");
    rig_close(&rig);
}

TEST(extents_that_cannot_be_are_refused)
{
    table_rig rig = {0};
    stored_table table = {0};
    capi_table_reader *reader = NULL;
    capi_table_content content;
    capi_err err = {0};

    rig_open(&rig, false, 0);
    table_write(&rig, &table);
    content = table_content(&table);
    table.extents[2].offset = UINT64_MAX - 63;
    CHECK(capi_table_reader_open(rig.tables, &rig.address, &table.schema, &content, &reader, &err) == CAPI_INVALID);
    CHECK_ERR(err, "impossible");
    table.extents[2].offset = 64;
    table.extents[2].row_count = 0;
    CHECK(capi_table_reader_open(rig.tables, &rig.address, &table.schema, &content, &reader, &err) == CAPI_INVALID);
    rig_close(&rig);
}
