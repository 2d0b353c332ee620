/* columns.c - each form of a vector is one plain loop. */
#include "python/columns.h"

#include "vec/layout.h"

#include <math.h>
#include <pthread.h>

enum { DATETIME_BYTES_MAX = 64 };

static uint64_t aligned(uint64_t at)
{
    return (at + 63) & ~(uint64_t)63;
}

/* ---- layouts, compiled once ---- */

/* As the worker sees and gives datetimes; and the same for UTC alone, which has a fast path. */
static const capi_layout *layout_any, *layout_utc;
static pthread_once_t layouts_once = PTHREAD_ONCE_INIT;

static void compile_layouts(void)
{
    static capi_arena arena;

    layout_any = capi_layout_compile(&arena, CAPI_STR("2006-01-02T15:04:05.000-07:00"));
    layout_utc = capi_layout_compile(&arena, CAPI_STR("2006-01-02T15:04:05.000+00:00"));
}

/* ---- to the worker ---- */

uint64_t columns_bytes_max(const capi_vec *in, uint32_t row_count)
{
    uint64_t bytes = 128;

    if (in->form == CAPI_FORM_VIEW) {
        for (uint32_t row = 0; row < row_count; row++)
            bytes += in->views[in->is_constant ? 0 : row].bytes;
        return bytes + 9ull * row_count;
    }
    return bytes + (in->type == CAPI_DATETIME ? DATETIME_BYTES_MAX + 1ull : 24ull) * row_count;
}

static columns_part put_texts(const capi_vec *in, uint32_t row_count, char *memory, uint64_t at)
{
    columns_part part = {.kind = 's', .offset = at};
    char *to = memory + at;

    for (uint32_t row = 0; row < row_count; row++) {
        const capi_view *view = &in->views[in->is_constant ? 0 : row];

        if (view->bytes && memchr(capi_view_data(view), 0, view->bytes)) return (columns_part){0};
        memcpy(to, capi_view_data(view), view->bytes);
        to += view->bytes;
        *to++ = 0;
    }
    part.bytes = (uint64_t)(to - (memory + at)) - 1;
    return part;
}

static columns_part put_texts_by_ends(const capi_vec *in, uint32_t row_count, char *memory, uint64_t at)
{
    columns_part part = {.kind = 'o', .offset = at};
    uint64_t *ends = (uint64_t *)(memory + at);
    char *texts = memory + at + 8ull * row_count;
    uint64_t end = 0;

    for (uint32_t row = 0; row < row_count; row++) {
        const capi_view *view = &in->views[in->is_constant ? 0 : row];

        memcpy(texts + end, capi_view_data(view), view->bytes);
        end += view->bytes;
        ends[row] = end;
    }
    part.bytes = 8ull * row_count + end;
    return part;
}

static columns_part put_datetimes(const capi_vec *in, uint32_t row_count, char *memory, uint64_t at)
{
    columns_part part = {.kind = 's', .offset = at};
    char *to = memory + at;
    capi_buf slow = {0};

    pthread_once(&layouts_once, compile_layouts);
    for (uint32_t row = 0; row < row_count; row++) {
        int64_t ms = in->int64s[in->is_constant ? 0 : row];
        char text[DATETIME_BYTES_MAX * 2];
        size_t bytes = capi_layout_format_ms(layout_utc, ms, text);

        if (bytes) {
            memcpy(to, text, bytes);
        } else {
            capi_instant instant = capi_instant_from_ms(ms);

            capi_buf_clear(&slow);
            capi_layout_format(layout_any, &instant, &slow);
            bytes = slow.bytes;
            memcpy(to, slow.data, bytes);
        }
        to += bytes;
        *to++ = 0;
    }
    capi_buf_deinit(&slow);
    part.bytes = (uint64_t)(to - (memory + at)) - 1;
    return part;
}

static columns_part put_decimals(const capi_vec *in, uint32_t row_count, char *memory, uint64_t at)
{
    columns_part part = {.kind = 'd', .offset = at};
    double *reals = (double *)(memory + at);
    int64_t *positions = (int64_t *)(reals + row_count);
    int64_t *wholes;
    uint64_t whole_count = 0;

    for (uint32_t row = 0; row < row_count; row++) {
        int64_t cents = in->int64s[in->is_constant ? 0 : row];

        reals[row] = capi_cents_to_double(cents);
        whole_count += cents % 100 == 0;
    }
    if (whole_count) part.kind = 'm';
    wholes = positions + whole_count;
    /* Nothing is read back from this memory: the worker may write to it at any moment. */
    for (uint32_t row = 0; whole_count && row < row_count; row++) {
        int64_t cents = in->int64s[in->is_constant ? 0 : row];

        if (cents % 100 != 0) continue;
        *positions++ = row;
        *wholes++ = cents / 100;
    }
    part.bytes = 8ull * row_count + 16 * whole_count;
    return part;
}

static columns_part put_plain(const capi_vec *in, char kind, size_t value_bytes, uint32_t row_count, char *memory,
                              uint64_t at)
{
    char *to = memory + at;

    if (!in->is_constant) memcpy(to, in->data, value_bytes * row_count);
    for (uint32_t row = 0; in->is_constant && row < row_count; row++)
        memcpy(to + row * value_bytes, in->data, value_bytes);
    return (columns_part){kind, at, (uint64_t)value_bytes * row_count};
}

columns_part columns_put(const capi_vec *in, uint32_t row_count, char *memory, uint64_t *at)
{
    columns_part part = {0};

    switch (in->type) {
    case CAPI_STRING:
        part = put_texts(in, row_count, memory, *at);
        if (!part.kind) part = put_texts_by_ends(in, row_count, memory, *at);
        break;
    case CAPI_INT: part = put_plain(in, 'q', 8, row_count, memory, *at); break;
    case CAPI_FLOAT: part = put_plain(in, 'd', 8, row_count, memory, *at); break;
    case CAPI_BOOL: part = put_plain(in, 'b', 1, row_count, memory, *at); break;
    case CAPI_DATETIME: part = put_datetimes(in, row_count, memory, *at); break;
    case CAPI_DECIMAL: part = put_decimals(in, row_count, memory, *at); break;
    case CAPI_LENGTH:
    case CAPI_MONTH:
    case CAPI_ZONE: break; /* never in tables */
    }
    *at = aligned(part.offset + part.bytes);
    return part;
}

/* ---- from the worker ---- */

static capi_status no_sense(const char *what, capi_err *err)
{
    return capi_err_set(err, CAPI_INVALID, "the Python worker sent a result that makes no sense (%s)", what);
}

/* The texts as views of a private copy. */
static capi_status take_texts(const columns_part *part, const char *from, uint32_t row_count, capi_arena *arena,
                              capi_view *views, capi_err *err)
{
    char *copy = capi_arena_alloc(arena, part->bytes + 1);
    const char *at = copy;
    const char *end = copy + part->bytes;

    if (part->kind != 's') return no_sense("no texts", err);
    memcpy(copy, from, part->bytes);
    copy[part->bytes] = 0;
    if (!capi_str_is_utf8((capi_str){copy, part->bytes}, NULL)) return no_sense("texts that are no UTF-8", err);
    for (uint32_t row = 0; row < row_count; row++) {
        const char *text_end;

        if (at > end) return no_sense("fewer texts than rows", err);
        text_end = memchr(at, 0, (size_t)(end - at) + 1);
        if ((size_t)(text_end - at) > UINT32_MAX) return no_sense("a text of more than 4 GiB", err);
        views[row] = capi_view_make(at, (size_t)(text_end - at));
        at = text_end + 1;
    }
    return at == end + 1 ? CAPI_OK : no_sense("more texts than rows", err);
}

/* The first bad row is told with its value; how many others there are, too. */
static void note_more(uint32_t more, capi_err *err)
{
    if (more) capi_err_note(err, "%u more row%s of this page failed", more, more == 1 ? "" : "s");
}

/* With an offset other than zero anywhere the instants keep theirs; else milliseconds do. */
static capi_status take_datetimes(const capi_view *views, uint32_t row_count, capi_arena *arena, capi_vec *out,
                                  uint32_t *bad_row, capi_err *err)
{
    bool has_offsets = false;
    uint32_t bad_count = 0;

    pthread_once(&layouts_once, compile_layouts);
    *out = capi_vec_new(arena, CAPI_DATETIME, CAPI_FORM_MILLIS, row_count);
    for (uint32_t row = 0; row < row_count && !has_offsets; row++)
        has_offsets = !capi_layout_parse_ms(layout_utc, capi_view_str(&views[row]), &out->int64s[row]);
    if (!has_offsets) return CAPI_OK;
    *out = capi_vec_new(arena, CAPI_DATETIME, CAPI_FORM_INSTANT, row_count);
    for (uint32_t row = 0; row < row_count; row++) {
        if (capi_layout_parse(layout_any, capi_view_str(&views[row]), arena, &out->instants[row],
                              bad_count ? NULL : err) == CAPI_OK)
            continue;
        if (bad_count++ == 0) *bad_row = row;
    }
    if (bad_count == 0) return CAPI_OK;
    note_more(bad_count - 1, err);
    return CAPI_INVALID;
}

static capi_status take_bools(const columns_part *part, const char *from, uint32_t row_count, capi_vec *out,
                              capi_err *err)
{
    const uint8_t *values = (const uint8_t *)from;

    if (part->kind != 'b' || part->bytes != row_count) return no_sense("no bools", err);
    for (uint32_t row = 0; row < row_count; row++)
        out->bools[row] = values[row] != 0;
    return CAPI_OK;
}

/* NaN and infinities have all bits of the exponent set. */
static bool all_finite(const double *values, uint32_t row_count)
{
    uint64_t found = 0;

    for (uint32_t row = 0; row < row_count; row++) {
        uint64_t bits;

        memcpy(&bits, &values[row], 8);
        found |= ((bits & 0x7ff0000000000000ull) + 0x0010000000000000ull) & 0x8000000000000000ull;
    }
    return found == 0;
}

static capi_status check_finite(const double *values, uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    uint32_t more = 0;

    if (all_finite(values, row_count)) return CAPI_OK;
    for (uint32_t row = 0; row < row_count; row++) {
        if (isfinite(values[row])) continue;
        if (more++ == 0) {
            *bad_row = row;
            capi_err_set(err, CAPI_INVALID, "expected a number, got %s",
                         isnan(values[row]) ? "nan"
                         : values[row] > 0  ? "inf"
                                            : "-inf");
        }
    }
    note_more(more - 1, err);
    return CAPI_INVALID;
}

/* The shortest decimal of the double, rounded to 2 digits. Far enough from the middle between two hundredths, the error of
 * the multiplication cannot matter: below 1e11 it is less than 0.01 hundredths. */
static bool to_cents(double value, int64_t *cents)
{
    double scaled = value * 100;
    capi_decimal decimal;

    if (fabs(value) < 1e11) {
        double nearest = nearbyint(scaled);

        if (fabs(scaled - nearest) < 0.49) {
            *cents = (int64_t)nearest;
            return true;
        }
    }
    return capi_decimal_from_double(value, &decimal) && capi_decimal_to_cents(&decimal, cents);
}

static capi_status take_decimals(const columns_part *part, const char *from, uint32_t row_count, capi_arena *arena,
                                 capi_vec *out, uint32_t *bad_row, capi_err *err)
{
    uint32_t bad_count = 0;
    double *values;

    if (part->bytes != 8ull * row_count || (part->kind != 'd' && part->kind != 'c'))
        return no_sense("no decimals", err);
    if (part->kind == 'c') {
        memcpy(out->data, from, part->bytes);
        return CAPI_OK;
    }
    values = capi_arena_alloc_aligned(arena, part->bytes);
    memcpy(values, from, part->bytes);
    CAPI_TRY(check_finite(values, row_count, bad_row, err));
    for (uint32_t row = 0; row < row_count; row++) {
        if (to_cents(values[row], &out->int64s[row]) || bad_count++) continue;
        *bad_row = row;
        capi_err_set(err, CAPI_INVALID, "%.17g is too large for a decimal2", values[row]);
    }
    if (bad_count == 0) return CAPI_OK;
    note_more(bad_count - 1, err);
    return CAPI_INVALID;
}

static capi_status take_numbers(const columns_part *part, char kind, const char *from, uint32_t row_count,
                                capi_vec *out, uint32_t *bad_row, capi_err *err)
{
    if (part->kind != kind || part->bytes != 8ull * row_count) return no_sense("no numbers", err);
    memcpy(out->data, from, part->bytes);
    return kind == 'd' ? check_finite(out->doubles, row_count, bad_row, err) : CAPI_OK;
}

capi_status columns_take(const columns_part *part, capi_type type, const char *memory, uint64_t memory_bytes,
                         uint32_t row_count, capi_arena *arena, capi_vec *out, uint32_t *bad_row, capi_err *err)
{
    const char *from;
    capi_view *views;

    *bad_row = CAPI_PYTHON_NO_ROW;
    if (part->offset > memory_bytes || part->bytes > memory_bytes - part->offset || part->offset % 8)
        return no_sense("outside of its memory", err);
    from = memory + part->offset;
    *out = capi_vec_new(arena, type, capi_form_stored(type), row_count);
    switch (type) {
    case CAPI_STRING: return take_texts(part, from, row_count, arena, out->views, err);
    case CAPI_INT: return take_numbers(part, 'q', from, row_count, out, bad_row, err);
    case CAPI_FLOAT: return take_numbers(part, 'd', from, row_count, out, bad_row, err);
    case CAPI_BOOL: return take_bools(part, from, row_count, out, err);
    case CAPI_DECIMAL: return take_decimals(part, from, row_count, arena, out, bad_row, err);
    case CAPI_DATETIME:
        views = capi_arena_alloc_aligned(arena, (row_count + 1) * sizeof *views);
        CAPI_TRY(take_texts(part, from, row_count, arena, views, err));
        return take_datetimes(views, row_count, arena, out, bad_row, err);
    case CAPI_LENGTH:
    case CAPI_MONTH:
    case CAPI_ZONE: break;
    }
    return no_sense("a type that tables do not have", err);
}
