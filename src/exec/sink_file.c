/* sink_file.c - text by group, in order, into a file that has not got its final name yet. */
#include "exec/sink_file.h"
#include "exec/order.h"

#include "base/file.h"

#include <stdlib.h>

/* The disk begins early, a few MiB at a time, so that the sync at the end has little left to do. */
enum { SINK_FLUSH_BYTES = 1 << 20, SINK_START_BYTES = 8 << 20 };

struct sink_file {
    exec_batch *batch;
    bool is_direct;
    capi_file_writer *file;
    capi_buf *bufs; /* by worker */
    exec_order *order;
    uint64_t bytes_written;
    uint64_t bytes_started; /* on their way to the disk */
};

static capi_status write_text(sink_file *sink, const capi_buf *text, capi_err *err)
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

static capi_status target_path(exec_batch *batch, capi_str *out, capi_err *err)
{
    capi_str url = capi_file_sink_url(batch->node->file, batch->task->run_id, batch->task->batch_idx, batch->arena);

    if (capi_str_starts(url, "file://"))
        url = capi_str_slice(url, 7, url.bytes);
    else if (capi_str_find(url, CAPI_STR("://")) >= 0)
        return capi_err_set(err, CAPI_INVALID, "cannot write \"%.*s\": expected a local path or file://",
                            CAPI_STR_ARG(url));
    *out = capi_str_copy(batch->arena, url);
    return CAPI_OK;
}

capi_status sink_file_open(exec_batch *batch, bool is_direct, sink_file **out, capi_err *err)
{
    const char *suffix = capi_str_copy(batch->arena, batch->task->attempt_uid).data;
    sink_file *sink;

    *out = NULL;
    CAPI_TRY(target_path(batch, &batch->out->target, err));
    if (batch->node->file->kind != CAPI_FILE_CSV)
        return capi_err_set(err, CAPI_INVALID, "cannot write \"%.*s\": Parquet files are not available in this build",
                            CAPI_STR_ARG(batch->out->target));
    sink = capi_zmalloc(sizeof *sink);
    sink->batch = batch;
    sink->is_direct = is_direct;
    sink->bufs = capi_zmalloc(batch->worker_count * sizeof *sink->bufs);
    sink->order = exec_order_new(2 * batch->worker_count + 2, batch->exec->budget->limit_bytes / 16, consume_text,
                                 drop_text, sink);
    *out = sink;
    CAPI_TRY(capi_file_create_beside(batch->out->target.data, suffix, &sink->file, err));
    return write_header(sink, err);
}

void sink_file_free(sink_file *sink)
{
    if (!sink) return;
    for (uint32_t i = 0; i < sink->batch->worker_count; i++)
        capi_buf_deinit(&sink->bufs[i]);
    free(sink->bufs);
    exec_order_free(sink->order);
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
    CAPI_TRY(capi_file_sync(sink->file, err));
    sink->batch->out->file = sink->file;
    sink->batch->out->bytes_written = sink->bytes_written;
    sink->file = NULL;
    return CAPI_OK;
}
