/* kernel_text_compare.c - how texts compare: bytewise, after both sides have lost the double quotes at their ends and every
 * \" has become ".
 *
 * Few texts have quotes or backslashes, so the rule costs nearly nothing: equal bytes are equal under it, and it only ever
 * makes a text shorter. Only texts that it changes are copied. */
#include "expr/kernel.h"

/* True if the rule leaves the text as it is. */
static bool text_is_plain(capi_str text)
{
    if (text.bytes == 0) return true;
    if (text.data[0] == '"' || text.data[text.bytes - 1] == '"') return false;
    return memchr(text.data, '\\', text.bytes) == NULL;
}

/* The text as it is compared; in `buffer` if it had to be rewritten. */
static capi_str text_compared(capi_str text, capi_buf *buffer)
{
    while (text.bytes && text.data[0] == '"')
        text = capi_str_slice(text, 1, text.bytes);
    while (text.bytes && text.data[text.bytes - 1] == '"')
        text.bytes--;
    if (text.bytes == 0 || capi_str_find(text, CAPI_STR("\\\"")) < 0) return text;
    capi_buf_clear(buffer);
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] == '\\' && i + 1 < text.bytes && text.data[i + 1] == '"') continue;
        capi_buf_append_byte(buffer, text.data[i]);
    }
    return capi_buf_str(buffer);
}

typedef struct text_operand {
    const capi_view *views;
    uint32_t step;
    bool is_plain; /* of a constant */
} text_operand;

static text_operand text_operand_of(const capi_vec *vec)
{
    text_operand operand = {vec->views, kernel_step(vec), false};

    if (vec->is_constant) operand.is_plain = text_is_plain(capi_view_str(&vec->views[0]));
    return operand;
}

static int compare_slowly(expr_run *run, const capi_view *a, const capi_view *b)
{
    capi_str left = text_compared(capi_view_str(a), &run->scratch);
    capi_str right = text_compared(capi_view_str(b), &run->scratch_b);

    return capi_str_compare(left, right);
}

static bool texts_equal(expr_run *run, const text_operand *a, const capi_view *left, const text_operand *b,
                        const capi_view *right)
{
    if (capi_view_equal(left, right)) return true;
    if (a->is_plain && right->bytes <= left->bytes) return false;
    if (b->is_plain && left->bytes <= right->bytes) return false;
    if ((a->is_plain || text_is_plain(capi_view_str(left))) && (b->is_plain || text_is_plain(capi_view_str(right))))
        return false;
    return compare_slowly(run, left, right) == 0;
}

static int compare_texts(expr_run *run, const text_operand *a, const capi_view *left, const text_operand *b,
                         const capi_view *right)
{
    if ((a->is_plain || text_is_plain(capi_view_str(left))) && (b->is_plain || text_is_plain(capi_view_str(right))))
        return capi_str_compare(capi_view_str(left), capi_view_str(right));
    return compare_slowly(run, left, right);
}

static void equal_rows(const expr_call *call, const text_operand *a, const text_operand *b, uint8_t *out)
{
    uint8_t wanted = call->param == EXPR_EQ;

    for (uint32_t row = 0; row < call->row_count; row++)
        out[row] = texts_equal(call->run, a, &a->views[row * a->step], b, &b->views[row * b->step]) == wanted;
}

static void order_rows(const expr_call *call, const text_operand *a, const text_operand *b, uint8_t *out)
{
    bool if_less = call->param == EXPR_LT || call->param == EXPR_LE;
    bool if_equal = call->param == EXPR_LE || call->param == EXPR_GE;

    for (uint32_t row = 0; row < call->row_count; row++) {
        int outcome = compare_texts(call->run, a, &a->views[row * a->step], b, &b->views[row * b->step]);

        out[row] = outcome == 0 ? if_equal : (outcome < 0) == if_less;
    }
}

uint32_t expr_compare_string(const expr_call *call, capi_vec *out)
{
    text_operand a = text_operand_of(&call->args[0]);
    text_operand b = text_operand_of(&call->args[1]);

    *out = expr_run_vec(call->run, CAPI_BOOL, CAPI_FORM_BOOL);
    if (call->param == EXPR_EQ || call->param == EXPR_NE)
        equal_rows(call, &a, &b, out->bools);
    else
        order_rows(call, &a, &b, out->bools);
    return call->row_count;
}
