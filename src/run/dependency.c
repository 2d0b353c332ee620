/* dependency.c - gathers the events of a dependency and asks the policy. */
#include "run/dependency.h"

typedef struct dependency_events {
    capi_policy_event *events;
    const capi_run **runs; /* of each event */
    uint32_t count;
} dependency_events;

static const char *work_status_name(int64_t status)
{
    switch (status) {
    case CAPI_WORK_NONE: return "not started";
    case CAPI_WORK_START: return "running";
    case CAPI_WORK_SUCCESS: return "success";
    case CAPI_WORK_FAIL: return "failed";
    case CAPI_WORK_STOP_RECEIVED: return "stopped";
    default: return "unknown";
    }
}

static const char *run_status_name(int64_t status)
{
    switch (status) {
    case CAPI_RUN_START: return "running";
    case CAPI_RUN_COMPLETE: return "complete";
    case CAPI_RUN_STOP: return "stopped";
    default: return "not started";
    }
}

static capi_status events_gather(capi_state *state, const capi_run *runs, uint32_t run_count, const capi_run *current,
                                 const capi_node *parent, capi_arena *arena, dependency_events *out, capi_err *err)
{
    out->events = capi_new_array(arena, capi_policy_event, run_count);
    out->runs = capi_new_array(arena, const capi_run *, run_count);
    for (uint32_t i = 0; i < run_count; i++) {
        const capi_run *run = &runs[i];
        capi_node_state node;
        capi_status st = capi_node_get(state, run->run_uid, parent->name, arena, &node, err);

        if (st == CAPI_NOT_FOUND) continue;
        if (st != CAPI_OK) return st;
        out->runs[out->count] = run;
        out->events[out->count++] = (capi_policy_event){
            .run_id = run->run_id,
            .run_is_current = capi_str_equal(run->run_uid, current->run_uid),
            .run_status = run->status,
            .node_status = node.status,
            .run_start_ms = run->start_ms,
            .run_completed_ms = run->complete_ms,
            .run_stopped_ms = run->stop_ms,
            .node_start_ms = node.start_ms,
            .node_status_ms = node.final_ms ? node.final_ms : node.start_ms,
        };
    }
    return CAPI_OK;
}

static capi_str explain(const dependency_events *events, const capi_policy_verdict *verdict, const capi_node *node,
                        const capi_node *parent, capi_arena *arena)
{
    const capi_policy_event *event = &events->events[verdict->event];
    capi_str policy = capi_policy_name(node->policy);

    if (verdict->rule < 0)
        return capi_str_format(arena,
                               "table \"%.*s\": no rule of policy \"%.*s\" matches (node \"%.*s\": %s in run %lld, "
                               "which is %s)",
                               CAPI_STR_ARG(parent->table->name), CAPI_STR_ARG(policy), CAPI_STR_ARG(parent->name),
                               work_status_name(event->node_status), (long long)event->run_id,
                               run_status_name(event->run_status));
    return capi_str_format(
        arena, "table \"%.*s\" (node \"%.*s\": %s in run %lld, which is %s; rule %d of policy \"%.*s\")",
        CAPI_STR_ARG(parent->table->name), CAPI_STR_ARG(parent->name), work_status_name(event->node_status),
        (long long)event->run_id, run_status_name(event->run_status), verdict->rule, CAPI_STR_ARG(policy));
}

static capi_status check_parent(capi_state *state, const capi_run *runs, uint32_t run_count, const capi_run *current,
                                const capi_node *node, const capi_node *parent, capi_arena *arena,
                                capi_dependency *dependency, capi_str *run_uid, int *rule, capi_err *err)
{
    dependency_events events = {0};
    capi_policy_verdict verdict;
    capi_err cause = {0};
    capi_status st;

    CAPI_TRY(events_gather(state, runs, run_count, current, parent, arena, &events, err));
    if (events.count == 0) {
        dependency->command = CAPI_POLICY_NOGO;
        dependency->is_by_rules = false;
        dependency->reason = capi_str_format(arena,
                                             "table \"%.*s\" does not exist: no run in this keyspace, this one "
                                             "included, executes node \"%.*s\"; add it to "
                                             "the start nodes",
                                             CAPI_STR_ARG(parent->table->name), CAPI_STR_ARG(parent->name));
        return CAPI_OK;
    }
    st = capi_policy_decide(node->policy, events.events, events.count, &verdict, &cause);
    if (st == CAPI_INVALID) { /* the rule is wrong, and will be: nothing to wait for */
        dependency->command = CAPI_POLICY_NOGO;
        dependency->is_by_rules = false;
        dependency->reason = capi_str_format(arena, "policy \"%.*s\" cannot be evaluated for table \"%.*s\": %s",
                                             CAPI_STR_ARG(capi_policy_name(node->policy)),
                                             CAPI_STR_ARG(parent->table->name), cause.text);
        return CAPI_OK;
    }
    if (st != CAPI_OK) capi_err_copy(err, &cause);
    CAPI_TRY(st);
    *run_uid = events.runs[verdict.event]->run_uid;
    *rule = verdict.rule;
    if (verdict.command == CAPI_POLICY_GO || dependency->command == CAPI_POLICY_NOGO) return CAPI_OK;
    if (verdict.command == CAPI_POLICY_WAIT && dependency->command == CAPI_POLICY_WAIT) return CAPI_OK;
    dependency->command = verdict.command;
    dependency->is_by_rules = verdict.command == CAPI_POLICY_NOGO;
    dependency->reason = explain(&events, &verdict, node, parent, arena);
    return CAPI_OK;
}

capi_status capi_dependency_check(capi_state *state, const capi_keyspace *keyspace, const capi_run *current,
                                  const capi_node *node, capi_arena *arena, capi_dependency *out, capi_err *err)
{
    capi_run *runs = NULL;
    uint32_t run_count = 0;

    *out = (capi_dependency){.command = CAPI_POLICY_GO, .reader_rule = -1, .lookup_rule = -1};
    if (!node->reader) return CAPI_OK;
    CAPI_TRY(capi_run_list(state, keyspace, arena, &runs, &run_count, err));
    CAPI_TRY(check_parent(state, runs, run_count, current, node, node->reader, arena, out, &out->reader_run_uid,
                          &out->reader_rule, err));
    if (!node->lookup) return CAPI_OK;
    return check_parent(state, runs, run_count, current, node, node->lookup->index->owner, arena, out,
                        &out->lookup_run_uid, &out->lookup_rule, err);
}

capi_status capi_dependency_foresee(capi_state *state, const capi_keyspace *keyspace, const capi_node *node,
                                    const capi_node *parent, capi_arena *arena, capi_dependency *out, uint32_t *run_id,
                                    capi_err *err)
{
    const capi_run none = {0}; /* the run that does not exist yet is none of the others */
    capi_run *runs = NULL;
    capi_str run_uid = {0};
    uint32_t run_count = 0;

    *out = (capi_dependency){.command = CAPI_POLICY_GO, .reader_rule = -1, .lookup_rule = -1};
    *run_id = 0;
    if (keyspace) CAPI_TRY(capi_run_list(state, keyspace, arena, &runs, &run_count, err));
    CAPI_TRY(check_parent(state, runs, run_count, &none, node, parent, arena, out, &run_uid, &out->reader_rule, err));
    for (uint32_t i = 0; i < run_count; i++)
        if (run_uid.bytes && capi_str_equal(runs[i].run_uid, run_uid)) *run_id = runs[i].run_id;
    return CAPI_OK;
}
