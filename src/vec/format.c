/* format.c - formats like "%-5d|%[2]*.3f": from text to directives, and directives over values.
 *
 * What a directive means hangs on the values in two ways only: "*" takes a width from them, and "[n]" may name one that is
 * not there. All else is settled when the format is compiled. The rules, mistakes included, are those of Go's package fmt. */
#include "vec/format_parse.h"
#include "vec/utf8.h"

enum { NUMBER_MAX = 1000000 }; /* of a width taken from a value; in the format one more digit passes */

typedef struct format_reader {
    const char *at;
    const char *end;
} format_reader;

static bool reader_has(const format_reader *reader, char c)
{
    return reader->at < reader->end && *reader->at == c;
}

static bool reader_take(format_reader *reader, char c)
{
    if (!reader_has(reader, c)) return false;
    reader->at++;
    return true;
}

/* Digits up to `end`; false if there are none, or so many that the rest up to `end` is dropped. */
static bool read_number(format_reader *reader, const char *end, uint32_t *out)
{
    const char *from = reader->at;

    *out = 0;
    for (; reader->at < end && *reader->at >= '0' && *reader->at <= '9'; reader->at++) {
        if (*out > NUMBER_MAX) {
            *out = 0;
            reader->at = end;
            return false;
        }
        *out = *out * 10 + (uint32_t)(*reader->at - '0');
    }
    return reader->at > from;
}

/* True if a well-formed "[n]" was read. */
static bool read_index(format_reader *reader, format_index *index)
{
    const char *close;
    format_reader inside = {reader->at + 1, reader->end};

    if (!reader_has(reader, '[')) return false;
    index->kind = FORMAT_INDEX_BAD;
    close = reader->end - reader->at < 3 ? NULL : memchr(inside.at, ']', (size_t)(reader->end - inside.at));
    if (!close) {
        reader->at++;
        return false;
    }
    reader->at = close + 1;
    if (!read_number(&inside, close, &index->number) || inside.at != close) return false;
    index->number--;
    index->kind = FORMAT_INDEX_NUMBER;
    return true;
}

static void read_flags(format_reader *reader, capi_format_spec *spec)
{
    for (; reader->at < reader->end; reader->at++) {
        if (*reader->at == '#')
            spec->sharp = true;
        else if (*reader->at == '0')
            spec->zero = true;
        else if (*reader->at == '+')
            spec->plus = true;
        else if (*reader->at == '-')
            spec->minus = true;
        else if (*reader->at == ' ')
            spec->space = true;
        else
            return;
    }
}

/* Returns whether an index stands last, so that it belongs to what follows. */
static bool read_width(format_reader *reader, format_directive *directive)
{
    bool has_index = read_index(reader, &directive->width_index);
    capi_format_spec *spec = &directive->spec;

    if (reader_take(reader, '*')) {
        directive->star_width = true;
        return false;
    }
    spec->has_width = read_number(reader, reader->end, &spec->width);
    if (has_index && spec->has_width) directive->is_misplaced_index = true;
    return has_index;
}

static bool read_precision(format_reader *reader, format_directive *directive, bool has_index)
{
    capi_format_spec *spec = &directive->spec;

    /* A point at the very end is taken for the verb. */
    if (reader->end - reader->at < 2 || !reader_take(reader, '.')) return has_index;
    if (has_index) directive->is_misplaced_index = true;
    has_index = read_index(reader, &directive->precision_index);
    if (reader_take(reader, '*')) {
        directive->star_precision = true;
        return false;
    }
    read_number(reader, reader->end, &spec->precision);
    spec->has_precision = true;
    return has_index;
}

/* "%v" is not told about + and #; # asks for strings in quotes. ("%w" is for errors, of which there are none; it is a wrong
 * verb that shows its value as "%v" does.) */
static void adjust_to_verb(capi_format_spec *spec)
{
    if (spec->verb != 'v' && spec->verb != 'w') return;
    spec->is_source = spec->sharp;
    spec->sharp = false;
    spec->plus = false;
}

/* What stands behind a "%". */
static void read_directive(format_reader *reader, format_directive *directive)
{
    capi_format_spec *spec = &directive->spec;
    bool has_index;

    read_flags(reader, spec);
    has_index = read_width(reader, directive);
    has_index = read_precision(reader, directive, has_index);
    if (!has_index) read_index(reader, &directive->verb_index);
    if (reader->at >= reader->end) {
        directive->kind = FORMAT_NO_VERB;
        return;
    }
    reader->at += capi_utf8_decode(reader->at, reader->end, &spec->verb);
    directive->kind = spec->verb == '%' ? FORMAT_PERCENT : FORMAT_VERB;
    adjust_to_verb(spec);
}

static bool directive_has_index(const format_directive *directive)
{
    return directive->width_index.kind != FORMAT_INDEX_NONE || directive->precision_index.kind != FORMAT_INDEX_NONE ||
           directive->verb_index.kind != FORMAT_INDEX_NONE;
}

static size_t count_percents(capi_str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.bytes; i++)
        count += text.data[i] == '%';
    return count;
}

const capi_format *capi_format_compile(capi_arena *arena, capi_str text)
{
    capi_format *format = capi_new(arena, capi_format);
    capi_str copy = capi_str_copy(arena, text);
    format_reader reader = {copy.data, copy.data + copy.bytes};

    format->directives = capi_new_array(arena, format_directive, count_percents(copy));
    for (;;) {
        size_t bytes = (size_t)(reader.end - reader.at);
        const char *percent = bytes ? memchr(reader.at, '%', bytes) : NULL;
        format_directive *directive = &format->directives[format->directive_count];

        if (!percent) {
            format->tail = (capi_str){reader.at, bytes};
            return format;
        }
        directive->literal = (capi_str){reader.at, (size_t)(percent - reader.at)};
        reader.at = percent + 1;
        read_directive(&reader, directive);
        format->has_index |= directive_has_index(directive);
        format->directive_count++;
    }
}

/* The values, and which comes next. */
typedef struct format_values {
    const capi_value *values;
    uint32_t count;
    uint32_t next;
    bool is_bad_index; /* of the directive at hand */
} format_values;

static void go_to_index(format_values *values, const format_index *index)
{
    if (index->kind == FORMAT_INDEX_NONE) return;
    if (index->kind == FORMAT_INDEX_NUMBER && index->number < values->count)
        values->next = index->number;
    else
        values->is_bad_index = true;
}

/* The int that "*" stands for; false if the next value is none, or too large. */
static bool take_int(format_values *values, int64_t *out)
{
    const capi_value *value;

    *out = 0;
    if (values->next >= values->count) return false;
    value = &values->values[values->next++];
    if (value->type != CAPI_INT && value->type != CAPI_LENGTH && value->type != CAPI_MONTH) return false;
    if (value->integer > NUMBER_MAX || value->integer < -NUMBER_MAX) return false;
    *out = value->integer;
    return true;
}

static void take_width(capi_buf *to, capi_format_spec *spec, format_values *values)
{
    int64_t width;

    spec->has_width = take_int(values, &width);
    if (!spec->has_width) capi_buf_append_text(to, "%!(BADWIDTH)");
    if (width < 0) {
        width = -width;
        spec->minus = true;
        spec->zero = false;
    }
    spec->width = (uint32_t)width;
}

static void take_precision(capi_buf *to, capi_format_spec *spec, format_values *values)
{
    int64_t precision;

    spec->has_precision = take_int(values, &precision) && precision >= 0;
    spec->precision = spec->has_precision ? (uint32_t)precision : 0;
    if (!spec->has_precision) capi_buf_append_text(to, "%!(BADPREC)");
}

/* "%!d(MISSING)" */
static void append_mistake(capi_buf *to, uint32_t verb, const char *what)
{
    char bytes[CAPI_RUNE_BYTES_MAX];

    capi_buf_append_text(to, "%!");
    capi_buf_append(to, bytes, capi_utf8_encode(verb, bytes));
    capi_buf_append_text(to, what);
}

static void apply_verb(capi_buf *to, const capi_format_spec *spec, format_values *values)
{
    if (values->is_bad_index)
        append_mistake(to, spec->verb, "(BADINDEX)");
    else if (values->next >= values->count)
        append_mistake(to, spec->verb, "(MISSING)");
    else
        capi_format_value(to, spec, &values->values[values->next++]);
}

static void apply_directive(capi_buf *to, const format_directive *directive, format_values *values)
{
    capi_format_spec spec = directive->spec;

    values->is_bad_index = directive->is_misplaced_index;
    go_to_index(values, &directive->width_index);
    if (directive->star_width) take_width(to, &spec, values);
    go_to_index(values, &directive->precision_index);
    if (directive->star_precision) take_precision(to, &spec, values);
    go_to_index(values, &directive->verb_index);
    switch (directive->kind) {
    case FORMAT_VERB: apply_verb(to, &spec, values); break;
    case FORMAT_PERCENT: capi_buf_append_byte(to, '%'); break;
    case FORMAT_NO_VERB: capi_buf_append_text(to, "%!(NOVERB)"); break;
    }
}

static void append_extra(capi_buf *to, const format_values *values)
{
    const capi_format_spec plain = {.verb = 'v'};

    capi_buf_append_text(to, "%!(EXTRA ");
    for (uint32_t i = values->next; i < values->count; i++) {
        if (i > values->next) capi_buf_append_text(to, ", ");
        capi_buf_append_text(to, capi_format_type_name(values->values[i].type));
        capi_buf_append_byte(to, '=');
        capi_format_value(to, &plain, &values->values[i]);
    }
    capi_buf_append_byte(to, ')');
}

void capi_format_apply(capi_buf *to, const capi_format *format, const capi_value *values, uint32_t value_count)
{
    format_values left = {values, value_count, 0, false};

    for (uint32_t i = 0; i < format->directive_count; i++) {
        capi_buf_append_str(to, format->directives[i].literal);
        apply_directive(to, &format->directives[i], &left);
    }
    capi_buf_append_str(to, format->tail);
    if (!format->has_index && left.next < left.count) append_extra(to, &left);
}

void capi_sprintf(capi_buf *to, capi_str format, const capi_value *values, uint32_t value_count)
{
    capi_arena arena = {0};

    capi_format_apply(to, capi_format_compile(&arena, format), values, value_count);
    capi_arena_deinit(&arena);
}

static capi_format_plain plain_float(const capi_format_spec *spec, unsigned *digits)
{
    if ((spec->verb == 'v' || spec->verb == 'g') && !spec->has_precision) return CAPI_FORMAT_SHORTEST;
    if (spec->verb != 'f' && spec->verb != 'F') return CAPI_FORMAT_NOT_PLAIN;
    *digits = spec->has_precision ? spec->precision : 6;
    return *digits <= CAPI_FLOAT_FIXED_DIGITS_MAX ? CAPI_FORMAT_FIXED : CAPI_FORMAT_NOT_PLAIN;
}

static bool is_bare(const capi_format *format)
{
    const format_directive *only = &format->directives[0];
    const capi_format_spec *spec = &only->spec;

    return format->directive_count == 1 && only->kind == FORMAT_VERB && !format->has_index && !only->star_width &&
           !only->star_precision && !only->literal.bytes && !format->tail.bytes && !spec->has_width && !spec->plus &&
           !spec->minus && !spec->sharp && !spec->space && !spec->zero && !spec->is_source;
}

capi_format_plain capi_format_plain_of(const capi_format *format, capi_type type, unsigned *digits)
{
    const capi_format_spec *spec = &format->directives[0].spec;

    if (!is_bare(format)) return CAPI_FORMAT_NOT_PLAIN;
    if (type == CAPI_FLOAT) return plain_float(spec, digits);
    if (spec->has_precision) return CAPI_FORMAT_NOT_PLAIN;
    if (type == CAPI_STRING || type == CAPI_DECIMAL)
        return spec->verb == 's' || spec->verb == 'v' ? CAPI_FORMAT_TEXT : CAPI_FORMAT_NOT_PLAIN;
    if (type == CAPI_INT) return spec->verb == 'd' || spec->verb == 'v' ? CAPI_FORMAT_INT : CAPI_FORMAT_NOT_PLAIN;
    if (type == CAPI_BOOL) return spec->verb == 't' || spec->verb == 'v' ? CAPI_FORMAT_BOOL : CAPI_FORMAT_NOT_PLAIN;
    return CAPI_FORMAT_NOT_PLAIN;
}
