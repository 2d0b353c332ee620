/* cmd_eval.c - "capillaries eval": tries an expression that needs no fields. */
#include "cmd/commands.h"

#include "expr/expr.h"

#include <stdio.h>
#include <time.h>

static capi_name_verdict find_nothing(void *context, capi_str alias, capi_str name, uint32_t *slot, capi_type *type)
{
    (void)context;
    (void)alias;
    (void)name;
    (void)slot;
    (void)type;
    return CAPI_NAME_UNKNOWN;
}

static capi_status evaluate(capi_arena *arena, const capi_expr *expr, capi_buf *to, capi_err *err)
{
    capi_program *program = capi_program_new(arena);
    uint32_t output = capi_program_add(program, expr);
    capi_vec *outputs = capi_new_array(arena, capi_vec, capi_program_output_count(program));
    capi_evaluator *evaluator = capi_evaluator_new(program, capi_instant_from_ms((int64_t)time(NULL) * 1000));
    capi_status st;
    uint32_t bad_row;
    uint32_t bad_output;
    capi_value value;

    CAPI_TRY_OUT(capi_evaluator_run(evaluator, NULL, 1, outputs, &bad_row, &bad_output, err));
    value = capi_vec_get(&outputs[output], 0);
    value.type = outputs[output].type;
    capi_buf_printf(to, "%s ", capi_type_name(value.type));
    capi_value_append_text(to, &value);
    capi_buf_append_byte(to, '\n');
out:
    capi_evaluator_free(evaluator);
    return st;
}

/* The text again, with a caret under the place, if it is one line of reasonable length. */
static void print_place(capi_str text, const capi_err *err)
{
    enum { LINE_MAX_BYTES = 200 };

    if (text.bytes > LINE_MAX_BYTES || memchr(text.data, '\n', text.bytes) || err->offset > text.bytes) return;
    fprintf(stderr, "  %.*s\n  %*s^\n", CAPI_STR_ARG(text), (int)err->offset, "");
}

static int command_eval(const capi_args *args)
{
    capi_str text = capi_str_of(capi_args_word(args, 0));
    capi_scope scope = {.find = find_nothing};
    capi_arena arena = {0};
    capi_buf result = {0};
    capi_err err = {0};
    const capi_ast *ast;
    const capi_expr *expr;
    capi_status st = capi_expr_parse(&arena, text, &ast, &err);
    int code = CAPI_EXIT_DONE;

    if (st == CAPI_OK) st = capi_expr_check(&arena, ast, &scope, &expr, &err);
    if (st != CAPI_OK) {
        capi_command_fail(&err);
        print_place(text, &err);
        code = CAPI_EXIT_USAGE;
    } else if (evaluate(&arena, expr, &result, &err) != CAPI_OK) {
        capi_command_fail(&err);
        code = CAPI_EXIT_FAILED;
    } else {
        fwrite(result.data, 1, result.bytes, stdout);
    }
    capi_buf_deinit(&result);
    capi_arena_deinit(&arena);
    return code;
}

const capi_command capi_command_eval = {
    .name = "eval",
    .arguments = "EXPRESSION",
    .summary = "try an expression: prints its type and its value",
    .details =
        "The expression has no fields: write literals in their place. Exit code 2: the expression is wrong, 1: it\n"
        "is right, but has no value (a division by zero).",
    .manual = "```sh\ncapillaries eval 'fmt.Sprintf(\"%05d\", 42)'\n```",
    .argument_min = 1,
    .argument_max = 1,
    .run = command_eval,
};
