/* evaluator_test.c - programs over many rows: forms of vectors, constants, shared parts, and which failing row is told. */
#include "expr/expr_fixture.h"
#include "expr/program.h"

#include <pthread.h>
#include <stdlib.h>

TEST(cents_overflow_changes_the_whole_vector_to_the_general_form)
{
    expr_fixture fixture;
    const char *const d[] = {"1.25", "92233720368547758.07", "-92233720368547758.08"};
    const char *const e[] = {"2", "0.01", "-1"};

    expr_fixture *f = &fixture;
    fixture_init(f);
    fixture_decimals(f, "d", d, 3);
    fixture_decimals(f, "e", e, 3);
    CHECK_STR(fixture_eval(f, "r.d + r.e", 3), "3.25 92233720368547758.08 -92233720368547759.08");
    CHECK_STR(fixture_eval(f, "r.d - r.e", 3), "-0.75 92233720368547758.06 -92233720368547757.08");
    CHECK_STR(fixture_eval(f, "r.d * r.e", 3), "2.5 922337203685477.58 92233720368547758.08");
    CHECK_STR(fixture_eval(f, "r.d / r.e", 3), "0.63 9223372036854775807 92233720368547758.08");
    CHECK_STR(fixture_eval(f, "-r.d", 3), "-1.25 -92233720368547758.07 92233720368547758.08");
    CHECK_STR(fixture_eval(f, "r.d + r.e - r.e", 3), "1.25 92233720368547758.07 -92233720368547758.08");
    CHECK_STR(fixture_eval(f, "r.d + 1", 3), "2.25 92233720368547759.07 -92233720368547757.08");
    fixture_deinit(f);
}

TEST(a_decimal_result_is_rounded_half_away_from_zero)
{
    expr_fixture fixture;
    const char *const d[] = {"0.05", "-0.05", "0.15", "10.25"};
    const char *const e[] = {"0.1", "0.1", "-0.1", "3"};

    expr_fixture *f = &fixture;
    fixture_init(f);
    fixture_decimals(f, "d", d, 4);
    fixture_decimals(f, "e", e, 4);
    CHECK_STR(fixture_eval(f, "r.d * r.e", 4), "0.01 -0.01 -0.02 30.75");
    CHECK_STR(fixture_eval(f, "r.d * decimal2(\"0.333\")", 4), "0.02 -0.02 0.05 3.41");
    CHECK_STR(fixture_eval(f, "decimal2(\"-0.333\") * r.d", 4), "-0.02 0.02 -0.05 -3.41");
    CHECK_STR(fixture_eval(f, "r.d / 3", 4), "0.02 -0.02 0.05 3.42");
    CHECK_STR(fixture_eval(f, "r.d / decimal2(\"0.003\")", 4), "16.67 -16.67 50 3416.67");
    CHECK_STR(fixture_eval(f, "r.d + decimal2(\"0.005\")", 4), "0.06 -0.05 0.16 10.26");
    fixture_deinit(f);
}

TEST(quotients_are_rounded_to_16_digits_before_2)
{
    expr_fixture fixture;
    /* 0.00499999999999999995 becomes 0.005 with 16 digits, then 0.01 */
    const char *const d[] = {"49999999999999999.95", "499999999999999.95"};
    const char *const e[] = {"10000000000000000000", "100000000000000000"};

    expr_fixture *f = &fixture;
    fixture_init(f);
    fixture_decimals(f, "d", d, 2);
    fixture_decimals(f, "e", e, 2);
    CHECK_STR(fixture_eval(f, "r.d / r.e", 2), "0.01 0.01");
    fixture_deinit(f);
}

TEST(constants_and_vectors_mix_on_either_side)
{
    expr_fixture fixture;
    const int64_t i[] = {7, -7, INT64_MIN};
    const double g[] = {1.5, -0.5, 0};

    expr_fixture *f = &fixture;
    fixture_init(f);
    fixture_ints(f, "i", i, 3);
    fixture_floats(f, "f", g, 3);
    CHECK_STR(fixture_eval(f, "r.i / 2", 3), "3 -3 -4611686018427387904");
    CHECK_STR(fixture_eval(f, "r.i / -1", 3), "-7 7 -9223372036854775808");
    CHECK_STR(fixture_eval(f, "r.i % -1", 3), "0 0 0");
    CHECK_STR(fixture_eval(f, "100 / r.i", 3), "14 -14 0");
    CHECK_STR(fixture_eval(f, "100 % r.i", 3), "2 2 100");
    CHECK_STR(fixture_eval(f, "2 - r.f", 3), "0.5 2.5 2");
    CHECK_STR(fixture_eval(f, "1 / r.f", 3), "0.6666666666666666 -2 +Inf");
    CHECK_STR(fixture_eval(f, "r.i - r.i", 3), "0 0 0");
    CHECK_STR(fixture_eval(f, "5 <= r.i", 3), "true false false");
    CHECK_STR(fixture_eval(f, "decimal2(r.i)", 3), "7 -7 -9223372036854775808");
    CHECK_STR(fixture_eval(f, "math.Round(r.f)", 3), "2 -1 0");
    fixture_deinit(f);
}

TEST(texts_compare_without_the_quotes_at_their_ends)
{
    expr_fixture fixture;
    const char *const s[] = {"abc", "\"abc\"", "\"\"abc", "abcd", "ab", "", "a long text with \\\" in it", "\""};
    const char *const u[] = {"\"abc", "abc", "abd", "abc", "ab\"", "\"\"", "a long text with \" in it", ""};

    expr_fixture *f = &fixture;
    fixture_init(f);
    fixture_texts(f, "s", s, 8);
    fixture_texts(f, "u", u, 8);
    CHECK_STR(fixture_eval(f, "r.s == \"abc\"", 8), "true true true false false false false false");
    CHECK_STR(fixture_eval(f, "\"abc\" != r.s", 8), "false false false true true true true true");
    CHECK_STR(fixture_eval(f, "r.s == r.u", 8), "true true false false true true true true");
    CHECK_STR(fixture_eval(f, "r.u == r.s", 8), "true true false false true true true true");
    CHECK_STR(fixture_eval(f, "r.s < \"abcd\"", 8), "true true true false true true true true");
    CHECK_STR(fixture_eval(f, "r.s >= r.u", 8), "true true false true true true true true");
    CHECK_STR(fixture_eval(f, "r.s == \"\"", 8), "false false false false false true false true");
    fixture_deinit(f);
}

TEST(short_and_long_texts_join)
{
    expr_fixture fixture;
    const char *const s[] = {"", "123456789012", "1234567890123", "a"};

    expr_fixture *f = &fixture;
    fixture_init(f);
    fixture_texts(f, "s", s, 4);
    CHECK_STR(fixture_eval(f, "\"[\" + r.s + \"]\"", 4), "[] [123456789012] [1234567890123] [a]");
    CHECK_STR(fixture_eval(f, "r.s + r.s", 4), " 123456789012123456789012 12345678901231234567890123 aa");
    CHECK_STR(fixture_eval(f, "strings.ReplaceAll(r.s, \"12\", \"x\")", 4), " x34567890x x34567890x3 a");
    CHECK_STR(fixture_eval(f, "strings.ReplaceAll(r.s, \"1\", \"x\")", 4), " x234567890x2 x234567890x23 a");
    CHECK_STR(fixture_eval(f, "strings.ReplaceAll(r.s, \"\", \"-\")", 4),
              "- -1-2-3-4-5-6-7-8-9-0-1-2- -1-2-3-4-5-6-7-8-9-0-1-2-3- -a-");
    fixture_deinit(f);
}

TEST(choices_take_forms_together)
{
    expr_fixture fixture;
    const char *const d[] = {"1.5", "2.5"};
    const char *const e[] = {"1.005", "7"};
    const uint8_t b[] = {1, 0};
    const int64_t t[] = {0, 86400000};

    expr_fixture *f = &fixture;
    fixture_init(f);
    fixture_decimals(f, "d", d, 2);
    fixture_decimals(f, "e", e, 2);
    fixture_bools(f, "b", b, 2);
    fixture_millis(f, "t", t, 2);
    CHECK_STR(fixture_eval(f, "decimal2.iif(r.b, r.d, r.e)", 2), "1.5 7");
    CHECK_STR(fixture_eval(f, "decimal2.iif(r.b, r.e, r.d)", 2), "1.005 2.5");
    CHECK_STR(fixture_eval(f, "decimal2.iif(!r.b, r.e, decimal2(4))", 2), "4 7");
    CHECK_STR(fixture_eval(f, "decimal2.iif(true, r.e, r.d)", 2), "1.005 7");
    CHECK_STR(fixture_eval(f, "decimal2.iif(false, r.e, decimal2(1))", 2), "1 1");
    CHECK_STR(fixture_eval(f, "time.iif(r.b, r.t, time.Date(2001, time.May, 2, 3, 4, 5, 6, time.UTC))", 2),
              "1970-01-01 00:00:00 +0000 UTC 2001-05-02 03:04:05.000000006 +0000 UTC");
    CHECK_STR(fixture_eval(f, "string.iif(r.b, \"a\", \"a long text, not inline\")", 2), "a a long text, not inline");
    CHECK_STR(fixture_eval(f, "int.iif(r.b, 1, 2)", 2), "1 2");
    fixture_deinit(f);
}

TEST(simple_datetimes_stay_milliseconds)
{
    expr_fixture fixture;
    const char *const s[] = {"2017-01-02", "2017-01-03"};
    const char *const u[] = {"2017-01-02 03:04:05", "2017-01-02 03:04:05.25"};

    expr_fixture *f = &fixture;
    fixture_init(f);
    fixture_texts(f, "s", s, 2);
    fixture_texts(f, "u", u, 2);
    CHECK_STR(fixture_eval(f, "time.UnixMilli(time.Parse(\"2006-01-02\", r.s))", 2), "1483315200000 1483401600000");
    CHECK_STR(fixture_eval(f, "time.UnixMilli(time.Parse(\"2006-01-02 15:04:05\", r.u))", 2),
              "1483326245000 1483326245250");
    CHECK_STR(fixture_eval(f, "time.Format(time.Parse(\"2006-01-02 15:04:05\", r.u), \"15:04:05.000\")", 2),
              "03:04:05.000 03:04:05.250");
    fixture_deinit(f);
}

TEST(the_lowest_failing_row_is_told_whichever_operation_fails)
{
    expr_fixture fixture;
    const int64_t i[] = {1, 2, 0, 4};
    const char *const s[] = {"1", "x", "3", "4"};

    expr_fixture *f = &fixture;
    fixture_init(f);
    fixture_ints(f, "i", i, 4);
    fixture_texts(f, "s", s, 4);
    CHECK_STR(fixture_eval(f, "10 / r.i + int(r.s)", 4),
              "error: text \"x\" is no int (expected digits with an optional sign, within 64 bits)\n"
              "  in expression \"10 / r.i + int(r.s)\" where r.i = 2, r.s = \"x\"");
    CHECK_INT(f->bad_row, 1);
    CHECK_STR(fixture_eval(f, "10 / r.i", 4),
              "error: integer division by zero\n  in expression \"10 / r.i\" where r.i = 0");
    CHECK_INT(f->bad_row, 2);
    CHECK_STR(fixture_eval(f, "10 / r.i", 2), "10 5");
    CHECK_STR(fixture_eval(f, "10 / r.i", 0), "");
    fixture_deinit(f);
}

TEST(of_two_outputs_that_fail_in_one_row_the_first_is_told)
{
    expr_fixture fixture;
    const int64_t i[] = {1, 0};
    const int64_t j[] = {1, 0};
    capi_program *program;
    capi_evaluator *evaluator;
    capi_vec outputs[3];

    expr_fixture *f = &fixture;
    fixture_init(f);
    fixture_ints(f, "i", i, 2);
    fixture_ints(f, "j", j, 2);
    program = capi_program_new(&f->arena);
    CHECK_INT(capi_program_add(program, fixture_load(f, "r.i + r.j")), 0);
    CHECK_INT(capi_program_add(program, fixture_load(f, "1 / r.j")), 1);
    CHECK_INT(capi_program_add(program, fixture_load(f, "1 / r.i")), 2);
    evaluator = capi_evaluator_new(program, (capi_instant){0});
    CHECK(capi_evaluator_run(evaluator, f->inputs, 2, outputs, &f->bad_row, &f->bad_output, &f->err) == CAPI_INVALID);
    CHECK_INT(f->bad_row, 1);
    CHECK_INT(f->bad_output, 1);
    CHECK_ERR(f->err, "1 / r.j");
    CHECK_OK(capi_evaluator_run(evaluator, f->inputs, 1, outputs, &f->bad_row, &f->bad_output, &f->err), f->err);
    CHECK_INT(outputs[2].int64s[0], 1);
    capi_evaluator_free(evaluator);
    fixture_deinit(f);
}

TEST(equal_parts_are_computed_once)
{
    expr_fixture fixture;
    capi_program *program;

    expr_fixture *f = &fixture;
    fixture_init(f);
    program = capi_program_new(&f->arena);
    capi_program_add(program, fixture_load(f, "r.i * 2 + 1"));
    capi_program_add(program, fixture_load(f, "(r.i * 2) - 1"));
    capi_program_add(program, fixture_load(f, "r.i*2 + 1"));
    CHECK_INT(program->instruction_count, 3);
    CHECK(capi_program_reads_slot(program, 0));
    CHECK(!capi_program_reads_slot(program, 1));
    CHECK_INT(capi_program_output_count(program), 3);
    capi_program_add(program, fixture_load(f, "re.MatchString(`a.c`, r.s) && re.MatchString(`a.c`, r.s)"));
    CHECK_INT(program->instruction_count, 5);
    fixture_deinit(f);
}

TEST(results_stay_valid_until_the_next_run)
{
    expr_fixture fixture;
    int64_t values[CAPI_CHUNK_ROWS];
    capi_program *program;
    capi_evaluator *evaluator;
    capi_vec outputs[3];

    expr_fixture *f = &fixture;
    fixture_init(f);
    for (int i = 0; i < CAPI_CHUNK_ROWS; i++)
        values[i] = i;
    fixture_ints(f, "i", values, CAPI_CHUNK_ROWS);
    program = capi_program_new(&f->arena);
    capi_program_add(program, fixture_load(f, "r.i + 1"));
    capi_program_add(program, fixture_load(f, "int(len(string(r.i) + \" is the number of this row\"))"));
    capi_program_add(program, fixture_load(f, "string((r.i + 1) * 2 + 3 - 4) + \" is a rather long text\""));
    evaluator = capi_evaluator_new(program, (capi_instant){0});
    for (int run = 0; run < 3; run++) {
        CHECK_OK(
            capi_evaluator_run(evaluator, f->inputs, CAPI_CHUNK_ROWS, outputs, &f->bad_row, &f->bad_output, &f->err),
            f->err);
        for (int i = 0; i < CAPI_CHUNK_ROWS; i++) {
            char expected[64];
            capi_value text = capi_vec_get(&outputs[2], (uint32_t)i);

            CHECK_INT(outputs[0].int64s[i], i + 1);
            CHECK_INT(outputs[1].int64s[i], snprintf(expected, sizeof expected, "%d is the number of this row", i));
            snprintf(expected, sizeof expected, "%d is a rather long text", (i + 1) * 2 - 1);
            CHECK(capi_str_is(text.string, expected));
        }
    }
    capi_evaluator_free(evaluator);
    fixture_deinit(f);
}

TEST(time_now_is_the_start_of_the_run_for_all_rows)
{
    expr_fixture fixture;
    const int64_t i[] = {1, 2};

    fixture_init(&fixture);
    fixture_ints(&fixture, "i", i, 2);
    CHECK_STR(fixture_eval(&fixture, "time.Unix(time.Now()) + r.i", 2), "1000000001 1000000002");
    CHECK_STR(fixture_eval(&fixture, "time.Format(time.Now(), \"2006\")", 2), "2001 2001");
    fixture_deinit(&fixture);
}

TEST(patterns_may_vary_by_row)
{
    expr_fixture fixture;
    const char *const s[] = {"^a", "b$", "(?i)C", "x{2}"};
    const char *const u[] = {"abc", "abc", "abc", "xx"};
    const char *const bad[] = {"a", "(", "b", "c"};

    fixture_init(&fixture);
    fixture_texts(&fixture, "s", s, 4);
    fixture_texts(&fixture, "u", u, 4);
    CHECK_STR(fixture_eval(&fixture, "re.MatchString(r.s, r.u)", 4), "true false true true");
    CHECK_STR(fixture_eval(&fixture, "re.MatchString(r.s, \"abc\")", 4), "true false true false");
    fixture_texts(&fixture, "s", bad, 4);
    CHECK_STR(fixture_eval(&fixture, "re.MatchString(r.s, r.u)", 4),
              "error: regular expression \"(\" is not valid: missing ): (\n"
              "  in expression \"re.MatchString(r.s, r.u)\" where r.s = \"(\", r.u = \"abc\"");
    fixture_deinit(&fixture);
}

TEST(formats_and_layouts_may_vary_by_row)
{
    expr_fixture fixture;
    const char *const s[] = {"%d", "<%5d>", "%x"};
    const char *const u[] = {"2006", "Jan", "02"};
    const int64_t i[] = {10, 11, 12};
    const int64_t t[] = {0, 31 * INT64_C(86400000), 86400000};

    fixture_init(&fixture);
    fixture_texts(&fixture, "s", s, 3);
    fixture_texts(&fixture, "u", u, 3);
    fixture_ints(&fixture, "i", i, 3);
    fixture_millis(&fixture, "t", t, 3);
    CHECK_STR(fixture_eval(&fixture, "fmt.Sprintf(r.s, r.i)", 3), "10 <   11> c");
    CHECK_STR(fixture_eval(&fixture, "time.Format(r.t, r.u)", 3), "1970 Feb 02");
    CHECK_STR(fixture_eval(&fixture, "time.Unix(time.Parse(r.u, time.Format(r.t, r.u)))", 3),
              "0 -62164540800 -62167132800");
    fixture_deinit(&fixture);
}

typedef struct shared_run {
    const capi_program *program;
    const capi_vec *inputs;
    uint32_t true_count;
} shared_run;

static void *run_shared(void *context)
{
    shared_run *run = context;
    capi_evaluator *evaluator = capi_evaluator_new(run->program, (capi_instant){0});

    for (int round = 0; round < 50; round++) {
        capi_vec outputs[2];
        uint32_t rows[4];
        capi_err err = {0};

        if (capi_evaluator_run(evaluator, run->inputs, 4, outputs, NULL, NULL, &err) != CAPI_OK) continue;
        run->true_count += capi_select_true(&outputs[0], 4, rows);
    }
    capi_evaluator_free(evaluator);
    return NULL;
}

TEST(threads_share_a_program)
{
    expr_fixture fixture;
    const char *const s[] = {"abc", "b", "xyz", "a1b"};
    shared_run runs[3];
    pthread_t threads[3];
    capi_program *program;

    fixture_init(&fixture);
    fixture_texts(&fixture, "s", s, 4);
    program = capi_program_new(&fixture.arena);
    capi_program_add(program, fixture_load(&fixture, "re.MatchString(`a[0-9b]+`, r.s) || r.s == \"xyz\""));
    capi_program_add(program, fixture_load(&fixture, "fmt.Sprintf(`%s %5d`, r.s, len(r.s))"));
    for (int i = 0; i < 3; i++) {
        runs[i] = (shared_run){.program = program, .inputs = fixture.inputs};
        CHECK(pthread_create(&threads[i], NULL, run_shared, &runs[i]) == 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(runs[i].true_count, 150);
    }
    fixture_deinit(&fixture);
}

TEST(rows_where_a_condition_holds_are_selected_in_order)
{
    uint8_t bools[] = {1, 0, 0, 1, 1};
    uint32_t rows[5];
    capi_vec vec = {.type = CAPI_BOOL, .form = CAPI_FORM_BOOL, .bools = bools};

    CHECK_INT(capi_select_true(&vec, 5, rows), 3);
    CHECK_INT(rows[0], 0);
    CHECK_INT(rows[1], 3);
    CHECK_INT(rows[2], 4);
    vec.is_constant = true;
    CHECK_INT(capi_select_true(&vec, 5, rows), 5);
    bools[0] = 0;
    CHECK_INT(capi_select_true(&vec, 5, rows), 0);
}
