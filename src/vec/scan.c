/* scan.c - numbers inside of a CSV field, taken out by a format like "id %d" or "$%f".
 *
 * A format is compiled to steps: blanks, a literal, "%%", and the one verb. The rules are those of Go's Sscanf: blanks
 * before the verb are skipped, the verb takes as much as looks like a number, and what follows the format is ignored. */
#include "vec/format.h"
#include "vec/number.h"
#include "vec/utf8.h"

#include <math.h>
#include <stdio.h>

typedef enum scan_step_kind { SCAN_BLANKS, SCAN_LITERAL, SCAN_PERCENT, SCAN_VERB } scan_step_kind;

typedef struct scan_step {
    scan_step_kind kind;
    capi_str literal;
    uint32_t newline_count;  /* in a run of blanks */
    bool has_trailing_blank; /* behind the last newline of the run */
} scan_step;

enum { WIDTH_NONE = 1 << 30, WIDTH_MAX = 1000000 };

struct capi_scan {
    capi_str format;
    scan_step *steps;
    uint32_t step_count;
    uint32_t verb;  /* 0: none yet */
    uint32_t width; /* in characters */
    bool is_plain;
};

enum { SHOWN_BYTES_MAX = 200 };

static int shown(capi_str text)
{
    return text.bytes < SHOWN_BYTES_MAX ? (int)text.bytes : SHOWN_BYTES_MAX;
}

static const char *data_of(capi_str text)
{
    return text.data ? text.data : "";
}

/* Compiling. */

static bool is_verb_of(uint32_t verb, capi_type type)
{
    return verb > 0 && verb < 0x80 && strchr(type == CAPI_INT ? "bcdoUxXv" : "beEfFgGv", (int)verb);
}

static capi_status fail_format(const capi_scan *scan, const char *what, capi_err *err)
{
    return capi_err_set(err, CAPI_INVALID, "format \"%.*s\" cannot be used: %s", shown(scan->format),
                        data_of(scan->format), what);
}

/* Digits before `last`, the last byte of the format, which is always taken for the verb. */
static const char *read_width(const char *at, const char *last, uint32_t *width)
{
    const char *from = at;

    *width = 0;
    for (; at < last && *at >= '0' && *at <= '9'; at++) {
        if (*width > WIDTH_MAX) {
            *width = WIDTH_NONE;
            return last;
        }
        *width = *width * 10 + (uint32_t)(*at - '0');
    }
    if (at == from) *width = WIDTH_NONE;
    return at;
}

/* `at` stands behind "%". */
static capi_status compile_directive(capi_scan *scan, capi_type type, const char **at, capi_err *err)
{
    const char *end = scan->format.data + scan->format.bytes;
    uint32_t width, verb;

    if (*at == end) return fail_format(scan, "it ends after \"%\"", err);
    *at = read_width(*at, end - 1, &width);
    *at += capi_utf8_decode(*at, end, &verb);
    if (verb == '%') {
        scan->steps[scan->step_count++].kind = SCAN_PERCENT;
        return CAPI_OK;
    }
    if (!is_verb_of(verb, type))
        return capi_err_set(err, CAPI_INVALID, "format \"%.*s\" does not fit type %s: expected %s", shown(scan->format),
                            data_of(scan->format), capi_type_name(type),
                            type == CAPI_INT ? "%d, %x, %o, %b, %c or %v" : "%f, %e, %g or %v");
    if (scan->verb) return fail_format(scan, "it has more than one verb", err);
    scan->verb = verb;
    scan->width = width;
    scan->steps[scan->step_count++].kind = SCAN_VERB;
    return CAPI_OK;
}

static const char *compile_blanks(scan_step *step, const char *at, const char *end)
{
    step->kind = SCAN_BLANKS;
    while (at < end) {
        uint32_t rune;
        unsigned bytes = capi_utf8_decode(at, end, &rune);

        if (!capi_rune_is_space(rune)) break;
        step->newline_count += rune == '\n';
        step->has_trailing_blank = rune != '\n';
        at += bytes;
    }
    return at;
}

static const char *compile_literal(scan_step *step, const char *at, const char *end)
{
    const char *from = at;

    step->kind = SCAN_LITERAL;
    while (at < end && *at != '%') {
        uint32_t rune;
        unsigned bytes = capi_utf8_decode(at, end, &rune);

        if (capi_rune_is_space(rune)) break;
        at += bytes;
    }
    step->literal = (capi_str){from, (size_t)(at - from)};
    return at;
}

static capi_status compile_steps(capi_scan *scan, capi_type type, capi_err *err)
{
    const char *at = scan->format.data;
    const char *end = at + scan->format.bytes;

    while (at < end) {
        scan_step *step = &scan->steps[scan->step_count];
        uint32_t rune;

        capi_utf8_decode(at, end, &rune);
        if (rune == '%') {
            at++;
            CAPI_TRY(compile_directive(scan, type, &at, err));
        } else {
            at = capi_rune_is_space(rune) ? compile_blanks(step, at, end) : compile_literal(step, at, end);
            scan->step_count++;
        }
    }
    if (!scan->verb) return fail_format(scan, "it has no verb", err);
    return CAPI_OK;
}

capi_status capi_scan_compile(capi_arena *arena, capi_str format, capi_type type, const capi_scan **out, capi_err *err)
{
    capi_scan *scan = capi_new(arena, capi_scan);

    scan->format = capi_str_copy(arena, format);
    scan->steps = capi_new_array(arena, scan_step, format.bytes);
    CAPI_TRY(compile_steps(scan, type, err));
    scan->is_plain = capi_str_is(format, type == CAPI_INT ? "%d" : "%f");
    *out = scan;
    return CAPI_OK;
}

bool capi_scan_is_plain(const capi_scan *scan)
{
    return scan->is_plain;
}

/* Scanning. A step returns NULL, or in words what was expected. */

typedef struct scan_input {
    const char *start;
    const char *at;
    const char *end;
} scan_input;

/* The next character, or false at the end. */
static bool peek_rune(const scan_input *input, uint32_t *rune, unsigned *bytes)
{
    if (input->at == input->end) return false;
    *bytes = capi_utf8_decode(input->at, input->end, rune);
    return true;
}

/* All blanks but newlines. */
static void skip_blanks(scan_input *input)
{
    uint32_t rune;
    unsigned bytes;

    while (peek_rune(input, &rune, &bytes) && rune != '\n' && capi_rune_is_space(rune))
        input->at += bytes;
}

static const char *scan_blanks(scan_input *input, const scan_step *step)
{
    uint32_t rune;
    unsigned bytes;

    for (uint32_t i = 0; i < step->newline_count; i++) {
        skip_blanks(input);
        if (input->at == input->end) continue;
        if (*input->at != '\n') return "a new line";
        input->at++;
    }
    if (!step->has_trailing_blank || !peek_rune(input, &rune, &bytes)) return NULL;
    if (step->newline_count == 0 && (rune == '\n' || !capi_rune_is_space(rune))) return "a blank";
    skip_blanks(input);
    return NULL;
}

/* Character by character: all bad bytes count as the same one. */
static bool scan_literal(scan_input *input, capi_str literal)
{
    const char *at = literal.data;
    const char *end = literal.data + literal.bytes;

    while (at < end) {
        uint32_t expected, rune;
        unsigned bytes;

        at += capi_utf8_decode(at, end, &expected);
        if (!peek_rune(input, &rune, &bytes) || rune != expected) return false;
        input->at += bytes;
    }
    return true;
}

/* Before a verb: a new line is a mistake. */
static const char *skip_to_value(scan_input *input)
{
    skip_blanks(input);
    return input->at < input->end && *input->at == '\n' ? "a value and no new line" : NULL;
}

static const char *scan_percent(scan_input *input)
{
    const char *wrong = skip_to_value(input);

    if (wrong) return wrong;
    if (input->at == input->end || *input->at != '%') return "\"%\"";
    input->at++;
    return NULL;
}

/* What the verb may look at: `width` characters. */
static scan_input limit_width(const scan_input *input, uint32_t width)
{
    scan_input limited = *input;
    uint32_t rune;

    limited.end = limited.at;
    if (width >= (size_t)(input->end - input->at)) {
        limited.end = input->end;
        return limited;
    }
    for (uint32_t i = 0; i < width && limited.end < input->end; i++)
        limited.end += capi_utf8_decode(limited.end, input->end, &rune);
    return limited;
}

typedef const char *(*scan_value_fn)(const capi_scan *scan, scan_input *input, void *out);

static const char *scan_verb(const capi_scan *scan, scan_input *input, scan_value_fn read, void *out)
{
    const char *wrong = scan->verb == 'c' ? NULL : skip_to_value(input);
    scan_input limited;

    if (wrong) return wrong;
    limited = limit_width(input, scan->width);
    if (limited.at == limited.end) return "a value";
    wrong = read(scan, &limited, out);
    if (!wrong) input->at = limited.at;
    return wrong;
}

static capi_status fail_input(const capi_scan *scan, capi_str text, const scan_input *input, const char *what,
                              capi_err *err)
{
    int64_t offset = input->at - input->start;

    return capi_err_set_at(err, CAPI_INVALID, offset, 0,
                           "\"%.*s\" does not match format \"%.*s\": expected %s at byte %lld", shown(text),
                           data_of(text), shown(scan->format), data_of(scan->format), what, (long long)offset);
}

static capi_status scan_all(const capi_scan *scan, capi_str text, scan_value_fn read, void *out, capi_err *err)
{
    const char *data = data_of(text);
    scan_input input = {data, data, data + text.bytes};
    char expected[SHOWN_BYTES_MAX + 8];

    for (uint32_t i = 0; i < scan->step_count; i++) {
        const scan_step *step = &scan->steps[i];
        const char *wrong = NULL;

        switch (step->kind) {
        case SCAN_BLANKS: wrong = scan_blanks(&input, step); break;
        case SCAN_LITERAL:
            if (scan_literal(&input, step->literal)) break;
            snprintf(expected, sizeof expected, "\"%.*s\"", shown(step->literal), step->literal.data);
            wrong = expected;
            break;
        case SCAN_PERCENT: wrong = scan_percent(&input); break;
        case SCAN_VERB: wrong = scan_verb(scan, &input, read, out); break;
        }
        if (wrong) return fail_input(scan, text, &input, wrong, err);
    }
    return CAPI_OK;
}

static bool take_one_of(scan_input *input, const char *bytes)
{
    if (input->at == input->end || *input->at == 0 || !strchr(bytes, *input->at)) return false;
    input->at++;
    return true;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 99;
}

/* The base that "0x", "0o", "0b" or "0" before the digits says; 10 without. *has_digit: the prefix was a zero. */
static int take_base_prefix(scan_input *input, bool *has_digit)
{
    *has_digit = take_one_of(input, "0");
    if (!*has_digit) return 10;
    if (take_one_of(input, "bB")) {
        *has_digit = false;
        return 2;
    }
    if (take_one_of(input, "xX")) {
        *has_digit = false;
        return 16;
    }
    if (take_one_of(input, "oO")) *has_digit = false;
    return 8;
}

/* Digits and, for %v, single underscores between them (one may stand behind the prefix as well). False on overflow. */
static bool take_digits(scan_input *input, int base, uint64_t limit, bool takes_underscores, int *digit_count,
                        bool *is_well_formed, uint64_t *out)
{
    char before = 0;

    *out = 0;
    *digit_count = 0;
    for (; input->at < input->end; input->at++) {
        int digit = digit_value(*input->at);

        if (takes_underscores && *input->at == '_') {
            if (before == '_') *is_well_formed = false;
            before = '_';
            continue;
        }
        if (digit >= base) break;
        before = '0';
        (*digit_count)++;
        if (*out > (limit - (uint64_t)digit) / (uint64_t)base) return false;
        *out = *out * (uint64_t)base + (uint64_t)digit;
    }
    if (before == '_') *is_well_formed = false;
    return true;
}

static int base_of(uint32_t verb)
{
    switch (verb) {
    case 'b': return 2;
    case 'o': return 8;
    case 'x':
    case 'X':
    case 'U': return 16;
    default: return 10;
    }
}

static const char *read_integer(const capi_scan *scan, scan_input *input, int64_t *out)
{
    bool is_negative = false, has_digit = false, is_well_formed = true;
    bool takes_underscores = scan->verb == 'v';
    int base = base_of(scan->verb), digit_count;
    uint64_t magnitude, limit;

    if (scan->verb == 'U') {
        if (!take_one_of(input, "U") || !take_one_of(input, "+")) return "\"U+\" and hexadecimal digits";
    } else if (input->at < input->end && (*input->at == '-' || *input->at == '+')) {
        is_negative = *input->at++ == '-';
    }
    if (takes_underscores) {
        base = take_base_prefix(input, &has_digit);
        /* A number cannot begin with an underscore, a prefix may be followed by one. */
        if (base == 10 && input->at < input->end && *input->at == '_') return "digits";
    }
    limit = (uint64_t)INT64_MAX + is_negative;
    if (!take_digits(input, base, limit, takes_underscores, &digit_count, &is_well_formed, &magnitude))
        return "a number of 64 bits";
    if (digit_count == 0 && !has_digit) return base == 10 ? "digits" : "digits of the base";
    if (!is_well_formed) return "single underscores between digits";
    *out = (int64_t)(is_negative ? 0 - magnitude : magnitude);
    return NULL;
}

static const char *read_int(const capi_scan *scan, scan_input *input, void *out)
{
    uint32_t rune;

    if (scan->verb != 'c') return read_integer(scan, input, out);
    input->at += capi_utf8_decode(input->at, input->end, &rune);
    *(int64_t *)out = rune;
    return NULL;
}

capi_status capi_scan_int(const capi_scan *scan, capi_str text, int64_t *out, capi_err *err)
{
    return scan_all(scan, text, read_int, out, err);
}

static void take_all_of(scan_input *input, const char *bytes)
{
    while (take_one_of(input, bytes))
        continue;
}

/* "nan", "inf" in any case; takes what is there of the word, for then nothing else can follow. */
static bool take_word(scan_input *input, const char *lower, const char *upper)
{
    for (unsigned i = 0; i < 3; i++) {
        if (input->at == input->end || (*input->at != lower[i] && *input->at != upper[i])) return false;
        input->at++;
    }
    return true;
}

/* Everything that looks like a float, greedily. */
static capi_str take_float(scan_input *input)
{
    const char *from = input->at;
    const char *digits = "0123456789_", *exponent = "eEpP";

    if (take_word(input, "nan", "NAN")) return (capi_str){from, 3};
    take_one_of(input, "+-");
    if (take_word(input, "inf", "INF")) return (capi_str){from, (size_t)(input->at - from)};
    if (take_one_of(input, "0") && take_one_of(input, "xX")) {
        digits = "0123456789aAbBcCdDeEfF_";
        exponent = "pP";
    }
    take_all_of(input, digits);
    if (take_one_of(input, ".")) take_all_of(input, digits);
    if (take_one_of(input, exponent)) {
        take_one_of(input, "+-");
        take_all_of(input, "0123456789_");
    }
    return (capi_str){from, (size_t)(input->at - from)};
}

/* "1.5p3" is 1.5 * 2^3; with a capital P it is no number, and hexadecimal floats are read elsewhere. */
static capi_float_parse parse_with_binary_exponent(capi_str text, double *out)
{
    const char *p = text.bytes ? memchr(text.data, 'p', text.bytes) : NULL;
    size_t at = p ? (size_t)(p - text.data) : 0;
    capi_float_parse result;
    int64_t exponent;

    if (!p || memchr(text.data, 'x', text.bytes) || memchr(text.data, 'X', text.bytes))
        return capi_parse_float(text, out);
    result = capi_parse_float(capi_str_slice(text, 0, at), out);
    if (result != CAPI_FLOAT_OK) return result;
    if (!capi_parse_int(capi_str_slice(text, at + 1, text.bytes), &exponent)) return CAPI_FLOAT_SYNTAX;
    *out = ldexp(*out, exponent > 5000 ? 5000 : exponent < -5000 ? -5000 : (int)exponent);
    return CAPI_FLOAT_OK;
}

static const char *read_float(const capi_scan *scan, scan_input *input, void *out)
{
    (void)scan;
    switch (parse_with_binary_exponent(take_float(input), out)) {
    case CAPI_FLOAT_OK: return NULL;
    case CAPI_FLOAT_RANGE: return "a number within the range of a float";
    case CAPI_FLOAT_SYNTAX: break;
    }
    return "a number";
}

capi_status capi_scan_float(const capi_scan *scan, capi_str text, double *out, capi_err *err)
{
    return scan_all(scan, text, read_float, out, err);
}
