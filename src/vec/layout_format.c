/* layout_format.c - datetimes to text.
 *
 * The general way walks over the parts and knows every element. The fast way copies the literals of the layout's shape and
 * puts the digits into their places; the calendar is that of C. Neri and L. Schneider, "Euclidean affine functions and
 * their application to calendar algorithms". */
#include "vec/layout_parts.h"

static const char two_digits[201] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                    "8081828384858687888990919293949596979899";

/* At least `width` digits; a sign comes on top of them. */
static void append_number(capi_buf *to, int64_t value, unsigned width)
{
    char digits[24];
    unsigned count = 0;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    if (value < 0) capi_buf_append_byte(to, '-');
    do {
        digits[sizeof digits - ++count] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest || count < width);
    capi_buf_append(to, digits + sizeof digits - count, count);
}

static void append_fraction(capi_buf *to, const layout_part *part, uint32_t nanoseconds)
{
    bool trims = part->element == LAYOUT_FRACTION_TRIM;
    unsigned digits = part->digits < 9 ? part->digits : 9;
    size_t from = to->bytes;

    if (trims && (digits == 0 || nanoseconds == 0)) return;
    capi_buf_append_byte(to, part->separator);
    append_number(to, nanoseconds, 9);
    to->bytes = from + 1 + digits;
    if (!trims) return;
    while (to->bytes > from + 1 && to->data[to->bytes - 1] == '0')
        to->bytes--;
    if (to->bytes == from + 1) to->bytes = from;
}

static void append_offset(capi_buf *to, const layout_part *part, int32_t offset_seconds)
{
    int32_t minutes = offset_seconds / 60;
    int32_t seconds = offset_seconds;

    if (part->offset_z && offset_seconds == 0) {
        capi_buf_append_byte(to, 'Z');
        return;
    }
    capi_buf_append_byte(to, minutes < 0 ? '-' : '+');
    if (minutes < 0) {
        minutes = -minutes;
        seconds = -seconds;
    }
    append_number(to, minutes / 60, 2);
    if (part->offset_fields < 2) return;
    if (part->offset_colon) capi_buf_append_byte(to, ':');
    append_number(to, minutes % 60, 2);
    if (part->offset_fields < 3) return;
    if (part->offset_colon) capi_buf_append_byte(to, ':');
    append_number(to, seconds % 60, 2);
}

static void append_abbreviation(capi_buf *to, const capi_instant *instant)
{
    static const layout_part plain = {.offset_fields = 2};

    if (instant->zone_name && instant->zone_name[0])
        capi_buf_append_text(to, instant->zone_name);
    else
        append_offset(to, &plain, instant->offset_seconds);
}

static unsigned hour12(unsigned hour)
{
    return hour % 12 ? hour % 12 : 12;
}

/* Blanks in front instead of zeros. */
static void append_blank_padded(capi_buf *to, unsigned value, unsigned width)
{
    if (width > 2 && value < 100) capi_buf_append_byte(to, ' ');
    if (value < 10) capi_buf_append_byte(to, ' ');
    append_number(to, value, 1);
}

static void append_element(capi_buf *to, const layout_part *part, const capi_instant *instant, const capi_civil *civil)
{
    switch (part->element) {
    case LAYOUT_YEAR: append_number(to, civil->year, 4); break;
    case LAYOUT_YEAR_SHORT: append_number(to, civil->year < 0 ? 0 : civil->year % 100, 2); break;
    case LAYOUT_MONTH_NAME: capi_buf_append_text(to, layout_month_names[civil->month - 1]); break;
    case LAYOUT_MONTH_SHORT: capi_buf_append(to, layout_month_names[civil->month - 1], 3); break;
    case LAYOUT_MONTH: append_number(to, civil->month, 1); break;
    case LAYOUT_MONTH_TWO: append_number(to, civil->month, 2); break;
    case LAYOUT_WEEKDAY_NAME: capi_buf_append_text(to, layout_weekday_names[civil->weekday]); break;
    case LAYOUT_WEEKDAY_SHORT: capi_buf_append(to, layout_weekday_names[civil->weekday], 3); break;
    case LAYOUT_DAY: append_number(to, civil->day, 1); break;
    case LAYOUT_DAY_TWO: append_number(to, civil->day, 2); break;
    case LAYOUT_DAY_BLANK: append_blank_padded(to, civil->day, 2); break;
    case LAYOUT_YEAR_DAY: append_number(to, civil->year_day, 3); break;
    case LAYOUT_YEAR_DAY_BLANK: append_blank_padded(to, civil->year_day, 3); break;
    case LAYOUT_HOUR: append_number(to, civil->hour, 2); break;
    case LAYOUT_HOUR12: append_number(to, hour12(civil->hour), 1); break;
    case LAYOUT_HOUR12_TWO: append_number(to, hour12(civil->hour), 2); break;
    case LAYOUT_MINUTE: append_number(to, civil->minute, 1); break;
    case LAYOUT_MINUTE_TWO: append_number(to, civil->minute, 2); break;
    case LAYOUT_SECOND: append_number(to, civil->second, 1); break;
    case LAYOUT_SECOND_TWO: append_number(to, civil->second, 2); break;
    case LAYOUT_HALF_UPPER: capi_buf_append(to, civil->hour >= 12 ? "PM" : "AM", 2); break;
    case LAYOUT_HALF_LOWER: capi_buf_append(to, civil->hour >= 12 ? "pm" : "am", 2); break;
    case LAYOUT_FRACTION:
    case LAYOUT_FRACTION_TRIM: append_fraction(to, part, civil->nanoseconds); break;
    case LAYOUT_OFFSET: append_offset(to, part, instant->offset_seconds); break;
    case LAYOUT_ABBREVIATION: append_abbreviation(to, instant); break;
    }
}

void capi_layout_format_parts(const capi_layout *layout, const capi_instant *instant, capi_buf *to)
{
    capi_civil civil;

    capi_instant_to_civil(instant, &civil);
    for (uint32_t i = 0; i < layout->part_count; i++) {
        capi_buf_append_str(to, layout->parts[i].literal);
        append_element(to, &layout->parts[i], instant, &civil);
    }
    capi_buf_append_str(to, layout->tail);
}

#define MS_PER_DAY 86400000u
#define MS_OF_YEAR_ZERO INT64_C(-62167219200000) /* 0000-01-01 */
#define MS_OF_YEAR_10000 INT64_C(253402300800000)

/* `day` counts from 0000-01-01, up to the end of 9999. */
static void put_date(const layout_shape *shape, uint32_t day, char *to)
{
    uint32_t era_day = day + 146097 - 60; /* from March 1st, 400 years before year 0 */
    uint32_t quarter_days = 4 * era_day + 3;
    uint32_t century = quarter_days / 146097;
    uint32_t century_quarters = quarter_days % 146097 | 3;
    uint32_t year_of_century = century_quarters / 1461;
    uint32_t year_day = century_quarters % 1461 / 4;
    uint32_t packed = 2141 * year_day + 197913;
    uint32_t is_late = year_day >= 306; /* January and February end the year that began in March */
    uint32_t year = 100 * century + year_of_century - 400 + is_late;
    uint32_t month = (packed >> 16) - 12 * is_late;
    uint32_t month_day = (packed & 0xFFFF) / 2141 + 1;

    if (shape->year != LAYOUT_NOWHERE) {
        memcpy(to + shape->year, two_digits + year / 100 * 2, 2);
        memcpy(to + shape->year + 2, two_digits + year % 100 * 2, 2);
    }
    if (shape->month != LAYOUT_NOWHERE) memcpy(to + shape->month, two_digits + month * 2, 2);
    if (shape->day != LAYOUT_NOWHERE) memcpy(to + shape->day, two_digits + month_day * 2, 2);
}

/* The digits behind the third stay as in the text of the shape: zeros. */
static void put_fraction(const layout_shape *shape, uint32_t ms, char *to)
{
    char *digits = to + shape->fraction;

    digits[0] = (char)('0' + ms / 100);
    if (shape->fraction_digits > 1) digits[1] = (char)('0' + ms / 10 % 10);
    if (shape->fraction_digits > 2) digits[2] = (char)('0' + ms % 10);
}

size_t capi_layout_format_ms(const capi_layout *layout, int64_t ms, char *to)
{
    const layout_shape *shape = &layout->shape;
    uint64_t since_year_zero;
    uint32_t day_ms, second;

    if (!shape->bytes || ms < MS_OF_YEAR_ZERO || ms >= MS_OF_YEAR_10000) return 0;
    since_year_zero = (uint64_t)(ms - MS_OF_YEAR_ZERO);
    memcpy(to, shape->text, LAYOUT_SHAPE_BYTES);
    put_date(shape, (uint32_t)(since_year_zero / MS_PER_DAY), to);
    day_ms = (uint32_t)(since_year_zero % MS_PER_DAY);
    second = day_ms / 1000;
    if (shape->hour != LAYOUT_NOWHERE) memcpy(to + shape->hour, two_digits + second / 3600 * 2, 2);
    if (shape->minute != LAYOUT_NOWHERE) memcpy(to + shape->minute, two_digits + second / 60 % 60 * 2, 2);
    if (shape->second != LAYOUT_NOWHERE) memcpy(to + shape->second, two_digits + second % 60 * 2, 2);
    if (shape->fraction != LAYOUT_NOWHERE) put_fraction(shape, day_ms % 1000, to);
    return shape->bytes;
}

/* A shape has no zone in it: local time is written as if it were UTC. */
void capi_layout_format(const capi_layout *layout, const capi_instant *instant, capi_buf *to)
{
    const layout_shape *shape = &layout->shape;
    int64_t limit = INT64_MAX / 1000 - INT32_MAX;
    size_t bytes = 0;

    if (shape->bytes && shape->fraction_digits <= 3 && instant->seconds < limit && instant->seconds > -limit) {
        int64_t ms = (instant->seconds + instant->offset_seconds) * 1000 + instant->nanoseconds / 1000000;

        bytes = capi_layout_format_ms(layout, ms, capi_buf_reserve(to, LAYOUT_SHAPE_BYTES));
    }
    to->bytes += bytes;
    if (!bytes) capi_layout_format_parts(layout, instant, to);
}
