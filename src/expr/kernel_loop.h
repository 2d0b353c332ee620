/* kernel_loop.h - the three loops of a binary kernel: vector with vector, vector with constant, constant with vector. */
#pragma once

#include "expr/kernel.h"

/* Defines name(a, b, out, row_count) with out[row] = EXPRESSION of `a` and `b`. */
#define KERNEL_LOOP(name, in_type, out_type, EXPRESSION)                                                               \
    static void name(const capi_vec *va, const capi_vec *vb, out_type *restrict out, uint32_t row_count)               \
    {                                                                                                                  \
        const in_type *restrict as = va->data;                                                                         \
        const in_type *restrict bs = vb->data;                                                                         \
                                                                                                                       \
        if (row_count == 0) return;                                                                                    \
        if (va->is_constant) {                                                                                         \
            in_type a = as[0];                                                                                         \
            for (uint32_t row = 0; row < row_count; row++) {                                                           \
                in_type b = bs[row];                                                                                   \
                out[row] = (EXPRESSION);                                                                               \
            }                                                                                                          \
        } else if (vb->is_constant) {                                                                                  \
            in_type b = bs[0];                                                                                         \
            for (uint32_t row = 0; row < row_count; row++) {                                                           \
                in_type a = as[row];                                                                                   \
                out[row] = (EXPRESSION);                                                                               \
            }                                                                                                          \
        } else {                                                                                                       \
            for (uint32_t row = 0; row < row_count; row++) {                                                           \
                in_type a = as[row];                                                                                   \
                in_type b = bs[row];                                                                                   \
                out[row] = (EXPRESSION);                                                                               \
            }                                                                                                          \
        }                                                                                                              \
    }
