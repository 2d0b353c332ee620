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
    /* Adds to the list at least everything that matches; the list keeps what does. */
    capi_status (*list)(capi_net *net, const capi_url *url, capi_str text, capi_arena *arena, struct net_listing *out,
                        capi_err *err);
    bool has_ranges;
} net_protocol;

typedef struct net_listing {
    /* What is kept: both are compared with what stands behind the first path_at bytes of each URL. */
    capi_str glob, literal;
    size_t path_at;
    bool is_folder;   /* `literal` ends in "/": a file that lies directly in it counts as a literal one */
    bool has_literal; /* files of exactly that name are there, so no others count */
    uint32_t looked_at;
    capi_net_entry *entries; /* heap */
    uint32_t count, capacity;
} net_listing;

/* Takes what a server tells, if it matches. The URL is borrowed. CAPI_INVALID when there are too many. */
CAPI_MUST_USE capi_status net_listing_add(net_listing *listing, capi_str url, uint64_t bytes, capi_err *err);
/* Takes it whatever it is. */
CAPI_MUST_USE capi_status net_listing_keep(net_listing *listing, capi_str url, uint64_t bytes, capi_err *err);
/* By URL, in the arena. */
void net_listing_sort(net_listing *listing, capi_arena *arena, capi_net_entry **out, uint32_t *count);

extern const net_protocol net_http, net_s3, net_sftp;
