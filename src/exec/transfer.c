/* transfer.c - see transfer.h */
#include "exec/transfer.h"

#include "base/clock.h"

enum { TRANSFER_MOMENT_MS = 500 };

static int64_t now_ns(void)
{
    return capi_clock_system.monotonic_ns(capi_clock_system.context);
}

static bool is_stopped(void *context)
{
    const exec_transfer *transfer = context;

    return transfer->progress && atomic_load_explicit(&transfer->progress->stop, memory_order_relaxed);
}

static void show(capi_progress *progress, uint64_t done, uint64_t all)
{
    atomic_store_explicit(&progress->transfer_done, done, memory_order_relaxed);
    atomic_store_explicit(&progress->transfer_all, all, memory_order_relaxed);
}

static void on_progress(void *context, uint64_t done, uint64_t all)
{
    const exec_transfer *transfer = context;

    if (!transfer->progress) return;
    if (all && done >= all)
        show(transfer->progress, 0, 0); /* it is over, though a file may be open for longer */
    else if (done && now_ns() - transfer->begin_ns > (int64_t)TRANSFER_MOMENT_MS * 1000000)
        show(transfer->progress, done, all);
}

capi_net_watch exec_transfer_begin(exec_transfer *transfer, capi_progress *progress, bool is_upload)
{
    *transfer = (exec_transfer){progress, now_ns()};
    if (progress) atomic_store_explicit(&progress->is_upload, is_upload, memory_order_relaxed);
    return (capi_net_watch){.is_stopped = is_stopped, .progress = on_progress, .context = transfer};
}

void exec_transfer_end(exec_transfer *transfer)
{
    if (transfer->progress) show(transfer->progress, 0, 0);
}
