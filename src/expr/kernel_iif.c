/* kernel_iif.c - a choice between two vectors, row by row. Both are there already: the language evaluates all operands. */
#include "expr/kernel_loop.h"

#define IIF_LOOP(name, value_type)                                                                                     \
    static void name(const uint8_t *restrict condition, uint32_t step_c, const value_type *restrict a,                 \
                     uint32_t step_a, const value_type *restrict b, uint32_t step_b, value_type *restrict out,         \
                     uint32_t row_count)                                                                               \
    {                                                                                                                  \
        for (uint32_t row = 0; row < row_count; row++) {                                                               \
            const value_type *chosen = condition[row * step_c] ? &a[row * step_a] : &b[row * step_b];                  \
            out[row] = *chosen;                                                                                        \
        }                                                                                                              \
    }

IIF_LOOP(iif_view, capi_view)
IIF_LOOP(iif_instant, capi_instant)
IIF_LOOP(iif_decimal, capi_decimal)

/* 64 bits without a branch: ints, floats, cents, milliseconds. */
static void iif_int64(const uint8_t *restrict condition, const int64_t *restrict a, uint32_t step_a,
                      const int64_t *restrict b, uint32_t step_b, int64_t *restrict out, uint32_t row_count)
{
    for (uint32_t row = 0; row < row_count; row++) {
        int64_t mask = -(int64_t)condition[row];

        out[row] = (a[row * step_a] & mask) | (b[row * step_b] & ~mask);
    }
}

static void iif_rows(const capi_vec *c, const capi_vec *a, const capi_vec *b, capi_vec *out, uint32_t row_count)
{
    uint32_t step_c = kernel_step(c);
    uint32_t step_a = kernel_step(a);
    uint32_t step_b = kernel_step(b);

    switch (a->form) {
    case CAPI_FORM_INT64:
    case CAPI_FORM_DOUBLE:
    case CAPI_FORM_MILLIS:
    case CAPI_FORM_CENTS: iif_int64(c->bools, a->int64s, step_a, b->int64s, step_b, out->int64s, row_count); return;
    case CAPI_FORM_VIEW: iif_view(c->bools, step_c, a->views, step_a, b->views, step_b, out->views, row_count); return;
    case CAPI_FORM_INSTANT:
        iif_instant(c->bools, step_c, a->instants, step_a, b->instants, step_b, out->instants, row_count);
        return;
    case CAPI_FORM_DECIMAL:
        iif_decimal(c->bools, step_c, a->decimals, step_a, b->decimals, step_b, out->decimals, row_count);
        return;
    case CAPI_FORM_BOOL:
    case CAPI_FORM_ZONE: break; /* there is no iif of these */
    }
}

/* The whole of one operand, as a vector of its own if it is a constant. */
static void iif_same(const expr_call *call, const capi_vec *chosen, capi_vec *out)
{
    const uint8_t all_true[1] = {1};
    capi_vec condition = {.type = CAPI_BOOL, .form = CAPI_FORM_BOOL, .is_constant = true};
    int64_t value;

    if (!chosen->is_constant) {
        *out = *chosen;
        return;
    }
    *out = expr_run_vec(call->run, call->type, chosen->form);
    if (chosen->form == CAPI_FORM_VIEW || chosen->form == CAPI_FORM_INSTANT || chosen->form == CAPI_FORM_DECIMAL) {
        condition.bools = (uint8_t *)(uintptr_t)all_true;
        iif_rows(&condition, chosen, chosen, out, call->row_count);
        return;
    }
    value = chosen->int64s[0];
    for (uint32_t row = 0; row < call->row_count; row++)
        out->int64s[row] = value;
}

uint32_t expr_iif(const expr_call *call, capi_vec *out)
{
    const capi_vec *condition = &call->args[0];
    capi_vec a = call->args[1];
    capi_vec b = call->args[2];
    bool made_a = false;
    bool made_b = false;

    if (condition->is_constant) {
        iif_same(call, condition->bools[0] ? &a : &b, out);
        return call->row_count;
    }
    if (a.form != b.form) {
        a = expr_widen(call->run, &a, call->row_count, &made_a);
        b = expr_widen(call->run, &b, call->row_count, &made_b);
    }
    *out = expr_run_vec(call->run, call->type, a.form);
    iif_rows(condition, &a, &b, out, call->row_count);
    if (made_a) expr_run_release(call->run, &a);
    if (made_b) expr_run_release(call->run, &b);
    return call->row_count;
}
