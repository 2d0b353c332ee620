/* read.c - an open file cut into pieces, each read batch by batch and handed out chunk by chunk. */
#include "parquet/bridge.h"
#include "parquet/convert.h"
#include "parquet/parquet.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { BATCH_ROWS = 4 * CAPI_CHUNK_ROWS };

typedef struct parquet_piece {
    uint32_t group;
    uint64_t from, count; /* rows of the group */
    uint64_t first_row;   /* of the file */
} parquet_piece;

struct capi_parquet {
    const char *name;
    capi_file_reader *file; /* NULL: source */
    capi_parquet_source source;
    capi_budget *budget;
    capi_pq_file *pq;
    const capi_parquet_column *columns;
    uint32_t column_count;
    parquet_rule *rules; /* by column, of needed ones */
    uint32_t *want_of;   /* by column: which of the wants is its */
    capi_pq_want *wants; /* leaves that are read, each once */
    uint32_t want_count;
    parquet_piece *pieces;
    uint64_t piece_count;
    uint64_t row_count;
    capi_arena arena;
    atomic_bool is_over_budget; /* memory was refused, which not every library below passes on */
    pthread_mutex_t lock;
    capi_err read_err; /* of the file itself, when it failed first */
};

static capi_status read_from(const capi_parquet *parquet, uint64_t offset, uint8_t *to, size_t bytes, capi_err *err)
{
    size_t got = 0;

    if (!parquet->file) return parquet->source.read_at(parquet->source.context, offset, to, bytes, err);
    CAPI_TRY(capi_file_read_at(parquet->file, offset, to, bytes, &got, err));
    if (got == bytes) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "file \"%s\" became shorter while it was read", parquet->name);
}

static int read_bytes(void *context, uint64_t offset, uint8_t *to, size_t bytes)
{
    capi_parquet *parquet = context;
    capi_err err = {0};

    if (read_from(parquet, offset, to, bytes, &err) == CAPI_OK) return 0;
    pthread_mutex_lock(&parquet->lock);
    if (parquet->read_err.status == CAPI_OK) capi_err_copy(&parquet->read_err, &err);
    pthread_mutex_unlock(&parquet->lock);
    return 1;
}

static int charge_bytes(void *context, int64_t bytes)
{
    capi_parquet *parquet = context;

    if (bytes < 0) {
        capi_budget_release(parquet->budget, (uint64_t)-bytes);
        return 0;
    }
    if (capi_budget_try_reserve(parquet->budget, (uint64_t)bytes)) return 0;
    atomic_store(&parquet->is_over_budget, true);
    return 1;
}

static capi_status read_failed(capi_parquet *parquet, int failed, const capi_pq_failure *failure, capi_err *err)
{
    capi_status st;

    pthread_mutex_lock(&parquet->lock);
    st = parquet->read_err.status;
    if (st != CAPI_OK && err) capi_err_copy(err, &parquet->read_err);
    pthread_mutex_unlock(&parquet->lock);
    if (st != CAPI_OK) return st;
    st = failed == CAPI_PQ_NO_MEMORY || atomic_load(&parquet->is_over_budget) ? CAPI_NO_MEMORY : CAPI_INVALID;
    return capi_err_set(err, st, "cannot read file \"%s\": %s", parquet->name, failure->text);
}

/* ---- opening ---- */

/* `path` or `source`. */
static capi_status open_file(const char *path, const capi_parquet_source *source, const char *name, capi_budget *budget,
                             capi_parquet **out, capi_err *err)
{
    capi_parquet *parquet = capi_zmalloc(sizeof *parquet);
    capi_pq_failure failure = {0};
    capi_pq_input input = {read_bytes, charge_bytes, parquet, 0};
    int failed;

    *out = parquet;
    parquet->budget = budget;
    parquet->name = capi_str_copy(&parquet->arena, capi_str_of(name)).data;
    pthread_mutex_init(&parquet->lock, NULL);
    if (source)
        parquet->source = *source;
    else
        CAPI_TRY(capi_file_open(path, &parquet->file, err));
    input.size_bytes = capi_parquet_size_bytes(parquet);
    failed = capi_pq_open(&input, &parquet->pq, &failure);
    return failed ? read_failed(parquet, failed, &failure, err) : CAPI_OK;
}

static capi_status find_field(const capi_parquet *parquet, capi_str name, const capi_pq_field **out, capi_err *err)
{
    uint32_t count;
    const capi_pq_field *fields = capi_pq_fields(parquet->pq, &count);

    for (uint32_t i = 0; i < count; i++) {
        if (!capi_str_equal((capi_str){fields[i].name, fields[i].name_bytes}, name)) continue;
        *out = &fields[i];
        return CAPI_OK;
    }
    return capi_err_set(err, CAPI_INVALID, "file \"%s\" has no column \"%.*s\"", parquet->name, CAPI_STR_ARG(name));
}

/* A column may be asked for twice: its values, and where they are null. */
static uint32_t add_want(capi_parquet *parquet, capi_pq_want want)
{
    for (uint32_t i = 0; i < parquet->want_count; i++) {
        if (parquet->wants[i].leaf != want.leaf) continue;
        parquet->wants[i].is_text = parquet->wants[i].is_text || want.is_text;
        return i;
    }
    parquet->wants[parquet->want_count] = want;
    return parquet->want_count++;
}

static capi_status make_rule(capi_parquet *parquet, uint32_t index, capi_err *err)
{
    parquet_rule *rule = &parquet->rules[index];
    const capi_parquet_column *column = &parquet->columns[index];
    const capi_pq_field *field = NULL;
    capi_err cause = {0};
    capi_status st;

    CAPI_TRY(find_field(parquet, column->name, &field, err));
    if (!column->is_needed) return CAPI_OK;
    st = column->is_null_flag ? parquet_rule_make_null_flag(field, rule, &cause)
                              : parquet_rule_make(field, column->type, &column->default_value, rule, &cause);
    if (st != CAPI_OK)
        return capi_err_set(err, st, "file \"%s\", column \"%.*s\": %s", parquet->name, CAPI_STR_ARG(column->name),
                            cause.text);
    parquet->want_of[index] = add_want(parquet, (capi_pq_want){field->leaf, rule->type == CAPI_STRING});
    return CAPI_OK;
}

static uint64_t pieces_of(uint64_t rows, bool is_shared)
{
    if (!is_shared || rows <= CAPI_PARQUET_PIECE_ROWS) return rows > 0;
    return (rows + CAPI_PARQUET_PIECE_ROWS - 1) / CAPI_PARQUET_PIECE_ROWS;
}

static void cut_pieces(capi_parquet *parquet, bool is_shared)
{
    uint32_t group_count;
    const uint64_t *rows = capi_pq_groups(parquet->pq, &group_count);

    /* Nobody can work on more pieces than this; forged row counts must not make an array of them. */
    for (uint32_t group = 0; is_shared && group < group_count; group++)
        if (rows[group] / CAPI_PARQUET_PIECE_ROWS > 1 << 16) is_shared = false;
    for (uint32_t group = 0; group < group_count; group++)
        parquet->piece_count += pieces_of(rows[group], is_shared);
    parquet->pieces = capi_new_array(&parquet->arena, parquet_piece, parquet->piece_count);
    parquet->piece_count = 0;
    for (uint32_t group = 0; group < group_count; group++) {
        uint64_t count = pieces_of(rows[group], is_shared);

        for (uint64_t i = 0; i < count; i++) {
            uint64_t from = is_shared ? i * CAPI_PARQUET_PIECE_ROWS : 0;
            uint64_t end = is_shared && i + 1 < count ? from + CAPI_PARQUET_PIECE_ROWS : rows[group];

            parquet->pieces[parquet->piece_count++] =
                (parquet_piece){group, from, end - from, parquet->row_count + from};
        }
        parquet->row_count += rows[group];
    }
}

static void tell_expected(const capi_parquet *parquet)
{
    uint32_t groups;
    capi_parquet_span *spans;
    uint32_t count = 0;

    (void)capi_pq_groups(parquet->pq, &groups);
    if (!parquet->source.expect || (uint64_t)groups * parquet->want_count > UINT32_MAX) return;
    spans = capi_malloc((size_t)groups * parquet->want_count * sizeof *spans + 1);
    for (uint32_t group = 0; group < groups; group++)
        for (uint32_t i = 0; i < parquet->want_count; i++, count++)
            capi_pq_place(parquet->pq, group, parquet->wants[i].leaf, &spans[count].offset, &spans[count].bytes);
    parquet->source.expect(parquet->source.context, spans, count);
    free(spans);
}

static capi_status open_columns(const char *path, const capi_parquet_source *source, const char *name,
                                const capi_parquet_column *columns, uint32_t column_count, bool is_shared,
                                capi_budget *budget, capi_parquet **out, capi_err *err)
{
    capi_parquet *parquet = NULL;
    capi_status st;

    CAPI_TRY_OUT(open_file(path, source, name, budget, &parquet, err));
    parquet->columns = columns;
    parquet->column_count = column_count;
    parquet->rules = capi_new_array(&parquet->arena, parquet_rule, column_count + 1);
    parquet->wants = capi_new_array(&parquet->arena, capi_pq_want, column_count + 1);
    parquet->want_of = capi_new_array(&parquet->arena, uint32_t, column_count + 1);
    for (uint32_t i = 0; i < column_count; i++)
        CAPI_TRY_OUT(make_rule(parquet, i, err));
    cut_pieces(parquet, is_shared);
    tell_expected(parquet);
out:
    if (st != CAPI_OK) {
        capi_parquet_close(parquet);
        parquet = NULL;
    }
    *out = parquet;
    return st;
}

capi_status capi_parquet_open(const char *path, const char *name, const capi_parquet_column *columns,
                              uint32_t column_count, bool is_shared, capi_budget *budget, capi_parquet **out,
                              capi_err *err)
{
    return open_columns(path, NULL, name, columns, column_count, is_shared, budget, out, err);
}

capi_status capi_parquet_open_source(const capi_parquet_source *source, const char *name,
                                     const capi_parquet_column *columns, uint32_t column_count, bool is_shared,
                                     capi_budget *budget, capi_parquet **out, capi_err *err)
{
    return open_columns(NULL, source, name, columns, column_count, is_shared, budget, out, err);
}

capi_status capi_parquet_describe(const char *path, const char *name, capi_budget *budget, capi_arena *arena,
                                  capi_parquet_field **out, uint32_t *count, capi_err *err)
{
    capi_parquet *parquet = NULL;
    const capi_pq_field *fields;
    capi_status st;

    CAPI_TRY_OUT(open_file(path, NULL, name, budget, &parquet, err));
    fields = capi_pq_fields(parquet->pq, count);
    *out = capi_new_array(arena, capi_parquet_field, *count + 1);
    for (uint32_t i = 0; i < *count; i++)
        (*out)[i] = (capi_parquet_field){
            .name = capi_str_copy(arena, (capi_str){fields[i].name, fields[i].name_bytes}),
            .type = parquet_type_of(&fields[i]),
            .storage = parquet_physical_name(&fields[i]),
            .description = parquet_describe_field(&fields[i], arena),
        };
out:
    capi_parquet_close(parquet);
    return st;
}

void capi_parquet_close(capi_parquet *file)
{
    if (!file) return;
    if (file->pq) capi_pq_close(file->pq);
    if (file->file) capi_file_close(file->file);
    pthread_mutex_destroy(&file->lock);
    capi_arena_deinit(&file->arena);
    free(file);
}

uint64_t capi_parquet_piece_count(const capi_parquet *file)
{
    return file->piece_count;
}

uint64_t capi_parquet_row_count(const capi_parquet *file)
{
    return file->row_count;
}

uint64_t capi_parquet_size_bytes(const capi_parquet *file)
{
    return file->file ? capi_file_identity(file->file)->size_bytes : file->source.size_bytes;
}

capi_status capi_parquet_check_unchanged(const capi_parquet *file, capi_err *err)
{
    return file->file ? capi_file_check_unchanged(file->file, err) : CAPI_OK;
}

/* ---- reading ---- */

typedef struct piece_call {
    capi_parquet *parquet;
    capi_parquet_chunk_fn fn;
    void *context;
    uint64_t next_row;
    capi_vec *columns;
    capi_arena arena; /* of a chunk */
} piece_call;

static capi_status convert_chunk(piece_call *call, const capi_pq_column *columns, uint32_t from, uint32_t count,
                                 capi_err *err)
{
    capi_parquet *parquet = call->parquet;

    capi_arena_reset(&call->arena);
    for (uint32_t i = 0; i < parquet->column_count; i++) {
        parquet_slice slice = {NULL, from, count};
        capi_err cause = {0};
        uint32_t bad_row = 0;

        if (!parquet->columns[i].is_needed) continue;
        slice.column = &columns[parquet->want_of[i]];
        if (parquet->rules[i].convert(&parquet->rules[i], &slice, &call->arena, &call->columns[i], &bad_row, &cause))
            continue;
        return capi_err_set(err, CAPI_INVALID, "file \"%s\", row %llu, column \"%.*s\": %s", parquet->name,
                            (unsigned long long)(call->next_row + bad_row + 1), CAPI_STR_ARG(parquet->columns[i].name),
                            cause.text);
    }
    return CAPI_OK;
}

static capi_status give_batch(piece_call *call, const capi_pq_column *columns, uint32_t row_count, capi_err *err)
{
    for (uint32_t from = 0; from < row_count; from += CAPI_CHUNK_ROWS) {
        uint32_t count = row_count - from < CAPI_CHUNK_ROWS ? row_count - from : CAPI_CHUNK_ROWS;
        capi_chunk chunk = {call->columns, call->parquet->column_count, count};

        CAPI_TRY(convert_chunk(call, columns, from, count, err));
        CAPI_TRY(call->fn(call->context, &chunk, call->next_row, err));
        call->next_row += count;
    }
    return CAPI_OK;
}

/* Rows of which no column is needed. */
static capi_status give_bare_rows(piece_call *call, uint64_t count, capi_err *err)
{
    while (count > 0) {
        uint32_t rows = count < CAPI_CHUNK_ROWS ? (uint32_t)count : CAPI_CHUNK_ROWS;
        capi_chunk chunk = {call->columns, call->parquet->column_count, rows};

        CAPI_TRY(call->fn(call->context, &chunk, call->next_row, err));
        call->next_row += rows;
        count -= rows;
    }
    return CAPI_OK;
}

static capi_status give_batches(piece_call *call, capi_pq_piece *piece, capi_err *err)
{
    for (;;) {
        capi_pq_failure failure = {0};
        const capi_pq_column *columns;
        uint32_t row_count;
        int failed = capi_pq_piece_next(piece, &columns, &row_count, &failure);

        if (failed) return read_failed(call->parquet, failed, &failure, err);
        if (row_count == 0) return CAPI_OK;
        CAPI_TRY(give_batch(call, columns, row_count, err));
    }
}

static capi_status read_piece(piece_call *call, const parquet_piece *piece, capi_err *err)
{
    capi_parquet *parquet = call->parquet;
    capi_pq_failure failure = {0};
    capi_pq_piece *pq = NULL;
    capi_status st;
    int failed;

    if (parquet->want_count == 0) return give_bare_rows(call, piece->count, err);
    failed = capi_pq_piece_open(parquet->pq, parquet->wants, parquet->want_count, piece->group, piece->from,
                                piece->count, BATCH_ROWS, &pq, &failure);
    if (failed) return read_failed(parquet, failed, &failure, err);
    st = give_batches(call, pq, err);
    capi_pq_piece_close(pq);
    return st;
}

capi_status capi_parquet_read(capi_parquet *file, uint64_t piece, capi_parquet_chunk_fn fn, void *context,
                              capi_err *err)
{
    piece_call call = {.parquet = file, .fn = fn, .context = context, .next_row = file->pieces[piece].first_row};
    capi_status st;

    call.columns = capi_zmalloc((file->column_count + 1) * sizeof *call.columns);
    st = read_piece(&call, &file->pieces[piece], err);
    free(call.columns);
    capi_arena_deinit(&call.arena);
    return st;
}

/* ---- cursors ---- */

struct capi_parquet_cursor {
    piece_call call; /* without a function; next_row is that of the next chunk */
    uint64_t piece;  /* the next one to be opened */
    capi_pq_piece *pq;
    const capi_pq_column *columns; /* of the batch */
    uint32_t batch_rows, batch_at;
    uint64_t bare_rows; /* left of a piece of which no column is needed */
    capi_chunk chunk;
};

capi_parquet_cursor *capi_parquet_cursor_new(capi_parquet *file)
{
    capi_parquet_cursor *cursor = capi_zmalloc(sizeof *cursor);

    cursor->call.parquet = file;
    cursor->call.columns = capi_zmalloc((file->column_count + 1) * sizeof *cursor->call.columns);
    return cursor;
}

void capi_parquet_cursor_free(capi_parquet_cursor *cursor)
{
    if (!cursor) return;
    if (cursor->pq) capi_pq_piece_close(cursor->pq);
    free(cursor->call.columns);
    capi_arena_deinit(&cursor->call.arena);
    free(cursor);
}

static capi_status cursor_open_piece(capi_parquet_cursor *cursor, capi_err *err)
{
    capi_parquet *parquet = cursor->call.parquet;
    const parquet_piece *piece = &parquet->pieces[cursor->piece++];
    capi_pq_failure failure = {0};
    int failed;

    cursor->call.next_row = piece->first_row;
    if (parquet->want_count == 0) {
        cursor->bare_rows = piece->count;
        return CAPI_OK;
    }
    failed = capi_pq_piece_open(parquet->pq, parquet->wants, parquet->want_count, piece->group, piece->from,
                                piece->count, BATCH_ROWS, &cursor->pq, &failure);
    return failed ? read_failed(parquet, failed, &failure, err) : CAPI_OK;
}

/* The next batch of the open piece, which is closed at its end. */
static capi_status cursor_next_batch(capi_parquet_cursor *cursor, capi_err *err)
{
    capi_pq_failure failure = {0};
    int failed = capi_pq_piece_next(cursor->pq, &cursor->columns, &cursor->batch_rows, &failure);

    cursor->batch_at = 0;
    if (failed) return read_failed(cursor->call.parquet, failed, &failure, err);
    if (cursor->batch_rows > 0) return CAPI_OK;
    capi_pq_piece_close(cursor->pq);
    cursor->pq = NULL;
    return CAPI_OK;
}

static uint32_t chunk_of(uint64_t rows)
{
    return rows < CAPI_CHUNK_ROWS ? (uint32_t)rows : CAPI_CHUNK_ROWS;
}

capi_status capi_parquet_cursor_next(capi_parquet_cursor *cursor, const capi_chunk **chunk, uint64_t *first_row,
                                     capi_err *err)
{
    piece_call *call = &cursor->call;
    uint32_t count;

    *chunk = NULL;
    while (cursor->batch_at == cursor->batch_rows && cursor->bare_rows == 0) {
        if (cursor->pq) {
            CAPI_TRY(cursor_next_batch(cursor, err));
        } else {
            if (cursor->piece == call->parquet->piece_count) return CAPI_OK;
            CAPI_TRY(cursor_open_piece(cursor, err));
        }
    }
    count = chunk_of(cursor->bare_rows ? cursor->bare_rows : cursor->batch_rows - cursor->batch_at);
    if (cursor->bare_rows) {
        cursor->bare_rows -= count;
    } else {
        CAPI_TRY(convert_chunk(call, cursor->columns, cursor->batch_at, count, err));
        cursor->batch_at += count;
    }
    cursor->chunk = (capi_chunk){call->columns, call->parquet->column_count, count};
    *chunk = &cursor->chunk;
    *first_row = call->next_row;
    call->next_row += count;
    return CAPI_OK;
}

/* ---- another order ---- */

typedef struct reorder_target {
    capi_file_writer *file;
    capi_status status;
    capi_err err;
} reorder_target;

static int write_bytes(void *context, const uint8_t *data, size_t bytes)
{
    reorder_target *target = context;

    if (target->status == CAPI_OK) target->status = capi_file_write(target->file, data, bytes, &target->err);
    return target->status != CAPI_OK;
}

capi_status capi_parquet_reorder(capi_parquet *file, const uint32_t *order, uint64_t row_count, capi_str codec,
                                 capi_file_writer *to, capi_err *err)
{
    reorder_target target = {.file = to};
    capi_pq_output output = {write_bytes, &target};
    capi_pq_failure failure = {0};
    int failed = capi_pq_reorder(file->pq, order, row_count, &output, codec.data, codec.bytes, &failure);

    if (!failed) return CAPI_OK;
    if (target.status == CAPI_OK) return read_failed(file, failed, &failure, err);
    if (err) *err = target.err;
    return target.status;
}
