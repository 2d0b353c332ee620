/* secret.h - texts that hold URLs, as they may be shown to others. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

/* The text with a "*" for each character of passwords in its URLs ("scheme://user:password@host") and of values in their queries
 * whose name speaks of a key, token or signature. It has as many characters as before, so places in it stay. The text itself if
 * there is nothing to hide, else a copy in the arena. */
capi_str capi_secret_mask(capi_str text, capi_arena *arena);
/* Does a parameter of this name hold a secret? */
bool capi_secret_is_name(capi_str name);
