/* glob.h - wildcards in paths and URLs: "*" and "?" stand for anything but "/", "[a-z]" and "[!a-z]" for one byte. */
#pragma once

#include "base/str.h"

bool capi_glob_is_pattern(capi_str path);
bool capi_glob_matches(capi_str pattern, capi_str path);
/* What stands before the first wildcard. */
capi_str capi_glob_prefix(capi_str pattern);
