#include "vec/format.h"
#include "vec/golden_lines.h"
#include "vec/vec.h"

#include <math.h>

#define VALUES(...) (const capi_value[]){__VA_ARGS__}, sizeof((capi_value[]){__VA_ARGS__}) / sizeof(capi_value)

static capi_value int_of(int64_t value)
{
    return (capi_value){.type = CAPI_INT, .integer = value};
}

static capi_value float_of(double value)
{
    return (capi_value){.type = CAPI_FLOAT, .real = value};
}

static capi_value string_of(const char *text)
{
    return (capi_value){.type = CAPI_STRING, .string = capi_str_of(text)};
}

/* The result stays valid until the next call. */
static const char *sprintf_of(const char *format, const capi_value *values, uint32_t count)
{
    static char text[4096];
    capi_buf buf = {0};

    capi_sprintf(&buf, capi_str_of(format), values, count);
    snprintf(text, sizeof text, "%.*s", CAPI_STR_ARG(capi_buf_str(&buf)));
    capi_buf_deinit(&buf);
    return text;
}

#define CHECK_SPRINTF(expected, format, ...) CHECK_STR(sprintf_of(format, VALUES(__VA_ARGS__)), expected)

static void check_sprintf_line(json_t *line, capi_arena *arena, unsigned number)
{
    json_t *list = json_object_get(line, "values");
    capi_value values[16];
    capi_str format = golden_text(line, "format"), expected = golden_text(line, "text");
    capi_buf buf = {0};
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item) values[i] =
        golden_value(golden_text(item, "type"), golden_text(item, "value"), arena);
    capi_sprintf(&buf, format, values, (uint32_t)json_array_size(list));
    if (!capi_str_equal(capi_buf_str(&buf), expected))
        capi_test_fail(__FILE__, __LINE__, "line %u: \"%.*s\" gives \"%.*s\", expected \"%.*s\"", number,
                       CAPI_STR_ARG(format), CAPI_STR_ARG(capi_buf_str(&buf)), CAPI_STR_ARG(expected));
    capi_buf_deinit(&buf);
}

TEST(sprintf_gives_what_the_reference_gives)
{
    golden_each_line("sprintf.jsonl", check_sprintf_line);
}

static void append_datetime(capi_buf *to, capi_str format, const capi_value *value, capi_arena *arena)
{
    const capi_layout *layout = capi_layout_compile(arena, format);
    char text[256];
    size_t bytes;
    int64_t ms;

    capi_layout_format(layout, &value->instant, to);
    if (!capi_instant_to_ms(&value->instant, &ms) || value->instant.offset_seconds) return;
    CHECK(capi_layout_bytes_max(layout) <= sizeof text);
    bytes = capi_layout_format_ms(layout, ms, text);
    if (bytes) CHECK(capi_str_equal(capi_buf_str(to), (capi_str){text, bytes}));
}

static void check_csv_write_line(json_t *line, capi_arena *arena, unsigned number)
{
    capi_value value = golden_value(golden_text(line, "type"), golden_text(line, "value"), arena);
    capi_str format = golden_text(line, "format"), expected = golden_text(line, "text");
    char text[64];
    int64_t cents;
    capi_buf buf = {0};
    capi_err err = {0};

    CHECK_OK(capi_csv_format_check(format, value.type, &err), err);
    if (value.type == CAPI_DECIMAL) {
        CHECK(capi_decimal_to_cents(&value.decimal, &cents));
        value = (capi_value){.type = CAPI_STRING, .string = {text, capi_cents_text_fixed(cents, text)}};
    }
    if (value.type == CAPI_DATETIME)
        append_datetime(&buf, format, &value, arena);
    else
        capi_sprintf(&buf, format, &value, 1);
    if (!capi_str_equal(capi_buf_str(&buf), expected))
        capi_test_fail(__FILE__, __LINE__, "line %u: \"%.*s\" gives \"%.*s\", expected \"%.*s\"", number,
                       CAPI_STR_ARG(format), CAPI_STR_ARG(capi_buf_str(&buf)), CAPI_STR_ARG(expected));
    capi_buf_deinit(&buf);
}

TEST(csv_columns_are_written_as_the_reference_writes_them)
{
    golden_each_line("csv_write.jsonl", check_csv_write_line);
}

TEST(a_wrong_verb_is_printed_with_type_and_value)
{
    CHECK_SPRINTF("%!d(string=abc)", "%d", string_of("abc"));
    CHECK_SPRINTF("%!f(int64=03)", "%.2f", int_of(3));
    CHECK_SPRINTF("%!d(float64=+1.5)", "%+d", float_of(1.5));
    CHECK_SPRINTF("%!\u00e9(int64=1)", "%\u00e9", int_of(1));
    CHECK_SPRINTF("%!f(time.Month=3)", "%f", {.type = CAPI_MONTH, .integer = 3});
    CHECK_SPRINTF("%!d(decimal.Decimal=1.5)", "%d", {.type = CAPI_DECIMAL, .decimal = {{15}, 1, false}});
    CHECK_SPRINTF("%!t(int=4)", "%t", {.type = CAPI_LENGTH, .integer = 4});
}

TEST(a_byte_that_is_no_utf8_can_be_a_verb_and_in_a_value)
{
    CHECK_SPRINTF("%!\xEF\xBF\xBD(int64=1)x", "%\xFFx", int_of(1));
    CHECK_SPRINTF("  \xFF", "%3s", string_of("\xFF"));
    CHECK_SPRINTF("\xFF\xFE", "%.2s", string_of("\xFF\xFE\xFD"));
    CHECK_SPRINTF("\"\\xffa\\u200b\"", "%q",
                  string_of("\xFF"
                            "a\u200b"));
}

TEST(indexes_choose_values)
{
    CHECK_SPRINTF("2 1", "%[2]d %[1]d", int_of(1), int_of(2));
    CHECK_SPRINTF("%!d(BADINDEX)", "%[3]d", int_of(1));
    CHECK_SPRINTF("%!d(BADINDEX)", "%[0]d", int_of(1));
    CHECK_SPRINTF("%!d(BADINDEX)", "%[x]d", int_of(1));
    CHECK_SPRINTF("%!d(BADINDEX)", "%[]d", int_of(1));
    CHECK_SPRINTF("%!d(BADINDEX)", "%[2]2d", int_of(1), int_of(2));
    CHECK_SPRINTF("%!d(BADINDEX)", "%[2].2d", int_of(1), int_of(2));
    CHECK_SPRINTF(" 12.0", "%[3]*.[2]*[1]f", float_of(12), int_of(1), int_of(5));
    CHECK_SPRINTF("1 2", "%[1]d %d", int_of(1), int_of(2), int_of(3));
}

TEST(mistakes_in_a_format_are_printed)
{
    CHECK_SPRINTF("50%!(NOVERB)", "%d%", int_of(50));
    CHECK_SPRINTF("%!(NOVERB)%!(EXTRA int64=50)", "%", int_of(50));
    CHECK_SPRINTF("1 %!d(MISSING)", "%d %d", int_of(1));
    CHECK_SPRINTF("1%!(EXTRA string=x, float64=2.5)", "%d", int_of(1), string_of("x"), float_of(2.5));
    CHECK_SPRINTF("x%!(EXTRA time.Month=March)", "x", {.type = CAPI_MONTH, .integer = 3});
    CHECK_SPRINTF("%!(BADWIDTH)42", "%*d", string_of("x"), int_of(42));
    CHECK_SPRINTF("%!(BADPREC)1", "%.*d", int_of(-1), int_of(1));
    CHECK_SPRINTF("%!.(int64=3)", "%.", int_of(3));
    CHECK_STR(sprintf_of("%!", NULL, 0), "%!!(MISSING)");
}

TEST(huge_widths_do_no_harm)
{
    capi_buf buf = {0};

    CHECK_SPRINTF("%!(BADWIDTH)1", "%*d", int_of(1000001), int_of(1));
    CHECK_SPRINTF("%!(BADWIDTH)1", "%*d", int_of(INT64_MIN), int_of(1));
    CHECK_SPRINTF("%!(BADPREC)1", "%.*d", int_of(INT64_MAX), int_of(1));
    CHECK_SPRINTF("%!(NOVERB)%!(EXTRA int64=1)", "%99999999999d tail", int_of(1));
    capi_sprintf(&buf, CAPI_STR("%1000000d|%.1000000f|%.1000000e|%.1000000x"),
                 VALUES(int_of(1), float_of(0.1), float_of(1), float_of(1)));
    CHECK_INT(buf.bytes, 1000000 + 1 + 1000002 + 1 + 1000006 + 1 + 1000008);
    capi_buf_deinit(&buf);
}

TEST(ints_have_signs_bases_and_zeros)
{
    CHECK_SPRINTF("-0042|  +42|42   |000042", "%05d|%+5d|%-5d|%.6d", int_of(-42), int_of(42), int_of(42), int_of(42));
    CHECK_SPRINTF("0x0000ff 0b101 010 0o17 -0XFF", "%#06x %#b %#o %O %#X", int_of(255), int_of(5), int_of(8),
                  int_of(15), int_of(-255));
    CHECK_SPRINTF("|     |", "%.0d|%05.0d|", int_of(0), int_of(0));
    CHECK_SPRINTF("-8000000000000000", "%x", int_of(INT64_MIN));
    CHECK_SPRINTF("U+20AC '\u20ac' 'x' '\\u20ac' U+FFFFFFFFFFFFFFFF", "%#U %q %+q %U", int_of(0x20AC), int_of('x'),
                  int_of(0x20AC), int_of(-1));
    CHECK_SPRINTF("0000A|\uFFFD", "%05c|%c", int_of('A'), int_of(0xD800));
}

TEST(floats_obey_flags)
{
    CHECK_SPRINTF("+1.50|-01.5| NaN| +Inf", "%+.2f|%05.1f|% f|%05f", float_of(1.5), float_of(-1.5), float_of(NAN),
                  float_of(INFINITY));
    CHECK_SPRINTF("1.00000|1.|0|1.e+06", "%#g|%#.0f|%#v|%#.1g", float_of(1), float_of(1), float_of(0), float_of(1e6));
    CHECK_SPRINTF("1E+06 0X1.8P+00 0x1p-1074 4503599627370496p-52", "%G %X %x %b", float_of(1e6), float_of(1.5),
                  float_of(5e-324), float_of(1));
    CHECK_SPRINTF("0x1.8000p+00 0x1p+01", "%.4x %.0x", float_of(1.5), float_of(1.5));
}

TEST(strings_are_cut_padded_and_quoted)
{
    CHECK_SPRINTF("00abc|abc  |  ab", "%05s|%-5s|%4.2s", string_of("abc"), string_of("abc"), string_of("abc"));
    CHECK_SPRINTF("0x61 0x62|0x6162|0000|61", "% #x|%#x|%04x|%.1x", string_of("ab"), string_of("ab"), string_of(""),
                  string_of("ab"));
    CHECK_SPRINTF("`a\"b` \"a`b\" \"\\U0001f642\"", "%#q %#q %+q", string_of("a\"b"), string_of("a`b"),
                  string_of("\U0001F642"));
    CHECK_SPRINTF("\"a\\nb\" string int64", "%#v %T %T", string_of("a\nb"), string_of(""), int_of(1));
}

TEST(a_csv_format_has_one_verb_of_the_right_kind)
{
    capi_err err = {0};

    CHECK_OK(capi_csv_format_check(CAPI_STR("[%-5d]%%"), CAPI_INT, &err), err);
    CHECK_OK(capi_csv_format_check(CAPI_STR("%[1]s"), CAPI_DECIMAL, &err), err);
    CHECK_OK(capi_csv_format_check(CAPI_STR("2006"), CAPI_DATETIME, &err), err);
    CHECK(capi_csv_format_check(CAPI_STR(""), CAPI_DATETIME, &err) == CAPI_INVALID);
    CHECK(capi_csv_format_check(CAPI_STR("%d"), CAPI_STRING, &err) == CAPI_INVALID);
    CHECK_STR(err.text, "format \"%d\" does not fit type string: expected %s, %v, %q, %x or %X");
    CHECK(capi_csv_format_check(CAPI_STR("x"), CAPI_INT, &err) == CAPI_INVALID);
    CHECK_ERR(err, "has no verb");
    CHECK(capi_csv_format_check(CAPI_STR("%d%d"), CAPI_INT, &err) == CAPI_INVALID);
    CHECK_ERR(err, "more than one verb");
    CHECK(capi_csv_format_check(CAPI_STR("%d%"), CAPI_INT, &err) == CAPI_INVALID);
    CHECK(capi_csv_format_check(CAPI_STR("%*d"), CAPI_INT, &err) == CAPI_INVALID);
    CHECK(capi_csv_format_check(CAPI_STR("%[2]d"), CAPI_INT, &err) == CAPI_INVALID);
    CHECK(capi_csv_format_check(CAPI_STR("%f"), CAPI_DECIMAL, &err) == CAPI_INVALID);
}

static capi_format_plain plain_of(const char *format, capi_type type, unsigned *digits)
{
    capi_arena arena = {0};
    capi_format_plain plain = capi_format_plain_of(capi_format_compile(&arena, capi_str_of(format)), type, digits);

    capi_arena_deinit(&arena);
    return plain;
}

TEST(plain_formats_are_recognised)
{
    unsigned digits = 0;

    CHECK(plain_of("%s", CAPI_STRING, &digits) == CAPI_FORMAT_TEXT);
    CHECK(plain_of("%s", CAPI_DECIMAL, &digits) == CAPI_FORMAT_TEXT);
    CHECK(plain_of("%d", CAPI_INT, &digits) == CAPI_FORMAT_INT);
    CHECK(plain_of("%t", CAPI_BOOL, &digits) == CAPI_FORMAT_BOOL);
    CHECK(plain_of("%v", CAPI_FLOAT, &digits) == CAPI_FORMAT_SHORTEST);
    CHECK(plain_of("%.2f", CAPI_FLOAT, &digits) == CAPI_FORMAT_FIXED);
    CHECK_INT(digits, 2);
    CHECK(plain_of("%f", CAPI_FLOAT, &digits) == CAPI_FORMAT_FIXED);
    CHECK_INT(digits, 6);
    CHECK(plain_of("%.10f", CAPI_FLOAT, &digits) == CAPI_FORMAT_NOT_PLAIN);
    CHECK(plain_of("%5d", CAPI_INT, &digits) == CAPI_FORMAT_NOT_PLAIN);
    CHECK(plain_of("%s%%", CAPI_STRING, &digits) == CAPI_FORMAT_NOT_PLAIN);
    CHECK(plain_of("", CAPI_STRING, &digits) == CAPI_FORMAT_NOT_PLAIN);
}
