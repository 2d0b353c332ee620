/* state_memory.c - the state in plain structures under one lock: for the simulator and for tests, and the plainest
 * statement of what each operation of state.h does. Nothing of it outlives the process.
 *
 * Batches have no structure of their own until somebody claims them, so a run with a million batches starts at once:
 * batches from `next_batch` on are as the node says (`rest_status`). */
#include "store/state.h"

#include "store/state_memory.h"

#include <stdlib.h>

/* ---- texts on the heap ---- */

capi_str mem_text_new(capi_str text)
{
    char *data;

    if (text.bytes == 0) return (capi_str){0};
    data = capi_malloc(text.bytes);
    memcpy(data, text.data, text.bytes);
    return (capi_str){data, text.bytes};
}

void mem_text_free(capi_str *text)
{
    free((char *)text->data);
    *text = (capi_str){0};
}

void mem_text_set(capi_str *text, capi_str value)
{
    capi_str copy = mem_text_new(value);

    mem_text_free(text);
    *text = copy;
}

capi_str mem_text_new_uid(const mem_state *mem)
{
    char uid[CAPI_UID_BYTES];

    capi_random_uid(&mem->base.random, uid);
    return mem_text_new(capi_str_of(uid));
}

/* ---- freeing ---- */

static void batch_free(mem_batch *batch)
{
    capi_str *texts[] = {&batch->owner,  &batch->operation, &batch->attempt,   &batch->staged,
                         &batch->target, &batch->extents,   &batch->survivors, &batch->comment};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        mem_text_free(texts[i]);
    free(batch);
}

static void node_deinit(mem_node *node)
{
    capi_str *texts[] = {&node->name,    &node->rest_comment, &node->reader_run_uid, &node->lookup_run_uid,
                         &node->comment, &node->seal_owner,   &node->seal_operation, &node->seal_attempt};

    for (uint32_t i = 0; i < node->next_batch; i++)
        batch_free(node->batches[i]);
    free(node->batches);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        mem_text_free(texts[i]);
}

static void run_free_targets(mem_run *run)
{
    for (uint32_t i = 0; i < run->target_count; i++)
        mem_text_free(&run->targets[i]);
    free(run->targets);
    run->targets = NULL;
    run->target_count = 0;
}

static void run_free(mem_run *run)
{
    capi_str *texts[] = {&run->base.run_uid,     &run->base.keyspace_uid, &run->base.script_url,
                         &run->base.params_url,  &run->base.start_nodes,  &run->base.description,
                         &run->base.owner,       &run->operation_uid,     &run->base.complete_comment,
                         &run->base.stop_comment};

    for (uint32_t i = 0; i < run->node_count; i++)
        node_deinit(&run->nodes[i]);
    free(run->nodes);
    for (uint32_t i = 0; i < run->file_count; i++) {
        mem_text_free(&run->files[i].kind);
        mem_text_free(&run->files[i].url);
        mem_text_free(&run->files[i].text);
    }
    free(run->files);
    run_free_targets(run);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        mem_text_free(texts[i]);
    free(run);
}

static void mem_close(capi_state *state)
{
    mem_state *mem = (mem_state *)state;

    while (mem->runs) {
        mem_run *run = mem->runs;

        mem->runs = run->next;
        run_free(run);
    }
    while (mem->keyspaces) {
        mem_keyspace *keyspace = mem->keyspaces;

        mem->keyspaces = keyspace->next;
        mem_text_free(&keyspace->name);
        mem_text_free(&keyspace->uid);
        free(keyspace);
    }
    while (mem->processes) {
        mem_process *process = mem->processes;

        mem->processes = process->next;
        mem_text_free(&process->uid);
        free(process);
    }
    pthread_mutex_destroy(&mem->lock);
    free(mem);
}

mem_state *mem_lock(capi_state *state)
{
    mem_state *mem = (mem_state *)state;

    pthread_mutex_lock(&mem->lock);
    return mem;
}

capi_status mem_unlock(mem_state *mem, capi_status status)
{
    pthread_mutex_unlock(&mem->lock);
    return status;
}

/* ---- finding ---- */

static mem_keyspace **keyspace_find(mem_state *mem, capi_str name)
{
    mem_keyspace **at = &mem->keyspaces;

    while (*at && !state_names_equal((*at)->name, name))
        at = &(*at)->next;
    return at;
}

static mem_keyspace *keyspace_by_uid(const mem_state *mem, capi_str uid)
{
    mem_keyspace *keyspace = mem->keyspaces;

    while (keyspace && !capi_str_equal(keyspace->uid, uid))
        keyspace = keyspace->next;
    return keyspace;
}

static mem_run *run_by_uid(const mem_state *mem, capi_str uid)
{
    mem_run *run = mem->runs;

    while (run && !capi_str_equal(run->base.run_uid, uid))
        run = run->next;
    return run;
}

static capi_status run_by_id(const mem_state *mem, const capi_keyspace *keyspace, uint32_t run_id, mem_run **out,
                             capi_err *err)
{
    if (!keyspace_by_uid(mem, keyspace->uid)) return state_dropped_keyspace(err, keyspace);
    for (mem_run *run = mem->runs; run; run = run->next)
        if (run->base.run_id == run_id && capi_str_equal(run->base.keyspace_uid, keyspace->uid)) {
            *out = run;
            return CAPI_OK;
        }
    return state_no_run_id(err, keyspace, run_id);
}

capi_status mem_node_find(const mem_state *mem, capi_str run_uid, capi_str name, mem_run **run_out, mem_node **out,
                          capi_err *err)
{
    mem_run *run = run_by_uid(mem, run_uid);

    if (!run) return state_no_run(err, run_uid);
    for (uint32_t i = 0; i < run->node_count; i++)
        if (capi_str_equal(run->nodes[i].name, name)) {
            *run_out = run;
            *out = &run->nodes[i];
            return CAPI_OK;
        }
    return state_no_node(err, run_uid, name);
}

mem_process *mem_process_find(const mem_state *mem, capi_str uid)
{
    mem_process *process = mem->processes;

    while (process && !capi_str_equal(process->uid, uid))
        process = process->next;
    return process;
}

/* ---- keyspaces ---- */

static capi_status mem_keyspace_open(capi_state *state, capi_str name, bool create, capi_arena *arena,
                                     capi_keyspace *out, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_keyspace *keyspace = *keyspace_find(mem, name);

    if (!keyspace && !create) return mem_unlock(mem, state_no_keyspace(err, name, "memory"));
    if (!keyspace) {
        keyspace = capi_zmalloc(sizeof *keyspace);
        keyspace->name = mem_text_new(name);
        keyspace->uid = mem_text_new_uid(mem);
        keyspace->next = mem->keyspaces;
        mem->keyspaces = keyspace;
    }
    *out = (capi_keyspace){capi_str_copy(arena, keyspace->name), capi_str_copy(arena, keyspace->uid)};
    return mem_unlock(mem, CAPI_OK);
}

static int keyspace_compare(const void *a, const void *b)
{
    return capi_str_compare(((const capi_keyspace *)a)->name, ((const capi_keyspace *)b)->name);
}

static capi_status mem_keyspace_list(capi_state *state, capi_arena *arena, capi_keyspace **out, uint32_t *count,
                                     capi_err *err)
{
    mem_state *mem = mem_lock(state);
    uint32_t found = 0;

    (void)err;
    for (const mem_keyspace *keyspace = mem->keyspaces; keyspace; keyspace = keyspace->next)
        found++;
    *out = capi_new_array(arena, capi_keyspace, found);
    *count = 0;
    for (const mem_keyspace *keyspace = mem->keyspaces; keyspace; keyspace = keyspace->next)
        (*out)[(*count)++] = (capi_keyspace){capi_str_copy(arena, keyspace->name), capi_str_copy(arena, keyspace->uid)};
    qsort(*out, *count, sizeof **out, keyspace_compare);
    return mem_unlock(mem, CAPI_OK);
}

static capi_status mem_keyspace_drop(capi_state *state, capi_str name, capi_arena *arena, capi_str *uid, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_keyspace **at = keyspace_find(mem, name);
    mem_keyspace *keyspace = *at;

    if (!keyspace) return mem_unlock(mem, state_no_keyspace(err, name, "memory"));
    for (mem_run **run_at = &mem->runs; *run_at;) {
        mem_run *run = *run_at;

        if (!capi_str_equal(run->base.keyspace_uid, keyspace->uid)) {
            run_at = &run->next;
            continue;
        }
        *run_at = run->next;
        run_free(run);
    }
    *uid = capi_str_copy(arena, keyspace->uid);
    *at = keyspace->next;
    mem_text_free(&keyspace->name);
    mem_text_free(&keyspace->uid);
    free(keyspace);
    return mem_unlock(mem, CAPI_OK);
}

/* ---- runs ---- */

static void run_copy_out(const mem_run *run, capi_arena *arena, capi_run *out)
{
    *out = run->base;
    out->status = state_run_status(run->base.complete_ms, run->base.stop_ms);
    out->run_uid = capi_str_copy(arena, run->base.run_uid);
    out->keyspace_uid = capi_str_copy(arena, run->base.keyspace_uid);
    out->script_url = capi_str_copy(arena, run->base.script_url);
    out->params_url = capi_str_copy(arena, run->base.params_url);
    out->start_nodes = capi_str_copy(arena, run->base.start_nodes);
    out->description = capi_str_copy(arena, run->base.description);
    out->owner = capi_str_copy(arena, run->base.owner);
    out->complete_comment = capi_str_copy(arena, run->base.complete_comment);
    out->stop_comment = capi_str_copy(arena, run->base.stop_comment);
}

static mem_run *run_by_operation(const mem_state *mem, capi_str keyspace_uid, capi_str operation_uid)
{
    if (operation_uid.bytes == 0) return NULL;
    for (mem_run *run = mem->runs; run; run = run->next)
        if (capi_str_equal(run->operation_uid, operation_uid) && capi_str_equal(run->base.keyspace_uid, keyspace_uid))
            return run;
    return NULL;
}

static bool run_has_claims(const mem_run *run)
{
    for (uint32_t i = 0; i < run->node_count; i++)
        if (run->nodes[i].claimed || run->nodes[i].seal_owner.bytes) return true;
    return false;
}

/* Live runs have targets, and stopped ones as long as batches run that may still write them. */
static capi_status target_check(const mem_state *mem, capi_str target, capi_err *err)
{
    for (const mem_run *run = mem->runs; run; run = run->next)
        for (uint32_t k = 0; k < run->target_count; k++)
            if (capi_str_equal(run->targets[k], target) && (!run->base.stop_ms || run_has_claims(run)))
                return state_target_taken(err, target, run->base.run_id,
                                          keyspace_by_uid(mem, run->base.keyspace_uid)->name);
    return CAPI_OK;
}

static capi_status targets_check(const mem_state *mem, const capi_run_spec *spec, uint32_t run_id, capi_err *err)
{
    for (uint32_t i = 0; i < spec->target_count; i++) {
        char *target = state_target_resolve(spec->targets[i], run_id);
        capi_status st = target_check(mem, capi_str_of(target), err);

        free(target);
        CAPI_TRY(st);
    }
    return CAPI_OK;
}

/* Takes run_uid. */
static mem_run *run_new(mem_state *mem, mem_keyspace *keyspace, capi_str run_uid, const capi_run_spec *spec)
{
    mem_run *run = capi_zmalloc(sizeof *run);

    keyspace->run_id_last = spec->run_id ? spec->run_id : keyspace->run_id_last + 1;
    run->base = (capi_run){
        .run_id = keyspace->run_id_last,
        .run_uid = run_uid,
        .keyspace_uid = mem_text_new(keyspace->uid),
        .script_url = mem_text_new(spec->script_url),
        .params_url = mem_text_new(spec->params_url),
        .start_nodes = mem_text_new(spec->start_nodes),
        .description = mem_text_new(spec->description),
        .owner = mem_text_new(spec->owner),
        .mode = spec->mode,
        .start_ms = state_now_ms(&mem->base),
    };
    run->operation_uid = mem_text_new(spec->operation_uid);
    run->nodes = capi_zmalloc(spec->node_count * sizeof *run->nodes);
    run->node_count = spec->node_count;
    for (uint32_t i = 0; i < spec->node_count; i++) {
        run->nodes[i].name = mem_text_new(spec->nodes[i].name);
        run->nodes[i].batches_total = spec->nodes[i].batches_total;
    }
    run->files = capi_zmalloc(spec->file_count * sizeof *run->files);
    run->file_count = spec->file_count;
    for (uint32_t i = 0; i < spec->file_count; i++)
        run->files[i] = (capi_snapshot_file){mem_text_new(spec->files[i].kind), mem_text_new(spec->files[i].url),
                                             mem_text_new(spec->files[i].text)};
    run->targets = capi_zmalloc(spec->target_count * sizeof *run->targets);
    run->target_count = spec->target_count;
    for (uint32_t i = 0; i < spec->target_count; i++) {
        char *target = state_target_resolve(spec->targets[i], run->base.run_id);

        run->targets[i] = mem_text_new(capi_str_of(target));
        free(target);
    }
    return run;
}

static capi_status mem_run_start(capi_state *state, const capi_keyspace *keyspace, const capi_run_spec *spec,
                                 capi_arena *arena, capi_run *out, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_keyspace *home = keyspace_by_uid(mem, keyspace->uid);
    mem_run *run;

    if (!home) return mem_unlock(mem, state_dropped_keyspace(err, keyspace));
    run = run_by_operation(mem, keyspace->uid, spec->operation_uid);
    if (!run) {
        capi_str run_uid = mem_text_new_uid(mem);
        uint32_t run_id = spec->run_id ? spec->run_id : home->run_id_last + 1;
        capi_status st = run_id <= home->run_id_last ? state_run_id_was_given(err, keyspace, run_id)
                                                     : targets_check(mem, spec, run_id, err);

        if (st != CAPI_OK) {
            mem_text_free(&run_uid);
            return mem_unlock(mem, st);
        }
        run = run_new(mem, home, run_uid, spec);
        run->next = mem->runs;
        mem->runs = run;
    }
    run_copy_out(run, arena, out);
    return mem_unlock(mem, CAPI_OK);
}

static capi_status mem_keyspace_last_run(capi_state *state, const capi_keyspace *keyspace, uint32_t *out, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    const mem_keyspace *home = keyspace_by_uid(mem, keyspace->uid);

    if (!home) return mem_unlock(mem, state_dropped_keyspace(err, keyspace));
    *out = home->run_id_last;
    return mem_unlock(mem, CAPI_OK);
}

static capi_status mem_run_get(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id, capi_arena *arena,
                               capi_run *out, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_run *run = NULL;
    capi_status st = run_by_id(mem, keyspace, run_id, &run, err);

    if (st == CAPI_OK) run_copy_out(run, arena, out);
    return mem_unlock(mem, st);
}

static int run_compare(const void *a, const void *b)
{
    uint32_t first = ((const capi_run *)a)->run_id;
    uint32_t second = ((const capi_run *)b)->run_id;

    return first < second ? -1 : first > second;
}

static capi_status mem_run_list(capi_state *state, const capi_keyspace *keyspace, capi_arena *arena, capi_run **out,
                                uint32_t *count, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    uint32_t found = 0;

    if (!keyspace_by_uid(mem, keyspace->uid)) return mem_unlock(mem, state_dropped_keyspace(err, keyspace));
    for (const mem_run *run = mem->runs; run; run = run->next)
        found += capi_str_equal(run->base.keyspace_uid, keyspace->uid);
    *out = capi_new_array(arena, capi_run, found);
    *count = 0;
    for (const mem_run *run = mem->runs; run; run = run->next)
        if (capi_str_equal(run->base.keyspace_uid, keyspace->uid)) run_copy_out(run, arena, &(*out)[(*count)++]);
    qsort(*out, *count, sizeof **out, run_compare);
    return mem_unlock(mem, CAPI_OK);
}

static capi_status mem_run_snapshot(capi_state *state, capi_str run_uid, capi_arena *arena, capi_snapshot_file **out,
                                    uint32_t *count, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    const mem_run *run = run_by_uid(mem, run_uid);

    if (!run) return mem_unlock(mem, state_no_run(err, run_uid));
    *out = capi_new_array(arena, capi_snapshot_file, run->file_count);
    *count = run->file_count;
    for (uint32_t i = 0; i < run->file_count; i++)
        (*out)[i] =
            (capi_snapshot_file){capi_str_copy(arena, run->files[i].kind), capi_str_copy(arena, run->files[i].url),
                                 capi_str_copy(arena, run->files[i].text)};
    return mem_unlock(mem, CAPI_OK);
}

/* ---- the end of a stopped run ---- */

void mem_batch_stop(mem_node *node, mem_batch *batch, const mem_run *run, int64_t now_ms)
{
    batch->status = CAPI_WORK_STOP_RECEIVED;
    batch->final_ms = now_ms;
    mem_text_set(&batch->comment, run->base.stop_comment);
    node->done++;
    node->stopped++;
}

static void node_stop_batches(mem_node *node, const mem_run *run, int64_t now_ms)
{
    uint32_t rest = node->batches_total - node->next_batch;

    for (uint32_t i = 0; i < node->next_batch && node->free_count; i++)
        if (node->batches[i]->status == CAPI_WORK_NONE) {
            mem_batch_stop(node, node->batches[i], run, now_ms);
            node->free_count--;
        }
    if (node->rest_status != CAPI_WORK_NONE) return;
    node->rest_status = CAPI_WORK_STOP_RECEIVED;
    node->rest_ms = now_ms;
    mem_text_set(&node->rest_comment, run->base.stop_comment);
    node->done += rest;
    node->stopped += rest;
}

/* Ends a node of a stopped run once nobody works on it. */
void mem_node_settle(mem_node *node, const mem_run *run, int64_t now_ms)
{
    if (!run->base.stop_ms || state_work_is_final(node->status) || node->claimed || node->seal_owner.bytes) return;
    if (node->status == CAPI_WORK_START && node->stopped == 0) return;
    node->status = state_stopped_status(node->failed);
    node->final_ms = now_ms;
    mem_text_set(&node->comment, run->base.stop_comment);
}

static capi_status mem_run_stop(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id, capi_str comment,
                                capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_run *run = NULL;
    capi_status st = run_by_id(mem, keyspace, run_id, &run, err);

    if (st != CAPI_OK || run->base.stop_ms) return mem_unlock(mem, st);
    run->base.stop_ms = state_now_ms(state);
    mem_text_set(&run->base.stop_comment, comment);
    for (uint32_t i = 0; i < run->node_count; i++) {
        if (state_work_is_final(run->nodes[i].status)) continue;
        node_stop_batches(&run->nodes[i], run, run->base.stop_ms);
        mem_node_settle(&run->nodes[i], run, run->base.stop_ms);
    }
    return mem_unlock(mem, CAPI_OK);
}

static capi_status mem_run_complete(capi_state *state, capi_str run_uid, capi_str comment, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_run *run = run_by_uid(mem, run_uid);

    if (!run) return mem_unlock(mem, state_no_run(err, run_uid));
    if (run->base.complete_ms) return mem_unlock(mem, CAPI_OK);
    for (uint32_t i = 0; i < run->node_count; i++) {
        const mem_node *node = &run->nodes[i];

        if (run->base.mode == CAPI_RUN_DIRECT && node->status == CAPI_WORK_NONE) continue;
        if (node->status != CAPI_WORK_SUCCESS && node->status != CAPI_WORK_FAIL)
            return mem_unlock(mem, state_node_unfinished(err, node->name, node->status));
    }
    run->base.complete_ms = state_now_ms(state);
    mem_text_set(&run->base.complete_comment, comment);
    run_free_targets(run);
    return mem_unlock(mem, CAPI_OK);
}

static bool node_reads(const mem_run *run, const mem_node *node, const mem_run *read)
{
    bool is_live = state_run_status(run->base.complete_ms, run->base.stop_ms) == CAPI_RUN_START;
    bool has_chosen = capi_str_equal(node->reader_run_uid, read->base.run_uid) ||
                      capi_str_equal(node->lookup_run_uid, read->base.run_uid);

    if (is_live && node->status == CAPI_WORK_NONE) return true; /* it may choose it */
    return has_chosen && (is_live || node->claimed > 0);
}

/* The first other run that reads its tables, or may; NULL if there is none. */
static const mem_run *run_reader(const mem_state *mem, const mem_run *read)
{
    const mem_run *first = NULL;

    for (const mem_run *run = mem->runs; run; run = run->next) {
        if (run == read || !capi_str_equal(run->base.keyspace_uid, read->base.keyspace_uid)) continue;
        for (uint32_t i = 0; i < run->node_count; i++)
            if (node_reads(run, &run->nodes[i], read) && (!first || run->base.run_id < first->base.run_id)) first = run;
    }
    return first;
}

static capi_status mem_run_forget(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id, capi_arena *arena,
                                  capi_str *run_uid, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_run *run = NULL;
    mem_run **at = &mem->runs;
    const mem_run *reader;
    capi_status st = run_by_id(mem, keyspace, run_id, &run, err);

    if (st != CAPI_OK) return mem_unlock(mem, st);
    if (state_run_status(run->base.complete_ms, run->base.stop_ms) == CAPI_RUN_START || run_has_claims(run))
        return mem_unlock(mem, state_run_unfinished(err, run_id));
    reader = run_reader(mem, run);
    if (reader) return mem_unlock(mem, state_run_is_read(err, run_id, reader->base.run_id));
    *run_uid = capi_str_copy(arena, run->base.run_uid);
    while (*at != run)
        at = &(*at)->next;
    *at = run->next;
    run_free(run);
    return mem_unlock(mem, CAPI_OK);
}

/* ---- nodes ---- */

static void node_copy_out(const mem_node *node, capi_arena *arena, capi_node_state *out)
{
    *out = (capi_node_state){
        .name = capi_str_copy(arena, node->name),
        .batches_total = node->batches_total,
        .batches_done = node->done,
        .batches_failed = node->failed,
        .batches_claimed = node->claimed,
        .status = (capi_work_status)node->status,
        .reader_run_uid = capi_str_copy(arena, node->reader_run_uid),
        .lookup_run_uid = capi_str_copy(arena, node->lookup_run_uid),
        .start_ms = node->start_ms,
        .final_ms = node->final_ms,
        .comment = capi_str_copy(arena, node->comment),
        .sealing = node->seal_owner.bytes > 0,
        .row_count = node->row_count,
    };
}

static capi_status mem_node_list(capi_state *state, capi_str run_uid, capi_arena *arena, capi_node_state **out,
                                 uint32_t *count, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    const mem_run *run = run_by_uid(mem, run_uid);

    if (!run) return mem_unlock(mem, state_no_run(err, run_uid));
    *out = capi_new_array(arena, capi_node_state, run->node_count);
    *count = run->node_count;
    for (uint32_t i = 0; i < run->node_count; i++)
        node_copy_out(&run->nodes[i], arena, &(*out)[i]);
    return mem_unlock(mem, CAPI_OK);
}

static capi_status mem_node_get(capi_state *state, capi_str run_uid, capi_str name, capi_arena *arena,
                                capi_node_state *out, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_run *run = NULL;
    mem_node *node = NULL;
    capi_status st = mem_node_find(mem, run_uid, name, &run, &node, err);

    if (st == CAPI_OK) node_copy_out(node, arena, out);
    return mem_unlock(mem, st);
}

static capi_status mem_node_open(capi_state *state, capi_str run_uid, capi_str name, capi_str reader_run_uid,
                                 capi_str lookup_run_uid, capi_arena *arena, capi_node_state *out, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_run *run = NULL;
    mem_node *node = NULL;
    capi_status st = mem_node_find(mem, run_uid, name, &run, &node, err);

    if (st != CAPI_OK) return mem_unlock(mem, st);
    if (node->status == CAPI_WORK_NONE) {
        node->status = CAPI_WORK_START;
        node->start_ms = state_now_ms(state);
        mem_text_set(&node->reader_run_uid, reader_run_uid);
        mem_text_set(&node->lookup_run_uid, lookup_run_uid);
    }
    node_copy_out(node, arena, out);
    return mem_unlock(mem, CAPI_OK);
}

static capi_status mem_node_refuse(capi_state *state, capi_str run_uid, capi_str name, capi_str comment, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_run *run = NULL;
    mem_node *node = NULL;
    capi_status st = mem_node_find(mem, run_uid, name, &run, &node, err);

    if (st != CAPI_OK) return mem_unlock(mem, st);
    /* Refused before, or ended with its run: done. */
    if (node->status != CAPI_WORK_NONE)
        return mem_unlock(mem, node->rest_status && node->start_ms == 0 ? CAPI_OK : state_node_is_open(err, name));
    node->status = CAPI_WORK_FAIL;
    node->final_ms = state_now_ms(state);
    mem_text_set(&node->comment, comment);
    node->rest_status = CAPI_WORK_FAIL;
    node->rest_ms = node->final_ms;
    mem_text_set(&node->rest_comment, comment);
    node->done = node->failed = node->batches_total;
    return mem_unlock(mem, CAPI_OK);
}

/* ---- */

static const capi_state_ops mem_ops = {
    .name = "memory",
    .close = mem_close,
    .keyspace_open = mem_keyspace_open,
    .keyspace_list = mem_keyspace_list,
    .keyspace_drop = mem_keyspace_drop,
    .keyspace_last_run = mem_keyspace_last_run,
    .run_start = mem_run_start,
    .run_get = mem_run_get,
    .run_list = mem_run_list,
    .run_snapshot = mem_run_snapshot,
    .run_stop = mem_run_stop,
    .run_complete = mem_run_complete,
    .run_forget = mem_run_forget,
    .node_list = mem_node_list,
    .node_get = mem_node_get,
    .node_open = mem_node_open,
    .node_refuse = mem_node_refuse,
    .batch_claim = mem_batch_claim,
    .batch_release = mem_batch_release,
    .batch_note = mem_batch_note,
    .batch_publish = mem_batch_publish,
    .batch_publication = mem_batch_publication,
    .batch_finish = mem_batch_finish,
    .batch_list = mem_batch_list,
    .seal_claim = mem_seal_claim,
    .seal_finish = mem_seal_finish,
    .seal_release = mem_seal_release,
    .process_beat = mem_process_beat,
    .process_list = mem_process_list,
    .process_bury = mem_process_bury,
    .process_leave = mem_process_leave,
};

capi_status capi_state_open_memory(const capi_clock *clock, const capi_random *random, capi_state **out, capi_err *err)
{
    mem_state *mem = capi_zmalloc(sizeof *mem);

    (void)err;
    mem->base = (capi_state){.ops = &mem_ops, .clock = *clock, .random = *random};
    pthread_mutex_init(&mem->lock, NULL);
    *out = &mem->base;
    return CAPI_OK;
}
