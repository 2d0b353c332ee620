/* golden_csv.c - CSV fields read, CSV fields written, and whole files cut into records. */
#include "cmd/golden.h"

#include "io/csv.h"

#include <stdlib.h>

static capi_status read_field(const json_t *object, capi_arena *arena, capi_value *out, capi_err *err)
{
    capi_csv_column column = {
        .name = CAPI_STR("field"),
        .format = golden_text(object, "format"),
        .has_default = json_object_get(object, "default") != NULL,
        .default_text = golden_text(object, "default"),
        .is_needed = true,
    };

    if (!capi_type_from_name(golden_text(object, "type"), &column.type))
        return capi_err_set(err, CAPI_INVALID, "unknown type in the table");
    /* A default that cannot be parsed is a mistake only when it is needed, so the column is not checked beforehand. */
    return capi_csv_convert(&column, golden_text(object, "text"), arena, out, err);
}

bool golden_csv_read(const json_t *all, size_t index, capi_arena *arena, golden_failure *failure)
{
    const json_t *object = json_array_get(all, index);
    capi_value value = {0};
    capi_err err = {0};
    capi_status st = read_field(object, arena, &value, &err);

    return golden_check_value(object, false, st, &value, &err, failure);
}

static capi_str separator_of(const json_t *object)
{
    capi_str separator = golden_text(object, "sep");

    return separator.bytes ? separator : CAPI_STR(",");
}

static capi_status write_field(const json_t *object, capi_arena *arena, capi_buf *to, capi_err *err)
{
    capi_csv_out_column column = {.header = CAPI_STR("field"), .format = golden_text(object, "format")};
    const capi_csv_writer *writer;
    capi_value value;
    capi_vec vec;

    CAPI_TRY(golden_value(object, arena, &value, err));
    column.type = value.type;
    CAPI_TRY(capi_csv_writer_new(arena, separator_of(object), &column, 1, &writer, err));
    vec = capi_vec_constant(arena, &value);
    capi_csv_write_rows(writer, &vec, NULL, 1, to);
    return CAPI_OK;
}

bool golden_csv_write(const json_t *all, size_t index, capi_arena *arena, golden_failure *failure)
{
    const json_t *object = json_array_get(all, index);
    capi_err err = {0};

    if (write_field(object, arena, &failure->got, &err) != CAPI_OK)
        capi_buf_printf(&failure->got, "error: %s", err.text);
    capi_buf_append_str(&failure->expected, golden_text(object, "field"));
    capi_buf_append_byte(&failure->expected, '\n');
    return capi_str_equal(capi_buf_str(&failure->got), capi_buf_str(&failure->expected));
}

typedef struct golden_records {
    json_t *records;
} golden_records;

static capi_status take_record(void *context, const capi_str *fields, uint32_t field_count, capi_err *err)
{
    golden_records *all = context;
    json_t *record = json_array();

    for (uint32_t i = 0; i < field_count; i++) {
        json_t *field = json_stringn(fields[i].bytes ? fields[i].data : "", fields[i].bytes);

        if (!field) {
            json_decref(record);
            return capi_err_set(err, CAPI_INTERNAL, "field %u is not UTF-8", i);
        }
        json_array_append_new(record, field);
    }
    json_array_append_new(all->records, record);
    return CAPI_OK;
}

static void append_records(capi_buf *to, const json_t *records, bool has_error)
{
    char *text = json_dumps(records, JSON_COMPACT);

    capi_buf_printf(to, "%s%s", text ? text : "?", has_error ? ", then an error" : "");
    free(text);
}

bool golden_csv_records(const json_t *all, size_t index, capi_arena *arena, golden_failure *failure)
{
    const json_t *object = json_array_get(all, index);
    const json_t *expected = json_object_get(object, "records");
    golden_records got = {json_array()};
    capi_str separator = separator_of(object);
    capi_err err = {0};
    bool has_error;
    bool holds;

    (void)arena;
    has_error = capi_csv_records(golden_text(object, "text"), separator.data[0], take_record, &got, &err) != CAPI_OK;
    append_records(&failure->got, got.records, has_error);
    append_records(&failure->expected, expected, golden_flag(object, "error"));
    holds = json_equal(got.records, expected) && has_error == golden_flag(object, "error");
    json_decref(got.records);
    return holds;
}
