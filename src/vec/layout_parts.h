/* layout_parts.h - a compiled layout, as its compiler, parser and formatter see it.
 *
 * A layout is a list of parts, each a literal text and the element behind it, and the literal text at the end. A layout
 * whose elements all have a fixed width and belong to UTC has a *shape* as well: where each field lies in a text of one
 * fixed size. Reading and writing whole vectors goes by the shape alone. */
#pragma once

#include "vec/layout.h"

typedef enum layout_element {
    LAYOUT_YEAR,       /* 2006 */
    LAYOUT_YEAR_SHORT, /* 06 */
    LAYOUT_MONTH_NAME, /* January */
    LAYOUT_MONTH_SHORT,
    LAYOUT_MONTH,     /* 1 */
    LAYOUT_MONTH_TWO, /* 01 */
    LAYOUT_WEEKDAY_NAME,
    LAYOUT_WEEKDAY_SHORT,
    LAYOUT_DAY,            /* 2 */
    LAYOUT_DAY_TWO,        /* 02 */
    LAYOUT_DAY_BLANK,      /* _2 */
    LAYOUT_YEAR_DAY,       /* 002 */
    LAYOUT_YEAR_DAY_BLANK, /* __2 */
    LAYOUT_HOUR,           /* 15 */
    LAYOUT_HOUR12,         /* 3 */
    LAYOUT_HOUR12_TWO,     /* 03 */
    LAYOUT_MINUTE,         /* 4 */
    LAYOUT_MINUTE_TWO,     /* 04 */
    LAYOUT_SECOND,         /* 5 */
    LAYOUT_SECOND_TWO,     /* 05 */
    LAYOUT_HALF_UPPER,     /* PM */
    LAYOUT_HALF_LOWER,     /* pm */
    LAYOUT_FRACTION,       /* .000 */
    LAYOUT_FRACTION_TRIM,  /* .999 */
    LAYOUT_OFFSET,         /* -0700 and its kin */
    LAYOUT_ABBREVIATION,   /* MST */
} layout_element;

typedef struct layout_part {
    capi_str literal; /* before the element */
    capi_str source;  /* the element as written in the layout */
    layout_element element;
    uint16_t digits;       /* of a fraction */
    char separator;        /* of a fraction: '.' or ',' */
    uint8_t offset_fields; /* 1: hours, 2: and minutes, 3: and seconds */
    bool offset_colon;
    bool offset_z; /* Z0700 and its kin: "Z" stands for offset 0 */
} layout_part;

enum { LAYOUT_SHAPE_BYTES = 32, LAYOUT_NOWHERE = 0xFF };

/* Eight bytes of a shape. */
typedef struct layout_window {
    uint64_t literal;      /* the bytes that must be there, 0 where there are digits */
    uint64_t literal_mask; /* FF at literal bytes */
    uint64_t digit_mask;   /* FF at digits */
} layout_window;

typedef struct layout_shape {
    uint8_t bytes; /* 0: this layout has no shape */
    uint8_t window_count;
    uint8_t window_at[LAYOUT_SHAPE_BYTES / 8];
    uint8_t year, month, day, hour, minute, second, fraction; /* where the digits begin, or LAYOUT_NOWHERE */
    uint8_t fraction_digits;
    layout_window windows[LAYOUT_SHAPE_BYTES / 8];
    char text[LAYOUT_SHAPE_BYTES]; /* the literals, '0' where there are digits */
} layout_shape;

struct capi_layout {
    capi_str text;
    layout_part *parts;
    uint32_t part_count;
    capi_str tail; /* literal text after the last element */
    size_t bytes_max;
    layout_shape shape;
};

/* Part by part, whether the layout has a shape or not: the functions of layout.h without their short cuts. */
CAPI_MUST_USE capi_status capi_layout_parse_parts(const capi_layout *layout, capi_str text, capi_arena *arena,
                                                  capi_instant *out, capi_err *err);
void capi_layout_format_parts(const capi_layout *layout, const capi_instant *instant, capi_buf *to);

extern const char *const layout_month_names[12];
extern const char *const layout_weekday_names[7];
