/* agent.h - one process's part in the runs of a data folder: what to do next, one step at a time.
 *
 * An agent opens nodes whose dependencies say go, claims batches and seals, has them executed, commits their results, completes
 * runs, tells others that it lives, and takes over what dead processes left. It is written as steps that never wait: a
 * step looks, makes at most one change to the state or lets one piece of work be done, and says when it wants to be called
 * again. Time and randomness come from seams, execution from a capi_worker. So a simulator can drive many agents on one thread
 * and a virtual clock; agent_threads.h is the thin shell that drives one with real threads.
 *
 *     dispatch step   discovers live runs; opens or refuses nodes; completes runs            (one caller at a time)
 *     slot step       one batch or seal at a time, per slot:                                 (one caller per slot)
 *
 *         IDLE --pick--> CLAIM --> EXECUTE --> [PUBLISH --> RENAME] --> FINISH --> IDLE
 *           |              |          `--interrupted--> RELEASE --> IDLE
 *           |              `--nothing left--> IDLE
 *           `--pick--> SEAL_CLAIM --> SEAL_EXECUTE --> SEAL_FINISH --> IDLE
 *                                        `--interrupted--> SEAL_RELEASE --> IDLE
 *
 *     beat step       advances this process's beat; buries processes whose beat stood still  (one caller at a time)
 *                     for a whole lease by our own clock
 *
 * Invariants (workflow specification, section 8.3) rest on the state's compare-and-set operations alone, never on what an agent
 * remembers: I4, I5 (batch_claim, batch_finish), I8 (node_open after the dependency's seal), I9 (batch_claim after run_stop),
 * I16 (beats are compared, clocks are not). An agent may be dropped after any step.
 *
 * Kinds of steps may run on different threads at the same time; the agent locks what they share, but not while a state call or
 * work runs. */
#pragma once

#include "run/run.h"

typedef struct capi_agent capi_agent;

/* ---- how work is done ---- */

typedef struct capi_work_item {
    const capi_claim *claim;
    const capi_run *run;
    const capi_script *script;
    const capi_node *node;
    const capi_table_input *reader; /* NULL for files */
    const capi_table_input *lookup; /* NULL if none */
    capi_progress *progress;
} capi_work_item;

typedef struct capi_work_outcome {
    capi_status status;       /* CAPI_OK, CAPI_STOPPED (interrupted), or why the batch fails */
    capi_batch_result result; /* when OK; its texts live until discard */
    bool has_file;            /* a finished file waits for its name */
    capi_str staged, target;
    capi_seal_result seal; /* of a seal */
    capi_err err;          /* the words, when not OK */
} capi_work_outcome;

typedef enum capi_work_end {
    CAPI_WORK_COMMITTED,  /* the state has the result, good or bad */
    CAPI_WORK_GIVEN_BACK, /* interrupted: somebody will do it again */
    CAPI_WORK_LOST,       /* it was taken over while we worked: what we made is garbage */
} capi_work_end;

typedef enum capi_alone_end {
    CAPI_ALONE_COMMITTED,   /* the outcome says how */
    CAPI_ALONE_LOST,        /* the claim was no longer ours */
    CAPI_ALONE_STOPPED,     /* told to stop: the claim is still ours, or was finished in the last moment */
    CAPI_ALONE_DIED,        /* the other process died; the outcome's words say how */
    CAPI_ALONE_UNAVAILABLE, /* it could not do its work: to be tried again */
} capi_alone_end;

typedef struct capi_worker capi_worker;
struct capi_worker_ops {
    /* Does the batch, or begins it: false means that it is not done yet and wants to be asked again. */
    bool (*batch)(capi_worker *worker, uint32_t slot, const capi_work_item *item, capi_work_outcome *out);
    /* Gives the finished file of the slot's batch its name. */
    capi_status (*rename)(capi_worker *worker, uint32_t slot, capi_err *err);
    /* Same as batch, for a seal. */
    bool (*seal)(capi_worker *worker, uint32_t slot, const capi_work_item *item, capi_work_outcome *out);
    /* A node that writes files will be opened: removes the unnamed files that earlier runs left beside all its targets. */
    void (*clear)(capi_worker *worker, const capi_run *run, const capi_node *node);
    /* A process died on this batch before: removes the unnamed files that it left beside the target. */
    void (*tidy)(capi_worker *worker, const capi_work_item *item);
    /* Does a batch or seal up to its commit in a process of its own, because other processes died on it (run/alone.h). NULL: that
     * cannot be done here. */
    capi_alone_end (*alone)(capi_worker *worker, uint32_t slot, const capi_work_item *item, bool is_seal,
                            capi_work_outcome *out);
    /* The state knows how the slot's batch or seal ended. May be NULL. */
    void (*ended)(capi_worker *worker, uint32_t slot, const capi_work_item *item, const capi_work_outcome *outcome,
                  bool is_seal, capi_work_end end);
    /* Frees what the slot's last batch or seal holds; an unnamed file is removed. */
    void (*discard)(capi_worker *worker, uint32_t slot);
};
struct capi_worker {
    const struct capi_worker_ops *ops;
};

/* ---- an agent ---- */

typedef struct capi_held_node { /* a node whose dependency check did not say go */
    capi_str keyspace;
    uint32_t run_id;
    capi_str node;
    bool is_refused;
    bool is_unruled; /* it waits because no rule of its policy matches: perhaps for ever */
    capi_str reason;
} capi_held_node;

typedef struct capi_agent_options {
    capi_state *state;
    const capi_clock *clock;
    const capi_random *random;
    capi_worker *worker;
    capi_str process_uid;
    uint32_t slot_count;
    int64_t lease_ns;    /* 0: CAPI_LEASE_NS */
    int64_t patience_ns; /* how long a batch is tried again while its work is CAPI_UNAVAILABLE; 0: CAPI_PATIENCE_NS */
    /* Which runs: one, given here with its script; or, when run is NULL, every live queued run of every keyspace. */
    const capi_keyspace *keyspace;
    const capi_run *run;
    const capi_script *script;
    capi_str only_node; /* of the one run: the others are left alone, and are not in its view; empty: all */
    /* For discovered runs: the script as it was at the run's start. The agent frees it with capi_script_free. */
    capi_status (*load)(void *context, const capi_run *run, capi_script **out, capi_err *err);
    void *load_context;
    /* A node was refused, or begins to wait for something else: called without locks, by the dispatcher. May be NULL. */
    void (*on_held)(void *context, const capi_held_node *held);
    void *held_context;
    /* Something changed that another step may want to know: called without locks. May be NULL. */
    void (*on_news)(void *context);
    void *news_context;
} capi_agent_options;

#define CAPI_LEASE_NS INT64_C(10000000000)
#define CAPI_PATIENCE_NS INT64_C(30000000000)

capi_agent *capi_agent_new(const capi_agent_options *options);
void capi_agent_free(
    capi_agent *agent); /* NULL is fine. Claims stay as they are: call capi_agent_stop and step on first */

/* Of an agent with one run that has made no step yet: slot 0 goes on with a claim that somebody else has made. */
CAPI_MUST_USE capi_status capi_agent_adopt(capi_agent *agent, const capi_claim *claim, bool is_seal, capi_err *err);

/* From now on no batch is begun; running ones are told to stop and give back their claims. */
void capi_agent_stop(capi_agent *agent);

/* Another process has done something: the next dispatch step looks at everything. Any thread. */
void capi_agent_hear(capi_agent *agent);

typedef struct capi_step {
    const char *did;  /* "claim", "finish", ..., or NULL: there was nothing to do */
    int64_t again_ns; /* monotonic time at which to call again, if no news comes before; 0: at once */
} capi_step;

/* The status is that of a state call that failed; the step will be tried again. CAPI_UNAVAILABLE may pass, others will not. */
capi_status capi_agent_dispatch_step(capi_agent *agent, capi_step *step, capi_err *err);
capi_status capi_agent_slot_step(capi_agent *agent, uint32_t slot, capi_step *step, capi_err *err);
capi_status capi_agent_beat_step(capi_agent *agent, capi_step *step, capi_err *err);

/* All slots are idle: after capi_agent_stop, everything was given back. */
bool capi_agent_is_idle(capi_agent *agent);

/* ---- watching ---- */

typedef enum capi_agent_state {
    CAPI_AGENT_WORKING, /* something runs or can run */
    CAPI_AGENT_WAITING, /* nothing can run here until somebody else does something */
    CAPI_AGENT_DONE,    /* the one run is complete or stopped */
} capi_agent_state;

/* Of an agent with one run: a picture of it, in the arena. */
capi_agent_state capi_agent_view(capi_agent *agent, capi_arena *arena, capi_run_view *out);

enum { CAPI_CHECK_CLASSES = 5 };
extern const double capi_check_bounds_s[CAPI_CHECK_CLASSES - 1];

typedef struct capi_agent_totals { /* since the agent began: for metrics */
    uint64_t batches_done, batches_failed, batches_lost, seals, takeovers, rows_read, rows_written, store_errors;
    uint64_t checks_go, checks_wait, checks_nogo;
    uint64_t beats;
    uint64_t scripts_loaded; /* a run was met whose script was not known */
    uint64_t
        check_counts[CAPI_CHECK_CLASSES]; /* dependency checks by how long they took; the last class has no bound */
    int64_t check_ns;                     /* all of them together */
    uint32_t runs_live, slots_busy, slots_total, nodes_open;
} capi_agent_totals;
void capi_agent_count(capi_agent *agent, capi_agent_totals *out);
