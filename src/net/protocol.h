/* protocol.h - what differs between http(s), s3 and sftp: how a request is made. A table in net.c leads to these. Private to
 * src/net/. */
#pragma once

#include "net/exchange.h"

struct net_listing;

typedef struct net_protocol {
    /* A request that reads the file; the rest is net_exchange's. `arena` lives as long as the request. */
    capi_status (*get)(capi_net *net, const capi_url *url, capi_str text, capi_arena *arena, net_request *out,
                       capi_err *err);
    /* NULL: cannot be done. */
    capi_status (*upload)(capi_net *net, const capi_url *url, capi_str text, int fd, uint64_t bytes,
                          const capi_net_watch *watch, capi_err *err);
    capi_status (*remove)(capi_net *net, const capi_url *url, capi_str text, capi_err *err);
    /* Everything whose path begins so (s3), or everything in the folder of the prefix (sftp). */
    capi_status (*list)(capi_net *net, const capi_url *url, capi_str text, capi_str prefix, capi_arena *arena,
                        struct net_listing *out, capi_err *err);
    bool has_ranges;
} net_protocol;

typedef struct net_listing {
    capi_net_entry *entries; /* heap */
    uint32_t count, capacity;
} net_listing;

/* CAPI_INVALID when there are too many. The URL is borrowed. */
CAPI_MUST_USE capi_status net_listing_add(net_listing *listing, capi_str url, uint64_t bytes, capi_err *err);

extern const net_protocol net_http, net_s3, net_sftp;
