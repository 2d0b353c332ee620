/* lookup_grace.h - a lookup whose index does not fit the memory budget, done part by part. */
#pragma once

#include "exec/drive.h"
#include "exec/lookup_plan.h"

/* Joins the batch's share (the scan) with the right table and writes the node's table, as the way in memory would. */
CAPI_MUST_USE capi_status lookup_grace_run(exec_batch *batch, const lookup_plan *plan, exec_scan *scan, capi_err *err);
