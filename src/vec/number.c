/* number.c - numbers and bools from text and to text.
 *
 * Reading a float: one pass over the text finds its shape and the first 19 digits. Up to 2^53 with a power of ten up to 22
 * is then one exact operation on doubles (William Clinger, "How to read floating point numbers accurately", 1990); 19
 * digits with a power up to 19 need one division of 128 bits; all others go through double-conversion. */
#include "vec/number.h"

#include <math.h>
#include <stdlib.h>

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool capi_parse_int(capi_str text, int64_t *out)
{
    const char *at = text.bytes ? text.data : "";
    const char *end = at + text.bytes;
    bool negative = false;
    uint64_t magnitude = 0;

    if (at < end && (*at == '+' || *at == '-')) negative = *at++ == '-';
    if (at == end) return false;
    if (end - at <= 18) { /* cannot overflow */
        for (; at < end; at++) {
            if (!is_digit(*at)) return false;
            magnitude = magnitude * 10 + (uint64_t)(*at - '0');
        }
    } else {
        for (; at < end; at++) {
            if (!is_digit(*at)) return false;
            if (magnitude > UINT64_C(1000000000000000000)) return false;
            magnitude = magnitude * 10 + (uint64_t)(*at - '0');
        }
        if (magnitude > (uint64_t)INT64_MAX + negative) return false;
    }
    *out = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

bool capi_parse_bool(capi_str text, bool *out)
{
    static const char *const words[2][6] = {
        {"0", "f", "F", "FALSE", "false", "False"},
        {"1", "t", "T", "TRUE", "true", "True"},
    };

    for (int value = 0; value < 2; value++) {
        for (int i = 0; i < 6; i++) {
            if (!capi_str_is(text, words[value][i])) continue;
            *out = value != 0;
            return true;
        }
    }
    return false;
}

/* What one pass over the text finds. */
typedef struct float_shape {
    bool negative;
    bool is_hex;
    bool has_underscores;
    bool is_cut;       /* there were more significant digits than the mantissa holds */
    uint64_t mantissa; /* first 19 decimal or 16 hexadecimal significant digits */
    int64_t exponent;  /* of 10 or 2 for the mantissa */
} float_shape;

enum {
    EXPONENT_MAX = 10000,    /* larger ones all overflow, or all give zero */
    FLOAT_TEXT_MAX = 1 << 30 /* bytes; what a conversion can count */
};

/* Single underscores, only between digits; a base prefix counts as a digit. */
static bool underscores_are_fine(const char *at, const char *end)
{
    enum { START, DIGIT, UNDERSCORE, OTHER } last = START;
    bool is_hex = false;

    if (at < end && (*at == '+' || *at == '-')) at++;
    if (end - at >= 2 && at[0] == '0' && lower(at[1]) == 'x') {
        is_hex = true;
        last = DIGIT;
        at += 2;
    }
    for (; at < end; at++) {
        if (is_digit(*at) || (is_hex && lower(*at) >= 'a' && lower(*at) <= 'f')) {
            last = DIGIT;
        } else if (*at == '_') {
            if (last != DIGIT) return false;
            last = UNDERSCORE;
        } else {
            if (last == UNDERSCORE) return false;
            last = OTHER;
        }
    }
    return last != UNDERSCORE;
}

static int digit_value(char c, bool is_hex)
{
    if (is_digit(c)) return c - '0';
    if (is_hex && lower(c) >= 'a' && lower(c) <= 'f') return lower(c) - 'a' + 10;
    return -1;
}

/* Digits with at most one point; NULL if there is no digit. */
static const char *scan_mantissa(const char *at, const char *end, float_shape *shape)
{
    unsigned digits_max = shape->is_hex ? 16 : 19;
    unsigned base = shape->is_hex ? 16 : 10;
    unsigned digit_count = 0; /* significant ones in the mantissa */
    int64_t exponent = 0;     /* in digits */
    bool saw_point = false;
    bool saw_digit = false;

    for (; at < end; at++) {
        int digit = digit_value(*at, shape->is_hex);

        if (digit >= 0) {
            saw_digit = true;
            if (digit_count < digits_max) {
                shape->mantissa = shape->mantissa * base + (unsigned)digit;
                digit_count += shape->mantissa != 0;
                exponent -= saw_point;
            } else {
                shape->is_cut |= digit != 0;
                exponent += !saw_point;
            }
        } else if (*at == '.' && !saw_point) {
            saw_point = true;
        } else if (*at == '_') {
            shape->has_underscores = true;
        } else {
            break;
        }
    }
    shape->exponent = shape->is_hex ? exponent * 4 : exponent;
    return saw_digit ? at : NULL;
}

/* What follows the letter e or p; NULL if it is no number. */
static const char *scan_exponent(const char *at, const char *end, float_shape *shape)
{
    int64_t exponent = 0;
    bool negative = false;

    if (at < end && (*at == '+' || *at == '-')) negative = *at++ == '-';
    if (at == end || !is_digit(*at)) return NULL;
    for (; at < end && (is_digit(*at) || *at == '_'); at++) {
        if (*at == '_')
            shape->has_underscores = true;
        else if (exponent < EXPONENT_MAX)
            exponent = exponent * 10 + (*at - '0');
    }
    shape->exponent += negative ? -exponent : exponent;
    return at;
}

static bool scan_float(capi_str text, float_shape *shape)
{
    const char *at = text.bytes ? text.data : "";
    const char *end = at + text.bytes;

    if (at < end && (*at == '+' || *at == '-')) shape->negative = *at++ == '-';
    if (end - at >= 2 && at[0] == '0' && lower(at[1]) == 'x') {
        shape->is_hex = true;
        at += 2;
    }
    at = scan_mantissa(at, end, shape);
    if (!at) return false;
    if (at < end && lower(*at) == (shape->is_hex ? 'p' : 'e')) {
        at = scan_exponent(at + 1, end, shape);
        if (!at) return false;
    } else if (shape->is_hex) {
        return false;
    }
    if (at != end) return false;
    return !shape->has_underscores || underscores_are_fine(text.data, end);
}

/* Rounds mantissa * 2^exponent once, ties to even; infinity when it is too large. */
static double hex_to_double(const float_shape *shape)
{
    uint64_t mantissa = shape->mantissa;
    int64_t exponent = shape->exponent;
    int shift, kept_bits;
    uint64_t kept, dropped, half;

    if (mantissa == 0) return 0;
    shift = __builtin_clzll(mantissa);
    mantissa <<= shift; /* 64 significant bits */
    exponent -= shift;
    if (exponent + 63 > 1023) return INFINITY;
    if (exponent + 64 < -1074) return 0;
    kept_bits = exponent + 63 >= -1022 ? 53 : (int)(exponent + 64 + 1074);
    if (kept_bits == 0) /* between zero and half of the smallest double, or just above */
        return mantissa > UINT64_C(1) << 63 || shape->is_cut ? 0x1p-1074 : 0;
    kept = mantissa >> (64 - kept_bits);
    dropped = mantissa << kept_bits;
    half = UINT64_C(1) << 63;
    if (dropped > half || (dropped == half && (shape->is_cut || (kept & 1)))) kept++;
    return ldexp((double)kept, (int)(exponent + 64 - kept_bits)); /* exact, or infinite */
}

/* Without underscores, which double-conversion does not know. */
static double text_to_double(capi_str text)
{
    char few[256] = "";
    char *clean = text.bytes <= sizeof few ? few : capi_malloc(text.bytes);
    size_t bytes = 0;
    double value;

    for (size_t i = 0; i < text.bytes; i++)
        if (text.data[i] != '_') clean[bytes++] = text.data[i];
    value = capi_double_from_text(clean, bytes);
    if (clean != few) free(clean);
    return value;
}

static const double powers_of_ten[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                         1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* mantissa * 10^exponent for exponents -19 .. 19: exact in 128 bits, or with enough bits and a last one that stands for all
 * that were cut, so that the one rounding is the conversion to double. */
static double scale_by_ten(uint64_t mantissa, int exponent)
{
    static const uint64_t powers[20] = {1,
                                        10,
                                        100,
                                        1000,
                                        10000,
                                        100000,
                                        1000000,
                                        10000000,
                                        100000000,
                                        1000000000,
                                        10000000000,
                                        100000000000,
                                        1000000000000,
                                        10000000000000,
                                        100000000000000,
                                        1000000000000000,
                                        10000000000000000,
                                        100000000000000000,
                                        1000000000000000000,
                                        10000000000000000000u};
    int shift = __builtin_clzll(mantissa);
    unsigned __int128 shifted, quotient;

    if (exponent >= 0) return (double)((unsigned __int128)mantissa * powers[exponent]);
    shifted = (unsigned __int128)(mantissa << shift) << 64;
    quotient = shifted / powers[-exponent]; /* at least 63 bits */
    if (quotient * powers[-exponent] != shifted) quotient |= 1;
    return ldexp((double)quotient, -64 - shift);
}

static bool equals_ignoring_case(capi_str text, const char *word)
{
    size_t bytes = strlen(word);

    if (text.bytes != bytes) return false;
    for (size_t i = 0; i < bytes; i++)
        if (lower(text.data[i]) != word[i]) return false;
    return true;
}

static bool parse_special(capi_str text, double *out)
{
    capi_str rest = text;
    bool negative = false;

    if (equals_ignoring_case(text, "nan")) {
        *out = NAN;
        return true;
    }
    if (rest.bytes && (rest.data[0] == '+' || rest.data[0] == '-')) {
        negative = rest.data[0] == '-';
        rest = capi_str_slice(rest, 1, rest.bytes);
    }
    if (!equals_ignoring_case(rest, "inf") && !equals_ignoring_case(rest, "infinity")) return false;
    *out = negative ? -INFINITY : INFINITY;
    return true;
}

capi_float_parse capi_parse_float(capi_str text, double *out)
{
    float_shape shape = {0};
    double value;

    if (text.bytes > FLOAT_TEXT_MAX) return CAPI_FLOAT_SYNTAX;
    if (!scan_float(text, &shape)) return parse_special(text, out) ? CAPI_FLOAT_OK : CAPI_FLOAT_SYNTAX;
    if (shape.is_hex) {
        value = hex_to_double(&shape);
        if (shape.negative) value = -value;
    } else if (!shape.is_cut && shape.mantissa <= UINT64_C(1) << 53 && shape.exponent >= -22 && shape.exponent <= 22) {
        value = (double)shape.mantissa;
        value = shape.exponent < 0 ? value / powers_of_ten[-shape.exponent] : value * powers_of_ten[shape.exponent];
        if (shape.negative) value = -value;
    } else if (!shape.is_cut && shape.mantissa != 0 && shape.exponent >= -19 && shape.exponent <= 19) {
        value = scale_by_ten(shape.mantissa, (int)shape.exponent);
        if (shape.negative) value = -value;
    } else {
        value = text_to_double(text);
    }
    if (isinf(value)) return CAPI_FLOAT_RANGE;
    *out = value;
    return CAPI_FLOAT_OK;
}

static size_t put(char *to, const char *text)
{
    size_t bytes = strlen(text);

    memcpy(to, text, bytes);
    return bytes;
}

/* d.ddde+XX, at least two digits of the exponent. */
static size_t float_text_exponent(const char *digits, unsigned count, int exponent, char *to)
{
    char *at = to;
    unsigned size = (unsigned)(exponent < 0 ? -exponent : exponent);

    *at++ = digits[0];
    if (count > 1) {
        *at++ = '.';
        memcpy(at, digits + 1, count - 1);
        at += count - 1;
    }
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    if (size >= 100) *at++ = (char)('0' + size / 100);
    *at++ = (char)('0' + size / 10 % 10);
    *at++ = (char)('0' + size % 10);
    return (size_t)(at - to);
}

static size_t float_text_plain(const char *digits, unsigned count, int point, char *to)
{
    char *at = to;

    if (point <= 0) {
        at += put(at, "0.");
        for (int i = point; i < 0; i++)
            *at++ = '0';
        memcpy(at, digits, count);
        return (size_t)(at - to) + count;
    }
    for (unsigned i = 0; i < count || i < (unsigned)point; i++) {
        if (i == (unsigned)point) *at++ = '.';
        *at++ = i < count ? digits[i] : '0';
    }
    return (size_t)(at - to);
}

size_t capi_float_text(double value, char text[CAPI_NUMBER_TEXT_MAX])
{
    char digits[18];
    char *at = text;
    unsigned count;
    int point;

    if (isnan(value)) return put(text, "NaN");
    if (isinf(value)) return put(text, value < 0 ? "-Inf" : "+Inf");
    if (signbit(value)) *at++ = '-';
    if (value == 0) {
        *at++ = '0';
        return (size_t)(at - text);
    }
    count = capi_double_shortest(fabs(value), digits, &point);
    if (point - 1 < -4 || point - 1 > 5)
        at += float_text_exponent(digits, count, point - 1, at);
    else
        at += float_text_plain(digits, count, point, at);
    return (size_t)(at - text);
}

size_t capi_int_text(int64_t value, char text[CAPI_NUMBER_TEXT_MAX])
{
    static const char pairs[] =
        "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243"
        "4445464748495051525354555657585960616263646566676869707172737475767778798081828384858687"
        "888990919293949596979899";
    char backwards[20];
    char *at = backwards + sizeof backwards;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t bytes = 0;
    size_t digit_count;

    while (rest >= 100) {
        at -= 2;
        memcpy(at, pairs + rest % 100 * 2, 2);
        rest /= 100;
    }
    if (rest >= 10) {
        at -= 2;
        memcpy(at, pairs + rest * 2, 2);
    } else {
        *--at = (char)('0' + rest);
    }
    if (value < 0) text[bytes++] = '-';
    digit_count = (size_t)(backwards + sizeof backwards - at);
    memcpy(text + bytes, at, digit_count);
    return bytes + digit_count;
}
