/* aggregate_test.c - groups, conditions, start values, and what happens where sums do not fit. */
#include "expr/expr_fixture.h"

/* Adds the rows of the fixture, in pieces of `piece` rows; the results of all groups as text. */
static const char *aggregate_text(expr_fixture *fixture, const char *text, const uint32_t *groups, uint32_t row_count,
                                  uint32_t group_count, uint32_t piece)
{
    const capi_expr *expr;
    capi_program *program;
    capi_evaluator *evaluator;
    capi_aggregate *aggregate;
    capi_vec out;
    uint32_t value, condition;

    fixture->scope.allows_aggregates = true;
    expr = fixture_load(fixture, text);
    if (!expr) return fixture->err.text;
    program = capi_program_new(&fixture->arena);
    capi_program_add_aggregate(program, expr, &value, &condition);
    evaluator = capi_evaluator_new(program, (capi_instant){0});
    aggregate = capi_aggregate_new(expr);
    capi_aggregate_start(aggregate, group_count);
    for (uint32_t row = 0; row < row_count; row += piece) {
        uint32_t count = row_count - row < piece ? row_count - row : piece;
        capi_vec inputs[FIXTURE_FIELDS];
        capi_vec outputs[2];

        for (int i = 0; i < FIXTURE_FIELDS; i++)
            if (fixture->inputs[i].data) inputs[i] = capi_vec_slice(&fixture->inputs[i], row);
        CHECK_OK(capi_evaluator_run(evaluator, inputs, count, outputs, NULL, NULL, &fixture->err), fixture->err);
        CHECK_OK(capi_aggregate_add(aggregate, groups + row, count, value == UINT32_MAX ? NULL : &outputs[value],
                                    condition == UINT32_MAX ? NULL : &outputs[condition], &fixture->bad_row,
                                    &fixture->err),
                 fixture->err);
    }
    CHECK_OK(capi_aggregate_finish(aggregate, &fixture->arena, &out, NULL, &fixture->err), fixture->err);
    fixture->text[0] = 0;
    fixture_show(fixture, &out, group_count);
    capi_aggregate_free(aggregate);
    capi_evaluator_free(evaluator);
    return fixture->text;
}

static const uint32_t groups[] = {1, 0, 1, 0, 3, 1};

TEST(numbers_are_aggregated_by_group)
{
    expr_fixture fixture;
    expr_fixture *f = &fixture;
    const int64_t i[] = {1, 2, 3, 4, 5, -6};
    const double g[] = {1.5, 2.5, 0.25, 1, -1, 0.5};

    fixture_init(f);
    fixture_ints(f, "i", i, 6);
    fixture_floats(f, "f", g, 6);
    for (uint32_t piece = 1; piece <= 6; piece += 2) {
        CHECK_STR(aggregate_text(f, "sum(r.i)", groups, 6, 4, piece), "6 -2 0 5");
        CHECK_STR(aggregate_text(f, "count()", groups, 6, 4, piece), "2 3 0 1");
        CHECK_STR(aggregate_text(f, "avg(r.i)", groups, 6, 4, piece), "3 0 0 5");
        CHECK_STR(aggregate_text(f, "min(r.i)", groups, 6, 4, piece), "2 -6 9223372036854775807 5");
        CHECK_STR(aggregate_text(f, "max(r.i)", groups, 6, 4, piece), "4 3 -9223372036854775808 5");
        CHECK_STR(aggregate_text(f, "sum(r.f)", groups, 6, 4, piece), "3.5 2.25 0 -1");
        CHECK_STR(aggregate_text(f, "avg(r.f)", groups, 6, 4, piece), "1.75 0.75 0 -1");
        CHECK_STR(aggregate_text(f, "max(r.f)", groups, 6, 4, piece), "2.5 1.5 -3.4028234663852886e+38 -1");
        CHECK_STR(aggregate_text(f, "min(r.f)", groups, 6, 4, piece), "1 0.25 1.7976931348623157e+308 -1");
        CHECK_STR(aggregate_text(f, "sum_if(r.i, r.f > 0.3)", groups, 6, 4, piece), "6 -5 0 0");
        CHECK_STR(aggregate_text(f, "count_if(r.i > 2)", groups, 6, 4, piece), "1 1 0 1");
        CHECK_STR(aggregate_text(f, "count_if(true)", groups, 6, 4, piece), "2 3 0 1");
        CHECK_STR(aggregate_text(f, "sum(5)", groups, 6, 4, piece), "10 15 0 5");
        CHECK_STR(aggregate_text(f, "avg_if(r.i, false)", groups, 6, 4, piece), "0 0 0 0");
    }
    fixture_deinit(f);
}

TEST(an_average_of_ints_is_exact_and_goes_toward_zero)
{
    expr_fixture fixture;
    const int64_t i[] = {-1, INT64_MAX, -2, INT64_MAX, INT64_MIN, 0};

    fixture_init(&fixture);
    fixture_ints(&fixture, "i", i, 6);
    CHECK_STR(aggregate_text(&fixture, "avg(r.i)", groups, 6, 4, 6), "9223372036854775807 -1 0 -9223372036854775808");
    CHECK_STR(aggregate_text(&fixture, "sum(r.i)", groups, 6, 4, 6), "-2 -3 0 -9223372036854775808");
    fixture_deinit(&fixture);
}

TEST(decimals_are_summed_exactly_and_averaged_to_two_digits)
{
    expr_fixture fixture;
    expr_fixture *f = &fixture;
    const char *const d[] = {"0.01", "92233720368547758.07", "0.02", "0.01", "1.5", "0.02"};
    const char *const e[] = {"1.005", "2", "3", "-1.005", "1e30", "-0.001"};

    fixture_init(f);
    fixture_decimals(f, "d", d, 6);
    fixture_decimals(f, "e", e, 6);
    for (uint32_t piece = 1; piece <= 6; piece += 5) {
        CHECK_STR(aggregate_text(f, "sum(r.d)", groups, 6, 4, piece), "92233720368547758.08 0.05 0 1.5");
        CHECK_STR(aggregate_text(f, "avg(r.d)", groups, 6, 4, piece), "46116860184273879.04 0.02 0 1.5");
        CHECK_STR(aggregate_text(f, "min(r.d)", groups, 6, 4, piece),
                  "0.01 0.01 340282350000000000000000000000000000000 1.5");
        CHECK_STR(aggregate_text(f, "max(r.e)", groups, 6, 4, piece),
                  "2 3 -340282350000000000000000000000000000000 1000000000000000000000000000000");
        CHECK_STR(aggregate_text(f, "sum(r.e)", groups, 6, 4, piece), "0.995 4.004 0 1000000000000000000000000000000");
        CHECK_STR(aggregate_text(f, "min_if(r.e, r.e > 2)", groups, 6, 4, piece),
                  "340282350000000000000000000000000000000 3 340282350000000000000000000000000000000 "
                  "1000000000000000000000000000000");
    }
    fixture_deinit(f);
}

TEST(the_extremes_of_floats_know_what_they_have_seen)
{
    expr_fixture fixture;
    const double g[] = {-1e300, 0.0 / 0.0, -1e301, 0.0 / 0.0, -1.0 / 0.0, 0.0 / 0.0};

    fixture_init(&fixture);
    fixture_floats(&fixture, "f", g, 6);
    CHECK_STR(aggregate_text(&fixture, "max(r.f)", groups, 6, 4, 2),
              "-3.4028234663852886e+38 -1e+300 -3.4028234663852886e+38 -Inf");
    CHECK_STR(aggregate_text(&fixture, "min(r.f)", groups, 6, 4, 2),
              "1.7976931348623157e+308 -1e+301 1.7976931348623157e+308 -Inf");
    CHECK_STR(aggregate_text(&fixture, "min(-1.0 / 0 * r.f / r.f)", groups, 1, 2, 2), "1.7976931348623157e+308 -Inf");
    CHECK_STR(aggregate_text(&fixture, "min(1.0 / 0 + r.f)", groups, 1, 2, 2),
              "1.7976931348623157e+308 1.7976931348623157e+308");
    fixture_deinit(&fixture);
}

TEST(texts_are_joined_and_empty_ones_are_no_extremes)
{
    expr_fixture fixture;
    expr_fixture *f = &fixture;
    const char *const s[] = {"", "b", "a text that is not short", "", "", "zzz zzz zzz zzz"};

    fixture_init(f);
    fixture_texts(f, "s", s, 6);
    for (uint32_t piece = 1; piece <= 6; piece += 5) {
        CHECK_STR(aggregate_text(f, "string_agg(r.s, \",\")", groups, 6, 4, piece),
                  "b, a text that is not short,zzz zzz zzz zzz  ");
        CHECK_STR(aggregate_text(f, "min(r.s)", groups, 6, 4, piece), "b a text that is not short  ");
        CHECK_STR(aggregate_text(f, "max(r.s)", groups, 6, 4, piece), "b zzz zzz zzz zzz  ");
        CHECK_STR(aggregate_text(f, "string_agg_if(r.s, `; `, len(r.s) < 3)", groups, 6, 4, piece), "b;    ");
    }
    fixture_deinit(f);
}
