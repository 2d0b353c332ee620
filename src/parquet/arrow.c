/* arrow.c - see arrow.h. Columns are put side by side until they are worth a record batch. */
#include "parquet/arrow.h"

#include "base/buf.h"
#include "parquet/bridge.h"

#include <assert.h>
#include <stdlib.h>

typedef struct arrow_column {
    capi_type type;
    capi_buf values;  /* numbers, one byte per bool, or the bytes of all texts */
    capi_buf offsets; /* of texts: int32_t, one more than rows */
} arrow_column;

struct capi_arrow_writer {
    capi_file_writer *file;
    capi_ipc_writer *ipc;
    arrow_column *columns;
    capi_pq_out_column *out_columns; /* the same for the bridge */
    uint32_t column_count;
    uint32_t row_count; /* that wait */
    uint64_t bytes;
    capi_status write_status; /* of the file */
    capi_err write_err;
};

static const uint8_t out_kinds[CAPI_TYPE_STORED_COUNT] = {
    [CAPI_STRING] = CAPI_PQ_OUT_TEXT, [CAPI_INT] = CAPI_PQ_OUT_INT,         [CAPI_FLOAT] = CAPI_PQ_OUT_FLOAT,
    [CAPI_BOOL] = CAPI_PQ_OUT_BOOL,   [CAPI_DATETIME] = CAPI_PQ_OUT_MILLIS, [CAPI_DECIMAL] = CAPI_PQ_OUT_CENTS,
};

static int write_bytes(void *context, const uint8_t *data, size_t bytes)
{
    capi_arrow_writer *writer = context;

    if (writer->write_status == CAPI_OK)
        writer->write_status = capi_file_write(writer->file, data, bytes, &writer->write_err);
    return writer->write_status != CAPI_OK;
}

static capi_status write_failed(const capi_arrow_writer *writer, const capi_pq_failure *failure, capi_err *err)
{
    if (writer->write_status == CAPI_OK)
        return capi_err_set(err, CAPI_INVALID, "cannot write \"%s\": %s", capi_file_writer_path(writer->file),
                            failure->text);
    if (err) *err = writer->write_err;
    return writer->write_status;
}

/* ---- rows that wait ---- */

static void column_clear(arrow_column *column)
{
    int32_t zero = 0;

    capi_buf_clear(&column->values);
    capi_buf_clear(&column->offsets);
    if (column->type == CAPI_STRING) capi_buf_append(&column->offsets, &zero, sizeof zero);
}

static capi_status put_texts(arrow_column *column, const capi_view *views, uint32_t row_count, capi_err *err)
{
    int32_t *offsets = (int32_t *)capi_buf_reserve(&column->offsets, row_count * sizeof *offsets);

    for (uint32_t i = 0; i < row_count; i++) {
        if (views[i].bytes > INT32_MAX - column->values.bytes)
            return capi_err_set(err, CAPI_INVALID, "texts of 2 GiB in %d rows are too much for an Arrow file",
                                CAPI_CHUNK_ROWS);
        capi_buf_append(&column->values, capi_view_data(&views[i]), views[i].bytes);
        offsets[i] = (int32_t)column->values.bytes;
    }
    column->offsets.bytes += row_count * sizeof *offsets;
    return CAPI_OK;
}

/* Writes what waits as one record batch. */
static capi_status flush_rows(capi_arrow_writer *writer, capi_err *err)
{
    capi_pq_failure failure = {0};

    if (writer->row_count == 0) return CAPI_OK;
    for (uint32_t i = 0; i < writer->column_count; i++) {
        arrow_column *column = &writer->columns[i];

        writer->out_columns[i] = (capi_pq_out_column){
            .values = column->values.data,
            .offsets = (const int32_t *)column->offsets.data,
            .has_null_value = column->type == CAPI_DATETIME,
            .null_value = CAPI_INSTANT_ZERO_MS,
        };
    }
    if (capi_ipc_writer_write(writer->ipc, writer->out_columns, writer->column_count, writer->row_count, &failure))
        return write_failed(writer, &failure, err);
    for (uint32_t i = 0; i < writer->column_count; i++)
        column_clear(&writer->columns[i]);
    writer->row_count = 0;
    writer->bytes = 0;
    return CAPI_OK;
}

/* ---- the writer ---- */

capi_status capi_arrow_writer_new(capi_file_writer *file, const capi_schema *schema, capi_arrow_writer **out,
                                  capi_err *err)
{
    capi_arrow_writer *writer = capi_zmalloc(sizeof *writer);
    capi_pq_out_field *fields = capi_zmalloc((schema->field_count + 1) * sizeof *fields);
    capi_pq_output output = {write_bytes, writer};
    capi_pq_failure failure = {0};
    capi_status st = CAPI_OK;

    *out = writer;
    writer->file = file;
    writer->column_count = schema->field_count;
    writer->columns = capi_zmalloc((schema->field_count + 1) * sizeof *writer->columns);
    writer->out_columns = capi_zmalloc((schema->field_count + 1) * sizeof *writer->out_columns);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const capi_field *field = &schema->fields[i];

        fields[i] = (capi_pq_out_field){field->name.data, field->name.bytes, out_kinds[field->type]};
        writer->columns[i].type = field->type;
        column_clear(&writer->columns[i]);
    }
    if (capi_ipc_writer_open(&output, fields, schema->field_count, &writer->ipc, &failure)) {
        st = write_failed(writer, &failure, err);
        capi_arrow_writer_free(writer);
        *out = NULL;
    }
    free(fields);
    return st;
}

capi_status capi_arrow_write(capi_arrow_writer *writer, const capi_vec *columns, uint32_t row_count, capi_err *err)
{
    for (uint32_t i = 0; i < writer->column_count; i++) {
        arrow_column *column = &writer->columns[i];
        size_t before = column->values.bytes;

        assert(columns[i].type == column->type);
        assert(!columns[i].is_constant);
        if (column->type == CAPI_STRING)
            CAPI_TRY(put_texts(column, columns[i].views, row_count, err));
        else
            capi_buf_append(&column->values, columns[i].data, row_count * capi_form_bytes(columns[i].form));
        writer->bytes += column->values.bytes - before;
    }
    writer->row_count += row_count;
    if (writer->row_count + CAPI_CHUNK_ROWS <= CAPI_ARROW_BATCH_ROWS && writer->bytes < CAPI_ARROW_BATCH_BYTES)
        return CAPI_OK;
    return flush_rows(writer, err);
}

capi_status capi_arrow_writer_finish(capi_arrow_writer *writer, capi_err *err)
{
    capi_pq_failure failure = {0};
    int failed;

    CAPI_TRY(flush_rows(writer, err));
    failed = capi_ipc_writer_close(writer->ipc, &failure);
    writer->ipc = NULL;
    return failed ? write_failed(writer, &failure, err) : CAPI_OK;
}

void capi_arrow_writer_free(capi_arrow_writer *writer)
{
    if (!writer) return;
    if (writer->ipc) capi_ipc_writer_free(writer->ipc);
    for (uint32_t i = 0; i < writer->column_count; i++) {
        capi_buf_deinit(&writer->columns[i].values);
        capi_buf_deinit(&writer->columns[i].offsets);
    }
    free(writer->columns);
    free(writer->out_columns);
    free(writer);
}
