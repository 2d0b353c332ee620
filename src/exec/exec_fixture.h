/* exec_fixture.h - for tests: a folder, a store, a pool, and a script whose nodes run one after the other. */
#pragma once

#include "base/test.h"
#include "exec/exec.h"

typedef struct exec_fixture {
    capi_arena arena;
    capi_budget budget;
    capi_thread_pool *pool;
    capi_tables *tables;
    capi_exec exec;
    capi_script *script;
    const char *folder;
    capi_table_input *results;  /* by node, in script order */
    capi_batch_output *outputs; /* of each node's last batch, without its extents and file */
    uint32_t attempt_count;
    capi_progress progress;
    capi_err err;
} exec_fixture;

void exec_fixture_open(exec_fixture *f, uint32_t threads, uint64_t budget_bytes);
void exec_fixture_close(exec_fixture *f);

/* A file in the folder. */
void exec_fixture_put(exec_fixture *f, const char *name, const char *text);
/* The text of a file in the folder, with CR LF of the header as LF. */
const char *exec_fixture_get(exec_fixture *f, const char *name);

/* Loads a script (YAML; {dir} is the folder). */
void exec_fixture_load(exec_fixture *f, const char *yaml);
/* All nodes in topological order. NULL, or the message of the first failure. */
const char *exec_fixture_run(exec_fixture *f);
/* One node, all batches and the seal. */
capi_status exec_fixture_run_node(exec_fixture *f, const char *name);
/* All of it: loads, runs, which must succeed. */
void exec_fixture_run_script(exec_fixture *f, const char *yaml);

/* The table of a node as text: "1,a|2,b". */
const char *exec_fixture_table(exec_fixture *f, const char *node);
uint64_t exec_fixture_rows(exec_fixture *f, const char *node);
