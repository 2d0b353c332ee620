/* policy.c - decides whether a node may begin: sorts the runs that made its source, and asks the rules one after the other. */
#include "script/policy.h"

#include <stdlib.h>

typedef struct event_field {
    const char *name;
    capi_type type;
} event_field;

static const event_field event_fields[CAPI_EVENT_FIELD_COUNT] = {
    [CAPI_EVENT_RUN_ID] = {"run_id", CAPI_INT},
    [CAPI_EVENT_RUN_IS_CURRENT] = {"run_is_current", CAPI_BOOL},
    [CAPI_EVENT_RUN_STATUS] = {"run_status", CAPI_INT},
    [CAPI_EVENT_NODE_STATUS] = {"node_status", CAPI_INT},
    [CAPI_EVENT_OLD_RUN_ID] = {"run_id", CAPI_INT},
    [CAPI_EVENT_OLD_RUN_IS_CURRENT] = {"run_is_current", CAPI_BOOL},
    [CAPI_EVENT_OLD_RUN_START] = {"run_start_ts", CAPI_DATETIME},
    [CAPI_EVENT_OLD_RUN_FINAL_STATUS] = {"run_final_status", CAPI_INT},
    [CAPI_EVENT_OLD_RUN_COMPLETED] = {"run_completed_ts", CAPI_DATETIME},
    [CAPI_EVENT_OLD_RUN_STOPPED] = {"run_stopped_ts", CAPI_DATETIME},
    [CAPI_EVENT_OLD_NODE_IS_STARTED] = {"node_is_started", CAPI_BOOL},
    [CAPI_EVENT_OLD_NODE_START] = {"node_start_ts", CAPI_DATETIME},
    [CAPI_EVENT_OLD_NODE_STATUS] = {"node_status", CAPI_INT},
    [CAPI_EVENT_OLD_NODE_STATUS_TIME] = {"node_status_ts", CAPI_DATETIME},
};

static const struct {
    const char *name;
    int64_t value;
} event_constants[] = {
    {"NodeBatchNone", 0},
    {"NodeBatchStart", 1},
    {"NodeBatchSuccess", 2},
    {"NodeBatchFail", 3},
    {"NodeBatchRunStopReceived", 104},
    {"RunNone", 0},
    {"RunStart", 1},
    {"RunComplete", 2},
    {"RunStop", 3},
};

enum { EVENT_CONSTANT_COUNT = sizeof event_constants / sizeof *event_constants };
_Static_assert(CAPI_EVENT_INPUT_COUNT == CAPI_EVENT_FIELD_COUNT + EVENT_CONSTANT_COUNT, "inputs of rules");

/* 0001-01-01T00:00:00Z: what a time that is not there yet is in 1.1.6. */
#define EVENT_NO_TIME_MS INT64_C(-62135596800000)

static void add_fields(capi_name_list *list, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        if (!capi_name_list_find(list, capi_str_of(event_fields[i].name)))
            capi_name_list_add(list, capi_str_of(event_fields[i].name), true, event_fields[i].type);
}

void capi_event_names(capi_arena *arena, capi_name_list *nrs, capi_name_list *old, capi_name_list *constants)
{
    capi_name_list_init(nrs, arena);
    capi_name_list_init(old, arena);
    capi_name_list_init(constants, arena);
    add_fields(nrs, CAPI_EVENT_RUN_ID, CAPI_EVENT_OLD_RUN_ID);
    add_fields(old, CAPI_EVENT_OLD_RUN_ID, CAPI_EVENT_FIELD_COUNT);
    for (uint32_t i = 0; i < EVENT_CONSTANT_COUNT; i++)
        capi_name_list_add(constants, capi_str_of(event_constants[i].name), true, CAPI_INT);
}

/* The columns of an order: the fields of nrs, then those that only e has. */
static const capi_event_input order_columns[] = {
    CAPI_EVENT_RUN_ID,
    CAPI_EVENT_RUN_IS_CURRENT,
    CAPI_EVENT_RUN_STATUS,
    CAPI_EVENT_NODE_STATUS,
    CAPI_EVENT_OLD_RUN_START,
    CAPI_EVENT_OLD_RUN_FINAL_STATUS,
    CAPI_EVENT_OLD_RUN_COMPLETED,
    CAPI_EVENT_OLD_RUN_STOPPED,
    CAPI_EVENT_OLD_NODE_IS_STARTED,
    CAPI_EVENT_OLD_NODE_START,
    CAPI_EVENT_OLD_NODE_STATUS_TIME,
};

void capi_event_order_names(capi_arena *arena, capi_name_list *names)
{
    capi_name_list_init(names, arena);
    for (size_t i = 0; i < sizeof order_columns / sizeof *order_columns; i++)
        capi_name_list_add(names, capi_str_of(event_fields[order_columns[i]].name), true,
                           event_fields[order_columns[i]].type);
}

static int64_t time_or_none(int64_t ms)
{
    return ms ? ms : EVENT_NO_TIME_MS;
}

/* Every field as a number: bools 0 and 1, times in milliseconds. */
static int64_t event_value(const capi_policy_event *event, capi_event_input input)
{
    switch (input) {
    case CAPI_EVENT_RUN_ID:
    case CAPI_EVENT_OLD_RUN_ID: return event->run_id;
    case CAPI_EVENT_RUN_IS_CURRENT:
    case CAPI_EVENT_OLD_RUN_IS_CURRENT: return event->run_is_current;
    case CAPI_EVENT_RUN_STATUS:
    case CAPI_EVENT_OLD_RUN_FINAL_STATUS: return event->run_status;
    case CAPI_EVENT_NODE_STATUS:
    case CAPI_EVENT_OLD_NODE_STATUS: return event->node_status;
    case CAPI_EVENT_OLD_RUN_START: return time_or_none(event->run_start_ms);
    case CAPI_EVENT_OLD_RUN_COMPLETED: return time_or_none(event->run_completed_ms);
    case CAPI_EVENT_OLD_RUN_STOPPED: return time_or_none(event->run_stopped_ms);
    case CAPI_EVENT_OLD_NODE_IS_STARTED: return event->node_start_ms != 0 || event->node_status != 0;
    case CAPI_EVENT_OLD_NODE_START: return time_or_none(event->node_start_ms);
    case CAPI_EVENT_OLD_NODE_STATUS_TIME: return time_or_none(event->node_status_ms);
    case CAPI_EVENT_FIELD_COUNT:
    case CAPI_EVENT_INPUT_COUNT: break;
    }
    return 0;
}

/* ---- order ---- */

static int compare_events(const capi_policy *policy, const capi_policy_event *a, const capi_policy_event *b)
{
    for (uint32_t i = 0; i < policy->order.part_count; i++) {
        const capi_key_part *part = &policy->order.parts[i];
        int64_t value_a = event_value(a, order_columns[part->column]);
        int64_t value_b = event_value(b, order_columns[part->column]);

        if (value_a != value_b) return (value_a < value_b) != part->descending ? -1 : 1;
    }
    return a->run_id > b->run_id ? -1 : a->run_id < b->run_id ? 1 : 0;
}

typedef struct sorted_event {
    const capi_policy *policy;
    const capi_policy_event *event;
    uint32_t number;
} sorted_event;

static int compare_sorted(const void *a, const void *b)
{
    const sorted_event *first = a;
    const sorted_event *second = b;
    int order = compare_events(first->policy, first->event, second->event);

    return order ? order : first->number < second->number ? -1 : first->number > second->number;
}

/* ---- rules ---- */

typedef struct rule_inputs {
    capi_vec vectors[CAPI_EVENT_INPUT_COUNT];
    int64_t numbers[CAPI_EVENT_INPUT_COUNT];
    uint8_t bools[CAPI_EVENT_INPUT_COUNT];
} rule_inputs;

static void fill_inputs(rule_inputs *inputs, const capi_policy_event *event)
{
    for (uint32_t i = 0; i < CAPI_EVENT_INPUT_COUNT; i++) {
        bool is_constant = i >= CAPI_EVENT_FIELD_COUNT;
        capi_type type = is_constant ? CAPI_INT : event_fields[i].type;
        capi_vec *vector = &inputs->vectors[i];

        inputs->numbers[i] =
            is_constant ? event_constants[i - CAPI_EVENT_FIELD_COUNT].value : event_value(event, (capi_event_input)i);
        inputs->bools[i] = inputs->numbers[i] != 0;
        *vector = (capi_vec){.type = type, .form = capi_form_stored(type), .is_constant = true};
        if (type == CAPI_BOOL)
            vector->bools = &inputs->bools[i];
        else
            vector->int64s = &inputs->numbers[i];
    }
}

static capi_status rule_is_true(capi_evaluator **evaluator, const capi_policy *policy, uint32_t rule,
                                const rule_inputs *inputs, bool *is_true, capi_err *err)
{
    capi_vec output;
    uint32_t bad_row;
    uint32_t bad_output;
    capi_instant no_time = {0};

    if (!*evaluator) *evaluator = capi_evaluator_new(policy->rules[rule].program, no_time);
    if (capi_evaluator_run(*evaluator, inputs->vectors, 1, &output, &bad_row, &bad_output, err) != CAPI_OK) {
        capi_err_note(err, "in rule %u of dependency policy \"%.*s\"", rule + 1, CAPI_STR_ARG(policy->name));
        return CAPI_INVALID;
    }
    *is_true = output.bools[0] != 0;
    return CAPI_OK;
}

static capi_status ask_rules(const capi_policy *policy, const sorted_event *events, uint32_t count,
                             capi_evaluator **evaluators, capi_policy_verdict *out, capi_err *err)
{
    rule_inputs inputs;

    for (uint32_t i = 0; i < count; i++) {
        fill_inputs(&inputs, events[i].event);
        for (uint32_t rule = 0; rule < policy->rule_count; rule++) {
            bool is_true = false;

            CAPI_TRY(rule_is_true(&evaluators[rule], policy, rule, &inputs, &is_true, err));
            if (!is_true) continue;
            *out = (capi_policy_verdict){policy->rules[rule].command, events[i].number, (int32_t)rule};
            return CAPI_OK;
        }
    }
    *out = (capi_policy_verdict){policy->is_old ? CAPI_POLICY_NOGO : CAPI_POLICY_WAIT, events[0].number, -1};
    return CAPI_OK;
}

capi_str capi_policy_name(const capi_policy *policy)
{
    return policy->name;
}

capi_status capi_policy_decide(const capi_policy *policy, const capi_policy_event *events, uint32_t count,
                               capi_policy_verdict *out, capi_err *err)
{
    sorted_event *sorted;
    capi_evaluator **evaluators;
    capi_status st;

    if (count == 0) return capi_err_set(err, CAPI_INVALID, "no run so far makes the table that is read");
    sorted = capi_malloc(capi_array_bytes(count, sizeof *sorted));
    evaluators = capi_zmalloc(capi_array_bytes((size_t)policy->rule_count + 1, sizeof *evaluators));
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = (sorted_event){policy, &events[i], i};
    qsort(sorted, count, sizeof *sorted, compare_sorted);
    st = ask_rules(policy, sorted, count, evaluators, out, err);
    for (uint32_t i = 0; i < policy->rule_count; i++)
        capi_evaluator_free(evaluators[i]);
    free(evaluators);
    free(sorted);
    return st;
}
