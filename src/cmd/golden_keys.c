/* golden_keys.c - keys under one index definition: equal where the reference's are, and in the same order.
 *
 * The reference writes keys as text and loses a little: decimals go through a double, floats keep 32 digits after the point.
 * Ours are exact, so keys of different values may differ where the reference's are equal; see value_is_blurred. */
#include "cmd/golden.h"

#include "script/script.h"

#include <math.h>

typedef struct golden_key_row {
    capi_str bytes;
    capi_schema schema;
    capi_value *values;
} golden_key_row;

static capi_status read_fields(const json_t *fields, golden_key_row *row, capi_arena *arena, capi_err *err)
{
    uint32_t count = (uint32_t)json_object_size(fields);
    capi_field *schema_fields = capi_new_array(arena, capi_field, count);
    const char *name;
    json_t *field;
    uint32_t i = 0;

    row->values = capi_new_array(arena, capi_value, count);
    json_object_foreach((json_t *)fields, name, field)
    {
        CAPI_TRY(golden_value(field, arena, &row->values[i], err));
        schema_fields[i] = (capi_field){capi_str_of(name), row->values[i].type};
        i++;
    }
    row->schema = (capi_schema){schema_fields, count};
    return CAPI_OK;
}

static capi_status build_key(const json_t *object, capi_arena *arena, golden_key_row *row, capi_err *err)
{
    capi_key_def def = {0};
    capi_vec *columns;
    capi_view key;
    uint32_t bad_row;

    CAPI_TRY(read_fields(json_object_get(object, "fields"), row, arena, err));
    CAPI_TRY(capi_index_parse(arena, golden_text(object, "index"), &row->schema, &def, err));
    columns = capi_new_array(arena, capi_vec, def.part_count);
    for (uint32_t i = 0; i < def.part_count; i++) {
        capi_vec constant = capi_vec_constant(arena, &row->values[def.parts[i].column]);

        CAPI_TRY(capi_vec_to_stored(arena, &constant, 1, &columns[i], &bad_row, err));
    }
    capi_keys_build(&def, columns, 1, true, arena, &key);
    row->bytes = capi_str_copy(arena, capi_view_str(&key));
    return CAPI_OK;
}

/* True for values that the reference's key text, or a stored table, cannot hold exactly. */
static bool value_is_blurred(const capi_value *value)
{
    int64_t cents;
    int64_t ms;

    switch (value->type) {
    case CAPI_FLOAT: return !(fabs(value->real) < 1e33) || (value->real != 0 && fabs(value->real) < 1e-16);
    case CAPI_DECIMAL:
        return !capi_decimal_is_cents(&value->decimal, &cents) || cents > INT64_C(7036874417766400) ||
               cents < -INT64_C(7036874417766400);
    case CAPI_DATETIME: return !capi_instant_to_ms(&value->instant, &ms) || value->instant.nanoseconds % 1000000 != 0;
    case CAPI_STRING:
    case CAPI_INT:
    case CAPI_BOOL:
    case CAPI_LENGTH:
    case CAPI_MONTH:
    case CAPI_ZONE: return false;
    }
    return false;
}

static bool row_is_blurred(const golden_key_row *row)
{
    for (uint32_t i = 0; i < row->schema.field_count; i++)
        if (value_is_blurred(&row->values[i])) return true;
    return false;
}

static bool same_definition(const json_t *a, const json_t *b)
{
    const json_t *fields_a = json_object_get(a, "fields");
    const json_t *fields_b = json_object_get(b, "fields");
    const char *name;
    json_t *field;

    if (!capi_str_equal(golden_text(a, "index"), golden_text(b, "index"))) return false;
    if (json_object_size(fields_a) != json_object_size(fields_b)) return false;
    json_object_foreach((json_t *)fields_a, name,
                        field) if (!capi_str_equal(golden_text(field, "type"),
                                                   golden_text(json_object_get(fields_b, name), "type"))) return false;
    return true;
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static const char *order_words(int order)
{
    return order < 0 ? "before" : order > 0 ? "after" : "equal to";
}

static bool agrees(const golden_key_row *a, const golden_key_row *b, int wanted, int got)
{
    if (got == wanted) return true;
    /* A blurred value may be told apart, or not, but never be in the opposite order. */
    return (row_is_blurred(a) || row_is_blurred(b)) && (wanted == 0 || got == 0);
}

bool golden_key(const json_t *all, size_t index, capi_arena *arena, golden_failure *failure)
{
    const json_t *object = json_array_get(all, index);
    golden_key_row row;
    golden_key_row other_row;
    capi_err err = {0};

    if (build_key(object, arena, &row, &err) != CAPI_OK) {
        capi_buf_printf(&failure->got, "error: %s", err.text);
        capi_buf_append_str(&failure->expected, golden_text(object, "key"));
        return false;
    }
    for (size_t i = 0; i < index; i++) {
        const json_t *other = json_array_get(all, i);
        int wanted;
        int got;

        if (!same_definition(object, other) || build_key(other, arena, &other_row, &err) != CAPI_OK) continue;
        wanted = sign(capi_str_compare(golden_text(object, "key"), golden_text(other, "key")));
        got = sign(capi_str_compare(row.bytes, other_row.bytes));
        if (agrees(&row, &other_row, wanted, got)) continue;
        capi_buf_printf(&failure->got, "%s case %zu", order_words(got), i + 1);
        capi_buf_printf(&failure->expected, "%s case %zu", order_words(wanted), i + 1);
        return false;
    }
    return true;
}
