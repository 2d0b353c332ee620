/* sim_state.c - the store as one process sees it: calls fail before or after they took effect, the process dies in the middle,
 * other threads act in between. What takes effect is written into the book, and checked against it at once. */
#include "sim/sim_inside.h"

typedef enum fate { FATE_WELL, FATE_BEFORE, FATE_AFTER } fate;

static sim_process *process_of(capi_state *state)
{
    return ((sim_state *)state)->process;
}

/* What becomes of a call: nothing reaches the store (BEFORE), its answer is lost (AFTER), or all is well. */
static fate call_begin(sim_process *process, const char *name)
{
    sim_world *world = process->world;
    fate out = FATE_WELL;
    uint32_t roll;

    world->report.calls++;
    if (sim_is_dead(process)) return FATE_BEFORE;
    sim_interleave(world);
    if (sim_is_dead(process)) return FATE_BEFORE;
    if (world->now_ns < world->outage_until_ns) return FATE_BEFORE;
    roll = sim_dice(world, 1000);
    if (roll < world->fault_permille)
        out = roll % 2 ? FATE_BEFORE : FATE_AFTER;
    else if (sim_may_die(process))
        out = sim_chance(world, 500) ? FATE_BEFORE : FATE_AFTER;
    if (out != FATE_WELL) {
        world->report.faults++;
        sim_trace(world, "  %s %s %s", process->uid, name, out == FATE_BEFORE ? "does not arrive" : "gets no answer");
    }
    return out;
}

static capi_status no_answer(capi_err *err)
{
    return capi_err_set(err, CAPI_UNAVAILABLE, "the store does not answer");
}

static capi_status call_end(fate what, capi_status status, capi_err *err)
{
    return what == FATE_AFTER ? no_answer(err) : status;
}

/* The call, and once more if the disk failed under it and it took effect all the same: then the book needs its answer, which
 * must be the first one. */
#define CALL(name, call, note)                                                                                         \
    sim_process *process = process_of(state);                                                                          \
    sim_world *world = process->world;                                                                                 \
    fate fate_of_call = call_begin(process, name);                                                                     \
    capi_state *store;                                                                                                 \
    capi_status status;                                                                                                \
    if (fate_of_call == FATE_BEFORE) return no_answer(err);                                                            \
    world->store = store = process->store;                                                                             \
    (void)store;                                                                                                       \
    sim_disk_begin(world, process);                                                                                    \
    status = call;                                                                                                     \
    if (sim_disk_end(world, process, status)) {                                                                        \
        fate_of_call = FATE_AFTER;                                                                                     \
        status = call;                                                                                                 \
        if (status != CAPI_OK) sim_violation(world, "I4: %s took effect, and its repetition fails", name);             \
    }                                                                                                                  \
    if (process->is_doomed) fate_of_call = FATE_AFTER; /* at a write to the disk */                                    \
    world->store = world->memory;                                                                                      \
    if (status == CAPI_OK) {                                                                                           \
        note;                                                                                                          \
    }                                                                                                                  \
    return call_end(fate_of_call, status, err)

/* ---- the operations ---- */

static capi_status state_keyspace_open(capi_state *state, capi_str name, bool create, capi_arena *arena,
                                       capi_keyspace *out, capi_err *err)
{
    CALL("keyspace_open", store->ops->keyspace_open(store, name, create, arena, out, err), );
}

static capi_status state_keyspace_list(capi_state *state, capi_arena *arena, capi_keyspace **out, uint32_t *count,
                                       capi_err *err)
{
    CALL("keyspace_list", store->ops->keyspace_list(store, arena, out, count, err), );
}

static capi_status state_keyspace_drop(capi_state *state, capi_str name, capi_arena *arena, capi_str *uid,
                                       capi_err *err)
{
    CALL("keyspace_drop", store->ops->keyspace_drop(store, name, arena, uid, err), sim_book_drop(world, *uid));
}

static capi_status state_run_start(capi_state *state, const capi_keyspace *keyspace, const capi_run_spec *spec,
                                   capi_arena *arena, capi_run *out, capi_err *err)
{
    CALL("run_start", sim_run_start(world, keyspace, spec, arena, out, err), sim_book_run(world, out));
}

static capi_status state_run_get(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id, capi_arena *arena,
                                 capi_run *out, capi_err *err)
{
    CALL("run_get", store->ops->run_get(store, keyspace, run_id, arena, out, err), );
}

static capi_status state_run_list(capi_state *state, const capi_keyspace *keyspace, capi_arena *arena, capi_run **out,
                                  uint32_t *count, capi_err *err)
{
    CALL("run_list", store->ops->run_list(store, keyspace, arena, out, count, err), );
}

static capi_status state_run_snapshot(capi_state *state, capi_str run_uid, capi_arena *arena, capi_snapshot_file **out,
                                      uint32_t *count, capi_err *err)
{
    CALL("run_snapshot", store->ops->run_snapshot(store, run_uid, arena, out, count, err), );
}

static capi_status state_run_stop(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id, capi_str comment,
                                  capi_err *err)
{
    CALL("run_stop", sim_run_stop(world, keyspace, run_id, comment, err),
         sim_book_stop(world, keyspace, run_id, comment));
}

static capi_status state_run_complete(capi_state *state, capi_str run_uid, capi_str comment, capi_err *err)
{
    CALL("run_complete", store->ops->run_complete(store, run_uid, comment, err), );
}

static capi_status state_run_forget(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id,
                                    capi_arena *arena, capi_str *run_uid, capi_err *err)
{
    CALL("run_forget", sim_run_forget(world, keyspace, run_id, arena, run_uid, err), sim_book_forget(world, *run_uid));
}

static capi_status state_node_list(capi_state *state, capi_str run_uid, capi_arena *arena, capi_node_state **out,
                                   uint32_t *count, capi_err *err)
{
    CALL("node_list", sim_node_list(world, run_uid, arena, out, count, err), );
}

static capi_status state_node_get(capi_state *state, capi_str run_uid, capi_str node, capi_arena *arena,
                                  capi_node_state *out, capi_err *err)
{
    CALL("node_get", sim_node_get(world, run_uid, node, arena, out, err), );
}

static capi_status state_node_open(capi_state *state, capi_str run_uid, capi_str node, capi_str reader_run_uid,
                                   capi_str lookup_run_uid, capi_arena *arena, capi_node_state *out, capi_err *err)
{
    CALL("node_open", store->ops->node_open(store, run_uid, node, reader_run_uid, lookup_run_uid, arena, out, err),
         sim_book_open(world, run_uid, out));
}

static capi_status state_node_refuse(capi_state *state, capi_str run_uid, capi_str node, capi_str comment,
                                     capi_err *err)
{
    CALL("node_refuse", store->ops->node_refuse(store, run_uid, node, comment, err), );
}

static capi_status state_batch_claim(capi_state *state, capi_str run_uid, capi_str node, capi_str process_uid,
                                     capi_str operation_uid, capi_claim *out, capi_err *err)
{
    CALL("batch_claim", sim_batch_claim(world, run_uid, node, process_uid, operation_uid, out, err),
         sim_book_check_same_run(world, run_uid, out);
         sim_book_claim(process, out, operation_uid, false));
}

static capi_status state_batch_release(capi_state *state, const capi_claim *claim, capi_err *err)
{
    CALL("batch_release", sim_batch_release(world, claim, err), sim_book_release(world, claim, false));
}

static capi_status state_batch_note(capi_state *state, const capi_claim *claim, capi_str note, capi_err *err)
{
    CALL("batch_note", world->store->ops->batch_note(world->store, claim, note, err), );
}

static capi_status state_batch_publish(capi_state *state, const capi_claim *claim, capi_str staged, capi_str target,
                                       capi_err *err)
{
    CALL("batch_publish", sim_batch_publish(world, claim, staged, target, err), );
}

static capi_status state_batch_publication(capi_state *state, const capi_claim *claim, capi_arena *arena,
                                           capi_str *staged, capi_str *target, capi_err *err)
{
    CALL("batch_publication", sim_batch_publication(world, claim, arena, staged, target, err), );
}

static capi_status state_batch_finish(capi_state *state, const capi_claim *claim, const capi_batch_result *result,
                                      capi_err *err)
{
    capi_claim used = *claim;

    CALL("batch_finish", sim_batch_finish(world, &used, result, err), sim_book_finish(world, &used, claim, result));
}

static capi_status state_batch_list(capi_state *state, capi_str run_uid, capi_str node, bool with_extents,
                                    capi_arena *arena, capi_batch_state **out, uint32_t *count, capi_err *err)
{
    CALL("batch_list", sim_batch_list(world, run_uid, node, with_extents, arena, out, count, err), );
}

static capi_status state_seal_claim(capi_state *state, capi_str run_uid, capi_str node, capi_str process_uid,
                                    capi_str operation_uid, capi_claim *out, capi_err *err)
{
    CALL("seal_claim", store->ops->seal_claim(store, run_uid, node, process_uid, operation_uid, out, err),
         sim_book_claim(process, out, operation_uid, true));
}

static capi_status state_seal_finish(capi_state *state, const capi_claim *claim, const capi_seal_result *result,
                                     capi_err *err)
{
    CALL("seal_finish", sim_seal_finish(world, claim, result, err), sim_book_finish(world, claim, claim, NULL));
}

static capi_status state_seal_release(capi_state *state, const capi_claim *claim, capi_err *err)
{
    CALL("seal_release", store->ops->seal_release(store, claim, err), sim_book_release(world, claim, true));
}

static capi_status state_process_beat(capi_state *state, capi_str process_uid, capi_err *err)
{
    CALL("process_beat", store->ops->process_beat(store, process_uid, err), sim_book_beat(world, process_uid));
}

static capi_status state_process_list(capi_state *state, capi_arena *arena, capi_process **out, uint32_t *count,
                                      capi_err *err)
{
    CALL("process_list", store->ops->process_list(store, arena, out, count, err), );
}

static capi_status state_process_bury(capi_state *state, capi_str process_uid, uint64_t beat, capi_err *err)
{
    sim_wake(process_of(state)->world, process_uid);
    CALL("process_bury", sim_process_bury(world, process_uid, beat, err), sim_book_bury(world, process_uid, beat));
}

static capi_status state_process_leave(capi_state *state, capi_str process_uid, capi_err *err)
{
    CALL("process_leave", store->ops->process_leave(store, process_uid, err), sim_book_free_all(world, process_uid));
}

static const capi_state_ops state_ops = {
    .name = "simulated",
    .keyspace_open = state_keyspace_open,
    .keyspace_list = state_keyspace_list,
    .keyspace_drop = state_keyspace_drop,
    .run_start = state_run_start,
    .run_get = state_run_get,
    .run_list = state_run_list,
    .run_snapshot = state_run_snapshot,
    .run_stop = state_run_stop,
    .run_complete = state_run_complete,
    .run_forget = state_run_forget,
    .node_list = state_node_list,
    .node_get = state_node_get,
    .node_open = state_node_open,
    .node_refuse = state_node_refuse,
    .batch_claim = state_batch_claim,
    .batch_release = state_batch_release,
    .batch_note = state_batch_note,
    .batch_publish = state_batch_publish,
    .batch_publication = state_batch_publication,
    .batch_finish = state_batch_finish,
    .batch_list = state_batch_list,
    .seal_claim = state_seal_claim,
    .seal_finish = state_seal_finish,
    .seal_release = state_seal_release,
    .process_beat = state_process_beat,
    .process_list = state_process_list,
    .process_bury = state_process_bury,
    .process_leave = state_process_leave,
};

void sim_state_init(sim_state *state, sim_process *process)
{
    *state = (sim_state){.base = {.ops = &state_ops, .clock = process->clock, .random = process->random},
                         .process = process};
}
