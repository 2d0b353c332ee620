/* state_contract_test.c - the contract of every operation of state.h, over every backend. `first` and `second` are two
 * processes: what one does the other sees. */
#include "store/state_testing.h"

#include <stdio.h>

/* ---- shorthand ---- */

static capi_node_state node_state(state_rig *rig, const char *node)
{
    capi_node_state out;
    capi_err err = {0};

    CHECK_OK(capi_node_get(rig->second, rig->run.run_uid, capi_str_of(node), &rig->arena, &out, &err), err);
    return out;
}

static capi_batch_state batch_state(state_rig *rig, const char *node, uint32_t idx)
{
    capi_batch_state *list;
    uint32_t count;
    capi_err err = {0};

    CHECK_OK(capi_batch_list(rig->second, rig->run.run_uid, capi_str_of(node), true, &rig->arena, &list, &count, &err),
             err);
    CHECK(idx < count);
    CHECK_INT(list[idx].batch_idx, idx);
    return list[idx];
}

static void open_node(state_rig *rig, const char *node)
{
    capi_node_state out;
    capi_err err = {0};

    CHECK_OK(capi_node_open(rig->first, rig->run.run_uid, capi_str_of(node), rig->run.run_uid, (capi_str){0},
                            &rig->arena, &out, &err),
             err);
    CHECK_INT(out.status, CAPI_WORK_START);
}

static capi_claim claim(state_rig *rig, capi_state *state, const char *node, const char *process)
{
    static int operation;
    char uid[32];
    capi_claim out;
    capi_err err = {0};

    snprintf(uid, sizeof uid, "op-%d", operation++);
    CHECK_OK(capi_batch_claim(state, rig->run.run_uid, capi_str_of(node), capi_str_of(process), capi_str_of(uid), &out,
                              &err),
             err);
    return out;
}

static capi_status try_claim(state_rig *rig, const char *node)
{
    capi_claim out;

    return capi_batch_claim(rig->first, rig->run.run_uid, capi_str_of(node), CAPI_STR("p9"), CAPI_STR("once"), &out,
                            NULL);
}

static capi_status finish(capi_state *state, const capi_claim *claim, capi_work_status status)
{
    return capi_batch_finish(state, claim,
                             &(capi_batch_result){.status = status,
                                                  .extents = CAPI_STR("\0\1\2extents"),
                                                  .rows_read = 10,
                                                  .rows_written = 9,
                                                  .bytes_written = 80,
                                                  .first_token = 4,
                                                  .last_token = 13,
                                                  .comment = CAPI_STR("well")},
                             NULL);
}

static void finish_all(state_rig *rig, const char *node, uint32_t count)
{
    open_node(rig, node);
    for (uint32_t i = 0; i < count; i++) {
        capi_claim one = claim(rig, rig->second, node, "p1");

        CHECK_INT(finish(rig->first, &one, CAPI_WORK_SUCCESS), CAPI_OK);
    }
}

static capi_claim seal(state_rig *rig, const char *node)
{
    capi_claim out;
    capi_err err = {0};

    CHECK_OK(capi_node_seal_claim(rig->first, rig->run.run_uid, capi_str_of(node), CAPI_STR("p1"), CAPI_STR("seal"),
                                  &out, &err),
             err);
    return out;
}

static capi_status seal_finish(capi_state *state, const capi_claim *claim, capi_work_status status)
{
    return capi_node_seal_finish(
        state, claim, &(capi_seal_result){.status = status, .row_count = 7, .comment = CAPI_STR("sealed")}, NULL);
}

static void run_refresh(state_rig *rig)
{
    capi_err err = {0};

    CHECK_OK(capi_run_get(rig->second, &rig->keyspace, rig->run.run_id, &rig->arena, &rig->run, &err), err);
}

/* ---- keyspaces ---- */

TEST(keyspace_names_follow_the_rules)
{
    static const char *const good[] = {"a", "A_9", "sys", "z_", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeee"};
    static const char *const bad[][2] = {
        {"", "is empty"},
        {"a b", "letters, digits and \"_\" only"},
        {"a-b", "letters, digits and \"_\" only"},
        {"a.b", "letters, digits and \"_\" only"},
        {"../x", "letters, digits and \"_\" only"},
        {"é", "letters, digits and \"_\" only"},
        {"a\n", "letters, digits and \"_\" only"},
        {"9", "expected a letter first"},
        {"2024_shop", "expected a letter first"},
        {"_", "expected a letter first"},
        {"_a", "expected a letter first"},
        {"system", "must not begin with \"system\""},
        {"system_auth", "must not begin with \"system\""},
        {"SYSTEM", "must not begin with \"system\""},
        {"Systema", "must not begin with \"system\""},
        {"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeee", "has 49 bytes, expected at most 48"},
    };
    capi_err err = {0};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK_OK(capi_keyspace_check_name(capi_str_of(good[i]), &err), err);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(capi_keyspace_check_name(capi_str_of(bad[i][0]), &err) == CAPI_INVALID);
        CHECK_ERR(err, bad[i][1]);
    }
    CHECK(capi_keyspace_check_name((capi_str){"a\0b", 3}, NULL) == CAPI_INVALID);
}

TEST(names_of_keyspaces_that_differ_in_case_alone_are_one_name)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_keyspace made, found;
        capi_keyspace *list;
        capi_str uid;
        uint32_t count;
        capi_err err = {0};

        CHECK_OK(capi_keyspace_open(rig.first, CAPI_STR("Shop_1"), true, &rig.arena, &made, &err), err);
        CHECK_OK(capi_keyspace_open(rig.second, CAPI_STR("SHOP_1"), false, &rig.arena, &found, &err), err);
        CHECK(capi_str_equal(made.uid, found.uid) && capi_str_is(found.name, "Shop_1"));
        CHECK_OK(capi_keyspace_open(rig.second, CAPI_STR("shop_1"), true, &rig.arena, &found, &err), err);
        CHECK(capi_str_equal(made.uid, found.uid));
        CHECK_OK(capi_keyspace_list(rig.first, &rig.arena, &list, &count, &err), err);
        CHECK_INT(count, 1);
        CHECK_OK(capi_keyspace_drop(rig.second, CAPI_STR("sHOP_1"), &rig.arena, &uid, &err), err);
        CHECK(capi_str_equal(made.uid, uid));
    }
}

TEST(a_keyspace_is_made_once_and_listed_by_name)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_keyspace one, again, other;
        capi_keyspace *list;
        uint32_t count;
        capi_err err = {0};

        CHECK(capi_keyspace_open(rig.first, CAPI_STR("zoo"), false, &rig.arena, &one, &err) == CAPI_NOT_FOUND);
        CHECK_ERR(err, "unknown keyspace \"zoo\" in ");
        CHECK_OK(capi_keyspace_open(rig.first, CAPI_STR("zoo"), true, &rig.arena, &one, &err), err);
        CHECK_OK(capi_keyspace_open(rig.second, CAPI_STR("zoo"), true, &rig.arena, &again, &err), err);
        CHECK(capi_str_equal(one.uid, again.uid));
        CHECK_OK(capi_keyspace_open(rig.second, CAPI_STR("ant"), true, &rig.arena, &other, &err), err);
        CHECK(!capi_str_equal(one.uid, other.uid));
        CHECK_OK(capi_keyspace_list(rig.first, &rig.arena, &list, &count, &err), err);
        CHECK_INT(count, 2);
        CHECK(capi_str_is(list[0].name, "ant") && capi_str_is(list[1].name, "zoo"));
    }
}

TEST(a_dropped_keyspace_is_gone_and_its_successor_is_another_one)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_keyspace successor;
        capi_claim held;
        capi_run run;
        capi_str uid;
        capi_err err = {0};

        state_rig_start(&rig);
        open_node(&rig, "read");
        held = claim(&rig, rig.first, "read", "p1");
        CHECK_OK(capi_keyspace_drop(rig.second, CAPI_STR("ks"), &rig.arena, &uid, &err), err);
        CHECK(capi_str_equal(uid, rig.keyspace.uid));
        CHECK(capi_keyspace_drop(rig.second, CAPI_STR("ks"), &rig.arena, &uid, &err) == CAPI_NOT_FOUND);
        /* I15: nothing of the old life acts on the new one. */
        CHECK_OK(capi_keyspace_open(rig.first, CAPI_STR("ks"), true, &rig.arena, &successor, &err), err);
        CHECK(!capi_str_equal(successor.uid, rig.keyspace.uid));
        CHECK(finish(rig.first, &held, CAPI_WORK_SUCCESS) == CAPI_CONFLICT);
        CHECK(capi_batch_release(rig.first, &held, NULL) == CAPI_CONFLICT);
        CHECK(try_claim(&rig, "read") == CAPI_NOT_FOUND);
        CHECK(capi_run_get(rig.first, &rig.keyspace, 1, &rig.arena, &run, &err) == CAPI_NOT_FOUND);
        CHECK_ERR(err, "keyspace \"ks\" was dropped");
        CHECK(capi_run_get(rig.first, &successor, 1, &rig.arena, &run, NULL) == CAPI_NOT_FOUND);
    }
}

/* ---- runs ---- */

TEST(a_run_id_that_was_given_is_never_given_again)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_run_node node = {CAPI_STR("x"), 1};
        capi_run_spec spec = {.mode = CAPI_RUN_DIRECT, .nodes = &node, .node_count = 1};
        capi_keyspace gone = {CAPI_STR("gone"), CAPI_STR("nowhere")};
        uint32_t last = 99;
        capi_str run_uid;
        capi_run run;
        capi_err err = {0};

        CHECK_OK(capi_keyspace_open(rig.first, CAPI_STR("ks"), true, &rig.arena, &rig.keyspace, &err), err);
        CHECK_OK(capi_keyspace_last_run(rig.first, &rig.keyspace, &last, &err), err);
        CHECK_INT(last, 0);
        CHECK_OK(capi_run_start(rig.first, &rig.keyspace, &spec, &rig.arena, &run, &err), err);
        CHECK_OK(capi_run_stop(rig.first, &rig.keyspace, 1, CAPI_STR("enough"), &err), err);
        CHECK_OK(capi_run_forget(rig.first, &rig.keyspace, 1, &rig.arena, &run_uid, &err), err);
        CHECK_OK(capi_keyspace_last_run(rig.second, &rig.keyspace, &last, &err), err);
        CHECK_INT(last, 1);
        spec.run_id = 1;
        CHECK(capi_run_start(rig.first, &rig.keyspace, &spec, &rig.arena, &run, &err) == CAPI_CONFLICT);
        CHECK_ERR(err, "run id 1, or a greater one, was given before in keyspace \"ks\"");
        spec.run_id = 7;
        CHECK_OK(capi_run_start(rig.first, &rig.keyspace, &spec, &rig.arena, &run, &err), err);
        CHECK_INT(run.run_id, 7);
        CHECK(capi_run_start(rig.second, &rig.keyspace, &spec, &rig.arena, &run, &err) == CAPI_CONFLICT);
        spec.run_id = 0;
        CHECK_OK(capi_run_start(rig.second, &rig.keyspace, &spec, &rig.arena, &run, &err), err);
        CHECK_INT(run.run_id, 8);
        CHECK(capi_keyspace_last_run(rig.second, &gone, &last, &err) == CAPI_NOT_FOUND);
    }
}

TEST(nodes_of_a_direct_run_that_never_began_do_not_keep_it_from_being_complete)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        const capi_run_node nodes[2] = {{CAPI_STR("read"), 1}, {CAPI_STR("calc"), 1}};
        capi_run_spec spec = {.mode = CAPI_RUN_DIRECT, .nodes = nodes, .node_count = 2};
        capi_claim one;
        capi_err err = {0};

        CHECK_OK(capi_keyspace_open(rig.first, CAPI_STR("ks"), true, &rig.arena, &rig.keyspace, &err), err);
        CHECK_OK(capi_run_start(rig.first, &rig.keyspace, &spec, &rig.arena, &rig.run, &err), err);
        finish_all(&rig, "read", 1);
        CHECK(capi_run_complete(rig.first, rig.run.run_uid, CAPI_STR("{}"), &err) == CAPI_CONFLICT);
        CHECK_ERR(err, "node \"read\" is not finished");
        one = seal(&rig, "read");
        CHECK_INT(seal_finish(rig.first, &one, CAPI_WORK_SUCCESS), CAPI_OK);
        CHECK_OK(capi_run_complete(rig.second, rig.run.run_uid, CAPI_STR("{}"), &err), err);
        run_refresh(&rig);
        CHECK_INT(rig.run.status, CAPI_RUN_COMPLETE);
        CHECK_INT(node_state(&rig, "calc").status, CAPI_WORK_NONE);
    }
}

TEST(a_run_starts_whole_and_a_repeated_start_is_the_same_run)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_run again, second;
        capi_run *list;
        capi_run_node node = {CAPI_STR("x"), 1};
        capi_run_spec spec = {
            .operation_uid = CAPI_STR("start-2"), .mode = CAPI_RUN_DIRECT, .nodes = &node, .node_count = 1};
        uint32_t count;
        capi_err err = {0};

        state_rig_start(&rig);
        again = rig.run;
        state_rig_start(&rig);
        CHECK_INT(rig.run.run_id, 1);
        CHECK(capi_str_equal(rig.run.run_uid, again.run_uid));
        CHECK_INT(rig.run.status, CAPI_RUN_START);
        CHECK_INT(rig.run.start_ms, 1700000000000);
        CHECK(capi_str_is(rig.run.script_url, "script.yaml") && capi_str_is(rig.run.params_url, "params.yaml"));
        CHECK(capi_str_is(rig.run.start_nodes, "read,calc") && capi_str_is(rig.run.description, "nightly"));
        CHECK(capi_str_is(rig.run.owner, "p1") && capi_str_equal(rig.run.keyspace_uid, rig.keyspace.uid));
        CHECK_OK(capi_run_start(rig.second, &rig.keyspace, &spec, &rig.arena, &second, &err), err);
        CHECK_INT(second.run_id, 2);
        CHECK_INT(second.mode, CAPI_RUN_DIRECT);
        CHECK(!capi_str_equal(second.run_uid, rig.run.run_uid));
        CHECK_OK(capi_run_list(rig.second, &rig.keyspace, &rig.arena, &list, &count, &err), err);
        CHECK_INT(count, 2);
        CHECK_INT(list[0].run_id, 1);
        CHECK_INT(list[1].run_id, 2);
        CHECK(capi_run_get(rig.first, &rig.keyspace, 3, &rig.arena, &again, &err) == CAPI_NOT_FOUND);
        CHECK_ERR(err, "no such run: 3 in keyspace \"ks\"");
    }
}

TEST(a_run_keeps_what_it_was_started_with)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_snapshot_file files[] = {{CAPI_STR("script"), CAPI_STR("s.yaml"), CAPI_STR("nodes:\n\0x")},
                                      {CAPI_STR("python"), CAPI_STR("f.py"), CAPI_STR("")}};
        capi_run_node node = {CAPI_STR("x"), 1};
        capi_run_spec spec = {.nodes = &node, .node_count = 1, .files = files, .file_count = 2};
        capi_snapshot_file *out;
        capi_run run;
        uint32_t count;
        capi_err err = {0};

        state_rig_start(&rig);
        CHECK_OK(capi_run_start(rig.first, &rig.keyspace, &spec, &rig.arena, &run, &err), err);
        CHECK_OK(capi_run_snapshot(rig.second, run.run_uid, &rig.arena, &out, &count, &err), err);
        CHECK_INT(count, 2);
        for (int i = 0; i < 2; i++)
            CHECK(capi_str_equal(out[i].kind, files[i].kind) && capi_str_equal(out[i].url, files[i].url) &&
                  capi_str_equal(out[i].text, files[i].text));
        CHECK(capi_run_snapshot(rig.second, CAPI_STR("nope"), &rig.arena, &out, &count, NULL) == CAPI_NOT_FOUND);
    }
}

TEST(two_live_runs_cannot_write_one_file)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_str targets[] = {CAPI_STR("/out/a.csv"), CAPI_STR("/out/b.csv"), CAPI_STR("/out/a.csv")};
        capi_run_node node = {CAPI_STR("x"), 0};
        capi_run_spec spec = {.nodes = &node, .node_count = 1, .targets = targets, .target_count = 3};
        capi_run first, second;
        capi_run *list;
        capi_claim one;
        uint32_t count;
        capi_err err = {0};

        state_rig_start(&rig);
        CHECK_OK(capi_run_start(rig.first, &rig.keyspace, &spec, &rig.arena, &first, &err), err);
        spec.targets = targets + 1;
        spec.target_count = 1;
        CHECK(capi_run_start(rig.second, &rig.keyspace, &spec, &rig.arena, &second, &err) == CAPI_CONFLICT);
        CHECK_ERR(err, "file \"/out/b.csv\" is being written by run 2 of keyspace \"ks\"");
        /* I3: the refused run left nothing, not even its number. */
        CHECK_OK(capi_run_list(rig.first, &rig.keyspace, &rig.arena, &list, &count, &err), err);
        CHECK_INT(count, 2);
        CHECK_OK(capi_run_stop(rig.first, &rig.keyspace, 2, CAPI_STR("enough"), &err), err);
        CHECK_OK(capi_run_start(rig.second, &rig.keyspace, &spec, &rig.arena, &second, &err), err);
        CHECK_INT(second.run_id, 3);
        /* A completed one lets go too. */
        rig.run = second;
        open_node(&rig, "x");
        one = seal(&rig, "x");
        CHECK_INT(seal_finish(rig.first, &one, CAPI_WORK_SUCCESS), CAPI_OK);
        CHECK_OK(capi_run_complete(rig.first, second.run_uid, CAPI_STR("{}"), &err), err);
        CHECK_OK(capi_run_start(rig.second, &rig.keyspace, &spec, &rig.arena, &second, &err), err);
    }
}

TEST(a_stopped_run_keeps_its_files_until_its_batches_have_ended)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_str target = CAPI_STR("/out/a.csv");
        capi_run_node node = {CAPI_STR("x"), 2};
        capi_run_spec spec = {.nodes = &node, .node_count = 1, .targets = &target, .target_count = 1};
        capi_run first, second;
        capi_claim one;
        capi_err err = {0};

        state_rig_start(&rig);
        CHECK_OK(capi_run_start(rig.first, &rig.keyspace, &spec, &rig.arena, &first, &err), err);
        rig.run = first;
        open_node(&rig, "x");
        one = claim(&rig, rig.first, "x", "p1");
        CHECK_OK(capi_run_stop(rig.first, &rig.keyspace, first.run_id, CAPI_STR("enough"), &err), err);
        CHECK(capi_run_start(rig.second, &rig.keyspace, &spec, &rig.arena, &second, &err) == CAPI_CONFLICT);
        CHECK_ERR(err, "file \"/out/a.csv\" is being written by run 2 of keyspace \"ks\"");
        CHECK_OK(capi_batch_release(rig.first, &one, &err), err);
        CHECK_OK(capi_run_start(rig.second, &rig.keyspace, &spec, &rig.arena, &second, &err), err);
        CHECK_INT(second.run_id, 3);
        /* From now on it is the second one's. */
        CHECK(capi_run_start(rig.first, &rig.keyspace, &spec, &rig.arena, &first, &err) == CAPI_CONFLICT);
        CHECK_ERR(err, "file \"/out/a.csv\" is being written by run 3 of keyspace \"ks\"");
    }
}

TEST(files_with_the_id_of_their_run_are_told_apart)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_str target = CAPI_STR("/out/" CAPI_TARGET_RUN_ID "/a" CAPI_TARGET_RUN_ID ".csv");
        capi_run_node node = {CAPI_STR("x"), 0};
        capi_run_spec spec = {.nodes = &node, .node_count = 1, .targets = &target, .target_count = 1};
        capi_str third = CAPI_STR("/out/00003/a00003.csv");
        capi_run first, second;
        capi_err err = {0};

        state_rig_start(&rig);
        CHECK_OK(capi_run_start(rig.first, &rig.keyspace, &spec, &rig.arena, &first, &err), err);
        CHECK_OK(capi_run_start(rig.second, &rig.keyspace, &spec, &rig.arena, &second, &err), err);
        CHECK_INT(first.run_id, 2);
        CHECK_INT(second.run_id, 3);
        spec.targets = &third;
        CHECK(capi_run_start(rig.second, &rig.keyspace, &spec, &rig.arena, &second, &err) == CAPI_CONFLICT);
        CHECK_ERR(err, "file \"/out/00003/a00003.csv\" is being written by run 3 of keyspace \"ks\"");
    }
}

TEST(specs_that_make_no_run_are_refused)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_run_node twice[] = {{CAPI_STR("x"), 1}, {CAPI_STR("x"), 2}};
        capi_run_spec spec = {.nodes = twice, .node_count = 2};
        capi_keyspace gone = {CAPI_STR("gone"), CAPI_STR("gone")};
        capi_run run;
        capi_err err = {0};

        state_rig_start(&rig);
        CHECK(capi_run_start(rig.first, &rig.keyspace, &spec, &rig.arena, &run, &err) == CAPI_INVALID);
        CHECK_ERR(err, "node \"x\" is listed twice");
        spec.node_count = 0;
        CHECK(capi_run_start(rig.first, &rig.keyspace, &spec, &rig.arena, &run, &err) == CAPI_INVALID);
        spec.node_count = 1;
        CHECK(capi_run_start(rig.first, &gone, &spec, &rig.arena, &run, &err) == CAPI_NOT_FOUND);
    }
}

TEST(a_run_is_complete_when_all_its_nodes_are)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        static const char *const names[] = {"read", "calc", "out"};
        static const uint32_t totals[] = {3, 2, 1};
        capi_err err = {0};

        state_rig_start(&rig);
        for (int i = 0; i < 3; i++) {
            capi_claim one;

            CHECK(capi_run_complete(rig.first, rig.run.run_uid, CAPI_STR("c"), &err) == CAPI_CONFLICT);
            CHECK_ERR(err, "is not finished");
            finish_all(&rig, names[i], totals[i]);
            one = seal(&rig, names[i]);
            CHECK_INT(seal_finish(rig.second, &one, i == 1 ? CAPI_WORK_FAIL : CAPI_WORK_SUCCESS), CAPI_OK);
        }
        rig.time.wall_ms += 5000;
        CHECK_OK(capi_run_complete(rig.second, rig.run.run_uid, CAPI_STR("{\"read\":\"success\"}"), &err), err);
        rig.time.wall_ms += 5000;
        CHECK_OK(capi_run_complete(rig.first, rig.run.run_uid, CAPI_STR("again"), &err), err);
        run_refresh(&rig);
        CHECK_INT(rig.run.status, CAPI_RUN_COMPLETE);
        CHECK_INT(rig.run.complete_ms, 1700000005000);
        CHECK(capi_str_is(rig.run.complete_comment, "{\"read\":\"success\"}"));
        CHECK(capi_run_complete(rig.first, CAPI_STR("nope"), CAPI_STR(""), NULL) == CAPI_NOT_FOUND);
        /* A complete run may be stopped: its results become invalid. */
        CHECK_OK(capi_run_stop(rig.first, &rig.keyspace, 1, CAPI_STR("wrong"), &err), err);
        run_refresh(&rig);
        CHECK_INT(rig.run.status, CAPI_RUN_STOP);
        CHECK_INT(node_state(&rig, "read").status, CAPI_WORK_SUCCESS);
    }
}

static capi_run start_one_node(state_rig *rig, const char *name)
{
    capi_run_node node = {capi_str_of(name), 1};
    capi_run out;
    capi_err err = {0};

    CHECK_OK(capi_run_start(rig->first, &rig->keyspace, &(capi_run_spec){.nodes = &node, .node_count = 1}, &rig->arena,
                            &out, &err),
             err);
    return out;
}

TEST(a_run_that_others_read_is_not_forgotten)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_run reader;
        capi_node_state opened;
        capi_claim held;
        capi_str uid;
        capi_err err = {0};

        state_rig_start(&rig);
        CHECK_OK(capi_run_stop(rig.first, &rig.keyspace, 1, CAPI_STR("s"), &err), err);
        /* It has not chosen yet what it reads. */
        reader = start_one_node(&rig, "sum");
        CHECK(capi_run_forget(rig.second, &rig.keyspace, 1, &rig.arena, &uid, &err) == CAPI_CONFLICT);
        CHECK_ERR(err, "run 1 stays: run 2 goes on and may read its tables");
        /* It has chosen. */
        CHECK_OK(capi_node_open(rig.first, reader.run_uid, CAPI_STR("sum"), rig.run.run_uid, CAPI_STR(""), &rig.arena,
                                &opened, &err),
                 err);
        CHECK(capi_run_forget(rig.second, &rig.keyspace, 1, &rig.arena, &uid, &err) == CAPI_CONFLICT);
        /* It is stopped, but a batch still reads. */
        CHECK_OK(
            capi_batch_claim(rig.first, reader.run_uid, CAPI_STR("sum"), CAPI_STR("p1"), CAPI_STR("op"), &held, &err),
            err);
        CHECK_OK(capi_run_stop(rig.first, &rig.keyspace, 2, CAPI_STR("s"), &err), err);
        CHECK(capi_run_forget(rig.second, &rig.keyspace, 1, &rig.arena, &uid, &err) == CAPI_CONFLICT);
        CHECK_OK(capi_batch_release(rig.first, &held, &err), err);
        CHECK_OK(capi_run_forget(rig.second, &rig.keyspace, 1, &rig.arena, &uid, &err), err);
    }
}

TEST(a_run_is_forgotten_while_another_one_goes_on_that_reads_something_else)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_run other;
        capi_node_state opened;
        capi_str uid;
        capi_err err = {0};

        state_rig_start(&rig);
        CHECK_OK(capi_run_stop(rig.first, &rig.keyspace, 1, CAPI_STR("s"), &err), err);
        other = start_one_node(&rig, "read");
        CHECK_OK(capi_node_open(rig.first, other.run_uid, CAPI_STR("read"), CAPI_STR(""), CAPI_STR(""), &rig.arena,
                                &opened, &err),
                 err);
        CHECK_OK(capi_run_forget(rig.second, &rig.keyspace, 1, &rig.arena, &uid, &err), err);
    }
}

TEST(a_finished_run_can_be_forgotten_and_its_number_is_not_used_again)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_claim held;
        capi_str uid;
        capi_run next;
        capi_run_node node = {CAPI_STR("x"), 1};
        capi_err err = {0};

        state_rig_start(&rig);
        open_node(&rig, "read");
        held = claim(&rig, rig.first, "read", "p1");
        CHECK(capi_run_forget(rig.first, &rig.keyspace, 1, &rig.arena, &uid, &err) == CAPI_CONFLICT);
        CHECK_OK(capi_run_stop(rig.first, &rig.keyspace, 1, CAPI_STR("s"), &err), err);
        CHECK(capi_run_forget(rig.first, &rig.keyspace, 1, &rig.arena, &uid, &err) == CAPI_CONFLICT);
        CHECK_ERR(err, "run 1 is still being worked on");
        CHECK_INT(finish(rig.first, &held, CAPI_WORK_SUCCESS), CAPI_OK);
        CHECK_OK(capi_run_forget(rig.second, &rig.keyspace, 1, &rig.arena, &uid, &err), err);
        CHECK(capi_str_equal(uid, rig.run.run_uid));
        CHECK(capi_run_forget(rig.first, &rig.keyspace, 1, &rig.arena, &uid, &err) == CAPI_NOT_FOUND);
        CHECK_OK(capi_run_start(rig.first, &rig.keyspace, &(capi_run_spec){.nodes = &node, .node_count = 1}, &rig.arena,
                                &next, &err),
                 err);
        CHECK_INT(next.run_id, 2);
    }
}

/* ---- nodes ---- */

TEST(nodes_are_listed_in_the_order_of_the_run)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_node_state *list;
        capi_node_state node;
        uint32_t count;
        capi_err err = {0};

        state_rig_start(&rig);
        CHECK_OK(capi_node_list(rig.second, rig.run.run_uid, &rig.arena, &list, &count, &err), err);
        CHECK_INT(count, 3);
        CHECK(capi_str_is(list[0].name, "read") && capi_str_is(list[1].name, "calc") &&
              capi_str_is(list[2].name, "out"));
        CHECK_INT(list[0].batches_total, 3);
        CHECK_INT(list[0].status, CAPI_WORK_NONE);
        CHECK(capi_node_list(rig.second, CAPI_STR("nope"), &rig.arena, &list, &count, &err) == CAPI_NOT_FOUND);
        CHECK_ERR(err, "no such run: \"nope\"");
        CHECK(capi_node_get(rig.second, rig.run.run_uid, CAPI_STR("nope"), &rig.arena, &node, &err) == CAPI_NOT_FOUND);
        CHECK_ERR(err, "has no node \"nope\"");
    }
}

TEST(whoever_opens_a_node_first_fixes_what_it_reads)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_node_state out;
        capi_err err = {0};

        state_rig_start(&rig);
        CHECK(try_claim(&rig, "calc") == CAPI_NOT_FOUND);
        CHECK_OK(capi_node_open(rig.first, rig.run.run_uid, CAPI_STR("calc"), CAPI_STR("run-a"), CAPI_STR("run-b"),
                                &rig.arena, &out, &err),
                 err);
        rig.time.wall_ms += 100;
        CHECK_OK(capi_node_open(rig.second, rig.run.run_uid, CAPI_STR("calc"), CAPI_STR("run-c"), CAPI_STR(""),
                                &rig.arena, &out, &err),
                 err);
        CHECK_INT(out.status, CAPI_WORK_START);
        CHECK(capi_str_is(out.reader_run_uid, "run-a") && capi_str_is(out.lookup_run_uid, "run-b"));
        CHECK_INT(out.start_ms, 1700000000000);
        CHECK(capi_node_refuse(rig.second, rig.run.run_uid, CAPI_STR("calc"), CAPI_STR("nogo"), &err) == CAPI_CONFLICT);
        CHECK_ERR(err, "was opened before");
    }
}

TEST(a_refused_node_fails_with_all_its_batches)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_node_state out;
        capi_batch_state batch;
        capi_err err = {0};

        state_rig_start(&rig);
        CHECK_OK(capi_node_refuse(rig.first, rig.run.run_uid, CAPI_STR("calc"), CAPI_STR("nogo: read failed"), &err),
                 err);
        CHECK_OK(capi_node_refuse(rig.second, rig.run.run_uid, CAPI_STR("calc"), CAPI_STR("other"), &err), err);
        CHECK_OK(capi_node_open(rig.second, rig.run.run_uid, CAPI_STR("calc"), CAPI_STR("r"), CAPI_STR(""), &rig.arena,
                                &out, &err),
                 err);
        CHECK_INT(out.status, CAPI_WORK_FAIL);
        CHECK_INT(out.batches_done, 2);
        CHECK_INT(out.batches_failed, 2);
        CHECK(capi_str_is(out.comment, "nogo: read failed"));
        batch = batch_state(&rig, "calc", 1);
        CHECK_INT(batch.status, CAPI_WORK_FAIL);
        CHECK(capi_str_is(batch.comment, "nogo: read failed"));
        CHECK_INT(batch.first_token, 0);
        CHECK_INT(batch.last_token, -1);
        CHECK(try_claim(&rig, "calc") == CAPI_NOT_FOUND);
        CHECK(capi_node_seal_claim(rig.first, rig.run.run_uid, CAPI_STR("calc"), CAPI_STR("p"), CAPI_STR("o"),
                                   &(capi_claim){0}, NULL) == CAPI_NOT_FOUND);
    }
}

/* ---- batches ---- */

TEST(batches_are_claimed_in_order_and_each_by_one)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_batch_state batch;

        state_rig_start(&rig);
        open_node(&rig, "read");
        for (uint32_t i = 0; i < 3; i++) {
            capi_claim one = claim(&rig, i % 2 ? rig.second : rig.first, "read", "p1");

            CHECK_INT(one.batch_idx, i);
            CHECK_INT(one.batches_total, 3);
            CHECK_INT(one.deaths, 0);
            CHECK(!one.publishing);
            CHECK_STR(one.node, "read");
            CHECK(capi_str_is(rig.run.run_uid, one.run_uid));
        }
        CHECK(try_claim(&rig, "read") == CAPI_NOT_FOUND);
        batch = batch_state(&rig, "read", 2);
        CHECK_INT(batch.status, CAPI_WORK_START);
        CHECK(capi_str_is(batch.owner, "p1"));
        CHECK_INT(batch.start_ms, 1700000000000);
        CHECK_INT(node_state(&rig, "read").batches_claimed, 3);
    }
}

TEST(a_repeated_claim_gives_the_first_answer)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_claim one, again, other;
        capi_err err = {0};

        state_rig_start(&rig);
        open_node(&rig, "read");
        CHECK_OK(
            capi_batch_claim(rig.first, rig.run.run_uid, CAPI_STR("read"), CAPI_STR("p1"), CAPI_STR("a"), &one, &err),
            err);
        CHECK_OK(capi_batch_claim(rig.second, rig.run.run_uid, CAPI_STR("read"), CAPI_STR("p1"), CAPI_STR("a"), &again,
                                  &err),
                 err);
        CHECK(memcmp(&one, &again, sizeof one) == 0);
        CHECK_OK(
            capi_batch_claim(rig.first, rig.run.run_uid, CAPI_STR("read"), CAPI_STR("p2"), CAPI_STR("a"), &other, &err),
            err);
        CHECK_INT(other.batch_idx, 1);
        CHECK(strcmp(one.attempt_uid, other.attempt_uid) != 0);
        CHECK_INT(node_state(&rig, "read").batches_claimed, 2);
    }
}

TEST(a_released_batch_is_the_next_to_be_claimed)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_claim zero, one, again;
        capi_batch_state batch;
        capi_err err = {0};

        state_rig_start(&rig);
        open_node(&rig, "read");
        zero = claim(&rig, rig.first, "read", "p1");
        one = claim(&rig, rig.first, "read", "p1");
        CHECK_OK(capi_batch_release(rig.second, &one, &err), err);
        CHECK_OK(capi_batch_release(rig.first, &zero, &err), err);
        CHECK_OK(capi_batch_release(rig.first, &zero, &err), err);
        batch = batch_state(&rig, "read", 0);
        CHECK_INT(batch.status, CAPI_WORK_NONE);
        CHECK_INT(batch.owner.bytes, 0);
        CHECK_INT(batch.start_ms, 0);
        again = claim(&rig, rig.second, "read", "p2");
        CHECK_INT(again.batch_idx, 0);
        CHECK_INT(again.deaths, 0);
        CHECK(strcmp(again.attempt_uid, zero.attempt_uid) != 0);
        CHECK(capi_batch_release(rig.first, &zero, NULL) == CAPI_CONFLICT);
        CHECK(finish(rig.first, &zero, CAPI_WORK_SUCCESS) == CAPI_CONFLICT);
        CHECK_INT(claim(&rig, rig.second, "read", "p2").batch_idx, 1);
        CHECK_INT(claim(&rig, rig.second, "read", "p2").batch_idx, 2);
    }
}

TEST(a_finished_batch_is_final_and_finishing_again_is_no_harm)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_claim one, two;
        capi_batch_state batch;
        capi_node_state node;
        capi_err err = {0};

        state_rig_start(&rig);
        open_node(&rig, "read");
        one = claim(&rig, rig.first, "read", "p1");
        two = claim(&rig, rig.first, "read", "p1");
        rig.time.wall_ms += 250;
        CHECK_INT(finish(rig.second, &one, CAPI_WORK_SUCCESS), CAPI_OK);
        CHECK_INT(finish(rig.second, &two, CAPI_WORK_FAIL), CAPI_OK);
        rig.time.wall_ms += 250;
        CHECK_INT(finish(rig.first, &one, CAPI_WORK_FAIL), CAPI_OK); /* repeated: the first answer stands */
        CHECK(capi_batch_release(rig.first, &one, NULL) == CAPI_CONFLICT);
        CHECK(capi_batch_publish(rig.first, &one, CAPI_STR("a"), CAPI_STR("b"), NULL) == CAPI_CONFLICT);
        batch = batch_state(&rig, "read", 0);
        CHECK_INT(batch.status, CAPI_WORK_SUCCESS);
        CHECK_INT(batch.final_ms, 1700000000250);
        CHECK_INT(batch.rows_read, 10);
        CHECK_INT(batch.rows_written, 9);
        CHECK_INT(batch.bytes_written, 80);
        CHECK_INT(batch.first_token, 4);
        CHECK_INT(batch.last_token, 13);
        CHECK(capi_str_equal(batch.extents, CAPI_STR("\0\1\2extents")));
        CHECK(capi_str_is(batch.comment, "well"));
        CHECK(capi_str_is(batch.attempt_uid, one.attempt_uid));
        CHECK_INT(batch.owner.bytes, 0);
        CHECK_INT(batch_state(&rig, "read", 1).status, CAPI_WORK_FAIL);
        CHECK_INT(batch_state(&rig, "read", 2).status, CAPI_WORK_NONE);
        node = node_state(&rig, "read");
        CHECK_INT(node.batches_done, 2);
        CHECK_INT(node.batches_failed, 1);
        CHECK_INT(node.batches_claimed, 0);
        CHECK_INT(node.status, CAPI_WORK_START);
        two.batch_idx = 2;
        CHECK(finish(rig.first, &two, CAPI_WORK_SUCCESS) == CAPI_CONFLICT);
        two.batch_idx = 77;
        CHECK(capi_batch_finish(rig.first, &two, &(capi_batch_result){.status = CAPI_WORK_SUCCESS}, &err) ==
              CAPI_CONFLICT);
        CHECK_ERR(err, "batch 77 of node \"read\" is no longer claimed");
    }
}

TEST(lists_without_extents_leave_them_out)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_batch_state *list;
        uint32_t count;
        capi_err err = {0};

        state_rig_start(&rig);
        finish_all(&rig, "read", 3);
        CHECK_OK(capi_batch_list(rig.second, rig.run.run_uid, CAPI_STR("read"), false, &rig.arena, &list, &count, &err),
                 err);
        CHECK_INT(count, 3);
        CHECK_INT(list[1].extents.bytes, 0);
        CHECK_INT(list[1].batches_total, 3);
        CHECK(batch_state(&rig, "read", 1).extents.bytes > 0);
    }
}

TEST(a_note_stands_until_the_batch_ends_or_is_given_back)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_claim one, two;
        capi_node_state node;
        capi_err err = {0};

        state_rig_start(&rig);
        open_node(&rig, "out");
        one = claim(&rig, rig.first, "out", "p1");
        CHECK_OK(capi_batch_note(rig.first, &one, CAPI_STR("the disk is full"), &err), err);
        CHECK(capi_str_is(batch_state(&rig, "out", 0).comment, "the disk is full"));
        CHECK_INT(batch_state(&rig, "out", 0).status, CAPI_WORK_START);
        CHECK_OK(capi_node_get(rig.second, rig.run.run_uid, CAPI_STR("out"), &rig.arena, &node, &err), err);
        CHECK(capi_str_is(node.comment, "the disk is full"));
        CHECK_OK(capi_batch_note(rig.first, &one, CAPI_STR(""), &err), err);
        CHECK(batch_state(&rig, "out", 0).comment.bytes == 0);
        CHECK_OK(capi_batch_note(rig.first, &one, CAPI_STR("the disk is full"), &err), err);
        CHECK_OK(capi_process_bury(rig.second, CAPI_STR("p1"), 0, &err), err);
        CHECK(batch_state(&rig, "out", 0).comment.bytes == 0);
        CHECK(capi_batch_note(rig.first, &one, CAPI_STR("late"), NULL) == CAPI_CONFLICT);
        two = claim(&rig, rig.second, "out", "p2");
        CHECK_OK(capi_batch_note(rig.second, &two, CAPI_STR("full again"), &err), err);
        CHECK_OK(capi_batch_release(rig.second, &two, &err), err);
        CHECK(batch_state(&rig, "out", 0).comment.bytes == 0);
    }
}

TEST(who_takes_over_a_batch_knows_the_file_that_was_being_published)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_claim one, heir;
        capi_str staged, target;
        capi_err err = {0};

        state_rig_start(&rig);
        open_node(&rig, "out");
        one = claim(&rig, rig.first, "out", "p1");
        CHECK_OK(capi_batch_publication(rig.first, &one, &rig.arena, &staged, &target, &err), err);
        CHECK(staged.bytes == 0 && target.bytes == 0);
        CHECK_OK(capi_batch_publish(rig.first, &one, CAPI_STR("/o/.x.tmp"), CAPI_STR("/o/x"), &err), err);
        CHECK_OK(capi_batch_publish(rig.second, &one, CAPI_STR("/o/.x.tmp"), CAPI_STR("/o/x"), &err), err);
        CHECK_INT(batch_state(&rig, "out", 0).status, CAPI_WORK_START);
        CHECK_OK(capi_process_bury(rig.second, CAPI_STR("p1"), 0, &err), err);
        CHECK(capi_batch_publication(rig.first, &one, &rig.arena, &staged, &target, NULL) == CAPI_CONFLICT);
        CHECK(capi_batch_publish(rig.first, &one, CAPI_STR("a"), CAPI_STR("b"), NULL) == CAPI_CONFLICT);
        heir = claim(&rig, rig.second, "out", "p2");
        CHECK(heir.publishing);
        CHECK_INT(heir.deaths, 1);
        CHECK_OK(capi_batch_publication(rig.second, &heir, &rig.arena, &staged, &target, &err), err);
        CHECK(capi_str_is(staged, "/o/.x.tmp") && capi_str_is(target, "/o/x"));
    }
}

/* ---- stopping ---- */

TEST(a_stopped_run_gives_out_no_batch)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_claim held, given_back;
        capi_node_state node;
        capi_batch_state batch;
        capi_err err = {0};

        state_rig_start(&rig);
        open_node(&rig, "read");
        held = claim(&rig, rig.first, "read", "p1");
        given_back = claim(&rig, rig.first, "read", "p1");
        CHECK_OK(capi_batch_release(rig.first, &given_back, &err), err);
        rig.time.wall_ms += 1000;
        CHECK_OK(capi_run_stop(rig.second, &rig.keyspace, 1, CAPI_STR("by hand"), &err), err);
        rig.time.wall_ms += 1000;
        CHECK_OK(capi_run_stop(rig.second, &rig.keyspace, 1, CAPI_STR("again"), &err), err);
        run_refresh(&rig);
        CHECK_INT(rig.run.status, CAPI_RUN_STOP);
        CHECK_INT(rig.run.stop_ms, 1700000001000);
        CHECK(capi_str_is(rig.run.stop_comment, "by hand"));
        CHECK(try_claim(&rig, "read") == CAPI_STOPPED);
        CHECK(try_claim(&rig, "calc") == CAPI_STOPPED);
        for (uint32_t i = 1; i < 3; i++) {
            batch = batch_state(&rig, "read", i);
            CHECK_INT(batch.status, CAPI_WORK_STOP_RECEIVED);
            CHECK_INT(batch.final_ms, 1700000001000);
            CHECK(capi_str_is(batch.comment, "by hand"));
        }
        CHECK_INT(batch_state(&rig, "read", 0).status, CAPI_WORK_START);
        CHECK_INT(node_state(&rig, "read").status, CAPI_WORK_START);
        node = node_state(&rig, "calc");
        CHECK_INT(node.status, CAPI_WORK_STOP_RECEIVED);
        CHECK_INT(node.batches_done, 2);
        CHECK(capi_str_is(node.comment, "by hand"));
        /* What was being worked on ends as it ends, and its node with it. */
        CHECK_INT(finish(rig.first, &held, CAPI_WORK_SUCCESS), CAPI_OK);
        CHECK_INT(batch_state(&rig, "read", 0).status, CAPI_WORK_SUCCESS);
        CHECK_INT(node_state(&rig, "read").status, CAPI_WORK_STOP_RECEIVED);
        CHECK(capi_run_complete(rig.first, rig.run.run_uid, CAPI_STR(""), &err) == CAPI_CONFLICT);
        CHECK_ERR(err, "was stopped");
        CHECK(capi_run_stop(rig.first, &rig.keyspace, 9, CAPI_STR(""), NULL) == CAPI_NOT_FOUND);
    }
}

TEST(batches_given_back_after_the_stop_are_stopped)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_claim one, two, three;
        capi_err err = {0};

        state_rig_start(&rig);
        open_node(&rig, "read");
        one = claim(&rig, rig.first, "read", "p1");
        two = claim(&rig, rig.first, "read", "p2");
        three = claim(&rig, rig.first, "read", "p3");
        CHECK_OK(capi_run_stop(rig.second, &rig.keyspace, 1, CAPI_STR("s"), &err), err);
        CHECK_INT(finish(rig.first, &one, CAPI_WORK_FAIL), CAPI_OK);
        CHECK_OK(capi_batch_release(rig.first, &two, &err), err);
        CHECK_OK(capi_batch_release(rig.second, &two, &err), err);
        CHECK_INT(batch_state(&rig, "read", 1).status, CAPI_WORK_STOP_RECEIVED);
        CHECK_INT(node_state(&rig, "read").status, CAPI_WORK_START);
        CHECK_OK(capi_process_bury(rig.second, CAPI_STR("p3"), 0, &err), err);
        CHECK_INT(batch_state(&rig, "read", 2).status, CAPI_WORK_STOP_RECEIVED);
        CHECK_INT(batch_state(&rig, "read", 2).deaths, 1);
        CHECK(finish(rig.first, &three, CAPI_WORK_SUCCESS) == CAPI_CONFLICT);
        CHECK_INT(node_state(&rig, "read").status, CAPI_WORK_FAIL); /* a failed batch counts more */
        CHECK_INT(node_state(&rig, "read").batches_done, 3);
    }
}

TEST(a_node_whose_batches_all_ended_before_the_stop_is_sealed_as_ever)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_claim one;
        capi_err err = {0};

        state_rig_start(&rig);
        finish_all(&rig, "out", 1);
        CHECK_OK(capi_run_stop(rig.second, &rig.keyspace, 1, CAPI_STR("s"), &err), err);
        CHECK_INT(node_state(&rig, "out").status, CAPI_WORK_START);
        one = seal(&rig, "out");
        CHECK_INT(seal_finish(rig.second, &one, CAPI_WORK_SUCCESS), CAPI_OK);
        CHECK_INT(node_state(&rig, "out").status, CAPI_WORK_SUCCESS);
    }
}

/* ---- seals ---- */

TEST(a_node_is_sealed_once_when_all_its_batches_are_final)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_claim one, again;
        capi_str survivors[3] = {CAPI_STR("\x03"), {0}, CAPI_STR("\0")};
        const capi_seal_batch retold[3] = {{2, CAPI_STR("two")}, {1, CAPI_STR("never")}, {0, CAPI_STR("none")}};
        capi_seal_result result = {.status = CAPI_WORK_SUCCESS,
                                   .row_count = 12,
                                   .comment = CAPI_STR("ok"),
                                   .survivors = survivors,
                                   .batches = retold};
        capi_node_state node;
        capi_err err = {0};

        state_rig_start(&rig);
        open_node(&rig, "read");
        CHECK(capi_node_seal_claim(rig.first, rig.run.run_uid, CAPI_STR("read"), CAPI_STR("p"), CAPI_STR("o"), &one,
                                   &err) == CAPI_NOT_FOUND);
        finish_all(&rig, "read", 3);
        one = seal(&rig, "read");
        again = seal(&rig, "read");
        CHECK(memcmp(&one, &again, sizeof one) == 0);
        CHECK(node_state(&rig, "read").sealing);
        CHECK(capi_node_seal_claim(rig.second, rig.run.run_uid, CAPI_STR("read"), CAPI_STR("p2"), CAPI_STR("o"), &again,
                                   &err) == CAPI_NOT_FOUND);
        CHECK_OK(capi_node_seal_finish(rig.second, &one, &result, &err), err);
        CHECK_OK(capi_node_seal_finish(rig.first, &one, &result, &err), err);
        CHECK(capi_node_seal_release(rig.first, &one, NULL) == CAPI_CONFLICT);
        node = node_state(&rig, "read");
        CHECK_INT(node.status, CAPI_WORK_SUCCESS);
        CHECK_INT(node.row_count, 12);
        CHECK(!node.sealing);
        CHECK(capi_str_is(node.comment, "ok"));
        CHECK(capi_str_equal(batch_state(&rig, "read", 0).survivors, CAPI_STR("\x03")));
        CHECK_INT(batch_state(&rig, "read", 1).survivors.bytes, 0);
        CHECK(capi_str_equal(batch_state(&rig, "read", 2).survivors, CAPI_STR("\0")));
        CHECK_INT(batch_state(&rig, "read", 0).rows_written, 2);
        CHECK(capi_str_is(batch_state(&rig, "read", 0).comment, "two"));
        CHECK_INT(batch_state(&rig, "read", 1).rows_written, 9); /* all of its rows survive */
        CHECK(capi_str_is(batch_state(&rig, "read", 1).comment, "well"));
        CHECK_INT(batch_state(&rig, "read", 2).rows_written, 0);
        CHECK(capi_str_is(batch_state(&rig, "read", 2).comment, "none"));
    }
}

TEST(a_seal_given_back_or_lost_can_be_claimed_by_another)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_claim one, two, three;
        capi_err err = {0};

        state_rig_start(&rig);
        finish_all(&rig, "out", 1);
        one = seal(&rig, "out");
        CHECK_OK(capi_node_seal_release(rig.second, &one, &err), err);
        CHECK_OK(capi_node_seal_release(rig.second, &one, &err), err);
        CHECK(seal_finish(rig.first, &one, CAPI_WORK_SUCCESS) == CAPI_CONFLICT);
        two = seal(&rig, "out");
        CHECK_INT(two.deaths, 0);
        CHECK(seal_finish(rig.first, &one, CAPI_WORK_SUCCESS) == CAPI_CONFLICT);
        CHECK_OK(capi_process_bury(rig.second, CAPI_STR("p1"), 0, &err), err);
        CHECK(seal_finish(rig.first, &two, CAPI_WORK_SUCCESS) == CAPI_CONFLICT);
        CHECK(capi_node_seal_release(rig.first, &two, NULL) == CAPI_CONFLICT);
        three = seal(&rig, "out");
        CHECK_INT(three.deaths, 1);
        CHECK_INT(seal_finish(rig.first, &three, CAPI_WORK_FAIL), CAPI_OK);
        CHECK_INT(node_state(&rig, "out").status, CAPI_WORK_FAIL);
    }
}

/* ---- processes ---- */

TEST(processes_with_claims_are_listed_with_their_beats)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_process *list;
        uint32_t count;
        capi_err err = {0};

        state_rig_start(&rig);
        CHECK_OK(capi_process_beat(rig.first, CAPI_STR("p2"), &err), err);
        CHECK_OK(capi_process_beat(rig.second, CAPI_STR("p2"), &err), err);
        CHECK_OK(capi_process_beat(rig.second, CAPI_STR("idle"), &err), err);
        CHECK_OK(capi_process_list(rig.first, &rig.arena, &list, &count, &err), err);
        CHECK_INT(count, 0);
        finish_all(&rig, "out", 1);
        seal(&rig, "out");
        open_node(&rig, "read");
        claim(&rig, rig.first, "read", "p2");
        claim(&rig, rig.second, "read", "p2");
        CHECK_OK(capi_process_list(rig.first, &rig.arena, &list, &count, &err), err);
        CHECK_INT(count, 2);
        CHECK(capi_str_is(list[0].process_uid, "p1") && capi_str_is(list[1].process_uid, "p2"));
        CHECK_INT(list[0].beat, 0);
        CHECK_INT(list[0].claim_count, 1);
        CHECK_INT(list[1].beat, 2);
        CHECK_INT(list[1].claim_count, 2);
    }
}

TEST(only_a_process_whose_beat_stands_still_can_be_buried)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_claim late, next;
        capi_process *list;
        uint32_t count;
        capi_err err = {0};

        state_rig_start(&rig);
        open_node(&rig, "read");
        CHECK_OK(capi_process_beat(rig.first, CAPI_STR("p1"), &err), err);
        late = claim(&rig, rig.first, "read", "p1");
        CHECK_OK(capi_process_beat(rig.first, CAPI_STR("p1"), &err), err);
        CHECK(capi_process_bury(rig.second, CAPI_STR("p1"), 1, &err) == CAPI_CONFLICT);
        CHECK_ERR(err, "process \"p1\" is alive: its beat is 2, expected 1");
        CHECK_OK(capi_process_bury(rig.second, CAPI_STR("p1"), 2, &err), err);
        CHECK_OK(capi_process_bury(rig.second, CAPI_STR("p1"), 2, &err), err);
        /* I5: however late it wakes up. */
        CHECK(finish(rig.first, &late, CAPI_WORK_SUCCESS) == CAPI_CONFLICT);
        CHECK(capi_batch_release(rig.first, &late, NULL) == CAPI_CONFLICT);
        next = claim(&rig, rig.second, "read", "p2");
        CHECK_INT(next.batch_idx, 0);
        CHECK_INT(next.deaths, 1);
        CHECK_INT(batch_state(&rig, "read", 0).deaths, 1);
        CHECK(finish(rig.first, &late, CAPI_WORK_SUCCESS) == CAPI_CONFLICT);
        CHECK_INT(finish(rig.second, &next, CAPI_WORK_SUCCESS), CAPI_OK);
        CHECK_OK(capi_process_list(rig.first, &rig.arena, &list, &count, &err), err);
        CHECK_INT(count, 0);
    }
}

TEST(a_process_that_leaves_gives_everything_back_without_a_death)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_claim one;
        capi_err err = {0};

        state_rig_start(&rig);
        open_node(&rig, "read");
        CHECK_OK(capi_process_beat(rig.first, CAPI_STR("p1"), &err), err);
        claim(&rig, rig.first, "read", "p1");
        CHECK_OK(capi_process_leave(rig.first, CAPI_STR("p1"), &err), err);
        CHECK_OK(capi_process_leave(rig.second, CAPI_STR("p1"), &err), err);
        one = claim(&rig, rig.second, "read", "p2");
        CHECK_INT(one.batch_idx, 0);
        CHECK_INT(one.deaths, 0);
        CHECK_OK(capi_process_bury(rig.second, CAPI_STR("p1"), 0, &err), err);
    }
}

TEST(runs_with_very_many_batches_start_stop_and_list_at_once)
{
    state_rig rig;

    FOR_EACH_BACKEND(&rig)
    {
        capi_run_node node = {CAPI_STR("many"), 1000000};
        capi_batch_state *list;
        uint32_t count;
        capi_err err = {0};

        state_rig_start(&rig);
        CHECK_OK(capi_run_start(rig.first, &rig.keyspace, &(capi_run_spec){.nodes = &node, .node_count = 1}, &rig.arena,
                                &rig.run, &err),
                 err);
        open_node(&rig, "many");
        CHECK_INT(claim(&rig, rig.first, "many", "p1").batch_idx, 0);
        CHECK_OK(capi_run_stop(rig.first, &rig.keyspace, 2, CAPI_STR("s"), &err), err);
        CHECK_INT(node_state(&rig, "many").batches_done, 999999);
        CHECK_OK(capi_batch_list(rig.second, rig.run.run_uid, CAPI_STR("many"), true, &rig.arena, &list, &count, &err),
                 err);
        CHECK_INT(count, 1000000);
        CHECK_INT(list[0].status, CAPI_WORK_START);
        CHECK_INT(list[999999].status, CAPI_WORK_STOP_RECEIVED);
    }
}
