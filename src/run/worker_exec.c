/* worker_exec.c - runs a batch or a seal at once, on the thread that asks, and keeps what it made until it is discarded. */
#include "run/worker_exec.h"
#include "net/net.h"
#include "net/url.h"
#include "run/history.h"
#include "run/leftovers.h"
#include "run/table_input.h"

#include "base/clock.h"
#include "base/file.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

typedef struct exec_slot {
    capi_arena arena;
    capi_buf extents;
    capi_batch_output output;
    capi_progress *progress; /* of the batch */
} exec_slot;

typedef struct exec_worker {
    capi_worker base;
    struct capi_worker_ops ops;
    const capi_alone *alone;
    pthread_mutex_t alone_lock; /* one at a time: they need memory of their own */
    capi_exec *exec;
    capi_state *state;
    exec_slot *slots;
    uint32_t slot_count;
} exec_worker;

static int64_t now_ns(void)
{
    return capi_clock_system.monotonic_ns(capi_clock_system.context);
}

/* ---- batches ---- */

/* As tables are called where each run has its own: "orders_00002". */
static capi_str table_name(capi_str table, uint32_t run_id, capi_arena *arena)
{
    return capi_str_format(arena, "%.*s_%05u", CAPI_STR_ARG(table), run_id);
}

static capi_str input_name(const capi_work_item *item, capi_arena *arena)
{
    const capi_node *node = item->node;

    if (item->reader) return table_name(node->source_table, item->reader->run_id, arena);
    if (item->claim->batch_idx >= node->source.url_count) return CAPI_STR("");
    return capi_url_show(arena, node->source.urls[item->claim->batch_idx]);
}

/* The comment that user interfaces of the reference split at ";" (processing specification, section 14). */
typedef struct batch_numbers {
    uint64_t rows_read, rows_written;
    int64_t elapsed_ns;
} batch_numbers;

static capi_str statistics(const capi_work_item *item, capi_str to, const batch_numbers *numbers, capi_arena *arena)
{
    double seconds = numbers->elapsed_ns > 0 ? (double)numbers->elapsed_ns / 1e9 : 1e-9;
    capi_str from = input_name(item, arena);
    capi_str text = capi_str_format(arena, "inserter_elapsed: %.4f s; %.*s -> %.*s; row_reads: %llu, %.1f r/s; ",
                                    seconds, CAPI_STR_ARG(from), CAPI_STR_ARG(to),
                                    (unsigned long long)numbers->rows_read, (double)numbers->rows_read / seconds);

    if (numbers->rows_read == 0) return text;
    return capi_str_format(arena, "%.*srow_writes: %llu, %.1f w/s; ", CAPI_STR_ARG(text),
                           (unsigned long long)numbers->rows_written, (double)numbers->rows_written / seconds);
}

static capi_str output_name(const capi_work_item *item, const capi_batch_output *output, capi_arena *arena)
{
    if (output->file) return capi_url_show(arena, output->target);
    return table_name(item->node->table->name, item->run->run_id, arena);
}

static void take_result(exec_slot *slot, const capi_work_item *item, int64_t elapsed_ns, capi_work_outcome *out)
{
    const capi_batch_output *output = &slot->output;
    batch_numbers numbers = {output->rows_read, output->rows_written, elapsed_ns};

    capi_extents_encode(&slot->extents, output->extents, output->extent_count);
    out->result = (capi_batch_result){
        .status = CAPI_WORK_SUCCESS,
        .extents = item->node->table ? capi_buf_str(&slot->extents) : (capi_str){0},
        .rows_read = output->rows_read,
        .rows_written = output->rows_written,
        .bytes_written = output->bytes_written,
        .first_token = output->first_token,
        .last_token = output->last_token,
        .comment = statistics(item, output_name(item, output, &slot->arena), &numbers, &slot->arena),
    };
    out->has_file = output->file != NULL;
    out->staged = output->file ? capi_str_of(capi_file_writer_path(output->file)) : (capi_str){0};
    out->target = output->target;
}

static bool exec_batch(capi_worker *base, uint32_t number, const capi_work_item *item, capi_work_outcome *out)
{
    exec_worker *worker = (exec_worker *)base;
    exec_slot *slot = &worker->slots[number];
    int64_t begin_ns = now_ns();
    capi_batch_task task = {
        .node = item->node,
        .keyspace_uid = item->run->keyspace_uid,
        .run_uid = item->run->run_uid,
        .attempt_uid = capi_str_of(item->claim->attempt_uid),
        .run_id = item->run->run_id,
        .batch_idx = item->claim->batch_idx,
        .batches_total = item->claim->batches_total,
        .now = capi_instant_from_ms(item->run->start_ms),
        .input = item->reader,
        .lookup = item->lookup,
        .progress = item->progress,
    };

    slot->progress = item->progress;
    out->status = capi_batch_run(worker->exec, &task, &slot->arena, &slot->output, &out->err);
    if (out->status == CAPI_OK) take_result(slot, item, now_ns() - begin_ns, out);
    return true;
}

static capi_status exec_rename(capi_worker *base, uint32_t number, capi_err *err)
{
    exec_worker *worker = (exec_worker *)base;
    exec_slot *slot = &worker->slots[number];

    return capi_batch_output_publish(worker->exec, &slot->output, slot->progress, err);
}

/* ---- seals ---- */

static capi_work_status status_of_batches(const capi_work_item *item, const capi_batch_state *batches, uint32_t count,
                                          capi_arena *arena, capi_str *comment)
{
    capi_work_status status = CAPI_WORK_SUCCESS;

    for (uint32_t i = 0; i < count; i++) {
        if (batches[i].status == CAPI_WORK_FAIL) {
            *comment = capi_failure_place(item->node, i, count, item->script->url, batches[i].comment, arena);
            return CAPI_WORK_FAIL;
        }
        if (batches[i].status == CAPI_WORK_STOP_RECEIVED) status = CAPI_WORK_STOP_RECEIVED;
    }
    return status;
}

/* Rows of a batch may turn out to be there already in a batch before it: then it has written fewer than it said. */
static const capi_seal_batch *retell(const capi_work_item *item, const capi_batch_state *batches, uint32_t count,
                                     const capi_str *survivors, capi_arena *arena)
{
    capi_seal_batch *retold = capi_new_array(arena, capi_seal_batch, count);
    capi_str table = table_name(item->node->table->name, item->run->run_id, arena);

    for (uint32_t i = 0; i < count; i++) {
        const capi_batch_state *batch = &batches[i];
        batch_numbers numbers = {batch->rows_read, 0, (batch->final_ms - batch->start_ms) * 1000000};

        if (survivors[i].bytes == 0) continue;
        numbers.rows_written = capi_survivor_count(survivors[i], batch->rows_written);
        retold[i] = (capi_seal_batch){numbers.rows_written, batch->comment};
        if (numbers.rows_written < batch->rows_written) retold[i].comment = statistics(item, table, &numbers, arena);
    }
    return retold;
}

static capi_status seal_table(exec_worker *worker, const capi_work_item *item, const capi_table_content *contents,
                              const capi_batch_state *batches, uint32_t count, capi_arena *arena,
                              capi_seal_result *result, capi_err *err)
{
    capi_seal_output output = {0};
    capi_seal_task task = {
        .node = item->node,
        .address = {item->run->keyspace_uid, item->run->run_uid, item->node->table->name},
        .batches = contents,
        .batch_count = count,
    };

    CAPI_TRY(capi_seal_run(worker->exec, &task, arena, &output, err));
    result->row_count = output.row_count;
    result->survivors = output.survivors;
    if (output.survivors) result->batches = retell(item, batches, count, output.survivors, arena);
    if (output.has_duplicates) {
        result->status = CAPI_WORK_FAIL;
        result->comment = capi_str_format(arena, "%.*s\n  in node \"%.*s\" (%s), over all batches, script \"%.*s\"",
                                          CAPI_STR_ARG(output.duplicate), CAPI_STR_ARG(item->node->name),
                                          capi_node_type_name(item->node->type), CAPI_STR_ARG(item->script->url));
    }
    return CAPI_OK;
}

/* fail if any batch failed; else stopreceived if any was stopped; else fail if a unique index is violated over the whole
 * node; else success. */
static bool exec_seal(capi_worker *base, uint32_t number, const capi_work_item *item, capi_work_outcome *out)
{
    exec_worker *worker = (exec_worker *)base;
    capi_arena *arena = &worker->slots[number].arena;
    capi_table_content *contents = NULL;
    capi_batch_state *batches = NULL;
    uint32_t count = 0;

    out->seal = (capi_seal_result){0};
    out->status = capi_batch_contents_load(worker->state, capi_str_of(item->claim->run_uid), item->node->name, arena,
                                           &contents, &batches, &count, &out->err);
    if (out->status != CAPI_OK) return true;
    out->seal.status = status_of_batches(item, batches, count, arena, &out->seal.comment);
    for (uint32_t i = 0; i < count; i++)
        out->seal.row_count += item->node->table ? contents[i].row_count : batches[i].rows_written;
    if (out->seal.status == CAPI_WORK_SUCCESS && item->node->table)
        out->status = seal_table(worker, item, contents, batches, count, arena, &out->seal, &out->err);
    return true;
}

/* ---- in a process of its own ---- */

enum { ALONE_WAIT_MS = 20, ALONE_SHARE_MIN_BYTES = 32 << 20 };

static bool take_turn(exec_worker *worker, const capi_progress *progress)
{
    const struct timespec pause = {.tv_nsec = ALONE_WAIT_MS * 1000000L};

    while (pthread_mutex_trylock(&worker->alone_lock) != 0) {
        if (progress->stop) return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

/* A part of our budget is the child's as long as it works: what is free of it, down to an eighth. *reserved is to be released. */
static uint64_t share_of(capi_budget *budget, uint64_t *reserved)
{
    uint64_t share = budget->limit_bytes / 2;

    while (share > budget->limit_bytes / 8 && !capi_budget_try_reserve(budget, share))
        share /= 2;
    *reserved = share > budget->limit_bytes / 8 ? share : 0;
    return share > ALONE_SHARE_MIN_BYTES ? share : ALONE_SHARE_MIN_BYTES;
}

static capi_alone_end exec_alone(capi_worker *base, uint32_t number, const capi_work_item *item, bool is_seal,
                                 capi_work_outcome *out)
{
    exec_worker *worker = (exec_worker *)base;
    capi_alone alone = *worker->alone;
    capi_alone_end end;
    uint64_t reserved;

    if (!take_turn(worker, item->progress)) return CAPI_ALONE_STOPPED;
    alone.memory_bytes = share_of(worker->exec->budget, &reserved);
    end = capi_alone_run(&alone, item, is_seal, &worker->slots[number].arena, out);
    capi_budget_release(worker->exec->budget, reserved);
    pthread_mutex_unlock(&worker->alone_lock);
    return end;
}

/* ---- ends ---- */

/* The path of a target on this machine. Of a target elsewhere the unnamed file lies in the temporary folder of its process,
 * which goes as a whole: then false. */
static bool local_target(const capi_run *run, const capi_node *node, uint32_t batch_idx, capi_arena *arena,
                         capi_str *out)
{
    capi_str url = capi_file_sink_url(node->file, run->run_id, batch_idx, arena);

    if (capi_url_scheme(url) != CAPI_SCHEME_LOCAL) return false;
    *out = capi_str_copy(arena, capi_url_local_path(url));
    return true;
}

static void exec_clear(capi_worker *base, const capi_run *run, const capi_node *node)
{
    capi_arena arena = {0};
    capi_str *targets = capi_new_array(&arena, capi_str, node->batches_total);
    uint32_t count = 0;

    (void)base;
    for (uint32_t i = 0; i < node->batches_total; i++)
        count += local_target(run, node, i, &arena, &targets[count]);
    capi_leftovers_remove(targets, count);
    capi_arena_deinit(&arena);
}

/* Unnamed files of earlier attempts lie beside the target as ".<name>.<attempt>.tmp". */
static void exec_tidy(capi_worker *base, const capi_work_item *item)
{
    capi_arena arena = {0};
    capi_str target;

    (void)base;
    if (item->node->file && local_target(item->run, item->node, item->claim->batch_idx, &arena, &target))
        capi_leftovers_remove(&target, 1);
    capi_arena_deinit(&arena);
}

static void exec_discard(capi_worker *base, uint32_t number)
{
    exec_slot *slot = &((exec_worker *)base)->slots[number];

    capi_batch_output_deinit(&slot->output);
    slot->output = (capi_batch_output){0};
    capi_buf_clear(&slot->extents);
    capi_arena_deinit(&slot->arena);
}

static const struct capi_worker_ops exec_ops = {
    .batch = exec_batch,
    .rename = exec_rename,
    .seal = exec_seal,
    .clear = exec_clear,
    .tidy = exec_tidy,
    .alone = exec_alone,
    .discard = exec_discard,
};

capi_worker *capi_worker_exec_new(capi_exec *exec, capi_state *state, uint32_t slot_count, const capi_alone *alone)
{
    exec_worker *worker = capi_zmalloc(sizeof *worker);

    worker->ops = exec_ops;
    if (!alone) worker->ops.alone = NULL;
    worker->alone = alone;
    pthread_mutex_init(&worker->alone_lock, NULL);
    worker->base.ops = &worker->ops;
    worker->exec = exec;
    worker->state = state;
    worker->slot_count = slot_count;
    worker->slots = capi_zmalloc(slot_count * sizeof *worker->slots);
    return &worker->base;
}

void capi_worker_exec_free(capi_worker *base)
{
    exec_worker *worker = (exec_worker *)base;

    if (!worker) return;
    for (uint32_t i = 0; i < worker->slot_count; i++) {
        exec_discard(base, i);
        capi_buf_deinit(&worker->slots[i].extents);
    }
    pthread_mutex_destroy(&worker->alone_lock);
    free(worker->slots);
    free(worker);
}
