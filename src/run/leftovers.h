/* leftovers.h - unnamed output files that dead processes left behind. */
#pragma once

/* Removes every ".<name>.<attempt>.tmp" (an attempt being 16 hex digits) beside the file called `target`. What cannot be
 * removed stays. */
void capi_leftovers_remove(const char *target);
