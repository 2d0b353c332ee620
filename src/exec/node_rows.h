/* node_rows.h - nodes that compute one row from each source row and write it to their table. */
#pragma once

#include "exec/drive.h"

/* Drives the scan through the node's fields into its table, and finishes both. */
CAPI_MUST_USE capi_status exec_rows_to_table(exec_batch *batch, exec_scan *scan, capi_err *err);
