/* Decimals against Python's decimal module (test/golden/decimals.txt), and properties that must hold for all of them. */
#include "base/test.h"
#include "vec/decimal.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static capi_decimal parse(const char *text)
{
    capi_decimal value;

    if (!capi_decimal_parse(capi_str_of(text), &value))
        capi_test_fail(__FILE__, __LINE__, "\"%s\" is no decimal", text);
    return value;
}

static const char *text_of(bool fits, const capi_decimal *value)
{
    static char text[CAPI_DECIMAL_TEXT_MAX + 1];

    if (!fits) return "none";
    text[capi_decimal_text(value, text)] = 0;
    return text;
}

static const char *int_text(bool fits, const int64_t *value)
{
    static char text[32];

    if (!fits) return "none";
    snprintf(text, sizeof text, "%" PRId64, *value);
    return text;
}

typedef bool (*binary_fn)(const capi_decimal *a, const capi_decimal *b, capi_decimal *out);
static const struct {
    const char *name;
    binary_fn fn;
} binary_operations[] = {
    {"add", capi_decimal_add},
    {"sub", capi_decimal_subtract},
    {"mul", capi_decimal_multiply},
    {"div", capi_decimal_divide},
    {"add2", capi_decimal_add_round2},
    {"sub2", capi_decimal_subtract_round2},
    {"mul2", capi_decimal_multiply_round2},
    {"div2", capi_decimal_divide_round2},
};

/* The result of a line of the table, as text. */
static const char *compute(const char *name, const char *x, const char *y)
{
    capi_decimal a, b, out;
    int64_t whole = 0;

    for (size_t i = 0; i < sizeof binary_operations / sizeof binary_operations[0]; i++) {
        if (strcmp(name, binary_operations[i].name) != 0) continue;
        a = parse(x);
        b = parse(y);
        return text_of(binary_operations[i].fn(&a, &b, &out), &out);
    }
    if (strcmp(name, "from") == 0) return text_of(capi_decimal_from_double(strtod(x, NULL), &out), &out);
    if (strcmp(name, "cmul") == 0)
        return int_text(capi_cents_multiply_round2(strtoll(x, NULL, 10), strtoll(y, NULL, 10), &whole), &whole);
    if (strcmp(name, "cdiv") == 0)
        return int_text(capi_cents_divide_round2(strtoll(x, NULL, 10), strtoll(y, NULL, 10), &whole), &whole);
    a = parse(x);
    if (strcmp(name, "round") == 0) return text_of(capi_decimal_round(&a, atoi(y), &out), &out);
    if (strcmp(name, "int") == 0) return int_text(capi_decimal_to_int64(&a, &whole), &whole);
    if (strcmp(name, "cents") == 0) return int_text(capi_decimal_to_cents(&a, &whole), &whole);
    CHECK_STR(name, "cmp");
    b = parse(y);
    whole = capi_decimal_compare(&a, &b);
    return int_text(true, &whole);
}

static void check_line(char *line)
{
    char *words[4] = {0};
    unsigned count = 0;
    const char *got;

    for (char *word = strtok(line, " \n"); word && count < 4; word = strtok(NULL, " \n"))
        words[count++] = word;
    CHECK(count >= 3);
    if (strcmp(words[0], "double") == 0 || strcmp(words[0], "cdouble") == 0) {
        double expected = strtod(words[2], NULL);
        double actual = capi_cents_to_double(strtoll(words[1], NULL, 10));

        if (words[0][0] == 'd') {
            capi_decimal a = parse(words[1]);
            actual = capi_decimal_to_double(&a);
        }
        if (actual != expected)
            capi_test_fail(__FILE__, __LINE__, "%s of %s is %a, expected %a", words[0], words[1], actual, expected);
        return;
    }
    got = compute(words[0], words[1], count == 4 ? words[2] : "");
    if (strcmp(got, words[count - 1]) != 0)
        capi_test_fail(__FILE__, __LINE__, "%s %s %s is %s, expected %s", words[0], words[1], words[2], got,
                       words[count - 1]);
}

TEST(decimals_compute_as_the_table_says)
{
    FILE *file = fopen(CAPI_TEST_DATA "/golden/decimals.txt", "r");
    char *line = NULL;
    size_t capacity = 0;
    unsigned count = 0;

    CHECK(file);
    for (; getline(&line, &capacity, file) > 0; count++)
        check_line(line);
    CHECK(count > 500);
    free(line);
    fclose(file);
}

static void check_text(const char *text, const char *expected)
{
    capi_decimal value;

    CHECK_STR(text_of(capi_decimal_parse(capi_str_of(text), &value), &value), expected);
}

TEST(decimal_texts_are_read_and_written_plainly)
{
    check_text("0", "0");
    check_text("-0.00", "0");
    check_text("+.5", "0.5");
    check_text("5.", "5");
    check_text("0010.2500", "10.25");
    check_text("1e3", "1000");
    check_text("12.5E-3", "0.0125");
    check_text("-1e+2", "-100");
    check_text("0e999999999999", "0");
    check_text("1234567890123456789012345678901234567890.12", "1234567890123456789012345678901234567890.12");
    check_text("1"
               "0000000000"
               "0000000000"
               "0000000000"
               "0000000000"
               "0000000000"
               "0000000000"
               "0000000000"
               "0000000000"
               "0000000000e-81",
               "1000000000");
}

TEST(what_is_no_decimal_is_refused)
{
    const char *const texts[] = {"",    ".",     "-",   "+-1", "1e", "1e+", "1_000", "0x10",   " 1",   "1 ",
                                 "1,5", "1.2.3", "nan", "inf", "e5", "--1", "1e5.0", "1e-500", "1e500"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_text(texts[i], "none");
}

TEST(a_decimal_of_77_digits_does_not_fit)
{
    char text[80];
    capi_decimal value, one = capi_decimal_from_int64(1), out;

    memset(text, '9', 77);
    text[77] = 0;
    CHECK(!capi_decimal_parse(capi_str_of(text), &value));
    text[76] = 0;
    CHECK(capi_decimal_parse(capi_str_of(text), &value));
    CHECK(!capi_decimal_add(&value, &value, &out));
    CHECK(capi_decimal_add(&value, &one, &out)); /* 10^76 has one digit and 76 zeros */
    CHECK(!capi_decimal_multiply(&value, &value, &out));
}

TEST(the_operators_of_the_language_round_to_two_digits)
{
    capi_decimal a = parse("1.005"), b = capi_decimal_from_int64(0), out;

    CHECK_STR(text_of(capi_decimal_add_round2(&a, &b, &out), &out), "1.01");
    CHECK_STR(text_of(capi_decimal_multiply_round2(&a, &a, &out), &out), "1.01");
    a = capi_decimal_from_int64(1);
    b = capi_decimal_from_int64(3);
    CHECK_STR(text_of(capi_decimal_divide_round2(&a, &b, &out), &out), "0.33");
    CHECK_STR(text_of(capi_decimal_divide(&a, &b, &out), &out), "0.3333333333333333");
    a = parse("1e-300"); /* the exact sum has 300 digits */
    CHECK(!capi_decimal_add(&a, &b, &out));
    CHECK_STR(text_of(capi_decimal_add_round2(&a, &b, &out), &out), "3");
}

TEST(doubles_that_are_no_numbers_are_no_decimals)
{
    capi_decimal out;

    CHECK(!capi_decimal_from_double(NAN, &out));
    CHECK(!capi_decimal_from_double(INFINITY, &out));
    CHECK(!capi_decimal_from_double(-INFINITY, &out));
    CHECK(capi_decimal_from_double(-0.0, &out) && !out.negative);
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t value = *state += 0x9e3779b97f4a7c15u;

    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

/* Any size, and often close to powers of two and ten. */
static int64_t random_cents(uint64_t *state)
{
    uint64_t bits = next_random(state);

    return (int64_t)(next_random(state) >> (bits & 63)) * (bits & 64 ? -1 : 1);
}

TEST(cents_and_decimals_compute_the_same)
{
    uint64_t state = 42;

    for (unsigned i = 0; i < 100000; i++) {
        int64_t x = random_cents(&state), y = random_cents(&state);
        capi_decimal a = capi_decimal_from_cents(x), b = capi_decimal_from_cents(y), exact, rounded;
        int64_t fast = 0, slow = 0;
        bool fits;

        CHECK(capi_decimal_multiply(&a, &b, &exact) && capi_decimal_round(&exact, 2, &rounded));
        fits = capi_decimal_to_cents(&rounded, &slow);
        CHECK(capi_cents_multiply_round2(x, y, &fast) == fits && (!fits || fast == slow));
        if (y == 0) continue;
        CHECK(capi_decimal_divide(&a, &b, &exact) && capi_decimal_round(&exact, 2, &rounded));
        fits = capi_decimal_to_cents(&rounded, &slow);
        CHECK(capi_cents_divide_round2(x, y, &fast) == fits && (!fits || fast == slow));
        CHECK(capi_cents_to_double(x) == capi_decimal_to_double(&a));
    }
}

TEST(a_difference_added_again_gives_the_value)
{
    uint64_t state = 7;

    for (unsigned i = 0; i < 20000; i++) {
        capi_decimal a = capi_decimal_from_cents(random_cents(&state)),
                     b = capi_decimal_from_cents(random_cents(&state));
        capi_decimal difference, sum;

        a.scale = (int32_t)(next_random(&state) % 40);
        b.scale = (int32_t)(next_random(&state) % 40);
        CHECK(capi_decimal_subtract(&a, &b, &difference));
        CHECK(capi_decimal_add(&difference, &b, &sum));
        CHECK(capi_decimal_compare(&sum, &a) == 0);
        CHECK(capi_decimal_compare(&a, &b) == (capi_decimal_is_zero(&difference) ? 0 : difference.negative ? -1 : 1));
    }
}

TEST(doubles_come_back_from_their_decimals)
{
    uint64_t state = 99;

    for (unsigned i = 0; i < 20000; i++) {
        uint64_t bits = next_random(&state);
        capi_decimal decimal, again;
        double value;

        memcpy(&value, &bits, 8);
        if (!isfinite(value)) continue;
        CHECK(capi_decimal_from_double(value, &decimal));
        CHECK(capi_decimal_to_double(&decimal) == value);
        again = parse(text_of(true, &decimal));
        CHECK(capi_decimal_compare(&decimal, &again) == 0);
    }
}

static void check_cents_text(int64_t cents, const char *trimmed, const char *fixed)
{
    char text[32];

    text[capi_cents_text(cents, text)] = 0;
    CHECK_STR(text, trimmed);
    text[capi_cents_text_fixed(cents, text)] = 0;
    CHECK_STR(text, fixed);
}

TEST(cents_have_two_texts)
{
    check_cents_text(0, "0", "0.00");
    check_cents_text(5, "0.05", "0.05");
    check_cents_text(-5, "-0.05", "-0.05");
    check_cents_text(1230, "12.3", "12.30");
    check_cents_text(-1200, "-12", "-12.00");
    check_cents_text(INT64_MIN, "-92233720368547758.08", "-92233720368547758.08");
}

TEST(cents_are_read_as_decimals_are)
{
    static const char *const texts[] = {"0",
                                        "-0.004",
                                        "1.005",
                                        "-1.005",
                                        ".5",
                                        "5.",
                                        ".",
                                        "-.",
                                        "+",
                                        "",
                                        "1.2.3",
                                        "1e3",
                                        "12.345",
                                        "+7",
                                        "1 ",
                                        "-5",
                                        "--5",
                                        "92233720368547758.07",
                                        "92233720368547758.08",
                                        "-92233720368547758.08",
                                        "922337203685477580",
                                        "92233720368547758",
                                        "999999999999999.994999",
                                        "0.00000000000000000",
                                        "123456789012345678",
                                        "0.4999999999999999",
                                        "1_0"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        capi_decimal value;
        int64_t fast = 0, slow = 0;
        bool fits = capi_decimal_parse(capi_str_of(texts[i]), &value) && capi_decimal_to_cents(&value, &slow);

        if (capi_cents_parse(capi_str_of(texts[i]), &fast) != fits || fast != slow)
            capi_test_fail(__FILE__, __LINE__, "\"%s\" is %" PRId64 ", expected %" PRId64, texts[i], fast, slow);
    }
}

TEST(only_exact_cents_are_cents)
{
    capi_decimal value = parse("1.005");
    int64_t cents;

    CHECK(!capi_decimal_is_cents(&value, &cents));
    CHECK(capi_decimal_to_cents(&value, &cents) && cents == 101);
    value = parse("92233720368547758.07");
    CHECK(capi_decimal_is_cents(&value, &cents) && cents == INT64_MAX);
    value = parse("92233720368547758.08");
    CHECK(!capi_decimal_to_cents(&value, &cents));
    capi_decimal_negate(&value);
    CHECK(capi_decimal_is_cents(&value, &cents) && cents == INT64_MIN);
    value = (capi_decimal){.limb = {1500}, .scale = 3};
    CHECK(capi_decimal_is_cents(&value, &cents) && cents == 150);
}
