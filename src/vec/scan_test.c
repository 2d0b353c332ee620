#include "vec/format.h"
#include "vec/golden_lines.h"

#include <math.h>

static capi_status scan_int(const char *format, capi_str text, int64_t *out, capi_err *err)
{
    capi_arena arena = {0};
    const capi_scan *scan;
    capi_status st;

    CAPI_TRY_OUT(capi_scan_compile(&arena, capi_str_of(format), CAPI_INT, &scan, err));
    CAPI_TRY_OUT(capi_scan_int(scan, text, out, err));
out:
    capi_arena_deinit(&arena);
    return st;
}

static capi_status scan_float(const char *format, const char *text, double *out, capi_err *err)
{
    capi_arena arena = {0};
    const capi_scan *scan;
    capi_status st;

    CAPI_TRY_OUT(capi_scan_compile(&arena, capi_str_of(format), CAPI_FLOAT, &scan, err));
    CAPI_TRY_OUT(capi_scan_float(scan, capi_str_of(text), out, err));
out:
    capi_arena_deinit(&arena);
    return st;
}

static void check_scanned(const capi_scan *scan, capi_type type, json_t *line, capi_arena *arena, unsigned number)
{
    capi_str text = golden_text(line, "text");
    capi_value expected = {0};
    capi_decimal decimal = {0}, rounded = {0};
    int64_t integer;
    double real;
    bool same;
    capi_err err = {0};
    capi_status st =
        type == CAPI_INT ? capi_scan_int(scan, text, &integer, &err) : capi_scan_float(scan, text, &real, &err);

    if (st == CAPI_OK && type == CAPI_DECIMAL &&
        !(capi_decimal_from_double(real, &decimal) && capi_decimal_round(&decimal, 2, &rounded)))
        st = CAPI_INVALID;
    if (golden_is_error(line)) {
        if (st == CAPI_OK) capi_test_fail(__FILE__, __LINE__, "line %u: expected an error", number);
        return;
    }
    if (st != CAPI_OK) capi_test_fail(__FILE__, __LINE__, "line %u: %s", number, err.text);
    expected = golden_value(golden_text(line, "type"), golden_text(line, "value"), arena);
    same = type == CAPI_INT     ? integer == expected.integer
           : type == CAPI_FLOAT ? real == expected.real || (isnan(real) && isnan(expected.real))
                                : capi_decimal_compare(&rounded, &expected.decimal) == 0;
    if (!same) capi_test_fail(__FILE__, __LINE__, "line %u: wrong value", number);
}

static void check_line(json_t *line, capi_arena *arena, unsigned number)
{
    capi_str type_name = golden_text(line, "type"), format = golden_text(line, "format");
    const capi_scan *scan;
    capi_type type;
    capi_err err = {0};

    CHECK(capi_type_from_name(type_name, &type));
    if (type != CAPI_INT && type != CAPI_FLOAT && type != CAPI_DECIMAL) return;
    if (!format.data || capi_str_trim(golden_text(line, "text")).bytes == 0) return;
    if (capi_scan_compile(arena, format, type, &scan, &err) == CAPI_OK)
        check_scanned(scan, type, line, arena, number);
    else if (!golden_is_error(line))
        capi_test_fail(__FILE__, __LINE__, "line %u: %s", number, err.text);
}

TEST(fields_are_scanned_as_the_reference_scans_them)
{
    golden_each_line("csv_read.jsonl", check_line);
}

TEST(an_int_has_many_forms)
{
    static const struct {
        const char *format, *text;
        int64_t value;
    } cases[] = {
        {"%d", "  -7 apples", -7},   {"(%d)", "(15)", 15},     {"%v", "0x_1F", 31},
        {"%v", "017", 15},           {"%v", "0", 0},           {"%v", "1_000", 1000},
        {"%v", "-0b101", -5},        {"%x", "-ff", -255},      {"%c", "\u20ac", 0x20AC},
        {"%c", "\xFF", 0xFFFD},      {"%U", "U+20AC", 0x20AC}, {"%2d", "\u3000123", 12},
        {"a  b\n%d", "a b \n 5", 5}, {"%d%%", "5 %", 5},       {"%d", "-9223372036854775808", INT64_MIN},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t value = 0;
        capi_err err = {0};

        CHECK_OK(scan_int(cases[i].format, capi_str_of(cases[i].text), &value, &err), err);
        CHECK_INT(value, cases[i].value);
    }
}

TEST(what_is_no_int_is_refused_with_its_place)
{
    static const struct {
        const char *format, *text, *message;
    } cases[] = {
        {"%d", "abc", "\"abc\" does not match format \"%d\": expected digits at byte 0"},
        {"id %d", "id x", "expected digits at byte 3"},
        {"(%d)", "(15", "expected \")\" at byte 3"},
        {"%d", "\n5", "no new line"},
        {"%d", "9223372036854775808", "a number of 64 bits"},
        {"%v", "1__0", "single underscores"},
        {"%v", "0_", "single underscores"},
        {"%v", "_1", "expected digits"},
        {"%v", "0x", "digits of the base"},
        {"%d", "", "expected a value at byte 0"},
        {"%f", "1", "does not fit type int"},
        {"%d %d", "1 2", "more than one verb"},
        {"x", "x", "it has no verb"},
        {"%d%", "1", "it ends after \"%\""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t value;
        capi_err err = {0};

        CHECK(scan_int(cases[i].format, capi_str_of(cases[i].text), &value, &err) == CAPI_INVALID);
        CHECK_ERR(err, cases[i].message);
    }
}

TEST(a_nul_byte_ends_a_number_and_nothing_else)
{
    int64_t value = 0;
    capi_err err = {0};

    CHECK_OK(scan_int("%d", (capi_str){"12\0003", 4}, &value, &err), err);
    CHECK_INT(value, 12);
    CHECK(scan_int("%d", (capi_str){"\000", 1}, &value, &err) == CAPI_INVALID);
}

TEST(a_float_may_have_a_binary_exponent)
{
    double value = 0;
    capi_err err = {0};

    CHECK_OK(scan_float("%f", "12p3", &value, &err), err);
    CHECK(value == 96);
    CHECK_OK(scan_float("$%f", "$12.50 net", &value, &err), err);
    CHECK(value == 12.5);
    CHECK_OK(scan_float("%f", "infinity", &value, &err), err);
    CHECK(isinf(value));
    CHECK_OK(scan_float("%f", "1p99999999999", &value, &err), err);
    CHECK(isinf(value));
    CHECK(scan_float("%f", "12P3", &value, &err) == CAPI_INVALID);
    CHECK(scan_float("%f", "12EUR", &value, &err) == CAPI_INVALID);
    CHECK(scan_float("%f", "1e400", &value, &err) == CAPI_INVALID);
    CHECK_ERR(err, "range of a float");
}

TEST(plain_scan_formats_are_recognised)
{
    capi_arena arena = {0};
    const capi_scan *scan;
    capi_err err = {0};

    CHECK_OK(capi_scan_compile(&arena, CAPI_STR("%d"), CAPI_INT, &scan, &err), err);
    CHECK(capi_scan_is_plain(scan));
    CHECK_OK(capi_scan_compile(&arena, CAPI_STR("%f"), CAPI_DECIMAL, &scan, &err), err);
    CHECK(capi_scan_is_plain(scan));
    CHECK_OK(capi_scan_compile(&arena, CAPI_STR("%5d"), CAPI_INT, &scan, &err), err);
    CHECK(!capi_scan_is_plain(scan));
    capi_arena_deinit(&arena);
}
