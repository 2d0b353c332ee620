/* url.c - see url.h */
#include "net/url.h"

#include "base/buf.h"
#include "base/file_url.h"
#include "base/secret.h"

#include <ctype.h>
#include <strings.h>

typedef struct scheme_name {
    const char *start;
    capi_scheme scheme;
} scheme_name;

static const scheme_name scheme_names[] = {
    {"file://", CAPI_SCHEME_LOCAL}, {"http://", CAPI_SCHEME_HTTP}, {"https://", CAPI_SCHEME_HTTPS},
    {"s3://", CAPI_SCHEME_S3},      {"sftp://", CAPI_SCHEME_SFTP},
};

capi_scheme capi_url_scheme(capi_str url)
{
    for (size_t i = 0; i < sizeof scheme_names / sizeof *scheme_names; i++) {
        size_t bytes = strlen(scheme_names[i].start);

        if (url.bytes >= bytes && strncasecmp(url.data, scheme_names[i].start, bytes) == 0)
            return scheme_names[i].scheme;
    }
    return capi_str_find(url, CAPI_STR("://")) < 0 ? CAPI_SCHEME_LOCAL : CAPI_SCHEME_OTHER;
}

capi_str capi_url_local_path(capi_str url)
{
    return capi_file_url_path(url);
}

static size_t find_byte(capi_str text, size_t from, const char *wanted)
{
    while (from < text.bytes && !strchr(wanted, text.data[from]))
        from++;
    return from;
}

static capi_status parse_port(capi_str digits, capi_str url, capi_url *out, capi_err *err)
{
    uint32_t port = 0;

    for (size_t i = 0; i < digits.bytes; i++) {
        if (!isdigit((unsigned char)digits.data[i])) port = UINT16_MAX + 1;
        if (port <= UINT16_MAX) port = port * 10 + (uint32_t)(digits.data[i] - '0');
    }
    if (digits.bytes == 0 || port == 0 || port > UINT16_MAX)
        return capi_err_set(err, CAPI_INVALID, "bad port \"%.*s\" in \"%.*s\": expected 1 to 65535",
                            CAPI_STR_ARG(digits), CAPI_STR_ARG(url));
    out->port = (uint16_t)port;
    return CAPI_OK;
}

/* user:password@host:port, where the host may be [an IPv6 address]. */
static capi_status parse_authority(capi_str text, capi_str url, capi_url *out, capi_err *err)
{
    size_t colon;

    for (size_t i = text.bytes; i > 0; i--)
        if (text.data[i - 1] == '@') {
            capi_str user = capi_str_slice(text, 0, i - 1);

            colon = find_byte(user, 0, ":");
            out->user = capi_str_slice(user, 0, colon);
            if (colon < user.bytes) out->password = capi_str_slice(user, colon + 1, user.bytes);
            text = capi_str_slice(text, i, text.bytes);
            break;
        }
    colon = text.bytes && text.data[0] == '[' ? find_byte(text, 0, "]") + 1 : find_byte(text, 0, ":");
    if (colon > text.bytes || (colon < text.bytes && text.data[colon] != ':'))
        return capi_err_set(err, CAPI_INVALID, "bad host in \"%.*s\"", CAPI_STR_ARG(url));
    out->host = capi_str_slice(text, 0, colon);
    if (out->host.bytes == 0)
        return capi_err_set(err, CAPI_INVALID, "no host in \"%.*s\": expected scheme://host/path", CAPI_STR_ARG(url));
    if (colon == text.bytes) return CAPI_OK;
    return parse_port(capi_str_slice(text, colon + 1, text.bytes), url, out, err);
}

capi_status capi_url_parse(capi_str text, capi_url *out, capi_err *err)
{
    size_t begin, end;
    capi_arena arena = {0};
    capi_str shown;
    capi_status st;

    *out = (capi_url){.scheme = capi_url_scheme(text)};
    for (size_t i = 0; i < text.bytes; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return capi_err_set(err, CAPI_INVALID, "byte 0x%02x in URL \"%.*s\" is a control character",
                                (unsigned char)text.data[i], (int)i, text.data);
    if (out->scheme == CAPI_SCHEME_LOCAL || out->scheme == CAPI_SCHEME_OTHER) {
        out->path = text;
        return CAPI_OK;
    }
    begin = (size_t)capi_str_find(text, CAPI_STR("://")) + 3;
    end = find_byte(text, begin, out->scheme == CAPI_SCHEME_HTTP || out->scheme == CAPI_SCHEME_HTTPS ? "/?#" : "/");
    shown = capi_url_show(&arena, text);
    st = parse_authority(capi_str_slice(text, begin, end), shown, out, err);
    capi_arena_deinit(&arena);
    if (st != CAPI_OK) return st;
    out->path = capi_str_slice(text, end, text.bytes);
    if (out->scheme != CAPI_SCHEME_HTTP && out->scheme != CAPI_SCHEME_HTTPS) return CAPI_OK;
    begin = find_byte(out->path, 0, "?#");
    if (begin < out->path.bytes && out->path.data[begin] == '?') {
        end = find_byte(out->path, begin, "#");
        out->query = capi_str_slice(out->path, begin + 1, end);
    }
    out->path = capi_str_slice(out->path, 0, begin);
    return CAPI_OK;
}

/* Values of these parameters let whoever has them in. */
static void show_query(capi_buf *out, capi_str query)
{
    for (size_t at = 0; at < query.bytes;) {
        size_t end = find_byte(query, at, "&#");
        capi_str pair = capi_str_slice(query, at, end);
        size_t equals = find_byte(pair, 0, "=");

        if (equals < pair.bytes && capi_secret_is_name(capi_str_slice(pair, 0, equals)))
            capi_buf_printf(out, "%.*s=...", (int)equals, pair.data);
        else
            capi_buf_append_str(out, pair);
        if (end < query.bytes) capi_buf_append_byte(out, query.data[end++]);
        at = end;
    }
}

capi_str capi_url_show(capi_arena *arena, capi_str url)
{
    int64_t scheme = capi_str_find(url, CAPI_STR("://"));
    size_t begin = scheme < 0 ? 0 : (size_t)scheme + 3;
    size_t slash = find_byte(url, begin, "/?#");
    size_t query, host = begin;
    capi_buf out = {0};
    capi_str shown;

    if (scheme < 0) return url;
    for (size_t i = begin; i < slash; i++)
        if (url.data[i] == '@') host = i + 1;
    capi_buf_append(&out, url.data, begin);
    if (host > begin) {
        size_t colon = find_byte(capi_str_slice(url, 0, host - 1), begin, ":");

        capi_buf_append(&out, url.data + begin, colon - begin);
        if (colon < host - 1) capi_buf_append_text(&out, ":...");
        capi_buf_append_byte(&out, '@');
    }
    query = find_byte(url, slash, "?");
    capi_buf_append(&out, url.data + host, query - host);
    if (query < url.bytes) {
        capi_buf_append_byte(&out, '?');
        show_query(&out, capi_str_slice(url, query + 1, url.bytes));
    }
    shown = capi_str_copy(arena, capi_buf_str(&out));
    capi_buf_deinit(&out);
    return shown;
}

capi_str capi_url_encode(capi_arena *arena, capi_str text, bool keeps_slash)
{
    capi_buf out = {0};
    capi_str encoded;

    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if ((byte < 0x80 && isalnum(byte)) || (byte && strchr("-._~", byte)) || (keeps_slash && byte == '/'))
            capi_buf_append_byte(&out, (char)byte);
        else
            capi_buf_printf(&out, "%%%02X", byte);
    }
    encoded = capi_str_copy(arena, capi_buf_str(&out));
    capi_buf_deinit(&out);
    return encoded;
}
