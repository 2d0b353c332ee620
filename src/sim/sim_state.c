/* sim_state.c - the store as one process sees it: calls fail before or after they took effect, the process dies in the middle,
 * other threads act in between. What takes effect is written into the book, and checked against it at once. */
#include "sim/sim_inside.h"

#include <stdlib.h>

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
    if (process->is_doomed) return FATE_BEFORE;
    sim_interleave(world);
    if (process->is_doomed) return FATE_BEFORE;
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
    world->store = world->memory;                                                                                      \
    if (status == CAPI_OK) {                                                                                           \
        note;                                                                                                          \
    }                                                                                                                  \
    return call_end(fate_of_call, status, err)

/* ---- the book ---- */

sim_entry *sim_entry_of(sim_world *world, const char *run_uid, const char *node, uint32_t batch_idx)
{
    sim_entry *entry;

    for (uint32_t i = 0; i < world->entry_count; i++) {
        entry = &world->entries[i];
        if (entry->batch_idx == batch_idx && strcmp(entry->node, node) == 0 && strcmp(entry->run_uid, run_uid) == 0)
            return entry;
    }
    if (world->entry_count == world->entry_capacity) {
        world->entry_capacity = world->entry_capacity * 2 + 64;
        world->entries = capi_realloc(world->entries, world->entry_capacity * sizeof *world->entries);
    }
    entry = &world->entries[world->entry_count++];
    *entry = (sim_entry){.batch_idx = batch_idx};
    snprintf(entry->run_uid, sizeof entry->run_uid, "%s", run_uid);
    snprintf(entry->node, sizeof entry->node, "%s", node);
    return entry;
}

static sim_beat *beat_of(sim_world *world, capi_str process_uid)
{
    sim_beat *beat;

    for (uint32_t i = 0; i < world->beat_count; i++)
        if (capi_str_is(process_uid, world->beats[i].uid)) return &world->beats[i];
    if (world->beat_count == world->beat_capacity) {
        world->beat_capacity = world->beat_capacity * 2 + 16;
        world->beats = capi_realloc(world->beats, world->beat_capacity * sizeof *world->beats);
    }
    beat = &world->beats[world->beat_count++];
    *beat = (sim_beat){0};
    snprintf(beat->uid, sizeof beat->uid, "%.*s", CAPI_STR_ARG(process_uid));
    return beat;
}

static void book_claim(sim_process *process, const capi_claim *claim, bool is_seal)
{
    sim_world *world = process->world;
    sim_entry *entry = sim_entry_of(world, claim->run_uid, claim->node, is_seal ? UINT32_MAX : claim->batch_idx);
    const sim_start *start = sim_start_of(world, claim->run_uid);

    if (strcmp(entry->attempt, claim->attempt_uid) == 0) return; /* repeated */
    sim_trace(world, "  %s has %s/%d, attempt %s", process->uid, claim->node, (int)entry->batch_idx,
              claim->attempt_uid);
    if (entry->is_final)
        sim_violation(world, "I7: %s/%d is claimed after it ended", claim->node, (int)entry->batch_idx);
    if (entry->attempt[0])
        sim_violation(world, "I5: %s/%d is claimed twice at a time", claim->node, (int)entry->batch_idx);
    if (start && start->is_stopped && !is_seal)
        sim_violation(world, "I9: batch %s/%u begins after its run was stopped", claim->node, claim->batch_idx);
    memcpy(entry->attempt, claim->attempt_uid, sizeof entry->attempt);
    memcpy(entry->owner, process->uid, sizeof entry->owner);
    entry->claimed_ns = world->now_ns;
}

static void check_same_run(sim_world *world, capi_str wanted, const capi_claim *claim)
{
    if (!capi_str_is(wanted, claim->run_uid))
        sim_violation(world, "I15: a claim in run %.*s is one of batch %s/%u in run %s", CAPI_STR_ARG(wanted),
                      claim->node, claim->batch_idx, claim->run_uid);
}

static void entry_unclaim(sim_entry *entry)
{
    entry->attempt[0] = entry->owner[0] = 0;
}

static void book_release(sim_world *world, const capi_claim *claim, bool is_seal)
{
    sim_entry *entry = sim_entry_of(world, claim->run_uid, claim->node, is_seal ? UINT32_MAX : claim->batch_idx);

    if (sim_is(world, SIM_KEEP_ON_EXIT)) return;
    if (strcmp(entry->attempt, claim->attempt_uid) == 0) entry_unclaim(entry);
}

static void book_free_all(sim_world *world, capi_str process_uid)
{
    for (uint32_t i = 0; i < world->entry_count; i++)
        if (capi_str_is(process_uid, world->entries[i].owner)) entry_unclaim(&world->entries[i]);
}

bool sim_holds_claims(sim_world *world, const char *process_uid)
{
    for (uint32_t i = 0; i < world->entry_count; i++)
        if (strcmp(world->entries[i].owner, process_uid) == 0) return true;
    return false;
}

/* A success must be whole and durable when it is recorded (I13). */
static void check_durable(sim_world *world, const capi_claim *claim, const capi_batch_result *result)
{
    const sim_start *start = sim_start_of(world, claim->run_uid);
    const capi_node *node = start ? capi_script_node(world->scripts[start->version], capi_str_of(claim->node)) : NULL;
    capi_arena scratch = {0};

    if (node && node->file && result->status == CAPI_WORK_SUCCESS) {
        capi_str name = capi_file_sink_url(node->file, start->run_id, claim->batch_idx, &scratch);
        const sim_file *file = sim_file_find(world, name.data);

        if (!file || !file->is_whole || file->value != sim_expected(world, start, node, claim->batch_idx))
            sim_violation(world, "I13: batch %s/%u is a success, but its file \"%s\" is not there", claim->node,
                          claim->batch_idx, name.data);
    }
    capi_arena_deinit(&scratch);
}

static void book_finish(sim_world *world, const capi_claim *used, const char *attempt, const capi_batch_result *result)
{
    bool is_seal = result == NULL;
    sim_entry *entry = sim_entry_of(world, used->run_uid, used->node, is_seal ? UINT32_MAX : used->batch_idx);
    const sim_start *start = sim_start_of(world, used->run_uid);

    if (entry->is_final) {
        if (strcmp(entry->final_attempt, attempt) != 0)
            sim_violation(world, "I5: %s/%d is ended again by attempt %s", used->node, (int)entry->batch_idx, attempt);
        return;
    }
    sim_trace(world, "  %s/%d ended by attempt %s", used->node, (int)entry->batch_idx, attempt);
    if (start && start->is_dropped)
        sim_violation(world, "I15: a claim of a dropped keyspace ended %s/%d", used->node, (int)entry->batch_idx);
    if (strcmp(entry->attempt, attempt) != 0)
        sim_violation(world, "%s: %s/%d is ended by attempt %s, but the claim is of \"%s\"",
                      sim_is(world, SIM_RUNS_BY_NUMBER) ? "I15" : "I5", used->node, (int)entry->batch_idx, attempt,
                      entry->attempt);
    if (!is_seal) {
        check_durable(world, used, result);
        world->report.batches++;
    }
    entry->is_final = true;
    entry->final_claimed_ns = entry->claimed_ns;
    memcpy(entry->final_attempt, attempt, sizeof entry->final_attempt);
    entry_unclaim(entry);
}

/* Attempts of a process that beats may only be taken if it was silent for a lease. */
static void book_bury(sim_world *world, capi_str process_uid, uint64_t beat)
{
    const sim_beat *known = beat_of(world, process_uid);

    sim_trace(world, "  buried: %.*s", CAPI_STR_ARG(process_uid));
    world->report.takeovers++;
    if (known->count != beat) sim_violation(world, "I16: a process is buried although it has beaten again");
    if (known->count && world->now_ns - known->last_ns < SIM_LEASE_NS * 9 / 10)
        sim_violation(world, "I16: a process is buried %lld ms after its last beat",
                      (long long)((world->now_ns - known->last_ns) / SIM_MS));
    book_free_all(world, process_uid);
}

static void book_beat(sim_world *world, capi_str process_uid)
{
    sim_beat *beat = beat_of(world, process_uid);

    beat->count++;
    beat->last_ns = world->now_ns;
}

/* The operator's descriptions are "start N". */
static void book_run(sim_world *world, const capi_run *run)
{
    uint32_t number = (uint32_t)atoi(run->description.data + 6);
    sim_start *start = &world->starts[number];

    if (start->is_known && !capi_str_is(run->run_uid, start->run_uid))
        sim_violation(world, "I3: start %u has made two runs", number);
    if (start->is_known) return;
    start->is_known = true;
    start->run_id = run->run_id;
    start->begun_ns = world->now_ns;
    snprintf(start->run_uid, sizeof start->run_uid, "%.*s", CAPI_STR_ARG(run->run_uid));
    snprintf(start->keyspace_uid, sizeof start->keyspace_uid, "%.*s", CAPI_STR_ARG(run->keyspace_uid));
    world->report.runs++;
    sim_trace(world, "  run %u of %s is %s", run->run_id, start->keyspace_uid, start->run_uid);
}

static void book_stop(sim_world *world, const capi_keyspace *keyspace, uint32_t run_id)
{
    for (uint32_t i = 0; i < world->start_count; i++) {
        sim_start *start = &world->starts[i];

        if (start->is_known && start->run_id == run_id && capi_str_is(keyspace->uid, start->keyspace_uid))
            start->is_stopped = true;
    }
}

static void book_drop(sim_world *world, capi_str uid)
{
    for (uint32_t i = 0; i < world->start_count; i++) {
        sim_start *start = &world->starts[i];

        if (!start->is_known || !capi_str_is(uid, start->keyspace_uid)) continue;
        start->is_dropped = true;
        for (uint32_t k = 0; k < world->entry_count; k++)
            if (strcmp(world->entries[k].run_uid, start->run_uid) == 0) entry_unclaim(&world->entries[k]);
    }
}

/* All inputs have ended well, and will not change (I8). */
static void check_input(sim_world *world, capi_str run_uid, const capi_node *parent, capi_str node)
{
    capi_arena scratch = {0};
    capi_node_state state;

    if (world->memory->ops->node_get(world->memory, run_uid, parent->name, &scratch, &state, NULL) == CAPI_OK &&
        state.status != CAPI_WORK_SUCCESS)
        sim_violation(world, "I8: node %.*s is opened while %.*s has status %d", CAPI_STR_ARG(node),
                      CAPI_STR_ARG(parent->name), state.status);
    capi_arena_deinit(&scratch);
}

static void book_open(sim_world *world, capi_str run_uid, const capi_node_state *opened)
{
    const sim_start *start = sim_start_of(world, run_uid.data);
    const capi_node *node = start ? capi_script_node(world->scripts[start->version], opened->name) : NULL;

    if (!node || opened->status != CAPI_WORK_START) return;
    if (node->reader) check_input(world, opened->reader_run_uid, node->reader, opened->name);
    if (node->lookup) check_input(world, opened->lookup_run_uid, node->lookup->index->owner, opened->name);
}

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
    CALL("keyspace_drop", store->ops->keyspace_drop(store, name, arena, uid, err), book_drop(world, *uid));
}

static capi_status state_run_start(capi_state *state, const capi_keyspace *keyspace, const capi_run_spec *spec,
                                   capi_arena *arena, capi_run *out, capi_err *err)
{
    CALL("run_start", sim_run_start(world, keyspace, spec, arena, out, err), book_run(world, out));
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
    CALL("run_stop", sim_run_stop(world, keyspace, run_id, comment, err), book_stop(world, keyspace, run_id));
}

static capi_status state_run_complete(capi_state *state, capi_str run_uid, capi_str comment, capi_err *err)
{
    CALL("run_complete", store->ops->run_complete(store, run_uid, comment, err), );
}

static capi_status state_run_forget(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id,
                                    capi_arena *arena, capi_str *run_uid, capi_err *err)
{
    CALL("run_forget", store->ops->run_forget(store, keyspace, run_id, arena, run_uid, err), );
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
         book_open(world, run_uid, out));
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
         check_same_run(world, run_uid, out);
         book_claim(process, out, false));
}

static capi_status state_batch_release(capi_state *state, const capi_claim *claim, capi_err *err)
{
    CALL("batch_release", sim_batch_release(world, claim, err), book_release(world, claim, false));
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

    CALL("batch_finish", sim_batch_finish(world, &used, result, err),
         book_finish(world, &used, claim->attempt_uid, result));
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
         book_claim(process, out, true));
}

static capi_status state_seal_finish(capi_state *state, const capi_claim *claim, const capi_seal_result *result,
                                     capi_err *err)
{
    CALL("seal_finish", sim_seal_finish(world, claim, result, err),
         book_finish(world, claim, claim->attempt_uid, NULL));
}

static capi_status state_seal_release(capi_state *state, const capi_claim *claim, capi_err *err)
{
    CALL("seal_release", store->ops->seal_release(store, claim, err), book_release(world, claim, true));
}

static capi_status state_process_beat(capi_state *state, capi_str process_uid, capi_err *err)
{
    CALL("process_beat", store->ops->process_beat(store, process_uid, err), book_beat(world, process_uid));
}

static capi_status state_process_list(capi_state *state, capi_arena *arena, capi_process **out, uint32_t *count,
                                      capi_err *err)
{
    CALL("process_list", store->ops->process_list(store, arena, out, count, err), );
}

static capi_status state_process_bury(capi_state *state, capi_str process_uid, uint64_t beat, capi_err *err)
{
    sim_wake(process_of(state)->world, process_uid);
    CALL("process_bury", sim_process_bury(world, process_uid, beat, err), book_bury(world, process_uid, beat));
}

static capi_status state_process_leave(capi_state *state, capi_str process_uid, capi_err *err)
{
    CALL("process_leave", store->ops->process_leave(store, process_uid, err), book_free_all(world, process_uid));
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
