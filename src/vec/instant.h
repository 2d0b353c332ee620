/* instant.h - datetimes while computing: an instant in nanoseconds with the zone it was written in. */
#pragma once

#include "base/str.h"

/* A zone: offset and abbreviation. `name` is empty when the zone has none; its bytes outlive the value (static text or
 * the arena of the computation), and a NUL follows them, since an instant refers to them without their length. UTC has
 * offset 0 and the name "UTC". */
typedef struct capi_zone {
    int32_t offset_seconds; /* east of UTC */
    uint32_t name_bytes;
    const char *name;
} capi_zone;

typedef struct capi_instant {
    int64_t seconds;      /* since 1970-01-01T00:00:00Z, any sign */
    uint32_t nanoseconds; /* 0 .. 999,999,999 */
    int32_t offset_seconds;
    const char *zone_name; /* NUL-terminated, or NULL: no abbreviation */
} capi_instant;

extern const char capi_zone_utc_name[]; /* "UTC": compare by content, not by address */

enum { CAPI_INSTANT_ZERO_SECONDS_HIGH = 0 };
#define CAPI_INSTANT_ZERO_MS INT64_C(-2177452800000) /* 1901-01-01T00:00:00Z */

/* Milliseconds, rounded down; false if they do not fit an int64. */
bool capi_instant_to_ms(const capi_instant *instant, int64_t *ms);
/* In UTC. */
capi_instant capi_instant_from_ms(int64_t ms);
/* -1, 0, 1 by instant; zones are ignored. */
int capi_instant_compare(const capi_instant *a, const capi_instant *b);

/* The proleptic Gregorian calendar, year 0 included (Howard Hinnant, "chrono-compatible low-level date algorithms").
 * Days count from 1970-01-01. */
int64_t capi_days_from_civil(int64_t year, unsigned month, unsigned day);
void capi_civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day);

/* Broken-down local time of an instant in its own zone. */
typedef struct capi_civil {
    int64_t year;
    unsigned month; /* 1..12 */
    unsigned day;   /* 1..31 */
    unsigned hour, minute, second;
    uint32_t nanoseconds;
    unsigned weekday;  /* 0 = Sunday */
    unsigned year_day; /* 1..366 */
} capi_civil;
void capi_instant_to_civil(const capi_instant *instant, capi_civil *civil);
/* Out-of-range parts are normalised (February 30 is March 1 or 2), as Go's time.Date does. */
capi_instant capi_instant_from_parts(int64_t year, int64_t month, int64_t day, int64_t hour, int64_t minute,
                                     int64_t second, int64_t nanoseconds, capi_zone zone);
