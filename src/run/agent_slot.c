/* agent_slot.c - one slot's way from claim to commit, a step for each arrow of the diagram in agent.h. */
#include "run/agent_inside.h"

/* ---- choosing (with the lock held) ---- */

/* The open node with batches left on which the fewest slots work; ties in topological order. */
static agent_node *pick_batch(capi_agent *agent)
{
    agent_node *best = NULL;

    for (agent_run *run = agent->runs; run; run = run->next)
        for (uint32_t i = 0; i < run->node_count; i++) {
            agent_node *node = &run->nodes[i];

            if (!node->is_open || node->is_exhausted || work_is_final(node->status)) continue;
            if (!best || node->running < best->running) best = node;
        }
    return best;
}

/* A node whose batches are all claimed, none of them by us: perhaps they are done. */
static agent_node *pick_seal(capi_agent *agent, int64_t now_ns, int64_t *again_ns)
{
    for (agent_run *run = agent->runs; run; run = run->next)
        for (uint32_t i = 0; i < run->node_count; i++) {
            agent_node *node = &run->nodes[i];

            if (!node->is_open || !node->is_exhausted || node->is_sealing || node->running > 0) continue;
            if (work_is_final(node->status)) continue;
            if (node->seal_after_ns <= now_ns) return node;
            if (node->seal_after_ns < *again_ns) *again_ns = node->seal_after_ns;
        }
    return NULL;
}

/* What was read counts once, however often a batch is tried. */
static void progress_reset(capi_progress *progress)
{
    progress->rows_read = 0;
    progress->rows_written = 0;
    progress->bytes_read = 0;
    progress->units_done = 0;
    progress->units_total = 0;
    progress->transfer_done = 0;
    progress->transfer_all = 0;
}

/* With the lock held. */
static void slot_set(capi_agent *agent, agent_slot *slot, slot_phase phase)
{
    slot->phase = phase;
    slot->tries = 0;
    capi_random_uid(agent->options.random, slot->operation_uid);
}

void agent_slot_enter(capi_agent *agent, agent_slot *slot, slot_phase phase)
{
    pthread_mutex_lock(&agent->lock);
    slot_set(agent, slot, phase);
    pthread_mutex_unlock(&agent->lock);
}

static void step_idle(capi_agent *agent, agent_slot *slot, capi_step *step)
{
    agent_node *node;

    pthread_mutex_lock(&agent->lock);
    step->again_ns = agent_after_ms(agent, AGENT_IDLE_POLL_MS);
    node = agent->is_stopping ? NULL : pick_seal(agent, agent_now(agent), &step->again_ns);
    if (node) {
        node->is_sealing = true;
        slot->node = node;
        slot_set(agent, slot, SLOT_SEAL_CLAIM);
    } else if (!agent->is_stopping && (node = pick_batch(agent))) {
        node->running++;
        slot->node = node;
        slot_set(agent, slot, SLOT_CLAIM);
    }
    progress_reset(&slot->progress);
    slot->failing_since_ns = 0;
    slot->has_note = false;
    slot->deaths_alone = 0;
    slot->kills = 0;
    slot->progress.stop = agent->is_stopping;
    if (node) {
        step->did = "pick";
        step->again_ns = 0;
    }
    pthread_mutex_unlock(&agent->lock);
}

/* Back to idle; the node may now be ready for its seal. */
void agent_slot_leave(capi_agent *agent, agent_slot *slot)
{
    if (slot->has_outcome) {
        agent->options.worker->ops->discard(agent->options.worker, (uint32_t)(slot - agent->slots));
        slot->has_outcome = false;
    }
    pthread_mutex_lock(&agent->lock);
    if (slot->phase >= SLOT_SEAL_CLAIM)
        slot->node->is_sealing = false;
    else
        slot->node->running--;
    slot->node = NULL;
    slot->phase = SLOT_IDLE;
    pthread_mutex_unlock(&agent->lock);
    agent_news(agent);
}

/* A state call failed in a way that may pass: the same step again, with the same operation id, a little later. */
static capi_status try_again(capi_agent *agent, agent_slot *slot, capi_step *step, capi_status status)
{
    if (slot->tries < 7) slot->tries++;
    step->again_ns = agent_after_ms(agent, (int64_t)AGENT_RETRY_MS << (slot->tries - 1));
    agent_add(agent, &agent->totals.store_errors);
    return status;
}

void agent_slot_tell_end(capi_agent *agent, agent_slot *slot, bool is_seal, capi_work_end end)
{
    const capi_worker *worker = agent->options.worker;
    capi_work_item item = agent_slot_item(slot);

    if (!worker->ops->ended) return;
    worker->ops->ended(agent->options.worker, (uint32_t)(slot - agent->slots), &item, &slot->outcome, is_seal, end);
}

capi_work_item agent_slot_item(const agent_slot *slot)
{
    const agent_node *node = slot->node;

    return (capi_work_item){
        .claim = &slot->claim,
        .run = &node->of->run,
        .script = node->of->script,
        .node = node->node,
        .reader = node->node->reader ? &node->reader : NULL,
        .lookup = node->node->lookup ? &node->lookup : NULL,
        .progress = (capi_progress *)&slot->progress,
    };
}

/* ---- batches ---- */

static capi_status step_claim(capi_agent *agent, agent_slot *slot, capi_step *step, capi_err *err)
{
    agent_node *node = slot->node;
    capi_status st =
        capi_batch_claim(agent->options.state, node->of->run.run_uid, node->node->name, capi_str_of(agent->process_uid),
                         capi_str_of(slot->operation_uid), &slot->claim, err);

    step->did = "claim";
    if (st == CAPI_OK) {
        agent_slot_enter(agent, slot, SLOT_EXECUTE);
        return CAPI_OK;
    }
    if (st != CAPI_NOT_FOUND && st != CAPI_STOPPED) return try_again(agent, slot, step, st);
    pthread_mutex_lock(&agent->lock);
    node->is_exhausted = true;
    pthread_mutex_unlock(&agent->lock);
    agent_slot_leave(agent, slot);
    return CAPI_OK;
}

/* What a failed batch leaves is the cause; history.h puts the place around it. */
static void outcome_fail(agent_slot *slot, capi_status status)
{
    capi_work_outcome *outcome = &slot->outcome;

    outcome->status = status;
    outcome->has_file = false;
    outcome->result = (capi_batch_result){
        .status = CAPI_WORK_FAIL, .last_token = -1, .comment = {outcome->err.text, outcome->err.text_bytes}};
}

/* A batch on which processes died is not begun again if its node forbids it. If it seems to kill whoever takes it, it is done
 * alone, or, where that is not possible, given up. */
static bool is_given_up(const capi_agent *agent, agent_slot *slot)
{
    bool has_limit = !agent->options.worker->ops->alone && !slot->is_adopted;
    const capi_node *node = slot->node->node;
    uint32_t deaths = slot->claim.deaths;
    bool is_forbidden = deaths > 0 && node->rerun_fails && node->type != CAPI_NODE_DISTINCT;

    if (!is_forbidden && (!has_limit || deaths < AGENT_DEATHS_MAX)) return false;
    capi_err_set(&slot->outcome.err, CAPI_INVALID, "%u process%s died while working on this batch%s", deaths,
                 deaths == 1 ? "" : "es", is_forbidden ? ", and its rerun_policy is \"fail\"" : "");
    outcome_fail(slot, CAPI_INVALID);
    return true;
}

/* What the work needs does not answer or has no room: shown to watchers while it is tried again, here and, through the state if
 * that can be written, elsewhere. */
static void show_trouble(capi_agent *agent, agent_slot *slot)
{
    agent_node *node = slot->node;
    capi_str words = {slot->outcome.err.text, slot->outcome.err.text_bytes};
    bool is_new;

    pthread_mutex_lock(&agent->lock);
    is_new = !capi_str_equal(node->waiting_for, words);
    if (is_new) node->waiting_for = capi_str_copy(&node->of->arena, words);
    pthread_mutex_unlock(&agent->lock);
    if (slot->phase >= SLOT_SEAL_CLAIM || (slot->has_note && !is_new)) return;
    slot->has_note = capi_batch_note(agent->options.state, &slot->claim, words, NULL) == CAPI_OK;
}

/* It goes on. A node may have been noted by another batch that still waits, and is noted again when that is tried again. */
static void end_trouble(capi_agent *agent, agent_slot *slot)
{
    agent_node *node = slot->node;

    if (slot->failing_since_ns == 0) return;
    pthread_mutex_lock(&agent->lock);
    node->waiting_for = (capi_str){0};
    pthread_mutex_unlock(&agent->lock);
    if (slot->has_note) (void)!capi_batch_note(agent->options.state, &slot->claim, CAPI_STR(""), NULL);
    slot->has_note = false;
    slot->failing_since_ns = 0;
}

static bool wants_to_be_done_again(const capi_agent *agent, agent_slot *slot)
{
    int64_t now_ns = agent_now(agent);

    if (slot->outcome.status == CAPI_KILLED) {
        slot->failing_since_ns = now_ns;
        return ++slot->kills < AGENT_DEATHS_MAX;
    }
    if (slot->outcome.status != CAPI_UNAVAILABLE) return false;
    if (slot->failing_since_ns == 0) slot->failing_since_ns = now_ns;
    return now_ns - slot->failing_since_ns < agent->options.patience_ns;
}

/* True if the work will be done anew later: it is CAPI_UNAVAILABLE, and patience has not run out (I10), or a process that worked
 * for it was killed, and not too often. */
static bool work_again(capi_agent *agent, agent_slot *slot, capi_step *step)
{
    if (!wants_to_be_done_again(agent, slot)) return false;
    show_trouble(agent, slot);
    agent->options.worker->ops->discard(agent->options.worker, (uint32_t)(slot - agent->slots));
    slot->has_outcome = false;
    (void)try_again(agent, slot, step, CAPI_UNAVAILABLE);
    return true;
}

/* Told to stop between two tries. */
static bool must_give_back(capi_agent *agent, const agent_slot *slot)
{
    bool is_told;

    pthread_mutex_lock(&agent->lock);
    is_told = slot->progress.stop && slot->failing_since_ns && !slot->has_outcome;
    pthread_mutex_unlock(&agent->lock);
    return is_told;
}

/* A process may sleep between any two of its lines, and find its claim gone and the batch done by another. So before it
 * touches what others may have made since, it looks whether the claim is still its own. */
static capi_status claim_is_ours(capi_agent *agent, const agent_slot *slot, capi_err *err)
{
    capi_arena scratch = {0};
    capi_str staged;
    capi_str target;
    capi_status st = capi_batch_publication(agent->options.state, &slot->claim, &scratch, &staged, &target, err);

    capi_arena_deinit(&scratch);
    return st;
}

/* The claim is no longer ours: what we made is garbage, and nobody sees it. */
void agent_slot_lose(capi_agent *agent, agent_slot *slot)
{
    pthread_mutex_lock(&agent->lock);
    agent->totals.batches_lost++;
    slot->node->is_exhausted = false; /* whoever took it may have given it back */
    pthread_mutex_unlock(&agent->lock);
    agent_slot_tell_end(agent, slot, slot->phase >= SLOT_SEAL_CLAIM, CAPI_WORK_LOST);
    agent_slot_leave(agent, slot);
}

/* Dead processes may have left files. */
static capi_status tidy(capi_agent *agent, agent_slot *slot, const capi_work_item *item, capi_err *err)
{
    if (slot->claim.deaths == 0) return CAPI_OK;
    CAPI_TRY(claim_is_ours(agent, slot, err));
    agent->options.worker->ops->tidy(agent->options.worker, item);
    return CAPI_OK;
}

/* ---- executing ---- */

static capi_status step_execute(capi_agent *agent, agent_slot *slot, capi_step *step, capi_err *err)
{
    uint32_t number = (uint32_t)(slot - agent->slots);
    const struct capi_worker_ops *ops = agent->options.worker->ops;
    capi_work_item item = agent_slot_item(slot);

    step->did = "execute";
    if (must_give_back(agent, slot)) {
        agent_slot_enter(agent, slot, SLOT_RELEASE);
        return CAPI_OK;
    }
    if (!slot->has_outcome) {
        capi_status st = tidy(agent, slot, &item, err);

        if (st == CAPI_CONFLICT) {
            agent_slot_lose(agent, slot);
            return CAPI_OK;
        }
        if (st != CAPI_OK) return try_again(agent, slot, step, st);
        capi_err_clear(&slot->outcome.err);
        pthread_mutex_lock(&agent->lock);
        progress_reset(&slot->progress);
        pthread_mutex_unlock(&agent->lock);
        if (is_given_up(agent, slot)) {
            agent_slot_enter(agent, slot, SLOT_FINISH);
            return CAPI_OK;
        }
        slot->has_outcome = true;
    }
    if (agent_slot_is_for_alone(agent, slot)) {
        if (agent_slot_done_alone(agent, slot, false)) return CAPI_OK;
    } else if (!ops->batch(agent->options.worker, number, &item, &slot->outcome)) {
        step->again_ns = agent_after_ms(agent, 1);
        return CAPI_OK;
    }
    if (work_again(agent, slot, step)) return CAPI_OK;
    if (slot->outcome.status == CAPI_STOPPED) {
        agent_slot_enter(agent, slot, SLOT_RELEASE);
        return CAPI_OK;
    }
    if (slot->outcome.status == CAPI_OK) end_trouble(agent, slot);
    if (slot->outcome.status != CAPI_OK) outcome_fail(slot, slot->outcome.status);
    agent_slot_enter(agent, slot, slot->outcome.has_file ? SLOT_PUBLISH : SLOT_FINISH);
    return CAPI_OK;
}

static capi_status step_publish(capi_agent *agent, agent_slot *slot, capi_step *step, capi_err *err)
{
    capi_status st =
        capi_batch_publish(agent->options.state, &slot->claim, slot->outcome.staged, slot->outcome.target, err);

    step->did = "publish";
    if (st == CAPI_OK)
        agent_slot_enter(agent, slot, SLOT_RENAME);
    else if (st == CAPI_CONFLICT)
        agent_slot_lose(agent, slot);
    else
        return try_again(agent, slot, step, st);
    return CAPI_OK;
}

static capi_status step_rename(capi_agent *agent, agent_slot *slot, capi_step *step, capi_err *err)
{
    uint32_t number = (uint32_t)(slot - agent->slots);
    capi_status st = claim_is_ours(agent, slot, err);

    step->did = "rename";
    if (st == CAPI_CONFLICT) {
        agent_slot_lose(agent, slot);
        return CAPI_OK;
    }
    if (st != CAPI_OK) return try_again(agent, slot, step, st);
    st = agent->options.worker->ops->rename(agent->options.worker, number, &slot->outcome.err);
    /* If somebody who thought that we were dead has removed the file, it is made again. */
    slot->outcome.status = st == CAPI_NOT_FOUND ? CAPI_UNAVAILABLE : st;
    if (work_again(agent, slot, step)) {
        agent_slot_enter(agent, slot, SLOT_EXECUTE);
        return CAPI_OK;
    }
    if (st == CAPI_STOPPED) { /* in the middle of an upload, of which nothing is to be seen */
        agent_slot_enter(agent, slot, SLOT_RELEASE);
        return CAPI_OK;
    }
    if (st != CAPI_OK) outcome_fail(slot, st);
    agent_slot_enter(agent, slot, SLOT_FINISH);
    return CAPI_OK;
}

void agent_slot_count(capi_agent *agent, agent_slot *slot)
{
    const capi_batch_result *result = &slot->outcome.result;
    agent_node *node = slot->node;

    pthread_mutex_lock(&agent->lock);
    node->batches_done++;
    node->waiting_for = (capi_str){0};
    node->batches_failed += result->status == CAPI_WORK_FAIL;
    node->rows_read += result->rows_read;
    node->rows_written += result->rows_written;
    agent->totals.batches_done++;
    agent->totals.batches_failed += result->status == CAPI_WORK_FAIL;
    agent->totals.rows_read += result->rows_read;
    agent->totals.rows_written += result->rows_written;
    if (node->batches_done >= node->node->batches_total) node->is_exhausted = true; /* spares the question */
    pthread_mutex_unlock(&agent->lock);
    agent_slot_tell_end(agent, slot, false, CAPI_WORK_COMMITTED);
}

static capi_status step_finish(capi_agent *agent, agent_slot *slot, capi_step *step, capi_err *err)
{
    capi_status st = capi_batch_finish(agent->options.state, &slot->claim, &slot->outcome.result, err);

    step->did = "finish";
    if (st == CAPI_CONFLICT) {
        agent_slot_lose(agent, slot);
        return CAPI_OK;
    }
    if (st != CAPI_OK) return try_again(agent, slot, step, st);
    agent_slot_count(agent, slot);
    agent_slot_leave(agent, slot);
    return CAPI_OK;
}

static capi_status step_release(capi_agent *agent, agent_slot *slot, capi_step *step, capi_err *err)
{
    capi_status st = capi_batch_release(agent->options.state, &slot->claim, err);

    step->did = "release";
    if (st != CAPI_OK && st != CAPI_CONFLICT) return try_again(agent, slot, step, st);
    agent_slot_tell_end(agent, slot, false, st == CAPI_OK ? CAPI_WORK_GIVEN_BACK : CAPI_WORK_LOST);
    agent_slot_leave(agent, slot);
    return CAPI_OK;
}

/* ---- seals ---- */

static capi_status step_seal_claim(capi_agent *agent, agent_slot *slot, capi_step *step, capi_err *err)
{
    agent_node *node = slot->node;
    capi_status st =
        capi_node_seal_claim(agent->options.state, node->of->run.run_uid, node->node->name,
                             capi_str_of(agent->process_uid), capi_str_of(slot->operation_uid), &slot->claim, err);

    step->did = "seal claim";
    if (st == CAPI_OK) {
        agent_slot_enter(agent, slot, SLOT_SEAL_EXECUTE);
        return CAPI_OK;
    }
    if (st != CAPI_NOT_FOUND) return try_again(agent, slot, step, st);
    pthread_mutex_lock(&agent->lock); /* somebody else still works on a batch, or seals; or gave a batch back */
    node->seal_after_ns = agent_after_ms(agent, AGENT_POLL_MS);
    node->is_exhausted = false;
    pthread_mutex_unlock(&agent->lock);
    agent_slot_leave(agent, slot);
    return CAPI_OK;
}

static capi_status step_seal_execute(capi_agent *agent, agent_slot *slot, capi_step *step)
{
    uint32_t number = (uint32_t)(slot - agent->slots);
    capi_work_item item = agent_slot_item(slot);

    step->did = "seal";
    if (must_give_back(agent, slot)) {
        agent_slot_enter(agent, slot, SLOT_SEAL_RELEASE);
        return CAPI_OK;
    }
    if (!slot->has_outcome) capi_err_clear(&slot->outcome.err);
    slot->has_outcome = true;
    if (agent_slot_is_for_alone(agent, slot)) {
        if (agent_slot_done_alone(agent, slot, true)) return CAPI_OK;
    } else if (!slot->is_adopted && slot->claim.deaths >= AGENT_DEATHS_MAX) {
        capi_err_set(&slot->outcome.err, CAPI_INVALID, "%u processes died while they sealed this node",
                     slot->claim.deaths);
        slot->outcome.status = CAPI_INVALID;
    } else if (!agent->options.worker->ops->seal(agent->options.worker, number, &item, &slot->outcome)) {
        step->again_ns = agent_after_ms(agent, 1);
        return CAPI_OK;
    }
    if (work_again(agent, slot, step)) return CAPI_OK;
    if (slot->outcome.status == CAPI_STOPPED) {
        agent_slot_enter(agent, slot, SLOT_SEAL_RELEASE);
        return CAPI_OK;
    }
    if (slot->outcome.status != CAPI_OK)
        slot->outcome.seal = (capi_seal_result){.status = CAPI_WORK_FAIL,
                                                .comment = {slot->outcome.err.text, slot->outcome.err.text_bytes}};
    agent_slot_enter(agent, slot, SLOT_SEAL_FINISH);
    return CAPI_OK;
}

static capi_status step_seal_finish(capi_agent *agent, agent_slot *slot, capi_step *step, capi_err *err)
{
    agent_node *node = slot->node;
    capi_status st = capi_node_seal_finish(agent->options.state, &slot->claim, &slot->outcome.seal, err);

    step->did = "seal finish";
    if (st != CAPI_OK && st != CAPI_CONFLICT) return try_again(agent, slot, step, st);
    pthread_mutex_lock(&agent->lock);
    if (st == CAPI_OK) {
        node->status = slot->outcome.seal.status;
        node->end_ns = agent_now(agent);
        if (slot->outcome.seal.comment.bytes)
            node->comment = capi_str_copy(&node->of->arena, slot->outcome.seal.comment);
        agent->totals.seals++;
    }
    node->of->has_changed = true;
    if (st == CAPI_CONFLICT) node->of->refresh_ns = 0; /* somebody else has sealed it: look how */
    pthread_mutex_unlock(&agent->lock);
    agent_slot_tell_end(agent, slot, true, st == CAPI_OK ? CAPI_WORK_COMMITTED : CAPI_WORK_LOST);
    agent_slot_leave(agent, slot);
    return CAPI_OK;
}

static capi_status step_seal_release(capi_agent *agent, agent_slot *slot, capi_step *step, capi_err *err)
{
    capi_status st = capi_node_seal_release(agent->options.state, &slot->claim, err);

    step->did = "seal release";
    if (st != CAPI_OK && st != CAPI_CONFLICT) return try_again(agent, slot, step, st);
    agent_slot_tell_end(agent, slot, true, st == CAPI_OK ? CAPI_WORK_GIVEN_BACK : CAPI_WORK_LOST);
    agent_slot_leave(agent, slot);
    return CAPI_OK;
}

capi_status capi_agent_slot_step(capi_agent *agent, uint32_t number, capi_step *step, capi_err *err)
{
    agent_slot *slot = &agent->slots[number];

    *step = (capi_step){0};
    switch (slot->phase) {
    case SLOT_IDLE: step_idle(agent, slot, step); return CAPI_OK;
    case SLOT_CLAIM: return step_claim(agent, slot, step, err);
    case SLOT_EXECUTE: return step_execute(agent, slot, step, err);
    case SLOT_PUBLISH: return step_publish(agent, slot, step, err);
    case SLOT_RENAME: return step_rename(agent, slot, step, err);
    case SLOT_FINISH: return step_finish(agent, slot, step, err);
    case SLOT_RELEASE: return step_release(agent, slot, step, err);
    case SLOT_SEAL_CLAIM: return step_seal_claim(agent, slot, step, err);
    case SLOT_SEAL_EXECUTE: return step_seal_execute(agent, slot, step);
    case SLOT_SEAL_FINISH: return step_seal_finish(agent, slot, step, err);
    case SLOT_SEAL_RELEASE: return step_seal_release(agent, slot, step, err);
    }
    return CAPI_OK;
}
