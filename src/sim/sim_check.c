/* sim_check.c - what must be true: during a run nothing that had ended changes; after it everything has ended, with the
 * results of a run in which nothing ever went wrong. */
#include "sim/sim_inside.h"

#include <stdlib.h>

enum { NODE_ITSELF = UINT32_MAX - 1 };

/* ---- during (I7) ---- */

static void see_status(sim_world *world, const sim_start *start, capi_str node, uint32_t batch_idx, int status)
{
    sim_entry *entry = sim_entry_of(world, start->run_uid, node.data, batch_idx);

    if (state_work_is_final(entry->seen_status) && entry->seen_status != status)
        sim_violation(world, "I7: %s/%d had status %d and now has %d", node.data, (int)batch_idx, entry->seen_status,
                      status);
    entry->seen_status = status;
}

static void audit_node(sim_world *world, const sim_start *start, const capi_node_state *node, capi_arena *scratch)
{
    capi_batch_state *batches = NULL;
    uint32_t count = 0;

    see_status(world, start, node->name, NODE_ITSELF, node->status);
    if (sim_batch_list(world, capi_str_of(start->run_uid), node->name, false, scratch, &batches, &count, NULL) !=
        CAPI_OK)
        return;
    for (uint32_t i = 0; i < count; i++)
        see_status(world, start, node->name, i, batches[i].status);
}

/* The first stop is the one that counts. */
static void audit_run(sim_world *world, const sim_start *start, capi_arena *scratch)
{
    capi_run run;

    if (sim_run_get(world, start, scratch, &run, NULL) != CAPI_OK || run.stop_ms == 0 || !start->stop_first) return;
    if ((uint32_t)atoi(run.stop_comment.data + 5) != start->stop_first)
        sim_violation(world, "I4: run %u was stopped by \"stop %u\" and now is by \"%s\"", start->run_id,
                      start->stop_first, run.stop_comment.data);
}

void sim_audit(sim_world *world)
{
    for (uint32_t i = 0; i < world->start_count; i++) {
        const sim_start *start = &world->starts[i];
        capi_arena scratch = {0};
        capi_node_state *nodes = NULL;
        uint32_t count = 0;

        if (start->is_known && !start->is_dropped) audit_run(world, start, &scratch);
        if (start->is_known && !start->is_dropped &&
            sim_node_list(world, capi_str_of(start->run_uid), &scratch, &nodes, &count, NULL) == CAPI_OK)
            for (uint32_t k = 0; k < count; k++)
                audit_node(world, start, &nodes[k], &scratch);
        capi_arena_deinit(&scratch);
    }
}

/* ---- the end (I2) ---- */

/* NULL if all is settled, else what is not. */
static capi_str unsettled(sim_world *world, const sim_start *start, capi_arena *scratch)
{
    capi_state *memory = world->memory;
    capi_keyspace keyspace = {CAPI_STR("ks"), capi_str_of(start->keyspace_uid)};
    capi_run run;
    capi_node_state *nodes = NULL;
    uint32_t count = 0;

    if (memory->ops->run_get(memory, &keyspace, start->run_id, scratch, &run, NULL) != CAPI_OK) return (capi_str){0};
    if (run.status == CAPI_RUN_START) return capi_str_format(scratch, "run %u has not ended", run.run_id);
    if (memory->ops->node_list(memory, run.run_uid, scratch, &nodes, &count, NULL) != CAPI_OK) return (capi_str){0};
    for (uint32_t i = 0; i < count; i++) {
        if (!state_work_is_final(nodes[i].status) || nodes[i].batches_done < nodes[i].batches_total)
            return capi_str_format(scratch, "node %s of run %u has status %d, %u of %u batches ended, %u claimed",
                                   nodes[i].name.data, run.run_id, nodes[i].status, nodes[i].batches_done,
                                   nodes[i].batches_total, nodes[i].batches_claimed);
    }
    return (capi_str){0};
}

bool sim_is_settled(sim_world *world)
{
    bool is_settled = true;

    for (uint32_t i = 0; i < world->start_count && is_settled; i++) {
        capi_arena scratch = {0};
        const sim_start *start = &world->starts[i];

        if (start->is_known && !start->is_dropped) is_settled = unsettled(world, start, &scratch).bytes == 0;
        capi_arena_deinit(&scratch);
    }
    return is_settled;
}

/* If all announcements are lost, it is that which must not hang a run. */
void sim_check_settled(sim_world *world)
{
    for (uint32_t i = 0; i < world->start_count; i++) {
        capi_arena scratch = {0};
        const sim_start *start = &world->starts[i];
        capi_str words = {0};

        if (start->is_known && !start->is_dropped) words = unsettled(world, start, &scratch);
        if (words.bytes) sim_violation(world, "%s: %s", world->lost_permille == 1000 ? "I6" : "I2", words.data);
        capi_arena_deinit(&scratch);
    }
}

/* ---- results (I1, I8, I10, I11, I12, I14) ---- */

/* A batch may fail because of its data; that processes died on it is a reason only where the script says so. */
static bool may_fail(const capi_node *node, const capi_batch_state *batch)
{
    bool is_forbidden = node->rerun_fails && node->type != CAPI_NODE_DISTINCT;

    return sim_batch_fails(node, batch->batch_idx) || sim_batch_kills(node, batch->batch_idx) ||
           (batch->deaths && is_forbidden);
}

static uint64_t value_of(sim_world *world, const sim_start *start, const capi_node *node, const capi_batch_state *batch,
                         capi_arena *scratch)
{
    capi_extent *extents = NULL;
    uint32_t count = 0;

    if (node->file) {
        capi_str name = capi_file_sink_url(node->file, start->run_id, batch->batch_idx, scratch);
        const sim_file *file = sim_file_find(world, name.data);

        return file ? file->value : 0;
    }
    if (capi_extents_decode(batch->extents, scratch, &extents, &count, NULL) != CAPI_OK || count == 0) return 0;
    return world->blobs[extents[0].segment - 1].value;
}

/* Later runs may write the same file. */
static bool is_newest(const sim_world *world, const sim_start *start)
{
    for (const sim_start *other = start + 1; other < world->starts + world->start_count; other++)
        if (other->is_known) return false;
    return true;
}

static void check_batch(sim_world *world, const sim_start *start, const capi_node *node, const capi_batch_state *batch,
                        capi_arena *scratch)
{
    uint64_t expected = sim_expected(world, start, node, batch->batch_idx);
    bool has_value = node->file ? is_newest(world, start) : sim_batch_rows(node, expected) > 0;

    switch (batch->status) {
    case CAPI_WORK_SUCCESS:
        if (sim_batch_kills(node, batch->batch_idx))
            sim_violation(world, "I1: batch %.*s/%u succeeded, and kills whoever takes it", (int)node->name.bytes,
                          node->name.data, batch->batch_idx);
        if (sim_batch_fails(node, batch->batch_idx))
            sim_violation(world, "I14: batch %.*s/%u succeeded, and had to fail", (int)node->name.bytes,
                          node->name.data, batch->batch_idx);
        if (has_value && value_of(world, start, node, batch, scratch) != expected)
            sim_violation(world, "I1: batch %.*s/%u of run %u has not the result of an undisturbed run",
                          (int)node->name.bytes, node->name.data, batch->batch_idx, start->run_id);
        break;
    case CAPI_WORK_FAIL:
        if (!may_fail(node, batch))
            sim_violation(world, "%s: batch %.*s/%u failed without a reason: %s", batch->deaths ? "I1" : "I10",
                          (int)node->name.bytes, node->name.data, batch->batch_idx,
                          batch->comment.bytes ? batch->comment.data : "");
        break;
    default:
        if (!start->is_stopped)
            sim_violation(world, "I7: batch %.*s/%u has status %d, and its run was not stopped", (int)node->name.bytes,
                          node->name.data, batch->batch_idx, batch->status);
    }
}

static capi_work_status expected_status(const capi_node *node, const capi_batch_state *batches, uint32_t count)
{
    bool is_stopped = false;

    for (uint32_t i = 0; i < count; i++) {
        if (batches[i].status == CAPI_WORK_FAIL) return CAPI_WORK_FAIL;
        is_stopped = is_stopped || batches[i].status == CAPI_WORK_STOP_RECEIVED;
    }
    if (is_stopped) return CAPI_WORK_STOP_RECEIVED;
    return sim_has_duplicates(node) ? CAPI_WORK_FAIL : CAPI_WORK_SUCCESS;
}

/* Something in the keyspace did not go well, so a policy may have said nogo. */
static bool may_be_refused(sim_world *world, const sim_start *start, const capi_node *node, capi_arena *scratch)
{
    const capi_node *parents[2];
    uint32_t parent_count = capi_node_parents(node, parents);
    uint32_t found[2] = {0};

    for (uint32_t i = 0; i < world->start_count; i++) {
        const sim_start *other = &world->starts[i];

        if (!other->is_known || strcmp(other->keyspace_uid, start->keyspace_uid) != 0) continue;
        if (other->is_stopped) return true;
        for (uint32_t p = 0; p < parent_count; p++) {
            capi_node_state parent;

            if (world->memory->ops->node_get(world->memory, capi_str_of(other->run_uid), parents[p]->name, scratch,
                                             &parent, NULL) != CAPI_OK)
                continue;
            if (other->begun_ns <= start->begun_ns) found[p]++; /* younger ones may have come too late */
            if (parent.status != CAPI_WORK_SUCCESS) return true;
        }
    }
    for (uint32_t p = 0; p < parent_count; p++)
        if (found[p] == 0) return true;
    return false;
}

static void check_node(sim_world *world, const sim_start *start, const capi_node_state *state, capi_arena *scratch)
{
    const capi_node *node = capi_script_node(world->scripts[start->version], state->name);
    capi_batch_state *batches = NULL;
    uint32_t count = 0;
    capi_work_status expected;

    if (state->start_ms == 0) { /* never opened */
        if (!start->is_stopped && !may_be_refused(world, start, node, scratch))
            sim_violation(world, "I1: node %s of run %u was refused without a reason", state->name.data, start->run_id);
        return;
    }
    if (world->memory->ops->batch_list(world->memory, capi_str_of(start->run_uid), state->name, true, scratch, &batches,
                                       &count, NULL) != CAPI_OK)
        return;
    for (uint32_t i = 0; i < count; i++)
        check_batch(world, start, node, &batches[i], scratch);
    expected = expected_status(node, batches, count);
    if (state->status != expected)
        sim_violation(world, "%s: node %s of run %u has status %d, expected %d",
                      sim_has_duplicates(node) ? "I11" : "I12", state->name.data, start->run_id, state->status,
                      expected);
}

/* ---- runs are whole (I3) ---- */

static void check_run(sim_world *world, const sim_start *start)
{
    capi_arena scratch = {0};
    capi_node_state *nodes = NULL;
    uint32_t count = 0;

    if (world->memory->ops->node_list(world->memory, capi_str_of(start->run_uid), &scratch, &nodes, &count, NULL) !=
        CAPI_OK)
        sim_violation(world, "I3: run %u is gone", start->run_id);
    if (count != start->node_count)
        sim_violation(world, "I3: run %u has %u nodes, expected %u", start->run_id, count, start->node_count);
    for (uint32_t i = 0; i < count && i < start->node_count; i++) {
        if (!capi_str_equal(nodes[i].name, start->nodes[i].name) ||
            nodes[i].batches_total != start->nodes[i].batches_total)
            sim_violation(world, "I3: node %u of run %u is not as it was started", i, start->run_id);
        check_node(world, start, &nodes[i], &scratch);
    }
    capi_arena_deinit(&scratch);
}

static void check_run_list(sim_world *world)
{
    capi_state *memory = world->memory;
    capi_arena scratch = {0};
    capi_keyspace keyspace;
    capi_run *runs = NULL;
    uint32_t count = 0;

    if (memory->ops->keyspace_open(memory, CAPI_STR("ks"), false, &scratch, &keyspace, NULL) == CAPI_OK &&
        memory->ops->run_list(memory, &keyspace, &scratch, &runs, &count, NULL) == CAPI_OK)
        for (uint32_t i = 0; i < count; i++)
            if (!sim_start_of(world, runs[i].run_uid.data))
                sim_violation(world, "I3: run %u is there although no start made it", runs[i].run_id);
    capi_arena_deinit(&scratch);
}

/* An unnamed file that lay there when the attempt that succeeded began had to be removed. */
static void check_leftovers(sim_world *world)
{
    for (uint32_t i = 0; i < world->file_count; i++) {
        const sim_file *file = &world->files[i];
        const sim_entry *entry = sim_entry_of(world, file->run_uid, file->node, file->batch_idx);

        if (strstr(file->name, ".tmp") && entry->is_final && file->made_ns < entry->final_claimed_ns)
            sim_violation(world, "tidy: \"%s\" was left behind", file->name);
    }
}

void sim_check_results(sim_world *world)
{
    check_run_list(world);
    for (uint32_t i = 0; i < world->start_count; i++) {
        const sim_start *start = &world->starts[i];

        if (start->is_answered && !start->is_known)
            sim_violation(world, "I3: start %u was answered, and there is no run", i);
        if (start->is_known && !start->is_dropped && !start->is_forgotten) check_run(world, start);
    }
    check_leftovers(world);
}
