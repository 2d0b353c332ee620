/* sim_mutant.c - the operations of the store, each of which one mutant breaks. A sound world passes all calls on. */
#include "sim/sim_inside.h"

typedef struct mutant_text {
    const char *name, *what, *says;
} mutant_text;

static const mutant_text texts[] = {
#define TEXT(name, what, says) {#name, what, says},
    SIM_MUTANT_LIST(TEXT)
#undef TEXT
};

const char *sim_mutant_name(sim_mutant mutant)
{
    return texts[mutant].name;
}

const char *sim_mutant_what(sim_mutant mutant)
{
    return texts[mutant].what;
}

const char *sim_mutant_says(sim_mutant mutant)
{
    return texts[mutant].says;
}

/* ---- runs ---- */

capi_status sim_run_start(sim_world *world, const capi_keyspace *keyspace, const capi_run_spec *spec, capi_arena *arena,
                          capi_run *out, capi_err *err)
{
    capi_run_spec broken = *spec;

    if (sim_is(world, SIM_START_IN_PARTS) && sim_chance(world, 300)) {
        broken.operation_uid = CAPI_STR("");
        broken.node_count = spec->node_count / 2;
        broken.target_count = 0;
        (void)!world->store->ops->run_start(world->store, keyspace, &broken, arena, out, err);
        return capi_err_set(err, CAPI_UNAVAILABLE, "the store does not answer");
    }
    if (sim_is(world, SIM_START_AGAIN)) broken.operation_uid = CAPI_STR("");
    return world->store->ops->run_start(world->store, keyspace, &broken, arena, out, err);
}

capi_status sim_run_stop(sim_world *world, const capi_keyspace *keyspace, uint32_t run_id, capi_str comment,
                         capi_err *err)
{
    if (sim_is(world, SIM_STOP_LATE) && !world->has_late_stop) {
        world->has_late_stop = true;
        world->late_stop_ns = world->now_ns + SIM_LEASE_NS;
        world->late_keyspace =
            (capi_keyspace){capi_str_copy(&world->arena, keyspace->name), capi_str_copy(&world->arena, keyspace->uid)};
        world->late_run_id = run_id;
        snprintf(world->late_comment, sizeof world->late_comment, "%.*s", CAPI_STR_ARG(comment));
        return CAPI_OK;
    }
    return world->store->ops->run_stop(world->store, keyspace, run_id, comment, err);
}

void sim_mutant_tick(sim_world *world)
{
    if (!world->has_late_stop || world->now_ns < world->late_stop_ns) return;
    world->late_stop_ns = INT64_MAX;
    (void)!world->store->ops->run_stop(world->store, &world->late_keyspace, world->late_run_id,
                                       capi_str_of(world->late_comment), NULL);
}

capi_status sim_run_get(sim_world *world, const sim_start *start, capi_arena *arena, capi_run *out, capi_err *err)
{
    capi_keyspace keyspace = {CAPI_STR("ks"), capi_str_of(start->keyspace_uid)};
    capi_status st = world->memory->ops->run_get(world->memory, &keyspace, start->run_id, arena, out, err);

    if (st == CAPI_OK && sim_is(world, SIM_STOP_AGAIN) && start->stop_last)
        out->stop_comment = capi_str_format(arena, "stop %u", start->stop_last);
    return st;
}

capi_status sim_run_forget(sim_world *world, const capi_keyspace *keyspace, uint32_t run_id, capi_arena *arena,
                           capi_str *run_uid, capi_err *err)
{
    capi_run run;
    capi_status st = world->store->ops->run_forget(world->store, keyspace, run_id, arena, run_uid, err);

    if (st == CAPI_CONFLICT && sim_is(world, SIM_GC_FORGETS_READERS) &&
        world->store->ops->run_get(world->store, keyspace, run_id, arena, &run, NULL) == CAPI_OK &&
        run.status != CAPI_RUN_START)
        sim_tables_drop(world, run.run_uid.data);
    return st;
}

/* ---- nodes ---- */

static void node_lie(sim_world *world, capi_str run_uid, capi_node_state *node)
{
    const sim_start *start = sim_start_of(world, run_uid.data);

    if (sim_is(world, SIM_OPEN_EARLY) && node->status == CAPI_WORK_START) node->status = CAPI_WORK_SUCCESS;
    if (sim_is(world, SIM_NO_SEAL) && node->status == CAPI_WORK_START && node->batches_done == node->batches_total)
        node->status = node->batches_failed ? CAPI_WORK_FAIL : CAPI_WORK_SUCCESS;
    if (sim_is(world, SIM_STOP_REWRITES) && start && start->is_stopped) node->status = CAPI_WORK_STOP_RECEIVED;
}

capi_status sim_node_list(sim_world *world, capi_str run_uid, capi_arena *arena, capi_node_state **out, uint32_t *count,
                          capi_err *err)
{
    capi_status st = world->store->ops->node_list(world->store, run_uid, arena, out, count, err);

    for (uint32_t i = 0; st == CAPI_OK && i < *count; i++)
        if (!sim_is(world, SIM_OPEN_EARLY)) node_lie(world, run_uid, &(*out)[i]);
    return st;
}

capi_status sim_node_get(sim_world *world, capi_str run_uid, capi_str node, capi_arena *arena, capi_node_state *out,
                         capi_err *err)
{
    capi_status st = world->store->ops->node_get(world->store, run_uid, node, arena, out, err);

    if (st == CAPI_OK) node_lie(world, run_uid, out);
    return st;
}

/* ---- batches ---- */

/* The run that has the number now, in a younger life of the keyspace; NULL if there is none, or the run still lives. */
static const sim_start *run_of_that_number(sim_world *world, const char *run_uid)
{
    const sim_start *old = sim_start_of(world, run_uid);

    for (uint32_t i = 0; old && old->is_dropped && i < world->start_count; i++) {
        const sim_start *start = &world->starts[i];

        if (start->is_known && !start->is_dropped && start->run_id == old->run_id) return start;
    }
    return NULL;
}

capi_status sim_batch_claim(sim_world *world, capi_str run_uid, capi_str node, capi_str process_uid,
                            capi_str operation_uid, capi_claim *out, capi_err *err)
{
    char other[CAPI_UID_BYTES];
    capi_status st;

    if (sim_is(world, SIM_CLAIM_AGAIN)) {
        capi_random_uid(&world->random, other);
        operation_uid = capi_str_of(other);
    }
    if (sim_is(world, SIM_RUNS_BY_NUMBER)) {
        const sim_start *younger = run_of_that_number(world, run_uid.data);

        if (younger) run_uid = capi_str_of(younger->run_uid);
    }
    st = world->store->ops->batch_claim(world->store, run_uid, node, process_uid, operation_uid, out, err);
    if (sim_is(world, SIM_NO_END_OF_DEATHS) && out->deaths > 1) out->deaths = 1;
    return st;
}

capi_status sim_batch_release(sim_world *world, const capi_claim *claim, capi_err *err)
{
    if (sim_is(world, SIM_KEEP_ON_EXIT)) return CAPI_OK;
    return world->store->ops->batch_release(world->store, claim, err);
}

capi_status sim_batch_publish(sim_world *world, const capi_claim *claim, capi_str staged, capi_str target,
                              capi_err *err)
{
    if (sim_is(world, SIM_NO_PUBLISHING)) return CAPI_OK;
    return world->store->ops->batch_publish(world->store, claim, staged, target, err);
}

capi_status sim_batch_publication(sim_world *world, const capi_claim *claim, capi_arena *arena, capi_str *staged,
                                  capi_str *target, capi_err *err)
{
    *staged = *target = (capi_str){0};
    if (sim_is(world, SIM_NO_PUBLISHING)) return CAPI_OK;
    return world->store->ops->batch_publication(world->store, claim, arena, staged, target, err);
}

/* The attempt that holds the batch now. */
static bool take_current_attempt(sim_world *world, capi_claim *claim)
{
    const sim_entry *entry = sim_entry_of(world, claim->run_uid, claim->node, claim->batch_idx);

    if (!entry->attempt[0]) return false;
    memcpy(claim->attempt_uid, entry->attempt, sizeof claim->attempt_uid);
    return true;
}

capi_status sim_batch_finish(sim_world *world, capi_claim *claim, const capi_batch_result *result, capi_err *err)
{
    capi_status st = world->store->ops->batch_finish(world->store, claim, result, err);

    if (st != CAPI_CONFLICT) return st;
    if (sim_is(world, SIM_RUNS_BY_NUMBER)) {
        const sim_start *younger = run_of_that_number(world, claim->run_uid);

        if (!younger) return st;
        memcpy(claim->run_uid, younger->run_uid, sizeof claim->run_uid);
    } else if (!sim_is(world, SIM_NO_FENCE)) {
        return st;
    }
    if (!take_current_attempt(world, claim)) return st;
    return world->store->ops->batch_finish(world->store, claim, result, err);
}

capi_status sim_batch_list(sim_world *world, capi_str run_uid, capi_str node, bool with_extents, capi_arena *arena,
                           capi_batch_state **out, uint32_t *count, capi_err *err)
{
    return world->store->ops->batch_list(world->store, run_uid, node, with_extents, arena, out, count, err);
}

/* ---- seals and processes ---- */

capi_status sim_seal_finish(sim_world *world, const capi_claim *claim, const capi_seal_result *result, capi_err *err)
{
    capi_seal_result broken = *result;

    if (sim_is(world, SIM_SEAL_KEEPS_ALL)) broken.survivors = NULL;
    if (sim_is(world, SIM_SEAL_FORGIVES) && capi_str_is(result->comment, "duplicates"))
        broken.status = CAPI_WORK_SUCCESS;
    return world->store->ops->seal_finish(world->store, claim, &broken, err);
}

capi_status sim_process_bury(sim_world *world, capi_str process_uid, uint64_t beat, capi_err *err)
{
    capi_process *processes = NULL;
    capi_arena scratch = {0};
    uint32_t count = 0;

    if (sim_is(world, SIM_NO_TAKEOVER)) return capi_err_set(err, CAPI_CONFLICT, "not buried");
    if (sim_is(world, SIM_BURY_THE_LIVING) &&
        world->store->ops->process_list(world->store, &scratch, &processes, &count, err) == CAPI_OK)
        for (uint32_t i = 0; i < count; i++)
            if (capi_str_equal(processes[i].process_uid, process_uid)) beat = processes[i].beat;
    capi_arena_deinit(&scratch);
    return world->store->ops->process_bury(world->store, process_uid, beat, err);
}
