/* csv_fuzz.c - any bytes as a CSV file: cut into records, and each field converted to every type. */
#include "io/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static capi_status convert_fields(void *context, const capi_str *fields, uint32_t field_count, capi_err *err)
{
    static const char *const formats[CAPI_TYPE_STORED_COUNT] = {[CAPI_STRING] = "",
                                                                [CAPI_INT] = "",
                                                                [CAPI_FLOAT] = "",
                                                                [CAPI_BOOL] = "",
                                                                [CAPI_DATETIME] = "2006-01-02 15:04:05",
                                                                [CAPI_DECIMAL] = ""};
    capi_arena *arena = context;

    (void)err;
    for (uint32_t i = 0; i < field_count; i++)
        for (int type = 0; type < CAPI_TYPE_STORED_COUNT; type++) {
            capi_csv_column column = {.name = CAPI_STR("c"),
                                      .type = (capi_type)type,
                                      .format = capi_str_of(formats[type]),
                                      .is_needed = true};
            capi_value value;
            capi_err ignored;

            if (capi_csv_convert(&column, fields[i], arena, &value, &ignored) != CAPI_OK) continue;
        }
    return CAPI_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    capi_arena arena = {0};
    capi_err err;

    if (bytes > 0 && data[0] != '"' && data[0] != '\r' && data[0] != '\n') {
        capi_status st = capi_csv_records((capi_str){(const char *)data + 1, bytes - 1}, (char)data[0], convert_fields,
                                          &arena, &err);
        (void)st;
    }
    capi_arena_deinit(&arena);
    return 0;
}
