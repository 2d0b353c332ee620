/* csv_golden_test.c - the golden tables of CSV fields read, fields written and records cut. */
#include "io/csv.h"

#include "base/test.h"

#include <jansson.h>
#include <stdlib.h>

/* ---- tables ---- */

static capi_str text_of(const json_t *object, const char *key)
{
    const json_t *text = json_object_get(object, key);

    return (capi_str){json_string_value(text), text ? json_string_length(text) : 0};
}

/* Calls fn for each line and fails with the lines for which it returns false. */
static void check_table(const char *name, unsigned expected_count,
                        bool (*fn)(const json_t *object, capi_arena *arena, capi_buf *got))
{
    char *path = NULL;
    capi_arena file_arena = {0}, arena = {0};
    capi_buf got = {0};
    capi_str text;
    capi_err err = {0};
    unsigned count = 0, failed = 0;

    CHECK(asprintf(&path, "%s/golden/%s", CAPI_TEST_DATA, name) > 0);
    CHECK_OK(capi_file_read_all(path, 64 << 20, &file_arena, &text, &err), err);
    while (text.bytes) {
        const char *end = memchr(text.data, '\n', text.bytes);
        size_t bytes = end ? (size_t)(end - text.data) : text.bytes;
        json_t *object = json_loadb(text.data, bytes, JSON_ALLOW_NUL, NULL);

        CHECK(object);
        capi_buf_clear(&got);
        if (!fn(object, &arena, &got)) {
            failed++;
            fprintf(stderr, "%s:%u: %.*s\n    got %.*s\n", name, count + 1, (int)bytes, text.data,
                    CAPI_STR_ARG(capi_buf_str(&got)));
        }
        count++;
        json_decref(object);
        capi_arena_reset(&arena);
        text = capi_str_slice(text, bytes + (end != NULL), text.bytes);
    }
    capi_buf_deinit(&got);
    capi_arena_deinit(&arena);
    capi_arena_deinit(&file_arena);
    free(path);
    CHECK_INT(failed, 0);
    CHECK_INT(count, expected_count);
}

/* ---- fields read ---- */

/* Values as the tables write them: datetimes in RFC 3339 with milliseconds, the others as string() does. */
static void append_value(capi_buf *to, const capi_value *value, capi_arena *arena)
{
    if (value->type == CAPI_DATETIME)
        capi_layout_format(capi_layout_compile(arena, CAPI_STR("2006-01-02T15:04:05.000Z07:00")), &value->instant, to);
    else
        capi_value_append_text(to, value);
}

static bool field_reads(const json_t *object, capi_arena *arena, capi_buf *got)
{
    capi_csv_column column = {
        .name = CAPI_STR("field"),
        .format = text_of(object, "format"),
        .has_default = json_object_get(object, "default") != NULL,
        .default_text = text_of(object, "default"),
        .is_needed = true,
    };
    capi_value value = {0};
    capi_err err = {0};

    CHECK(capi_type_from_name(text_of(object, "type"), &column.type));
    if (capi_csv_convert(&column, text_of(object, "text"), arena, &value, &err) != CAPI_OK) {
        capi_buf_append_text(got, err.text);
        return json_is_true(json_object_get(object, "error")) && err.text[0];
    }
    append_value(got, &value, arena);
    return value.type == column.type && capi_str_equal(capi_buf_str(got), text_of(object, "value")) &&
           !json_object_get(object, "error");
}

TEST(fields_are_read_as_the_golden_table_says)
{
    check_table("csv_read.jsonl", 1880, field_reads);
}

/* ---- fields written ---- */

/* The value of a table: read as a CSV field of that type would be. */
static bool read_value(const json_t *object, capi_arena *arena, capi_value *value)
{
    capi_csv_column column = {.name = CAPI_STR("value")};
    capi_str text = text_of(object, "value");
    capi_err err = {0};

    CHECK(capi_type_from_name(text_of(object, "type"), &column.type));
    if (column.type == CAPI_DATETIME) column.format = CAPI_STR("2006-01-02T15:04:05Z07:00");
    return capi_csv_convert(&column, text, arena, value, &err) == CAPI_OK;
}

static bool field_writes(const json_t *object, capi_arena *arena, capi_buf *got)
{
    capi_csv_out_column column = {.header = CAPI_STR("field"), .format = text_of(object, "format")};
    capi_str separator = text_of(object, "sep");
    const capi_csv_writer *writer;
    capi_value value;
    capi_vec vec, stored;
    capi_buf again = {0};
    capi_err err = {0};
    uint32_t bad_row;
    bool is_same;

    CHECK(read_value(object, arena, &value));
    column.type = value.type;
    if (!separator.bytes) separator = CAPI_STR(",");
    CHECK_OK(capi_csv_writer_new(arena, separator, &column, 1, &writer, &err), err);
    vec = capi_vec_constant(arena, &value);
    capi_csv_write_rows(writer, &vec, NULL, 1, got);
    /* The same from the form in which tables keep it, which has its own ways of writing (and no zones). */
    CHECK_OK(capi_vec_to_stored(arena, &vec, 1, &stored, &bad_row, &err), err);
    capi_csv_write_rows(writer, &stored, NULL, 1, &again);
    is_same = (value.type == CAPI_DATETIME && value.instant.offset_seconds != 0) ||
              capi_str_equal(capi_buf_str(got), capi_buf_str(&again));
    capi_buf_deinit(&again);
    if (!is_same || !got->bytes || got->data[--got->bytes] != '\n') return false;
    return capi_str_equal(capi_buf_str(got), text_of(object, "field"));
}

TEST(fields_are_written_as_the_golden_table_says)
{
    check_table("csv_write.jsonl", 800, field_writes);
}

/* ---- records ---- */

static capi_status take_record(void *context, const capi_str *fields, uint32_t field_count, capi_err *err)
{
    json_t *record = json_array();

    (void)err;
    for (uint32_t i = 0; i < field_count; i++)
        json_array_append_new(record, json_stringn(fields[i].bytes ? fields[i].data : "", fields[i].bytes));
    json_array_append_new(context, record);
    return CAPI_OK;
}

static bool text_has_records(const json_t *object, capi_arena *arena, capi_buf *got)
{
    json_t *records = json_array();
    capi_str separator = text_of(object, "sep");
    capi_err err = {0};
    capi_status st = capi_csv_records(text_of(object, "text"), separator.bytes ? separator.data[0] : ',', take_record,
                                      records, &err);
    char *text = json_dumps(records, JSON_COMPACT);
    bool is_equal = json_equal(records, json_object_get(object, "records"));

    (void)arena;
    capi_buf_printf(got, "%s %s", text ? text : "", err.text);
    free(text);
    json_decref(records);
    return is_equal && (st != CAPI_OK) == json_is_true(json_object_get(object, "error"));
}

TEST(texts_are_cut_into_records_as_the_golden_table_says)
{
    check_table("csv_records.jsonl", 300, text_has_records);
}
