/* exec.h - one batch of one node, from its input to its result; and the seal of a node.
 *
 * exec knows nothing of runs, claims or the state: run/ tells it what to read (which run's tables) and gets back extents or a
 * finished file. All threads of the pool work on a batch, morsel by morsel (byte ranges of a CSV file, blocks of a table);
 * rows keep their order whatever the number of threads. */
#pragma once

#include "base/thread_pool.h"
#include "script/script.h"
#include "store/table.h"

/* What all batches of a process share. */
typedef struct capi_exec {
    capi_thread_pool *pool;
    capi_tables *tables;
    capi_budget *budget;
    capi_str temp_folder;             /* for what does not fit the budget */
    struct capi_index_cache *indexes; /* lookup indexes, by table, run and key: see capi_exec_init */
    struct capi_net *net; /* files that lie elsewhere; NULL: there are only local ones. Set after capi_exec_init */
} capi_exec;

void capi_exec_init(capi_exec *exec, capi_thread_pool *pool, capi_tables *tables, capi_budget *budget,
                    capi_str temp_folder);
void capi_exec_deinit(capi_exec *exec);

/* A table to read: where it lies and what it consists of. */
typedef struct capi_table_input {
    capi_table_address address;
    capi_table_content content;
    uint32_t run_id; /* that made it: for histories */
} capi_table_input;

/* The first row of the share of batch `index`: floor(index * rows / count), without overflow. */
uint64_t capi_batch_share(uint64_t rows, uint32_t index, uint32_t count);

/* Counters that a display may read while the batch runs. */
typedef struct capi_progress {
    _Atomic uint64_t rows_read;
    _Atomic uint64_t rows_written;
    _Atomic uint64_t bytes_read; /* files */
    _Atomic uint64_t units_done; /* morsels */
    _Atomic uint64_t units_total;
    _Atomic uint64_t transfer_done; /* bytes of the file that is on its way (transfer.h); 0: none */
    _Atomic uint64_t transfer_all;  /* 0: unknown */
    _Atomic bool is_upload;
    _Atomic bool stop; /* set by the owner: the batch ends soon with CAPI_STOPPED */
} capi_progress;

typedef struct capi_batch_task {
    const capi_node *node;
    capi_str keyspace_uid, run_uid, attempt_uid;
    uint32_t run_id;
    uint32_t batch_idx, batches_total;
    capi_instant now;               /* time.Now() of the run */
    const capi_table_input *input;  /* source table; NULL for files */
    const capi_table_input *lookup; /* right table; NULL if none */
    capi_progress *progress;
} capi_batch_task;

typedef struct capi_batch_output {
    capi_extent *extents; /* malloc'ed; in row order */
    uint32_t extent_count;
    uint64_t rows_read, rows_written, bytes_written;
    int64_t first_token, last_token; /* first and last row number of the share; files: the URL's index, twice */
    struct capi_file_writer
        *file;       /* TABLE_FILE: whole, synced, not yet under its final name; the caller publishes or closes */
    capi_str target; /* its final path or URL, in the caller's arena */
} capi_batch_output;

/* Everything the batch wrote is durable on CAPI_OK. The message of a failure names the field or column, the row and its
 * values; the caller adds node and batch. Whatever the outcome, capi_batch_output_deinit frees what *out holds. */
CAPI_MUST_USE capi_status capi_batch_run(capi_exec *exec, const capi_batch_task *task, capi_arena *arena,
                                         capi_batch_output *out, capi_err *err);
/* Puts out->file under its final name: renamed, or uploaded where the target lies elsewhere. Ends out->file whatever happens.
 * CAPI_STOPPED: `progress` (may be NULL) said so while it was being uploaded; nothing is there under its name. */
CAPI_MUST_USE capi_status capi_batch_output_publish(capi_exec *exec, capi_batch_output *out, capi_progress *progress,
                                                    capi_err *err);
void capi_batch_output_deinit(capi_batch_output *out);

/* ---- seal ---- */

typedef struct capi_seal_task {
    const capi_node *node;
    capi_table_address address;
    const capi_table_content *batches; /* content of each batch, in order; failed batches are empty */
    uint32_t batch_count;
} capi_seal_task;

typedef struct capi_seal_output {
    uint64_t row_count;
    capi_str *survivors; /* distinct_table: one bitmap per batch, in the arena; NULL: all rows */
    bool has_duplicates; /* a unique index was violated: `duplicate` says where */
    capi_str duplicate;  /* index, key values and both row numbers */
} capi_seal_output;

/* Checks unique indexes over the whole node; decides the survivors of a distinct_table: the first row of each key in table
 * order. Repeatable. */
CAPI_MUST_USE capi_status capi_seal_run(capi_exec *exec, const capi_seal_task *task, capi_arena *arena,
                                        capi_seal_output *out, capi_err *err);

/* ---- looking at tables ---- */

typedef capi_status (*capi_table_chunk_fn)(void *context, const capi_chunk *chunk, uint64_t first_row, capi_err *err);
/* Calls fn with the rows from..from+count of a table, in order. */
CAPI_MUST_USE capi_status capi_table_scan(capi_exec *exec, const capi_table_input *input, const capi_schema *schema,
                                          uint64_t from, uint64_t count, capi_table_chunk_fn fn, void *context,
                                          capi_err *err);
