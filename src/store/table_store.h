/* table_store.h - what the files of the embedded table store share. Private to src/store/. */
#pragma once

#include "base/file.h"
#include "store/block_cache.h"
#include "store/table_format.h"

#include <pthread.h>

static inline bool bit_at(const uint8_t *bits, uint64_t at)
{
    return bits[at / 8] >> at % 8 & 1;
}

/* A segment open for reading: immutable but for its count of users. */
typedef struct segment_reader segment_reader;
struct segment_reader {
    segment_reader *next; /* in the list of the store */
    uint64_t segment;
    uint32_t user_count;
    capi_arena arena;
    char *path;
    capi_file_reader *file;
    capi_schema schema; /* of its blocks */
};

struct capi_tables {
    char *folder;
    capi_budget *budget;
    bool compress;
    block_cache cache;
    pthread_mutex_t lock;            /* for the lists below */
    capi_table_writer *idle_writers; /* segments that can be continued by this process */
    uint32_t idle_writer_count;
    segment_reader *segments; /* most recently used first */
    uint32_t idle_segment_count;
    struct table_index *indexes; /* most recently made first */
    uint32_t idle_index_count;
    struct scratch_buffers *scratch; /* of readers, for reuse */
};

/* <folder>/<keyspace uid>/<run uid>/<table>, in the arena; empty parts end it early. Bytes that a path cannot hold are
 * written as %XX. */
capi_str tables_path(const capi_tables *tables, const capi_table_address *address, capi_arena *arena);
capi_str tables_segment_path(capi_str table_path, uint64_t segment, capi_arena *arena);

/* The header of a segment, appended. */
void segment_header_encode(capi_buf *to, uint64_t segment, const capi_schema *schema);

/* Opens a segment and checks its header; shared with whoever has it open already. */
CAPI_MUST_USE capi_status tables_open_segment(capi_tables *tables, capi_str table_path, uint64_t segment,
                                              segment_reader **out, capi_err *err);
void tables_close_segment(capi_tables *tables, segment_reader *segment);

/* What a table consists of, checked and indexed by row: shared by the readers of the same content, whatever their columns, so
 * that the many batches of a node do not each go through all extents. Immutable but for its count of users. */
typedef struct table_block {
    segment_reader *segment;
    uint32_t segment_idx; /* of the index's list */
    uint32_t survivor_count;
    uint64_t first_stored_row; /* before the survivors were chosen */
    capi_extent extent;
} table_block;

typedef struct table_index table_index;
struct table_index {
    table_index *next; /* in the list of the store */
    uint32_t user_count;
    capi_arena arena;
    capi_str table_path;
    segment_reader **segments; /* one use of each */
    uint32_t segment_count;
    table_block *blocks;
    uint64_t block_count;
    uint64_t *first_rows; /* block_count + 1: rows before each block */
    uint64_t stored_row_count;
    uint8_t *survivors; /* or NULL */
};

CAPI_MUST_USE capi_status tables_open_index(capi_tables *tables, capi_str table_path, const capi_table_content *content,
                                            table_index **out, capi_err *err);
/* NULL is fine. */
void tables_close_index(capi_tables *tables, table_index *index);
/* Frees indexes without users, all or those whose path begins with `path_start`. */
void tables_free_idle_indexes(capi_tables *tables, const char *path_start);

/* Two buffers for one read; give them back when done. */
typedef struct scratch_buffers scratch_buffers;
struct scratch_buffers {
    scratch_buffers *next;
    capi_buf stored;
    capi_buf decode;
};
scratch_buffers *tables_take_scratch(capi_tables *tables);
void tables_give_scratch(capi_tables *tables, scratch_buffers *scratch);

/* table_writer.c: frees idle writers, all or those whose path begins with `path_start`. */
void tables_free_idle_writers(capi_tables *tables, const char *path_start);

/* Writes a block from columns that lie as the format wants them: what capi_table_write_block does after turning views
 * into lengths and bytes. */
CAPI_MUST_USE capi_status table_write_sources(capi_table_writer *writer, const column_source *sources,
                                              uint32_t row_count, const uint64_t *key_hashes, capi_extent *out,
                                              capi_err *err);
capi_tables *table_writer_tables(const capi_table_writer *writer);
