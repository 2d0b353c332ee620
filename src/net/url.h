/* url.h - the parts of a URL: scheme://user:password@host:port/path?query */
#pragma once

#include "base/err.h"
#include "base/str.h"

typedef enum capi_scheme {
    CAPI_SCHEME_LOCAL, /* no "://", or file:// */
    CAPI_SCHEME_HTTP,
    CAPI_SCHEME_HTTPS,
    CAPI_SCHEME_S3,
    CAPI_SCHEME_SFTP,
    CAPI_SCHEME_OTHER,
} capi_scheme;

capi_scheme capi_url_scheme(capi_str url); /* in any case */

/* The path of a local file: without the "file://" or "file://localhost" that it may begin with. */
capi_str capi_url_local_path(capi_str url);

/* All parts borrow from the URL. */
typedef struct capi_url {
    capi_scheme scheme;
    capi_str user, password;
    capi_str host;
    uint16_t port; /* 0: not given */
    capi_str path; /* with its first "/"; without it when the URL has no path */
    capi_str query;
} capi_url;

/* Refuses URLs without host, with bad ports, and with control characters. For s3 the host is the bucket, and "?" and "#" are part
 * of the key. */
CAPI_MUST_USE capi_status capi_url_parse(capi_str text, capi_url *out, capi_err *err);
/* As it may be shown: the password and what looks like a signature or token in the query become "...". */
capi_str capi_url_show(capi_arena *arena, capi_str url);
/* Percent-encoding of everything but A-Z a-z 0-9 - . _ ~ and, if asked, the slash. */
capi_str capi_url_encode(capi_arena *arena, capi_str text, bool keeps_slash);
