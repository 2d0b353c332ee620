/* write.c - vectors to row groups. Numbers are handed over where they lie; texts are put side by side first. */
#include "base/buf.h"
#include "parquet/bridge.h"
#include "parquet/parquet.h"

#include <stdlib.h>

struct capi_parquet_writer {
    capi_file_writer *file;
    capi_pq_writer *pq;
    uint32_t column_count;
    uint64_t bytes_written;
    capi_status write_status; /* of the file */
    capi_err write_err;
};

typedef struct text_column {
    capi_buf bytes;
    int32_t offsets[CAPI_CHUNK_ROWS + 1];
} text_column;

struct capi_parquet_group {
    capi_pq_group *pq;
    uint32_t column_count;
    uint64_t row_count;
    capi_arena arena; /* of a chunk */
    capi_pq_out_column *columns;
    text_column **texts; /* by column, made on first use */
};

static const uint8_t out_kinds[CAPI_TYPE_STORED_COUNT] = {
    [CAPI_STRING] = CAPI_PQ_OUT_TEXT, [CAPI_INT] = CAPI_PQ_OUT_INT,         [CAPI_FLOAT] = CAPI_PQ_OUT_FLOAT,
    [CAPI_BOOL] = CAPI_PQ_OUT_BOOL,   [CAPI_DATETIME] = CAPI_PQ_OUT_MILLIS, [CAPI_DECIMAL] = CAPI_PQ_OUT_CENTS,
};

static int write_bytes(void *context, const uint8_t *data, size_t bytes)
{
    capi_parquet_writer *writer = context;

    if (writer->write_status == CAPI_OK)
        writer->write_status = capi_file_write(writer->file, data, bytes, &writer->write_err);
    writer->bytes_written += bytes;
    return writer->write_status != CAPI_OK;
}

static capi_status write_failed(const capi_parquet_writer *writer, const capi_pq_failure *failure, capi_err *err)
{
    if (writer->write_status == CAPI_OK)
        return capi_err_set(err, CAPI_INVALID, "cannot write \"%s\": %s", capi_file_writer_path(writer->file),
                            failure->text);
    if (err) *err = writer->write_err;
    return writer->write_status;
}

capi_status capi_parquet_writer_new(capi_file_writer *file, const capi_parquet_out_column *columns,
                                    uint32_t column_count, capi_str codec, capi_parquet_writer **out, capi_err *err)
{
    capi_parquet_writer *writer = capi_zmalloc(sizeof *writer);
    capi_pq_out_field *fields = capi_zmalloc((column_count + 1) * sizeof *fields);
    capi_pq_output output = {write_bytes, writer};
    capi_pq_failure failure = {0};
    capi_status st = CAPI_OK;

    *out = writer;
    writer->file = file;
    writer->column_count = column_count;
    for (uint32_t i = 0; i < column_count; i++)
        fields[i] = (capi_pq_out_field){columns[i].name.data, columns[i].name.bytes, out_kinds[columns[i].type]};
    if (capi_pq_writer_open(&output, fields, column_count, codec.data, codec.bytes, &writer->pq, &failure)) {
        st = write_failed(writer, &failure, err);
        capi_parquet_writer_free(writer);
        *out = NULL;
    }
    free(fields);
    return st;
}

void capi_parquet_writer_free(capi_parquet_writer *writer)
{
    if (!writer) return;
    if (writer->pq) capi_pq_writer_free(writer->pq);
    free(writer);
}

capi_parquet_group *capi_parquet_group_new(const capi_parquet_writer *writer)
{
    capi_parquet_group *group = capi_zmalloc(sizeof *group);

    group->pq = capi_pq_group_new(writer->pq);
    group->column_count = writer->column_count;
    group->columns = capi_zmalloc((writer->column_count + 1) * sizeof *group->columns);
    group->texts = capi_zmalloc((writer->column_count + 1) * sizeof(text_column *));
    return group;
}

void capi_parquet_group_free(capi_parquet_group *group)
{
    if (!group) return;
    if (group->pq) capi_pq_group_free(group->pq);
    for (uint32_t i = 0; i < group->column_count; i++) {
        if (group->texts[i]) capi_buf_deinit(&group->texts[i]->bytes);
        free(group->texts[i]);
    }
    free(group->columns);
    free(group->texts);
    capi_arena_deinit(&group->arena);
    free(group);
}

static capi_status put_texts(capi_parquet_group *group, uint32_t column, const capi_view *views, uint32_t row_count,
                             capi_err *err)
{
    text_column *text = group->texts[column];

    if (!text) text = group->texts[column] = capi_zmalloc(sizeof *text);
    capi_buf_clear(&text->bytes);
    for (uint32_t i = 0; i < row_count; i++) {
        text->offsets[i] = (int32_t)text->bytes.bytes;
        if (views[i].bytes > INT32_MAX - text->bytes.bytes)
            return capi_err_set(err, CAPI_INVALID, "texts of 2 GiB in %d rows are too much for a Parquet file",
                                CAPI_CHUNK_ROWS);
        capi_buf_append(&text->bytes, capi_view_data(&views[i]), views[i].bytes);
    }
    text->offsets[row_count] = (int32_t)text->bytes.bytes;
    group->columns[column] = (capi_pq_out_column){.values = text->bytes.data, .offsets = text->offsets};
    return CAPI_OK;
}

static capi_status put_column(capi_parquet_group *group, uint32_t column, const capi_vec *vec, uint32_t row_count,
                              capi_err *err)
{
    if (vec->type == CAPI_STRING) return put_texts(group, column, vec->views, row_count, err);
    group->columns[column] = (capi_pq_out_column){
        .values = vec->data, .has_null_value = vec->type == CAPI_DATETIME, .null_value = CAPI_INSTANT_ZERO_MS};
    return CAPI_OK;
}

capi_status capi_parquet_group_add(capi_parquet_group *group, const capi_vec *columns, const uint32_t *rows,
                                   uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    capi_pq_failure failure = {0};

    *bad_row = UINT32_MAX;
    if (row_count == 0) return CAPI_OK;
    capi_arena_reset(&group->arena);
    for (uint32_t i = 0; i < group->column_count; i++) {
        capi_vec in = columns[i];
        capi_vec stored;
        uint32_t bad = 0;
        capi_status st;

        if (rows) in = capi_vec_gather(&group->arena, &in, rows, row_count);
        st = capi_vec_to_stored(&group->arena, &in, row_count, &stored, &bad, err);
        if (st != CAPI_OK) {
            *bad_row = rows ? rows[bad] : bad;
            return st;
        }
        CAPI_TRY(put_column(group, i, &stored, row_count, err));
    }
    if (capi_pq_group_write(group->pq, group->columns, group->column_count, row_count, &failure))
        return capi_err_set(err, CAPI_INVALID, "cannot encode rows for a Parquet file: %s", failure.text);
    group->row_count += row_count;
    return CAPI_OK;
}

uint64_t capi_parquet_group_rows(const capi_parquet_group *group)
{
    return group->row_count;
}

uint64_t capi_parquet_group_bytes(const capi_parquet_group *group)
{
    return capi_pq_group_bytes(group->pq);
}

capi_status capi_parquet_group_finish(capi_parquet_group *group, capi_err *err)
{
    capi_pq_failure failure = {0};

    if (capi_pq_group_finish(group->pq, &failure) == CAPI_PQ_OK) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "cannot encode rows for a Parquet file: %s", failure.text);
}

capi_status capi_parquet_writer_append(capi_parquet_writer *writer, capi_parquet_group *group, capi_err *err)
{
    capi_pq_failure failure = {0};
    int failed = capi_pq_group_append(writer->pq, group->pq, &failure);

    group->pq = NULL;
    capi_parquet_group_free(group);
    return failed ? write_failed(writer, &failure, err) : CAPI_OK;
}

capi_status capi_parquet_writer_finish(capi_parquet_writer *writer, uint64_t *bytes_written, capi_err *err)
{
    capi_pq_failure failure = {0};
    int failed = capi_pq_writer_close(writer->pq, &failure);

    writer->pq = NULL;
    *bytes_written = writer->bytes_written;
    return failed ? write_failed(writer, &failure, err) : CAPI_OK;
}
