/* interpreter.h - which Python it is, where its files lie, and the sandbox made for it: found out once per process.
 * Private to src/python/. Any thread. */
#pragma once

#include "python/sandbox.h"

typedef struct interpreter {
    const char *configured; /* CAPI_PYCALC_INTERPRETER_PATH, or python3 */
    const char *executable; /* what runs in the end, whatever scripts and links lie between */
    const char *version;
    char **argv; /* for a worker: NULL-terminated */
    char **envp;
    sandbox box;
} interpreter;

/* The one interpreter of this process. A failure is remembered too. */
CAPI_MUST_USE capi_status interpreter_get(const interpreter **out, capi_err *err);
/* Finds it in the background. */
void interpreter_warm_up(void);
/* Forgets it, for tests that change the environment: no worker may be alive. */
void interpreter_forget(void);
