/* source_file.h - the file of a batch as a local one: what lies elsewhere is downloaded, and what its name says is packed
 * (.gz, .zst) is unpacked, to the folder for temporary files. Or, of a file that lies elsewhere, only the parts that are read. */
#pragma once

#include "exec/batch.h"
#include "exec/transfer.h"
#include "net/partial.h"

typedef struct exec_source_file {
    const char *path;
    const char *name; /* what messages call it: the URL without secrets */
    bool is_temporary;
    exec_transfer transfer;
} exec_source_file;

/* All in the batch's arena. */
CAPI_MUST_USE capi_status exec_source_file_get(exec_batch *batch, capi_str url, exec_source_file *out, capi_err *err);
/* For readers that jump about. *out is NULL with CAPI_OK if that cannot be (a local or packed file, a server without ranges): then
 * exec_source_file_get. file->name is set in any case. */
CAPI_MUST_USE capi_status exec_source_file_part(exec_batch *batch, capi_str url, exec_source_file *file,
                                                capi_partial **out, capi_err *err);
/* Removes the temporary file, when it is not read any more. */
void exec_source_file_drop(const exec_source_file *file);
