/* fold.c - the value of a node whose arguments are all constants: its kernel, run over one row. */
#include "expr/node.h"

/* Moves what the value points to into the arena. */
static void keep_value(capi_arena *arena, capi_value *value)
{
    if (value->type == CAPI_STRING) {
        value->string = capi_str_copy(arena, value->string);
    } else if (value->type == CAPI_ZONE) {
        value->zone.name = capi_str_copy(arena, (capi_str){value->zone.name, value->zone.name_bytes}).data;
    } else if (value->type == CAPI_DATETIME && value->instant.zone_name) {
        value->instant.zone_name = capi_str_copy(arena, capi_str_of(value->instant.zone_name)).data;
    }
}

capi_status expr_fold(const expr_node *node, expr_run *run, capi_arena *arena, capi_value *out, capi_err *err)
{
    capi_vec *args = capi_new_array(&run->texts, capi_vec, node->arg_count);
    expr_call call = {.args = args,
                      .arg_count = node->arg_count,
                      .row_count = 1,
                      .type = node->type,
                      .param = node->param,
                      .prepared = node->prepared,
                      .run = run};
    capi_status st = CAPI_OK;
    capi_vec result;

    run->text_bytes++; /* the arena of texts is in use */
    for (uint32_t i = 0; i < node->arg_count; i++) {
        args[i] = capi_vec_constant(&run->texts, &node->args[i]->value);
        args[i].is_constant = false;
    }
    if (node->kernel(&call, &result) == 1) {
        result.type = node->type;
        *out = capi_vec_get(&result, 0);
        keep_value(arena, out);
    } else {
        capi_err_copy(err, &run->cause);
        st = run->cause.status;
    }
    expr_run_reset(run);
    return st;
}
