/* credentials.h - who we are to Amazon's storage and its like, found as its own tools find it:
 *
 *     1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 *     2. the profile AWS_PROFILE (default "default") of ~/.aws/credentials, then of ~/.aws/config
 *        (AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE)
 *     3. the container's endpoint (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI)
 *     4. the instance's role (metadata service version 2), unless AWS_EC2_METADATA_DISABLED
 *
 * Those of 3 and 4 expire; they are kept until five minutes before. Source: AWS SDKs and Tools Reference Guide. */
#pragma once

#include "net/net.h"

#include <pthread.h>

typedef struct aws_identity { /* texts lie in the arena they were asked with */
    capi_str access_key, secret_key, token;
    capi_str region; /* AWS_REGION, AWS_DEFAULT_REGION, the profile's; else empty */
} aws_identity;

typedef struct aws_keys { /* what is remembered of a capi_net */
    pthread_mutex_t lock;
    capi_arena arena;
    bool is_known;
    int64_t expires_s; /* INT64_MAX: never */
    aws_identity identity;
} aws_keys;

void aws_keys_init(aws_keys *keys);
void aws_keys_deinit(aws_keys *keys);
/* CAPI_INVALID naming the places that were searched. May ask servers. */
CAPI_MUST_USE capi_status aws_identify(capi_net *net, capi_arena *arena, aws_identity *out, capi_err *err);
/* They were refused: ask anew next time. */
void aws_forget(capi_net *net);

/* One value of an INI text, for tests: section "default", key "region". Empty if there is none. */
capi_str aws_ini_value(capi_str text, const char *section, const char *key);
