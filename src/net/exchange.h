/* exchange.h - one request and its answer, tried again until it is whole. Private to src/net/.
 *
 * A body goes to a *sink*, memory or a file, which knows how much it has; a connection that breaks is tried again from
 * there if the server sends ranges of the same file, else from the beginning. */
#pragma once

#include "base/buf.h"
#include "net/net.h"
#include "net/url.h"

#include <curl/curl.h>

enum {
    NET_ATTEMPT_MAX = 8,         /* without a new byte */
    NET_CONNECT_ATTEMPT_MAX = 4, /* when there is not even a connection */
    NET_RESTART_MAX = 3,         /* a file that changes while it is downloaded */
    NET_REDIRECT_MAX = 10,
    NET_ANSWER_TEXT_MAX = 4096, /* of what a server says about its refusal */
    NET_IDLE_CONNECTION_MAX = 16,
    NET_PAUSE_FIRST_MS = 250,
    NET_PAUSE_MAX_MS = 10000,
    NET_POLL_MS = 100,
};

typedef struct net_sink {
    capi_buf *buf; /* or NULL */
    int fd;        /* if buf is NULL; -1: the body is not wanted */
    bool is_part;  /* the body goes to fd_offset of fd, in which there is more */
    uint64_t fd_offset;
    uint64_t max_bytes; /* more is refused; UINT64_MAX: any */
    uint64_t bytes;     /* so far */
} net_sink;

typedef struct net_request net_request;
struct net_request {
    const char *method; /* "GET", "HEAD", "PUT", "POST", "DELETE" */
    capi_str url;       /* as curl takes it, NUL behind */
    capi_str shown;     /* for messages */
    /* Headers that depend on the moment (signatures), before every attempt; or NULL. */
    capi_status (*sign)(void *context, const net_request *request, struct curl_slist **headers, capi_err *err);
    /* More options of the handle; or NULL. */
    capi_status (*prepare)(void *context, CURL *easy, capi_err *err);
    /* Looks at a refusal and says whether to try again at once, with something changed (S3: region); or NULL. */
    bool (*amend)(void *context, net_request *request, long code, capi_str answer_text, capi_str region);
    void *context;
    const char *known_hosts; /* sftp: where the key of the server must stand; for messages */

    bool has_range; /* a range that is wanted as such: the answer must be 206 with just that */
    bool
        is_probe; /* or something else, which says that there are no ranges; the rest of the answer is not waited for */
    uint64_t range_from, range_bytes;

    capi_str body; /* what is sent: text, or a part of a file */
    int body_fd;   /* -1: body */
    uint64_t body_offset, body_bytes;
    bool is_upload; /* there is a body, perhaps an empty one */
};

typedef struct net_answer {
    long code; /* 0 for sftp */
    bool has_length;
    uint64_t length_bytes; /* of the whole file */
    bool has_ranges;
    bool is_page; /* HTML */
    char etag[256];
    char modified[64];
    char region[64]; /* x-amz-bucket-region */
} net_answer;

CAPI_MUST_USE capi_status net_exchange(capi_net *net, net_request *request, net_sink *sink, const capi_net_watch *watch,
                                       net_answer *answer, capi_err *err);

/* The pause after so many failures, growing; false: stopped meanwhile. */
CAPI_MUST_USE bool net_pause(uint32_t failures, uint32_t at_least_s, const capi_net_watch *watch);

/* ---- inside net.c ---- */

typedef struct net_connection { /* a handle of curl with its open connections */
    CURLM *multi;
    CURL *easy;
} net_connection;

CAPI_MUST_USE capi_status net_connection_take(capi_net *net, net_connection *out, capi_err *err);
void net_connection_give(capi_net *net, net_connection connection);
const capi_net_settings *net_settings(const capi_net *net);
/* The authorities of ca_path, one PEM text after the other; empty if there is no ca_path. */
capi_str net_authorities(const capi_net *net);
struct aws_keys *net_aws(capi_net *net); /* credentials.h */
