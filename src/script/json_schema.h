/* json_schema.h - the form of scripts as a JSON Schema (draft 2020-12), from the table of settings: for editors, which complete
 * settings, show what they mean and mark values of a wrong type. Every script that loads satisfies it; not everything that
 * satisfies it loads. */
#pragma once

#include "base/buf.h"

/* Indented, with a line feed at the end. */
void capi_json_schema_append(capi_buf *to);
