/* table_cell.h - values of tables as the commands show them. */
#pragma once

#include "base/buf.h"
#include "vec/type.h"

/* Decimals with two digits after the point, datetimes as ISO 8601 in UTC, the rest as string() gives it. */
void capi_table_append_cell(capi_buf *to, const capi_value *value);
