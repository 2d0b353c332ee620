/* node_py_calc.h - the custom processor py_calc: fields computed by formulas in Python. */
#pragma once

#include "exec/batch.h"

CAPI_MUST_USE capi_status exec_py_calc(exec_batch *batch, capi_err *err);

/* If the script has formulas in Python: looks for the interpreter in the background, so that its first batch need not wait. */
void exec_py_calc_warm_up(const capi_script *script);
