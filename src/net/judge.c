/* judge.c - what an answer means: whole, to be asked for again, another file, or refused. */
#include "net/attempt.h"

typedef struct code_meaning {
    CURLcode code;
    verdict verdict;
    capi_status status;
} code_meaning;

/* What is not here is tried again. */
static const code_meaning meanings[] = {
    {CURLE_COULDNT_RESOLVE_HOST, VERDICT_RECONNECT, CAPI_UNAVAILABLE},
    {CURLE_COULDNT_CONNECT, VERDICT_RECONNECT, CAPI_UNAVAILABLE},
    {CURLE_OPERATION_TIMEDOUT, VERDICT_RECONNECT, CAPI_UNAVAILABLE}, /* only connecting has a timeout of curl's */
    {CURLE_SSL_CONNECT_ERROR, VERDICT_RECONNECT, CAPI_UNAVAILABLE},
    {CURLE_URL_MALFORMAT, VERDICT_FAIL, CAPI_INVALID},
    {CURLE_UNSUPPORTED_PROTOCOL, VERDICT_FAIL, CAPI_INVALID}, /* also a redirect to a scheme that is not allowed */
    {CURLE_TOO_MANY_REDIRECTS, VERDICT_FAIL, CAPI_INVALID},
    {CURLE_PEER_FAILED_VERIFICATION, VERDICT_FAIL, CAPI_INVALID},
    {CURLE_SSL_CERTPROBLEM, VERDICT_FAIL, CAPI_INVALID},
    {CURLE_SSL_CACERT_BADFILE, VERDICT_FAIL, CAPI_INVALID},
    {CURLE_LOGIN_DENIED, VERDICT_FAIL, CAPI_INVALID},
    {CURLE_REMOTE_ACCESS_DENIED, VERDICT_FAIL, CAPI_INVALID},
    {CURLE_REMOTE_FILE_NOT_FOUND, VERDICT_FAIL, CAPI_NOT_FOUND},
    {CURLE_QUOTE_ERROR, VERDICT_FAIL, CAPI_INVALID},
    {CURLE_BAD_DOWNLOAD_RESUME, VERDICT_RESTART, CAPI_CONFLICT},
};

static verdict judge_curl(const attempt *a, CURLcode code, capi_err *err)
{
    capi_str shown = a->request->shown;
    const char *words = a->curl_text[0] ? a->curl_text : curl_easy_strerror(code);
    const char *what = a->request->is_upload ? "cannot write" : "cannot read";

    if (code == CURLE_PEER_FAILED_VERIFICATION && a->request->known_hosts) {
        capi_err_set(err, CAPI_INVALID,
                     "%s \"%.*s\": the host key of the server does not stand in \"%s\", or is another one", what,
                     CAPI_STR_ARG(shown), a->request->known_hosts);
        return VERDICT_FAIL;
    }
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (meanings[i].code == code) {
            capi_err_set(err, meanings[i].status, "%s \"%.*s\": %s", what, CAPI_STR_ARG(shown), words);
            return meanings[i].verdict;
        }
    capi_err_set(err, CAPI_UNAVAILABLE, "%s \"%.*s\": %s", what, CAPI_STR_ARG(shown), words);
    return VERDICT_RETRY;
}

/* The words of a refusal in one line: <Code> and <Message> of S3, or the text. */
static void refusal_words(const attempt *a, capi_buf *out)
{
    capi_str text = {a->text, a->text_bytes};
    int64_t from = capi_str_find(text, CAPI_STR("<Code>")), to = capi_str_find(text, CAPI_STR("</Code>"));

    if (from >= 0 && to > from) {
        capi_buf_printf(out, ": %.*s", (int)(to - from - 6), text.data + from + 6);
        from = capi_str_find(text, CAPI_STR("<Message>"));
        to = capi_str_find(text, CAPI_STR("</Message>"));
        if (from >= 0 && to > from) capi_buf_printf(out, ": %.*s", (int)(to - from - 9), text.data + from + 9);
    } else if (text.bytes && text.data[0] != '<') {
        capi_buf_printf(out, ": %.*s", text.bytes < 200 ? (int)text.bytes : 200, text.data);
    }
    for (size_t i = 0; i < out->bytes; i++)
        if ((unsigned char)out->data[i] < 0x20) out->data[i] = ' ';
}

bool net_is_refusal(const attempt *a, long code)
{
    if (code == 0) return false;
    if (code < 200 || code >= 300) return true;
    if (strcmp(a->request->method, "GET") != 0 || code == 200) return false;
    return code != 206 || (!a->request->has_range && !a->from);
}

static verdict judge_code(const attempt *a, long code, capi_err *err)
{
    bool is_passing = code >= 500 || code == 408 || code == 429;
    capi_status status = code == 404 || code == 410 ? CAPI_NOT_FOUND
                         : code == 412              ? CAPI_CONFLICT
                         : is_passing               ? CAPI_UNAVAILABLE
                                                    : CAPI_INVALID;
    capi_buf words = {0};
    capi_str text = {a->text, a->text_bytes};

    if (code >= 300) refusal_words(a, &words);
    capi_err_set(err, status, "cannot %s \"%.*s\": the server answers %ld%.*s%s",
                 a->request->is_upload ? "write" : "read", CAPI_STR_ARG(a->request->shown), code,
                 CAPI_STR_ARG(capi_buf_str(&words)),
                 code == 412  ? ": the file changed meanwhile"
                 : code < 300 ? ", expected 200"
                              : "");
    capi_buf_deinit(&words);
    if (code == 400 && capi_str_find(text, CAPI_STR("RequestTimeout")) >= 0) return VERDICT_RETRY; /* S3 was bored */
    return is_passing && code != 501 && code != 505 ? VERDICT_RETRY : VERDICT_FAIL;
}

static bool is_same_file(const net_answer *known, const net_answer *now)
{
    if (known->etag[0] && now->etag[0]) return strcmp(known->etag, now->etag) == 0;
    return !known->modified[0] || !now->modified[0] || strcmp(known->modified, now->modified) == 0;
}

/* Ranges: exactly what was asked for, of the file that we know. */
static verdict judge_range(const attempt *a, const net_answer *known, capi_err *err)
{
    const net_request *request = a->request;
    uint64_t from = request->has_range ? request->range_from : a->from;
    uint64_t total = known->has_length ? known->length_bytes : a->range_total;

    if (a->has_content_range && a->range_from == from && a->range_total == total && is_same_file(known, &a->answer))
        return VERDICT_DONE;
    capi_err_set(err, CAPI_CONFLICT,
                 "cannot read \"%.*s\": it changed while it was read, or the server sends wrong ranges",
                 CAPI_STR_ARG(request->shown));
    return request->has_range ? VERDICT_FAIL : VERDICT_RESTART;
}

static verdict judge_length(const attempt *a, capi_err *err)
{
    const net_request *request = a->request;
    uint64_t got = a->sink->bytes;
    uint64_t wanted = request->has_range ? request->range_bytes : a->answer.length_bytes;

    if (request->is_upload || request->is_probe || strcmp(request->method, "HEAD") == 0) return VERDICT_DONE;
    if (!request->has_range && !a->answer.has_length) return VERDICT_DONE;
    if (got == wanted) return VERDICT_DONE;
    capi_err_set(err, CAPI_UNAVAILABLE, "cannot read \"%.*s\": only %llu of %llu bytes came",
                 CAPI_STR_ARG(request->shown), (unsigned long long)got, (unsigned long long)wanted);
    return VERDICT_RETRY;
}

static verdict judge_answer(attempt *a, const net_answer *known, capi_err *err)
{
    const net_request *request = a->request;
    long code = a->answer.code;
    verdict result;

    if (code == 0) return judge_length(a, err); /* sftp */
    if (request->is_probe && (code == 200 || code == 416)) return VERDICT_DONE;
    if (code == 416 && a->from) {
        capi_err_set(err, CAPI_CONFLICT, "cannot read \"%.*s\": it became shorter while it was read",
                     CAPI_STR_ARG(request->shown));
        return VERDICT_RESTART;
    }
    if (net_is_refusal(a, code)) {
        result = judge_code(a, code, err); /* the words, also if asking again does not help */
        if (request->amend && request->amend(request->context, a->request, code, (capi_str){a->text, a->text_bytes},
                                             capi_str_of(a->answer.region)))
            return VERDICT_AGAIN;
        return result;
    }
    if (code == 206) {
        result = judge_range(a, known, err);
        if (result != VERDICT_DONE) return result;
        a->answer.has_length = true;
        a->answer.length_bytes = a->range_total;
        a->answer.has_ranges = true;
    } else if (request->has_range) {
        capi_err_set(err, CAPI_INVALID, "cannot read \"%.*s\": the server sends no ranges",
                     CAPI_STR_ARG(request->shown));
        return VERDICT_FAIL;
    }
    return judge_length(a, err);
}

verdict net_judge(attempt *a, CURLcode code, const net_answer *known, capi_err *err)
{
    capi_str shown = a->request->shown;

    if (a->is_stopped) {
        capi_err_set(err, CAPI_STOPPED, "stopped while reading or writing \"%.*s\"", CAPI_STR_ARG(shown));
        return VERDICT_FAIL;
    }
    if (a->has_two_lengths) {
        capi_err_set(err, CAPI_INVALID, "cannot %s \"%.*s\": the server sends two Content-Length fields that differ",
                     a->request->is_upload ? "write" : "read", CAPI_STR_ARG(shown));
        return VERDICT_FAIL;
    }
    if (a->is_enough) return judge_answer(a, known, err);
    if (a->is_too_large) {
        capi_err_set(err, CAPI_INVALID, "\"%.*s\" is larger than %llu bytes", CAPI_STR_ARG(shown),
                     (unsigned long long)a->sink->max_bytes);
        return VERDICT_FAIL;
    }
    if (a->errno_value) {
        capi_err_set_errno(err, a->errno_value, "cannot keep what \"%.*s\" sends or takes", CAPI_STR_ARG(shown));
        return VERDICT_FAIL;
    }
    if (a->is_idle) {
        capi_err_set(err, CAPI_UNAVAILABLE, "cannot %s \"%.*s\": nothing came any more (%llu bytes so far)",
                     a->request->is_upload ? "write" : "read", CAPI_STR_ARG(shown),
                     (unsigned long long)(a->request->is_upload ? a->body_sent : a->sink->bytes));
        return VERDICT_RETRY;
    }
    /* A server that refuses may close the connection before it has taken everything. */
    if (code != CURLE_OK && a->answer.code >= 400) return judge_answer(a, known, err);
    if (code != CURLE_OK) return judge_curl(a, code, err);
    return judge_answer(a, known, err);
}
