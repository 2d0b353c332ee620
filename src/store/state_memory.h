/* state_memory.h - the structures of the memory backend, for its two halves: state_memory.c (keyspaces, runs, nodes) and
 * state_memory_batch.c (batches, seals, processes). Private to src/store/. */
#pragma once

#include "store/state_backend.h"

#include <pthread.h>

typedef struct mem_batch {
    int status;
    capi_str owner, operation, attempt;
    capi_str staged, target; /* publishing if target is not empty */
    uint32_t deaths;
    int64_t start_ms, final_ms;
    uint64_t rows_read, rows_written, bytes_written;
    int64_t first_token, last_token;
    capi_str extents, survivors, comment;
} mem_batch;

typedef struct mem_node {
    capi_str name;
    uint32_t batches_total;
    int status;
    mem_batch **batches; /* batches_total pointers, or NULL until the first claim */
    uint32_t next_batch; /* the lowest that was never claimed */
    uint32_t free_count; /* of those below it that were given back */
    int rest_status;     /* of the batches from next_batch on: none, fail or stopreceived */
    int64_t rest_ms;
    capi_str rest_comment;
    uint32_t done, failed, stopped, claimed;
    capi_str reader_run_uid, lookup_run_uid;
    int64_t start_ms, final_ms;
    capi_str comment;
    uint64_t row_count;
    capi_str seal_owner, seal_operation, seal_attempt;
    uint32_t seal_deaths;
} mem_node;

typedef struct mem_run {
    struct mem_run *next; /* newest first */
    capi_run base;        /* texts are malloc'ed; status is not kept */
    capi_str operation_uid;
    mem_node *nodes;
    uint32_t node_count;
    capi_snapshot_file *files;
    uint32_t file_count;
    capi_str *targets;
    uint32_t target_count;
} mem_run;

typedef struct mem_keyspace {
    struct mem_keyspace *next;
    capi_str name, uid;
    uint32_t run_id_last;
} mem_keyspace;

typedef struct mem_process {
    struct mem_process *next;
    capi_str uid;
    uint64_t beat;
} mem_process;

typedef struct mem_state {
    capi_state base;
    pthread_mutex_t lock;
    mem_keyspace *keyspaces;
    mem_run *runs;
    mem_process *processes;
} mem_state;

/* Texts are malloc'ed; freeing leaves an empty one. */
capi_str mem_text_new(capi_str text);
void mem_text_free(capi_str *text);
void mem_text_set(capi_str *text, capi_str value);
capi_str mem_text_new_uid(const mem_state *mem);

mem_state *mem_lock(capi_state *state);
/* Returns `status`. */
capi_status mem_unlock(mem_state *mem, capi_status status);

/* NULL if it was never heard of. */
mem_process *mem_process_find(const mem_state *mem, capi_str uid);
capi_status mem_node_find(const mem_state *mem, capi_str run_uid, capi_str name, mem_run **run_out, mem_node **out,
                          capi_err *err);
/* A batch that nobody works on ends with its run. */
void mem_batch_stop(mem_node *node, mem_batch *batch, const mem_run *run, int64_t now_ms);
/* Ends a node of a stopped run once nobody works on it. */
void mem_node_settle(mem_node *node, const mem_run *run, int64_t now_ms);

/* The methods of state_memory_batch.c. */
capi_status mem_batch_claim(capi_state *state, capi_str run_uid, capi_str name, capi_str process_uid,
                            capi_str operation_uid, capi_claim *out, capi_err *err);
capi_status mem_batch_release(capi_state *state, const capi_claim *claim, capi_err *err);
capi_status mem_batch_note(capi_state *state, const capi_claim *claim, capi_str note, capi_err *err);
capi_status mem_batch_publish(capi_state *state, const capi_claim *claim, capi_str staged, capi_str target,
                              capi_err *err);
capi_status mem_batch_publication(capi_state *state, const capi_claim *claim, capi_arena *arena, capi_str *staged,
                                  capi_str *target, capi_err *err);
capi_status mem_batch_finish(capi_state *state, const capi_claim *claim, const capi_batch_result *result,
                             capi_err *err);
capi_status mem_batch_list(capi_state *state, capi_str run_uid, capi_str name, bool with_extents, capi_arena *arena,
                           capi_batch_state **out, uint32_t *count, capi_err *err);
capi_status mem_seal_claim(capi_state *state, capi_str run_uid, capi_str name, capi_str process_uid,
                           capi_str operation_uid, capi_claim *out, capi_err *err);
capi_status mem_seal_finish(capi_state *state, const capi_claim *claim, const capi_seal_result *result, capi_err *err);
capi_status mem_seal_release(capi_state *state, const capi_claim *claim, capi_err *err);
capi_status mem_process_beat(capi_state *state, capi_str process_uid, capi_err *err);
capi_status mem_process_list(capi_state *state, capi_arena *arena, capi_process **out, uint32_t *count, capi_err *err);
capi_status mem_process_bury(capi_state *state, capi_str process_uid, uint64_t beat, capi_err *err);
capi_status mem_process_leave(capi_state *state, capi_str process_uid, capi_err *err);
