/* unpack.h - compressed files, by the ending of their name: .gz (RFC 1952, any number of members) and .zst (RFC 8878, any number
 * of frames). Streaming, with a fixed amount of memory. */
#pragma once

#include "base/buf.h"
#include "base/file.h"

typedef enum capi_packing {
    CAPI_PACKING_NONE,
    CAPI_PACKING_GZIP,
    CAPI_PACKING_ZSTD,
} capi_packing;

/* What "orders.csv.gz", or a URL with that path, is packed with: endings in any case; what stands behind a "?" does not count in
 * http URLs. */
capi_packing capi_packing_of(capi_str url);

typedef bool (*capi_unpack_stop_fn)(void *context);

/* Unpacks the file at `path` into the open file `fd`. CAPI_INVALID for what is damaged or cut off, naming `shown`; CAPI_STOPPED. */
CAPI_MUST_USE capi_status capi_unpack_file(capi_packing packing, const char *path, capi_str shown, int fd,
                                           capi_unpack_stop_fn is_stopped, void *context, capi_err *err);

/* ---- packing ---- */

typedef struct capi_packer capi_packer;
/* For what is written; one thread at a time. */
capi_packer *capi_packer_new(capi_packing packing);
/* Takes bytes, and appends to `out` what is ready; is_end: everything that is left. */
CAPI_MUST_USE capi_status capi_packer_add(capi_packer *packer, const void *data, size_t bytes, bool is_end,
                                          capi_buf *out, capi_err *err);
void capi_packer_free(capi_packer *packer); /* NULL is fine */
