/* state_sqlite_lock.c - reads /proc/locks, then what /proc says of the process. Where there is no /proc nobody is found. */
#include "store/state_sqlite_lock.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { WAL_WRITE_LOCK_BYTE = 120, LOCK_LOOK_MS = 20 };

/* "5: POSIX  ADVISORY  WRITE 4711 fe:00:12618182 120 120"; a line that begins with an arrow is somebody who waits. */
static bool is_write_lock(const char *line, uint64_t inode, long *pid)
{
    unsigned long long found_inode;
    unsigned long long first;
    char kind[16];
    char last[32];

    if (sscanf(line, "%*d: POSIX %*15s %15s %ld %*x:%*x:%llu %llu %31s", kind, pid, &found_inode, &first, last) != 5)
        return false;
    if (strcmp(kind, "WRITE") != 0 || found_inode != inode || first > WAL_WRITE_LOCK_BYTE) return false;
    if (strcmp(last, "EOF") != 0) {
        unsigned long long end;

        if (sscanf(last, "%llu", &end) != 1 || end < WAL_WRITE_LOCK_BYTE) return false;
    }
    return *pid > 0;
}

/* "4711 (name) T ...": the name may hold anything, also parentheses. */
static void describe(state_lock_holder *holder)
{
    char path[64];
    char text[256] = "";
    FILE *file;
    const char *open;
    const char *close;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)holder->pid);
    file = fopen(path, "re");
    if (!file) return;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    open = strchr(text, '(');
    close = strrchr(text, ')');
    if (!open || !close || close < open || close[1] == 0) return;
    snprintf(holder->name, sizeof holder->name, "%.*s", (int)(close - open - 1), open + 1);
    holder->is_stopped = close[2] == 'T' || close[2] == 't';
}

void state_lock_find_holder(const char *state_path, state_lock_holder *out)
{
    char line[256];
    struct stat info;
    FILE *locks;

    *out = (state_lock_holder){0};
    if (snprintf(line, sizeof line, "%s-shm", state_path) >= (int)sizeof line || stat(line, &info) != 0) return;
    locks = fopen("/proc/locks", "re");
    if (!locks) return;
    while (out->pid == 0 && fgets(line, sizeof line, locks)) {
        long pid = 0;

        if (is_write_lock(line, (uint64_t)info.st_ino, &pid)) out->pid = (pid_t)pid;
    }
    fclose(locks);
    if (out->pid) describe(out);
}

capi_status state_lock_error(const char *path, const state_lock_holder *holder, capi_err *err)
{
    if (holder->pid == 0)
        return capi_err_set(err, CAPI_UNAVAILABLE, "state file \"%s\" is locked by another process", path);
    if (!holder->is_stopped)
        return capi_err_set(err, CAPI_UNAVAILABLE, "state file \"%s\" is locked by process %ld (%s)", path,
                            (long)holder->pid, holder->name);
    return capi_err_set(
        err, CAPI_UNAVAILABLE,
        "state file \"%s\" is locked by process %ld (%s), which was stopped while it wrote: let it go on "
        "with \"kill -CONT %ld\", or end it with \"kill -KILL %ld\"",
        path, (long)holder->pid, holder->name, (long)holder->pid, (long)holder->pid);
}

capi_status state_lock_check(const char *state_path, uint32_t patience_ms, capi_err *err)
{
    const struct timespec pause = {.tv_nsec = LOCK_LOOK_MS * 1000000L};
    state_lock_holder first;

    state_lock_find_holder(state_path, &first);
    for (uint32_t waited_ms = 0; first.pid && !first.is_stopped; waited_ms += LOCK_LOOK_MS) {
        state_lock_holder now;

        if (waited_ms >= patience_ms) return state_lock_error(state_path, &first, err);
        nanosleep(&pause, NULL);
        state_lock_find_holder(state_path, &now);
        if (now.pid != first.pid) return CAPI_OK;
        first.is_stopped = now.is_stopped;
    }
    return first.is_stopped ? state_lock_error(state_path, &first, err) : CAPI_OK;
}
