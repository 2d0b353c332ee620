/* python.h - formulas in Python: worker processes that load the user's code once and compute page after page.
 *
 *     capi_python_get     a worker that has loaded the program: one that is idle, or a new process in the sandbox
 *     capi_python_page    columns in, columns out; shared memory between the two, a socket for short frames
 *     capi_python_give    puts it back for the next batch of the same program, or ends it
 *
 * A worker belongs to one thread at a time; the functions may be called by any number of threads. Whatever the user's code
 * does (crash, hang, write garbage, fill memory) ends in an error of the page, never in harm to this process: all that comes
 * from a worker is checked. The sandbox is described in sandbox.h, the frames in doc/internals/python.md. */
#pragma once

#include "vec/vec.h"

typedef struct capi_python_source {
    capi_str name; /* as messages show it: the URL */
    capi_str text;
} capi_python_source;

typedef struct capi_python_field {
    capi_str name;
    capi_type type;
    capi_str expression; /* Python, with r_x and p_y for fields: see translate.h */
} capi_python_field;

typedef struct capi_python_program {
    const capi_python_source *sources;
    uint32_t source_count;
    const capi_field *inputs; /* reader fields: r_<name> */
    uint32_t input_count;
    const capi_python_field *fields; /* in dependency order */
    uint32_t field_count;
    capi_str owner; /* node of a run: what the user's module remembers is seen by the batches of the same owner alone */
    bool as_globals; /* r_x and p_y are globals of the user's module, for code that reads them so */
} capi_python_program;

typedef struct capi_python_limits {
    uint64_t memory_bytes;              /* address space of a worker; 0: 1 GiB */
    uint64_t idle_bytes_max;            /* of the limits of all workers that wait; 0: no limit but their number */
    int64_t page_timeout_ms;            /* 0: none */
    bool (*should_stop)(void *context); /* asked now and then while waiting; NULL: never */
    void *stop_context;
} capi_python_limits;

typedef struct capi_python_worker capi_python_worker;

enum { CAPI_PYTHON_PAGE_ROWS_MAX = CAPI_BLOCK_ROWS, CAPI_PYTHON_NO_ROW = UINT32_MAX };

/* CAPI_INVALID: the code does not load, the interpreter cannot be started, or there is no sandbox; the message shows the
 * traceback. CAPI_STOPPED: should_stop said so. */
CAPI_MUST_USE capi_status capi_python_get(const capi_python_program *program, const capi_python_limits *limits,
                                          capi_python_worker **out, capi_err *err);
/* is_well: the last page did not fail. NULL is fine. */
void capi_python_give(capi_python_worker *worker, bool is_well);
/* inputs[i] in stored form; outputs[field] get their memory from the arena. first_row: the number of the page's first row,
 * for messages about several rows. On CAPI_INVALID *bad_row is the lowest row of the page that failed, or
 * CAPI_PYTHON_NO_ROW when it is no row's fault; then the worker must be given back as not well. */
CAPI_MUST_USE capi_status capi_python_page(capi_python_worker *worker, const capi_python_limits *limits,
                                           const capi_vec *inputs, uint32_t row_count, uint64_t first_row,
                                           capi_arena *arena, capi_vec *outputs, uint32_t *bad_row, capi_err *err);
/* Whether the program has formulas over whole columns, for which large pages pay. Known once a worker has it. */
bool capi_python_is_vectorized(const capi_python_worker *worker);

/* Looks for the interpreter in the background, so that the first worker need not wait for that. */
void capi_python_warm_up(void);
/* Ends all idle workers. */
void capi_python_shutdown(void);

/* For "doctor": which interpreter, which layers. */
typedef struct capi_python_facts {
    capi_str interpreter; /* as configured: CAPI_PYCALC_INTERPRETER_PATH or python3 */
    capi_str executable;  /* what it is in the end */
    capi_str version;
    capi_str sandbox; /* "no_new_privs, Landlock (ABI 7), seccomp, resource limits", or "off" */
    bool is_sandboxed;
} capi_python_facts;
CAPI_MUST_USE capi_status capi_python_describe(capi_arena *arena, capi_python_facts *out, capi_err *err);
