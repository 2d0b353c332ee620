/* agent_alone.c - batches and seals on which processes died: the parent's side, which starts processes for them, and the child's,
 * which takes over its parent's claim (run/alone.h). */
#include "run/agent_inside.h"

bool agent_slot_is_for_alone(const capi_agent *agent, const agent_slot *slot)
{
    return agent->options.worker->ops->alone && slot->claim.deaths >= AGENT_DEATHS_ALONE;
}

/* False: it may have been somebody who kills processes, so once more. */
static bool killed_too_many(agent_slot *slot, bool is_seal)
{
    capi_err how = {0};

    capi_err_copy(&how, &slot->outcome.err);
    capi_err_clear(&slot->outcome.err);
    if (++slot->deaths_alone < AGENT_DEATHS_MAX) {
        capi_err_set(&slot->outcome.err, CAPI_UNAVAILABLE, "a process that worked on this %s alone %s",
                     is_seal ? "node's end" : "batch", how.text);
        return false;
    }
    capi_err_set(&slot->outcome.err, CAPI_INVALID,
                 "%u processes died while %s, the last %u of them with nothing else to do; the last one %s",
                 slot->claim.deaths + slot->deaths_alone, is_seal ? "they sealed this node" : "working on this batch",
                 slot->deaths_alone, how.text);
    return true;
}

bool agent_slot_done_alone(capi_agent *agent, agent_slot *slot, bool is_seal)
{
    capi_work_item item = agent_slot_item(slot);
    capi_alone_end end = agent->options.worker->ops->alone(agent->options.worker, (uint32_t)(slot - agent->slots),
                                                           &item, is_seal, &slot->outcome);

    switch (end) {
    case CAPI_ALONE_COMMITTED:
        if (is_seal) {
            pthread_mutex_lock(&agent->lock);
            slot->node->of->refresh_ns = 0; /* how it ended is in the state */
            slot->node->of->has_changed = true;
            pthread_mutex_unlock(&agent->lock);
            agent_slot_tell_end(agent, slot, true, CAPI_WORK_COMMITTED);
        } else {
            agent_slot_count(agent, slot);
        }
        agent_slot_leave(agent, slot);
        return true;
    case CAPI_ALONE_LOST: agent_slot_lose(agent, slot); return true;
    case CAPI_ALONE_STOPPED: agent_slot_enter(agent, slot, is_seal ? SLOT_SEAL_RELEASE : SLOT_RELEASE); return true;
    case CAPI_ALONE_DIED:
        agent->options.worker->ops->tidy(agent->options.worker, &item);
        slot->outcome.status = killed_too_many(slot, is_seal) ? CAPI_INVALID : CAPI_UNAVAILABLE;
        slot->failing_since_ns = agent_now(agent); /* it is tried so often, however long that takes */
        return false;
    case CAPI_ALONE_UNAVAILABLE: slot->outcome.status = CAPI_UNAVAILABLE; return false;
    }
    return false;
}

capi_status capi_agent_adopt(capi_agent *agent, const capi_claim *claim, bool is_seal, capi_err *err)
{
    agent_slot *slot = &agent->slots[0];
    capi_arena scratch = {0};
    agent_node *node = NULL;
    capi_node_state state;
    capi_status st;

    CAPI_TRY_OUT(agent_run_add(agent, agent->options.keyspace, agent->options.run, agent->options.script, err));
    for (uint32_t i = 0; i < agent->runs->node_count; i++)
        if (capi_str_is(agent->runs->nodes[i].node->name, claim->node)) node = &agent->runs->nodes[i];
    CAPI_TRY_OUT(capi_node_get(agent->options.state, capi_str_of(claim->run_uid), capi_str_of(claim->node), &scratch,
                               &state, err));
    if (!node || state.status != CAPI_WORK_START) {
        st = capi_err_set(err, CAPI_CONFLICT, "node \"%s\" has ended", claim->node);
        goto out;
    }
    CAPI_TRY_OUT(agent_node_let_in(agent, node, &state, err));
    slot->node = node;
    slot->claim = *claim;
    slot->is_adopted = true;
    if (is_seal)
        node->is_sealing = true;
    else
        node->running++;
    agent_slot_enter(agent, slot, is_seal ? SLOT_SEAL_EXECUTE : SLOT_EXECUTE);
out:
    capi_arena_deinit(&scratch);
    return st;
}
