/* export_parquet.c - a table as a Parquet file, with the types that writers of scripts give. */
#include "cmd/export.h"

#include "parquet/parquet.h"

#include <stdlib.h>

typedef struct export_parquet {
    capi_parquet_writer *writer;
    capi_parquet_group *group; /* the open one, or NULL */
} export_parquet;

static capi_status parquet_open(const capi_export_options *options, capi_arena *arena, void **sink, capi_err *err)
{
    export_parquet *parquet = capi_zmalloc(sizeof *parquet);
    uint32_t count = options->schema->field_count;
    capi_parquet_out_column *columns = capi_new_array(arena, capi_parquet_out_column, count + 1);

    *sink = parquet;
    for (uint32_t i = 0; i < count; i++)
        columns[i] = (capi_parquet_out_column){options->schema->fields[i].name, options->schema->fields[i].type};
    return capi_parquet_writer_new(options->file, columns, count, capi_str_of(options->codec), &parquet->writer, err);
}

static capi_status end_group(export_parquet *parquet, capi_err *err)
{
    capi_parquet_group *group = parquet->group;

    if (!group) return CAPI_OK;
    CAPI_TRY(capi_parquet_group_finish(group, err));
    parquet->group = NULL;
    return capi_parquet_writer_append(parquet->writer, group, err);
}

static capi_status parquet_add(void *sink, const capi_chunk *chunk, capi_err *err)
{
    export_parquet *parquet = sink;
    uint32_t bad_row;

    if (!parquet->group) parquet->group = capi_parquet_group_new(parquet->writer);
    CAPI_TRY(capi_parquet_group_add(parquet->group, chunk->columns, NULL, chunk->row_count, &bad_row, err));
    return capi_parquet_group_is_full(parquet->group) ? end_group(parquet, err) : CAPI_OK;
}

static capi_status parquet_finish(void *sink, capi_err *err)
{
    export_parquet *parquet = sink;
    uint64_t bytes_written;

    CAPI_TRY(end_group(parquet, err));
    return capi_parquet_writer_finish(parquet->writer, &bytes_written, err);
}

static void parquet_free(void *sink)
{
    export_parquet *parquet = sink;

    if (!parquet) return;
    capi_parquet_group_free(parquet->group);
    capi_parquet_writer_free(parquet->writer);
    free(parquet);
}

const capi_export_form capi_export_parquet = {
    .name = "parquet",
    .endings = {".parquet"},
    .needs_parquet = true,
    .open = parquet_open,
    .add = parquet_add,
    .finish = parquet_finish,
    .free = parquet_free,
};
