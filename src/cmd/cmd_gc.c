/* cmd_gc.c - "capillaries gc": removes old runs and what nobody knows any more. */
#include "cmd/commands.h"
#include "cmd/deed.h"
#include "cmd/find.h"
#include "cmd/session.h"

#include "run/forget.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct gc {
    capi_engine *engine;
    capi_arena arena;
    int64_t before_ms; /* runs that ended before then go; 0: none */
    bool is_dry;
    capi_deeds deeds;
    uint32_t removed, kept;
} gc;

/* "30d", "12h", "45m", "0s" */
static bool parse_age(const char *text, int64_t *ms)
{
    char *rest;
    long long value = strtoll(text, &rest, 10);
    int64_t unit = *rest == 'd' ? 86400 : *rest == 'h' ? 3600 : *rest == 'm' ? 60 : *rest == 's' ? 1 : 0;

    if (rest == text || value < 0 || !unit || rest[1] || value > INT64_MAX / (unit * 1000)) return false;
    *ms = value * unit * 1000;
    return true;
}

static int64_t end_of(const capi_run *run)
{
    return run->stop_ms > run->complete_ms ? run->stop_ms : run->complete_ms;
}

static capi_status gc_run(gc *work, const capi_keyspace *keyspace, const capi_run *run, capi_err *err)
{
    capi_err why = {0};
    capi_status st = CAPI_OK;

    if (run->status == CAPI_RUN_START || end_of(run) >= work->before_ms) return CAPI_OK;
    if (!work->is_dry) st = capi_run_remove(work->engine, keyspace, run->run_id, &why);
    if (st == CAPI_CONFLICT) {
        fprintf(stderr, "%s\n", why.text);
        work->kept++;
        return CAPI_OK;
    }
    if (st == CAPI_NOT_FOUND) return CAPI_OK; /* another gc was faster */
    if (st != CAPI_OK) {
        capi_err_copy(err, &why);
        return st;
    }
    capi_deeds_add(&work->deeds, work->is_dry ? "would remove" : "removed", keyspace->name, run->run_id,
                   "%s run %u of keyspace \"%.*s\"", work->is_dry ? "would remove" : "removed", run->run_id,
                   CAPI_STR_ARG(keyspace->name));
    work->removed++;
    return CAPI_OK;
}

static capi_status gc_keyspace(gc *work, const capi_keyspace *keyspace, capi_err *err)
{
    capi_run *runs = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_run_list(capi_engine_state(work->engine), keyspace, &work->arena, &runs, &count, err));
    for (uint32_t i = 0; i < count; i++)
        CAPI_TRY(gc_run(work, keyspace, &runs[i], err));
    return CAPI_OK;
}

static capi_status gc_all(gc *work, capi_str only, capi_err *err)
{
    capi_keyspace *keyspaces = NULL;
    uint32_t count = 0;
    uint32_t unknown = 0;

    if (only.bytes) {
        capi_keyspace keyspace;

        CAPI_TRY(capi_find_keyspace(capi_engine_state(work->engine), only, &work->arena, &keyspace, err));
        CAPI_TRY(gc_keyspace(work, &keyspace, err));
    } else {
        CAPI_TRY(capi_keyspace_list(capi_engine_state(work->engine), &work->arena, &keyspaces, &count, err));
        for (uint32_t i = 0; i < count; i++) {
            capi_err why = {0};
            capi_status st = gc_keyspace(work, &keyspaces[i], &why);

            if (st == CAPI_OK || st == CAPI_NOT_FOUND) continue; /* not found: dropped while we look */
            capi_err_copy(err, &why);
            return st;
        }
    }
    if (!work->is_dry) CAPI_TRY(capi_tables_remove_unknown(work->engine, &unknown, err));
    fprintf(stderr, "%u run%s %s, %u kept that others may read, %u left-over%s removed\n", work->removed,
            work->removed == 1 ? "" : "s", work->is_dry ? "would be removed" : "removed", work->kept, unknown,
            unknown == 1 ? "" : "s");
    return CAPI_OK;
}

static int command_gc(const capi_args *args)
{
    const char *age = capi_args_value(args, "runs-older-than");
    gc work = {.is_dry = capi_args_flag(args, "dry-run")};
    capi_err err = {0};
    int64_t age_ms = 0;
    int exit_code;

    if (age && !parse_age(age, &age_ms)) {
        fprintf(stderr, "error: option \"--runs-older-than\" is \"%s\", expected an age such as 30d, 12h, 45m or 10s\n",
                age);
        return CAPI_EXIT_USAGE;
    }
    if (!capi_deeds_init(&work.deeds, args)) return CAPI_EXIT_USAGE;
    if (age) work.before_ms = capi_clock_wall_ms(&capi_clock_system) - age_ms;
    work.engine = capi_session_old_engine(args, &exit_code);
    if (!work.engine) return exit_code;
    if (gc_all(&work, capi_str_of(capi_args_value(args, "keyspace")), &err) != CAPI_OK)
        exit_code = capi_command_fail(&err);
    capi_deeds_end(&work.deeds);
    capi_engine_close(work.engine);
    capi_arena_deinit(&work.arena);
    return exit_code;
}

static const capi_option options[] = {
    {"runs-older-than", "AGE",
     "remove runs that ended so long ago, with their tables: 30d, 12h, 45m, 10s (default: none)", false},
    {"keyspace", "NAME", "only runs of this keyspace", false},
    {"dry-run", NULL, "only say what would be removed", false},
    CAPI_OPTION_OUTPUT,
    {"data", "DIR", "data folder (default: CAPI_DATA, else the user's data folder)", false},
};

const capi_command capi_command_gc = {
    .name = "gc",
    .arguments = "",
    .summary = "remove old runs with their tables, and what crashes have left",
    .details =
        "A run stays while another one goes on that reads its tables, or may do so. Files that runs have written are\n"
        "never removed.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = command_gc,
};
