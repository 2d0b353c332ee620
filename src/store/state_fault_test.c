/* state_fault_test.c - SQLite's own calls fail, one after the other, and the power is cut at every write. What was answered must be
 * there afterwards, and nothing by half. The memory backend, which does the same operations undisturbed, says what must be there. */
#include "store/state_fault_vfs_test.h"
#include "store/state_testing.h"

#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 8, BATCHES = 3 };

typedef struct script { /* a life of two runs, one operation a step */
    capi_state *state;
    capi_arena arena;
    capi_keyspace keyspace;
    capi_run run;
    capi_claim claims[BATCHES];
    capi_claim seal;
} script;

typedef capi_status (*step_fn)(script *s, int argument, capi_err *err);

static capi_status make_keyspace(script *s, int argument, capi_err *err)
{
    (void)argument;
    return capi_keyspace_open(s->state, CAPI_STR("ks"), true, &s->arena, &s->keyspace, err);
}

static capi_status start(script *s, int argument, capi_err *err)
{
    capi_run_node nodes[] = {{CAPI_STR("read"), BATCHES}, {CAPI_STR("write"), 1}};
    capi_snapshot_file file = {CAPI_STR("script"), CAPI_STR("s.yaml"), CAPI_STR("nodes: {}")};
    capi_str target = CAPI_STR("/out/" CAPI_TARGET_RUN_ID ".csv");
    char operation[16];

    snprintf(operation, sizeof operation, "start-%d", argument);
    return capi_run_start(s->state, &s->keyspace,
                          &(capi_run_spec){.operation_uid = capi_str_of(operation),
                                           .script_url = CAPI_STR("s.yaml"),
                                           .start_nodes = CAPI_STR("read"),
                                           .owner = CAPI_STR("p1"),
                                           .nodes = nodes,
                                           .node_count = 2,
                                           .files = &file,
                                           .file_count = 1,
                                           .targets = &target,
                                           .target_count = 1},
                          &s->arena, &s->run, err);
}

static const char *const node_names[] = {"read", "write"};

static capi_status open_node(script *s, int argument, capi_err *err)
{
    capi_node_state out;

    return capi_node_open(s->state, s->run.run_uid, capi_str_of(node_names[argument]), (capi_str){0}, (capi_str){0},
                          &s->arena, &out, err);
}

static capi_status claim(script *s, int argument, capi_err *err)
{
    char operation[32];

    snprintf(operation, sizeof operation, "claim-%u-%d", s->run.run_id, argument);
    return capi_batch_claim(s->state, s->run.run_uid, capi_str_of(node_names[argument / BATCHES]), CAPI_STR("p1"),
                            capi_str_of(operation), &s->claims[argument % BATCHES], err);
}

static capi_status publish(script *s, int argument, capi_err *err)
{
    return capi_batch_publish(s->state, &s->claims[argument % BATCHES], CAPI_STR("/out/.x.tmp"), CAPI_STR("/out/x"),
                              err);
}

static capi_status finish(script *s, int argument, capi_err *err)
{
    static char extents[6000];

    memset(extents, 'e', sizeof extents);
    return capi_batch_finish(s->state, &s->claims[argument % BATCHES],
                             &(capi_batch_result){.status = CAPI_WORK_SUCCESS,
                                                  .extents = {extents, sizeof extents},
                                                  .rows_read = 10,
                                                  .comment = CAPI_STR("well")},
                             err);
}

static capi_status seal_claim(script *s, int argument, capi_err *err)
{
    char operation[32];

    snprintf(operation, sizeof operation, "seal-%u-%d", s->run.run_id, argument);
    return capi_node_seal_claim(s->state, s->run.run_uid, capi_str_of(node_names[argument]), CAPI_STR("p1"),
                                capi_str_of(operation), &s->seal, err);
}

static capi_status seal_finish(script *s, int argument, capi_err *err)
{
    (void)argument;
    return capi_node_seal_finish(
        s->state, &s->seal,
        &(capi_seal_result){.status = CAPI_WORK_SUCCESS, .row_count = 7, .comment = CAPI_STR("sealed")}, err);
}

static capi_status complete(script *s, int argument, capi_err *err)
{
    (void)argument;
    return capi_run_complete(s->state, s->run.run_uid, CAPI_STR("{}"), err);
}

static capi_status stop(script *s, int argument, capi_err *err)
{
    (void)argument;
    return capi_run_stop(s->state, &s->keyspace, s->run.run_id, CAPI_STR("enough"), err);
}

typedef struct step {
    step_fn fn;
    int argument;
    bool is_durable; /* claims need not survive a power cut */
} step;

static const step steps[] = {
    {make_keyspace, 0, true}, {start, 1, true},       {open_node, 0, true}, {claim, 0, false},  {claim, 1, false},
    {finish, 0, true},        {finish, 1, true},      {claim, 2, false},    {finish, 2, true},  {seal_claim, 0, false},
    {seal_finish, 0, true},   {open_node, 1, true},   {claim, 3, false},    {publish, 3, true}, {finish, 3, true},
    {seal_claim, 1, false},   {seal_finish, 1, true}, {complete, 0, true},  {start, 2, true},   {open_node, 0, true},
    {claim, 0, false},        {stop, 0, true},        {finish, 0, true},
};
enum { STEPS = sizeof steps / sizeof *steps };

/* ---- what is there, as text ---- */

static void describe_run(capi_state *state, const capi_run *run, capi_arena *arena, capi_buf *to)
{
    capi_node_state *nodes;
    capi_snapshot_file *files;
    uint32_t count, file_count;
    capi_err err = {0};

    CHECK_OK(capi_run_snapshot(state, run->run_uid, arena, &files, &file_count, &err), err);
    CHECK_OK(capi_node_list(state, run->run_uid, arena, &nodes, &count, &err), err);
    capi_buf_printf(to, "run %u %d %u files;", run->run_id, run->status, file_count);
    for (uint32_t i = 0; i < count; i++) {
        capi_batch_state *batches;
        uint32_t batch_count;

        capi_buf_printf(to, " %.*s %d done %u claimed %u sealing %d;", CAPI_STR_ARG(nodes[i].name), nodes[i].status,
                        nodes[i].batches_done, nodes[i].batches_claimed, nodes[i].sealing);
        CHECK_OK(capi_batch_list(state, run->run_uid, nodes[i].name, true, arena, &batches, &batch_count, &err), err);
        for (uint32_t b = 0; b < batch_count; b++)
            capi_buf_printf(to, " %d %zu", batches[b].status, batches[b].extents.bytes);
    }
}

static void describe(capi_state *state, capi_buf *to)
{
    capi_arena arena = {0};
    capi_keyspace *keyspaces;
    uint32_t count;
    capi_err err = {0};

    CHECK_OK(capi_keyspace_list(state, &arena, &keyspaces, &count, &err), err);
    for (uint32_t i = 0; i < count; i++) {
        capi_run *runs;
        uint32_t run_count;

        capi_buf_printf(to, "keyspace %.*s: ", CAPI_STR_ARG(keyspaces[i].name));
        CHECK_OK(capi_run_list(state, &keyspaces[i], &arena, &runs, &run_count, &err), err);
        for (uint32_t r = 0; r < run_count; r++)
            describe_run(state, &runs[r], &arena, to);
    }
    capi_buf_append_byte(to, 0);
    capi_arena_deinit(&arena);
}

/* expected[n]: after n steps. */
static void expect(capi_buf expected[STEPS + 1])
{
    test_clock time = {.wall_ms = 1700000000000};
    capi_clock clock = {.wall_ns = test_wall_ns, .monotonic_ns = test_wall_ns, .context = &time};
    capi_random_seeded seed;
    capi_random random = capi_random_from_seed(&seed, 42);
    script s = {0};
    capi_err err = {0};

    CHECK_OK(capi_state_open_memory(&clock, &random, &s.state, &err), err);
    describe(s.state, &expected[0]);
    for (int i = 0; i < STEPS; i++) {
        CHECK_OK(steps[i].fn(&s, steps[i].argument, &err), err);
        describe(s.state, &expected[i + 1]);
    }
    capi_state_close(s.state);
    capi_arena_deinit(&s.arena);
}

static void free_expected(capi_buf expected[STEPS + 1])
{
    for (int i = 0; i <= STEPS; i++)
        capi_buf_deinit(&expected[i]);
}

/* ---- the other side ---- */

static void clean(const char *folder)
{
    static const char *const names[] = {"state.db", "state.db-wal", "state.db-shm", "state.db-journal"};
    char path[1024];

    mkdir(folder, 0700);
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
}

static capi_status open_state(const char *folder, capi_clock *clock, capi_random *random, capi_state **out,
                              capi_err *err)
{
    return capi_state_open_sqlite(capi_str_of(folder), clock, random, out, err);
}

typedef struct world {
    test_clock time;
    capi_clock clock;
    capi_random_seeded seed;
    capi_random random;
    char folder[400], after[512]; /* after: what a power cut left */
} world;

static void world_open(world *w)
{
    *w = (world){.time.wall_ms = 1700000000000};
    w->clock = (capi_clock){.wall_ns = test_wall_ns, .monotonic_ns = test_wall_ns, .context = &w->time};
    w->random = capi_random_from_seed(&w->seed, 42);
    /* In memory, if there is such a place: what a disk keeps is our own model anyway. */
    snprintf(w->folder, sizeof w->folder, "%s/capi_faults_%d",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : capi_test_folder(), (int)getpid());
    snprintf(w->after, sizeof w->after, "%s_after", w->folder);
    clean(w->folder);
    clean(w->after);
}

static void world_close(const world *w)
{
    clean(w->folder);
    clean(w->after);
    rmdir(w->folder);
    rmdir(w->after);
}

/* Every step is tried again until it is answered well. */
static void live_through(world *w, script *s)
{
    capi_err err = {0};
    capi_status st = CAPI_UNAVAILABLE;

    for (int tries = 0; st != CAPI_OK && tries < TRIES; tries++)
        st = open_state(w->folder, &w->clock, &w->random, &s->state, &err);
    CHECK_OK(st, err);
    for (int i = 0; i < STEPS; i++) {
        st = CAPI_UNAVAILABLE;
        for (int tries = 0; st != CAPI_OK && tries < TRIES; tries++)
            st = steps[i].fn(s, steps[i].argument, &err);
        CHECK_OK(st, err);
    }
}

TEST(every_call_of_sqlite_may_fail_once)
{
    capi_buf expected[STEPS + 1] = {0};
    uint64_t reached = 1;
    int kinds = 0;
    const char *seen[16] = {0};

    expect(expected);
    fault_vfs_install();
    for (uint64_t at = 1; reached; at += at < 300 ? 1 : 3) {
        world w;
        script s = {0};
        capi_buf got = {0};

        world_open(&w);
        fault_vfs_fail(at);
        live_through(&w, &s);
        reached = fault_vfs_failed() != NULL;
        for (int i = 0; i < 16 && reached; i++) {
            if (!seen[i]) seen[kinds++] = fault_vfs_failed();
            if (seen[i] == fault_vfs_failed()) break;
        }
        fault_vfs_fail(0);
        describe(s.state, &got);
        CHECK_STR(got.data, expected[STEPS].data);
        capi_state_close(s.state);
        capi_arena_deinit(&s.arena);
        capi_buf_deinit(&got);
        fault_vfs_reset();
        world_close(&w);
    }
    fault_vfs_remove();
    CHECK(kinds >= 6); /* opening, reading, writing, syncing, locking, mapping */
    free_expected(expected);
}

/* How many steps were answered until the power went; *durable: how many of them must be there afterwards. */
static int live_until_cut(world *w, script *s, int *durable)
{
    int i = 0;

    *durable = 0;
    if (open_state(w->folder, &w->clock, &w->random, &s->state, NULL) != CAPI_OK) return 0;
    for (; i < STEPS; i++) {
        if (steps[i].fn(s, steps[i].argument, NULL) != CAPI_OK) break;
        if (steps[i].is_durable) *durable = i + 1;
    }
    return i;
}

static void check_integrity(const char *folder)
{
    char path[1024];
    sqlite3 *db;
    sqlite3_stmt *row;

    snprintf(path, sizeof path, "%s/state.db", folder);
    CHECK(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "unix") == SQLITE_OK);
    CHECK(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &row, NULL) == SQLITE_OK);
    CHECK(sqlite3_step(row) == SQLITE_ROW);
    CHECK_STR((const char *)sqlite3_column_text(row, 0), "ok");
    sqlite3_finalize(row);
    sqlite3_close(db);
}

static void check_after_cut(world *w, const capi_buf expected[STEPS + 1], int durable, int answered)
{
    capi_state *state;
    capi_buf got = {0};
    capi_err err = {0};
    bool is_known = false;

    check_integrity(w->after);
    CHECK_OK(open_state(w->after, &w->clock, &w->random, &state, &err), err);
    describe(state, &got);
    /* The step that was not answered may be there, whole. */
    for (int i = durable; i <= answered + 1 && i <= STEPS; i++)
        is_known = is_known || strcmp(got.data, expected[i].data) == 0;
    if (!is_known) CHECK_STR(got.data, expected[durable].data);
    capi_state_close(state);
    capi_buf_deinit(&got);
}

TEST(the_power_may_be_cut_at_every_write)
{
    capi_buf expected[STEPS + 1] = {0};
    bool was_cut = true;

    expect(expected);
    fault_vfs_install();
    for (uint64_t at = 1; was_cut; at++) {
        world w;
        script s = {0};
        int durable, answered;

        world_open(&w);
        fault_vfs_cut(at);
        answered = live_until_cut(&w, &s, &durable);
        was_cut = fault_vfs_writes() >= at;
        fault_vfs_save(w.after, at);
        if (s.state) capi_state_close(s.state);
        fault_vfs_reset();
        check_after_cut(&w, expected, durable, answered);
        fault_vfs_reset();
        capi_arena_deinit(&s.arena);
        world_close(&w);
    }
    fault_vfs_remove();
    free_expected(expected);
}
