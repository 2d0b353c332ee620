/* target.h - where the file of a batch goes: beside a local target, or, for a target elsewhere, to the folder for temporary files,
 * from where it is uploaded when the batch is published. */
#pragma once

#include "exec/batch.h"

#include "base/file.h"

/* Sets batch->out->target and creates the file that is written first. */
CAPI_MUST_USE capi_status exec_target_create(exec_batch *batch, capi_file_writer **out, capi_err *err);
