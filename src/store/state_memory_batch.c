/* state_memory_batch.c - batches, seals and processes in memory. */
#include "store/state.h"

#include "store/state_memory.h"

#include <stdlib.h>

/* ---- batches ---- */

static mem_batch *batch_claimed_by(const mem_node *node, capi_str process_uid, capi_str operation_uid, uint32_t *idx)
{
    for (uint32_t i = 0; i < node->next_batch; i++) {
        mem_batch *batch = node->batches[i];

        if (batch->status != CAPI_WORK_START || !capi_str_equal(batch->owner, process_uid) ||
            !capi_str_equal(batch->operation, operation_uid))
            continue;
        *idx = i;
        return batch;
    }
    return NULL;
}

/* The lowest batch that is free, or NULL. */
static mem_batch *batch_take_free(mem_node *node, uint32_t *idx)
{
    for (uint32_t i = 0; i < node->next_batch && node->free_count; i++)
        if (node->batches[i]->status == CAPI_WORK_NONE) {
            node->free_count--;
            *idx = i;
            return node->batches[i];
        }
    if (node->next_batch == node->batches_total || node->rest_status != CAPI_WORK_NONE) return NULL;
    if (!node->batches) node->batches = capi_zmalloc(node->batches_total * sizeof *node->batches);
    *idx = node->next_batch;
    node->batches[*idx] = capi_zmalloc(sizeof **node->batches);
    node->batches[*idx]->last_token = -1;
    return node->batches[node->next_batch++];
}

static capi_status node_claim(mem_state *mem, mem_run *run, mem_node *node, capi_str process_uid,
                              capi_str operation_uid, capi_claim *out, capi_err *err)
{
    uint32_t idx = 0;
    mem_batch *batch = batch_claimed_by(node, process_uid, operation_uid, &idx);

    if (!batch) {
        if (run->base.stop_ms) return state_run_is_stopped(err, run->base.run_uid);
        if (node->status == CAPI_WORK_START) batch = batch_take_free(node, &idx);
        if (!batch) return state_nothing_to_claim(err, node->name);
        batch->status = CAPI_WORK_START;
        batch->start_ms = state_now_ms(&mem->base);
        mem_text_set(&batch->owner, process_uid);
        mem_text_set(&batch->operation, operation_uid);
        mem_text_free(&batch->attempt);
        batch->attempt = mem_text_new_uid(mem);
        node->claimed++;
    }
    state_make_claim(out, run->base.run_uid, node->name, batch->attempt, idx, node->batches_total, batch->deaths,
                     batch->target.bytes > 0);
    return CAPI_OK;
}

capi_status mem_batch_claim(capi_state *state, capi_str run_uid, capi_str name, capi_str process_uid,
                            capi_str operation_uid, capi_claim *out, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_run *run = NULL;
    mem_node *node = NULL;
    capi_status st = mem_node_find(mem, run_uid, name, &run, &node, err);

    if (st == CAPI_OK) st = node_claim(mem, run, node, process_uid, operation_uid, out, err);
    return mem_unlock(mem, st);
}

/* The batch of a claim whose attempt is still the batch's last one, whatever has become of it; CAPI_CONFLICT if not. */
static capi_status claim_find(const mem_state *mem, const capi_claim *claim, mem_run **run, mem_node **node,
                              mem_batch **batch, capi_err *err)
{
    if (mem_node_find(mem, capi_str_of(claim->run_uid), capi_str_of(claim->node), run, node, NULL) != CAPI_OK)
        return state_not_ours(err, claim);
    if (claim->batch_idx >= (*node)->next_batch) return state_not_ours(err, claim);
    *batch = (*node)->batches[claim->batch_idx];
    if (!capi_str_is((*batch)->attempt, claim->attempt_uid)) return state_not_ours(err, claim);
    return CAPI_OK;
}

/* The same, while it is worked on. */
static capi_status claim_find_working(const mem_state *mem, const capi_claim *claim, mem_node **node, mem_batch **batch,
                                      capi_err *err)
{
    mem_run *run = NULL;

    CAPI_TRY(claim_find(mem, claim, &run, node, batch, err));
    return (*batch)->status == CAPI_WORK_START ? CAPI_OK : state_not_ours(err, claim);
}

/* Takes the claim off a batch: it is free again, or stopped with its run. */
static void batch_unclaim(mem_state *mem, mem_run *run, mem_node *node, mem_batch *batch)
{
    batch->status = CAPI_WORK_NONE;
    batch->start_ms = 0;
    mem_text_free(&batch->owner);
    mem_text_free(&batch->operation);
    mem_text_free(&batch->comment);
    node->claimed--;
    if (!run->base.stop_ms) {
        node->free_count++;
        return;
    }
    mem_batch_stop(node, batch, run, state_now_ms(&mem->base));
    mem_node_settle(node, run, state_now_ms(&mem->base));
}

capi_status mem_batch_release(capi_state *state, const capi_claim *claim, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_run *run = NULL;
    mem_node *node = NULL;
    mem_batch *batch = NULL;
    capi_status st = claim_find(mem, claim, &run, &node, &batch, err);

    if (st != CAPI_OK) return mem_unlock(mem, st);
    if (batch->status == CAPI_WORK_SUCCESS || batch->status == CAPI_WORK_FAIL)
        return mem_unlock(mem, state_not_ours(err, claim));
    if (batch->status == CAPI_WORK_START) batch_unclaim(mem, run, node, batch);
    return mem_unlock(mem, CAPI_OK);
}

capi_status mem_batch_note(capi_state *state, const capi_claim *claim, capi_str note, capi_err *err)
{
    mem_node *node = NULL;
    mem_batch *batch = NULL;
    mem_state *mem = mem_lock(state);
    capi_status st = claim_find_working(mem, claim, &node, &batch, err);

    if (st != CAPI_OK) return mem_unlock(mem, st);
    mem_text_set(&batch->comment, note);
    if (node->status == CAPI_WORK_START) mem_text_set(&node->comment, note);
    return mem_unlock(mem, CAPI_OK);
}

capi_status mem_batch_publish(capi_state *state, const capi_claim *claim, capi_str staged, capi_str target,
                              capi_err *err)
{
    mem_node *node = NULL;
    mem_batch *batch = NULL;
    mem_state *mem = mem_lock(state);
    capi_status st = claim_find_working(mem, claim, &node, &batch, err);

    if (st != CAPI_OK) return mem_unlock(mem, st);
    mem_text_set(&batch->staged, staged);
    mem_text_set(&batch->target, target);
    return mem_unlock(mem, CAPI_OK);
}

capi_status mem_batch_publication(capi_state *state, const capi_claim *claim, capi_arena *arena, capi_str *staged,
                                  capi_str *target, capi_err *err)
{
    mem_node *node = NULL;
    mem_batch *batch = NULL;
    mem_state *mem = mem_lock(state);
    capi_status st = claim_find_working(mem, claim, &node, &batch, err);

    if (st != CAPI_OK) return mem_unlock(mem, st);
    *staged = capi_str_copy(arena, batch->staged);
    *target = capi_str_copy(arena, batch->target);
    return mem_unlock(mem, CAPI_OK);
}

static void batch_set_result(mem_batch *batch, const capi_batch_result *result, int64_t now_ms)
{
    batch->status = result->status;
    batch->final_ms = now_ms;
    batch->rows_read = result->rows_read;
    batch->rows_written = result->rows_written;
    batch->bytes_written = result->bytes_written;
    batch->first_token = result->first_token;
    batch->last_token = result->last_token;
    mem_text_set(&batch->extents, result->extents);
    mem_text_set(&batch->comment, result->comment);
    mem_text_free(&batch->owner);
    mem_text_free(&batch->operation);
}

capi_status mem_batch_finish(capi_state *state, const capi_claim *claim, const capi_batch_result *result, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_run *run = NULL;
    mem_node *node = NULL;
    mem_batch *batch = NULL;
    capi_status st = claim_find(mem, claim, &run, &node, &batch, err);

    if (st != CAPI_OK) return mem_unlock(mem, st);
    if (batch->status == CAPI_WORK_SUCCESS || batch->status == CAPI_WORK_FAIL) return mem_unlock(mem, CAPI_OK);
    if (batch->status != CAPI_WORK_START) return mem_unlock(mem, state_not_ours(err, claim));
    batch_set_result(batch, result, state_now_ms(state));
    node->claimed--;
    node->done++;
    node->failed += result->status == CAPI_WORK_FAIL;
    mem_node_settle(node, run, batch->final_ms);
    return mem_unlock(mem, CAPI_OK);
}

static void batch_copy_out(const mem_batch *batch, bool with_extents, capi_arena *arena, capi_batch_state *out)
{
    bool was_worked_on =
        batch->status == CAPI_WORK_START || batch->status == CAPI_WORK_SUCCESS || batch->status == CAPI_WORK_FAIL;

    out->status = (capi_work_status)batch->status;
    out->owner = capi_str_copy(arena, batch->owner);
    if (was_worked_on) out->attempt_uid = capi_str_copy(arena, batch->attempt);
    if (with_extents) {
        out->extents = capi_str_copy(arena, batch->extents);
        out->survivors = capi_str_copy(arena, batch->survivors);
    }
    out->rows_read = batch->rows_read;
    out->rows_written = batch->rows_written;
    out->bytes_written = batch->bytes_written;
    out->first_token = batch->first_token;
    out->last_token = batch->last_token;
    out->start_ms = batch->start_ms;
    out->final_ms = batch->final_ms;
    out->deaths = batch->deaths;
    out->comment = capi_str_copy(arena, batch->comment);
}

capi_status mem_batch_list(capi_state *state, capi_str run_uid, capi_str name, bool with_extents, capi_arena *arena,
                           capi_batch_state **out, uint32_t *count, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_run *run = NULL;
    mem_node *node = NULL;
    capi_status st = mem_node_find(mem, run_uid, name, &run, &node, err);
    capi_str rest_comment;

    if (st != CAPI_OK) return mem_unlock(mem, st);
    *out = capi_new_array(arena, capi_batch_state, node->batches_total);
    *count = node->batches_total;
    rest_comment = capi_str_copy(arena, node->rest_comment);
    for (uint32_t i = 0; i < node->batches_total; i++) {
        capi_batch_state *batch = &(*out)[i];

        batch->batch_idx = i;
        batch->batches_total = node->batches_total;
        if (i < node->next_batch) {
            batch_copy_out(node->batches[i], with_extents, arena, batch);
            continue;
        }
        batch->status = (capi_work_status)node->rest_status;
        batch->last_token = -1;
        batch->final_ms = node->rest_ms;
        batch->comment = rest_comment;
    }
    return mem_unlock(mem, CAPI_OK);
}

/* ---- seals ---- */

capi_status mem_seal_claim(capi_state *state, capi_str run_uid, capi_str name, capi_str process_uid,
                           capi_str operation_uid, capi_claim *out, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_run *run = NULL;
    mem_node *node = NULL;
    capi_status st = mem_node_find(mem, run_uid, name, &run, &node, err);
    bool is_repeated;

    if (st != CAPI_OK) return mem_unlock(mem, st);
    is_repeated = node->seal_owner.bytes && capi_str_equal(node->seal_owner, process_uid) &&
                  capi_str_equal(node->seal_operation, operation_uid);
    if (!is_repeated) {
        if (node->status != CAPI_WORK_START || node->done < node->batches_total || node->seal_owner.bytes)
            return mem_unlock(mem, state_nothing_to_claim(err, name));
        mem_text_set(&node->seal_owner, process_uid);
        mem_text_set(&node->seal_operation, operation_uid);
        mem_text_free(&node->seal_attempt);
        node->seal_attempt = mem_text_new_uid(mem);
    }
    state_make_claim(out, run_uid, name, node->seal_attempt, 0, node->batches_total, node->seal_deaths, false);
    return mem_unlock(mem, CAPI_OK);
}

static capi_status seal_find(const mem_state *mem, const capi_claim *claim, mem_run **run, mem_node **node,
                             capi_err *err)
{
    if (mem_node_find(mem, capi_str_of(claim->run_uid), capi_str_of(claim->node), run, node, NULL) != CAPI_OK ||
        !capi_str_is((*node)->seal_attempt, claim->attempt_uid))
        return state_seal_not_ours(err, claim);
    return CAPI_OK;
}

static void seal_unclaim(mem_state *mem, mem_run *run, mem_node *node)
{
    mem_text_free(&node->seal_owner);
    mem_text_free(&node->seal_operation);
    mem_node_settle(node, run, state_now_ms(&mem->base));
}

static void batch_seal(mem_batch *batch, capi_str survivors, const capi_seal_batch *retold)
{
    mem_text_set(&batch->survivors, survivors);
    if (survivors.bytes == 0 || !retold) return;
    batch->rows_written = retold->rows_written;
    mem_text_set(&batch->comment, retold->comment);
}

capi_status mem_seal_finish(capi_state *state, const capi_claim *claim, const capi_seal_result *result, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_run *run = NULL;
    mem_node *node = NULL;
    capi_status st = seal_find(mem, claim, &run, &node, err);

    if (st != CAPI_OK) return mem_unlock(mem, st);
    if (state_work_is_final(node->status)) return mem_unlock(mem, CAPI_OK);
    if (node->seal_owner.bytes == 0) return mem_unlock(mem, state_seal_not_ours(err, claim));
    node->status = result->status;
    node->final_ms = state_now_ms(state);
    node->row_count = result->row_count;
    mem_text_set(&node->comment, result->comment);
    mem_text_free(&node->seal_owner);
    mem_text_free(&node->seal_operation);
    for (uint32_t i = 0; result->survivors && i < node->next_batch; i++)
        batch_seal(node->batches[i], result->survivors[i], result->batches ? &result->batches[i] : NULL);
    return mem_unlock(mem, CAPI_OK);
}

capi_status mem_seal_release(capi_state *state, const capi_claim *claim, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_run *run = NULL;
    mem_node *node = NULL;
    capi_status st = seal_find(mem, claim, &run, &node, err);

    if (st != CAPI_OK) return mem_unlock(mem, st);
    if (state_work_is_final(node->status)) return mem_unlock(mem, state_seal_not_ours(err, claim));
    if (node->seal_owner.bytes) seal_unclaim(mem, run, node);
    return mem_unlock(mem, CAPI_OK);
}

/* ---- processes ---- */

capi_status mem_process_beat(capi_state *state, capi_str process_uid, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_process *process = mem_process_find(mem, process_uid);

    (void)err;
    if (!process) {
        process = capi_zmalloc(sizeof *process);
        process->uid = mem_text_new(process_uid);
        process->next = mem->processes;
        mem->processes = process;
    }
    process->beat++;
    return mem_unlock(mem, CAPI_OK);
}

typedef struct process_count {
    mem_state *mem;
    capi_arena *arena;
    capi_process *list;
    uint32_t count, capacity;
} process_count;

static void count_claim(process_count *counts, capi_str owner)
{
    const mem_process *process;

    if (owner.bytes == 0) return;
    for (uint32_t i = 0; i < counts->count; i++)
        if (capi_str_equal(counts->list[i].process_uid, owner)) {
            counts->list[i].claim_count++;
            return;
        }
    if (counts->count == counts->capacity) {
        capi_process *longer = capi_new_array(counts->arena, capi_process, counts->capacity * 2 + 8);

        if (counts->count) memcpy(longer, counts->list, counts->count * sizeof *longer);
        counts->capacity = counts->capacity * 2 + 8;
        counts->list = longer;
    }
    process = mem_process_find(counts->mem, owner);
    counts->list[counts->count++] = (capi_process){capi_str_copy(counts->arena, owner), process ? process->beat : 0, 1};
}

static int process_compare(const void *a, const void *b)
{
    return capi_str_compare(((const capi_process *)a)->process_uid, ((const capi_process *)b)->process_uid);
}

capi_status mem_process_list(capi_state *state, capi_arena *arena, capi_process **out, uint32_t *count, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    process_count counts = {.mem = mem, .arena = arena};

    (void)err;
    for (const mem_run *run = mem->runs; run; run = run->next)
        for (uint32_t n = 0; n < run->node_count; n++) {
            const mem_node *node = &run->nodes[n];

            count_claim(&counts, node->seal_owner);
            for (uint32_t i = 0; i < node->next_batch && node->claimed; i++)
                count_claim(&counts, node->batches[i]->owner);
        }
    if (counts.count) qsort(counts.list, counts.count, sizeof *counts.list, process_compare);
    *out = counts.list;
    *count = counts.count;
    return mem_unlock(mem, CAPI_OK);
}

/* Takes all claims off a process. A death is counted where it died, and its attempt can do nothing any more. */
static void process_free_claims(mem_state *mem, capi_str process_uid, bool is_dead)
{
    for (mem_run *run = mem->runs; run; run = run->next)
        for (uint32_t n = 0; n < run->node_count; n++) {
            mem_node *node = &run->nodes[n];

            for (uint32_t i = 0; i < node->next_batch && node->claimed; i++) {
                mem_batch *batch = node->batches[i];

                if (batch->owner.bytes == 0 || !capi_str_equal(batch->owner, process_uid)) continue;
                batch->deaths += is_dead;
                mem_text_free(&batch->attempt);
                batch_unclaim(mem, run, node, batch);
            }
            if (node->seal_owner.bytes == 0 || !capi_str_equal(node->seal_owner, process_uid)) continue;
            node->seal_deaths += is_dead;
            mem_text_free(&node->seal_attempt);
            seal_unclaim(mem, run, node);
        }
}

capi_status mem_process_bury(capi_state *state, capi_str process_uid, uint64_t beat, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    const mem_process *process = mem_process_find(mem, process_uid);
    uint64_t actual = process ? process->beat : 0;

    if (actual != beat) return mem_unlock(mem, state_beat_moved(err, process_uid, beat, actual));
    process_free_claims(mem, process_uid, true);
    return mem_unlock(mem, CAPI_OK);
}

capi_status mem_process_leave(capi_state *state, capi_str process_uid, capi_err *err)
{
    mem_state *mem = mem_lock(state);
    mem_process **at = &mem->processes;
    mem_process *process;

    (void)err;
    process_free_claims(mem, process_uid, false);
    while (*at && !capi_str_equal((*at)->uid, process_uid))
        at = &(*at)->next;
    process = *at;
    if (process) {
        *at = process->next;
        mem_text_free(&process->uid);
        free(process);
    }
    return mem_unlock(mem, CAPI_OK);
}
