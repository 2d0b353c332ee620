/* work.c - works on one run with several threads until it is complete, stopped, or waits for somebody else.
 *
 *     the caller's thread (dispatcher)   opens nodes whose dependencies say go, refuses those that say nogo, completes the
 *                                        run, tells the watcher
 *     worker threads                     take the lowest unclaimed batch of an open node, or the seal of a node whose
 *                                        batches are all done; each batch's morsels run on the engine's thread pool
 *
 * All of it goes through the state's compare-and-set operations; what is kept here under the lock is only what this process
 * does and has seen, so several processes may work on one run. */
#include "run/batch.h"
#include "run/dependency.h"
#include "run/engine.h"
#include "run/table_input.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { WORK_POLL_MS = 200, WORK_SEAL_RETRY_MS = 100 };

typedef struct work_node {
    const capi_node *node;
    capi_work_status status;
    bool is_open;           /* inputs are loaded: workers may take batches */
    bool is_exhausted;      /* nothing was left to claim when last asked */
    bool is_sealing;
    int64_t seal_after_ns;  /* do not ask for the seal before */
    uint32_t running;
    uint32_t batches_done, batches_failed;
    uint64_t rows_read, rows_written; /* of finished batches of this process */
    int64_t begin_ns, end_ns;
    capi_str waiting_for;
    capi_str comment;
    capi_table_input reader, lookup;
    capi_batch_context context;
} work_node;

typedef struct work_run work_run;

typedef struct work_slot {
    work_run *work;
    pthread_t thread;
    work_node *node; /* what it works on, or NULL */
    capi_progress progress;
} work_slot;

struct work_run {
    capi_engine *engine;
    const capi_work_options *options;
    capi_arena arena; /* of the whole work; used under the lock */
    pthread_mutex_t lock;
    pthread_cond_t for_workers;
    pthread_cond_t for_dispatcher;
    bool has_news;    /* something finished since the dispatcher looked */
    bool is_ending;
    capi_status failure; /* of the store: ends the work */
    capi_err failure_err;
    work_node *nodes; /* topological order */
    uint32_t node_count;
    work_slot *slots;
    uint32_t slot_count;
};

static int64_t now_ns(void)
{
    return capi_clock_system.monotonic_ns(capi_clock_system.context);
}

static bool is_final(capi_work_status status)
{
    return status >= CAPI_WORK_SUCCESS;
}

static bool is_interrupted(const work_run *work)
{
    return work->options->interrupted && *work->options->interrupted;
}

static void work_news(work_run *work)
{
    work->has_news = true;
    pthread_cond_signal(&work->for_dispatcher);
}

static void work_fail(work_run *work, capi_status status, const capi_err *err)
{
    if (work->failure == CAPI_OK) {
        work->failure = status;
        capi_err_copy(&work->failure_err, err);
    }
    work->is_ending = true;
    work_news(work);
    pthread_cond_broadcast(&work->for_workers);
}

/* ---- workers ---- */

/* The open node with batches left on which the fewest threads work; ties in topological order. */
static work_node *pick_batch(work_run *work)
{
    work_node *best = NULL;

    for (uint32_t i = 0; i < work->node_count; i++) {
        work_node *node = &work->nodes[i];

        if (!node->is_open || node->is_exhausted || is_final(node->status)) continue;
        if (!best || node->running < best->running) best = node;
    }
    return best;
}

static work_node *pick_seal(work_run *work)
{
    int64_t now = now_ns();

    for (uint32_t i = 0; i < work->node_count; i++) {
        work_node *node = &work->nodes[i];

        if (node->is_open && node->is_exhausted && !node->is_sealing && node->running == 0 &&
            !is_final(node->status) && node->seal_after_ns <= now)
            return node;
    }
    return NULL;
}

static void progress_reset(capi_progress *progress)
{
    progress->rows_read = 0;
    progress->rows_written = 0;
    progress->bytes_read = 0;
    progress->units_done = 0;
    progress->units_total = 0;
}

/* Called and returns with the lock held. */
static void slot_do_batch(work_slot *slot, work_node *node)
{
    work_run *work = slot->work;
    char operation_uid[CAPI_UID_BYTES];
    capi_batch_totals totals = {0};
    capi_claim claim;
    capi_err err = {0};
    capi_status st;

    slot->node = node;
    node->running++;
    progress_reset(&slot->progress);
    pthread_mutex_unlock(&work->lock);

    capi_random_uid(&capi_random_system, operation_uid);
    st = capi_batch_claim(work->engine->state, work->options->run->run_uid, node->node->name,
                          capi_str_of(work->engine->process_uid), capi_str_of(operation_uid), &claim, &err);
    if (st == CAPI_OK) {
        st = capi_batch_work(&node->context, &claim, &slot->progress, &totals, &err);
    } else if (st == CAPI_NOT_FOUND || st == CAPI_STOPPED) {
        st = CAPI_NOT_FOUND;
    }

    pthread_mutex_lock(&work->lock);
    slot->node = NULL;
    node->running--;
    if (totals.status != CAPI_WORK_NONE) {
        node->batches_done++;
        node->batches_failed += totals.status == CAPI_WORK_FAIL;
        node->rows_read += totals.rows_read;
        node->rows_written += totals.rows_written;
    }
    if (st == CAPI_NOT_FOUND)
        node->is_exhausted = true;
    else if (st != CAPI_OK && st != CAPI_STOPPED)
        work_fail(work, st, &err);
}

static void slot_do_seal(work_slot *slot, work_node *node)
{
    work_run *work = slot->work;
    char operation_uid[CAPI_UID_BYTES];
    capi_work_status status = CAPI_WORK_NONE;
    capi_claim claim;
    capi_err err = {0};
    capi_status st;

    node->is_sealing = true;
    pthread_mutex_unlock(&work->lock);

    capi_random_uid(&capi_random_system, operation_uid);
    st = capi_node_seal_claim(work->engine->state, work->options->run->run_uid, node->node->name,
                              capi_str_of(work->engine->process_uid), capi_str_of(operation_uid), &claim, &err);
    if (st == CAPI_OK) st = capi_seal_work(&node->context, &claim, &status, &err);

    pthread_mutex_lock(&work->lock);
    node->is_sealing = false;
    if (st == CAPI_NOT_FOUND) { /* another process still works on a batch, or seals */
        node->seal_after_ns = now_ns() + (int64_t)WORK_SEAL_RETRY_MS * 1000000;
        return;
    }
    if (st != CAPI_OK) {
        work_fail(work, st, &err);
        return;
    }
    node->status = status;
    node->end_ns = now_ns();
    work_news(work);
}

static void *slot_main(void *argument)
{
    work_slot *slot = argument;
    work_run *work = slot->work;

    pthread_mutex_lock(&work->lock);
    while (!work->is_ending) {
        work_node *node = pick_seal(work);

        if (node) {
            slot_do_seal(slot, node);
            continue;
        }
        node = pick_batch(work);
        if (node) {
            slot_do_batch(slot, node);
            pthread_cond_broadcast(&work->for_workers); /* the node may be ready for its seal */
            continue;
        }
        pthread_cond_wait(&work->for_workers, &work->lock);
    }
    pthread_mutex_unlock(&work->lock);
    return NULL;
}

/* ---- dispatcher ---- */

static capi_str keep(work_run *work, capi_str text)
{
    return text.bytes ? capi_str_copy(&work->arena, text) : (capi_str){0};
}

/* The dependency check said go, by us or by another process: loads what the node reads and lets workers in. */
static capi_status node_let_in(work_run *work, work_node *node, const capi_node_state *state, capi_err *err)
{
    capi_state *store = work->engine->state;
    const capi_node *script_node = node->node;
    capi_str keyspace_uid = work->options->keyspace->uid;

    node->context = (capi_batch_context){.state = store,
                                         .exec = &work->engine->exec,
                                         .script = work->options->script,
                                         .node = script_node,
                                         .run = work->options->run};
    if (script_node->reader) {
        CAPI_TRY(capi_table_input_load(store, keyspace_uid, state->reader_run_uid, script_node->reader->name,
                                       script_node->source_table, &work->arena, &node->reader, err));
        node->context.reader = &node->reader;
    }
    if (script_node->lookup) {
        const capi_node *owner = script_node->lookup->index->owner;

        CAPI_TRY(capi_table_input_load(store, keyspace_uid, state->lookup_run_uid, owner->name, owner->table->name,
                                       &work->arena, &node->lookup, err));
        node->context.lookup = &node->lookup;
    }
    node->status = CAPI_WORK_START;
    node->waiting_for = (capi_str){0};
    node->begin_ns = now_ns();
    node->is_open = true;
    pthread_cond_broadcast(&work->for_workers);
    return CAPI_OK;
}

static capi_status node_try_open(work_run *work, work_node *node, capi_arena *scratch, bool *changed, capi_err *err)
{
    const capi_run *run = work->options->run;
    capi_dependency dependency;
    capi_node_state state;

    CAPI_TRY(capi_dependency_check(work->engine->state, work->options->keyspace, run, node->node, scratch, &dependency,
                                   err));
    switch (dependency.command) {
    case CAPI_POLICY_GO:
        CAPI_TRY(capi_node_open(work->engine->state, run->run_uid, node->node->name, dependency.reader_run_uid,
                                dependency.lookup_run_uid, scratch, &state, err));
        *changed = true;
        if (is_final(state.status)) {
            node->status = state.status;
            return CAPI_OK;
        }
        return node_let_in(work, node, &state, err);
    case CAPI_POLICY_NOGO:
        *changed = true;
        node->comment = capi_str_format(&work->arena, "node \"%.*s\" cannot start: %.*s",
                                        CAPI_STR_ARG(node->node->name), CAPI_STR_ARG(dependency.reason));
        CAPI_TRY(capi_node_refuse(work->engine->state, run->run_uid, node->node->name, node->comment, err));
        node->status = CAPI_WORK_FAIL;
        return CAPI_OK;
    case CAPI_POLICY_WAIT:
        if (!capi_str_equal(node->waiting_for, dependency.reason)) node->waiting_for = keep(work, dependency.reason);
        return CAPI_OK;
    }
    return CAPI_OK;
}

/* What other processes did since we looked. */
static capi_status work_refresh(work_run *work, capi_arena *scratch, capi_err *err)
{
    capi_node_state *states = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_node_list(work->engine->state, work->options->run->run_uid, scratch, &states, &count, err));
    for (uint32_t i = 0; i < count && i < work->node_count; i++) { /* both in the order of the run's spec */
        work_node *node = &work->nodes[i];

        node->batches_done = states[i].batches_done;
        node->batches_failed = states[i].batches_failed;
        if (is_final(states[i].status)) {
            if (node->comment.bytes == 0) node->comment = keep(work, states[i].comment);
            node->status = states[i].status;
        } else if (states[i].status == CAPI_WORK_START && !node->is_open && node->status == CAPI_WORK_NONE) {
            CAPI_TRY(node_let_in(work, node, &states[i], err));
        }
    }
    return CAPI_OK;
}

/* Opens and refuses nodes until nothing changes. */
static capi_status work_open_nodes(work_run *work, capi_arena *scratch, capi_err *err)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < work->node_count; i++)
            if (work->nodes[i].status == CAPI_WORK_NONE)
                CAPI_TRY(node_try_open(work, &work->nodes[i], scratch, &changed, err));
    }
    return CAPI_OK;
}

static bool work_is_done(const work_run *work)
{
    for (uint32_t i = 0; i < work->node_count; i++)
        if (!is_final(work->nodes[i].status)) return false;
    return true;
}

/* True if some node can go on without anybody else's help. */
static bool work_is_alive(const work_run *work)
{
    for (uint32_t i = 0; i < work->node_count; i++)
        if (work->nodes[i].is_open && !is_final(work->nodes[i].status)) return true;
    return false;
}

static double node_fraction(const work_run *work, const work_node *node)
{
    double done = (double)node->batches_done;
    double total = node->node->batches_total;

    if (is_final(node->status)) return 1;
    if (total == 0) return 0;
    for (uint32_t i = 0; i < work->slot_count; i++) {
        const work_slot *slot = &work->slots[i];
        uint64_t units = slot->progress.units_total;

        if (slot->node == node && units) done += (double)slot->progress.units_done / (double)units;
    }
    return done < total ? done / total : 1;
}

static void view_node(const work_run *work, const work_node *node, capi_node_view *view)
{
    int64_t end = is_final(node->status) ? node->end_ns : now_ns();

    *view = (capi_node_view){
        .name = node->node->name,
        .type = node->node->type,
        .status = node->status,
        .batches_total = node->node->batches_total,
        .batches_done = node->batches_done,
        .batches_failed = node->batches_failed,
        .rows_read = node->rows_read,
        .rows_written = node->rows_written,
        .fraction = node_fraction(work, node),
        .elapsed_ms = node->begin_ns ? (end - node->begin_ns) / 1000000 : 0,
        .waiting_for = node->waiting_for,
        .comment = node->comment,
    };
    for (uint32_t i = 0; i < work->slot_count; i++) {
        const work_slot *slot = &work->slots[i];

        if (slot->node != node) continue;
        view->batches_running++;
        view->rows_read += slot->progress.rows_read;
        view->rows_written += slot->progress.rows_written;
    }
}

static void work_watch(work_run *work, capi_run_status status)
{
    capi_run_view view = {.status = status, .node_count = work->node_count};

    if (!work->options->watch) return;
    view.nodes = capi_zmalloc(work->node_count * sizeof *view.nodes);
    for (uint32_t i = 0; i < work->node_count; i++)
        view_node(work, &work->nodes[i], &view.nodes[i]);
    pthread_mutex_unlock(&work->lock);
    work->options->watch(work->options->watch_context, &view);
    pthread_mutex_lock(&work->lock);
    free(view.nodes);
}

static void work_wait(work_run *work)
{
    uint32_t interval = work->options->interval_ms ? work->options->interval_ms : WORK_POLL_MS;
    struct timespec until;

    if (work->has_news) return;
    if (interval > WORK_POLL_MS) interval = WORK_POLL_MS;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)interval * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&work->for_dispatcher, &work->lock, &until);
}

/* The comment that the reference writes when a run ends: {"node":"status",...}. */
static capi_str completion_comment(work_run *work)
{
    capi_buf buf = {0};
    capi_str text;

    capi_buf_append_byte(&buf, '{');
    for (uint32_t i = 0; i < work->node_count; i++)
        capi_buf_printf(&buf, "%s\"%.*s\":\"%s\"", i ? "," : "", CAPI_STR_ARG(work->nodes[i].node->name),
                        work->nodes[i].status == CAPI_WORK_SUCCESS ? "success"
                        : work->nodes[i].status == CAPI_WORK_FAIL  ? "fail"
                                                                   : "stopreceived");
    capi_buf_append_byte(&buf, '}');
    text = capi_str_copy(&work->arena, capi_buf_str(&buf));
    capi_buf_deinit(&buf);
    return text;
}

static capi_status work_complete(work_run *work, capi_run_status *status, capi_err *err)
{
    capi_status st = capi_run_complete(work->engine->state, work->options->run->run_uid, completion_comment(work), err);

    *status = CAPI_RUN_COMPLETE;
    if (st != CAPI_CONFLICT) return st;
    *status = CAPI_RUN_STOP; /* a node was stopped: the run stays stopped */
    return CAPI_OK;
}

static capi_status work_dispatch(work_run *work, capi_run_status *status, capi_err *err)
{
    capi_arena scratch = {0};
    int64_t refresh_ns = 0;
    int64_t watch_ns = 0;
    capi_status st = CAPI_OK;

    while (!work->is_ending) {
        int64_t now = now_ns();

        work->has_news = false;
        if (is_interrupted(work)) {
            st = capi_err_set(err, CAPI_STOPPED, "interrupted");
            break;
        }
        if (now - refresh_ns >= (int64_t)WORK_POLL_MS * 1000000 || !work_is_alive(work)) {
            CAPI_TRY_OUT(work_refresh(work, &scratch, err));
            refresh_ns = now;
        }
        CAPI_TRY_OUT(work_open_nodes(work, &scratch, err));
        capi_arena_reset(&scratch);
        if (work_is_done(work)) {
            st = work_complete(work, status, err);
            break;
        }
        if (!work_is_alive(work)) break;
        if (now - watch_ns >= (int64_t)work->options->interval_ms * 1000000) {
            work_watch(work, CAPI_RUN_START);
            watch_ns = now;
        }
        pthread_cond_broadcast(&work->for_workers); /* a seal may be due for another try */
        work_wait(work);
    }
out:
    capi_arena_deinit(&scratch);
    return st;
}

/* ---- begin and end ---- */

static void work_init(work_run *work, capi_engine *engine, const capi_work_options *options)
{
    pthread_condattr_t attributes;

    work->engine = engine;
    work->options = options;
    pthread_mutex_init(&work->lock, NULL);
    pthread_cond_init(&work->for_workers, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&work->for_dispatcher, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* The run's nodes, in the order of its spec, which is topological. A script that no longer has one of them cannot be worked on. */
static capi_status work_take_nodes(work_run *work, capi_err *err)
{
    const capi_script *script = work->options->script;
    capi_node_state *states = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_node_list(work->engine->state, work->options->run->run_uid, &work->arena, &states, &count, err));
    work->nodes = capi_new_array(&work->arena, work_node, count);
    for (uint32_t i = 0; i < count; i++) {
        work->nodes[i].node = capi_script_node(script, states[i].name);
        if (!work->nodes[i].node)
            return capi_err_set(err, CAPI_INVALID, "node \"%.*s\" of run %u is not in the script \"%.*s\"",
                                CAPI_STR_ARG(states[i].name), work->options->run->run_id, CAPI_STR_ARG(script->url));
    }
    work->node_count = count;
    return CAPI_OK;
}

static void work_start_workers(work_run *work)
{
    work->slot_count = work->engine->batch_count_max;
    work->slots = capi_new_array(&work->arena, work_slot, work->slot_count);
    for (uint32_t i = 0; i < work->slot_count; i++) {
        work_slot *slot = &work->slots[i];

        slot->work = work;
        if (pthread_create(&slot->thread, NULL, slot_main, slot) != 0) {
            work->slot_count = i;
            break;
        }
    }
}

/* Tells running batches to stop, waits for the threads. */
static void work_end_workers(work_run *work)
{
    pthread_mutex_lock(&work->lock);
    work->is_ending = true;
    for (uint32_t i = 0; i < work->slot_count; i++)
        work->slots[i].progress.stop = true;
    pthread_cond_broadcast(&work->for_workers);
    pthread_mutex_unlock(&work->lock);
    for (uint32_t i = 0; i < work->slot_count; i++)
        pthread_join(work->slots[i].thread, NULL);
}

static void work_sum_up(const work_run *work, capi_arena *arena, capi_work_result *out)
{
    *out = (capi_work_result){0};
    for (uint32_t i = 0; i < work->node_count; i++) {
        const work_node *node = &work->nodes[i];

        out->nodes_failed += node->status == CAPI_WORK_FAIL;
        out->nodes_waiting += node->status == CAPI_WORK_NONE;
        if (node->status == CAPI_WORK_FAIL && out->first_failure.bytes == 0)
            out->first_failure = capi_str_copy(arena, node->comment);
    }
}

capi_status capi_run_work(capi_engine *engine, const capi_work_options *options, capi_arena *arena,
                          capi_work_result *out, capi_err *err)
{
    work_run work = {0};
    capi_run_status status = CAPI_RUN_START;
    capi_arena scratch = {0};
    capi_status st;

    work_init(&work, engine, options);
    CAPI_TRY_OUT(work_take_nodes(&work, err));
    work_start_workers(&work);
    pthread_mutex_lock(&work.lock);
    st = work_dispatch(&work, &status, err);
    pthread_mutex_unlock(&work.lock);
    work_end_workers(&work);

    pthread_mutex_lock(&work.lock);
    if (st == CAPI_OK && work.failure != CAPI_OK) {
        st = work.failure;
        capi_err_copy(err, &work.failure_err);
    }
    if (st == CAPI_OK) st = work_refresh(&work, &scratch, err);
    work_watch(&work, status);
    work_sum_up(&work, arena, out);
    pthread_mutex_unlock(&work.lock);
out:
    capi_arena_deinit(&scratch);
    pthread_mutex_destroy(&work.lock);
    pthread_cond_destroy(&work.for_workers);
    pthread_cond_destroy(&work.for_dispatcher);
    capi_arena_deinit(&work.arena);
    return st;
}
