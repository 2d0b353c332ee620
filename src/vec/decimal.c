/* decimal.c - exact decimals.
 *
 * Every operation first tries 128 bits, which hold all values that real tables have; whatever does not fit there is done
 * with long natural numbers (natural.h), exactly, and only the end result must fit 76 digits. */
#include "vec/decimal.h"

#include "vec/natural.h"
#include "vec/number.h"

#include <assert.h>
#include <math.h>

typedef unsigned __int128 uint128;

enum {
    UINT128_DIGITS = 38, /* any number of so many digits fits 128 bits */
    NO_ROUNDING = INT32_MAX,
    EXPONENT_LIMIT = 1000000, /* larger exponents in a text are all the same to us */
};

static uint128 power10_128(unsigned power)
{
    static const uint64_t powers[20] = {
        1ull,
        10ull,
        100ull,
        1000ull,
        10000ull,
        100000ull,
        1000000ull,
        10000000ull,
        100000000ull,
        1000000000ull,
        10000000000ull,
        100000000000ull,
        1000000000000ull,
        10000000000000ull,
        100000000000000ull,
        1000000000000000ull,
        10000000000000000ull,
        100000000000000000ull,
        1000000000000000000ull,
        10000000000000000000ull,
    };

    assert(power <= UINT128_DIGITS);
    return power < 20 ? powers[power] : (uint128)powers[19] * powers[power - 19];
}

static bool is_128(const capi_decimal *a)
{
    return (a->limb[2] | a->limb[3]) == 0;
}

static uint128 magnitude_128(const capi_decimal *a)
{
    return (uint128)a->limb[1] << 64 | a->limb[0];
}

static capi_decimal from_128(uint128 magnitude, int32_t scale, bool negative)
{
    return (capi_decimal){
        .limb = {(uint64_t)magnitude, (uint64_t)(magnitude >> 64)},
        .scale = scale,
        .negative = negative && magnitude != 0,
    };
}

/* *magnitude * 10^power, if that fits. */
static bool scale_up_128(uint128 *magnitude, uint32_t power)
{
    if (power == 0 || *magnitude == 0) return true;
    if (power > UINT128_DIGITS) return false;
    return !__builtin_mul_overflow(*magnitude, power10_128(power), magnitude);
}

/* The quotient rounded half up. */
static uint128 divide_round_128(uint128 numerator, uint128 divisor)
{
    if ((numerator | divisor) >> 64 == 0) {
        uint64_t quotient = (uint64_t)numerator / (uint64_t)divisor;
        uint64_t rest = (uint64_t)numerator - quotient * (uint64_t)divisor;

        return (uint128)quotient + (rest >= (uint64_t)divisor - rest);
    } else {
        uint128 quotient = numerator / divisor;
        uint128 rest = numerator - quotient * divisor;

        return quotient + (rest >= divisor - rest);
    }
}

/* magnitude / 10^power, half away from zero. */
static uint128 round_128(uint128 magnitude, uint32_t power)
{
    if (power == 0) return magnitude;
    if (power > UINT128_DIGITS) return 0; /* 2^128 is less than half of 10^39 */
    return divide_round_128(magnitude, power10_128(power));
}

/* Below 10^76. */
static bool has_76_digits(const capi_natural *a)
{
    static const capi_natural limit = {
        .count = 8,
        .limb = {0, 0, 0x71951000, 0x7775a5f1, 0xe8652979, 0x0764b4ab, 0x119915b5, 0x161bcca7},
    };

    return capi_natural_compare(a, &limit) < 0;
}

/* The end of every long computation: rounds to `digits`, then brings magnitude and scale into their bounds without
 * changing the value. */
static bool finish(capi_natural *magnitude, int64_t scale, bool negative, int32_t digits, capi_decimal *out)
{
    if (scale > digits) {
        capi_natural_round_power10(magnitude, (unsigned)(scale - digits));
        scale = digits;
    }
    if (magnitude->count == 0) {
        *out = (capi_decimal){0};
        return true;
    }
    while (scale > CAPI_DECIMAL_SCALE_MAX || !has_76_digits(magnitude)) { /* are there zeros at the end? */
        if (capi_natural_divide_small(magnitude, 10) != 0) return false;
        scale--;
    }
    while (scale < -CAPI_DECIMAL_SCALE_MAX) {
        capi_natural_multiply_add(magnitude, 10, 0);
        if (!has_76_digits(magnitude)) return false;
        scale++;
    }
    out->scale = (int32_t)scale;
    out->negative = negative;
    return capi_natural_to_limbs(magnitude, out->limb);
}

capi_decimal capi_decimal_from_int64(int64_t value)
{
    return from_128(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 0, value < 0);
}

capi_decimal capi_decimal_from_cents(int64_t cents)
{
    return from_128(cents < 0 ? 0 - (uint64_t)cents : (uint64_t)cents, 2, cents < 0);
}

bool capi_decimal_from_double(double value, capi_decimal *out)
{
    char digits[18];
    uint64_t magnitude = 0;
    unsigned count;
    int point;

    if (!isfinite(value)) return false;
    count = capi_double_shortest(fabs(value), digits, &point);
    for (unsigned i = 0; i < count; i++)
        magnitude = magnitude * 10 + (uint64_t)(digits[i] - '0');
    *out = from_128(magnitude, magnitude ? (int32_t)count - point : 0, value < 0);
    return true;
}

/* The parts of a text: its digits from the first to the last that is not zero (a point may lie between), and their scale. */
typedef struct decimal_shape {
    bool negative;
    const char *first; /* NULL: the value is zero */
    const char *last;
    int64_t digit_count;
    int64_t scale;
} decimal_shape;

static const char *scan_exponent(const char *at, const char *end, int64_t *exponent)
{
    bool negative = false;

    if (at < end && (*at == '+' || *at == '-')) negative = *at++ == '-';
    if (at == end) return NULL;
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        if (*exponent < EXPONENT_LIMIT) *exponent = *exponent * 10 + (*at - '0');
    if (negative) *exponent = -*exponent;
    return at;
}

static bool scan_decimal(capi_str text, decimal_shape *shape)
{
    const char *at = text.bytes ? text.data : "";
    const char *end = at + text.bytes;
    int64_t digit_count = 0, integer_count = -1, first_index = 0, last_index = 0, exponent = 0;

    if (at < end && (*at == '+' || *at == '-')) shape->negative = *at++ == '-';
    for (; at < end; at++) {
        if (*at >= '0' && *at <= '9') {
            if (*at != '0') {
                if (!shape->first) {
                    shape->first = at;
                    first_index = digit_count;
                }
                shape->last = at;
                last_index = digit_count;
            }
            digit_count++;
        } else if (*at == '.' && integer_count < 0) {
            integer_count = digit_count;
        } else {
            break;
        }
    }
    if (digit_count == 0) return false;
    if (integer_count < 0) integer_count = digit_count;
    if (at < end && (*at == 'e' || *at == 'E')) at = scan_exponent(at + 1, end, &exponent);
    shape->digit_count = last_index - first_index + 1;
    shape->scale = last_index + 1 - integer_count - exponent;
    return at == end;
}

/* A number as most texts have it: sign, up to 18 digits, at most one point. */
static bool parse_short(capi_str text, uint64_t *magnitude, int32_t *scale, bool *negative)
{
    const char *at = text.data;
    const char *end;
    const char *point = NULL;
    uint64_t value = 0;

    if (text.bytes == 0) return false;
    end = at + text.bytes;
    *negative = *at == '-';
    at += *at == '-' || *at == '+';
    if (end - at > 18 || end - at < 2) { /* one character could be a lone point */
        if (end - at != 1 || *at == '.') return false;
    }
    for (; at < end; at++) {
        unsigned digit = (unsigned)(unsigned char)*at - '0';

        if (digit < 10) {
            value = value * 10 + digit;
        } else {
            if (*at != '.' || point) return false;
            point = at;
        }
    }
    *magnitude = value;
    *scale = point ? (int32_t)(end - point) - 1 : 0;
    return true;
}

bool capi_cents_parse(capi_str text, int64_t *cents)
{
    static const uint64_t powers[] = {1, 10, 100};
    uint64_t magnitude;
    int32_t scale;
    bool negative;

    if (!parse_short(text, &magnitude, &scale, &negative)) {
        capi_decimal value;

        return capi_decimal_parse(text, &value) && capi_decimal_to_cents(&value, cents);
    }
    if (scale > 2) {
        magnitude = (uint64_t)round_128(magnitude, (uint32_t)scale - 2);
    } else if (__builtin_mul_overflow(magnitude, powers[2 - scale], &magnitude) || magnitude > INT64_MAX) {
        return false; /* 18 digits cannot be the lowest int64 */
    }
    *cents = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

bool capi_decimal_parse(capi_str text, capi_decimal *out)
{
    decimal_shape shape = {0};
    capi_natural magnitude = {0};
    uint64_t few_digits;
    int32_t few_scale;
    bool few_negative;

    if (parse_short(text, &few_digits, &few_scale, &few_negative)) {
        *out = from_128(few_digits, few_scale, few_negative);
        return true;
    }
    if (!scan_decimal(text, &shape)) return false;
    if (!shape.first) {
        *out = (capi_decimal){0};
        return true;
    }
    if (shape.digit_count > CAPI_DECIMAL_DIGITS_MAX) return false;
    if (shape.scale > CAPI_DECIMAL_SCALE_MAX || shape.scale < -2 * CAPI_DECIMAL_SCALE_MAX) return false;
    for (const char *at = shape.first; at <= shape.last; at++)
        if (*at != '.') capi_natural_multiply_add(&magnitude, 10, (uint32_t)(*at - '0'));
    return finish(&magnitude, shape.scale, shape.negative, NO_ROUNDING, out);
}

/* Sign and magnitude of a sum of 128-bit magnitudes of one scale. */
static bool add_128(uint128 a, bool a_negative, uint128 b, bool b_negative, int32_t scale, capi_decimal *out)
{
    if (a_negative == b_negative) {
        uint128 sum = a + b;

        if (sum < a) return false;
        *out = from_128(sum, scale, a_negative);
    } else if (a >= b) {
        *out = from_128(a - b, scale, a_negative);
    } else {
        *out = from_128(b - a, scale, b_negative);
    }
    return true;
}

static bool add_fast(const capi_decimal *a, const capi_decimal *b, bool b_negative, capi_decimal *out)
{
    uint128 magnitude_a = magnitude_128(a);
    uint128 magnitude_b = magnitude_128(b);
    int32_t scale = a->scale;

    if (!is_128(a) || !is_128(b)) return false;
    if (a->scale < b->scale) {
        if (!scale_up_128(&magnitude_a, (uint32_t)(b->scale - a->scale))) return false;
        scale = b->scale;
    } else if (!scale_up_128(&magnitude_b, (uint32_t)(a->scale - b->scale))) {
        return false;
    }
    return add_128(magnitude_a, a->negative, magnitude_b, b_negative, scale, out);
}

/* Both magnitudes at the larger scale, which is returned. */
static int32_t align(const capi_decimal *a, const capi_decimal *b, capi_natural *long_a, capi_natural *long_b)
{
    capi_natural_from_limbs(a->limb, long_a);
    capi_natural_from_limbs(b->limb, long_b);
    if (a->scale < b->scale) {
        capi_natural_multiply_power10(long_a, (unsigned)(b->scale - a->scale));
        return b->scale;
    }
    capi_natural_multiply_power10(long_b, (unsigned)(a->scale - b->scale));
    return a->scale;
}

static bool add_long(const capi_decimal *a, const capi_decimal *b, bool b_negative, int32_t digits, capi_decimal *out)
{
    capi_natural long_a, long_b;
    int32_t scale = align(a, b, &long_a, &long_b);

    if (a->negative == b_negative) {
        capi_natural_add(&long_a, &long_b);
        return finish(&long_a, scale, a->negative, digits, out);
    }
    if (capi_natural_compare(&long_a, &long_b) >= 0) {
        capi_natural_subtract(&long_a, &long_b);
        return finish(&long_a, scale, a->negative, digits, out);
    }
    capi_natural_subtract(&long_b, &long_a);
    return finish(&long_b, scale, b_negative, digits, out);
}

static bool round_in_place(capi_decimal *a, int32_t digits)
{
    if (a->scale <= digits) return true;
    return capi_decimal_round(a, digits, a);
}

static bool add_rounded(const capi_decimal *a, const capi_decimal *b, bool b_negative, int32_t digits,
                        capi_decimal *out)
{
    if (add_fast(a, b, b_negative, out)) return round_in_place(out, digits);
    return add_long(a, b, b_negative, digits, out);
}

static bool multiply_rounded(const capi_decimal *a, const capi_decimal *b, int32_t digits, capi_decimal *out)
{
    int32_t scale = a->scale + b->scale;
    bool negative = a->negative != b->negative;
    capi_natural long_a, long_b, product;

    if (is_128(a) && is_128(b) && scale >= -CAPI_DECIMAL_SCALE_MAX && scale <= CAPI_DECIMAL_SCALE_MAX) {
        uint128 small;

        if (!__builtin_mul_overflow(magnitude_128(a), magnitude_128(b), &small)) {
            *out = from_128(small, scale, negative);
            return round_in_place(out, digits);
        }
    }
    capi_natural_from_limbs(a->limb, &long_a);
    capi_natural_from_limbs(b->limb, &long_b);
    capi_natural_multiply(&long_a, &long_b, &product);
    return finish(&product, scale, negative, digits, out);
}

/* Half away from zero: *magnitude is the remainder of a division by *divisor that gave *quotient. */
static void round_quotient(capi_natural *rest, const capi_natural *divisor, capi_natural *quotient)
{
    capi_natural_multiply_add(rest, 2, 0);
    if (capi_natural_compare(rest, divisor) < 0) return;
    if (quotient->count == 0)
        *quotient = (capi_natural){.count = 1, .limb = {1}};
    else
        capi_natural_multiply_add(quotient, 1, 1);
}

static bool divide_rounded(const capi_decimal *a, const capi_decimal *b, int32_t digits, capi_decimal *out)
{
    int32_t power = CAPI_DECIMAL_DIVISION_DIGITS + b->scale - a->scale; /* quotient = a * 10^power / b, scale 16 */
    bool negative = a->negative != b->negative;
    capi_natural long_a, long_b, quotient;

    assert(!capi_decimal_is_zero(b));
    if (is_128(a) && is_128(b) && power >= 0) {
        uint128 numerator = magnitude_128(a);
        uint128 divisor = magnitude_128(b);

        if (scale_up_128(&numerator, (uint32_t)power)) {
            *out = from_128(divide_round_128(numerator, divisor), CAPI_DECIMAL_DIVISION_DIGITS, negative);
            return round_in_place(out, digits);
        }
    }
    capi_natural_from_limbs(a->limb, &long_a);
    capi_natural_from_limbs(b->limb, &long_b);
    if (power >= 0)
        capi_natural_multiply_power10(&long_a, (unsigned)power);
    else
        capi_natural_multiply_power10(&long_b, (unsigned)-power);
    capi_natural_divide(&long_a, &long_b, &quotient);
    round_quotient(&long_a, &long_b, &quotient);
    return finish(&quotient, CAPI_DECIMAL_DIVISION_DIGITS, negative, digits, out);
}

bool capi_decimal_add(const capi_decimal *a, const capi_decimal *b, capi_decimal *out)
{
    return add_rounded(a, b, b->negative, NO_ROUNDING, out);
}

bool capi_decimal_subtract(const capi_decimal *a, const capi_decimal *b, capi_decimal *out)
{
    return add_rounded(a, b, !b->negative, NO_ROUNDING, out);
}

bool capi_decimal_multiply(const capi_decimal *a, const capi_decimal *b, capi_decimal *out)
{
    return multiply_rounded(a, b, NO_ROUNDING, out);
}

bool capi_decimal_divide(const capi_decimal *a, const capi_decimal *b, capi_decimal *out)
{
    return divide_rounded(a, b, NO_ROUNDING, out);
}

bool capi_decimal_add_round2(const capi_decimal *a, const capi_decimal *b, capi_decimal *out)
{
    return add_rounded(a, b, b->negative, 2, out);
}

bool capi_decimal_subtract_round2(const capi_decimal *a, const capi_decimal *b, capi_decimal *out)
{
    return add_rounded(a, b, !b->negative, 2, out);
}

bool capi_decimal_multiply_round2(const capi_decimal *a, const capi_decimal *b, capi_decimal *out)
{
    return multiply_rounded(a, b, 2, out);
}

bool capi_decimal_divide_round2(const capi_decimal *a, const capi_decimal *b, capi_decimal *out)
{
    return divide_rounded(a, b, 2, out);
}

bool capi_decimal_round(const capi_decimal *a, int32_t digits, capi_decimal *out)
{
    capi_natural magnitude;
    int32_t scale = a->scale;

    if (scale <= digits) {
        *out = *a;
        return true;
    }
    if (is_128(a)) {
        *out = from_128(round_128(magnitude_128(a), (uint32_t)(scale - digits)), digits, a->negative);
        return true;
    }
    capi_natural_from_limbs(a->limb, &magnitude);
    return finish(&magnitude, scale, a->negative, digits, out);
}

void capi_decimal_negate(capi_decimal *a)
{
    a->negative = !a->negative && !capi_decimal_is_zero(a);
}

static int compare_magnitudes(const capi_decimal *a, const capi_decimal *b)
{
    capi_natural long_a, long_b;

    if (is_128(a) && is_128(b)) {
        uint128 magnitude_a = magnitude_128(a);
        uint128 magnitude_b = magnitude_128(b);
        bool fits = a->scale < b->scale ? scale_up_128(&magnitude_a, (uint32_t)(b->scale - a->scale))
                                        : scale_up_128(&magnitude_b, (uint32_t)(a->scale - b->scale));

        if (fits) return (magnitude_a > magnitude_b) - (magnitude_a < magnitude_b);
    }
    align(a, b, &long_a, &long_b);
    return capi_natural_compare(&long_a, &long_b);
}

int capi_decimal_compare(const capi_decimal *a, const capi_decimal *b)
{
    if (a->negative != b->negative) return a->negative ? -1 : 1;
    return a->negative ? compare_magnitudes(b, a) : compare_magnitudes(a, b);
}

bool capi_decimal_is_zero(const capi_decimal *a)
{
    return (a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3]) == 0;
}

static bool signed_int64(uint128 magnitude, bool negative, int64_t *out)
{
    if (magnitude > (uint128)INT64_MAX + negative) return false;
    *out = (int64_t)(negative ? 0 - (uint64_t)magnitude : (uint64_t)magnitude);
    return true;
}

bool capi_decimal_to_cents(const capi_decimal *a, int64_t *cents)
{
    capi_decimal rounded;
    uint128 magnitude;

    if (!capi_decimal_round(a, 2, &rounded) || !is_128(&rounded)) return false;
    magnitude = magnitude_128(&rounded);
    if (!scale_up_128(&magnitude, (uint32_t)(2 - rounded.scale))) return false;
    return signed_int64(magnitude, rounded.negative, cents);
}

bool capi_decimal_is_cents(const capi_decimal *a, int64_t *cents)
{
    if (!capi_decimal_to_cents(a, cents)) return false;
    if (a->scale > 2) {
        capi_decimal back = capi_decimal_from_cents(*cents);

        return capi_decimal_compare(a, &back) == 0;
    }
    return true;
}

bool capi_decimal_to_int64(const capi_decimal *a, int64_t *out)
{
    capi_natural magnitude;
    uint64_t limbs[4];

    if (is_128(a) && a->scale <= UINT128_DIGITS) {
        uint128 whole = magnitude_128(a);

        if (a->scale < 0 && !scale_up_128(&whole, (uint32_t)-a->scale)) return false;
        if (a->scale > 0) whole /= power10_128((unsigned)a->scale);
        return signed_int64(whole, a->negative, out);
    }
    if (a->scale < 0) return false; /* more than 128 bits */
    capi_natural_from_limbs(a->limb, &magnitude);
    capi_natural_divide_power10(&magnitude, (unsigned)a->scale);
    if (!capi_natural_to_limbs(&magnitude, limbs) || limbs[1] || limbs[2] || limbs[3]) return false;
    return signed_int64(limbs[0], a->negative, out);
}

enum { DIGITS_SPACE = 80 };

/* The digits of the magnitude; "0" for zero. */
static unsigned magnitude_digits(const capi_decimal *a, char digits[DIGITS_SPACE])
{
    char backwards[DIGITS_SPACE];
    unsigned count = 0;
    capi_natural rest;
    uint64_t small = a->limb[0];

    if (a->limb[1] | a->limb[2] | a->limb[3]) {
        capi_natural_from_limbs(a->limb, &rest);
        while (rest.count > 2) {
            uint32_t nine = capi_natural_divide_small(&rest, 1000000000);

            for (unsigned i = 0; i < 9; i++, nine /= 10)
                backwards[count++] = (char)('0' + nine % 10);
        }
        small = (rest.count > 1 ? (uint64_t)rest.limb[1] << 32 : 0) | (rest.count ? rest.limb[0] : 0);
    }
    do {
        backwards[count++] = (char)('0' + small % 10);
        small /= 10;
    } while (small);
    for (unsigned i = 0; i < count; i++)
        digits[i] = backwards[count - 1 - i];
    return count;
}

double capi_decimal_to_double(const capi_decimal *a)
{
    static const double powers[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    char text[DIGITS_SPACE + 8];
    unsigned bytes;
    double value;

    if (is_128(a) && a->limb[1] == 0 && a->limb[0] <= UINT64_C(1) << 53 && a->scale <= 22 && a->scale >= -22) {
        value = (double)a->limb[0]; /* both exact, so one rounding */
        value = a->scale < 0 ? value * powers[-a->scale] : value / powers[a->scale];
    } else {
        bytes = magnitude_digits(a, text);
        text[bytes++] = 'e';
        bytes += (unsigned)capi_int_text(-(int64_t)a->scale, text + bytes);
        value = capi_double_from_text(text, bytes);
    }
    return a->negative ? -value : value;
}

size_t capi_decimal_text(const capi_decimal *a, char text[CAPI_DECIMAL_TEXT_MAX])
{
    char digits[DIGITS_SPACE];
    char *at = text;
    unsigned count = magnitude_digits(a, digits);
    int32_t scale = a->scale;

    if (capi_decimal_is_zero(a)) {
        *at = '0';
        return 1;
    }
    while (scale > 0 && digits[count - 1] == '0') {
        count--;
        scale--;
    }
    if (a->negative) *at++ = '-';
    if (scale <= 0) {
        memcpy(at, digits, count);
        memset(at + count, '0', (size_t)-scale);
        return (size_t)(at - text) + count + (size_t)-scale;
    }
    if (count <= (unsigned)scale) { /* 0.000ddd */
        memcpy(at, "0.", 2);
        memset(at + 2, '0', (unsigned)scale - count);
        at += 2 + (unsigned)scale - count;
        memcpy(at, digits, count);
        return (size_t)(at - text) + count;
    }
    memcpy(at, digits, count - (unsigned)scale);
    at += count - (unsigned)scale;
    *at++ = '.';
    memcpy(at, digits + count - scale, (size_t)scale);
    return (size_t)(at - text) + (size_t)scale;
}

static uint64_t magnitude_of(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

bool capi_cents_multiply_round2(int64_t a, int64_t b, int64_t *out)
{
    uint128 product = (uint128)magnitude_of(a) * magnitude_of(b); /* at scale 4 */
    bool negative = (a < 0) != (b < 0);
    int64_t small;

    if (!__builtin_mul_overflow(a, b, &small) && small < INT64_MAX - 50 && small > INT64_MIN + 50) {
        *out = (small + (small < 0 ? -50 : 50)) / 100;
        return true;
    }
    return signed_int64((product + 50) / 100, negative, out);
}

/* q = 100 a / b rounded to 14 more digits and then to none. The first rounding only matters where it lifts a fraction to
 * exactly one half: rest / b >= 1/2 - 10^-14 / 2, that is b - 2 rest <= b / 10^14. */
bool capi_cents_divide_round2(int64_t a, int64_t b, int64_t *out)
{
    uint128 numerator = (uint128)magnitude_of(a) * 100;
    uint64_t divisor = magnitude_of(b);
    bool negative = (a < 0) != (b < 0);
    uint128 quotient;
    uint64_t rest;

    assert(b != 0);
    if (numerator >> 64 == 0) {
        quotient = (uint64_t)numerator / divisor;
        rest = (uint64_t)numerator % divisor;
    } else {
        quotient = numerator / divisor;
        rest = (uint64_t)(numerator % divisor);
    }
    if ((__int128)divisor - 2 * (__int128)rest <= (__int128)(divisor / UINT64_C(100000000000000))) quotient++;
    return signed_int64(quotient, negative, out);
}

double capi_cents_to_double(int64_t cents)
{
    uint64_t magnitude = magnitude_of(cents);
    uint128 shifted, quotient;
    double value;

    if (magnitude <= UINT64_C(1) << 53) return (double)cents / 100.0; /* exact operands, one rounding */
    /* cents / 100 = (cents * 2^10 / 25) / 2^12: more than 54 bits and a sticky bit round like the exact quotient. */
    shifted = (uint128)magnitude << 10;
    quotient = shifted / 25;
    if (shifted % 25) quotient |= 1;
    value = (double)quotient * 0x1p-12;
    return cents < 0 ? -value : value;
}

size_t capi_cents_text_fixed(int64_t cents, char text[32])
{
    uint64_t magnitude = magnitude_of(cents);
    size_t bytes = 0;
    unsigned fraction = (unsigned)(magnitude % 100);

    if (cents < 0) text[bytes++] = '-';
    bytes += capi_int_text((int64_t)(magnitude / 100), text + bytes);
    text[bytes++] = '.';
    text[bytes++] = (char)('0' + fraction / 10);
    text[bytes++] = (char)('0' + fraction % 10);
    return bytes;
}

size_t capi_cents_text(int64_t cents, char text[32])
{
    size_t bytes = capi_cents_text_fixed(cents, text);

    if (text[bytes - 1] != '0') return bytes;
    return text[bytes - 2] == '0' ? bytes - 3 : bytes - 1;
}
