/* source_files.h - readers whose "urls" hold wildcards or folders (net/files.h). They are looked up once, when a run is started; the
 * lists are part of the run's snapshot, so everybody who works on the run sees the same files, also after a takeover. */
#pragma once

#include "net/files.h"
#include "run/run.h"

/* Kind of a snapshot file whose url is the name with the wildcards, and whose text is one file's name a line. */
#define CAPI_SNAPSHOT_FILES "files"

enum { CAPI_SOURCE_FILES_MAX = CAPI_NET_LIST_MAX }; /* of one reader */

typedef struct capi_source_lists { /* all zero is empty */
    capi_snapshot_file *files;     /* only of names that do not stand for themselves */
    uint32_t *counts;              /* of the lines of each */
    uint32_t count, capacity;
} capi_source_lists;

/* Looks up what a node reads, each name once for all nodes; *batches: how many files it is. */
CAPI_MUST_USE capi_status capi_source_lists_add(capi_source_lists *lists, capi_net *net, const capi_node *node,
                                                capi_arena *arena, uint32_t *batches, capi_err *err);
/* Are there names to look up? */
bool capi_source_has_patterns(const capi_script *script);
/* The other direction: from a snapshot. False: it is not in there. */
bool capi_source_list_read(const capi_snapshot_file *files, uint32_t file_count, capi_str url, capi_arena *arena,
                           const capi_str **urls, uint32_t *count);
