/* cmd_daemon.c - "capillaries daemon", also called capidaemon: works on the runs that others start. */
#include "cmd/commands.h"
#include "cmd/config.h"
#include "cmd/http_server.h"
#include "cmd/log_file.h"
#include "cmd/metrics.h"
#include "cmd/program.h"
#include "cmd/remote.h"
#include "cmd/session.h"

#include "base/log.h"
#include "net/net.h"
#include "run/serve.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { QUEUE_LOOK_MS = 1000 };

typedef struct daemon_process {
    capi_arena arena;
    capi_config config;
    capi_engine *engine;
    capi_log_file *log_file;
    capi_http_server *http;
    pthread_mutex_t lock; /* of metrics.totals */
    capi_metrics metrics;
    int64_t queue_look_ns; /* the depth of the queue was counted then; by the HTTP thread alone */
    uint64_t takeovers_said;
    atomic_bool is_store_failing;
} daemon_process;

static int64_t now_ns(void)
{
    return capi_clock_system.monotonic_ns(capi_clock_system.context);
}

/* ---- log ---- */

static _Atomic sig_atomic_t wants_new_log;

static void on_hangup(int signal_number)
{
    (void)signal_number;
    wants_new_log = 1;
}

/* Called by the log under its lock: by one thread at a time. */
static void write_to_file(void *context, const char *line, uint64_t bytes)
{
    capi_log_file *file = context;

    if (wants_new_log) {
        wants_new_log = 0;
        capi_log_file_rotate(file);
    }
    capi_log_file_write(file, line, bytes);
}

static capi_log_level level_of(capi_str text)
{
    static const char *const names[] = {"debug", "info", "warn"};

    for (int i = 0; i < 3; i++)
        if (text.bytes == strlen(names[i]) && strncasecmp(text.data, names[i], text.bytes) == 0)
            return (capi_log_level)i;
    return CAPI_LOG_ERROR; /* and what the reference has above it */
}

/* "host/capi_daemon/11-25T03:00:00.123": host, program and the local time of its start. */
static const char *make_instance(daemon_process *process)
{
    capi_str type = capi_config_text(&process->config, CAPI_CONFIG_EXECUTABLE_TYPE);
    int64_t now_ms = capi_clock_wall_ms(&capi_clock_system);
    time_t seconds = now_ms / 1000;
    struct tm local;
    char host[256] = "";
    char when[32];

    gethostname(host, sizeof host - 1);
    localtime_r(&seconds, &local);
    strftime(when, sizeof when, "%m-%dT%H:%M:%S", &local);
    if (type.bytes == 0) type = CAPI_STR("capi_daemon");
    return capi_str_format(&process->arena, "%s/%.*s/%s.%03d", host, CAPI_STR_ARG(type), when, (int)(now_ms % 1000))
        .data;
}

static capi_status begin_log(daemon_process *process, capi_err *err)
{
    struct sigaction action = {.sa_handler = on_hangup, .sa_flags = SA_RESTART};
    capi_str path = capi_config_text(&process->config, CAPI_CONFIG_LOG_FILE);

    capi_log_set_level(level_of(capi_config_text(&process->config, CAPI_CONFIG_LOG_LEVEL)));
    capi_log_set_fd(1);
    capi_log_set_instance(make_instance(process));
    if (path.bytes == 0) return CAPI_OK;
    CAPI_TRY(capi_log_file_open(path, 0, &process->log_file, err));
    capi_log_set_sink(write_to_file, process->log_file);
    sigemptyset(&action.sa_mask);
    sigaction(SIGHUP, &action, NULL);
    return CAPI_OK;
}

static void log_s3(void)
{
    capi_arena scratch = {0};
    capi_str region;
    bool has_keys = capi_net_s3_found(&scratch, &region);

    capi_log(CAPI_LOG_INFO, has_keys ? "S3 credentials were found" : "no S3 credentials in environment and profile",
             "f", "main", "region", region.bytes ? capi_str_copy(&scratch, region).data : "", NULL);
    capi_arena_deinit(&scratch);
}

static void log_begin(daemon_process *process, capi_str data_folder)
{
    capi_buf text = {0};

    capi_log(CAPI_LOG_INFO, "daemon begins", "f", "main", "version", CAPI_VERSION, "process",
             capi_engine_process_uid(process->engine).data, "data", data_folder.data, NULL);
    capi_config_describe(&process->config, &text);
    capi_buf_append_byte(&text, 0);
    capi_log(CAPI_LOG_INFO, "configuration", "f", "main", "file",
             process->config.path.bytes ? process->config.path.data : "", "#config", text.data, NULL);
    log_s3();
    for (uint32_t i = 0; i < process->config.warning_count; i++)
        capi_log(CAPI_LOG_WARN, process->config.warnings[i].data, "f", "main", NULL);
    if (process->http) {
        capi_buf_clear(&text);
        capi_buf_printf(&text, "%u", capi_http_server_port(process->http));
        capi_buf_append_byte(&text, 0);
        capi_log(CAPI_LOG_INFO, "metrics are served", "f", "main", "address",
                 capi_config_text(&process->config, CAPI_CONFIG_METRICS_ADDRESS).data, "#port", text.data, NULL);
    }
    capi_buf_deinit(&text);
}

/* ---- what was done ---- */

typedef struct report_words {
    capi_log_level level;
    const char *batch, *seal;
} report_words;

static const report_words words_of[CAPI_REPORTS] = {
    [CAPI_REPORT_OK] = {CAPI_LOG_INFO, "batch ok", "node end ok"},
    [CAPI_REPORT_FAILED] = {CAPI_LOG_ERROR, "batch failed", "node end failed"},
    [CAPI_REPORT_RETRY] = {CAPI_LOG_WARN, "batch to be retried", "node end to be retried"},
    [CAPI_REPORT_GIVEN_BACK] = {CAPI_LOG_INFO, "batch given back", "node end given back"},
    [CAPI_REPORT_LOST] = {CAPI_LOG_WARN, "batch taken over by another process",
                          "node end taken over by another process"},
};

/* The reference announces all batches when a run starts, and this is the time from then until the work began. */
static int64_t age_ms(const capi_batch_report *report)
{
    int64_t begin_ms = capi_clock_wall_ms(&capi_clock_system) - report->elapsed_ns / 1000000;

    return begin_ms > report->item->run->start_ms ? begin_ms - report->item->run->start_ms : 0;
}

static void on_batch(void *context, const capi_batch_report *report)
{
    daemon_process *process = context;
    const capi_work_item *item = report->item;
    const report_words *words = &words_of[report->what];
    bool has_error = report->what == CAPI_REPORT_FAILED || report->what == CAPI_REPORT_RETRY;
    char run[16];
    char batch[16];
    char elapsed[32];
    char age[32];

    capi_histogram_add(report->is_seal ? &process->metrics.seals : &process->metrics.batches, report->elapsed_ns);
    capi_log_set_thread(report->slot + 1);
    snprintf(run, sizeof run, "%u", item->run->run_id);
    snprintf(batch, sizeof batch, "%u", item->claim->batch_idx);
    snprintf(age, sizeof age, "%lld", (long long)age_ms(report));
    snprintf(elapsed, sizeof elapsed, "%.1f", (double)report->elapsed_ns / 1e6);
    capi_log(words->level, report->is_seal ? words->seal : words->batch, "f",
             report->is_seal ? "end_node" : "process_batch", "id", item->claim->attempt_uid, "ks",
             report->keyspace.data ? report->keyspace.data : "", "#run", run, "node", item->claim->node, "#bi", batch,
             "#age", age, "#elapsed_ms", elapsed, has_error ? "error" : NULL, report->outcome->err.text, NULL);
}

static void on_totals(void *context, const capi_agent_totals *totals)
{
    daemon_process *process = context;

    pthread_mutex_lock(&process->lock);
    process->metrics.totals = *totals;
    pthread_mutex_unlock(&process->lock);
    if (totals->takeovers != process->takeovers_said)
        capi_log(CAPI_LOG_WARN, "took over the work of a dead process", "f", "beat", NULL);
    process->takeovers_said = totals->takeovers;
    if (wants_new_log) capi_log(CAPI_LOG_INFO, "a new log file begins", "f", "main", NULL);
}

static void on_held(void *context, const capi_held_node *held)
{
    capi_arena scratch = {0};
    bool is_warning = held->is_refused || held->is_unruled;
    const char *what = held->is_refused ? "node cannot start" : "node waits";

    (void)context;
    capi_log(is_warning ? CAPI_LOG_WARN : CAPI_LOG_DEBUG, what, "f", "check_dependencies", "ks",
             capi_str_copy(&scratch, held->keyspace).data, "#run", capi_str_format(&scratch, "%u", held->run_id).data,
             "node", capi_str_copy(&scratch, held->node).data, held->is_refused ? "error" : "for",
             capi_str_copy(&scratch, held->reason).data, NULL);
    capi_arena_deinit(&scratch);
}

static void on_store(void *context, const capi_err *err)
{
    daemon_process *process = context;

    atomic_store(&process->is_store_failing, err != NULL);
}

/* ---- metrics and health, by the thread of the HTTP server ---- */

static void write_metrics(daemon_process *process, capi_buf *to)
{
    const capi_budget *budget = capi_engine_exec(process->engine)->budget;
    capi_metrics *metrics = &process->metrics;

    if (process->queue_look_ns == 0 || now_ns() - process->queue_look_ns >= (int64_t)QUEUE_LOOK_MS * 1000000) {
        uint64_t depth;

        if (capi_metrics_queue_depth(capi_engine_state(process->engine), &depth, NULL) == CAPI_OK)
            metrics->queue_depth = depth;
        process->queue_look_ns = now_ns();
    }
    metrics->memory_used_bytes = atomic_load(&budget->used_bytes);
    metrics->memory_limit_bytes = budget->limit_bytes;
    pthread_mutex_lock(&process->lock);
    capi_metrics_write(metrics, to);
    pthread_mutex_unlock(&process->lock);
    capi_metrics_write_process(to);
}

static void answer_ready(daemon_process *process, capi_http_answer *answer)
{
    capi_arena arena = {0};
    capi_keyspace *keyspaces = NULL;
    uint32_t count = 0;
    capi_state *state = capi_engine_state(process->engine);
    capi_err err = {0};
    bool is_ready = capi_state_check(state, &err) == CAPI_OK &&
                    capi_keyspace_list(state, &arena, &keyspaces, &count, &err) == CAPI_OK &&
                    !atomic_load(&process->is_store_failing); /* what can be read may be full */

    answer->status = is_ready ? 200 : 503;
    capi_buf_append_text(&answer->body, is_ready ? "ready\n" : "the store does not answer\n");
    if (!is_ready) capi_log(CAPI_LOG_WARN, "not ready", "f", "readyz", "error", err.text, NULL);
    capi_arena_deinit(&arena);
}

static void on_request(void *context, const char *path, capi_http_answer *answer)
{
    daemon_process *process = context;

    if (strcmp(path, "/metrics") == 0) {
        answer->status = 200;
        answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
        write_metrics(process, &answer->body);
    } else if (strcmp(path, "/healthz") == 0) {
        answer->status = 200;
        capi_buf_append_text(&answer->body, "ok\n");
    } else if (strcmp(path, "/readyz") == 0) {
        answer_ready(process, answer);
    }
}

static capi_status begin_http(daemon_process *process, capi_err *err)
{
    int64_t port = capi_config_number(&process->config, CAPI_CONFIG_METRICS_PORT);

    if (port == 0) return CAPI_OK;
    return capi_http_server_start(capi_config_text(&process->config, CAPI_CONFIG_METRICS_ADDRESS).data, (uint16_t)port,
                                  on_request, process, &process->http, err);
}

/* ---- begin, work, end ---- */

/* --config, else capidaemon.json beside the program or here; the native program needs none, nor does one that is told where
 * its data are. */
static capi_status read_config(daemon_process *process, const capi_args *args, capi_err *err)
{
    const char *given = capi_args_value(args, "config");
    const char *data = getenv("CAPI_DATA");
    capi_str path = capi_str_of(given);
    capi_status st = given ? CAPI_OK : capi_config_find("capidaemon.json", &process->arena, &path, err);

    if (st == CAPI_NOT_FOUND && capi_program_is_reference() && !capi_args_value(args, "data") && !(data && data[0])) {
        capi_err_note(err, "make one, or say where the data are: --data DIR, or CAPI_DATA");
        return st;
    }
    capi_err_clear(err);
    return capi_config_load(path, &process->config, err);
}

static capi_status open_engine(daemon_process *process, const capi_args *args, capi_str *folder, int *exit_code,
                               capi_err *err)
{
    capi_engine_options options;
    capi_status st = CAPI_NOT_FOUND;

    if (!capi_session_options(args, &process->config, &options)) {
        *exit_code = CAPI_EXIT_USAGE;
        return CAPI_INVALID;
    }
    /* What the command line says is in effect, and shown. */
    process->config.values[CAPI_CONFIG_LEASE].number = options.lease_ms;
    process->config.values[CAPI_CONFIG_PATIENCE].number = options.patience_ms;
    process->config.values[CAPI_CONFIG_THREADS].number = options.thread_count;
    process->config.values[CAPI_CONFIG_THREAD_POOL].number = options.batch_count_max;
    process->config.values[CAPI_CONFIG_MEMORY].number = (int64_t)options.memory_bytes;
    if (!capi_args_value(args, "data")) st = capi_config_data_folder(&process->config, &process->arena, folder, err);
    if (st == CAPI_NOT_FOUND) st = capi_data_folder(args, &process->arena, folder, err);
    if (st != CAPI_OK) return st;
    options.data_folder = *folder;
    options.times = &process->metrics.store;
    options.net = capi_remote_settings();
    CAPI_TRY(capi_remote_configure(&process->config, err));
    capi_config_apply_python(&process->config);
    return capi_engine_open(&options, &process->engine, err);
}

static capi_status work(daemon_process *process, capi_err *err)
{
    capi_serve_options options = {
        .interrupted = capi_interrupts(),
        .custom_processors_json = process->config.values[CAPI_CONFIG_PROCESSORS].json,
        .watch = on_totals,
        .on_batch = on_batch,
        .on_held = on_held,
        .on_store = on_store,
        .context = process,
    };

    return capi_serve(process->engine, &options, err);
}

static void end_daemon(daemon_process *process)
{
    capi_http_server_end(process->http);
    capi_engine_close(process->engine);
    if (process->engine) capi_log(CAPI_LOG_INFO, "daemon ends", "f", "main", NULL);
    capi_log_set_sink(NULL, NULL);
    capi_log_file_close(process->log_file);
    capi_log_set_instance(NULL);
    capi_config_free(&process->config);
    capi_arena_deinit(&process->arena);
    pthread_mutex_destroy(&process->lock);
}

static int command_daemon(const capi_args *args)
{
    daemon_process process = {.lock = PTHREAD_MUTEX_INITIALIZER};
    capi_err err = {0};
    capi_str folder = {0};
    int exit_code = CAPI_EXIT_DONE;
    capi_status st;

    capi_catch_interrupts(); /* one that comes while it begins is heard when it has begun */
    CAPI_TRY_OUT(read_config(&process, args, &err));
    CAPI_TRY_OUT(begin_log(&process, &err));
    CAPI_TRY_OUT(open_engine(&process, args, &folder, &exit_code, &err));
    CAPI_TRY_OUT(begin_http(&process, &err));
    log_begin(&process, folder);
    st = work(&process, &err);
out:
    if (st != CAPI_OK && process.engine)
        capi_log(CAPI_LOG_ERROR, "daemon gives up", "f", "main", "error", err.text, NULL);
    if (st != CAPI_OK && exit_code == CAPI_EXIT_DONE) exit_code = capi_command_fail(&err);
    end_daemon(&process);
    return exit_code;
}

static const capi_option options[] = {
    {"config", "FILE", "configuration (default: capidaemon.json beside the program or in the current folder, if there)",
     false},
    CAPI_OPTIONS_ENGINE,
};

const capi_command capi_command_daemon = {
    .name = "daemon",
    .arguments = "",
    .summary = "work on the runs that are started in a data folder, until told to end",
    .details =
        "Several daemons may share a data folder on one machine. SIGINT or SIGTERM end it: running batches are given\n"
        "back, another process goes on with them. The log goes to standard output, one JSON object a line.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = command_daemon,
};
