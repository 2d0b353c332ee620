/* state_sqlite_lock.h - who keeps others from writing to a state file. Private to src/store/.
 *
 * A writer's lock is a POSIX lock on byte 120 of "<state.db>-shm" (SQLite's "WAL-mode file format", section "WAL locks": eight
 * lock bytes from 120 on, the first is the write lock). The kernel lists such locks in /proc/locks; asking with fcntl would
 * mean to open the file, and closing it again would release our own locks on it. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct state_lock_holder {
    pid_t pid;       /* 0: not known */
    char name[32];   /* of its program */
    bool is_stopped; /* by a signal or a debugger: it will not go on by itself */
} state_lock_holder;

/* CAPI_UNAVAILABLE with words, if it was stopped or has had the lock all the time of patience_ms. */
CAPI_MUST_USE capi_status state_lock_check(const char *state_path, uint32_t patience_ms, capi_err *err);
capi_status state_lock_error(const char *state_path, const state_lock_holder *holder, capi_err *err);
void state_lock_find_holder(const char *state_path, state_lock_holder *out);
