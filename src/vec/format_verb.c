/* format_verb.c - one value by one verb.
 *
 * Texts, ints and bools; floats are in format_float.c, quotes in format_quote.c. A verb that does not fit the type prints
 * what is wrong: "%!d(string=abc)". Decimals, datetimes, zones and months are shown as their text. */
#include "vec/format_verb.h"
#include "vec/utf8.h"
#include "vec/vec.h"

const char *capi_format_type_name(capi_type type)
{
    switch (type) {
    case CAPI_STRING: return "string";
    case CAPI_INT: return "int64";
    case CAPI_FLOAT: return "float64";
    case CAPI_BOOL: return "bool";
    case CAPI_DATETIME: return "time.Time";
    case CAPI_DECIMAL: return "decimal.Decimal";
    case CAPI_LENGTH: return "int";
    case CAPI_MONTH: return "time.Month";
    case CAPI_ZONE: return "*time.Location";
    }
    return "";
}

static size_t count_runes(capi_str text)
{
    const char *end = text.data + text.bytes;
    size_t count = 0;
    uint32_t rune;

    for (const char *at = text.data; at < end; count++)
        at += capi_utf8_decode(at, end, &rune);
    return count;
}

void capi_format_fill(capi_buf *to, char fill, size_t count)
{
    if (count == 0) return;
    memset(capi_buf_reserve(to, count), fill, count);
    to->bytes += count;
}

void capi_format_pad(capi_buf *to, const capi_format_spec *spec, capi_str text, bool zeros_allowed)
{
    size_t runes, missing;

    if (!spec->has_width || spec->width == 0) {
        capi_buf_append_str(to, text);
        return;
    }
    runes = count_runes(text);
    missing = spec->width > runes ? spec->width - runes : 0;
    if (!spec->minus) capi_format_fill(to, spec->zero && zeros_allowed ? '0' : ' ', missing);
    capi_buf_append_str(to, text);
    if (spec->minus) capi_format_fill(to, ' ', missing);
}

/* As many characters as the precision allows. */
static capi_str cut(const capi_format_spec *spec, capi_str text)
{
    const char *at = text.data;
    const char *end = text.data + text.bytes;
    uint32_t rune;

    if (!spec->has_precision || spec->precision >= text.bytes) return text;
    for (uint32_t count = 0; count < spec->precision && at < end; count++)
        at += capi_utf8_decode(at, end, &rune);
    return (capi_str){text.data, (size_t)(at - text.data)};
}

/* "%x" of a text: its bytes; the precision counts bytes, the flag space sets them apart. */
static void format_hex(capi_buf *to, const capi_format_spec *spec, capi_str text)
{
    const char *digits = spec->verb == 'x' ? "0123456789abcdefx" : "0123456789ABCDEFX";
    size_t count = spec->has_precision && spec->precision < text.bytes ? spec->precision : text.bytes;
    size_t width = spec->has_width ? spec->width : 0;
    size_t bytes = 2 * count;

    if (count == 0) {
        capi_format_fill(to, spec->zero && !spec->minus ? '0' : ' ', width);
        return;
    }
    if (spec->space)
        bytes = bytes * (spec->sharp ? 2 : 1) + count - 1;
    else if (spec->sharp)
        bytes += 2;
    if (width > bytes && !spec->minus) capi_format_fill(to, spec->zero ? '0' : ' ', width - bytes);
    for (size_t i = 0; i < count; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if (spec->space && i > 0) capi_buf_append_byte(to, ' ');
        if (spec->sharp && (spec->space || i == 0)) {
            capi_buf_append_byte(to, '0');
            capi_buf_append_byte(to, digits[16]);
        }
        capi_buf_append_byte(to, digits[byte >> 4]);
        capi_buf_append_byte(to, digits[byte & 15]);
    }
    if (width > bytes && spec->minus) capi_format_fill(to, ' ', width - bytes);
}

static bool is_text_verb(uint32_t verb)
{
    return verb == 'v' || verb == 's' || verb == 'q' || verb == 'x' || verb == 'X';
}

/* One of the verbs v s q x X. */
static void format_text(capi_buf *to, const capi_format_spec *spec, capi_str text)
{
    if (spec->verb == 'x' || spec->verb == 'X')
        format_hex(to, spec, text);
    else if (spec->verb == 'q' || spec->is_source)
        capi_format_quoted(to, spec, cut(spec, text));
    else
        capi_format_pad(to, spec, cut(spec, text), true);
}

typedef struct int_style {
    unsigned base; /* 0: the verb is none for ints in digits */
    const char *prefix;
} int_style;

static int_style int_style_of(const capi_format_spec *spec)
{
    switch (spec->verb) {
    case 'd':
    case 'v': return (int_style){10, ""};
    case 'b': return (int_style){2, spec->sharp ? "0b" : ""};
    case 'o': return (int_style){8, ""};
    case 'O': return (int_style){8, "0o"};
    case 'x': return (int_style){16, spec->sharp ? "0x" : ""};
    case 'X': return (int_style){16, spec->sharp ? "0X" : ""};
    default: return (int_style){0, NULL};
    }
}

/* Writes the digits to the end of `digits`; returns how many. */
static size_t put_digits(uint64_t value, unsigned base, bool is_upper, char digits[64])
{
    const char *alphabet = is_upper ? "0123456789ABCDEF" : "0123456789abcdef";
    size_t count = 0;

    do {
        digits[64 - ++count] = alphabet[value % base];
        value /= base;
    } while (value);
    return count;
}

static char sign_of(const capi_format_spec *spec, bool is_negative)
{
    return is_negative ? '-' : spec->plus ? '+' : spec->space ? ' ' : 0;
}

/* The leading zeros that precision or the flag 0 ask for. */
static size_t int_zeros(const capi_format_spec *spec, size_t digit_count, char sign)
{
    size_t wanted = 0;

    if (spec->has_precision)
        wanted = spec->precision;
    else if (spec->zero && !spec->minus && spec->has_width)
        wanted = spec->width - (sign && spec->width ? 1 : 0);
    return wanted > digit_count ? wanted - digit_count : 0;
}

static void format_digits(capi_buf *to, const capi_format_spec *spec, int_style style, int64_t value)
{
    char digits[64], sign = sign_of(spec, value < 0);
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t count, zeros, prefix_bytes, bytes, width = spec->has_width ? spec->width : 0;
    bool has_octal_zero;

    if (spec->has_precision && spec->precision == 0 && magnitude == 0) {
        capi_format_fill(to, ' ', width);
        return;
    }
    count = put_digits(magnitude, style.base, spec->verb == 'X', digits);
    zeros = int_zeros(spec, count, sign);
    has_octal_zero = spec->sharp && style.base == 8 && zeros == 0 && magnitude != 0;
    prefix_bytes = strlen(style.prefix);
    bytes = (sign != 0) + prefix_bytes + has_octal_zero + zeros + count;
    if (width > bytes && !spec->minus) capi_format_fill(to, ' ', width - bytes);
    if (sign) capi_buf_append_byte(to, sign);
    capi_buf_append(to, style.prefix, prefix_bytes);
    capi_format_fill(to, '0', zeros + has_octal_zero);
    capi_buf_append(to, digits + 64 - count, count);
    if (width > bytes && spec->minus) capi_format_fill(to, ' ', width - bytes);
}

static void format_rune(capi_buf *to, const capi_format_spec *spec, int64_t value)
{
    uint32_t rune = value < 0 || value > CAPI_RUNE_MAX ? CAPI_RUNE_ERROR : (uint32_t)value;
    char bytes[CAPI_RUNE_BYTES_MAX];

    if (spec->verb == 'q') {
        capi_format_quoted_rune(to, spec, rune);
        return;
    }
    capi_format_pad(to, spec, (capi_str){bytes, capi_utf8_encode(rune, bytes)}, true);
}

/* "U+0041", and the character as well with the flag #. */
static void format_code_point(capi_buf *to, const capi_format_spec *spec, int64_t value)
{
    char digits[64], bytes[CAPI_RUNE_BYTES_MAX];
    size_t count = put_digits((uint64_t)value, 16, true, digits);
    size_t wanted = spec->has_precision && spec->precision > 4 ? spec->precision : 4;
    capi_buf text = {0};

    capi_buf_append_text(&text, "U+");
    if (wanted > count) capi_format_fill(&text, '0', wanted - count);
    capi_buf_append(&text, digits + 64 - count, count);
    if (spec->sharp && value >= 0 && value <= CAPI_RUNE_MAX && capi_rune_is_print((uint32_t)value)) {
        capi_buf_append_text(&text, " '");
        capi_buf_append(&text, bytes, capi_utf8_encode((uint32_t)value, bytes));
        capi_buf_append_byte(&text, '\'');
    }
    capi_format_pad(to, spec, capi_buf_str(&text), false);
    capi_buf_deinit(&text);
}

/* False if the verb is none for ints. */
static bool format_int(capi_buf *to, const capi_format_spec *spec, int64_t value)
{
    int_style style = int_style_of(spec);

    if (style.base)
        format_digits(to, spec, style, value);
    else if (spec->verb == 'c' || spec->verb == 'q')
        format_rune(to, spec, value);
    else if (spec->verb == 'U')
        format_code_point(to, spec, value);
    else
        return false;
    return true;
}

static bool is_float_verb(uint32_t verb)
{
    return verb < 0x80 && verb != 0 && strchr("beEfFgGvxX", (int)verb);
}

/* The types that are shown as their text. */
static void format_text_of_value(capi_buf *to, const capi_format_spec *spec, const capi_value *value)
{
    capi_format_spec plain = *spec;
    capi_buf text = {0};

    if ((spec->verb == 'v' || spec->verb == 's') && !spec->has_width && !spec->has_precision) {
        capi_value_append_text(to, value);
        return;
    }
    plain.is_source = false;
    capi_buf_reserve(&text, 64);
    capi_value_append_text(&text, value);
    format_text(to, &plain, capi_buf_str(&text));
    capi_buf_deinit(&text);
}

/* False if the verb does not fit the type. */
static bool format_fitting(capi_buf *to, const capi_format_spec *spec, const capi_value *value)
{
    switch (value->type) {
    case CAPI_STRING:
        if (!is_text_verb(spec->verb)) return false;
        format_text(to, spec, value->string.data ? value->string : CAPI_STR(""));
        return true;
    case CAPI_INT:
    case CAPI_LENGTH: return format_int(to, spec, value->integer);
    case CAPI_FLOAT:
        if (!is_float_verb(spec->verb)) return false;
        capi_format_float(to, spec, value->real);
        return true;
    case CAPI_BOOL:
        if (spec->verb != 't' && spec->verb != 'v') return false;
        capi_format_pad(to, spec, value->boolean ? CAPI_STR("true") : CAPI_STR("false"), true);
        return true;
    case CAPI_MONTH:
        if (!is_text_verb(spec->verb)) return format_int(to, spec, value->integer);
        format_text_of_value(to, spec, value);
        return true;
    case CAPI_DATETIME:
    case CAPI_DECIMAL:
    case CAPI_ZONE:
        if (!is_text_verb(spec->verb)) return false;
        format_text_of_value(to, spec, value);
        return true;
    }
    return false;
}

/* The value in it is printed by "%v" with the flags and widths of the wrong verb; a month as its number. */
static void format_bad_verb(capi_buf *to, const capi_format_spec *spec, const capi_value *value)
{
    capi_format_spec plain = *spec;
    char verb[CAPI_RUNE_BYTES_MAX];

    plain.verb = 'v';
    capi_buf_append_text(to, "%!");
    capi_buf_append(to, verb, capi_utf8_encode(spec->verb, verb));
    capi_buf_append_byte(to, '(');
    capi_buf_append_text(to, capi_format_type_name(value->type));
    capi_buf_append_byte(to, '=');
    if (value->type == CAPI_MONTH)
        format_int(to, &plain, value->integer);
    else
        format_fitting(to, &plain, value);
    capi_buf_append_byte(to, ')');
}

void capi_format_value(capi_buf *to, const capi_format_spec *spec, const capi_value *value)
{
    if (spec->verb == 'T')
        capi_format_pad(to, spec, cut(spec, capi_str_of(capi_format_type_name(value->type))), true);
    else if (!format_fitting(to, spec, value))
        format_bad_verb(to, spec, value);
}
