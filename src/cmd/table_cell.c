/* table_cell.c - see table_cell.h */
#include "cmd/table_cell.h"

#include "vec/instant.h"
#include "vec/vec.h"

void capi_table_append_cell(capi_buf *to, const capi_value *value)
{
    char text[32];
    capi_civil civil;
    int64_t cents;

    if (value->type == CAPI_DECIMAL && capi_decimal_is_cents(&value->decimal, &cents)) {
        capi_buf_append(to, text, capi_cents_text_fixed(cents, text));
    } else if (value->type == CAPI_DATETIME) {
        capi_instant utc = {.seconds = value->instant.seconds, .nanoseconds = value->instant.nanoseconds};

        capi_instant_to_civil(&utc, &civil);
        capi_buf_printf(to, "%04lld-%02u-%02uT%02u:%02u:%02u.%03uZ", (long long)civil.year, civil.month, civil.day,
                        civil.hour, civil.minute, civil.second, civil.nanoseconds / 1000000);
    } else {
        capi_value_append_text(to, value);
    }
}
