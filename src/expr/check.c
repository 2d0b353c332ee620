/* check.c - from syntax tree to typed nodes: names, types, conversions, and the value of constant parts.
 *
 * Types follow from the parts alone, never from a value, so everything about types is settled here. Where operands of
 * different kinds of number meet, conversions are made explicit nodes: kernels only see operands of one type. */
#include "expr/node.h"

#include "base/hash.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct expr_checker {
    capi_arena *arena;
    const capi_scope *scope;
    capi_err *err;
    expr_run run; /* for constant parts */
    bool has_run;
    expr_field *fields;
    uint32_t field_count, field_capacity;
    capi_map field_names; /* "r.price": those in fields */
} expr_checker;

static capi_status check(expr_checker *checker, const capi_ast *ast, const expr_node **out);

/* ---- errors ---- */

static capi_status fail(expr_checker *checker, const capi_ast *ast, const char *format, ...) CAPI_PRINTF(3, 4);
static capi_status fail(expr_checker *checker, const capi_ast *ast, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return capi_err_set_at(checker->err, CAPI_INVALID, ast->offset, ast->length_bytes, "%s", text);
}

/* A name in a message: cut when absurdly long. */
static int shown(capi_str text)
{
    return (int)(text.bytes < 120 ? text.bytes : 120);
}

static const char *type_name(const expr_node *node)
{
    return capi_type_name(node->type);
}

/* ---- names ---- */

static capi_str nearest_name(const expr_checker *checker, capi_str wrong)
{
    uint32_t count = 0;
    const capi_str *names;

    if (!checker->scope->names) return (capi_str){0};
    names = checker->scope->names(checker->scope->context, &count);
    /* a forgotten or a wrong alias is likelier than a misspelt name */
    for (uint32_t i = 0; i < count; i++) {
        const char *dot = names[i].bytes ? memchr(names[i].data, '.', names[i].bytes) : NULL;
        const char *wrong_dot = memchr(wrong.data, '.', wrong.bytes);
        capi_str after = wrong;
        size_t at;

        if (!dot) continue;
        if (wrong_dot) after = capi_str_slice(wrong, (size_t)(wrong_dot - wrong.data) + 1, wrong.bytes);
        at = (size_t)(dot - names[i].data) + 1;
        if (capi_str_equal(capi_str_slice(names[i], at, names[i].bytes), after)) return names[i];
    }
    return capi_str_nearest(wrong, names, count);
}

static capi_status fail_name(expr_checker *checker, const capi_ast *ast)
{
    capi_str nearest = nearest_name(checker, ast->name);

    if (nearest.bytes)
        return fail(checker, ast, "plain name \"%.*s\": names are written alias.name; did you mean \"%.*s\"?",
                    shown(ast->name), ast->name.data, shown(nearest), nearest.data);
    return fail(checker, ast, "plain name \"%.*s\": names are written alias.name, as in \"r.%.*s\"", shown(ast->name),
                ast->name.data, shown(ast->name), ast->name.data);
}

static capi_status fail_field(expr_checker *checker, const capi_ast *ast, capi_name_verdict verdict)
{
    capi_str full = capi_str_format(checker->arena, "%.*s.%.*s", CAPI_STR_ARG(ast->alias), CAPI_STR_ARG(ast->name));
    capi_str nearest;

    if (verdict == CAPI_NAME_PROHIBITED)
        return fail(checker, ast, "prohibited field \"%.*s\": it exists, but cannot be used here", shown(full),
                    full.data);
    if (expr_function_find(ast->alias, ast->name))
        return fail(checker, ast, "function \"%.*s\" is not a value: call it with (...)", shown(full), full.data);
    nearest = nearest_name(checker, full);
    if (nearest.bytes)
        return fail(checker, ast, "unknown field \"%.*s\"; did you mean \"%.*s\"?", shown(full), full.data,
                    shown(nearest), nearest.data);
    return fail(checker, ast, "unknown field \"%.*s\"", shown(full), full.data);
}

static void note_field(expr_checker *checker, const expr_field *field)
{
    capi_str full = capi_str_format(checker->arena, "%.*s.%.*s", CAPI_STR_ARG(field->alias), CAPI_STR_ARG(field->name));

    if (!checker->field_names.arena) capi_map_init(&checker->field_names, checker->arena);
    if (capi_map_get(&checker->field_names, full)) return;
    capi_map_put(&checker->field_names, full, checker);
    if (checker->field_count == checker->field_capacity) {
        uint32_t capacity = checker->field_capacity ? 2 * checker->field_capacity : 4;
        expr_field *fields = capi_new_array(checker->arena, expr_field, capacity);

        if (checker->field_count) memcpy(fields, checker->fields, checker->field_count * sizeof *fields);
        checker->fields = fields;
        checker->field_capacity = capacity;
    }
    checker->fields[checker->field_count++] = *field;
}

static expr_node *node_new(expr_checker *checker, expr_node_kind kind, capi_type type)
{
    expr_node *node = capi_new(checker->arena, expr_node);

    node->kind = kind;
    node->type = type;
    return node;
}

static expr_node *constant_new(expr_checker *checker, const capi_value *value)
{
    expr_node *node = node_new(checker, EXPR_NODE_CONSTANT, value->type);

    node->value = *value;
    return node;
}

/* time.January .. time.December, time.UTC */
static bool time_constant(const capi_ast *ast, capi_value *out)
{
    static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};

    if (!capi_str_is(ast->alias, "time")) return false;
    if (capi_str_is(ast->name, "UTC")) {
        *out = (capi_value){.type = CAPI_ZONE, .zone = {.name = capi_zone_utc_name, .name_bytes = 3}};
        return true;
    }
    for (int i = 0; i < 12; i++) {
        if (!capi_str_is(ast->name, months[i])) continue;
        *out = (capi_value){.type = CAPI_MONTH, .integer = i + 1};
        return true;
    }
    return false;
}

static capi_status check_field(expr_checker *checker, const capi_ast *ast, const expr_node **out)
{
    expr_field field = {.alias = ast->alias, .name = ast->name};
    capi_name_verdict verdict = CAPI_NAME_UNKNOWN;
    capi_value value;
    expr_node *node;

    if (time_constant(ast, &value)) {
        *out = constant_new(checker, &value);
        return CAPI_OK;
    }
    if (checker->scope->find)
        verdict = checker->scope->find(checker->scope->context, ast->alias, ast->name, &field.slot, &field.type);
    if (verdict != CAPI_NAME_KNOWN) return fail_field(checker, ast, verdict);
    node = node_new(checker, EXPR_NODE_FIELD, field.type);
    node->slot = field.slot;
    note_field(checker, &field);
    *out = node;
    return CAPI_OK;
}

/* ---- calls of kernels ---- */

static capi_status fold(expr_checker *checker, const capi_ast *ast, expr_node *node)
{
    capi_value value;
    capi_status st;

    if (!checker->has_run) {
        expr_run_init(&checker->run, 1);
        checker->has_run = true;
    }
    st = expr_fold(node, &checker->run, checker->arena, &value, checker->err);
    if (st != CAPI_OK) {
        if (checker->err) {
            checker->err->offset = ast->offset;
            checker->err->length_bytes = ast->length_bytes;
        }
        return st;
    }
    node->kind = EXPR_NODE_CONSTANT;
    node->value = value;
    return CAPI_OK;
}

/* Completes a node with its arguments; evaluates it if they are all constants. */
static capi_status finish_call(expr_checker *checker, const capi_ast *ast, expr_node *node)
{
    for (uint32_t i = 0; i < node->arg_count; i++)
        if (node->args[i]->kind != EXPR_NODE_CONSTANT) return CAPI_OK;
    return fold(checker, ast, node);
}

static expr_node *call_new(expr_checker *checker, expr_kernel kernel, capi_type type, uint32_t param,
                           uint32_t arg_count)
{
    expr_node *node = node_new(checker, EXPR_NODE_CALL, type);

    node->kernel = kernel;
    node->param = param;
    node->args = capi_new_array(checker->arena, const expr_node *, arg_count);
    node->arg_count = arg_count;
    return node;
}

/* Makes a number a float or decimal, if it is not. */
static capi_status convert(expr_checker *checker, const capi_ast *ast, capi_type to, const expr_node **node)
{
    expr_kernel kernel = expr_conversion((*node)->type, to);
    expr_node *call;

    if (!kernel || (*node)->type == to) return CAPI_OK;
    call = call_new(checker, kernel, to, 0, 1);
    call->args[0] = *node;
    CAPI_TRY(finish_call(checker, ast, call));
    *node = call;
    return CAPI_OK;
}

static bool is_number(const expr_node *node)
{
    return (EXPR_NUMBERS >> node->type & 1) != 0;
}

static bool is_integer(const expr_node *node)
{
    return node->type == CAPI_INT || node->type == CAPI_LENGTH;
}

/* The type in which two numbers meet: float wins over decimal, decimal over int. */
static capi_type meeting_type(const expr_node *a, const expr_node *b)
{
    if (a->type == CAPI_FLOAT || b->type == CAPI_FLOAT) return CAPI_FLOAT;
    if (a->type == CAPI_DECIMAL || b->type == CAPI_DECIMAL) return CAPI_DECIMAL;
    return CAPI_INT;
}

/* ---- operators ---- */

static capi_status fail_operands(expr_checker *checker, const capi_ast *ast, const expr_node *a, const expr_node *b)
{
    return fail(checker, ast, "operator \"%.*s\" does not take %s and %s", CAPI_STR_ARG(ast->name), type_name(a),
                type_name(b));
}

static capi_status binary(expr_checker *checker, const capi_ast *ast, expr_kernel kernel, capi_type type,
                          uint32_t param, const expr_node *operands[2], const expr_node **out)
{
    expr_node *node = call_new(checker, kernel, type, param, 2);

    node->args[0] = operands[0];
    node->args[1] = operands[1];
    CAPI_TRY(finish_call(checker, ast, node));
    *out = node;
    return CAPI_OK;
}

static capi_status meet(expr_checker *checker, const capi_ast *ast, const expr_node *operands[2], capi_type *type)
{
    *type = meeting_type(operands[0], operands[1]);
    if (*type == CAPI_INT) return CAPI_OK;
    CAPI_TRY(convert(checker, ast->args[0], *type, &operands[0]));
    return convert(checker, ast->args[1], *type, &operands[1]);
}

/* A divisor that is always zero fails every row, so it is a mistake of the script. */
static bool is_zero_divisor(const expr_node *node, uint32_t operation)
{
    if (node->kind != EXPR_NODE_CONSTANT || (operation != EXPR_DIVIDE && operation != EXPR_MODULO)) return false;
    if (node->type == CAPI_DECIMAL) return capi_decimal_is_zero(&node->value.decimal);
    return is_integer(node) && node->value.integer == 0;
}

static capi_status check_arithmetic(expr_checker *checker, const capi_ast *ast, uint32_t operation,
                                    const expr_node *operands[2], const expr_node **out)
{
    capi_type type;
    expr_kernel kernel;

    if (operation == EXPR_ADD && operands[0]->type == CAPI_STRING && operands[1]->type == CAPI_STRING)
        return binary(checker, ast, expr_string_concat, CAPI_STRING, 0, operands, out);
    if (!is_number(operands[0]) || !is_number(operands[1]))
        return fail_operands(checker, ast, operands[0], operands[1]);
    if (operation == EXPR_MODULO && (!is_integer(operands[0]) || !is_integer(operands[1])))
        return fail_operands(checker, ast, operands[0], operands[1]);
    CAPI_TRY(meet(checker, ast, operands, &type));
    if (is_zero_divisor(operands[1], operation))
        return fail(checker, ast, "%s %s by zero", type == CAPI_INT ? "integer" : "decimal",
                    operation == EXPR_DIVIDE ? "division" : "modulo");
    kernel = type == CAPI_INT     ? expr_int_arithmetic
             : type == CAPI_FLOAT ? expr_float_arithmetic
                                  : expr_decimal_arithmetic;
    return binary(checker, ast, kernel, type, operation, operands, out);
}

static capi_status check_comparison(expr_checker *checker, const capi_ast *ast, uint32_t comparison,
                                    const expr_node *operands[2], const expr_node **out)
{
    capi_type type = operands[0]->type;
    expr_kernel kernel = NULL;

    if (is_number(operands[0]) && is_number(operands[1])) {
        CAPI_TRY(meet(checker, ast, operands, &type));
        kernel = type == CAPI_INT ? expr_compare_int : type == CAPI_FLOAT ? expr_compare_float : expr_compare_decimal;
    } else if (type == operands[1]->type) {
        if (type == CAPI_STRING) kernel = expr_compare_string;
        if (type == CAPI_DATETIME) kernel = expr_compare_datetime;
        if (type == CAPI_BOOL && comparison <= EXPR_NE) kernel = expr_compare_bool;
    }
    if (!kernel) return fail_operands(checker, ast, operands[0], operands[1]);
    return binary(checker, ast, kernel, CAPI_BOOL, comparison, operands, out);
}

typedef enum operator_group { OPERATOR_ARITHMETIC, OPERATOR_COMPARISON, OPERATOR_LOGIC } operator_group;

static const struct binary_operator {
    const char *text;
    operator_group group;
    uint32_t param;
} binary_operators[] = {
    {"+", OPERATOR_ARITHMETIC, EXPR_ADD},
    {"-", OPERATOR_ARITHMETIC, EXPR_SUBTRACT},
    {"*", OPERATOR_ARITHMETIC, EXPR_MULTIPLY},
    {"/", OPERATOR_ARITHMETIC, EXPR_DIVIDE},
    {"%", OPERATOR_ARITHMETIC, EXPR_MODULO},
    {"==", OPERATOR_COMPARISON, EXPR_EQ},
    {"!=", OPERATOR_COMPARISON, EXPR_NE},
    {"<", OPERATOR_COMPARISON, EXPR_LT},
    {"<=", OPERATOR_COMPARISON, EXPR_LE},
    {">", OPERATOR_COMPARISON, EXPR_GT},
    {">=", OPERATOR_COMPARISON, EXPR_GE},
    {"&&", OPERATOR_LOGIC, 0},
    {"||", OPERATOR_LOGIC, 1},
};

static capi_status check_binary(expr_checker *checker, const capi_ast *ast, const expr_node **out)
{
    const struct binary_operator *found = NULL;
    const expr_node *operands[2];

    for (size_t i = 0; i < sizeof binary_operators / sizeof *binary_operators; i++)
        if (capi_str_is(ast->name, binary_operators[i].text)) found = &binary_operators[i];
    if (!found) return fail(checker, ast, "operator \"%.*s\" is not part of the language", CAPI_STR_ARG(ast->name));
    CAPI_TRY(check(checker, ast->args[0], &operands[0]));
    CAPI_TRY(check(checker, ast->args[1], &operands[1]));
    switch (found->group) {
    case OPERATOR_ARITHMETIC: return check_arithmetic(checker, ast, found->param, operands, out);
    case OPERATOR_COMPARISON: return check_comparison(checker, ast, found->param, operands, out);
    case OPERATOR_LOGIC: break;
    }
    if (operands[0]->type != CAPI_BOOL || operands[1]->type != CAPI_BOOL)
        return fail_operands(checker, ast, operands[0], operands[1]);
    return binary(checker, ast, found->param ? expr_logic_or : expr_logic_and, CAPI_BOOL, 0, operands, out);
}

static capi_status check_unary(expr_checker *checker, const capi_ast *ast, const expr_node **out)
{
    bool is_not = capi_str_is(ast->name, "!");
    const expr_node *operand;
    expr_kernel kernel = NULL;
    expr_node *node;
    capi_type type;

    if (!is_not && !capi_str_is(ast->name, "-"))
        return fail(checker, ast, "unary operator \"%.*s\" is not part of the language", CAPI_STR_ARG(ast->name));
    CAPI_TRY(check(checker, ast->args[0], &operand));
    type = operand->type;
    if (is_not && type == CAPI_BOOL) kernel = expr_logic_not;
    if (!is_not && type == CAPI_FLOAT) kernel = expr_float_negate;
    if (!is_not && type == CAPI_DECIMAL) kernel = expr_decimal_negate;
    if (!is_not && is_integer(operand)) {
        kernel = expr_int_negate;
        type = CAPI_INT;
    }
    if (!kernel)
        return fail(checker, ast, "operator \"%.*s\" does not take %s", CAPI_STR_ARG(ast->name), type_name(operand));
    node = call_new(checker, kernel, type, 0, 1);
    node->args[0] = operand;
    CAPI_TRY(finish_call(checker, ast, node));
    *out = node;
    return CAPI_OK;
}

/* ---- functions ---- */

/* "; known are time.Parse, time.Unix", the functions whose names begin with this word, or nothing. */
static capi_str functions_under(expr_checker *checker, capi_str alias)
{
    capi_str prefix = capi_str_format(checker->arena, "%.*s.", CAPI_STR_ARG(alias));
    capi_str known = {0};
    uint32_t count;
    const capi_function_help *helps = capi_functions(&count);

    for (uint32_t i = 0; i < count && alias.bytes; i++)
        if (strncmp(helps[i].name, prefix.data, prefix.bytes) == 0)
            known = capi_str_format(checker->arena, "%.*s%s%s", CAPI_STR_ARG(known),
                                    known.bytes ? ", " : "; known are ", helps[i].name);
    return known;
}

static capi_status fail_function(expr_checker *checker, const capi_ast *ast)
{
    capi_str nearest = expr_function_nearest(ast->alias, ast->name);
    capi_str full = ast->name;

    if (ast->alias.bytes)
        full = capi_str_format(checker->arena, "%.*s.%.*s", CAPI_STR_ARG(ast->alias), CAPI_STR_ARG(ast->name));
    if (nearest.bytes)
        return fail(checker, ast, "unknown function \"%.*s\"; did you mean \"%.*s\"?", shown(full), full.data,
                    CAPI_STR_ARG(nearest));
    return fail(checker, ast, "unknown function \"%.*s\"%.*s", shown(full), full.data,
                CAPI_STR_ARG(functions_under(checker, ast->alias)));
}

static capi_status check_arg_count(expr_checker *checker, const capi_ast *ast, const expr_function *function)
{
    const char *plural = function->arg_min == 1 ? "" : "s";

    if (ast->arg_count >= function->arg_min &&
        (function->arg_max == EXPR_ARGS_ANY || ast->arg_count <= function->arg_max))
        return CAPI_OK;
    return fail(checker, ast, "function \"%s\" takes %s%u argument%s, not %u: %s", function->help.name,
                function->arg_max == EXPR_ARGS_ANY ? "at least " : "", function->arg_min, plural, ast->arg_count,
                function->help.signature);
}

/* "int, float or decimal2" */
static capi_str types_text(capi_arena *arena, expr_types types)
{
    capi_str text = CAPI_STR("");
    uint32_t left = (uint32_t)__builtin_popcount(types);

    if (types == EXPR_ANY) return CAPI_STR("any value");
    for (int type = 0; type < CAPI_TYPE_COUNT; type++) {
        if (!(types >> type & 1)) continue;
        text = capi_str_format(arena, "%.*s%s%s", CAPI_STR_ARG(text),
                               text.bytes == 0 ? ""
                               : left == 1     ? " or "
                                               : ", ",
                               capi_type_name((capi_type)type));
        left--;
    }
    return text;
}

static capi_status check_arg(expr_checker *checker, const capi_ast *ast, const expr_function *function, uint32_t index,
                             const expr_node **out)
{
    uint32_t row_index =
        function->arg_max == EXPR_ARGS_ANY && index >= function->arg_min ? function->arg_min - 1u : index;
    expr_types wanted = function->args[row_index];
    capi_str expected;

    CAPI_TRY(check(checker, ast->args[index], out));
    if (wanted >> (*out)->type & 1) return CAPI_OK;
    expected = types_text(checker->arena, wanted);
    return fail(checker, ast->args[index], "argument %u of \"%s\" is %s, expected %.*s", index + 1, function->help.name,
                type_name(*out), CAPI_STR_ARG(expected));
}

static capi_status prepare(expr_checker *checker, const capi_ast *ast, const expr_function *function, expr_node *node)
{
    const expr_node *arg;
    const capi_ast *place;
    capi_status st;

    if (!function->prepare) return CAPI_OK;
    arg = node->args[function->prepared_arg];
    place = ast->args[function->prepared_arg];
    if (arg->kind != EXPR_NODE_CONSTANT) return CAPI_OK;
    st = function->prepare(checker->arena, arg->value.string, &node->prepared, checker->err);
    if (st != CAPI_OK && checker->err) {
        checker->err->offset = place->offset;
        checker->err->length_bytes = place->length_bytes;
    }
    return st;
}

static capi_status fail_aggregate(expr_checker *checker, const capi_ast *ast)
{
    if (!checker->scope->allows_aggregates)
        return fail(checker, ast, "aggregate \"%.*s\" is only allowed in fields of a lookup with \"group\": true",
                    CAPI_STR_ARG(ast->name));
    return fail(checker, ast,
                "aggregate \"%.*s\" must be the whole expression: nothing may stand around it, not even parentheses",
                CAPI_STR_ARG(ast->name));
}

static capi_status check_call(expr_checker *checker, const capi_ast *ast, const expr_node **out)
{
    const expr_function *function = expr_function_find(ast->alias, ast->name);
    expr_kernel kernel;
    expr_node *node;

    if (!function) return fail_function(checker, ast);
    if (function->aggregate) return fail_aggregate(checker, ast);
    CAPI_TRY(check_arg_count(checker, ast, function));
    if (ast->arg_count == 0) {
        *out = node_new(checker, EXPR_NODE_NOW, function->type);
        return CAPI_OK;
    }
    node = call_new(checker, NULL, function->type, function->param, ast->arg_count);
    for (uint32_t i = 0; i < ast->arg_count; i++) {
        CAPI_TRY(check_arg(checker, ast, function, i, &node->args[i]));
        if (function->wants_float) CAPI_TRY(convert(checker, ast->args[i], CAPI_FLOAT, &node->args[i]));
    }
    kernel = function->by_type ? function->by_type[node->args[0]->type] : function->kernel;
    if (!kernel) {
        *out = node->args[0];
        return CAPI_OK;
    }
    node->kernel = kernel;
    CAPI_TRY(prepare(checker, ast, function, node));
    CAPI_TRY(finish_call(checker, ast, node));
    *out = node;
    return CAPI_OK;
}

/* ---- any part ---- */

static capi_status check(expr_checker *checker, const capi_ast *ast, const expr_node **out)
{
    switch (ast->kind) {
    case CAPI_AST_INT:
    case CAPI_AST_DECIMAL:
    case CAPI_AST_FLOAT:
    case CAPI_AST_STRING:
    case CAPI_AST_BOOL: *out = constant_new(checker, &ast->value); return CAPI_OK;
    case CAPI_AST_NAME: return fail_name(checker, ast);
    case CAPI_AST_FIELD: return check_field(checker, ast, out);
    case CAPI_AST_CALL: return check_call(checker, ast, out);
    case CAPI_AST_UNARY: return check_unary(checker, ast, out);
    case CAPI_AST_BINARY: return check_binary(checker, ast, out);
    case CAPI_AST_OTHER: break;
    }
    return fail(checker, ast, "%.*s is not part of the language", CAPI_STR_ARG(ast->name));
}

/* ---- the whole ---- */

static capi_status check_separator(expr_checker *checker, const capi_ast *ast, capi_expr *expr)
{
    if (ast->kind != CAPI_AST_STRING || ast->in_parentheses)
        return fail(checker, ast, "the separator of an aggregate must be a text literal");
    expr->separator = ast->value.string;
    return CAPI_OK;
}

static capi_status check_aggregate(expr_checker *checker, const capi_ast *ast, const expr_function *function,
                                   capi_expr *expr)
{
    uint32_t at = 0;

    if (!checker->scope->allows_aggregates) return fail_aggregate(checker, ast);
    CAPI_TRY(check_arg_count(checker, ast, function));
    expr->aggregate = function->aggregate;
    expr->type = function->type;
    if (function->aggregate != EXPR_AGGREGATE_COUNT) {
        CAPI_TRY(check_arg(checker, ast, function, at++, &expr->agg_value));
        expr->type = expr->agg_value->type == CAPI_LENGTH ? CAPI_INT : expr->agg_value->type;
    }
    if (function->aggregate == EXPR_AGGREGATE_JOIN) CAPI_TRY(check_separator(checker, ast->args[at++], expr));
    if (function->has_condition) CAPI_TRY(check_arg(checker, ast, function, at, &expr->agg_condition));
    return CAPI_OK;
}

static capi_status check_root(expr_checker *checker, const capi_ast *ast, capi_expr *expr)
{
    const expr_function *function = NULL;

    if (ast->kind == CAPI_AST_CALL && !ast->in_parentheses) function = expr_function_find(ast->alias, ast->name);
    if (function && function->aggregate) return check_aggregate(checker, ast, function, expr);
    CAPI_TRY(check(checker, ast, &expr->root));
    expr->type = expr->root->type;
    return CAPI_OK;
}

capi_status capi_expr_check(capi_arena *arena, const capi_ast *ast, const capi_scope *scope, const capi_expr **out,
                            capi_err *err)
{
    expr_checker checker = {.arena = arena, .scope = scope, .err = err};
    capi_expr *expr = capi_new(arena, capi_expr);
    capi_status st = check_root(&checker, ast, expr);

    if (checker.has_run) expr_run_deinit(&checker.run);
    expr->text = capi_str_trim(capi_ast_text(ast));
    expr->fields = checker.fields;
    expr->field_count = checker.field_count;
    *out = st == CAPI_OK ? expr : NULL;
    return st;
}

capi_status capi_expr_load(capi_arena *arena, capi_str text, const capi_scope *scope, capi_type wanted,
                           const capi_expr **out, capi_err *err)
{
    const capi_ast *ast;

    *out = NULL;
    CAPI_TRY(capi_expr_parse(arena, text, &ast, err));
    CAPI_TRY(capi_expr_check(arena, ast, scope, out, err));
    if ((*out)->type == wanted) return CAPI_OK;
    if ((*out)->type == CAPI_LENGTH && wanted == CAPI_INT)
        capi_err_set_at(err, CAPI_INVALID, ast->offset, ast->length_bytes,
                        "expression is length, expected int: write int(len(...))");
    else
        capi_err_set_at(err, CAPI_INVALID, ast->offset, ast->length_bytes, "expression is %s, expected %s",
                        capi_type_name((*out)->type), capi_type_name(wanted));
    *out = NULL;
    return CAPI_INVALID;
}
