/* find.h - keyspaces, runs and nodes by the names that people type. What is not there is told with what is. */
#pragma once

#include "cmd/options.h"
#include "store/state.h"

enum { CAPI_RUN_ID_MAX = INT32_MAX };

/* The run id of --run: 1 to CAPI_RUN_ID_MAX; 0 if it is not given. Prints what is wrong and returns false. */
bool capi_find_run_id(const capi_args *args, uint32_t *run_id);

CAPI_MUST_USE capi_status capi_find_keyspace(capi_state *state, capi_str name, capi_arena *arena, capi_keyspace *out,
                                             capi_err *err);
/* run_id 0: the newest. */
CAPI_MUST_USE capi_status capi_find_run(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id,
                                        capi_arena *arena, capi_run *out, capi_err *err);
CAPI_MUST_USE capi_status capi_find_node(capi_state *state, const capi_keyspace *keyspace, const capi_run *run,
                                         capi_str name, capi_arena *arena, capi_node_state *out, capi_err *err);
