/* proto_check.c - whether what a CSV column looks like also holds: every value is read as a run will read it. */
#include "cmd/proto_sample.h"

#include "io/csv.h"
#include "vec/layout.h"

capi_type capi_proto_script_type(capi_proto_type type)
{
    switch (type) {
    case CAPI_PROTO_DECIMAL: return CAPI_DECIMAL;
    case CAPI_PROTO_INT: return CAPI_INT;
    case CAPI_PROTO_FLOAT: return CAPI_FLOAT;
    case CAPI_PROTO_BOOL: return CAPI_BOOL;
    case CAPI_PROTO_DATETIME: return CAPI_DATETIME;
    case CAPI_PROTO_NONE:
    case CAPI_PROTO_STRING: return CAPI_STRING;
    }
    return CAPI_STRING;
}

const char *capi_proto_reader_format(const capi_proto_column *column)
{
    switch (column->type) {
    case CAPI_PROTO_DECIMAL:
    case CAPI_PROTO_FLOAT: return "%f";
    case CAPI_PROTO_INT: return "%d";
    case CAPI_PROTO_DATETIME: return column->layout;
    case CAPI_PROTO_BOOL:
    case CAPI_PROTO_NONE:
    case CAPI_PROTO_STRING: return NULL;
    }
    return NULL;
}

/* What a table keeps of a datetime, milliseconds in UTC, is written as it was read: no finer fraction, no other zone. */
static bool is_datetime_kept(capi_str layout_text, capi_str text, capi_arena *arena)
{
    const capi_layout *layout = capi_layout_compile(arena, layout_text);
    capi_instant instant;
    capi_buf back = {0};
    bool is_same;
    int64_t ms;

    if (capi_layout_parse(layout, text, arena, &instant, NULL) != CAPI_OK || !capi_instant_to_ms(&instant, &ms))
        return false;
    instant = capi_instant_from_ms(ms);
    capi_layout_format(layout, &instant, &back);
    is_same = capi_str_equal(capi_buf_str(&back), text);
    capi_buf_deinit(&back);
    return is_same;
}

static bool is_readable(const capi_proto_column *column, capi_str field, bool is_careful, capi_arena *arena)
{
    const char *format = capi_proto_reader_format(column);
    capi_csv_column reader = {.type = capi_proto_script_type(column->type),
                              .format = capi_str_of(format ? format : "")};
    capi_value value;
    int64_t cents;

    if (capi_csv_convert(&reader, field, arena, &value, NULL) != CAPI_OK) return false;
    if (column->type == CAPI_PROTO_DECIMAL) return capi_decimal_to_cents(&value.decimal, &cents);
    return column->type != CAPI_PROTO_DATETIME || !is_careful || is_datetime_kept(reader.format, field, arena);
}

typedef struct type_check {
    capi_proto_sample *sample;
    int64_t record;
} type_check;

static capi_status check_record(void *context, const capi_str *fields, uint32_t field_count, capi_err *err)
{
    type_check *check = context;
    capi_proto_sample *sample = check->sample;
    capi_arena arena = {0};

    (void)err;
    if (check->record >= sample->record) return CAPI_STOPPED;
    if (check->record++ < sample->csv.first_record) return CAPI_OK;
    for (uint32_t i = 0; i < field_count && i < sample->column_count; i++) {
        capi_proto_column *column = &sample->columns[i];

        if (capi_proto_script_type(column->type) == CAPI_STRING) continue;
        if (fields[i].bytes == 0)
            column->has_empty = true;
        else if (!is_readable(column, fields[i], sample->csv.is_careful, &arena))
            column->type = CAPI_PROTO_STRING;
    }
    capi_arena_deinit(&arena);
    return CAPI_OK;
}

void capi_proto_check_types(capi_str text, capi_proto_sample *sample)
{
    type_check check = {sample, 0};
    capi_err known = {0}; /* a mistake in the records was told when they were seen first */
    capi_status st = capi_csv_records(text, sample->csv.separator, check_record, &check, &known);

    (void)st;
    for (uint32_t i = 0; i < sample->column_count; i++) {
        capi_proto_column *column = &sample->columns[i];

        if (!sample->csv.is_careful || !column->has_empty || column->type == CAPI_PROTO_STRING) continue;
        column->without_empty = column->type;
        column->type = CAPI_PROTO_STRING;
    }
}
