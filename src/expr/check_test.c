/* check_test.c - types, names and constant parts: what is refused when a script is loaded, in which words. */
#include "expr/expr_fixture.h"

static const char *error_of(expr_fixture *fixture, const char *text)
{
    return fixture_load(fixture, text) ? "no error" : fixture->err.text;
}

static void check_error(const char *text, const char *expected)
{
    expr_fixture fixture;

    fixture_init(&fixture);
    CHECK_STR(error_of(&fixture, text), expected);
    fixture_deinit(&fixture);
}

static void check_type(const char *text, capi_type expected)
{
    expr_fixture fixture;
    const capi_expr *expr;

    fixture_init(&fixture);
    expr = fixture_load(&fixture, text);
    if (!expr) capi_test_fail(__FILE__, __LINE__, "%s: %s", text, fixture.err.text);
    CHECK_STR(capi_type_name(capi_expr_type(expr)), capi_type_name(expected));
    fixture_deinit(&fixture);
}

TEST(types_follow_from_the_parts)
{
    check_type("r.i + r.j", CAPI_INT);
    check_type("r.i + r.f", CAPI_FLOAT);
    check_type("r.i + r.d", CAPI_DECIMAL);
    check_type("r.d * r.f", CAPI_FLOAT);
    check_type("len(r.s)", CAPI_LENGTH);
    check_type("-len(r.s)", CAPI_INT);
    check_type("len(r.s) + 1", CAPI_INT);
    check_type("9223372036854775807", CAPI_INT);
    check_type("9223372036854775808", CAPI_DECIMAL);
    check_type("r.s + r.u", CAPI_STRING);
    check_type("r.t < time.Now()", CAPI_BOOL);
    check_type("time.UTC", CAPI_ZONE);
    check_type("time.May", CAPI_MONTH);
}

TEST(a_wrong_operand_is_reported_with_both_types)
{
    check_error("r.s + 1", "operator \"+\" does not take string and int");
    check_error("r.d % 3", "operator \"%\" does not take decimal2 and int");
    check_error("r.b < r.b", "operator \"<\" does not take bool and bool");
    check_error("r.i && r.b", "operator \"&&\" does not take int and bool");
    check_error("!r.i", "operator \"!\" does not take int");
    check_error("-r.s", "operator \"-\" does not take string");
    check_error("r.i ^ 1", "operator \"^\" is not part of the language");
    check_error("+r.i", "unary operator \"+\" is not part of the language");
    check_error("time.May == time.May", "operator \"==\" does not take month and month");
}

TEST(a_wrong_name_is_reported_with_a_guess)
{
    check_error("r.pricee * 2", "unknown field \"r.pricee\"; did you mean \"r.price\"?");
    check_error("l.price * 2", "unknown field \"l.price\"; did you mean \"r.price\"?");
    check_error("price * 2", "plain name \"price\": names are written alias.name; did you mean \"r.price\"?");
    check_error("foo", "plain name \"foo\": names are written alias.name, as in \"r.foo\"");
    check_error("r.zzzzzz", "unknown field \"r.zzzzzz\"");
    check_error("w.x > 1", "prohibited field \"w.x\": it exists, but cannot be used here");
    check_error("time.Now", "function \"time.Now\" is not a value: call it with (...)");
    check_error("Int(1)", "unknown function \"Int\"; did you mean \"int\"?");
    check_error("time.Prase(\"\", \"\")", "unknown function \"time.Prase\"; did you mean \"time.Parse\"?");
    check_error("bool.iif(true, true, false)", "unknown function \"bool.iif\"");
    check_error("strings.Upper(r.s)", "unknown function \"strings.Upper\"; known are strings.ReplaceAll");
    check_error("r.i.x", "selector on more than a plain name is not part of the language");
    check_error("r.s[0]", "index is not part of the language");
    check_error("0x10", "hexadecimal number is not part of the language");
}

TEST(wrong_arguments_are_reported_with_what_is_expected)
{
    check_error("string()", "function \"string\" takes 1 argument, not 0: (x any) string");
    check_error("int.iif(true, 1)",
                "function \"int.iif\" takes 3 arguments, not 2: (condition bool, a int, b int) int");
    check_error("fmt.Sprintf(\"x\")",
                "function \"fmt.Sprintf\" takes at least 2 arguments, not 1: (format string, a any, ...) string");
    check_error("int.iif(true, 1.0, 2)", "argument 2 of \"int.iif\" is float, expected int");
    check_error("int(r.t)", "argument 1 of \"int\" is datetime, expected string, int, float, bool, decimal2 or length");
    check_error("time.Now(1)", "function \"time.Now\" takes 0 arguments, not 1: () datetime");
}

TEST(constant_parts_are_evaluated_when_loaded)
{
    expr_fixture fixture;

    fixture_init(&fixture);
    CHECK_STR(error_of(&fixture, "r.i + 1 / 0"), "integer division by zero");
    CHECK_INT(fixture.err.offset, 6);
    CHECK_INT(fixture.err.length_bytes, 5);
    CHECK_STR(error_of(&fixture, "int(\"x\")"),
              "text \"x\" is no int (expected digits with an optional sign, within 64 bits)");
    CHECK_STR(error_of(&fixture, "re.MatchString(\"(\", r.s)"), "regular expression \"(\" is not valid: missing ): (");
    CHECK_INT(fixture.err.offset, 15);
    CHECK_STR(error_of(&fixture, "decimal2(0.0 / 0)"), "float NaN is no decimal number");
    CHECK_STR(error_of(&fixture, "10 / r.i"), "no error");
    CHECK_STR(error_of(&fixture, "r.i / 0"), "integer division by zero");
    CHECK_STR(error_of(&fixture, "r.i % (1 - 1)"), "integer modulo by zero");
    CHECK_STR(error_of(&fixture, "r.d / 0"), "decimal division by zero");
    CHECK_STR(error_of(&fixture, "r.f / 0"), "no error");
    CHECK_STR(error_of(&fixture, "10 / (r.i - r.i)"), "no error");
    fixture_deinit(&fixture);
}

TEST(a_constant_expression_has_its_value_at_once)
{
    expr_fixture fixture;
    const capi_expr *expr;

    fixture_init(&fixture);
    expr = fixture_load(&fixture, " 1 + 2 * 3 // seven");
    CHECK(capi_expr_constant(expr) != NULL);
    CHECK_INT(capi_expr_constant(expr)->integer, 7);
    CHECK(capi_str_is(capi_expr_text(expr), "1 + 2 * 3"));
    CHECK(capi_expr_constant(fixture_load(&fixture, "time.Now()")) == NULL);
    CHECK(capi_expr_constant(fixture_load(&fixture, "r.i")) == NULL);
    CHECK(capi_str_is(capi_expr_constant(fixture_load(&fixture, "\"abcdefgh\" + \"ijklmnopq\""))->string,
                      "abcdefghijklmnopq"));
    fixture_deinit(&fixture);
}

TEST(aggregates_stand_alone_and_only_where_they_may)
{
    expr_fixture fixture;
    const capi_expr *expr;

    fixture_init(&fixture);
    CHECK_STR(error_of(&fixture, "sum(r.i)"),
              "aggregate \"sum\" is only allowed in fields of a lookup with \"group\": true");
    CHECK_STR(error_of(&fixture, "1 + sum(r.i)"),
              "aggregate \"sum\" is only allowed in fields of a lookup with \"group\": true");
    fixture.scope.allows_aggregates = true;
    CHECK_STR(error_of(&fixture, "(sum(r.i))"),
              "aggregate \"sum\" must be the whole expression: nothing may stand around it, not even parentheses");
    CHECK_STR(error_of(&fixture, "sum(min(r.i))"),
              "aggregate \"min\" must be the whole expression: nothing may stand around it, not even parentheses");
    CHECK_STR(error_of(&fixture, "string_agg(r.s, r.s)"), "the separator of an aggregate must be a text literal");
    CHECK_STR(error_of(&fixture, "string_agg(r.s, (\",\"))"), "the separator of an aggregate must be a text literal");
    CHECK_STR(error_of(&fixture, "min(r.t)"),
              "argument 1 of \"min\" is datetime, expected string, int, float, decimal2 or length");
    expr = fixture_load(&fixture, "sum(len(r.s))");
    CHECK(capi_expr_is_aggregate(expr));
    CHECK(capi_expr_type(expr) == CAPI_INT);
    CHECK(capi_expr_constant(expr) == NULL);
    CHECK(!capi_expr_is_aggregate(fixture_load(&fixture, "r.i")));
    fixture_deinit(&fixture);
}

TEST(the_wanted_type_must_match_exactly)
{
    expr_fixture fixture;
    const capi_expr *expr;

    fixture_init(&fixture);
    CHECK_OK(capi_expr_load(&fixture.arena, CAPI_STR("r.i"), &fixture.scope, CAPI_INT, &expr, &fixture.err),
             fixture.err);
    CHECK(capi_expr_load(&fixture.arena, CAPI_STR("r.i"), &fixture.scope, CAPI_FLOAT, &expr, &fixture.err) ==
          CAPI_INVALID);
    CHECK_STR(fixture.err.text, "expression is int, expected float");
    CHECK(expr == NULL);
    CHECK(capi_expr_load(&fixture.arena, CAPI_STR("len(r.s)"), &fixture.scope, CAPI_INT, &expr, &fixture.err) ==
          CAPI_INVALID);
    CHECK_STR(fixture.err.text, "expression is length, expected int: write int(len(...))");
    fixture_deinit(&fixture);
}

TEST(an_expression_knows_the_fields_it_uses)
{
    expr_fixture fixture;
    const capi_expr *expr;
    uint32_t slot = 0;

    fixture_init(&fixture);
    expr = fixture_load(&fixture, "r.i + l.v + r.i");
    CHECK(capi_expr_uses_alias(expr, CAPI_STR("l")));
    CHECK(capi_expr_uses_alias(expr, CAPI_STR("r")));
    CHECK(!capi_expr_uses_alias(expr, CAPI_STR("p")));
    CHECK(!capi_expr_is_field(expr, &slot));
    CHECK(capi_expr_is_field(fixture_load(&fixture, "(r.t)"), &slot));
    CHECK_INT(slot, 8);
    fixture_deinit(&fixture);
}

TEST(deep_expressions_are_checked_and_run)
{
    static const char *const shapes[][2] = {
        {"(r.i + ", ")"}, {"-(", ")"}, {"int.iif(r.b, 1, ", ")"}, {"int(decimal2(", "))"}};

    for (size_t shape = 0; shape < sizeof shapes / sizeof *shapes; shape++) {
        expr_fixture fixture;
        capi_buf text = {0};
        const int64_t i[] = {1, 2};
        const uint8_t b[] = {0, 0};

        fixture_init(&fixture);
        fixture_ints(&fixture, "i", i, 2);
        fixture_bools(&fixture, "b", b, 2);
        for (int k = 0; k < 480; k++)
            capi_buf_append_text(&text, shapes[shape][0]);
        capi_buf_append_text(&text, "r.i");
        for (int k = 0; k < 480; k++)
            capi_buf_append_text(&text, shapes[shape][1]);
        capi_buf_append_byte(&text, 0);
        CHECK_STR(fixture_eval(&fixture, text.data, 2), shape == 0 ? "481 962" : "1 2");
        capi_buf_deinit(&text);
        fixture_deinit(&fixture);
    }
}

TEST(results_of_constant_parts_are_bounded)
{
    expr_fixture fixture;
    capi_buf text = {0};
    capi_buf format = {0};

    fixture_init(&fixture);
    for (int k = 0; k < 20000; k++)
        capi_buf_append_byte(&text, 'a');
    for (int k = 0; k < 3000; k++)
        capi_buf_append_text(&format, "%999999d");
    CHECK(
        fixture_load(&fixture, capi_str_format(&fixture.arena,
                                               "strings.ReplaceAll(strings.ReplaceAll(`%.*s`, ``, `%.*s`), ``, `%.*s`)",
                                               CAPI_STR_ARG(capi_buf_str(&text)), CAPI_STR_ARG(capi_buf_str(&text)),
                                               CAPI_STR_ARG(capi_buf_str(&text)))
                                   .data) == NULL);
    CHECK_ERR(fixture.err, "is longer than the maximum of 268435456");
    CHECK(fixture_load(
              &fixture,
              capi_str_format(&fixture.arena, "fmt.Sprintf(`%.*s`, 1)", CAPI_STR_ARG(capi_buf_str(&format))).data) ==
          NULL);
    CHECK_ERR(fixture.err, "format may need");
    capi_buf_deinit(&text);
    capi_buf_deinit(&format);
    fixture_deinit(&fixture);
}

TEST(every_function_has_its_line_of_help)
{
    uint32_t count = 0;
    const capi_function_help *help = capi_functions(&count);

    CHECK(count >= 36);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(help[i].name && help[i].signature && help[i].help);
        CHECK(help[i].signature[0] == '(');
    }
}
