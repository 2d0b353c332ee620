/* http_server.h - a small HTTP server for machines that watch a process: GET and HEAD of a few paths, answered from memory.
 *
 * One thread of its own; connections, their time and the size of requests are bounded. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

typedef struct capi_http_server capi_http_server;

typedef struct capi_http_answer {
    uint32_t status; /* 200, 404, ... */
    const char *content_type;
    capi_buf body;
} capi_http_answer;

/* Called by the server's thread. What it does not set is "404 not found". */
typedef void (*capi_http_fn)(void *context, const char *path, capi_http_answer *answer);

/* address: an IPv4 or IPv6 address; port 0: any that is free. CAPI_UNAVAILABLE names both when they cannot be had. */
CAPI_MUST_USE capi_status capi_http_server_start(const char *address, uint16_t port, capi_http_fn fn, void *context,
                                                 capi_http_server **out, capi_err *err);
uint16_t capi_http_server_port(const capi_http_server *server);
/* Ends its thread. NULL is fine. */
void capi_http_server_end(capi_http_server *server);
