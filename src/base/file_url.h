/* file_url.h - local files as URLs: file:///path and file://localhost/path are /path. */
#pragma once

#include "base/str.h"

/* True for "file://" in front of another machine's name (or a relative path, whose first part would be one): what to refuse. */
bool capi_file_url_is_elsewhere(capi_str url);
/* The path of a file URL; any other text, also one that is elsewhere, as it is. It ends where the text ends. */
capi_str capi_file_url_path(capi_str url);
