/* csv_records.c - the records of a whole text in memory. */
#include "io/csv.h"
#include "io/csv_record.h"

static capi_status give_record(const capi_csv_text *text, size_t at, uint32_t field_count, capi_arena *arena,
                               capi_csv_record_fn fn, void *context, capi_err *err)
{
    uint32_t *ends = capi_new_array(arena, uint32_t, field_count);
    capi_str *fields = capi_new_array(arena, capi_str, field_count);
    size_t start = at, next;

    capi_csv_record_at(text, at, ends, field_count, &field_count, &next);
    for (uint32_t i = 0; i < field_count; i++) {
        fields[i] = capi_csv_field(text->data, start, ends[i], i + 1 == field_count, arena);
        start = (size_t)ends[i] + 1;
    }
    return fn(context, fields, field_count, err);
}

capi_status capi_csv_records(capi_str text, char separator, capi_csv_record_fn fn, void *context, capi_err *err)
{
    capi_csv_text whole = {text.data ? text.data : "", text.bytes, true, separator};
    capi_arena arena = {0};
    uint32_t expected = 0, field_count = 0;
    uint64_t record = 0;
    size_t at = 0, next = 0;
    capi_status st = CAPI_OK;

    if (text.bytes > UINT32_MAX)
        return capi_err_set(err, CAPI_INVALID, "a text of %zu bytes is too long, expected at most 4 GiB", text.bytes);
    for (; st == CAPI_OK; at = next) {
        capi_csv_step step = capi_csv_record_at(&whole, at, NULL, 0, &field_count, &next);

        if (step == CAPI_CSV_END) break;
        if (step == CAPI_CSV_BLANK) continue;
        if (record == 0) expected = field_count;
        if (field_count != expected) {
            st = capi_err_set_at(err, CAPI_INVALID, (int64_t)at, 0,
                                 "record %llu has %u field%s, expected %u as in the first record",
                                 (unsigned long long)record, field_count, field_count == 1 ? "" : "s", expected);
            break;
        }
        capi_arena_reset(&arena);
        st = give_record(&whole, at, field_count, &arena, fn, context, err);
        record++;
    }
    capi_arena_deinit(&arena);
    return st;
}
