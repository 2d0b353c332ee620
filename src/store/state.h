/* state.h - who did what: keyspaces, runs, nodes, batches, claims, history. The one place where decisions are made.
 *
 * It speaks in operations, not in keys and values. Each operation is atomic and durable when it returns CAPI_OK (claims
 * need not survive a power cut; results do). CAPI_UNAVAILABLE may mean that it was applied: repeating it with the same
 * operation id gives the first answer. Written for the weakest backend: every decision is a compare-and-set on one row.
 *
 * Backends: memory (simulator, tests), SQLite (embedded; several processes). One contract test runs over all of them.
 * doc/internals/state.md gives the SQL and the CQL of each operation.
 *
 *     run:    start --run_complete--> complete           start, complete --run_stop--> stop
 *     node:   none --node_open--> start --node_seal_finish--> success | fail | stopreceived
 *             none --node_refuse--> fail
 *             none, start --run_stop, then the end of the last claim--> stopreceived | fail
 *     batch:  none --batch_claim--> start --batch_finish--> success | fail
 *             start --batch_publish--> start(publishing)      none --run_stop, node_refuse--> stopreceived | fail
 *             start --batch_release, process_bury--> none, in a stopped run stopreceived
 *
 * Texts in results live in the arena that the caller passes. Any thread may call; a backend locks for itself. */
#pragma once

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "base/str.h"

typedef enum capi_run_status {
    CAPI_RUN_NONE = 0,
    CAPI_RUN_START = 1,
    CAPI_RUN_COMPLETE = 2,
    CAPI_RUN_STOP = 3
} capi_run_status;
typedef enum capi_work_status { /* of nodes and batches */
                                CAPI_WORK_NONE = 0,
                                CAPI_WORK_START = 1,
                                CAPI_WORK_SUCCESS = 2,
                                CAPI_WORK_FAIL = 3,
                                CAPI_WORK_STOP_RECEIVED = 104,
} capi_work_status;

typedef enum capi_run_mode { CAPI_RUN_QUEUED = 0, CAPI_RUN_DIRECT = 1 } capi_run_mode;

typedef struct capi_state capi_state;

CAPI_MUST_USE capi_status capi_state_open_memory(const capi_clock *clock, const capi_random *random, capi_state **out,
                                                 capi_err *err);
/* <folder>/state.db. A file of another application, a damaged one or one of a newer version is refused with words; an
 * older one is migrated. */
CAPI_MUST_USE capi_status capi_state_open_sqlite(capi_str folder, const capi_clock *clock, const capi_random *random,
                                                 capi_state **out, capi_err *err);
void capi_state_close(capi_state *state);
/* Is it still the state that was opened? CAPI_INVALID when its file was removed, replaced, or migrated by a newer program: what is
 * written from then on nobody will read, so a process should end. A beat looks too. */
CAPI_MUST_USE capi_status capi_state_check(capi_state *state, capi_err *err);

/* Can it be written to? CAPI_UNAVAILABLE with words that name the process when one that was stopped has the lock, or one has had it
 * for patience_ms. Looks only, and at once when nobody has it. */
CAPI_MUST_USE capi_status capi_state_check_writable(capi_state *state, uint32_t patience_ms, capi_err *err);

/* ---- keyspaces ---- */

typedef struct capi_keyspace {
    capi_str name;
    capi_str uid; /* new for every life of the name (I15) */
} capi_keyspace;

/* ^[a-zA-Z][a-zA-Z0-9_]*$, not ^system in any case, at most 48 bytes. Names that differ in case alone are one name: a keyspace keeps
 * the spelling of its first use. */
CAPI_MUST_USE capi_status capi_keyspace_check_name(capi_str name, capi_err *err);
/* create false: CAPI_NOT_FOUND with words that name the store. */
CAPI_MUST_USE capi_status capi_keyspace_open(capi_state *state, capi_str name, bool create, capi_arena *arena,
                                             capi_keyspace *out, capi_err *err);
CAPI_MUST_USE capi_status capi_keyspace_list(capi_state *state, capi_arena *arena, capi_keyspace **out, uint32_t *count,
                                             capi_err *err);
/* Gone with all its runs; *uid tells which tables to remove. An unknown name is CAPI_NOT_FOUND. */
CAPI_MUST_USE capi_status capi_keyspace_drop(capi_state *state, capi_str name, capi_arena *arena, capi_str *uid,
                                             capi_err *err);

/* The greatest run id that was given in it, whether that run is still there or not; 0: none. */
CAPI_MUST_USE capi_status capi_keyspace_last_run(capi_state *state, const capi_keyspace *keyspace, uint32_t *out,
                                                 capi_err *err);

/* ---- runs ---- */

typedef struct capi_run_node { /* one affected node */
    capi_str name;
    uint32_t batches_total;
} capi_run_node;

typedef struct capi_snapshot_file { /* what the run was started with, as it was then (I14) */
    capi_str kind;                  /* "script", "params", "python", "criteria", "schema" */
    capi_str url;
    capi_str text;
} capi_snapshot_file;

#define CAPI_TARGET_RUN_ID "{run_id|string}"

typedef struct capi_run_spec {
    capi_str operation_uid; /* repeating the start with it gives the first answer */
    capi_str script_url;
    capi_str params_url;
    capi_str start_nodes; /* as given: comma-separated */
    capi_str description;
    capi_run_mode mode;
    uint32_t run_id; /* 0: the next; else this one, CAPI_CONFLICT if it, or a greater one, was ever given */
    capi_str owner;  /* direct runs: the process that works on it */
    const capi_run_node *nodes;
    uint32_t node_count;
    const capi_snapshot_file *files;
    uint32_t file_count;
    const capi_str
        *targets; /* absolute paths that the run will write; another live run with one of them is CAPI_CONFLICT. The
                     run's id, in five digits, takes the place of CAPI_TARGET_RUN_ID in them */
    uint32_t target_count;
} capi_run_spec;

typedef struct capi_run {
    uint32_t run_id;  /* 1, 2, 3, ... per keyspace */
    capi_str run_uid; /* unique for ever */
    capi_str keyspace_uid;
    capi_str script_url, params_url, start_nodes, description, owner;
    capi_run_mode mode;
    capi_run_status status;                 /* stop > complete > start */
    int64_t start_ms, complete_ms, stop_ms; /* wall clock; 0: did not happen */
    capi_str complete_comment, stop_comment;
} capi_run;

/* All or nothing (I3). */
CAPI_MUST_USE capi_status capi_run_start(capi_state *state, const capi_keyspace *keyspace, const capi_run_spec *spec,
                                         capi_arena *arena, capi_run *out, capi_err *err);
CAPI_MUST_USE capi_status capi_run_get(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id,
                                       capi_arena *arena, capi_run *out, capi_err *err);
CAPI_MUST_USE capi_status capi_run_list(capi_state *state, const capi_keyspace *keyspace, capi_arena *arena,
                                        capi_run **out, uint32_t *count, capi_err *err);
CAPI_MUST_USE capi_status capi_run_snapshot(capi_state *state, capi_str run_uid, capi_arena *arena,
                                            capi_snapshot_file **out, uint32_t *count, capi_err *err);
/* Also marks unclaimed batches stopreceived (I9), those given back later as well, and ends nodes that no claim holds any
 * more: fail if a batch failed, else stopreceived. A node all of whose batches ended before stays as it is, for its
 * seal. Stopping again keeps the first time and comment. */
CAPI_MUST_USE capi_status capi_run_stop(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id,
                                        capi_str comment, capi_err *err);
/* When every affected node is final and none is stopreceived; otherwise CAPI_CONFLICT. Of a direct run, nodes that never began do
 * not count. Done before: CAPI_OK. */
CAPI_MUST_USE capi_status capi_run_complete(capi_state *state, capi_str run_uid, capi_str comment, capi_err *err);
/* Forgets one finished run, for gc. CAPI_CONFLICT while somebody works on it, or while a run of the keyspace reads its tables
 * or may still choose them: one that goes on and has a node that is not open yet. */
CAPI_MUST_USE capi_status capi_run_forget(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id,
                                          capi_arena *arena, capi_str *run_uid, capi_err *err);

/* ---- nodes ---- */

typedef struct capi_node_state {
    capi_str name;
    uint32_t batches_total;
    uint32_t batches_done; /* final */
    uint32_t batches_failed;
    uint32_t batches_claimed;
    capi_work_status status;
    capi_str reader_run_uid; /* fixed by node_open; empty: not opened, or no such dependency */
    capi_str lookup_run_uid;
    int64_t start_ms, final_ms;
    capi_str comment;
    bool sealing;
    uint64_t row_count; /* of the sealed table */
} capi_node_state;

/* In the order of the run's spec. */
CAPI_MUST_USE capi_status capi_node_list(capi_state *state, capi_str run_uid, capi_arena *arena, capi_node_state **out,
                                         uint32_t *count, capi_err *err);
CAPI_MUST_USE capi_status capi_node_get(capi_state *state, capi_str run_uid, capi_str node, capi_arena *arena,
                                        capi_node_state *out, capi_err *err);
/* The dependency check said go: fixes both runs, status start. Whoever comes second gets the first answer in *out. */
CAPI_MUST_USE capi_status capi_node_open(capi_state *state, capi_str run_uid, capi_str node, capi_str reader_run_uid,
                                         capi_str lookup_run_uid, capi_arena *arena, capi_node_state *out,
                                         capi_err *err);
/* The check said nogo: all batches and the node fail with the comment. */
CAPI_MUST_USE capi_status capi_node_refuse(capi_state *state, capi_str run_uid, capi_str node, capi_str comment,
                                           capi_err *err);

/* ---- batches ---- */

typedef struct capi_claim { /* one attempt at one batch; plain values, may be copied */
    char run_uid[CAPI_UID_BYTES];
    char attempt_uid[CAPI_UID_BYTES];
    char node[256];
    uint32_t batch_idx;
    uint32_t batches_total;
    uint32_t deaths; /* how many processes died on this batch before */
    bool publishing; /* taken over from a process that was publishing its file */
} capi_claim;

/* The lowest unclaimed batch of an opened node becomes ours. CAPI_NOT_FOUND: none left (claimed or final), or not
 * opened. CAPI_STOPPED: the run is stopped. */
CAPI_MUST_USE capi_status capi_batch_claim(capi_state *state, capi_str run_uid, capi_str node, capi_str process_uid,
                                           capi_str operation_uid, capi_claim *out, capi_err *err);
/* Gives the batch back untouched: on interruption. */
CAPI_MUST_USE capi_status capi_batch_release(capi_state *state, const capi_claim *claim, capi_err *err);
/* What keeps a claimed batch from going on ("disk is full"), for those who look from elsewhere: the comment of the batch until it
 * ends or is given back, and of its node until that ends. Empty: it goes on. CAPI_CONFLICT: not ours. */
CAPI_MUST_USE capi_status capi_batch_note(capi_state *state, const capi_claim *claim, capi_str note, capi_err *err);
/* From here on only the rename is missing: `staged` is the finished file, `target` its final name. CAPI_CONFLICT: not ours. */
CAPI_MUST_USE capi_status capi_batch_publish(capi_state *state, const capi_claim *claim, capi_str staged,
                                             capi_str target, capi_err *err);

/* The staged and the final name that this claim, or the one it was taken over from, has given to capi_batch_publish;
 * both empty if none has. CAPI_CONFLICT: not ours. */
CAPI_MUST_USE capi_status capi_batch_publication(capi_state *state, const capi_claim *claim, capi_arena *arena,
                                                 capi_str *staged, capi_str *target, capi_err *err);

typedef struct capi_batch_result {
    capi_work_status status; /* SUCCESS or FAIL */
    capi_str extents;        /* encoded list of capi_extent (see capi_extents_encode), empty for files and failures */
    uint64_t rows_read, rows_written, bytes_written;
    int64_t first_token, last_token;
    capi_str comment; /* statistics, or the error */
} capi_batch_result;

/* The one commit that makes an attempt the batch's result. CAPI_CONFLICT: the claim is no longer ours, nothing changed.
 * Repeating it after CAPI_UNAVAILABLE is safe. */
CAPI_MUST_USE capi_status capi_batch_finish(capi_state *state, const capi_claim *claim, const capi_batch_result *result,
                                            capi_err *err);

typedef struct capi_batch_state {
    uint32_t batch_idx, batches_total;
    capi_work_status status;
    capi_str owner, attempt_uid;
    capi_str extents, survivors; /* survivors: bitmap set by the seal, empty: all rows */
    uint64_t rows_read, rows_written, bytes_written;
    int64_t first_token, last_token;
    int64_t start_ms, final_ms;
    uint32_t deaths;
    capi_str comment;
} capi_batch_state;

/* All batches of a node by index; those never claimed have status none. with_extents false leaves extents and survivors
 * empty: for listings. */
CAPI_MUST_USE capi_status capi_batch_list(capi_state *state, capi_str run_uid, capi_str node, bool with_extents,
                                          capi_arena *arena, capi_batch_state **out, uint32_t *count, capi_err *err);

/* ---- seals ---- */

/* When all batches of an opened node are final and no seal is claimed. CAPI_NOT_FOUND: not ready, taken or done. */
CAPI_MUST_USE capi_status capi_node_seal_claim(capi_state *state, capi_str run_uid, capi_str node, capi_str process_uid,
                                               capi_str operation_uid, capi_claim *out, capi_err *err);

typedef struct capi_seal_batch { /* what a batch has written after all, if not all of its rows survive */
    uint64_t rows_written;
    capi_str comment;
} capi_seal_batch;

typedef struct capi_seal_result {
    capi_work_status status; /* SUCCESS, FAIL, STOP_RECEIVED */
    uint64_t row_count;
    capi_str comment;
    const capi_str *survivors;      /* one bitmap per batch, or NULL: all rows of all batches; empty: all of this one */
    const capi_seal_batch *batches; /* of those with a bitmap, instead of what they said; NULL: as they said */
} capi_seal_result;

CAPI_MUST_USE capi_status capi_node_seal_finish(capi_state *state, const capi_claim *claim,
                                                const capi_seal_result *result, capi_err *err);
CAPI_MUST_USE capi_status capi_node_seal_release(capi_state *state, const capi_claim *claim, capi_err *err);

/* ---- processes: leases without comparing clocks (design: whoever sees a beat unchanged for a lease may take over) ---- */

typedef struct capi_process {
    capi_str process_uid;
    uint64_t beat;        /* counter in its row */
    uint32_t claim_count; /* batches and seals it holds */
} capi_process;

/* Adds one to the process's counter; makes the row on first use. */
CAPI_MUST_USE capi_status capi_process_beat(capi_state *state, capi_str process_uid, capi_err *err);
/* Processes that hold claims. */
CAPI_MUST_USE capi_status capi_process_list(capi_state *state, capi_arena *arena, capi_process **out, uint32_t *count,
                                            capi_err *err);
/* Frees all claims of a dead process, if its beat is still `beat` (else CAPI_CONFLICT); counts a death on each. */
CAPI_MUST_USE capi_status capi_process_bury(capi_state *state, capi_str process_uid, uint64_t beat, capi_err *err);
/* A process ends and holds nothing any more. */
CAPI_MUST_USE capi_status capi_process_leave(capi_state *state, capi_str process_uid, capi_err *err);

/* ---- extents as text ---- */

struct capi_extent;
struct capi_buf;
/* Little-endian, 32 bytes an extent, behind a 4-byte count: what batch results hold. */
void capi_extents_encode(struct capi_buf *to, const struct capi_extent *extents, uint32_t count);
/* In the arena. CAPI_INVALID if the bytes cannot be such a list. */
CAPI_MUST_USE capi_status capi_extents_decode(capi_str bytes, capi_arena *arena, struct capi_extent **out,
                                              uint32_t *count, capi_err *err);
