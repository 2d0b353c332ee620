/* history.h - what "capillaries nodes" lists, for other commands that end with it. */
#pragma once

#include "cmd/listing.h"
#include "store/state.h"

/* One row a node, in topological order: name, status, batches, rows, times, comment. */
CAPI_MUST_USE capi_status capi_list_nodes(capi_state *state, const capi_run *run, capi_listing *listing, capi_err *err);
/* The same printed, unless the output is a table: then the display has shown it already. */
CAPI_MUST_USE capi_status capi_print_nodes(capi_state *state, const capi_run *run, capi_output output, capi_err *err);
