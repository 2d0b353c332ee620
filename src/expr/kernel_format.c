/* kernel_format.c - fmt.Sprintf. A constant format is compiled when the script is loaded. Mistakes are printed into the
 * result, so no row fails but for size.
 *
 * Most formats are plain: texts with %s, %d and %v and nothing more. Where these meet arguments whose text is simple, the
 * pieces are written one after the other; everything else takes the general way. */
#include "expr/kernel.h"

#include "vec/format.h"
#include "vec/number.h"

enum {
    FORMAT_VERBS_MAX = 64, /* of a plain format */
    FORMAT_NUMBER_BYTES = 32,
    FORMAT_WIDTH_MAX = 10000000, /* larger ones are mistakes and ask for nothing */
    FORMAT_VALUE_BYTES = 4096,   /* of a value that is no text, in any verb */
    FORMAT_GROWTH = 12,          /* bytes that quoting can make of one: \\U0010ffff */
};

typedef struct format_piece {
    capi_str before; /* literal text */
    char verb;       /* s, d, v; 0: the end */
} format_piece;

static const uint64_t format_bytes_max = UINT64_C(1) << 31; /* while formatting; the result itself is bounded lower */

/* How long a result can get: what widths and precisions ask for, and how many verbs repeat the values. */
typedef struct format_size {
    uint64_t padding_bytes;
    uint32_t verb_count;
} format_size;

typedef struct prepared_format {
    const capi_format *general;
    format_size size;
    format_piece *pieces; /* NULL if it is not plain; verb_count + 1, the last without a verb */
    uint32_t verb_count;
    size_t literal_bytes;
} prepared_format;

static bool split_format(capi_arena *arena, capi_str text, prepared_format *format)
{
    format_piece *pieces = capi_new_array(arena, format_piece, FORMAT_VERBS_MAX + 1);
    char *literal = capi_arena_alloc(arena, text.bytes);
    uint32_t count = 0;

    pieces[0].before.data = literal;
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];

        if (c == '%') {
            char verb = i + 1 < text.bytes ? text.data[++i] : 0;

            if (verb == 's' || verb == 'd' || verb == 'v') {
                if (count == FORMAT_VERBS_MAX) return false;
                pieces[count].verb = verb;
                pieces[++count].before.data = literal;
                continue;
            }
            if (verb != '%') return false;
        }
        *literal++ = c;
        pieces[count].before.bytes++;
        format->literal_bytes++;
    }
    format->pieces = pieces;
    format->verb_count = count;
    return true;
}

static format_size size_of_format(capi_str text)
{
    format_size size = {.padding_bytes = text.bytes};
    uint64_t number = 0;

    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];

        if (c >= '0' && c <= '9') {
            number = number > FORMAT_WIDTH_MAX ? number : number * 10 + (uint64_t)(c - '0');
            continue;
        }
        size.padding_bytes += number;
        number = 0;
        if (c == '*') size.padding_bytes += FORMAT_WIDTH_MAX / 10;
        if (c == '%') size.verb_count++;
    }
    return size;
}

capi_status expr_prepare_format(capi_arena *arena, capi_str text, const void **out, capi_err *err)
{
    prepared_format *format = capi_new(arena, prepared_format);

    (void)err;
    format->general = capi_format_compile(arena, text);
    format->size = size_of_format(text);
    split_format(arena, text, format);
    *out = format;
    return CAPI_OK;
}

/* ---- plain formats ---- */

static bool verb_fits(char verb, const capi_vec *arg)
{
    if (arg->form == CAPI_FORM_VIEW || arg->form == CAPI_FORM_CENTS) return verb != 'd';
    return verb != 's' && arg->form == CAPI_FORM_INT64 && arg->type != CAPI_MONTH;
}

static bool is_plain(const prepared_format *format, const capi_vec *args, uint32_t arg_count)
{
    if (!format || !format->pieces || format->verb_count != arg_count) return false;
    for (uint32_t i = 0; i < arg_count; i++)
        if (!verb_fits(format->pieces[i].verb, &args[i])) return false;
    return true;
}

static size_t plain_bytes_max(const prepared_format *format, const capi_vec *args, uint32_t row)
{
    size_t bytes = format->literal_bytes;

    for (uint32_t i = 0; i < format->verb_count; i++)
        bytes +=
            args[i].form == CAPI_FORM_VIEW ? args[i].views[row * kernel_step(&args[i])].bytes : FORMAT_NUMBER_BYTES;
    return bytes;
}

static char *append_plain(char *to, const capi_vec *arg, uint32_t row)
{
    row *= kernel_step(arg);
    if (arg->form == CAPI_FORM_INT64) return to + capi_int_text(arg->int64s[row], to);
    if (arg->form == CAPI_FORM_CENTS) return to + capi_cents_text(arg->int64s[row], to);
    memcpy(to, capi_view_data(&arg->views[row]), arg->views[row].bytes);
    return to + arg->views[row].bytes;
}

static uint32_t format_plainly(const expr_call *call, const prepared_format *format, capi_view *out)
{
    const capi_vec *args = call->args + 1;

    for (uint32_t row = 0; row < call->row_count; row++) {
        size_t bytes_max = plain_bytes_max(format, args, row);
        char *start;
        char *to;

        if (bytes_max > EXPR_TEXT_BYTES_MAX && !expr_run_text(call->run, bytes_max)) return row;
        capi_buf_clear(&call->run->scratch);
        start = to = capi_buf_reserve(&call->run->scratch, bytes_max + 1);
        for (uint32_t i = 0; i <= format->verb_count; i++) {
            const format_piece *piece = &format->pieces[i];

            memcpy(to, piece->before.data, piece->before.bytes);
            to += piece->before.bytes;
            if (piece->verb) to = append_plain(to, &args[i], row);
        }
        if (!expr_run_put(call->run, &out[row], start, (size_t)(to - start))) return row;
    }
    return call->row_count;
}

/* ---- all others ---- */

/* False and the cause if the result might be too long to make. */
static bool size_is_bounded(expr_run *run, const format_size *size, const capi_value *values, uint32_t value_count)
{
    uint64_t value_bytes = FORMAT_VALUE_BYTES;
    uint64_t bytes = size->padding_bytes;

    for (uint32_t i = 0; i < value_count; i++) {
        uint64_t text_bytes = values[i].type == CAPI_STRING ? (uint64_t)values[i].string.bytes : 0;

        bytes += FORMAT_GROWTH * text_bytes + FORMAT_VALUE_BYTES; /* left-over arguments are printed too */
        if (FORMAT_GROWTH * text_bytes > value_bytes) value_bytes = FORMAT_GROWTH * text_bytes;
    }
    bytes += size->verb_count * value_bytes;
    if (bytes <= format_bytes_max) return true;
    capi_err_set(&run->cause, CAPI_INVALID, "format may need %llu bytes, more than the maximum of %llu",
                 (unsigned long long)bytes, (unsigned long long)format_bytes_max);
    return false;
}

static uint32_t format_generally(const expr_call *call, const prepared_format *format, capi_view *out)
{
    expr_run *run = call->run;
    const capi_vec *args = call->args + 1;
    uint32_t value_count = call->arg_count - 1;
    capi_value *values = capi_new_array(&run->texts, capi_value, value_count);

    format_size size = {0};

    if (format) size = format->size;
    run->text_bytes += value_count * sizeof *values;
    for (uint32_t row = 0; row < call->row_count; row++) {
        for (uint32_t i = 0; i < value_count; i++)
            values[i] = capi_vec_get(&args[i], row * kernel_step(&args[i]));
        if (!format) size = size_of_format(capi_view_str(&call->args[0].views[row * kernel_step(&call->args[0])]));
        if (!size_is_bounded(run, &size, values, value_count)) return row;
        capi_buf_clear(&run->scratch);
        if (format)
            capi_format_apply(&run->scratch, format->general, values, value_count);
        else
            capi_sprintf(&run->scratch, capi_view_str(&call->args[0].views[row * kernel_step(&call->args[0])]), values,
                         value_count);
        if (!expr_run_put(run, &out[row], run->scratch.data, run->scratch.bytes)) return row;
    }
    return call->row_count;
}

uint32_t expr_string_sprintf(const expr_call *call, capi_vec *out)
{
    const prepared_format *format = call->prepared;

    *out = expr_run_vec(call->run, CAPI_STRING, CAPI_FORM_VIEW);
    if (is_plain(format, call->args + 1, call->arg_count - 1)) return format_plainly(call, format, out->views);
    return format_generally(call, format, out->views);
}
