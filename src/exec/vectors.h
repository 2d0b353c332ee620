/* vectors.h - moving values between vectors, beyond what vec.h offers. */
#pragma once

#include "exec/batch.h"

/* out[i] = in[rows[i]], or `missing` where rows[i] is EXEC_NO_ROW; same form as `in`. String bytes are shared. */
capi_vec exec_vec_expand(capi_arena *arena, const capi_vec *in, const uint32_t *rows, uint32_t row_count,
                         const capi_value *missing);

/* The selected rows (NULL: all) in stored form, string bytes included: independent of `in`. */
CAPI_MUST_USE capi_status exec_vec_copy_stored(capi_arena *arena, const capi_vec *in, const uint32_t *rows,
                                               uint32_t row_count, capi_vec *out, uint32_t *bad_row, capi_err *err);
/* Moves the bytes of long strings into the arena. */
void exec_views_own(capi_arena *arena, capi_view *views, uint32_t row_count);
