/* layout.c - from the text of a layout to its parts.
 *
 * The text is read from left to right; at each place the longest element that begins there is taken, and what is no
 * element belongs to the literal before the next one. */
#include "vec/layout_parts.h"

const char *const layout_month_names[12] = {"January", "February", "March",     "April",   "May",      "June",
                                            "July",    "August",   "September", "October", "November", "December"};
const char *const layout_weekday_names[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                             "Thursday", "Friday", "Saturday"};

/* Texts that always mean the same element, those that begin with another one before it. */
typedef struct element_row {
    const char *text;
    layout_element element;
    uint8_t offset_fields;
    bool offset_colon, offset_z;
    bool is_word; /* no element if a lower-case letter follows */
} element_row;

static const element_row element_rows[] = {
    {"January", LAYOUT_MONTH_NAME},
    {"Jan", LAYOUT_MONTH_SHORT, .is_word = true},
    {"Monday", LAYOUT_WEEKDAY_NAME},
    {"Mon", LAYOUT_WEEKDAY_SHORT, .is_word = true},
    {"MST", LAYOUT_ABBREVIATION},
    {"01", LAYOUT_MONTH_TWO},
    {"02", LAYOUT_DAY_TWO},
    {"03", LAYOUT_HOUR12_TWO},
    {"04", LAYOUT_MINUTE_TWO},
    {"05", LAYOUT_SECOND_TWO},
    {"06", LAYOUT_YEAR_SHORT},
    {"002", LAYOUT_YEAR_DAY},
    {"15", LAYOUT_HOUR},
    {"1", LAYOUT_MONTH},
    {"2006", LAYOUT_YEAR},
    {"2", LAYOUT_DAY},
    {"__2", LAYOUT_YEAR_DAY_BLANK},
    {"3", LAYOUT_HOUR12},
    {"4", LAYOUT_MINUTE},
    {"5", LAYOUT_SECOND},
    {"PM", LAYOUT_HALF_UPPER},
    {"pm", LAYOUT_HALF_LOWER},
    {"-070000", LAYOUT_OFFSET, 3},
    {"-07:00:00", LAYOUT_OFFSET, 3, .offset_colon = true},
    {"-0700", LAYOUT_OFFSET, 2},
    {"-07:00", LAYOUT_OFFSET, 2, .offset_colon = true},
    {"-07", LAYOUT_OFFSET, 1},
    {"Z070000", LAYOUT_OFFSET, 3, .offset_z = true},
    {"Z07:00:00", LAYOUT_OFFSET, 3, .offset_colon = true, .offset_z = true},
    {"Z0700", LAYOUT_OFFSET, 2, .offset_z = true},
    {"Z07:00", LAYOUT_OFFSET, 2, .offset_colon = true, .offset_z = true},
    {"Z07", LAYOUT_OFFSET, 1, .offset_z = true},
};

static bool is_digit_at(capi_str text, size_t at)
{
    return at < text.bytes && text.data[at] >= '0' && text.data[at] <= '9';
}

/* A separator and a run of 0 or of 9, with no further digit behind it. */
static size_t match_fraction(capi_str rest, layout_part *part)
{
    size_t end = 1;

    if (rest.bytes < 2 || (rest.data[0] != '.' && rest.data[0] != ',')) return 0;
    if (rest.data[1] != '0' && rest.data[1] != '9') return 0;
    while (end < rest.bytes && rest.data[end] == rest.data[1])
        end++;
    if (is_digit_at(rest, end)) return 0;
    part->element = rest.data[1] == '0' ? LAYOUT_FRACTION : LAYOUT_FRACTION_TRIM;
    part->separator = rest.data[0];
    part->digits = (end - 1) & 0xFFF; /* the reference keeps 12 bits */
    return end;
}

/* The bytes of the element that begins at the start of `rest`, or 0. */
static size_t match_element(capi_str rest, layout_part *part)
{
    for (size_t i = 0; i < sizeof element_rows / sizeof element_rows[0]; i++) {
        const element_row *row = &element_rows[i];
        size_t bytes;

        if (rest.data[0] != row->text[0] || !capi_str_starts(rest, row->text)) continue;
        bytes = strlen(row->text);
        if (row->is_word && bytes < rest.bytes && rest.data[bytes] >= 'a' && rest.data[bytes] <= 'z') continue;
        part->element = row->element;
        part->offset_fields = row->offset_fields;
        part->offset_colon = row->offset_colon;
        part->offset_z = row->offset_z;
        return bytes;
    }
    /* In "_2006" the underscore is literal. */
    if (capi_str_starts(rest, "_2") && !capi_str_starts(rest, "_2006")) {
        part->element = LAYOUT_DAY_BLANK;
        return 2;
    }
    return match_fraction(rest, part);
}

static size_t count_elements(capi_str text)
{
    layout_part part = {0};
    size_t count = 0;

    for (size_t at = 0; at < text.bytes;) {
        size_t bytes = match_element(capi_str_slice(text, at, text.bytes), &part);

        count += bytes > 0;
        at += bytes ? bytes : 1;
    }
    return count;
}

static void layout_split(capi_layout *layout, capi_arena *arena)
{
    capi_str text = layout->text;
    layout_part part = {0};
    size_t literal_from = 0;

    layout->parts = capi_new_array(arena, layout_part, count_elements(text));
    for (size_t at = 0; at < text.bytes;) {
        size_t bytes = match_element(capi_str_slice(text, at, text.bytes), &part);

        if (!bytes) {
            at++;
            continue;
        }
        part.literal = capi_str_slice(text, literal_from, at);
        part.source = capi_str_slice(text, at, at + bytes);
        layout->parts[layout->part_count++] = part;
        at += bytes;
        literal_from = at;
    }
    layout->tail = capi_str_slice(text, literal_from, text.bytes);
}

/* Of a value in UTC with a year of four digits. */
static size_t part_bytes_max(const layout_part *part)
{
    switch (part->element) {
    case LAYOUT_YEAR: return 4;
    case LAYOUT_MONTH_NAME:
    case LAYOUT_WEEKDAY_NAME: return 9;
    case LAYOUT_MONTH_SHORT:
    case LAYOUT_WEEKDAY_SHORT:
    case LAYOUT_YEAR_DAY:
    case LAYOUT_YEAR_DAY_BLANK:
    case LAYOUT_ABBREVIATION: return 3;
    case LAYOUT_YEAR_SHORT:
    case LAYOUT_MONTH:
    case LAYOUT_MONTH_TWO:
    case LAYOUT_DAY:
    case LAYOUT_DAY_TWO:
    case LAYOUT_DAY_BLANK:
    case LAYOUT_HOUR:
    case LAYOUT_HOUR12:
    case LAYOUT_HOUR12_TWO:
    case LAYOUT_MINUTE:
    case LAYOUT_MINUTE_TWO:
    case LAYOUT_SECOND:
    case LAYOUT_SECOND_TWO:
    case LAYOUT_HALF_UPPER:
    case LAYOUT_HALF_LOWER: return 2;
    case LAYOUT_FRACTION:
    case LAYOUT_FRACTION_TRIM: return 1 + 9;
    case LAYOUT_OFFSET: return sizeof "-07:00:00" - 1;
    }
    return 0;
}

/* Where the shape notes the place of an element: NULL if the element has no fixed width. */
static uint8_t *shape_field(layout_shape *shape, const layout_part *part, unsigned *digits)
{
    *digits = 2;
    if (part->element == LAYOUT_YEAR) {
        *digits = 4;
        return &shape->year;
    }
    if (part->element == LAYOUT_MONTH_TWO) return &shape->month;
    if (part->element == LAYOUT_DAY_TWO) return &shape->day;
    if (part->element == LAYOUT_HOUR) return &shape->hour;
    if (part->element == LAYOUT_MINUTE_TWO) return &shape->minute;
    if (part->element == LAYOUT_SECOND_TWO) return &shape->second;
    if (part->element == LAYOUT_FRACTION && part->digits >= 1 && part->digits <= 9) {
        *digits = part->digits;
        shape->fraction_digits = (uint8_t)part->digits;
        return &shape->fraction;
    }
    return NULL;
}

static bool shape_add_literal(layout_shape *shape, capi_str literal)
{
    if (literal.bytes > LAYOUT_SHAPE_BYTES - shape->bytes) return false;
    if (literal.bytes) memcpy(shape->text + shape->bytes, literal.data, literal.bytes);
    shape->bytes = (uint8_t)(shape->bytes + literal.bytes);
    return true;
}

/* A literal that begins like a fraction behind the seconds: the general way has to sort out which it is. */
static bool is_like_fraction(capi_str literal)
{
    return literal.bytes && (literal.data[0] == '.' || literal.data[0] == ',');
}

static bool shape_add_part(layout_shape *shape, const layout_part *part, bool is_digit[LAYOUT_SHAPE_BYTES])
{
    unsigned digits;
    uint8_t *field = shape_field(shape, part, &digits);

    if (!field || *field != LAYOUT_NOWHERE || !shape_add_literal(shape, part->literal)) return false;
    if (part->element == LAYOUT_FRACTION && !shape_add_literal(shape, (capi_str){&part->separator, 1})) return false;
    if (digits > LAYOUT_SHAPE_BYTES - shape->bytes) return false;
    *field = shape->bytes;
    memset(shape->text + shape->bytes, '0', digits);
    memset(is_digit + shape->bytes, true, digits);
    shape->bytes = (uint8_t)(shape->bytes + digits);
    return true;
}

static bool shape_add_all(layout_shape *shape, const capi_layout *layout, bool is_digit[LAYOUT_SHAPE_BYTES])
{
    for (uint32_t i = 0; i < layout->part_count; i++) {
        capi_str next = i + 1 < layout->part_count ? layout->parts[i + 1].literal : layout->tail;

        if (layout->parts[i].element == LAYOUT_SECOND_TWO && is_like_fraction(next)) return false;
        if (!shape_add_part(shape, &layout->parts[i], is_digit)) return false;
    }
    return shape_add_literal(shape, layout->tail);
}

/* Windows at 0, 8, ... and the last one at the end, over the one before it: together they cover every byte. */
static void shape_add_windows(layout_shape *shape, const bool is_digit[LAYOUT_SHAPE_BYTES])
{
    shape->window_count = (uint8_t)((shape->bytes + 7) / 8);
    for (unsigned i = 0; i < shape->window_count; i++) {
        unsigned from = i + 1 == shape->window_count ? shape->bytes - 8u : i * 8;
        unsigned char literal[8] = {0}, literal_mask[8] = {0}, digit_mask[8] = {0};

        for (unsigned j = 0; j < 8; j++) {
            if (is_digit[from + j]) {
                digit_mask[j] = 0xFF;
            } else {
                literal[j] = (unsigned char)shape->text[from + j];
                literal_mask[j] = 0xFF;
            }
        }
        shape->window_at[i] = (uint8_t)from;
        memcpy(&shape->windows[i].literal, literal, 8);
        memcpy(&shape->windows[i].literal_mask, literal_mask, 8);
        memcpy(&shape->windows[i].digit_mask, digit_mask, 8);
    }
}

static void layout_find_shape(capi_layout *layout)
{
    layout_shape *shape = &layout->shape;
    bool is_digit[LAYOUT_SHAPE_BYTES] = {false};

    shape->year = shape->month = shape->day = LAYOUT_NOWHERE;
    shape->hour = shape->minute = shape->second = shape->fraction = LAYOUT_NOWHERE;
    if (!shape_add_all(shape, layout, is_digit) || shape->bytes < 8) {
        shape->bytes = 0;
        return;
    }
    shape_add_windows(shape, is_digit);
    /* The formatter writes the whole text of the shape, which is quicker than the right number of bytes. */
    if (layout->bytes_max < LAYOUT_SHAPE_BYTES) layout->bytes_max = LAYOUT_SHAPE_BYTES;
}

const capi_layout *capi_layout_compile(capi_arena *arena, capi_str text)
{
    capi_layout *layout = capi_new(arena, capi_layout);

    layout->text = capi_str_copy(arena, text);
    layout_split(layout, arena);
    layout->bytes_max = layout->tail.bytes;
    for (uint32_t i = 0; i < layout->part_count; i++)
        layout->bytes_max += layout->parts[i].literal.bytes + part_bytes_max(&layout->parts[i]);
    layout_find_shape(layout);
    return layout;
}

size_t capi_layout_bytes_max(const capi_layout *layout)
{
    return layout->bytes_max;
}
