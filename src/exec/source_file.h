/* source_file.h - the file of a batch as a local one: what lies elsewhere is downloaded, and what its name says is packed
 * (.gz, .zst) is unpacked, to the folder for temporary files. */
#pragma once

#include "exec/batch.h"

typedef struct exec_source_file {
    const char *path;
    const char *name; /* what messages call it: the URL without secrets */
    bool is_temporary;
} exec_source_file;

/* All in the batch's arena. */
CAPI_MUST_USE capi_status exec_source_file_get(exec_batch *batch, capi_str url, exec_source_file *out, capi_err *err);
/* Removes the temporary file, when it is not read any more. */
void exec_source_file_drop(const exec_source_file *file);
