/* sim_book.c - what really happened, written down when calls take effect, and compared with what may happen: who holds a claim,
 * what has ended and how, what is read, when processes have beaten. */
#include "sim/sim_inside.h"

#include <stdlib.h>

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

/* A claim that is repeated, because its answer was lost, must give what it gave. */
static void check_repeated(sim_world *world, const sim_process *process, capi_str operation_uid,
                           const capi_claim *claim)
{
    for (uint32_t i = 0; i < world->entry_count; i++) {
        const sim_entry *entry = &world->entries[i];

        if (entry->attempt[0] && strcmp(entry->owner, process->uid) == 0 &&
            capi_str_is(operation_uid, entry->operation) && strcmp(entry->attempt, claim->attempt_uid) != 0)
            sim_violation(world, "I4: a claim that had taken %s/%d is repeated and takes %s/%u", entry->node,
                          (int)entry->batch_idx, claim->node, claim->batch_idx);
    }
}

void sim_book_claim(sim_process *process, const capi_claim *claim, capi_str operation_uid, bool is_seal)
{
    sim_world *world = process->world;
    sim_entry *entry = sim_entry_of(world, claim->run_uid, claim->node, is_seal ? UINT32_MAX : claim->batch_idx);
    const sim_start *start = sim_start_of(world, claim->run_uid);

    check_repeated(world, process, operation_uid, claim);
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
    snprintf(entry->operation, sizeof entry->operation, "%.*s", CAPI_STR_ARG(operation_uid));
    entry->claimed_ns = world->now_ns;
}

void sim_book_check_same_run(sim_world *world, capi_str wanted, const capi_claim *claim)
{
    if (!capi_str_is(wanted, claim->run_uid))
        sim_violation(world, "I15: a claim in run %.*s is one of batch %s/%u in run %s", CAPI_STR_ARG(wanted),
                      claim->node, claim->batch_idx, claim->run_uid);
}

static void entry_unclaim(sim_entry *entry)
{
    entry->attempt[0] = entry->owner[0] = 0;
}

void sim_book_release(sim_world *world, const capi_claim *claim, bool is_seal)
{
    sim_entry *entry = sim_entry_of(world, claim->run_uid, claim->node, is_seal ? UINT32_MAX : claim->batch_idx);

    if (sim_is(world, SIM_KEEP_ON_EXIT)) return;
    if (strcmp(entry->attempt, claim->attempt_uid) == 0) entry_unclaim(entry);
}

void sim_book_free_all(sim_world *world, capi_str process_uid)
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

/* ---- what has ended is whole ---- */

static void check_file(sim_world *world, const sim_start *start, const capi_node *node, const capi_claim *claim,
                       capi_arena *scratch)
{
    capi_str name = capi_file_sink_url(node->file, start->run_id, claim->batch_idx, scratch);
    const sim_file *file = sim_file_find(world, name.data);

    if (!file || !file->is_whole || strcmp(file->run_uid, claim->run_uid) != 0)
        sim_violation(world, "I13: batch %s/%u is a success, but its file \"%s\" is not there", claim->node,
                      claim->batch_idx, name.data);
    else if (file->value != sim_expected(world, start, node, claim->batch_idx))
        sim_violation(world, "I1: batch %s/%u is a success, but its file \"%s\" is not that of an undisturbed run",
                      claim->node, claim->batch_idx, name.data);
}

static void check_rows(sim_world *world, const capi_claim *claim, const capi_batch_result *result, capi_arena *scratch)
{
    capi_extent *extents = NULL;
    uint32_t count = 0;

    if (capi_extents_decode(result->extents, scratch, &extents, &count, NULL) != CAPI_OK) return;
    for (uint32_t i = 0; i < count; i++)
        if (!world->blobs[extents[i].segment - 1].is_whole)
            sim_violation(world, "I8: batch %s/%u is a success, but its rows are not written", claim->node,
                          claim->batch_idx);
}

/* A success must be whole and durable when it is recorded. */
static void check_durable(sim_world *world, const capi_claim *claim, const capi_batch_result *result)
{
    const sim_start *start = sim_start_of(world, claim->run_uid);
    const capi_node *node = start ? capi_script_node(world->scripts[start->version], capi_str_of(claim->node)) : NULL;
    capi_arena scratch = {0};

    if (node && result->status == CAPI_WORK_SUCCESS) {
        if (node->file)
            check_file(world, start, node, claim, &scratch);
        else
            check_rows(world, claim, result, &scratch);
    }
    capi_arena_deinit(&scratch);
}

static void check_survivors(sim_world *world, const sim_start *start, const capi_node *node,
                            const capi_batch_state *batch)
{
    uint64_t value = sim_expected(world, start, node, batch->batch_idx);

    for (uint32_t row = 0; row < sim_batch_rows(node, value); row++) {
        bool survives = batch->survivors.bytes == 0 || (batch->survivors.data[row / 8] >> row % 8 & 1);

        if (survives != sim_survives(value, row))
            sim_violation(world, "I12: row %u of batch %.*s/%u of run %u %s", row, CAPI_STR_ARG(node->name),
                          batch->batch_idx, start->run_id, survives ? "is there twice" : "is missing");
    }
}

/* Of a distinct table exactly the first row with each key survives. */
static void check_sealed(sim_world *world, const capi_claim *claim)
{
    const sim_start *start = sim_start_of(world, claim->run_uid);
    const capi_node *node = start ? capi_script_node(world->scripts[start->version], capi_str_of(claim->node)) : NULL;
    capi_arena scratch = {0};
    capi_batch_state *batches = NULL;
    capi_node_state state;
    uint32_t count = 0;

    if (node && node->type == CAPI_NODE_DISTINCT &&
        world->memory->ops->node_get(world->memory, capi_str_of(claim->run_uid), node->name, &scratch, &state, NULL) ==
            CAPI_OK &&
        state.status == CAPI_WORK_SUCCESS &&
        world->memory->ops->batch_list(world->memory, capi_str_of(claim->run_uid), node->name, true, &scratch, &batches,
                                       &count, NULL) == CAPI_OK)
        for (uint32_t i = 0; i < count; i++)
            check_survivors(world, start, node, &batches[i]);
    capi_arena_deinit(&scratch);
}

/* `claim` is what the caller gave, `used` what was ended: not the same in some mutants. */
void sim_book_finish(sim_world *world, const capi_claim *used, const capi_claim *claim, const capi_batch_result *result)
{
    const char *attempt = claim->attempt_uid;
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
    if (strcmp(used->run_uid, claim->run_uid) != 0)
        sim_violation(world, "I15: a claim of run %s ended %s/%d of run %s", claim->run_uid, used->node,
                      (int)entry->batch_idx, used->run_uid);
    if (strcmp(entry->attempt, attempt) != 0)
        sim_violation(world, "I5: %s/%d is ended by attempt %s, but the claim is of \"%s\"", used->node,
                      (int)entry->batch_idx, attempt, entry->attempt);
    if (is_seal) {
        check_sealed(world, used);
    } else {
        check_durable(world, used, result);
        world->report.batches++;
    }
    entry->is_final = true;
    entry->final_claimed_ns = entry->claimed_ns;
    memcpy(entry->final_attempt, attempt, sizeof entry->final_attempt);
    entry_unclaim(entry);
}

/* Attempts of a process that beats may only be taken if it was silent for a lease. */
void sim_book_bury(sim_world *world, capi_str process_uid, uint64_t beat)
{
    const sim_beat *known = beat_of(world, process_uid);

    sim_trace(world, "  buried: %.*s", CAPI_STR_ARG(process_uid));
    world->report.takeovers++;
    if (known->count != beat) sim_violation(world, "I16: a process is buried although it has beaten again");
    if (known->count && world->now_ns - known->last_ns < SIM_LEASE_NS * 9 / 10)
        sim_violation(world, "I16: a process is buried %lld ms after its last beat",
                      (long long)((world->now_ns - known->last_ns) / SIM_MS));
    sim_book_free_all(world, process_uid);
}

void sim_book_beat(sim_world *world, capi_str process_uid)
{
    sim_beat *beat = beat_of(world, process_uid);

    beat->count++;
    beat->last_ns = world->now_ns;
}

/* The operator's descriptions are "start N". */
void sim_book_run(sim_world *world, const capi_run *run)
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

/* The operator's comments are "stop N". */
void sim_book_stop(sim_world *world, const capi_keyspace *keyspace, uint32_t run_id, capi_str comment)
{
    uint32_t number = (uint32_t)atoi(comment.data + 5);

    for (uint32_t i = 0; i < world->start_count; i++) {
        sim_start *start = &world->starts[i];

        if (!start->is_known || start->run_id != run_id || !capi_str_is(keyspace->uid, start->keyspace_uid)) continue;
        start->is_stopped = true;
        if (!start->stop_first) start->stop_first = number;
        start->stop_last = number;
    }
}

void sim_book_drop(sim_world *world, capi_str uid)
{
    for (uint32_t i = 0; i < world->start_count; i++) {
        sim_start *start = &world->starts[i];

        if (!start->is_known || !capi_str_is(uid, start->keyspace_uid)) continue;
        start->is_dropped = true;
        for (uint32_t k = 0; k < world->entry_count; k++)
            if (strcmp(world->entries[k].run_uid, start->run_uid) == 0) entry_unclaim(&world->entries[k]);
    }
}

void sim_book_forget(sim_world *world, capi_str run_uid)
{
    sim_start *start = sim_start_of(world, run_uid.data);

    if (!start) return;
    start->is_forgotten = true;
    world->report.collected++;
    sim_trace(world, "  run %u is removed", start->run_id);
    sim_tables_drop(world, start->run_uid);
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

void sim_book_open(sim_world *world, capi_str run_uid, const capi_node_state *opened)
{
    sim_start *start = sim_start_of(world, run_uid.data);
    const capi_node *node = start ? capi_script_node(world->scripts[start->version], opened->name) : NULL;
    sim_inputs *inputs;

    if (!node || opened->status != CAPI_WORK_START || sim_inputs_of(start, node->name)) return;
    inputs = &start->inputs[start->input_count++];
    snprintf(inputs->node, sizeof inputs->node, "%.*s", CAPI_STR_ARG(node->name));
    snprintf(inputs->reader_run_uid, sizeof inputs->reader_run_uid, "%.*s", CAPI_STR_ARG(opened->reader_run_uid));
    snprintf(inputs->lookup_run_uid, sizeof inputs->lookup_run_uid, "%.*s", CAPI_STR_ARG(opened->lookup_run_uid));
    if (node->reader) check_input(world, opened->reader_run_uid, node->reader, opened->name);
    if (node->lookup) check_input(world, opened->lookup_run_uid, node->lookup->index->owner, opened->name);
}
