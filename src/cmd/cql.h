/* cql.h - the tables of a run as the reference makes them in Cassandra: for tools that read its databases. */
#pragma once

#include "script/script.h"

/* Workflow tables, then those of the nodes that a run from these start nodes executes (none, when empty). */
CAPI_MUST_USE capi_status capi_cql_write(const capi_script *script, capi_str keyspace, uint32_t run_id,
                                         capi_str start_nodes, capi_arena *arena, capi_buf *to, capi_err *err);
