/* drive.h - works through a scan: groups of consecutive morsels on the thread pool.
 *
 * A group is worked on by one worker, in order; groups run in parallel and are started in ascending order. Results are put
 * together by group, so the order of rows depends on neither threads nor timing. */
#pragma once

#include "exec/scan.h"

/* What happens to the rows. Any worker calls; a group is one worker's from its first rows to its end. */
typedef struct exec_stage {
    void *context;
    capi_status (*rows)(void *context, uint32_t worker, uint64_t group, const exec_rows *rows, capi_err *err);
    /* All rows of the group have been given; or NULL. */
    capi_status (*end)(void *context, uint32_t worker, uint64_t group, capi_err *err);
    /* The group failed: nothing of it comes any more; or NULL. */
    void (*fail)(void *context, uint64_t group);
} exec_stage;

/* How many groups: few, so that rows that survive a filter still fill blocks, and enough to keep all threads busy. */
uint64_t exec_group_count(const exec_batch *batch, const exec_scan *scan);
/* One group per morsel, for stages that keep a group's result in memory; still one group for scans that ask for order. */
uint64_t exec_group_count_fine(const exec_batch *batch, const exec_scan *scan);

CAPI_MUST_USE capi_status exec_drive(const exec_batch *batch, exec_scan *scan, uint64_t group_count,
                                     const exec_stage *stage, capi_err *err);
