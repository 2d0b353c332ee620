/* format_check.c - whether a format of a CSV column fits the type of the column, before any row is written. */
#include "vec/format_parse.h"

enum { SHOWN_BYTES_MAX = 200 };

static int shown(capi_str text)
{
    return text.bytes < SHOWN_BYTES_MAX ? (int)text.bytes : SHOWN_BYTES_MAX;
}

static const char *data_of(capi_str text)
{
    return text.data ? text.data : "";
}

/* The verbs as letters, and as the message shows them. */
typedef struct check_verbs {
    const char *letters;
    const char *shown;
} check_verbs;

static check_verbs verbs_of(capi_type type)
{
    switch (type) {
    case CAPI_STRING:
    case CAPI_DECIMAL: return (check_verbs){"svqxX", "%s, %v, %q, %x or %X"};
    case CAPI_INT:
    case CAPI_LENGTH: return (check_verbs){"dvxXoObcqU", "%d, %v, %x, %X, %o, %O, %b, %c, %q or %U"};
    case CAPI_FLOAT: return (check_verbs){"fFeEgGvbxX", "%f, %e, %g, %v, %x or %b"};
    case CAPI_BOOL: return (check_verbs){"tv", "%t or %v"};
    case CAPI_DATETIME:
    case CAPI_MONTH:
    case CAPI_ZONE: break;
    }
    return (check_verbs){"", "a time layout"};
}

static bool is_among(uint32_t verb, const char *letters)
{
    return verb > 0 && verb < 0x80 && strchr(letters, (int)verb);
}

/* An index may only name the one value there is. */
static bool index_fits(const format_index *index)
{
    return index->kind == FORMAT_INDEX_NONE || (index->kind == FORMAT_INDEX_NUMBER && index->number == 0);
}

static const char *mistake_in(const format_directive *directive)
{
    if (directive->kind == FORMAT_NO_VERB) return "it ends after \"%\"";
    if (directive->star_width || directive->star_precision) return "\"*\" has no value to take a width from";
    if (directive->is_misplaced_index || !index_fits(&directive->width_index) ||
        !index_fits(&directive->precision_index) || !index_fits(&directive->verb_index))
        return "there is one value, so \"[1]\" is the only index, right before the verb";
    return NULL;
}

static capi_status check(const capi_format *format, capi_str text, capi_type type, capi_err *err)
{
    check_verbs verbs = verbs_of(type);
    uint32_t verb_count = 0;

    for (uint32_t i = 0; i < format->directive_count; i++) {
        const format_directive *directive = &format->directives[i];
        const char *mistake = mistake_in(directive);

        if (mistake)
            return capi_err_set(err, CAPI_INVALID, "format \"%.*s\" cannot be used: %s", shown(text), data_of(text),
                                mistake);
        if (directive->kind != FORMAT_VERB) continue;
        if (!is_among(directive->spec.verb, verbs.letters))
            return capi_err_set(err, CAPI_INVALID, "format \"%.*s\" does not fit type %s: expected %s", shown(text),
                                data_of(text), capi_type_name(type), verbs.shown);
        verb_count++;
    }
    if (verb_count == 1) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "format \"%.*s\" has %s verb: expected one of %s for type %s", shown(text),
                        data_of(text), verb_count ? "more than one" : "no", verbs.shown, capi_type_name(type));
}

capi_status capi_csv_format_check(capi_str format, capi_type type, capi_err *err)
{
    capi_arena arena = {0};
    capi_status st;

    if (type == CAPI_DATETIME) {
        if (format.bytes) return CAPI_OK;
        return capi_err_set(err, CAPI_INVALID, "format \"\" does not fit type datetime: expected a time layout");
    }
    st = check(capi_format_compile(&arena, format), format, type, err);
    capi_arena_deinit(&arena);
    return st;
}
