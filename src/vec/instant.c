/* instant.c - the calendar: instants, days and broken-down times.
 *
 * Days and seconds wrap modulo 2^64 far outside of any calendar instead of trapping: a script may ask for the year 10^17. */
#include "vec/instant.h"

const char capi_zone_utc_name[] = "UTC";

enum { DAY_SECONDS = 86400, ERA_YEARS = 400, ERA_DAYS = 146097, ERA_TO_1970_DAYS = 719468 };

static int64_t floor_divide(int64_t a, int64_t b)
{
    int64_t quotient = a / b;

    return a % b < 0 ? quotient - 1 : quotient;
}

static int64_t wrapping_add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t wrapping_multiply(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

bool capi_instant_to_ms(const capi_instant *instant, int64_t *ms)
{
    __int128 exact = (__int128)instant->seconds * 1000 + instant->nanoseconds / 1000000;

    *ms = (int64_t)exact;
    return exact == *ms;
}

capi_instant capi_instant_from_ms(int64_t ms)
{
    int64_t seconds = floor_divide(ms, 1000);

    return (capi_instant){
        .seconds = seconds,
        .nanoseconds = (uint32_t)(wrapping_add(ms, wrapping_multiply(seconds, -1000))) * 1000000,
        .zone_name = capi_zone_utc_name,
    };
}

int capi_instant_compare(const capi_instant *a, const capi_instant *b)
{
    if (a->seconds != b->seconds) return a->seconds < b->seconds ? -1 : 1;
    return (a->nanoseconds > b->nanoseconds) - (a->nanoseconds < b->nanoseconds);
}

int64_t capi_days_from_civil(int64_t year, unsigned month, unsigned day)
{
    int64_t march_year = wrapping_add(year, month <= 2 ? -1 : 0); /* years that begin in March */
    int64_t era = floor_divide(march_year, ERA_YEARS);
    unsigned year_of_era = (unsigned)((uint64_t)march_year - (uint64_t)era * ERA_YEARS);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return wrapping_add(wrapping_multiply(era, ERA_DAYS), (int64_t)day_of_era - ERA_TO_1970_DAYS);
}

void capi_civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    int64_t from_era = wrapping_add(days, ERA_TO_1970_DAYS);
    int64_t era = floor_divide(from_era, ERA_DAYS);
    unsigned day_of_era = (unsigned)wrapping_add(from_era, wrapping_multiply(era, -ERA_DAYS));
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned march_month = (5 * day_of_year + 2) / 153;

    *day = day_of_year - (153 * march_month + 2) / 5 + 1;
    *month = march_month < 10 ? march_month + 3 : march_month - 9;
    *year = era * ERA_YEARS + year_of_era + (*month <= 2);
}

static bool is_leap_year(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned day_of_year(int64_t year, unsigned month, unsigned day)
{
    static const uint16_t days_before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};

    return days_before[month - 1] + day + (month > 2 && is_leap_year(year));
}

void capi_instant_to_civil(const capi_instant *instant, capi_civil *civil)
{
    int64_t local = wrapping_add(instant->seconds, instant->offset_seconds);
    int64_t days = floor_divide(local, DAY_SECONDS);
    unsigned second_of_day =
        (unsigned)(local % DAY_SECONDS < 0 ? local % DAY_SECONDS + DAY_SECONDS : local % DAY_SECONDS);
    int weekday = (int)((days % 7 + 7 + 4) % 7); /* 1970-01-01 was a Thursday */

    capi_civil_from_days(days, &civil->year, &civil->month, &civil->day);
    civil->hour = second_of_day / 3600;
    civil->minute = second_of_day / 60 % 60;
    civil->second = second_of_day % 60;
    civil->nanoseconds = instant->nanoseconds;
    civil->weekday = (unsigned)weekday;
    civil->year_day = day_of_year(civil->year, civil->month, civil->day);
}

capi_instant capi_instant_from_parts(int64_t year, int64_t month, int64_t day, int64_t hour, int64_t minute,
                                     int64_t second, int64_t nanoseconds, capi_zone zone)
{
    int64_t month_index = wrapping_add(month, -1);
    int64_t year_carry = floor_divide(month_index, 12);
    unsigned month_of_year = (unsigned)(month_index - year_carry * 12) + 1;
    int64_t second_carry = floor_divide(nanoseconds, 1000000000);
    int64_t days = capi_days_from_civil(wrapping_add(year, year_carry), month_of_year, 1);
    int64_t seconds = wrapping_multiply(wrapping_add(days, wrapping_add(day, -1)), DAY_SECONDS);

    seconds = wrapping_add(seconds, wrapping_multiply(hour, 3600));
    seconds = wrapping_add(seconds, wrapping_multiply(minute, 60));
    seconds = wrapping_add(seconds, wrapping_add(second, second_carry));
    return (capi_instant){
        .seconds = wrapping_add(seconds, -(int64_t)zone.offset_seconds),
        .nanoseconds = (uint32_t)(wrapping_add(nanoseconds, wrapping_multiply(second_carry, -1000000000))),
        .offset_seconds = zone.offset_seconds,
        .zone_name = zone.name_bytes ? zone.name : NULL,
    };
}
