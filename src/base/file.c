/* file.c - local files: pread for readers, write beside and rename for writers.
 *
 * Every system call that a test may want to fail goes through one of the seam_ functions below, which ask the fault
 * counter first. Interrupted calls are repeated, short ones continued; both are invisible outside. */
#include "base/file.h"

#include "base/file_url.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* ---- faults ---- */

static char fault_path_part[256];
static int fault_errno;
static uint64_t fault_at;
static _Atomic uint64_t fault_count;
static _Atomic bool fault_on;

void capi_file_faults(const char *path_part, uint64_t fail_at, int errno_value)
{
    snprintf(fault_path_part, sizeof fault_path_part, "%s", path_part ? path_part : "");
    fault_errno = errno_value;
    fault_at = fail_at;
    atomic_store(&fault_count, 0);
    atomic_store(&fault_on, fail_at != 0);
}

/* True, with errno set, when this operation is the one that must fail. */
static bool fault_hits(const char *path)
{
    if (!atomic_load_explicit(&fault_on, memory_order_relaxed)) return false;
    if (!strstr(path, fault_path_part)) return false;
    if (atomic_fetch_add(&fault_count, 1) + 1 != fault_at) return false;
    errno = fault_errno;
    return true;
}

static ssize_t seam_pread(const char *path, int fd, void *to, size_t bytes, off_t offset)
{
    return fault_hits(path) ? -1 : pread(fd, to, bytes, offset);
}

static ssize_t seam_write(const char *path, int fd, const void *data, size_t bytes)
{
    return fault_hits(path) ? -1 : write(fd, data, bytes);
}

static int seam_fsync(const char *path, int fd)
{
    return fault_hits(path) ? -1 : fsync(fd);
}

static int seam_fdatasync(const char *path, int fd)
{
    return fault_hits(path) ? -1 : fdatasync(fd);
}

static int seam_rename(const char *from, const char *to)
{
    return fault_hits(to) ? -1 : rename(from, to);
}

/* ---- reading ---- */

struct capi_file_reader {
    int fd;
    capi_file_id id;
    char *path;
};

static char *copy_text(const char *text)
{
    size_t bytes = strlen(text) + 1;

    return memcpy(capi_malloc(bytes), text, bytes);
}

static int open_retrying(const char *path, int flags, mode_t mode)
{
    int fd;

    do
        fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static capi_file_id id_of_stat(const struct stat *info)
{
    return (capi_file_id){.device = info->st_dev,
                          .inode = info->st_ino,
                          .size_bytes = (uint64_t)info->st_size,
                          .modified_ns = (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec};
}

static const char *kind_of_mode(mode_t mode)
{
    if (S_ISDIR(mode)) return "a directory";
    if (S_ISFIFO(mode)) return "a pipe";
    if (S_ISSOCK(mode)) return "a socket";
    return "a device";
}

/* O_NONBLOCK: opening a pipe that nobody writes to must not hang; it means nothing for regular files. */
static capi_status open_regular(const char *path, int *fd, struct stat *info, capi_err *err)
{
    *fd = open_retrying(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (*fd < 0) return capi_err_set_errno(err, errno, "cannot open \"%s\"", path);
    if (fstat(*fd, info) != 0) {
        capi_err_set_errno(err, errno, "cannot open \"%s\"", path);
    } else if (!S_ISREG(info->st_mode)) {
        capi_err_set(err, CAPI_INVALID, "cannot open \"%s\": it is %s, expected a regular file", path,
                     kind_of_mode(info->st_mode));
    } else {
        return CAPI_OK;
    }
    close(*fd);
    return CAPI_INVALID;
}

capi_status capi_file_open(const char *path, capi_file_reader **out, capi_err *err)
{
    capi_file_reader *file;
    struct stat info;
    int fd;

    CAPI_TRY(open_regular(path, &fd, &info, err));
    file = capi_malloc(sizeof *file);
    file->fd = fd;
    file->id = id_of_stat(&info);
    file->path = copy_text(path);
    *out = file;
    return CAPI_OK;
}

void capi_file_close(capi_file_reader *file)
{
    if (!file) return;
    close(file->fd);
    free(file->path);
    free(file);
}

const capi_file_id *capi_file_identity(const capi_file_reader *file)
{
    return &file->id;
}

/* Looks at the path, not at the open file: another file under the same name is a change too. */
capi_status capi_file_check_unchanged(const capi_file_reader *file, capi_err *err)
{
    struct stat info;
    capi_file_id now;

    if (stat(file->path, &info) != 0)
        return capi_err_set(err, CAPI_CONFLICT, "file \"%s\" was removed while it was read", file->path);
    now = id_of_stat(&info);
    if (now.device != file->id.device || now.inode != file->id.inode)
        return capi_err_set(err, CAPI_CONFLICT, "file \"%s\" was replaced while it was read", file->path);
    if (now.size_bytes != file->id.size_bytes)
        return capi_err_set(err, CAPI_CONFLICT, "file \"%s\" changed while it was read: %llu bytes, then %llu",
                            file->path, (unsigned long long)file->id.size_bytes, (unsigned long long)now.size_bytes);
    if (now.modified_ns != file->id.modified_ns)
        return capi_err_set(err, CAPI_CONFLICT, "file \"%s\" changed while it was read", file->path);
    return CAPI_OK;
}

static capi_status read_at(const char *path, int fd, uint64_t offset, char *to, size_t bytes, size_t *got,
                           capi_err *err)
{
    *got = 0;
    while (*got < bytes) {
        ssize_t step = seam_pread(path, fd, to + *got, bytes - *got, (off_t)(offset + *got));

        if (step < 0 && errno == EINTR) continue;
        if (step < 0) return capi_err_set_errno(err, errno, "could not read \"%s\"", path);
        if (step == 0) break;
        *got += (size_t)step;
    }
    return CAPI_OK;
}

capi_status capi_file_read_at(const capi_file_reader *file, uint64_t offset, void *to, size_t bytes, size_t *got,
                              capi_err *err)
{
    return read_at(file->path, file->fd, offset, to, bytes, got, err);
}

void capi_file_will_read(const capi_file_reader *file, uint64_t offset, uint64_t bytes)
{
    posix_fadvise(file->fd, (off_t)offset, (off_t)bytes, POSIX_FADV_WILLNEED);
}

capi_status capi_file_read_all(const char *path, uint64_t max_bytes, capi_arena *arena, capi_str *out, capi_err *err)
{
    capi_file_reader *file = NULL;
    capi_status st;
    uint64_t bytes;
    size_t got;
    char *data;

    path = capi_file_url_path(capi_str_of(path)).data;
    CAPI_TRY_OUT(capi_file_open(path, &file, err));
    bytes = file->id.size_bytes;
    if (bytes > max_bytes) {
        st = capi_err_set(err, CAPI_INVALID, "file \"%s\" has %llu bytes, expected at most %llu", path,
                          (unsigned long long)bytes, (unsigned long long)max_bytes);
        goto out;
    }
    data = capi_arena_alloc(arena, bytes + 1);
    CAPI_TRY_OUT(capi_file_read_at(file, 0, data, bytes, &got, err));
    data[got] = 0;
    *out = (capi_str){data, got};
out:
    capi_file_close(file);
    return st;
}

/* ---- writing ---- */

struct capi_file_writer {
    int fd;
    char *path;   /* of the file that is written */
    char *target; /* where it goes when published; NULL: it stays */
};

static capi_file_writer *writer_new(int fd, char *path, char *target)
{
    capi_file_writer *file = capi_malloc(sizeof *file);

    *file = (capi_file_writer){.fd = fd, .path = path, .target = target};
    return file;
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder;

    if (!slash) return copy_text(".");
    folder = copy_text(path);
    folder[slash == path ? 1 : slash - path] = 0;
    return folder;
}

/* ".<name>.<suffix>.tmp" in the target's folder; of a very long name, only the beginning. */
static char *beside_path(const char *target_path, const char *suffix)
{
    const char *slash = strrchr(target_path, '/');
    const char *name = slash ? slash + 1 : target_path;
    size_t bytes = strlen(target_path) + strlen(suffix) + sizeof "..tmp" + 1;
    int room = NAME_MAX - (int)strlen(suffix) - (int)sizeof "..tmp";
    char *path = capi_malloc(bytes);

    snprintf(path, bytes, "%.*s.%.*s.%s.tmp", (int)(name - target_path), target_path, room, name, suffix);
    return path;
}

/* A target that is a symbolic link means the file that it points to. */
static char *follow_link(const char *target_path)
{
    struct stat info;
    char *resolved = NULL;

    if (lstat(target_path, &info) == 0 && S_ISLNK(info.st_mode)) resolved = realpath(target_path, NULL);
    return resolved ? resolved : copy_text(target_path);
}

static capi_status check_target(const char *target_path, capi_err *err)
{
    char *folder = folder_of(target_path);
    capi_status st = CAPI_OK;
    struct stat info;
    size_t bytes = strlen(target_path);

    if (bytes == 0 || target_path[bytes - 1] == '/')
        st = capi_err_set(err, CAPI_INVALID, "cannot create \"%s\": expected the name of a file", target_path);
    else if (stat(folder, &info) != 0 && errno == ENOENT)
        st = capi_err_set(err, CAPI_NOT_FOUND, "cannot create \"%s\": the folder \"%s\" does not exist", target_path,
                          folder);
    else if (stat(target_path, &info) == 0 && !S_ISREG(info.st_mode))
        st = capi_err_set(err, CAPI_INVALID, "cannot create \"%s\": it is %s, expected a regular file or nothing",
                          target_path, kind_of_mode(info.st_mode));
    free(folder);
    return st;
}

capi_status capi_file_create_beside(const char *target_path, const char *suffix, capi_file_writer **out, capi_err *err)
{
    char *target;
    char *path;
    int fd;

    CAPI_TRY(check_target(target_path, err));
    target = follow_link(target_path);
    path = beside_path(target, suffix);
    fd = open_retrying(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        capi_status status = capi_err_set_errno(err, errno, "cannot create \"%s\"", target_path);

        free(path);
        free(target);
        return status;
    }
    *out = writer_new(fd, path, target);
    return CAPI_OK;
}

capi_status capi_file_append_to(const char *path, capi_file_writer **out, uint64_t *size_bytes, capi_err *err)
{
    int fd = open_retrying(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY, 0666);
    struct stat info;

    if (fd < 0) return capi_err_set_errno(err, errno, "cannot open \"%s\" for writing", path);
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(fd);
        return capi_err_set(err, CAPI_INVALID, "cannot open \"%s\" for writing: expected a regular file", path);
    }
    *size_bytes = (uint64_t)info.st_size;
    *out = writer_new(fd, copy_text(path), NULL);
    return CAPI_OK;
}

/* The name that the user knows. */
static const char *writer_shown_path(const capi_file_writer *file)
{
    return file->target ? file->target : file->path;
}

capi_status capi_file_write(capi_file_writer *file, const void *data, size_t bytes, capi_err *err)
{
    const char *at = data;

    while (bytes > 0) {
        ssize_t step = seam_write(file->path, file->fd, at, bytes);

        if (step < 0 && errno == EINTR) continue;
        if (step < 0) return capi_err_set_errno(err, errno, "could not write \"%s\"", writer_shown_path(file));
        at += step;
        bytes -= (size_t)step;
    }
    return CAPI_OK;
}

capi_status capi_file_sync(capi_file_writer *file, capi_err *err)
{
    if (seam_fsync(file->path, file->fd) == 0) return CAPI_OK;
    return capi_err_set_errno(err, errno, "could not write \"%s\" to the disk", writer_shown_path(file));
}

capi_status capi_file_sync_data(capi_file_writer *file, capi_err *err)
{
    if (seam_fdatasync(file->path, file->fd) == 0) return CAPI_OK;
    return capi_err_set_errno(err, errno, "could not write \"%s\" to the disk", writer_shown_path(file));
}

void capi_file_start_writing(capi_file_writer *file, uint64_t offset, uint64_t bytes)
{
    sync_file_range(file->fd, (off_t)offset, (off_t)bytes, SYNC_FILE_RANGE_WRITE);
}

static capi_status writer_rename(capi_file_writer *file, capi_err *err)
{
    int failed = seam_rename(file->path, file->target);

    if (failed) return capi_err_set_errno(err, errno, "could not rename \"%s\" to \"%s\"", file->path, file->target);
    return CAPI_OK;
}

static void writer_free(capi_file_writer *file)
{
    free(file->path);
    free(file->target);
    free(file);
}

capi_status capi_file_publish(capi_file_writer *file, capi_err *err)
{
    char *folder = folder_of(writer_shown_path(file));
    capi_status st;
    int fd;

    CAPI_TRY_OUT(capi_file_sync(file, err));
    fd = file->fd;
    file->fd = -1;
    /* Network file systems report late write errors here. Linux closes the descriptor even when it says EINTR. */
    if (close(fd) != 0 && errno != EINTR) {
        st = capi_err_set_errno(err, errno, "could not write \"%s\"", writer_shown_path(file));
        goto out;
    }
    if (file->target) {
        CAPI_TRY_OUT(writer_rename(file, err));
        free(file->target);
        file->target = NULL; /* from here on closing removes nothing */
        st = capi_folder_sync(folder, err);
    }
out:
    free(folder);
    capi_file_writer_close(file);
    return st;
}

void capi_file_writer_close(capi_file_writer *file)
{
    if (!file) return;
    if (file->fd >= 0) close(file->fd);
    if (file->target) unlink(file->path);
    writer_free(file);
}

const char *capi_file_writer_path(const capi_file_writer *file)
{
    return file->path;
}

/* ---- folders ---- */

static capi_status make_one_folder(const char *path, capi_err *err)
{
    struct stat info;

    if (mkdir(path, 0700) == 0) return CAPI_OK;
    if (errno != EEXIST) return capi_err_set_errno(err, errno, "cannot make the folder \"%s\"", path);
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "cannot make the folder \"%s\": there is a file of that name", path);
}

capi_status capi_folder_make(const char *path, capi_err *err)
{
    char *part = copy_text(path);
    capi_status st = CAPI_OK;

    /* Existing parents are skipped rather than made, since making one in a read-only folder fails otherwise. */
    for (char *slash = strchr(part + 1, '/'); slash && st == CAPI_OK; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (!capi_folder_exists(part)) st = make_one_folder(part, err);
        *slash = '/';
    }
    if (st == CAPI_OK && !capi_folder_exists(path)) st = make_one_folder(path, err);
    free(part);
    return st;
}

capi_status capi_folder_sync(const char *path, capi_err *err)
{
    int fd = open_retrying(path, O_RDONLY | O_DIRECTORY, 0);
    int failure = 0;

    if (fd < 0) return capi_err_set_errno(err, errno, "cannot open the folder \"%s\"", path);
    if (seam_fsync(path, fd) != 0 && errno != EINVAL) failure = errno; /* EINVAL: this file system has no such call */
    close(fd);
    if (failure) return capi_err_set_errno(err, failure, "could not write the folder \"%s\" to the disk", path);
    return CAPI_OK;
}

static capi_status remove_entry(const FTSENT *entry, capi_err *err)
{
    int failed = 0;

    switch (entry->fts_info) {
    case FTS_D: return CAPI_OK; /* comes again, as FTS_DP, after its content */
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        if (entry->fts_errno == ENOENT) return CAPI_OK;
        return capi_err_set_errno(err, entry->fts_errno, "cannot remove \"%s\"", entry->fts_path);
    case FTS_DP: failed = rmdir(entry->fts_accpath); break;
    default: failed = unlink(entry->fts_accpath);
    }
    if (failed && errno != ENOENT) return capi_err_set_errno(err, errno, "cannot remove \"%s\"", entry->fts_path);
    return CAPI_OK;
}

capi_status capi_folder_remove(const char *path, capi_err *err)
{
    char *roots[] = {copy_text(path), NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    capi_status st = CAPI_OK;
    FTSENT *entry;

    if (!walk) st = capi_err_set_errno(err, errno, "cannot remove \"%s\"", path);
    while (st == CAPI_OK && (entry = fts_read(walk)) != NULL)
        st = remove_entry(entry, err);
    if (walk) fts_close(walk);
    free(roots[0]);
    return st;
}

bool capi_folder_exists(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Magic numbers of statfs(2). */
static const char *network_file_system(unsigned long type)
{
    switch (type) {
    case 0x6969: return "NFS";
    case 0xFF534D42: return "CIFS";
    case 0xFE534D42: return "SMB2";
    case 0x517B: return "SMB";
    case 0x5346414F:
    case 0x6B414653: return "AFS";
    case 0x73757245: return "Coda";
    case 0x00C36400: return "Ceph";
    case 0x0BD00BD0: return "Lustre";
    case 0x01161970: return "GFS2";
    case 0x7461636f: return "OCFS2";
    case 0x19830326: return "BeeGFS";
    case 0x47504653: return "GPFS";
    default: return NULL;
    }
}

static const char *pretended_part;
static uint32_t pretended_magic;

void capi_folder_pretend(const char *path_part, uint32_t magic)
{
    pretended_part = path_part;
    pretended_magic = magic;
}

/* Of a path that does not exist yet, the nearest folder above that does decides. */
capi_status capi_folder_check_local(const char *path, capi_err *err)
{
    char *at = copy_text(path);
    const char *name = NULL;
    struct statfs info;
    capi_status st = CAPI_OK;

    while (statfs(at, &info) != 0) {
        char *parent;

        if (errno == EINTR) continue;
        if (errno != ENOENT || strcmp(at, "/") == 0 || strcmp(at, ".") == 0) {
            st = capi_err_set_errno(err, errno, "cannot look at the file system of \"%s\"", path);
            goto out;
        }
        parent = folder_of(at);
        free(at);
        at = parent;
    }
    if (pretended_part && strstr(path, pretended_part)) info.f_type = pretended_magic;
    name = network_file_system((unsigned long)info.f_type & 0xFFFFFFFF);
    if (name)
        st = capi_err_set(
            err, CAPI_INVALID,
            "\"%s\" lies on a network file system (%s), which cannot keep our locks; expected a local disk", path,
            name);
out:
    free(at);
    return st;
}
