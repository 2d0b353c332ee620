/* Numbers and bools from text and to text. */
#include "base/random.h"
#include "base/test.h"
#include "vec/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

TEST(ints_are_digits_with_an_optional_sign)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"+7", 7},
                {"0012", 12},
                {"-12", -12},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN},
                {"00000000000000000000000000000042", 42},
                {"123456789012345678", 123456789012345678}};
    static const char *const bad[] = {"",
                                      "+",
                                      "-",
                                      " 1",
                                      "1 ",
                                      "1_0",
                                      "0x1",
                                      "1.0",
                                      "1e3",
                                      "--1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999",
                                      "18446744073709551617",
                                      "123456789012345678a",
                                      "1234567890123456789a"};
    int64_t value;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK(capi_parse_int(capi_str_of(good[i].text), &value));
        CHECK_INT(value, good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (capi_parse_int(capi_str_of(bad[i]), &value)) capi_test_fail(__FILE__, __LINE__, "\"%s\" is an int", bad[i]);
    CHECK(!capi_parse_int((capi_str){NULL, 0}, &value));
}

TEST(bools_have_twelve_texts)
{
    static const char *const good[] = {"1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"};
    static const char *const bad[] = {"", "tRUE", "yes", "2", " true", "true ", "00"};
    bool value;

    for (size_t i = 0; i < 12; i++)
        CHECK(capi_parse_bool(capi_str_of(good[i]), &value) && value == (i < 6));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(!capi_parse_bool(capi_str_of(bad[i]), &value));
}

static void check_float(const char *text, double expected)
{
    double value = 0;

    if (capi_parse_float(capi_str_of(text), &value) != CAPI_FLOAT_OK)
        capi_test_fail(__FILE__, __LINE__, "\"%s\" is no float", text);
    if (memcmp(&value, &expected, sizeof value) != 0 && !(isnan(value) && isnan(expected)))
        capi_test_fail(__FILE__, __LINE__, "\"%s\" is %a, expected %a", text, value, expected);
}

TEST(floats_are_read_as_in_go)
{
    check_float("1", 1);
    check_float("-0", -0.0);
    check_float("+.5", 0.5);
    check_float("5.", 5);
    check_float("1e-3", 1e-3);
    check_float("1E+3", 1e3);
    check_float("1_000.5", 1000.5);
    check_float("1_0e1_0", 10e10);
    check_float("123456789012345678901234567890", 123456789012345678901234567890.0);
    check_float("9007199254740993", 9007199254740992);
    check_float("9007199254740993.00000000000000000000000000000000000000000000000000000000001", 9007199254740994);
    check_float("1e-400", 0);
    check_float("-1e-400", -0.0);
    check_float("1e-99999999999999999999", 0);
    check_float("0e99999999999999999999", 0);
    check_float("4.9e-324", 5e-324);
    check_float("2.4703282292062327e-324", 0);
    check_float("2.4703282292062328e-324", 5e-324);
    check_float("1.7976931348623157e308", 1.7976931348623157e308);
    check_float("nan", NAN);
    check_float("NaN", NAN);
    check_float("inf", INFINITY);
    check_float("+Infinity", INFINITY);
    check_float("-INF", -INFINITY);
}

TEST(hexadecimal_floats_need_their_exponent_and_round_once)
{
    check_float("0x1.8p1", 3);
    check_float("-0X.8P-1", -0.25);
    check_float("0x_1_Fp0", 31);
    check_float("0x1p-1074", 5e-324);
    check_float("0x1p-1075", 0);
    check_float("0x1.000000000000000000001p-1075", 5e-324);
    check_float("0x1.8p-1074", 2 * 5e-324);
    check_float("0x1.00000000000008p0", 1);
    check_float("0x1.000000000000080000000000000000001p0", 0x1.0000000000001p0);
    check_float("0x1.00000000000018p0", 0x1.0000000000002p0);
    check_float("0x1.fffffffffffff7p1023", 0x1.fffffffffffffp1023);
    check_float("0x.0000000000000000000000001p100", 1);
    check_float("0x0p5000", 0);
}

TEST(what_is_no_float_is_refused)
{
    static const char *const bad[] = {"",     ".",     "-",    "e5",     "1e",     "1e+",  "1e_5",  "_1",  "1_",
                                      "1__0", "1_.0",  "1._0", "1_e1",   "+nan",   "-nan", "infin", "0x1", "0x",
                                      "0xp1", "0x1.8", "1p5",  "1.2.3",  "1 ",     " 1",   "1,5",   "++1", "0x1e5",
                                      "0b1",  "1f",    "nanx", "0x1_p0", "0x1p_1", "1e1_"};
    double value;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (capi_parse_float(capi_str_of(bad[i]), &value) != CAPI_FLOAT_SYNTAX)
            capi_test_fail(__FILE__, __LINE__, "\"%s\" is a float", bad[i]);
    CHECK(capi_parse_float(CAPI_STR("1e309"), &value) == CAPI_FLOAT_RANGE);
    CHECK(capi_parse_float(CAPI_STR("-1e99999999999999999999"), &value) == CAPI_FLOAT_RANGE);
    CHECK(capi_parse_float(CAPI_STR("0x1p1024"), &value) == CAPI_FLOAT_RANGE);
    CHECK(capi_parse_float(CAPI_STR("0x1.fffffffffffff8p1023"), &value) == CAPI_FLOAT_RANGE);
}

TEST(a_very_long_float_is_read_to_its_last_digit)
{
    char text[2002];
    double value;

    memset(text, '0', sizeof text);
    text[0] = '1';
    text[1] = '.';
    text[2001] = '1';
    CHECK(capi_parse_float((capi_str){text, sizeof text}, &value) == CAPI_FLOAT_OK && value == 1);
    memcpy(text, "9007199254740993.", 17);
    CHECK(capi_parse_float((capi_str){text, 1000}, &value) == CAPI_FLOAT_OK && value == 9007199254740992);
}

static void check_float_text(double value, const char *expected)
{
    char text[CAPI_NUMBER_TEXT_MAX + 1];

    text[capi_float_text(value, text)] = 0;
    CHECK_STR(text, expected);
}

TEST(floats_are_written_in_their_shortest_form)
{
    check_float_text(0, "0");
    check_float_text(-0.0, "-0");
    check_float_text(1, "1");
    check_float_text(-1.5, "-1.5");
    check_float_text(123456, "123456");
    check_float_text(123456.789, "123456.789");
    check_float_text(999999.5, "999999.5");
    check_float_text(1e6, "1e+06");
    check_float_text(1234567, "1.234567e+06");
    check_float_text(0.0001, "0.0001");
    check_float_text(0.00012345, "0.00012345");
    check_float_text(0.00001, "1e-05");
    check_float_text(1e100, "1e+100");
    check_float_text(-1.7976931348623157e308, "-1.7976931348623157e+308");
    check_float_text(5e-324, "5e-324");
    check_float_text(NAN, "NaN");
    check_float_text(INFINITY, "+Inf");
    check_float_text(-INFINITY, "-Inf");
}

static void check_int_text(int64_t value)
{
    char text[CAPI_NUMBER_TEXT_MAX + 1], expected[32];

    text[capi_int_text(value, text)] = 0;
    snprintf(expected, sizeof expected, "%" PRId64, value);
    CHECK_STR(text, expected);
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t value = *state += 0x9e3779b97f4a7c15u;

    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

TEST(ints_come_back_from_their_texts)
{
    uint64_t state = 3;

    check_int_text(0);
    check_int_text(INT64_MIN);
    check_int_text(INT64_MAX);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t bits = next_random(&state);

        check_int_text((int64_t)(next_random(&state) >> (bits & 63)) * (bits & 64 ? -1 : 1));
    }
}

TEST(floats_come_back_from_their_texts)
{
    uint64_t state = 5;

    for (unsigned i = 0; i < 50000; i++) {
        uint64_t bits = next_random(&state);
        char text[CAPI_NUMBER_TEXT_MAX + 1];
        double value, again;

        memcpy(&value, &bits, 8);
        if (!isfinite(value)) continue;
        text[capi_float_text(value, text)] = 0;
        CHECK(capi_parse_float(capi_str_of(text), &again) == CAPI_FLOAT_OK && again == value);
        snprintf(text, sizeof text, "%a", value);
        CHECK(capi_parse_float(capi_str_of(text), &again) == CAPI_FLOAT_OK && again == value);
    }
}

TEST(floats_are_read_like_the_c_library_does)
{
    uint64_t state = 11;

    for (unsigned i = 0; i < 50000; i++) {
        char text[64];
        double value, expected;
        uint64_t bits = next_random(&state);

        snprintf(text, sizeof text, "%" PRIu64 ".%" PRIu64 "e%d", next_random(&state) >> (bits & 63),
                 next_random(&state) >> (bits >> 6 & 63), (int)(bits >> 12 & 63) - 32);
        expected = strtod(text, NULL);
        CHECK(capi_parse_float(capi_str_of(text), &value) == CAPI_FLOAT_OK);
        if (value != expected) capi_test_fail(__FILE__, __LINE__, "%s is %a, expected %a", text, value, expected);
        snprintf(text, sizeof text, "0x%" PRIx64 ".%" PRIx64 "p%d", next_random(&state) >> (bits & 63),
                 next_random(&state), (int)(bits >> 12 & 2047) - 1150);
        expected = strtod(text, NULL);
        if (isinf(expected)) continue;
        CHECK(capi_parse_float(capi_str_of(text), &value) == CAPI_FLOAT_OK);
        if (value != expected) capi_test_fail(__FILE__, __LINE__, "%s is %a, expected %a", text, value, expected);
    }
}

/* The fewest digits that read back, found by trying. */
static void check_shortest(double value)
{
    char tried[64], digits[18];
    char expected[18];
    unsigned count, expected_count = 0;
    int point;

    for (int precision = 0; precision < 17; precision++) {
        snprintf(tried, sizeof tried, "%.*e", precision, value);
        if (strtod(tried, NULL) == value) break;
    }
    for (const char *at = tried; *at != 'e'; at++)
        if (*at != '.') expected[expected_count++] = *at;
    count = capi_double_shortest(value, digits, &point);
    if (count != expected_count || memcmp(digits, expected, count) != 0 || point != atoi(strchr(tried, 'e') + 1) + 1)
        capi_test_fail(__FILE__, __LINE__, "%s is %.*s * 10^%d", tried, (int)count, digits, point);
}

TEST(shortest_digits_are_the_fewest_that_read_back)
{
    static const double powers[] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};
    uint64_t state = 13;

    for (unsigned i = 0; i < 50000; i++) {
        uint64_t bits = next_random(&state);
        double value = (double)(next_random(&state) >> (20 + (bits & 31))) / powers[(bits >> 8) % 7];

        if (value != 0) check_shortest(value);
        if (value != 0) check_shortest(nextafter(value, 1e300));
    }
}

/* The short way against the shortest digits of the library. */
TEST(floats_with_few_digits_are_written_as_the_library_writes_them)
{
    capi_random_seeded state;
    capi_random random = capi_random_from_seed(&state, 7);

    for (int i = 0; i < 300000; i++) {
        static const double scales[] = {1, 10, 100, 1000, 1e4, 1e5, 1e6, 1e7, 1e9};
        double value = (double)(int64_t)(random.next(random.context) % 2000000000) /
                       scales[random.next(random.context) % (sizeof scales / sizeof *scales)];
        char text[CAPI_NUMBER_TEXT_MAX];
        char digits[18];
        char expected[64] = "";
        char found[64];
        size_t bytes = capi_float_text(value, text);
        size_t found_count = 0;
        unsigned count;
        int point;
        double again;

        if (value == 0 || value >= 1e6 || value < 1e-4) continue;
        count = capi_double_shortest(value, digits, &point);
        memcpy(expected, digits, count);
        for (size_t b = 0; b < bytes; b++) /* the digits alone, without zeros in front and behind */
            if (text[b] != '.' && (found_count || text[b] != '0')) found[found_count++] = text[b];
        while (found_count && found[found_count - 1] == '0')
            found_count--;
        found[found_count] = 0;
        CHECK_STR(found, expected);
        CHECK(capi_parse_float((capi_str){text, bytes}, &again) == CAPI_FLOAT_OK && again == value);
    }
}
