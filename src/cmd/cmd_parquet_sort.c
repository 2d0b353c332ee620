/* cmd_parquet_sort.c - "capillaries parquet sort": the rows of a Parquet file by a key, in place. Keys are in memory, and then one
 * column after the other; values and schema stay as they are. */
#include "cmd/commands.h"
#include "cmd/parquet_rows.h"

#include "script/order.h"
#include "vec/key.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef struct sort_entry {
    capi_view key;
    uint32_t row;
} sort_entry;

enum { ENTRY_BYTES = 2 * sizeof(sort_entry) }; /* the library's sort needs as much again */

typedef struct sort_job {
    const char *path;
    capi_arena arena;
    capi_budget budget;
    uint64_t reserved_bytes;
    capi_key_def key;
    capi_parquet_column *columns; /* by part of the key */
    capi_parquet *file;
    sort_entry *entries;
    uint32_t row_count;
    capi_arena key_arena;   /* of all keys */
    capi_arena chunk_arena; /* of those of a chunk */
} sort_job;

/* ---- the key ---- */

static capi_status read_order(sort_job *job, capi_str text, const capi_parquet_field *fields, uint32_t field_count,
                              capi_err *err)
{
    const capi_order_mistake *mistakes = NULL;
    capi_name_list names;

    capi_name_list_init(&names, &job->arena);
    for (uint32_t i = 0; i < field_count; i++)
        capi_name_list_add(&names, fields[i].name, fields[i].type != (capi_type)CAPI_TYPE_STORED_COUNT, fields[i].type);
    if (!capi_order_read(&job->arena, text, &names, &job->key, &mistakes))
        return capi_err_set(err, CAPI_INVALID, "order \"%.*s\" for file \"%s\": %.*s", CAPI_STR_ARG(text), job->path,
                            CAPI_STR_ARG(mistakes->message));
    if (job->key.part_count == 0) return capi_err_set(err, CAPI_INVALID, "the order names no column");
    return CAPI_OK;
}

/* Only the columns of the key are read; parts of the key then stand for them in order. */
static capi_status choose_columns(sort_job *job, capi_str text, capi_err *err)
{
    capi_parquet_field *fields;
    uint32_t field_count;
    capi_key_part *parts;

    CAPI_TRY(capi_parquet_describe(job->path, job->path, &job->budget, &job->arena, &fields, &field_count, err));
    CAPI_TRY(read_order(job, text, fields, field_count, err));
    parts = capi_new_array(&job->arena, capi_key_part, job->key.part_count);
    job->columns = capi_new_array(&job->arena, capi_parquet_column, job->key.part_count);
    for (uint32_t i = 0; i < job->key.part_count; i++) {
        const capi_parquet_field *field = &fields[job->key.parts[i].column];

        if (field->type == (capi_type)CAPI_TYPE_STORED_COUNT)
            return capi_err_set(err, CAPI_INVALID,
                                "file \"%s\", column \"%.*s\": it is %.*s, which has no order of ours", job->path,
                                CAPI_STR_ARG(field->name), CAPI_STR_ARG(field->description));
        parts[i] = job->key.parts[i];
        parts[i].column = i;
        job->columns[i] = (capi_parquet_column){field->name, field->type, true, capi_value_zero(field->type), false};
    }
    job->key.parts = parts;
    return CAPI_OK;
}

/* ---- rows ---- */

static capi_status reserve(sort_job *job, uint64_t bytes, capi_err *err)
{
    CAPI_TRY(capi_budget_reserve(&job->budget, bytes, "keys to sort by", err));
    job->reserved_bytes += bytes;
    return CAPI_OK;
}

static capi_status make_entries(sort_job *job, capi_err *err)
{
    uint64_t rows = capi_parquet_row_count(job->file);

    if (rows >= UINT32_MAX)
        return capi_err_set(err, CAPI_INVALID, "file \"%s\" has %llu rows, expected fewer than %u", job->path,
                            (unsigned long long)rows, UINT32_MAX);
    CAPI_TRY(reserve(job, rows * ENTRY_BYTES, err));
    job->entries = capi_malloc((rows + 1) * sizeof *job->entries);
    return CAPI_OK;
}

static capi_status add_keys(sort_job *job, const capi_chunk *chunk, uint64_t first_row, capi_err *err)
{
    capi_view keys[CAPI_CHUNK_ROWS];
    uint64_t bytes = 0;

    capi_arena_reset(&job->chunk_arena);
    capi_keys_build(&job->key, chunk->columns, chunk->row_count, true, &job->chunk_arena, keys);
    for (uint32_t i = 0; i < chunk->row_count; i++)
        bytes += keys[i].bytes;
    CAPI_TRY(reserve(job, bytes, err));
    for (uint32_t i = 0; i < chunk->row_count; i++) {
        const char *data = capi_view_data(&keys[i]);

        if (keys[i].bytes > CAPI_VIEW_INLINE_MAX) data = capi_arena_copy(&job->key_arena, data, keys[i].bytes);
        job->entries[job->row_count++] = (sort_entry){capi_view_make(data, keys[i].bytes), (uint32_t)(first_row + i)};
    }
    return CAPI_OK;
}

static capi_status read_keys(sort_job *job, capi_err *err)
{
    capi_parquet_cursor *cursor = capi_parquet_cursor_new(job->file);
    capi_status st;

    for (;;) {
        const capi_chunk *chunk;
        uint64_t first_row;

        CAPI_TRY_OUT(capi_parquet_cursor_next(cursor, &chunk, &first_row, err));
        if (!chunk) break;
        CAPI_TRY_OUT(add_keys(job, chunk, first_row, err));
    }
out:
    capi_parquet_cursor_free(cursor);
    return st;
}

/* Rows of equal keys stay in their order. */
static int compare_entries(const void *a, const void *b)
{
    const sort_entry *left = a;
    const sort_entry *right = b;
    int order = capi_key_compare(&left->key, &right->key);

    return order ? order : left->row < right->row ? -1 : left->row > right->row;
}

/* The numbers of the rows in their new order; keys are gone. */
static uint32_t *sort_rows(sort_job *job)
{
    uint32_t *order = capi_malloc(((size_t)job->row_count + 1) * sizeof *order);

    if (job->row_count) qsort(job->entries, job->row_count, sizeof *job->entries, compare_entries);
    for (uint32_t i = 0; i < job->row_count; i++)
        order[i] = job->entries[i].row;
    free(job->entries);
    job->entries = NULL;
    capi_arena_deinit(&job->key_arena);
    capi_budget_release(&job->budget, job->reserved_bytes);
    job->reserved_bytes = 0;
    return order;
}

/* Who may read the file may read the new one, and nobody else. */
static capi_status copy_mode(const char *from, const char *to, capi_err *err)
{
    struct stat info;

    if (stat(from, &info) == 0 && chmod(to, info.st_mode & 07777) == 0) return CAPI_OK;
    return capi_err_set_errno(err, errno, "cannot give \"%s\" the permissions of \"%s\"", to, from);
}

static capi_status rewrite(sort_job *job, const uint32_t *order, capi_err *err)
{
    capi_file_writer *to = NULL;
    capi_status st;

    CAPI_TRY_OUT(capi_file_create_beside(job->path, "sort", &to, err));
    CAPI_TRY_OUT(copy_mode(job->path, capi_file_writer_path(to), err));
    CAPI_TRY_OUT(capi_parquet_reorder(job->file, order, job->row_count, CAPI_STR("gzip"), to, err));
    CAPI_TRY_OUT(capi_parquet_check_unchanged(job->file, err));
    return capi_file_publish(to, err);
out:
    capi_file_writer_close(to);
    return st;
}

static capi_status sort_file(sort_job *job, capi_str order_text, capi_err *err)
{
    uint32_t *order = NULL;
    capi_status st;

    CAPI_TRY_OUT(choose_columns(job, order_text, err));
    CAPI_TRY_OUT(capi_parquet_open(job->path, job->path, job->columns, job->key.part_count, false, &job->budget,
                                   &job->file, err));
    CAPI_TRY_OUT(make_entries(job, err));
    CAPI_TRY_OUT(read_keys(job, err));
    order = sort_rows(job);
    CAPI_TRY_OUT(rewrite(job, order, err));
out:
    free(order);
    free(job->entries);
    capi_parquet_close(job->file);
    capi_arena_deinit(&job->arena);
    capi_arena_deinit(&job->key_arena);
    capi_arena_deinit(&job->chunk_arena);
    return st;
}

/* ---- the command ---- */

static int command_sort(const capi_args *args)
{
    sort_job job = {.path = capi_args_word(args, 0)};
    capi_err err = {0};

    if (!capi_parquet_tool_budget(args, &job.budget)) return CAPI_EXIT_USAGE;
    if (sort_file(&job, capi_str_of(capi_args_word(args, 1)), &err) == CAPI_OK) return CAPI_EXIT_DONE;
    return capi_parquet_tool_fail(&err);
}

static const capi_option sort_options[] = {CAPI_OPTION_PARQUET_MEMORY};

const capi_command capi_command_parquet_sort = {
    .name = "parquet sort",
    .arguments = "FILE ORDER",
    .summary = "sort a Parquet file in place",
    .details = "The order is written as in scripts: `name(desc),price`, with `asc`, `desc`, `ignore_case`, "
               "`case_sensitive` or a length in brackets, and compared as there: texts by their first 64 bytes unless "
               "a length is given, datetimes to the microsecond. An empty value (null) counts as the default of its "
               "type; rows of equal keys stay in their order. Columns, values and nulls stay as they are; the file is "
               "packed with gzip, and replaced when the new one is whole. The keys of all rows, and then one column, "
               "must fit the memory budget. Lists and structures are refused.",
    .argument_min = 2,
    .argument_max = 2,
    .options = sort_options,
    .option_count = sizeof sort_options / sizeof *sort_options,
    .run = command_sort,
};
