/* schema_text.h - a table's schema as the JSON text that a run's snapshot keeps, so that a table can be read by somebody
 * who does not have the script:  {"node":"read_orders","fields":[{"name":"id","type":"int"}, ...]} */
#pragma once

#include "base/err.h"
#include "vec/type.h"

capi_str capi_schema_to_text(capi_str node, const capi_schema *schema, capi_arena *arena);
CAPI_MUST_USE capi_status capi_schema_from_text(capi_str text, capi_arena *arena, capi_str *node, capi_schema *out,
                                                capi_err *err);
