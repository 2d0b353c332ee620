/* file_conflicts.h - a file that two nodes of one run want: written by both, or written by one and read by another that does not lie
 * above it, so that chance would decide what is read. */
#pragma once

#include "run/run.h"

/* CAPI_INVALID with the names of the nodes and of the file. `lists` are names that were looked up (source_files.h). Of a node's
 * batches at most CAPI_CONFLICT_BATCHES_MAX are looked at. */
CAPI_MUST_USE capi_status capi_file_conflicts_check(const capi_node *const *nodes, uint32_t count,
                                                    const capi_snapshot_file *lists, uint32_t list_count,
                                                    capi_err *err);

enum { CAPI_CONFLICT_BATCHES_MAX = 100000 };
