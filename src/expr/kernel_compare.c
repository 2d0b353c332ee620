/* kernel_compare.c - comparisons of numbers, bools and datetimes. Decimals and datetimes compare as int64 in their stored
 * form, else one by one. Texts have rules of their own: kernel_text_compare.c. */
#include "expr/kernel_loop.h"

KERNEL_LOOP(int_eq, int64_t, uint8_t, a == b)
KERNEL_LOOP(int_ne, int64_t, uint8_t, a != b)
KERNEL_LOOP(int_lt, int64_t, uint8_t, a < b)
KERNEL_LOOP(int_le, int64_t, uint8_t, a <= b)
KERNEL_LOOP(int_gt, int64_t, uint8_t, a > b)
KERNEL_LOOP(int_ge, int64_t, uint8_t, a >= b)
KERNEL_LOOP(float_eq, double, uint8_t, a == b)
KERNEL_LOOP(float_ne, double, uint8_t, a != b)
KERNEL_LOOP(float_lt, double, uint8_t, a < b)
KERNEL_LOOP(float_le, double, uint8_t, a <= b)
KERNEL_LOOP(float_gt, double, uint8_t, a > b)
KERNEL_LOOP(float_ge, double, uint8_t, a >= b)
KERNEL_LOOP(bool_eq, uint8_t, uint8_t, a == b)
KERNEL_LOOP(bool_ne, uint8_t, uint8_t, a != b)
KERNEL_LOOP(bool_and, uint8_t, uint8_t, a &b)
KERNEL_LOOP(bool_or, uint8_t, uint8_t, a | b)

typedef void (*compare_loop)(const capi_vec *a, const capi_vec *b, uint8_t *out, uint32_t row_count);

uint32_t expr_compare_int(const expr_call *call, capi_vec *out)
{
    static const compare_loop loops[] = {int_eq, int_ne, int_lt, int_le, int_gt, int_ge};

    *out = expr_run_vec(call->run, CAPI_BOOL, CAPI_FORM_BOOL);
    loops[call->param](&call->args[0], &call->args[1], out->bools, call->row_count);
    return call->row_count;
}

uint32_t expr_compare_float(const expr_call *call, capi_vec *out)
{
    static const compare_loop loops[] = {float_eq, float_ne, float_lt, float_le, float_gt, float_ge};

    *out = expr_run_vec(call->run, CAPI_BOOL, CAPI_FORM_BOOL);
    loops[call->param](&call->args[0], &call->args[1], out->bools, call->row_count);
    return call->row_count;
}

uint32_t expr_compare_bool(const expr_call *call, capi_vec *out)
{
    static const compare_loop loops[] = {bool_eq, bool_ne};

    *out = expr_run_vec(call->run, CAPI_BOOL, CAPI_FORM_BOOL);
    loops[call->param](&call->args[0], &call->args[1], out->bools, call->row_count);
    return call->row_count;
}

/* Which of the outcomes -1, 0, 1 make the comparison true, as bits 0, 1, 2. */
static const uint8_t true_outcomes[] = {
    [EXPR_EQ] = 2, [EXPR_NE] = 5, [EXPR_LT] = 1, [EXPR_LE] = 3, [EXPR_GT] = 4, [EXPR_GE] = 6};

static uint8_t outcome_is_true(uint32_t comparison, int outcome)
{
    return true_outcomes[comparison] >> ((outcome > 0) - (outcome < 0) + 1) & 1;
}

uint32_t expr_compare_decimal(const expr_call *call, capi_vec *out)
{
    const capi_vec *a = &call->args[0];
    const capi_vec *b = &call->args[1];
    uint32_t step_a = kernel_step(a);
    uint32_t step_b = kernel_step(b);
    bool made_a, made_b;
    capi_vec wide_a, wide_b;

    if (a->form == CAPI_FORM_CENTS && b->form == CAPI_FORM_CENTS) return expr_compare_int(call, out);
    wide_a = expr_widen(call->run, a, call->row_count, &made_a);
    wide_b = expr_widen(call->run, b, call->row_count, &made_b);
    *out = expr_run_vec(call->run, CAPI_BOOL, CAPI_FORM_BOOL);
    for (uint32_t row = 0; row < call->row_count; row++)
        out->bools[row] = outcome_is_true(
            call->param, capi_decimal_compare(&wide_a.decimals[row * step_a], &wide_b.decimals[row * step_b]));
    if (made_a) expr_run_release(call->run, &wide_a);
    if (made_b) expr_run_release(call->run, &wide_b);
    return call->row_count;
}

uint32_t expr_compare_datetime(const expr_call *call, capi_vec *out)
{
    const capi_vec *a = &call->args[0];
    const capi_vec *b = &call->args[1];
    uint32_t step_a = kernel_step(a);
    uint32_t step_b = kernel_step(b);
    bool made_a, made_b;
    capi_vec wide_a, wide_b;

    if (a->form == CAPI_FORM_MILLIS && b->form == CAPI_FORM_MILLIS) return expr_compare_int(call, out);
    wide_a = expr_widen(call->run, a, call->row_count, &made_a);
    wide_b = expr_widen(call->run, b, call->row_count, &made_b);
    *out = expr_run_vec(call->run, CAPI_BOOL, CAPI_FORM_BOOL);
    for (uint32_t row = 0; row < call->row_count; row++)
        out->bools[row] = outcome_is_true(
            call->param, capi_instant_compare(&wide_a.instants[row * step_a], &wide_b.instants[row * step_b]));
    if (made_a) expr_run_release(call->run, &wide_a);
    if (made_b) expr_run_release(call->run, &wide_b);
    return call->row_count;
}

/* ---- logic ---- */

uint32_t expr_logic_and(const expr_call *call, capi_vec *out)
{
    *out = expr_run_vec(call->run, CAPI_BOOL, CAPI_FORM_BOOL);
    bool_and(&call->args[0], &call->args[1], out->bools, call->row_count);
    return call->row_count;
}

uint32_t expr_logic_or(const expr_call *call, capi_vec *out)
{
    *out = expr_run_vec(call->run, CAPI_BOOL, CAPI_FORM_BOOL);
    bool_or(&call->args[0], &call->args[1], out->bools, call->row_count);
    return call->row_count;
}

uint32_t expr_logic_not(const expr_call *call, capi_vec *out)
{
    const uint8_t *restrict in = call->args[0].bools;
    uint8_t *restrict to;

    *out = expr_run_vec(call->run, CAPI_BOOL, CAPI_FORM_BOOL);
    to = out->bools;
    for (uint32_t row = 0; row < call->row_count; row++)
        to[row] = in[row] ^ 1;
    return call->row_count;
}
