/* sink_file.h - the file of one batch: written beside its target, header first, rows in source order. */
#pragma once

#include "exec/batch.h"

typedef struct sink_file sink_file;

/* Opens the file and writes its header. is_direct: one worker writes everything in order; otherwise groups of text are put
 * back into order through a bounded window. */
CAPI_MUST_USE capi_status sink_file_open(exec_batch *batch, bool is_direct, sink_file **out, capi_err *err);
/* Text of the worker's current group. */
capi_buf *sink_file_buf(sink_file *sink, uint32_t worker);
/* Direct: writes what is in the worker's buffer once it is large. */
CAPI_MUST_USE capi_status sink_file_flush_large(sink_file *sink, uint32_t worker, capi_err *err);
/* The worker's text makes up this group. */
CAPI_MUST_USE capi_status sink_file_end_group(sink_file *sink, uint32_t worker, uint64_t group, capi_err *err);
void sink_file_fail(sink_file *sink); /* a group will never come */
/* Whole and synced: the file becomes batch->out->file. */
CAPI_MUST_USE capi_status sink_file_finish(sink_file *sink, capi_err *err);
void sink_file_free(sink_file *sink); /* NULL is fine */
