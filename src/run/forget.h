/* forget.h - removes runs that are over, with their tables. */
#pragma once

#include "run/run.h"

/* First the state forgets the run, so that nobody reads its tables any more; then the tables go. A run that goes on, or whose
 * tables a run that goes on reads, is CAPI_CONFLICT. */
CAPI_MUST_USE capi_status capi_run_remove(capi_engine *engine, const capi_keyspace *keyspace, uint32_t run_id,
                                          capi_err *err);

/* Removes tables of keyspaces and runs that the state does not know: what a process left that died while it removed them.
 * *count: how many keyspaces and runs. */
CAPI_MUST_USE capi_status capi_tables_remove_unknown(capi_engine *engine, uint32_t *count, capi_err *err);
