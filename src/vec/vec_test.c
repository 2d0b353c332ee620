/* Vectors: constants, taking rows, the stored form, the text of values. */
#include "base/buf.h"
#include "base/test.h"
#include "vec/vec.h"

#include <math.h>

static void check_text(capi_value value, const char *expected)
{
    capi_buf buf = {0};
    bool same;

    capi_value_append_text(&buf, &value);
    same = capi_str_equal(capi_buf_str(&buf), capi_str_of(expected));
    if (!same) fprintf(stderr, "text is \"%.*s\", expected \"%s\"\n", CAPI_STR_ARG(capi_buf_str(&buf)), expected);
    capi_buf_deinit(&buf);
    CHECK(same);
}

static capi_value datetime(int64_t seconds, uint32_t nanoseconds, int32_t offset, const char *zone)
{
    return (capi_value){.type = CAPI_DATETIME, .instant = {seconds, nanoseconds, offset, zone}};
}

TEST(values_have_the_text_that_string_gives)
{
    capi_value decimal = {.type = CAPI_DECIMAL};

    check_text((capi_value){.type = CAPI_INT, .integer = -42}, "-42");
    check_text((capi_value){.type = CAPI_LENGTH, .integer = 3}, "3");
    check_text((capi_value){.type = CAPI_FLOAT, .real = 1e6}, "1e+06");
    check_text((capi_value){.type = CAPI_FLOAT, .real = NAN}, "NaN");
    check_text((capi_value){.type = CAPI_BOOL, .boolean = true}, "true");
    check_text((capi_value){.type = CAPI_STRING, .string = CAPI_STR("as it is")}, "as it is");
    check_text((capi_value){.type = CAPI_MONTH, .integer = 12}, "December");
    check_text(capi_value_zero(CAPI_ZONE), "UTC");
    CHECK(capi_decimal_parse(CAPI_STR("10.250"), &decimal.decimal));
    check_text(decimal, "10.25");
}

TEST(datetimes_have_the_text_that_string_gives)
{
    check_text(capi_value_zero(CAPI_DATETIME), "1901-01-01 00:00:00 +0000 UTC");
    check_text(datetime(981173106, 789000000, 0, "UTC"), "2001-02-03 04:05:06.789 +0000 UTC");
    check_text(datetime(978318061, 100000000, -7200, NULL), "2001-01-01 01:01:01.1 -0200 -0200");
    check_text(datetime(0, 1, 19800, NULL), "1970-01-01 05:30:00.000000001 +0530 +0530");
    check_text(datetime(0, 0, -1800, "XYZ"), "1969-12-31 23:30:00 -0030 XYZ");
    check_text(datetime(-62167219200, 0, 0, "UTC"), "0000-01-01 00:00:00 +0000 UTC");
    check_text(datetime(-62167219201, 0, 0, "UTC"), "-0001-12-31 23:59:59 +0000 UTC");
    check_text(datetime(253402300800, 0, 0, "UTC"), "10000-01-01 00:00:00 +0000 UTC");
}

static capi_value decimal_of(const char *text)
{
    capi_value value = {.type = CAPI_DECIMAL};

    CHECK(capi_decimal_parse(capi_str_of(text), &value.decimal));
    return value;
}

TEST(constants_take_the_short_form_when_nothing_is_lost)
{
    capi_arena arena = {0};
    capi_value value = decimal_of("1.50");
    capi_value moment = datetime(1, 2000000, 0, "UTC");

    CHECK(capi_vec_constant(&arena, &value).form == CAPI_FORM_CENTS);
    value = decimal_of("1.505");
    CHECK(capi_vec_constant(&arena, &value).form == CAPI_FORM_DECIMAL);
    CHECK(capi_vec_constant(&arena, &moment).form == CAPI_FORM_MILLIS);
    moment.instant.nanoseconds = 1;
    CHECK(capi_vec_constant(&arena, &moment).form == CAPI_FORM_INSTANT);
    moment = datetime(1, 0, 3600, NULL);
    CHECK(capi_vec_constant(&arena, &moment).form == CAPI_FORM_INSTANT);
    moment = datetime(1, 0, 0, NULL); /* prints as +0000, not as UTC */
    CHECK(capi_vec_constant(&arena, &moment).form == CAPI_FORM_INSTANT);
    capi_arena_deinit(&arena);
}

TEST(a_constant_copies_its_string)
{
    capi_arena arena = {0};
    char text[] = "longer than the inline part";
    capi_value value = {.type = CAPI_STRING, .string = capi_str_of(text)};
    capi_vec vec = capi_vec_constant(&arena, &value);

    text[0] = 'X';
    CHECK(capi_str_is(capi_vec_get(&vec, 12345).string, "longer than the inline part"));
    capi_arena_deinit(&arena);
}

TEST(gathering_takes_the_named_rows_in_every_form)
{
    static const struct {
        capi_type type;
        capi_form form;
    } kinds[] = {{CAPI_STRING, CAPI_FORM_VIEW},   {CAPI_INT, CAPI_FORM_INT64},       {CAPI_FLOAT, CAPI_FORM_DOUBLE},
                 {CAPI_BOOL, CAPI_FORM_BOOL},     {CAPI_DATETIME, CAPI_FORM_MILLIS}, {CAPI_DATETIME, CAPI_FORM_INSTANT},
                 {CAPI_DECIMAL, CAPI_FORM_CENTS}, {CAPI_DECIMAL, CAPI_FORM_DECIMAL}, {CAPI_ZONE, CAPI_FORM_ZONE}};
    static const uint32_t rows[] = {3, 0, 3, 1};
    capi_arena arena = {0};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t bytes = capi_form_bytes(kinds[i].form);
        capi_vec in = capi_vec_new(&arena, kinds[i].type, kinds[i].form, 4);
        capi_vec out, slice;

        for (size_t byte = 0; byte < 4 * bytes; byte++)
            ((char *)in.data)[byte] = (char)(kinds[i].form == CAPI_FORM_BOOL ? byte & 1 : byte * 7 + 1);
        out = capi_vec_gather(&arena, &in, rows, 4);
        CHECK(out.type == in.type && out.form == in.form && !out.is_constant);
        for (size_t row = 0; row < 4; row++)
            CHECK(memcmp((char *)out.data + row * bytes, (char *)in.data + rows[row] * bytes, bytes) == 0);
        slice = capi_vec_slice(&in, 2);
        CHECK(slice.data == (char *)in.data + 2 * bytes);
    }
    capi_arena_deinit(&arena);
}

TEST(a_constant_stays_one_when_gathered_or_sliced)
{
    capi_arena arena = {0};
    capi_value value = {.type = CAPI_INT, .integer = 5};
    capi_vec in = capi_vec_constant(&arena, &value);
    uint32_t row = 9;
    capi_vec out = capi_vec_gather(&arena, &in, &row, 1);

    CHECK(out.is_constant && out.int64s[0] == 5);
    CHECK(capi_vec_slice(&in, 100).int64s[0] == 5);
    capi_arena_deinit(&arena);
}

TEST(stored_decimals_are_rounded_half_away_from_zero)
{
    capi_arena arena = {0};
    capi_vec in = capi_vec_new(&arena, CAPI_DECIMAL, CAPI_FORM_DECIMAL, 3);
    capi_vec out;
    capi_err err = {0};
    uint32_t bad_row;

    in.decimals[0] = decimal_of("1.005").decimal;
    in.decimals[1] = decimal_of("-1.005").decimal;
    in.decimals[2] = decimal_of("1e3").decimal;
    CHECK_OK(capi_vec_to_stored(&arena, &in, 3, &out, &bad_row, &err), err);
    CHECK(out.form == CAPI_FORM_CENTS);
    CHECK(out.int64s[0] == 101 && out.int64s[1] == -101 && out.int64s[2] == 100000);
    capi_arena_deinit(&arena);
}

TEST(a_decimal_that_cannot_be_stored_is_named_with_its_row)
{
    capi_arena arena = {0};
    capi_vec in = capi_vec_new(&arena, CAPI_DECIMAL, CAPI_FORM_DECIMAL, 2);
    capi_vec out;
    capi_err err = {0};
    uint32_t bad_row = 0;

    in.decimals[0] = decimal_of("1").decimal;
    in.decimals[1] = decimal_of("92233720368547758.075").decimal;
    CHECK(capi_vec_to_stored(&arena, &in, 2, &out, &bad_row, &err) == CAPI_INVALID);
    CHECK_INT(bad_row, 1);
    CHECK_ERR(err, "decimal2 value 92233720368547758.075 cannot be stored");
    capi_arena_deinit(&arena);
}

TEST(stored_datetimes_are_milliseconds_rounded_down)
{
    capi_arena arena = {0};
    capi_vec in = capi_vec_new(&arena, CAPI_DATETIME, CAPI_FORM_INSTANT, 2);
    capi_vec out;
    capi_err err = {0};
    uint32_t bad_row = 0;

    in.instants[0] = datetime(-1, 999999, 3600, NULL).instant;
    in.instants[1] = datetime(INT64_MAX, 0, 0, "UTC").instant;
    CHECK_OK(capi_vec_to_stored(&arena, &in, 1, &out, &bad_row, &err), err);
    CHECK(out.form == CAPI_FORM_MILLIS && out.int64s[0] == -1000);
    CHECK(capi_vec_to_stored(&arena, &in, 2, &out, &bad_row, &err) == CAPI_INVALID);
    CHECK_INT(bad_row, 1);
    CHECK_ERR(err, "cannot be stored");
    capi_arena_deinit(&arena);
}

TEST(stored_constants_are_spread_over_all_rows)
{
    capi_arena arena = {0};
    const capi_value values[] = {{.type = CAPI_INT, .integer = 7},
                                 {.type = CAPI_BOOL, .boolean = true},
                                 {.type = CAPI_STRING, .string = CAPI_STR("more than twelve bytes")},
                                 decimal_of("1.005"),
                                 datetime(1, 1, 0, NULL)};
    const char *const texts[] = {"7", "true", "more than twelve bytes", "1.01", "1970-01-01 00:00:01 +0000 UTC"};

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        capi_vec in = capi_vec_constant(&arena, &values[i]), out;
        uint32_t bad_row;
        capi_err err = {0};

        CHECK_OK(capi_vec_to_stored(&arena, &in, 5, &out, &bad_row, &err), err);
        CHECK(!out.is_constant && out.form == capi_form_stored(values[i].type));
        for (uint32_t row = 0; row < 5; row++)
            check_text(capi_vec_get(&out, row), texts[i]);
        CHECK_OK(capi_vec_to_stored(&arena, &in, 0, &out, &bad_row, &err), err);
    }
    capi_arena_deinit(&arena);
}

TEST(views_of_equal_texts_are_equal)
{
    const char *const texts[] = {"", "a", "twelve bytes", "thirteen byte", "thirteen bytE", "thirXeen byte"};
    char copy[32];

    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 6; j++) {
            capi_view a = capi_view_make(texts[i], strlen(texts[i])), b;

            strcpy(copy, texts[j]);
            b = capi_view_make(copy, strlen(copy));
            CHECK(capi_view_equal(&a, &b) == (i == j));
        }
    }
}
