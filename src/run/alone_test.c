/* alone_test.c - what an agent does with batches and seals on which processes died, whatever becomes of the process it starts for
 * them. The processes themselves are tested in test/e2e/crashes.py. */
#include "base/test.h"
#include "run/agent.h"
#include "run/engine.h"
#include "run/worker_exec.h"

#include <stdio.h>
#include <string.h>

enum { ENDS_MAX = 8, STEPS_MAX = 2000 };

static const char script_text[] = "nodes:\n"
                                  "  read:\n"
                                  "    type: file_table\n"
                                  "    r:\n"
                                  "      urls: [\"{dir}/in.csv\"]\n"
                                  "      csv: {hdr_line_idx: 0, first_data_line_idx: 1}\n"
                                  "      columns: {c_a: {csv: {col_hdr: a}, col_type: int}}\n"
                                  "    w: {name: t, fields: {a: {expression: r.c_a, type: int}}}\n";

static void put(const char *name, const char *text)
{
    char path[600];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", capi_test_folder(), name);
    file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK(fputs(text, file) >= 0 && fclose(file) == 0);
}

/* A worker whose processes end as the test says; the rest is really done. */
typedef struct rig {
    capi_worker base;
    struct capi_worker_ops ops;
    capi_worker *inner;
    capi_alone_end ends[ENDS_MAX];
    uint32_t end_count, alone_count;
    bool was_seal;
    capi_arena arena;
    capi_engine *engine;
    capi_script *script;
    capi_keyspace keyspace;
    capi_run run;
    capi_agent *agent;
    int64_t now_ns;
    capi_clock clock;
} rig;

static rig *rig_of(capi_worker *base)
{
    return (rig *)base;
}

static bool rig_batch(capi_worker *base, uint32_t slot, const capi_work_item *item, capi_work_outcome *out)
{
    return rig_of(base)->inner->ops->batch(rig_of(base)->inner, slot, item, out);
}

static bool rig_seal(capi_worker *base, uint32_t slot, const capi_work_item *item, capi_work_outcome *out)
{
    return rig_of(base)->inner->ops->seal(rig_of(base)->inner, slot, item, out);
}

static void rig_clear(capi_worker *base, const capi_run *run, const capi_node *node)
{
    rig_of(base)->inner->ops->clear(rig_of(base)->inner, run, node);
}

static void rig_tidy(capi_worker *base, const capi_work_item *item)
{
    rig_of(base)->inner->ops->tidy(rig_of(base)->inner, item);
}

static void rig_discard(capi_worker *base, uint32_t slot)
{
    rig_of(base)->inner->ops->discard(rig_of(base)->inner, slot);
}

/* What a real child would have committed. */
static void commit(rig *here, const capi_work_item *item, bool is_seal, capi_work_outcome *out)
{
    capi_state *state = here->engine->state;
    capi_err err = {0};

    out->status = CAPI_OK;
    out->result = (capi_batch_result){.status = CAPI_WORK_SUCCESS, .rows_read = 2, .rows_written = 2};
    if (is_seal)
        CHECK_OK(capi_node_seal_finish(state, item->claim, &(capi_seal_result){.status = CAPI_WORK_SUCCESS}, &err),
                 err);
    else
        CHECK_OK(capi_batch_finish(state, item->claim, &out->result, &err), err);
}

static capi_alone_end rig_alone(capi_worker *base, uint32_t slot, const capi_work_item *item, bool is_seal,
                                capi_work_outcome *out)
{
    rig *here = rig_of(base);
    capi_alone_end end;

    (void)slot;
    CHECK(here->alone_count < here->end_count);
    end = here->ends[here->alone_count++];
    here->was_seal = is_seal;
    if (end == CAPI_ALONE_COMMITTED) commit(here, item, is_seal, out);
    if (end == CAPI_ALONE_DIED) capi_err_set(&out->err, CAPI_INVALID, "was killed by signal 9 (Killed)");
    if (end == CAPI_ALONE_UNAVAILABLE) capi_err_set(&out->err, CAPI_UNAVAILABLE, "no process");
    return end;
}

static const struct capi_worker_ops rig_ops = {
    .batch = rig_batch,
    .seal = rig_seal,
    .clear = rig_clear,
    .tidy = rig_tidy,
    .discard = rig_discard,
    .alone = rig_alone,
};

static int64_t rig_now(void *context)
{
    return *(int64_t *)context;
}

static void rig_open(rig *here)
{
    capi_str names[] = {CAPI_STR("dir")};
    capi_str values[] = {capi_str_of(capi_test_folder())};
    capi_load_options load = {.set_names = names, .set_values = values, .set_count = 1};
    capi_diags diags;
    capi_err err = {0};

    *here = (rig){.base = {&here->ops}, .ops = rig_ops};
    put("in.csv", "a\n1\n2\n");
    put("s.yaml", script_text);
    load.script_url = capi_str_format(&here->arena, "%s/s.yaml", capi_test_folder());
    capi_diags_init(&diags, &here->arena);
    CHECK(capi_script_load(&load, &here->script, &diags) == CAPI_OK);
    CHECK_OK(capi_engine_open(
                 &(capi_engine_options){.data_folder = capi_str_format(&here->arena, "%s/data", capi_test_folder()),
                                        .thread_count = 1,
                                        .memory_bytes = 256 << 20},
                 &here->engine, &err),
             err);
    CHECK_OK(capi_keyspace_open(here->engine->state, CAPI_STR("test"), true, &here->arena, &here->keyspace, &err), err);
    CHECK_OK(capi_run_begin(here->engine,
                            &(capi_start_options){
                                .keyspace = CAPI_STR("test"), .script = here->script, .start_nodes = CAPI_STR("read")},
                            &here->arena, &here->run, &err),
             err);
    here->inner = capi_worker_exec_new(&here->engine->exec, here->engine->state, 1, NULL);
    here->clock = (capi_clock){.wall_ns = rig_now, .monotonic_ns = rig_now, .context = &here->now_ns};
    here->agent = capi_agent_new(&(capi_agent_options){.state = here->engine->state,
                                                       .clock = &here->clock,
                                                       .random = &capi_random_system,
                                                       .worker = &here->base,
                                                       .process_uid = CAPI_STR("us"),
                                                       .slot_count = 1,
                                                       .keyspace = &here->keyspace,
                                                       .run = &here->run,
                                                       .script = here->script});
}

static void rig_close(rig *here)
{
    capi_agent_free(here->agent);
    capi_worker_exec_free(here->inner);
    capi_engine_close(here->engine);
    capi_script_free(here->script);
    capi_arena_deinit(&here->arena);
}

static capi_batch_state batch_of(rig *here)
{
    capi_batch_state *batches = NULL;
    uint32_t count = 0;
    capi_err err = {0};

    CHECK_OK(capi_batch_list(here->engine->state, here->run.run_uid, CAPI_STR("read"), false, &here->arena, &batches,
                             &count, &err),
             err);
    CHECK_INT(count, 1);
    return batches[0];
}

static capi_node_state node_of(rig *here)
{
    capi_node_state node = {0};
    capi_err err = {0};

    CHECK_OK(capi_node_get(here->engine->state, here->run.run_uid, CAPI_STR("read"), &here->arena, &node, &err), err);
    return node;
}

static bool batch_is_final(rig *here)
{
    return batch_of(here).status >= CAPI_WORK_SUCCESS;
}

static bool node_is_final(rig *here)
{
    return node_of(here).status >= CAPI_WORK_SUCCESS;
}

static bool node_is_open(rig *here)
{
    return node_of(here).status == CAPI_WORK_START;
}

/* One thread makes all steps, and time passes with each. */
static void step_until(rig *here, bool (*is_so)(rig *here))
{
    for (int i = 0; i < STEPS_MAX && !is_so(here); i++) {
        capi_step step;
        capi_err err = {0};

        if (i % 2)
            CHECK_OK(capi_agent_dispatch_step(here->agent, &step, &err), err);
        else
            (void)capi_agent_slot_step(here->agent, 0, &step, &err); /* what may pass is tried again */
        here->now_ns += 20 * 1000000;
    }
    CHECK(is_so(here));
}

static void die_twice(rig *here, bool is_seal)
{
    capi_state *state = here->engine->state;

    for (int i = 0; i < 2; i++) {
        char uid[32];
        capi_claim claim;
        capi_err err = {0};

        snprintf(uid, sizeof uid, "dead%d", i);
        if (is_seal)
            CHECK_OK(capi_node_seal_claim(state, here->run.run_uid, CAPI_STR("read"), capi_str_of(uid), CAPI_STR("op"),
                                          &claim, &err),
                     err);
        else
            CHECK_OK(capi_batch_claim(state, here->run.run_uid, CAPI_STR("read"), capi_str_of(uid), CAPI_STR("op"),
                                      &claim, &err),
                     err);
        CHECK_OK(capi_process_bury(state, capi_str_of(uid), 0, &err), err);
    }
}

/* Opens the node, as another process would. */
static void open_node(rig *here)
{
    capi_node_state opened;
    capi_err err = {0};

    CHECK_OK(capi_node_open(here->engine->state, here->run.run_uid, CAPI_STR("read"), CAPI_STR(""), CAPI_STR(""),
                            &here->arena, &opened, &err),
             err);
    CHECK(node_is_open(here));
}

static void set_ends(rig *here, const capi_alone_end *ends, uint32_t count)
{
    memcpy(here->ends, ends, count * sizeof *ends);
    here->end_count = count;
}

#define ENDS(...) (const capi_alone_end[]){__VA_ARGS__}, sizeof(capi_alone_end[]){__VA_ARGS__} / sizeof(capi_alone_end)

TEST(a_batch_on_which_two_processes_died_is_done_alone)
{
    rig here;

    rig_open(&here);
    open_node(&here);
    die_twice(&here, false);
    set_ends(&here, ENDS(CAPI_ALONE_COMMITTED));
    step_until(&here, node_is_final);
    CHECK_INT(here.alone_count, 1);
    CHECK_INT(batch_of(&here).status, CAPI_WORK_SUCCESS);
    CHECK_INT(node_of(&here).status, CAPI_WORK_SUCCESS);
    rig_close(&here);
}

TEST(a_batch_that_kills_three_processes_of_its_own_fails_however_long_that_takes)
{
    rig here;
    capi_str comment;

    rig_open(&here);
    open_node(&here);
    die_twice(&here, false);
    set_ends(&here, ENDS(CAPI_ALONE_DIED, CAPI_ALONE_DIED, CAPI_ALONE_DIED));
    step_until(&here, batch_is_final);
    CHECK_INT(here.alone_count, 3);
    CHECK_INT(batch_of(&here).status, CAPI_WORK_FAIL);
    comment = batch_of(&here).comment;
    CHECK(capi_str_find(comment, CAPI_STR("5 processes died while working on this batch, the last 3 of them")) >= 0);
    CHECK(capi_str_find(comment, CAPI_STR("the last one was killed by signal 9 (Killed)")) >= 0);
    rig_close(&here);
}

TEST(a_process_that_could_not_be_started_is_tried_again_and_counts_for_nothing)
{
    rig here;

    rig_open(&here);
    open_node(&here);
    die_twice(&here, false);
    set_ends(&here, ENDS(CAPI_ALONE_DIED, CAPI_ALONE_UNAVAILABLE, CAPI_ALONE_DIED, CAPI_ALONE_UNAVAILABLE,
                         CAPI_ALONE_COMMITTED));
    step_until(&here, node_is_final);
    CHECK_INT(here.alone_count, 5);
    CHECK_INT(batch_of(&here).status, CAPI_WORK_SUCCESS);
    rig_close(&here);
}

static bool batch_is_free(rig *here)
{
    return batch_of(here).status == CAPI_WORK_NONE;
}

TEST(told_to_stop_the_batch_is_given_back_with_its_deaths)
{
    rig here;

    rig_open(&here);
    open_node(&here);
    die_twice(&here, false);
    set_ends(&here, ENDS(CAPI_ALONE_STOPPED, CAPI_ALONE_COMMITTED));
    while (here.alone_count == 0) {
        capi_step step;
        capi_err err = {0};

        CHECK_OK(capi_agent_dispatch_step(here.agent, &step, &err), err);
        CHECK_OK(capi_agent_slot_step(here.agent, 0, &step, &err), err);
    }
    step_until(&here, batch_is_free);
    CHECK_INT(batch_of(&here).deaths, 2);
    step_until(&here, node_is_final);
    CHECK_INT(here.alone_count, 2);
    rig_close(&here);
}

TEST(a_seal_on_which_two_processes_died_is_done_alone_and_fails_when_three_more_die)
{
    static const struct {
        capi_alone_end ends[3];
        uint32_t count;
        capi_work_status status;
    } cases[] = {
        {{CAPI_ALONE_COMMITTED}, 1, CAPI_WORK_SUCCESS},
        {{CAPI_ALONE_DIED, CAPI_ALONE_COMMITTED}, 2, CAPI_WORK_SUCCESS},
        {{CAPI_ALONE_DIED, CAPI_ALONE_DIED, CAPI_ALONE_DIED}, 3, CAPI_WORK_FAIL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig here;

        rig_open(&here);
        step_until(&here, batch_is_final);
        CHECK(!node_is_final(&here));
        die_twice(&here, true);
        set_ends(&here, cases[i].ends, cases[i].count);
        step_until(&here, node_is_final);
        CHECK_INT(here.alone_count, cases[i].count);
        CHECK(here.was_seal);
        CHECK_INT(node_of(&here).status, cases[i].status);
        if (cases[i].status == CAPI_WORK_FAIL)
            CHECK(capi_str_find(node_of(&here).comment, CAPI_STR("5 processes died while they sealed this node")) >= 0);
        rig_close(&here);
    }
}
