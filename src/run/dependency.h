/* dependency.h - may a node start, and which runs' tables does it read? (workflow specification, section 4)
 *
 * For each table that the node reads there is one event per run of the keyspace whose affected nodes contain the node that
 * makes the table. The node's policy decides per table; any nogo wins, then any wait. */
#pragma once

#include "run/run.h"

typedef struct capi_dependency {
    capi_policy_command command;
    capi_str reader_run_uid; /* when GO; empty for nodes that read files */
    capi_str lookup_run_uid;
    capi_str reason; /* WAIT: what for; NOGO: why. In the arena */
    int reader_rule; /* that matched; -1: none, or no such dependency */
    int lookup_rule;
    bool is_by_rules; /* NOGO: a rule said it */
} capi_dependency;

CAPI_MUST_USE capi_status capi_dependency_check(capi_state *state, const capi_keyspace *keyspace,
                                                const capi_run *current, const capi_node *node, capi_arena *arena,
                                                capi_dependency *out, capi_err *err);

/* Before a run exists: would `node`, started now, read the table of `parent` from an earlier run? Of out, command and reason are
 * set, and *run_id to the run that decided; 0: no run has the table. keyspace NULL: there is no keyspace yet. */
CAPI_MUST_USE capi_status capi_dependency_foresee(capi_state *state, const capi_keyspace *keyspace,
                                                  const capi_node *node, const capi_node *parent, capi_arena *arena,
                                                  capi_dependency *out, uint32_t *run_id, capi_err *err);
