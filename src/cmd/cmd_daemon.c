/* cmd_daemon.c - "capillaries daemon": works on the runs that others start. */
#include "cmd/commands.h"
#include "cmd/session.h"

#include "base/log.h"
#include "run/serve.h"

#include <stdio.h>

typedef struct daemon_log {
    capi_agent_totals said;
} daemon_log;

/* One line when something was done since the last. */
static void log_totals(void *context, const capi_agent_totals *totals)
{
    daemon_log *log = context;
    char batches[32];
    char failed[32];
    char rows[32];

    if (totals->takeovers != log->said.takeovers) capi_log(CAPI_LOG_WARN, "took over the work of a dead process", NULL);
    if (totals->batches_done != log->said.batches_done) {
        snprintf(batches, sizeof batches, "%llu", (unsigned long long)totals->batches_done);
        snprintf(failed, sizeof failed, "%llu", (unsigned long long)totals->batches_failed);
        snprintf(rows, sizeof rows, "%llu", (unsigned long long)totals->rows_written);
        capi_log(CAPI_LOG_INFO, "batches done", "batches", batches, "failed", failed, "rows_written", rows, NULL);
    }
    log->said = *totals;
}

static int command_daemon(const capi_args *args)
{
    daemon_log log = {0};
    capi_err err = {0};
    int exit_code;
    capi_engine *engine = capi_session_engine(args, &exit_code);

    if (!engine) return exit_code;
    capi_catch_interrupts();
    capi_log(CAPI_LOG_INFO, "daemon begins", "version", CAPI_VERSION, "process", capi_engine_process_uid(engine).data,
             NULL);
    if (capi_serve(engine, capi_interrupts(), log_totals, &log, &err) != CAPI_OK) exit_code = capi_command_fail(&err);
    capi_log(CAPI_LOG_INFO, "daemon ends", NULL);
    capi_engine_close(engine);
    return exit_code;
}

static const capi_option options[] = {
    CAPI_OPTIONS_ENGINE,
};

const capi_command capi_command_daemon = {
    .name = "daemon",
    .arguments = "",
    .summary = "work on the runs that are started in a data folder, until told to end",
    .details =
        "Several daemons may share a data folder on one machine. SIGINT or SIGTERM end it: running batches are given\n"
        "back, another process goes on with them. The log goes to standard error, one JSON object a line.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = command_daemon,
};
