/* format_float.c - floats by the verbs e f g v b x.
 *
 * The digits of %e, %f and %g with a precision come from the C library, which rounds the exact binary value; shortest
 * digits come from number.h. Sign, padding and the flag # are laid over that. */
#include "vec/format_verb.h"
#include "vec/number.h"

#include <math.h>
#include <stdio.h>

/* A double has at most 1074 digits behind the point and 309 before it: more precision only adds zeros. */
enum { PRECISION_MAX = 1100, HEAD_BYTES = 1500, TAIL_BYTES = 16 };

/* The text of a number without its sign: head, `zeros` times "0", tail (the exponent). */
typedef struct float_text {
    char head[HEAD_BYTES];
    size_t head_bytes;
    size_t zeros;
    char tail[TAIL_BYTES];
    size_t tail_bytes;
} float_text;

static void head_append(float_text *text, char c)
{
    text->head[text->head_bytes++] = c;
}

/* Cuts the exponent off the head: from the first of `marks` on. */
static void move_exponent(float_text *text, const char *marks)
{
    for (size_t i = 0; i < text->head_bytes; i++) {
        if (!strchr(marks, text->head[i])) continue;
        text->tail_bytes = text->head_bytes - i;
        memcpy(text->tail, text->head + i, text->tail_bytes);
        text->head_bytes = i;
        return;
    }
}

static void put_by_c_library(float_text *text, const char *format, double value, size_t precision)
{
    size_t clamped = precision < PRECISION_MAX ? precision : PRECISION_MAX;

    text->head_bytes = (size_t)snprintf(text->head, sizeof text->head, format, (int)clamped, value);
    move_exponent(text, "eE");
    /* %g drops trailing zeros, the other two have as many as they are asked for. */
    if (format[3] != 'g' && format[3] != 'G') text->zeros = precision - clamped;
}

static void put_shortest(float_text *text, double value, bool is_upper)
{
    text->head_bytes = capi_float_text(value, text->head);
    move_exponent(text, "e");
    if (is_upper && text->tail_bytes) text->tail[0] = 'E';
}

/* value = *mantissa * 2^*exponent, with an integer mantissa. */
static void split_double(double value, uint64_t *mantissa, int *exponent)
{
    uint64_t bits;

    memcpy(&bits, &value, 8);
    *mantissa = bits & ((UINT64_C(1) << 52) - 1);
    *exponent = (int)(bits >> 52 & 0x7FF);
    if (*exponent == 0)
        *exponent = 1;
    else
        *mantissa |= UINT64_C(1) << 52;
    *exponent -= 1023 + 52;
}

/* "%b": 4503599627370496p-52 */
static void put_binary(float_text *text, double value)
{
    uint64_t mantissa;
    int exponent;

    split_double(value, &mantissa, &exponent);
    text->head_bytes =
        (size_t)snprintf(text->head, sizeof text->head, "%llup%+d", (unsigned long long)mantissa, exponent);
}

/* Moves the mantissa so that its first bit is bit 60: one hex digit before the point, 15 behind it. */
static void normalise_hex(uint64_t *mantissa, int *exponent)
{
    if (*mantissa == 0) {
        *exponent = 0;
        return;
    }
    *exponent += 60;
    while (!(*mantissa & UINT64_C(1) << 60)) {
        *mantissa <<= 1;
        (*exponent)--;
    }
}

/* Ties to even. */
static void round_hex(uint64_t *mantissa, int *exponent, size_t precision)
{
    const uint64_t below_point = (UINT64_C(1) << 60) - 1;
    unsigned shift = (unsigned)precision * 4;
    uint64_t dropped = *mantissa << shift & below_point;

    *mantissa >>= 60 - shift;
    if ((dropped | (*mantissa & 1)) > UINT64_C(1) << 59) (*mantissa)++;
    *mantissa <<= 60 - shift;
    if (*mantissa & UINT64_C(1) << 61) {
        *mantissa >>= 1;
        (*exponent)++;
    }
}

/* "%x": 0x1.8p+01; without a precision all digits that are needed. */
static void put_hex(float_text *text, double value, const capi_format_spec *spec)
{
    bool is_upper = spec->verb == 'X';
    const char *digits = is_upper ? "0123456789ABCDEF" : "0123456789abcdef";
    size_t places = 0;
    uint64_t mantissa;
    int exponent;

    split_double(value, &mantissa, &exponent);
    normalise_hex(&mantissa, &exponent);
    if (spec->has_precision && spec->precision < 15) round_hex(&mantissa, &exponent, spec->precision);
    head_append(text, '0');
    head_append(text, (char)spec->verb);
    head_append(text, (char)('0' + (mantissa >> 60 & 1)));
    mantissa <<= 4;
    if (spec->has_precision ? spec->precision > 0 : mantissa != 0) head_append(text, '.');
    while (spec->has_precision ? places < spec->precision && places < 16 : mantissa != 0) {
        head_append(text, digits[mantissa >> 60 & 15]);
        mantissa <<= 4;
        places++;
    }
    if (spec->has_precision) text->zeros = spec->precision - places;
    text->tail_bytes = (size_t)snprintf(text->tail, sizeof text->tail, "%c%c%02d", is_upper ? 'P' : 'p',
                                        exponent < 0 ? '-' : '+', exponent < 0 ? -exponent : exponent);
}

static void put_finite(float_text *text, const capi_format_spec *spec, double value)
{
    size_t precision = spec->has_precision ? spec->precision : 6;

    switch (spec->verb) {
    case 'e': put_by_c_library(text, "%.*e", value, precision); break;
    case 'E': put_by_c_library(text, "%.*E", value, precision); break;
    case 'f':
    case 'F': put_by_c_library(text, "%.*f", value, precision); break;
    case 'b': put_binary(text, value); break;
    case 'x':
    case 'X': put_hex(text, value, spec); break;
    case 'G':
        if (spec->has_precision)
            put_by_c_library(text, "%.*G", value, precision);
        else
            put_shortest(text, value, true);
        break;
    default: /* g and v */
        if (spec->has_precision)
            put_by_c_library(text, "%.*g", value, precision);
        else
            put_shortest(text, value, false);
        break;
    }
}

/* The flag #: always a point, and for %g the zeros that it drops. */
static void apply_sharp(float_text *text, const capi_format_spec *spec)
{
    bool counts_digits = spec->verb == 'v' || spec->verb == 'g' || spec->verb == 'G' || spec->verb == 'x';
    int64_t missing = !counts_digits ? 0 : spec->has_precision ? spec->precision : 6;
    bool has_point = false, is_significant = false;

    for (size_t i = 0; i < text->head_bytes; i++) {
        if (text->head[i] == '.') {
            has_point = true;
            continue;
        }
        if (text->head[i] != '0') is_significant = true;
        if (is_significant) missing--;
    }
    if (is_significant) missing -= (int64_t)text->zeros;
    if (!has_point) {
        if (text->head_bytes == 1 && text->head[0] == '0') missing--;
        head_append(text, '.');
    }
    if (missing > 0) text->zeros += (size_t)missing;
}

static void append_text(capi_buf *to, const float_text *text)
{
    capi_buf_append(to, text->head, text->head_bytes);
    capi_format_fill(to, '0', text->zeros);
    capi_buf_append(to, text->tail, text->tail_bytes);
}

static void append_finite(capi_buf *to, const capi_format_spec *spec, const float_text *text, char sign)
{
    size_t bytes = (sign != 0) + text->head_bytes + text->zeros + text->tail_bytes;
    size_t missing = spec->has_width && spec->width > bytes ? spec->width - bytes : 0;

    if (missing && !spec->minus && !spec->zero) capi_format_fill(to, ' ', missing);
    if (sign) capi_buf_append_byte(to, sign);
    if (missing && !spec->minus && spec->zero) capi_format_fill(to, '0', missing);
    append_text(to, text);
    if (missing && spec->minus) capi_format_fill(to, ' ', missing);
}

/* Infinities always have a sign, NaN only if asked for; neither is padded with zeros. */
static void append_special(capi_buf *to, const capi_format_spec *spec, double value)
{
    char text[8];
    char sign = !isnan(value) && value < 0 ? '-' : spec->plus ? '+' : spec->space ? ' ' : isnan(value) ? 0 : '+';
    size_t bytes = 0;

    if (sign) text[bytes++] = sign;
    memcpy(text + bytes, isnan(value) ? "NaN" : "Inf", 3);
    capi_format_pad(to, spec, (capi_str){text, bytes + 3}, false);
}

/* "%.2f" and its kin without flags: most floats of most files. */
static bool append_plain_fixed(capi_buf *to, const capi_format_spec *spec, double value)
{
    unsigned digits = spec->has_precision ? spec->precision : 6;

    if ((spec->verb != 'f' && spec->verb != 'F') || digits > CAPI_FLOAT_FIXED_DIGITS_MAX) return false;
    if (spec->has_width || spec->plus || spec->space || spec->sharp) return false;
    to->bytes += capi_float_fixed_text(value, digits, capi_buf_reserve(to, CAPI_FLOAT_FIXED_TEXT_MAX));
    return true;
}

void capi_format_float(capi_buf *to, const capi_format_spec *spec, double value)
{
    float_text text;

    if (!isfinite(value)) {
        append_special(to, spec, value);
        return;
    }
    if (append_plain_fixed(to, spec, value)) return;
    text.head_bytes = text.zeros = text.tail_bytes = 0;
    put_finite(&text, spec, fabs(value));
    if (spec->sharp && spec->verb != 'b') apply_sharp(&text, spec);
    append_finite(to, spec, &text, signbit(value) ? '-' : spec->plus ? '+' : spec->space ? ' ' : 0);
}
