/* yaml_text.h - JSON values as YAML for people: maps in blocks, small ones on a line, texts in double quotes. */
#pragma once

#include "base/buf.h"

#include <jansson.h>

/* A map, which begins in the first column; ends with a line end. */
void capi_yaml_append(capi_buf *to, const json_t *map);
