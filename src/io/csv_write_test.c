/* csv_write_test.c - quotes, rows, forms of vectors, and reading back what was written. */
#include "io/csv.h"

#include "io/csv_reference_test.h"

#include <stdlib.h>

/* ---- quotes ---- */

static void check_quote(const char *separator, const char *text, const char *expected)
{
    capi_buf got = {0};

    capi_csv_quote(capi_str_of(separator), capi_str_of(text), &got);
    capi_buf_append_byte(&got, 0);
    CHECK_STR(got.data, expected);
    capi_buf_deinit(&got);
}

TEST(only_what_could_be_misread_is_quoted)
{
    check_quote(",", "", "");
    check_quote(",", "plain", "plain");
    check_quote(",", " \t'quoted' \"inside\" ;", " \t'quoted' \"inside\" ;");
    check_quote(",", "a,b", "\"a,b\"");
    check_quote(",", "a long text, with a comma", "\"a long text, with a comma\"");
    check_quote(",", "a long text with a comma at its end,", "\"a long text with a comma at its end,\"");
    check_quote(";", "a,b", "\"a,b\"");
    check_quote(";", "a;b", "\"a;b\"");
    check_quote(",", "a\nb", "\"a\nb\"");
    check_quote(",", "a\rb", "\"a\rb\"");
    check_quote(",", "\"", "\"\"\"\"");
    check_quote(",", "\"a\" is \"b\"", "\"\"\"a\"\" is \"\"b\"\"\"");
    check_quote("", "a,b", "\"a,b\"");
    check_quote("", "ab", "ab");
}

TEST(a_long_separator_asks_for_quotes_only_as_a_whole)
{
    check_quote("||", "a|b", "a|b");
    check_quote("||", "a||b", "\"a||b\"");
    check_quote("||", "a|b,c", "\"a|b,c\"");
    check_quote("||", "a longer text | and more", "a longer text | and more");
}

/* ---- writers ---- */

static const capi_csv_out_column all_columns[] = {
    {CAPI_STR("s"), CAPI_STR("%s"), CAPI_STRING},
    {CAPI_STR("i"), CAPI_STR("%d"), CAPI_INT},
    {CAPI_STR("f"), CAPI_STR("%.3f"), CAPI_FLOAT},
    {CAPI_STR("b"), CAPI_STR("%t"), CAPI_BOOL},
    {CAPI_STR("d"), CAPI_STR("2006-01-02 15:04:05"), CAPI_DATETIME},
    {CAPI_STR("m"), CAPI_STR("%s"), CAPI_DECIMAL},
};

static const capi_csv_writer *new_writer(capi_arena *arena, const char *separator, const capi_csv_out_column *columns,
                                         uint32_t count)
{
    const capi_csv_writer *writer;
    capi_err err = {0};

    CHECK_OK(capi_csv_writer_new(arena, capi_str_of(separator), columns, count, &writer, &err), err);
    return writer;
}

/* Two rows of all types in stored form. */
static capi_vec *all_vecs(capi_arena *arena)
{
    capi_vec *vecs = capi_new_array(arena, capi_vec, 6);

    for (unsigned i = 0; i < 6; i++)
        vecs[i] = capi_vec_new(arena, all_columns[i].type, capi_form_stored(all_columns[i].type), 2);
    vecs[0].views[0] = capi_view_make("a,\"b\"", 5);
    vecs[0].views[1] = capi_view_make("a text of some length", 21);
    vecs[1].int64s[0] = INT64_MIN;
    vecs[1].int64s[1] = 42;
    vecs[2].doubles[0] = -0.0005;
    vecs[2].doubles[1] = 1e300;
    vecs[3].bools[0] = 1;
    vecs[3].bools[1] = 0;
    vecs[4].int64s[0] = CAPI_INSTANT_ZERO_MS;
    vecs[4].int64s[1] = INT64_C(253402300799999);
    vecs[5].int64s[0] = -5;
    vecs[5].int64s[1] = INT64_MAX;
    return vecs;
}

static void check_text(capi_buf *got, const char *expected)
{
    capi_buf_append_byte(got, 0);
    CHECK_STR(got->data, expected);
    capi_buf_deinit(got);
}

TEST(header_and_rows_have_their_line_ends)
{
    static const capi_csv_out_column columns[] = {{CAPI_STR("i"), CAPI_STR("%d"), CAPI_INT},
                                                  {CAPI_STR("a \"b\", c"), CAPI_STR("%s"), CAPI_DECIMAL}};
    capi_arena arena = {0};
    capi_buf got = {0};
    const capi_csv_writer *writer = new_writer(&arena, "\t", columns, 2);
    capi_vec *vecs = all_vecs(&arena);
    capi_vec two[2] = {vecs[1], vecs[5]};

    capi_csv_write_header(writer, &got);
    capi_csv_write_rows(writer, two, NULL, 2, &got);
    check_text(&got, "i\t\"a \"\"b\"\", c\"\r\n-9223372036854775808\t-0.05\n42\t92233720368547758.07\n");
    capi_arena_deinit(&arena);
}

TEST(all_types_are_written_and_rows_can_be_chosen)
{
    static const uint32_t rows[] = {1, 0, 1};
    capi_arena arena = {0};
    capi_buf got = {0};
    const capi_csv_writer *writer = new_writer(&arena, ",", all_columns, 6);

    capi_csv_write_rows(writer, all_vecs(&arena), rows, 2, &got);
    CHECK(got.bytes > 300); /* 1e300 with all its digits */
    got.bytes = 0;
    capi_csv_write_rows(writer, all_vecs(&arena), rows + 1, 1, &got);
    check_text(&got, "\"a,\"\"b\"\"\",-9223372036854775808,-0.001,true,1901-01-01 00:00:00,-0.05\n");
    capi_arena_deinit(&arena);
}

/* A separator that numbers and datetimes may hold sends them the general way, through quotes. */
TEST(numbers_that_hold_the_separator_are_quoted)
{
    static const struct {
        const char *separator;
        const char *expected;
    } cases[] = {
        {"-", "\"a,\"\"b\"\"\"-\"-9223372036854775808\"-\"-0.001\"-true-\"1901-01-01 00:00:00\"-\"-0.05\"\n"},
        {".", "\"a,\"\"b\"\"\".-9223372036854775808.\"-0.001\".true.1901-01-01 00:00:00.\"-0.05\"\n"},
        {"e", "\"a,\"\"b\"\"\"e-9223372036854775808e-0.001e\"true\"e1901-01-01 00:00:00e-0.05\n"},
        {":0", "\"a,\"\"b\"\"\":0-9223372036854775808:0-0.001:0true:0\"1901-01-01 00:00:00\":0-0.05\n"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        capi_arena arena = {0};
        capi_buf got = {0};
        const capi_csv_writer *writer = new_writer(&arena, cases[i].separator, all_columns, 6);

        capi_csv_write_rows(writer, all_vecs(&arena), NULL, 1, &got);
        check_text(&got, cases[i].expected);
        capi_arena_deinit(&arena);
    }
}

TEST(constants_and_values_that_are_not_stored_ones_are_written)
{
    static const capi_csv_out_column columns[] = {
        {CAPI_STR("d"), CAPI_STR("2006-01-02 15:04:05.000000 -0700"), CAPI_DATETIME},
        {CAPI_STR("m"), CAPI_STR("%s"), CAPI_DECIMAL},
        {CAPI_STR("s"), CAPI_STR("[%4s]"), CAPI_STRING},
        {CAPI_STR("n"), CAPI_STR("2006"), CAPI_DATETIME}};
    capi_arena arena = {0};
    capi_buf got = {0};
    const capi_csv_writer *writer = new_writer(&arena, ",", columns, 4);
    capi_value instant = {.type = CAPI_DATETIME,
                          .instant = {.seconds = 3600, .nanoseconds = 123456789, .offset_seconds = 7200}};
    capi_value text = {.type = CAPI_STRING, .string = CAPI_STR("a,b")};
    capi_value late = {.type = CAPI_DATETIME, .instant = capi_instant_from_ms(INT64_C(253402300800000))};
    capi_vec vecs[4] = {capi_vec_constant(&arena, &instant), capi_vec_new(&arena, CAPI_DECIMAL, CAPI_FORM_DECIMAL, 2),
                        capi_vec_constant(&arena, &text), capi_vec_constant(&arena, &late)};

    CHECK(capi_decimal_parse(CAPI_STR("123456789012345678901234567890.125"), &vecs[1].decimals[0]));
    CHECK(capi_decimal_parse(CAPI_STR("1e30"), &vecs[1].decimals[1]));
    capi_csv_write_rows(writer, vecs, NULL, 2, &got);
    check_text(&got, "1970-01-01 03:00:00.123456 +0200,123456789012345678901234567890.13,\"[ a,b]\",10000\n"
                     "1970-01-01 03:00:00.123456 +0200,1000000000000000000000000000000.00,\"[ a,b]\",10000\n");
    capi_arena_deinit(&arena);
}

TEST(a_format_that_does_not_fit_is_refused_with_its_column)
{
    static const capi_csv_out_column wrong = {CAPI_STR("price"), CAPI_STR("%d"), CAPI_FLOAT};
    static const capi_csv_out_column empty = {CAPI_STR("at"), CAPI_STR(""), CAPI_DATETIME};
    const capi_csv_writer *writer;
    capi_arena arena = {0};
    capi_err err = {0};

    CHECK(capi_csv_writer_new(&arena, CAPI_STR(","), &wrong, 1, &writer, &err) == CAPI_INVALID);
    CHECK_ERR(err, "column \"price\": ");
    CHECK(capi_csv_writer_new(&arena, CAPI_STR(","), &empty, 1, &writer, &err) == CAPI_INVALID);
    CHECK_ERR(err, "column \"at\": a datetime column needs a layout as its format");
    capi_arena_deinit(&arena);
}

/* ---- there and back ---- */

/* The texts that are expected, in order. */
typedef struct expected_texts {
    const capi_vec *vecs;
    uint32_t row;
} expected_texts;

static capi_status compare_record(void *context, const capi_str *fields, uint32_t field_count, capi_err *err)
{
    expected_texts *expected = context;

    (void)err;
    CHECK_INT(field_count, 2);
    for (uint32_t i = 0; i < 2; i++)
        CHECK(capi_str_equal(fields[i], capi_view_str(&expected->vecs[i].views[expected->row])));
    expected->row++;
    return CAPI_OK;
}

TEST(strings_are_read_back_as_they_were_written)
{
    enum { ROW_COUNT = 700 };
    static const char *const pieces[] = {"\"", ",", "\n", "a", "\xc3\xa9", " ", ";", "\"\"", "longer than eight"};
    static const capi_csv_out_column columns[] = {{CAPI_STR("a"), CAPI_STR("%s"), CAPI_STRING},
                                                  {CAPI_STR("b"), CAPI_STR("%v"), CAPI_STRING}};
    capi_random_seeded state;
    capi_random random = capi_random_from_seed(&state, 7);

    for (unsigned round = 0; round < 40; round++) {
        capi_arena arena = {0};
        char separator[2] = {",;\t|"[round % 4], 0};
        const capi_csv_writer *writer = new_writer(&arena, separator, columns, 2);
        capi_vec vecs[2] = {capi_vec_new(&arena, CAPI_STRING, CAPI_FORM_VIEW, ROW_COUNT),
                            capi_vec_new(&arena, CAPI_STRING, CAPI_FORM_VIEW, ROW_COUNT)};
        expected_texts expected = {vecs, 0};
        capi_buf text = {0}, got = {0};
        capi_err err = {0};

        for (uint32_t i = 0; i < 2 * ROW_COUNT; i++) {
            capi_str copy;

            capi_buf_clear(&text);
            for (uint64_t n = nasty_number(&random, 8); n > 0; n--)
                capi_buf_append_text(&text, pieces[nasty_number(&random, sizeof pieces / sizeof pieces[0])]);
            copy = capi_str_copy(&arena, capi_buf_str(&text));
            vecs[i % 2].views[i / 2] = capi_view_make(copy.data, copy.bytes);
        }
        capi_csv_write_rows(writer, vecs, NULL, ROW_COUNT, &got);
        CHECK_OK(capi_csv_records(capi_buf_str(&got), separator[0], compare_record, &expected, &err), err);
        CHECK_INT(expected.row, ROW_COUNT);
        capi_buf_deinit(&got);
        capi_buf_deinit(&text);
        capi_arena_deinit(&arena);
    }
}
