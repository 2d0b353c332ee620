/* sandbox.h - what a worker process may do: compute, and read the files of its interpreter.
 *
 *     layer             keeps the user's code from
 *     no_new_privs      gaining rights by programs that have them; all capabilities are dropped too
 *     Landlock          opening any file outside of the interpreter's folders; connecting, signalling, tracing outside
 *     seccomp           any system call that is not on a list: no sockets, no new process or program, no writing to files,
 *                       no signals, no tracing, no limits raised. Threads are allowed
 *     resource limits   memory, descriptors, file size 0, no core files
 *
 * The layers are prepared here, before a worker is started, and applied between vfork and exec by system calls alone
 * (process.c), so that no line of Python ever runs outside of them. Without Landlock or without seccomp the other one still
 * stands; without both there is no sandbox, and the caller must refuse. CAPI_PYTHON_SANDBOX=off switches both off.
 *
 * exec must be allowed once, for the interpreter. The filter allows it only for a path at a certain address, one far below
 * those that programs use, and never allows memory to be mapped there; after the exec nothing lies there any more. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <linux/filter.h>

typedef struct sandbox_paths {
    const capi_str *readable; /* files and folders; missing ones are left out */
    uint32_t readable_count;
    const capi_str *executable; /* the interpreter and the program that loads it */
    uint32_t executable_count;
} sandbox_paths;

typedef struct sandbox {
    bool is_on;       /* false: CAPI_PYTHON_SANDBOX=off */
    int landlock_abi; /* 0: the kernel has none */
    int ruleset_fd;   /* -1: no Landlock */
    bool has_seccomp;
    struct sock_fprog filter;
    char *exec_path; /* the interpreter's path, where the filter allows it */
} sandbox;

/* Prepares the layers that the kernel offers, for exec of `exec_path`. */
CAPI_MUST_USE capi_status sandbox_open(sandbox *box, const char *exec_path, const sandbox_paths *paths, capi_err *err);
void sandbox_close(sandbox *box);

/* "no_new_privs, Landlock (ABI 7), seccomp, resource limits" */
void sandbox_append_words(const sandbox *box, capi_buf *to);

/* Between vfork and exec: applies Landlock; then, last of all, seccomp. 0 or an errno value. Only system calls. */
int sandbox_enter_landlock(const sandbox *box);
int sandbox_enter_seccomp(const sandbox *box);
int sandbox_drop_privileges(void);
