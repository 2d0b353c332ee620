/* column_file_fuzz.c - bytes as a column file: whatever they are, the reader gives rows or an error in words, and every
 * value of every row can be touched.
 *
 * The first byte chooses: even: the rest is a whole segment file, read as it is; odd: number of columns, their types,
 * two bytes of row count, then a block, whose checksums are made right, so that what lies behind them is reached. */
#include "base/file.h"
#include "store/crc32c.h"
#include "store/table_store.h"

#include "base/must.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { FUZZ_COLUMNS_MAX = 8, FUZZ_SEGMENT = 0x5e6 };

typedef struct fuzz_file {
    capi_field fields[FUZZ_COLUMNS_MAX];
    capi_schema schema;
    capi_buf bytes;
    capi_extent extent;
} fuzz_file;

static const char *fuzz_folder(void)
{
    static char folder[200];

    if (!folder[0]) {
        const char *parent = getenv("TMPDIR");

        snprintf(folder, sizeof folder, "%s/capi_column_fuzz_%ld", parent ? parent : "/tmp", (long)getpid());
    }
    return folder;
}

static void fuzz_write(const fuzz_file *file)
{
    char path[400];
    int fd;

    snprintf(path, sizeof path, "%s/k/r/t", fuzz_folder());
    CAPI_MUST(capi_folder_make(path, NULL) == CAPI_OK);
    snprintf(path, sizeof path, "%s/k/r/t/%016x.seg", fuzz_folder(), FUZZ_SEGMENT);
    unlink(path); /* truncating would make the file system write it out */
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CAPI_MUST(fd >= 0);
    CAPI_MUST(write(fd, file->bytes.data, file->bytes.bytes) == (ssize_t)file->bytes.bytes);
    close(fd);
}

static uint64_t touch_column(const capi_vec *vec, uint32_t row_count)
{
    uint64_t sum = 0;

    for (uint32_t row = 0; row < row_count; row++)
        if (vec->form == CAPI_FORM_VIEW) {
            capi_str text = capi_view_str(&vec->views[row]);

            for (size_t i = 0; i < text.bytes; i++)
                sum += (uint8_t)text.data[i];
        } else {
            sum += vec->form == CAPI_FORM_BOOL ? vec->bools[row] : (uint64_t)vec->int64s[row];
        }
    return sum;
}

static void fuzz_read(const fuzz_file *file)
{
    capi_budget budget = {.limit_bytes = 64 << 20};
    capi_table_content content = {.extents = &file->extent, .extent_count = 1, .row_count = file->extent.row_count};
    capi_table_address address = {CAPI_STR("k"), CAPI_STR("r"), CAPI_STR("t")};
    capi_tables *tables = NULL;
    capi_table_reader *reader = NULL;
    capi_block block = {0};
    capi_err err = {0};
    volatile uint64_t sum = 0; /* keeps the compiler from leaving the reads out */
    capi_status st;

    fuzz_write(file);
    CAPI_MUST(capi_tables_open_embedded(&(capi_tables_options){.folder = capi_str_of(fuzz_folder()), .budget = &budget},
                                        &tables, NULL) == CAPI_OK);
    st = capi_table_reader_open(tables, &address, &file->schema, &content, &reader, &err);
    if (st == CAPI_OK) st = capi_table_read_block(reader, 0, NULL, true, &block, &err);
    if (st == CAPI_OK) {
        for (uint32_t c = 0; c < file->schema.field_count; c++)
            sum += touch_column(&block.columns[c], block.row_count);
        for (uint32_t row = 0; block.key_hashes && row < block.row_count; row++)
            sum += block.key_hashes[row];
    } else {
        CAPI_MUST(st == CAPI_INVALID || st == CAPI_NO_MEMORY);
        CAPI_MUST(err.text_bytes > 0);
    }
    (void)sum;
    capi_block_release(&block);
    capi_table_reader_close(reader);
    capi_tables_close(tables);
    CAPI_MUST(budget.used_bytes == 0);
}

static void fuzz_set_schema(fuzz_file *file, const uint8_t *types, uint32_t count)
{
    static const char *const names[FUZZ_COLUMNS_MAX] = {"a", "b", "c", "d", "e", "f", "g", "h"};

    for (uint32_t i = 0; i < count; i++)
        file->fields[i] = (capi_field){capi_str_of(names[i]), (capi_type)(types[i] % CAPI_TYPE_STORED_COUNT)};
    file->schema = (capi_schema){file->fields, count};
}

/* Makes right what would only say that the bytes were changed. */
static void fuzz_repair(fuzz_file *file, char *block, uint64_t block_bytes)
{
    uint32_t count = file->schema.field_count;
    uint64_t directory_bytes;
    block_header header;

    memcpy(&header, block, sizeof header);
    memcpy(header.magic, BLOCK_MAGIC, sizeof header.magic);
    header.row_count = file->extent.row_count;
    header.column_count = count;
    header.length_bytes = block_bytes;
    memcpy(block, &header, sizeof header);
    if (header.flags & BLOCK_HAS_HASHES) count++;
    directory_bytes = block_directory_bytes(count);
    if (directory_bytes > block_bytes) return;
    for (uint32_t i = 0; i < count; i++) {
        char *at = block + sizeof header + i * sizeof(column_entry);
        column_entry entry;

        memcpy(&entry, at, sizeof entry);
        if (entry.offset > block_bytes || entry.stored_bytes > block_bytes - entry.offset) continue;
        entry.checksum = capi_crc32c(0, block + entry.offset, entry.stored_bytes);
        memcpy(at, &entry, sizeof entry);
    }
    file->extent.checksum = capi_crc32c(0, block, directory_bytes);
}

static void fuzz_block(fuzz_file *file, const uint8_t *data, size_t bytes)
{
    uint32_t count;
    uint64_t block_bytes;

    if (bytes < 1) return;
    count = data[0] % (FUZZ_COLUMNS_MAX + 1);
    if (bytes < 3 + count + sizeof(block_header)) return;
    fuzz_set_schema(file, data + 1, count);
    file->extent.row_count = 1u + (data[1 + count] | (uint32_t)data[2 + count] << 8);
    segment_header_encode(&file->bytes, FUZZ_SEGMENT, &file->schema);
    file->extent.offset = file->bytes.bytes;
    block_bytes = bytes - 3 - count;
    file->extent.length_bytes = block_bytes;
    capi_buf_append(&file->bytes, data + 3 + count, block_bytes);
    fuzz_repair(file, file->bytes.data + file->extent.offset, block_bytes);
    fuzz_read(file);
}

static void fuzz_whole(fuzz_file *file, const uint8_t *data, size_t bytes)
{
    static const uint8_t types[] = {CAPI_INT, CAPI_STRING};

    fuzz_set_schema(file, types, 2);
    capi_buf_append(&file->bytes, data, bytes);
    file->extent.offset = 128;
    file->extent.length_bytes = bytes > 128 + 256 ? bytes - 128 : 256;
    file->extent.row_count = 3;
    /* The extent's checksum is right, or nothing but its mismatch would be seen. */
    if (bytes > 128 + 256) file->extent.checksum = capi_crc32c(0, data + 128, block_directory_bytes(2));
    fuzz_read(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    fuzz_file file = {.extent.segment = FUZZ_SEGMENT};

    if (bytes < 1 || bytes > 1 << 20) return 0;
    if (data[0] & 1)
        fuzz_block(&file, data + 1, bytes - 1);
    else
        fuzz_whole(&file, data + 1, bytes - 1);
    capi_buf_deinit(&file.bytes);
    return 0;
}
