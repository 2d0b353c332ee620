/* proto_script.h - a first script for files like a sample: one node reads a file to a table, one writes the table to a file. Its
 * author looks it over. */
#pragma once

#include "cmd/proto_sample.h"

typedef struct capi_proto_style {
    capi_str source, target; /* files that are read and written */
    capi_str table;
    bool is_yaml;      /* else JSON */
    bool is_reference; /* as the reference makes it: sorted, with its formats and policy, started by hand */
} capi_proto_style;

/* "/data/items.csv" makes the table items_csv. In the arena. */
capi_str capi_proto_table_name(capi_str path, capi_arena *arena);
/* Appends the script; without columns it makes no sense. */
void capi_proto_write(capi_proto_sample *sample, const capi_proto_style *style, capi_buf *to);
