/* alone.h - one batch or seal in a process of its own.
 *
 * When processes have died while they worked on a batch, it may be the batch that kills them, or somebody kills processes (I1: no
 * number of such kills may change a result). The two look the same from outside, and a process that works on several batches
 * takes innocent ones with it. So such a batch is done by a child that does nothing else: it works under its parent's claim, up to
 * the commit. If the child dies, its parent sees it, and knows that no other batch is to blame; if the parent dies, so does the
 * child, and nothing is counted. A batch whose children died AGENT_DEATHS_MAX times in a row fails. Only ends that a batch can cause
 * count: crashes, SIGKILL (the system, when memory is out), exit codes. SIGTERM and the like come from people. */
#pragma once

#include "run/agent.h"

/* How the child is started: "/proc/self/exe work-alone ..." */
typedef struct capi_alone {
    capi_str data_folder;
    capi_str config_path; /* of the parent's configuration; empty: none */
    uint32_t thread_count;
    uint64_t memory_bytes; /* the child's budget */
    uint32_t patience_ms;
    int64_t lease_ns; /* a child that was stopped (SIGSTOP) for so long is killed */
} capi_alone;

/* The child's words, in this order, behind the program's name and CAPI_ALONE_COMMAND. */
#define CAPI_ALONE_COMMAND "work-alone"
typedef enum capi_alone_word {
    CAPI_ALONE_PARENT, /* process id */
    CAPI_ALONE_DATA,
    CAPI_ALONE_CONFIG,
    CAPI_ALONE_THREADS,
    CAPI_ALONE_MEMORY,
    CAPI_ALONE_PATIENCE,
    CAPI_ALONE_KEYSPACE_UID,
    CAPI_ALONE_RUN_ID,
    CAPI_ALONE_RUN_UID,
    CAPI_ALONE_NODE,
    CAPI_ALONE_KIND, /* "batch" or "seal" */
    CAPI_ALONE_BATCH_IDX,
    CAPI_ALONE_BATCHES_TOTAL,
    CAPI_ALONE_ATTEMPT_UID,
    CAPI_ALONE_DEATHS,
    CAPI_ALONE_WORDS
} capi_alone_word;

/* Parent: starts the child, waits for its end, kills it when item->progress->stop is set. What it did is in *out, with texts in
 * the arena. */
capi_alone_end capi_alone_run(const capi_alone *alone, const capi_work_item *item, bool is_seal, capi_arena *arena,
                              capi_work_outcome *out);

/* Child: does what the words say and tells on the descriptor how it ended. */
CAPI_MUST_USE capi_status capi_alone_work(capi_engine *engine, const char *const words[CAPI_ALONE_WORDS],
                                          capi_str custom_processors_json, int answer_fd, capi_err *err);
