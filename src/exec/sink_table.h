/* sink_table.h - writes computed rows into blocks of the node's table.
 *
 * Every worker has a writer and a block builder of its own, opened when its first row comes. The extents of a group of
 * morsels are kept by group and joined at the end, so the order of rows is that of the source. */
#pragma once

#include "exec/batch.h"
#include "exec/keys.h"

typedef struct sink_table sink_table;

/* group_count: of the drive. The unique index of the table, if any, has its key hashes stored along. */
sink_table *sink_table_new(exec_batch *batch, uint64_t group_count);
/* A table of the batch's own, for rows that do not fit into memory. */
typedef struct sink_table_place {
    capi_tables *tables;
    capi_table_address address;
    const capi_schema *schema;
    uint32_t block_row_max; /* smaller blocks, when many are to be read at once */
} sink_table_place;
sink_table *sink_table_new_temporary(exec_batch *batch, const sink_table_place *place, uint64_t group_count);

/* The selected rows (NULL: all) of the fields. hashes: of the unique key, one per selected row, if the caller has them; NULL:
 * computed here when needed. A value that cannot be stored fails with *bad_row. */
CAPI_MUST_USE capi_status sink_table_append(sink_table *sink, uint32_t worker, const capi_vec *fields,
                                            const uint32_t *rows, uint32_t row_count, const uint64_t *hashes,
                                            uint32_t *bad_row, capi_err *err);
/* The worker's rows since its last group make up this group. */
CAPI_MUST_USE capi_status sink_table_end_group(sink_table *sink, uint32_t worker, uint64_t group, capi_err *err);
/* When all groups are done: makes everything durable, joins the extents into batch->out. Checks a unique index within the
 * batch, if check_unique. */
CAPI_MUST_USE capi_status sink_table_finish(sink_table *sink, bool check_unique, capi_err *err);
/* When all groups of a temporary table are done: it can be read from now on. *extents is malloc'ed. */
CAPI_MUST_USE capi_status sink_table_finish_temporary(sink_table *sink, capi_extent **extents, uint64_t *extent_count,
                                                      uint64_t *row_count, capi_err *err);
void sink_table_free(sink_table *sink); /* NULL is fine */

/* The index whose key hashes a table stores: the first unique one, or NULL. */
const capi_index *exec_hashed_index(const capi_table_sink *table);
