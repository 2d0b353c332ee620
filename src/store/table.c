/* table.c - the embedded table store: folders, segment headers, segments open for reading, housekeeping.
 *
 * Everything that lies on disk is described in doc/internals/column-file.md. */
#include "store/table.h"

#include "base/file.h"
#include "store/crc32c.h"
#include "store/table_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    IDLE_SEGMENTS_MAX = 64,      /* kept open for the next reader */
    SCRATCH_KEPT_MAX = 16 << 20, /* larger buffers are freed after use */
    FIELD_COUNT_MAX = 1 << 16,
};

capi_status capi_tables_open_embedded(const capi_tables_options *options, capi_tables **out, capi_err *err)
{
    capi_tables *tables = capi_zmalloc(sizeof *tables);
    uint64_t cache_bytes = options->cache_bytes;
    capi_status st;

    *out = NULL;
    tables->folder = capi_malloc(options->folder.bytes + 1);
    if (options->folder.bytes) memcpy(tables->folder, options->folder.data, options->folder.bytes);
    tables->folder[options->folder.bytes] = 0;
    tables->budget = options->budget;
    tables->compress = options->compress;
    if (cache_bytes == 0) cache_bytes = (options->budget ? options->budget->limit_bytes : UINT64_C(1) << 30) / 4;
    block_cache_init(&tables->cache, options->budget, cache_bytes);
    pthread_mutex_init(&tables->lock, NULL);
    st = capi_folder_make(tables->folder, err);
    if (st == CAPI_OK)
        *out = tables;
    else
        capi_tables_close(tables);
    return st;
}

static void segment_free(segment_reader *segment)
{
    capi_file_close(segment->file);
    capi_arena_deinit(&segment->arena);
    free(segment);
}

void capi_tables_close(capi_tables *tables)
{
    if (!tables) return;
    tables_free_idle_writers(tables, "");
    tables_free_idle_indexes(tables, "");
    while (tables->segments) {
        segment_reader *segment = tables->segments;

        tables->segments = segment->next;
        segment_free(segment);
    }
    while (tables->scratch) {
        scratch_buffers *scratch = tables->scratch;

        tables->scratch = scratch->next;
        capi_buf_deinit(&scratch->stored);
        capi_buf_deinit(&scratch->decode);
        free(scratch);
    }
    block_cache_deinit(&tables->cache);
    pthread_mutex_destroy(&tables->lock);
    free(tables->folder);
    free(tables);
}

/* ---- paths ---- */

static void path_append_part(capi_buf *path, capi_str part)
{
    capi_buf_append_byte(path, '/');
    for (size_t i = 0; i < part.bytes; i++) {
        unsigned char byte = (unsigned char)part.data[i];
        bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
                        byte == '_' || byte == '-' || (byte == '.' && i > 0);

        if (is_plain)
            capi_buf_append_byte(path, (char)byte);
        else
            capi_buf_printf(path, "%%%02X", byte);
    }
}

capi_str tables_path(const capi_tables *tables, const capi_table_address *address, capi_arena *arena)
{
    const capi_str parts[] = {address->keyspace_uid, address->run_uid, address->table};
    capi_buf path = {0};
    capi_str copy;

    capi_buf_append_text(&path, tables->folder);
    for (int i = 0; i < 3 && parts[i].bytes; i++)
        path_append_part(&path, parts[i]);
    copy = capi_str_copy(arena, capi_buf_str(&path));
    capi_buf_deinit(&path);
    return copy;
}

capi_str tables_segment_path(capi_str table_path, uint64_t segment, capi_arena *arena)
{
    return capi_str_format(arena, "%.*s/%016llx.seg", CAPI_STR_ARG(table_path), (unsigned long long)segment);
}

/* ---- segment headers ---- */

void segment_header_encode(capi_buf *to, uint64_t segment, const capi_schema *schema)
{
    segment_header header = {.version = SEGMENT_VERSION, .field_count = schema->field_count, .segment = segment};
    size_t start = to->bytes;
    size_t padding;

    memcpy(header.magic, SEGMENT_MAGIC, sizeof header.magic);
    capi_buf_append(to, &header, sizeof header);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        segment_field field = {.type = (uint8_t)schema->fields[i].type,
                               .name_bytes = (uint32_t)schema->fields[i].name.bytes};

        capi_buf_append(to, &field, sizeof field);
        capi_buf_append_str(to, schema->fields[i].name);
    }
    padding = block_aligned(to->bytes - start) - (to->bytes - start);
    memset(capi_buf_reserve(to, padding), 0, padding);
    to->bytes += padding;
    header.header_bytes = (uint32_t)(to->bytes - start);
    memcpy(to->data + start, &header, sizeof header);
    header.checksum = capi_crc32c(0, to->data + start, header.header_bytes);
    memcpy(to->data + start, &header, sizeof header);
}

static capi_status segment_damaged(const segment_reader *segment, const char *what, capi_err *err)
{
    return capi_err_set(err, CAPI_INVALID, "file \"%s\" is damaged at offset 0: %s", segment->path, what);
}

static bool segment_read_fields(segment_reader *segment, const char *at, uint64_t bytes, uint32_t count)
{
    capi_field *fields = capi_new_array(&segment->arena, capi_field, count);

    for (uint32_t i = 0; i < count; i++) {
        segment_field field;

        if (bytes < sizeof field) return false;
        memcpy(&field, at, sizeof field);
        at += sizeof field;
        bytes -= sizeof field;
        if (field.name_bytes > bytes || field.type >= CAPI_TYPE_STORED_COUNT) return false;
        fields[i].type = (capi_type)field.type;
        fields[i].name = capi_str_copy(&segment->arena, (capi_str){at, field.name_bytes});
        at += field.name_bytes;
        bytes -= field.name_bytes;
    }
    segment->schema = (capi_schema){fields, count};
    return true;
}

static capi_status segment_check_start(const segment_reader *segment, const segment_header *header, size_t got,
                                       capi_err *err)
{
    if (got < sizeof *header || memcmp(header->magic, SEGMENT_MAGIC, sizeof header->magic) != 0)
        return capi_err_set(err, CAPI_INVALID, "file \"%s\" is not a column file", segment->path);
    if (header->version != SEGMENT_VERSION)
        return capi_err_set(err, CAPI_INVALID, "column file \"%s\" has version %u, this program knows version %u",
                            segment->path, header->version, (uint32_t)SEGMENT_VERSION);
    if (header->header_bytes < sizeof *header || header->header_bytes > SEGMENT_HEADER_MAX ||
        header->header_bytes % BLOCK_ALIGN || header->field_count > FIELD_COUNT_MAX)
        return segment_damaged(segment, "the header has an impossible size", err);
    return CAPI_OK;
}

static capi_status segment_read_header(segment_reader *segment, capi_err *err)
{
    segment_header header = {0};
    uint32_t expected, actual;
    size_t got = 0;
    char *bytes;

    CAPI_TRY(capi_file_read_at(segment->file, 0, &header, sizeof header, &got, err));
    CAPI_TRY(segment_check_start(segment, &header, got, err));
    bytes = capi_arena_alloc(&segment->arena, header.header_bytes);
    CAPI_TRY(capi_file_read_at(segment->file, 0, bytes, header.header_bytes, &got, err));
    if (got < header.header_bytes) return segment_damaged(segment, "the header is cut off", err);
    expected = header.checksum;
    memset(bytes + offsetof(segment_header, checksum), 0, sizeof header.checksum);
    actual = capi_crc32c(0, bytes, header.header_bytes);
    if (actual != expected)
        return capi_err_set(err, CAPI_INVALID,
                            "file \"%s\" is damaged at offset 0: the header's checksum is %08x, expected %08x",
                            segment->path, actual, expected);
    if (header.segment != segment->segment)
        return capi_err_set(err, CAPI_INVALID, "file \"%s\" holds segment %016llx, expected %016llx", segment->path,
                            (unsigned long long)header.segment, (unsigned long long)segment->segment);
    if (!segment_read_fields(segment, bytes + sizeof header, header.header_bytes - sizeof header, header.field_count))
        return segment_damaged(segment, "the list of columns does not fit its header", err);
    return CAPI_OK;
}

/* ---- open segments ---- */

static segment_reader *segments_find(capi_tables *tables, const char *path, uint64_t id)
{
    segment_reader *segment = tables->segments;

    while (segment && !(segment->segment == id && strcmp(segment->path, path) == 0))
        segment = segment->next;
    return segment;
}

static segment_reader *segments_use(capi_tables *tables, const char *path, uint64_t id)
{
    segment_reader *segment;

    pthread_mutex_lock(&tables->lock);
    segment = segments_find(tables, path, id);
    if (segment && segment->user_count++ == 0) tables->idle_segment_count--;
    pthread_mutex_unlock(&tables->lock);
    return segment;
}

/* Puts a segment that was just opened into the list, unless another thread has been faster. */
static segment_reader *segments_add(capi_tables *tables, segment_reader *segment)
{
    segment_reader *other;

    pthread_mutex_lock(&tables->lock);
    other = segments_find(tables, segment->path, segment->segment);
    if (other) {
        if (other->user_count++ == 0) tables->idle_segment_count--;
    } else {
        segment->user_count = 1;
        segment->next = tables->segments;
        tables->segments = segment;
    }
    pthread_mutex_unlock(&tables->lock);
    if (!other) return segment;
    segment_free(segment);
    return other;
}

capi_status tables_open_segment(capi_tables *tables, capi_str table_path, uint64_t id, segment_reader **out,
                                capi_err *err)
{
    segment_reader *segment = capi_zmalloc(sizeof *segment);
    segment_reader *shared;
    capi_status st;

    segment->segment = id;
    segment->path = (char *)tables_segment_path(table_path, id, &segment->arena).data;
    shared = segments_use(tables, segment->path, id);
    if (shared) {
        segment_free(segment);
        *out = shared;
        return CAPI_OK;
    }
    st = capi_file_open(segment->path, &segment->file, err);
    /* A table that the state knows must be there: that it is not is damage, no ordinary answer. */
    if (st == CAPI_NOT_FOUND) st = capi_err_set(err, CAPI_INVALID, "file \"%s\" of a table is missing", segment->path);
    if (st == CAPI_OK) st = segment_read_header(segment, err);
    if (st != CAPI_OK) {
        segment_free(segment);
        return st;
    }
    *out = segments_add(tables, segment);
    return CAPI_OK;
}

/* Closes the idle segment that comes last in the list. */
static segment_reader *segments_take_idle(capi_tables *tables, const char *path_start)
{
    segment_reader **found = NULL;
    segment_reader *segment;

    for (segment_reader **at = &tables->segments; *at; at = &(*at)->next)
        if ((*at)->user_count == 0 && strncmp((*at)->path, path_start, strlen(path_start)) == 0) found = at;
    if (!found) return NULL;
    segment = *found;
    *found = segment->next;
    tables->idle_segment_count--;
    return segment;
}

void tables_close_segment(capi_tables *tables, segment_reader *segment)
{
    segment_reader *closed = NULL;

    if (!segment) return;
    pthread_mutex_lock(&tables->lock);
    if (--segment->user_count == 0 && ++tables->idle_segment_count > IDLE_SEGMENTS_MAX)
        closed = segments_take_idle(tables, "");
    pthread_mutex_unlock(&tables->lock);
    if (closed) segment_free(closed);
}

static void segments_close_idle(capi_tables *tables, const char *path_start)
{
    segment_reader *segment;

    do {
        pthread_mutex_lock(&tables->lock);
        segment = segments_take_idle(tables, path_start);
        pthread_mutex_unlock(&tables->lock);
        if (segment) segment_free(segment);
    } while (segment);
}

/* ---- scratch buffers ---- */

scratch_buffers *tables_take_scratch(capi_tables *tables)
{
    scratch_buffers *scratch;

    pthread_mutex_lock(&tables->lock);
    scratch = tables->scratch;
    if (scratch) tables->scratch = scratch->next;
    pthread_mutex_unlock(&tables->lock);
    return scratch ? scratch : capi_zmalloc(sizeof *scratch);
}

void tables_give_scratch(capi_tables *tables, scratch_buffers *scratch)
{
    if (scratch->stored.capacity_bytes > SCRATCH_KEPT_MAX) capi_buf_deinit(&scratch->stored);
    if (scratch->decode.capacity_bytes > SCRATCH_KEPT_MAX) capi_buf_deinit(&scratch->decode);
    pthread_mutex_lock(&tables->lock);
    scratch->next = tables->scratch;
    tables->scratch = scratch;
    pthread_mutex_unlock(&tables->lock);
}

/* ---- housekeeping ---- */

capi_status capi_tables_drop(capi_tables *tables, capi_str keyspace_uid, capi_str run_uid, capi_err *err)
{
    capi_arena arena = {0};
    capi_table_address address = {.keyspace_uid = keyspace_uid, .run_uid = run_uid};
    const char *path;
    capi_status st;

    if (keyspace_uid.bytes == 0)
        return capi_err_set(err, CAPI_INVALID, "tables are dropped by keyspace; none is named");
    path = tables_path(tables, &address, &arena).data;
    /* With the slash, so that run "1" does not mean run "12". */
    tables_free_idle_writers(tables, capi_str_format(&arena, "%s/", path).data);
    tables_free_idle_indexes(tables, capi_str_format(&arena, "%s/", path).data);
    segments_close_idle(tables, capi_str_format(&arena, "%s/", path).data);
    st = capi_folder_remove(path, err);
    capi_arena_deinit(&arena);
    return st;
}

static capi_status folder_file_bytes(DIR *folder, const char *path, uint64_t *bytes, capi_err *err)
{
    const struct dirent *entry;
    struct stat info;

    while ((entry = readdir(folder)) != NULL) {
        if (fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
            return capi_err_set_errno(err, errno, "could not look at \"%s/%s\"", path, entry->d_name);
        if (S_ISREG(info.st_mode)) *bytes += (uint64_t)info.st_size;
    }
    return CAPI_OK;
}

capi_status capi_tables_disk_bytes(capi_tables *tables, const capi_table_address *address, uint64_t *bytes,
                                   capi_err *err)
{
    capi_arena arena = {0};
    const char *path = tables_path(tables, address, &arena).data;
    DIR *folder = opendir(path);
    capi_status st = CAPI_OK;

    *bytes = 0;
    if (folder) {
        st = folder_file_bytes(folder, path, bytes, err);
        closedir(folder);
    } else if (errno != ENOENT) {
        st = capi_err_set_errno(err, errno, "could not read the folder \"%s\"", path);
    }
    capi_arena_deinit(&arena);
    return st;
}
