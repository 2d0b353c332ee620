/* run.h - the life of a run: start, work, watch, stop.
 *
 * Decisions are made by the state (state.h); work is done by exec.h; run/ goes between. The dispatcher (agent.h) is a set
 * of steps that never block: each looks at the state, does one thing and says what it did, so that a simulator can drive it;
 * threads are the thin shell in agent_threads.h. */
#pragma once

#include "exec/exec.h"
#include "store/state.h"

/* One open data folder: state, tables and threads. Shared by all runs of the process. */
typedef struct capi_engine capi_engine;

typedef struct capi_engine_options {
    capi_str data_folder;     /* made when missing; refused on a network file system */
    uint32_t thread_count;    /* morsel threads; 0: one per core */
    uint32_t batch_count_max; /* batches open at once (thread_pool_size); 0: 5 */
    uint64_t memory_bytes;    /* budget; 0: half of the machine or control group */
    bool compress;            /* tables */
    bool must_exist;          /* a folder without a state is CAPI_NOT_FOUND, and nothing is made */
    bool can_work_alone;      /* this program has the command CAPI_ALONE_COMMAND (run/alone.h) */
    capi_str alone_config;    /* the text of the configuration that it needs, as this process knows it; empty: none */
    uint32_t lease_ms;        /* a process that is silent so long is dead; 0: 10,000 */
    uint32_t patience_ms;     /* how long a batch is tried again while what it needs is away; 0: 30,000 */
    const struct capi_net_settings
        *net;                       /* for files elsewhere (net/net.h; temporary_path is ours); NULL: its defaults */
    struct capi_state_times *times; /* if not NULL, operations of the state are measured (store/state_timed.h) */
} capi_engine_options;

CAPI_MUST_USE capi_status capi_engine_open(const capi_engine_options *options, capi_engine **out, capi_err *err);
void capi_engine_close(capi_engine *engine);
/* Lets the other processes on this machine look at once: something was started or stopped. */
void capi_engine_ring(capi_engine *engine);
/* Is it a folder in which an engine can work, or could one be made there? Makes nothing. */
CAPI_MUST_USE capi_status capi_engine_check_folder(capi_str data_folder, capi_err *err);
/* Can the data folder be written to? CAPI_UNAVAILABLE with words when its disk is full, or somebody keeps others from writing to
 * the state (see capi_state_check_writable); CAPI_INVALID when the state was removed or replaced. Looks only: for those who watch. */
CAPI_MUST_USE capi_status capi_engine_check_writable(capi_engine *engine, uint32_t patience_ms, capi_err *err);
/* Is there a state in the folder? Opening an engine would make one. */
bool capi_engine_has_state(capi_str data_folder);
capi_state *capi_engine_state(capi_engine *engine);
capi_exec *capi_engine_exec(capi_engine *engine);
capi_str capi_engine_process_uid(const capi_engine *engine);

/* ---- starting ---- */

typedef struct capi_start_options {
    capi_str keyspace;
    const capi_script *script;
    capi_str start_nodes; /* empty: capi_script_default_start */
    capi_str description;
    capi_run_mode mode;
    const capi_str *set_names, *set_values; /* parameters given one by one: kept with the run */
    uint32_t set_count;
    uint32_t run_id; /* 0: the next */
} capi_start_options;

/* Checks first (nodes exist, target folders exist), then starts the run, all or nothing. */
CAPI_MUST_USE capi_status capi_run_begin(capi_engine *engine, const capi_start_options *options, capi_arena *arena,
                                         capi_run *out, capi_err *err);

/* The script of a run as it was when the run started; free with capi_script_free. */
CAPI_MUST_USE capi_status capi_run_script(capi_state *state, const capi_run *run, capi_script **out, capi_err *err);
/* The same, with what the configuration says about custom processors (see capi_load_options). */
CAPI_MUST_USE capi_status capi_run_script_with(capi_state *state, const capi_run *run, capi_str custom_processors_json,
                                               capi_script **out, capi_err *err);

/* ---- working ---- */

/* What a watcher sees of one node, taken at one moment. */
typedef struct capi_node_view {
    capi_str name;
    capi_node_type type;
    capi_work_status status;
    uint32_t batches_total, batches_done, batches_failed, batches_running;
    uint32_t batches_here; /* done by the process that looks */
    uint64_t rows_read, rows_written;
    uint64_t transfer_done, transfer_all; /* bytes of files on their way, of all its batches here; all 0: unknown */
    bool is_upload;
    double fraction; /* 0..1 of the work that is known */
    int64_t elapsed_ms;
    capi_str
        waiting_for; /* why it does not run: "table \"orders\" (node \"read_orders\")", or, of one that has begun, why it does
                             not go on: "cannot write ...: No space left on device"; or empty */
    capi_str comment; /* failure */
} capi_node_view;

typedef struct capi_run_view {
    capi_run_status status;
    uint32_t node_count;
    capi_node_view *nodes; /* topological order */
} capi_run_view;

/* Called about every interval_ms, and once at the end, from the thread that called capi_run_work. */
typedef void (*capi_watch_fn)(void *context, const capi_run_view *view);

typedef struct capi_work_options {
    const capi_script *script;
    const capi_keyspace *keyspace;
    const capi_run *run;
    capi_watch_fn watch; /* may be NULL */
    void *watch_context;
    uint32_t interval_ms;
    capi_str only_node; /* of a direct run: its batches alone are worked on, one after another; empty: all nodes */
    const _Atomic int *interrupted; /* set by a signal handler: 1 releases all claims and returns CAPI_STOPPED */
} capi_work_options;

typedef struct capi_work_result {
    bool is_stopped; /* by an operator */
    capi_str stop_comment;
    uint32_t nodes_failed;
    uint32_t nodes_waiting; /* cannot go on by themselves (waiting for a table nobody makes, ...) */
    capi_str waiting;       /* in the arena: what the first few of them wait for, a line each */
    capi_str first_failure; /* in the arena: the words of the first failed batch, in topological order */
} capi_work_result;

/* Works until the run is complete or stopped. */
CAPI_MUST_USE capi_status capi_run_work(capi_engine *engine, const capi_work_options *options, capi_arena *arena,
                                        capi_work_result *out, capi_err *err);

/* ---- looking at results ---- */

/* The schema of a table as a run has it: CAPI_NOT_FOUND if the run does not make it. */
CAPI_MUST_USE capi_status capi_run_schema(capi_state *state, const capi_run *run, capi_str table, capi_arena *arena,
                                          capi_schema *out, capi_err *err);
/* The table that a node made in a run: schema as it was stored, and content. run_id 0: the newest run that has it. */
CAPI_MUST_USE capi_status capi_run_table(capi_engine *engine, const capi_keyspace *keyspace, capi_str table,
                                         uint32_t run_id, capi_arena *arena, capi_schema *schema, capi_table_input *out,
                                         capi_err *err);
