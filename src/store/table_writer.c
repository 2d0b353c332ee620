/* table_writer.c - appends blocks to a segment.
 *
 * A block is put together in memory and written with one call; the system is asked to start writing it to the disk at
 * once, so that the final sync has little left to do. A segment whose writer is closed after a success can be continued
 * by the next writer of the same table in this process: many small batches share few files. */
#include "base/random.h"
#include "store/crc32c.h"
#include "store/table_store.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    IDLE_WRITERS_MAX = 64,
    FLUSH_BYTES = 4 << 20, /* so much is left to the system's own judgement before writing is started */
};

struct capi_table_writer {
    capi_table_writer *next; /* among the idle */
    capi_tables *tables;
    capi_arena arena;
    capi_schema schema;
    capi_str table_path;
    uint64_t segment;
    capi_file_writer *file; /* NULL: no block yet */
    uint64_t end;           /* of the file */
    uint64_t flushed;       /* up to here the system has been asked to write */
    uint64_t synced;        /* up to here it is durable */
    bool is_name_synced;    /* ... and so are the folders that lead to it */
    bool is_broken;         /* a write failed: where the file ends is unknown */
    capi_buf block;
    uint64_t block_reserved; /* bytes of it paid for */
    column_habit *habits;
    column_source *sources; /* of a block given as views */
    capi_buf *texts;        /* their lengths and bytes, two per column */
    column_scratch scratch;
};

/* ---- open, close ---- */

static bool schema_equal(const capi_schema *a, const capi_schema *b)
{
    if (a->field_count != b->field_count) return false;
    for (uint32_t i = 0; i < a->field_count; i++)
        if (a->fields[i].type != b->fields[i].type || !capi_str_equal(a->fields[i].name, b->fields[i].name))
            return false;
    return true;
}

static capi_table_writer *writers_take_idle(capi_tables *tables, capi_str table_path, const capi_schema *schema)
{
    capi_table_writer *writer = NULL;

    pthread_mutex_lock(&tables->lock);
    for (capi_table_writer **at = &tables->idle_writers; *at && !writer; at = &(*at)->next) {
        if (!capi_str_equal((*at)->table_path, table_path) || !schema_equal(&(*at)->schema, schema)) continue;
        writer = *at;
        *at = writer->next;
        tables->idle_writer_count--;
        break;
    }
    pthread_mutex_unlock(&tables->lock);
    return writer;
}

static void writer_copy_schema(capi_table_writer *writer, const capi_schema *schema)
{
    capi_field *fields = capi_new_array(&writer->arena, capi_field, schema->field_count);

    for (uint32_t i = 0; i < schema->field_count; i++)
        fields[i] = (capi_field){capi_str_copy(&writer->arena, schema->fields[i].name), schema->fields[i].type};
    writer->schema = (capi_schema){fields, schema->field_count};
}

capi_status capi_table_writer_open(capi_tables *tables, const capi_table_address *address, const capi_schema *schema,
                                   capi_table_writer **out, capi_err *err)
{
    capi_table_writer *writer;
    capi_arena arena = {0};
    capi_str table_path = tables_path(tables, address, &arena);

    *out = NULL;
    if (address->keyspace_uid.bytes == 0 || address->run_uid.bytes == 0 || address->table.bytes == 0) {
        capi_arena_deinit(&arena);
        return capi_err_set(err, CAPI_INVALID, "the address of a table needs keyspace, run and name");
    }
    writer = writers_take_idle(tables, table_path, schema);
    if (!writer) {
        writer = capi_zmalloc(sizeof *writer);
        writer->tables = tables;
        writer->table_path = capi_str_copy(&writer->arena, table_path);
        writer_copy_schema(writer, schema);
        writer->habits = capi_new_array(&writer->arena, column_habit, schema->field_count);
        writer->sources = capi_new_array(&writer->arena, column_source, schema->field_count);
        writer->texts = capi_new_array(&writer->arena, capi_buf, (size_t)schema->field_count * 2);
    }
    capi_arena_deinit(&arena);
    *out = writer;
    return CAPI_OK;
}

static void writer_free_buffers(capi_table_writer *writer)
{
    capi_buf_deinit(&writer->block);
    for (uint32_t i = 0; i < writer->schema.field_count * 2; i++)
        capi_buf_deinit(&writer->texts[i]);
    column_scratch_deinit(&writer->scratch);
    if (writer->tables->budget) capi_budget_release(writer->tables->budget, writer->block_reserved);
    writer->block_reserved = 0;
}

static void writer_free(capi_table_writer *writer)
{
    writer_free_buffers(writer);
    capi_file_writer_close(writer->file);
    capi_arena_deinit(&writer->arena);
    free(writer);
}

/* Blocks that were never synced belong to no table: what failed gives its room back at once, which a full disk needs. The
 * segment is given up, because others may have seen these blocks at their places. */
static void writer_cut_tail(capi_table_writer *writer)
{
    const char *path = capi_file_writer_path(writer->file);

    if (writer->synced == 0)
        unlink(path);
    else
        (void)!truncate(path, (off_t)writer->synced);
}

void capi_table_writer_close(capi_table_writer *writer)
{
    capi_tables *tables;

    if (!writer) return;
    if (!writer->file || writer->is_broken || writer->synced != writer->end) {
        if (writer->file) writer_cut_tail(writer);
        writer_free(writer);
        return;
    }
    /* An idle writer keeps its file and its habits, not its memory. */
    writer_free_buffers(writer);
    tables = writer->tables;
    pthread_mutex_lock(&tables->lock);
    if (tables->idle_writer_count < IDLE_WRITERS_MAX) {
        tables->idle_writer_count++;
        writer->next = tables->idle_writers;
        tables->idle_writers = writer;
        writer = NULL;
    }
    pthread_mutex_unlock(&tables->lock);
    if (writer) writer_free(writer);
}

void tables_free_idle_writers(capi_tables *tables, const char *path_start)
{
    capi_table_writer *freed = NULL;

    pthread_mutex_lock(&tables->lock);
    for (capi_table_writer **at = &tables->idle_writers; *at;) {
        capi_table_writer *writer = *at;

        if (strncmp(writer->table_path.data, path_start, strlen(path_start)) != 0) {
            at = &writer->next;
            continue;
        }
        *at = writer->next;
        tables->idle_writer_count--;
        writer->next = freed;
        freed = writer;
    }
    pthread_mutex_unlock(&tables->lock);
    while (freed) {
        capi_table_writer *writer = freed;

        freed = writer->next;
        writer_free(writer);
    }
}

capi_tables *table_writer_tables(const capi_table_writer *writer)
{
    return writer->tables;
}

/* ---- writing ---- */

static capi_status writer_make_file(capi_table_writer *writer, capi_err *err)
{
    capi_buf header = {0};
    capi_status st;
    const char *path;

    CAPI_TRY(capi_folder_make(writer->table_path.data, err));
    writer->segment = capi_random_system.next(capi_random_system.context);
    path = tables_segment_path(writer->table_path, writer->segment, &writer->arena).data;
    CAPI_TRY(capi_file_append_to(path, &writer->file, &writer->end, err));
    if (writer->end != 0)
        return capi_err_set(err, CAPI_CONFLICT, "segment \"%s\" is there already, expected a new file", path);
    segment_header_encode(&header, writer->segment, &writer->schema);
    st = capi_file_write(writer->file, header.data, header.bytes, err);
    writer->end = header.bytes;
    capi_buf_deinit(&header);
    return st;
}

/* Asks for what was written to go to the disk now, without waiting. */
static void writer_flush(capi_table_writer *writer)
{
    if (writer->end - writer->flushed < FLUSH_BYTES) return;
    capi_file_start_writing(writer->file, writer->flushed, writer->end - writer->flushed);
    writer->flushed = writer->end;
}

static void block_begin(capi_table_writer *writer, uint32_t entry_count)
{
    uint64_t bytes = block_directory_bytes(entry_count);

    capi_buf_clear(&writer->block);
    memset(capi_buf_reserve(&writer->block, bytes), 0, bytes);
    writer->block.bytes = bytes;
}

static void block_put_entry(capi_table_writer *writer, uint32_t index, const column_entry *entry)
{
    memcpy(writer->block.data + sizeof(block_header) + index * sizeof *entry, entry, sizeof *entry);
}

static void block_encode(capi_table_writer *writer, const column_source *sources, uint32_t row_count,
                         const uint64_t *key_hashes)
{
    uint32_t column_count = writer->schema.field_count;
    block_header header = {.row_count = row_count, .column_count = column_count};
    column_entry entry;

    block_begin(writer, column_count + (key_hashes ? 1 : 0));
    for (uint32_t column = 0; column < column_count; column++) {
        column_encode(&sources[column], row_count, writer->tables->compress, &writer->habits[column], &writer->scratch,
                      &writer->block, &entry);
        block_put_entry(writer, column, &entry);
    }
    if (key_hashes) {
        column_source hashes = {.type = COLUMN_HASHES, .int64s = (const int64_t *)key_hashes};

        column_encode(&hashes, row_count, false, NULL, &writer->scratch, &writer->block, &entry);
        block_put_entry(writer, column_count, &entry);
        header.flags |= BLOCK_HAS_HASHES;
    }
    memcpy(header.magic, BLOCK_MAGIC, sizeof header.magic);
    header.length_bytes = writer->block.bytes;
    memcpy(writer->block.data, &header, sizeof header);
}

/* Pays for the block's buffer; it stays for the next block. */
static capi_status writer_reserve(capi_table_writer *writer, const column_source *sources, uint32_t row_count,
                                  capi_err *err)
{
    uint64_t bytes = block_directory_bytes(writer->schema.field_count + 1) + (uint64_t)row_count * 8;

    for (uint32_t column = 0; column < writer->schema.field_count; column++)
        bytes += (uint64_t)row_count * 8 + 4 * BLOCK_ALIGN +
                 (sources[column].type == CAPI_STRING ? sources[column].byte_count : 0);
    if (bytes > writer->block_reserved) {
        CAPI_TRY(
            block_cache_reserve(&writer->tables->cache, bytes - writer->block_reserved, "a block to be written", err));
        writer->block_reserved = bytes;
    }
    capi_buf_clear(&writer->block);
    capi_buf_reserve(&writer->block, bytes);
    return CAPI_OK;
}

static capi_status writer_append(capi_table_writer *writer, capi_err *err)
{
    if (!writer->file) CAPI_TRY(writer_make_file(writer, err));
    return capi_file_write(writer->file, writer->block.data, writer->block.bytes, err);
}

capi_status table_write_sources(capi_table_writer *writer, const column_source *sources, uint32_t row_count,
                                const uint64_t *key_hashes, capi_extent *out, capi_err *err)
{
    uint64_t directory_bytes = block_directory_bytes(writer->schema.field_count + (key_hashes ? 1 : 0));
    capi_status st;

    if (row_count == 0 || row_count > CAPI_BLOCK_ROWS)
        return capi_err_set(err, CAPI_INTERNAL, "a block has %u rows, expected 1 to %d", row_count,
                            (int)CAPI_BLOCK_ROWS);
    if (writer->is_broken)
        return capi_err_set(err, CAPI_UNAVAILABLE, "segment of table \"%.*s\" cannot be continued after a failed write",
                            CAPI_STR_ARG(writer->table_path));
    CAPI_TRY(writer_reserve(writer, sources, row_count, err));
    block_encode(writer, sources, row_count, key_hashes);
    st = writer_append(writer, err);
    if (st != CAPI_OK) {
        writer->is_broken = true;
        return st;
    }
    *out = (capi_extent){
        .segment = writer->segment,
        .offset = writer->end,
        .length_bytes = writer->block.bytes,
        .row_count = row_count,
        .checksum = capi_crc32c(0, writer->block.data, directory_bytes),
    };
    writer->end += writer->block.bytes;
    writer_flush(writer);
    return CAPI_OK;
}

/* Views as lengths and bytes. */
static capi_status writer_gather_strings(capi_table_writer *writer, uint32_t column, const capi_view *views,
                                         uint32_t row_count, capi_err *err)
{
    capi_buf *lengths = &writer->texts[column * 2];
    capi_buf *bytes = &writer->texts[column * 2 + 1];
    uint64_t total = 0;
    uint32_t *length;
    char *to;

    for (uint32_t row = 0; row < row_count; row++)
        total += views[row].bytes;
    if (total > UINT32_MAX)
        return capi_err_set(err, CAPI_INVALID, "column \"%.*s\" has %llu bytes in one block, expected at most %u",
                            CAPI_STR_ARG(writer->schema.fields[column].name), (unsigned long long)total, UINT32_MAX);
    capi_buf_clear(lengths);
    capi_buf_clear(bytes);
    length = (uint32_t *)capi_buf_reserve(lengths, (size_t)row_count * sizeof *length);
    to = capi_buf_reserve(bytes, total + COLUMN_SLACK_BYTES);
    memset(to + total, 0, COLUMN_SLACK_BYTES);
    for (uint32_t row = 0; row < row_count; row++) {
        length[row] = views[row].bytes;
        if (views[row].bytes) memcpy(to, capi_view_data(&views[row]), views[row].bytes);
        to += views[row].bytes;
    }
    writer->sources[column] =
        (column_source){.type = CAPI_STRING, .lengths = length, .bytes = bytes->data, .byte_count = total};
    return CAPI_OK;
}

capi_status capi_table_write_block(capi_table_writer *writer, const capi_vec *columns, uint32_t row_count,
                                   const uint64_t *key_hashes, capi_extent *out, capi_err *err)
{
    for (uint32_t column = 0; column < writer->schema.field_count; column++) {
        const capi_vec *vec = &columns[column];
        capi_type type = writer->schema.fields[column].type;

        if (vec->form != capi_form_stored(type) || vec->is_constant)
            return capi_err_set(err, CAPI_INTERNAL, "column \"%.*s\" is not in stored form",
                                CAPI_STR_ARG(writer->schema.fields[column].name));
        if (type == CAPI_STRING)
            CAPI_TRY(writer_gather_strings(writer, column, vec->views, row_count, err));
        else
            writer->sources[column] = (column_source){.type = (uint8_t)type, .int64s = vec->data};
    }
    return table_write_sources(writer, writer->sources, row_count, key_hashes, out, err);
}

/* ---- durability ---- */

/* The file's name is durable only with its folder, and that with the folders above, up to the store's own. */
static capi_status writer_sync_name(capi_table_writer *writer, capi_err *err)
{
    size_t keep = strlen(writer->tables->folder);
    size_t bytes = writer->table_path.bytes;
    capi_arena arena = {0};
    capi_status st = CAPI_OK;

    while (st == CAPI_OK && bytes >= keep && bytes > 0) {
        st = capi_folder_sync(capi_str_copy(&arena, capi_str_slice(writer->table_path, 0, bytes)).data, err);
        do
            bytes--;
        while (bytes > 0 && writer->table_path.data[bytes] != '/');
    }
    capi_arena_deinit(&arena);
    if (st == CAPI_OK) writer->is_name_synced = true;
    return st;
}

capi_status capi_table_writer_sync(capi_table_writer *writer, capi_err *err)
{
    if (writer->is_broken)
        return capi_err_set(err, CAPI_UNAVAILABLE, "segment of table \"%.*s\" cannot be synced after a failed write",
                            CAPI_STR_ARG(writer->table_path));
    if (writer->synced == writer->end) return CAPI_OK;
    /* After a failed sync the system may have dropped what it could not write: the segment is given up. */
    writer->is_broken = true;
    CAPI_TRY(capi_file_sync_data(writer->file, err));
    if (!writer->is_name_synced) CAPI_TRY(writer_sync_name(writer, err));
    writer->is_broken = false;
    writer->synced = writer->flushed = writer->end;
    return CAPI_OK;
}
