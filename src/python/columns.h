/* columns.h - vectors to the memory that is shared with a worker, and back. Private to src/python/.
 *
 *     kind  the column
 *     q     int64 values          also what comes back for int
 *     d     doubles               float; back also for decimal2, which is rounded here
 *     b     bytes                 bool
 *     s     texts with a NUL after each but the last
 *     o     uint64 ends of texts, then the texts: to the worker, where one contains a NUL
 *     m     doubles, then int64 positions and int64 values of those that are whole: decimal2, to the worker
 *     c     int64 hundredths      decimal2, back, where a value has more digits than a double
 *
 * The worker may change that memory at any moment: what comes back is copied first and then checked. */
#pragma once

#include "base/buf.h"
#include "python/python.h"

typedef struct columns_part {
    char kind;
    uint64_t offset, bytes; /* in the memory */
} columns_part;

/* Room that an input takes at most. */
uint64_t columns_bytes_max(const capi_vec *in, uint32_t row_count);
/* Writes the input at memory + *at, which is moved behind it (64-byte aligned). */
columns_part columns_put(const capi_vec *in, uint32_t row_count, char *memory, uint64_t *at);

/* A result of the declared type from [memory, memory + memory_bytes). A value that the type does not allow: CAPI_INVALID with
 * *bad_row; a part that makes no sense: CAPI_INVALID with *bad_row CAPI_PYTHON_NO_ROW. */
CAPI_MUST_USE capi_status columns_take(const columns_part *part, capi_type type, const char *memory,
                                       uint64_t memory_bytes, uint32_t row_count, capi_arena *arena, capi_vec *out,
                                       uint32_t *bad_row, capi_err *err);
