/* state_sqlite_lock_test.c - a process that was stopped in the middle of a write is named to those who wait for it. */
#include "store/state_testing.h"

#include "store/state_sqlite_lock.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *state_path(void)
{
    static char path[400];

    snprintf(path, sizeof path, "%s/state.db", capi_test_folder());
    return path;
}

/* Begins to write, and sleeps until it is woken; then it ends in order. */
static pid_t stop_in_a_write(void)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        sqlite3 *db = NULL;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (sqlite3_open(state_path(), &db) != SQLITE_OK ||
            sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
            _exit(1);
        (void)raise(SIGSTOP);
        _exit(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK && sqlite3_close(db) == SQLITE_OK ? 0 : 2);
    }
    CHECK(child > 0);
    CHECK(waitpid(child, &status, WUNTRACED) == child);
    CHECK(WIFSTOPPED(status));
    return child;
}

TEST(a_stopped_writer_is_named_with_what_to_do_and_others_go_on_after_it)
{
    capi_state *state = NULL;
    state_lock_holder holder;
    capi_err err = {0};
    char words[64];
    pid_t child;
    int status = 0;

    CHECK_OK(
        capi_state_open_sqlite(capi_str_of(capi_test_folder()), &capi_clock_system, &capi_random_system, &state, &err),
        err);
    CHECK_OK(capi_process_beat(state, CAPI_STR("p1"), &err), err);
    state_lock_find_holder(state_path(), &holder);
    CHECK_INT(holder.pid, 0);

    child = stop_in_a_write();
    state_lock_find_holder(state_path(), &holder);
    CHECK_INT(holder.pid, child);
    CHECK(holder.is_stopped);
    CHECK(strcmp(holder.name, "store_test") == 0);
    CHECK(capi_process_beat(state, CAPI_STR("p1"), &err) == CAPI_UNAVAILABLE);
    snprintf(words, sizeof words, "is locked by process %ld (store_test)", (long)child);
    CHECK_ERR(err, words);
    snprintf(words, sizeof words, "kill -CONT %ld", (long)child);
    CHECK_ERR(err, words);

    CHECK(capi_state_check_writable(state, 0, &err) == CAPI_UNAVAILABLE);
    CHECK_ERR(err, words);

    CHECK(kill(child, SIGCONT) == 0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
    CHECK_OK(capi_process_beat(state, CAPI_STR("p1"), &err), err);
    CHECK_OK(capi_state_check_writable(state, 1000, &err), err);
    capi_state_close(state);
}

TEST(one_that_keeps_the_lock_is_named_after_a_while)
{
    capi_state *state = NULL;
    sqlite3 *db = NULL;
    char words[64];
    capi_err err = {0};

    CHECK_OK(
        capi_state_open_sqlite(capi_str_of(capi_test_folder()), &capi_clock_system, &capi_random_system, &state, &err),
        err);
    CHECK_INT(sqlite3_open(state_path(), &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    CHECK(capi_state_check_writable(state, 50, &err) == CAPI_UNAVAILABLE);
    snprintf(words, sizeof words, "is locked by process %ld (store_test)", (long)getpid());
    CHECK_ERR(err, words);
    CHECK_INT(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    CHECK_OK(capi_state_check_writable(state, 50, &err), err);
    sqlite3_close(db);
    capi_state_close(state);
}
