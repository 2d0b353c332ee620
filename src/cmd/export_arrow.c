/* export_arrow.c - a table as an Arrow IPC file. */
#include "cmd/export.h"

#include "parquet/arrow.h"

static capi_status arrow_open(const capi_export_options *options, capi_arena *arena, void **sink, capi_err *err)
{
    capi_arrow_writer *writer = NULL;
    capi_status st = capi_arrow_writer_new(options->file, options->schema, &writer, err);

    (void)arena;
    *sink = writer;
    return st;
}

static capi_status arrow_add(void *sink, const capi_chunk *chunk, capi_err *err)
{
    return capi_arrow_write(sink, chunk->columns, chunk->row_count, err);
}

static capi_status arrow_finish(void *sink, capi_err *err)
{
    return capi_arrow_writer_finish(sink, err);
}

static void arrow_free(void *sink)
{
    capi_arrow_writer_free(sink);
}

const capi_export_form capi_export_arrow = {
    .name = "arrow",
    .endings = {".arrow", ".feather", ".ipc"},
    .needs_parquet = true,
    .open = arrow_open,
    .add = arrow_add,
    .finish = arrow_finish,
    .free = arrow_free,
};
