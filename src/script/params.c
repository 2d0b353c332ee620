/* params.c - checks parameter values and puts them into the text of a script.
 *
 * One pass over the text finds references, with blanks inside the braces or not, and copies everything else. Replaced text is
 * not looked at again. What is left over of the form {name|type} afterwards, wherever it came from, is a mistake. */
#include "script/params.h"

#include "base/hash.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef enum reference_type { REFERENCE_STRING, REFERENCE_NUMBER, REFERENCE_BOOL, REFERENCE_LIST } reference_type;

static const char *const reference_type_names[] = {"string", "number", "bool", "stringlist"};

/* ---- reading values ---- */

static bool has_string(const capi_tree *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i]->kind == CAPI_TREE_STRING) return true;
    return false;
}

static void check_list(capi_report *report, const capi_source *source, capi_str name, const capi_tree *value)
{
    if (value->count == 0)
        capi_report_error(report, "S8", source, value->start, value->end,
                          "parameter \"%.*s\" is an empty list; a list needs at least one string", CAPI_STR_ARG(name));
    else if (!has_string(value))
        capi_report_error(
            report, "V5", source, value->start, value->end,
            "parameter \"%.*s\" is a list without strings, the first item is %s; all items must be strings",
            CAPI_STR_ARG(name), capi_tree_kind_name(value->items[0]->kind));
    for (uint32_t i = 0; i < value->count && has_string(value); i++) {
        const capi_tree *item = value->items[i];

        if (item->kind != CAPI_TREE_STRING)
            capi_report_error(report, "V6", source, item->start, item->end,
                              "item %u of parameter \"%.*s\" is %s; all items of a list must be strings", i + 1,
                              CAPI_STR_ARG(name), capi_tree_kind_name(item->kind));
    }
}

static void check_value(capi_report *report, const capi_source *source, capi_str name, const capi_tree *value)
{
    switch (value->kind) {
    case CAPI_TREE_STRING:
    case CAPI_TREE_BOOL:
    case CAPI_TREE_INT: return;
    case CAPI_TREE_NUMBER:
        if (isfinite(value->number)) return;
        break;
    case CAPI_TREE_LIST: check_list(report, source, name, value); return;
    case CAPI_TREE_NULL:
    case CAPI_TREE_MAP: break;
    }
    capi_report_error(report, "V5", source, value->start, value->end,
                      "parameter \"%.*s\" is %s; expected a string, a number, true or false, or a list of strings",
                      CAPI_STR_ARG(name), capi_tree_kind_name(value->kind));
}

static reference_type type_of(const capi_tree *value)
{
    switch (value->kind) {
    case CAPI_TREE_BOOL: return REFERENCE_BOOL;
    case CAPI_TREE_INT:
    case CAPI_TREE_NUMBER: return REFERENCE_NUMBER;
    case CAPI_TREE_LIST: return REFERENCE_LIST;
    case CAPI_TREE_NULL:
    case CAPI_TREE_STRING:
    case CAPI_TREE_MAP: break;
    }
    return REFERENCE_STRING;
}

static bool text_is_number(capi_arena *arena, capi_str text, double *number)
{
    capi_str copy = capi_str_copy(arena, text);
    char *end;

    if (text.bytes == 0 || !strchr("+-.0123456789", text.data[0])) return false;
    *number = strtod(copy.data, &end);
    return *end == 0 && isfinite(*number) && !strpbrk(copy.data, "xX");
}

static bool fits(capi_arena *arena, capi_str text, reference_type type)
{
    double number;

    switch (type) {
    case REFERENCE_NUMBER: return text_is_number(arena, text, &number);
    case REFERENCE_BOOL: return capi_str_is(text, "true") || capi_str_is(text, "false");
    case REFERENCE_STRING:
    case REFERENCE_LIST: break;
    }
    return true;
}

static void read_set(capi_report *report, capi_param *param, capi_str text)
{
    reference_type type = param->value ? type_of(param->value) : REFERENCE_STRING;

    if (param->value && !fits(report->arena, text, type))
        capi_report_error(report, "V5", NULL, 0, 0,
                          "parameter \"%.*s\" is set to \"%.*s\"; in the parameters file it is a %s",
                          CAPI_STR_ARG(param->name), CAPI_STR_ARG(text), reference_type_names[type]);
    param->is_set = true;
    param->text = text;
}

void capi_params_read(capi_report *report, const capi_source *source, const capi_tree *root, const capi_str *set_names,
                      const capi_str *set_values, uint32_t set_count, capi_params *out)
{
    uint32_t in_file = root && root->kind == CAPI_TREE_MAP ? root->count : 0;
    capi_param *items = capi_new_array(report->arena, capi_param, (size_t)in_file + set_count);
    capi_map by_name;

    capi_map_init(&by_name, report->arena);
    *out = (capi_params){.source = source, .items = items};
    if (root && root->kind != CAPI_TREE_MAP)
        capi_report_error(report, "V4", source, root->start, root->end,
                          "the parameters file holds %s; expected a map of names and values",
                          capi_tree_kind_name(root->kind));
    for (uint32_t i = 0; i < in_file; i++) {
        capi_param *param = &items[out->count++];

        *param = (capi_param){.name = root->members[i].key->string, .value = root->members[i].value};
        check_value(report, source, param->name, param->value);
        capi_map_put(&by_name, param->name, param);
    }
    for (uint32_t i = 0; i < set_count; i++) {
        capi_param *param = capi_map_get(&by_name, set_names[i]);

        if (!param) {
            param = &items[out->count++];
            param->name = set_names[i];
            capi_map_put(&by_name, param->name, param);
        }
        read_set(report, param, set_values[i]);
    }
}

/* ---- texts of values ---- */

static void append_string(capi_buf *to, capi_str text)
{
    for (size_t i = 0; i < text.bytes; i++)
        if (text.data[i] == '\n')
            capi_buf_append_text(to, "\\n");
        else
            capi_buf_append_byte(to, text.data[i]);
}

static void append_number(capi_buf *to, double number)
{
    if (number == floor(number))
        capi_buf_printf(to, "%.0f", number == 0 ? 0.0 : number);
    else
        capi_buf_printf(to, "%f", number);
}

static void append_item(capi_buf *to, capi_str item, bool is_first)
{
    capi_buf_printf(to, "%s\"", is_first ? "" : ",");
    capi_buf_append_str(to, item);
    capi_buf_append_byte(to, '"');
}

/* A list given as text: a JSON list as it is, or items between commas. */
static void append_set_list(capi_buf *to, capi_str text)
{
    capi_str list = capi_str_trim(text);
    bool is_first = true;

    if (list.bytes && list.data[0] == '[') {
        capi_buf_append_str(to, list);
        return;
    }
    capi_buf_append_byte(to, '[');
    for (;;) {
        int64_t comma = capi_str_find(list, CAPI_STR(","));

        append_item(to, capi_str_trim(capi_str_slice(list, 0, comma < 0 ? list.bytes : (size_t)comma)), is_first);
        is_first = false;
        if (comma < 0) break;
        list = capi_str_slice(list, (size_t)comma + 1, list.bytes);
    }
    capi_buf_append_byte(to, ']');
}

/* Appends the text of `param` as a reference of this type wants it; false if the value is of another type. */
static bool append_value(capi_arena *arena, capi_buf *to, const capi_param *param, reference_type type)
{
    double number;

    if (param->is_set) {
        if (param->value ? type_of(param->value) != type : !fits(arena, param->text, type)) return false;
        if (type == REFERENCE_LIST)
            append_set_list(to, param->text);
        else if (type == REFERENCE_NUMBER && text_is_number(arena, param->text, &number) && fabs(number) < 9e15)
            append_number(to, number);
        else
            append_string(to, param->text);
        return true;
    }
    if (type_of(param->value) != type || param->value->kind == CAPI_TREE_NULL || param->value->kind == CAPI_TREE_MAP)
        return false;
    switch (type) {
    case REFERENCE_STRING: append_string(to, param->value->string); break;
    case REFERENCE_BOOL: capi_buf_append_text(to, param->value->boolean ? "true" : "false"); break;
    case REFERENCE_NUMBER:
        if (param->value->kind == CAPI_TREE_INT)
            capi_buf_printf(to, "%lld", (long long)param->value->integer);
        else
            append_number(to, param->value->number);
        break;
    case REFERENCE_LIST:
        capi_buf_append_byte(to, '[');
        for (uint32_t i = 0; i < param->value->count; i++)
            if (param->value->items[i]->kind == CAPI_TREE_STRING)
                append_item(to, param->value->items[i]->string, i == 0);
        capi_buf_append_byte(to, ']');
        break;
    }
    return true;
}

/* ---- references ---- */

typedef struct param_reference {
    size_t start, end; /* braces included */
    capi_str name;
    reference_type type;
} param_reference;

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_';
}

static size_t skip_spaces(capi_str text, size_t at)
{
    while (at < text.bytes && text.data[at] == ' ')
        at++;
    return at;
}

static bool read_type(capi_str text, size_t *at, reference_type *type)
{
    capi_str rest = capi_str_slice(text, *at, text.bytes);

    /* Longer names first: "stringlist" begins with "string". */
    for (int i = REFERENCE_LIST; i >= REFERENCE_STRING; i--)
        if (capi_str_starts(rest, reference_type_names[i])) {
            *type = (reference_type)i;
            *at += strlen(reference_type_names[i]);
            return true;
        }
    return false;
}

/* { name }, { name | type }; only the space may stand between. */
static bool read_reference(capi_str text, size_t start, param_reference *out)
{
    size_t at = skip_spaces(text, start + 1);
    size_t name = at;

    while (at < text.bytes && is_name_byte(text.data[at]))
        at++;
    *out = (param_reference){.start = start, .name = capi_str_slice(text, name, at), .type = REFERENCE_STRING};
    if (at == name) return false;
    at = skip_spaces(text, at);
    if (at < text.bytes && text.data[at] == '|') {
        at = skip_spaces(text, at + 1);
        if (!read_type(text, &at, &out->type)) return false;
        at = skip_spaces(text, at);
    }
    if (at >= text.bytes || text.data[at] != '}') return false;
    out->end = at + 1;
    return true;
}

/* {any name|type}, written without blanks: found only if such a parameter exists. */
static bool read_odd_reference(capi_str text, size_t start, param_reference *out)
{
    size_t at = start + 1;

    while (at < text.bytes && !strchr("{}|\"\n", text.data[at]))
        at++;
    *out = (param_reference){.start = start, .name = capi_str_slice(text, start + 1, at)};
    if (at >= text.bytes || text.data[at] != '|') return false;
    at++;
    if (!read_type(text, &at, &out->type) || at >= text.bytes || text.data[at] != '}') return false;
    out->end = at + 1;
    return true;
}

static bool is_reserved(const param_reference *reference)
{
    return reference->type == REFERENCE_STRING &&
           (capi_str_is(reference->name, "batch_idx") || capi_str_is(reference->name, "run_id"));
}

/* ---- replacing ---- */

typedef struct param_replacer {
    capi_report *report;
    const capi_params *params;
    capi_arena *arena; /* of the pieces */
    capi_map by_name;
    capi_source *source;
    size_t copied;   /* of the original, so far */
    size_t replaced; /* end of the last replacement: its closing quote is gone */
    capi_buf out;
    capi_source_piece *pieces; /* on the heap */
    uint32_t piece_count, piece_capacity;
    bool is_too_long;
    capi_map unquoted; /* names of references reported by check_quotes */
} param_replacer;

enum { RESULT_BYTES_MAX = 256 << 20 };

static void add_piece(param_replacer *replacer, size_t from, size_t to, bool is_replaced,
                      const capi_source_value *value)
{
    if (replacer->piece_count == replacer->piece_capacity) {
        replacer->piece_capacity = replacer->piece_capacity ? replacer->piece_capacity * 2 : 64;
        replacer->pieces =
            capi_realloc(replacer->pieces, capi_array_bytes(replacer->piece_capacity, sizeof *replacer->pieces));
    }
    replacer->pieces[replacer->piece_count++] =
        (capi_source_piece){(uint32_t)replacer->out.bytes, (uint32_t)from, (uint32_t)to, is_replaced, value};
}

static void copy_until(param_replacer *replacer, size_t end)
{
    capi_str original = replacer->source->original;

    if (end <= replacer->copied) return;
    add_piece(replacer, replacer->copied, replacer->copied, false, NULL);
    capi_buf_append(&replacer->out, original.data + replacer->copied, end - replacer->copied);
    replacer->copied = end;
}

/* The bytes from..to of the file become `text`, which is the value of `param` (NULL: of none). */
static void replace(param_replacer *replacer, size_t from, size_t to, capi_str text, const capi_param *param)
{
    capi_source_value *value = NULL;

    if (replacer->out.bytes + (from - replacer->copied) + text.bytes > RESULT_BYTES_MAX) {
        replacer->is_too_long = true;
        return;
    }
    copy_until(replacer, from);
    if (param) {
        value = capi_new(replacer->arena, capi_source_value);
        *value = (capi_source_value){param->name, param->is_set ? NULL : replacer->params->source, param->value};
    }
    add_piece(replacer, from, to, true, value);
    capi_buf_append_str(&replacer->out, text);
    replacer->copied = to;
}

static bool has_quotes(const param_replacer *replacer, const param_reference *reference, size_t not_before)
{
    capi_str text = replacer->source->original;

    return reference->start > not_before && text.data[reference->start - 1] == '"' && reference->end < text.bytes &&
           text.data[reference->end] == '"';
}

static void check_quotes(param_replacer *replacer, const param_reference *reference)
{
    if (reference->type != REFERENCE_NUMBER && reference->type != REFERENCE_BOOL) return;
    if (has_quotes(replacer, reference, 0)) return;
    capi_map_put(&replacer->unquoted, reference->name, replacer);
    capi_report_error(replacer->report, "V7", replacer->source, (uint32_t)reference->start, (uint32_t)reference->end,
                      "\"{%.*s|%s}\" must fill a string in double quotes; inside longer text use a string parameter",
                      CAPI_STR_ARG(reference->name), reference_type_names[reference->type]);
}

static void replace_reference(param_replacer *replacer, const param_reference *reference, const capi_param *param)
{
    capi_str original = replacer->source->original;
    bool is_quoted = has_quotes(replacer, reference, replacer->replaced);
    bool wants_quotes = reference->type != REFERENCE_STRING;
    capi_buf value = {0};

    if (param && (is_quoted || !wants_quotes) &&
        append_value(replacer->report->arena, &value, param, reference->type)) {
        replace(replacer, reference->start - wants_quotes, reference->end + wants_quotes, capi_buf_str(&value), param);
        replacer->replaced = reference->end + wants_quotes;
    } else {
        capi_buf_clear(&value);
        capi_buf_printf(&value, "{%.*s|%s}", CAPI_STR_ARG(reference->name), reference_type_names[reference->type]);
        if (!capi_str_equal(capi_buf_str(&value), capi_str_slice(original, reference->start, reference->end)))
            replace(replacer, reference->start, reference->end, capi_buf_str(&value), NULL);
    }
    capi_buf_deinit(&value);
}

static void replace_all(param_replacer *replacer)
{
    capi_str text = replacer->source->original;
    const char *brace;
    size_t at = 0;

    while (at < text.bytes && (brace = memchr(text.data + at, '{', text.bytes - at)) != NULL) {
        param_reference reference;
        const capi_param *param = NULL;

        at = (size_t)(brace - text.data);
        if (read_reference(text, at, &reference)) {
            check_quotes(replacer, &reference);
            param = capi_map_get(&replacer->by_name, reference.name);
        } else if (!read_odd_reference(text, at, &reference) ||
                   !(param = capi_map_get(&replacer->by_name, reference.name))) {
            at++;
            continue;
        }
        replace_reference(replacer, &reference, param);
        at = reference.end;
    }
    copy_until(replacer, text.bytes);
}

/* ---- what is left over ---- */

static capi_str leftover_hint(param_replacer *replacer, const param_reference *reference)
{
    capi_arena *arena = replacer->report->arena;
    const capi_param *param = capi_map_get(&replacer->by_name, reference->name);
    capi_str *names;

    if (param && param->value)
        return capi_str_format(arena, "its value is %s, so write {%.*s|%s}", capi_tree_kind_name(param->value->kind),
                               CAPI_STR_ARG(reference->name), reference_type_names[type_of(param->value)]);
    if (param) return capi_str_format(arena, "its value \"%.*s\" is none", CAPI_STR_ARG(param->text));
    if (reference->name.bytes &&
        strspn(capi_str_copy(arena, reference->name).data, "0123456789") == reference->name.bytes)
        return capi_str_format(arena,
                               "no such parameter is given (in a pattern, write {%.*s,%.*s}: braces around a single "
                               "number are a reference)",
                               CAPI_STR_ARG(reference->name), CAPI_STR_ARG(reference->name));
    names = capi_new_array(arena, capi_str, replacer->params->count);
    for (uint32_t i = 0; i < replacer->params->count; i++)
        names[i] = replacer->params->items[i].name;
    return capi_str_format(arena, "no such parameter is given%.*s",
                           CAPI_STR_ARG(capi_did_you_mean(arena, reference->name, names, replacer->params->count)));
}

static void report_leftovers(param_replacer *replacer)
{
    capi_str text = replacer->source->text;
    const char *brace;
    size_t at = 0;

    while (at < text.bytes && (brace = memchr(text.data + at, '{', text.bytes - at)) != NULL) {
        param_reference reference;
        capi_str hint;

        at = (size_t)(brace - text.data);
        if (!read_reference(text, at, &reference) || reference.type == REFERENCE_LIST || is_reserved(&reference) ||
            reference.end - reference.start !=
                reference.name.bytes + strlen(reference_type_names[reference.type]) + strlen("{|}")) {
            at++;
            continue;
        }
        at = reference.end;
        if (reference.type != REFERENCE_STRING && capi_map_get(&replacer->unquoted, reference.name)) continue;
        hint = leftover_hint(replacer, &reference);
        capi_report_error(replacer->report, "V8", replacer->source, (uint32_t)reference.start, (uint32_t)reference.end,
                          "parameter \"%.*s\" of type %s has no value: %.*s", CAPI_STR_ARG(reference.name),
                          reference_type_names[reference.type], CAPI_STR_ARG(hint));
    }
}

void capi_params_apply(capi_report *report, const capi_params *params, capi_arena *arena, capi_source *source)
{
    param_replacer replacer = {.report = report, .params = params, .arena = arena, .source = source};

    source->text = source->original;
    source->pieces = NULL;
    source->piece_count = 0;
    capi_map_init(&replacer.by_name, report->arena);
    capi_map_init(&replacer.unquoted, report->arena);
    for (uint32_t i = 0; i < params->count; i++)
        capi_map_put(&replacer.by_name, params->items[i].name, (void *)&params->items[i]);
    replace_all(&replacer);
    if (replacer.is_too_long)
        capi_report_error(report, "V8", source, 0, 0, "with its parameters put in, the script has more than %d MiB",
                          RESULT_BYTES_MAX >> 20);
    source->text = capi_str_copy(arena, capi_buf_str(&replacer.out));
    if (replacer.piece_count)
        source->pieces = capi_arena_copy(arena, replacer.pieces, replacer.piece_count * sizeof *replacer.pieces);
    source->piece_count = replacer.piece_count;
    report_leftovers(&replacer);
    capi_buf_deinit(&replacer.out);
    free(replacer.pieces);
}
