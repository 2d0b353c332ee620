/* golden_expressions.c - one expression with the values of its fields, or an aggregate over some rows. */
#include "cmd/golden.h"

#include "expr/expr.h"

typedef struct golden_field {
    capi_str alias;
    capi_str name;
    capi_type type;
} golden_field;

typedef struct golden_row_shape {
    golden_field *fields; /* slot i is field i */
    uint32_t count;
} golden_row_shape;

static capi_name_verdict find_field(void *context, capi_str alias, capi_str name, uint32_t *slot, capi_type *type)
{
    const golden_row_shape *shape = context;

    for (uint32_t i = 0; i < shape->count; i++)
        if (capi_str_equal(shape->fields[i].alias, alias) && capi_str_equal(shape->fields[i].name, name)) {
            *slot = i;
            *type = shape->fields[i].type;
            return CAPI_NAME_KNOWN;
        }
    return CAPI_NAME_UNKNOWN;
}

/* {"r": {"field": {"type", "value"}}} to fields and one value for each. */
static capi_status read_row(const json_t *row, golden_row_shape *shape, capi_value **values, capi_arena *arena,
                            capi_err *err)
{
    const char *alias;
    const char *name;
    json_t *fields;
    json_t *field;
    size_t count = 0;

    json_object_foreach((json_t *)row, alias, fields) count += json_object_size(fields);
    shape->fields = capi_new_array(arena, golden_field, count);
    shape->count = 0;
    *values = capi_new_array(arena, capi_value, count);
    json_object_foreach((json_t *)row, alias, fields)
    {
        json_object_foreach(fields, name, field)
        {
            capi_value *value = &(*values)[shape->count];

            CAPI_TRY(golden_value(field, arena, value, err));
            shape->fields[shape->count++] = (golden_field){capi_str_of(alias), capi_str_of(name), value->type};
        }
    }
    return CAPI_OK;
}

/* A vector of the values values[row][slot], in stored form if all of them have one, as a table would give it. */
static capi_vec column_vector(capi_value *const *values, uint32_t row_count, uint32_t slot, capi_arena *arena)
{
    capi_type type = values[0][slot].type;
    capi_form form = type == CAPI_DECIMAL    ? CAPI_FORM_DECIMAL
                     : type == CAPI_DATETIME ? CAPI_FORM_INSTANT
                                             : capi_form_stored(type);
    bool is_stored = true;
    capi_vec vec = capi_vec_new(arena, type, form, row_count);

    for (uint32_t row = 0; row < row_count; row++) {
        const capi_value *value = &values[row][slot];
        capi_vec one = capi_vec_constant(arena, value);

        is_stored = is_stored && one.form == capi_form_stored(type);
        switch (form) {
        case CAPI_FORM_VIEW: vec.views[row] = capi_view_make(value->string.data, value->string.bytes); break;
        case CAPI_FORM_DOUBLE: vec.doubles[row] = value->real; break;
        case CAPI_FORM_BOOL: vec.bools[row] = value->boolean; break;
        case CAPI_FORM_INSTANT: vec.instants[row] = value->instant; break;
        case CAPI_FORM_DECIMAL: vec.decimals[row] = value->decimal; break;
        case CAPI_FORM_INT64:
        case CAPI_FORM_MILLIS:
        case CAPI_FORM_CENTS:
        case CAPI_FORM_ZONE: vec.int64s[row] = value->integer; break;
        }
    }
    if (is_stored && form != capi_form_stored(type)) {
        capi_vec stored;
        uint32_t bad_row;

        if (capi_vec_to_stored(arena, &vec, row_count, &stored, &bad_row, NULL) == CAPI_OK) return stored;
    }
    return vec;
}

static capi_instant some_now(void)
{
    return capi_instant_from_ms(INT64_C(1600000000123));
}

static capi_status run_plain(const capi_expr *expr, const capi_vec *inputs, capi_arena *arena, capi_value *out,
                             capi_evaluator **evaluator, capi_err *err)
{
    capi_program *program = capi_program_new(arena);
    uint32_t output = capi_program_add(program, expr);
    capi_vec *outputs = capi_new_array(arena, capi_vec, capi_program_output_count(program));
    uint32_t bad_row;
    uint32_t bad_output;

    *evaluator = capi_evaluator_new(program, some_now());
    CAPI_TRY(capi_evaluator_run(*evaluator, inputs, 1, outputs, &bad_row, &bad_output, err));
    *out = capi_vec_get(&outputs[output], 0);
    out->type = outputs[output].type;
    return CAPI_OK;
}

static capi_status add_rows(capi_aggregate *aggregate, const capi_expr *expr, const capi_vec *inputs,
                            uint32_t row_count, capi_arena *arena, capi_evaluator **evaluator, capi_err *err)
{
    capi_program *program = capi_program_new(arena);
    uint32_t *groups = capi_new_array(arena, uint32_t, row_count);
    uint32_t value;
    uint32_t condition;
    uint32_t bad_row;
    uint32_t bad_output;
    capi_vec *outputs;

    capi_program_add_aggregate(program, expr, &value, &condition);
    outputs = capi_new_array(arena, capi_vec, capi_program_output_count(program));
    *evaluator = capi_evaluator_new(program, some_now());
    CAPI_TRY(capi_evaluator_run(*evaluator, inputs, row_count, outputs, &bad_row, &bad_output, err));
    return capi_aggregate_add(aggregate, groups, row_count, value == UINT32_MAX ? NULL : &outputs[value],
                              condition == UINT32_MAX ? NULL : &outputs[condition], &bad_row, err);
}

static capi_status run_aggregate(const capi_expr *expr, const capi_vec *inputs, uint32_t row_count, capi_arena *arena,
                                 capi_value *out, capi_evaluator **evaluator, capi_err *err)
{
    capi_aggregate *aggregate = capi_aggregate_new(expr);
    capi_status st;
    capi_vec result;
    uint32_t bad_group;

    capi_aggregate_start(aggregate, 1);
    CAPI_TRY_OUT(add_rows(aggregate, expr, inputs, row_count, arena, evaluator, err));
    CAPI_TRY_OUT(capi_aggregate_finish(aggregate, arena, &result, &bad_group, err));
    *out = capi_vec_get(&result, 0);
    if (out->type == CAPI_STRING) out->string = capi_str_copy(arena, out->string);
out:
    capi_aggregate_free(aggregate);
    return st;
}

static capi_status run_case(const json_t *object, capi_arena *arena, capi_value *out, capi_evaluator **evaluator,
                            capi_err *err)
{
    const json_t *rows = json_object_get(object, "rows");
    bool is_aggregate = golden_flag(object, "agg");
    uint32_t row_count = is_aggregate ? (uint32_t)json_array_size(rows) : 1;
    capi_value **values = capi_new_array(arena, capi_value *, row_count + 1);
    golden_row_shape shape = {0};
    capi_scope scope = {.find = find_field, .context = &shape, .allows_aggregates = is_aggregate};
    const capi_ast *ast;
    const capi_expr *expr;
    capi_vec *inputs;

    for (uint32_t row = 0; row < row_count; row++) {
        const json_t *vars = is_aggregate ? json_array_get(rows, row) : json_object_get(object, "vars");

        CAPI_TRY(read_row(vars, &shape, &values[row], arena, err));
    }
    CAPI_TRY(capi_expr_parse(arena, golden_text(object, "expr"), &ast, err));
    CAPI_TRY(capi_expr_check(arena, ast, &scope, &expr, err));
    inputs = capi_new_array(arena, capi_vec, shape.count + 1);
    for (uint32_t slot = 0; slot < shape.count; slot++)
        inputs[slot] = column_vector(values, row_count, slot, arena);
    if (capi_expr_is_aggregate(expr)) return run_aggregate(expr, inputs, row_count, arena, out, evaluator, err);
    return run_plain(expr, inputs, arena, out, evaluator, err);
}

bool golden_expression(const json_t *all, size_t index, capi_arena *arena, golden_failure *failure)
{
    const json_t *object = json_array_get(all, index);
    capi_evaluator *evaluator = NULL;
    capi_value value = {0};
    capi_err err = {0};
    capi_status st = run_case(object, arena, &value, &evaluator, &err);
    bool holds = golden_check_value(object, true, st, &value, &err, failure);

    capi_evaluator_free(evaluator);
    return holds;
}
