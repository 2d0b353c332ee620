/* metrics.c - counters and gauges as lines of text. The names of the reference are kept where the thing is the same. */
#include "cmd/metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static void write_head(capi_buf *to, const char *name, const char *type, const char *help)
{
    capi_buf_printf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_counter(capi_buf *to, const char *name, const char *help, uint64_t value)
{
    write_head(to, name, "counter", help);
    capi_buf_printf(to, "%s %llu\n", name, (unsigned long long)value);
}

static void write_gauge(capi_buf *to, const char *name, const char *help, double value)
{
    write_head(to, name, "gauge", help);
    capi_buf_printf(to, "%s %.17g\n", name, value);
}

static void write_histogram(capi_buf *to, const char *name, const char *help, const capi_histogram *histogram)
{
    uint64_t count = 0;

    write_head(to, name, "histogram", help);
    for (uint32_t i = 0; i < CAPI_HISTOGRAM_CLASSES; i++) {
        count += atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
        if (i < CAPI_HISTOGRAM_CLASSES - 1)
            capi_buf_printf(to, "%s_bucket{le=\"%g\"} %llu\n", name, capi_histogram_bounds[i],
                            (unsigned long long)count);
    }
    capi_buf_printf(to, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)count);
    capi_buf_printf(to, "%s_sum %.9f\n", name, (double)atomic_load(&histogram->sum_ns) / 1e9);
    capi_buf_printf(to, "%s_count %llu\n", name, (unsigned long long)count);
}

/* Every check asks the state: there is no cache, so all are misses. */
static void write_checks(capi_buf *to, const capi_agent_totals *totals)
{
    static const char name[] = "capi_daemon_node_dep_ready_get_duration";
    uint64_t count = 0;

    write_head(to, name, "histogram", "how long dependency checks took, in seconds");
    for (int i = 0; i < CAPI_CHECK_CLASSES; i++) {
        count += totals->check_counts[i];
        if (i < CAPI_CHECK_CLASSES - 1)
            capi_buf_printf(to, "%s_bucket{le=\"%g\"} %llu\n", name, capi_check_bounds_s[i], (unsigned long long)count);
    }
    capi_buf_printf(to, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)count);
    capi_buf_printf(to, "%s_sum %.9f\n%s_count %llu\n", name, (double)totals->check_ns / 1e9, name,
                    (unsigned long long)count);
    write_counter(to, "capi_daemon_node_dep_ready_cache_hit_count",
                  "dependency checks answered without asking the state", 0);
    write_counter(to, "capi_daemon_node_dep_ready_cache_miss_count", "dependency checks that asked the state", count);
}

/* Runs carry their scripts and parameters with them, so a daemon downloads none. */
static void write_downloads(capi_buf *to)
{
    static const char *const schemes[] = {"http", "s3", "sftp"};
    static const char *const bounds[] = {"0.1", "1", "5", "+Inf"};
    char name[64];

    for (int s = 0; s < 3; s++) {
        snprintf(name, sizeof name, "capi_%s_config_file_get_duration", schemes[s]);
        write_head(to, name, "histogram", "downloads of scripts and parameters, in seconds; a run brings its own");
        for (int i = 0; i < 4; i++)
            capi_buf_printf(to, "%s_bucket{le=\"%s\"} 0\n", name, bounds[i]);
        capi_buf_printf(to, "%s_sum 0\n%s_count 0\n", name, name);
    }
}

void capi_metrics_write(const capi_metrics *metrics, capi_buf *to)
{
    const capi_agent_totals *totals = &metrics->totals;

    write_counter(to, "capi_daemon_msg_ack_count", "batches finished, well or not", totals->batches_done);
    write_counter(to, "capi_daemon_msg_retry_count", "batches that another process took over from this one",
                  totals->batches_lost);
    write_counter(to, "capi_daemon_msg_heartbeat_count", "signs of life given by this process", totals->beats);
    write_checks(to, totals);
    write_counter(to, "capi_daemon_node_dep_none_count",
                  "dependency checks that found no rule to go by: they count as wait", 0);
    write_counter(to, "capi_daemon_node_dep_go_count", "dependency checks that let a node start", totals->checks_go);
    write_counter(to, "capi_daemon_node_dep_wait_count", "dependency checks that let a node wait", totals->checks_wait);
    write_counter(to, "capi_daemon_node_dep_nogo_count", "dependency checks that refused a node", totals->checks_nogo);
    write_counter(to, "capi_daemon_batches_failed_count", "batches finished with a failure", totals->batches_failed);
    write_counter(to, "capi_daemon_seals_count", "nodes ended by this process", totals->seals);
    write_counter(to, "capi_daemon_takeovers_count", "dead processes whose work was freed", totals->takeovers);
    write_counter(to, "capi_daemon_rows_read_count", "rows read by finished batches", totals->rows_read);
    write_counter(to, "capi_daemon_rows_written_count", "rows written by finished batches", totals->rows_written);
    write_gauge(to, "capi_daemon_runs", "runs this process knows to be unfinished", totals->runs_live);
    write_gauge(to, "capi_daemon_nodes_open", "nodes that may be worked on", totals->nodes_open);
    write_gauge(to, "capi_daemon_batches_running", "batches and seals being worked on here", totals->slots_busy);
    write_gauge(to, "capi_daemon_batches_running_max", "batches that may be open at once here", totals->slots_total);
    write_gauge(to, "capi_daemon_queue_depth", "batches of opened nodes that nobody works on yet, in all runs",
                (double)metrics->queue_depth);
    write_histogram(to, "capi_daemon_batch_duration_seconds", "how long batches took", &metrics->batches);
    write_histogram(to, "capi_daemon_seal_duration_seconds", "how long it took to end nodes", &metrics->seals);
    write_histogram(to, "capi_daemon_store_duration_seconds", "how long operations of the state took",
                    &metrics->store.duration);
    write_counter(to, "capi_daemon_store_errors_count", "operations of the state that failed",
                  atomic_load(&metrics->store.failure_count));
    write_gauge(to, "capi_daemon_memory_bytes", "memory that data takes", (double)metrics->memory_used_bytes);
    write_gauge(to, "capi_daemon_memory_max_bytes", "memory that data may take", (double)metrics->memory_limit_bytes);
    write_counter(to, "capi_script_def_cache_hit_count", "batches whose script was loaded already",
                  totals->batches_done);
    write_counter(to, "capi_script_def_cache_miss_count", "scripts loaded", totals->scripts_loaded);
    write_downloads(to);
    write_head(to, "capi_build_info", "gauge", "version of the program");
    capi_buf_printf(to, "capi_build_info{version=\"%s\"} 1\n", CAPI_VERSION);
}

/* ---- the queue ---- */

static capi_status add_waiting(capi_state *state, const capi_run *run, capi_arena *arena, uint64_t *depth,
                               capi_err *err)
{
    capi_node_state *nodes = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_node_list(state, run->run_uid, arena, &nodes, &count, err));
    for (uint32_t i = 0; i < count; i++)
        if (nodes[i].status == CAPI_WORK_START)
            *depth += nodes[i].batches_total - nodes[i].batches_done - nodes[i].batches_claimed;
    return CAPI_OK;
}

static capi_status add_keyspace(capi_state *state, const capi_keyspace *keyspace, capi_arena *arena, uint64_t *depth,
                                capi_err *err)
{
    capi_run *runs = NULL;
    uint32_t count = 0;
    capi_status st = capi_run_list(state, keyspace, arena, &runs, &count, err);

    for (uint32_t i = 0; i < count && st == CAPI_OK; i++)
        if (runs[i].status == CAPI_RUN_START) st = add_waiting(state, &runs[i], arena, depth, err);
    return st == CAPI_NOT_FOUND ? CAPI_OK : st; /* dropped while we look */
}

capi_status capi_metrics_queue_depth(capi_state *state, uint64_t *out, capi_err *err)
{
    capi_arena arena = {0};
    capi_keyspace *keyspaces = NULL;
    uint32_t count = 0;
    capi_status st = capi_keyspace_list(state, &arena, &keyspaces, &count, err);

    *out = 0;
    for (uint32_t i = 0; i < count && st == CAPI_OK; i++)
        st = add_keyspace(state, &keyspaces[i], &arena, out, err);
    capi_arena_deinit(&arena);
    return st;
}

/* ---- the process ---- */

static uint32_t count_open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    uint32_t count = 0;

    if (!folder) return 0;
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count - 1; /* without the one that looks */
}

/* Seconds since 1970 at which the machine was started, from /proc/stat. */
static double boot_time(void)
{
    FILE *file = fopen("/proc/stat", "re");
    char line[256];
    double seconds = 0;

    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "btime ", 6) == 0) seconds = strtod(line + 6, NULL);
    if (file) fclose(file);
    return seconds;
}

typedef struct process_figures {
    double cpu_s, start_s;
    uint64_t virtual_bytes, resident_bytes;
} process_figures;

/* Fields of /proc/self/stat are counted behind the name, which may hold anything and ends with the last ")". */
static process_figures read_figures(void)
{
    enum { UTIME = 11, STIME = 12, START = 19, VSIZE = 20, RSS = 21, FIELDS = 22 };
    FILE *file = fopen("/proc/self/stat", "re");
    char text[2048] = "";
    double fields[FIELDS] = {0};
    double ticks = (double)sysconf(_SC_CLK_TCK);
    char *at;

    if (file) {
        text[fread(text, 1, sizeof text - 1, file)] = 0;
        fclose(file);
    }
    at = strrchr(text, ')');
    if (!at) return (process_figures){0};
    at += 3; /* the state is a letter */
    for (int i = 1; i < FIELDS; i++)
        fields[i] = strtod(at + (i == 1), &at);
    return (process_figures){
        .cpu_s = (fields[UTIME] + fields[STIME]) / ticks,
        .start_s = boot_time() + fields[START] / ticks,
        .virtual_bytes = (uint64_t)fields[VSIZE],
        .resident_bytes = (uint64_t)fields[RSS] * (uint64_t)sysconf(_SC_PAGESIZE),
    };
}

static double limit_of(int resource)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return -1;
    return (double)limit.rlim_cur;
}

void capi_metrics_write_process(capi_buf *to)
{
    process_figures figures = read_figures();

    write_head(to, "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.");
    capi_buf_printf(to, "process_cpu_seconds_total %.2f\n", figures.cpu_s);
    write_gauge(to, "process_open_fds", "Number of open file descriptors.", count_open_files());
    write_gauge(to, "process_max_fds", "Maximum number of open file descriptors.", limit_of(RLIMIT_NOFILE));
    write_gauge(to, "process_virtual_memory_bytes", "Virtual memory size in bytes.", (double)figures.virtual_bytes);
    write_gauge(to, "process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes.",
                limit_of(RLIMIT_AS));
    write_gauge(to, "process_resident_memory_bytes", "Resident memory size in bytes.", (double)figures.resident_bytes);
    write_gauge(to, "process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
                figures.start_s);
}
