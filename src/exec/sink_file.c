/* sink_file.c - text by group, in order, into a file that has not got its final name yet. */
#include "exec/sink_file.h"
#include "exec/file_form.h"
#include "exec/order.h"

#include "exec/target.h"
#include "io/unpack.h"

#include <stdlib.h>

/* The disk begins early, a few MiB at a time, so that the sync at the end has little left to do. */
enum { SINK_FLUSH_BYTES = 1 << 20, SINK_START_BYTES = 8 << 20 };

struct sink_file {
    exec_batch *batch;
    bool is_direct;
    capi_file_writer *file;
    capi_buf *bufs; /* by worker */
    exec_order *order;
    capi_packer *packer; /* of files whose name ends in .gz or .zst, or NULL */
    capi_buf packed;
    uint64_t bytes_written;
    uint64_t bytes_started; /* on their way to the disk */
};

static capi_status write_bytes(sink_file *sink, const capi_buf *text, capi_err *err)
{
    if (text->bytes == 0) return CAPI_OK;
    CAPI_TRY(capi_file_write(sink->file, text->data, text->bytes, err));
    sink->bytes_written += text->bytes;
    if (sink->bytes_written - sink->bytes_started >= SINK_START_BYTES) {
        capi_file_start_writing(sink->file, sink->bytes_started, sink->bytes_written - sink->bytes_started);
        sink->bytes_started = sink->bytes_written;
    }
    return CAPI_OK;
}

static capi_status write_text(sink_file *sink, const capi_buf *text, capi_err *err)
{
    if (!sink->packer) return write_bytes(sink, text, err);
    capi_buf_clear(&sink->packed);
    CAPI_TRY(capi_packer_add(sink->packer, text->data, text->bytes, false, &sink->packed, err));
    return write_bytes(sink, &sink->packed, err);
}

static capi_status write_end(sink_file *sink, capi_err *err)
{
    if (!sink->packer) return CAPI_OK;
    capi_buf_clear(&sink->packed);
    CAPI_TRY(capi_packer_add(sink->packer, "", 0, true, &sink->packed, err));
    return write_bytes(sink, &sink->packed, err);
}

static void drop_text(void *item)
{
    capi_buf_deinit(item);
    free(item);
}

static capi_status consume_text(void *context, void *item, capi_err *err)
{
    capi_status st = write_text(context, item, err);

    drop_text(item);
    return st;
}

static capi_status write_header(sink_file *sink, capi_err *err)
{
    capi_buf header = {0};
    capi_status st;

    capi_csv_write_header(sink->batch->node->file->csv, &header);
    st = write_text(sink, &header, err);
    capi_buf_deinit(&header);
    return st;
}

capi_status sink_file_open(exec_batch *batch, bool is_direct, sink_file **out, capi_err *err)
{
    sink_file *sink;

    *out = NULL;
    sink = capi_zmalloc(sizeof *sink);
    sink->batch = batch;
    sink->is_direct = is_direct;
    sink->bufs = capi_zmalloc(batch->worker_count * sizeof *sink->bufs);
    sink->order = exec_order_new(2 * batch->worker_count + 2, batch->exec->budget->limit_bytes / 16, consume_text,
                                 drop_text, sink);
    *out = sink;
    sink->packer = capi_packing_of(batch->node->file->url_template) == CAPI_PACKING_NONE
                       ? NULL
                       : capi_packer_new(capi_packing_of(batch->node->file->url_template));
    CAPI_TRY(exec_target_create(batch, &sink->file, err));
    return write_header(sink, err);
}

void sink_file_free(sink_file *sink)
{
    if (!sink) return;
    for (uint32_t i = 0; i < sink->batch->worker_count; i++)
        capi_buf_deinit(&sink->bufs[i]);
    free(sink->bufs);
    exec_order_free(sink->order);
    capi_packer_free(sink->packer);
    capi_buf_deinit(&sink->packed);
    capi_file_writer_close(sink->file);
    free(sink);
}

capi_buf *sink_file_buf(sink_file *sink, uint32_t worker)
{
    return &sink->bufs[worker];
}

capi_status sink_file_flush_large(sink_file *sink, uint32_t worker, capi_err *err)
{
    capi_buf *buf = &sink->bufs[worker];

    if (!sink->is_direct || buf->bytes < SINK_FLUSH_BYTES) return CAPI_OK;
    CAPI_TRY(write_text(sink, buf, err));
    capi_buf_clear(buf);
    return CAPI_OK;
}

capi_status sink_file_end_group(sink_file *sink, uint32_t worker, uint64_t group, capi_err *err)
{
    capi_buf *text;

    if (sink->is_direct) {
        CAPI_TRY(write_text(sink, &sink->bufs[worker], err));
        capi_buf_clear(&sink->bufs[worker]);
        return CAPI_OK;
    }
    text = capi_malloc(sizeof *text);
    *text = sink->bufs[worker];
    sink->bufs[worker] = (capi_buf){0};
    return exec_order_put(sink->order, group, text, text->bytes, err);
}

void sink_file_fail(sink_file *sink)
{
    exec_order_close(sink->order);
}

capi_status sink_file_finish(sink_file *sink, capi_err *err)
{
    CAPI_TRY(write_end(sink, err));
    CAPI_TRY(capi_file_sync(sink->file, err));
    sink->batch->out->file = sink->file;
    sink->batch->out->bytes_written = sink->bytes_written;
    sink->file = NULL;
    return CAPI_OK;
}

/* ---- the form ---- */

static capi_status form_open(exec_batch *batch, bool is_direct, void **sink, capi_err *err)
{
    sink_file *file = NULL;
    capi_status st = sink_file_open(batch, is_direct, &file, err);

    *sink = file;
    return st;
}

static void form_free(void *sink)
{
    sink_file_free(sink);
}

static capi_status form_add(void *sink, uint32_t worker, const capi_vec *columns, const uint32_t *rows,
                            uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    sink_file *file = sink;

    (void)bad_row;
    capi_csv_write_rows(file->batch->node->file->csv, columns, rows, row_count, sink_file_buf(file, worker));
    return sink_file_flush_large(file, worker, err);
}

static capi_status form_end_group(void *sink, uint32_t worker, uint64_t group, capi_err *err)
{
    return sink_file_end_group(sink, worker, group, err);
}

static void form_fail(void *sink)
{
    sink_file_fail(sink);
}

static capi_status form_finish(void *sink, capi_err *err)
{
    return sink_file_finish(sink, err);
}

static capi_status form_line(const exec_batch *batch, const capi_vec *columns, uint32_t row, capi_arena *scratch,
                             capi_buf *to, capi_err *err)
{
    (void)scratch;
    (void)err;
    capi_csv_write_rows(batch->node->file->csv, columns, &row, 1, to);
    return CAPI_OK;
}

static capi_status form_add_line(void *sink, capi_str line, capi_err *err)
{
    capi_buf_append_str(sink_file_buf(sink, 0), line);
    return sink_file_flush_large(sink, 0, err);
}

static capi_status form_end_lines(void *sink, capi_err *err)
{
    return sink_file_end_group(sink, 0, 0, err);
}

const file_form file_form_csv = {
    .open = form_open,
    .free = form_free,
    .add = form_add,
    .end_group = form_end_group,
    .fail = form_fail,
    .finish = form_finish,
    .line = form_line,
    .add_line = form_add_line,
    .end_lines = form_end_lines,
    .morsels_per_group = 1,
};
