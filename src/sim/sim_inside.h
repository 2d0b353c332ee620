/* sim_inside.h - what the files of the simulator share. */
#pragma once

#include "base/buf.h"
#include "run/agent.h"
#include "sim/sim.h"
#include "store/state_backend.h"

enum {
    SIM_PROCESSES = 4,
    SIM_SLOTS = 3,
    SIM_ACTORS = 2 + SIM_SLOTS,
    SIM_VERSIONS = 3,
    SIM_STARTS = 5,
    SIM_NAME_MAX = 120,
    SIM_LATE_MAX = 16,
    SIM_RINGS_MAX = 64,
    SIM_NODES_MAX = 8,
};

#define SIM_MS INT64_C(1000000)
#define SIM_LEASE_NS (1000 * SIM_MS)

typedef struct sim_world sim_world;
typedef struct sim_process sim_process;
typedef struct sim_disk sim_disk;

/* ---- what processes leave behind ---- */

typedef struct sim_blob { /* one block of a table */
    char run_uid[CAPI_UID_BYTES], node[32];
    uint32_t batch_idx;
    uint64_t value;
    uint32_t rows;
    uint32_t writers; /* attempts that wrote it: one, but with a mutant */
    bool is_whole;
    bool is_removed; /* with its run */
} sim_blob;

typedef struct sim_file {
    char name[SIM_NAME_MAX];
    char run_uid[CAPI_UID_BYTES], node[32];
    uint32_t batch_idx;
    uint64_t value;
    bool is_whole;
    int64_t made_ns;
} sim_file;

typedef struct sim_late_rename { /* of a process that had looked at its claim, and slept before it could rename */
    char from[SIM_NAME_MAX], to[SIM_NAME_MAX];
    int64_t due_ns;
} sim_late_rename;

typedef struct sim_ring { /* an announcement that is under way to a process */
    uint32_t process;
    int64_t due_ns;
} sim_ring;

/* ---- processes ---- */

typedef struct sim_actor { /* one thread of a process */
    sim_process *process;
    uint32_t kind; /* 0 dispatch, 1 beat, 2.. slots */
    int64_t due_ns;
    bool is_running;
    bool has_news;
} sim_actor;

typedef struct sim_work { /* what a slot's worker holds */
    bool is_begun, is_done;
    int64_t done_ns;
    uint32_t blob; /* number + 1 */
    char staged[SIM_NAME_MAX], target[SIM_NAME_MAX];
    bool renames_late; /* mutant */
    bool writes_late;  /* mutant */
    uint64_t value;    /* what it will write */
    uint32_t rows;
    capi_claim claim;
    capi_buf extents;
    capi_arena arena;
} sim_work;

typedef struct sim_children { /* of one claim, which are dead */
    char attempt[CAPI_UID_BYTES];
    uint32_t deaths;
} sim_children;

typedef struct sim_worker {
    capi_worker base;
    sim_process *process;
    sim_work works[SIM_SLOTS];
    sim_children children[SIM_SLOTS];
    bool has_committed; /* of a child: its batch or seal */
    capi_work_status committed;
} sim_worker;

typedef struct sim_state { /* the store as one process sees it */
    capi_state base;
    sim_process *process;
} sim_state;

struct sim_process {
    sim_world *world;
    capi_state *store; /* its connection */
    char uid[CAPI_UID_BYTES];
    bool is_alive;
    bool is_doomed;      /* dies as soon as the step that it is in unwinds */
    bool is_ending;      /* was told to end */
    bool is_spared;      /* does not die by chance */
    sim_process *parent; /* of a child that works on one batch alone */
    uint32_t depth;      /* steps of it that are on the stack */
    int64_t asleep_until_ns, restart_ns;
    int64_t wall_skew_ns, clock_offset_ns;
    int32_t drift_ppm;
    capi_random_seeded seed;
    capi_random random;
    capi_clock clock;
    sim_state state;
    sim_worker worker;
    capi_agent *agent;
    sim_actor actors[SIM_ACTORS];
    uint32_t slot_count;
};

/* ---- the book: what really happened, written when calls take effect ---- */

typedef struct sim_entry { /* a batch; or a seal, batch UINT32_MAX */
    char run_uid[CAPI_UID_BYTES], node[32];
    uint32_t batch_idx;
    char attempt[CAPI_UID_BYTES], owner[CAPI_UID_BYTES]; /* empty: not claimed */
    char operation[CAPI_UID_BYTES];                      /* of the call that claimed it */
    int64_t claimed_ns;
    bool is_final;
    char final_attempt[CAPI_UID_BYTES];
    int64_t final_claimed_ns;
    int seen_status; /* last one that an audit saw */
} sim_entry;

typedef struct sim_inputs { /* what a node reads: runs, chosen when it was opened */
    char node[32], reader_run_uid[CAPI_UID_BYTES], lookup_run_uid[CAPI_UID_BYTES];
} sim_inputs;

typedef struct sim_start { /* one wish of the operator to start a run */
    uint32_t version;
    capi_str start_nodes;
    capi_run_node *nodes;
    uint32_t node_count;
    bool is_answered; /* the operator was told that it runs */
    bool is_known;    /* it took effect */
    bool is_stopped, is_dropped, is_forgotten;
    uint32_t stop_first, stop_last; /* numbers of the operator's stops that took effect; 0: none did */
    sim_inputs inputs[SIM_NODES_MAX];
    uint32_t input_count;
    char run_uid[CAPI_UID_BYTES], keyspace_uid[CAPI_UID_BYTES];
    uint32_t run_id;
    int64_t begun_ns;
} sim_start;

typedef struct sim_beat {
    char uid[CAPI_UID_BYTES];
    uint64_t count;
    int64_t last_ns;
} sim_beat;

struct sim_world {
    sim_options options;
    sim_report report;
    capi_arena arena;
    capi_random_seeded seed;
    capi_random random;
    int64_t now_ns, calm_ns, end_ns;
    bool is_calm;
    uint32_t depth;

    uint32_t fault_permille, disk_permille, crash_per_10000, sleep_per_10000, late_permille, late_rename_permille,
        interleave_permille, unavailable_permille, lost_permille, kill_permille;
    int64_t outage_until_ns;

    capi_clock store_clock;
    capi_random_seeded store_seed;
    capi_random store_random;
    int64_t store_skew_ns;
    capi_state *memory; /* as those see it who check */
    capi_state *store;  /* as it is seen by whoever calls now; between calls the same as memory */
    sim_disk *disk;     /* NULL: nothing is on a disk */

    sim_process processes[SIM_PROCESSES];
    sim_process operator;
    int64_t operator_ns;
    uint32_t stop_count; /* that the operator has wished */

    capi_str texts[SIM_VERSIONS]; /* of the script */
    capi_script *scripts[SIM_VERSIONS];
    uint32_t version; /* what the file says now */

    sim_start starts[SIM_STARTS];
    uint32_t start_count;
    sim_entry *entries;
    uint32_t entry_count, entry_capacity;
    sim_beat *beats;
    uint32_t beat_count, beat_capacity;
    sim_blob *blobs;
    uint32_t blob_count, blob_capacity;
    sim_file *files;
    uint32_t file_count, file_capacity;
    sim_late_rename late[SIM_LATE_MAX];
    uint32_t late_count;
    sim_ring rings[SIM_RINGS_MAX];
    uint32_t ring_count;

    bool has_late_stop; /* mutant: a stop that was answered but not done */
    int64_t late_stop_ns;
    capi_keyspace late_keyspace;
    uint32_t late_run_id;
    char late_comment[24];
};

/* ---- sim.c ---- */

uint32_t sim_dice(sim_world *world, uint32_t sides);
bool sim_chance(sim_world *world, uint32_t of_1000);
bool sim_is(const sim_world *world, sim_mutant mutant);
/* The first violation is kept. */
void sim_violation(sim_world *world, const char *format, ...) CAPI_PRINTF(2, 3);
void sim_trace(sim_world *world, const char *format, ...) CAPI_PRINTF(2, 3);
/* Perhaps other threads do something now. */
void sim_interleave(sim_world *world);
/* A process that sleeps may wake and beat right now. */
void sim_wake(sim_world *world, capi_str process_uid);
/* Maybe the process dies here; true if it is dead. */
bool sim_may_die(sim_process *process);
/* A child dies with its parent. */
bool sim_is_dead(sim_process *process);

/* What all processes have, the operator included. */
void sim_process_init(sim_world *world, sim_process *process);
/* Part of what makes a seed the same as before. */
void sim_fingerprint(sim_world *world, uint64_t value);

/* ---- sim_operator.c ---- */

void sim_operator_act(sim_world *world);

/* ---- sim_news.c ---- */

/* Tells the other steps of a process, which is the context, that something changed. */
void sim_news(void *context);
/* Somebody has done something: sends announcements to all processes, each none or some, in any order. */
void sim_ring_all(sim_world *world);
/* Those that are due arrive. */
void sim_rings_arrive(sim_world *world);

/* ---- sim_disk.c ---- */

/* What stands behind the state: opens it. */
void sim_disk_init(sim_world *world);
void sim_disk_deinit(sim_world *world);
/* A connection; of a world in memory, the one that there is. */
capi_state *sim_disk_connect(sim_world *world);
void sim_disk_disconnect(sim_world *world, capi_state *store);
/* Perhaps a call of SQLite to its files will fail, until the end; or the process dies at one of its writes. */
void sim_disk_begin(sim_world *world, sim_process *process);
/* True: the call in between failed because of that, and yet it took effect. The process may be doomed. */
bool sim_disk_end(sim_world *world, sim_process *process, capi_status status);

/* ---- sim_script.c ---- */

void sim_scripts_make(sim_world *world);
/* Aborts if our own text is wrong. */
capi_status sim_script_load(sim_world *world, capi_str *text, capi_script **out);
uint64_t sim_mix(uint64_t a, uint64_t b);
/* What a batch makes of what it reads. */
bool sim_batch_fails(const capi_node *node, uint32_t batch_idx);
/* Its data kills whoever works on it. */
bool sim_batch_kills(const capi_node *node, uint32_t batch_idx);
bool sim_has_duplicates(const capi_node *node);
uint64_t sim_batch_value(const capi_node *node, uint32_t batch_idx, uint64_t reader, uint64_t lookup);
uint32_t sim_batch_rows(const capi_node *node, uint64_t value);
bool sim_survives(uint64_t batch_value, uint32_t row);
/* What a whole table hashes to, block by block. */
uint64_t sim_table_add(uint64_t hash, uint64_t value, uint32_t rows, bool (*survives)(uint64_t value, uint32_t row));
/* The value that a batch of a run must have, as if nothing had ever gone wrong. */
uint64_t sim_expected(sim_world *world, const sim_start *start, const capi_node *node, uint32_t batch_idx);
sim_start *sim_start_of(sim_world *world, const char *run_uid);
/* What the node of a run reads; NULL if it was never opened. */
const sim_inputs *sim_inputs_of(const sim_start *start, capi_str node);

/* ---- sim_state.c ---- */

void sim_state_init(sim_state *state, sim_process *process);
/* ---- sim_book.c ---- */

void sim_book_claim(sim_process *process, const capi_claim *claim, capi_str operation_uid, bool is_seal);
void sim_book_check_same_run(sim_world *world, capi_str wanted, const capi_claim *claim);
void sim_book_release(sim_world *world, const capi_claim *claim, bool is_seal);
void sim_book_free_all(sim_world *world, capi_str process_uid);
void sim_book_finish(sim_world *world, const capi_claim *used, const capi_claim *claim,
                     const capi_batch_result *result);
void sim_book_bury(sim_world *world, capi_str process_uid, uint64_t beat);
void sim_book_beat(sim_world *world, capi_str process_uid);
void sim_book_run(sim_world *world, const capi_run *run);
void sim_book_stop(sim_world *world, const capi_keyspace *keyspace, uint32_t run_id, capi_str comment);
void sim_book_drop(sim_world *world, capi_str uid);
void sim_book_forget(sim_world *world, capi_str run_uid);
void sim_book_open(sim_world *world, capi_str run_uid, const capi_node_state *opened);
sim_entry *sim_entry_of(sim_world *world, const char *run_uid, const char *node, uint32_t batch_idx);
bool sim_holds_claims(sim_world *world, const char *process_uid);

/* ---- sim_mutant.c: the store below, with one rule broken ---- */

capi_status sim_run_start(sim_world *world, const capi_keyspace *keyspace, const capi_run_spec *spec, capi_arena *arena,
                          capi_run *out, capi_err *err);
capi_status sim_run_stop(sim_world *world, const capi_keyspace *keyspace, uint32_t run_id, capi_str comment,
                         capi_err *err);
/* For who checks. */
capi_status sim_run_get(sim_world *world, const sim_start *start, capi_arena *arena, capi_run *out, capi_err *err);
capi_status sim_run_forget(sim_world *world, const capi_keyspace *keyspace, uint32_t run_id, capi_arena *arena,
                           capi_str *run_uid, capi_err *err);
capi_status sim_node_list(sim_world *world, capi_str run_uid, capi_arena *arena, capi_node_state **out, uint32_t *count,
                          capi_err *err);
capi_status sim_node_get(sim_world *world, capi_str run_uid, capi_str node, capi_arena *arena, capi_node_state *out,
                         capi_err *err);
capi_status sim_batch_claim(sim_world *world, capi_str run_uid, capi_str node, capi_str process_uid,
                            capi_str operation_uid, capi_claim *out, capi_err *err);
capi_status sim_batch_release(sim_world *world, const capi_claim *claim, capi_err *err);
capi_status sim_batch_publish(sim_world *world, const capi_claim *claim, capi_str staged, capi_str target,
                              capi_err *err);
capi_status sim_batch_publication(sim_world *world, const capi_claim *claim, capi_arena *arena, capi_str *staged,
                                  capi_str *target, capi_err *err);
/* *claim becomes the one that was used in the end. */
capi_status sim_batch_finish(sim_world *world, capi_claim *claim, const capi_batch_result *result, capi_err *err);
capi_status sim_batch_list(sim_world *world, capi_str run_uid, capi_str node, bool with_extents, capi_arena *arena,
                           capi_batch_state **out, uint32_t *count, capi_err *err);
capi_status sim_seal_finish(sim_world *world, const capi_claim *claim, const capi_seal_result *result, capi_err *err);
capi_status sim_process_bury(sim_world *world, capi_str process_uid, uint64_t beat, capi_err *err);
/* Does what was put off. */
void sim_mutant_tick(sim_world *world);

/* ---- sim_worker.c ---- */

void sim_worker_init(sim_worker *worker, sim_process *process);
void sim_worker_deinit(sim_worker *worker);
/* The tables of a run are removed. */
void sim_tables_drop(sim_world *world, const char *run_uid);
sim_file *sim_file_find(sim_world *world, const char *name);
/* Renames that are due. */
void sim_late_renames(sim_world *world);

/* ---- sim_alone.c ---- */

capi_alone_end sim_worker_alone(capi_worker *base, uint32_t slot, const capi_work_item *item, bool is_seal,
                                capi_work_outcome *out);

/* ---- sim_check.c ---- */

/* What had ended is as it was. */
void sim_audit(sim_world *world);
bool sim_is_settled(sim_world *world);
/* Says what is unsettled. */
void sim_check_settled(sim_world *world);
void sim_check_results(sim_world *world);
