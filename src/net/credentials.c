/* credentials.c - see credentials.h */
#include "net/credentials.h"

#include "base/clock.h"
#include "base/file.h"
#include "net/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { INI_BYTES_MAX = 1 << 20, ANSWER_BYTES_MAX = 1 << 16, EARLY_S = 300 };

void aws_keys_init(aws_keys *keys)
{
    memset(keys, 0, sizeof *keys);
    pthread_mutex_init(&keys->lock, NULL);
}

void aws_keys_deinit(aws_keys *keys)
{
    capi_arena_deinit(&keys->arena);
    pthread_mutex_destroy(&keys->lock);
}

static capi_str environment(capi_arena *arena, const char *name)
{
    const char *text = getenv(name);

    return text ? capi_str_copy(arena, capi_str_trim(capi_str_of(text))) : (capi_str){0};
}

/* ---- files ---- */

capi_str aws_ini_value(capi_str text, const char *section, const char *key)
{
    bool is_inside = false;
    size_t at = 0;

    while (at < text.bytes) {
        const char *newline = memchr(text.data + at, '\n', text.bytes - at);
        size_t end = newline ? (size_t)(newline - text.data) : text.bytes;
        capi_str line = capi_str_trim(capi_str_slice(text, at, end));
        int64_t equals;

        at = end + 1;
        if (line.bytes > 1 && line.data[0] == '[' && line.data[line.bytes - 1] == ']') {
            capi_str name = capi_str_trim(capi_str_slice(line, 1, line.bytes - 1));

            if (capi_str_starts(name, "profile ")) name = capi_str_trim(capi_str_slice(name, 8, name.bytes));
            is_inside = capi_str_is(name, section);
            continue;
        }
        equals = capi_str_find(line, CAPI_STR("="));
        if (!is_inside || equals < 0 || line.data[0] == '#' || line.data[0] == ';') continue;
        if (capi_str_is(capi_str_trim(capi_str_slice(line, 0, (size_t)equals)), key))
            return capi_str_trim(capi_str_slice(line, (size_t)equals + 1, line.bytes));
    }
    return (capi_str){0};
}

static capi_str file_text(capi_arena *arena, const char *variable, const char *standard)
{
    const char *path = getenv(variable), *home = getenv("HOME");
    capi_str text = {0};

    if (!path || !*path) path = home ? capi_str_format(arena, "%s/.aws/%s", home, standard).data : NULL;
    if (path && capi_file_read_all(path, INI_BYTES_MAX, arena, &text, NULL) != CAPI_OK) text = (capi_str){0};
    return text;
}

static void take_keys(capi_str text, const char *profile, aws_identity *out)
{
    capi_str access = aws_ini_value(text, profile, "aws_access_key_id");
    capi_str secret = aws_ini_value(text, profile, "aws_secret_access_key");

    if (out->access_key.bytes || !access.bytes || !secret.bytes) return;
    out->access_key = access;
    out->secret_key = secret;
    out->token = aws_ini_value(text, profile, "aws_session_token");
}

static void ask_files(capi_arena *arena, aws_identity *out)
{
    const char *profile = getenv("AWS_PROFILE");
    capi_str credentials = file_text(arena, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
    capi_str config = file_text(arena, "AWS_CONFIG_FILE", "config");

    if (!profile || !*profile) profile = "default";
    take_keys(credentials, profile, out);
    take_keys(config, profile, out);
    if (!out->region.bytes) out->region = aws_ini_value(config, profile, "region");
    if (!out->region.bytes) out->region = aws_ini_value(credentials, profile, "region");
}

static void ask_environment(capi_arena *arena, aws_identity *out)
{
    out->access_key = environment(arena, "AWS_ACCESS_KEY_ID");
    out->secret_key = environment(arena, "AWS_SECRET_ACCESS_KEY");
    out->token = environment(arena, "AWS_SESSION_TOKEN");
    out->region = environment(arena, "AWS_REGION");
    if (!out->region.bytes) out->region = environment(arena, "AWS_DEFAULT_REGION");
    if (!out->access_key.bytes || !out->secret_key.bytes)
        out->access_key = out->secret_key = out->token = (capi_str){0};
}

/* ---- servers ---- */

typedef struct header_set {
    const char *lines[2];
} header_set;

static capi_status add_headers(void *context, const net_request *request, struct curl_slist **headers, capi_err *err)
{
    const header_set *set = context;

    (void)request;
    (void)err;
    for (int i = 0; i < 2; i++)
        if (set->lines[i]) *headers = curl_slist_append(*headers, set->lines[i]);
    return CAPI_OK;
}

/* These servers are near: they answer in a second or are not there. */
static capi_status quickly(void *context, CURL *easy, capi_err *err)
{
    (void)context;
    (void)err;
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 1000L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 3000L);
    return CAPI_OK;
}

static capi_status ask_server(capi_net *net, const char *method, capi_str url, header_set *set, capi_arena *arena,
                              capi_str *out, capi_err *err)
{
    capi_buf body = {0};
    net_sink sink = {.buf = &body, .fd = -1, .max_bytes = ANSWER_BYTES_MAX};
    net_request request = {.method = method,
                           .url = url,
                           .shown = url,
                           .sign = add_headers,
                           .prepare = quickly,
                           .context = set,
                           .body_fd = -1};
    net_answer answer = {0};
    capi_status st = net_exchange(net, &request, &sink, NULL, &answer, err);

    *out = st == CAPI_OK ? capi_str_copy(arena, capi_str_trim(capi_buf_str(&body))) : (capi_str){0};
    capi_buf_deinit(&body);
    return st;
}

/* "Key" : "value" of a flat JSON object whose texts hold no escapes, as these servers send it. */
static capi_str json_text(capi_str json, const char *key)
{
    char quoted[64];
    int64_t at;
    const char *from, *end = json.data + json.bytes, *to;

    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    at = capi_str_find(json, capi_str_of(quoted));
    if (at < 0) return (capi_str){0};
    for (from = json.data + at + strlen(quoted); from < end && (*from == ' ' || *from == ':'); from++) {
    }
    if (from == end || *from != '"') return (capi_str){0};
    to = memchr(from + 1, '"', (size_t)(end - from - 1));
    return to ? (capi_str){from + 1, (size_t)(to - from - 1)} : (capi_str){0};
}

static void take_answer(capi_str json, aws_identity *out, int64_t *expires_s)
{
    capi_str expires = json_text(json, "Expiration");
    struct tm tm = {0};

    out->access_key = json_text(json, "AccessKeyId");
    out->secret_key = json_text(json, "SecretAccessKey");
    out->token = json_text(json, "Token");
    *expires_s = 0; /* unknown: not kept */
    if (expires.bytes >= 19 && strptime(expires.data, "%Y-%m-%dT%H:%M:%S", &tm)) *expires_s = timegm(&tm);
}

static void ask_container(capi_net *net, capi_arena *arena, aws_identity *out, int64_t *expires_s)
{
    capi_str relative = environment(arena, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    capi_str url = environment(arena, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    capi_str token = environment(arena, "AWS_CONTAINER_AUTHORIZATION_TOKEN"), json;
    header_set set = {0};

    if (relative.bytes) url = capi_str_format(arena, "http://169.254.170.2%.*s", CAPI_STR_ARG(relative));
    if (!url.bytes) return;
    if (token.bytes) set.lines[0] = capi_str_format(arena, "Authorization: %.*s", CAPI_STR_ARG(token)).data;
    if (ask_server(net, "GET", url, &set, arena, &json, NULL) == CAPI_OK) take_answer(json, out, expires_s);
}

static void ask_instance(capi_net *net, capi_arena *arena, aws_identity *out, int64_t *expires_s)
{
    capi_str disabled = environment(arena, "AWS_EC2_METADATA_DISABLED");
    capi_str base = environment(arena, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    header_set set = {{"X-aws-ec2-metadata-token-ttl-seconds: 21600", "Content-Length: 0"}};
    capi_str token, role, json, url;

    if (capi_str_is(disabled, "true")) return;
    if (!base.bytes) base = CAPI_STR("http://169.254.169.254");
    url = capi_str_format(arena, "%.*s/latest/api/token", CAPI_STR_ARG(base));
    if (ask_server(net, "PUT", url, &set, arena, &token, NULL) != CAPI_OK) return;
    set = (header_set){{capi_str_format(arena, "X-aws-ec2-metadata-token: %.*s", CAPI_STR_ARG(token)).data, NULL}};
    url = capi_str_format(arena, "%.*s/latest/meta-data/iam/security-credentials/", CAPI_STR_ARG(base));
    if (ask_server(net, "GET", url, &set, arena, &role, NULL) != CAPI_OK || !role.bytes) return;
    url = capi_str_format(arena, "%.*s/latest/meta-data/iam/security-credentials/%.*s", CAPI_STR_ARG(base),
                          CAPI_STR_ARG(role));
    if (ask_server(net, "GET", url, &set, arena, &json, NULL) == CAPI_OK) take_answer(json, out, expires_s);
}

/* ---- all together ---- */

static capi_status find_identity(capi_net *net, capi_arena *arena, aws_identity *out, int64_t *expires_s, capi_err *err)
{
    *out = (aws_identity){0};
    *expires_s = INT64_MAX;
    ask_environment(arena, out);
    ask_files(arena, out); /* the region too */
    if (!out->access_key.bytes) ask_container(net, arena, out, expires_s);
    if (!out->access_key.bytes) ask_instance(net, arena, out, expires_s);
    if (out->access_key.bytes && out->secret_key.bytes) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID,
                        "no credentials for s3: expected AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile in "
                        "~/.aws/credentials or ~/.aws/config, or the role of a container or instance");
}

capi_status aws_identify(capi_net *net, capi_arena *arena, aws_identity *out, capi_err *err)
{
    aws_keys *keys = net_aws(net);
    int64_t now_s = capi_clock_wall_ms(&capi_clock_system) / 1000;
    capi_status st = CAPI_OK;

    pthread_mutex_lock(&keys->lock);
    if (!keys->is_known || (keys->expires_s != INT64_MAX && keys->expires_s - EARLY_S < now_s)) {
        capi_arena_deinit(&keys->arena);
        keys->arena = (capi_arena){0};
        st = find_identity(net, &keys->arena, &keys->identity, &keys->expires_s, err);
        keys->is_known = st == CAPI_OK;
    }
    if (st == CAPI_OK) {
        out->access_key = capi_str_copy(arena, keys->identity.access_key);
        out->secret_key = capi_str_copy(arena, keys->identity.secret_key);
        out->token = capi_str_copy(arena, keys->identity.token);
        out->region = capi_str_copy(arena, keys->identity.region);
    }
    pthread_mutex_unlock(&keys->lock);
    return st;
}

void aws_forget(capi_net *net)
{
    aws_keys *keys = net_aws(net);

    pthread_mutex_lock(&keys->lock);
    keys->is_known = false;
    pthread_mutex_unlock(&keys->lock);
}

bool capi_net_s3_found(capi_arena *arena, capi_str *region)
{
    aws_identity identity = {0};

    ask_environment(arena, &identity);
    ask_files(arena, &identity);
    *region = identity.region;
    return identity.access_key.bytes > 0;
}
