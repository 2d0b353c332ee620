/* process.h - starts an interpreter: in the sandbox as a worker, or for a question about itself. Private to src/python/. */
#pragma once

#include "python/sandbox.h"

#include <sys/types.h>

/* Descriptors of a worker, far from those that user code meets: worker.py has the same numbers. */
enum {
    PROCESS_REQUESTS_FD = 60,
    PROCESS_ANSWERS_FD = 61,
    PROCESS_MEMORY_FD = 62,
    PROCESS_ERROR_FD = 63,
    PROCESS_FD_MAX = 64
};

typedef struct process_options {
    const char *path; /* looked up in PATH if it has no "/"; ignored in a sandbox, which has its own */
    char **argv, **envp;
    const sandbox *box;        /* NULL: none */
    uint64_t memory_bytes;     /* address space; 0: no limit */
    int channel_fd, memory_fd; /* -1: none */
    int stdout_fd, stderr_fd;  /* -1: /dev/null */
} process_options;

/* Returns when the new program runs, or with the cause why it does not. The descriptors stay the caller's. */
CAPI_MUST_USE capi_status process_start(const process_options *options, pid_t *pid, capi_err *err);
/* Kills it if need be, waits for its end; *wait_status as of waitpid. */
void process_end(pid_t pid, int *wait_status);
/* True if it has ended; then *wait_status is set and the process is gone. */
bool process_has_ended(pid_t pid, int *wait_status);
/* "ended with exit code 3", "was killed by signal 11 (Segmentation fault)" */
void process_append_end(int wait_status, capi_buf *to);
