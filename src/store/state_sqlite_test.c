/* state_sqlite_test.c - what only the SQLite backend has: its file, several processes and threads, durability. */
#include "store/state_testing.h"

#include "base/file.h"
#include "store/state_sqlite_schema.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *state_path(void)
{
    static char path[400];

    snprintf(path, sizeof path, "%s/state.db", capi_test_folder());
    return path;
}

static capi_status open_state(capi_state **out, capi_err *err)
{
    return capi_state_open_sqlite(capi_str_of(capi_test_folder()), &capi_clock_system, &capi_random_system, out, err);
}

static void write_file(const char *text, size_t bytes)
{
    FILE *file = fopen(state_path(), "wb");

    CHECK(file != NULL);
    CHECK_INT(fwrite(text, 1, bytes, file), bytes);
    fclose(file);
}

static void run_sql(const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;

    CHECK_INT(sqlite3_open(state_path(), &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) capi_test_fail(__FILE__, __LINE__, "%s", message);
    sqlite3_close(db);
}

/* ---- the file ---- */

TEST(a_file_that_is_no_database_is_refused)
{
    capi_state *state = NULL;
    capi_err err = {0};

    write_file("id,name\n1,not a database at all\n", 32);
    CHECK(open_state(&state, &err) == CAPI_INVALID);
    CHECK(state == NULL);
    CHECK_ERR(err, "is not a state file: it is no SQLite database");
    CHECK_ERR(err, state_path());
}

TEST(a_database_of_another_application_is_refused)
{
    capi_state *state = NULL;
    capi_err err = {0};

    run_sql("CREATE TABLE photos (id INTEGER)");
    CHECK(open_state(&state, &err) == CAPI_INVALID);
    CHECK_ERR(err, "is a database of another application");
    run_sql("PRAGMA application_id = 77");
    CHECK(open_state(&state, &err) == CAPI_INVALID);
    CHECK_ERR(err, "is a database of another application");
}

TEST(a_newer_file_is_refused)
{
    capi_state *state = NULL;
    capi_err err = {0};
    char sql[100];

    CHECK_OK(open_state(&state, &err), err);
    capi_state_close(state);
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", (int)STATE_VERSION + 1);
    run_sql(sql);
    CHECK(open_state(&state, &err) == CAPI_INVALID);
    CHECK_ERR(err, "use a newer program");
}

TEST(a_file_that_is_removed_replaced_or_migrated_under_a_process_is_noticed_at_its_next_beat)
{
    char other[600];
    capi_state *state = NULL;
    capi_err err = {0};
    char sql[100];

    snprintf(other, sizeof other, "%s.aside", state_path());
    CHECK_OK(open_state(&state, &err), err);
    CHECK_OK(capi_process_beat(state, CAPI_STR("0123456789abcdef"), &err), err);
    CHECK_OK(capi_state_check(state, &err), err);
    CHECK(rename(state_path(), other) == 0);
    CHECK(capi_process_beat(state, CAPI_STR("0123456789abcdef"), &err) == CAPI_INVALID);
    CHECK_ERR(err, "was removed while it was in use");
    CHECK(capi_state_check(state, &err) == CAPI_INVALID);
    fclose(fopen(state_path(), "wb"));
    CHECK(capi_process_beat(state, CAPI_STR("0123456789abcdef"), &err) == CAPI_INVALID);
    CHECK_ERR(err, "was replaced while it was in use");
    CHECK(rename(other, state_path()) == 0);
    CHECK_OK(capi_state_check(state, &err), err);
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", (int)STATE_VERSION + 1);
    run_sql(sql);
    CHECK(capi_process_beat(state, CAPI_STR("0123456789abcdef"), &err) == CAPI_INVALID);
    CHECK_ERR(err, "use a newer program");
    capi_state_close(state);
}

TEST(a_damaged_file_is_refused_and_never_believed)
{
    capi_state *state = NULL;
    capi_arena arena = {0};
    capi_keyspace *list;
    uint32_t count;
    capi_err err = {0};
    FILE *file;
    capi_status st;

    CHECK_OK(open_state(&state, &err), err);
    capi_state_close(state);
    file = fopen(state_path(), "r+b");
    CHECK(file != NULL);
    fseek(file, 100, SEEK_SET); /* behind the header that SQLite checks first */
    for (int i = 0; i < 4000; i++)
        fputc(0x5a, file);
    fclose(file);
    st = open_state(&state, &err);
    if (st == CAPI_OK) {
        st = capi_keyspace_list(state, &arena, &list, &count, &err);
        capi_state_close(state);
    }
    CHECK_INT(st, CAPI_INVALID);
    CHECK_ERR(err, "is damaged");
    capi_arena_deinit(&arena);
}

TEST(what_was_finished_is_there_after_reopening)
{
    state_rig rig;
    capi_node_state node;
    capi_claim one;
    capi_err err = {0};

    state_rig_open(&rig, 1);
    state_rig_start(&rig);
    CHECK_OK(capi_node_open(rig.first, rig.run.run_uid, CAPI_STR("out"), CAPI_STR("r"), (capi_str){0}, &rig.arena,
                            &node, &err),
             err);
    CHECK_OK(capi_batch_claim(rig.first, rig.run.run_uid, CAPI_STR("out"), CAPI_STR("p"), CAPI_STR("o"), &one, &err),
             err);
    CHECK_OK(capi_batch_finish(rig.first, &one, &(capi_batch_result){.status = CAPI_WORK_SUCCESS}, &err), err);
    capi_state_close(rig.first);
    CHECK_OK(capi_state_open_sqlite(capi_str_of(capi_test_folder()), &rig.clock, &rig.random, &rig.first, &err), err);
    rig.second = rig.first;
    CHECK_OK(capi_node_get(rig.first, rig.run.run_uid, CAPI_STR("out"), &rig.arena, &node, &err), err);
    CHECK_INT(node.batches_done, 1);
    state_rig_close(&rig);
}

/* ---- threads and processes ---- */

enum { WORK_BATCHES = 400, WORK_THREADS = 4 };

typedef struct worker {
    pthread_t thread;
    capi_state *state;
    capi_str run_uid;
    char process[16];
    uint32_t done;
    bool failed;
} worker;

/* Claims and finishes batches of node "many" until there are none. */
static void work(worker *self)
{
    capi_claim claim;
    char operation[32];
    capi_status st;

    for (uint32_t i = 0;; i++) {
        snprintf(operation, sizeof operation, "%s-%u", self->process, i);
        st = capi_batch_claim(self->state, self->run_uid, CAPI_STR("many"), capi_str_of(self->process),
                              capi_str_of(operation), &claim, NULL);
        if (st != CAPI_OK) break;
        do
            st = capi_batch_finish(self->state, &claim,
                                   &(capi_batch_result){.status = CAPI_WORK_SUCCESS, .rows_written = 1}, NULL);
        while (st == CAPI_UNAVAILABLE);
        if (st != CAPI_OK) break;
        self->done++;
    }
    self->failed = st != CAPI_NOT_FOUND;
}

static void *work_thread(void *context)
{
    work(context);
    return NULL;
}

static void start_many(state_rig *rig)
{
    capi_run_node node = {CAPI_STR("many"), WORK_BATCHES};
    capi_node_state out;
    capi_err err = {0};

    state_rig_start(rig);
    CHECK_OK(capi_run_start(rig->first, &rig->keyspace, &(capi_run_spec){.nodes = &node, .node_count = 1}, &rig->arena,
                            &rig->run, &err),
             err);
    CHECK_OK(
        capi_node_open(rig->first, rig->run.run_uid, node.name, (capi_str){0}, (capi_str){0}, &rig->arena, &out, &err),
        err);
}

static void check_many(state_rig *rig)
{
    capi_batch_state *list;
    capi_node_state node;
    uint32_t count;
    capi_err err = {0};

    CHECK_OK(capi_node_get(rig->first, rig->run.run_uid, CAPI_STR("many"), &rig->arena, &node, &err), err);
    CHECK_INT(node.batches_done, WORK_BATCHES);
    CHECK_INT(node.batches_claimed, 0);
    CHECK_OK(capi_batch_list(rig->first, rig->run.run_uid, CAPI_STR("many"), false, &rig->arena, &list, &count, &err),
             err);
    CHECK_INT(count, WORK_BATCHES);
    for (uint32_t i = 0; i < count; i++)
        CHECK_INT(list[i].status, CAPI_WORK_SUCCESS);
}

static void check_work_of_threads(state_rig *rig)
{
    worker workers[WORK_THREADS] = {0};
    uint32_t done = 0;

    for (int i = 0; i < WORK_THREADS; i++) {
        workers[i].state = i % 2 ? rig->first : rig->second;
        workers[i].run_uid = rig->run.run_uid;
        snprintf(workers[i].process, sizeof workers[i].process, "p%d", i);
        pthread_create(&workers[i].thread, NULL, work_thread, &workers[i]);
    }
    for (int i = 0; i < WORK_THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK(!workers[i].failed);
        done += workers[i].done;
    }
    CHECK_INT(done, WORK_BATCHES);
    check_many(rig);
}

TEST(threads_work_on_one_node_and_each_batch_is_done_once)
{
    state_rig rig;

    state_rig_open(&rig, 2);
    start_many(&rig);
    check_work_of_threads(&rig);
    state_rig_close(&rig);
}

TEST(threads_that_wait_for_a_sync_that_fails_are_all_told_and_go_on)
{
    for (uint64_t at = 1; at <= 9; at += 4) {
        state_rig rig;

        state_rig_open(&rig, 1);
        start_many(&rig);
        capi_file_faults("state.db-wal", at, EIO);
        check_work_of_threads(&rig);
        capi_file_faults(NULL, 0, 0);
        state_rig_close(&rig);
    }
}

/* A process of its own: opens the state anew, and may be killed at any moment. */
static pid_t fork_worker(const char *run_uid, int number)
{
    pid_t child = fork();
    worker self = {0};

    if (child != 0) return child;
    self.run_uid = capi_str_of(run_uid);
    snprintf(self.process, sizeof self.process, "p%d", number);
    if (open_state(&self.state, NULL) != CAPI_OK) _exit(3);
    work(&self);
    capi_state_close(self.state);
    _exit(self.failed ? 4 : 0);
}

TEST(killed_processes_lose_nothing_that_was_finished)
{
    state_rig rig;
    pid_t children[3];
    capi_process *dead;
    uint32_t count;
    worker self = {.process = "heir"};
    capi_err err = {0};

    state_rig_open(&rig, 1);
    start_many(&rig);
    capi_state_close(rig.first); /* no connection may cross a fork */
    for (int i = 0; i < 3; i++)
        children[i] = fork_worker(rig.run.run_uid.data, i);
    usleep(60000);
    for (int i = 0; i < 2; i++)
        kill(children[i], SIGKILL);
    for (int i = 0; i < 3; i++) {
        int status;

        CHECK_INT(waitpid(children[i], &status, 0), children[i]);
        if (i == 2) CHECK_INT(status, 0);
    }
    CHECK_OK(open_state(&rig.first, &err), err);
    rig.second = rig.first;
    CHECK_OK(capi_process_list(rig.first, &rig.arena, &dead, &count, &err), err);
    for (uint32_t i = 0; i < count; i++)
        CHECK_OK(capi_process_bury(rig.first, dead[i].process_uid, dead[i].beat, &err), err);
    self.state = rig.first;
    self.run_uid = rig.run.run_uid;
    work(&self);
    CHECK(!self.failed);
    check_many(&rig);
    state_rig_close(&rig);
}

/* Run 2 of one node; a repetition is the same run. */
static capi_status start_second(state_rig *rig, capi_err *err)
{
    capi_run_node node = {CAPI_STR("x"), 1};
    capi_run run;

    return capi_run_start(rig->first, &rig->keyspace,
                          &(capi_run_spec){.operation_uid = CAPI_STR("start-2"), .nodes = &node, .node_count = 1},
                          &rig->arena, &run, err);
}

TEST(after_a_failed_sync_nothing_is_promised_until_the_log_has_been_written_again)
{
    state_rig rig;
    capi_run *runs;
    uint32_t count = 0;
    capi_err err = {0};

    state_rig_open(&rig, 1);
    state_rig_start(&rig);
    for (int i = 0; i < 3; i++) {
        capi_file_faults("state.db-wal", 1, EIO);
        CHECK(start_second(&rig, &err) == CAPI_UNAVAILABLE);
        CHECK_ERR(err, "could not write state file");
    }
    capi_file_faults(NULL, 0, 0);
    CHECK_OK(start_second(&rig, &err), err);
    CHECK_OK(capi_run_stop(rig.first, &rig.keyspace, 1, CAPI_STR("s"), &err), err);
    CHECK_OK(capi_run_list(rig.first, &rig.keyspace, &rig.arena, &runs, &count, &err), err);
    CHECK_INT(count, 2);
    CHECK_INT(runs[0].status, CAPI_RUN_STOP);
    state_rig_close(&rig);
}

/* ---- many processes at once ---- */

/* Opens as soon as the pipe is closed, so that all do it at the same time; the exit code tells how it went. */
static pid_t open_in_child(const char *folder, int start_fd)
{
    pid_t child = fork();
    char byte;
    capi_state *state = NULL;
    capi_status st;

    if (child != 0) return child;
    (void)!read(start_fd, &byte, 1);
    st = capi_state_open_sqlite(capi_str_of(folder), &capi_clock_system, &capi_random_system, &state, NULL);
    if (st == CAPI_OK) capi_state_close(state);
    _exit(st);
}

TEST(processes_may_open_a_new_state_at_the_same_moment)
{
    enum { CHILDREN = 6, ROUNDS = 8 };

    for (int round = 0; round < ROUNDS; round++) {
        char folder[400];
        pid_t children[CHILDREN];
        int fds[2];

        snprintf(folder, sizeof folder, "%s/new%d", capi_test_folder(), round);
        CHECK(pipe(fds) == 0);
        for (int i = 0; i < CHILDREN; i++) {
            children[i] = open_in_child(folder, fds[0]);
            CHECK(children[i] > 0);
        }
        for (int i = 0; i < CHILDREN; i++)
            CHECK(write(fds[1], "x", 1) == 1);
        close(fds[1]);
        close(fds[0]);
        for (int i = 0; i < CHILDREN; i++) {
            int status = 0;

            CHECK(waitpid(children[i], &status, 0) == children[i]);
            CHECK(WIFEXITED(status));
            CHECK_INT(WEXITSTATUS(status), CAPI_OK);
        }
    }
}
