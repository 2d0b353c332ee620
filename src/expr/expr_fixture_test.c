/* expr_fixture_test.c - see expr_fixture.h. */
#include "expr/expr_fixture.h"

#include <stdlib.h>

static const struct {
    const char *alias;
    const char *name;
    capi_type type;
} fields[FIXTURE_FIELDS] = {
    {"r", "i", CAPI_INT},      {"r", "j", CAPI_INT},    {"r", "f", CAPI_FLOAT},  {"r", "d", CAPI_DECIMAL},
    {"r", "e", CAPI_DECIMAL},  {"r", "s", CAPI_STRING}, {"r", "u", CAPI_STRING}, {"r", "b", CAPI_BOOL},
    {"r", "t", CAPI_DATETIME}, {"l", "v", CAPI_INT},
};

static capi_name_verdict find(void *context, capi_str alias, capi_str name, uint32_t *slot, capi_type *type)
{
    (void)context;
    if (capi_str_is(alias, "w") && capi_str_is(name, "x")) return CAPI_NAME_PROHIBITED;
    for (uint32_t i = 0; i < FIXTURE_FIELDS; i++) {
        if (!capi_str_is(alias, fields[i].alias) || !capi_str_is(name, fields[i].name)) continue;
        *slot = i;
        *type = fields[i].type;
        return CAPI_NAME_KNOWN;
    }
    return CAPI_NAME_UNKNOWN;
}

static const capi_str *names(void *context, uint32_t *count)
{
    static const capi_str all[] = {{"r.price", 7}, {"r.quantity", 10}, {"l.total", 7}};

    (void)context;
    *count = 3;
    return all;
}

void fixture_init(expr_fixture *fixture)
{
    *fixture = (expr_fixture){.scope = {.find = find, .names = names}};
}

void fixture_deinit(expr_fixture *fixture)
{
    capi_arena_deinit(&fixture->arena);
}

static capi_vec *input(expr_fixture *fixture, const char *name, capi_form form, uint32_t count)
{
    for (uint32_t i = 0; i < FIXTURE_FIELDS; i++) {
        if (strcmp(fields[i].name, name) != 0) continue;
        fixture->inputs[i] = capi_vec_new(&fixture->arena, fields[i].type, form, count);
        return &fixture->inputs[i];
    }
    abort();
}

void fixture_ints(expr_fixture *fixture, const char *name, const int64_t *values, uint32_t count)
{
    memcpy(input(fixture, name, CAPI_FORM_INT64, count)->data, values, count * sizeof *values);
}

void fixture_millis(expr_fixture *fixture, const char *name, const int64_t *values, uint32_t count)
{
    memcpy(input(fixture, name, CAPI_FORM_MILLIS, count)->data, values, count * sizeof *values);
}

void fixture_floats(expr_fixture *fixture, const char *name, const double *values, uint32_t count)
{
    memcpy(input(fixture, name, CAPI_FORM_DOUBLE, count)->data, values, count * sizeof *values);
}

void fixture_bools(expr_fixture *fixture, const char *name, const uint8_t *values, uint32_t count)
{
    memcpy(input(fixture, name, CAPI_FORM_BOOL, count)->data, values, count * sizeof *values);
}

void fixture_texts(expr_fixture *fixture, const char *name, const char *const *values, uint32_t count)
{
    capi_vec *vec = input(fixture, name, CAPI_FORM_VIEW, count);

    for (uint32_t i = 0; i < count; i++)
        vec->views[i] = capi_view_make(values[i], strlen(values[i]));
}

void fixture_decimals(expr_fixture *fixture, const char *name, const char *const *values, uint32_t count)
{
    capi_vec *wide = input(fixture, name, CAPI_FORM_DECIMAL, count);
    capi_vec narrow = capi_vec_new(&fixture->arena, CAPI_DECIMAL, CAPI_FORM_CENTS, count);
    bool fits = true;

    for (uint32_t i = 0; i < count; i++) {
        CHECK(capi_decimal_parse(capi_str_of(values[i]), &wide->decimals[i]));
        fits = fits && capi_decimal_is_cents(&wide->decimals[i], &narrow.int64s[i]);
    }
    if (fits) *wide = narrow;
}

const capi_expr *fixture_load(expr_fixture *fixture, const char *text)
{
    const capi_ast *ast;
    const capi_expr *expr = NULL;

    capi_err_clear(&fixture->err);
    if (capi_expr_parse(&fixture->arena, capi_str_of(text), &ast, &fixture->err) != CAPI_OK) return NULL;
    if (capi_expr_check(&fixture->arena, ast, &fixture->scope, &expr, &fixture->err) != CAPI_OK) return NULL;
    return expr;
}

void fixture_show(expr_fixture *fixture, const capi_vec *vec, uint32_t row_count)
{
    capi_buf buf = {0};
    size_t used = strlen(fixture->text);

    for (uint32_t row = 0; row < row_count; row++) {
        capi_value value = capi_vec_get(vec, vec->is_constant ? 0 : row);

        if (row) capi_buf_append_byte(&buf, ' ');
        capi_value_append_text(&buf, &value);
    }
    snprintf(fixture->text + used, sizeof fixture->text - used, "%.*s", (int)buf.bytes, buf.data ? buf.data : "");
    capi_buf_deinit(&buf);
}

const char *fixture_eval(expr_fixture *fixture, const char *text, uint32_t row_count)
{
    const capi_expr *expr = fixture_load(fixture, text);
    capi_program *program;
    capi_evaluator *evaluator;
    capi_vec out;

    fixture->text[0] = 0;
    if (!expr) {
        snprintf(fixture->text, sizeof fixture->text, "error: %s", fixture->err.text);
        return fixture->text;
    }
    program = capi_program_new(&fixture->arena);
    capi_program_add(program, expr);
    evaluator = capi_evaluator_new(program, (capi_instant){.seconds = 1000000000, .zone_name = "UTC"});
    if (capi_evaluator_run(evaluator, fixture->inputs, row_count, &out, &fixture->bad_row, &fixture->bad_output,
                           &fixture->err) == CAPI_OK)
        fixture_show(fixture, &out, row_count);
    else
        snprintf(fixture->text, sizeof fixture->text, "error: %s", fixture->err.text);
    capi_evaluator_free(evaluator);
    return fixture->text;
}

TEST(the_fixture_evaluates_over_several_rows)
{
    expr_fixture fixture;
    const int64_t values[] = {1, 2, 3};

    fixture_init(&fixture);
    fixture_ints(&fixture, "i", values, 3);
    CHECK_STR(fixture_eval(&fixture, "r.i + 1", 3), "2 3 4");
    fixture_deinit(&fixture);
}
