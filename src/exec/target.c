/* target.c - see target.h */
#include "exec/target.h"

#include "exec/transfer.h"
#include "net/url.h"

static capi_status create_elsewhere(exec_batch *batch, capi_str url, capi_file_writer **out, capi_err *err)
{
    const char *uid = capi_str_copy(batch->arena, batch->task->attempt_uid).data;
    capi_str folder = batch->exec->temp_folder;
    const char *path;

    if (!batch->exec->net || !capi_net_can_write(url))
        return capi_err_set(err, CAPI_INVALID,
                            "cannot write \"%.*s\": expected a local path, file://, s3:// or sftp://",
                            CAPI_STR_ARG(capi_url_show(batch->arena, url)));
    CAPI_TRY(capi_folder_make(folder.data, err));
    path = capi_str_format(batch->arena, "%.*s/upload_%u", CAPI_STR_ARG(folder), batch->task->batch_idx).data;
    batch->out->target = url;
    return capi_file_create_beside(path, uid, out, err);
}

capi_status exec_target_create(exec_batch *batch, capi_file_writer **out, capi_err *err)
{
    capi_str url = capi_file_sink_url(batch->node->file, batch->task->run_id, batch->task->batch_idx, batch->arena);

    if (capi_url_scheme(url) != CAPI_SCHEME_LOCAL) return create_elsewhere(batch, url, out, err);
    batch->out->target = capi_str_copy(batch->arena, capi_url_local_path(url));
    return capi_file_create_beside(batch->out->target.data, capi_str_copy(batch->arena, batch->task->attempt_uid).data,
                                   out, err);
}

capi_status capi_batch_output_publish(capi_exec *exec, capi_batch_output *out, capi_progress *progress, capi_err *err)
{
    bool gave_up = false;
    exec_transfer transfer;
    capi_net_watch watch;
    capi_file_writer *file = out->file;
    capi_status st;

    out->file = NULL;
    if (capi_url_scheme(out->target) == CAPI_SCHEME_LOCAL) return capi_file_publish(file, err);
    watch = exec_transfer_begin(&transfer, progress, true);
    watch.gave_up = &gave_up;
    st = capi_net_upload(exec->net, capi_file_writer_path(file), out->target, &watch, err);
    exec_transfer_end(&transfer);
    capi_file_writer_close(file);                               /* and removes it */
    return gave_up || st == CAPI_NOT_FOUND ? CAPI_INVALID : st; /* a missing bucket is nothing to wait for */
}
