/* cmd_doctor.c - "capillaries doctor": looks at everything a run needs from the machine, and says what is wrong. */
#include "cmd/commands.h"
#include "cmd/listing.h"
#include "cmd/session.h"

#include "base/file.h"
#include "base/thread_pool.h"
#include "python/python.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { DOCTOR_FILES_MIN = 256, DOCTOR_PATIENCE_MS = 10000 };
#define DOCTOR_DISK_MIN_BYTES (UINT64_C(1) << 30)

typedef enum doctor_verdict { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_WRONG } doctor_verdict;

static const capi_listing_column columns[] = {
    {"verdict", CAPI_CELL_TEXT},
    {"what", CAPI_CELL_TEXT},
    {"details", CAPI_CELL_TEXT},
};

typedef struct doctor {
    capi_arena arena;
    capi_output output;
    capi_listing listing; /* for programs */
    uint32_t wrong, warnings;
} doctor;

static void say(doctor *state, doctor_verdict verdict, const char *what, const char *format, ...) CAPI_PRINTF(4, 5);

/* "ok       data folder   /home/me/.local/share/capillaries, writable" */
static void say(doctor *state, doctor_verdict verdict, const char *what, const char *format, ...)
{
    static const char *const words[] = {"ok", "warning", "wrong"};
    char details[CAPI_ERR_TEXT_MAX + 256];
    va_list args;

    state->wrong += verdict == DOCTOR_WRONG;
    state->warnings += verdict == DOCTOR_WARNING;
    va_start(args, format);
    vsnprintf(details, sizeof details, format, args);
    va_end(args);
    if (state->output == CAPI_OUTPUT_TABLE) {
        printf("%-8s %-13s %s\n", words[verdict], what, details);
        return;
    }
    capi_listing_add(&state->listing, capi_str_of(words[verdict]));
    capi_listing_add(&state->listing, capi_str_of(what));
    capi_listing_add(&state->listing, capi_str_of(details));
}

static const char *bytes_text(doctor *state, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    int unit = 0;

    for (; value >= 1024 && unit < 4; unit++)
        value /= 1024;
    return capi_str_format(&state->arena, "%.*f %s", unit && value < 100, value, units[unit]).data;
}

/* ---- program and machine ---- */

static void look_at_program(doctor *state)
{
    struct utsname machine;

    say(state, DOCTOR_OK, "program", "capillaries %s, SQLite %s", CAPI_VERSION, sqlite3_libversion());
    if (uname(&machine) == 0)
        say(state, DOCTOR_OK, "machine", "%s %s %s, %u core%s", machine.sysname, machine.release, machine.machine,
            capi_core_count(), capi_core_count() == 1 ? "" : "s");
    say(state, DOCTOR_OK, "memory", "data may take %s unless --memory says otherwise",
        bytes_text(state, capi_budget_default_limit_bytes()));
}

static void look_at_limits(doctor *state)
{
    struct rlimit files = {0};
    struct rlimit size = {0};

    getrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_FSIZE, &size);
    if (files.rlim_cur < DOCTOR_FILES_MIN)
        say(state, DOCTOR_WRONG, "open files", "at most %llu, needed are %d: raise \"ulimit -n\"",
            (unsigned long long)files.rlim_cur, DOCTOR_FILES_MIN);
    else
        say(state, DOCTOR_OK, "open files", "at most %llu", (unsigned long long)files.rlim_cur);
    if (size.rlim_cur != RLIM_INFINITY)
        say(state, DOCTOR_WARNING, "file size", "limited to %s by \"ulimit -f\"", bytes_text(state, size.rlim_cur));
}

/* ---- store ---- */

/* Nobody writes for so long without a pause, unless something is wrong. */
enum { DOCTOR_LOCK_PATIENCE_MS = 2000 };

static void look_at_disk(doctor *state, const char *folder)
{
    struct statvfs disk;
    uint64_t free_bytes;

    if (statvfs(folder, &disk) != 0) return;
    free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    say(state, free_bytes < DOCTOR_DISK_MIN_BYTES ? DOCTOR_WARNING : DOCTOR_OK, "disk", "%s free of %s",
        bytes_text(state, free_bytes), bytes_text(state, (uint64_t)disk.f_blocks * disk.f_frsize));
    if (disk.f_favail == 0 && disk.f_files)
        say(state, DOCTOR_WRONG, "disk", "no file can be made: there are no inodes left");
}

static capi_status count_runs(doctor *state, capi_state *store, capi_err *err)
{
    capi_keyspace *keyspaces = NULL;
    uint32_t keyspace_count = 0;
    uint32_t total = 0;
    uint32_t live = 0;

    CAPI_TRY(capi_keyspace_list(store, &state->arena, &keyspaces, &keyspace_count, err));
    for (uint32_t i = 0; i < keyspace_count; i++) {
        capi_run *runs = NULL;
        uint32_t count = 0;

        CAPI_TRY(capi_run_list(store, &keyspaces[i], &state->arena, &runs, &count, err));
        total += count;
        for (uint32_t r = 0; r < count; r++)
            live += runs[r].status == CAPI_RUN_START;
    }
    say(state, DOCTOR_OK, "store", "embedded; %u keyspace%s, %u run%s, %u of them unfinished", keyspace_count,
        keyspace_count == 1 ? "" : "s", total, total == 1 ? "" : "s", live);
    return CAPI_OK;
}

/* Only doctor reads every page: what is damaged may be what nobody has asked for lately. */
static capi_status check_pages(const char *path, capi_err *err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *rows = NULL;
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
    capi_status st = CAPI_OK;

    sqlite3_busy_timeout(db, DOCTOR_PATIENCE_MS);
    if (code == SQLITE_OK) code = sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &rows, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(rows);
    if (code != SQLITE_ROW)
        st = capi_err_set(err, CAPI_INVALID, "could not check state file \"%s\": %s", path, sqlite3_errmsg(db));
    else if (strcmp((const char *)sqlite3_column_text(rows, 0), "ok") != 0)
        st = capi_err_set(err, CAPI_INVALID, "state file \"%s\" is damaged: %s", path,
                          (const char *)sqlite3_column_text(rows, 0));
    sqlite3_finalize(rows);
    sqlite3_close(db);
    return st;
}

static void look_at_store(doctor *state, const capi_args *args, capi_str folder)
{
    capi_engine_options options = {0};
    capi_engine *engine = NULL;
    capi_err err = {0};

    if (!capi_session_options(args, NULL, &options)) return;
    options.data_folder = folder;
    if (capi_engine_open(&options, &engine, &err) != CAPI_OK ||
        check_pages(capi_str_format(&state->arena, "%s/state.db", folder.data).data, &err) != CAPI_OK ||
        count_runs(state, capi_engine_state(engine), &err) != CAPI_OK ||
        capi_engine_check_writable(engine, DOCTOR_LOCK_PATIENCE_MS, &err) != CAPI_OK)
        say(state, DOCTOR_WRONG, "store", "%s", err.text);
    capi_engine_close(engine);
}

/* Nothing is made here that is not there. */
static void look_at_data(doctor *state, const capi_args *args)
{
    capi_err err = {0};
    capi_str folder;

    if (capi_data_folder(args, &state->arena, &folder, &err) != CAPI_OK) {
        say(state, DOCTOR_WRONG, "data folder", "%s", err.text);
        return;
    }
    if (access(folder.data, F_OK) != 0) {
        say(state, DOCTOR_OK, "data folder", "%s, which the first run will make", folder.data);
        return;
    }
    if (!capi_folder_exists(folder.data)) {
        say(state, DOCTOR_WRONG, "data folder", "\"%s\" is no folder", folder.data);
        return;
    }
    if (capi_folder_check_local(folder.data, &err) != CAPI_OK) {
        say(state, DOCTOR_WRONG, "data folder", "%s", err.text);
        return;
    }
    if (access(folder.data, W_OK | X_OK) != 0) {
        say(state, DOCTOR_WRONG, "data folder", "\"%s\" cannot be written by this user", folder.data);
        return;
    }
    say(state, DOCTOR_OK, "data folder", "%s", folder.data);
    look_at_disk(state, folder.data);
    if (access(capi_str_format(&state->arena, "%s/state.db", folder.data).data, F_OK) == 0)
        look_at_store(state, args, folder);
    else
        say(state, DOCTOR_OK, "store", "none yet; the first run will make it");
}

/* ---- Python ---- */

/* Scripts without formulas in Python do without, so it is a warning. */
static void look_at_python(doctor *state)
{
    capi_python_facts facts = {0};
    capi_err err = {0};

    if (capi_python_describe(&state->arena, &facts, &err) != CAPI_OK) {
        say(state, DOCTOR_WARNING, "python", "%s", err.text);
        return;
    }
    say(state, DOCTOR_OK, "python", "%.*s (%.*s), version %.*s", CAPI_STR_ARG(facts.interpreter),
        CAPI_STR_ARG(facts.executable), CAPI_STR_ARG(facts.version));
    say(state, facts.is_sandboxed ? DOCTOR_OK : DOCTOR_WARNING, "sandbox", "%.*s", CAPI_STR_ARG(facts.sandbox));
}

static int command_doctor(const capi_args *args)
{
    doctor state = {.listing = {.columns = columns, .column_count = sizeof columns / sizeof *columns}};

    if (!capi_args_output(args, &state.output)) return CAPI_EXIT_USAGE;
    look_at_program(&state);
    look_at_limits(&state);
    look_at_data(&state, args);
    look_at_python(&state);
    if (state.output != CAPI_OUTPUT_TABLE)
        capi_listing_print(&state.listing, state.output);
    else if (state.wrong)
        printf("%u thing%s wrong\n", state.wrong, state.wrong == 1 ? " is" : "s are");
    else
        printf("nothing is wrong\n");
    capi_listing_deinit(&state.listing);
    capi_arena_deinit(&state.arena);
    return state.wrong ? CAPI_EXIT_FAILED : CAPI_EXIT_DONE;
}

static const capi_option options[] = {
    CAPI_OPTION_OUTPUT,
    {"data", "DIR", "data folder (default: CAPI_DATA, else the user's data folder)", false},
};

const capi_command capi_command_doctor = {
    .name = "doctor",
    .arguments = "",
    .summary = "look at data folder, store, disk, limits and Python, and say what is wrong",
    .details = "Exit code 0: nothing is wrong; 1: something is. Nothing is changed.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = command_doctor,
};
