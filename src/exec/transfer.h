/* transfer.h - how a batch shows that a file is on its way: what a display reads of capi_progress, and when to stop. Transfers that
 * take less than a moment are not shown. */
#pragma once

#include "exec/exec.h"
#include "net/net.h"

typedef struct exec_transfer {
    capi_progress *progress; /* may be NULL */
    int64_t begin_ns;
} exec_transfer;

/* The watch lives as long as *transfer, which threads may share. */
capi_net_watch exec_transfer_begin(exec_transfer *transfer, capi_progress *progress, bool is_upload);
void exec_transfer_end(exec_transfer *transfer);
