/* kernel_convert.c - from one type of number to another, from bools, and from texts. */
#include "expr/kernel.h"

#include "vec/number.h"

#include <math.h>

enum { MESSAGE_TEXT_MAX = 80 }; /* of a value in a message */

uint32_t expr_retype(const expr_call *call, capi_vec *out)
{
    *out = call->args[0];
    out->type = call->type;
    return call->row_count;
}

static uint32_t fail_text(const expr_call *call, uint32_t row, capi_str text, const char *why)
{
    bool is_cut = text.bytes > MESSAGE_TEXT_MAX;

    if (is_cut) {
        text.bytes = MESSAGE_TEXT_MAX;
        while (text.bytes && (text.data[text.bytes] & 0xC0) == 0x80)
            text.bytes--;
    }
    return EXPR_FAIL(call, row, "text \"%.*s%s\" %s", CAPI_STR_ARG(text), is_cut ? "..." : "", why);
}

/* ---- to int ---- */

uint32_t expr_int_of_bool(const expr_call *call, capi_vec *out)
{
    const uint8_t *restrict in = call->args[0].bools;
    int64_t *restrict to;

    *out = expr_run_vec(call->run, CAPI_INT, CAPI_FORM_INT64);
    to = out->int64s;
    for (uint32_t row = 0; row < call->row_count; row++)
        to[row] = in[row];
    return call->row_count;
}

/* False for NaN too. */
static inline bool fits_int64(double value)
{
    return value >= -0x1p63 && value < 0x1p63;
}

uint32_t expr_int_of_float(const expr_call *call, capi_vec *out)
{
    const double *restrict in = call->args[0].doubles;
    int64_t *restrict to;
    char text[CAPI_NUMBER_TEXT_MAX];
    size_t bytes;

    *out = expr_run_vec(call->run, CAPI_INT, CAPI_FORM_INT64);
    to = out->int64s;
    for (uint32_t row = 0; row < call->row_count; row++) {
        if (__builtin_expect(!fits_int64(in[row]), 0)) {
            bytes = capi_float_text(in[row], text);
            return EXPR_FAIL(call, row, "float %.*s does not fit an int", (int)bytes, text);
        }
        to[row] = (int64_t)in[row];
    }
    return call->row_count;
}

static uint32_t int_of_wide_decimal(const expr_call *call, int64_t *to)
{
    const capi_decimal *in = call->args[0].decimals;

    for (uint32_t row = 0; row < call->row_count; row++) {
        if (!capi_decimal_to_int64(&in[row], &to[row])) {
            char text[CAPI_DECIMAL_TEXT_MAX];
            size_t bytes = capi_decimal_text(&in[row], text);

            return EXPR_FAIL(call, row, "decimal %.*s does not fit an int", (int)bytes, text);
        }
    }
    return call->row_count;
}

uint32_t expr_int_of_decimal(const expr_call *call, capi_vec *out)
{
    const int64_t *restrict in = call->args[0].int64s;
    int64_t *restrict to;

    *out = expr_run_vec(call->run, CAPI_INT, CAPI_FORM_INT64);
    to = out->int64s;
    if (call->args[0].form == CAPI_FORM_DECIMAL) return int_of_wide_decimal(call, to);
    for (uint32_t row = 0; row < call->row_count; row++)
        to[row] = in[row] / 100;
    return call->row_count;
}

uint32_t expr_int_of_string(const expr_call *call, capi_vec *out)
{
    *out = expr_run_vec(call->run, CAPI_INT, CAPI_FORM_INT64);
    for (uint32_t row = 0; row < call->row_count; row++) {
        capi_str text = capi_view_str(&call->args[0].views[row]);

        if (!capi_parse_int(text, &out->int64s[row]))
            return fail_text(call, row, text, "is no int (expected digits with an optional sign, within 64 bits)");
    }
    return call->row_count;
}

/* ---- to float ---- */

uint32_t expr_float_of_bool(const expr_call *call, capi_vec *out)
{
    const uint8_t *restrict in = call->args[0].bools;
    double *restrict to;

    *out = expr_run_vec(call->run, CAPI_FLOAT, CAPI_FORM_DOUBLE);
    to = out->doubles;
    for (uint32_t row = 0; row < call->row_count; row++)
        to[row] = in[row];
    return call->row_count;
}

uint32_t expr_float_of_int(const expr_call *call, capi_vec *out)
{
    const int64_t *restrict in = call->args[0].int64s;
    double *restrict to;

    *out = expr_run_vec(call->run, CAPI_FLOAT, CAPI_FORM_DOUBLE);
    to = out->doubles;
    for (uint32_t row = 0; row < call->row_count; row++)
        to[row] = (double)in[row];
    return call->row_count;
}

/* Up to 2^53 hundredths the division of two exact doubles gives the nearest double at once. */
static bool cents_are_exact(const int64_t *restrict in, uint32_t row_count)
{
    uint64_t bits = 0;

    for (uint32_t row = 0; row < row_count; row++)
        bits |= (uint64_t)(in[row] ^ (in[row] >> 63));
    return bits >> 53 == 0;
}

uint32_t expr_float_of_decimal(const expr_call *call, capi_vec *out)
{
    const capi_vec *in = &call->args[0];
    const int64_t *restrict cents = in->int64s;
    double *restrict to;

    *out = expr_run_vec(call->run, CAPI_FLOAT, CAPI_FORM_DOUBLE);
    to = out->doubles;
    if (in->form == CAPI_FORM_DECIMAL) {
        for (uint32_t row = 0; row < call->row_count; row++)
            to[row] = capi_decimal_to_double(&in->decimals[row]);
    } else if (cents_are_exact(cents, call->row_count)) {
        for (uint32_t row = 0; row < call->row_count; row++)
            to[row] = (double)cents[row] / 100.0;
    } else {
        for (uint32_t row = 0; row < call->row_count; row++)
            to[row] = capi_cents_to_double(cents[row]);
    }
    return call->row_count;
}

uint32_t expr_float_of_string(const expr_call *call, capi_vec *out)
{
    *out = expr_run_vec(call->run, CAPI_FLOAT, CAPI_FORM_DOUBLE);
    for (uint32_t row = 0; row < call->row_count; row++) {
        capi_str text = capi_view_str(&call->args[0].views[row]);
        capi_float_parse outcome = capi_parse_float(text, &out->doubles[row]);

        if (outcome == CAPI_FLOAT_SYNTAX) return fail_text(call, row, text, "is no float");
        if (outcome == CAPI_FLOAT_RANGE) return fail_text(call, row, text, "is a number too large for a float");
    }
    return call->row_count;
}

/* ---- to decimal ---- */

uint32_t expr_decimal_of_bool(const expr_call *call, capi_vec *out)
{
    const uint8_t *restrict in = call->args[0].bools;
    int64_t *restrict to;

    *out = expr_run_vec(call->run, CAPI_DECIMAL, CAPI_FORM_CENTS);
    to = out->int64s;
    for (uint32_t row = 0; row < call->row_count; row++)
        to[row] = 100 * (int64_t)in[row];
    return call->row_count;
}

static bool cents_of_ints(const int64_t *restrict in, int64_t *restrict out, uint32_t row_count)
{
    uint64_t outside = 0;

    for (uint32_t row = 0; row < row_count; row++) {
        outside |= (uint64_t)in[row] + (uint64_t)(INT64_MAX / 100) > 2 * (uint64_t)(INT64_MAX / 100);
        out[row] = (int64_t)((uint64_t)in[row] * 100);
    }
    return !outside;
}

uint32_t expr_decimal_of_int(const expr_call *call, capi_vec *out)
{
    const int64_t *in = call->args[0].int64s;

    *out = expr_run_vec(call->run, CAPI_DECIMAL, CAPI_FORM_CENTS);
    if (cents_of_ints(in, out->int64s, call->row_count)) return call->row_count;
    expr_run_release(call->run, out);
    *out = expr_run_vec(call->run, CAPI_DECIMAL, CAPI_FORM_DECIMAL);
    for (uint32_t row = 0; row < call->row_count; row++)
        out->decimals[row] = capi_decimal_from_int64(in[row]);
    return call->row_count;
}

/* Up to 15 digits, different decimals are different doubles: so if the nearest hundredths give the double back, they are its
 * shortest text. */
static inline bool float_is_cents(double value, int64_t *cents)
{
    double scaled = value * 100.0;

    if (!(fabs(scaled) < 1e15)) return false;
    *cents = (int64_t)(scaled + copysign(0.5, scaled));
    return (double)*cents / 100.0 == value;
}

uint32_t expr_decimal_of_float(const expr_call *call, capi_vec *out)
{
    const double *in = call->args[0].doubles;
    expr_decimal_writer writer = expr_decimal_writer_start(call->run);
    uint32_t row = 0;

    while (row < call->row_count && float_is_cents(in[row], &writer.cents.int64s[row]))
        row++;
    for (; row < call->row_count; row++) {
        capi_decimal value;

        if (!capi_decimal_from_double(in[row], &value)) {
            char text[CAPI_NUMBER_TEXT_MAX];
            size_t bytes = capi_float_text(in[row], text);

            *out = expr_decimal_writer_finish(&writer);
            return EXPR_FAIL(call, row, "float %.*s is no decimal number", (int)bytes, text);
        }
        expr_decimal_writer_put(&writer, row, &value);
    }
    *out = expr_decimal_writer_finish(&writer);
    return call->row_count;
}

uint32_t expr_decimal_of_string(const expr_call *call, capi_vec *out)
{
    expr_decimal_writer writer = expr_decimal_writer_start(call->run);
    uint32_t row;

    for (row = 0; row < call->row_count; row++) {
        capi_str text = capi_view_str(&call->args[0].views[row]);
        capi_decimal value;

        if (!capi_decimal_parse(text, &value)) {
            fail_text(call, row, text, "is no decimal number (of up to 76 digits)");
            break;
        }
        expr_decimal_writer_put(&writer, row, &value);
    }
    *out = expr_decimal_writer_finish(&writer);
    return row;
}
