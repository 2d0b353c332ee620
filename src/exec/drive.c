/* drive.c - hands groups of morsels to the thread pool. */
#include "exec/drive.h"

enum { GROUPS_PER_WORKER = 8 };

typedef struct drive_job {
    const exec_batch *batch;
    exec_scan *scan;
    uint64_t group_count;
    const exec_stage *stage;
} drive_job;

typedef struct drive_group {
    drive_job *job;
    uint32_t worker;
    uint64_t group;
} drive_group;

uint64_t exec_group_count(const exec_batch *batch, const exec_scan *scan)
{
    uint64_t most = batch->worker_count == 1 || scan->in_order ? 1 : (uint64_t)batch->worker_count * GROUPS_PER_WORKER;

    return scan->morsel_count < most ? scan->morsel_count : most;
}

uint64_t exec_group_count_fine(const exec_batch *batch, const exec_scan *scan)
{
    if (batch->worker_count == 1 || scan->in_order) return scan->morsel_count ? 1 : 0;
    return scan->morsel_count;
}

static capi_status drive_rows(void *context, const exec_rows *rows, capi_err *err)
{
    drive_group *group = context;
    drive_job *job = group->job;
    capi_progress *progress = job->batch->task->progress;

    CAPI_TRY(exec_check_stop(job->batch, err));
    if (progress && !job->batch->is_quiet)
        atomic_fetch_add_explicit(&progress->rows_read, rows->row_count, memory_order_relaxed);
    return job->stage->rows(job->stage->context, group->worker, group->group, rows, err);
}

static capi_status drive_morsels(drive_group *group, capi_err *err)
{
    drive_job *job = group->job;
    uint64_t count = job->scan->morsel_count;
    uint64_t first = group->group * count / job->group_count;
    uint64_t end = (group->group + 1) * count / job->group_count;
    capi_progress *progress = job->batch->task->progress;

    for (uint64_t morsel = first; morsel < end; morsel++) {
        CAPI_TRY(exec_check_stop(job->batch, err));
        CAPI_TRY(exec_scan_read(job->scan, group->worker, morsel, drive_rows, group, err));
        if (progress && !job->batch->is_quiet)
            atomic_fetch_add_explicit(&progress->units_done, 1, memory_order_relaxed);
    }
    return job->stage->end ? job->stage->end(job->stage->context, group->worker, group->group, err) : CAPI_OK;
}

static capi_status drive_one(void *context, uint32_t worker, uint64_t index, capi_err *err)
{
    drive_job *job = context;
    drive_group group = {.job = job, .worker = worker, .group = index};
    capi_status st = drive_morsels(&group, err);

    if (st != CAPI_OK && job->stage->fail) job->stage->fail(job->stage->context, index);
    return st;
}

capi_status exec_drive(const exec_batch *batch, exec_scan *scan, uint64_t group_count, const exec_stage *stage,
                       capi_err *err)
{
    drive_job job = {.batch = batch, .scan = scan, .group_count = group_count, .stage = stage};
    capi_progress *progress = batch->task->progress;

    if (progress && !batch->is_quiet)
        atomic_fetch_add_explicit(&progress->units_total, scan->morsel_count, memory_order_relaxed);
    return capi_parallel_for(batch->exec->pool, group_count, drive_one, &job, err);
}
