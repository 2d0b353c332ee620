/* partial.h - a remote file of which only what is read is fetched. What was fetched lies in a temporary file with holes, without a
 * name, so memory does not grow with the file and a crash leaves nothing behind.
 *
 * Threads may read at once; each piece is fetched once. */
#pragma once

#include "net/net.h"

typedef struct capi_partial capi_partial;

typedef struct capi_partial_range {
    uint64_t offset, bytes;
} capi_partial_range;

/* *out is NULL with CAPI_OK if the server has no ranges: then the file must be downloaded. The watch is copied and must be usable by
 * several threads; its `gave_up` is not used: what was tried to the end of the time budget fails with CAPI_INVALID. */
CAPI_MUST_USE capi_status capi_partial_open(capi_net *net, capi_str url, const capi_net_watch *watch,
                                            capi_partial **out, capi_err *err);
void capi_partial_close(capi_partial *file); /* NULL is fine */
uint64_t capi_partial_size_bytes(const capi_partial *file);
/* What will be read, in any order: fetched in large pieces when the first byte is asked for. Other places are fetched as they are
 * asked for. Once, before threads read. */
void capi_partial_expect(capi_partial *file, const capi_partial_range *ranges, uint32_t count);
/* All of it. */
CAPI_MUST_USE capi_status capi_partial_read_at(capi_partial *file, uint64_t offset, void *to, size_t bytes,
                                               capi_err *err);
