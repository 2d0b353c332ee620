/* http.c - http(s): read only. The URL goes to the server as it is, except that blanks and bytes beyond ASCII are encoded. */
#include "net/protocol.h"

static capi_status http_headers(void *context, const net_request *request, struct curl_slist **headers, capi_err *err)
{
    (void)context;
    (void)request;
    (void)err;
    /* Ranges and lengths are those of the file itself. */
    *headers = curl_slist_append(*headers, "Accept-Encoding: identity");
    return CAPI_OK;
}

static capi_status http_get(capi_net *net, const capi_url *url, capi_str text, capi_arena *arena, net_request *out,
                            capi_err *err)
{
    capi_buf encoded = {0};

    (void)net;
    (void)url;
    (void)err;
    for (size_t i = 0; i < text.bytes && text.data[i] != '#'; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if (byte <= 0x20 || byte >= 0x7f || byte == '"' || byte == '<' || byte == '>')
            capi_buf_printf(&encoded, "%%%02X", byte);
        else
            capi_buf_append_byte(&encoded, (char)byte);
    }
    out->url = capi_str_copy(arena, capi_buf_str(&encoded));
    out->sign = http_headers;
    capi_buf_deinit(&encoded);
    return CAPI_OK;
}

/* There are no lists. A name that looks like a pattern may be the name of a file all the same; a folder's page is none. */
static capi_status http_list(capi_net *net, const capi_url *url, capi_str text, capi_arena *arena, net_listing *out,
                             capi_err *err)
{
    net_sink sink = {.fd = -1, .max_bytes = UINT64_MAX};
    net_request request = {.method = "HEAD", .body_fd = -1, .shown = capi_url_show(arena, text)};
    net_answer answer = {0};
    capi_status st;

    CAPI_TRY(http_get(net, url, text, arena, &request, err));
    st = net_exchange(net, &request, &sink, NULL, &answer, err);
    if (st == CAPI_NOT_FOUND || (st == CAPI_OK && answer.is_page && out->is_folder))
        return capi_err_set(
            err, CAPI_INVALID,
            "no file \"%.*s\": http has no list of files, so wildcards and folders are for local paths, "
            "s3:// and sftp://",
            CAPI_STR_ARG(request.shown));
    /* Whether a server that refuses to tell refuses to send will be seen. */
    if (st == CAPI_INVALID) capi_err_clear(err);
    if (st != CAPI_OK && st != CAPI_INVALID) return st;
    return net_listing_keep(out, text, st == CAPI_OK ? answer.length_bytes : 0, err);
}

const net_protocol net_http = {.get = http_get, .list = http_list, .has_ranges = true};
