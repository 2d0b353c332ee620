/* json_text.c - see json_text.h */
#include "cmd/json_text.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

json_t *capi_json_text(capi_str text)
{
    capi_buf mended = {0};
    json_t *json;
    size_t bad_at;

    while (!capi_str_is_utf8(text, &bad_at)) {
        capi_buf_append(&mended, text.data, bad_at);
        capi_buf_append_text(&mended, "\xEF\xBF\xBD");
        text = capi_str_slice(text, bad_at + 1, text.bytes);
    }
    capi_buf_append_str(&mended, text);
    json = json_stringn_nocheck(mended.bytes ? mended.data : "", mended.bytes);
    capi_buf_deinit(&mended);
    return json;
}

void capi_json_print(json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(1) | JSON_PRESERVE_ORDER);

    printf("%s\n", text ? text : "null");
    free(text);
    json_decref(json);
}
