/* sim_alone.c - a batch or a seal on which processes have died, done by a child (run/alone.h): an agent of its own, which adopts the
 * claim of its parent, works on nothing else, and dies with it. It works while its parent's slot waits; others act in between. It may die
 * by itself too, but not often enough to be taken for one that its batch has killed. */
#include "sim/sim_inside.h"

#include <stdlib.h>

enum { CHILD_STEPS_MAX = 60, CHILD_WAIT_MS = 20, CHILD_DEATHS_MAX = 2 };

/* How often children of this claim have died without a reason. */
static uint32_t *deaths_of(sim_worker *worker, uint32_t slot, const capi_claim *claim)
{
    sim_children *children = &worker->children[slot];

    if (strcmp(children->attempt, claim->attempt_uid) != 0) {
        *children = (sim_children){0};
        memcpy(children->attempt, claim->attempt_uid, sizeof children->attempt);
    }
    return &children->deaths;
}

static void child_begin(sim_process *child, sim_process *parent, const capi_keyspace *keyspace,
                        const capi_work_item *item)
{
    sim_world *world = parent->world;

    sim_process_init(world, child);
    child->parent = parent;
    child->is_alive = true;
    child->slot_count = 1;
    sim_worker_init(&child->worker, child);
    child->agent = capi_agent_new(&(capi_agent_options){
        .state = &child->state.base,
        .clock = &child->clock,
        .random = &child->random,
        .worker = &child->worker.base,
        .process_uid = capi_str_of(child->uid),
        .slot_count = 1,
        .lease_ns = SIM_LEASE_NS,
        .keyspace = keyspace,
        .run = item->run,
        .script = item->script,
    });
    world->report.children++;
    sim_trace(world, "  %s has a child %s for %s/%u", parent->uid, child->uid, item->claim->node,
              item->claim->batch_idx);
}

/* Whatever it has not finished stays as it is. */
static void child_end(sim_process *child)
{
    child->is_doomed = true;
    capi_agent_free(child->agent);
    sim_worker_deinit(&child->worker);
    sim_disk_disconnect(child->world, child->store);
    free(child);
}

static void child_wait(sim_process *child, const capi_step *step)
{
    int64_t wait_ns = step->again_ns - child->clock.monotonic_ns(child->clock.context);

    if (wait_ns > CHILD_WAIT_MS * SIM_MS) wait_ns = CHILD_WAIT_MS * SIM_MS;
    if (step->again_ns && wait_ns > 0) child->world->now_ns += wait_ns;
    sim_interleave(child->world);
}

static capi_alone_end child_work(sim_process *child, const capi_work_item *item, bool is_seal)
{
    capi_status st = capi_agent_adopt(child->agent, item->claim, is_seal, NULL);

    for (int i = 0; st == CAPI_OK && i < CHILD_STEPS_MAX && !capi_agent_is_idle(child->agent); i++) {
        capi_step step;

        st = capi_agent_slot_step(child->agent, 0, &step, NULL);
        if (st == CAPI_UNAVAILABLE) st = CAPI_OK; /* it is tried again */
        if (sim_is_dead(child)) return CAPI_ALONE_DIED;
        if (item->progress->stop) return CAPI_ALONE_STOPPED; /* its parent kills it */
        child_wait(child, &step);
    }
    if (sim_is_dead(child)) return CAPI_ALONE_DIED;
    if (st == CAPI_NOT_FOUND || st == CAPI_CONFLICT) return CAPI_ALONE_LOST;
    if (st != CAPI_OK || !capi_agent_is_idle(child->agent)) return CAPI_ALONE_UNAVAILABLE;
    return child->worker.has_committed ? CAPI_ALONE_COMMITTED : CAPI_ALONE_LOST;
}

capi_alone_end sim_worker_alone(capi_worker *base, uint32_t slot, const capi_work_item *item, bool is_seal,
                                capi_work_outcome *out)
{
    sim_worker *worker = (sim_worker *)base;
    sim_process *parent = worker->process;
    sim_process *child;
    uint32_t *deaths = deaths_of(worker, slot, item->claim);
    capi_keyspace keyspace = {CAPI_STR("ks"), item->run->keyspace_uid};
    uint64_t poisoned = parent->world->report.poisoned;
    capi_alone_end end;

    if (parent->is_doomed) return CAPI_ALONE_UNAVAILABLE;
    child = capi_zmalloc(sizeof *child);
    child_begin(child, parent, &keyspace, item);
    child->is_spared = *deaths >= CHILD_DEATHS_MAX;
    end = child_work(child, item, is_seal);
    if (end == CAPI_ALONE_DIED && parent->world->report.poisoned == poisoned) ++*deaths;
    out->result = (capi_batch_result){.status = child->worker.committed, .last_token = -1};
    if (end == CAPI_ALONE_DIED) capi_err_set(&out->err, CAPI_INTERNAL, "was killed");
    sim_trace(parent->world, "  the child %s has ended: %d", child->uid, (int)end);
    child_end(child);
    return end;
}
