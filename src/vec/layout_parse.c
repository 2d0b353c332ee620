/* layout_parse.c - text to datetimes.
 *
 * The general way reads part after part and puts what it finds into a layout_reading; at the end that becomes an instant.
 * Each reader of an element returns NULL, or in words what was wrong. The fast way compares the text with the layout's
 * shape, eight bytes at a time, and answers only when everything is in order. */
#include "vec/layout_parts.h"

#include <stdio.h>

typedef struct layout_reading {
    const char *at;
    const char *end;
    int year;
    int month, day, year_day; /* -1: not in the layout */
    int hour, minute, second;
    uint32_t nanoseconds;
    bool is_am, is_pm, is_utc;
    int32_t offset_seconds; /* -1: none (so "-00:00:01" counts as none, as in the reference) */
    capi_str zone;
} layout_reading;

/* What a reader says when the text does not have the form of the element. */
static const char does_not_fit[] = "";

static size_t bytes_left(const layout_reading *reading)
{
    return (size_t)(reading->end - reading->at);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool has_digit(const layout_reading *reading, size_t at)
{
    return at < bytes_left(reading) && is_digit(reading->at[at]);
}

static bool is_separator(char c)
{
    return c == '.' || c == ',';
}

/* One digit or two; exactly two if `is_fixed`. */
static bool read_two(layout_reading *reading, bool is_fixed, int *out)
{
    if (!has_digit(reading, 0) || (is_fixed && !has_digit(reading, 1))) return false;
    *out = *reading->at++ - '0';
    if (has_digit(reading, 0)) *out = *out * 10 + *reading->at++ - '0';
    return true;
}

static const char *read_range(layout_reading *reading, bool is_fixed, int high, const char *out_of_range, int *out)
{
    if (!read_two(reading, is_fixed, out)) return does_not_fit;
    return *out > high ? out_of_range : NULL;
}

static const char *read_year(layout_reading *reading, int digits)
{
    int year = 0;

    for (int i = 0; i < digits; i++) {
        if (!has_digit(reading, i)) return does_not_fit;
        year = year * 10 + reading->at[i] - '0';
    }
    reading->at += digits;
    if (digits == 2) year += year >= 69 ? 1900 : 2000;
    reading->year = year;
    return NULL;
}

/* English names in any case of letters; `bytes` 0: the whole name. */
static const char *read_name(layout_reading *reading, const char *const *names, int count, size_t bytes, int *out)
{
    for (int i = 0; i < count; i++) {
        size_t length = bytes ? bytes : strlen(names[i]);
        size_t same = 0;

        if (bytes_left(reading) < length) continue;
        while (same < length && (reading->at[same] | 0x20) == (names[i][same] | 0x20))
            same++;
        if (same < length) continue;
        reading->at += length;
        *out = i + 1;
        return NULL;
    }
    return does_not_fit;
}

static const char *read_month(layout_reading *reading, bool is_fixed)
{
    if (!read_two(reading, is_fixed, &reading->month)) return does_not_fit;
    return reading->month < 1 || reading->month > 12 ? "month out of range" : NULL;
}

static void skip_blanks(layout_reading *reading, int most)
{
    while (most-- > 0 && reading->at < reading->end && *reading->at == ' ')
        reading->at++;
}

static const char *read_day(layout_reading *reading, const layout_part *part)
{
    if (part->element == LAYOUT_DAY_BLANK) skip_blanks(reading, 1);
    return read_two(reading, part->element == LAYOUT_DAY_TWO, &reading->day) ? NULL : does_not_fit;
}

static const char *read_year_day(layout_reading *reading, bool is_fixed)
{
    int digits = 0, value = 0;

    if (!is_fixed) skip_blanks(reading, 2);
    while (digits < 3 && has_digit(reading, digits))
        value = value * 10 + reading->at[digits++] - '0';
    if (digits == 0 || (is_fixed && digits < 3)) return does_not_fit;
    reading->at += digits;
    reading->year_day = value;
    return NULL;
}

/* A separator and digits, `bytes` together. Digits behind the ninth are dropped unseen. */
static const char *read_nanoseconds(layout_reading *reading, size_t bytes)
{
    uint32_t value = 0;

    if (bytes_left(reading) < bytes || !is_separator(reading->at[0])) return does_not_fit;
    for (size_t i = 1; i <= 9; i++) {
        value *= 10;
        if (i >= bytes) continue;
        if (!is_digit(reading->at[i])) return does_not_fit;
        value += (uint32_t)(reading->at[i] - '0');
    }
    reading->at += bytes;
    reading->nanoseconds = value;
    return NULL;
}

/* A fraction of any length, if there is one. */
static const char *read_optional_fraction(layout_reading *reading)
{
    size_t bytes = 1;

    if (!bytes_left(reading) || !is_separator(reading->at[0]) || !has_digit(reading, 1)) return NULL;
    while (has_digit(reading, bytes))
        bytes++;
    return read_nanoseconds(reading, bytes);
}

/* A fraction may follow even when the layout has none. */
static const char *read_second(layout_reading *reading, const layout_part *part, const layout_part *next)
{
    const char *wrong =
        read_range(reading, part->element == LAYOUT_SECOND_TWO, 59, "second out of range", &reading->second);

    if (wrong) return wrong;
    if (next && (next->element == LAYOUT_FRACTION || next->element == LAYOUT_FRACTION_TRIM)) return NULL;
    return read_optional_fraction(reading);
}

static const char *read_half(layout_reading *reading, const char *am, const char *pm)
{
    if (bytes_left(reading) < 2) return does_not_fit;
    if (memcmp(reading->at, pm, 2) == 0)
        reading->is_pm = true;
    else if (memcmp(reading->at, am, 2) == 0)
        reading->is_am = true;
    else
        return does_not_fit;
    reading->at += 2;
    return NULL;
}

/* Offsets of 24 hours, 60 minutes and 60 seconds are written by some, so they are taken. */
static const char *read_offset(layout_reading *reading, const layout_part *part)
{
    static const char *const out_of_range[] = {"time zone offset hour out of range",
                                               "time zone offset minute out of range",
                                               "time zone offset second out of range"};
    static const int high[] = {24, 60, 60};
    int fields[3] = {0, 0, 0};
    char sign;

    if (part->offset_z && bytes_left(reading) && *reading->at == 'Z') {
        reading->at++;
        reading->is_utc = true;
        return NULL;
    }
    if (!bytes_left(reading)) return does_not_fit;
    sign = *reading->at++;
    if (sign != '+' && sign != '-') return does_not_fit;
    for (int i = 0; i < part->offset_fields; i++) {
        if (i && part->offset_colon && (!bytes_left(reading) || *reading->at++ != ':')) return does_not_fit;
        if (!read_two(reading, true, &fields[i])) return does_not_fit;
    }
    for (int i = 0; i < 3; i++)
        if (fields[i] > high[i]) return out_of_range[i];
    reading->offset_seconds = (fields[0] * 60 + fields[1]) * 60 + fields[2];
    if (sign == '-') reading->offset_seconds = -reading->offset_seconds;
    return NULL;
}

/* The bytes of a sign and a number up to 23 at the start of `text`, or 0. */
static size_t signed_hour_bytes(capi_str text)
{
    size_t at = 1;
    int value = 0;

    if (!text.bytes || (text.data[0] != '+' && text.data[0] != '-')) return 0;
    while (at < text.bytes && is_digit(text.data[at])) {
        value = value * 10 + text.data[at++] - '0';
        if (value > 23) return 0;
    }
    return at > 1 ? at : 0;
}

/* The bytes of the zone abbreviation at the start of `text`, or 0. */
static size_t abbreviation_bytes(capi_str text)
{
    size_t capitals = 0;

    if (text.bytes < 3) return 0;
    if (capi_str_starts(text, "ChST") || capi_str_starts(text, "MeST")) return 4;
    if (capi_str_starts(text, "GMT")) return 3 + signed_hour_bytes(capi_str_slice(text, 3, text.bytes));
    if (text.data[0] == '+' || text.data[0] == '-') return signed_hour_bytes(text);
    while (capitals < 6 && capitals < text.bytes && text.data[capitals] >= 'A' && text.data[capitals] <= 'Z')
        capitals++;
    if (capitals == 5) return text.data[4] == 'T' ? 5 : 0;
    if (capitals == 4) return text.data[3] == 'T' || capi_str_starts(text, "WITA") ? 4 : 0;
    return capitals == 3 ? 3 : 0;
}

static const char *read_abbreviation(layout_reading *reading)
{
    capi_str rest = {reading->at, bytes_left(reading)};
    size_t bytes;

    if (capi_str_starts(rest, "UTC")) {
        reading->at += 3;
        reading->is_utc = true;
        return NULL;
    }
    bytes = abbreviation_bytes(rest);
    if (!bytes) return does_not_fit;
    reading->zone = capi_str_slice(rest, 0, bytes);
    reading->at += bytes;
    return NULL;
}

static const char *read_element(layout_reading *reading, const layout_part *part, const layout_part *next)
{
    int ignored;

    switch (part->element) {
    case LAYOUT_YEAR: return read_year(reading, 4);
    case LAYOUT_YEAR_SHORT: return read_year(reading, 2);
    case LAYOUT_MONTH_NAME: return read_name(reading, layout_month_names, 12, 0, &reading->month);
    case LAYOUT_MONTH_SHORT: return read_name(reading, layout_month_names, 12, 3, &reading->month);
    case LAYOUT_MONTH:
    case LAYOUT_MONTH_TWO: return read_month(reading, part->element == LAYOUT_MONTH_TWO);
    case LAYOUT_WEEKDAY_NAME: return read_name(reading, layout_weekday_names, 7, 0, &ignored);
    case LAYOUT_WEEKDAY_SHORT: return read_name(reading, layout_weekday_names, 7, 3, &ignored);
    case LAYOUT_DAY:
    case LAYOUT_DAY_TWO:
    case LAYOUT_DAY_BLANK: return read_day(reading, part);
    case LAYOUT_YEAR_DAY:
    case LAYOUT_YEAR_DAY_BLANK: return read_year_day(reading, part->element == LAYOUT_YEAR_DAY);
    case LAYOUT_HOUR: return read_range(reading, false, 23, "hour out of range", &reading->hour);
    case LAYOUT_HOUR12:
    case LAYOUT_HOUR12_TWO:
        return read_range(reading, part->element == LAYOUT_HOUR12_TWO, 12, "hour out of range", &reading->hour);
    case LAYOUT_MINUTE:
    case LAYOUT_MINUTE_TWO:
        return read_range(reading, part->element == LAYOUT_MINUTE_TWO, 59, "minute out of range", &reading->minute);
    case LAYOUT_SECOND:
    case LAYOUT_SECOND_TWO: return read_second(reading, part, next);
    case LAYOUT_HALF_UPPER: return read_half(reading, "AM", "PM");
    case LAYOUT_HALF_LOWER: return read_half(reading, "am", "pm");
    case LAYOUT_FRACTION: return read_nanoseconds(reading, 1 + (size_t)part->digits);
    case LAYOUT_FRACTION_TRIM: return read_optional_fraction(reading);
    case LAYOUT_OFFSET: return read_offset(reading, part);
    case LAYOUT_ABBREVIATION: return read_abbreviation(reading);
    }
    return does_not_fit;
}

/* A run of blanks matches any run of at least one, or nothing at the end. */
static bool read_literal(layout_reading *reading, capi_str literal)
{
    const char *at = literal.data;
    const char *end = literal.data + literal.bytes;

    while (at < end) {
        if (*at == ' ') {
            if (reading->at < reading->end && *reading->at != ' ') return false;
            while (at < end && *at == ' ')
                at++;
            while (reading->at < reading->end && *reading->at == ' ')
                reading->at++;
        } else {
            if (reading->at == reading->end || *reading->at != *at) return false;
            reading->at++;
            at++;
        }
    }
    return true;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_of_month(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Month and day from the day of the year; if the layout has them too they must agree. */
static const char *resolve_year_day(layout_reading *reading)
{
    int month = 1, day = reading->year_day;

    if (day < 1 || day > 365 + is_leap(reading->year)) return "day of year out of range";
    while (day > days_of_month(reading->year, month))
        day -= days_of_month(reading->year, month++);
    if (reading->month >= 0 && reading->month != month) return "day of year does not match month";
    if (reading->day >= 0 && reading->day != day) return "day of year does not match day";
    reading->month = month;
    reading->day = day;
    return NULL;
}

static const char *resolve(layout_reading *reading)
{
    if (reading->is_pm && reading->hour < 12)
        reading->hour += 12;
    else if (reading->is_am && reading->hour == 12)
        reading->hour = 0;
    if (reading->year_day >= 0) {
        const char *wrong = resolve_year_day(reading);

        if (wrong) return wrong;
    }
    if (reading->month < 0) reading->month = 1;
    if (reading->day < 0) reading->day = 1;
    if (reading->day < 1 || reading->day > days_of_month(reading->year, reading->month)) return "day out of range";
    return NULL;
}

/* "GMT+3": the one abbreviation that says its offset. */
static int32_t gmt_offset(capi_str zone)
{
    int32_t hours = 0;

    if (zone.bytes <= 4 || !capi_str_starts(zone, "GMT")) return 0;
    for (size_t i = 4; i < zone.bytes; i++)
        hours = hours * 10 + zone.data[i] - '0';
    return (zone.data[3] == '-' ? -hours : hours) * 3600;
}

static void set_zone(const layout_reading *reading, capi_arena *arena, capi_instant *out)
{
    out->offset_seconds = 0;
    out->zone_name = capi_zone_utc_name;
    if (reading->is_utc) return;
    if (reading->offset_seconds != -1) {
        out->seconds -= reading->offset_seconds;
        out->offset_seconds = reading->offset_seconds;
        if (reading->offset_seconds != 0) out->zone_name = NULL;
    } else {
        /* The fields count as UTC whatever the abbreviation; the offset of "GMT+3" is for show. */
        out->offset_seconds = gmt_offset(reading->zone);
    }
    if (reading->zone.bytes) out->zone_name = capi_str_copy(arena, reading->zone).data;
}

static void to_instant(const layout_reading *reading, capi_arena *arena, capi_instant *out)
{
    int64_t days = capi_days_from_civil(reading->year, (unsigned)reading->month, (unsigned)reading->day);

    out->seconds = days * 86400 + reading->hour * 3600 + reading->minute * 60 + reading->second;
    out->nanoseconds = reading->nanoseconds;
    set_zone(reading, arena, out);
}

enum { SHOWN_BYTES_MAX = 200 };

static int shown(capi_str text)
{
    return text.bytes < SHOWN_BYTES_MAX ? (int)text.bytes : SHOWN_BYTES_MAX;
}

static const char *data_of(capi_str text)
{
    return text.data ? text.data : "";
}

static capi_status fail(const capi_layout *layout, capi_str text, const char *at, const char *what, capi_err *err)
{
    int64_t offset = text.data ? at - text.data : 0;

    return capi_err_set_at(err, CAPI_INVALID, offset, 0,
                           "datetime \"%.*s\" does not fit layout \"%.*s\": %s at byte %lld", shown(text),
                           data_of(text), shown(layout->text), data_of(layout->text), what, (long long)offset);
}

static capi_status fail_expected(const capi_layout *layout, capi_str text, const char *at, capi_str expected,
                                 capi_err *err)
{
    char what[SHOWN_BYTES_MAX + 32];

    snprintf(what, sizeof what, "expected \"%.*s\"", shown(expected), data_of(expected));
    return fail(layout, text, at, what, err);
}

static capi_status read_parts(const capi_layout *layout, capi_str text, layout_reading *reading, capi_err *err)
{
    for (uint32_t i = 0; i < layout->part_count; i++) {
        const layout_part *part = &layout->parts[i];
        const layout_part *next = i + 1 < layout->part_count ? part + 1 : NULL;
        const char *from = reading->at, *wrong;

        if (!read_literal(reading, part->literal)) return fail_expected(layout, text, from, part->literal, err);
        from = reading->at;
        wrong = read_element(reading, part, next);
        if (wrong == does_not_fit) return fail_expected(layout, text, from, part->source, err);
        if (wrong) return fail(layout, text, from, wrong, err);
    }
    if (!read_literal(reading, layout->tail)) return fail_expected(layout, text, reading->at, layout->tail, err);
    if (reading->at < reading->end) return fail(layout, text, reading->at, "expected the end of the text", err);
    return CAPI_OK;
}

capi_status capi_layout_parse_parts(const capi_layout *layout, capi_str text, capi_arena *arena, capi_instant *out,
                                    capi_err *err)
{
    const char *data = data_of(text);
    layout_reading reading = {
        .at = data, .end = data + text.bytes, .month = -1, .day = -1, .year_day = -1, .offset_seconds = -1};
    const char *wrong;

    CAPI_TRY(read_parts(layout, text, &reading, err));
    wrong = resolve(&reading);
    if (wrong) return fail(layout, text, reading.at, wrong, err);
    to_instant(&reading, arena, out);
    return CAPI_OK;
}

/* All digits where digits must be, and all literals. */
static bool shape_fits(const layout_shape *shape, const char *text)
{
    const uint64_t high = UINT64_C(0xF0F0F0F0F0F0F0F0);
    const uint64_t zeros = UINT64_C(0x3030303030303030);
    const uint64_t sixes = UINT64_C(0x0606060606060606);
    uint64_t wrong = 0;

    for (unsigned i = 0; i < shape->window_count; i++) {
        const layout_window *window = &shape->windows[i];
        uint64_t bytes, digits;

        memcpy(&bytes, text + shape->window_at[i], 8);
        digits = bytes & window->digit_mask;
        wrong |= (bytes & window->literal_mask) ^ window->literal;
        /* 0x30..0x39 have the high half 3, and still have it with 6 added. */
        wrong |= ((digits & high) ^ zeros) & window->digit_mask;
        wrong |= (((digits + (sixes & window->digit_mask)) & high) ^ zeros) & window->digit_mask;
    }
    return wrong == 0;
}

static uint32_t two_at(const char *text)
{
    return (uint32_t)((unsigned char)text[0] * 10 + (unsigned char)text[1]) - '0' * 11;
}

static uint32_t field_at(const char *text, uint8_t at, uint32_t otherwise)
{
    return at == LAYOUT_NOWHERE ? otherwise : two_at(text + at);
}

static uint32_t fraction_ms(const layout_shape *shape, const char *text)
{
    const char *digits = text + shape->fraction;
    uint32_t ms;

    if (shape->fraction == LAYOUT_NOWHERE) return 0;
    ms = (uint32_t)(digits[0] - '0') * 100;
    if (shape->fraction_digits > 1) ms += (uint32_t)(digits[1] - '0') * 10;
    if (shape->fraction_digits > 2) ms += (uint32_t)(digits[2] - '0');
    return ms;
}

/* Days since 1970 for years 0..9999; the year begins in March and 400 years earlier, so that nothing is negative. */
static int64_t fast_days(uint32_t year, uint32_t month, uint32_t day)
{
    uint32_t shifted_year = year + 400 - (month <= 2);
    uint32_t shifted_month = month <= 2 ? month + 9 : month - 3;
    uint32_t days = 365 * shifted_year + shifted_year / 4 - shifted_year / 100 + shifted_year / 400;

    return (int64_t)days + (153 * shifted_month + 2) / 5 + day - 1 - (719468 + 146097);
}

bool capi_layout_parse_ms(const capi_layout *layout, capi_str text, int64_t *ms)
{
    const layout_shape *shape = &layout->shape;
    uint32_t year, month, day, hour, minute, second;

    if (!shape->bytes || text.bytes != shape->bytes || !shape_fits(shape, text.data)) return false;
    year = 0;
    if (shape->year != LAYOUT_NOWHERE)
        year = two_at(text.data + shape->year) * 100 + two_at(text.data + shape->year + 2);
    month = field_at(text.data, shape->month, 1);
    day = field_at(text.data, shape->day, 1);
    hour = field_at(text.data, shape->hour, 0);
    minute = field_at(text.data, shape->minute, 0);
    second = field_at(text.data, shape->second, 0);
    if (month - 1 > 11 || day - 1 > 30 || hour > 23 || minute > 59 || second > 59) return false;
    if (day > 28 && (int)day > days_of_month((int)year, (int)month)) return false;
    *ms = (fast_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * 1000 +
          fraction_ms(shape, text.data);
    return true;
}

capi_status capi_layout_parse(const capi_layout *layout, capi_str text, capi_arena *arena, capi_instant *out,
                              capi_err *err)
{
    int64_t ms;

    /* Digits behind the third would be lost. */
    if (layout->shape.fraction_digits > 3 || !capi_layout_parse_ms(layout, text, &ms))
        return capi_layout_parse_parts(layout, text, arena, out, err);
    *out = capi_instant_from_ms(ms);
    return CAPI_OK;
}
