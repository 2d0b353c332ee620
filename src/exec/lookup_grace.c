/* lookup_grace.c - the keys are divided into passes by their hashes. Each pass has an index over its keys alone, reads the
 * left rows and joins those of the pass; the rows that come out go, with the number of their left row, to a temporary table.
 * All rows of a left row lie in the table of one pass, in order, so a merge by left row gives the order that one pass over
 * all keys would have given.
 *
 * The tables themselves are what is read again and again: no copy of either side is written. If a pass still does not fit,
 * everything is begun anew with four times as many. */
#include "exec/lookup_grace.h"
#include "exec/lookup_rows.h"
#include "exec/sink_table.h"

#include "base/file.h"

#include <stdlib.h>

enum {
    GRACE_BITS_FIRST = 2,
    GRACE_BITS_STEP = 2,
    GRACE_BLOCK_ROWS_MIN = 512,
    GRACE_ROW_BYTES = 128, /* a guess, for the size of blocks */
};

typedef struct grace_part { /* what a pass wrote */
    capi_extent *extents;
    uint64_t extent_count;
    uint64_t row_count;
} grace_part;

typedef struct grace_worker grace_worker;

typedef struct grace_run {
    exec_batch *batch;
    const lookup_plan *plan;
    exec_scan *scan;
    uint32_t pass_bits;
    capi_tables *tables;
    capi_schema schema; /* the node's fields, and the left row */
    grace_part *parts;  /* by pass */
    /* of the pass being done */
    uint32_t pass;
    lookup_index *index;
    sink_table *sink;
    grace_worker *workers;
    _Atomic uint64_t failed_row; /* lowest left row that failed; UINT64_MAX: none */
} grace_run;

struct grace_worker {
    grace_run *grace;
    uint32_t worker;
    lookup_rows *rows; /* NULL: not opened */
    exec_keys keys;
    capi_arena arena;  /* of the chunk */
    capi_vec *columns; /* left rows of the pass */
    capi_vec *fields;
    uint32_t *picked; /* their positions in the chunk */
    uint64_t first_row;
    int64_t *numbers;
};

/* ---- one pass ---- */

/* The rows with the number of their left row as one more column. */
static capi_status grace_give(void *context, const capi_vec *fields, const uint32_t *left, const uint32_t *rows,
                              uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    grace_worker *worker = context;
    uint32_t field_count = worker->grace->plan->field_count;

    memcpy(worker->fields, fields, field_count * sizeof *fields);
    for (uint32_t i = 0; i < row_count; i++) {
        uint32_t row = rows ? rows[i] : i;

        worker->numbers[row] = (int64_t)(worker->first_row + worker->picked[left[row]]);
    }
    worker->fields[field_count] = (capi_vec){.type = CAPI_INT, .form = CAPI_FORM_INT64, .int64s = worker->numbers};
    return sink_table_append(worker->grace->sink, worker->worker, worker->fields, rows, row_count, NULL, bad_row, err);
}

static void worker_open(grace_worker *worker)
{
    const lookup_plan *plan = worker->grace->plan;

    worker->rows = lookup_rows_new(plan, worker->grace->index, worker->grace->batch->task->now, grace_give, worker);
    exec_keys_init(&worker->keys, &plan->lookup->index->key);
    worker->columns = capi_zmalloc((capi_node_schema(plan->node->reader)->field_count + 1) * sizeof *worker->columns);
    worker->fields = capi_zmalloc((plan->field_count + 1) * sizeof *worker->fields);
    worker->picked = capi_malloc(CAPI_CHUNK_ROWS * sizeof *worker->picked);
    worker->numbers = capi_malloc(CAPI_CHUNK_ROWS * sizeof *worker->numbers);
}

static void worker_close(grace_worker *worker)
{
    if (!worker->rows) return;
    lookup_rows_free(worker->rows);
    exec_keys_deinit(&worker->keys);
    capi_arena_deinit(&worker->arena);
    free(worker->columns);
    free(worker->fields);
    free(worker->picked);
    free(worker->numbers);
}

/* Gathers the chunk's rows that belong to the pass; returns how many. */
static uint32_t pick_rows(grace_worker *worker, const exec_rows *rows)
{
    const grace_run *grace = worker->grace;
    const capi_lookup *lookup = grace->plan->lookup;
    uint32_t column_count = capi_node_schema(grace->plan->node->reader)->field_count;
    uint32_t count = 0;

    for (uint32_t part = 0; part < lookup->index->key.part_count; part++)
        worker->keys.parts[part] = rows->columns[lookup->left_columns[part]];
    exec_keys_build(&worker->keys, rows->row_count);
    for (uint32_t row = 0; row < rows->row_count; row++)
        if (exec_hash_in_pass(worker->keys.hashes[row], grace->pass, grace->pass_bits)) worker->picked[count++] = row;
    capi_arena_reset(&worker->arena);
    for (uint32_t column = 0; column < column_count; column++)
        if (grace->plan->left_needed[column])
            worker->columns[column] = capi_vec_gather(&worker->arena, &rows->columns[column], worker->picked, count);
    return count;
}

static void note_failed_row(grace_run *grace, uint64_t row)
{
    uint64_t lowest = grace->failed_row;

    while (row < lowest && !atomic_compare_exchange_weak(&grace->failed_row, &lowest, row))
        continue;
}

static capi_status grace_try(void *context, uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    grace_worker *worker = context;

    return lookup_rows_join(worker->rows, worker->columns, row_count, bad_row, err);
}

static capi_status grace_take(void *context, uint32_t index, uint64_t group, const exec_rows *rows, capi_err *err)
{
    grace_run *grace = context;
    grace_worker *worker = &grace->workers[index];
    uint32_t bad_row = EXEC_NO_ROW;
    uint32_t count;
    capi_status st;

    (void)group;
    if (!worker->rows) {
        worker->grace = grace;
        worker->worker = index;
        worker_open(worker);
    }
    worker->first_row = rows->first_row;
    count = pick_rows(worker, rows);
    if (count == 0) return CAPI_OK;
    st = exec_lowest_failure(grace_try, worker, count, &bad_row, err);
    if (st != CAPI_OK && bad_row != EXEC_NO_ROW) {
        uint64_t row = rows->first_row + worker->picked[bad_row];

        note_failed_row(grace, row);
        exec_scan_blame_row(grace->scan, row, err);
    }
    return st;
}

static capi_status grace_end(void *context, uint32_t worker, uint64_t group, capi_err *err)
{
    grace_run *grace = context;

    return sink_table_end_group(grace->sink, worker, group, err);
}

/* Blocks of all passes are in memory at once when they are merged: together an eighth of the budget. */
static uint32_t block_row_max(const grace_run *grace)
{
    uint64_t rows = (grace->batch->exec->budget->limit_bytes / 8 / GRACE_ROW_BYTES) >> grace->pass_bits;

    if (rows < GRACE_BLOCK_ROWS_MIN) return GRACE_BLOCK_ROWS_MIN;
    return rows < CAPI_BLOCK_ROWS ? (uint32_t)rows : CAPI_BLOCK_ROWS;
}

static capi_table_address part_address(const grace_run *grace, uint32_t pass)
{
    return (capi_table_address){CAPI_STR("grace"), CAPI_STR("grace"),
                                capi_str_format(grace->batch->arena, "pass_%u", pass)};
}

static capi_status pass_open_index(grace_run *grace, capi_err *err)
{
    lookup_index_spec spec = {
        .table = grace->batch->task->lookup,
        .schema = grace->plan->right_schema,
        .key = &grace->plan->lookup->index->key,
        .progress = grace->batch->task->progress,
        .pass = grace->pass,
        .pass_bits = grace->pass_bits,
    };

    CAPI_TRY(lookup_index_make(grace->batch->exec, &spec, &grace->index, err));
    return lookup_index_load(grace->batch->exec, grace->index, grace->plan->right_needed, spec.progress, err);
}

static capi_status pass_run(grace_run *grace, capi_err *err)
{
    exec_batch *batch = grace->batch;
    uint64_t group_count = exec_group_count(batch, grace->scan);
    sink_table_place place = {
        .tables = grace->tables,
        .address = part_address(grace, grace->pass),
        .schema = &grace->schema,
        .block_row_max = block_row_max(grace),
    };
    exec_stage driven = {.context = grace, .rows = grace_take, .end = grace_end};
    grace_part *part = &grace->parts[grace->pass];
    capi_status st;

    grace->workers = capi_zmalloc(batch->worker_count * sizeof *grace->workers);
    grace->sink = sink_table_new_temporary(batch, &place, group_count);
    CAPI_TRY_OUT(pass_open_index(grace, err));
    CAPI_TRY_OUT(exec_drive(batch, grace->scan, group_count, &driven, err));
    CAPI_TRY_OUT(sink_table_finish_temporary(grace->sink, &part->extents, &part->extent_count, &part->row_count, err));
out:
    for (uint32_t i = 0; i < batch->worker_count; i++)
        worker_close(&grace->workers[i]);
    free(grace->workers);
    sink_table_free(grace->sink);
    lookup_index_discard(batch->exec, grace->index);
    grace->workers = NULL;
    grace->sink = NULL;
    grace->index = NULL;
    return st;
}

/* ---- merging ---- */

typedef struct merge_source {
    capi_table_reader *reader;
    uint64_t next_block;
    capi_block block;
    uint32_t row; /* in the block */
} merge_source;

typedef struct grace_merge {
    grace_run *grace;
    merge_source *sources; /* by pass */
    uint32_t *heap;        /* sources with rows, the one with the lowest left row first */
    uint32_t heap_count;
    sink_table *sink;
    capi_arena arena;
    capi_vec *fields;
    uint32_t *from; /* source and row of each collected row */
    uint32_t *rows;
    uint32_t count;
} grace_merge;

static int64_t source_left(const grace_merge *merge, uint32_t source)
{
    const merge_source *from = &merge->sources[source];

    return from->block.columns[merge->grace->plan->field_count].int64s[from->row];
}

static void heap_sink(grace_merge *merge, uint32_t at)
{
    for (;;) {
        uint32_t first = at;
        uint32_t moved;

        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < merge->heap_count; child++)
            if (source_left(merge, merge->heap[child]) < source_left(merge, merge->heap[first])) first = child;
        if (first == at) return;
        moved = merge->heap[at];
        merge->heap[at] = merge->heap[first];
        merge->heap[first] = moved;
        at = first;
    }
}

/* Writes the rows that were collected. */
static capi_status merge_flush(grace_merge *merge, capi_err *err)
{
    const grace_run *grace = merge->grace;
    uint32_t bad_row = 0;

    if (merge->count == 0) return CAPI_OK;
    capi_arena_reset(&merge->arena);
    for (uint32_t field = 0; field < grace->plan->field_count; field++) {
        capi_type type = grace->schema.fields[field].type;
        size_t width = capi_form_bytes(capi_form_stored(type));
        char *to;

        merge->fields[field] = capi_vec_new(&merge->arena, type, capi_form_stored(type), merge->count);
        to = merge->fields[field].data;
        for (uint32_t i = 0; i < merge->count; i++)
            memcpy(to + i * width,
                   (const char *)merge->sources[merge->from[i]].block.columns[field].data + merge->rows[i] * width,
                   width);
    }
    CAPI_TRY(exec_check_stop(grace->batch, err));
    CAPI_TRY(sink_table_append(merge->sink, 0, merge->fields, NULL, merge->count, NULL, &bad_row, err));
    merge->count = 0;
    return CAPI_OK;
}

/* The next block with rows; *has_rows false at the end. */
static capi_status source_next_block(merge_source *source, bool *has_rows, capi_err *err)
{
    *has_rows = false;
    while (!*has_rows && source->next_block < capi_table_reader_block_count(source->reader)) {
        capi_block_release(&source->block);
        CAPI_TRY(capi_table_read_block(source->reader, source->next_block++, NULL, false, &source->block, err));
        source->row = 0;
        *has_rows = source->block.row_count > 0;
    }
    return CAPI_OK;
}

static capi_status merge_open(grace_merge *merge, capi_err *err)
{
    grace_run *grace = merge->grace;

    for (uint32_t pass = 0; pass < 1u << grace->pass_bits; pass++) {
        grace_part *part = &grace->parts[pass];
        capi_table_content content = {part->extents, part->extent_count, NULL, part->row_count};
        capi_table_address address = part_address(grace, pass);
        merge_source *source = &merge->sources[pass];
        bool has_rows;

        if (part->row_count == 0) continue;
        CAPI_TRY(capi_table_reader_open(grace->tables, &address, &grace->schema, &content, &source->reader, err));
        CAPI_TRY(source_next_block(source, &has_rows, err));
        if (has_rows) merge->heap[merge->heap_count++] = pass;
    }
    for (uint32_t at = merge->heap_count; at-- > 0;)
        heap_sink(merge, at);
    return CAPI_OK;
}

static capi_status merge_rows(grace_merge *merge, capi_err *err)
{
    while (merge->heap_count) {
        merge_source *source = &merge->sources[merge->heap[0]];

        merge->from[merge->count] = merge->heap[0];
        merge->rows[merge->count++] = source->row++;
        if (source->row == source->block.row_count) {
            bool has_rows;

            CAPI_TRY(merge_flush(merge, err));
            CAPI_TRY(source_next_block(source, &has_rows, err));
            if (!has_rows) merge->heap[0] = merge->heap[--merge->heap_count];
        }
        heap_sink(merge, 0);
        if (merge->count == CAPI_CHUNK_ROWS) CAPI_TRY(merge_flush(merge, err));
    }
    return merge_flush(merge, err);
}

static capi_status merge_parts(grace_run *grace, capi_err *err)
{
    uint32_t pass_count = 1u << grace->pass_bits;
    grace_merge merge = {.grace = grace, .sink = sink_table_new(grace->batch, 1)};
    capi_status st;

    merge.sources = capi_zmalloc(pass_count * sizeof *merge.sources);
    merge.heap = capi_malloc(pass_count * sizeof *merge.heap);
    merge.fields = capi_zmalloc((grace->plan->field_count + 1) * sizeof *merge.fields);
    merge.from = capi_malloc(CAPI_CHUNK_ROWS * sizeof *merge.from);
    merge.rows = capi_malloc(CAPI_CHUNK_ROWS * sizeof *merge.rows);
    CAPI_TRY_OUT(merge_open(&merge, err));
    CAPI_TRY_OUT(merge_rows(&merge, err));
    CAPI_TRY_OUT(sink_table_end_group(merge.sink, 0, 0, err));
    CAPI_TRY_OUT(sink_table_finish(merge.sink, true, err));
out:
    for (uint32_t pass = 0; pass < pass_count; pass++) {
        capi_block_release(&merge.sources[pass].block);
        capi_table_reader_close(merge.sources[pass].reader);
    }
    sink_table_free(merge.sink);
    capi_arena_deinit(&merge.arena);
    free(merge.sources);
    free(merge.heap);
    free(merge.fields);
    free(merge.from);
    free(merge.rows);
    return st;
}

/* ---- all passes ---- */

static void grace_schema(grace_run *grace)
{
    const capi_schema *schema = &grace->batch->node->table->schema;
    capi_field *fields = capi_new_array(grace->batch->arena, capi_field, schema->field_count + 1);

    memcpy(fields, schema->fields, schema->field_count * sizeof *fields);
    /* No field of a script may have this name. */
    fields[schema->field_count] = (capi_field){CAPI_STR("rowid"), CAPI_INT};
    grace->schema = (capi_schema){fields, schema->field_count + 1};
}

/* A row that fails does not end the passes: another pass may have a lower one, and the lowest is reported. */
static capi_status grace_passes(grace_run *grace, capi_err *err)
{
    bool was_quiet = grace->batch->is_quiet;
    uint64_t lowest_row = UINT64_MAX;
    capi_status st = CAPI_OK;

    grace->batch->is_quiet = true;
    for (grace->pass = 0; grace->pass < 1u << grace->pass_bits; grace->pass++) {
        capi_err pass_err = {0};
        capi_status pass_st;

        grace->failed_row = UINT64_MAX;
        pass_st = pass_run(grace, &pass_err);
        if (pass_st == CAPI_OK) continue;
        if (st == CAPI_OK || grace->failed_row < lowest_row) {
            st = pass_st;
            lowest_row = grace->failed_row;
            capi_err_copy(err, &pass_err);
        }
        if (grace->failed_row == UINT64_MAX) { /* not for a row: nothing else matters */
            st = pass_st;
            capi_err_copy(err, &pass_err);
            break;
        }
    }
    grace->batch->is_quiet = was_quiet;
    return st;
}

static capi_status grace_try_bits(grace_run *grace, capi_str folder, capi_err *err)
{
    capi_exec *exec = grace->batch->exec;
    capi_tables_options options = {
        .folder = folder, .budget = exec->budget, .cache_bytes = exec->budget->limit_bytes / 32 + 1};
    capi_status st;

    grace->parts = capi_zmalloc((1u << grace->pass_bits) * sizeof *grace->parts);
    CAPI_TRY_OUT(capi_folder_make(folder.data, err));
    CAPI_TRY_OUT(capi_tables_open_embedded(&options, &grace->tables, err));
    CAPI_TRY_OUT(grace_passes(grace, err));
    CAPI_TRY_OUT(merge_parts(grace, err));
out:
    for (uint32_t pass = 0; pass < 1u << grace->pass_bits; pass++)
        free(grace->parts[pass].extents);
    free(grace->parts);
    if (grace->tables) capi_tables_close(grace->tables);
    grace->tables = NULL;
    (void)!capi_folder_remove(folder.data, NULL);
    return st;
}

/* More passes help only while they still can part the right rows: twice as many as there are rows are more than enough. */
static uint32_t useful_bits(uint64_t right_rows)
{
    uint32_t bits = GRACE_BITS_FIRST;

    while (bits < EXEC_PASS_BITS_MAX && (uint64_t)1 << bits < 2 * right_rows)
        bits++;
    return bits;
}

capi_status lookup_grace_run(exec_batch *batch, const lookup_plan *plan, exec_scan *scan, capi_err *err)
{
    grace_run grace = {.batch = batch, .plan = plan, .scan = scan};
    capi_str folder = capi_str_format(batch->arena, "%.*s/lookup_%.*s", CAPI_STR_ARG(batch->exec->temp_folder),
                                      CAPI_STR_ARG(batch->task->attempt_uid));
    capi_progress *progress = batch->task->progress;
    uint32_t bits_max = useful_bits(batch->task->lookup->content.row_count);
    capi_status st = CAPI_NO_MEMORY;

    grace_schema(&grace);
    for (uint32_t bits = GRACE_BITS_FIRST; bits <= bits_max && st == CAPI_NO_MEMORY; bits += GRACE_BITS_STEP) {
        grace.pass_bits = bits;
        st = grace_try_bits(&grace, folder, err);
    }
    if (st == CAPI_OK && progress)
        atomic_fetch_add_explicit(&progress->rows_read, batch->out->rows_read, memory_order_relaxed);
    if (st != CAPI_OK)
        capi_err_note(err, "while looking up table \"%.*s\" part by part",
                      CAPI_STR_ARG(batch->task->lookup->address.table));
    return st;
}
