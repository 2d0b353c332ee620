/* message.h - the words for an expression that failed on a row: which one, and with which values. */
#pragma once

#include "expr/node.h"

/* Adds a note to *err: in expression "..." where r.a = 1, r.b = "x". */
void expr_note_failure(const capi_expr *expr, const capi_vec *inputs, uint32_t row, capi_err *err);
