/* leftovers.h - unnamed output files that dead processes left behind. */
#pragma once

#include "base/str.h"

/* Removes every ".<name>.<attempt>.tmp" (an attempt being 16 hex digits) beside the files called so. Each folder is read once;
 * the paths are sorted. What cannot be removed stays. */
void capi_leftovers_remove(capi_str *targets, uint32_t count);
