/* parser.c - from text to syntax tree, by precedence climbing.
 *
 * The grammar is Go's as far as our expressions go. A few forms that Go allows and we never evaluate (indexing, selectors on
 * calls, ...) still parse, as CAPI_AST_OTHER, so that the checker can name them. Nesting and the depth of the tree are
 * bounded, so whoever walks a tree may recurse. */
#include "expr/expr.h"
#include "expr/lexer.h"
#include "vec/number.h"

#include <math.h>

typedef struct expr_parser {
    capi_arena *arena;
    expr_lexer lexer;
    expr_token token; /* the next one */
    uint32_t nesting;
    capi_err *err;
} expr_parser;

/* A tree with its depth; ast is NULL after an error, which is in parser->err. */
typedef struct parsed {
    capi_ast *ast;
    uint32_t depth;
} parsed;

static const parsed parse_failed = {0};

static parsed parse_binary(expr_parser *parser, unsigned precedence_min);

/* ---- errors and tokens ---- */

static parsed fail_at(expr_parser *parser, uint32_t offset, uint32_t length, const char *what)
{
    char buffer[64];
    capi_str place = lexer_place(parser->lexer.text, offset, buffer);

    capi_err_set_at(parser->err, CAPI_INVALID, offset, length, "%s at %.*s", what, CAPI_STR_ARG(place));
    return parse_failed;
}

/* What other languages have: the token, and what is written here instead. */
static const struct expr_habit {
    const char *token, *hint;
} habits[] = {
    {"=", "; did you mean \"==\"?"},
    {"and", "; did you mean \"&&\"?"},
    {"or", "; did you mean \"||\"?"},
    {"AND", "; did you mean \"&&\"?"},
    {"OR", "; did you mean \"||\"?"},
    {"is", "; did you mean \"==\"?"},
    {"in", "; compare with each: x == 1 || x == 2"},
    {"if", "; write int.iif(condition, a, b), or that of another type"},
};

/* The hint for the token that was found, or nothing. */
static const char *habit_hint(const expr_parser *parser)
{
    const expr_token *found = &parser->token;
    capi_str before = capi_str_trim(capi_str_slice(parser->lexer.text, 0, found->offset));

    if (capi_str_is(before, "not") || capi_str_ends(before, " not") || capi_str_ends(before, "(not"))
        return "; \"not\" is written \"!\"";
    if (capi_str_is(found->text, ">") && found->offset > 0 && parser->lexer.text.data[found->offset - 1] == '<')
        return "; \"not equal\" is \"!=\"";
    for (size_t i = 0; i < sizeof habits / sizeof *habits; i++)
        if (capi_str_is(found->text, habits[i].token)) return habits[i].hint;
    return "";
}

static parsed fail_unexpected(expr_parser *parser, const char *expected)
{
    const expr_token *found = &parser->token;
    char buffer[64];
    capi_str place = lexer_place(parser->lexer.text, found->offset, buffer);
    capi_str text = found->text;

    if (text.bytes > 40) text.bytes = 40;
    while (text.bytes && text.bytes < found->text.bytes && (found->text.data[text.bytes] & 0xC0) == 0x80)
        text.bytes--;
    if (found->kind == TOKEN_END)
        capi_err_set_at(parser->err, CAPI_INVALID, found->offset, 0, "expected %s at %.*s", expected,
                        CAPI_STR_ARG(place));
    else if (found->kind == TOKEN_NEWLINE)
        capi_err_set_at(parser->err, CAPI_INVALID, found->offset, 1,
                        "expected %s at %.*s, found the end of the line (break lines after operators and commas)",
                        expected, CAPI_STR_ARG(place));
    else
        capi_err_set_at(parser->err, CAPI_INVALID, found->offset, (uint32_t)found->text.bytes,
                        "expected %s at %.*s, found %s\"%.*s\"%s", expected, CAPI_STR_ARG(place),
                        found->kind == TOKEN_KEYWORD ? "the reserved word " : "", CAPI_STR_ARG(text),
                        habit_hint(parser));
    return parse_failed;
}

static bool advance(expr_parser *parser)
{
    return lexer_next(&parser->lexer, &parser->token, parser->err) == CAPI_OK;
}

static bool at_operator(const expr_parser *parser, const char *text)
{
    return parser->token.kind == TOKEN_OPERATOR && capi_str_is(parser->token.text, text);
}

static bool expect(expr_parser *parser, const char *text, const char *expected)
{
    if (!at_operator(parser, text)) {
        fail_unexpected(parser, expected);
        return false;
    }
    return advance(parser);
}

static bool enter(expr_parser *parser)
{
    if (++parser->nesting <= CAPI_EXPR_DEPTH_MAX) return true;
    capi_err_set_at(parser->err, CAPI_INVALID, parser->token.offset, 1, "expression is nested deeper than %d levels",
                    CAPI_EXPR_DEPTH_MAX);
    return false;
}

static uint32_t end_of(const capi_ast *ast)
{
    return ast->offset + ast->length_bytes;
}

static capi_ast *ast_new(expr_parser *parser, capi_ast_kind kind, uint32_t offset, uint32_t end)
{
    capi_ast *ast = capi_new(parser->arena, capi_ast);

    ast->kind = kind;
    ast->source = parser->lexer.text.data;
    ast->offset = offset;
    ast->length_bytes = end - offset;
    return ast;
}

/* A tree above others, the deepest of which has `depth` levels. */
static parsed grown(expr_parser *parser, capi_ast *ast, uint32_t depth)
{
    if (depth + 1 > CAPI_EXPR_DEPTH_MAX) {
        capi_err_set_at(parser->err, CAPI_INVALID, ast->offset, ast->length_bytes,
                        "expression is nested deeper than %d levels", CAPI_EXPR_DEPTH_MAX);
        return parse_failed;
    }
    return (parsed){ast, depth + 1};
}

/* ---- literals ---- */

static bool int_value(capi_str digits, capi_value *out)
{
    if (capi_parse_int(digits, &out->integer)) {
        out->type = CAPI_INT;
        return true;
    }
    out->type = CAPI_DECIMAL;
    return capi_decimal_parse(digits, &out->decimal);
}

static double float_value(capi_str digits)
{
    double value = 0;

    return capi_parse_float(digits, &value) == CAPI_FLOAT_RANGE ? INFINITY : value;
}

/* The source text between the quotes, escapes as written, without any double quotes at its ends. */
static capi_str quoted_value(capi_str text)
{
    while (text.bytes && text.data[0] == '"')
        text = capi_str_slice(text, 1, text.bytes);
    while (text.bytes && text.data[text.bytes - 1] == '"')
        text.bytes--;
    return text;
}

static capi_str raw_value(capi_arena *arena, capi_str text)
{
    char *copy;
    size_t bytes = 0;

    text = capi_str_slice(text, 1, text.bytes - 1);
    if (!text.bytes || !memchr(text.data, '\r', text.bytes)) return text;
    copy = capi_arena_alloc(arena, text.bytes);
    for (size_t i = 0; i < text.bytes; i++)
        if (text.data[i] != '\r') copy[bytes++] = text.data[i];
    return (capi_str){copy, bytes};
}

static parsed parse_literal(expr_parser *parser)
{
    expr_token token = parser->token;
    capi_ast *ast = ast_new(parser, CAPI_AST_OTHER, token.offset, token.offset + (uint32_t)token.text.bytes);

    switch (token.kind) {
    case TOKEN_INT:
        if (!int_value(token.text, &ast->value))
            return fail_at(parser, ast->offset, ast->length_bytes, "number with more than 76 digits");
        ast->kind = ast->value.type == CAPI_INT ? CAPI_AST_INT : CAPI_AST_DECIMAL;
        break;
    case TOKEN_FLOAT:
        ast->kind = CAPI_AST_FLOAT;
        ast->value = (capi_value){.type = CAPI_FLOAT, .real = float_value(token.text)};
        break;
    case TOKEN_STRING:
        ast->kind = CAPI_AST_STRING;
        ast->value = (capi_value){.type = CAPI_STRING, .string = quoted_value(token.text)};
        break;
    case TOKEN_RAW:
        ast->kind = CAPI_AST_STRING;
        ast->value = (capi_value){.type = CAPI_STRING, .string = raw_value(parser->arena, token.text)};
        break;
    case TOKEN_ODD: ast->name = capi_str_of(token.odd); break;
    case TOKEN_END:
    case TOKEN_NEWLINE:
    case TOKEN_NAME:
    case TOKEN_KEYWORD:
    case TOKEN_OPERATOR: return fail_unexpected(parser, "an operand");
    }
    if (!advance(parser)) return parse_failed;
    return grown(parser, ast, 0);
}

/* ---- operands ---- */

static parsed parse_name(expr_parser *parser)
{
    expr_token token = parser->token;
    capi_ast *ast = ast_new(parser, CAPI_AST_NAME, token.offset, token.offset + (uint32_t)token.text.bytes);

    ast->name = token.text;
    if (capi_str_is(token.text, "true") || capi_str_is(token.text, "false")) {
        ast->kind = CAPI_AST_BOOL;
        ast->value = (capi_value){.type = CAPI_BOOL, .boolean = token.text.data[0] == 't'};
    }
    if (!advance(parser)) return parse_failed;
    return grown(parser, ast, 0);
}

static parsed parse_parentheses(expr_parser *parser)
{
    uint32_t from = parser->token.offset;
    uint32_t end;
    parsed inner;

    if (!enter(parser) || !advance(parser)) return parse_failed;
    inner = parse_binary(parser, 1);
    if (!inner.ast) return parse_failed;
    end = parser->token.offset + 1;
    if (!expect(parser, ")", "\")\"")) return parse_failed;
    parser->nesting--;
    inner.ast->in_parentheses = true;
    inner.ast->offset = from;
    inner.ast->length_bytes = end - from;
    return inner;
}

static parsed parse_other(expr_parser *parser, parsed inner, uint32_t end, const char *what)
{
    capi_ast *ast = ast_new(parser, CAPI_AST_OTHER, inner.ast->offset, end);

    ast->name = capi_str_of(what);
    return grown(parser, ast, inner.depth);
}

/* `.name` behind an operand. Only alias.name means something. */
static parsed parse_selector(expr_parser *parser, parsed inner)
{
    expr_token name;

    if (!advance(parser)) return parse_failed;
    name = parser->token;
    if (name.kind != TOKEN_NAME) return fail_unexpected(parser, "a name after \".\"");
    if (!advance(parser)) return parse_failed;
    if (inner.ast->in_parentheses || (inner.ast->kind != CAPI_AST_NAME && inner.ast->kind != CAPI_AST_BOOL))
        return parse_other(parser, inner, name.offset + (uint32_t)name.text.bytes,
                           "selector on more than a plain name");
    inner.ast->kind = CAPI_AST_FIELD;
    inner.ast->alias = inner.ast->name;
    inner.ast->name = name.text;
    inner.ast->length_bytes = name.offset + (uint32_t)name.text.bytes - inner.ast->offset;
    return inner;
}

typedef struct argument_list {
    const capi_ast **items;
    uint32_t count, capacity;
    uint32_t depth;
} argument_list;

static void add_argument(capi_arena *arena, argument_list *list, parsed argument)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? 2 * list->capacity : 4;
        const capi_ast **items = capi_new_array(arena, const capi_ast *, capacity);

        if (list->count) memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = argument.ast;
    if (argument.depth > list->depth) list->depth = argument.depth;
}

static bool parse_arguments(expr_parser *parser, argument_list *list)
{
    if (!enter(parser) || !advance(parser)) return false;
    while (!at_operator(parser, ")")) {
        parsed argument = parse_binary(parser, 1);

        if (!argument.ast) return false;
        add_argument(parser->arena, list, argument);
        if (!at_operator(parser, ",")) break;
        if (!advance(parser)) return false;
    }
    parser->nesting--;
    return true;
}

static parsed parse_call(expr_parser *parser, parsed callee)
{
    argument_list list = {.depth = callee.depth};
    uint32_t end;

    if (!parse_arguments(parser, &list)) return parse_failed;
    end = parser->token.offset + 1;
    if (!expect(parser, ")", "\",\" or \")\"")) return parse_failed;
    if (callee.ast->in_parentheses ||
        (callee.ast->kind != CAPI_AST_NAME && callee.ast->kind != CAPI_AST_BOOL && callee.ast->kind != CAPI_AST_FIELD))
        return parse_other(parser, (parsed){callee.ast, list.depth}, end,
                           "call of something that is not a function name");
    callee.ast->kind = CAPI_AST_CALL;
    callee.ast->args = list.items;
    callee.ast->arg_count = list.count;
    callee.ast->length_bytes = end - callee.ast->offset;
    return grown(parser, callee.ast, list.depth);
}

/* x[i], x[i:j]: parsed to be named by the checker. */
static parsed parse_index(expr_parser *parser, parsed inner)
{
    uint32_t depth = inner.depth;
    uint32_t end;

    if (!enter(parser) || !advance(parser)) return parse_failed;
    for (;;) {
        if (!at_operator(parser, ":") && !at_operator(parser, "]")) {
            parsed index = parse_binary(parser, 1);

            if (!index.ast) return parse_failed;
            if (index.depth > depth) depth = index.depth;
        }
        if (!at_operator(parser, ":")) break;
        if (!advance(parser)) return parse_failed;
    }
    end = parser->token.offset + 1;
    if (!expect(parser, "]", "\"]\"")) return parse_failed;
    parser->nesting--;
    return parse_other(parser, (parsed){inner.ast, depth}, end, "index");
}

static parsed parse_primary(expr_parser *parser)
{
    parsed operand;

    if (parser->token.kind == TOKEN_NAME)
        operand = parse_name(parser);
    else if (at_operator(parser, "("))
        operand = parse_parentheses(parser);
    else
        operand = parse_literal(parser);
    while (operand.ast) {
        if (at_operator(parser, "."))
            operand = parse_selector(parser, operand);
        else if (at_operator(parser, "("))
            operand = parse_call(parser, operand);
        else if (at_operator(parser, "["))
            operand = parse_index(parser, operand);
        else
            break;
    }
    return operand;
}

/* ---- operators ---- */

static bool is_unary(capi_str text)
{
    return text.bytes == 1 ? memchr("!-+^&*", text.data[0], 6) != NULL : capi_str_is(text, "<-");
}

static parsed parse_unary(expr_parser *parser)
{
    expr_token token = parser->token;
    capi_ast *ast;
    parsed operand;

    if (token.kind != TOKEN_OPERATOR || !is_unary(token.text)) return parse_primary(parser);
    if (!enter(parser) || !advance(parser)) return parse_failed;
    operand = parse_unary(parser);
    if (!operand.ast) return parse_failed;
    parser->nesting--;
    ast = ast_new(parser, CAPI_AST_UNARY, token.offset, end_of(operand.ast));
    ast->name = token.text;
    ast->args = capi_new_array(parser->arena, const capi_ast *, 1);
    ast->args[0] = operand.ast;
    ast->arg_count = 1;
    return grown(parser, ast, operand.depth);
}

/* 0: not a binary operator. */
static unsigned precedence(const expr_token *token)
{
    static const struct {
        const char *text;
        unsigned precedence;
    } table[] = {
        {"||", 1}, {"&&", 2}, {"==", 3}, {"!=", 3}, {"<", 3}, {"<=", 3}, {">", 3},  {">=", 3}, {"+", 4},  {"-", 4},
        {"|", 4},  {"^", 4},  {"*", 5},  {"/", 5},  {"%", 5}, {"&", 5},  {"<<", 5}, {">>", 5}, {"&^", 5},
    };

    if (token->kind != TOKEN_OPERATOR) return 0;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (capi_str_is(token->text, table[i].text)) return table[i].precedence;
    return 0;
}

static parsed parse_binary(expr_parser *parser, unsigned precedence_min)
{
    parsed left = parse_unary(parser);

    while (left.ast) {
        expr_token token = parser->token;
        unsigned level = precedence(&token);
        parsed right;
        capi_ast *ast;

        if (level == 0 || level < precedence_min) break;
        if (!advance(parser)) return parse_failed;
        right = parse_binary(parser, level + 1);
        if (!right.ast) return parse_failed;
        ast = ast_new(parser, CAPI_AST_BINARY, left.ast->offset, end_of(right.ast));
        ast->name = token.text;
        ast->args = capi_new_array(parser->arena, const capi_ast *, 2);
        ast->args[0] = left.ast;
        ast->args[1] = right.ast;
        ast->arg_count = 2;
        left = grown(parser, ast, left.depth > right.depth ? left.depth : right.depth);
    }
    return left;
}

capi_status capi_expr_parse(capi_arena *arena, capi_str text, const capi_ast **out, capi_err *err)
{
    capi_err local = {0};
    expr_parser parser = {.arena = arena, .err = err ? err : &local};
    parsed result;

    *out = NULL;
    CAPI_TRY(lexer_check_text(text, parser.err));
    parser.lexer = lexer_start(capi_str_copy(arena, text));
    if (!advance(&parser)) return parser.err->status;
    if (parser.token.kind == TOKEN_END) return capi_err_set_at(parser.err, CAPI_INVALID, 0, 0, "expression is empty");
    result = parse_binary(&parser, 1);
    if (!result.ast) return parser.err->status;
    if (parser.token.kind == TOKEN_NEWLINE && !advance(&parser)) return parser.err->status;
    if (parser.token.kind != TOKEN_END) {
        fail_unexpected(&parser, "an operator or the end of the expression");
        return parser.err->status;
    }
    *out = result.ast;
    return CAPI_OK;
}
