/* alone.c - the parent's side: start, wait, read how it ended. */
#include "run/alone.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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

/* Until it closes its end: then it has ended, or is about to. False: told to stop. */
static bool read_answer(int fd, const capi_progress *progress, capi_buf *answer)
{
    char bytes[4096];

    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        ssize_t got;

        if (progress->stop) return false;
        if (poll(&poll_fd, 1, ALONE_LOOK_MS) <= 0) continue;
        got = read(fd, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return true;
        if (answer->bytes + (size_t)got <= ALONE_ANSWER_BYTES_MAX) capi_buf_append(answer, bytes, (size_t)got);
    }
}

static capi_alone_end died(int wait_status, capi_work_outcome *out)
{
    if (WIFSIGNALED(wait_status))
        capi_err_set(&out->err, CAPI_INVALID, "was killed by signal %d (%s)", WTERMSIG(wait_status),
                     strsignal(WTERMSIG(wait_status)));
    else
        capi_err_set(&out->err, CAPI_INVALID, "ended with exit code %d", WEXITSTATUS(wait_status));
    return CAPI_ALONE_DIED;
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

capi_alone_end capi_alone_run(const capi_alone *alone, const capi_work_item *item, bool is_seal, capi_arena *arena,
                              capi_work_outcome *out)
{
    capi_alone_end end;
    capi_buf answer = {0};
    int channel[2];
    int wait_status = 0;
    bool is_told;
    pid_t pid = 0;

    if (pipe2(channel, O_CLOEXEC) != 0) {
        out->status = capi_err_set_errno(&out->err, errno, "could not start a process for one batch");
        return CAPI_ALONE_UNAVAILABLE;
    }
    out->status = start_child(alone, item, is_seal, arena, channel[1], &pid, &out->err);
    close(channel[1]);
    if (out->status != CAPI_OK) {
        close(channel[0]);
        return CAPI_ALONE_UNAVAILABLE;
    }
    is_told = !read_answer(channel[0], item->progress, &answer);
    if (is_told) kill(pid, SIGKILL);
    while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR)
        continue;
    if (is_told)
        end = CAPI_ALONE_STOPPED;
    else if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0)
        end = died(wait_status, out);
    else
        end = take_answer(capi_buf_str(&answer), arena, out);
    close(channel[0]);
    capi_buf_deinit(&answer);
    return end;
}
