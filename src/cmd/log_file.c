/* log_file.c - writes, renames, compresses and forgets log files. */
#include "cmd/log_file.h"

#include "base/buf.h"
#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum { LOG_SIZE_MAX = 1 << 20, LOG_BACKUPS_MAX = 10, LOG_COPY_BYTES = 1 << 16, LOG_NAMES_MAX = 4096 };
#define LOG_AGE_MAX_S INT64_C(86400)

struct capi_log_file {
    capi_arena arena;
    capi_str path;
    capi_str folder;
    capi_str stem;      /* of the file's name: "daemon" */
    capi_str extension; /* ".log" */
    int fd;
    uint64_t size, size_max;
};

static capi_status open_file(capi_log_file *file, capi_err *err)
{
    struct stat info;

    file->fd = open(file->path.data, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file->fd < 0) return capi_err_set_errno(err, errno, "could not open the log file \"%s\"", file->path.data);
    file->size = fstat(file->fd, &info) == 0 ? (uint64_t)info.st_size : 0;
    return CAPI_OK;
}

static void split_path(capi_log_file *file)
{
    size_t slash = file->path.bytes;
    size_t dot;
    capi_str name;

    while (slash && file->path.data[slash - 1] != '/')
        slash--;
    name = capi_str_slice(file->path, slash, file->path.bytes);
    dot = name.bytes;
    for (size_t i = 1; i < name.bytes; i++)
        if (name.data[i] == '.') dot = i;
    file->folder = slash ? capi_str_copy(&file->arena, capi_str_slice(file->path, 0, slash)) : CAPI_STR("./");
    file->stem = capi_str_copy(&file->arena, capi_str_slice(name, 0, dot));
    file->extension = capi_str_copy(&file->arena, capi_str_slice(name, dot, name.bytes));
}

/* ---- old files ---- */

/* "daemon-2026-11-25T03-00-00.123.log"; two within a millisecond get different names. */
static capi_str backup_path(const capi_log_file *file, capi_arena *arena)
{
    int64_t now_ms = capi_clock_wall_ms(&capi_clock_system);

    for (;; now_ms++) {
        time_t seconds = now_ms / 1000;
        struct tm utc;
        char when[32];
        capi_str path;
        capi_str packed;

        gmtime_r(&seconds, &utc);
        strftime(when, sizeof when, "%Y-%m-%dT%H-%M-%S", &utc);
        path = capi_str_format(arena, "%s%s-%s.%03d%s", file->folder.data, file->stem.data, when, (int)(now_ms % 1000),
                               file->extension.data);
        packed = capi_str_format(arena, "%s.gz", path.data);
        if (access(path.data, F_OK) != 0 && access(packed.data, F_OK) != 0) return path;
    }
}

static bool copy_packed(int from, gzFile to)
{
    char *bytes = capi_malloc(LOG_COPY_BYTES);
    ssize_t got;
    bool is_well = true;

    while (is_well && (got = read(from, bytes, LOG_COPY_BYTES)) != 0)
        is_well = got > 0 && gzwrite(to, bytes, (unsigned)got) == got;
    free(bytes);
    return is_well;
}

/* The plain file goes only when the packed one is whole. */
static void pack(capi_str path, capi_arena *arena)
{
    capi_str packed = capi_str_format(arena, "%s.gz", path.data);
    capi_str unfinished = capi_str_format(arena, "%s.gz.tmp", path.data);
    int from = open(path.data, O_RDONLY | O_CLOEXEC);
    gzFile to = from < 0 ? NULL : gzopen(unfinished.data, "wbe");
    bool is_well = to && copy_packed(from, to);

    if (to && gzclose(to) != Z_OK) is_well = false;
    if (from >= 0) close(from);
    if (is_well && rename(unfinished.data, packed.data) == 0)
        unlink(path.data);
    else
        unlink(unfinished.data);
}

/* A name that backup_path gives, packed or not. */
static bool is_backup(const capi_log_file *file, capi_str name)
{
    size_t when_bytes = strlen("-2026-11-25T03-00-00.123");
    size_t least = file->stem.bytes + when_bytes + file->extension.bytes;
    const char *when = name.data + file->stem.bytes;

    if (capi_str_ends(name, ".gz")) name.bytes -= 3;
    if (name.bytes != least || !capi_str_starts(name, file->stem.data)) return false;
    if (memcmp(name.data + file->stem.bytes + when_bytes, file->extension.data, file->extension.bytes) != 0)
        return false;
    for (size_t i = 0; i < when_bytes; i++)
        if ((when[i] >= '0' && when[i] <= '9') !=
            ("-2026-11-25T03-00-00.123"[i] >= '0' && "-2026-11-25T03-00-00.123"[i] <= '9'))
            return false;
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return capi_str_compare(*(const capi_str *)a, *(const capi_str *)b);
}

static void forget_one(const capi_log_file *file, capi_str name, bool is_surplus, capi_arena *arena)
{
    capi_str path = capi_str_format(arena, "%s%s", file->folder.data, name.data);
    struct stat info;

    if (stat(path.data, &info) != 0) return;
    if (is_surplus || time(NULL) - info.st_mtime > LOG_AGE_MAX_S)
        unlink(path.data);
    else if (!capi_str_ends(name, ".gz")) /* left by a process that ended while it packed */
        pack(path, arena);
}

static void forget_old(const capi_log_file *file, capi_arena *arena)
{
    capi_str *names = capi_new_array(arena, capi_str, LOG_NAMES_MAX);
    DIR *folder = opendir(file->folder.data);
    uint32_t count = 0;

    if (!folder) return;
    for (struct dirent *entry; count < LOG_NAMES_MAX && (entry = readdir(folder));)
        if (is_backup(file, capi_str_of(entry->d_name)))
            names[count++] = capi_str_copy(arena, capi_str_of(entry->d_name));
    closedir(folder);
    qsort(names, count, sizeof *names, compare_names);
    for (uint32_t i = 0; i < count; i++)
        forget_one(file, names[i], count - i > LOG_BACKUPS_MAX, arena);
}

/* ---- the file ---- */

capi_status capi_log_file_open(capi_str path, uint64_t size_max, capi_log_file **out, capi_err *err)
{
    capi_log_file *file = capi_zmalloc(sizeof *file);
    capi_arena scratch = {0};
    capi_status st;

    file->path = capi_str_copy(&file->arena, path);
    file->size_max = size_max ? size_max : LOG_SIZE_MAX;
    split_path(file);
    st = open_file(file, err);
    if (st == CAPI_OK) forget_old(file, &scratch);
    capi_arena_deinit(&scratch);
    if (st != CAPI_OK) {
        capi_log_file_close(file);
        file = NULL;
    }
    *out = file;
    return st;
}

void capi_log_file_close(capi_log_file *file)
{
    if (!file) return;
    if (file->fd >= 0) close(file->fd);
    capi_arena_deinit(&file->arena);
    free(file);
}

void capi_log_file_rotate(capi_log_file *file)
{
    capi_arena scratch = {0};
    capi_str backup = backup_path(file, &scratch);

    if (file->size > 0 && rename(file->path.data, backup.data) == 0) {
        int old = file->fd;

        if (open_file(file, NULL) != CAPI_OK) {
            file->fd = old; /* better the old file under its new name than none */
        } else {
            close(old);
            pack(backup, &scratch);
            forget_old(file, &scratch);
        }
    }
    capi_arena_deinit(&scratch);
}

void capi_log_file_write(capi_log_file *file, const char *line, uint64_t bytes)
{
    if (file->size > 0 && file->size + bytes > file->size_max) capi_log_file_rotate(file);
    while (bytes) {
        ssize_t written = write(file->fd, line, bytes);

        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        file->size += (uint64_t)written;
        line += written;
        bytes -= (uint64_t)written;
    }
}
