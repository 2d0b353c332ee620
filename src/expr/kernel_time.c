/* kernel_time.c - datetimes: from and to text, from parts, and distances. Values of tables are milliseconds in UTC and have
 * loops of their own; zones and nanoseconds take the general form. */
#include "expr/kernel.h"

#include "vec/layout.h"

/* ---- time.Parse ---- */

static const capi_layout *row_layout(const expr_call *call, const capi_vec *layouts, uint32_t row)
{
    const capi_view *view = &layouts->views[row * kernel_step(layouts)];

    call->run->text_bytes += view->bytes + sizeof *view; /* the arena of texts holds the compiled layout */
    return capi_layout_compile(&call->run->texts, capi_view_str(view));
}

/* Rows that a simple layout and plain texts allow to read as milliseconds; the first other one, or row_count. */
static uint32_t parse_simple(const expr_call *call, int64_t *out)
{
    const capi_layout *layout = call->prepared;
    const capi_view *texts = call->args[1].views;
    uint32_t row = 0;

    if (!layout) return 0;
    while (row < call->row_count && capi_layout_parse_ms(layout, capi_view_str(&texts[row]), &out[row]))
        row++;
    return row;
}

uint32_t expr_time_parse(const expr_call *call, capi_vec *out)
{
    const capi_vec *texts = &call->args[1];
    uint32_t step = kernel_step(texts);
    uint32_t simple = 0;
    capi_vec millis = expr_run_vec(call->run, CAPI_DATETIME, CAPI_FORM_MILLIS);
    uint32_t row;

    if (step) simple = parse_simple(call, millis.int64s);
    if (simple == call->row_count) {
        *out = millis;
        return simple;
    }
    *out = expr_run_vec(call->run, CAPI_DATETIME, CAPI_FORM_INSTANT);
    for (row = 0; row < simple; row++)
        out->instants[row] = capi_instant_from_ms(millis.int64s[row]);
    expr_run_release(call->run, &millis);
    call->run->text_bytes++; /* zone names may be put there: see expr_run_reset */
    for (; row < call->row_count; row++) {
        const capi_layout *layout = call->prepared ? call->prepared : row_layout(call, &call->args[0], row);
        capi_str text = capi_view_str(&texts->views[row * step]);

        if (capi_layout_parse(layout, text, &call->run->texts, &out->instants[row], &call->run->cause) != CAPI_OK)
            return row;
    }
    return row;
}

/* ---- time.Format ---- */

static bool format_general(const expr_call *call, const capi_layout *layout, const capi_instant *instant,
                           capi_view *out)
{
    capi_buf *scratch = &call->run->scratch;

    capi_buf_clear(scratch);
    capi_layout_format(layout, instant, scratch);
    return expr_run_put(call->run, out, scratch->data, scratch->bytes);
}

uint32_t expr_time_format(const expr_call *call, capi_vec *out)
{
    const capi_vec *in = &call->args[0];
    uint32_t step = kernel_step(in);
    size_t fast_bytes = 0;
    char *fast_text = NULL;

    if (call->prepared && in->form == CAPI_FORM_MILLIS) fast_bytes = capi_layout_bytes_max(call->prepared);
    if (fast_bytes) fast_text = capi_buf_reserve(&call->run->scratch_b, fast_bytes);
    *out = expr_run_vec(call->run, CAPI_STRING, CAPI_FORM_VIEW);
    for (uint32_t row = 0; row < call->row_count; row++) {
        capi_instant instant;
        size_t bytes;
        bool fits;

        if (fast_text && (bytes = capi_layout_format_ms(call->prepared, in->int64s[row * step], fast_text)) > 0) {
            fits = expr_run_put(call->run, &out->views[row], fast_text, bytes);
        } else {
            const capi_layout *layout = call->prepared ? call->prepared : row_layout(call, &call->args[1], row);

            instant =
                in->form == CAPI_FORM_MILLIS ? capi_instant_from_ms(in->int64s[row * step]) : in->instants[row * step];
            fits = format_general(call, layout, &instant, &out->views[row]);
        }
        if (!fits) return row;
    }
    return call->row_count;
}

/* ---- from parts ---- */

uint32_t expr_time_date(const expr_call *call, capi_vec *out)
{
    const int64_t *parts[7];
    uint32_t steps[8];

    for (uint32_t i = 0; i < 8; i++)
        steps[i] = kernel_step(&call->args[i]);
    for (uint32_t i = 0; i < 7; i++)
        parts[i] = call->args[i].int64s;
    *out = expr_run_vec(call->run, CAPI_DATETIME, CAPI_FORM_INSTANT);
    for (uint32_t row = 0; row < call->row_count; row++)
        out->instants[row] =
            capi_instant_from_parts(parts[0][row * steps[0]], parts[1][row * steps[1]], parts[2][row * steps[2]],
                                    parts[3][row * steps[3]], parts[4][row * steps[4]], parts[5][row * steps[5]],
                                    parts[6][row * steps[6]], call->args[7].zones[row * steps[7]]);
    return call->row_count;
}

uint32_t expr_time_zone(const expr_call *call, capi_vec *out)
{
    uint32_t step_name = kernel_step(&call->args[0]);
    uint32_t step_offset = kernel_step(&call->args[1]);

    *out = expr_run_vec(call->run, CAPI_ZONE, CAPI_FORM_ZONE);
    for (uint32_t row = 0; row < call->row_count; row++) {
        capi_str name = capi_view_str(&call->args[0].views[row * step_name]);
        int64_t offset = call->args[1].int64s[row * step_offset];
        char *copy = expr_run_text(call->run, name.bytes + 1);

        if (!copy) return row;
        if (offset < INT32_MIN || offset > INT32_MAX)
            return EXPR_FAIL(call, row, "zone offset of %lld seconds is out of range", (long long)offset);
        if (name.bytes) memcpy(copy, name.data, name.bytes);
        copy[name.bytes] = 0;
        out->zones[row] =
            (capi_zone){.offset_seconds = (int32_t)offset, .name_bytes = (uint32_t)name.bytes, .name = copy};
    }
    return call->row_count;
}

/* ---- distances ---- */

static inline int64_t floor_divide(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0);
}

uint32_t expr_time_unix(const expr_call *call, capi_vec *out)
{
    const capi_vec *in = &call->args[0];

    *out = expr_run_vec(call->run, CAPI_INT, CAPI_FORM_INT64);
    for (uint32_t row = 0; row < call->row_count; row++)
        out->int64s[row] =
            in->form == CAPI_FORM_MILLIS ? floor_divide(in->int64s[row], 1000) : in->instants[row].seconds;
    return call->row_count;
}

/* Modulo 2^64, as everything on ints. */
static inline int64_t instant_ms(const capi_instant *instant)
{
    return (int64_t)((uint64_t)instant->seconds * 1000 + instant->nanoseconds / 1000000);
}

uint32_t expr_time_unix_ms(const expr_call *call, capi_vec *out)
{
    const capi_vec *in = &call->args[0];

    *out = expr_run_vec(call->run, CAPI_INT, CAPI_FORM_INT64);
    if (in->form == CAPI_FORM_MILLIS) {
        memcpy(out->int64s, in->int64s, call->row_count * sizeof *out->int64s);
        return call->row_count;
    }
    for (uint32_t row = 0; row < call->row_count; row++)
        out->int64s[row] = instant_ms(&in->instants[row]);
    return call->row_count;
}

/* The distance in nanoseconds saturates at 64 bits; this many milliseconds. */
static const int64_t diff_ms_max = INT64_MAX / 1000000;

static inline int64_t diff_millis(int64_t a, int64_t b)
{
    int64_t diff;

    if (__builtin_sub_overflow(a, b, &diff)) return a < 0 ? -diff_ms_max : diff_ms_max;
    return diff > diff_ms_max ? diff_ms_max : diff < -diff_ms_max ? -diff_ms_max : diff;
}

static int64_t diff_instants(const capi_instant *a, const capi_instant *b)
{
    __int128 seconds = (__int128)a->seconds - b->seconds;
    __int128 diff = seconds * 1000000000 + ((int64_t)a->nanoseconds - (int64_t)b->nanoseconds);

    if (diff > INT64_MAX) return diff_ms_max;
    if (diff < INT64_MIN) return -diff_ms_max;
    return (int64_t)diff / 1000000;
}

uint32_t expr_time_diff_ms(const expr_call *call, capi_vec *out)
{
    const capi_vec *a = &call->args[0];
    const capi_vec *b = &call->args[1];
    uint32_t step_a = kernel_step(a);
    uint32_t step_b = kernel_step(b);
    bool made_a, made_b;
    capi_vec wide_a, wide_b;

    *out = expr_run_vec(call->run, CAPI_INT, CAPI_FORM_INT64);
    if (a->form == CAPI_FORM_MILLIS && b->form == CAPI_FORM_MILLIS) {
        for (uint32_t row = 0; row < call->row_count; row++)
            out->int64s[row] = diff_millis(a->int64s[row * step_a], b->int64s[row * step_b]);
        return call->row_count;
    }
    wide_a = expr_widen(call->run, a, call->row_count, &made_a);
    wide_b = expr_widen(call->run, b, call->row_count, &made_b);
    for (uint32_t row = 0; row < call->row_count; row++)
        out->int64s[row] = diff_instants(&wide_a.instants[row * step_a], &wide_b.instants[row * step_b]);
    if (made_a) expr_run_release(call->run, &wide_a);
    if (made_b) expr_run_release(call->run, &wide_b);
    return call->row_count;
}
