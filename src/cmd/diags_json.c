/* diags_json.c - mistakes and warnings as JSON, written by jansson. */
#include "cmd/diags_json.h"

#include <jansson.h>
#include <stdlib.h>

static void set_text(json_t *item, const char *key, capi_str text)
{
    json_t *value;

    if (text.bytes == 0) return;
    value = json_stringn(text.data, text.bytes);
    /* jansson takes valid UTF-8 only; a line of a damaged file is left out rather than changed. */
    if (value) json_object_set_new(item, key, value);
}

static void set_number(json_t *item, const char *key, uint32_t number)
{
    if (number) json_object_set_new(item, key, json_integer(number));
}

static json_t *diag_to_json(const capi_diag *diag)
{
    json_t *item = json_object();

    set_text(item, "file", diag->file);
    set_number(item, "line", diag->line);
    set_number(item, "column", diag->column);
    set_number(item, "length", diag->length);
    if (diag->column) set_number(item, "end_column", diag->column + diag->length);
    json_object_set_new(item, "severity", json_string(diag->severity == CAPI_ERROR ? "error" : "warning"));
    set_text(item, "rule", diag->rule);
    set_text(item, "message", diag->message);
    set_text(item, "suggestion", capi_diag_suggestion(diag));
    set_text(item, "context", diag->context);
    set_text(item, "excerpt", diag->excerpt);
    return item;
}

void capi_diags_to_json(const capi_diags *diags, capi_buf *to)
{
    json_t *list = json_array();
    char *text;

    for (uint32_t i = 0; i < diags->count; i++)
        json_array_append_new(list, diag_to_json(&diags->items[i]));
    text = json_dumps(list, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    capi_buf_append_text(to, text);
    capi_buf_append_byte(to, '\n');
    free(text);
    json_decref(list);
}
