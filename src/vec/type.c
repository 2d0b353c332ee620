/* type.c - names of types, zero values, and finding a field by its name. */
#include "vec/type.h"

static const char *const type_names[CAPI_TYPE_COUNT] = {
    [CAPI_STRING] = "string", [CAPI_INT] = "int",           [CAPI_FLOAT] = "float",
    [CAPI_BOOL] = "bool",     [CAPI_DATETIME] = "datetime", [CAPI_DECIMAL] = "decimal2",
    [CAPI_LENGTH] = "length", [CAPI_MONTH] = "month",       [CAPI_ZONE] = "zone",
};

const char *capi_type_name(capi_type type)
{
    return type_names[type];
}

bool capi_type_from_name(capi_str name, capi_type *out)
{
    for (int type = 0; type < CAPI_TYPE_STORED_COUNT; type++) {
        if (!capi_str_is(name, type_names[type])) continue;
        *out = (capi_type)type;
        return true;
    }
    return false;
}

capi_value capi_value_zero(capi_type type)
{
    capi_value value = {.type = type};

    switch (type) {
    case CAPI_STRING: value.string = CAPI_STR(""); break;
    case CAPI_INT:
    case CAPI_LENGTH: value.integer = 0; break;
    case CAPI_FLOAT: value.real = 0; break;
    case CAPI_BOOL: value.boolean = false; break;
    case CAPI_DATETIME: value.instant = capi_instant_from_ms(CAPI_INSTANT_ZERO_MS); break;
    case CAPI_DECIMAL: value.decimal = capi_decimal_from_int64(0); break;
    case CAPI_MONTH:
        value.integer = 1; /* there is no month 0 */
        break;
    case CAPI_ZONE: value.zone = (capi_zone){.name = capi_zone_utc_name, .name_bytes = 3}; break;
    }
    return value;
}

int32_t capi_schema_find(const capi_schema *schema, capi_str name)
{
    for (uint32_t i = 0; i < schema->field_count; i++)
        if (capi_str_equal(schema->fields[i].name, name)) return (int32_t)i;
    return -1;
}
