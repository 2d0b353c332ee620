/* schema_text.c - schemas to JSON and back. */
#include "run/schema_text.h"

#include <jansson.h>
#include <stdlib.h>

static json_t *text_to_json(capi_str text)
{
    return json_stringn(text.bytes ? text.data : "", text.bytes);
}

capi_str capi_schema_to_text(capi_str node, const capi_schema *schema, capi_arena *arena)
{
    json_t *fields = json_array();
    json_t *root = json_object();
    char *dumped;
    capi_str text;

    for (uint32_t i = 0; i < schema->field_count; i++) {
        json_t *field = json_object();

        json_object_set_new(field, "name", text_to_json(schema->fields[i].name));
        json_object_set_new(field, "type", json_string(capi_type_name(schema->fields[i].type)));
        json_array_append_new(fields, field);
    }
    json_object_set_new(root, "node", text_to_json(node));
    json_object_set_new(root, "fields", fields);
    dumped = json_dumps(root, JSON_COMPACT);
    text = capi_str_copy(arena, capi_str_of(dumped));
    free(dumped);
    json_decref(root);
    return text;
}

static capi_str json_to_text(const json_t *value, capi_arena *arena)
{
    return capi_str_copy(arena, (capi_str){json_string_value(value), json_string_length(value)});
}

static bool schema_read(const json_t *root, capi_arena *arena, capi_str *node, capi_schema *out)
{
    const json_t *fields = json_object_get(root, "fields");
    capi_field *list;

    if (!json_is_array(fields) || !json_is_string(json_object_get(root, "node"))) return false;
    list = capi_new_array(arena, capi_field, json_array_size(fields));
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *name = json_object_get(json_array_get(fields, i), "name");
        const json_t *type = json_object_get(json_array_get(fields, i), "type");

        if (!json_is_string(name) || !json_is_string(type)) return false;
        list[i].name = json_to_text(name, arena);
        if (!capi_type_from_name(capi_str_of(json_string_value(type)), &list[i].type)) return false;
    }
    *node = json_to_text(json_object_get(root, "node"), arena);
    *out = (capi_schema){list, (uint32_t)json_array_size(fields)};
    return true;
}

capi_status capi_schema_from_text(capi_str text, capi_arena *arena, capi_str *node, capi_schema *out, capi_err *err)
{
    json_t *root = json_loadb(text.bytes ? text.data : "", text.bytes, 0, NULL);
    bool is_good = root && schema_read(root, arena, node, out);

    json_decref(root);
    if (is_good) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "the stored schema of a table is damaged");
}
