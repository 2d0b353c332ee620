/* write.c - row groups: gathered as rows, encoded, appended. */
#include "parquet/bridge.h"
#include "parquet/parquet.h"
#include "parquet/rows.h"

#include <pthread.h>
#include <stdlib.h>

enum { START_WRITING_BYTES = 4 << 20 };

/* Memory of rows that the next groups use again. */
typedef struct spare_rows {
    pthread_mutex_t lock;
    parquet_rows *rows;
    uint32_t count;
    uint32_t capacity;
} spare_rows;

struct capi_parquet_writer {
    capi_file_writer *file;
    capi_pq_writer *pq;
    capi_type *types;
    uint32_t column_count;
    uint64_t bytes_written;
    uint64_t bytes_started;   /* on their way to the disk */
    capi_status write_status; /* of the file */
    capi_err write_err;
    spare_rows spare;
};

struct capi_parquet_group {
    capi_parquet_writer *writer;
    parquet_rows rows;  /* until they are encoded */
    capi_pq_group *pq;  /* then */
    uint64_t row_count; /* of pq */
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

/* The disk works while the next row group is encoded: the sync at the end has less to wait for. */
static void start_writing(capi_parquet_writer *writer)
{
    uint64_t bytes = writer->bytes_written - writer->bytes_started;

    if (bytes < START_WRITING_BYTES) return;
    capi_file_start_writing(writer->file, writer->bytes_started, bytes);
    writer->bytes_started = writer->bytes_written;
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
    pthread_mutex_init(&writer->spare.lock, NULL);
    writer->file = file;
    writer->column_count = column_count;
    writer->types = capi_zmalloc((column_count + 1) * sizeof *writer->types);
    for (uint32_t i = 0; i < column_count; i++)
        writer->types[i] = columns[i].type;
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
    for (uint32_t i = 0; i < writer->spare.count; i++)
        parquet_rows_deinit(&writer->spare.rows[i]);
    free(writer->spare.rows);
    pthread_mutex_destroy(&writer->spare.lock);
    free(writer->types);
    free(writer);
}

/* ---- row groups ---- */

static void rows_take(capi_parquet_writer *writer, parquet_rows *out)
{
    spare_rows *spare = &writer->spare;

    *out = (parquet_rows){0};
    pthread_mutex_lock(&spare->lock);
    if (spare->count) *out = spare->rows[--spare->count];
    pthread_mutex_unlock(&spare->lock);
    if (!out->columns) parquet_rows_init(out, writer->types, writer->column_count);
}

static void rows_give_back(capi_parquet_writer *writer, parquet_rows *rows)
{
    spare_rows *spare = &writer->spare;

    parquet_rows_clear(rows);
    pthread_mutex_lock(&spare->lock);
    if (spare->count == spare->capacity) {
        spare->capacity = spare->capacity ? 2 * spare->capacity : 4;
        spare->rows = capi_realloc(spare->rows, spare->capacity * sizeof *spare->rows);
    }
    spare->rows[spare->count++] = *rows;
    pthread_mutex_unlock(&spare->lock);
    *rows = (parquet_rows){0};
}

capi_parquet_group *capi_parquet_group_new(capi_parquet_writer *writer)
{
    capi_parquet_group *group = capi_zmalloc(sizeof *group);

    group->writer = writer;
    rows_take(writer, &group->rows);
    return group;
}

void capi_parquet_group_free(capi_parquet_group *group)
{
    if (!group) return;
    if (group->pq) capi_pq_group_free(group->pq);
    if (group->rows.columns) rows_give_back(group->writer, &group->rows);
    free(group);
}

capi_status capi_parquet_group_add(capi_parquet_group *group, const capi_vec *columns, const uint32_t *rows,
                                   uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    return parquet_rows_add(&group->rows, columns, rows, row_count, bad_row, err);
}

uint32_t capi_parquet_group_fill(capi_parquet_group *group, const capi_parquet_group *from, uint32_t first)
{
    return parquet_rows_fill(&group->rows, &from->rows, first, CAPI_PARQUET_GROUP_ROWS, CAPI_PARQUET_GROUP_BYTES);
}

bool capi_parquet_group_is_full(const capi_parquet_group *group)
{
    return group->rows.row_count >= CAPI_PARQUET_GROUP_ROWS || group->rows.bytes >= CAPI_PARQUET_GROUP_BYTES;
}

void capi_parquet_group_clear(capi_parquet_group *group)
{
    parquet_rows_clear(&group->rows);
}

uint64_t capi_parquet_group_rows(const capi_parquet_group *group)
{
    return group->pq ? group->row_count : group->rows.row_count;
}

uint64_t capi_parquet_group_bytes(const capi_parquet_group *group)
{
    return group->pq ? capi_pq_group_bytes(group->pq) : group->rows.bytes;
}

capi_status capi_parquet_group_finish(capi_parquet_group *group, capi_err *err)
{
    capi_pq_failure failure = {0};
    capi_pq_out_column *columns = capi_zmalloc((group->rows.column_count + 1) * sizeof *columns);
    int failed;

    group->row_count = group->rows.row_count;
    parquet_rows_borrow(&group->rows, columns);
    failed = group->row_count && capi_pq_group_encode(group->writer->pq, columns, group->rows.column_count,
                                                      group->rows.row_count, &group->pq, &failure);
    free(columns);
    rows_give_back(group->writer, &group->rows);
    if (!failed) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "cannot encode rows for a Parquet file: %s", failure.text);
}

capi_status capi_parquet_writer_append(capi_parquet_writer *writer, capi_parquet_group *group, capi_err *err)
{
    capi_pq_failure failure = {0};
    int failed = group->pq && capi_pq_group_append(writer->pq, group->pq, &failure);

    group->pq = NULL;
    capi_parquet_group_free(group);
    if (failed) return write_failed(writer, &failure, err);
    start_writing(writer);
    return CAPI_OK;
}

capi_status capi_parquet_writer_finish(capi_parquet_writer *writer, uint64_t *bytes_written, capi_err *err)
{
    capi_pq_failure failure = {0};
    int failed = capi_pq_writer_close(writer->pq, &failure);

    writer->pq = NULL;
    *bytes_written = writer->bytes_written;
    return failed ? write_failed(writer, &failure, err) : CAPI_OK;
}
