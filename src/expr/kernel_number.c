/* kernel_number.c - arithmetic on ints and floats. Ints wrap modulo 2^64; floats follow IEEE 754. */
#include "expr/kernel_loop.h"

#include <math.h>

static inline int64_t wrap_add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static inline int64_t wrap_subtract(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static inline int64_t wrap_multiply(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

/* The hardware traps on the smallest int divided by -1. b is not 0. */
static inline int64_t wrap_divide(int64_t a, int64_t b)
{
    return b == -1 ? wrap_subtract(0, a) : a / b;
}

static inline int64_t wrap_modulo(int64_t a, int64_t b)
{
    return b == -1 ? 0 : a % b;
}

KERNEL_LOOP(int_add, int64_t, int64_t, wrap_add(a, b))
KERNEL_LOOP(int_subtract, int64_t, int64_t, wrap_subtract(a, b))
KERNEL_LOOP(int_multiply, int64_t, int64_t, wrap_multiply(a, b))
KERNEL_LOOP(int_divide, int64_t, int64_t, wrap_divide(a, b))
KERNEL_LOOP(int_modulo, int64_t, int64_t, wrap_modulo(a, b))
KERNEL_LOOP(float_add, double, double, a + b)
KERNEL_LOOP(float_subtract, double, double, a - b)
KERNEL_LOOP(float_multiply, double, double, a *b)
KERNEL_LOOP(float_divide, double, double, a / b)

/* The first row whose divisor is zero, or row_count. */
static uint32_t first_zero(const capi_vec *divisor, uint32_t row_count)
{
    if (divisor->is_constant) return divisor->int64s[0] == 0 ? 0 : row_count;
    for (uint32_t row = 0; row < row_count; row++)
        if (divisor->int64s[row] == 0) return row;
    return row_count;
}

uint32_t expr_int_arithmetic(const expr_call *call, capi_vec *out)
{
    const capi_vec *a = &call->args[0];
    const capi_vec *b = &call->args[1];
    uint32_t row_count = call->row_count;

    *out = expr_run_vec(call->run, call->type, CAPI_FORM_INT64);
    switch (call->param) {
    case EXPR_ADD: int_add(a, b, out->int64s, row_count); return row_count;
    case EXPR_SUBTRACT: int_subtract(a, b, out->int64s, row_count); return row_count;
    case EXPR_MULTIPLY: int_multiply(a, b, out->int64s, row_count); return row_count;
    }
    row_count = first_zero(b, row_count);
    if (call->param == EXPR_DIVIDE)
        int_divide(a, b, out->int64s, row_count);
    else
        int_modulo(a, b, out->int64s, row_count);
    if (row_count == call->row_count) return row_count;
    return EXPR_FAIL(call, row_count, "integer %s by zero", call->param == EXPR_DIVIDE ? "division" : "modulo");
}

uint32_t expr_int_negate(const expr_call *call, capi_vec *out)
{
    const int64_t *restrict in = call->args[0].int64s;
    int64_t *restrict to;

    *out = expr_run_vec(call->run, call->type, CAPI_FORM_INT64);
    to = out->int64s;
    for (uint32_t row = 0; row < call->row_count; row++)
        to[row] = wrap_subtract(0, in[row]);
    return call->row_count;
}

uint32_t expr_float_arithmetic(const expr_call *call, capi_vec *out)
{
    const capi_vec *a = &call->args[0];
    const capi_vec *b = &call->args[1];

    *out = expr_run_vec(call->run, CAPI_FLOAT, CAPI_FORM_DOUBLE);
    switch (call->param) {
    case EXPR_ADD: float_add(a, b, out->doubles, call->row_count); break;
    case EXPR_SUBTRACT: float_subtract(a, b, out->doubles, call->row_count); break;
    case EXPR_MULTIPLY: float_multiply(a, b, out->doubles, call->row_count); break;
    default: float_divide(a, b, out->doubles, call->row_count); break;
    }
    return call->row_count;
}

uint32_t expr_float_negate(const expr_call *call, capi_vec *out)
{
    const double *restrict in = call->args[0].doubles;
    double *restrict to;

    *out = expr_run_vec(call->run, CAPI_FLOAT, CAPI_FORM_DOUBLE);
    to = out->doubles;
    for (uint32_t row = 0; row < call->row_count; row++)
        to[row] = -in[row];
    return call->row_count;
}

uint32_t expr_float_sqrt(const expr_call *call, capi_vec *out)
{
    const double *restrict in = call->args[0].doubles;
    double *restrict to;

    *out = expr_run_vec(call->run, CAPI_FLOAT, CAPI_FORM_DOUBLE);
    to = out->doubles;
    for (uint32_t row = 0; row < call->row_count; row++)
        to[row] = sqrt(in[row]);
    return call->row_count;
}

/* Half away from zero. The difference to the truncated value is exact, so 0.49999999999999994 stays below a half. */
static inline double round_half_away(double value)
{
    double whole = trunc(value);

    return fabs(value - whole) >= 0.5 ? whole + copysign(1, value) : whole;
}

uint32_t expr_float_round(const expr_call *call, capi_vec *out)
{
    const double *restrict in = call->args[0].doubles;
    double *restrict to;

    *out = expr_run_vec(call->run, CAPI_FLOAT, CAPI_FORM_DOUBLE);
    to = out->doubles;
    for (uint32_t row = 0; row < call->row_count; row++)
        to[row] = round_half_away(in[row]);
    return call->row_count;
}
