/* exchange.c - see exchange.h. Everything that waits is in drive(): it looks every NET_POLL_MS whether to stop, and gives up a
 * connection on which nothing has moved for the idle timeout. */
#include "net/attempt.h"

#include "base/clock.h"
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

static int64_t now_ns(void)
{
    return capi_clock_system.monotonic_ns(capi_clock_system.context);
}

/* ---- what comes in ---- */

static bool header_is(capi_str line, const char *name, capi_str *value)
{
    size_t bytes = strlen(name);

    if (line.bytes <= bytes || line.data[bytes] != ':' || strncasecmp(line.data, name, bytes) != 0) return false;
    *value = capi_str_trim(capi_str_slice(line, bytes + 1, line.bytes));
    return true;
}

static void keep(char *to, size_t capacity, capi_str value)
{
    size_t bytes = value.bytes < capacity - 1 ? value.bytes : capacity - 1;

    memcpy(to, value.data, bytes);
    to[bytes] = 0;
}

static bool take_number(const char **at, const char *end, uint64_t *out)
{
    const char *begin = *at;

    *out = 0;
    while (*at < end && **at >= '0' && **at <= '9') {
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, (uint64_t)(**at - '0'), out))
            return false;
        (*at)++;
    }
    return *at > begin;
}

/* bytes 100-199/1000 */
static void read_content_range(attempt *a, capi_str value)
{
    const char *at = value.data, *end = value.data + value.bytes;
    uint64_t from, to, total;

    if (!capi_str_starts(value, "bytes ")) return;
    at += 6;
    if (!take_number(&at, end, &from) || at == end || *at++ != '-') return;
    if (!take_number(&at, end, &to) || at == end || *at++ != '/') return;
    if (!take_number(&at, end, &total) || at != end || to < from || to >= total) return;
    a->has_content_range = true;
    a->range_from = from;
    a->range_total = total;
}

static void note_move(attempt *a)
{
    a->moved_ns = now_ns();
    a->has_moved = true;
}

/* One number, or the same one several times ("20, 20"); two that differ mean that somebody on the way is wrong. */
static void read_content_length(attempt *a, capi_str value)
{
    const char *at = value.data, *end = value.data + value.bytes;
    uint64_t number;

    while (take_number(&at, end, &number)) {
        if (a->answer.has_length && a->answer.length_bytes != number) a->has_two_lengths = true;
        a->answer.has_length = true;
        a->answer.length_bytes = number;
        while (at < end && (*at == ',' || *at == ' ' || *at == '\t'))
            at++;
    }
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    attempt *a = context;
    capi_str line = {data, size * count}, value;
    const char *at;
    uint64_t number;

    note_move(a);
    if (capi_str_starts(line, "HTTP/")) { /* of the next answer: after a redirect, or after 100 Continue */
        memset(&a->answer, 0, sizeof a->answer);
        a->has_content_range = a->has_two_lengths = false;
        a->text_bytes = 0;
    } else if (header_is(line, "content-length", &value)) {
        read_content_length(a, value);
        if (a->has_two_lengths) return 0;
    } else if (header_is(line, "content-range", &value)) {
        read_content_range(a, value);
    } else if (header_is(line, "accept-ranges", &value)) {
        a->answer.has_ranges = capi_str_is(value, "bytes");
    } else if (header_is(line, "content-type", &value)) {
        a->answer.is_page = capi_str_starts(value, "text/html");
    } else if (header_is(line, "etag", &value)) {
        keep(a->answer.etag, sizeof a->answer.etag, value);
    } else if (header_is(line, "last-modified", &value)) {
        keep(a->answer.modified, sizeof a->answer.modified, value);
    } else if (header_is(line, "x-amz-bucket-region", &value)) {
        keep(a->answer.region, sizeof a->answer.region, value);
    } else if (header_is(line, "retry-after", &value)) {
        at = value.data;
        if (take_number(&at, value.data + value.bytes, &number)) a->retry_after_s = number < 60 ? (uint32_t)number : 60;
    }
    return size * count;
}

static long answer_code(attempt *a, CURL *easy)
{
    if (!a->answer.code) curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &a->answer.code);
    return a->answer.code;
}

static bool sink_take(attempt *a, const char *data, size_t bytes)
{
    net_sink *sink = a->sink;

    if (bytes > sink->max_bytes - sink->bytes) {
        a->is_too_large = true;
        return false;
    }
    if (sink->buf) {
        capi_buf_append(sink->buf, data, bytes);
    } else if (sink->fd >= 0) {
        size_t done = 0;

        while (done < bytes) {
            ssize_t got = pwrite(sink->fd, data + done, bytes - done, (off_t)(sink->fd_offset + sink->bytes + done));

            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) {
                a->errno_value = got < 0 ? errno : EIO;
                return false;
            }
            done += (size_t)got;
        }
    }
    sink->bytes += bytes;
    return true;
}

static void sink_restart(net_sink *sink)
{
    sink->bytes = 0;
    if (sink->buf)
        capi_buf_clear(sink->buf);
    else if (sink->fd >= 0 && !sink->is_part && ftruncate(sink->fd, 0) != 0)
        sink->bytes = 0; /* what follows overwrites it */
}

typedef struct attempt_handle {
    attempt *a;
    CURL *easy;
} attempt_handle;

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    attempt_handle *handle = context;
    attempt *a = handle->a;
    size_t bytes = size * count;
    long code = answer_code(a, handle->easy);

    note_move(a);
    if (net_is_refusal(a, code)) {
        size_t room = sizeof a->text - a->text_bytes;

        memcpy(a->text + a->text_bytes, data, bytes < room ? bytes : room);
        a->text_bytes += bytes < room ? bytes : room;
        return bytes;
    }
    if (code == 200 && a->request->has_range) {
        a->is_enough = true;
        return 0;
    }
    if (code == 200 && a->from && !a->is_restarted) { /* no ranges, or not the file it was */
        a->is_restarted = true;
        sink_restart(a->sink);
    }
    return sink_take(a, data, bytes) ? bytes : 0;
}

static size_t on_send(char *to, size_t size, size_t count, void *context)
{
    attempt *a = context;
    const net_request *request = a->request;
    uint64_t all = request->body_fd >= 0 ? request->body_bytes : request->body.bytes;
    uint64_t bytes = size * count;

    if (bytes > all - a->body_sent) bytes = all - a->body_sent;
    if (bytes == 0) return 0;
    if (request->body_fd >= 0) {
        ssize_t got = pread(request->body_fd, to, bytes, (off_t)(request->body_offset + a->body_sent));

        if (got <= 0) {
            a->errno_value = got < 0 ? errno : EIO; /* shorter than it was */
            return CURL_READFUNC_ABORT;
        }
        bytes = (uint64_t)got;
    } else {
        memcpy(to, request->body.data + a->body_sent, bytes);
    }
    a->body_sent += bytes;
    note_move(a);
    return bytes;
}

static int on_seek(void *context, curl_off_t offset, int origin)
{
    attempt *a = context;

    if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_FAIL;
    a->body_sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* ---- one attempt ---- */

static void set_up_range(attempt *a, CURL *easy, bool is_http, const net_answer *known, struct curl_slist **headers)
{
    const net_request *request = a->request;
    char text[64 + sizeof known->etag];

    if (request->has_range) {
        snprintf(text, sizeof text, "%llu-%llu", (unsigned long long)request->range_from,
                 (unsigned long long)(request->range_from + request->range_bytes - 1));
        curl_easy_setopt(easy, CURLOPT_RANGE, text);
        if (known->etag[0] && strncmp(known->etag, "W/", 2) != 0) {
            snprintf(text, sizeof text, "If-Match: %s", known->etag);
            *headers = curl_slist_append(*headers, text);
        }
    } else if (a->from && is_http) {
        snprintf(text, sizeof text, "%llu-", (unsigned long long)a->from);
        curl_easy_setopt(easy, CURLOPT_RANGE, text);
        snprintf(text, sizeof text, "If-Range: %s", known->etag[0] ? known->etag : known->modified);
        *headers = curl_slist_append(*headers, text);
    } else if (a->from) {
        curl_easy_setopt(easy, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)a->from);
    }
}

static void set_up_method(attempt *a, CURL *easy)
{
    const net_request *request = a->request;
    uint64_t bytes = request->body_fd >= 0 ? request->body_bytes : request->body.bytes;

    if (request->is_upload) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)bytes);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
        curl_easy_setopt(easy, CURLOPT_READDATA, a);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, a);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
                         capi_url_scheme(request->url) == CAPI_SCHEME_SFTP ? NULL : request->method);
    } else if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (strcmp(request->method, "GET") != 0) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

static void set_up_common(capi_net *net, attempt_handle *handle, bool is_https)
{
    const capi_net_settings *settings = net_settings(net);
    capi_str authorities = net_authorities(net);
    CURL *easy = handle->easy;

    curl_easy_setopt(easy, CURLOPT_URL, handle->a->request->url.data);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, handle->a->curl_text);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https,sftp");
    /* What is asked for by https never comes by less. */
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, is_https ? "https" : "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)NET_REDIRECT_MAX);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, handle->a);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, handle);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L * 1024);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "capillaries/" CAPI_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    if (authorities.bytes) {
        struct curl_blob blob = {(void *)(uintptr_t)authorities.data, authorities.bytes, CURL_BLOB_NOCOPY};

        curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
}

static void tell_progress(const attempt *a, CURL *easy, const capi_net_watch *watch)
{
    uint64_t all = a->has_content_range ? a->range_total : a->answer.length_bytes;
    curl_off_t length = -1;

    if (a->request->is_upload) {
        watch->progress(watch->context, a->body_sent, a->request->body_fd >= 0 ? a->request->body_bytes : 0);
        return;
    }
    if (!all && a->sink->bytes && curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length) == CURLE_OK &&
        length > 0)
        all = (uint64_t)length + a->from; /* sftp */
    watch->progress(watch->context, a->sink->bytes, all);
}

static CURLcode drive(net_connection connection, attempt *a, const capi_net_settings *settings,
                      const capi_net_watch *watch)
{
    int64_t patience_ns = (int64_t)settings->idle_timeout_ms * 1000000;
    int running = 1, left;
    CURLcode result = CURLE_OK;
    CURLMsg *message;

    a->moved_ns = now_ns();
    curl_multi_add_handle(connection.multi, connection.easy);
    while (running) {
        if (curl_multi_perform(connection.multi, &running) != CURLM_OK) {
            result = CURLE_FAILED_INIT;
            break;
        }
        if (watch && watch->progress) tell_progress(a, connection.easy, watch);
        if (watch && watch->is_stopped && watch->is_stopped(watch->context)) {
            a->is_stopped = true;
            break;
        }
        if (now_ns() - a->moved_ns >
            patience_ns + (a->has_moved ? 0 : (int64_t)settings->connect_timeout_ms * 1000000)) {
            a->is_idle = true;
            break;
        }
        if (running) curl_multi_poll(connection.multi, NULL, 0, NET_POLL_MS, NULL);
    }
    while ((message = curl_multi_info_read(connection.multi, &left)))
        if (message->msg == CURLMSG_DONE) result = message->data.result;
    if (!a->is_stopped && !a->is_idle && result == CURLE_OK) answer_code(a, connection.easy);
    return result;
}

static capi_status try_once(capi_net *net, attempt *a, const net_answer *known, const capi_net_watch *watch,
                            CURLcode *result, capi_err *err)
{
    net_request *request = a->request;
    capi_scheme scheme = capi_url_scheme(request->url);
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    net_connection connection;
    attempt_handle handle;
    capi_status st;

    CAPI_TRY(net_connection_take(net, &connection, err));
    handle = (attempt_handle){a, connection.easy};
    set_up_common(net, &handle, scheme == CAPI_SCHEME_HTTPS);
    set_up_method(a, connection.easy);
    set_up_range(a, connection.easy, scheme != CAPI_SCHEME_SFTP, known, &headers);
    st = request->sign ? request->sign(request->context, request, &headers, err) : CAPI_OK;
    if (st == CAPI_OK && request->prepare) st = request->prepare(request->context, connection.easy, err);
    if (st == CAPI_OK) {
        if (scheme != CAPI_SCHEME_SFTP) curl_easy_setopt(connection.easy, CURLOPT_HTTPHEADER, headers);
        *result = drive(connection, a, net_settings(net), watch);
        if (scheme == CAPI_SCHEME_SFTP && *result == CURLE_OK && !request->is_upload) {
            curl_off_t length = -1;

            curl_easy_getinfo(connection.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
            if (length >= 0) {
                a->answer.has_length = true;
                a->answer.length_bytes = (uint64_t)length + a->from;
            }
        }
    }
    net_connection_give(net, connection);
    curl_slist_free_all(headers);
    return st;
}

/* ---- again and again ---- */

bool net_pause(uint32_t failures, uint32_t at_least_s, const capi_net_watch *watch)
{
    uint64_t pause_ms = (uint64_t)NET_PAUSE_FIRST_MS << (failures < 8 ? failures : 8);
    int64_t until;

    if (pause_ms > NET_PAUSE_MAX_MS) pause_ms = NET_PAUSE_MAX_MS;
    pause_ms = pause_ms / 2 + capi_random_system.next(capi_random_system.context) % (pause_ms / 2 + 1);
    if (pause_ms < at_least_s * 1000u) pause_ms = at_least_s * 1000u;
    until = now_ns() + (int64_t)pause_ms * 1000000;
    while (now_ns() < until) {
        if (watch && watch->is_stopped && watch->is_stopped(watch->context)) return false;
        usleep(20000);
    }
    return true;
}

/* The first answer says which file it is; a later one may only add to that. */
static void learn(net_answer *known, const attempt *a)
{
    const net_answer *answer = &a->answer;

    if (a->request->has_range || (answer->code != 200 && answer->code != 0)) return;
    if (a->from && !a->is_restarted) return;
    *known = *answer;
}

static bool can_resume(const net_request *request, const net_answer *known)
{
    if (request->has_range || request->is_upload) return false;
    if (capi_url_scheme(request->url) == CAPI_SCHEME_SFTP) return true;
    if (known->etag[0] && strncmp(known->etag, "W/", 2) != 0) return true;
    return known->modified[0] != 0;
}

capi_status net_exchange(capi_net *net, net_request *request, net_sink *sink, const capi_net_watch *watch,
                         net_answer *answer, capi_err *err)
{
    const capi_net_settings *settings = net_settings(net);
    int64_t moved_ns = now_ns();
    uint64_t furthest = sink->bytes; /* what has once come is no progress when it comes again */
    uint32_t failures = 0, restarts = 0, amended = 0;
    attempt *a = capi_malloc(sizeof *a);
    capi_err cause = {0};
    capi_status st;

    if (request->has_range || request->is_upload) sink_restart(sink);
    for (;;) {
        CURLcode code = CURLE_OK;
        verdict result;

        *a = (attempt){.request = request, .sink = sink, .from = sink->bytes};
        if (a->from && !can_resume(request, answer)) {
            sink_restart(sink);
            a->from = 0;
        }
        st = try_once(net, a, answer, watch, &code, err);
        if (st != CAPI_OK) {
            capi_err_clear(&cause); /* of an earlier attempt */
            break;
        }
        learn(answer, a);
        result = net_judge(a, code, answer, &cause);
        if (result == VERDICT_DONE) {
            if (request->has_range ? !answer->has_length : !a->from || a->is_restarted) *answer = a->answer;
            break;
        }
        if (result == VERDICT_AGAIN && amended++ < 2) continue;
        st = cause.status;
        if (result == VERDICT_FAIL || result == VERDICT_AGAIN) break;
        if (result == VERDICT_RESTART) {
            sink_restart(sink);
            *answer = (net_answer){0};
            if (restarts++ == NET_RESTART_MAX) break;
        }
        if (sink->bytes > furthest) {
            furthest = sink->bytes;
            moved_ns = now_ns();
            failures = 0;
        }
        failures++;
        if (failures >= (result == VERDICT_RECONNECT ? NET_CONNECT_ATTEMPT_MAX : NET_ATTEMPT_MAX) ||
            now_ns() - moved_ns > (int64_t)settings->retry_budget_ms * 1000000) {
            capi_err_note(&cause, "after %u attempts", failures);
            if (watch && watch->gave_up) *watch->gave_up = true;
            break;
        }
        if (request->has_range) sink_restart(sink);
        if (!net_pause(failures - 1, a->retry_after_s, watch)) {
            st = capi_err_set(&cause, CAPI_STOPPED, "stopped while reading or writing \"%.*s\"",
                              CAPI_STR_ARG(request->shown));
            break;
        }
    }
    if (st != CAPI_OK && cause.status != CAPI_OK && err) capi_err_copy(err, &cause);
    free(a);
    return st;
}
