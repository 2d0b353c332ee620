/* s3.c - objects of Amazon S3 and what speaks like it. We sign ourselves (sigv4.h).
 *
 * Where: an endpoint from the settings or AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL is asked for /<bucket>/<key>; otherwise Amazon's
 * https://<bucket>.s3.<region>.amazonaws.com. A bucket in another region says so, and is asked there. */
#include "net/protocol.h"

#include "base/clock.h"
#include "net/credentials.h"
#include "net/glob.h"
#include "net/s3_xml.h"
#include "net/sigv4.h"

#include <stdlib.h>

enum {
    S3_PART_BYTES = 16 << 20, /* larger files go in parts of at least this */
    S3_PART_MAX = 10000,
    S3_ANSWER_BYTES_MAX = 16 << 20,
    S3_KEY_BYTES_MAX = 1024,
};

typedef struct s3_call { /* context of a request */
    capi_net *net;
    capi_arena *arena;
    capi_str bucket, key;
    capi_str query; /* canonical */
    capi_str region;
    capi_str host;
    capi_str path;
    char payload_hash[SHA256_HEX_BYTES + 1];
} s3_call;

static capi_str endpoint_of(capi_net *net)
{
    const char *names[] = {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"};
    capi_str endpoint = capi_str_of(net_settings(net)->s3_endpoint);

    for (int i = 0; i < 2 && !endpoint.bytes; i++)
        endpoint = capi_str_of(getenv(names[i]));
    while (capi_str_ends(endpoint, "/"))
        endpoint.bytes--;
    return endpoint;
}

static capi_status place(s3_call *call, net_request *request, capi_err *err)
{
    capi_str endpoint = endpoint_of(call->net), key = capi_url_encode(call->arena, call->key, true);
    const char *domain = capi_str_starts(call->region, "cn-") ? "amazonaws.com.cn" : "amazonaws.com";
    bool is_dotted = capi_str_find(call->bucket, CAPI_STR(".")) >= 0;
    const char *scheme = "https";
    capi_url url;

    if (endpoint.bytes) {
        CAPI_TRY(capi_url_parse(endpoint, &url, err));
        if (url.scheme != CAPI_SCHEME_HTTP && url.scheme != CAPI_SCHEME_HTTPS)
            return capi_err_set(err, CAPI_INVALID, "bad endpoint \"%.*s\" for s3: expected http:// or https://",
                                CAPI_STR_ARG(endpoint));
        scheme = url.scheme == CAPI_SCHEME_HTTP ? "http" : "https";
        call->host = url.port ? capi_str_format(call->arena, "%.*s:%u", CAPI_STR_ARG(url.host), url.port) : url.host;
        call->path = capi_str_format(call->arena, "%.*s/%.*s/%.*s", CAPI_STR_ARG(url.path), CAPI_STR_ARG(call->bucket),
                                     CAPI_STR_ARG(key));
    } else if (is_dotted) { /* no certificate fits such names */
        call->host = capi_str_format(call->arena, "s3.%.*s.%s", CAPI_STR_ARG(call->region), domain);
        call->path = capi_str_format(call->arena, "/%.*s/%.*s", CAPI_STR_ARG(call->bucket), CAPI_STR_ARG(key));
    } else {
        call->host = capi_str_format(call->arena, "%.*s.s3.%.*s.%s", CAPI_STR_ARG(call->bucket),
                                     CAPI_STR_ARG(call->region), domain);
        call->path = capi_str_format(call->arena, "/%.*s", CAPI_STR_ARG(key));
    }
    request->url = capi_str_format(call->arena, "%s://%.*s%.*s%s%.*s", scheme, CAPI_STR_ARG(call->host),
                                   CAPI_STR_ARG(call->path), call->query.bytes ? "?" : "", CAPI_STR_ARG(call->query));
    return CAPI_OK;
}

static capi_status identify(capi_net *net, const char *method, capi_str shown, capi_arena *arena, aws_identity *out,
                            capi_err *err)
{
    capi_err cause = {0};
    capi_status st = aws_identify(net, arena, out, &cause);

    if (st == CAPI_OK) return CAPI_OK;
    return capi_err_set(err, st, "cannot %s \"%.*s\": %s", strcmp(method, "GET") == 0 ? "read" : "write",
                        CAPI_STR_ARG(shown), cause.text);
}

static capi_status sign(void *context, const net_request *request, struct curl_slist **headers, capi_err *err)
{
    s3_call *call = context;
    capi_arena arena = {0};
    const char *lines[4];
    aws_identity identity;
    capi_status st = identify(call->net, request->method, request->shown, &arena, &identity, err);

    if (st == CAPI_OK) {
        aws_signing signing = {.method = request->method,
                               .host = call->host,
                               .path = call->path,
                               .query = call->query,
                               .payload_hash = capi_str_of(call->payload_hash),
                               .access_key = identity.access_key,
                               .secret_key = identity.secret_key,
                               .token = identity.token,
                               .region = call->region,
                               .time_s = capi_clock_wall_ms(&capi_clock_system) / 1000};

        aws_sign(&signing, &arena, lines);
        for (int i = 0; i < 4; i++)
            if (lines[i]) *headers = curl_slist_append(*headers, lines[i]);
    }
    capi_arena_deinit(&arena);
    return st;
}

/* A redirect needs another signature, so it comes back to us. */
static capi_status prepare(void *context, CURL *easy, capi_err *err)
{
    (void)context;
    (void)err;
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    return CAPI_OK;
}

static bool amend(void *context, net_request *request, long code, capi_str text, capi_str region)
{
    s3_call *call = context;

    if (region.bytes && !capi_str_equal(region, call->region) && (code == 301 || code == 307 || code == 400)) {
        call->region = capi_str_copy(call->arena, region);
        return place(call, request, NULL) == CAPI_OK;
    }
    if (capi_str_find(text, CAPI_STR("ExpiredToken")) >= 0) {
        aws_forget(call->net);
        return true;
    }
    return false;
}

/* A request for the object, or, with key empty, for the bucket. */
static capi_status make(capi_net *net, const char *method, const capi_url *url, capi_str shown, capi_str query,
                        capi_arena *arena, net_request *out, capi_err *err)
{
    s3_call *call = capi_new(arena, s3_call);
    aws_identity identity;

    CAPI_TRY(identify(net, method, shown, arena, &identity, err));
    *call = (s3_call){.net = net, .arena = arena, .query = query};
    call->bucket = capi_str_copy(arena, url->host);
    if (url->path.bytes > 1) call->key = capi_str_copy(arena, capi_str_slice(url->path, 1, url->path.bytes));
    call->region = identity.region.bytes ? identity.region : CAPI_STR("us-east-1");
    sha256_hex(NULL, 0, call->payload_hash);
    *out = (net_request){.method = method,
                         .shown = shown,
                         .sign = sign,
                         .prepare = prepare,
                         .amend = amend,
                         .context = call,
                         .body_fd = -1};
    return place(call, out, err);
}

static capi_status check_bucket(const capi_url *url, capi_str text, capi_err *err)
{
    if (!url->user.bytes && !url->port) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "bad bucket in \"%.*s\": expected s3://bucket/key", CAPI_STR_ARG(text));
}

static capi_status check_object(const capi_url *url, capi_str text, capi_err *err)
{
    if (url->path.bytes < 2)
        return capi_err_set(err, CAPI_INVALID, "no key in \"%.*s\": expected s3://bucket/key", CAPI_STR_ARG(text));
    if (url->path.bytes > S3_KEY_BYTES_MAX + 1)
        return capi_err_set(err, CAPI_INVALID, "the key in \"%.60s...\" has %zu bytes: at most %d are allowed",
                            text.data, url->path.bytes - 1, S3_KEY_BYTES_MAX);
    return check_bucket(url, text, err);
}

static capi_status s3_get(capi_net *net, const capi_url *url, capi_str text, capi_arena *arena, net_request *out,
                          capi_err *err)
{
    CAPI_TRY(check_object(url, text, err));
    return make(net, "GET", url, capi_str_copy(arena, text), (capi_str){0}, arena, out, err);
}

/* ---- writing ---- */

typedef struct s3_upload {
    capi_net *net;
    const capi_url *url;
    capi_str text;
    int fd;
    const capi_net_watch *watch;
    capi_arena arena;
    capi_str id;                 /* of the upload in parts, percent-encoded */
    const capi_net_watch *whole; /* the caller's, in parts: */
    uint64_t bytes_before, bytes_all;
} s3_upload;

static bool part_is_stopped(void *context)
{
    const s3_upload *upload = context;

    return upload->whole->is_stopped && upload->whole->is_stopped(upload->whole->context);
}

/* Of the parts, not of the requests around them. */
static void part_progress(void *context, uint64_t bytes_done, uint64_t bytes_all)
{
    const s3_upload *upload = context;

    if (bytes_all && upload->whole->progress)
        upload->whole->progress(upload->whole->context, upload->bytes_before + bytes_done, upload->bytes_all);
}

/* Sends a request and reads its answer. */
static capi_status send_request(s3_upload *upload, net_request *request, capi_buf *body, net_answer *answer,
                                capi_err *err)
{
    net_sink sink = {.buf = body, .fd = -1, .max_bytes = S3_ANSWER_BYTES_MAX};

    *answer = (net_answer){0};
    return net_exchange(upload->net, request, &sink, upload->watch, answer, err);
}

static capi_status put(s3_upload *upload, capi_str query, uint64_t offset, uint64_t bytes, net_answer *answer,
                       capi_err *err)
{
    net_request request;
    capi_buf body = {0};
    capi_status st;

    CAPI_TRY(make(upload->net, "PUT", upload->url, upload->text, query, &upload->arena, &request, err));
    if (!sha256_file_hex(upload->fd, offset, bytes, ((s3_call *)request.context)->payload_hash))
        return capi_err_set(err, CAPI_INVALID, "cannot read the file for \"%.*s\"", CAPI_STR_ARG(upload->text));
    request.is_upload = true;
    request.body_fd = upload->fd;
    request.body_offset = offset;
    request.body_bytes = bytes;
    st = send_request(upload, &request, &body, answer, err);
    capi_buf_deinit(&body);
    return st;
}

/* Errors that may pass. They come with status 200 when something goes wrong after the answer has begun. */
static bool may_pass(const s3_answer *answer)
{
    static const char *const codes[] = {"InternalError", "ServiceUnavailable", "SlowDown", "RequestTimeout"};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (capi_str_is(capi_buf_str(&answer->error_code), codes[i])) return true;
    return false;
}

/* Reads what came with status 200. CAPI_UNAVAILABLE: asking again may help. */
static capi_status read_answer(s3_upload *upload, capi_str body, bool wants_id, s3_answer *out, capi_err *err)
{
    capi_err cause = {0};
    capi_status st;

    out->is_error = false;
    capi_buf_clear(&out->error_code);
    capi_buf_clear(&out->error_text);
    capi_buf_clear(&out->upload_id);
    st = s3_xml_read(body, upload->url->host, &upload->arena, NULL, out, &cause);
    if (st != CAPI_OK)
        return capi_err_set(err, st, "cannot write \"%.*s\": %s", CAPI_STR_ARG(upload->text), cause.text);
    if (out->is_error)
        return capi_err_set(err, may_pass(out) ? CAPI_UNAVAILABLE : CAPI_INVALID, "cannot write \"%.*s\": %.*s%s%.*s",
                            CAPI_STR_ARG(upload->text), CAPI_STR_ARG(capi_buf_str(&out->error_code)),
                            out->error_text.bytes ? ": " : "", CAPI_STR_ARG(capi_buf_str(&out->error_text)));
    if (wants_id && !out->upload_id.bytes)
        return capi_err_set(err, CAPI_UNAVAILABLE, "cannot write \"%.*s\": the server begins no upload in parts",
                            CAPI_STR_ARG(upload->text));
    return CAPI_OK;
}

static capi_status post_once(s3_upload *upload, capi_str query, capi_str text, bool wants_id, s3_answer *out,
                             bool *is_heard, capi_err *err)
{
    net_request request;
    net_answer answer;
    capi_buf body = {0};
    capi_status st;

    *is_heard = false;
    CAPI_TRY(make(upload->net, "POST", upload->url, upload->text, query, &upload->arena, &request, err));
    sha256_hex(text.data, text.bytes, ((s3_call *)request.context)->payload_hash);
    request.is_upload = true;
    request.body = text;
    st = send_request(upload, &request, &body, &answer, err);
    *is_heard = st == CAPI_OK;
    if (*is_heard) st = read_answer(upload, capi_buf_str(&body), wants_id, out, err);
    capi_buf_deinit(&body);
    return st;
}

/* An exchange looks at the status alone, so what is wrong in an answer with 200 is asked for again here: the request, not the whole
 * upload, whose bytes would count as progress. */
static capi_status post(s3_upload *upload, capi_str query, capi_str text, bool wants_id, s3_answer *out, capi_err *err)
{
    const capi_net_watch *watch = upload->watch;
    int64_t budget_ns = (int64_t)net_settings(upload->net)->retry_budget_ms * 1000000;
    int64_t until = capi_clock_system.monotonic_ns(capi_clock_system.context) + budget_ns;
    capi_err cause = {0};

    for (uint32_t failures = 1;; failures++) {
        bool is_heard;
        capi_status st = post_once(upload, query, text, wants_id, out, &is_heard, &cause);

        if (st == CAPI_UNAVAILABLE && is_heard) {
            if (failures < NET_ATTEMPT_MAX && capi_clock_system.monotonic_ns(capi_clock_system.context) < until) {
                if (net_pause(failures - 1, 0, watch)) continue;
                return capi_err_set(err, CAPI_STOPPED, "stopped while writing \"%.*s\"", CAPI_STR_ARG(upload->text));
            }
            capi_err_note(&cause, "after %u attempts", failures);
            if (watch && watch->gave_up) *watch->gave_up = true;
        }
        if (st != CAPI_OK && err) capi_err_copy(err, &cause);
        return st;
    }
}

static capi_status begin_parts(s3_upload *upload, capi_err *err)
{
    s3_answer answer = {0};
    capi_status st = post(upload, CAPI_STR("uploads="), (capi_str){0}, true, &answer, err);

    if (st == CAPI_OK) upload->id = capi_url_encode(&upload->arena, capi_buf_str(&answer.upload_id), false);
    s3_answer_deinit(&answer);
    return st;
}

static capi_status send_parts(s3_upload *upload, uint64_t bytes, capi_buf *list, capi_err *err)
{
    uint64_t part_bytes = S3_PART_BYTES;
    uint32_t number = 1;

    while (part_bytes * S3_PART_MAX < bytes)
        part_bytes *= 2;
    capi_buf_append_text(list, "<CompleteMultipartUpload>");
    for (uint64_t offset = 0; offset < bytes; offset += part_bytes, number++) {
        uint64_t count = bytes - offset < part_bytes ? bytes - offset : part_bytes;
        capi_str query =
            capi_str_format(&upload->arena, "partNumber=%u&uploadId=%.*s", number, CAPI_STR_ARG(upload->id));
        net_answer answer;

        upload->bytes_before = offset;
        CAPI_TRY(put(upload, query, offset, count, &answer, err));
        capi_buf_printf(list, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", number, answer.etag);
    }
    capi_buf_append_text(list, "</CompleteMultipartUpload>");
    return CAPI_OK;
}

/* What was sent would be paid for until somebody cleans up. */
static void abort_parts(s3_upload *upload)
{
    capi_str query = capi_str_format(&upload->arena, "uploadId=%.*s", CAPI_STR_ARG(upload->id));
    net_request request;
    net_answer answer;
    capi_buf body = {0};

    upload->watch = NULL; /* also when stopped */
    if (make(upload->net, "DELETE", upload->url, upload->text, query, &upload->arena, &request, NULL) == CAPI_OK)
        (void)!send_request(upload, &request, &body, &answer, NULL);
    capi_buf_deinit(&body);
}

static capi_status upload_in_parts(s3_upload *upload, uint64_t bytes, capi_err *err)
{
    s3_answer answer = {0};
    capi_buf list = {0};
    capi_net_watch watch = {.is_stopped = part_is_stopped, .progress = part_progress, .context = upload};
    capi_status st;

    if (upload->watch) {
        watch.gave_up = upload->watch->gave_up;
        upload->whole = upload->watch;
        upload->bytes_all = bytes;
        upload->watch = &watch;
    }
    CAPI_TRY(begin_parts(upload, err));
    st = send_parts(upload, bytes, &list, err);
    if (st == CAPI_OK) {
        capi_str query = capi_str_format(&upload->arena, "uploadId=%.*s", CAPI_STR_ARG(upload->id));

        st = post(upload, query, capi_buf_str(&list), false, &answer, err);
    }
    if (st != CAPI_OK) abort_parts(upload);
    s3_answer_deinit(&answer);
    capi_buf_deinit(&list);
    return st;
}

static capi_status s3_put(capi_net *net, const capi_url *url, capi_str text, int fd, uint64_t bytes,
                          const capi_net_watch *watch, capi_err *err)
{
    s3_upload upload = {.net = net, .url = url, .text = text, .fd = fd, .watch = watch};
    net_answer answer;
    capi_status st = check_object(url, text, err);

    if (st == CAPI_OK)
        st = bytes > S3_PART_BYTES ? upload_in_parts(&upload, bytes, err)
                                   : put(&upload, (capi_str){0}, 0, bytes, &answer, err);
    capi_arena_deinit(&upload.arena);
    return st;
}

static capi_status s3_remove(capi_net *net, const capi_url *url, capi_str text, capi_err *err)
{
    s3_upload upload = {.net = net, .url = url, .text = text, .fd = -1};
    net_request request;
    net_answer answer;
    capi_buf body = {0};
    capi_status st = check_object(url, text, err);

    if (st == CAPI_OK) st = make(net, "DELETE", url, text, (capi_str){0}, &upload.arena, &request, err);
    if (st == CAPI_OK) st = send_request(&upload, &request, &body, &answer, err);
    capi_buf_deinit(&body);
    capi_arena_deinit(&upload.arena);
    return st;
}

/* ---- lists ---- */

/* One answer of the server. With is_flat, what lies in folders below the prefix is left out. */
static capi_status list_page(s3_upload *upload, capi_str prefix, bool is_flat, capi_arena *arena, net_listing *out,
                             s3_answer *answer, capi_err *err)
{
    capi_url bucket = {.scheme = CAPI_SCHEME_S3, .host = upload->url->host};
    capi_buf query = {0}, body = {0};
    net_request request;
    net_answer got;
    capi_status st;

    if (answer->next_token.bytes) {
        capi_str token = capi_url_encode(&upload->arena, capi_buf_str(&answer->next_token), false);

        capi_buf_printf(&query, "continuation-token=%.*s&", CAPI_STR_ARG(token));
    }
    prefix = capi_url_encode(&upload->arena, prefix, false);
    capi_buf_printf(&query, "%sencoding-type=url&list-type=2&prefix=%.*s", is_flat ? "delimiter=%2F&" : "",
                    CAPI_STR_ARG(prefix));
    st = make(upload->net, "GET", &bucket, upload->text, capi_str_copy(&upload->arena, capi_buf_str(&query)),
              &upload->arena, &request, err);
    if (st == CAPI_OK) st = send_request(upload, &request, &body, &got, err);
    answer->is_truncated = false;
    if (st == CAPI_OK) st = s3_xml_read(capi_buf_str(&body), upload->url->host, arena, out, answer, err);
    capi_buf_deinit(&query);
    capi_buf_deinit(&body);
    return st;
}

static capi_status s3_list(capi_net *net, const capi_url *url, capi_str text, capi_arena *arena, net_listing *out,
                           capi_err *err)
{
    s3_upload upload = {.net = net, .url = url, .text = text, .fd = -1};
    capi_str key = capi_str_slice(url->path, 1, url->path.bytes), prefix = capi_glob_prefix(key);
    bool is_flat = prefix.bytes == key.bytes || !memchr(key.data + prefix.bytes, '/', key.bytes - prefix.bytes);
    s3_answer answer = {0};
    capi_status st = check_bucket(url, text, err);

    while (st == CAPI_OK) {
        st = list_page(&upload, prefix, is_flat, arena, out, &answer, err);
        if (!answer.is_truncated || !answer.next_token.bytes) break;
    }
    s3_answer_deinit(&answer);
    capi_arena_deinit(&upload.arena);
    return st;
}

const net_protocol net_s3 = {.get = s3_get, .upload = s3_put, .remove = s3_remove, .list = s3_list, .has_ranges = true};
