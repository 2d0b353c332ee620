/* export_csv.c - a table as CSV, to a file or to standard output. */
#include "cmd/export.h"

#include "base/buf.h"
#include "io/csv.h"

#include <stdio.h>
#include <stdlib.h>

enum { FLUSH_BYTES = 1 << 20 };

typedef struct export_csv {
    const capi_csv_writer *writer;
    capi_file_writer *file;
    capi_packer *packer; /* NULL: not packed */
    capi_buf buf;
    capi_buf packed;
} export_csv;

static const char *csv_format(capi_type type)
{
    switch (type) {
    case CAPI_INT: return "%d";
    case CAPI_FLOAT: return "%v";
    case CAPI_BOOL: return "%t";
    case CAPI_DATETIME: return "2006-01-02T15:04:05.000Z07:00";
    default: return "%s";
    }
}

static capi_status csv_open(const capi_export_options *options, capi_arena *arena, void **sink, capi_err *err)
{
    export_csv *csv = capi_zmalloc(sizeof *csv);
    uint32_t count = options->schema->field_count;
    capi_csv_out_column *columns = capi_new_array(arena, capi_csv_out_column, count);

    *sink = csv;
    csv->file = options->file;
    if (options->file && options->packing != CAPI_PACKING_NONE) csv->packer = capi_packer_new(options->packing);
    for (uint32_t i = 0; i < count; i++) {
        const capi_field *field = &options->schema->fields[i];

        columns[i] = (capi_csv_out_column){field->name, capi_str_of(csv_format(field->type)), field->type};
    }
    CAPI_TRY(capi_csv_writer_new(arena, capi_str_of(options->separator), columns, count, &csv->writer, err));
    capi_csv_write_header(csv->writer, &csv->buf);
    return CAPI_OK;
}

static capi_status csv_flush(export_csv *csv, bool is_end, capi_err *err)
{
    if (csv->packer) {
        CAPI_TRY(capi_packer_add(csv->packer, csv->buf.data, csv->buf.bytes, is_end, &csv->packed, err));
        CAPI_TRY(capi_file_write(csv->file, csv->packed.data, csv->packed.bytes, err));
        capi_buf_clear(&csv->packed);
    } else if (csv->file) {
        CAPI_TRY(capi_file_write(csv->file, csv->buf.data, csv->buf.bytes, err));
    } else if (fwrite(csv->buf.data, 1, csv->buf.bytes, stdout) != csv->buf.bytes) {
        return capi_err_set(err, CAPI_UNAVAILABLE, "could not write to standard output");
    }
    capi_buf_clear(&csv->buf);
    return CAPI_OK;
}

static capi_status csv_add(void *sink, const capi_chunk *chunk, capi_err *err)
{
    export_csv *csv = sink;

    capi_csv_write_rows(csv->writer, chunk->columns, NULL, chunk->row_count, &csv->buf);
    return csv->buf.bytes >= FLUSH_BYTES ? csv_flush(csv, false, err) : CAPI_OK;
}

static capi_status csv_finish(void *sink, capi_err *err)
{
    export_csv *csv = sink;

    CAPI_TRY(csv_flush(csv, true, err));
    if (!csv->file && fflush(stdout) != 0)
        return capi_err_set(err, CAPI_UNAVAILABLE, "could not write to standard output");
    return CAPI_OK;
}

static void csv_free(void *sink)
{
    export_csv *csv = sink;

    if (!csv) return;
    capi_packer_free(csv->packer);
    capi_buf_deinit(&csv->packed);
    capi_buf_deinit(&csv->buf);
    free(csv);
}

const capi_export_form capi_export_csv = {
    .name = "csv",
    .endings = {".csv"},
    .is_text = true,
    .open = csv_open,
    .add = csv_add,
    .finish = csv_finish,
    .free = csv_free,
};
