/* decimal.h - exact decimals: coefficient * 10^-scale, up to 76 digits; beyond that an error, never a wrong value.
 *
 * Stored decimals ("decimal2") are int64 hundredths ("cents"); while computing, a value is a 256-bit coefficient with a
 * scale. The result of every operation + - * / is rounded to 2 digits, half away from zero (round2), by the caller's choice
 * of the _round2 functions. Functions return false when a result does not fit; they never wrap. */
#pragma once

#include "base/str.h"

enum {
    CAPI_DECIMAL_DIGITS_MAX = 76,
    CAPI_DECIMAL_SCALE_MAX = 400, /* digits after the point that a value may carry (a double's 5e-324 needs 324) */
    CAPI_DECIMAL_TEXT_MAX = 512,  /* bytes of the longest text */
    CAPI_DECIMAL_DIVISION_DIGITS = 16,
};

typedef struct capi_decimal {
    uint64_t limb[4]; /* magnitude, least significant first */
    int32_t scale;    /* digits after the point, -400 .. 400; negative: trailing zeros before the point */
    bool negative;    /* never set for zero */
} capi_decimal;

capi_decimal capi_decimal_from_int64(int64_t value);
capi_decimal capi_decimal_from_cents(int64_t cents);
/* The shortest decimal that reads back as the same double. False for NaN and infinities. */
bool capi_decimal_from_double(double value, capi_decimal *out);
/* `[+-]?digits[.digits][(e|E)[+-]?digits]`, at least one digit, nothing else. */
bool capi_decimal_parse(capi_str text, capi_decimal *out);

bool capi_decimal_add(const capi_decimal *a, const capi_decimal *b, capi_decimal *out);
bool capi_decimal_subtract(const capi_decimal *a, const capi_decimal *b, capi_decimal *out);
bool capi_decimal_multiply(const capi_decimal *a, const capi_decimal *b, capi_decimal *out);
/* To 16 digits after the point, half away from zero. b must not be zero. */
bool capi_decimal_divide(const capi_decimal *a, const capi_decimal *b, capi_decimal *out);
/* The same followed by round2 in one step: the exact result before the rounding may have any number of digits. A quotient
 * is rounded twice, to 16 digits and then to 2. */
bool capi_decimal_add_round2(const capi_decimal *a, const capi_decimal *b, capi_decimal *out);
bool capi_decimal_subtract_round2(const capi_decimal *a, const capi_decimal *b, capi_decimal *out);
bool capi_decimal_multiply_round2(const capi_decimal *a, const capi_decimal *b, capi_decimal *out);
bool capi_decimal_divide_round2(const capi_decimal *a, const capi_decimal *b, capi_decimal *out);
/* Half away from zero to `digits` digits after the point; values with fewer stay as they are. */
bool capi_decimal_round(const capi_decimal *a, int32_t digits, capi_decimal *out);
void capi_decimal_negate(capi_decimal *a);
int capi_decimal_compare(const capi_decimal *a, const capi_decimal *b);
bool capi_decimal_is_zero(const capi_decimal *a);

/* Rounded to 2 digits; false if the cents do not fit an int64. */
bool capi_decimal_to_cents(const capi_decimal *a, int64_t *cents);
/* True, with the cents, only if the value has at most 2 digits after the point and fits: nothing is rounded. */
bool capi_decimal_is_cents(const capi_decimal *a, int64_t *cents);
/* Fraction dropped; false outside int64. */
bool capi_decimal_to_int64(const capi_decimal *a, int64_t *out);
/* The nearest double, ties to even. */
double capi_decimal_to_double(const capi_decimal *a);
/* Plain notation without trailing zeros, no point without fraction, no negative zero. Returns the bytes written (no NUL). */
size_t capi_decimal_text(const capi_decimal *a, char text[CAPI_DECIMAL_TEXT_MAX]);

/* capi_decimal_parse and capi_decimal_to_cents in one, for columns of a file: false if either fails. */
bool capi_cents_parse(capi_str text, int64_t *cents);
/* Cents on the fast path. Each returns false if the result does not fit. */
bool capi_cents_multiply_round2(int64_t a, int64_t b, int64_t *out);
/* a / b to 16 digits, then round2 (the two roundings matter); b must not be 0. */
bool capi_cents_divide_round2(int64_t a, int64_t b, int64_t *out);
double capi_cents_to_double(int64_t cents); /* nearest, ties to even */
/* Like capi_decimal_text. */
size_t capi_cents_text(int64_t cents, char text[32]);
/* Always two digits after the point: "12.00". */
size_t capi_cents_text_fixed(int64_t cents, char text[32]);
