/* policy.h - a dependency policy as the loader makes it and capi_policy_decide reads it. */
#pragma once

#include "script/names.h"

/* What rules read, in the order of the program's inputs: alias nrs, then e (1.1.6), then the constants of wfmodel. */
typedef enum capi_event_input {
    CAPI_EVENT_RUN_ID,
    CAPI_EVENT_RUN_IS_CURRENT,
    CAPI_EVENT_RUN_STATUS,
    CAPI_EVENT_NODE_STATUS,
    CAPI_EVENT_OLD_RUN_ID,
    CAPI_EVENT_OLD_RUN_IS_CURRENT,
    CAPI_EVENT_OLD_RUN_START,
    CAPI_EVENT_OLD_RUN_FINAL_STATUS,
    CAPI_EVENT_OLD_RUN_COMPLETED,
    CAPI_EVENT_OLD_RUN_STOPPED,
    CAPI_EVENT_OLD_NODE_IS_STARTED,
    CAPI_EVENT_OLD_NODE_START,
    CAPI_EVENT_OLD_NODE_STATUS,
    CAPI_EVENT_OLD_NODE_STATUS_TIME,
    CAPI_EVENT_FIELD_COUNT,
    CAPI_EVENT_INPUT_COUNT = CAPI_EVENT_FIELD_COUNT + 9,
} capi_event_input;

typedef struct capi_policy_rule {
    capi_policy_command command;
    const capi_program *program; /* output 0 */
} capi_policy_rule;

struct capi_policy {
    capi_str name;
    bool is_default;
    bool is_old;        /* speaks of alias e: then no matching rule means nogo */
    capi_key_def order; /* columns are numbers of capi_event_order_names */
    const capi_policy_rule *rules;
    uint32_t rule_count;
};

/* Fields of nrs, of e, and the constants, each list numbered from 0. */
void capi_event_names(capi_arena *arena, capi_name_list *nrs, capi_name_list *old, capi_name_list *constants);
/* Names for event_priority_order: the fields of both, without alias. */
void capi_event_order_names(capi_arena *arena, capi_name_list *names);
