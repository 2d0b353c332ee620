/* json_text.h - texts that may hold any bytes, as JSON. */
#pragma once

#include "base/str.h"

#include <jansson.h>

/* A JSON string; what is no UTF-8 becomes U+FFFD, a byte at a time. */
json_t *capi_json_text(capi_str text);
/* Prints it with its line end and frees it. */
void capi_json_print(json_t *json);
