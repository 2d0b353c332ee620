/* csv_convert.c - the rules by which a field becomes a value (processing specification, 3.3 and 3.4).
 *
 * This file says what is right; csv_columns.c does the same for whole columns and comes here whenever a field is not of the
 * usual kind. */
#include "io/csv_convert.h"

#include "vec/number.h"

/* The length of the white space character at the start of the text (Unicode's White_Space), or 0. */
static size_t space_bytes(capi_str text)
{
    const unsigned char *at = (const unsigned char *)text.data;

    if (at[0] == ' ' || (at[0] >= '\t' && at[0] <= '\r')) return 1;
    if (text.bytes >= 2 && at[0] == 0xc2 && (at[1] == 0x85 || at[1] == 0xa0)) return 2;
    if (text.bytes < 3) return 0;
    if (at[0] == 0xe1 && at[1] == 0x9a && at[2] == 0x80) return 3;
    if (at[0] == 0xe2 && at[1] == 0x80)
        return (at[2] >= 0x80 && at[2] <= 0x8a) || at[2] == 0xa8 || at[2] == 0xa9 || at[2] == 0xaf ? 3 : 0;
    if (at[0] == 0xe2 && at[1] == 0x81 && at[2] == 0x9f) return 3;
    return at[0] == 0xe3 && at[1] == 0x80 && at[2] == 0x80 ? 3 : 0;
}

static bool is_blank(capi_str text)
{
    while (text.bytes) {
        size_t bytes = space_bytes(text);

        if (!bytes) return false;
        text = capi_str_slice(text, bytes, text.bytes);
    }
    return true;
}

/* What counts as no value, in data and defaults alike. */
static bool is_empty(capi_type type, capi_str text)
{
    return type == CAPI_STRING ? text.bytes == 0 : is_blank(text);
}

void capi_csv_append_shown(capi_buf *to, capi_str text)
{
    enum { SHOWN_BYTES_MAX = 200 };
    bool is_cut = text.bytes > SHOWN_BYTES_MAX;
    size_t at = 0;

    if (is_cut) text.bytes = SHOWN_BYTES_MAX;
    capi_buf_append_byte(to, '"');
    while (at < text.bytes) {
        unsigned char byte = (unsigned char)text.data[at];
        size_t bad_at = 0, bytes = 1;

        if (byte >= 0x80) {
            for (bytes = 2; bytes <= 4 && at + bytes <= text.bytes; bytes++)
                if (capi_str_is_utf8(capi_str_slice(text, at, at + bytes), &bad_at)) break;
            if (bytes > 4 || at + bytes > text.bytes) bytes = 0;
        }
        if (bytes == 0 || byte < 0x20 || byte == 0x7f) {
            if (byte == '\n')
                capi_buf_append_text(to, "\\n");
            else if (byte == '\r')
                capi_buf_append_text(to, "\\r");
            else if (byte == '\t')
                capi_buf_append_text(to, "\\t");
            else
                capi_buf_printf(to, "\\x%02x", byte);
            at++;
            continue;
        }
        if (byte == '"' || byte == '\\') capi_buf_append_byte(to, '\\');
        capi_buf_append(to, text.data + at, bytes);
        at += bytes;
    }
    capi_buf_append_text(to, is_cut ? "\"..." : "\"");
}

/* "12,a" is not a decimal2 with format "%f": <cause> */
static capi_status value_error(const capi_csv_rule *rule, const char *what, capi_str text, capi_err *cause,
                               capi_err *err)
{
    const capi_csv_column *column = rule->column;
    capi_buf shown = {0}, format = {0};

    if (!err) return CAPI_INVALID;
    capi_csv_append_shown(&shown, text);
    if (column->format.bytes) {
        capi_buf_append_text(&format, column->type == CAPI_DATETIME ? " with layout " : " with format ");
        capi_csv_append_shown(&format, column->format);
    }
    capi_err_set(err, CAPI_INVALID, "%s%.*s is not %s %s%.*s%s%s", what, CAPI_STR_ARG(capi_buf_str(&shown)),
                 column->type == CAPI_INT ? "an" : "a", capi_type_name(column->type),
                 CAPI_STR_ARG(capi_buf_str(&format)), cause && cause->text[0] ? ": " : "", cause ? cause->text : "");
    capi_buf_deinit(&shown);
    capi_buf_deinit(&format);
    return CAPI_INVALID;
}

static bool parse_decimal(capi_str text, capi_decimal *out)
{
    capi_decimal exact;

    return capi_decimal_parse(text, &exact) && capi_decimal_round(&exact, 2, out);
}

/* Text without a format, as defaults are always written (but for datetimes). */
static bool parse_plain(capi_type type, capi_str text, capi_value *out)
{
    switch (type) {
    case CAPI_STRING: out->string = text; return true;
    case CAPI_INT: return capi_parse_int(text, &out->integer);
    case CAPI_FLOAT: return capi_parse_float(text, &out->real) == CAPI_FLOAT_OK;
    case CAPI_BOOL: return capi_parse_bool(text, &out->boolean);
    case CAPI_DECIMAL: return parse_decimal(text, &out->decimal);
    case CAPI_DATETIME:
    case CAPI_LENGTH:
    case CAPI_MONTH:
    case CAPI_ZONE: break;
    }
    return false;
}

static const char *plain_cause(capi_type type)
{
    switch (type) {
    case CAPI_INT: return "expected decimal digits, with or without a sign, within 64 bits";
    case CAPI_FLOAT: return "expected a number such as -12.5 or 1e6";
    case CAPI_BOOL: return "expected 1, t, T, TRUE, true, True, 0, f, F, FALSE, false or False";
    case CAPI_DECIMAL: return "expected a decimal number such as -12.50";
    case CAPI_DATETIME: return "a datetime column needs a layout as its format";
    case CAPI_STRING:
    case CAPI_LENGTH:
    case CAPI_MONTH:
    case CAPI_ZONE: break;
    }
    return "";
}

/* A decimal with a format is scanned as a double, whose shortest text is then rounded. */
static capi_status scan_decimal(const capi_scan *scan, capi_str text, capi_decimal *out, capi_err *err)
{
    capi_decimal shortest;
    double real;

    CAPI_TRY(capi_scan_float(scan, text, &real, err));
    if (!capi_decimal_from_double(real, &shortest)) return capi_err_set(err, CAPI_INVALID, "it is not finite");
    if (!capi_decimal_round(&shortest, 2, out)) return capi_err_set(err, CAPI_INVALID, "it has too many digits");
    return CAPI_OK;
}

/* A text that is not empty, by the column's format. */
static capi_status parse_field(const capi_csv_rule *rule, capi_str text, capi_arena *arena, capi_value *out,
                               capi_err *err)
{
    out->type = rule->column->type;
    switch (rule->way) {
    case CAPI_CSV_INT_SCAN: return capi_scan_int(rule->scan, text, &out->integer, err);
    case CAPI_CSV_FLOAT_SCAN: return capi_scan_float(rule->scan, text, &out->real, err);
    case CAPI_CSV_DECIMAL_SCAN: return scan_decimal(rule->scan, text, &out->decimal, err);
    case CAPI_CSV_DATETIME:
        if (rule->layout) return capi_layout_parse(rule->layout, text, arena, &out->instant, err);
        break;
    case CAPI_CSV_STRING:
    case CAPI_CSV_BOOL:
    case CAPI_CSV_INT:
    case CAPI_CSV_FLOAT:
    case CAPI_CSV_DECIMAL:
        if (parse_plain(out->type, text, out)) return CAPI_OK;
        break;
    }
    return capi_err_set(err, CAPI_INVALID, "%s", plain_cause(out->type));
}

static capi_status parse_field_or_say(const capi_csv_rule *rule, const char *what, capi_str text, capi_arena *arena,
                                      capi_value *out, capi_err *err)
{
    capi_err cause;

    if (!err) return parse_field(rule, text, arena, out, NULL);
    memset(&cause, 0, offsetof(capi_err, text) + 1);
    if (parse_field(rule, text, arena, out, &cause) == CAPI_OK) return CAPI_OK;
    return value_error(rule, what, text, &cause, err);
}

capi_status capi_csv_rule_value(const capi_csv_rule *rule, capi_str field, capi_arena *arena, capi_value *out,
                                capi_err *err)
{
    if (is_empty(rule->column->type, field)) {
        *out = rule->default_value;
        return CAPI_OK;
    }
    return parse_field_or_say(rule, "", field, arena, out, err);
}

capi_status capi_csv_rule_explain(const capi_csv_rule *rule, capi_str field, capi_arena *arena, capi_err *err)
{
    const char *nul = field.bytes ? memchr(field.data, 0, field.bytes) : NULL;
    capi_buf shown = {0};
    capi_value value;
    size_t bad_at = 0;

    if (rule->column->type != CAPI_STRING) return capi_csv_rule_value(rule, field, arena, &value, err);
    capi_csv_append_shown(&shown, field);
    if (nul)
        capi_err_set(err, CAPI_INVALID, "%.*s has a NUL at byte %zu, which a string cannot hold",
                     CAPI_STR_ARG(capi_buf_str(&shown)), (size_t)(nul - field.data));
    else if (!capi_str_is_utf8(field, &bad_at))
        capi_err_set(err, CAPI_INVALID, "%.*s is not UTF-8 text: bad byte 0x%02x at byte %zu of the field",
                     CAPI_STR_ARG(capi_buf_str(&shown)), (unsigned char)field.data[bad_at], bad_at);
    capi_buf_deinit(&shown);
    return CAPI_INVALID;
}

/* ---- compiling ---- */

static capi_csv_way way_of(const capi_csv_column *column)
{
    bool has_format = column->format.bytes > 0;

    switch (column->type) {
    case CAPI_INT: return has_format ? CAPI_CSV_INT_SCAN : CAPI_CSV_INT;
    case CAPI_FLOAT: return has_format ? CAPI_CSV_FLOAT_SCAN : CAPI_CSV_FLOAT;
    case CAPI_DECIMAL: return has_format ? CAPI_CSV_DECIMAL_SCAN : CAPI_CSV_DECIMAL;
    case CAPI_BOOL: return CAPI_CSV_BOOL;
    case CAPI_DATETIME: return CAPI_CSV_DATETIME;
    case CAPI_STRING:
    case CAPI_LENGTH:
    case CAPI_MONTH:
    case CAPI_ZONE: break;
    }
    return CAPI_CSV_STRING;
}

/* The kind of column and whether it may have a format at all. */
static capi_status rule_init(capi_csv_rule *rule, const capi_csv_column *column, capi_err *err)
{
    memset(rule, 0, sizeof *rule);
    rule->column = column;
    rule->way = way_of(column);
    rule->is_plain = column->format.bytes == 0;
    rule->default_value = capi_value_zero(column->type);
    if ((int)column->type >= CAPI_TYPE_STORED_COUNT)
        return capi_err_set(err, CAPI_INVALID, "a column cannot have type %s", capi_type_name(column->type));
    if (column->format.bytes && (column->type == CAPI_STRING || column->type == CAPI_BOOL))
        return capi_err_set(err, CAPI_INVALID, "a %s column takes no format, but it has \"%.*s\"",
                            capi_type_name(column->type), CAPI_STR_ARG(column->format));
    return CAPI_OK;
}

static capi_status rule_compile_format(capi_csv_rule *rule, capi_arena *arena, capi_err *err)
{
    const capi_csv_column *column = rule->column;

    if (column->format.bytes == 0) return CAPI_OK;
    if (column->type == CAPI_DATETIME) {
        rule->layout = capi_layout_compile(arena, column->format);
        return CAPI_OK;
    }
    CAPI_TRY(capi_scan_compile(arena, column->format, column->type, &rule->scan, err));
    rule->is_plain = capi_scan_is_plain(rule->scan);
    return CAPI_OK;
}

static capi_status rule_compile_default(capi_csv_rule *rule, capi_arena *arena, capi_err *err)
{
    const capi_csv_column *column = rule->column;
    capi_csv_column bare = *column;
    capi_csv_rule plain = *rule;

    if (!column->has_default || is_empty(column->type, column->default_text)) return CAPI_OK;
    if (column->type != CAPI_DATETIME) { /* defaults are written without the format */
        bare.format = (capi_str){0};
        plain.column = &bare;
        plain.way = way_of(&bare);
    }
    return parse_field_or_say(&plain, "default ", column->default_text, arena, &rule->default_value, err);
}

capi_status capi_csv_rule_compile(capi_csv_rule *rule, const capi_csv_column *column, capi_arena *arena, capi_err *err)
{
    CAPI_TRY(rule_init(rule, column, err));
    CAPI_TRY(rule_compile_format(rule, arena, err));
    if (column->type == CAPI_DATETIME && !rule->layout)
        return capi_err_set(err, CAPI_INVALID, "%s", plain_cause(CAPI_DATETIME));
    return rule_compile_default(rule, arena, err);
}

capi_status capi_csv_convert(const capi_csv_column *column, capi_str field, capi_arena *arena, capi_value *out,
                             capi_err *err)
{
    capi_csv_rule rule;

    /* Only what this field needs is compiled: a bad default, say, is no reason to refuse a field that has a value. */
    CAPI_TRY(rule_init(&rule, column, err));
    if (is_empty(column->type, field)) {
        if (column->type == CAPI_DATETIME) CAPI_TRY(rule_compile_format(&rule, arena, err));
        CAPI_TRY(rule_compile_default(&rule, arena, err));
    } else {
        CAPI_TRY(rule_compile_format(&rule, arena, err));
    }
    return capi_csv_rule_value(&rule, field, arena, out, err);
}
