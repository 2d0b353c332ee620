/* table.h - what runs made: write-once blocks of columns, on disk (embedded) or elsewhere.
 *
 * A block holds up to CAPI_BLOCK_ROWS rows of all columns of one table. Attempts write blocks into append-only
 * *segments*, one per writer (thread), table and run; nothing is overwritten. An *extent* names a block: segment,
 * offset, length, rows. Blocks become part of a table only when a commit in the state names their extents; everything
 * else is garbage.
 *
 *     <data>/tables/<keyspace uid>/<run uid>/<table>/<segment id>.seg
 *
 * Layout, header, checksums and statistics: doc/internals/column-file.md. */
#pragma once

#include "base/budget.h"
#include "base/buf.h"
#include "vec/vec.h"

typedef struct capi_tables capi_tables; /* a table store; shared by all threads */

typedef struct capi_table_address {
    capi_str keyspace_uid;
    capi_str run_uid;
    capi_str table; /* its name in the script */
} capi_table_address;

typedef struct capi_extent {
    uint64_t segment; /* id, unique within the table's folder */
    uint64_t offset;
    uint64_t length_bytes;
    uint32_t row_count;
    uint32_t checksum; /* CRC32C of the block's directory, which holds those of its columns */
} capi_extent;

typedef struct capi_tables_options {
    capi_str folder;
    capi_budget *budget;  /* pays for the block cache and for write buffers */
    uint64_t cache_bytes; /* limit of the block cache; 0: a quarter of the budget */
    bool compress;        /* LZ4 per array where it saves at least an eighth */
} capi_tables_options;

CAPI_MUST_USE capi_status capi_tables_open_embedded(const capi_tables_options *options, capi_tables **out,
                                                    capi_err *err);
void capi_tables_close(capi_tables *tables);

/* ---- writing ---- */

typedef struct capi_table_writer capi_table_writer; /* one segment; one thread */

/* The segment's file is made with the first block, or is the one that an earlier writer of the same table and process
 * has closed: many small batches share few files. */
CAPI_MUST_USE capi_status capi_table_writer_open(capi_tables *tables, const capi_table_address *address,
                                                 const capi_schema *schema, capi_table_writer **out, capi_err *err);
/* Writes one block of row_count (1 .. CAPI_BLOCK_ROWS) rows; columns in stored form, no constants. key_hashes (or NULL)
 * are stored along for the seal of a unique index. */
CAPI_MUST_USE capi_status capi_table_write_block(capi_table_writer *writer, const capi_vec *columns, uint32_t row_count,
                                                 const uint64_t *key_hashes, capi_extent *out, capi_err *err);
/* Everything written so far is durable when this returns. */
CAPI_MUST_USE capi_status capi_table_writer_sync(capi_table_writer *writer, capi_err *err);
/* Removes what was not synced. NULL is fine. */
void capi_table_writer_close(capi_table_writer *writer);

/* Collects rows into blocks for capi_table_write_block: appends chunks (any form; stored form is made here), writes
 * whenever CAPI_BLOCK_ROWS rows or 8 MiB are there. One thread. The extents come out in the order of the rows. */
typedef struct capi_block_builder capi_block_builder;
capi_block_builder *capi_block_builder_new(capi_table_writer *writer, const capi_schema *schema, bool with_hashes);
/* rows: which rows of the chunk, or NULL for 0 .. row_count-1. key_hashes, like the columns, are by row of the chunk. On
 * CAPI_INVALID nothing was added, and *bad_row (of the chunk; the lowest of several) and *bad_column tell the value that
 * cannot be stored. */
CAPI_MUST_USE capi_status capi_block_builder_append(capi_block_builder *builder, const capi_vec *columns,
                                                    const uint32_t *rows, uint32_t row_count,
                                                    const uint64_t *key_hashes, uint32_t *bad_row, uint32_t *bad_column,
                                                    capi_err *err);
/* Writes what is left. Extents since the last take are moved to *extents (malloc'ed array; caller frees). */
CAPI_MUST_USE capi_status capi_block_builder_take(capi_block_builder *builder, capi_extent **extents,
                                                  uint32_t *extent_count, capi_err *err);
/* Forgets unwritten rows and extents. */
void capi_block_builder_reset(capi_block_builder *builder);
void capi_block_builder_free(capi_block_builder *builder);

/* ---- reading ---- */

/* A table: extents in row order. `survivors` (or NULL) is a bitmap over all rows: rows whose bit is 0 are not part of
 * the table (duplicates that a seal dropped); all row numbers count survivors. The reader copies what it needs. */
typedef struct capi_table_content {
    const capi_extent *extents;
    uint64_t extent_count;
    const uint8_t *survivors;
    uint64_t row_count; /* survivors */
} capi_table_content;

typedef struct capi_table_reader capi_table_reader; /* immutable; any number of threads */

/* Columns are found by name and type. One that is not stored so is CAPI_INVALID with words when it is read, or checked for. */
CAPI_MUST_USE capi_status capi_table_reader_open(capi_tables *tables, const capi_table_address *address,
                                                 const capi_schema *schema, const capi_table_content *content,
                                                 capi_table_reader **out, capi_err *err);
void capi_table_reader_close(capi_table_reader *reader);
/* Are these columns there? needed[column], or NULL for all. */
CAPI_MUST_USE capi_status capi_table_reader_check(const capi_table_reader *reader, const bool *needed, capi_err *err);
uint64_t capi_table_reader_row_count(const capi_table_reader *reader);
uint64_t capi_table_reader_block_count(const capi_table_reader *reader);
/* Rows of blocks 0 .. block-1: where a block begins. block may be the block count. */
uint64_t capi_table_reader_first_row(const capi_table_reader *reader, uint64_t block);
/* The block that holds a row. */
uint64_t capi_table_reader_find_block(const capi_table_reader *reader, uint64_t row);

/* One block in memory: column vectors for the schema's columns that were asked for, in stored form, survivors only. */
typedef struct capi_block {
    capi_vec *columns;          /* per schema column; unset where not asked for */
    const uint64_t *key_hashes; /* or NULL */
    uint32_t row_count;
    void *pin; /* private */
} capi_block;

/* needed[column], or NULL for all. A damaged block is CAPI_INVALID naming the file, the place and both checksums. The
 * block stays in memory (and in the budget) until released. */
CAPI_MUST_USE capi_status capi_table_read_block(capi_table_reader *reader, uint64_t block, const bool *needed,
                                                bool with_hashes, capi_block *out, capi_err *err);
void capi_block_release(capi_block *block);

/* ---- housekeeping ---- */

/* Removes all tables of a run, or of a keyspace when run_uid is empty. */
CAPI_MUST_USE capi_status capi_tables_drop(capi_tables *tables, capi_str keyspace_uid, capi_str run_uid, capi_err *err);
/* Total bytes on disk of one table of one run. */
CAPI_MUST_USE capi_status capi_tables_disk_bytes(capi_tables *tables, const capi_table_address *address,
                                                 uint64_t *bytes, capi_err *err);
