/* expr_random_test.c - random expressions over rows of awkward values. Whatever the forms of the vectors, a row must give
 * the same: alone as constants, among others in stored form, among others in the general form. The seeds are fixed. */
#include "expr/expr_fixture.h"

#include <math.h>
#include <stdlib.h>

enum { RANDOM_ROWS = 9, RANDOM_EXPRESSIONS = 4000, RANDOM_DEPTH = 4 };

typedef struct generator {
    uint64_t state;
    capi_buf text;
} generator;

static uint32_t pick(generator *gen, uint32_t count)
{
    gen->state = gen->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(gen->state >> 33) % count;
}

static void generate(generator *gen, capi_type type, uint32_t depth);

/* A template: ~i ~f ~d ~s ~b ~t stand for parts of these types. */
static void expand(generator *gen, const char *template, uint32_t depth)
{
    for (; *template; template ++) {
        if (*template != '~') {
            capi_buf_append_byte(&gen->text, *template);
            continue;
        }
        template ++;
        generate(gen,
                 *template == 'i'   ? CAPI_INT
                 : *template == 'f' ? CAPI_FLOAT
                 : *template == 'd' ? CAPI_DECIMAL
                 : *template == 's' ? CAPI_STRING
                 : *template == 'b' ? CAPI_BOOL
                                    : CAPI_DATETIME,
                 depth);
    }
}

#define CHOOSE(list) (list)[pick(gen, sizeof(list) / sizeof *(list))]

static void generate(generator *gen, capi_type type, uint32_t depth)
{
    static const char *const int_leaves[] = {"r.i", "r.j", "0", "1", "7", "9223372036854775807"};
    static const char *const int_parts[] = {"~i + ~i",
                                            "(~i) - (~i)",
                                            "(~i) * (~i)",
                                            "(~i) / (~i)",
                                            "(~i) % (~i)",
                                            "-(~i)",
                                            "int(~f)",
                                            "int(~d)",
                                            "int(~s)",
                                            "int(~b)",
                                            "int(len(~s))",
                                            "int.iif(~b, ~i, ~i)",
                                            "time.Unix(~t)",
                                            "time.UnixMilli(~t)",
                                            "time.DiffMilli(~t, ~t)",
                                            "len(~s) + ~i"};
    static const char *const float_leaves[] = {"r.f", "0.5", "1e300", "3.0"};
    static const char *const float_parts[] = {
        "~f + ~i",   "(~f) - (~d)",    "(~f) * (~f)",   "(~f) / (~i)",          "-(~f)", "float(~i)", "float(~d)",
        "float(~s)", "math.Round(~f)", "math.Sqrt(~d)", "float.iif(~b, ~f, ~f)"};
    static const char *const decimal_leaves[] = {"r.d", "r.e", "decimal2(\"1.005\")", "decimal2(3)",
                                                 "decimal2(0.0725)"};
    static const char *const decimal_parts[] = {"~d + ~d",
                                                "(~d) - (~i)",
                                                "(~d) * (~d)",
                                                "(~d) / (~d)",
                                                "(~d) * (~i)",
                                                "-(~d)",
                                                "decimal2(~f)",
                                                "decimal2(~i)",
                                                "decimal2(~s)",
                                                "decimal2(~b)",
                                                "decimal2.iif(~b, ~d, ~d)"};
    static const char *const string_leaves[] = {"r.s", "r.u", "\"x\"", "`a \"quoted\" text`", "\"\"", "\"12\""};
    static const char *const string_parts[] = {"~s + ~s",
                                               "string(~i)",
                                               "string(~f)",
                                               "string(~d)",
                                               "string(~b)",
                                               "string(~t)",
                                               "string(len(~s))",
                                               "strings.ReplaceAll(~s, ~s, ~s)",
                                               "strings.ReplaceAll(~s, \"a\", ~s)",
                                               "time.Format(~t, \"2006-01-02 15:04:05.000\")",
                                               "time.Format(~t, `Jan _2 06 MST -07:00`)",
                                               "fmt.Sprintf(`%s|%5d|%v`, ~s, ~i, ~d)",
                                               "fmt.Sprintf(~s, ~f)",
                                               "fmt.Sprintf(`%v %t`, ~t, ~b)",
                                               "string.iif(~b, ~s, ~s)"};
    static const char *const bool_leaves[] = {"r.b", "true", "false"};
    static const char *const bool_parts[] = {"(~i) < (~i)",
                                             "(~f) == (~i)",
                                             "(~d) >= (~d)",
                                             "(~d) != (~i)",
                                             "(~s) == (~s)",
                                             "(~s) < (~s)",
                                             "(~t) <= (~t)",
                                             "(~b) != (~b)",
                                             "(~b) && (~b)",
                                             "(~b) || (~b)",
                                             "!(~b)",
                                             "re.MatchString(`[a-c]x?`, ~s)",
                                             "re.MatchString(`text`, ~s)",
                                             "re.MatchString(~s, ~s)",
                                             "time.Before(~t, ~t)",
                                             "time.After(~t, ~t)"};
    static const char *const time_leaves[] = {"r.t", "time.Now()"};
    static const char *const time_parts[] = {
        "time.Date(2001, time.May, ~i, 3, 4, 5, ~i, time.UTC)",
        "time.Date(1970, time.January, 1, 0, 0, ~i, 0, time.FixedZone(~s, 3600))", "time.iif(~b, ~t, ~t)",
        "time.Parse(`2006-01-02`, time.Format(~t, `2006-01-02`))",
        "time.Parse(`2006-01-02 15:04:05.000`, time.Format(~t, `2006-01-02 15:04:05.999`))"};
    bool is_leaf = depth == 0 || pick(gen, 5) == 0;

    switch (type) {
    case CAPI_INT: expand(gen, is_leaf ? CHOOSE(int_leaves) : CHOOSE(int_parts), depth - 1); break;
    case CAPI_FLOAT: expand(gen, is_leaf ? CHOOSE(float_leaves) : CHOOSE(float_parts), depth - 1); break;
    case CAPI_DECIMAL: expand(gen, is_leaf ? CHOOSE(decimal_leaves) : CHOOSE(decimal_parts), depth - 1); break;
    case CAPI_STRING: expand(gen, is_leaf ? CHOOSE(string_leaves) : CHOOSE(string_parts), depth - 1); break;
    case CAPI_BOOL: expand(gen, is_leaf ? CHOOSE(bool_leaves) : CHOOSE(bool_parts), depth - 1); break;
    case CAPI_DATETIME:
    case CAPI_LENGTH:
    case CAPI_MONTH:
    case CAPI_ZONE: expand(gen, is_leaf ? CHOOSE(time_leaves) : CHOOSE(time_parts), depth - 1); break;
    }
}

static void fill(expr_fixture *fixture)
{
    const int64_t i[RANDOM_ROWS] = {0, 1, -1, 42, INT64_MAX, INT64_MIN, 1000000, 3, 100};
    const int64_t j[RANDOM_ROWS] = {5, 2, 3, -7, 2, -1, 1, 0, 12345678901};
    const double g[RANDOM_ROWS] = {0, 1.5, -0.005, 1e10, 1e300, -INFINITY, NAN, 0.1, 2.675};
    const char *const d[RANDOM_ROWS] = {
        "0", "1.25", "-0.05", "92233720368547758.07", "10", "0.01", "-92233720368547758.08", "333.33", "5"};
    const char *const e[RANDOM_ROWS] = {"3", "1", "0.1", "-2.5", "0", "100000", "7", "-0.01", "12.34"};
    const char *const s[RANDOM_ROWS] = {
        "", "a", "\"a\"", "a longer text, not inline", "12", "\\\"x", "%d|%v", "\xff\xfe bad", "žluť"};
    const char *const u[RANDOM_ROWS] = {"a", "b", "a", "text", "1.5", "\"", "(", "[a-z]+", "12345678901234567890"};
    const uint8_t b[RANDOM_ROWS] = {1, 0, 1, 1, 0, 0, 1, 0, 1};
    const int64_t t[RANDOM_ROWS] = {0,        981173106789,   -1, -2177452800000, 4102444800000, 1500000000000, 1,
                                    86399999, 253402300799999};

    fixture_ints(fixture, "i", i, RANDOM_ROWS);
    fixture_ints(fixture, "j", j, RANDOM_ROWS);
    fixture_floats(fixture, "f", g, RANDOM_ROWS);
    fixture_decimals(fixture, "d", d, RANDOM_ROWS);
    fixture_decimals(fixture, "e", e, RANDOM_ROWS);
    fixture_texts(fixture, "s", s, RANDOM_ROWS);
    fixture_texts(fixture, "u", u, RANDOM_ROWS);
    fixture_bools(fixture, "b", b, RANDOM_ROWS);
    fixture_millis(fixture, "t", t, RANDOM_ROWS);
}

/* The general forms of all decimals and datetimes. */
static void widen_inputs(expr_fixture *fixture, const capi_vec *in, capi_vec *out)
{
    for (int k = 0; k < FIXTURE_FIELDS; k++) {
        out[k] = in[k];
        if (in[k].form == CAPI_FORM_CENTS && in[k].data) {
            out[k] = capi_vec_new(&fixture->arena, CAPI_DECIMAL, CAPI_FORM_DECIMAL, RANDOM_ROWS);
            for (int row = 0; row < RANDOM_ROWS; row++)
                out[k].decimals[row] = capi_decimal_from_cents(in[k].int64s[row]);
        }
        if (in[k].form == CAPI_FORM_MILLIS && in[k].data) {
            out[k] = capi_vec_new(&fixture->arena, CAPI_DATETIME, CAPI_FORM_INSTANT, RANDOM_ROWS);
            for (int row = 0; row < RANDOM_ROWS; row++)
                out[k].instants[row] = capi_instant_from_ms(in[k].int64s[row]);
        }
    }
}

/* One row alone, its fields as constants: appended to `to`. False if it fails. */
static bool row_alone(expr_fixture *fixture, capi_evaluator *evaluator, uint32_t row, capi_buf *to)
{
    capi_vec inputs[FIXTURE_FIELDS];
    capi_vec out;
    capi_value value;

    for (int k = 0; k < FIXTURE_FIELDS; k++) {
        if (!fixture->inputs[k].data) continue;
        inputs[k] = capi_vec_slice(&fixture->inputs[k], row);
        inputs[k].is_constant = true;
    }
    if (capi_evaluator_run(evaluator, inputs, 1, &out, NULL, NULL, &fixture->err) != CAPI_OK) return false;
    value = capi_vec_get(&out, 0);
    capi_value_append_text(to, &value);
    capi_buf_append_byte(to, '\n');
    return true;
}

/* All rows, up to the first that fails. */
static uint32_t rows_together(expr_fixture *fixture, capi_evaluator *evaluator, const capi_vec *inputs, capi_buf *to)
{
    uint32_t count = RANDOM_ROWS;
    capi_vec out;

    if (capi_evaluator_run(evaluator, inputs, count, &out, &fixture->bad_row, &fixture->bad_output, &fixture->err) !=
        CAPI_OK) {
        count = fixture->bad_row;
        CHECK(count < RANDOM_ROWS);
        if (count == 0) return 0;
        CHECK_OK(capi_evaluator_run(evaluator, inputs, count, &out, NULL, NULL, &fixture->err), fixture->err);
    }
    for (uint32_t row = 0; row < count; row++) {
        capi_value value = capi_vec_get(&out, out.is_constant ? 0 : row);

        capi_value_append_text(to, &value);
        capi_buf_append_byte(to, '\n');
    }
    return count;
}

static bool check_expression(expr_fixture *fixture, const char *text, const capi_vec *wide, uint32_t *loaded)
{
    const capi_expr *expr = fixture_load(fixture, text);
    capi_program *program;
    capi_evaluator *evaluator;
    capi_buf alone = {0};
    capi_buf together = {0};
    capi_buf general = {0};
    uint32_t good = 0;
    bool ok;

    if (!expr) return true; /* a constant part fails */
    (*loaded)++;
    program = capi_program_new(&fixture->arena);
    capi_program_add(program, expr);
    evaluator = capi_evaluator_new(program, (capi_instant){.seconds = 1000000000, .zone_name = "UTC"});
    while (good < RANDOM_ROWS && row_alone(fixture, evaluator, good, &alone))
        good++;
    ok = rows_together(fixture, evaluator, fixture->inputs, &together) == good &&
         rows_together(fixture, evaluator, wide, &general) == good &&
         capi_str_equal(capi_buf_str(&alone), capi_buf_str(&together)) &&
         capi_str_equal(capi_buf_str(&alone), capi_buf_str(&general));
    if (!ok)
        fprintf(stderr, "%s\nalone (%u rows):\n%.*stogether:\n%.*sgeneral:\n%.*s", text, good, (int)alone.bytes,
                alone.data ? alone.data : "", (int)together.bytes, together.data ? together.data : "",
                (int)general.bytes, general.data ? general.data : "");
    capi_evaluator_free(evaluator);
    capi_buf_deinit(&alone);
    capi_buf_deinit(&together);
    capi_buf_deinit(&general);
    return ok;
}

TEST(a_row_gives_the_same_alone_and_among_others)
{
    const char *seed = getenv("CAPI_TEST_SEED");
    generator gen = {.state = seed ? strtoull(seed, NULL, 10) : 20260509};
    uint32_t failed = 0;
    uint32_t loaded = 0;

    for (int round = 0; round < RANDOM_EXPRESSIONS / 100; round++) {
        expr_fixture fixture;
        capi_vec wide[FIXTURE_FIELDS];

        fixture_init(&fixture);
        fill(&fixture);
        widen_inputs(&fixture, fixture.inputs, wide);
        for (int k = 0; k < 100; k++) {
            capi_buf_clear(&gen.text);
            generate(&gen, (capi_type)(k % CAPI_TYPE_STORED_COUNT), RANDOM_DEPTH);
            capi_buf_append_byte(&gen.text, 0);
            failed += !check_expression(&fixture, gen.text.data, wide, &loaded);
        }
        fixture_deinit(&fixture);
    }
    capi_buf_deinit(&gen.text);
    CHECK_INT(failed, 0);
    CHECK(loaded > RANDOM_EXPRESSIONS / 2);
    if (seed) printf("%u of %d random expressions loaded\n", loaded, RANDOM_EXPRESSIONS);
}
