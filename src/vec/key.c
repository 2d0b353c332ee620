/* key.c - keys from columns.
 *
 * Components are written column by column: every row has a cursor into its key, and each component moves all cursors on.
 * Components of fixed size are written in place; strings and long decimals are encoded first, so that sizes are known. */
#include "vec/key.h"

#include "base/hash.h"
#include "vec/key_text.h"

#include <assert.h>

enum {
    INT_BYTES = 8,
    DATETIME_BYTES = 11,
    CENTS_BYTES = 9,
    /* The byte after the cents. */
    CENTS_BELOW = 0,
    CENTS_EXACT = 1,
    CENTS_AND_MORE = 2,
    CENTS_ABOVE = 3,
    DECIMAL_BYTES_MAX = CENTS_BYTES + 3 + CAPI_DECIMAL_TEXT_MAX,
    /* The ends of a string, in the kind for order and in the kind for equality. */
    ORDER_BLANK_LESS = 0x20,
    ORDER_END_LESS = 0x21,
    ORDER_END = 0x22,
    ORDER_END_MORE = 0x23,
    ORDER_BLANK_MORE = 0x24,
    ORDER_SHIFT = 4,
    EQUAL_LENGTH = 0xfe,
    EQUAL_END = 0xff,
    STRING_END_BYTES_MAX = 4,
};

#define SIGN_BIT (UINT64_C(1) << 63)

static void put_uint64(char *to, uint64_t value)
{
    value = __builtin_bswap64(value); /* all our machines are little-endian */
    memcpy(to, &value, 8);
}

/* How much one row of a vector is further than the last: constants stay. */
static uint32_t step_of(const capi_vec *vec)
{
    return vec->is_constant ? 0 : 1;
}

static uint64_t int64_image(int64_t value)
{
    return (uint64_t)value ^ SIGN_BIT;
}

static uint64_t double_image(double value)
{
    uint64_t bits;

    if (value != value) return 0;
    if (value == 0) value = 0; /* -0.0 too */
    memcpy(&bits, &value, 8);
    return bits & SIGN_BIT ? ~bits : bits | SIGN_BIT;
}

/* `flip` is all ones for a descending component, else 0. */
static void put_int64s(const capi_vec *vec, uint32_t row_count, uint64_t flip, char **cursors)
{
    uint32_t step = step_of(vec);

    for (uint32_t row = 0, at = 0; row < row_count; row++, at += step) {
        put_uint64(cursors[row], int64_image(vec->int64s[at]) ^ flip);
        cursors[row] += INT_BYTES;
    }
}

static void put_doubles(const capi_vec *vec, uint32_t row_count, uint64_t flip, char **cursors)
{
    uint32_t step = step_of(vec);

    for (uint32_t row = 0, at = 0; row < row_count; row++, at += step) {
        put_uint64(cursors[row], double_image(vec->doubles[at]) ^ flip);
        cursors[row] += INT_BYTES;
    }
}

static void put_bools(const capi_vec *vec, uint32_t row_count, uint64_t flip, char **cursors)
{
    uint32_t step = step_of(vec);

    for (uint32_t row = 0, at = 0; row < row_count; row++, at += step)
        *cursors[row]++ = (char)(vec->bools[at] ^ (uint8_t)flip);
}

static void put_cents(const capi_vec *vec, uint32_t row_count, uint64_t flip, char **cursors)
{
    uint32_t step = step_of(vec);

    for (uint32_t row = 0, at = 0; row < row_count; row++, at += step) {
        put_uint64(cursors[row], int64_image(vec->int64s[at]) ^ flip);
        cursors[row][8] = (char)(CENTS_EXACT ^ (uint8_t)flip);
        cursors[row] += CENTS_BYTES;
    }
}

static char *put_datetime(char *to, int64_t seconds, uint32_t microseconds, uint64_t flip)
{
    microseconds ^= (uint32_t)flip;
    put_uint64(to, int64_image(seconds) ^ flip);
    to[8] = (char)(microseconds >> 16);
    to[9] = (char)(microseconds >> 8);
    to[10] = (char)microseconds;
    return to + DATETIME_BYTES;
}

static void put_millis(const capi_vec *vec, uint32_t row_count, uint64_t flip, char **cursors)
{
    uint32_t step = step_of(vec);

    for (uint32_t row = 0, at = 0; row < row_count; row++, at += step) {
        int64_t ms = vec->int64s[at];
        int64_t rest = ms % 1000;
        int64_t seconds = ms / 1000 - (rest < 0);

        rest += rest < 0 ? 1000 : 0;
        cursors[row] = put_datetime(cursors[row], seconds, (uint32_t)rest * 1000, flip);
    }
}

static void put_instants(const capi_vec *vec, uint32_t row_count, uint64_t flip, char **cursors)
{
    uint32_t step = step_of(vec);

    for (uint32_t row = 0, at = 0; row < row_count; row++, at += step) {
        const capi_instant *instant = &vec->instants[at];

        cursors[row] = put_datetime(cursors[row], instant->seconds, instant->nanoseconds / 1000, flip);
    }
}

/* What is beyond 64 bits: the place of the first digit and the digits, ended by a zero byte; all inverted for negative
 * values, so that larger magnitudes come first. */
static unsigned put_beyond(const char *digits, size_t integer_count, size_t digit_count, bool negative, char *to)
{
    unsigned bytes = 0;

    while (digit_count && digits[digit_count - 1] == '0')
        digit_count--;
    to[bytes++] = (char)(integer_count >> 8);
    to[bytes++] = (char)integer_count;
    memcpy(to + bytes, digits, digit_count);
    bytes += (unsigned)digit_count;
    to[bytes++] = 0;
    for (unsigned i = 0; negative && i < bytes; i++)
        to[i] = (char)~to[i];
    return bytes;
}

/* Digits after the cents, as they are counted up from the cents rounded down: for a negative value what is missing to the
 * next cent. Ended by a zero byte. `digits` do not end in a zero. */
static unsigned put_fraction(const char *digits, size_t digit_count, bool negative, char *to)
{
    for (size_t i = 0; i < digit_count; i++)
        to[i] = (char)(negative ? '0' + '9' - digits[i] : digits[i]);
    if (negative) to[digit_count - 1]++;
    to[digit_count] = 0;
    return (unsigned)digit_count + 1;
}

/* Returns the bytes written. */
static unsigned encode_decimal(const capi_decimal *value, char *to)
{
    char text[CAPI_DECIMAL_TEXT_MAX];
    char digits[CAPI_DECIMAL_TEXT_MAX];
    size_t text_bytes = capi_decimal_text(value, text);
    size_t integer_count = 0;
    size_t digit_count = 0;
    unsigned __int128 magnitude = 0; /* cents, rounded toward zero */
    uint64_t limit = value->negative ? SIGN_BIT : SIGN_BIT - 1;
    bool has_point = false;
    bool has_more;

    for (size_t i = value->negative; i < text_bytes; i++) {
        if (text[i] == '.') {
            has_point = true;
            continue;
        }
        digits[digit_count++] = text[i];
        integer_count += !has_point;
    }
    for (size_t i = 0; i < integer_count + 2 && magnitude <= limit; i++)
        magnitude = magnitude * 10 + (unsigned)(i < digit_count ? digits[i] - '0' : 0);
    has_more = digit_count > integer_count + 2;
    if (magnitude + (value->negative && has_more) > limit) {
        memset(to, value->negative ? 0 : 0xff, 8);
        to[8] = value->negative ? CENTS_BELOW : CENTS_ABOVE;
        return CENTS_BYTES + put_beyond(digits, integer_count, digit_count, value->negative, to + CENTS_BYTES);
    }
    magnitude += value->negative && has_more;
    put_uint64(to, (value->negative ? 0 - (uint64_t)magnitude : (uint64_t)magnitude) ^ SIGN_BIT);
    to[8] = has_more ? CENTS_AND_MORE : CENTS_EXACT;
    if (!has_more) return CENTS_BYTES;
    return CENTS_BYTES +
           put_fraction(digits + integer_count + 2, digit_count - integer_count - 2, value->negative, to + CENTS_BYTES);
}

static void invert(char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (char)~bytes[i];
}

/* An encoded component that does not have a fixed size, for every row. */
static void encode_decimals(const capi_vec *vec, uint32_t row_count, bool descending, capi_arena *arena,
                            capi_view *pieces)
{
    char bytes[DECIMAL_BYTES_MAX];
    uint32_t value_count = vec->is_constant ? row_count > 0 : row_count;

    for (uint32_t row = 0; row < value_count; row++) {
        unsigned count = encode_decimal(&vec->decimals[row], bytes);

        if (descending) invert(bytes, count);
        pieces[row] = count <= CAPI_VIEW_INLINE_MAX ? capi_view_make(bytes, count)
                                                    : capi_view_make(capi_arena_copy(arena, bytes, count), count);
    }
    for (uint32_t row = 1; vec->is_constant && row < row_count; row++)
        pieces[row] = pieces[0];
}

/* How a string is written: see key.h. */
typedef struct string_style {
    uint32_t length;
    bool ignore_case;
    bool ordered;
    bool is_last;
    bool descending; /* only when ordered */
} string_style;

/* The text so that its bytes, followed by an end, are ordered as if blanks followed for ever. */
static void put_ordered(capi_str text, char *to)
{
    uint8_t blank = ORDER_BLANK_MORE; /* the text does not end in a blank */

    for (size_t i = text.bytes; i-- > 0;) {
        uint8_t byte = (uint8_t)text.data[i];

        if (byte == ' ') {
            to[i] = (char)blank;
        } else {
            blank = byte > ' ' ? ORDER_BLANK_MORE : ORDER_BLANK_LESS;
            to[i] = (char)(byte > ' ' ? byte + ORDER_SHIFT : byte);
        }
    }
}

/* Upper-casing changed the length, and with it the number of blanks: as the last component (ascending) the shorter key is a
 * prefix of the longer and comes first, else what follows (more than a blank) stands against a blank. */
static unsigned put_ordered_end(const capi_key_text *text, const string_style *style, char *to)
{
    int32_t delta = style->is_last && !style->descending ? text->length_delta : -text->length_delta;
    uint32_t image = (uint32_t)(delta + 0x8000);

    if (delta == 0) {
        to[0] = ORDER_END;
        return 1;
    }
    to[0] = delta < 0 ? ORDER_END_LESS : ORDER_END_MORE;
    to[1] = (char)(image >> 8);
    to[2] = (char)image;
    return 3;
}

static unsigned put_equal_end(const capi_key_text *text, const string_style *style, char *to)
{
    unsigned bytes = 0;

    if (text->length_delta) {
        to[bytes++] = (char)EQUAL_LENGTH;
        to[bytes++] = (char)(text->length_delta >> 8);
        to[bytes++] = (char)text->length_delta;
    }
    if (!style->is_last) to[bytes++] = (char)EQUAL_END;
    return bytes;
}

/* Encodes into `to`, which has room for text and end; returns the bytes written. */
static unsigned encode_string(const capi_key_text *text, const string_style *style, char *to)
{
    unsigned bytes = (unsigned)text->text.bytes;

    if (!style->ordered) {
        if (bytes) memcpy(to, text->text.data, bytes);
        return bytes + put_equal_end(text, style, to + bytes);
    }
    put_ordered(text->text, to);
    bytes += put_ordered_end(text, style, to + bytes);
    if (style->descending) invert(to, bytes);
    return bytes;
}

static bool is_shared(const char *at, const capi_view *view)
{
    return view->bytes > CAPI_VIEW_INLINE_MAX && at == capi_view_data(view);
}

/* An inline string of ASCII that does not end in a blank: nothing to normalise, cut or trim. There is room for one more
 * byte. */
static bool is_own_key(const capi_view *view)
{
    uint64_t words[2];

    if (view->bytes >= CAPI_VIEW_INLINE_MAX) return false;
    if (view->bytes == 0) return true;
    memcpy(words, view, sizeof words);
    if (((words[0] >> 32 | words[1]) & UINT64_C(0x8080808080808080)) != 0) return false;
    return view->inlined[view->bytes - 1] != ' ';
}

static capi_view make_piece(const capi_view *view, const string_style *style, capi_key_scratch *scratch)
{
    capi_key_text text = capi_key_text_make(scratch, capi_view_str(view), style->length, style->ignore_case);
    char few[64 + STRING_END_BYTES_MAX];
    char *bytes = few;
    unsigned count;

    /* Often nothing needs to be added or changed: the key is the string itself. */
    if (!style->ordered && style->is_last && text.length_delta == 0 &&
        (text.text.bytes <= CAPI_VIEW_INLINE_MAX || is_shared(text.text.data, view)))
        return capi_view_make(text.text.data, text.text.bytes);
    if (text.text.bytes > CAPI_VIEW_INLINE_MAX - STRING_END_BYTES_MAX)
        bytes = capi_arena_alloc(scratch->arena, text.text.bytes + STRING_END_BYTES_MAX);
    count = encode_string(&text, style, bytes);
    return capi_view_make(bytes, count);
}

static void encode_strings(const capi_vec *vec, uint32_t row_count, const string_style *style, capi_arena *arena,
                           capi_view *pieces)
{
    capi_key_scratch scratch = {.arena = arena};
    uint32_t value_count = vec->is_constant ? row_count > 0 : row_count;
    bool plain = !style->ordered && !style->ignore_case;

    for (uint32_t row = 0; row < value_count; row++) {
        const capi_view *view = &vec->views[row];

        if (!plain || !is_own_key(view)) {
            pieces[row] = make_piece(view, style, &scratch);
            continue;
        }
        pieces[row] = *view;
        if (!style->is_last) pieces[row].inlined[pieces[row].bytes++] = (char)EQUAL_END;
    }
    for (uint32_t row = 1; vec->is_constant && row < row_count; row++)
        pieces[row] = pieces[0];
}

/* 0: not fixed. */
static uint32_t fixed_bytes(capi_form form)
{
    switch (form) {
    case CAPI_FORM_INT64:
    case CAPI_FORM_DOUBLE: return INT_BYTES;
    case CAPI_FORM_BOOL: return 1;
    case CAPI_FORM_MILLIS:
    case CAPI_FORM_INSTANT: return DATETIME_BYTES;
    case CAPI_FORM_CENTS: return CENTS_BYTES;
    case CAPI_FORM_VIEW:
    case CAPI_FORM_DECIMAL:
    case CAPI_FORM_ZONE: break;
    }
    return 0;
}

static void put_fixed(const capi_vec *vec, uint32_t row_count, uint64_t flip, char **cursors)
{
    switch (vec->form) {
    case CAPI_FORM_INT64: put_int64s(vec, row_count, flip, cursors); break;
    case CAPI_FORM_DOUBLE: put_doubles(vec, row_count, flip, cursors); break;
    case CAPI_FORM_BOOL: put_bools(vec, row_count, flip, cursors); break;
    case CAPI_FORM_MILLIS: put_millis(vec, row_count, flip, cursors); break;
    case CAPI_FORM_INSTANT: put_instants(vec, row_count, flip, cursors); break;
    case CAPI_FORM_CENTS: put_cents(vec, row_count, flip, cursors); break;
    case CAPI_FORM_VIEW:
    case CAPI_FORM_DECIMAL:
    case CAPI_FORM_ZONE: assert(!"no form of fixed size"); break;
    }
}

static void put_pieces(const capi_view *pieces, uint32_t row_count, char **cursors)
{
    for (uint32_t row = 0; row < row_count; row++) {
        memcpy(cursors[row], capi_view_data(&pieces[row]), pieces[row].bytes);
        cursors[row] += pieces[row].bytes;
    }
}

/* The component of every row as pieces, for forms without a fixed size. */
static void encode_pieces(const capi_key_def *def, uint32_t part_index, const capi_vec *vec, uint32_t row_count,
                          bool ordered, capi_arena *arena, capi_view *pieces)
{
    const capi_key_part *part = &def->parts[part_index];
    string_style style = {
        .length = part->length,
        .ignore_case = part->ignore_case,
        .ordered = ordered,
        .is_last = part_index + 1 == def->part_count,
        .descending = ordered && part->descending,
    };

    assert(vec->form != CAPI_FORM_ZONE);
    if (vec->form == CAPI_FORM_VIEW)
        encode_strings(vec, row_count, &style, arena, pieces);
    else
        encode_decimals(vec, row_count, style.descending, arena, pieces);
}

/* Gives every row its place in one block of memory; fixed_count bytes each, and those of the pieces. */
static void place_keys(uint32_t fixed_count, capi_view *const *pieces, uint32_t part_count, uint32_t row_count,
                       capi_arena *arena, char **cursors, uint32_t *sizes)
{
    size_t total = 0;
    char *memory;

    for (uint32_t row = 0; row < row_count; row++)
        sizes[row] = fixed_count;
    for (uint32_t i = 0; i < part_count; i++) {
        for (uint32_t row = 0; pieces[i] && row < row_count; row++)
            sizes[row] += pieces[i][row].bytes;
    }
    for (uint32_t row = 0; row < row_count; row++)
        total += sizes[row];
    memory = capi_arena_alloc(arena, total);
    for (uint32_t row = 0; row < row_count; row++) {
        cursors[row] = memory;
        memory += sizes[row];
    }
}

void capi_keys_build(const capi_key_def *def, const capi_vec *columns, uint32_t row_count, bool ordered,
                     capi_arena *arena, capi_view *keys)
{
    capi_view **pieces;
    char **cursors;
    uint32_t *sizes;
    uint32_t fixed_count = 0;

    if (def->part_count == 1 && fixed_bytes(columns[0].form) == 0) { /* the one piece is the key */
        encode_pieces(def, 0, &columns[0], row_count, ordered, arena, keys);
        return;
    }
    pieces = capi_new_array(arena, capi_view *, def->part_count);
    cursors = capi_arena_alloc(arena, row_count * sizeof *cursors);
    sizes = capi_arena_alloc(arena, row_count * sizeof *sizes);
    for (uint32_t i = 0; i < def->part_count; i++) {
        uint32_t bytes = fixed_bytes(columns[i].form);

        fixed_count += bytes;
        if (bytes) continue;
        pieces[i] = capi_arena_alloc(arena, row_count * sizeof(capi_view));
        encode_pieces(def, i, &columns[i], row_count, ordered, arena, pieces[i]);
    }
    place_keys(fixed_count, pieces, def->part_count, row_count, arena, cursors, sizes);
    for (uint32_t i = 0; i < def->part_count; i++) {
        if (pieces[i])
            put_pieces(pieces[i], row_count, cursors);
        else
            put_fixed(&columns[i], row_count, ordered && def->parts[i].descending ? UINT64_MAX : 0, cursors);
    }
    for (uint32_t row = 0; row < row_count; row++)
        keys[row] = capi_view_make(cursors[row] - sizes[row], sizes[row]);
}

int capi_key_compare(const capi_view *a, const capi_view *b)
{
    uint32_t shorter = a->bytes < b->bytes ? a->bytes : b->bytes;
    int order = memcmp(capi_view_data(a), capi_view_data(b), shorter);

    if (order) return order < 0 ? -1 : 1;
    return (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

bool capi_key_is_int64(const capi_key_def *def)
{
    if (def->part_count != 1) return false;
    switch (def->parts[0].type) {
    case CAPI_INT:
    case CAPI_BOOL:
    case CAPI_DATETIME:
    case CAPI_DECIMAL: return true;
    case CAPI_STRING:
    case CAPI_FLOAT:
    case CAPI_LENGTH:
    case CAPI_MONTH:
    case CAPI_ZONE: break;
    }
    return false;
}

/* The number of one value that is not in the stored form. */
static bool value_to_int64(const capi_vec *vec, uint32_t at, int64_t *out)
{
    const capi_instant *instant;

    if (vec->form == CAPI_FORM_DECIMAL) return capi_decimal_is_cents(&vec->decimals[at], out);
    assert(vec->form == CAPI_FORM_INSTANT);
    instant = &vec->instants[at];
    return instant->nanoseconds / 1000 % 1000 == 0 && capi_instant_to_ms(instant, out);
}

bool capi_keys_build_int64(const capi_key_def *def, const capi_vec *column, uint32_t row_count, bool ordered,
                           uint64_t *values)
{
    uint64_t flip = ordered && def->parts[0].descending ? UINT64_MAX : 0;
    uint32_t step = step_of(column);

    assert(capi_key_is_int64(def));
    if (column->form == CAPI_FORM_BOOL) {
        for (uint32_t row = 0, at = 0; row < row_count; row++, at += step)
            values[row] = column->bools[at] ^ flip;
        return true;
    }
    if (column->form == CAPI_FORM_DECIMAL || column->form == CAPI_FORM_INSTANT) {
        for (uint32_t row = 0, at = 0; row < row_count; row++, at += step) {
            int64_t value;

            if (!value_to_int64(column, at, &value)) return false;
            values[row] = int64_image(value) ^ flip;
        }
        return true;
    }
    flip ^= SIGN_BIT;
    for (uint32_t row = 0, at = 0; row < row_count; row++, at += step)
        values[row] = (uint64_t)column->int64s[at] ^ flip;
    return true;
}

void capi_keys_hash(const capi_view *keys, uint32_t row_count, uint64_t *hashes)
{
    for (uint32_t row = 0; row < row_count; row++) {
        uint64_t words[2];

        if (keys[row].bytes > CAPI_VIEW_INLINE_MAX) {
            hashes[row] = capi_hash_bytes(capi_view_data(&keys[row]), keys[row].bytes);
        } else {
            memcpy(words, &keys[row], sizeof words); /* length and bytes, padded with zeros */
            hashes[row] = capi_hash_combine(capi_hash_int64(words[0]), words[1]);
        }
    }
}

void capi_keys_hash_int64(const uint64_t *values, uint32_t row_count, uint64_t *hashes)
{
    for (uint32_t row = 0; row < row_count; row++)
        hashes[row] = capi_hash_int64(values[row]);
}
