/* table_index.c - what a table consists of: its blocks in row order, for finding rows, shared by all readers of the same
 * content. */
#include "store/table_store.h"

#include <stdlib.h>

enum { IDLE_INDEXES_MAX = 4 };

/* ---- making ---- */

/* The position of a segment in the index's list; opens it when it is new. Extents of one segment mostly follow each
 * other, and there are few segments, so the search begins at the one used last. */
static capi_status index_use_segment(capi_tables *tables, table_index *index, uint64_t id, uint32_t *last,
                                     uint32_t *capacity, capi_err *err)
{
    for (uint32_t i = 0; i < index->segment_count; i++) {
        uint32_t at = (*last + i) % index->segment_count;

        if (index->segments[at]->segment != id) continue;
        *last = at;
        return CAPI_OK;
    }
    if (index->segment_count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 8;
        index->segments = capi_realloc(index->segments, *capacity * sizeof *index->segments);
    }
    *last = index->segment_count;
    CAPI_TRY(tables_open_segment(tables, index->table_path, id, &index->segments[*last], err));
    index->segment_count++;
    return CAPI_OK;
}

static uint32_t count_bits(const uint8_t *bits, uint64_t from, uint32_t count)
{
    uint64_t to = from + count;
    uint32_t sum = 0;

    for (; from < to && from % 8; from++)
        sum += bit_at(bits, from);
    for (; from + 64 <= to; from += 64) {
        uint64_t word;

        memcpy(&word, bits + from / 8, 8);
        sum += (uint32_t)__builtin_popcountll(word);
    }
    for (; from < to; from++)
        sum += bit_at(bits, from);
    return sum;
}

static capi_status extent_check(const capi_extent *extent, uint32_t field_count, capi_err *err)
{
    if (extent->row_count >= 1 && extent->row_count <= CAPI_BLOCK_ROWS && extent->offset % BLOCK_ALIGN == 0 &&
        extent->offset >= sizeof(segment_header) && extent->length_bytes >= block_directory_bytes(field_count) &&
        extent->length_bytes <= INT64_MAX && extent->offset <= INT64_MAX - extent->length_bytes)
        return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID,
                        "extent of segment %016llx at %llu with %llu bytes and %u rows is impossible",
                        (unsigned long long)extent->segment, (unsigned long long)extent->offset,
                        (unsigned long long)extent->length_bytes, extent->row_count);
}

static capi_status index_fill(capi_tables *tables, table_index *index, const capi_table_content *content, capi_err *err)
{
    uint64_t rows = 0;
    uint32_t last = 0;
    uint32_t capacity = 0;

    for (uint64_t i = 0; i < content->extent_count; i++) {
        const capi_extent *extent = &content->extents[i];
        table_block *block = &index->blocks[i];

        CAPI_TRY(index_use_segment(tables, index, extent->segment, &last, &capacity, err));
        CAPI_TRY(extent_check(extent, index->segments[last]->schema.field_count, err));
        *block = (table_block){.segment = index->segments[last],
                               .segment_idx = last,
                               .survivor_count = extent->row_count,
                               .first_stored_row = index->stored_row_count,
                               .extent = *extent};
        if (index->survivors)
            block->survivor_count = count_bits(index->survivors, index->stored_row_count, extent->row_count);
        index->first_rows[i] = rows;
        rows += block->survivor_count;
        index->stored_row_count += extent->row_count;
    }
    index->first_rows[content->extent_count] = rows;
    if (rows != content->row_count)
        return capi_err_set(err, CAPI_INVALID, "the table's blocks have %llu rows, expected %llu",
                            (unsigned long long)rows, (unsigned long long)content->row_count);
    return CAPI_OK;
}

static uint64_t content_stored_rows(const capi_table_content *content)
{
    uint64_t rows = 0;

    for (uint64_t i = 0; i < content->extent_count; i++)
        rows += content->extents[i].row_count;
    return rows;
}

static table_index *index_new(capi_str table_path, const capi_table_content *content)
{
    table_index *index = capi_zmalloc(sizeof *index);

    index->user_count = 1;
    index->table_path = capi_str_copy(&index->arena, table_path);
    index->block_count = content->extent_count;
    index->blocks = capi_malloc(capi_array_bytes(content->extent_count, sizeof *index->blocks));
    index->first_rows = capi_malloc(capi_array_bytes(content->extent_count + 1, sizeof *index->first_rows));
    if (content->survivors) {
        uint64_t bytes = (content_stored_rows(content) + 7) / 8;

        index->survivors = capi_malloc(bytes);
        memcpy(index->survivors, content->survivors, bytes);
    }
    return index;
}

static void index_free(capi_tables *tables, table_index *index)
{
    for (uint32_t i = 0; i < index->segment_count; i++)
        tables_close_segment(tables, index->segments[i]);
    free(index->segments);
    free(index->blocks);
    free(index->first_rows);
    free(index->survivors);
    capi_arena_deinit(&index->arena);
    free(index);
}

/* ---- sharing ---- */

/* Quick to tell most other contents apart; index_holds has the last word. */
static bool index_may_hold(const table_index *index, capi_str table_path, const capi_table_content *content)
{
    return index->block_count == content->extent_count && index->first_rows[index->block_count] == content->row_count &&
           (index->survivors != NULL) == (content->survivors != NULL) && capi_str_equal(index->table_path, table_path);
}

static bool index_holds(const table_index *index, const capi_table_content *content)
{
    for (uint64_t i = 0; i < content->extent_count; i++)
        if (memcmp(&index->blocks[i].extent, &content->extents[i], sizeof(capi_extent)) != 0) return false;
    return !index->survivors || memcmp(index->survivors, content->survivors, (index->stored_row_count + 7) / 8) == 0;
}

/* A use of the first index that may be the one, or NULL. */
static table_index *indexes_use(capi_tables *tables, capi_str table_path, const capi_table_content *content)
{
    table_index *index;

    pthread_mutex_lock(&tables->lock);
    index = tables->indexes;
    while (index && !index_may_hold(index, table_path, content))
        index = index->next;
    if (index && index->user_count++ == 0) tables->idle_index_count--;
    pthread_mutex_unlock(&tables->lock);
    return index;
}

static void indexes_add(capi_tables *tables, table_index *index)
{
    pthread_mutex_lock(&tables->lock);
    index->next = tables->indexes;
    tables->indexes = index;
    pthread_mutex_unlock(&tables->lock);
}

/* Takes the oldest index without users off the list. The lock is held. */
static table_index *indexes_take_idle(capi_tables *tables, const char *path_start)
{
    table_index **found = NULL;
    table_index *index;

    for (table_index **at = &tables->indexes; *at; at = &(*at)->next)
        if ((*at)->user_count == 0 && strncmp((*at)->table_path.data, path_start, strlen(path_start)) == 0) found = at;
    if (!found) return NULL;
    index = *found;
    *found = index->next;
    tables->idle_index_count--;
    return index;
}

capi_status tables_open_index(capi_tables *tables, capi_str table_path, const capi_table_content *content,
                              table_index **out, capi_err *err)
{
    table_index *index = indexes_use(tables, table_path, content);
    capi_status st;

    *out = NULL;
    if (index && index_holds(index, content)) {
        *out = index;
        return CAPI_OK;
    }
    tables_close_index(tables, index);
    index = index_new(table_path, content);
    st = index_fill(tables, index, content, err);
    if (st != CAPI_OK) {
        index_free(tables, index);
        return st;
    }
    indexes_add(tables, index);
    *out = index;
    return CAPI_OK;
}

void tables_close_index(capi_tables *tables, table_index *index)
{
    table_index *freed = NULL;

    if (!index) return;
    pthread_mutex_lock(&tables->lock);
    if (--index->user_count == 0 && ++tables->idle_index_count > IDLE_INDEXES_MAX)
        freed = indexes_take_idle(tables, "");
    pthread_mutex_unlock(&tables->lock);
    if (freed) index_free(tables, freed);
}

void tables_free_idle_indexes(capi_tables *tables, const char *path_start)
{
    table_index *index;

    do {
        pthread_mutex_lock(&tables->lock);
        index = indexes_take_idle(tables, path_start);
        pthread_mutex_unlock(&tables->lock);
        if (index) index_free(tables, index);
    } while (index);
}
