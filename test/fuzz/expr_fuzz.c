/* expr_fuzz.c - any bytes as an expression: parsed, checked, and evaluated over two rows when it is valid. */
#include "expr/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const struct {
    const char *name;
    capi_type type;
} fields[] = {{"s", CAPI_STRING}, {"i", CAPI_INT},      {"f", CAPI_FLOAT},
              {"b", CAPI_BOOL},   {"t", CAPI_DATETIME}, {"d", CAPI_DECIMAL}};

enum { FIELD_COUNT = sizeof fields / sizeof *fields, ROW_COUNT = 2, EXPR_BYTES_MAX = 4096 };

static capi_name_verdict find(void *context, capi_str alias, capi_str name, uint32_t *slot, capi_type *type)
{
    (void)context;
    if (!capi_str_is(alias, "r")) return CAPI_NAME_PROHIBITED;
    for (uint32_t i = 0; i < FIELD_COUNT; i++)
        if (capi_str_is(name, fields[i].name)) {
            *slot = i;
            *type = fields[i].type;
            return CAPI_NAME_KNOWN;
        }
    return CAPI_NAME_UNKNOWN;
}

static capi_vec column(capi_arena *arena, uint32_t slot)
{
    capi_vec vec = capi_vec_new(arena, fields[slot].type, capi_form_stored(fields[slot].type), ROW_COUNT);

    for (uint32_t row = 0; row < ROW_COUNT; row++)
        switch (fields[slot].type) {
        case CAPI_STRING:
            vec.views[row] = row ? capi_view_make("a longer text \xC3\xA4", 16) : capi_view_make("12", 2);
            break;
        case CAPI_FLOAT: vec.doubles[row] = row ? -1e300 : 0.1; break;
        case CAPI_BOOL: vec.bools[row] = (uint8_t)row; break;
        default: vec.int64s[row] = row ? INT64_MIN + 1 : 7; break;
        }
    return vec;
}

static void evaluate(capi_arena *arena, const capi_expr *expr)
{
    capi_program *program = capi_program_new(arena);
    capi_vec inputs[FIELD_COUNT];
    capi_evaluator *evaluator;
    capi_vec *outputs;
    uint32_t bad_row;
    uint32_t bad_output;
    capi_err err;

    for (uint32_t i = 0; i < FIELD_COUNT; i++)
        inputs[i] = column(arena, i);
    capi_program_add(program, expr);
    outputs = capi_new_array(arena, capi_vec, capi_program_output_count(program));
    evaluator = capi_evaluator_new(program, capi_instant_from_ms(0));
    if (capi_evaluator_run(evaluator, inputs, ROW_COUNT, outputs, &bad_row, &bad_output, &err) == CAPI_OK)
        capi_vec_get(&outputs[0], ROW_COUNT - 1);
    capi_evaluator_free(evaluator);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    capi_arena arena = {0};
    capi_scope scope = {.find = find};
    const capi_ast *ast;
    const capi_expr *expr;
    capi_err err;

    if (bytes <= EXPR_BYTES_MAX &&
        capi_expr_parse(&arena, (capi_str){(const char *)data, bytes}, &ast, &err) == CAPI_OK &&
        capi_expr_check(&arena, ast, &scope, &expr, &err) == CAPI_OK)
        evaluate(&arena, expr);
    capi_arena_deinit(&arena);
    return 0;
}
