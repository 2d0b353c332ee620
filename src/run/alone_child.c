/* alone_child.c - the child's side: an agent that is given its claim, works on it to the end, and takes no other. */
#include "run/alone.h"
#include "run/engine.h"
#include "run/worker_exec.h"
#include "run/worker_observed.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

typedef struct alone_child {
    capi_arena arena;
    capi_keyspace keyspace;
    capi_run run;
    capi_claim claim;
    bool is_seal;
    capi_script *script;
    capi_buf answer;
} alone_child;

static void copy_text(char *to, size_t bytes, const char *from)
{
    snprintf(to, bytes, "%s", from);
}

static void take_claim(alone_child *child, const char *const words[CAPI_ALONE_WORDS])
{
    capi_claim *claim = &child->claim;

    copy_text(claim->run_uid, sizeof claim->run_uid, words[CAPI_ALONE_RUN_UID]);
    copy_text(claim->attempt_uid, sizeof claim->attempt_uid, words[CAPI_ALONE_ATTEMPT_UID]);
    copy_text(claim->node, sizeof claim->node, words[CAPI_ALONE_NODE]);
    claim->batch_idx = (uint32_t)strtoul(words[CAPI_ALONE_BATCH_IDX], NULL, 10);
    claim->batches_total = (uint32_t)strtoul(words[CAPI_ALONE_BATCHES_TOTAL], NULL, 10);
    claim->deaths = (uint32_t)strtoul(words[CAPI_ALONE_DEATHS], NULL, 10);
    child->is_seal = capi_str_is(CAPI_STR("seal"), words[CAPI_ALONE_KIND]);
}

/* The keyspace and the run may have gone since the claim was made: then it is lost. */
static capi_status find_run(alone_child *child, capi_state *state, const char *const words[CAPI_ALONE_WORDS],
                            capi_err *err)
{
    uint32_t run_id = (uint32_t)strtoul(words[CAPI_ALONE_RUN_ID], NULL, 10);
    capi_keyspace *keyspaces = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_keyspace_list(state, &child->arena, &keyspaces, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        if (!capi_str_is(keyspaces[i].uid, words[CAPI_ALONE_KEYSPACE_UID])) continue;
        child->keyspace = keyspaces[i];
        CAPI_TRY(capi_run_get(state, &keyspaces[i], run_id, &child->arena, &child->run, err));
        if (capi_str_is(child->run.run_uid, words[CAPI_ALONE_RUN_UID])) return CAPI_OK;
    }
    return capi_err_set(err, CAPI_NOT_FOUND, "run %u was dropped", run_id);
}

static void on_report(void *context, const capi_batch_report *report)
{
    alone_child *child = context;
    const capi_batch_result *result = &report->outcome->result;
    bool is_failed = report->what == CAPI_REPORT_FAILED;

    if (report->what == CAPI_REPORT_RETRY) return;
    capi_buf_clear(&child->answer);
    if (report->what != CAPI_REPORT_OK && !is_failed) {
        capi_buf_append_text(&child->answer, "lost\n");
        return;
    }
    capi_buf_printf(&child->answer, "committed %d %llu %llu %llu\n%s", is_failed ? CAPI_WORK_FAIL : CAPI_WORK_SUCCESS,
                    (unsigned long long)result->rows_read, (unsigned long long)result->rows_written,
                    (unsigned long long)result->bytes_written, is_failed ? report->outcome->err.text : "");
}

static void sleep_until(int64_t ns)
{
    struct timespec until = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
        continue;
}

static capi_status work(alone_child *child, capi_engine *engine, capi_err *err)
{
    capi_worker *worker = capi_worker_exec_new(&engine->exec, engine->state, 1, NULL);
    capi_worker *observed = capi_worker_observed_new(worker, engine->state, 1, on_report, child);
    capi_agent *agent = capi_agent_new(&(capi_agent_options){
        .state = engine->state,
        .clock = &capi_clock_system,
        .random = &capi_random_system,
        .worker = observed,
        .process_uid = capi_str_of(engine->process_uid),
        .slot_count = 1,
        .lease_ns = engine->lease_ns,
        .patience_ns = engine->patience_ns,
        .keyspace = &child->keyspace,
        .run = &child->run,
        .script = child->script,
    });
    capi_status st = capi_agent_adopt(agent, &child->claim, child->is_seal, err);

    while (st == CAPI_OK && !capi_agent_is_idle(agent)) {
        capi_step step;

        st = capi_agent_slot_step(agent, 0, &step, err);
        if (st == CAPI_UNAVAILABLE) st = CAPI_OK; /* it is tried again */
        if (step.again_ns) sleep_until(step.again_ns);
    }
    capi_agent_free(agent);
    capi_worker_observed_free(observed);
    capi_worker_exec_free(worker);
    return st;
}

static capi_status do_words(alone_child *child, capi_engine *engine, const char *const words[CAPI_ALONE_WORDS],
                            capi_str custom_processors_json, capi_err *err)
{
    take_claim(child, words);
    CAPI_TRY(find_run(child, engine->state, words, err));
    CAPI_TRY(capi_run_script_with(engine->state, &child->run, custom_processors_json, &child->script, err));
    return work(child, engine, err);
}

capi_status capi_alone_work(capi_engine *engine, const char *const words[CAPI_ALONE_WORDS],
                            capi_str custom_processors_json, int answer_fd, capi_err *err)
{
    alone_child child = {0};
    capi_status st = do_words(&child, engine, words, custom_processors_json, err);
    capi_str answer;

    if (st == CAPI_NOT_FOUND || st == CAPI_CONFLICT) {
        capi_buf_clear(&child.answer);
        capi_buf_append_text(&child.answer, "lost\n");
        st = CAPI_OK;
    }
    answer = capi_buf_str(&child.answer);
    if (st == CAPI_OK && write(answer_fd, answer.data, answer.bytes) != (ssize_t)answer.bytes)
        st = capi_err_set(err, CAPI_UNAVAILABLE, "the parent does not listen");
    if (child.script) capi_script_free(child.script);
    capi_buf_deinit(&child.answer);
    capi_arena_deinit(&child.arena);
    return st;
}
