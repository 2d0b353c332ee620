/* state_timed.c - each operation is handed on between two looks at the clock. */
#include "store/state_timed.h"

#include "store/state_backend.h"

#include <stdlib.h>

typedef struct state_timed {
    capi_state base;
    capi_state *inner;
    capi_state_times *times;
} state_timed;

static int64_t now_ns(void)
{
    return capi_clock_system.monotonic_ns(capi_clock_system.context);
}

static capi_status timed_end(const state_timed *timed, int64_t begin_ns, capi_status status)
{
    capi_histogram_add(&timed->times->duration, now_ns() - begin_ns);
    if (status == CAPI_UNAVAILABLE || status == CAPI_INTERNAL) atomic_fetch_add(&timed->times->failure_count, 1);
    return status;
}

/* timed_<operation>(parameters): the same operation of the inner state, with these arguments. */
#define TIMED(operation, parameters, ...)                                                                              \
    static capi_status timed_##operation parameters                                                                    \
    {                                                                                                                  \
        const state_timed *timed = (const state_timed *)state;                                                         \
        int64_t begin_ns = now_ns();                                                                                   \
                                                                                                                       \
        return timed_end(timed, begin_ns, timed->inner->ops->operation(timed->inner, __VA_ARGS__));                    \
    }

static capi_status timed_check_writable(capi_state *state, uint32_t patience_ms, capi_err *err)
{
    return capi_state_check_writable(((const state_timed *)state)->inner, patience_ms, err);
}

static capi_status timed_check(capi_state *state, capi_err *err)
{
    return capi_state_check(((const state_timed *)state)->inner, err);
}

TIMED(keyspace_open,
      (capi_state * state, capi_str name, bool create, capi_arena *arena, capi_keyspace *out, capi_err *err), name,
      create, arena, out, err)
TIMED(keyspace_list, (capi_state * state, capi_arena *arena, capi_keyspace **out, uint32_t *count, capi_err *err),
      arena, out, count, err)
TIMED(keyspace_drop, (capi_state * state, capi_str name, capi_arena *arena, capi_str *uid, capi_err *err), name, arena,
      uid, err)
TIMED(keyspace_last_run, (capi_state * state, const capi_keyspace *keyspace, uint32_t *out, capi_err *err), keyspace,
      out, err)
TIMED(run_start,
      (capi_state * state, const capi_keyspace *keyspace, const capi_run_spec *spec, capi_arena *arena, capi_run *out,
       capi_err *err),
      keyspace, spec, arena, out, err)
TIMED(run_get,
      (capi_state * state, const capi_keyspace *keyspace, uint32_t run_id, capi_arena *arena, capi_run *out,
       capi_err *err),
      keyspace, run_id, arena, out, err)
TIMED(run_list,
      (capi_state * state, const capi_keyspace *keyspace, capi_arena *arena, capi_run **out, uint32_t *count,
       capi_err *err),
      keyspace, arena, out, count, err)
TIMED(run_snapshot,
      (capi_state * state, capi_str run_uid, capi_arena *arena, capi_snapshot_file **out, uint32_t *count,
       capi_err *err),
      run_uid, arena, out, count, err)
TIMED(run_stop, (capi_state * state, const capi_keyspace *keyspace, uint32_t run_id, capi_str comment, capi_err *err),
      keyspace, run_id, comment, err)
TIMED(run_complete, (capi_state * state, capi_str run_uid, capi_str comment, capi_err *err), run_uid, comment, err)
TIMED(run_forget,
      (capi_state * state, const capi_keyspace *keyspace, uint32_t run_id, capi_arena *arena, capi_str *run_uid,
       capi_err *err),
      keyspace, run_id, arena, run_uid, err)
TIMED(node_list,
      (capi_state * state, capi_str run_uid, capi_arena *arena, capi_node_state **out, uint32_t *count, capi_err *err),
      run_uid, arena, out, count, err)
TIMED(node_get,
      (capi_state * state, capi_str run_uid, capi_str node, capi_arena *arena, capi_node_state *out, capi_err *err),
      run_uid, node, arena, out, err)
TIMED(node_open,
      (capi_state * state, capi_str run_uid, capi_str node, capi_str reader_run_uid, capi_str lookup_run_uid,
       capi_arena *arena, capi_node_state *out, capi_err *err),
      run_uid, node, reader_run_uid, lookup_run_uid, arena, out, err)
TIMED(node_refuse, (capi_state * state, capi_str run_uid, capi_str node, capi_str comment, capi_err *err), run_uid,
      node, comment, err)
TIMED(batch_claim,
      (capi_state * state, capi_str run_uid, capi_str node, capi_str process_uid, capi_str operation_uid,
       capi_claim *out, capi_err *err),
      run_uid, node, process_uid, operation_uid, out, err)
TIMED(batch_release, (capi_state * state, const capi_claim *claim, capi_err *err), claim, err)
TIMED(batch_note, (capi_state * state, const capi_claim *claim, capi_str note, capi_err *err), claim, note, err)
TIMED(batch_publish, (capi_state * state, const capi_claim *claim, capi_str staged, capi_str target, capi_err *err),
      claim, staged, target, err)
TIMED(batch_publication,
      (capi_state * state, const capi_claim *claim, capi_arena *arena, capi_str *staged, capi_str *target,
       capi_err *err),
      claim, arena, staged, target, err)
TIMED(batch_finish, (capi_state * state, const capi_claim *claim, const capi_batch_result *result, capi_err *err),
      claim, result, err)
TIMED(batch_list,
      (capi_state * state, capi_str run_uid, capi_str node, bool with_extents, capi_arena *arena,
       capi_batch_state **out, uint32_t *count, capi_err *err),
      run_uid, node, with_extents, arena, out, count, err)
TIMED(seal_claim,
      (capi_state * state, capi_str run_uid, capi_str node, capi_str process_uid, capi_str operation_uid,
       capi_claim *out, capi_err *err),
      run_uid, node, process_uid, operation_uid, out, err)
TIMED(seal_finish, (capi_state * state, const capi_claim *claim, const capi_seal_result *result, capi_err *err), claim,
      result, err)
TIMED(seal_release, (capi_state * state, const capi_claim *claim, capi_err *err), claim, err)
TIMED(process_beat, (capi_state * state, capi_str process_uid, capi_err *err), process_uid, err)
TIMED(process_list, (capi_state * state, capi_arena *arena, capi_process **out, uint32_t *count, capi_err *err), arena,
      out, count, err)
TIMED(process_bury, (capi_state * state, capi_str process_uid, uint64_t beat, capi_err *err), process_uid, beat, err)
TIMED(process_leave, (capi_state * state, capi_str process_uid, capi_err *err), process_uid, err)

static void timed_close(capi_state *state)
{
    state_timed *timed = (state_timed *)state;

    capi_state_close(timed->inner);
    free(timed);
}

static const capi_state_ops timed_ops = {
    .name = "timed",
    .close = timed_close,
    .check = timed_check,
    .check_writable = timed_check_writable,
    .keyspace_open = timed_keyspace_open,
    .keyspace_list = timed_keyspace_list,
    .keyspace_drop = timed_keyspace_drop,
    .keyspace_last_run = timed_keyspace_last_run,
    .run_start = timed_run_start,
    .run_get = timed_run_get,
    .run_list = timed_run_list,
    .run_snapshot = timed_run_snapshot,
    .run_stop = timed_run_stop,
    .run_complete = timed_run_complete,
    .run_forget = timed_run_forget,
    .node_list = timed_node_list,
    .node_get = timed_node_get,
    .node_open = timed_node_open,
    .node_refuse = timed_node_refuse,
    .batch_claim = timed_batch_claim,
    .batch_release = timed_batch_release,
    .batch_note = timed_batch_note,
    .batch_publish = timed_batch_publish,
    .batch_publication = timed_batch_publication,
    .batch_finish = timed_batch_finish,
    .batch_list = timed_batch_list,
    .seal_claim = timed_seal_claim,
    .seal_finish = timed_seal_finish,
    .seal_release = timed_seal_release,
    .process_beat = timed_process_beat,
    .process_list = timed_process_list,
    .process_bury = timed_process_bury,
    .process_leave = timed_process_leave,
};

capi_state *capi_state_timed_new(capi_state *inner, capi_state_times *times)
{
    state_timed *timed = capi_zmalloc(sizeof *timed);

    *timed = (state_timed){
        .base = {.ops = &timed_ops, .clock = inner->clock, .random = inner->random}, .inner = inner, .times = times};
    return &timed->base;
}
