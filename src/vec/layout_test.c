#include "base/random.h"
#include "vec/golden_lines.h"
#include "vec/layout_parts.h"
#include "vec/vec.h"

static const char rfc_3339[] = "2006-01-02T15:04:05.000Z07:00";

/* The same instant with the same zone, as it is shown in RFC 3339 with milliseconds. */
static void check_shown(const capi_instant *instant, const char *layout_text, capi_str expected, capi_arena *arena,
                        unsigned number)
{
    const capi_layout *layout = capi_layout_compile(arena, capi_str_of(layout_text));
    capi_buf buf = {0};

    capi_layout_format_parts(layout, instant, &buf);
    if (!capi_str_equal(capi_buf_str(&buf), expected))
        capi_test_fail(__FILE__, __LINE__, "line %u gives \"%.*s\", expected \"%.*s\"", number,
                       CAPI_STR_ARG(capi_buf_str(&buf)), CAPI_STR_ARG(expected));
    capi_buf_clear(&buf);
    capi_layout_format(layout, instant, &buf);
    if (!capi_str_equal(capi_buf_str(&buf), expected))
        capi_test_fail(__FILE__, __LINE__, "line %u gives \"%.*s\", expected \"%.*s\"", number,
                       CAPI_STR_ARG(capi_buf_str(&buf)), CAPI_STR_ARG(expected));
    capi_buf_deinit(&buf);
}

/* The fast way may say nothing, but what it says must be what the general way says. */
static void check_fast_way(const capi_layout *layout, capi_str text, capi_status general, const capi_instant *instant,
                           unsigned number)
{
    int64_t ms, general_ms;

    if (!capi_layout_parse_ms(layout, text, &ms)) return;
    if (general != CAPI_OK || !capi_instant_to_ms(instant, &general_ms) || ms != general_ms)
        capi_test_fail(__FILE__, __LINE__, "line %u: the fast way differs", number);
}

static void check_parsed(capi_str layout_text, const char *shown_as, capi_str expected, json_t *line, capi_arena *arena,
                         unsigned number)
{
    const capi_layout *layout = capi_layout_compile(arena, layout_text);
    capi_str text = golden_text(line, "text");
    capi_instant instant = {0};
    capi_err err = {0};
    capi_status st = capi_layout_parse_parts(layout, text, arena, &instant, &err);

    check_fast_way(layout, text, st, &instant, number);
    if (golden_is_error(line)) {
        if (st == CAPI_OK) capi_test_fail(__FILE__, __LINE__, "line %u: expected an error", number);
        return;
    }
    if (st != CAPI_OK) capi_test_fail(__FILE__, __LINE__, "line %u: %s", number, err.text);
    check_shown(&instant, shown_as, expected, arena, number);
    CHECK_OK(capi_layout_parse(layout, text, arena, &instant, &err), err);
    check_shown(&instant, shown_as, expected, arena, number);
}

static void check_csv_line(json_t *line, capi_arena *arena, unsigned number)
{
    capi_str format = golden_text(line, "format");

    if (!capi_str_is(golden_text(line, "type"), "datetime") || !format.data) return;
    if (capi_str_trim(golden_text(line, "text")).bytes == 0) return;
    check_parsed(format, rfc_3339, golden_text(line, "value"), line, arena, number);
}

TEST(datetime_fields_are_read_as_the_reference_reads_them)
{
    golden_each_line("csv_read.jsonl", check_csv_line);
}

static void check_parse_line(json_t *line, capi_arena *arena, unsigned number)
{
    capi_str as_string = golden_text(line, "string");

    if (as_string.data)
        check_parsed(golden_text(line, "layout"), "2006-01-02 15:04:05.999999999 -0700 MST", as_string, line, arena,
                     number);
    else
        check_parsed(golden_text(line, "layout"), rfc_3339, golden_text(line, "value"), line, arena, number);
}

TEST(texts_are_parsed_as_the_reference_parses_them)
{
    golden_each_line("time_parse.jsonl", check_parse_line);
}

static void check_format_line(json_t *line, capi_arena *arena, unsigned number)
{
    capi_instant instant = golden_instant(golden_text(line, "value"), arena);
    capi_str layout = capi_str_copy(arena, golden_text(line, "layout"));

    check_shown(&instant, layout.data, golden_text(line, "text"), arena, number);
}

TEST(datetimes_are_shown_as_the_reference_shows_them)
{
    golden_each_line("time_format.jsonl", check_format_line);
}

static void check_message(const char *layout, const char *text, const char *message)
{
    capi_arena arena = {0};
    capi_instant instant;
    capi_err err = {0};

    CHECK(capi_layout_parse(capi_layout_compile(&arena, capi_str_of(layout)), capi_str_of(text), &arena, &instant,
                            &err) == CAPI_INVALID);
    CHECK_ERR(err, message);
    capi_arena_deinit(&arena);
}

TEST(what_does_not_fit_is_named_with_its_place)
{
    check_message("2006-01-02", "2017-1-01",
                  "datetime \"2017-1-01\" does not fit layout \"2006-01-02\": expected \"01\" at byte 5");
    check_message("2006-01-02", "2017/01/01", "expected \"-\" at byte 4");
    check_message("2006-01-02", "2017-13-01", "month out of range at byte 5");
    check_message("2006-01-02", "2017-02-29", "day out of range");
    check_message("2006-01-02", "2017-02-28x", "expected the end of the text at byte 10");
    check_message("2006-002 01", "2017-033 01", "day of year does not match month");
    check_message("06", "+8", "expected \"06\" at byte 0");
    check_message(".000", ".+00", "expected \".000\" at byte 0");
    check_message("-07:00", "+25:00", "time zone offset hour out of range");
}

static void check_round_trip(const char *layout_text)
{
    capi_arena arena = {0};
    const capi_layout *layout = capi_layout_compile(&arena, capi_str_of(layout_text));
    capi_random_seeded state;
    capi_random random = capi_random_from_seed(&state, 7);
    char text[64];
    capi_buf buf = {0};

    for (int i = 0; i < 20000; i++) {
        int64_t ms = (int64_t)(random.next(random.context) % UINT64_C(315569520000000)) - INT64_C(62167219200000);
        capi_instant instant = capi_instant_from_ms(ms);
        size_t bytes = capi_layout_format_ms(layout, ms, text);
        int64_t fast, general;
        capi_err err = {0};

        capi_buf_clear(&buf);
        capi_layout_format_parts(layout, &instant, &buf);
        CHECK(bytes && capi_str_equal((capi_str){text, bytes}, capi_buf_str(&buf)));
        CHECK(bytes <= capi_layout_bytes_max(layout));
        CHECK(capi_layout_parse_ms(layout, capi_buf_str(&buf), &fast));
        CHECK_OK(capi_layout_parse_parts(layout, capi_buf_str(&buf), &arena, &instant, &err), err);
        CHECK(capi_instant_to_ms(&instant, &general) && general == fast);
    }
    capi_buf_deinit(&buf);
    capi_arena_deinit(&arena);
}

TEST(the_fast_way_agrees_with_the_general_way)
{
    check_round_trip("2006-01-02 15:04:05");
    check_round_trip("2006-01-02T15:04:05.000Z");
    check_round_trip("20060102150405");
    check_round_trip("02.01.2006");
    check_round_trip("2006-01-02 15:04:05.000000");
    check_round_trip("15:04:05");
    check_round_trip("day 02 of 01, 15h");
}

/* One byte of a good text is changed. */
static void check_spoilt(const char *layout_text, const char *good)
{
    capi_arena arena = {0};
    const capi_layout *layout = capi_layout_compile(&arena, capi_str_of(layout_text));
    size_t bytes = strlen(good);
    char text[64];

    for (size_t at = 0; at < bytes; at++)
        for (int byte = 0; byte < 256; byte++) {
            capi_instant instant;
            capi_status st;
            capi_err err = {0};

            memcpy(text, good, bytes);
            text[at] = (char)byte;
            st = capi_layout_parse_parts(layout, (capi_str){text, bytes}, &arena, &instant, &err);
            check_fast_way(layout, (capi_str){text, bytes}, st, &instant, (unsigned)at);
        }
    capi_arena_deinit(&arena);
}

TEST(the_fast_way_takes_nothing_that_the_general_way_refuses)
{
    check_spoilt("2006-01-02 15:04:05", "2024-02-29 23:59:59");
    check_spoilt("2006-01-02 15:04:05.000", "2023-02-28 23:59:59.999");
    check_spoilt("2006-01-02", "1900-02-28");
    check_spoilt("01/02/06 15:04", "12/31/69 23:59");
    check_spoilt("\xFF"
                 "2006\xFE"
                 "01\xFF\xFF"
                 "02",
                 "\xFF"
                 "2006\xFE"
                 "01\xFF\xFF"
                 "02");
}

TEST(a_datetime_outside_of_the_years_of_four_digits_needs_the_general_way)
{
    capi_arena arena = {0};
    const capi_layout *layout = capi_layout_compile(&arena, CAPI_STR("2006-01-02"));
    capi_instant instant = capi_instant_from_ms(INT64_C(253402300800000));
    char text[64];

    CHECK_INT(capi_layout_format_ms(layout, INT64_C(253402300799999), text), 10);
    CHECK(memcmp(text, "9999-12-31", 10) == 0);
    CHECK_INT(capi_layout_format_ms(layout, INT64_C(253402300800000), text), 0);
    CHECK_INT(capi_layout_format_ms(layout, INT64_C(-62167219200001), text), 0);
    CHECK_INT(capi_layout_format_ms(layout, INT64_MIN, text), 0);
    check_shown(&instant, "2006-01-02", CAPI_STR("10000-01-01"), &arena, 0);
    capi_arena_deinit(&arena);
}

TEST(a_long_layout_does_no_harm)
{
    enum { BYTES = 300000 };
    capi_arena arena = {0};
    char *text = capi_arena_alloc(&arena, BYTES);
    capi_instant instant;
    capi_err err = {0};

    memset(text, '5', BYTES);
    CHECK(capi_layout_parse(capi_layout_compile(&arena, (capi_str){text, BYTES}), (capi_str){text, BYTES}, &arena,
                            &instant, &err) == CAPI_INVALID);
    memset(text, '0', BYTES);
    text[0] = '.';
    CHECK_OK(capi_layout_parse(capi_layout_compile(&arena, (capi_str){text, 4000}), (capi_str){text, 4000}, &arena,
                               &instant, &err),
             err);
    capi_arena_deinit(&arena);
}

TEST(an_abbreviation_is_kept_as_the_name_of_the_zone)
{
    capi_arena arena = {0};
    const capi_layout *layout = capi_layout_compile(&arena, CAPI_STR("15:04 MST"));
    capi_instant instant;
    capi_err err = {0};

    CHECK_OK(capi_layout_parse(layout, CAPI_STR("00:00 GMT-3"), &arena, &instant, &err), err);
    CHECK_STR(instant.zone_name, "GMT-3");
    CHECK_INT(instant.offset_seconds, -3 * 3600);
    check_shown(&instant, "15:04 -0700 MST", CAPI_STR("21:00 -0300 GMT-3"), &arena, 0);
    CHECK_OK(capi_layout_parse(layout, CAPI_STR("00:00 WITA"), &arena, &instant, &err), err);
    CHECK_STR(instant.zone_name, "WITA");
    CHECK(capi_layout_parse(layout, CAPI_STR("00:00 ABCDE"), &arena, &instant, &err) == CAPI_INVALID);
    capi_arena_deinit(&arena);
}
