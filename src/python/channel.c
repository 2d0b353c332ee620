/* channel.c - waits for a worker with one eye on the clock, one on the batch's owner, and one on the worker's last words. */
#include "python/channel.h"

#include "base/random.h"
#include "python/answer.h"
#include "python/interpreter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    STDERR_TAIL_BYTES = 2048,
    WAIT_STEP_MS = 50,
    MEMORY_FIRST_BYTES = 1 << 20,
    DRAIN_PIECES_MAX = 16,
    THREADS_MAX = 512
};

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "frames and columns are little-endian, as the machine must be"
#endif

/* ---- frames in memory ---- */

void channel_append_u32(capi_buf *to, uint32_t value)
{
    capi_buf_append(to, &value, sizeof value);
}

void channel_append_u64(capi_buf *to, uint64_t value)
{
    capi_buf_append(to, &value, sizeof value);
}

void channel_append_text(capi_buf *to, capi_str text)
{
    channel_append_u32(to, (uint32_t)text.bytes);
    capi_buf_append_str(to, text);
}

/* ---- opening ---- */

static void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static capi_status open_memory(channel *to, capi_err *err)
{
    to->memory_fd = memfd_create("capillaries-python", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (to->memory_fd < 0) return capi_err_set_errno(err, errno, "could not make memory for a Python worker");
    CAPI_TRY(channel_reserve(to, MEMORY_FIRST_BYTES, err));
    /* Cut short, it would end us by a signal; growing is ours alone to do, and the worker's filter forbids it. */
    if (fcntl(to->memory_fd, F_ADD_SEALS, F_SEAL_SHRINK) != 0)
        return capi_err_set_errno(err, errno, "could not seal the memory of a Python worker");
    return CAPI_OK;
}

static capi_status start_worker(channel *to, const interpreter *it, uint64_t memory_limit_bytes, capi_err *err)
{
    int ends[2] = {-1, -1};
    int words[2] = {-1, -1};
    process_options options = {
        .argv = it->argv,
        .envp = it->envp,
        .box = &it->box,
        .memory_bytes = memory_limit_bytes,
        .memory_fd = to->memory_fd,
        .stdout_fd = -1,
    };
    capi_status st;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 || pipe2(words, O_CLOEXEC) != 0) {
        st = capi_err_set_errno(err, errno, "could not make a channel for a Python worker");
        close_fd(&ends[0]);
        close_fd(&ends[1]);
        return st;
    }
    options.channel_fd = ends[1];
    options.stderr_fd = words[1];
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(words[0], F_SETFL, O_NONBLOCK);
    to->socket_fd = ends[0];
    to->stderr_fd = words[0];
    st = process_start(&options, &to->pid, err);
    if (st != CAPI_OK) to->pid = 0;
    close(ends[1]);
    close(words[1]);
    return st;
}

capi_status channel_open(channel *to, uint64_t memory_limit_bytes, capi_err *err)
{
    const interpreter *it;
    capi_status st;

    *to = (channel){.socket_fd = -1, .stderr_fd = -1, .memory_fd = -1};
    CAPI_TRY(interpreter_get(&it, err));
    for (size_t i = 0; i < CHANNEL_TOKEN_BYTES; i += 8) {
        uint64_t random = capi_random_system.next(capi_random_system.context);

        memcpy(to->token + i, &random, 8);
    }
    CAPI_TRY_OUT(open_memory(to, err));
    CAPI_TRY_OUT(start_worker(to, it, memory_limit_bytes, err));
out:
    if (st != CAPI_OK) channel_close(to);
    return st;
}

void channel_close(channel *to)
{
    int wait_status;

    if (to->pid > 0) process_end(to->pid, &wait_status);
    close_fd(&to->socket_fd);
    close_fd(&to->stderr_fd);
    close_fd(&to->memory_fd);
    if (to->memory) munmap(to->memory, to->memory_bytes);
    capi_buf_deinit(&to->stderr_tail);
    *to = (channel){.socket_fd = -1, .stderr_fd = -1, .memory_fd = -1};
}

capi_status channel_reserve(channel *to, uint64_t bytes, capi_err *err)
{
    uint64_t wanted;
    void *memory;

    if (bytes <= to->memory_bytes) return CAPI_OK;
    if (bytes > CHANNEL_MEMORY_BYTES_MAX)
        return capi_err_set(err, CAPI_INVALID, "a page of Python formulas needs %llu bytes; at most %llu are possible",
                            (unsigned long long)bytes, (unsigned long long)CHANNEL_MEMORY_BYTES_MAX);
    /* Some more, so that it does not grow with every page, but little, as the worker has little. */
    wanted = (bytes + bytes / 8 + MEMORY_FIRST_BYTES - 1) / MEMORY_FIRST_BYTES * MEMORY_FIRST_BYTES;
    if (wanted > CHANNEL_MEMORY_BYTES_MAX) wanted = CHANNEL_MEMORY_BYTES_MAX;
    if (ftruncate(to->memory_fd, (off_t)wanted) != 0)
        return capi_err_set_errno(err, errno, "could not make memory for a Python worker");
    memory = mmap(NULL, wanted, PROT_READ | PROT_WRITE, MAP_SHARED, to->memory_fd, 0);
    if (memory == MAP_FAILED) return capi_err_set_errno(err, errno, "could not map memory of a Python worker");
    if (to->memory) munmap(to->memory, to->memory_bytes);
    to->memory = memory;
    to->memory_bytes = wanted;
    return CAPI_OK;
}

/* ---- waiting ---- */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Keeps the end of what the worker writes to its standard error: its last words, should it die. A full pipe at most: a worker
 * that writes faster than we read must not keep us from looking at the clock. */
static void drain_stderr(channel *to)
{
    char bytes[4096];

    for (int i = 0; i < DRAIN_PIECES_MAX && to->stderr_fd >= 0; i++) {
        ssize_t got = read(to->stderr_fd, bytes, sizeof bytes);
        capi_buf *tail = &to->stderr_tail;

        if (got <= 0) return;
        capi_buf_append(tail, bytes, (size_t)got);
        if (tail->bytes > STDERR_TAIL_BYTES) {
            memmove(tail->data, tail->data + tail->bytes - STDERR_TAIL_BYTES, STDERR_TAIL_BYTES);
            tail->bytes = STDERR_TAIL_BYTES;
        }
        if (got < (ssize_t)sizeof bytes) return;
    }
}

/* The worker has closed its end: how it ended, and its last words. */
static capi_status blame_death(channel *to, capi_err *err)
{
    capi_buf words = {0};
    int wait_status = 0;
    bool has_ended = false;
    bool is_killed;
    capi_status st;

    for (int i = 0; i < 200 && !has_ended; i++) { /* the socket closes a moment before the process is gone */
        has_ended = process_has_ended(to->pid, &wait_status);
        if (!has_ended) usleep(1000);
    }
    drain_stderr(to);
    capi_buf_append_text(&words, "the Python worker ");
    if (has_ended) {
        to->pid = 0;
        process_append_end(wait_status, &words);
    } else {
        capi_buf_append_text(&words, "closed its channel");
    }
    if (to->stderr_tail.bytes) {
        capi_str tail = capi_str_trim(capi_buf_str(&to->stderr_tail));

        capi_buf_append_text(&words, "; the end of its standard error:\n");
        answer_append_words(tail, &words);
    }
    is_killed = has_ended && WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL;
    st = capi_err_set(err, is_killed ? CAPI_KILLED : CAPI_INVALID, "%.*s", (int)words.bytes, words.data);
    capi_buf_deinit(&words);
    return st;
}

/* Neither its limits nor its filter can count threads, and they are the machine's to share. False if it cannot be told. */
static bool has_too_many_threads(pid_t pid)
{
    char path[64], text[1024];
    const char *after_name;
    long thread_count = 0;
    ssize_t got;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    got = read(fd, text, sizeof text - 1);
    close(fd);
    text[got > 0 ? got : 0] = 0;
    after_name = strrchr(text, ')'); /* 17 fields lie between the name and the number of threads */
    if (!after_name) return false;
    for (int i = 0; i < 18 && after_name; i++)
        after_name = strchr(after_name + 1, ' ');
    if (after_name) thread_count = strtol(after_name, NULL, 10);
    return thread_count > THREADS_MAX;
}

/* Until the socket is ready for `events`, or an error. deadline_ms 0: none. */
static capi_status wait_for(channel *to, short events, int64_t deadline_ms, const capi_python_limits *limits,
                            capi_err *err)
{
    for (;;) {
        struct pollfd fds[2] = {{to->socket_fd, events, 0}, {to->stderr_fd, POLLIN, 0}};
        int ready = poll(fds, 2, WAIT_STEP_MS);

        if (ready < 0 && errno != EINTR) return capi_err_set_errno(err, errno, "could not wait for a Python worker");
        if (ready > 0 && fds[1].revents & POLLIN) drain_stderr(to);
        if (ready > 0 && fds[1].revents & (POLLHUP | POLLERR) && !(fds[1].revents & POLLIN)) close_fd(&to->stderr_fd);
        if (ready > 0 && fds[0].revents) return CAPI_OK;
        if (limits->should_stop && limits->should_stop(limits->stop_context))
            return capi_err_set(err, CAPI_STOPPED, "the batch was stopped on request");
        if (has_too_many_threads(to->pid))
            return capi_err_set(err, CAPI_INVALID, "the Python worker started more than %d threads and was ended",
                                THREADS_MAX);
        if (deadline_ms && now_ms() >= deadline_ms)
            return capi_err_set(err, CAPI_INVALID,
                                "the Python worker took more than %lld ms (execution_timeout) and was ended",
                                (long long)limits->page_timeout_ms);
    }
}

static int64_t deadline(const capi_python_limits *limits)
{
    return limits->page_timeout_ms > 0 ? now_ms() + limits->page_timeout_ms : 0;
}

static capi_status send_all(channel *to, const char *data, size_t bytes, int64_t deadline_ms,
                            const capi_python_limits *limits, capi_err *err)
{
    while (bytes) {
        ssize_t sent = send(to->socket_fd, data, bytes, MSG_NOSIGNAL);

        if (sent > 0) {
            data += sent;
            bytes -= (size_t)sent;
        } else if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            CAPI_TRY(wait_for(to, POLLOUT, deadline_ms, limits, err));
        } else {
            return blame_death(to, err);
        }
    }
    return CAPI_OK;
}

capi_status channel_send_token(channel *to, const capi_python_limits *limits, capi_err *err)
{
    return send_all(to, to->token, CHANNEL_TOKEN_BYTES, deadline(limits), limits, err);
}

capi_status channel_send(channel *to, capi_str payload, const capi_python_limits *limits, capi_err *err)
{
    int64_t deadline_ms = deadline(limits);
    uint32_t bytes = (uint32_t)payload.bytes;
    char head[64];

    if (payload.bytes > CHANNEL_MEMORY_BYTES_MAX)
        return capi_err_set(err, CAPI_INVALID, "the Python code has %zu bytes; at most %llu are possible",
                            payload.bytes, (unsigned long long)CHANNEL_MEMORY_BYTES_MAX);
    if (payload.bytes + sizeof bytes <= sizeof head) {
        memcpy(head, &bytes, sizeof bytes);
        memcpy(head + sizeof bytes, payload.data, payload.bytes);
        return send_all(to, head, sizeof bytes + payload.bytes, deadline_ms, limits, err);
    }
    CAPI_TRY(send_all(to, (const char *)&bytes, sizeof bytes, deadline_ms, limits, err));
    return send_all(to, payload.data, payload.bytes, deadline_ms, limits, err);
}

/* More bytes at the end of buf, until it has `bytes`. */
static capi_status receive_until(channel *to, size_t bytes, int64_t deadline_ms, const capi_python_limits *limits,
                                 capi_buf *buf, capi_err *err)
{
    while (buf->bytes < bytes) {
        ssize_t got = recv(to->socket_fd, capi_buf_reserve(buf, bytes - buf->bytes), bytes - buf->bytes, 0);

        if (got > 0) {
            buf->bytes += (size_t)got;
        } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            CAPI_TRY(wait_for(to, POLLIN, deadline_ms, limits, err));
        } else {
            return blame_death(to, err);
        }
    }
    return CAPI_OK;
}

capi_status channel_receive(channel *to, const capi_python_limits *limits, capi_buf *buf, channel_answer *out,
                            capi_err *err)
{
    int64_t deadline_ms = deadline(limits);
    uint32_t number, bytes;

    capi_buf_clear(buf);
    /* The token alone first: of garbage as much comes as its sender likes. */
    CAPI_TRY(receive_until(to, CHANNEL_TOKEN_BYTES, deadline_ms, limits, buf, err));
    if (memcmp(buf->data, to->token, CHANNEL_TOKEN_BYTES) == 0)
        CAPI_TRY(receive_until(to, CHANNEL_HEAD_BYTES, deadline_ms, limits, buf, err));
    if (buf->bytes < CHANNEL_HEAD_BYTES)
        return capi_err_set(err, CAPI_INVALID,
                            "something that is no answer came from the Python worker: does the code write "
                            "to descriptors that are not its own?");
    memcpy(&number, buf->data + CHANNEL_TOKEN_BYTES, 4);
    memcpy(&bytes, buf->data + CHANNEL_TOKEN_BYTES + 5, 4);
    out->kind = buf->data[CHANNEL_TOKEN_BYTES + 4];
    if (number != to->number || bytes > CHANNEL_ANSWER_BYTES_MAX)
        return capi_err_set(err, CAPI_INVALID, "the Python worker sent an answer to another page");
    CAPI_TRY(receive_until(to, CHANNEL_HEAD_BYTES + bytes, deadline_ms, limits, buf, err));
    out->payload = (capi_str){buf->data + CHANNEL_HEAD_BYTES, bytes};
    return CAPI_OK;
}

bool channel_is_quiet(channel *to)
{
    struct pollfd waiting = {to->socket_fd, POLLIN, 0};
    int wait_status;

    if (process_has_ended(to->pid, &wait_status)) {
        to->pid = 0;
        return false;
    }
    return poll(&waiting, 1, 0) == 0;
}
