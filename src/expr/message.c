/* message.c - the words for an expression that failed on a row. Long texts are cut: the message shall fit a line of a log. */
#include "expr/message.h"

#include "base/buf.h"

enum { SHOWN_TEXT_BYTES = 500, SHOWN_VALUE_BYTES = 80, SHOWN_FIELDS = 20 };

static void append_value(capi_buf *to, const capi_value *value)
{
    capi_buf text = {0};

    capi_value_append_text(&text, value);
    if (value->type == CAPI_STRING) capi_buf_append_byte(to, '"');
    capi_buf_append_visible(to, capi_buf_str(&text), SHOWN_VALUE_BYTES);
    if (value->type == CAPI_STRING) capi_buf_append_byte(to, '"');
    capi_buf_deinit(&text);
}

void expr_note_failure(const capi_expr *expr, const capi_vec *inputs, uint32_t row, capi_err *err)
{
    capi_buf text = {0};

    if (!err) return;
    capi_buf_append_text(&text, "in expression \"");
    capi_buf_append_visible(&text, expr->text, SHOWN_TEXT_BYTES);
    capi_buf_append_byte(&text, '"');
    for (uint32_t i = 0; i < expr->field_count && i < SHOWN_FIELDS; i++) {
        const expr_field *field = &expr->fields[i];
        const capi_vec *input = &inputs[field->slot];
        capi_value value = capi_vec_get(input, input->is_constant ? 0 : row);

        capi_buf_printf(&text, "%s%.*s.%.*s = ", i == 0 ? " where " : ", ", CAPI_STR_ARG(field->alias),
                        CAPI_STR_ARG(field->name));
        append_value(&text, &value);
    }
    if (expr->field_count > SHOWN_FIELDS) capi_buf_append_text(&text, ", ...");
    capi_err_note(err, "%.*s", (int)text.bytes, text.data);
    capi_buf_deinit(&text);
}
