/* temp_folder.c - locked while it has no name yet, so that nobody can take it for one that was left behind. */
#include "run/temp_folder.h"

#include "base/arena.h"
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TEMP_PREFIX "temp-"
#define TEMP_NEW_PREFIX ".new-temp-" /* about to be locked */
#define TEMP_UNLOCKED_PREFIX ".unlocked-temp-"

/* One that has the lock in vain may be just being made, or be of a process that could not lock it. */
static const struct {
    const char *prefix;
    time_t age_s;
} swept[] = {{TEMP_PREFIX, 0}, {TEMP_NEW_PREFIX, 60}, {TEMP_UNLOCKED_PREFIX, 7 * 86400}};

/* The folder's descriptor, with the lock; -1: somebody else has it, or it cannot be opened. */
static int lock_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

void capi_temp_folder_make(const char *data_folder, const char *process_uid, capi_temp_folder *out)
{
    capi_arena arena = {0};
    const char *unnamed = capi_str_format(&arena, "%s/" TEMP_NEW_PREFIX "%s", data_folder, process_uid).data;
    const char *path = capi_str_format(&arena, "%s/" TEMP_PREFIX "%s", data_folder, process_uid).data;
    const char *unlocked = capi_str_format(&arena, "%s/" TEMP_UNLOCKED_PREFIX "%s", data_folder, process_uid).data;

    *out = (capi_temp_folder){.lock_fd = -1};
    if (mkdir(unnamed, 0700) == 0) {
        out->lock_fd = lock_folder(unnamed);
        if (out->lock_fd < 0 || rename(unnamed, path) != 0) {
            (void)!rmdir(unnamed);
            if (out->lock_fd >= 0) close(out->lock_fd);
            out->lock_fd = -1;
        }
    }
    out->path = strdup(out->lock_fd >= 0 ? path : unlocked);
    if (!out->path) abort();
    capi_arena_deinit(&arena);
}

void capi_temp_folder_remove(capi_temp_folder *folder)
{
    if (!folder->path) return;
    (void)!capi_folder_remove(folder->path, NULL);
    if (folder->lock_fd >= 0) close(folder->lock_fd);
    free(folder->path);
    *folder = (capi_temp_folder){.lock_fd = -1};
}

static bool is_swept(const char *name, const char *path)
{
    struct stat info;

    for (size_t i = 0; i < sizeof swept / sizeof *swept; i++)
        if (strncmp(name, swept[i].prefix, strlen(swept[i].prefix)) == 0)
            return stat(path, &info) == 0 && time(NULL) - info.st_mtime >= swept[i].age_s;
    return false;
}

static bool sweep_one(const char *path)
{
    int fd = lock_folder(path);
    bool is_removed = fd >= 0 && capi_folder_remove(path, NULL) == CAPI_OK;

    if (fd >= 0) close(fd);
    return is_removed;
}

uint32_t capi_temp_folders_sweep(const char *data_folder)
{
    DIR *folder = opendir(data_folder);
    uint32_t count = 0;

    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        capi_arena arena = {0};
        const char *path = capi_str_format(&arena, "%s/%s", data_folder, entry->d_name).data;

        if (is_swept(entry->d_name, path)) count += sweep_one(path);
        capi_arena_deinit(&arena);
    }
    if (folder) closedir(folder);
    return count;
}
