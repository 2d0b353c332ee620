/* kernel_decimal.c - arithmetic on decimals; every result is rounded to 2 digits at once.
 *
 * Hundredths in int64 are the normal case: a first pass tells how many bits the operands need, and where the intermediate
 * product fits an int64, the loop is plain integer arithmetic. Only what does not fit goes the general way, row by row. */
#include "expr/kernel_loop.h"

/* All bits that any magnitude of the vector has: values lie within -2^n .. 2^n - 1, where n is the bit length. */
static unsigned bit_length(const capi_vec *vec, uint32_t row_count)
{
    const int64_t *restrict values = vec->int64s;
    uint32_t count = vec->is_constant ? 1 : row_count;
    uint64_t bits = 0;

    for (uint32_t row = 0; row < count; row++)
        bits |= (uint64_t)(values[row] ^ (values[row] >> 63));
    return bits ? 64 - (unsigned)__builtin_clzll(bits) : 0;
}

static inline int64_t round_quotient(int64_t value, int64_t divisor)
{
    int64_t half = divisor / 2;

    return (value + (value < 0 ? -half : half)) / divisor;
}

static inline int64_t cents_add(int64_t a, int64_t b, int64_t *overflow)
{
    int64_t sum = (int64_t)((uint64_t)a + (uint64_t)b);

    *overflow |= (a ^ sum) & (b ^ sum);
    return sum;
}

static inline int64_t cents_subtract(int64_t a, int64_t b, int64_t *overflow)
{
    int64_t difference = (int64_t)((uint64_t)a - (uint64_t)b);

    *overflow |= (a ^ b) & (a ^ difference);
    return difference;
}

/* The two roundings of the language (to 16 digits, then to 2) are one while the divisor is below 5e13. */
static inline int64_t cents_divide(int64_t a, int64_t b)
{
    int64_t scaled = a * 100;
    int64_t quotient = scaled / b;
    int64_t rest = scaled % b;
    int64_t rest_size = rest < 0 ? -rest : rest;
    int64_t divisor_size = b < 0 ? -b : b;

    if (2 * rest_size >= divisor_size) quotient += (scaled ^ b) < 0 ? -1 : 1;
    return quotient;
}

enum { DIVIDEND_BITS_MAX = 56, DIVISOR_BITS_MAX = 45, PRODUCT_BITS_MAX = 62 };

KERNEL_LOOP(cents_multiply_loop, int64_t, int64_t, round_quotient(a *b, 100))
KERNEL_LOOP(cents_divide_loop, int64_t, int64_t, cents_divide(a, b))

#define CENTS_LOOP(name, operation)                                                                                    \
    /* False on overflow. */                                                                                           \
    static bool name(const capi_vec *va, const capi_vec *vb, int64_t *restrict out, uint32_t row_count)                \
    {                                                                                                                  \
        const int64_t *restrict as = va->int64s;                                                                       \
        const int64_t *restrict bs = vb->int64s;                                                                       \
        int64_t overflow = 0;                                                                                          \
                                                                                                                       \
        if (va->is_constant) {                                                                                         \
            int64_t a = as[0];                                                                                         \
            for (uint32_t row = 0; row < row_count; row++)                                                             \
                out[row] = operation(a, bs[row], &overflow);                                                           \
        } else if (vb->is_constant) {                                                                                  \
            int64_t b = bs[0];                                                                                         \
            for (uint32_t row = 0; row < row_count; row++)                                                             \
                out[row] = operation(as[row], b, &overflow);                                                           \
        } else {                                                                                                       \
            for (uint32_t row = 0; row < row_count; row++)                                                             \
                out[row] = operation(as[row], bs[row], &overflow);                                                     \
        }                                                                                                              \
        return overflow >= 0;                                                                                          \
    }

CENTS_LOOP(cents_add_loop, cents_add)
CENTS_LOOP(cents_subtract_loop, cents_subtract)

/* The rare cents that need more than 64 bits on the way. False if a result does not fit. */
static bool cents_row_by_row(const expr_call *call, const capi_vec *a, const capi_vec *b, int64_t *out)
{
    uint32_t step_a = kernel_step(a);
    uint32_t step_b = kernel_step(b);

    for (uint32_t row = 0; row < call->row_count; row++) {
        int64_t left = a->int64s[row * step_a];
        int64_t right = b->int64s[row * step_b];

        if (call->param == EXPR_MULTIPLY ? !capi_cents_multiply_round2(left, right, &out[row])
                                         : right == 0 || !capi_cents_divide_round2(left, right, &out[row]))
            return false;
    }
    return true;
}

static bool has_zero(const capi_vec *vec, uint32_t row_count)
{
    uint32_t count = vec->is_constant ? 1 : row_count;
    bool found = false;

    for (uint32_t row = 0; row < count; row++)
        found |= vec->int64s[row] == 0;
    return found;
}

/* Everything in hundredths. False if the general way must be taken. */
static bool cents_arithmetic(const expr_call *call, const capi_vec *a, const capi_vec *b, int64_t *out)
{
    uint32_t row_count = call->row_count;

    switch (call->param) {
    case EXPR_ADD: return cents_add_loop(a, b, out, row_count);
    case EXPR_SUBTRACT: return cents_subtract_loop(a, b, out, row_count);
    case EXPR_MULTIPLY:
        if (bit_length(a, row_count) + bit_length(b, row_count) <= PRODUCT_BITS_MAX) {
            cents_multiply_loop(a, b, out, row_count);
            return true;
        }
        break;
    default:
        if (has_zero(b, row_count)) return false;
        if (bit_length(a, row_count) <= DIVIDEND_BITS_MAX && bit_length(b, row_count) <= DIVISOR_BITS_MAX) {
            cents_divide_loop(a, b, out, row_count);
            return true;
        }
        break;
    }
    return cents_row_by_row(call, a, b, out);
}

/* Hundredths times a constant with more digits ("r.price * decimal2(1.0825)"). False if that is not the case or does not
 * fit. */
static bool cents_times_constant(const capi_vec *cents, const capi_vec *constant, int64_t *restrict out,
                                 uint32_t row_count)
{
    const capi_decimal *factor = constant->decimals;
    const int64_t *restrict in = cents->int64s;
    int64_t coefficient = (int64_t)factor->limb[0];
    int64_t divisor = 1;

    if (!constant->is_constant || constant->form != CAPI_FORM_DECIMAL || cents->form != CAPI_FORM_CENTS) return false;
    if (factor->limb[1] || factor->limb[2] || factor->limb[3] || factor->limb[0] >> 60) return false;
    if (factor->scale < 1 || factor->scale > 17) return false;
    if (bit_length(cents, row_count) + (64 - (unsigned)__builtin_clzll(factor->limb[0] | 1)) >= PRODUCT_BITS_MAX)
        return false;
    for (int32_t i = 0; i < factor->scale; i++)
        divisor *= 10;
    if (factor->negative) coefficient = -coefficient;
    for (uint32_t row = 0; row < row_count; row++)
        out[row] = round_quotient(in[row] * coefficient, divisor);
    return true;
}

/* False if a result has too many digits. b is not zero when dividing. */
static bool decimal_operation(uint32_t operation, const capi_decimal *a, const capi_decimal *b, capi_decimal *out)
{
    switch (operation) {
    case EXPR_ADD: return capi_decimal_add_round2(a, b, out);
    case EXPR_SUBTRACT: return capi_decimal_subtract_round2(a, b, out);
    case EXPR_MULTIPLY: return capi_decimal_multiply_round2(a, b, out);
    default: return capi_decimal_divide_round2(a, b, out);
    }
}

static uint32_t decimal_rows(const expr_call *call, const capi_vec *a, const capi_vec *b, expr_decimal_writer *writer)
{
    static const char *const names[] = {"sum", "difference", "product", "quotient"};
    uint32_t step_a = kernel_step(a);
    uint32_t step_b = kernel_step(b);

    for (uint32_t row = 0; row < call->row_count; row++) {
        const capi_decimal *left = &a->decimals[row * step_a];
        const capi_decimal *right = &b->decimals[row * step_b];
        capi_decimal result;

        if (call->param == EXPR_DIVIDE && capi_decimal_is_zero(right))
            return EXPR_FAIL(call, row, "decimal division by zero");
        if (!decimal_operation(call->param, left, right, &result))
            return EXPR_FAIL(call, row, "decimal %s needs more than %d digits", names[call->param],
                             CAPI_DECIMAL_DIGITS_MAX);
        expr_decimal_writer_put(writer, row, &result);
    }
    return call->row_count;
}

static uint32_t decimal_general(const expr_call *call, const capi_vec *a, const capi_vec *b, capi_vec *out)
{
    expr_decimal_writer writer = expr_decimal_writer_start(call->run);
    bool made_a, made_b;
    capi_vec wide_a = expr_widen(call->run, a, call->row_count, &made_a);
    capi_vec wide_b = expr_widen(call->run, b, call->row_count, &made_b);
    uint32_t done = decimal_rows(call, &wide_a, &wide_b, &writer);

    if (made_a) expr_run_release(call->run, &wide_a);
    if (made_b) expr_run_release(call->run, &wide_b);
    *out = expr_decimal_writer_finish(&writer);
    return done;
}

uint32_t expr_decimal_arithmetic(const expr_call *call, capi_vec *out)
{
    const capi_vec *a = &call->args[0];
    const capi_vec *b = &call->args[1];
    bool done;

    *out = expr_run_vec(call->run, CAPI_DECIMAL, CAPI_FORM_CENTS);
    if (a->form == CAPI_FORM_CENTS && b->form == CAPI_FORM_CENTS)
        done = cents_arithmetic(call, a, b, out->int64s);
    else
        done = call->param == EXPR_MULTIPLY && (cents_times_constant(a, b, out->int64s, call->row_count) ||
                                                cents_times_constant(b, a, out->int64s, call->row_count));
    if (done) return call->row_count;
    expr_run_release(call->run, out);
    return decimal_general(call, a, b, out);
}

static bool cents_negate(const int64_t *restrict in, int64_t *restrict out, uint32_t row_count)
{
    bool overflow = false;

    for (uint32_t row = 0; row < row_count; row++) {
        overflow |= in[row] == INT64_MIN;
        out[row] = (int64_t)(0 - (uint64_t)in[row]);
    }
    return !overflow;
}

uint32_t expr_decimal_negate(const expr_call *call, capi_vec *out)
{
    const capi_vec *in = &call->args[0];
    bool made;
    capi_vec wide;

    if (in->form == CAPI_FORM_CENTS) {
        *out = expr_run_vec(call->run, CAPI_DECIMAL, CAPI_FORM_CENTS);
        if (cents_negate(in->int64s, out->int64s, call->row_count)) return call->row_count;
        expr_run_release(call->run, out);
    }
    wide = expr_widen(call->run, in, call->row_count, &made);
    *out = expr_run_vec(call->run, CAPI_DECIMAL, CAPI_FORM_DECIMAL);
    for (uint32_t row = 0; row < call->row_count; row++) {
        out->decimals[row] = wide.decimals[row];
        capi_decimal_negate(&out->decimals[row]);
    }
    if (made) expr_run_release(call->run, &wide);
    return call->row_count;
}
