/* late_rename_test.c - a process sleeps (SIGSTOP) between its last look at its claim and the renaming of its file; its run is
 * stopped, another run writes the same file, then it wakes. */
#include "base/file.h"
#include "base/test.h"
#include "run/agent_threads.h"
#include "run/engine.h"
#include "run/worker_exec.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LEASE_MS = 200, PATIENCE_MS = 60000, LOOK_MS = 10 };

static const char script_text[] =
    "nodes:\n"
    "  read:\n"
    "    type: file_table\n"
    "    r:\n"
    "      urls: [\"{dir}/in.csv\"]\n"
    "      csv: {hdr_line_idx: 0, first_data_line_idx: 1}\n"
    "      columns: {c_a: {csv: {col_hdr: a}, col_type: int}}\n"
    "    w: {name: t, fields: {a: {expression: r.c_a, type: int}}}\n"
    "  write:\n"
    "    type: table_file\n"
    "    r: {table: t}\n"
    "    w:\n"
    "      url_template: \"{dir}/out.csv\"\n"
    "      columns: [{name: a, expression: r.a, type: int, csv: {header: a, format: \"%d\"}}]\n";

static const char *in_folder(const char *name)
{
    static char path[600];

    snprintf(path, sizeof path, "%s/%s", capi_test_folder(), name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "w");

    CHECK(file != NULL);
    CHECK(fputs(text, file) >= 0);
    CHECK(fclose(file) == 0);
}

static void check_output(const char *expected)
{
    capi_arena arena = {0};
    capi_str text;
    capi_err err = {0};

    CHECK_OK(capi_file_read_all(in_folder("out.csv"), 1000, &arena, &text, &err), err);
    CHECK_STR(text.data, expected);
    capi_arena_deinit(&arena);
}

/* One process's engine with the script. */
typedef struct place {
    capi_arena arena;
    capi_engine *engine;
    capi_script *script;
    capi_keyspace keyspace;
} place;

static void place_open(place *here)
{
    capi_str names[] = {CAPI_STR("dir")};
    capi_str values[] = {capi_str_of(capi_test_folder())};
    capi_load_options load = {.set_names = names, .set_values = values, .set_count = 1};
    capi_diags diags;
    capi_err err = {0};

    *here = (place){0};
    load.script_url = capi_str_copy(&here->arena, capi_str_of(in_folder("s.yaml")));
    capi_diags_init(&diags, &here->arena);
    CHECK(capi_script_load(&load, &here->script, &diags) == CAPI_OK);
    CHECK_OK(capi_engine_open(
                 &(capi_engine_options){.data_folder = capi_str_copy(&here->arena, capi_str_of(in_folder("data"))),
                                        .thread_count = 1,
                                        .memory_bytes = 256 << 20,
                                        .lease_ms = LEASE_MS},
                 &here->engine, &err),
             err);
    CHECK_OK(capi_keyspace_open(here->engine->state, CAPI_STR("test"), true, &here->arena, &here->keyspace, &err), err);
}

static void place_close(place *here)
{
    capi_engine_close(here->engine);
    capi_script_free(here->script);
    capi_arena_deinit(&here->arena);
}

static capi_status begin(place *here, capi_run *run, capi_err *err)
{
    capi_start_options options = {
        .keyspace = CAPI_STR("test"), .script = here->script, .start_nodes = CAPI_STR("read")};

    return capi_run_begin(here->engine, &options, &here->arena, run, err);
}

/* ---- the process that sleeps ---- */

typedef struct sleeper {
    capi_worker base;
    capi_worker *inner;
} sleeper;

static capi_worker *inner_of(capi_worker *base)
{
    return ((sleeper *)base)->inner;
}

static bool sleeper_batch(capi_worker *base, uint32_t slot, const capi_work_item *item, capi_work_outcome *out)
{
    return inner_of(base)->ops->batch(inner_of(base), slot, item, out);
}

static capi_status sleeper_rename(capi_worker *base, uint32_t slot, capi_err *err)
{
    capi_status st;

    (void)raise(SIGSTOP); /* the whole process: it does not beat either */
    st = inner_of(base)->ops->rename(inner_of(base), slot, err);
    _exit(st == CAPI_OK ? 10 : st == CAPI_NOT_FOUND ? 11 : 12);
}

static bool sleeper_seal(capi_worker *base, uint32_t slot, const capi_work_item *item, capi_work_outcome *out)
{
    return inner_of(base)->ops->seal(inner_of(base), slot, item, out);
}

static void sleeper_clear(capi_worker *base, const capi_run *run, const capi_node *node)
{
    inner_of(base)->ops->clear(inner_of(base), run, node);
}

static void sleeper_tidy(capi_worker *base, const capi_work_item *item)
{
    inner_of(base)->ops->tidy(inner_of(base), item);
}

static void sleeper_discard(capi_worker *base, uint32_t slot)
{
    inner_of(base)->ops->discard(inner_of(base), slot);
}

static const struct capi_worker_ops sleeper_ops = {
    .batch = sleeper_batch,
    .rename = sleeper_rename,
    .seal = sleeper_seal,
    .clear = sleeper_clear,
    .tidy = sleeper_tidy,
    .discard = sleeper_discard,
};

/* Starts run 1 and works on it until it sleeps. Never returns. */
static void be_sleeper(void)
{
    place here;
    sleeper worker = {.base.ops = &sleeper_ops};
    capi_agent_threads *threads;
    capi_run run;

    place_open(&here);
    worker.inner = capi_worker_exec_new(&here.engine->exec, here.engine->state, 1, NULL);
    if (begin(&here, &run, NULL) != CAPI_OK) _exit(20);
    if (capi_agent_threads_start(&(capi_agent_options){.state = here.engine->state,
                                                       .clock = &capi_clock_system,
                                                       .random = &capi_random_system,
                                                       .worker = &worker.base,
                                                       .process_uid = capi_str_of(here.engine->process_uid),
                                                       .slot_count = 1,
                                                       .lease_ns = here.engine->lease_ns,
                                                       .keyspace = &here.keyspace,
                                                       .run = &run,
                                                       .script = here.script},
                                 NULL, &threads, NULL) != CAPI_OK)
        _exit(21);
    for (;;)
        pause();
}

static pid_t fall_asleep(void)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody asleep */
        be_sleeper();
    }
    CHECK(child > 0);
    CHECK(waitpid(child, &status, WUNTRACED) == child);
    CHECK(WIFSTOPPED(status));
    return child;
}

/* Its exit code tells what became of its rename. */
static int wake_up(pid_t child)
{
    int status = 0;

    CHECK(kill(child, SIGCONT) == 0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* ---- the others ---- */

/* Refused until somebody has buried the sleeper: its run may still write the file. */
static void begin_second(place *here, capi_run *run)
{
    capi_err err = {0};
    capi_status st = CAPI_CONFLICT;

    for (int waited_ms = 0; st == CAPI_CONFLICT && waited_ms < PATIENCE_MS; waited_ms += LOOK_MS) {
        st = begin(here, run, &err);
        if (st == CAPI_CONFLICT) usleep(LOOK_MS * 1000);
    }
    CHECK_OK(st, err);
}

static void work(place *here, capi_run *run)
{
    capi_work_result result = {0};
    capi_err err = {0};

    CHECK_OK(capi_run_work(here->engine,
                           &(capi_work_options){
                               .script = here->script, .keyspace = &here->keyspace, .run = run, .interval_ms = LOOK_MS},
                           &here->arena, &result, &err),
             err);
    CHECK_INT(result.nodes_failed, 0);
    CHECK_INT(result.nodes_waiting, 0);
}

static void prepare(void)
{
    put("s.yaml", script_text);
    put("in.csv", "a\n1\n");
}

/* Somebody who watches processes, as any daemon does: the beat steps of an agent without work. */
static void bury_sleeper(place *here)
{
    capi_process *processes;
    uint32_t count = 1;
    capi_err err = {0};

    for (int waited_ms = 0; count && waited_ms < PATIENCE_MS; waited_ms += LOOK_MS) {
        CHECK_OK(capi_process_list(here->engine->state, &here->arena, &processes, &count, &err), err);
        if (waited_ms > 2 * LEASE_MS && count)
            CHECK_OK(capi_process_bury(here->engine->state, processes[0].process_uid, processes[0].beat, &err), err);
        usleep(LOOK_MS * 1000);
    }
    CHECK_INT(count, 0);
}

TEST(who_sleeps_before_it_renames_a_file_of_a_stopped_run_does_not_overwrite_the_next_run)
{
    place here;
    capi_run run;
    pid_t child;
    capi_err err = {0};

    prepare();
    child = fall_asleep();
    place_open(&here);
    put("in.csv", "a\n2\n");
    CHECK_OK(capi_run_stop(here.engine->state, &here.keyspace, 1, CAPI_STR("enough"), &err), err);
    CHECK(begin(&here, &run, &err) == CAPI_CONFLICT);
    bury_sleeper(&here);
    begin_second(&here, &run);
    work(&here, &run);
    check_output("a\r\n2\n");
    CHECK_INT(wake_up(child), 11);
    check_output("a\r\n2\n");
    place_close(&here);
}

TEST(who_sleeps_before_it_renames_a_file_that_another_has_made_meanwhile_changes_nothing)
{
    place here;
    capi_run run;
    pid_t child;
    capi_err err = {0};

    prepare();
    child = fall_asleep();
    place_open(&here);
    CHECK_OK(capi_run_get(here.engine->state, &here.keyspace, 1, &here.arena, &run, &err), err);
    work(&here, &run);
    check_output("a\r\n1\n");
    put("in.csv", "a\n2\n");
    begin_second(&here, &run);
    work(&here, &run);
    CHECK_INT(wake_up(child), 11);
    check_output("a\r\n2\n");
    place_close(&here);
}
