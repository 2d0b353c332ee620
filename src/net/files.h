/* files.h - the files that one name among the "urls" of a reader stands for: itself, or all that match its wildcards, or all that
 * lie directly in a folder (the name ends in "/").
 *
 * A file of exactly that name, wildcards taken as they are, goes before everything that would match: names of files may hold any
 * character. Names that begin with "." match only what begins so too; folders never match. */
#pragma once

#include "net/net.h"

/* Must it be looked up? False for nearly all names. */
bool capi_files_is_pattern(capi_str url);
/* Sorted by name, at most CAPI_NET_LIST_MAX; local ones with absolute paths. CAPI_INVALID when there are none, with the pattern and
 * the cause in words. `net` may be NULL for local names. A name that is no pattern is given back as it is, without a look. */
CAPI_MUST_USE capi_status capi_files_match(capi_net *net, capi_str url, capi_arena *arena, capi_net_entry **out,
                                           uint32_t *count, capi_err *err);
