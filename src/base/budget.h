/* budget.h - the memory that data may take: one counter for the process, with a limit.
 *
 * Only what grows with the data is counted (blocks, indexes, sort buffers), never small structures. Threads share a
 * budget freely. Whoever reserves releases the same number of bytes. */
#pragma once

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>

typedef struct capi_budget {
    _Atomic uint64_t used_bytes;
    _Atomic uint64_t peak_bytes;
    uint64_t limit_bytes; /* set before threads share it */
} capi_budget;

/* Half of the machine's or the control group's memory. */
uint64_t capi_budget_default_limit_bytes(void);

/* CAPI_NO_MEMORY names `what` and both figures. */
CAPI_MUST_USE capi_status capi_budget_reserve(capi_budget *budget, uint64_t bytes, const char *what, capi_err *err);
/* Same without words: for callers that spill instead. */
bool capi_budget_try_reserve(capi_budget *budget, uint64_t bytes);
void capi_budget_release(capi_budget *budget, uint64_t bytes);
