/* proto_guess.c - what the values of a CSV column look like, one after the other. */
#include "cmd/proto_sample.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

static bool takes_digits(capi_str *text, size_t least, size_t most)
{
    size_t count = 0;

    while (count < text->bytes && count < most && isdigit((unsigned char)text->data[count]))
        count++;
    *text = capi_str_slice(*text, count, text->bytes);
    return count >= least;
}

static bool takes_byte(capi_str *text, char byte)
{
    if (text->bytes == 0 || text->data[0] != byte) return false;
    *text = capi_str_slice(*text, 1, text->bytes);
    return true;
}

static capi_proto_type classify_number(capi_str text)
{
    capi_str digits;
    size_t before;

    if (!takes_byte(&text, '+')) takes_byte(&text, '-');
    digits = text;
    takes_digits(&text, 0, SIZE_MAX);
    before = digits.bytes - text.bytes;
    if (text.bytes == 0) return before ? CAPI_PROTO_INT : CAPI_PROTO_STRING;
    if (!takes_byte(&text, '.')) return CAPI_PROTO_STRING;
    digits = text;
    if (!takes_digits(&text, 1, SIZE_MAX) || text.bytes) return CAPI_PROTO_STRING;
    return digits.bytes == 2 ? CAPI_PROTO_DECIMAL : CAPI_PROTO_FLOAT;
}

static bool takes_parts(capi_str *text, size_t first_digits, char between)
{
    return takes_digits(text, first_digits, first_digits) && takes_byte(text, between) && takes_digits(text, 2, 2) &&
           takes_byte(text, between) && takes_digits(text, 2, 2);
}

/* YYYY-MM-DD, T or a blank (if dates are taken, nothing more is needed), hh:mm:ss, perhaps .mmm or .uuuuuu, perhaps +hhmm or -hhmm */
static bool is_datetime(capi_str text, bool takes_dates, char layout[CAPI_PROTO_LAYOUT_BYTES])
{
    const char *fraction = "";
    const char *zone = "";
    bool has_t;

    if (!takes_parts(&text, 4, '-')) return false;
    if (takes_dates && text.bytes == 0) {
        snprintf(layout, CAPI_PROTO_LAYOUT_BYTES, "2006-01-02");
        return true;
    }
    has_t = takes_byte(&text, 'T');
    if (!has_t && !takes_byte(&text, ' ')) return false;
    if (!takes_parts(&text, 2, ':')) return false;
    if (takes_byte(&text, '.')) {
        capi_str digits = text;
        size_t count;

        takes_digits(&text, 0, SIZE_MAX);
        count = digits.bytes - text.bytes;
        if (count != 3 && count != 6) return false;
        fraction = count == 3 ? ".000" : ".000000";
    }
    if (takes_byte(&text, '+') || takes_byte(&text, '-')) {
        if (!takes_digits(&text, 4, 4)) return false;
        zone = "-0700";
    }
    if (text.bytes) return false;
    snprintf(layout, CAPI_PROTO_LAYOUT_BYTES, "2006-01-02%c15:04:05%s%s", has_t ? 'T' : ' ', fraction, zone);
    return true;
}

static bool is_bool(capi_str text)
{
    static const char *const words[] = {"true", "false", "t", "f"};

    for (int i = 0; i < 4; i++)
        if (text.bytes == strlen(words[i]) && strncasecmp(text.data, words[i], text.bytes) == 0) return true;
    return false;
}

/* A number that int, decimal2 or float gives back with the same digits: no code, no key. */
static bool is_kept(capi_str number)
{
    enum { DIGITS_KEPT = 15 };
    size_t digits = 0;

    if (!takes_byte(&number, '-') && takes_byte(&number, '+')) return false;
    if (number.bytes > 1 && number.data[0] == '0' && number.data[1] != '.') return false;
    for (size_t i = 0; i < number.bytes; i++)
        digits += isdigit((unsigned char)number.data[i]) != 0;
    return digits <= DIGITS_KEPT;
}

capi_proto_type capi_proto_classify(capi_str value, bool is_careful, char layout[CAPI_PROTO_LAYOUT_BYTES])
{
    capi_str text = capi_str_trim(value);
    capi_proto_type number;

    if (text.bytes == 0) return CAPI_PROTO_NONE;
    number = classify_number(text);
    if (number != CAPI_PROTO_STRING) return is_careful && !is_kept(text) ? CAPI_PROTO_STRING : number;
    if (is_bool(text)) return CAPI_PROTO_BOOL;
    return is_datetime(text, is_careful, layout) ? CAPI_PROTO_DATETIME : CAPI_PROTO_STRING;
}

static bool is_number(capi_proto_type type)
{
    return type == CAPI_PROTO_INT || type == CAPI_PROTO_DECIMAL || type == CAPI_PROTO_FLOAT;
}

static capi_proto_type generalise(capi_proto_type a, capi_proto_type b)
{
    if (a == b || b == CAPI_PROTO_NONE) return a;
    if (a == CAPI_PROTO_NONE) return b;
    if (!is_number(a) || !is_number(b)) return CAPI_PROTO_STRING;
    return a == CAPI_PROTO_FLOAT || b == CAPI_PROTO_FLOAT ? CAPI_PROTO_FLOAT : CAPI_PROTO_DECIMAL;
}

/* A layout reads all datetimes of a column, or it is no datetime. */
void capi_proto_see(capi_proto_column *column, capi_str value, bool is_careful)
{
    char layout[CAPI_PROTO_LAYOUT_BYTES] = "";
    capi_proto_type seen = capi_proto_classify(value, is_careful, layout);

    if (seen == CAPI_PROTO_DATETIME && column->type == CAPI_PROTO_DATETIME && strcmp(layout, column->layout) != 0)
        seen = CAPI_PROTO_STRING;
    if (seen == CAPI_PROTO_DATETIME) memcpy(column->layout, layout, sizeof layout);
    column->type = generalise(column->type, seen);
}
