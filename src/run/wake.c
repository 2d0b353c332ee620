/* wake.c - see wake.h: the times of a file, and inotify. */
#include "run/wake.h"

#include "base/arena.h"
#include "base/str.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WAKE_GAP_MS = 2 }; /* rings that come closer are heard as one */

struct capi_wake {
    int fd;    /* the file */
    int watch; /* inotify; -1: not listening */
    int end;   /* eventfd */
    pthread_t thread;
    void (*heard)(void *context);
    void *context;
};

capi_wake *capi_wake_open(const char *folder)
{
    capi_arena arena = {0};
    const char *path = capi_str_format(&arena, "%s/wake", folder).data;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    capi_wake *wake = NULL;

    if (fd >= 0) {
        wake = capi_zmalloc(sizeof *wake);
        *wake = (capi_wake){.fd = fd, .watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), .end = -1};
        if (wake->watch >= 0 && inotify_add_watch(wake->watch, path, IN_ATTRIB) < 0) {
            close(wake->watch);
            wake->watch = -1;
        }
    }
    capi_arena_deinit(&arena);
    return wake;
}

void capi_wake_ring(capi_wake *wake)
{
    if (wake) (void)!futimens(wake->fd, NULL);
}

static void *listen_main(void *argument)
{
    capi_wake *wake = argument;
    struct pollfd wanted[] = {{.fd = wake->watch, .events = POLLIN}, {.fd = wake->end, .events = POLLIN}};
    struct timespec gap = {.tv_nsec = WAKE_GAP_MS * 1000000L};
    char events[4096];

    for (;;) {
        if (poll(wanted, 2, -1) < 0) continue;
        if (wanted[1].revents) return NULL;
        while (read(wake->watch, events, sizeof events) > 0) {
        }
        wake->heard(wake->context);
        nanosleep(&gap, NULL);
    }
}

void capi_wake_listen(capi_wake *wake, void (*heard)(void *context), void *context)
{
    if (!wake || wake->watch < 0) return;
    wake->heard = heard;
    wake->context = context;
    wake->end = eventfd(0, EFD_CLOEXEC);
    if (wake->end >= 0 && pthread_create(&wake->thread, NULL, listen_main, wake) != 0) {
        close(wake->end);
        wake->end = -1;
    }
}

void capi_wake_close(capi_wake *wake)
{
    uint64_t one = 1;

    if (!wake) return;
    if (wake->end >= 0) {
        (void)!write(wake->end, &one, sizeof one);
        pthread_join(wake->thread, NULL);
        close(wake->end);
    }
    if (wake->watch >= 0) close(wake->watch);
    close(wake->fd);
    free(wake);
}
