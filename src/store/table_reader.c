/* table_reader.c - blocks of a table as column vectors.
 *
 * Columns come from the block cache; what is missing there is read with pread, checked against its checksum, decoded and
 * left in the cache for the next reader. A seal's bitmap of survivors is applied last, on a copy. */
#include "store/crc32c.h"
#include "store/table_store.h"

#include <stdio.h>
#include <stdlib.h>

enum { WHOLE_BLOCK_MAX = 256 << 10 }; /* smaller blocks are read with one call, larger ones column by column */

struct capi_table_reader {
    capi_tables *tables;
    capi_arena arena;
    capi_str table;     /* its name */
    capi_schema schema; /* as asked for */
    table_index *index;
    uint32_t **column_maps; /* per segment: stored column of each schema column, or COLUMN_UNFIT */
};

#define COLUMN_UNFIT UINT32_MAX

/* ---- open ---- */

/* A column that is not there, or of another type, does no harm as long as nobody reads it: the script may have been edited since. */
static uint32_t *reader_map_columns(capi_table_reader *reader, const segment_reader *segment)
{
    uint32_t *map = capi_new_array(&reader->arena, uint32_t, reader->schema.field_count);

    for (uint32_t i = 0; i < reader->schema.field_count; i++) {
        const capi_field *wanted = &reader->schema.fields[i];
        int32_t found = capi_schema_find(&segment->schema, wanted->name);

        map[i] = found >= 0 && segment->schema.fields[found].type == wanted->type ? (uint32_t)found : COLUMN_UNFIT;
    }
    return map;
}

static capi_status column_unfit(const capi_table_reader *reader, uint32_t column, const segment_reader *segment,
                                capi_err *err)
{
    const capi_field *wanted = &reader->schema.fields[column];
    int32_t found = capi_schema_find(&segment->schema, wanted->name);

    if (found < 0)
        return capi_err_set(err, CAPI_INVALID, "the stored table \"%.*s\" has no column \"%.*s\" (file \"%s\")",
                            CAPI_STR_ARG(reader->table), CAPI_STR_ARG(wanted->name), segment->path);
    return capi_err_set(
        err, CAPI_INVALID, "column \"%.*s\" of the stored table \"%.*s\" is %s, expected %s (file \"%s\")",
        CAPI_STR_ARG(wanted->name), CAPI_STR_ARG(reader->table), capi_type_name(segment->schema.fields[found].type),
        capi_type_name(wanted->type), segment->path);
}

capi_status capi_table_reader_check(const capi_table_reader *reader, const bool *needed, capi_err *err)
{
    const table_index *index = reader->index;

    for (uint32_t i = 0; i < index->segment_count; i++)
        for (uint32_t column = 0; column < reader->schema.field_count; column++)
            if ((!needed || needed[column]) && reader->column_maps[i][column] == COLUMN_UNFIT)
                return column_unfit(reader, column, index->segments[i], err);
    return CAPI_OK;
}

static void reader_copy_schema(capi_table_reader *reader, const capi_schema *schema)
{
    capi_field *fields = capi_new_array(&reader->arena, capi_field, schema->field_count);

    for (uint32_t i = 0; i < schema->field_count; i++)
        fields[i] = (capi_field){capi_str_copy(&reader->arena, schema->fields[i].name), schema->fields[i].type};
    reader->schema = (capi_schema){fields, schema->field_count};
}

static void reader_map_segments(capi_table_reader *reader)
{
    const table_index *index = reader->index;

    reader->column_maps = capi_new_array(&reader->arena, uint32_t *, index->segment_count);
    for (uint32_t i = 0; i < index->segment_count; i++)
        reader->column_maps[i] = reader_map_columns(reader, index->segments[i]);
}

capi_status capi_table_reader_open(capi_tables *tables, const capi_table_address *address, const capi_schema *schema,
                                   const capi_table_content *content, capi_table_reader **out, capi_err *err)
{
    capi_table_reader *reader = capi_zmalloc(sizeof *reader);
    capi_status st;

    *out = NULL;
    reader->tables = tables;
    reader->table = capi_str_copy(&reader->arena, address->table);
    reader_copy_schema(reader, schema);
    CAPI_TRY_OUT(tables_open_index(tables, tables_path(tables, address, &reader->arena), content, &reader->index, err));
    reader_map_segments(reader);
    *out = reader;
out:
    if (st != CAPI_OK) {
        capi_err_note(err, "while opening table \"%.*s\"", CAPI_STR_ARG(address->table));
        capi_table_reader_close(reader);
    }
    return st;
}

void capi_table_reader_close(capi_table_reader *reader)
{
    if (!reader) return;
    tables_close_index(reader->tables, reader->index);
    capi_arena_deinit(&reader->arena);
    free(reader);
}

uint64_t capi_table_reader_row_count(const capi_table_reader *reader)
{
    return reader->index->first_rows[reader->index->block_count];
}

uint64_t capi_table_reader_block_count(const capi_table_reader *reader)
{
    return reader->index->block_count;
}

uint64_t capi_table_reader_first_row(const capi_table_reader *reader, uint64_t block)
{
    return reader->index->first_rows[block];
}

/* The last block that begins at or before the row: blocks without survivors begin where the next one does. */
uint64_t capi_table_reader_find_block(const capi_table_reader *reader, uint64_t row)
{
    uint64_t low = 0;
    uint64_t high = reader->index->block_count;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (reader->index->first_rows[middle] <= row)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? low - 1 : 0;
}

/* ---- one block ---- */

/* Everything that reading a block needs to remember; the pin of a capi_block. */
typedef struct block_pin {
    capi_tables *tables;
    void *survivor_memory; /* copies of the surviving rows */
    uint64_t survivor_bytes;
    uint32_t slot_count;          /* schema columns and the hashes */
    block_cache_entry *entries[]; /* pinned, or NULL; the columns' vectors follow */
} block_pin;

typedef struct block_read {
    const table_block *block;
    capi_tables *tables;
    scratch_buffers *scratch;
    const char *whole; /* the block's bytes, if it is small, else NULL */
    char *directory;   /* header and entries; NULL until needed */
    uint64_t directory_bytes;
    bool has_hashes;
} block_read;

static capi_status block_damaged(const block_read *read, uint64_t offset, const char *what, capi_err *err)
{
    return capi_err_set(err, CAPI_INVALID, "file \"%s\" is damaged at offset %llu: %s", read->block->segment->path,
                        (unsigned long long)(read->block->extent.offset + offset), what);
}

static capi_status checksum_wrong(const block_read *read, uint64_t offset, const char *what, uint32_t actual,
                                  uint32_t expected, capi_err *err)
{
    return capi_err_set(
        err, CAPI_INVALID, "file \"%s\" is damaged at offset %llu: the checksum of %s is %08x, expected %08x",
        read->block->segment->path, (unsigned long long)(read->block->extent.offset + offset), what, actual, expected);
}

static capi_status block_bytes(const block_read *read, uint64_t offset, uint64_t bytes, char *to, capi_err *err)
{
    const table_block *block = read->block;
    size_t got = 0;

    CAPI_TRY(capi_file_read_at(block->segment->file, block->extent.offset + offset, to, bytes, &got, err));
    if (got < bytes)
        return capi_err_set(err, CAPI_INVALID, "file \"%s\" ends at offset %llu, expected a block from %llu to %llu",
                            block->segment->path, (unsigned long long)(block->extent.offset + offset + got),
                            (unsigned long long)block->extent.offset,
                            (unsigned long long)(block->extent.offset + block->extent.length_bytes));
    return CAPI_OK;
}

static capi_status directory_check(block_read *read, capi_err *err)
{
    const capi_extent *extent = &read->block->extent;
    uint32_t field_count = read->block->segment->schema.field_count;
    uint32_t actual;
    block_header header;

    memcpy(&header, read->directory, sizeof header);
    read->has_hashes = header.flags & BLOCK_HAS_HASHES;
    read->directory_bytes = block_directory_bytes(field_count + (read->has_hashes ? 1 : 0));
    if (read->directory_bytes > extent->length_bytes) return block_damaged(read, 0, "the block is too short", err);
    actual = capi_crc32c(0, read->directory, read->directory_bytes);
    if (actual != extent->checksum)
        return checksum_wrong(read, 0, "the block's directory", actual, extent->checksum, err);
    if (memcmp(header.magic, BLOCK_MAGIC, sizeof header.magic) != 0)
        return block_damaged(read, 0, "no block begins here", err);
    if (header.row_count != extent->row_count || header.column_count != field_count ||
        header.length_bytes != extent->length_bytes)
        return block_damaged(read, 0, "the block's header says something else than the table", err);
    return CAPI_OK;
}

/* Reads the directory, and a small block as a whole. The largest directory is read: with hashes. */
static capi_status block_read_directory(block_read *read, capi_err *err)
{
    const capi_extent *extent = &read->block->extent;
    uint64_t bytes = block_directory_bytes(read->block->segment->schema.field_count + 1);
    char *to;

    if (extent->length_bytes <= WHOLE_BLOCK_MAX || bytes > extent->length_bytes) bytes = extent->length_bytes;
    capi_buf_clear(&read->scratch->stored);
    to = capi_buf_reserve(&read->scratch->stored, block_aligned(bytes + COLUMN_SLACK_BYTES));
    CAPI_TRY(block_bytes(read, 0, bytes, to, err));
    memset(to + bytes, 0, COLUMN_SLACK_BYTES);
    read->scratch->stored.bytes = block_aligned(bytes + COLUMN_SLACK_BYTES);
    read->directory = to;
    if (bytes == extent->length_bytes) read->whole = to;
    return directory_check(read, err);
}

static capi_status column_bytes(block_read *read, const column_entry *entry, const char *name, const char **out,
                                capi_err *err)
{
    uint32_t actual;

    if (read->whole) {
        *out = read->whole + entry->offset;
    } else {
        char *to = capi_buf_reserve(&read->scratch->stored, entry->stored_bytes + COLUMN_SLACK_BYTES);

        read->directory = read->scratch->stored.data; /* the buffer may have moved */
        CAPI_TRY(block_bytes(read, entry->offset, entry->stored_bytes, to, err));
        memset(to + entry->stored_bytes, 0, COLUMN_SLACK_BYTES);
        *out = to;
    }
    actual = capi_crc32c(0, *out, entry->stored_bytes);
    if (actual != entry->checksum) return checksum_wrong(read, entry->offset, name, actual, entry->checksum, err);
    return CAPI_OK;
}

static capi_status column_fill(block_read *read, const column_entry *entry, const char *name, block_cache_key key,
                               block_cache_entry **out, capi_err *err)
{
    uint32_t row_count = read->block->extent.row_count;
    block_cache_entry *cached = NULL;
    const char *stored = NULL;
    capi_status st;

    CAPI_TRY(column_bytes(read, entry, name, &stored, err));
    CAPI_TRY(block_cache_new_entry(&read->tables->cache, key, column_decoded_bytes(entry, row_count), &cached, err));
    st = column_decode(entry, row_count, stored, cached->memory, &read->scratch->decode, err);
    if (st != CAPI_OK) {
        block_cache_discard(&read->tables->cache, cached);
        capi_err_note(err, "in file \"%s\" at offset %llu, %s", read->block->segment->path,
                      (unsigned long long)(read->block->extent.offset + entry->offset), name);
        return st;
    }
    *out = block_cache_publish(&read->tables->cache, cached);
    return CAPI_OK;
}

/* Pins stored column `stored_column` of the block; *out stays NULL for hashes that the block does not have. */
static capi_status column_pin(block_read *read, uint32_t stored_column, block_cache_entry **out, capi_err *err)
{
    const table_block *block = read->block;
    const capi_schema *schema = &block->segment->schema;
    bool is_hashes = stored_column == schema->field_count;
    block_cache_key key = {block->extent.segment, block->extent.offset, stored_column};
    column_entry entry;
    capi_status st;
    char name[300];

    *out = block_cache_pin(&read->tables->cache, key);
    if (*out) return CAPI_OK;
    if (!read->directory) CAPI_TRY(block_read_directory(read, err));
    if (is_hashes && !read->has_hashes) return CAPI_OK;
    memcpy(&entry, read->directory + sizeof(block_header) + stored_column * sizeof entry, sizeof entry);
    if (is_hashes)
        snprintf(name, sizeof name, "the key hashes");
    else
        snprintf(name, sizeof name, "column \"%.*s\"", CAPI_STR_ARG(schema->fields[stored_column].name));
    st = column_entry_check(&entry, is_hashes ? COLUMN_HASHES : (uint8_t)schema->fields[stored_column].type,
                            block->extent.row_count, block->extent.length_bytes, read->directory_bytes, err);
    if (st != CAPI_OK) {
        capi_err_note(err, "in file \"%s\" at offset %llu, %s", block->segment->path,
                      (unsigned long long)block->extent.offset, name);
        return st;
    }
    return column_fill(read, &entry, name, key, out, err);
}

/* ---- survivors ---- */

static void gather8(const int64_t *restrict from, const uint32_t *restrict rows, uint32_t count, int64_t *restrict to)
{
    for (uint32_t i = 0; i < count; i++)
        to[i] = from[rows[i]];
}

static void gather_form(capi_form form, const void *from, const uint32_t *rows, uint32_t count, void *to)
{
    if (form == CAPI_FORM_BOOL)
        for (uint32_t i = 0; i < count; i++)
            ((uint8_t *)to)[i] = ((const uint8_t *)from)[rows[i]];
    else if (form == CAPI_FORM_VIEW)
        for (uint32_t i = 0; i < count; i++)
            ((capi_view *)to)[i] = ((const capi_view *)from)[rows[i]];
    else
        gather8(from, rows, count, to);
}

static void survivor_rows(const uint8_t *survivors, const table_block *block, uint32_t *rows)
{
    uint32_t count = 0;

    for (uint32_t row = 0; row < block->extent.row_count; row++) {
        rows[count] = row;
        count += bit_at(survivors, block->first_stored_row + row);
    }
}

/* Replaces the block's vectors by copies of the surviving rows. */
static capi_status block_keep_survivors(const capi_table_reader *reader, const table_block *block, block_pin *pin,
                                        capi_block *out, capi_err *err)
{
    uint32_t count = block->survivor_count;
    uint64_t row_bytes = block_aligned((uint64_t)block->extent.row_count * sizeof(uint32_t));
    uint64_t bytes = row_bytes;
    char *at;
    uint32_t *rows;

    for (uint32_t slot = 0; slot < pin->slot_count; slot++)
        if (pin->entries[slot])
            bytes += block_aligned(count * (slot < reader->schema.field_count ? capi_form_bytes(out->columns[slot].form)
                                                                              : sizeof(uint64_t)));
    CAPI_TRY(block_cache_reserve(&reader->tables->cache, bytes, "the distinct rows of a block", err));
    pin->survivor_bytes = bytes;
    pin->survivor_memory = aligned_alloc(BLOCK_ALIGN, bytes);
    if (!pin->survivor_memory)
        return capi_err_set(err, CAPI_NO_MEMORY, "out of memory while asking for %llu bytes",
                            (unsigned long long)bytes);
    rows = pin->survivor_memory;
    at = (char *)pin->survivor_memory + row_bytes;
    survivor_rows(reader->index->survivors, block, rows);
    for (uint32_t slot = 0; slot < pin->slot_count; slot++) {
        bool is_column = slot < reader->schema.field_count;
        capi_form form = is_column ? out->columns[slot].form : CAPI_FORM_INT64;

        if (!pin->entries[slot]) continue;
        gather_form(form, pin->entries[slot]->memory, rows, count, at);
        if (is_column)
            out->columns[slot].data = at;
        else
            out->key_hashes = (const uint64_t *)at;
        at += block_aligned(count * capi_form_bytes(form));
    }
    return CAPI_OK;
}

/* ---- */

static block_pin *pin_new(const capi_table_reader *reader, capi_block *out)
{
    uint32_t slot_count = reader->schema.field_count + 1;
    size_t entry_bytes = slot_count * sizeof(block_cache_entry *);
    block_pin *pin = capi_zmalloc(sizeof *pin + entry_bytes + reader->schema.field_count * sizeof(capi_vec));

    pin->tables = reader->tables;
    pin->slot_count = slot_count;
    *out = (capi_block){.columns = (capi_vec *)((char *)pin + sizeof *pin + entry_bytes), .pin = pin};
    return pin;
}

static capi_status block_pin_columns(const capi_table_reader *reader, block_read *read, const uint32_t *column_map,
                                     const bool *needed, bool with_hashes, capi_block *out, capi_err *err)
{
    block_pin *pin = out->pin;
    uint32_t field_count = reader->schema.field_count;

    for (uint32_t column = 0; column < field_count; column++) {
        capi_type type = reader->schema.fields[column].type;

        if (needed && !needed[column]) continue;
        if (column_map[column] == COLUMN_UNFIT) return column_unfit(reader, column, read->block->segment, err);
        CAPI_TRY(column_pin(read, column_map[column], &pin->entries[column], err));
        out->columns[column] =
            (capi_vec){.type = type, .form = capi_form_stored(type), .data = pin->entries[column]->memory};
    }
    if (!with_hashes) return CAPI_OK;
    CAPI_TRY(column_pin(read, read->block->segment->schema.field_count, &pin->entries[field_count], err));
    if (pin->entries[field_count]) out->key_hashes = pin->entries[field_count]->memory;
    return CAPI_OK;
}

capi_status capi_table_read_block(capi_table_reader *reader, uint64_t block_index, const bool *needed, bool with_hashes,
                                  capi_block *out, capi_err *err)
{
    const table_block *block = &reader->index->blocks[block_index];
    block_read read = {.block = block, .tables = reader->tables};
    block_pin *pin = pin_new(reader, out);
    capi_status st = CAPI_OK;

    out->row_count = block->survivor_count;
    if (block->survivor_count == 0) return CAPI_OK;
    read.scratch = tables_take_scratch(reader->tables);
    CAPI_TRY_OUT(
        block_pin_columns(reader, &read, reader->column_maps[block->segment_idx], needed, with_hashes, out, err));
    if (block->survivor_count != block->extent.row_count)
        CAPI_TRY_OUT(block_keep_survivors(reader, block, pin, out, err));
out:
    tables_give_scratch(reader->tables, read.scratch);
    if (st != CAPI_OK) capi_block_release(out);
    return st;
}

void capi_block_release(capi_block *block)
{
    block_pin *pin = block->pin;

    if (!pin) return;
    for (uint32_t slot = 0; slot < pin->slot_count; slot++)
        if (pin->entries[slot]) block_cache_unpin(&pin->tables->cache, pin->entries[slot]);
    block_cache_release(&pin->tables->cache, pin->survivor_bytes);
    free(pin->survivor_memory);
    free(pin);
    *block = (capi_block){0};
}
