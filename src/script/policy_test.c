#include "script/load_fixture.h"

enum { RUN_NONE, RUN_START, RUN_COMPLETE, RUN_STOP };
enum { NODE_NONE, NODE_START, NODE_SUCCESS, NODE_FAIL, NODE_STOPPED = 104 };

static void open_with(load_bed *bed, const char *policies)
{
    *bed = (load_bed){0};
    load_open(
        bed, "s.yaml",
        capi_str_format(
            &bed->arena,
            "nodes:\n"
            "  a: {type: file_table, r: {urls: [a], columns: {c: {col_type: int}}}, w: {name: a, fields: {x: "
            "{expression: r.c, type: int}}}}\n"
            "  b: {type: table_table, r: {table: a}, w: {name: b, fields: {x: {expression: r.x, type: int}}}}\n%s",
            policies)
            .data);
    load_must(bed);
}

static capi_policy_verdict decide(const load_bed *bed, const capi_policy_event *events, uint32_t count)
{
    const capi_policy *policy = capi_script_node(bed->script, CAPI_STR("b"))->policy;
    capi_policy_verdict verdict = {0};
    capi_err err = {0};

    CHECK_OK(capi_policy_decide(policy, events, count, &verdict, &err), err);
    return verdict;
}

static void check_one(const load_bed *bed, bool is_current, int64_t run, int64_t node, capi_policy_command command,
                      int32_t rule)
{
    capi_policy_event event = {.run_id = 1, .run_is_current = is_current, .run_status = run, .node_status = node};
    capi_policy_verdict verdict = decide(bed, &event, 1);

    CHECK_INT(verdict.command, command);
    CHECK_INT(verdict.rule, rule);
}

TEST(the_standard_policy_decides_as_its_table_says)
{
    load_bed bed;

    open_with(&bed, "");
    check_one(&bed, true, RUN_START, NODE_SUCCESS, CAPI_POLICY_GO, 0);
    check_one(&bed, true, RUN_START, NODE_NONE, CAPI_POLICY_WAIT, 1);
    check_one(&bed, true, RUN_NONE, NODE_NONE, CAPI_POLICY_WAIT, 1);
    check_one(&bed, true, RUN_START, NODE_START, CAPI_POLICY_WAIT, 2);
    check_one(&bed, true, RUN_START, NODE_FAIL, CAPI_POLICY_NOGO, 3);
    check_one(&bed, true, RUN_START, NODE_STOPPED, CAPI_POLICY_WAIT, -1);
    check_one(&bed, false, RUN_START, NODE_SUCCESS, CAPI_POLICY_GO, 4);
    check_one(&bed, false, RUN_START, NODE_NONE, CAPI_POLICY_WAIT, 5);
    check_one(&bed, false, RUN_NONE, NODE_START, CAPI_POLICY_WAIT, 6);
    check_one(&bed, false, RUN_START, NODE_FAIL, CAPI_POLICY_WAIT, -1);
    check_one(&bed, false, RUN_COMPLETE, NODE_SUCCESS, CAPI_POLICY_GO, 7);
    check_one(&bed, false, RUN_COMPLETE, NODE_FAIL, CAPI_POLICY_NOGO, 8);
    check_one(&bed, false, RUN_COMPLETE, NODE_START, CAPI_POLICY_WAIT, -1);
    check_one(&bed, false, RUN_STOP, NODE_SUCCESS, CAPI_POLICY_NOGO, 9);
    load_close(&bed);
}

TEST(the_current_run_comes_first_then_the_newest)
{
    const capi_policy_event events[] = {
        {.run_id = 1, .run_status = RUN_COMPLETE, .node_status = NODE_SUCCESS},
        {.run_id = 3, .run_status = RUN_STOP, .node_status = NODE_SUCCESS},
        {.run_id = 2, .run_is_current = true, .run_status = RUN_START, .node_status = NODE_SUCCESS},
    };
    load_bed bed;
    capi_policy_verdict verdict;

    open_with(&bed, "");
    verdict = decide(&bed, events, 3);
    CHECK_INT(verdict.command, CAPI_POLICY_GO);
    CHECK_INT(verdict.event, 2);
    verdict = decide(&bed, events, 2);
    CHECK_INT(verdict.command, CAPI_POLICY_NOGO);
    CHECK_INT(verdict.event, 1);
    load_close(&bed);
}

TEST(a_run_without_a_matching_rule_leaves_the_word_to_the_next)
{
    const capi_policy_event events[] = {
        {.run_id = 1, .run_status = RUN_COMPLETE, .node_status = NODE_SUCCESS},
        {.run_id = 2, .run_status = RUN_COMPLETE, .node_status = NODE_NONE},
    };
    load_bed bed;
    capi_policy_verdict verdict;

    open_with(&bed, "");
    verdict = decide(&bed, events, 2);
    CHECK_INT(verdict.command, CAPI_POLICY_GO);
    CHECK_INT(verdict.event, 0);
    CHECK_INT(verdict.rule, 7);
    load_close(&bed);
}

TEST(policies_of_1_1_6_speak_of_alias_e_and_say_no_when_no_rule_matches)
{
    const capi_policy_event events[] = {
        {.run_id = 1,
         .run_status = RUN_COMPLETE,
         .node_status = NODE_SUCCESS,
         .node_start_ms = 1000,
         .node_status_ms = 2000},
        {.run_id = 2, .run_status = RUN_COMPLETE, .node_status = NODE_SUCCESS, .node_start_ms = 500},
    };
    load_bed bed;
    capi_policy_verdict verdict;

    open_with(&bed, "dependency_policies:\n"
                    "  old:\n"
                    "    event_priority_order: run_is_current(desc),node_start_ts(desc)\n"
                    "    rules:\n"
                    "      - {cmd: go, expression: e.run_final_status == wfmodel.RunComplete && e.node_is_started && "
                    "e.node_status_ts > e.node_start_ts}\n");
    CHECK_STR(capi_str_copy(&bed.arena, capi_policy_name(capi_script_node(bed.script, CAPI_STR("b"))->policy)).data,
              "old");
    verdict = decide(&bed, events, 2);
    CHECK_INT(verdict.command, CAPI_POLICY_GO);
    CHECK_INT(verdict.event, 0);
    verdict = decide(&bed, events + 1, 1);
    CHECK_INT(verdict.command, CAPI_POLICY_NOGO);
    CHECK_INT(verdict.rule, -1);
    load_close(&bed);
}

TEST(a_policy_needs_an_event)
{
    load_bed bed;
    capi_policy_verdict verdict;
    capi_err err = {0};

    open_with(&bed, "");
    CHECK(capi_policy_decide(capi_script_node(bed.script, CAPI_STR("b"))->policy, NULL, 0, &verdict, &err) ==
          CAPI_INVALID);
    load_close(&bed);
}
