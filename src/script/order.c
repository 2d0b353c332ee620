/* order.c - a small parser for index definitions and order expressions.
 *
 * Components and modifiers are read as whole terms (a word, a number, a dotted name, a call), so that "w.a", "1" or
 * "desc()" are mistakes about names and modifiers, with the term underlined, and not just bad syntax. After such a mistake
 * reading goes on; a mistake of syntax ends it. */
#include "script/order.h"

#include "script/source.h"

#include <stdarg.h>
#include <stdio.h>

enum { LENGTH_DEFAULT = 64, LENGTH_MIN = 16, LENGTH_MAX = 1024, PARTS_MAX = 1000, MISTAKES_MAX = 20 };

typedef struct order_parser {
    capi_arena *arena;
    capi_str text;
    size_t at;
    const capi_name_list *names;
    capi_key_part *parts;
    uint32_t part_count, part_capacity;
    capi_order_mistake *first, *last;
    uint32_t mistake_count;
} order_parser;

/* Notes a mistake; false. */
static bool fail(order_parser *parser, const char *rule, size_t start, size_t end, const char *format, ...)
    CAPI_PRINTF(5, 6);

static bool fail(order_parser *parser, const char *rule, size_t start, size_t end, const char *format, ...)
{
    capi_order_mistake *mistake;
    va_list args;
    char words[1024];

    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    mistake = capi_new(parser->arena, capi_order_mistake);
    *mistake = (capi_order_mistake){NULL, rule, start, end, capi_str_copy(parser->arena, capi_str_of(words))};
    if (parser->last)
        parser->last->next = mistake;
    else
        parser->first = mistake;
    parser->last = mistake;
    parser->mistake_count++;
    return false;
}

/* After a mistake that leaves the syntax clear: true unless there are too many. */
static bool go_on(const order_parser *parser)
{
    return parser->mistake_count < MISTAKES_MAX;
}

static int peek(order_parser *parser)
{
    while (parser->at < parser->text.bytes && strchr(" \t\r\n", parser->text.data[parser->at]) &&
           parser->text.data[parser->at])
        parser->at++;
    return parser->at < parser->text.bytes ? (unsigned char)parser->text.data[parser->at] : -1;
}

static bool fail_syntax(order_parser *parser, const char *expected)
{
    int byte = peek(parser);

    if (byte < 0)
        return fail(parser, "V28", parser->at, parser->at, "expected %s, found the end of the text", expected);
    return fail(parser, "V28", parser->at, parser->at + 1, "expected %s at \"%.*s\"", expected,
                (int)(parser->text.bytes - parser->at > 20 ? 20 : parser->text.bytes - parser->at),
                parser->text.data + parser->at);
}

static bool is_letter(int byte)
{
    return byte == '_' || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte >= 0x80;
}

static bool is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

typedef enum term_kind { TERM_NONE, TERM_WORD, TERM_INT, TERM_OTHER } term_kind;

typedef struct order_term {
    term_kind kind;
    size_t start, end;
    capi_str text;
} order_term;

/* A quoted text, up to its closing quote; false if there is none. */
static bool skip_quoted(order_parser *parser, int quote)
{
    size_t at = parser->at + 1;

    while (at < parser->text.bytes && parser->text.data[at] != quote)
        at += parser->text.data[at] == '\\' && quote == '"' ? 2 : 1;
    if (at >= parser->text.bytes) return false;
    parser->at = at + 1;
    return true;
}

/* A word, a number, a quoted text, or words with dots between them. */
static bool read_term(order_parser *parser, order_term *term)
{
    int byte = peek(parser);
    bool is_number = is_digit(byte);

    *term = (order_term){.kind = TERM_NONE, .start = parser->at, .end = parser->at};
    if (byte == '"' || byte == '`') {
        if (!skip_quoted(parser, byte)) return fail(parser, "V28", parser->at, parser->at + 1, "this quote has no end");
        term->kind = TERM_OTHER;
    } else if (is_letter(byte) || is_number || byte == '-' || byte == '.') {
        bool is_plain = is_letter(byte) || is_number;

        while (parser->at < parser->text.bytes) {
            byte = (unsigned char)parser->text.data[parser->at];
            if (byte == '.' || byte == '-')
                is_plain = false;
            else if (is_number && is_letter(byte))
                is_plain = false;
            else if (!is_letter(byte) && !is_digit(byte))
                break;
            parser->at++;
        }
        term->kind = !is_plain ? TERM_OTHER : is_number ? TERM_INT : TERM_WORD;
    }
    term->end = parser->at;
    term->text = capi_str_slice(parser->text, term->start, term->end);
    return true;
}

/* What stands in parentheses is not judged: whose it is, is not known. */
static bool skip_parentheses(order_parser *parser)
{
    uint32_t depth = 0;

    do {
        int byte = peek(parser);

        if (byte < 0) return fail_syntax(parser, "\")\"");
        depth += byte == '(';
        depth -= byte == ')';
        parser->at++;
    } while (depth > 0);
    return true;
}

/* ---- modifiers ---- */

static void set_length(order_parser *parser, const order_term *term, const capi_name *name, capi_key_part *part)
{
    uint64_t length = 0;

    if (name->has_type && name->type != CAPI_STRING) {
        fail(parser, "V31", term->start, term->end, "a length is for strings only; \"%.*s\" is %s",
             CAPI_STR_ARG(name->name), capi_type_name(name->type));
        return;
    }
    for (size_t i = 0; i < term->text.bytes && length <= LENGTH_MAX; i++)
        length = length * 10 + (uint64_t)(term->text.data[i] - '0');
    if (length > LENGTH_MAX)
        fail(parser, "V31", term->start, term->end, "length %.*s is more than %d", CAPI_STR_ARG(term->text),
             LENGTH_MAX);
    part->length = length < LENGTH_MIN ? LENGTH_MIN : (uint32_t)length;
}

static void fail_modifier(order_parser *parser, const order_term *term)
{
    static const capi_str words[] = {{"asc", 3}, {"desc", 4}, {"case_sensitive", 14}, {"ignore_case", 11}};
    capi_str hint = capi_did_you_mean(parser->arena, term->text, words, 4);

    if (term->kind == TERM_OTHER &&
        (is_digit((unsigned char)term->text.data[0]) || strchr("\"`.-", term->text.data[0])))
        fail(parser, "V31", term->start, term->end, "length %.*s is not a whole number without sign and quotes",
             CAPI_STR_ARG(term->text));
    else
        fail(parser, "V30", term->start, term->end,
             "unknown modifier \"%.*s\"; expected asc, desc, case_sensitive, ignore_case or a length%.*s",
             CAPI_STR_ARG(term->text), CAPI_STR_ARG(hint));
}

static bool set_modifier(order_parser *parser, const order_term *term, const capi_name *name, capi_key_part *part)
{
    bool is_case = capi_str_is(term->text, "case_sensitive") || capi_str_is(term->text, "ignore_case");

    if (term->kind != TERM_INT && peek(parser) == '(') {
        fail(parser, "V30", term->start, parser->at + 1, "modifier \"%.*s\" takes no parentheses",
             CAPI_STR_ARG(term->text));
        return skip_parentheses(parser) && go_on(parser);
    }
    if (term->kind == TERM_INT)
        set_length(parser, term, name, part);
    else if (capi_str_is(term->text, "asc") || capi_str_is(term->text, "desc"))
        part->descending = capi_str_is(term->text, "desc");
    else if (!is_case)
        fail_modifier(parser, term);
    else if (name->has_type && name->type != CAPI_STRING)
        fail(parser, "V32", term->start, term->end, "\"%.*s\" is for strings only; \"%.*s\" is %s",
             CAPI_STR_ARG(term->text), CAPI_STR_ARG(name->name), capi_type_name(name->type));
    else
        part->ignore_case = capi_str_is(term->text, "ignore_case");
    return go_on(parser);
}

static bool read_modifiers(order_parser *parser, const capi_name *name, capi_key_part *part)
{
    parser->at++;
    while (peek(parser) != ')') {
        order_term term;

        if (!read_term(parser, &term)) return false;
        if (term.kind == TERM_NONE) return fail_syntax(parser, "a modifier or \")\"");
        if (!set_modifier(parser, &term, name, part)) return false;
        if (peek(parser) == ',')
            parser->at++;
        else if (peek(parser) != ')')
            return fail_syntax(parser, "\",\" or \")\"");
    }
    parser->at++;
    return true;
}

/* ---- components ---- */

static void fail_name(order_parser *parser, const order_term *term)
{
    capi_str *words = capi_new_array(parser->arena, capi_str, parser->names->count);
    capi_str known;
    capi_str hint;

    for (uint32_t i = 0; i < parser->names->count; i++)
        words[i] = parser->names->items[i].name;
    known = capi_words_join(parser->arena, words, parser->names->count, false);
    hint = capi_did_you_mean(parser->arena, term->text, words, parser->names->count);
    fail(parser, "V29", term->start, term->end, "%s \"%.*s\"; %s%.*s%.*s",
         term->kind == TERM_WORD ? "unknown name" : "this is not a bare name:", CAPI_STR_ARG(term->text),
         known.bytes ? "expected one of " : "there are no fields", CAPI_STR_ARG(known), CAPI_STR_ARG(hint));
}

static void add_part(order_parser *parser, const capi_key_part *part)
{
    if (parser->part_count == parser->part_capacity) {
        uint32_t capacity = parser->part_capacity ? parser->part_capacity * 2 : 4;
        capi_key_part *parts = capi_new_array(parser->arena, capi_key_part, capacity);

        if (parser->part_count) memcpy(parts, parser->parts, parser->part_count * sizeof *parts);
        parser->parts = parts;
        parser->part_capacity = capacity;
    }
    parser->parts[parser->part_count++] = *part;
}

static bool read_component(order_parser *parser)
{
    const capi_name *name;
    capi_key_part part;
    order_term term;

    if (!read_term(parser, &term)) return false;
    if (term.kind == TERM_NONE) return fail_syntax(parser, "a name");
    if (parser->part_count == PARTS_MAX)
        return fail(parser, "V28", term.start, term.end, "more than %d components", PARTS_MAX);
    name = term.kind == TERM_WORD ? capi_name_list_find(parser->names, term.text) : NULL;
    if (!name) {
        fail_name(parser, &term);
        return go_on(parser) && (peek(parser) != '(' || skip_parentheses(parser));
    }
    part = (capi_key_part){.column = name->number, .type = name->type};
    if (name->type == CAPI_STRING) part.length = LENGTH_DEFAULT;
    if (peek(parser) == '(' && !read_modifiers(parser, name, &part)) return false;
    add_part(parser, &part);
    return true;
}

/* Components up to `end` (')' or -1 for the end of the text). */
static bool read_components(order_parser *parser, int end)
{
    while (peek(parser) != end) {
        if (!read_component(parser)) return false;
        if (peek(parser) == ',')
            parser->at++;
        else if (peek(parser) != end)
            return fail_syntax(parser, end == ')' ? "\",\" or \")\"" : "\",\" or the end of the text");
    }
    return true;
}

static bool read_index(order_parser *parser, bool *is_unique)
{
    order_term term;

    if (!read_term(parser, &term)) return false;
    *is_unique = capi_str_is(term.text, "unique");
    if (!*is_unique && !capi_str_is(term.text, "non_unique"))
        return fail(parser, "V28", term.start, term.end > term.start ? term.end : term.start + 1,
                    "an index is written unique(...) or non_unique(...), found \"%.*s\"", CAPI_STR_ARG(parser->text));
    if (peek(parser) != '(') return fail_syntax(parser, "\"(\"");
    parser->at++;
    if (!read_components(parser, ')')) return false;
    parser->at++;
    if (peek(parser) >= 0) return fail_syntax(parser, "the end of the text");
    return true;
}

bool capi_order_read_index(capi_arena *arena, capi_str text, const capi_name_list *names, capi_key_def *out,
                           const capi_order_mistake **mistakes)
{
    order_parser parser = {.arena = arena, .text = text, .names = names};
    bool is_unique = false;

    *out = (capi_key_def){0};
    read_index(&parser, &is_unique);
    *mistakes = parser.first;
    if (!parser.first) *out = (capi_key_def){is_unique, parser.parts, parser.part_count};
    return !parser.first;
}

bool capi_order_read(capi_arena *arena, capi_str text, const capi_name_list *names, capi_key_def *out,
                     const capi_order_mistake **mistakes)
{
    order_parser parser = {.arena = arena, .text = text, .names = names};

    *out = (capi_key_def){0};
    read_components(&parser, -1);
    *mistakes = parser.first;
    if (!parser.first) *out = (capi_key_def){false, parser.parts, parser.part_count};
    return !parser.first;
}

/* ---- for tests and tools ---- */

static void names_of_schema(capi_arena *arena, const capi_schema *schema, capi_name_list *names)
{
    capi_name_list_init(names, arena);
    for (uint32_t i = 0; i < schema->field_count; i++)
        capi_name_list_add(names, schema->fields[i].name, true, schema->fields[i].type);
}

static capi_status set_err(const capi_order_mistake *mistake, capi_err *err)
{
    return capi_err_set_at(err, CAPI_INVALID, (int64_t)mistake->start, (uint32_t)(mistake->end - mistake->start),
                           "%.*s", CAPI_STR_ARG(mistake->message));
}

capi_status capi_index_parse(capi_arena *arena, capi_str text, const capi_schema *schema, capi_key_def *out,
                             capi_err *err)
{
    const capi_order_mistake *mistakes;
    capi_name_list names;

    names_of_schema(arena, schema, &names);
    if (capi_order_read_index(arena, text, &names, out, &mistakes)) return CAPI_OK;
    return set_err(mistakes, err);
}

capi_status capi_order_parse(capi_arena *arena, capi_str text, const capi_schema *schema, capi_key_def *out,
                             capi_err *err)
{
    const capi_order_mistake *mistakes;
    capi_name_list names;

    names_of_schema(arena, schema, &names);
    if (capi_order_read(arena, text, &names, out, &mistakes)) return CAPI_OK;
    return set_err(mistakes, err);
}
