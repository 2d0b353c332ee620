/* glob.h - wildcards in paths and URLs: "*" and "?" stand for anything but "/", "[a-z]" and "[!a-z]" for one byte. They do
 * not stand for the "." with which a name begins: hidden and unfinished files. */
#pragma once

#include "base/str.h"

bool capi_glob_is_pattern(capi_str path);
bool capi_glob_matches(capi_str pattern, capi_str path);
/* What stands before the first wildcard. */
capi_str capi_glob_prefix(capi_str pattern);
