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

const net_protocol net_http = {.get = http_get, .has_ranges = true};
