/* kernel_text.c - texts: joining, length, replacing, and the text of values. */
#include "expr/kernel.h"

#include "expr/text_find.h"
#include "vec/number.h"

/* ---- joining ---- */

enum { CONCAT_PIECE_BYTES_MAX = 16 << 20 }; /* room for all rows is taken at once up to this, else row by row */

/* Two texts of which neither is empty; `text` has room for them if they do not fit the view. Returns the bytes used. */
static inline uint32_t concat_row(const capi_view *restrict a, const capi_view *restrict b, char *restrict text,
                                  capi_view *restrict out)
{
    uint32_t bytes = a->bytes + b->bytes;

    if (bytes <= CAPI_VIEW_INLINE_MAX) {
        *out = *a;
        memcpy(out->inlined + a->bytes, b->inlined, b->bytes);
        out->bytes = bytes;
        return 0;
    }
    memcpy(text, capi_view_data(a), a->bytes);
    memcpy(text + a->bytes, capi_view_data(b), b->bytes);
    *out = capi_view_make(text, bytes);
    return bytes;
}

/* Bytes of all joined texts together. */
static uint64_t concat_bytes(const expr_call *call)
{
    const capi_view *restrict a = call->args[0].views;
    const capi_view *restrict b = call->args[1].views;
    uint32_t step_a = kernel_step(&call->args[0]);
    uint32_t step_b = kernel_step(&call->args[1]);
    uint64_t bytes = 0;

    for (uint32_t row = 0; row < call->row_count; row++)
        bytes += (uint64_t)a[row * step_a].bytes + b[row * step_b].bytes;
    return bytes;
}

uint32_t expr_string_concat(const expr_call *call, capi_vec *out)
{
    const capi_view *a = call->args[0].views;
    const capi_view *b = call->args[1].views;
    uint32_t step_a = kernel_step(&call->args[0]);
    uint32_t step_b = kernel_step(&call->args[1]);
    uint64_t bytes = concat_bytes(call);
    bool is_one_piece = bytes <= CONCAT_PIECE_BYTES_MAX;
    char *text = NULL;

    *out = expr_run_vec(call->run, CAPI_STRING, CAPI_FORM_VIEW);
    if (is_one_piece) {
        text = expr_run_text(call->run, bytes);
        if (!text) is_one_piece = false;
    }
    for (uint32_t row = 0; row < call->row_count; row++) {
        const capi_view *left = &a[row * step_a];
        const capi_view *right = &b[row * step_b];

        if (left->bytes == 0 || right->bytes == 0) {
            out->views[row] = left->bytes ? *left : *right;
            continue;
        }
        if (!is_one_piece) {
            text = expr_run_text(call->run, (uint64_t)left->bytes + right->bytes);
            if (!text) return row;
        }
        text += concat_row(left, right, text, &out->views[row]);
    }
    return call->row_count;
}

uint32_t expr_string_length(const expr_call *call, capi_vec *out)
{
    const capi_view *restrict in = call->args[0].views;
    int64_t *restrict to;

    *out = expr_run_vec(call->run, CAPI_LENGTH, CAPI_FORM_INT64);
    to = out->int64s;
    for (uint32_t row = 0; row < call->row_count; row++)
        to[row] = in[row].bytes;
    return call->row_count;
}

/* ---- strings.ReplaceAll ---- */

/* Bytes of the character at data; an invalid byte counts as one. */
static size_t character_bytes(const char *data, size_t left)
{
    unsigned char c = (unsigned char)data[0];
    size_t bytes = c < 0xC2 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 1;

    if (bytes > left || !capi_str_is_utf8((capi_str){data, bytes}, NULL)) return 1;
    return bytes;
}

/* Keeps a single text within bounds while it grows; false and the cause when it does not. */
static bool append(expr_run *run, capi_buf *to, capi_str part)
{
    if (to->bytes + part.bytes > EXPR_TEXT_BYTES_MAX) return expr_run_text(run, to->bytes + part.bytes) != NULL;
    capi_buf_append_str(to, part);
    return true;
}

static bool replace_empty(expr_run *run, capi_str text, capi_str by, capi_buf *to)
{
    for (size_t at = 0; at < text.bytes;) {
        size_t step = character_bytes(text.data + at, text.bytes - at);

        if (!append(run, to, by) || !append(run, to, capi_str_slice(text, at, at + step))) return false;
        at += step;
    }
    return append(run, to, by);
}

/* `found` is the first occurrence. */
static bool replace_found(expr_run *run, capi_str text, const char *found, capi_str part, capi_str by, capi_buf *to)
{
    const char *at = text.data;
    const char *end = text.data + text.bytes;

    for (; found; found = at < end ? expr_text_find(at, (size_t)(end - at), part.data, part.bytes) : NULL) {
        if (!append(run, to, (capi_str){at, (size_t)(found - at)}) || !append(run, to, by)) return false;
        at = found + part.bytes;
    }
    return append(run, to, (capi_str){at, (size_t)(end - at)});
}

/* One byte by another: the text keeps its length. */
static bool replace_byte(expr_run *run, const capi_view *in, char part, char by, capi_view *out)
{
    const char *restrict from = capi_view_data(in);
    uint32_t bytes = in->bytes;
    char inlined[CAPI_VIEW_INLINE_MAX];
    char *restrict text = bytes > CAPI_VIEW_INLINE_MAX ? expr_run_text(run, bytes) : inlined;

    if (!text) return false;
    for (uint32_t i = 0; i < bytes; i++)
        text[i] = from[i] == part ? by : from[i];
    *out = capi_view_make(text, bytes);
    return true;
}

static bool replace_row(expr_run *run, const capi_view *in, capi_str part, capi_str by, capi_view *out)
{
    capi_str text = capi_view_str(in);
    const char *found = NULL;

    *out = *in;
    if (capi_str_equal(part, by)) return true;
    capi_buf_clear(&run->scratch);
    if (part.bytes == 0) {
        if (!replace_empty(run, text, by, &run->scratch)) return false;
    } else {
        if (text.bytes) found = expr_text_find(text.data, text.bytes, part.data, part.bytes);
        if (!found) return true;
        if (part.bytes == 1 && by.bytes == 1) return replace_byte(run, in, part.data[0], by.data[0], out);
        if (!replace_found(run, text, found, part, by, &run->scratch)) return false;
    }
    return expr_run_put(run, out, run->scratch.data, run->scratch.bytes);
}

uint32_t expr_string_replace(const expr_call *call, capi_vec *out)
{
    const capi_vec *args = call->args;
    uint32_t step_text = kernel_step(&args[0]);
    uint32_t step_part = kernel_step(&args[1]);
    uint32_t step_by = kernel_step(&args[2]);

    *out = expr_run_vec(call->run, CAPI_STRING, CAPI_FORM_VIEW);
    for (uint32_t row = 0; row < call->row_count; row++) {
        capi_str part = capi_view_str(&args[1].views[row * step_part]);
        capi_str by = capi_view_str(&args[2].views[row * step_by]);

        if (!replace_row(call->run, &args[0].views[row * step_text], part, by, &out->views[row])) return row;
    }
    return call->row_count;
}

/* ---- string() ---- */

uint32_t expr_string_of_int(const expr_call *call, capi_vec *out)
{
    char text[CAPI_NUMBER_TEXT_MAX];

    *out = expr_run_vec(call->run, CAPI_STRING, CAPI_FORM_VIEW);
    for (uint32_t row = 0; row < call->row_count; row++) {
        size_t bytes = capi_int_text(call->args[0].int64s[row], text);

        if (!expr_run_put(call->run, &out->views[row], text, bytes)) return row;
    }
    return call->row_count;
}

uint32_t expr_string_of_float(const expr_call *call, capi_vec *out)
{
    char text[CAPI_NUMBER_TEXT_MAX];

    *out = expr_run_vec(call->run, CAPI_STRING, CAPI_FORM_VIEW);
    for (uint32_t row = 0; row < call->row_count; row++) {
        size_t bytes = capi_float_text(call->args[0].doubles[row], text);

        if (!expr_run_put(call->run, &out->views[row], text, bytes)) return row;
    }
    return call->row_count;
}

uint32_t expr_string_of_decimal(const expr_call *call, capi_vec *out)
{
    const capi_vec *in = &call->args[0];
    char text[CAPI_DECIMAL_TEXT_MAX];

    *out = expr_run_vec(call->run, CAPI_STRING, CAPI_FORM_VIEW);
    for (uint32_t row = 0; row < call->row_count; row++) {
        size_t bytes = in->form == CAPI_FORM_CENTS ? capi_cents_text(in->int64s[row], text)
                                                   : capi_decimal_text(&in->decimals[row], text);

        if (!expr_run_put(call->run, &out->views[row], text, bytes)) return row;
    }
    return call->row_count;
}

uint32_t expr_string_of_bool(const expr_call *call, capi_vec *out)
{
    const capi_view texts[2] = {capi_view_make("false", 5), capi_view_make("true", 4)};

    *out = expr_run_vec(call->run, CAPI_STRING, CAPI_FORM_VIEW);
    for (uint32_t row = 0; row < call->row_count; row++)
        out->views[row] = texts[call->args[0].bools[row]];
    return call->row_count;
}

uint32_t expr_string_of_other(const expr_call *call, capi_vec *out)
{
    capi_buf *scratch = &call->run->scratch;

    *out = expr_run_vec(call->run, CAPI_STRING, CAPI_FORM_VIEW);
    for (uint32_t row = 0; row < call->row_count; row++) {
        capi_value value = capi_vec_get(&call->args[0], row);

        capi_buf_clear(scratch);
        capi_value_append_text(scratch, &value);
        if (!expr_run_put(call->run, &out->views[row], scratch->data, scratch->bytes)) return row;
    }
    return call->row_count;
}
