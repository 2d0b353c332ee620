/* alone.c - the parent's side: start, wait, read how it ended. */
#include "run/alone.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { ALONE_LOOK_MS = 50, ALONE_ANSWER_BYTES_MAX = 64 << 10 };

static char *word(capi_arena *arena, capi_str text)
{
    return (char *)capi_str_copy(arena, text).data;
}

static void make_words(const capi_alone *alone, const capi_work_item *item, bool is_seal, capi_arena *arena,
                       char *out[CAPI_ALONE_WORDS])
{
    const capi_claim *claim = item->claim;

    out[CAPI_ALONE_PARENT] = word(arena, capi_str_format(arena, "%ld", (long)getpid()));
    out[CAPI_ALONE_DATA] = word(arena, alone->data_folder);
    out[CAPI_ALONE_CONFIG] = word(arena, alone->config_path);
    out[CAPI_ALONE_THREADS] = word(arena, capi_str_format(arena, "%u", alone->thread_count));
    out[CAPI_ALONE_MEMORY] = word(arena, capi_str_format(arena, "%llu", (unsigned long long)alone->memory_bytes));
    out[CAPI_ALONE_PATIENCE] = word(arena, capi_str_format(arena, "%u", alone->patience_ms));
    out[CAPI_ALONE_KEYSPACE_UID] = word(arena, item->run->keyspace_uid);
    out[CAPI_ALONE_RUN_ID] = word(arena, capi_str_format(arena, "%u", item->run->run_id));
    out[CAPI_ALONE_RUN_UID] = word(arena, item->run->run_uid);
    out[CAPI_ALONE_NODE] = word(arena, item->node->name);
    out[CAPI_ALONE_KIND] = word(arena, is_seal ? CAPI_STR("seal") : CAPI_STR("batch"));
    out[CAPI_ALONE_BATCH_IDX] = word(arena, capi_str_format(arena, "%u", claim->batch_idx));
    out[CAPI_ALONE_BATCHES_TOTAL] = word(arena, capi_str_format(arena, "%u", claim->batches_total));
    out[CAPI_ALONE_ATTEMPT_UID] = word(arena, capi_str_of(claim->attempt_uid));
    out[CAPI_ALONE_DEATHS] = word(arena, capi_str_format(arena, "%u", claim->deaths));
}

static capi_status start_child(const capi_alone *alone, const capi_work_item *item, bool is_seal, capi_arena *arena,
                               int answer_fd, pid_t *pid, capi_err *err)
{
    char *argv[CAPI_ALONE_WORDS + 3] = {(char[]){"capillaries"}, (char[]){CAPI_ALONE_COMMAND}};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    int code;

    make_words(alone, item, is_seal, arena, argv + 2);
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, answer_fd, 1);
    code = posix_spawn(pid, "/proc/self/exe", &files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (code == 0) return CAPI_OK;
    return capi_err_set(err, CAPI_UNAVAILABLE, "could not start a process for one batch: %s", strerror(code));
}

/* ---- waiting ---- */

typedef enum child_end {
    CHILD_ENDED,
    CHILD_TOLD_TO_STOP, /* by us: we are told to */
    CHILD_STOPPED,      /* by a signal, for longer than a lease */
} child_end;

typedef struct alone_process {
    pid_t pid;
    int wait_status; /* once it has ended */
    bool has_ended;
    int64_t stopped_ns; /* since when it has been stopped by a signal; 0: it is not */
    capi_buf answer;
} alone_process;

static int64_t now_ns(void)
{
    return capi_clock_system.monotonic_ns(capi_clock_system.context);
}

static void look_at_child(alone_process *child)
{
    int status = 0;

    if (child->has_ended || waitpid(child->pid, &status, WNOHANG | WUNTRACED | WCONTINUED) != child->pid) return;
    if (WIFSTOPPED(status)) {
        child->stopped_ns = now_ns();
    } else if (WIFCONTINUED(status)) {
        child->stopped_ns = 0;
    } else {
        child->wait_status = status;
        child->has_ended = true;
    }
}

/* False: there will be no more. */
static bool read_some(int fd, capi_buf *answer)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    char bytes[4096];
    ssize_t got;

    if (poll(&poll_fd, 1, ALONE_LOOK_MS) <= 0) return true;
    got = read(fd, bytes, sizeof bytes);
    if (got < 0) return errno == EINTR;
    if (answer->bytes + (size_t)got <= ALONE_ANSWER_BYTES_MAX) capi_buf_append(answer, bytes, (size_t)got);
    return got > 0;
}

/* Until it has closed its end of the channel, and ended. It always has ended then. */
static child_end wait_for(alone_process *child, int fd, const capi_progress *progress, int64_t lease_ns)
{
    child_end end = CHILD_ENDED;
    bool is_open = true;

    while (end == CHILD_ENDED && (is_open || !child->has_ended)) {
        if (is_open)
            is_open = read_some(fd, &child->answer);
        else
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        look_at_child(child);
        if (progress->stop) end = CHILD_TOLD_TO_STOP;
        if (child->stopped_ns && now_ns() - child->stopped_ns >= lease_ns) end = CHILD_STOPPED;
    }
    if (child->has_ended) return end;
    kill(child->pid, SIGKILL);
    while (waitpid(child->pid, &child->wait_status, 0) < 0 && errno == EINTR)
        continue;
    return end;
}

/* ---- how it ended ---- */

static bool may_be_the_batch(int wait_status)
{
    static const int signals[] = {SIGKILL, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGXCPU};

    if (!WIFSIGNALED(wait_status)) return true;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (WTERMSIG(wait_status) == signals[i]) return true;
    return false;
}

static capi_alone_end died(int wait_status, capi_work_outcome *out)
{
    bool counts = may_be_the_batch(wait_status);

    if (!counts)
        out->status =
            capi_err_set(&out->err, CAPI_UNAVAILABLE, "a process that worked on this alone was ended by signal %d (%s)",
                         WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
    else if (WIFSIGNALED(wait_status))
        capi_err_set(&out->err, CAPI_INVALID, "was killed by signal %d (%s)", WTERMSIG(wait_status),
                     strsignal(WTERMSIG(wait_status)));
    else
        capi_err_set(&out->err, CAPI_INVALID, "ended with exit code %d", WEXITSTATUS(wait_status));
    return counts ? CAPI_ALONE_DIED : CAPI_ALONE_UNAVAILABLE;
}

/* "committed STATUS ROWS_READ ROWS_WRITTEN BYTES_WRITTEN\n" and the words of a failure; or "lost\n"; or "error\n" and its words. */
static capi_alone_end take_answer(capi_str answer, capi_arena *arena, capi_work_outcome *out)
{
    const char *text = capi_str_copy(arena, answer).data;
    const char *rest = strchr(text, '\n');
    unsigned long long rows_read;
    unsigned long long rows_written;
    unsigned long long bytes_written;
    int status;

    rest = rest ? rest + 1 : "";
    if (strncmp(text, "lost\n", 5) == 0) return CAPI_ALONE_LOST;
    if (sscanf(text, "committed %d %llu %llu %llu", &status, &rows_read, &rows_written, &bytes_written) == 4) {
        out->result = (capi_batch_result){.status = (capi_work_status)status,
                                          .rows_read = rows_read,
                                          .rows_written = rows_written,
                                          .bytes_written = bytes_written,
                                          .comment = capi_str_of(rest)};
        out->status = status == CAPI_WORK_SUCCESS ? CAPI_OK : CAPI_INVALID;
        if (out->status != CAPI_OK) capi_err_set(&out->err, CAPI_INVALID, "%s", rest);
        return CAPI_ALONE_COMMITTED;
    }
    if (strncmp(text, "error\n", 6) != 0) rest = "a process for one batch ended without a word";
    out->status = capi_err_set(&out->err, CAPI_UNAVAILABLE, "%s", rest);
    return CAPI_ALONE_UNAVAILABLE;
}

static capi_alone_end end_of(const alone_process *child, child_end end, capi_arena *arena, capi_work_outcome *out)
{
    if (end == CHILD_TOLD_TO_STOP) return CAPI_ALONE_STOPPED;
    if (end == CHILD_STOPPED) {
        out->status = capi_err_set(
            &out->err, CAPI_UNAVAILABLE,
            "process %ld, which worked on this alone, was stopped by a signal and has been ended", (long)child->pid);
        return CAPI_ALONE_UNAVAILABLE;
    }
    if (!WIFEXITED(child->wait_status) || WEXITSTATUS(child->wait_status) != 0) return died(child->wait_status, out);
    return take_answer(capi_buf_str(&child->answer), arena, out);
}

capi_alone_end capi_alone_run(const capi_alone *alone, const capi_work_item *item, bool is_seal, capi_arena *arena,
                              capi_work_outcome *out)
{
    alone_process child = {0};
    capi_alone_end end = CAPI_ALONE_UNAVAILABLE;
    int channel[2];

    if (pipe2(channel, O_CLOEXEC) != 0) {
        out->status = capi_err_set_errno(&out->err, errno, "could not start a process for one batch");
        return end;
    }
    out->status = start_child(alone, item, is_seal, arena, channel[1], &child.pid, &out->err);
    close(channel[1]);
    if (out->status == CAPI_OK)
        end = end_of(&child, wait_for(&child, channel[0], item->progress, alone->lease_ns), arena, out);
    close(channel[0]);
    capi_buf_deinit(&child.answer);
    return end;
}
