/* kernel_format.c - fmt.Sprintf. A constant format comes compiled. Mistakes are printed into the result, so no row fails
 * but for size. */
#include "expr/kernel.h"

#include "vec/format.h"

uint32_t expr_string_sprintf(const expr_call *call, capi_vec *out)
{
    expr_run *run = call->run;
    uint32_t value_count = call->arg_count - 1;
    capi_value *values = capi_new_array(&run->texts, capi_value, value_count);
    uint32_t row;

    run->text_bytes += value_count * sizeof *values;
    *out = expr_run_vec(run, CAPI_STRING, CAPI_FORM_VIEW);
    for (row = 0; row < call->row_count; row++) {
        for (uint32_t i = 0; i < value_count; i++)
            values[i] = capi_vec_get(&call->args[i + 1], row);
        capi_buf_clear(&run->scratch);
        if (call->prepared) {
            capi_format_apply(&run->scratch, call->prepared, values, value_count);
        } else {
            const capi_vec *format = &call->args[0];

            capi_sprintf(&run->scratch, capi_view_str(&format->views[row * kernel_step(format)]), values, value_count);
        }
        if (!expr_run_put(run, &out->views[row], run->scratch.data, run->scratch.bytes)) break;
    }
    return row;
}
