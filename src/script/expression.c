/* expression.c - from the text of a setting to a checked expression.
 *
 * All unknown names of an expression are reported, not just the first; types are judged only when all names are known. */
#include "script/expression.h"

#include <stdarg.h>
#include <stdio.h>

bool capi_text_is_blank(capi_str text)
{
    return capi_str_trim(text).bytes == 0;
}

void capi_expression_report(const capi_expression_place *place, const char *rule, size_t from, size_t to,
                            const char *format, ...)
{
    char words[CAPI_ERR_TEXT_MAX];
    uint32_t start;
    uint32_t end;
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    capi_tree_locate(place->value, place->source->text, from, to, &start, &end);
    capi_report_error(place->report, rule, place->source, start, end, "%s", words);
}

static bool is_aggregate_name(capi_str name)
{
    static const char *const names[] = {"count",    "sum",    "avg",    "min",    "max",    "string_agg",
                                        "count_if", "sum_if", "avg_if", "min_if", "max_if", "string_agg_if"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (capi_str_is(name, names[i])) return true;
    return false;
}

/* Constants of the language, not fields. */
static const char *const time_constants[] = {
    "time.January", "time.February",  "time.March",   "time.April",    "time.May",      "time.June", "time.July",
    "time.August",  "time.September", "time.October", "time.November", "time.December", "time.UTC"};

enum { TIME_CONSTANT_COUNT = sizeof time_constants / sizeof *time_constants };

static bool is_time_constant(const capi_ast *ast)
{
    if (!capi_str_is(ast->alias, "time")) return false;
    for (size_t i = 0; i < TIME_CONSTANT_COUNT; i++)
        if (capi_str_is(ast->name, time_constants[i] + strlen("time."))) return true;
    return false;
}

typedef struct names_walk {
    const capi_expression_place *place;
    capi_name_scope *scope;
    bool has_failed;
} names_walk;

static void report_prohibited(names_walk *walk, const capi_ast *ast)
{
    walk->has_failed = true;
    capi_expression_report(walk->place, walk->place->rules->names, ast->offset, ast->offset + ast->length_bytes,
                           "\"%.*s.%.*s\" is prohibited here; allowed are %.*s", CAPI_STR_ARG(ast->alias),
                           CAPI_STR_ARG(ast->name),
                           CAPI_STR_ARG(capi_name_scope_aliases(walk->scope, walk->place->report->arena)));
}

static bool has_alias(const capi_name_scope *scope, capi_str alias)
{
    for (uint32_t i = 0; i < scope->alias_count; i++)
        if (scope->aliases[i].is_allowed && scope->aliases[i].names && capi_str_is(alias, scope->aliases[i].alias))
            return true;
    return false;
}

/* The caret shows the place in the file, so " at column 9" of the expression is taken out; what ends too early is said. */
static void say_without_place(capi_err *err, bool is_at_end)
{
    char *from = strstr(err->text, " at line "), *to;

    if (!from) from = strstr(err->text, " at column ");
    if (!from) return;
    to = strstr(from, "column ");
    to = to ? to + strlen("column ") : from;
    while (*to >= '0' && *to <= '9')
        to++;
    memmove(from, to, strlen(to) + 1);
    err->text_bytes = (uint32_t)strlen(err->text);
    if (is_at_end && !strstr(err->text, "found") && err->text_bytes + 64 < sizeof err->text)
        err->text_bytes += (uint32_t)sprintf(err->text + err->text_bytes, ", found the end of the expression");
}

static void report_unknown(names_walk *walk, const capi_ast *ast)
{
    capi_arena *arena = walk->place->report->arena;
    capi_str full = capi_str_format(arena, "%.*s.%.*s", CAPI_STR_ARG(ast->alias), CAPI_STR_ARG(ast->name));
    bool may_hint = capi_report_may_hint(walk->place->report);
    uint32_t count = 0;
    capi_str *words = may_hint ? capi_name_scope_words(walk->scope, arena, &count) : NULL;
    capi_str hint = may_hint ? capi_did_you_mean(arena, full, words, count) : (capi_str){0};
    const char *rule = walk->place->rules->names;

    if (capi_str_is(ast->alias, "time") && may_hint) {
        capi_str constants[TIME_CONSTANT_COUNT];

        for (size_t i = 0; i < TIME_CONSTANT_COUNT; i++)
            constants[i] = capi_str_of(time_constants[i]);
        hint = capi_did_you_mean(arena, full, constants, TIME_CONSTANT_COUNT);
    }
    walk->has_failed = true;
    if (walk->place->rules->alias && !has_alias(walk->scope, ast->alias)) {
        capi_expression_report(walk->place, walk->place->rules->alias, ast->offset, ast->offset + ast->length_bytes,
                               "unknown alias \"%.*s\" of \"%.*s\"; allowed are %.*s", CAPI_STR_ARG(ast->alias),
                               CAPI_STR_ARG(full), CAPI_STR_ARG(capi_name_scope_aliases(walk->scope, arena)));
        return;
    }
    if (hint.bytes == 0 && !has_alias(walk->scope, ast->alias))
        hint = capi_str_format(arena, "; allowed are %.*s", CAPI_STR_ARG(capi_name_scope_aliases(walk->scope, arena)));
    else if (hint.bytes == 0 && may_hint && count == 0)
        hint = CAPI_STR("; there are no fields");
    else if (hint.bytes == 0 && may_hint)
        hint = capi_str_format(arena, "; known are %.*s", CAPI_STR_ARG(capi_words_join(arena, words, count, false)));
    capi_expression_report(walk->place, rule, ast->offset, ast->offset + ast->length_bytes,
                           "unknown field \"%.*s\"%.*s", CAPI_STR_ARG(full), CAPI_STR_ARG(hint));
}

static void judge_field(names_walk *walk, const capi_ast *ast)
{
    capi_type type;
    uint32_t slot;

    if (is_time_constant(ast)) return;
    switch (capi_name_scope_find(walk->scope, ast->alias, ast->name, &slot, &type)) {
    case CAPI_NAME_KNOWN: return;
    case CAPI_NAME_PROHIBITED: report_prohibited(walk, ast); return;
    case CAPI_NAME_UNKNOWN: report_unknown(walk, ast); return;
    }
}

static void judge_plain_name(names_walk *walk, const capi_ast *ast)
{
    capi_arena *arena = walk->place->report->arena;
    uint32_t count;
    capi_str *words;
    capi_str hint = CAPI_STR("");

    if (walk->scope->allows_plain_names) return;
    words = capi_name_scope_words(walk->scope, arena, &count);
    for (uint32_t i = 0; i < count && hint.bytes == 0; i++)
        if (capi_str_ends(words[i], capi_str_format(arena, ".%.*s", CAPI_STR_ARG(ast->name)).data))
            hint = capi_str_format(arena, "; did you mean \"%.*s\"?", CAPI_STR_ARG(words[i]));
    if (hint.bytes == 0)
        hint = capi_str_format(arena, "; fields are written %.*s",
                               CAPI_STR_ARG(capi_name_scope_aliases(walk->scope, arena)));
    walk->has_failed = true;
    capi_expression_report(walk->place, walk->place->rules->syntax, ast->offset, ast->offset + ast->length_bytes,
                           "\"%.*s\" stands without an alias%.*s", CAPI_STR_ARG(ast->name), CAPI_STR_ARG(hint));
}

static void judge_aggregate(names_walk *walk, const capi_ast *ast)
{
    if (walk->scope->allows_aggregates || !walk->place->aggregate_hint || ast->alias.bytes ||
        !is_aggregate_name(ast->name))
        return;
    walk->has_failed = true;
    capi_expression_report(walk->place, "V77", ast->offset, ast->offset + ast->length_bytes,
                           "aggregate \"%.*s\" is not allowed here: %s", CAPI_STR_ARG(ast->name),
                           walk->place->aggregate_hint);
}

/* Selectors on anything but an alias are mistakes of form; the other odd ones are left to the check of types. */
static void judge_other(names_walk *walk, const capi_ast *ast)
{
    if (capi_str_find(ast->name, CAPI_STR("selector")) < 0) return;
    walk->has_failed = true;
    capi_expression_report(
        walk->place, walk->place->rules->syntax, ast->offset, ast->offset + ast->length_bytes,
        "\"%.*s\": a field is written alias.name, with one dot",
        CAPI_STR_ARG(capi_str_slice(walk->place->value->string, ast->offset, ast->offset + ast->length_bytes)));
}

/* The parser bounds the depth. */
static void judge_names(names_walk *walk, const capi_ast *ast)
{
    switch (ast->kind) {
    case CAPI_AST_FIELD: judge_field(walk, ast); break;
    case CAPI_AST_NAME: judge_plain_name(walk, ast); break;
    case CAPI_AST_CALL: judge_aggregate(walk, ast); break;
    case CAPI_AST_OTHER: judge_other(walk, ast); break;
    case CAPI_AST_INT:
    case CAPI_AST_DECIMAL:
    case CAPI_AST_FLOAT:
    case CAPI_AST_STRING:
    case CAPI_AST_BOOL:
    case CAPI_AST_UNARY:
    case CAPI_AST_BINARY: break;
    }
    for (uint32_t i = 0; i < ast->arg_count; i++)
        judge_names(walk, ast->args[i]);
}

bool capi_expression_parse(capi_arena *arena, const capi_expression_place *place, capi_name_scope *scope,
                           const capi_ast **out)
{
    names_walk walk = {.place = place, .scope = scope};
    capi_str text = place->value->string;
    capi_err err = {0};

    *out = NULL;
    if (capi_text_is_blank(text)) {
        capi_expression_report(place, place->rules->blank, 0, text.bytes, "the expression is empty");
        return false;
    }
    if (capi_expr_parse(arena, text, out, &err) != CAPI_OK) {
        size_t offset = err.offset > 0 ? (size_t)err.offset : 0;

        *out = NULL;
        say_without_place(&err, offset >= text.bytes);
        capi_expression_report(place, place->rules->syntax, offset, offset + err.length_bytes, "%s", err.text);
        return false;
    }
    judge_names(&walk, *out);
    return !walk.has_failed;
}

/* A call that turns one type into the other, for the message. */
static const char *conversion(capi_type from, capi_type to)
{
    bool is_number = from == CAPI_INT || from == CAPI_FLOAT || from == CAPI_DECIMAL || from == CAPI_STRING ||
                     from == CAPI_LENGTH || from == CAPI_BOOL;

    if (to == CAPI_INT && is_number) return "; use int(...)";
    if (to == CAPI_FLOAT && is_number) return "; use float(...)";
    if (to == CAPI_DECIMAL && is_number) return "; use decimal2(...)";
    if (to == CAPI_STRING && from != CAPI_ZONE && from != CAPI_MONTH) return "; use string(...)";
    return "";
}

static const char *type_words(capi_type type)
{
    return type == CAPI_LENGTH ? "a length" : capi_type_name(type);
}

bool capi_expression_load(capi_arena *arena, const capi_expression_place *place, capi_name_scope *scope,
                          const capi_type *wanted, const char *what, const capi_expr **out)
{
    capi_scope names = {.find = capi_name_scope_find, .context = scope, .allows_aggregates = scope->allows_aggregates};
    const capi_expr *expr = NULL;
    const capi_ast *ast;
    capi_err err = {0};

    *out = NULL;
    scope->is_unresolved = false;
    if (!capi_expression_parse(arena, place, scope, &ast)) return false;
    if (scope->is_unresolved) return false;
    if (capi_expr_check(arena, ast, &names, &expr, &err) != CAPI_OK) {
        size_t offset = err.offset > 0 ? (size_t)err.offset : 0;

        capi_expression_report(place, place->rules->types, offset, offset + err.length_bytes, "%s", err.text);
        return false;
    }
    if (wanted && capi_expr_type(expr) != *wanted) {
        capi_type found = capi_expr_type(expr);

        capi_expression_report(place, place->rules->types, 0, place->value->string.bytes,
                               "the expression is %s, but %s must be %s%s", type_words(found), what,
                               type_words(*wanted), conversion(found, *wanted));
        return false;
    }
    *out = expr;
    return true;
}
