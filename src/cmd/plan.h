/* plan.h - what a run would do, told before it is started: "validate --plan", "run --dry-run". Looks at files and at the state, and
 * changes nothing: no keyspace, no folder, no state file. */
#pragma once

#include "cmd/listing.h"
#include "cmd/session.h"
#include "run/dependency.h"

enum { CAPI_PLAN_TARGETS_MAX = 100000 }; /* output files looked at, of all nodes together */

typedef struct capi_plan_file {
    capi_str url;      /* without secrets */
    bool is_elsewhere; /* http, s3, sftp: not looked at, but wildcards are looked up */
    bool exists;
    uint64_t bytes;   /* elsewhere: 0 unless it was found by a wildcard */
    capi_str problem; /* why the run would fail with it; or empty */
} capi_plan_file;

typedef struct capi_plan_table {
    const capi_node *maker;
    const capi_lookup *lookup;   /* NULL: the table that is read */
    bool is_in_run;              /* made by the run itself */
    uint32_t run_id;             /* else: the earlier run that has it; 0: none */
    capi_policy_command command; /* what the node's policy says of that run */
    capi_str reason;             /* unless it says go */
} capi_plan_table;

typedef struct capi_plan_node {
    const capi_node *node;
    uint32_t step; /* nodes of one step wait for those of the steps before, not for each other */
    capi_plan_file *inputs;
    uint32_t input_count;
    uint32_t batches;
    capi_plan_table tables[2];
    uint32_t table_count;
    capi_plan_file *outputs;
    uint32_t output_count;
} capi_plan_node;

typedef struct capi_plan {
    capi_arena arena;
    const capi_script *script;
    capi_str keyspace, start_nodes;
    uint32_t run_id;       /* that the run would get */
    capi_plan_node *nodes; /* in topological order */
    uint32_t node_count;
    const capi_node **next; /* manual nodes behind the run: for the operator */
    uint32_t next_count;
    const capi_node **left_out; /* nodes that neither run nor come next */
    uint32_t left_out_count;
    capi_str *problems;
    uint32_t problem_count;
} capi_plan;

#define CAPI_OPTIONS_PLAN                                                                                              \
    {"start", "NODES", "start nodes, comma-separated (default: all nodes that read only files and are not manual)",    \
     false},                                                                                                           \
        CAPI_OPTION_KEYSPACE, {"data", "DIR", "data folder (default: CAPI_DATA, else the user's data folder)", false}, \
    {                                                                                                                  \
        "output", "table|json", "form of the plan: for people or for programs (default: table)", false                 \
    }

/* With --start, --keyspace, --data. The script must outlive the plan. */
CAPI_MUST_USE capi_status capi_plan_make(const capi_args *args, const capi_script *script, capi_plan *out,
                                         capi_err *err);
void capi_plan_deinit(capi_plan *plan);
void capi_plan_to_text(const capi_plan *plan, capi_buf *to);
void capi_plan_to_json(const capi_plan *plan, capi_buf *to);

/* What is wrong with an earlier run's table, of which the node wants columns; empty: nothing. In the arena. */
CAPI_MUST_USE capi_status capi_plan_check_columns(capi_state *state, const capi_keyspace *keyspace,
                                                  const capi_node *node, const capi_plan_table *table,
                                                  capi_arena *arena, capi_str *problem, capi_err *err);

/* The whole of "--plan": makes it, prints it in the form of --output; the exit code: 1 if the run would fail. */
int capi_plan_command(const capi_args *args, const capi_script *script);
