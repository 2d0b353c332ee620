/* state_property_test.c - random sequences of operations on the memory backend and on SQLite side by side: every answer
 * must be the same, ids and words included. Both draw ids from generators with the same seed, so they stay in step as
 * long as they decide the same. */
#include "store/state_testing.h"

#include <stdio.h>

enum { PROPERTY_STEPS = 1500, PROPERTY_ROUNDS = 6, CLAIMS_KEPT = 24, NODES = 3, PROCESSES = 3 };

typedef struct side {
    capi_state *state; /* the handle in use: SQLite has two */
    capi_state *handles[2];
    capi_random_seeded seed;
    capi_random random;
    capi_keyspace keyspace; /* as last opened */
    capi_run run;           /* as last started */
    capi_claim claims[CLAIMS_KEPT];
    capi_claim seals[CLAIMS_KEPT];
} side;

typedef struct pair {
    test_clock time;
    capi_clock clock;
    side sides[2];
    capi_arena arena;
    capi_random_seeded seed;
    capi_random random; /* of the test itself */
    capi_buf answers[2];
    uint32_t operation;
} pair;

static uint32_t draw(pair *both, uint32_t below)
{
    return (uint32_t)(both->random.next(both->random.context) % below);
}

static void pair_open(pair *both, uint64_t seed)
{
    capi_err err = {0};

    *both = (pair){.time.wall_ms = 1700000000000};
    both->clock = (capi_clock){.wall_ns = test_wall_ns, .monotonic_ns = test_wall_ns, .context = &both->time};
    both->random = capi_random_from_seed(&both->seed, seed);
    for (int i = 0; i < 2; i++)
        both->sides[i].random = capi_random_from_seed(&both->sides[i].seed, seed + 1);
    CHECK_OK(capi_state_open_memory(&both->clock, &both->sides[0].random, &both->sides[0].handles[0], &err), err);
    both->sides[0].handles[1] = both->sides[0].handles[0];
    for (int i = 0; i < 2; i++)
        CHECK_OK(capi_state_open_sqlite(capi_str_of(capi_test_folder()), &both->clock, &both->sides[1].random,
                                        &both->sides[1].handles[i], &err),
                 err);
}

static void pair_close(pair *both)
{
    char path[400];

    capi_state_close(both->sides[0].handles[0]);
    capi_state_close(both->sides[1].handles[0]);
    capi_state_close(both->sides[1].handles[1]);
    capi_arena_deinit(&both->arena);
    for (int i = 0; i < 2; i++)
        capi_buf_deinit(&both->answers[i]);
    snprintf(path, sizeof path, "%s/state.db", capi_test_folder());
    remove(path);
}

/* ---- answers as text ---- */

static void say_str(capi_buf *to, capi_str text)
{
    capi_buf_printf(to, "%zu:", text.bytes);
    capi_buf_append_str(to, text);
    capi_buf_append_byte(to, ' ');
}

static void say_number(capi_buf *to, int64_t number)
{
    capi_buf_printf(to, "%lld ", (long long)number);
}

static void say_status(capi_buf *to, capi_status status, const capi_err *err)
{
    capi_buf_printf(to, "%s ", capi_status_name(status));
    /* The store's own name differs. */
    if (status != CAPI_OK && !strstr(err->text, "unknown keyspace")) capi_buf_append_text(to, err->text);
    capi_buf_append_byte(to, '\n');
}

static void say_claim(capi_buf *to, const capi_claim *claim)
{
    capi_buf_printf(to, "claim %s %s %s %u/%u deaths %u %d\n", claim->run_uid, claim->attempt_uid, claim->node,
                    claim->batch_idx, claim->batches_total, claim->deaths, claim->publishing);
}

static void say_run(capi_buf *to, const capi_run *run)
{
    const capi_str texts[] = {run->run_uid,    run->keyspace_uid,     run->script_url,
                              run->params_url, run->start_nodes,      run->description,
                              run->owner,      run->complete_comment, run->stop_comment};
    const int64_t numbers[] = {run->run_id, run->mode, run->status, run->start_ms, run->complete_ms, run->stop_ms};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        say_str(to, texts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        say_number(to, numbers[i]);
    capi_buf_append_byte(to, '\n');
}

static void say_node(capi_buf *to, const capi_node_state *node)
{
    const int64_t numbers[] = {node->batches_total,   node->batches_done, node->batches_failed,
                               node->batches_claimed, node->status,       node->start_ms,
                               node->final_ms,        node->sealing,      (int64_t)node->row_count};

    say_str(to, node->name);
    say_str(to, node->reader_run_uid);
    say_str(to, node->lookup_run_uid);
    say_str(to, node->comment);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        say_number(to, numbers[i]);
    capi_buf_append_byte(to, '\n');
}

static void say_batch(capi_buf *to, const capi_batch_state *batch)
{
    const capi_str texts[] = {batch->owner, batch->attempt_uid, batch->extents, batch->survivors, batch->comment};
    const int64_t numbers[] = {batch->batch_idx,
                               batch->batches_total,
                               batch->status,
                               (int64_t)batch->rows_read,
                               (int64_t)batch->rows_written,
                               (int64_t)batch->bytes_written,
                               batch->first_token,
                               batch->last_token,
                               batch->start_ms,
                               batch->final_ms,
                               batch->deaths};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        say_str(to, texts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        say_number(to, numbers[i]);
    capi_buf_append_byte(to, '\n');
}

/* ---- everything that can be seen ---- */

static void say_nodes(capi_buf *to, side *one, capi_arena *arena)
{
    capi_node_state *nodes = NULL;
    uint32_t count = 0;
    capi_err err = {0};

    say_status(to, capi_node_list(one->state, one->run.run_uid, arena, &nodes, &count, &err), &err);
    for (uint32_t i = 0; i < count; i++) {
        capi_batch_state *batches = NULL;
        uint32_t batch_count = 0;

        say_node(to, &nodes[i]);
        say_status(
            to, capi_batch_list(one->state, one->run.run_uid, nodes[i].name, true, arena, &batches, &batch_count, &err),
            &err);
        for (uint32_t k = 0; k < batch_count; k++)
            say_batch(to, &batches[k]);
    }
}

static void say_everything(capi_buf *to, side *one, capi_arena *arena)
{
    capi_keyspace *keyspaces = NULL;
    capi_process *processes = NULL;
    capi_run *runs = NULL;
    uint32_t count = 0;
    capi_err err = {0};

    say_status(to, capi_keyspace_list(one->state, arena, &keyspaces, &count, &err), &err);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t run_count = 0;

        say_str(to, keyspaces[i].name);
        say_str(to, keyspaces[i].uid);
        say_status(to, capi_run_list(one->state, &keyspaces[i], arena, &runs, &run_count, &err), &err);
        for (uint32_t k = 0; k < run_count; k++)
            say_run(to, &runs[k]);
    }
    say_status(to, capi_process_list(one->state, arena, &processes, &count, &err), &err);
    for (uint32_t i = 0; i < count; i++) {
        say_str(to, processes[i].process_uid);
        say_number(to, (int64_t)processes[i].beat);
        say_number(to, processes[i].claim_count);
    }
    say_nodes(to, one, arena);
}

/* ---- one random operation ---- */

typedef struct choice { /* the same for both sides */
    uint32_t kind, slot, number;
    uint32_t handle;
    bool flag;
    char operation[24];
    capi_str node, process, keyspace;
} choice;

static choice choose(pair *both)
{
    static const char *const nodes[NODES + 1] = {"a", "b", "c", "nope"};
    static const char *const processes[PROCESSES] = {"p1", "p2", "p3"};
    static const char *const keyspaces[] = {"ks", "ks", "ks", "ks", "ks2"};
    choice out = {.kind = draw(both, 100), .slot = draw(both, CLAIMS_KEPT), .number = draw(both, 8)};

    out.flag = draw(both, 3) == 0;
    out.handle = draw(both, 2);
    out.node = capi_str_of(nodes[draw(both, 40) == 0 ? NODES : draw(both, NODES)]);
    out.process = capi_str_of(processes[draw(both, PROCESSES)]);
    out.keyspace = capi_str_of(keyspaces[draw(both, 5)]);
    /* Now and then an operation is repeated. */
    snprintf(out.operation, sizeof out.operation, "op%u", draw(both, 6) ? both->operation++ : both->operation);
    return out;
}

static void do_run_start(side *one, const choice *what, capi_arena *arena, capi_buf *to)
{
    static const capi_run_node nodes[NODES] = {{CAPI_STR("a"), 4}, {CAPI_STR("b"), 1}, {CAPI_STR("c"), 7}};
    const capi_str target[1] = {what->flag ? CAPI_STR("/x") : CAPI_STR("/y")};
    const capi_snapshot_file file = {CAPI_STR("script"), CAPI_STR("u"), CAPI_STR("text")};
    capi_run_spec spec = {.operation_uid = capi_str_of(what->operation),
                          .owner = what->process,
                          .nodes = nodes,
                          .node_count = NODES,
                          .files = &file,
                          .file_count = 1,
                          .targets = target,
                          .target_count = what->number == 0};
    capi_run run;
    capi_err err = {0};
    capi_status st = capi_run_start(one->state, &one->keyspace, &spec, arena, &run, &err);

    say_status(to, st, &err);
    if (st != CAPI_OK) return;
    one->run = run;
    say_run(to, &run);
}

static void do_claim(side *one, const choice *what, bool is_seal, capi_buf *to)
{
    capi_claim *claim = is_seal ? &one->seals[what->slot] : &one->claims[what->slot];
    capi_claim out;
    capi_err err = {0};
    capi_status st = (is_seal ? capi_node_seal_claim : capi_batch_claim)(
        one->state, one->run.run_uid, what->node, what->process, capi_str_of(what->operation), &out, &err);

    say_status(to, st, &err);
    if (st != CAPI_OK) return;
    *claim = out;
    say_claim(to, claim);
}

static void do_finish(side *one, const choice *what, capi_buf *to)
{
    capi_batch_result result = {.status = what->flag ? CAPI_WORK_FAIL : CAPI_WORK_SUCCESS,
                                .extents = what->number ? CAPI_STR("\1\2\0\3") : (capi_str){0},
                                .rows_read = what->number,
                                .rows_written = UINT64_MAX,
                                .first_token = what->number,
                                .last_token = -1,
                                .comment = what->process};
    capi_err err = {0};

    say_status(to, capi_batch_finish(one->state, &one->claims[what->slot], &result, &err), &err);
}

static void do_seal_finish(side *one, const choice *what, capi_buf *to)
{
    const capi_str survivors[8] = {CAPI_STR("a"), {0}, CAPI_STR("\0b")};
    const capi_seal_batch retold[8] = {{1, CAPI_STR("one")}};
    capi_seal_result result = {.status = what->flag ? CAPI_WORK_FAIL : CAPI_WORK_SUCCESS,
                               .row_count = what->number,
                               .comment = what->process,
                               .survivors = what->number > 3 ? survivors : NULL,
                               .batches = what->number > 4 ? retold : NULL};
    capi_err err = {0};

    say_status(to, capi_node_seal_finish(one->state, &one->seals[what->slot], &result, &err), &err);
}

static void do_node(side *one, const choice *what, capi_arena *arena, capi_buf *to)
{
    capi_node_state node;
    capi_err err = {0};
    capi_status st;

    if (what->flag && what->number < 2) {
        say_status(to, capi_node_refuse(one->state, one->run.run_uid, what->node, what->process, &err), &err);
        return;
    }
    st = capi_node_open(one->state, one->run.run_uid, what->node, what->process, CAPI_STR("l"), arena, &node, &err);
    say_status(to, st, &err);
    if (st == CAPI_OK) say_node(to, &node);
}

static void do_publish(side *one, const choice *what, capi_arena *arena, capi_buf *to)
{
    const capi_claim *claim = &one->claims[what->slot];
    capi_str staged, target;
    capi_err err = {0};
    capi_status st;

    if (what->flag) {
        say_status(to, capi_batch_publish(one->state, claim, what->process, what->node, &err), &err);
        return;
    }
    st = capi_batch_publication(one->state, claim, arena, &staged, &target, &err);
    say_status(to, st, &err);
    if (st != CAPI_OK) return;
    say_str(to, staged);
    say_str(to, target);
}

static void do_process(side *one, const choice *what, capi_buf *to)
{
    capi_err err = {0};

    if (what->number < 5)
        say_status(to, capi_process_beat(one->state, what->process, &err), &err);
    else if (what->number < 7)
        say_status(to, capi_process_bury(one->state, what->process, what->slot, &err), &err);
    else
        say_status(to, capi_process_leave(one->state, what->process, &err), &err);
}

static void do_keyspace(side *one, const choice *what, capi_arena *arena, capi_buf *to)
{
    capi_str uid;
    capi_keyspace keyspace;
    capi_err err = {0};
    capi_status st;

    if (what->number == 0 && what->flag) {
        st = capi_keyspace_drop(one->state, what->keyspace, arena, &uid, &err);
        say_status(to, st, &err);
        if (st == CAPI_OK) say_str(to, uid);
        return;
    }
    st = capi_keyspace_open(one->state, what->keyspace, what->flag, arena, &keyspace, &err);
    say_status(to, st, &err);
    if (st != CAPI_OK) return;
    one->keyspace = keyspace;
    say_str(to, keyspace.uid);
}

static void do_run_end(side *one, const choice *what, capi_arena *arena, capi_buf *to)
{
    uint32_t run_id = what->flag ? one->run.run_id : what->number;
    capi_str uid;
    capi_err err = {0};

    if (what->kind < 2)
        say_status(to, capi_run_stop(one->state, &one->keyspace, run_id, what->process, &err), &err);
    else if (what->kind < 4)
        say_status(to, capi_run_complete(one->state, one->run.run_uid, what->process, &err), &err);
    else
        say_status(to, capi_run_forget(one->state, &one->keyspace, run_id, arena, &uid, &err), &err);
}

static void do_one(side *one, const choice *what, capi_arena *arena, capi_buf *to)
{
    capi_err err = {0};

    one->state = one->handles[what->handle];
    if (what->kind < 5)
        do_run_end(one, what, arena, to);
    else if (what->kind < 8)
        do_keyspace(one, what, arena, to);
    else if (what->kind < 12)
        do_run_start(one, what, arena, to);
    else if (what->kind < 22)
        do_node(one, what, arena, to);
    else if (what->kind < 50)
        do_claim(one, what, false, to);
    else if (what->kind < 68)
        do_finish(one, what, to);
    else if (what->kind < 74)
        say_status(to, capi_batch_release(one->state, &one->claims[what->slot], &err), &err);
    else if (what->kind < 78)
        do_publish(one, what, arena, to);
    else if (what->kind < 84)
        do_claim(one, what, true, to);
    else if (what->kind < 90)
        do_seal_finish(one, what, to);
    else if (what->kind < 92)
        say_status(to, capi_node_seal_release(one->state, &one->seals[what->slot], &err), &err);
    else
        do_process(one, what, to);
}

static void compare_answers(const pair *both, uint32_t step, uint32_t kind)
{
    if (capi_str_equal(capi_buf_str(&both->answers[0]), capi_buf_str(&both->answers[1]))) return;
    capi_test_fail(__FILE__, __LINE__, "step %u, kind %u: memory says\n%.*s\nSQLite says\n%.*s", step, kind,
                   CAPI_STR_ARG(capi_buf_str(&both->answers[0])), CAPI_STR_ARG(capi_buf_str(&both->answers[1])));
}

TEST(both_backends_give_the_same_answers_to_any_sequence_of_operations)
{
    for (uint64_t round = 0; round < PROPERTY_ROUNDS; round++) {
        pair both;

        pair_open(&both, 1000 + round * 17);
        for (uint32_t step = 0; step < PROPERTY_STEPS; step++) {
            choice what = choose(&both);

            both.time.wall_ms += draw(&both, 5);
            for (int i = 0; i < 2; i++) {
                capi_buf_clear(&both.answers[i]);
                do_one(&both.sides[i], &what, &both.arena, &both.answers[i]);
                if (step % 10 == 0) say_everything(&both.answers[i], &both.sides[i], &both.arena);
            }
            compare_answers(&both, step, what.kind);
        }
        pair_close(&both);
    }
}
