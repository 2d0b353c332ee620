/* agent_inside.h - what the files of the agent share. */
#pragma once

#include "run/agent.h"

#include <pthread.h>

enum { AGENT_POLL_MS = 200, AGENT_IDLE_POLL_MS = 1000, AGENT_RETRY_MS = 50, AGENT_DEATHS_MAX = 3 };

/* So many processes died on a batch: from then on it is done by a process of its own. */
enum { AGENT_DEATHS_ALONE = 2 };

typedef struct agent_run agent_run;

typedef struct agent_node agent_node;
struct agent_node {
    agent_run *of;
    const capi_node *node;
    capi_work_status status;
    bool is_left;      /* not ours to work on: see only_node */
    bool is_open;      /* inputs are loaded: slots may take batches */
    bool is_exhausted; /* nothing was left to claim when last asked */
    bool is_sealing;
    int64_t seal_after_ns;                      /* do not ask for the seal before */
    uint32_t running;                           /* slots of this agent */
    uint32_t batches_done, batches_failed;      /* by this agent */
    uint32_t batches_seen, batches_seen_failed; /* by all, when the state was last looked at */
    uint64_t rows_read, rows_written;           /* of batches finished here */
    int64_t begin_ns, end_ns;
    capi_str waiting_for, comment;
    capi_table_input reader, lookup;
    agent_node *parents[2];           /* those of them that take part in this run; NULL: none */
    capi_work_status parents_were[2]; /* when the dependencies were last checked */
    bool was_checked;
};

struct agent_run {
    agent_run *next;
    capi_arena arena; /* texts, inputs; used under the lock */
    capi_keyspace keyspace;
    capi_run run;
    const capi_script *script;
    capi_script *owned_script; /* when loaded by us */
    agent_node *nodes;         /* order of the run's spec: topological */
    uint32_t node_count;
    int64_t refresh_ns; /* when to look at the state again */
    int64_t check_ns;   /* when to check all dependencies again, even if nothing changed here */
    bool has_changed;   /* a node ended, so dependants may start */
    bool is_ended;      /* complete or stopped, nothing left for us */
    bool is_stuck;      /* no open node: only others can change that */
};

typedef enum slot_phase {
    SLOT_IDLE,
    SLOT_CLAIM,
    SLOT_EXECUTE,
    SLOT_PUBLISH,
    SLOT_RENAME,
    SLOT_FINISH,
    SLOT_RELEASE,
    SLOT_SEAL_CLAIM,
    SLOT_SEAL_EXECUTE,
    SLOT_SEAL_FINISH,
    SLOT_SEAL_RELEASE,
} slot_phase;

typedef struct agent_slot {
    slot_phase phase;
    agent_node *node;
    char operation_uid[CAPI_UID_BYTES];
    capi_claim claim;
    capi_progress progress;
    capi_work_outcome outcome;
    bool has_outcome;      /* the worker holds something for this slot */
    bool is_adopted;       /* this process is the one that works on the claim alone */
    uint32_t kills;        /* of processes that worked for this one, on this claim */
    uint32_t deaths_alone; /* of processes that worked on this claim alone */
    bool has_note;         /* the state shows why the batch does not go on */
    uint32_t tries;
    int64_t failing_since_ns; /* when the work was first CAPI_UNAVAILABLE; 0: it is not */
} agent_slot;

typedef struct agent_peer { /* another process that holds claims */
    char process_uid[CAPI_UID_BYTES];
    uint64_t beat;
    int64_t seen_ns; /* when the beat was first seen at this value */
    bool is_listed;
} agent_peer;

struct capi_agent {
    capi_agent_options options;
    char process_uid[CAPI_UID_BYTES];
    pthread_mutex_t lock;
    bool is_stopping;
    agent_run *runs;
    int64_t discover_ns;
    agent_slot *slots;
    agent_peer *peers;
    uint32_t peer_count, peer_capacity;
    int64_t beat_ns, peers_ns;
    uint64_t *settled; /* hashes of stopped runs that need no work, sorted: not asked about again */
    uint32_t settled_count, settled_capacity;
    capi_agent_totals totals;
    _Atomic bool has_heard; /* see capi_agent_hear */
};

static inline int64_t agent_now(const capi_agent *agent)
{
    return agent->options.clock->monotonic_ns(agent->options.clock->context);
}

static inline int64_t agent_after_ms(const capi_agent *agent, int64_t ms)
{
    return agent_now(agent) + ms * 1000000;
}

static inline bool work_is_final(capi_work_status status)
{
    return status >= CAPI_WORK_SUCCESS;
}

/* One more, under the lock. */
void agent_add(capi_agent *agent, uint64_t *total);
void agent_news(capi_agent *agent);
/* A run with its nodes, added to the agent; the script may be given (not owned) or NULL: loaded through options.load. */
capi_status agent_run_add(capi_agent *agent, const capi_keyspace *keyspace, const capi_run *run,
                          const capi_script *script, capi_err *err);
/* The dependency check said go, to us or to another process: loads what the node reads and lets slots in. */
capi_status agent_node_let_in(capi_agent *agent, agent_node *node, const capi_node_state *opened, capi_err *err);
/* ---- slots ---- */

void agent_slot_enter(capi_agent *agent, agent_slot *slot, slot_phase phase);
/* Back to idle; the node may now be ready for its seal. */
void agent_slot_leave(capi_agent *agent, agent_slot *slot);
/* The claim is no longer ours: what we made is garbage, and nobody sees it. */
void agent_slot_lose(capi_agent *agent, agent_slot *slot);
capi_work_item agent_slot_item(const agent_slot *slot);
void agent_slot_tell_end(capi_agent *agent, agent_slot *slot, bool is_seal, capi_work_end end);
/* A batch was committed: into the sums, and told. */
void agent_slot_count(capi_agent *agent, agent_slot *slot);

bool agent_slot_is_for_alone(const capi_agent *agent, const agent_slot *slot);
/* True: the batch or seal is over. False: it is still to be done, and outcome.status is CAPI_UNAVAILABLE, or it failed here. */
bool agent_slot_done_alone(capi_agent *agent, agent_slot *slot, bool is_seal);

/* Unlinks and frees a run on which no slot works. */
void agent_run_drop(capi_agent *agent, agent_run *run);
