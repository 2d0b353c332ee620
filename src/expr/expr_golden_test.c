/* expr_golden_test.c - the golden tables of the language: expression, row, and the value or the error it must give.
 *
 * Every case runs twice: with its fields as vectors of several rows, and as constants. Error cases whose note begins with
 * "parse" or "check" must fail when loaded, those with "run" when evaluated. */
#include "base/buf.h"
#include "base/test.h"
#include "expr/expr.h"
#include "vec/layout.h"
#include "vec/number.h"

#include <jansson.h>
#include <stdlib.h>

enum { GOLDEN_ROWS = 3, GOLDEN_FIELDS_MAX = 64 };

typedef struct golden_field {
    capi_str alias, name;
    capi_type type;
} golden_field;

/* The fields of one case are its scope. */
typedef struct golden_scope {
    golden_field fields[GOLDEN_FIELDS_MAX];
    uint32_t count;
} golden_scope;

static capi_name_verdict find_field(void *context, capi_str alias, capi_str name, uint32_t *slot, capi_type *type)
{
    const golden_scope *scope = context;

    for (uint32_t i = 0; i < scope->count; i++) {
        if (!capi_str_equal(scope->fields[i].alias, alias) || !capi_str_equal(scope->fields[i].name, name)) continue;
        *slot = i;
        *type = scope->fields[i].type;
        return CAPI_NAME_KNOWN;
    }
    return CAPI_NAME_UNKNOWN;
}

static void add_fields(golden_scope *scope, const json_t *vars)
{
    const char *alias;
    const char *name;
    json_t *fields;
    json_t *field;

    json_object_foreach((json_t *)(uintptr_t)vars, alias, fields)
    {
        json_object_foreach(fields, name, field)
        {
            golden_field *item = &scope->fields[scope->count++];

            if (scope->count > GOLDEN_FIELDS_MAX) abort();
            item->alias = capi_str_of(alias);
            item->name = capi_str_of(name);
            if (!capi_type_from_name(capi_str_of(json_string_value(json_object_get(field, "type"))), &item->type))
                abort();
        }
    }
}

static capi_value value_of(capi_arena *arena, capi_type type, const char *text)
{
    const capi_layout *layout = capi_layout_compile(arena, CAPI_STR("2006-01-02T15:04:05.999999999Z07:00"));
    capi_value value = {.type = type};
    bool ok = true;

    switch (type) {
    case CAPI_INT: ok = capi_parse_int(capi_str_of(text), &value.integer); break;
    case CAPI_FLOAT: ok = capi_parse_float(capi_str_of(text), &value.real) == CAPI_FLOAT_OK; break;
    case CAPI_BOOL: value.boolean = strcmp(text, "true") == 0; break;
    case CAPI_STRING: value.string = capi_str_copy(arena, capi_str_of(text)); break;
    case CAPI_DECIMAL: ok = capi_decimal_parse(capi_str_of(text), &value.decimal); break;
    case CAPI_DATETIME:
        ok = capi_layout_parse(layout, capi_str_of(text), arena, &value.instant, NULL) == CAPI_OK;
        break;
    case CAPI_LENGTH:
    case CAPI_MONTH:
    case CAPI_ZONE: ok = false; break;
    }
    if (!ok) {
        fprintf(stderr, "value \"%s\" of a case cannot be read\n", text);
        abort();
    }
    return value;
}

/* The fields of one row as vectors, in the order of add_fields. */
static void fill_inputs(capi_arena *arena, const golden_scope *scope, const json_t *vars, bool as_constants,
                        capi_vec *inputs)
{
    uint32_t rows[GOLDEN_ROWS] = {0};

    for (uint32_t i = 0; i < scope->count; i++) {
        const golden_field *field = &scope->fields[i];
        const json_t *fields = json_object_getn(vars, field->alias.data, field->alias.bytes);
        const json_t *item = json_object_getn(fields, field->name.data, field->name.bytes);
        capi_value value = value_of(arena, field->type, json_string_value(json_object_get(item, "value")));
        capi_vec one = capi_vec_constant(arena, &value);

        if (!as_constants) {
            one.is_constant = false;
            one = capi_vec_gather(arena, &one, rows, GOLDEN_ROWS);
        }
        inputs[i] = one;
    }
}

/* As the tables write values: datetimes in RFC 3339 with milliseconds, all else as string() does. */
static void value_text(capi_arena *arena, const capi_value *value, capi_buf *to)
{
    if (value->type == CAPI_DATETIME)
        capi_layout_format(capi_layout_compile(arena, CAPI_STR("2006-01-02T15:04:05.000Z07:00")), &value->instant, to);
    else
        capi_value_append_text(to, value);
}

static const char *type_text(capi_type type)
{
    return capi_type_name(type == CAPI_LENGTH ? CAPI_INT : type);
}

typedef enum golden_phase { GOLDEN_PARSE, GOLDEN_CHECK, GOLDEN_RUN, GOLDEN_DONE } golden_phase;

/* Where the case ended, and with what. */
typedef struct golden_result {
    golden_phase phase;
    capi_type type;
    capi_buf text;
    capi_err err;
} golden_result;

static const capi_instant golden_now = {.seconds = 1800000000, .zone_name = "UTC"};

static capi_status run_aggregate(capi_arena *arena, const capi_expr *expr, const json_t *item,
                                 const golden_scope *scope, bool as_constants, capi_vec *out, capi_err *err)
{
    capi_program *program = capi_program_new(arena);
    capi_aggregate *aggregate = capi_aggregate_new(expr);
    const uint32_t groups[1] = {1};
    uint32_t value_output, condition_output;
    capi_evaluator *evaluator;
    const json_t *row;
    size_t index;
    capi_status st = CAPI_OK;

    capi_program_add_aggregate(program, expr, &value_output, &condition_output);
    evaluator = capi_evaluator_new(program, golden_now);
    capi_aggregate_start(aggregate, 2);
    json_array_foreach(json_object_get(item, "rows"), index, row)
    {
        capi_vec inputs[GOLDEN_FIELDS_MAX];
        capi_vec outputs[2];
        uint32_t bad_row, bad_output;

        fill_inputs(arena, scope, row, as_constants, inputs);
        CAPI_TRY_OUT(capi_evaluator_run(evaluator, inputs, 1, outputs, &bad_row, &bad_output, err));
        CAPI_TRY_OUT(
            capi_aggregate_add(aggregate, groups, 1, value_output == UINT32_MAX ? NULL : &outputs[value_output],
                               condition_output == UINT32_MAX ? NULL : &outputs[condition_output], &bad_row, err));
    }
    CAPI_TRY_OUT(capi_aggregate_finish(aggregate, arena, out, NULL, err));
    if (out->form == CAPI_FORM_VIEW)
        out->views[1] = capi_view_make(capi_str_copy(arena, capi_view_str(&out->views[1])).data, out->views[1].bytes);
    *out = capi_vec_slice(out, 1);
out:
    capi_evaluator_free(evaluator);
    capi_aggregate_free(aggregate);
    return st;
}

static capi_status run_plain(capi_arena *arena, const capi_expr *expr, const json_t *item, const golden_scope *scope,
                             bool as_constants, golden_result *result)
{
    capi_program *program = capi_program_new(arena);
    capi_evaluator *evaluator;
    capi_vec inputs[GOLDEN_FIELDS_MAX];
    capi_vec out;
    uint32_t bad_row, bad_output;
    capi_status st;

    capi_program_add(program, expr);
    evaluator = capi_evaluator_new(program, golden_now);
    fill_inputs(arena, scope, json_object_get(item, "vars"), as_constants, inputs);
    st = capi_evaluator_run(evaluator, inputs, GOLDEN_ROWS, &out, &bad_row, &bad_output, &result->err);
    if (st == CAPI_OK) {
        capi_value value = capi_vec_get(&out, out.is_constant ? 0 : GOLDEN_ROWS - 1);

        value_text(arena, &value, &result->text);
    }
    capi_evaluator_free(evaluator);
    return st;
}

static void run_case(capi_arena *arena, const json_t *item, bool as_constants, golden_result *result)
{
    bool is_aggregate = json_is_true(json_object_get(item, "agg"));
    golden_scope names = {0};
    capi_scope scope = {.find = find_field, .context = &names, .allows_aggregates = is_aggregate};
    const capi_ast *ast;
    const capi_expr *expr;
    capi_status st;

    add_fields(&names, is_aggregate ? json_array_get(json_object_get(item, "rows"), 0) : json_object_get(item, "vars"));
    result->phase = GOLDEN_PARSE;
    if (capi_expr_parse(arena, capi_str_of(json_string_value(json_object_get(item, "expr"))), &ast, &result->err) !=
        CAPI_OK)
        return;
    result->phase = GOLDEN_CHECK;
    if (capi_expr_check(arena, ast, &scope, &expr, &result->err) != CAPI_OK) return;
    result->phase = GOLDEN_RUN;
    result->type = capi_expr_type(expr);
    if (is_aggregate) {
        capi_vec out;

        st = run_aggregate(arena, expr, item, &names, as_constants, &out, &result->err);
        if (st == CAPI_OK) {
            capi_value value = capi_vec_get(&out, 0);

            value_text(arena, &value, &result->text);
        }
    } else {
        st = run_plain(arena, expr, item, &names, as_constants, result);
    }
    if (st == CAPI_OK) result->phase = GOLDEN_DONE;
}

/* NULL if the case went as it should, else what was wrong. */
static const char *judge(const json_t *item, const golden_result *result)
{
    const char *note = json_string_value(json_object_get(item, "note"));
    const char *type = json_string_value(json_object_get(item, "type"));
    const char *value = json_string_value(json_object_get(item, "value"));

    if (json_is_true(json_object_get(item, "error"))) {
        if (result->phase == GOLDEN_DONE) return "should fail";
        if (note && strncmp(note, "run", 3) == 0 && result->phase != GOLDEN_RUN)
            return "should only fail when evaluated";
        if (note && strncmp(note, "parse", 5) == 0 && result->phase != GOLDEN_PARSE) return "should fail when parsed";
        if (note && strncmp(note, "check", 5) == 0 && result->phase == GOLDEN_RUN) return "should fail when loaded";
        return result->err.text_bytes == 0 ? "fails without a message" : NULL;
    }
    if (result->phase != GOLDEN_DONE) return "should not fail";
    if (strcmp(type_text(result->type), type) != 0) return "has the wrong type";
    if (!capi_str_equal(capi_buf_str(&result->text), capi_str_of(value))) return "has the wrong value";
    return NULL;
}

static bool check_case(const json_t *item, bool as_constants)
{
    capi_arena arena = {0};
    golden_result result = {0};
    const char *wrong;

    run_case(&arena, item, as_constants, &result);
    wrong = judge(item, &result);
    if (wrong) {
        char *text = json_dumps(item, JSON_ENCODE_ANY);

        fprintf(stderr, "%s: %s\n    got %s \"%.*s\" %s\n", wrong, text, type_text(result.type),
                CAPI_STR_ARG(capi_buf_str(&result.text)), result.err.text);
        free(text);
    }
    capi_buf_deinit(&result.text);
    capi_arena_deinit(&arena);
    return wrong == NULL;
}

TEST(every_case_of_the_language_table_gives_its_value_or_error)
{
    json_error_t error;
    json_t *cases = json_load_file(CAPI_TEST_DATA "/golden/expressions.json", 0, &error);
    json_t *item;
    size_t index;
    uint32_t failed = 0;

    CHECK(cases != NULL);
    json_array_foreach(cases, index, item)
    {
        failed += !check_case(item, false);
        failed += !check_case(item, true);
    }
    CHECK(json_array_size(cases) > 600);
    json_decref(cases);
    CHECK_INT(failed, 0);
}

TEST(every_generated_case_gives_its_value_or_error)
{
    FILE *file = fopen(CAPI_TEST_DATA "/golden/expressions.jsonl", "r");
    char *line = NULL;
    size_t capacity = 0;
    uint32_t count = 0;
    uint32_t failed = 0;

    CHECK(file != NULL);
    while (getline(&line, &capacity, file) > 0) {
        json_t *item = json_loads(line, 0, NULL);

        count++;
        failed += !item || !check_case(item, false) || !check_case(item, true);
        json_decref(item);
    }
    free(line);
    fclose(file);
    CHECK(count > 2000);
    CHECK_INT(failed, 0);
}
