/* table_view.h - what the "table ..." commands begin with: find the table that the first word names. */
#pragma once

#include "cmd/session.h"

typedef struct capi_table_view {
    capi_arena arena;
    capi_engine *engine;
    capi_schema schema;
    capi_table_input input;
} capi_table_view;

/* Opens the engine and the table, calls show, prints its error; the exit code. */
int capi_with_table_view(const capi_args *args,
                         capi_status (*show)(capi_table_view *view, const capi_args *args, capi_err *err));

#define CAPI_OPTIONS_TABLE                                                                                             \
    {"keyspace", "NAME", "keyspace of the run", false},                                                                \
        {"run", "ID", "run that made the table (default: the newest that has it)", false}, CAPI_OPTIONS_ENGINE
