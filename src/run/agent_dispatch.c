/* agent_dispatch.c - finds live runs, opens and refuses their nodes, completes them. */
#include "run/agent_inside.h"
#include "run/dependency.h"
#include "run/table_input.h"

#include "base/hash.h"

#include <stdlib.h>

/* ---- opening (the arena of a run is used under the lock) ---- */

capi_status agent_node_let_in(capi_agent *agent, agent_node *node, const capi_node_state *opened, capi_err *err)
{
    agent_run *run = node->of;
    const capi_node *about = node->node;
    capi_state *state = agent->options.state;
    capi_arena loaded = {0};
    capi_table_input reader = {0};
    capi_table_input lookup = {0};
    capi_status st = CAPI_OK;

    if (about->reader)
        CAPI_TRY_OUT(capi_table_input_load(state, run->keyspace.uid, opened->reader_run_uid, about->reader->name,
                                           about->source_table, &loaded, &reader, err));
    if (about->reader)
        CAPI_TRY_OUT(
            capi_table_input_find_run(state, &run->keyspace, opened->reader_run_uid, &loaded, &reader.run_id, err));
    if (about->lookup)
        CAPI_TRY_OUT(capi_table_input_load(state, run->keyspace.uid, opened->lookup_run_uid,
                                           about->lookup->index->owner->name, about->lookup->index->owner->table->name,
                                           &loaded, &lookup, err));
    pthread_mutex_lock(&agent->lock);
    capi_table_input_copy(&run->arena, &reader, &node->reader);
    capi_table_input_copy(&run->arena, &lookup, &node->lookup);
    node->status = CAPI_WORK_START;
    node->waiting_for = (capi_str){0};
    node->begin_ns = agent_now(agent);
    node->is_open = true;
    run->is_stuck = false;
    pthread_mutex_unlock(&agent->lock);
    agent_news(agent);
out:
    capi_arena_deinit(&loaded);
    return st;
}

static void node_end(capi_agent *agent, agent_node *node, capi_work_status status, capi_str comment)
{
    pthread_mutex_lock(&agent->lock);
    if (!work_is_final(node->status)) {
        node->end_ns = agent_now(agent);
        node->of->has_changed = true;
    }
    node->status = status;
    if (comment.bytes && node->comment.bytes == 0) node->comment = capi_str_copy(&node->of->arena, comment);
    pthread_mutex_unlock(&agent->lock);
}

static void tell_held(const capi_agent *agent, const agent_node *node, capi_held_node *held)
{
    held->keyspace = node->of->keyspace.name;
    held->run_id = node->of->run.run_id;
    held->node = node->node->name;
    if (agent->options.on_held) agent->options.on_held(agent->options.held_context, held);
}

static capi_str refusal_words(const agent_node *node, const capi_dependency *dependency, capi_arena *scratch)
{
    capi_str words = capi_str_format(scratch, "node \"%.*s\" cannot start: %.*s", CAPI_STR_ARG(node->node->name),
                                     CAPI_STR_ARG(dependency->reason));

    if (!dependency->is_by_rules) return words;
    return capi_str_format(scratch, "nogo, rules (%d,%d), %.*s", dependency->reader_rule, dependency->lookup_rule,
                           CAPI_STR_ARG(words));
}

static capi_status node_refuse(capi_agent *agent, agent_node *node, const capi_dependency *dependency,
                               capi_arena *scratch, capi_err *err)
{
    capi_str comment = refusal_words(node, dependency, scratch);
    capi_status st = capi_node_refuse(agent->options.state, node->of->run.run_uid, node->node->name, comment, err);

    if (st == CAPI_CONFLICT) { /* another process saw it go before, and opened it */
        node->of->refresh_ns = 0;
        return CAPI_OK;
    }
    if (st != CAPI_OK) return st;
    node_end(agent, node, CAPI_WORK_FAIL, comment);
    tell_held(agent, node, &(capi_held_node){.is_refused = true, .reason = comment});
    return CAPI_OK;
}

/* Nothing is said twice. */
static void node_wait(capi_agent *agent, agent_node *node, const capi_dependency *dependency)
{
    bool is_unruled =
        (node->node->reader && dependency->reader_rule < 0) || (node->node->lookup && dependency->lookup_rule < 0);
    bool is_news;

    pthread_mutex_lock(&agent->lock);
    is_news = !capi_str_equal(node->waiting_for, dependency->reason);
    if (is_news) node->waiting_for = capi_str_copy(&node->of->arena, dependency->reason);
    pthread_mutex_unlock(&agent->lock);
    if (is_news) tell_held(agent, node, &(capi_held_node){.is_unruled = is_unruled, .reason = dependency->reason});
}

/* A policy may say go to anything, but a table is there only when the node that makes it has ended (I8). */
static capi_status input_is_whole(capi_agent *agent, const capi_node *parent, capi_str run_uid, capi_arena *scratch,
                                  bool *is_whole, capi_err *err)
{
    capi_node_state state;

    CAPI_TRY(capi_node_get(agent->options.state, run_uid, parent->name, scratch, &state, err));
    *is_whole = *is_whole && work_is_final(state.status);
    return CAPI_OK;
}

static capi_status inputs_are_whole(capi_agent *agent, const capi_node *node, const capi_dependency *dependency,
                                    capi_arena *scratch, bool *is_whole, capi_err *err)
{
    *is_whole = true;
    if (node->reader) CAPI_TRY(input_is_whole(agent, node->reader, dependency->reader_run_uid, scratch, is_whole, err));
    if (node->lookup)
        CAPI_TRY(input_is_whole(agent, node->lookup->index->owner, dependency->lookup_run_uid, scratch, is_whole, err));
    return CAPI_OK;
}

const double capi_check_bounds_s[CAPI_CHECK_CLASSES - 1] = {0.001, 0.01, 0.1, 1};

static void note_check(capi_agent *agent, int64_t elapsed_ns)
{
    int class = 0;

    while (class < CAPI_CHECK_CLASSES - 1 && (double)elapsed_ns > capi_check_bounds_s[class] * 1e9)
        class ++;
    pthread_mutex_lock(&agent->lock);
    agent->totals.check_counts[class]++;
    agent->totals.check_ns += elapsed_ns;
    pthread_mutex_unlock(&agent->lock);
}

/* A process may sleep between its last look at its claim and the renaming of its file, until its run has been stopped and
 * another run writes that file. Its rename must fail then: so what it wants to rename goes before the first batch of the other run
 * begins. If somebody opens the node in this moment, files that he has just made may go as well; he makes them again. */
static capi_status clear_targets(capi_agent *agent, const agent_node *node, capi_arena *scratch, capi_err *err)
{
    capi_node_state now;

    if (!node->node->file) return CAPI_OK;
    CAPI_TRY(capi_node_get(agent->options.state, node->of->run.run_uid, node->node->name, scratch, &now, err));
    if (now.status == CAPI_WORK_NONE)
        agent->options.worker->ops->clear(agent->options.worker, &node->of->run, node->node);
    return CAPI_OK;
}

/* *did is set if the state was changed. */
static capi_status node_check(capi_agent *agent, agent_node *node, capi_arena *scratch, const char **did, capi_err *err)
{
    agent_run *run = node->of;
    capi_dependency dependency;
    capi_node_state opened;
    bool is_whole = true;
    int64_t begin_ns = agent_now(agent);

    CAPI_TRY(
        capi_dependency_check(agent->options.state, &run->keyspace, &run->run, node->node, scratch, &dependency, err));
    note_check(agent, agent_now(agent) - begin_ns);
    if (dependency.command == CAPI_POLICY_GO)
        CAPI_TRY(inputs_are_whole(agent, node->node, &dependency, scratch, &is_whole, err));
    if (!is_whole) {
        dependency.command = CAPI_POLICY_WAIT;
        dependency.reason = CAPI_STR("its tables, which are still being written although the policy says go");
    }
    switch (dependency.command) {
    case CAPI_POLICY_GO:
        *did = "open";
        agent_add(agent, &agent->totals.checks_go);
        CAPI_TRY(clear_targets(agent, node, scratch, err));
        CAPI_TRY(capi_node_open(agent->options.state, run->run.run_uid, node->node->name, dependency.reader_run_uid,
                                dependency.lookup_run_uid, scratch, &opened, err));
        if (work_is_final(opened.status)) {
            node_end(agent, node, opened.status, opened.comment);
            return CAPI_OK;
        }
        return agent_node_let_in(agent, node, &opened, err);
    case CAPI_POLICY_NOGO:
        *did = "refuse";
        agent_add(agent, &agent->totals.checks_nogo);
        return node_refuse(agent, node, &dependency, scratch, err);
    case CAPI_POLICY_WAIT:
        agent_add(agent, &agent->totals.checks_wait);
        node_wait(agent, node, &dependency);
        return CAPI_OK;
    }
    return CAPI_OK;
}

/* ---- one run ---- */

/* Slots end nodes while we look, so what they share with us is read under the lock. */
static capi_work_status node_status(capi_agent *agent, const agent_node *node)
{
    capi_work_status status;

    pthread_mutex_lock(&agent->lock);
    status = node->status;
    pthread_mutex_unlock(&agent->lock);
    return status;
}

/* What other processes did since we looked. */
static capi_status run_refresh(capi_agent *agent, agent_run *run, capi_arena *scratch, capi_err *err)
{
    capi_run now;
    capi_node_state *states = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_run_get(agent->options.state, &run->keyspace, run->run.run_id, scratch, &now, err));
    if (!capi_str_equal(now.run_uid, run->run.run_uid))
        return capi_err_set(err, CAPI_NOT_FOUND, "run %u of keyspace \"%.*s\" was dropped", run->run.run_id,
                            CAPI_STR_ARG(run->keyspace.name));
    CAPI_TRY(capi_node_list(agent->options.state, run->run.run_uid, scratch, &states, &count, err));
    pthread_mutex_lock(&agent->lock);
    run->run.status = now.status;
    pthread_mutex_unlock(&agent->lock);
    for (uint32_t i = 0; i < count && i < run->node_count; i++) {
        agent_node *node = &run->nodes[i];

        if (node->is_left) continue;
        pthread_mutex_lock(&agent->lock);
        node->batches_seen = states[i].batches_done;
        node->batches_seen_failed = states[i].batches_failed;
        /* A batch was given back, or its process is dead: there is something to claim again. */
        if (states[i].batches_done + states[i].batches_claimed < states[i].batches_total) node->is_exhausted = false;
        pthread_mutex_unlock(&agent->lock);
        if (work_is_final(states[i].status))
            node_end(agent, node, states[i].status, states[i].comment);
        else if (states[i].status == CAPI_WORK_START && node_status(agent, node) == CAPI_WORK_NONE)
            CAPI_TRY(agent_node_let_in(agent, node, &states[i], err));
    }
    pthread_mutex_lock(&agent->lock);
    run->refresh_ns = agent_after_ms(agent, AGENT_POLL_MS);
    pthread_mutex_unlock(&agent->lock);
    return CAPI_OK;
}

static bool run_has(const agent_run *run, bool (*what)(const agent_node *node))
{
    for (uint32_t i = 0; i < run->node_count; i++)
        if (what(&run->nodes[i])) return true;
    return false;
}

static bool node_is_unfinished(const agent_node *node)
{
    return !node->is_left && !work_is_final(node->status);
}

static bool node_is_working(const agent_node *node)
{
    return node->is_open && !work_is_final(node->status);
}

/* The comment that the reference writes when a run ends: {"node":"status",...}. */
static capi_str completion_comment(capi_agent *agent, const agent_run *run, capi_arena *scratch)
{
    capi_buf buf = {0};
    capi_str text;

    capi_buf_append_byte(&buf, '{');
    for (uint32_t i = 0; i < run->node_count; i++) {
        capi_work_status status = node_status(agent, &run->nodes[i]);

        if (run->nodes[i].is_left) continue;
        capi_buf_printf(&buf, "%s\"%.*s\":\"%s\"", buf.bytes > 1 ? "," : "", CAPI_STR_ARG(run->nodes[i].node->name),
                        status == CAPI_WORK_SUCCESS ? "success"
                        : status == CAPI_WORK_FAIL  ? "fail"
                                                    : "stopreceived");
    }
    capi_buf_append_byte(&buf, '}');
    text = capi_str_copy(scratch, capi_buf_str(&buf));
    capi_buf_deinit(&buf);
    return text;
}

static capi_status run_end(capi_agent *agent, agent_run *run, capi_arena *scratch, capi_err *err)
{
    /* A stopped run none of whose nodes was stopped is complete as well; its status remains stop. */
    capi_status st =
        capi_run_complete(agent->options.state, run->run.run_uid, completion_comment(agent, run, scratch), err);

    if (st != CAPI_OK && st != CAPI_CONFLICT) return st;
    pthread_mutex_lock(&agent->lock);
    if (run->run.status != CAPI_RUN_STOP) run->run.status = st == CAPI_OK ? CAPI_RUN_COMPLETE : CAPI_RUN_STOP;
    run->is_ended = true;
    pthread_mutex_unlock(&agent->lock);
    agent_news(agent);
    return CAPI_OK;
}

/* The next node whose dependencies may have become good: one that was never checked, one whose parents in this run changed
 * since, or, in a sweep, any. Sweeps are for what other runs do, and rarer the more nodes there are. */
static agent_node *run_next_to_check(capi_agent *agent, agent_run *run, uint32_t *from, bool is_sweep)
{
    agent_node *found = NULL;

    pthread_mutex_lock(&agent->lock);
    for (; *from < run->node_count && !found && run->run.status == CAPI_RUN_START; ++*from) {
        agent_node *node = &run->nodes[*from];
        bool is_due = is_sweep || !node->was_checked;

        if (node->status != CAPI_WORK_NONE || node->is_left) continue;
        for (int p = 0; p < 2; p++)
            if (node->parents[p] && node->parents[p]->status != node->parents_were[p]) {
                node->parents_were[p] = node->parents[p]->status;
                is_due = true;
            }
        node->was_checked = true;
        if (is_due) found = node;
    }
    pthread_mutex_unlock(&agent->lock);
    return found;
}

static bool run_take_sweep(capi_agent *agent, agent_run *run)
{
    bool is_due;

    pthread_mutex_lock(&agent->lock);
    is_due = run->check_ns <= agent_now(agent);
    if (is_due) run->check_ns = agent_after_ms(agent, AGENT_POLL_MS + run->node_count);
    run->has_changed = false;
    pthread_mutex_unlock(&agent->lock);
    return is_due;
}

static bool run_is_unfinished(capi_agent *agent, agent_run *run)
{
    bool is_unfinished;

    pthread_mutex_lock(&agent->lock);
    is_unfinished = run_has(run, node_is_unfinished);
    run->is_stuck = is_unfinished && !run->has_changed && !run_has(run, node_is_working);
    pthread_mutex_unlock(&agent->lock);
    return is_unfinished;
}

/* At most one change to the state. */
static capi_status run_step(capi_agent *agent, agent_run *run, capi_arena *scratch, const char **did, capi_err *err)
{
    bool needs_refresh;
    bool is_sweep;
    agent_node *node;
    uint32_t from = 0;

    pthread_mutex_lock(&agent->lock);
    needs_refresh = run->refresh_ns <= agent_now(agent);
    pthread_mutex_unlock(&agent->lock);
    if (needs_refresh) CAPI_TRY(run_refresh(agent, run, scratch, err));
    is_sweep = run_take_sweep(agent, run);
    while (!*did && (node = run_next_to_check(agent, run, &from, is_sweep)))
        CAPI_TRY(node_check(agent, node, scratch, did, err));
    if (*did) { /* look again at once: more may be ready */
        pthread_mutex_lock(&agent->lock);
        run->has_changed = true;
        if (is_sweep) run->check_ns = 0; /* the sweep did not get to the end */
        pthread_mutex_unlock(&agent->lock);
        return CAPI_OK;
    }
    if (run_is_unfinished(agent, run)) return CAPI_OK;
    *did = "complete";
    return run_end(agent, run, scratch, err);
}

/* ---- all runs ---- */

static agent_run *find_run(const capi_agent *agent, capi_str run_uid)
{
    for (agent_run *run = agent->runs; run; run = run->next)
        if (capi_str_equal(run->run.run_uid, run_uid)) return run;
    return NULL;
}

/* A run whose script no longer loads cannot be worked on by anybody: its nodes fail with the reason. */
static capi_status refuse_run(capi_agent *agent, const capi_run *run, const capi_err *cause, capi_arena *scratch,
                              capi_err *err)
{
    capi_node_state *nodes = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_node_list(agent->options.state, run->run_uid, scratch, &nodes, &count, err));
    for (uint32_t i = 0; i < count; i++)
        if (nodes[i].status == CAPI_WORK_NONE)
            CAPI_TRY(capi_node_refuse(agent->options.state, run->run_uid, nodes[i].name,
                                      (capi_str){cause->text, cause->text_bytes}, err));
    (void)!capi_run_complete(agent->options.state, run->run_uid, CAPI_STR("{}"), NULL);
    return CAPI_OK;
}

/* ---- stopped runs: a node whose batches had all ended before the stop still wants its seal ---- */

static uint32_t settled_place(const capi_agent *agent, uint64_t hash)
{
    uint32_t low = 0;
    uint32_t high = agent->settled_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (agent->settled[middle] < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void settled_add(capi_agent *agent, uint32_t place, uint64_t hash)
{
    if (agent->settled_count == agent->settled_capacity) {
        agent->settled_capacity = agent->settled_capacity ? agent->settled_capacity * 2 : 64;
        agent->settled = capi_realloc(agent->settled, agent->settled_capacity * sizeof *agent->settled);
    }
    memmove(agent->settled + place + 1, agent->settled + place,
            (agent->settled_count - place) * sizeof *agent->settled);
    agent->settled[place] = hash;
    agent->settled_count++;
}

/* Asks once for each stopped run. */
static capi_status stopped_wants_work(capi_agent *agent, const capi_run *run, capi_arena *scratch, bool *out,
                                      capi_err *err)
{
    uint64_t hash = capi_hash_bytes(run->run_uid.data, run->run_uid.bytes);
    uint32_t place = settled_place(agent, hash);
    capi_node_state *nodes = NULL;
    uint32_t count = 0;

    *out = false;
    if (place < agent->settled_count && agent->settled[place] == hash) return CAPI_OK;
    CAPI_TRY(capi_node_list(agent->options.state, run->run_uid, scratch, &nodes, &count, err));
    for (uint32_t i = 0; i < count; i++)
        *out = *out || !work_is_final(nodes[i].status);
    if (!*out) settled_add(agent, place, hash);
    return CAPI_OK;
}

static capi_status run_wants_work(capi_agent *agent, const capi_run *run, capi_arena *scratch, bool *out, capi_err *err)
{
    *out = false;
    if (run->mode != CAPI_RUN_QUEUED || run->status == CAPI_RUN_COMPLETE || find_run(agent, run->run_uid))
        return CAPI_OK;
    if (run->status == CAPI_RUN_STOP) return stopped_wants_work(agent, run, scratch, out, err);
    *out = true;
    return CAPI_OK;
}

static capi_status discover_keyspace(capi_agent *agent, const capi_keyspace *keyspace, capi_arena *scratch,
                                     capi_err *err)
{
    capi_run *runs = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_run_list(agent->options.state, keyspace, scratch, &runs, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        capi_err cause = {0};
        bool is_wanted = false;
        capi_status st;

        CAPI_TRY(run_wants_work(agent, &runs[i], scratch, &is_wanted, err));
        if (!is_wanted) continue;
        st = agent_run_add(agent, keyspace, &runs[i], NULL, &cause);
        if (st == CAPI_INVALID)
            CAPI_TRY(refuse_run(agent, &runs[i], &cause, scratch, err));
        else if (st != CAPI_OK) {
            capi_err_copy(err, &cause);
            return st;
        }
    }
    return CAPI_OK;
}

static capi_status discover(capi_agent *agent, capi_arena *scratch, capi_err *err)
{
    capi_keyspace *keyspaces = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_keyspace_list(agent->options.state, scratch, &keyspaces, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        capi_status st = discover_keyspace(agent, &keyspaces[i], scratch, err);

        if (st != CAPI_OK && st != CAPI_NOT_FOUND) return st; /* not found: dropped while we look */
    }
    agent->discover_ns = agent_after_ms(agent, AGENT_IDLE_POLL_MS);
    return CAPI_OK;
}

/* Ended and dropped runs go as soon as no slot works on them. */
static void forget_runs(capi_agent *agent)
{
    pthread_mutex_lock(&agent->lock);
    for (agent_run *run = agent->runs; run;) {
        agent_run *next = run->next;
        bool is_used = false;

        for (uint32_t i = 0; i < agent->options.slot_count; i++)
            is_used = is_used || (agent->slots[i].node && agent->slots[i].node->of == run);
        if (run->is_ended && !is_used && !agent->options.run) agent_run_drop(agent, run);
        run = next;
    }
    pthread_mutex_unlock(&agent->lock);
}

/* Nothing waits for its time any longer. */
static void look_at_everything(capi_agent *agent)
{
    agent->discover_ns = 0;
    for (agent_run *run = agent->runs; run; run = run->next)
        run->refresh_ns = run->check_ns = 0;
}

static capi_status dispatch(capi_agent *agent, capi_arena *scratch, capi_step *step, capi_err *err)
{
    if (atomic_exchange(&agent->has_heard, false)) look_at_everything(agent);
    if (agent->options.run && !agent->runs) {
        step->did = "begin";
        return agent_run_add(agent, agent->options.keyspace, agent->options.run, agent->options.script, err);
    }
    if (!agent->options.run && agent->discover_ns <= agent_now(agent)) CAPI_TRY(discover(agent, scratch, err));
    for (agent_run *run = agent->runs; run && !step->did; run = run->next) {
        capi_status st;

        if (run->is_ended) continue;
        st = run_step(agent, run, scratch, &step->did, err);
        if (st == CAPI_NOT_FOUND) { /* the keyspace was dropped */
            pthread_mutex_lock(&agent->lock);
            run->is_ended = true;
            for (uint32_t i = 0; i < run->node_count; i++)
                run->nodes[i].is_open = false;
            for (uint32_t i = 0; i < agent->options.slot_count; i++) /* nobody wants what they make */
                if (agent->slots[i].node && agent->slots[i].node->of == run) agent->slots[i].progress.stop = true;
            pthread_mutex_unlock(&agent->lock);
        } else if (st != CAPI_OK) {
            return st;
        }
    }
    forget_runs(agent);
    return CAPI_OK;
}

capi_status capi_agent_dispatch_step(capi_agent *agent, capi_step *step, capi_err *err)
{
    capi_arena scratch = {0};
    bool is_stopping;
    capi_status st;

    *step = (capi_step){0};
    pthread_mutex_lock(&agent->lock);
    is_stopping = agent->is_stopping;
    pthread_mutex_unlock(&agent->lock);
    st = is_stopping ? CAPI_OK : dispatch(agent, &scratch, step, err);
    if (st != CAPI_OK) {
        agent_add(agent, &agent->totals.store_errors);
        step->again_ns = agent_after_ms(agent, AGENT_POLL_MS);
    } else if (!step->did) {
        step->again_ns = agent_after_ms(agent, agent->runs ? AGENT_POLL_MS : AGENT_IDLE_POLL_MS);
    }
    capi_arena_deinit(&scratch);
    return st;
}
