/* rows.c - every column is a buffer that grows; texts are gathered from their views straight into the form of PLAIN pages. */
#include "parquet/rows.h"

#include <stdlib.h>

enum { LENGTH_BYTES = 4 };

void parquet_rows_init(parquet_rows *rows, const capi_type *types, uint32_t column_count)
{
    *rows = (parquet_rows){.column_count = column_count};
    rows->columns = capi_zmalloc((column_count + 1) * sizeof *rows->columns);
    for (uint32_t i = 0; i < column_count; i++)
        rows->columns[i].type = types[i];
}

void parquet_rows_deinit(parquet_rows *rows)
{
    for (uint32_t i = 0; i < rows->column_count; i++) {
        capi_buf_deinit(&rows->columns[i].values);
        capi_buf_deinit(&rows->columns[i].offsets);
    }
    free(rows->columns);
    capi_arena_deinit(&rows->arena);
    *rows = (parquet_rows){0};
}

void parquet_rows_clear(parquet_rows *rows)
{
    for (uint32_t i = 0; i < rows->column_count; i++) {
        capi_buf_clear(&rows->columns[i].values);
        capi_buf_clear(&rows->columns[i].offsets);
    }
    rows->row_count = 0;
    rows->bytes = 0;
}

/* ---- adding vectors ---- */

static size_t value_bytes(capi_type type)
{
    return capi_form_bytes(capi_form_stored(type));
}

/* The offsets get their first one, where texts begin. */
static void offsets_start(parquet_rows_column *column)
{
    uint32_t zero = 0;

    if (column->offsets.bytes == 0) capi_buf_append(&column->offsets, &zero, sizeof zero);
}

static capi_status texts_bytes(const capi_view *views, const uint32_t *picked, uint32_t row_count, size_t *out,
                               capi_err *err)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < row_count; i++)
        bytes += LENGTH_BYTES + (size_t)views[picked ? picked[i] : i].bytes;
    *out = bytes;
    if (bytes < INT32_MAX) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "texts of 2 GiB in %d rows are too much for a Parquet file",
                        CAPI_CHUNK_ROWS);
}

static void add_texts(parquet_rows_column *column, const capi_view *views, const uint32_t *picked, uint32_t row_count,
                      size_t bytes)
{
    char *to = capi_buf_reserve(&column->values, bytes + sizeof views->inlined);
    uint32_t *offsets;
    uint32_t offset = (uint32_t)column->values.bytes;

    offsets_start(column);
    offsets = (uint32_t *)(void *)capi_buf_reserve(&column->offsets, row_count * sizeof *offsets);
    for (uint32_t i = 0; i < row_count; i++) {
        const capi_view *view = &views[picked ? picked[i] : i];

        memcpy(to, &view->bytes, LENGTH_BYTES);
        to += LENGTH_BYTES;
        /* Short texts with all 12 bytes of their view, of which what is too much is overwritten by the next. */
        if (view->bytes <= CAPI_VIEW_INLINE_MAX)
            memcpy(to, view->inlined, sizeof view->inlined);
        else
            memcpy(to, capi_view_data(view), view->bytes);
        to += view->bytes;
        offset += LENGTH_BYTES + view->bytes;
        offsets[i] = offset;
    }
    column->values.bytes += bytes;
    column->offsets.bytes += row_count * sizeof *offsets;
}

static void add_words(parquet_rows_column *column, const int64_t *words, const uint32_t *picked, uint32_t row_count)
{
    size_t bytes = row_count * sizeof *words;
    int64_t *to = (int64_t *)(void *)capi_buf_reserve(&column->values, bytes);

    if (picked)
        for (uint32_t i = 0; i < row_count; i++)
            to[i] = words[picked[i]];
    else
        memcpy(to, words, bytes);
    column->values.bytes += bytes;
}

static void add_bools(parquet_rows_column *column, const uint8_t *bools, const uint32_t *picked, uint32_t row_count)
{
    uint8_t *to = (uint8_t *)capi_buf_reserve(&column->values, row_count);

    for (uint32_t i = 0; i < row_count; i++)
        to[i] = bools[picked ? picked[i] : i];
    column->values.bytes += row_count;
}

/* A column of an addition: a vector in the form that is stored, of which rows may be picked. */
typedef struct addition {
    capi_vec vec;
    const uint32_t *picked;
    size_t bytes;
} addition;

static capi_status addition_make(parquet_rows *rows, const capi_vec *vec, const uint32_t *picked, uint32_t row_count,
                                 addition *out, uint32_t *bad_row, capi_err *err)
{
    capi_vec in = *vec;
    uint32_t bad = 0;
    capi_status st;

    *out = (addition){*vec, picked, row_count * value_bytes(vec->type)};
    if (vec->is_constant || vec->form != capi_form_stored(vec->type)) {
        if (picked) in = capi_vec_gather(&rows->arena, &in, picked, row_count);
        st = capi_vec_to_stored(&rows->arena, &in, row_count, &out->vec, &bad, err);
        if (st != CAPI_OK) {
            *bad_row = picked ? picked[bad] : bad;
            return st;
        }
        out->picked = NULL;
    }
    if (vec->type != CAPI_STRING) return CAPI_OK;
    return texts_bytes(out->vec.views, out->picked, row_count, &out->bytes, err);
}

static void addition_put(parquet_rows_column *column, const addition *from, uint32_t row_count)
{
    if (column->type == CAPI_STRING)
        add_texts(column, from->vec.views, from->picked, row_count, from->bytes);
    else if (column->type == CAPI_BOOL)
        add_bools(column, from->vec.bools, from->picked, row_count);
    else
        add_words(column, from->vec.int64s, from->picked, row_count);
}

capi_status parquet_rows_add(parquet_rows *rows, const capi_vec *vecs, const uint32_t *picked, uint32_t row_count,
                             uint32_t *bad_row, capi_err *err)
{
    addition *additions;

    *bad_row = UINT32_MAX;
    if (row_count == 0) return CAPI_OK;
    capi_arena_reset(&rows->arena);
    additions = capi_new_array(&rows->arena, addition, rows->column_count + 1);
    for (uint32_t i = 0; i < rows->column_count; i++)
        CAPI_TRY(addition_make(rows, &vecs[i], picked, row_count, &additions[i], bad_row, err));
    for (uint32_t i = 0; i < rows->column_count; i++) {
        addition_put(&rows->columns[i], &additions[i], row_count);
        rows->bytes += additions[i].bytes;
    }
    rows->row_count += row_count;
    return CAPI_OK;
}

/* ---- moving on ---- */

static const uint32_t *offsets_of(const parquet_rows_column *column)
{
    return (const uint32_t *)(const void *)column->offsets.data;
}

static uint64_t bytes_of(const parquet_rows *rows, uint32_t first, uint32_t count)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < rows->column_count; i++) {
        const parquet_rows_column *column = &rows->columns[i];

        if (column->type == CAPI_STRING)
            bytes += offsets_of(column)[first + count] - offsets_of(column)[first];
        else
            bytes += count * value_bytes(column->type);
    }
    return bytes;
}

/* The fewest rows that have so many bytes, or row_count. */
static uint32_t rows_of_bytes(const parquet_rows *rows, uint32_t first, uint32_t row_count, uint64_t bytes)
{
    uint32_t low = 1;
    uint32_t high = row_count;

    if (bytes_of(rows, first, row_count) < bytes) return row_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (bytes_of(rows, first, middle) >= bytes)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void copy_texts(parquet_rows_column *to, const parquet_rows_column *from, uint32_t first, uint32_t count)
{
    const uint32_t *in = offsets_of(from) + first;
    uint32_t *out;
    uint32_t shift;

    offsets_start(to);
    shift = (uint32_t)to->values.bytes - in[0];
    out = (uint32_t *)(void *)capi_buf_reserve(&to->offsets, count * sizeof *out);
    for (uint32_t i = 0; i < count; i++)
        out[i] = in[i + 1] + shift;
    to->offsets.bytes += count * sizeof *out;
    capi_buf_append(&to->values, from->values.data + in[0], in[count] - in[0]);
}

uint32_t parquet_rows_fill(parquet_rows *rows, const parquet_rows *from, uint32_t first, uint32_t row_max,
                           uint64_t bytes_max)
{
    uint32_t count = from->row_count - first;

    if (rows->row_count >= row_max || rows->bytes >= bytes_max) return 0;
    if (count > row_max - rows->row_count) count = row_max - rows->row_count;
    if (count == 0) return 0;
    count = rows_of_bytes(from, first, count, bytes_max - rows->bytes);
    rows->bytes += bytes_of(from, first, count);
    for (uint32_t i = 0; i < rows->column_count; i++) {
        parquet_rows_column *column = &rows->columns[i];
        size_t bytes = value_bytes(column->type);

        if (column->type == CAPI_STRING)
            copy_texts(column, &from->columns[i], first, count);
        else
            capi_buf_append(&column->values, from->columns[i].values.data + first * bytes, count * bytes);
    }
    rows->row_count += count;
    return count;
}

void parquet_rows_borrow(const parquet_rows *rows, capi_pq_out_column *out)
{
    for (uint32_t i = 0; i < rows->column_count; i++) {
        const parquet_rows_column *column = &rows->columns[i];

        out[i] = (capi_pq_out_column){
            .values = column->values.data,
            .offsets = (const int32_t *)(const void *)column->offsets.data,
            .has_null_value = column->type == CAPI_DATETIME,
            .null_value = CAPI_INSTANT_ZERO_MS,
        };
    }
}
