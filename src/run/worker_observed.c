/* worker_observed.c - hands on, measures, reports. */
#include "run/worker_observed.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct known_keyspace {
    struct known_keyspace *next;
    capi_str name, uid;
} known_keyspace;

typedef struct observed_worker {
    capi_worker base;
    struct capi_worker_ops ops;
    capi_worker *inner;
    capi_state *state;
    capi_batch_report_fn fn;
    void *context;
    pthread_mutex_t lock;
    capi_arena arena; /* names of keyspaces; under the lock */
    known_keyspace *keyspaces;
    int64_t *elapsed_ns; /* per slot: of its last batch or seal */
} observed_worker;

static int64_t now_ns(void)
{
    return capi_clock_system.monotonic_ns(capi_clock_system.context);
}

/* ---- names of keyspaces, which work items know by uid ---- */

static const known_keyspace *find_known(const observed_worker *worker, capi_str uid)
{
    for (const known_keyspace *known = worker->keyspaces; known; known = known->next)
        if (capi_str_equal(known->uid, uid)) return known;
    return NULL;
}

/* A uid is never used again, so what was once known stays true; an unknown one is remembered with an empty name. */
static void learn_keyspace(observed_worker *worker, capi_str uid)
{
    known_keyspace *known = capi_new(&worker->arena, known_keyspace);
    capi_arena scratch = {0};
    capi_keyspace *keyspaces = NULL;
    uint32_t count = 0;

    known->uid = capi_str_copy(&worker->arena, uid);
    if (capi_keyspace_list(worker->state, &scratch, &keyspaces, &count, NULL) == CAPI_OK)
        for (uint32_t i = 0; i < count; i++)
            if (capi_str_equal(keyspaces[i].uid, uid)) known->name = capi_str_copy(&worker->arena, keyspaces[i].name);
    known->next = worker->keyspaces;
    worker->keyspaces = known;
    capi_arena_deinit(&scratch);
}

static capi_str keyspace_name(observed_worker *worker, capi_str uid)
{
    capi_str name;

    pthread_mutex_lock(&worker->lock);
    if (!find_known(worker, uid)) learn_keyspace(worker, uid);
    name = find_known(worker, uid)->name;
    pthread_mutex_unlock(&worker->lock);
    return name;
}

/* ---- the worker ---- */

static void report(observed_worker *worker, uint32_t slot, const capi_work_item *item, const capi_work_outcome *outcome,
                   bool is_seal, capi_report_what what)
{
    capi_batch_report about = {
        .keyspace = keyspace_name(worker, item->run->keyspace_uid),
        .what = what,
        .item = item,
        .outcome = outcome,
        .slot = slot,
        .is_seal = is_seal,
        .elapsed_ns = worker->elapsed_ns[slot],
    };

    worker->fn(worker->context, &about);
}

/* What will be tried again does not end, so it is told at once. */
static void note_done(observed_worker *worker, uint32_t slot, const capi_work_item *item,
                      const capi_work_outcome *outcome, bool is_seal, int64_t begin_ns)
{
    worker->elapsed_ns[slot] = now_ns() - begin_ns;
    if (outcome->status == CAPI_UNAVAILABLE || outcome->status == CAPI_KILLED)
        report(worker, slot, item, outcome, is_seal, CAPI_REPORT_RETRY);
}

static bool observed_batch(capi_worker *base, uint32_t slot, const capi_work_item *item, capi_work_outcome *out)
{
    observed_worker *worker = (observed_worker *)base;
    int64_t begin_ns = now_ns();

    if (!worker->inner->ops->batch(worker->inner, slot, item, out)) return false;
    note_done(worker, slot, item, out, false, begin_ns);
    return true;
}

static capi_status observed_rename(capi_worker *base, uint32_t slot, capi_err *err)
{
    const observed_worker *worker = (const observed_worker *)base;

    return worker->inner->ops->rename(worker->inner, slot, err);
}

static bool observed_seal(capi_worker *base, uint32_t slot, const capi_work_item *item, capi_work_outcome *out)
{
    observed_worker *worker = (observed_worker *)base;
    int64_t begin_ns = now_ns();

    if (!worker->inner->ops->seal(worker->inner, slot, item, out)) return false;
    note_done(worker, slot, item, out, true, begin_ns);
    return true;
}

static capi_alone_end observed_alone(capi_worker *base, uint32_t slot, const capi_work_item *item, bool is_seal,
                                     capi_work_outcome *out)
{
    observed_worker *worker = (observed_worker *)base;
    int64_t begin_ns = now_ns();
    capi_alone_end end = worker->inner->ops->alone(worker->inner, slot, item, is_seal, out);

    worker->elapsed_ns[slot] = now_ns() - begin_ns;
    if (end == CAPI_ALONE_DIED || end == CAPI_ALONE_UNAVAILABLE)
        report(worker, slot, item, out, is_seal, CAPI_REPORT_RETRY);
    return end;
}

static void observed_ended(capi_worker *base, uint32_t slot, const capi_work_item *item,
                           const capi_work_outcome *outcome, bool is_seal, capi_work_end end)
{
    static const capi_report_what whats[] = {[CAPI_WORK_COMMITTED] = CAPI_REPORT_OK,
                                             [CAPI_WORK_GIVEN_BACK] = CAPI_REPORT_GIVEN_BACK,
                                             [CAPI_WORK_LOST] = CAPI_REPORT_LOST};
    observed_worker *worker = (observed_worker *)base;
    bool has_failed = end == CAPI_WORK_COMMITTED && outcome->status != CAPI_OK;

    report(worker, slot, item, outcome, is_seal, has_failed ? CAPI_REPORT_FAILED : whats[end]);
}

static void observed_clear(capi_worker *base, const capi_run *run, const capi_node *node)
{
    const observed_worker *worker = (const observed_worker *)base;

    worker->inner->ops->clear(worker->inner, run, node);
}

static void observed_tidy(capi_worker *base, const capi_work_item *item)
{
    const observed_worker *worker = (const observed_worker *)base;

    worker->inner->ops->tidy(worker->inner, item);
}

static void observed_discard(capi_worker *base, uint32_t slot)
{
    const observed_worker *worker = (const observed_worker *)base;

    worker->inner->ops->discard(worker->inner, slot);
}

static const struct capi_worker_ops observed_ops = {
    .batch = observed_batch,
    .rename = observed_rename,
    .seal = observed_seal,
    .clear = observed_clear,
    .tidy = observed_tidy,
    .alone = observed_alone,
    .ended = observed_ended,
    .discard = observed_discard,
};

capi_worker *capi_worker_observed_new(capi_worker *inner, capi_state *state, uint32_t slot_count,
                                      capi_batch_report_fn fn, void *context)
{
    observed_worker *worker = capi_zmalloc(sizeof *worker);

    *worker = (observed_worker){.ops = observed_ops, .inner = inner, .state = state, .fn = fn, .context = context};
    if (!inner->ops->alone) worker->ops.alone = NULL;
    worker->base.ops = &worker->ops;
    worker->elapsed_ns = capi_zmalloc(slot_count * sizeof *worker->elapsed_ns);
    pthread_mutex_init(&worker->lock, NULL);
    return &worker->base;
}

void capi_worker_observed_free(capi_worker *base)
{
    observed_worker *worker = (observed_worker *)base;

    if (!worker) return;
    pthread_mutex_destroy(&worker->lock);
    capi_arena_deinit(&worker->arena);
    free(worker->elapsed_ns);
    free(worker);
}
