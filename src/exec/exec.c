/* exec.c - the entrance: picks the code for the node's type; small things that all parts share. */
#include "exec/batch.h"
#include "exec/lookup_index.h"

#include "base/file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void capi_exec_init(capi_exec *exec, capi_thread_pool *pool, capi_tables *tables, capi_budget *budget,
                    capi_str temp_folder)
{
    *exec = (capi_exec){.pool = pool, .tables = tables, .budget = budget, .temp_folder = temp_folder};
    exec->indexes = exec_index_cache_new(budget);
}

void capi_exec_deinit(capi_exec *exec)
{
    exec_index_cache_free(exec->indexes);
    *exec = (capi_exec){0};
}

/* ---- shared ---- */

void exec_err_prefix(capi_err *err, const char *format, ...)
{
    char prefix[512];
    char *cause;
    va_list args;

    if (!err || err->status == CAPI_OK) return;
    va_start(args, format);
    vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    cause = capi_malloc(err->text_bytes + 1);
    memcpy(cause, err->text, err->text_bytes);
    cause[err->text_bytes] = 0;
    capi_err_set(err, err->status, "%s: %s", prefix, cause);
    free(cause);
}

capi_status exec_check_stop(const exec_batch *batch, capi_err *err)
{
    const capi_progress *progress = batch->task->progress;

    if (!progress || !atomic_load_explicit(&progress->stop, memory_order_relaxed)) return CAPI_OK;
    return capi_err_set(err, CAPI_STOPPED, "the batch was stopped on request");
}

bool exec_try_reserve(capi_exec *exec, uint64_t bytes)
{
    if (capi_budget_try_reserve(exec->budget, bytes)) return true;
    exec_index_cache_trim(exec->indexes);
    return capi_budget_try_reserve(exec->budget, bytes);
}

capi_status exec_reserve(capi_exec *exec, uint64_t bytes, const char *what, capi_err *err)
{
    if (capi_budget_try_reserve(exec->budget, bytes)) return CAPI_OK;
    exec_index_cache_trim(exec->indexes);
    return capi_budget_reserve(exec->budget, bytes, what, err);
}

void exec_needed_columns(const capi_node *node, const capi_program *program, capi_side side, bool *needed)
{
    if (!program) return;
    for (uint32_t slot = 0; slot < node->slot_count; slot++)
        if (node->slots[slot].side == side && capi_program_reads_slot(program, slot))
            needed[node->slots[slot].column] = true;
}

/* ---- batches ---- */

static capi_status batch_run(exec_batch *batch, capi_err *err)
{
    switch (batch->node->type) {
    case CAPI_NODE_FILE_TABLE: return exec_file_table(batch, err);
    case CAPI_NODE_TABLE_TABLE: return exec_table_table(batch, err);
    case CAPI_NODE_LOOKUP: return exec_lookup(batch, err);
    case CAPI_NODE_DISTINCT: return exec_distinct(batch, err);
    case CAPI_NODE_CUSTOM: return exec_custom(batch, err);
    case CAPI_NODE_TABLE_FILE: return exec_table_file(batch, err);
    case CAPI_NODE_TYPE_COUNT: break;
    }
    return capi_err_set(err, CAPI_INTERNAL, "node \"%.*s\" has no type", CAPI_STR_ARG(batch->node->name));
}

capi_status capi_batch_run(capi_exec *exec, const capi_batch_task *task, capi_arena *arena, capi_batch_output *out,
                           capi_err *err)
{
    exec_batch batch = {
        .exec = exec,
        .task = task,
        .node = task->node,
        .arena = arena,
        .out = out,
        .worker_count = capi_thread_pool_size(exec->pool),
    };

    *out = (capi_batch_output){.last_token = -1};
    if (task->batch_idx >= task->batches_total)
        return capi_err_set(err, CAPI_INVALID, "batch %u is out of range: node \"%.*s\" has %u batches",
                            task->batch_idx, CAPI_STR_ARG(task->node->name), task->batches_total);
    CAPI_TRY(exec_check_stop(&batch, err));
    return batch_run(&batch, err);
}

void capi_batch_output_deinit(capi_batch_output *out)
{
    free(out->extents);
    capi_file_writer_close(out->file);
    *out = (capi_batch_output){0};
}
