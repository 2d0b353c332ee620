/* agent.c - makes and ends agents; what a watcher sees of one. */
#include "run/agent_inside.h"

#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>

capi_agent *capi_agent_new(const capi_agent_options *options)
{
    capi_agent *agent = capi_zmalloc(sizeof *agent);

    agent->options = *options;
    if (agent->options.lease_ns == 0) agent->options.lease_ns = CAPI_LEASE_NS;
    if (agent->options.patience_ns == 0) agent->options.patience_ns = CAPI_PATIENCE_NS;
    snprintf(agent->process_uid, sizeof agent->process_uid, "%.*s", CAPI_STR_ARG(options->process_uid));
    pthread_mutex_init(&agent->lock, NULL);
    agent->slots = capi_zmalloc(options->slot_count * sizeof *agent->slots);
    agent->totals.slots_total = options->slot_count;
    return agent;
}

void agent_add(capi_agent *agent, uint64_t *total)
{
    pthread_mutex_lock(&agent->lock);
    ++*total;
    pthread_mutex_unlock(&agent->lock);
}

void capi_agent_hear(capi_agent *agent)
{
    atomic_store(&agent->has_heard, true);
    agent_news(agent);
}

void agent_news(capi_agent *agent)
{
    if (agent->options.on_news) agent->options.on_news(agent->options.news_context);
}

static void agent_run_free(agent_run *run)
{
    if (run->owned_script) capi_script_free(run->owned_script);
    capi_arena_deinit(&run->arena);
    free(run);
}

void agent_run_drop(capi_agent *agent, agent_run *run)
{
    agent_run **link = &agent->runs;

    while (*link && *link != run)
        link = &(*link)->next;
    if (*link) *link = run->next;
    agent_run_free(run);
}

void capi_agent_free(capi_agent *agent)
{
    if (!agent) return;
    for (uint32_t i = 0; i < agent->options.slot_count; i++)
        if (agent->slots[i].has_outcome) agent->options.worker->ops->discard(agent->options.worker, i);
    while (agent->runs)
        agent_run_drop(agent, agent->runs);
    free(agent->slots);
    free(agent->peers);
    free(agent->settled);
    pthread_mutex_destroy(&agent->lock);
    free(agent);
}

void capi_agent_stop(capi_agent *agent)
{
    pthread_mutex_lock(&agent->lock);
    agent->is_stopping = true;
    for (uint32_t i = 0; i < agent->options.slot_count; i++)
        agent->slots[i].progress.stop = true;
    pthread_mutex_unlock(&agent->lock);
    agent_news(agent);
}

bool capi_agent_is_idle(capi_agent *agent)
{
    bool is_idle = true;

    pthread_mutex_lock(&agent->lock);
    for (uint32_t i = 0; i < agent->options.slot_count; i++)
        is_idle = is_idle && agent->slots[i].phase == SLOT_IDLE;
    pthread_mutex_unlock(&agent->lock);
    return is_idle;
}

/* ---- runs ---- */

static void keep_run(agent_run *run, const capi_keyspace *keyspace, const capi_run *given)
{
    capi_arena *arena = &run->arena;

    run->keyspace.name = capi_str_copy(arena, keyspace->name);
    run->keyspace.uid = capi_str_copy(arena, keyspace->uid);
    run->run = *given;
    run->run.run_uid = capi_str_copy(arena, given->run_uid);
    run->run.keyspace_uid = capi_str_copy(arena, given->keyspace_uid);
    run->run.script_url = capi_str_copy(arena, given->script_url);
    run->run.params_url = capi_str_copy(arena, given->params_url);
    run->run.start_nodes = run->run.description = run->run.owner = (capi_str){0};
    run->run.complete_comment = run->run.stop_comment = (capi_str){0};
}

static void link_parents(agent_run *run)
{
    capi_map nodes;

    capi_map_init(&nodes, &run->arena);
    for (uint32_t i = 0; i < run->node_count; i++)
        capi_map_put(&nodes, run->nodes[i].node->name, &run->nodes[i]);
    for (uint32_t i = 0; i < run->node_count; i++) {
        const capi_node *parents[2];
        uint32_t count = capi_node_parents(run->nodes[i].node, parents);

        for (uint32_t p = 0; p < count; p++)
            run->nodes[i].parents[p] = capi_map_get(&nodes, parents[p]->name);
    }
}

static capi_status take_nodes(capi_agent *agent, agent_run *run, capi_err *err)
{
    capi_node_state *states = NULL;

    CAPI_TRY(capi_node_list(agent->options.state, run->run.run_uid, &run->arena, &states, &run->node_count, err));
    run->nodes = capi_new_array(&run->arena, agent_node, run->node_count);
    for (uint32_t i = 0; i < run->node_count; i++) {
        run->nodes[i].of = run;
        run->nodes[i].is_left =
            agent->options.only_node.bytes && !capi_str_equal(states[i].name, agent->options.only_node);
        run->nodes[i].node = capi_script_node(run->script, states[i].name);
        if (!run->nodes[i].node)
            return capi_err_set(err, CAPI_INVALID, "node \"%.*s\" of run %u is not in the script \"%.*s\"",
                                CAPI_STR_ARG(states[i].name), run->run.run_id, CAPI_STR_ARG(run->script->url));
    }
    link_parents(run);
    return CAPI_OK;
}

capi_status agent_run_add(capi_agent *agent, const capi_keyspace *keyspace, const capi_run *given,
                          const capi_script *script, capi_err *err)
{
    agent_run *run = capi_zmalloc(sizeof *run);
    capi_status st = CAPI_OK;

    keep_run(run, keyspace, given);
    run->script = script;
    if (!script) {
        CAPI_TRY_OUT(agent->options.load(agent->options.load_context, &run->run, &run->owned_script, err));
        run->script = run->owned_script;
        agent_add(agent, &agent->totals.scripts_loaded);
    }
    CAPI_TRY_OUT(take_nodes(agent, run, err));
    run->has_changed = true;
    pthread_mutex_lock(&agent->lock);
    run->next = agent->runs;
    agent->runs = run;
    pthread_mutex_unlock(&agent->lock);
    return CAPI_OK;
out:
    agent_run_free(run);
    return st;
}

/* ---- watching ---- */

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static double node_fraction(const capi_agent *agent, const agent_node *node)
{
    double done = larger(node->batches_done, node->batches_seen);
    double total = node->node->batches_total;

    if (work_is_final(node->status)) return 1;
    if (total == 0) return 0;
    for (uint32_t i = 0; i < agent->options.slot_count; i++) {
        const agent_slot *slot = &agent->slots[i];
        uint64_t units = slot->progress.units_total;

        if (slot->node == node && slot->phase == SLOT_EXECUTE && units)
            done += (double)slot->progress.units_done / (double)units;
    }
    return done < total ? done / total : 1;
}

static void view_transfer(const capi_progress *progress, capi_node_view *view)
{
    uint64_t done = progress->transfer_done, all = progress->transfer_all;
    bool is_known = view->transfer_done == 0 || view->transfer_all > 0;

    if (done == 0) return;
    view->transfer_done += done;
    view->transfer_all = is_known && all ? view->transfer_all + all : 0;
    view->is_upload = progress->is_upload;
}

static void view_node(const capi_agent *agent, const agent_node *node, capi_arena *arena, capi_node_view *view)
{
    int64_t end_ns = node->end_ns ? node->end_ns : agent_now(agent);

    *view = (capi_node_view){
        .name = node->node->name,
        .type = node->node->type,
        .status = node->status,
        .batches_total = node->node->batches_total,
        .batches_done = larger(node->batches_done, node->batches_seen),
        .batches_here = node->batches_done,
        .batches_failed = larger(node->batches_failed, node->batches_seen_failed),
        .rows_read = node->rows_read,
        .rows_written = node->rows_written,
        .fraction = node_fraction(agent, node),
        .elapsed_ms = node->begin_ns ? (end_ns - node->begin_ns) / 1000000 : 0,
        .waiting_for = node->waiting_for.bytes ? capi_str_copy(arena, node->waiting_for) : (capi_str){0},
        .comment = node->comment.bytes ? capi_str_copy(arena, node->comment) : (capi_str){0},
    };
    for (uint32_t i = 0; i < agent->options.slot_count; i++) {
        const agent_slot *slot = &agent->slots[i];

        if (slot->node != node) continue;
        if (slot->phase == SLOT_EXECUTE || slot->phase == SLOT_RENAME) view_transfer(&slot->progress, view);
        if (slot->phase != SLOT_EXECUTE) continue;
        view->batches_running++;
        view->rows_read += slot->progress.rows_read;
        view->rows_written += slot->progress.rows_written;
    }
}

capi_agent_state capi_agent_view(capi_agent *agent, capi_arena *arena, capi_run_view *out)
{
    capi_agent_state state = CAPI_AGENT_WORKING;
    agent_run *run;

    *out = (capi_run_view){.status = CAPI_RUN_START};
    pthread_mutex_lock(&agent->lock);
    run = agent->runs;
    if (run) {
        out->status = run->run.status;
        out->nodes = capi_new_array(arena, capi_node_view, run->node_count);
        for (uint32_t i = 0; i < run->node_count; i++)
            if (!run->nodes[i].is_left) view_node(agent, &run->nodes[i], arena, &out->nodes[out->node_count++]);
        state = run->is_ended ? CAPI_AGENT_DONE : run->is_stuck ? CAPI_AGENT_WAITING : CAPI_AGENT_WORKING;
    }
    pthread_mutex_unlock(&agent->lock);
    return state;
}

void capi_agent_count(capi_agent *agent, capi_agent_totals *out)
{
    pthread_mutex_lock(&agent->lock);
    *out = agent->totals;
    for (uint32_t i = 0; i < agent->options.slot_count; i++)
        out->slots_busy += agent->slots[i].phase != SLOT_IDLE;
    for (const agent_run *run = agent->runs; run; run = run->next) {
        out->runs_live += !run->is_ended;
        for (uint32_t i = 0; i < run->node_count; i++)
            out->nodes_open += run->nodes[i].is_open && !work_is_final(run->nodes[i].status);
    }
    pthread_mutex_unlock(&agent->lock);
}
