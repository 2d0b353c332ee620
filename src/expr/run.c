/* run.c - the scratch memory of one thread: buffers for results, taken and given back by form, and room for texts. */
#include "expr/kernel.h"

#include "expr/regex_shim.h"

/* Lies in a buffer while it is free. */
struct expr_buffer {
    expr_buffer *next;
};

enum {
    RUN_TEXT_BLOCK_BYTES = 64 << 10,
    RUN_STAGGER_COUNT = 16, /* buffers begin at different places of a page: equal ones slow down loads after stores */
    RUN_STAGGER_BYTES = 192,
};

void expr_run_init(expr_run *run, uint32_t row_max)
{
    *run = (expr_run){.row_max = row_max};
}

void expr_run_deinit(expr_run *run)
{
    for (uint32_t i = 0; i < EXPR_REGEX_CACHE_MAX; i++) {
        capi_buf_deinit(&run->regexes[i].pattern);
        expr_regex_free(run->regexes[i].regex);
    }
    capi_buf_deinit(&run->scratch);
    capi_buf_deinit(&run->scratch_b);
    capi_arena_deinit(&run->texts);
    capi_arena_deinit(&run->buffers);
    *run = (expr_run){0};
}

void expr_run_reset(expr_run *run)
{
    if (run->text_bytes) capi_arena_reset(&run->texts);
    run->text_next = run->text_end = NULL;
    run->text_bytes = 0;
}

static size_t buffer_bytes(const expr_run *run, capi_form form)
{
    size_t bytes = capi_form_bytes(form) * run->row_max;

    return bytes < sizeof(expr_buffer) ? sizeof(expr_buffer) : bytes;
}

capi_vec expr_run_vec(expr_run *run, capi_type type, capi_form form)
{
    capi_vec vec = {.type = type, .form = form};
    expr_buffer *buffer = run->free[form];

    if (buffer) {
        run->free[form] = buffer->next;
        vec.data = buffer;
    } else {
        size_t stagger = run->row_max > 1 ? RUN_STAGGER_BYTES * (run->buffer_count++ % RUN_STAGGER_COUNT) : 0;

        vec.data = (char *)capi_arena_alloc_aligned(&run->buffers, buffer_bytes(run, form) + stagger) + stagger;
    }
    return vec;
}

void expr_run_release(expr_run *run, const capi_vec *vec)
{
    expr_buffer *buffer = vec->data;

    buffer->next = run->free[vec->form];
    run->free[vec->form] = buffer;
}

char *expr_run_text(expr_run *run, uint64_t bytes)
{
    char *text;

    if (bytes > EXPR_TEXT_BYTES_MAX) {
        capi_err_set(&run->cause, CAPI_INVALID, "text of %llu bytes is longer than the maximum of %d",
                     (unsigned long long)bytes, EXPR_TEXT_BYTES_MAX);
        return NULL;
    }
    if (run->text_bytes + bytes > EXPR_RUN_TEXT_BYTES_MAX) {
        capi_err_set(&run->cause, CAPI_NO_MEMORY, "texts of one chunk of rows need more than the maximum of %d bytes",
                     EXPR_RUN_TEXT_BYTES_MAX);
        return NULL;
    }
    run->text_bytes += bytes;
    if (!run->text_next || (uint64_t)(run->text_end - run->text_next) < bytes) {
        size_t block_bytes = RUN_TEXT_BLOCK_BYTES;

        if (bytes > RUN_TEXT_BLOCK_BYTES / 4) return capi_arena_alloc(&run->texts, bytes);
        if (run->row_max == 1) block_bytes = bytes;
        run->text_next = capi_arena_alloc(&run->texts, block_bytes);
        run->text_end = run->text_next + block_bytes;
    }
    text = run->text_next;
    run->text_next += bytes;
    return text;
}

bool expr_run_put(expr_run *run, capi_view *to, const char *data, size_t bytes)
{
    if (bytes > CAPI_VIEW_INLINE_MAX) {
        char *copy = expr_run_text(run, bytes);

        if (!copy) return false;
        memcpy(copy, data, bytes);
        data = copy;
    }
    *to = capi_view_make(data, bytes);
    return true;
}

capi_vec expr_widen(expr_run *run, const capi_vec *in, uint32_t row_count, bool *made)
{
    capi_vec out;
    uint32_t count = in->is_constant ? 1 : row_count;

    *made = in->form == CAPI_FORM_CENTS || in->form == CAPI_FORM_MILLIS;
    if (!*made) return *in;
    if (in->form == CAPI_FORM_CENTS) {
        out = expr_run_vec(run, in->type, CAPI_FORM_DECIMAL);
        for (uint32_t row = 0; row < count; row++)
            out.decimals[row] = capi_decimal_from_cents(in->int64s[row]);
    } else {
        out = expr_run_vec(run, in->type, CAPI_FORM_INSTANT);
        for (uint32_t row = 0; row < count; row++)
            out.instants[row] = capi_instant_from_ms(in->int64s[row]);
    }
    out.is_constant = in->is_constant;
    return out;
}

expr_decimal_writer expr_decimal_writer_start(expr_run *run)
{
    return (expr_decimal_writer){.run = run, .cents = expr_run_vec(run, CAPI_DECIMAL, CAPI_FORM_CENTS)};
}

/* From here on in the general form; row_count values are there already. */
void expr_decimal_writer_widen(expr_decimal_writer *writer, uint32_t row_count)
{
    writer->decimals = expr_run_vec(writer->run, CAPI_DECIMAL, CAPI_FORM_DECIMAL);
    for (uint32_t row = 0; row < row_count; row++)
        writer->decimals.decimals[row] = capi_decimal_from_cents(writer->cents.int64s[row]);
    writer->is_wide = true;
}

capi_vec expr_decimal_writer_finish(expr_decimal_writer *writer)
{
    if (!writer->is_wide) return writer->cents;
    expr_run_release(writer->run, &writer->cents);
    return writer->decimals;
}
