/* Instants and the calendar. */
#include "base/test.h"
#include "vec/instant.h"

#include <time.h>

static const capi_zone utc = {.name = capi_zone_utc_name, .name_bytes = 3};

TEST(days_and_dates_agree_over_twenty_thousand_years)
{
    int64_t year, last_year = -10000;
    unsigned month, day, last_month = 12, last_day = 31;

    for (int64_t days = capi_days_from_civil(-9999, 1, 1); days < capi_days_from_civil(10000, 1, 1); days++) {
        capi_civil_from_days(days, &year, &month, &day);
        CHECK(capi_days_from_civil(year, month, day) == days);
        CHECK(year > last_year || (year == last_year && month > last_month) ||
              (year == last_year && month == last_month && day == last_day + 1));
        last_year = year;
        last_month = month;
        last_day = day;
    }
    CHECK_INT(capi_days_from_civil(1970, 1, 1), 0);
    CHECK_INT(capi_days_from_civil(1, 1, 1), -719162);
}

TEST(local_times_are_those_of_the_c_library)
{
    for (int64_t seconds = -60000000000; seconds < 200000000000; seconds += 98765431) {
        capi_instant instant = {.seconds = seconds - 3600, .offset_seconds = 3600, .nanoseconds = 7};
        time_t moment = (time_t)seconds;
        struct tm expected;
        capi_civil civil;

        gmtime_r(&moment, &expected);
        capi_instant_to_civil(&instant, &civil);
        CHECK_INT(civil.year, expected.tm_year + 1900);
        CHECK_INT(civil.month, expected.tm_mon + 1);
        CHECK_INT(civil.day, expected.tm_mday);
        CHECK_INT(civil.hour, expected.tm_hour);
        CHECK_INT(civil.minute, expected.tm_min);
        CHECK_INT(civil.second, expected.tm_sec);
        CHECK_INT(civil.weekday, expected.tm_wday);
        CHECK_INT(civil.year_day, expected.tm_yday + 1);
        CHECK_INT(civil.nanoseconds, 7);
    }
}

TEST(milliseconds_are_rounded_down)
{
    capi_instant instant = {.seconds = -1, .nanoseconds = 999999};
    int64_t ms;

    CHECK(capi_instant_to_ms(&instant, &ms) && ms == -1000);
    instant.nanoseconds = 1000000;
    CHECK(capi_instant_to_ms(&instant, &ms) && ms == -999);
    instant = capi_instant_from_ms(-1);
    CHECK(instant.seconds == -1 && instant.nanoseconds == 999000000 && instant.offset_seconds == 0);
    CHECK_STR(instant.zone_name, "UTC");
}

TEST(all_milliseconds_make_an_instant_and_come_back)
{
    static const int64_t values[] = {INT64_MIN, INT64_MIN + 1,        INT64_MAX, -1,   0,
                                     1,         CAPI_INSTANT_ZERO_MS, 999,       -999, -1000};
    int64_t ms;

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        capi_instant instant = capi_instant_from_ms(values[i]);

        CHECK(instant.nanoseconds < 1000000000);
        CHECK(capi_instant_to_ms(&instant, &ms) && ms == values[i]);
        instant.seconds += values[i] == INT64_MAX;
        CHECK(capi_instant_to_ms(&instant, &ms) == (values[i] != INT64_MAX));
    }
}

static void check_parts(int64_t month, int64_t day, int64_t hour, int64_t nanoseconds, const char *expected)
{
    capi_instant instant = capi_instant_from_parts(2024, month, day, hour, 0, 0, nanoseconds, utc);
    capi_civil civil;
    char text[64];

    capi_instant_to_civil(&instant, &civil);
    snprintf(text, sizeof text, "%04d-%02u-%02u %02u:%02u:%02u.%09u", (int)civil.year, civil.month, civil.day,
             civil.hour, civil.minute, civil.second, civil.nanoseconds);
    CHECK_STR(text, expected);
}

TEST(parts_out_of_range_are_normalised)
{
    check_parts(2, 30, 0, 0, "2024-03-01 00:00:00.000000000");
    check_parts(3, 0, 0, 0, "2024-02-29 00:00:00.000000000");
    check_parts(13, 1, 0, 0, "2025-01-01 00:00:00.000000000");
    check_parts(0, 1, 0, 0, "2023-12-01 00:00:00.000000000");
    check_parts(-11, 1, 25, 0, "2023-01-02 01:00:00.000000000");
    check_parts(1, 1, -1, -1, "2023-12-31 22:59:59.999999999");
    check_parts(1, 1, 0, 1500000000, "2024-01-01 00:00:01.500000000");
}

TEST(parts_beyond_any_calendar_do_no_harm)
{
    capi_instant instant =
        capi_instant_from_parts(INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN, INT64_MIN, utc);
    capi_civil civil;

    CHECK(instant.nanoseconds < 1000000000);
    capi_instant_to_civil(&instant, &civil);
    instant.seconds = INT64_MIN;
    instant.offset_seconds = -3600;
    capi_instant_to_civil(&instant, &civil);
    CHECK(civil.month >= 1 && civil.month <= 12 && civil.day >= 1 && civil.day <= 31);
}

TEST(instants_compare_without_their_zones)
{
    capi_instant a = capi_instant_from_parts(2020, 1, 1, 12, 0, 0, 0, utc);
    capi_instant b = capi_instant_from_parts(2020, 1, 1, 14, 0, 0, 0, (capi_zone){.offset_seconds = 7200});

    CHECK_INT(capi_instant_compare(&a, &b), 0);
    CHECK(b.zone_name == NULL);
    b.nanoseconds = 1;
    CHECK_INT(capi_instant_compare(&a, &b), -1);
    CHECK_INT(capi_instant_compare(&b, &a), 1);
    b.seconds--;
    CHECK_INT(capi_instant_compare(&a, &b), 1);
}
