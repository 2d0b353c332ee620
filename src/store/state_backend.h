/* state_backend.h - what a backend of state.h is made of. Private to src/store/.
 *
 * Contracts are those of state.h; arguments have been checked by state.c when a method is called. */
#pragma once

#include "store/state.h"

typedef struct capi_state_ops {
    const char *name;
    void (*close)(capi_state *state);
    capi_status (*check)(capi_state *state, capi_err *err); /* NULL: nothing can happen to it */
    capi_status (*check_writable)(capi_state *state, uint32_t patience_ms, capi_err *err); /* NULL: it always can */

    capi_status (*keyspace_open)(capi_state *state, capi_str name, bool create, capi_arena *arena, capi_keyspace *out,
                                 capi_err *err);
    capi_status (*keyspace_list)(capi_state *state, capi_arena *arena, capi_keyspace **out, uint32_t *count,
                                 capi_err *err);
    capi_status (*keyspace_drop)(capi_state *state, capi_str name, capi_arena *arena, capi_str *uid, capi_err *err);
    capi_status (*keyspace_last_run)(capi_state *state, const capi_keyspace *keyspace, uint32_t *out, capi_err *err);

    capi_status (*run_start)(capi_state *state, const capi_keyspace *keyspace, const capi_run_spec *spec,
                             capi_arena *arena, capi_run *out, capi_err *err);
    capi_status (*run_get)(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id, capi_arena *arena,
                           capi_run *out, capi_err *err);
    capi_status (*run_list)(capi_state *state, const capi_keyspace *keyspace, capi_arena *arena, capi_run **out,
                            uint32_t *count, capi_err *err);
    capi_status (*run_snapshot)(capi_state *state, capi_str run_uid, capi_arena *arena, capi_snapshot_file **out,
                                uint32_t *count, capi_err *err);
    capi_status (*run_stop)(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id, capi_str comment,
                            capi_err *err);
    capi_status (*run_complete)(capi_state *state, capi_str run_uid, capi_str comment, capi_err *err);
    capi_status (*run_forget)(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id, capi_arena *arena,
                              capi_str *run_uid, capi_err *err);

    capi_status (*node_list)(capi_state *state, capi_str run_uid, capi_arena *arena, capi_node_state **out,
                             uint32_t *count, capi_err *err);
    capi_status (*node_get)(capi_state *state, capi_str run_uid, capi_str node, capi_arena *arena, capi_node_state *out,
                            capi_err *err);
    capi_status (*node_open)(capi_state *state, capi_str run_uid, capi_str node, capi_str reader_run_uid,
                             capi_str lookup_run_uid, capi_arena *arena, capi_node_state *out, capi_err *err);
    capi_status (*node_refuse)(capi_state *state, capi_str run_uid, capi_str node, capi_str comment, capi_err *err);

    capi_status (*batch_claim)(capi_state *state, capi_str run_uid, capi_str node, capi_str process_uid,
                               capi_str operation_uid, capi_claim *out, capi_err *err);
    capi_status (*batch_release)(capi_state *state, const capi_claim *claim, capi_err *err);
    capi_status (*batch_note)(capi_state *state, const capi_claim *claim, capi_str note, capi_err *err);
    capi_status (*batch_publish)(capi_state *state, const capi_claim *claim, capi_str staged, capi_str target,
                                 capi_err *err);
    capi_status (*batch_publication)(capi_state *state, const capi_claim *claim, capi_arena *arena, capi_str *staged,
                                     capi_str *target, capi_err *err);
    capi_status (*batch_finish)(capi_state *state, const capi_claim *claim, const capi_batch_result *result,
                                capi_err *err);
    capi_status (*batch_list)(capi_state *state, capi_str run_uid, capi_str node, bool with_extents, capi_arena *arena,
                              capi_batch_state **out, uint32_t *count, capi_err *err);

    capi_status (*seal_claim)(capi_state *state, capi_str run_uid, capi_str node, capi_str process_uid,
                              capi_str operation_uid, capi_claim *out, capi_err *err);
    capi_status (*seal_finish)(capi_state *state, const capi_claim *claim, const capi_seal_result *result,
                               capi_err *err);
    capi_status (*seal_release)(capi_state *state, const capi_claim *claim, capi_err *err);

    capi_status (*process_beat)(capi_state *state, capi_str process_uid, capi_err *err);
    capi_status (*process_list)(capi_state *state, capi_arena *arena, capi_process **out, uint32_t *count,
                                capi_err *err);
    capi_status (*process_bury)(capi_state *state, capi_str process_uid, uint64_t beat, capi_err *err);
    capi_status (*process_leave)(capi_state *state, capi_str process_uid, capi_err *err);
} capi_state_ops;

struct capi_state {
    const capi_state_ops *ops;
    capi_clock clock;
    capi_random random;
};

static inline int64_t state_now_ms(const capi_state *state)
{
    return capi_clock_wall_ms(&state->clock);
}

/* Stop wins over complete, complete over start. */
static inline capi_run_status state_run_status(int64_t complete_ms, int64_t stop_ms)
{
    if (stop_ms) return CAPI_RUN_STOP;
    return complete_ms ? CAPI_RUN_COMPLETE : CAPI_RUN_START;
}

/* How a node ends whose run was stopped: a failed batch counts more than those that never began. */
static inline capi_work_status state_stopped_status(uint32_t failed_count)
{
    return failed_count ? CAPI_WORK_FAIL : CAPI_WORK_STOP_RECEIVED;
}

static inline bool state_work_is_final(int status)
{
    return status == CAPI_WORK_SUCCESS || status == CAPI_WORK_FAIL || status == CAPI_WORK_STOP_RECEIVED;
}

/* Names of keyspaces: letters that differ in case alone are the same. */
bool state_names_equal(capi_str a, capi_str b);

/* Words that all backends share. Each returns the status it sets. */
capi_status state_no_keyspace(capi_err *err, capi_str name, const char *store);
capi_status state_dropped_keyspace(capi_err *err, const capi_keyspace *keyspace);
capi_status state_no_run_id(capi_err *err, const capi_keyspace *keyspace, uint32_t run_id);
capi_status state_run_id_was_given(capi_err *err, const capi_keyspace *keyspace, uint32_t run_id);
capi_status state_no_run(capi_err *err, capi_str run_uid);
capi_status state_no_node(capi_err *err, capi_str run_uid, capi_str node);
capi_status state_not_ours(capi_err *err, const capi_claim *claim);
capi_status state_seal_not_ours(capi_err *err, const capi_claim *claim);
capi_status state_nothing_to_claim(capi_err *err, capi_str node);
capi_status state_run_is_stopped(capi_err *err, capi_str run_uid);
capi_status state_target_taken(capi_err *err, capi_str target, uint32_t run_id, capi_str keyspace);
/* A target with the run's id in it; on the heap. */
char *state_target_resolve(capi_str target, uint32_t run_id);
capi_status state_node_unfinished(capi_err *err, capi_str node, int status);
capi_status state_run_unfinished(capi_err *err, uint32_t run_id);
capi_status state_run_is_read(capi_err *err, uint32_t run_id, uint32_t reader_id);
capi_status state_node_is_open(capi_err *err, capi_str node);
capi_status state_beat_moved(capi_err *err, capi_str process_uid, uint64_t expected, uint64_t actual);

/* Fills a claim; names are cut only if they were not checked at run_start. */
void state_make_claim(capi_claim *out, capi_str run_uid, capi_str node, capi_str attempt_uid, uint32_t batch_idx,
                      uint32_t batches_total, uint32_t deaths, bool publishing);
