/* bridge_absent.c - the bridge of builds without a Rust toolchain: nothing can be opened, so the rest is never reached. */
#include "parquet/parquet.h"

#ifdef CAPI_HAS_PARQUET

bool capi_parquet_is_built(void)
{
    return true;
}

#else

#include "parquet/bridge.h"

#include <assert.h>
#include <stdio.h>

bool capi_parquet_is_built(void)
{
    return false;
}

static int refuse(capi_pq_failure *failure)
{
    snprintf(failure->text, sizeof failure->text, "Parquet files are not available in this build");
    return CAPI_PQ_INVALID;
}

int capi_pq_open(const capi_pq_input *input, capi_pq_file **out, capi_pq_failure *failure)
{
    (void)input;
    *out = NULL;
    return refuse(failure);
}

int capi_pq_writer_open(const capi_pq_output *output, const capi_pq_out_field *fields, uint32_t field_count,
                        const char *codec, size_t codec_bytes, capi_pq_writer **out, capi_pq_failure *failure)
{
    (void)output;
    (void)fields;
    (void)field_count;
    (void)codec;
    (void)codec_bytes;
    *out = NULL;
    return refuse(failure);
}

/* There is no object that these could be called with. */

void capi_pq_close(capi_pq_file *file)
{
    assert(!file);
    (void)file;
}

const capi_pq_field *capi_pq_fields(const capi_pq_file *file, uint32_t *count)
{
    assert(!file);
    (void)file;
    *count = 0;
    return NULL;
}

const uint64_t *capi_pq_groups(const capi_pq_file *file, uint32_t *count)
{
    assert(!file);
    (void)file;
    *count = 0;
    return NULL;
}

void capi_pq_place(const capi_pq_file *file, uint32_t group, uint32_t leaf, uint64_t *offset, uint64_t *bytes)
{
    assert(!file);
    (void)file;
    (void)group;
    (void)leaf;
    *offset = *bytes = 0;
}

int capi_pq_piece_open(const capi_pq_file *file, const capi_pq_want *wants, uint32_t want_count, uint32_t group,
                       uint64_t from, uint64_t count, uint32_t batch_rows, capi_pq_piece **out,
                       capi_pq_failure *failure)
{
    (void)file;
    (void)wants;
    (void)want_count;
    (void)group;
    (void)from;
    (void)count;
    (void)batch_rows;
    *out = NULL;
    return refuse(failure);
}

int capi_pq_piece_next(capi_pq_piece *piece, const capi_pq_column **columns, uint32_t *rows, capi_pq_failure *failure)
{
    (void)piece;
    *columns = NULL;
    *rows = 0;
    return refuse(failure);
}

void capi_pq_piece_close(capi_pq_piece *piece)
{
    assert(!piece);
    (void)piece;
}

int capi_pq_writer_close(capi_pq_writer *writer, capi_pq_failure *failure)
{
    (void)writer;
    return refuse(failure);
}

void capi_pq_writer_free(capi_pq_writer *writer)
{
    assert(!writer);
    (void)writer;
}

int capi_pq_group_encode(const capi_pq_writer *writer, const capi_pq_out_column *columns, uint32_t column_count,
                         uint32_t rows, capi_pq_group **out, capi_pq_failure *failure)
{
    (void)writer;
    (void)columns;
    (void)column_count;
    (void)rows;
    (void)out;
    return refuse(failure);
}

uint64_t capi_pq_group_bytes(const capi_pq_group *group)
{
    (void)group;
    return 0;
}

int capi_pq_group_append(capi_pq_writer *writer, capi_pq_group *group, capi_pq_failure *failure)
{
    (void)writer;
    (void)group;
    return refuse(failure);
}

void capi_pq_group_free(capi_pq_group *group)
{
    (void)group;
}

int capi_pq_reorder(const capi_pq_file *file, const uint32_t *order, uint64_t row_count, const capi_pq_output *output,
                    const char *codec, size_t codec_bytes, capi_pq_failure *failure)
{
    (void)file;
    (void)order;
    (void)row_count;
    (void)output;
    (void)codec;
    (void)codec_bytes;
    return refuse(failure);
}

int capi_ipc_writer_open(const capi_pq_output *output, const capi_pq_out_field *fields, uint32_t field_count,
                         capi_ipc_writer **out, capi_pq_failure *failure)
{
    (void)output;
    (void)fields;
    (void)field_count;
    *out = NULL;
    snprintf(failure->text, sizeof failure->text, "Arrow files are not available in this build");
    return CAPI_PQ_INVALID;
}

int capi_ipc_writer_write(capi_ipc_writer *writer, const capi_pq_out_column *columns, uint32_t column_count,
                          uint32_t rows, capi_pq_failure *failure)
{
    (void)writer;
    (void)columns;
    (void)column_count;
    (void)rows;
    return refuse(failure);
}

int capi_ipc_writer_close(capi_ipc_writer *writer, capi_pq_failure *failure)
{
    (void)writer;
    return refuse(failure);
}

void capi_ipc_writer_free(capi_ipc_writer *writer)
{
    assert(!writer);
    (void)writer;
}

#endif
