/* golden_value.c - values of golden tables: from their texts, and to them. */
#include "cmd/golden.h"

#include "vec/layout.h"
#include "vec/number.h"

capi_str golden_text(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return (capi_str){json_string_value(value), json_string_length(value)};
}

bool golden_flag(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static bool parse_value(capi_str text, capi_type type, capi_arena *arena, capi_value *out)
{
    /* A fraction is read after the seconds even though the layout does not show one. */
    const capi_layout *layout;

    out->type = type;
    switch (type) {
    case CAPI_STRING: out->string = text; return true;
    case CAPI_INT: return capi_parse_int(text, &out->integer);
    case CAPI_FLOAT: return capi_parse_float(text, &out->real) == CAPI_FLOAT_OK;
    case CAPI_BOOL: return capi_parse_bool(text, &out->boolean);
    case CAPI_DECIMAL: return capi_decimal_parse(text, &out->decimal);
    case CAPI_DATETIME:
        layout = capi_layout_compile(arena, CAPI_STR("2006-01-02T15:04:05Z07:00"));
        return capi_layout_parse(layout, text, arena, &out->instant, NULL) == CAPI_OK;
    case CAPI_LENGTH:
    case CAPI_MONTH:
    case CAPI_ZONE: break;
    }
    return false;
}

capi_status golden_value(const json_t *object, capi_arena *arena, capi_value *out, capi_err *err)
{
    capi_str type_name = golden_text(object, "type");
    capi_str text = golden_text(object, "value");
    capi_type type;

    if (!capi_type_from_name(type_name, &type))
        return capi_err_set(err, CAPI_INVALID, "unknown type \"%.*s\" in the table", CAPI_STR_ARG(type_name));
    if (!parse_value(text, type, arena, out))
        return capi_err_set(err, CAPI_INVALID, "the table's value \"%.*s\" is no %s", CAPI_STR_ARG(text),
                            capi_type_name(type));
    return CAPI_OK;
}

static void append_instant(capi_buf *to, const capi_instant *instant)
{
    capi_arena arena = {0};

    capi_layout_format(capi_layout_compile(&arena, CAPI_STR("2006-01-02T15:04:05.000Z07:00")), instant, to);
    capi_arena_deinit(&arena);
}

void golden_append_value(capi_buf *to, const capi_value *value)
{
    char number[CAPI_NUMBER_TEXT_MAX];
    char decimal[CAPI_DECIMAL_TEXT_MAX];

    switch (value->type) {
    case CAPI_STRING: capi_buf_append_str(to, value->string); break;
    case CAPI_INT:
    case CAPI_LENGTH:
    case CAPI_MONTH: capi_buf_append(to, number, capi_int_text(value->integer, number)); break;
    case CAPI_FLOAT: capi_buf_append(to, number, capi_float_text(value->real, number)); break;
    case CAPI_BOOL: capi_buf_append_text(to, value->boolean ? "true" : "false"); break;
    case CAPI_DECIMAL: capi_buf_append(to, decimal, capi_decimal_text(&value->decimal, decimal)); break;
    case CAPI_DATETIME: append_instant(to, &value->instant); break;
    case CAPI_ZONE: capi_buf_printf(to, "zone %d", value->zone.offset_seconds); break;
    }
}

const char *golden_type_name(capi_type type)
{
    return type == CAPI_LENGTH ? "int" : capi_type_name(type);
}

bool golden_check_value(const json_t *object, bool has_type, capi_status st, const capi_value *value,
                        const capi_err *err, golden_failure *failure)
{
    bool error_expected = golden_flag(object, "error");
    capi_str text = golden_text(object, "value");
    capi_str type = golden_text(object, "type");

    if (error_expected)
        capi_buf_append_text(&failure->expected, "an error");
    else if (has_type)
        capi_buf_printf(&failure->expected, "%.*s ", CAPI_STR_ARG(type));
    if (!error_expected) capi_buf_append_str(&failure->expected, text);

    if (st != CAPI_OK) {
        capi_buf_printf(&failure->got, "error: %s", err->text);
        return error_expected;
    }
    if (has_type) capi_buf_printf(&failure->got, "%s ", golden_type_name(value->type));
    golden_append_value(&failure->got, value);
    return !error_expected && capi_str_equal(capi_buf_str(&failure->got), capi_buf_str(&failure->expected));
}
