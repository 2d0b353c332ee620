/* vectors.c - expanding, and copying for keeps. */
#include "exec/vectors.h"

#include <assert.h>

/* The value in the form of a vector, at *to. */
static void put_value(capi_form form, const capi_value *value, void *to)
{
    int64_t number = 0;
    bool fits = true;

    switch (form) {
    case CAPI_FORM_VIEW: *(capi_view *)to = capi_view_make(value->string.data, value->string.bytes); return;
    case CAPI_FORM_INT64: *(int64_t *)to = value->integer; return;
    case CAPI_FORM_DOUBLE: *(double *)to = value->real; return;
    case CAPI_FORM_BOOL: *(uint8_t *)to = value->boolean; return;
    case CAPI_FORM_MILLIS: fits = capi_instant_to_ms(&value->instant, &number); break;
    case CAPI_FORM_INSTANT: *(capi_instant *)to = value->instant; return;
    case CAPI_FORM_CENTS: fits = capi_decimal_to_cents(&value->decimal, &number); break;
    case CAPI_FORM_DECIMAL: *(capi_decimal *)to = value->decimal; return;
    case CAPI_FORM_ZONE: *(capi_zone *)to = value->zone; return;
    }
    assert(fits); /* defaults are parsed as stored values when the script is loaded */
    (void)fits;
    *(int64_t *)to = number;
}

#define EXPAND(type)                                                                                                   \
    do {                                                                                                               \
        const type *restrict from = in->data;                                                                          \
        type *restrict to = out.data;                                                                                  \
        type other = *(type *)missing_value;                                                                           \
                                                                                                                       \
        for (uint32_t i = 0; i < row_count; i++)                                                                       \
            to[i] = rows[i] == EXEC_NO_ROW ? other : from[in->is_constant ? 0 : rows[i]];                              \
    } while (0)

capi_vec exec_vec_expand(capi_arena *arena, const capi_vec *in, const uint32_t *rows, uint32_t row_count,
                         const capi_value *missing)
{
    capi_vec out = capi_vec_new(arena, in->type, in->form, row_count);
    void *missing_value = capi_arena_alloc_aligned(arena, capi_form_bytes(in->form));

    put_value(in->form, missing, missing_value);
    switch (in->form) {
    case CAPI_FORM_VIEW: EXPAND(capi_view); break;
    case CAPI_FORM_INT64:
    case CAPI_FORM_MILLIS:
    case CAPI_FORM_CENTS: EXPAND(int64_t); break;
    case CAPI_FORM_DOUBLE: EXPAND(double); break;
    case CAPI_FORM_BOOL: EXPAND(uint8_t); break;
    case CAPI_FORM_INSTANT: EXPAND(capi_instant); break;
    case CAPI_FORM_DECIMAL: EXPAND(capi_decimal); break;
    case CAPI_FORM_ZONE: EXPAND(capi_zone); break;
    }
    return out;
}

void exec_views_own(capi_arena *arena, capi_view *views, uint32_t row_count)
{
    uint64_t bytes = 0;
    char *to;

    for (uint32_t row = 0; row < row_count; row++)
        if (views[row].bytes > CAPI_VIEW_INLINE_MAX) bytes += views[row].bytes;
    if (bytes == 0) return;
    to = capi_arena_alloc(arena, bytes);
    for (uint32_t row = 0; row < row_count; row++) {
        uint32_t length = views[row].bytes;

        if (length <= CAPI_VIEW_INLINE_MAX) continue;
        memcpy(to, capi_view_data(&views[row]), length);
        views[row] = capi_view_make(to, length);
        to += length;
    }
}

capi_status exec_vec_copy_stored(capi_arena *arena, const capi_vec *in, const uint32_t *rows, uint32_t row_count,
                                 capi_vec *out, uint32_t *bad_row, capi_err *err)
{
    capi_vec gathered = rows ? capi_vec_gather(arena, in, rows, row_count) : *in;
    uint32_t bad = 0;
    capi_status st = capi_vec_to_stored(arena, &gathered, row_count, out, &bad, err);

    if (st != CAPI_OK) {
        *bad_row = rows ? rows[bad] : bad;
        return st;
    }
    if (out->data == in->data) { /* shared so far */
        void *data = capi_arena_alloc_aligned(arena, row_count * capi_form_bytes(out->form));

        memcpy(data, out->data, row_count * capi_form_bytes(out->form));
        out->data = data;
    }
    if (out->form == CAPI_FORM_VIEW) exec_views_own(arena, out->views, row_count);
    return CAPI_OK;
}
