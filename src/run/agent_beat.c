/* agent_beat.c - says that this process lives, and finds out which others do not.
 *
 * No two clocks are compared: a process counts its beats in the state; whoever sees the count of another process unchanged
 * for a whole lease, by its own monotonic clock, buries it: its claims become free by one compare-and-set on that count, so
 * a process that beats once more in the last moment keeps them. */
#include "run/agent_inside.h"

#include <stdio.h>
#include <stdlib.h>

static agent_peer *find_peer(capi_agent *agent, capi_str process_uid)
{
    for (uint32_t i = 0; i < agent->peer_count; i++)
        if (capi_str_is(process_uid, agent->peers[i].process_uid)) return &agent->peers[i];
    return NULL;
}

static agent_peer *add_peer(capi_agent *agent, const capi_process *process, int64_t now_ns)
{
    agent_peer *peer;

    if (agent->peer_count == agent->peer_capacity) {
        agent->peer_capacity = agent->peer_capacity ? agent->peer_capacity * 2 : 16;
        agent->peers = capi_realloc(agent->peers, agent->peer_capacity * sizeof *agent->peers);
    }
    peer = &agent->peers[agent->peer_count++];
    *peer = (agent_peer){.beat = process->beat, .seen_ns = now_ns};
    snprintf(peer->process_uid, sizeof peer->process_uid, "%.*s", CAPI_STR_ARG(process->process_uid));
    return peer;
}

static void forget_peers(capi_agent *agent)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < agent->peer_count; i++)
        if (agent->peers[i].is_listed) agent->peers[kept++] = agent->peers[i];
    agent->peer_count = kept;
}

static capi_status bury(capi_agent *agent, const agent_peer *peer, capi_err *err)
{
    capi_status st = capi_process_bury(agent->options.state, capi_str_of(peer->process_uid), peer->beat, err);

    if (st == CAPI_CONFLICT || st == CAPI_NOT_FOUND)
        return CAPI_OK; /* it beat once more, or somebody else was faster */
    if (st != CAPI_OK) return st;
    pthread_mutex_lock(&agent->lock);
    agent->totals.takeovers++;
    for (agent_run *run = agent->runs; run; run = run->next) {
        run->refresh_ns = 0;
        for (uint32_t i = 0; i < run->node_count; i++) {
            run->nodes[i].is_exhausted = false;
            run->nodes[i].seal_after_ns = 0;
        }
    }
    pthread_mutex_unlock(&agent->lock);
    agent_news(agent);
    return CAPI_OK;
}

static capi_status watch_peers(capi_agent *agent, capi_step *step, capi_err *err)
{
    int64_t now_ns = agent_now(agent);
    capi_arena scratch = {0};
    capi_process *processes = NULL;
    uint32_t count = 0;
    capi_status st;

    CAPI_TRY_OUT(capi_process_list(agent->options.state, &scratch, &processes, &count, err));
    for (uint32_t i = 0; i < agent->peer_count; i++)
        agent->peers[i].is_listed = false;
    for (uint32_t i = 0; i < count; i++) {
        agent_peer *peer;

        if (capi_str_is(processes[i].process_uid, agent->process_uid)) continue;
        peer = find_peer(agent, processes[i].process_uid);
        if (!peer) peer = add_peer(agent, &processes[i], now_ns);
        peer->is_listed = true;
        if (peer->beat != processes[i].beat) {
            peer->beat = processes[i].beat;
            peer->seen_ns = now_ns;
        } else if (now_ns - peer->seen_ns >= agent->options.lease_ns) {
            CAPI_TRY_OUT(bury(agent, peer, err));
            peer->seen_ns = now_ns;
            step->did = "bury";
        }
    }
    forget_peers(agent);
out:
    capi_arena_deinit(&scratch);
    return st;
}

capi_status capi_agent_beat_step(capi_agent *agent, capi_step *step, capi_err *err)
{
    int64_t now_ns = agent_now(agent);
    int64_t third_ns = agent->options.lease_ns / 3;
    capi_status st = CAPI_OK;

    *step = (capi_step){0};
    if (agent->beat_ns <= now_ns) {
        step->did = "beat";
        st = capi_process_beat(agent->options.state, capi_str_of(agent->process_uid), err);
        if (st == CAPI_OK) agent_add(agent, &agent->totals.beats);
        agent->beat_ns = st == CAPI_OK ? now_ns + third_ns : agent_after_ms(agent, AGENT_RETRY_MS);
    } else if (agent->peers_ns <= now_ns) {
        step->did = "watch";
        st = watch_peers(agent, step, err);
        agent->peers_ns = st == CAPI_OK ? now_ns + third_ns / 2 : agent_after_ms(agent, AGENT_RETRY_MS);
    }
    step->again_ns = agent->beat_ns < agent->peers_ns ? agent->beat_ns : agent->peers_ns;
    return st;
}
