/* float_fixed.c - a float with a fixed number of digits behind the point, quickly and exactly.
 *
 * Below 2^53 the part behind the point is a fraction m / 2^k with m < 2^53. Times 10^9 it fits 128 bits, so quotient and
 * remainder of the division by 2^k are exact and the rounding is that of printf: to the nearest, ties to even. */
#include "vec/format.h"

#include <math.h>
#include <stdio.h>

static const char two_digits[201] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                    "8081828384858687888990919293949596979899";

static const uint64_t powers_of_ten[CAPI_FLOAT_FIXED_DIGITS_MAX + 1] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

/* Exactly `count` digits. */
static void put_digits(char *to, uint64_t value, unsigned count)
{
    while (count >= 2) {
        count -= 2;
        memcpy(to + count, two_digits + value % 100 * 2, 2);
        value /= 100;
    }
    if (count) to[0] = (char)('0' + value % 10);
}

static unsigned count_digits(uint64_t value)
{
    unsigned count = 1;

    while (value >= 10000) {
        value /= 10000;
        count += 4;
    }
    return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

/* round(fraction * power), 0 <= fraction < 1. `is_odd` says whether the digit before the point is odd: it decides a tie
 * when there are no digits behind the point. */
static uint64_t scale_fraction(double fraction, uint64_t power, bool is_odd)
{
    uint64_t bits, mantissa, quotient;
    unsigned __int128 product, remainder, half;
    unsigned shift;

    if (fraction == 0) return 0;
    memcpy(&bits, &fraction, 8);
    mantissa = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
    shift = 1075 - (unsigned)(bits >> 52);
    /* The product is below 2^83: from here on it is less than half a unit. (So are denormals.) */
    if (shift > 84) return 0;
    product = (unsigned __int128)mantissa * power;
    quotient = (uint64_t)(product >> shift);
    remainder = product - ((unsigned __int128)quotient << shift);
    half = (unsigned __int128)1 << (shift - 1);
    if (power > 1) is_odd = quotient & 1;
    return quotient + (remainder > half || (remainder == half && is_odd));
}

size_t capi_float_fixed_text(double value, unsigned digits, char text[CAPI_FLOAT_FIXED_TEXT_MAX])
{
    double magnitude = fabs(value);
    uint64_t power = powers_of_ten[digits];
    uint64_t whole, fraction;
    unsigned whole_digits;
    char *to = text;

    if (!(magnitude < 9007199254740992.0)) {
        if (isnan(value)) return (size_t)(stpcpy(text, "NaN") - text);
        if (isinf(value)) return (size_t)(stpcpy(text, value < 0 ? "-Inf" : "+Inf") - text);
        return (size_t)snprintf(text, CAPI_FLOAT_FIXED_TEXT_MAX, "%.*f", (int)digits, value);
    }
    whole = (uint64_t)magnitude;
    fraction = scale_fraction(magnitude - (double)whole, power, whole & 1);
    if (fraction >= power) {
        fraction -= power;
        whole++;
    }
    if (signbit(value)) *to++ = '-';
    whole_digits = count_digits(whole);
    put_digits(to, whole, whole_digits);
    to += whole_digits;
    if (digits == 0) return (size_t)(to - text);
    *to++ = '.';
    put_digits(to, fraction, digits);
    return (size_t)(to + digits - text);
}
