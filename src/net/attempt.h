/* attempt.h - one attempt of an exchange, and what to make of it. Private to exchange.c and judge.c. */
#pragma once

#include "net/exchange.h"

typedef struct attempt {
    net_request *request;
    net_sink *sink;
    net_answer answer;
    uint64_t from; /* what the sink had at its beginning */
    uint64_t body_sent;
    int64_t moved_ns; /* when the last byte came or went */
    bool has_moved;   /* something came or went; before, there may be no connection yet */
    bool is_stopped, is_idle;
    bool is_restarted; /* the server sends everything although we asked for the rest */
    bool is_too_large;
    bool is_enough;       /* the whole file comes, and a range was wanted */
    bool has_two_lengths; /* Content-Length says this and that */
    uint64_t range_from, range_total;
    bool has_content_range;
    uint32_t retry_after_s;
    int errno_value; /* of our own disk */
    size_t text_bytes;
    char text[NET_ANSWER_TEXT_MAX]; /* the answer, if it is a refusal */
    char curl_text[CURL_ERROR_SIZE];
} attempt;

typedef enum verdict {
    VERDICT_DONE,
    VERDICT_RETRY,
    VERDICT_RECONNECT, /* there was not even a connection */
    VERDICT_RESTART,   /* the file is not the one it was */
    VERDICT_AGAIN,     /* at once: the request was amended */
    VERDICT_FAIL,
} verdict;

/* Not the file, or the range of it, that was asked for: any answer to a GET but 200, and 206 where a range was wanted; any but 2xx to
 * the other methods. Code 0 is sftp, which has none. */
bool net_is_refusal(const attempt *a, long code);
/* What the answer means, with words in *err unless it is VERDICT_DONE; `known` is the file as earlier answers told it. */
verdict net_judge(attempt *a, CURLcode code, const net_answer *known, capi_err *err);
