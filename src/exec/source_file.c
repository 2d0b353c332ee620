/* source_file.c - see source_file.h */
#include "exec/source_file.h"

#include "base/random.h"
#include "io/unpack.h"
#include "net/url.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static bool is_stopped(void *context)
{
    const exec_batch *batch = context;

    return batch->task->progress && batch->task->progress->stop;
}

static capi_status check_url(const exec_batch *batch, capi_str url, const char *name, capi_err *err)
{
    if (batch->exec->net && capi_net_can_read(url)) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID,
                        "cannot read \"%s\": expected a local path, file://, http://, https://, s3:// or sftp://",
                        name);
}

static capi_status download(exec_batch *batch, capi_str url, exec_source_file *file, capi_err *err)
{
    bool gave_up = false;
    capi_net_watch watch;
    capi_status st;

    CAPI_TRY(check_url(batch, url, file->name, err));
    file->is_temporary = true;
    watch = exec_transfer_begin(&file->transfer, batch->task->progress, false);
    watch.gave_up = &gave_up;
    st = capi_net_download(batch->exec->net, url, &watch, batch->arena, &file->path, err);
    exec_transfer_end(&file->transfer);
    return gave_up ? CAPI_INVALID : st;
}

/* Unpacks file->path to a new temporary file, which takes its place. */
static capi_status unpack(exec_batch *batch, capi_packing packing, exec_source_file *file, capi_err *err)
{
    char uid[CAPI_UID_BYTES];
    const char *path;
    capi_status st;
    int fd;

    CAPI_TRY(capi_folder_make(batch->exec->temp_folder.data, err));
    capi_random_uid(&capi_random_system, uid);
    path = capi_str_format(batch->arena, "%.*s/%s.unpacked", CAPI_STR_ARG(batch->exec->temp_folder), uid).data;
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return capi_err_set_errno(err, errno, "cannot create \"%s\"", path);
    st = capi_unpack_file(packing, file->path, capi_str_of(file->name), fd, is_stopped, batch, err);
    if (close(fd) != 0 && st == CAPI_OK) st = capi_err_set_errno(err, errno, "cannot write \"%s\"", path);
    exec_source_file_drop(file);
    *file = (exec_source_file){.path = path, .name = file->name, .is_temporary = true};
    if (st != CAPI_OK) exec_source_file_drop(file);
    return st;
}

capi_status exec_source_file_get(exec_batch *batch, capi_str url, exec_source_file *out, capi_err *err)
{
    capi_packing packing = capi_packing_of(url);

    *out = (exec_source_file){.name = capi_str_copy(batch->arena, capi_url_show(batch->arena, url)).data};
    if (capi_url_scheme(url) == CAPI_SCHEME_LOCAL)
        out->path = out->name = capi_str_copy(batch->arena, capi_url_local_path(url)).data;
    else
        CAPI_TRY(download(batch, url, out, err));
    return packing == CAPI_PACKING_NONE ? CAPI_OK : unpack(batch, packing, out, err);
}

capi_status exec_source_file_part(exec_batch *batch, capi_str url, exec_source_file *file, capi_partial **out,
                                  capi_err *err)
{
    capi_net_watch watch;

    *out = NULL;
    *file = (exec_source_file){.name = capi_str_copy(batch->arena, capi_url_show(batch->arena, url)).data};
    if (capi_url_scheme(url) == CAPI_SCHEME_LOCAL || capi_packing_of(url) != CAPI_PACKING_NONE) return CAPI_OK;
    CAPI_TRY(check_url(batch, url, file->name, err));
    watch = exec_transfer_begin(&file->transfer, batch->task->progress, false);
    return capi_partial_open(batch->exec->net, url, &watch, out, err);
}

void exec_source_file_drop(const exec_source_file *file)
{
    if (file->is_temporary && file->path) unlink(file->path);
}
