/* expr.c - what callers ask a checked expression. */
#include "expr/node.h"

capi_type capi_expr_type(const capi_expr *expr)
{
    return expr->type;
}

capi_str capi_expr_text(const capi_expr *expr)
{
    return expr->text;
}

const capi_value *capi_expr_constant(const capi_expr *expr)
{
    return expr->root && expr->root->kind == EXPR_NODE_CONSTANT ? &expr->root->value : NULL;
}

bool capi_expr_is_aggregate(const capi_expr *expr)
{
    return expr->aggregate != EXPR_AGGREGATE_NONE;
}

bool capi_expr_uses_alias(const capi_expr *expr, capi_str alias)
{
    for (uint32_t i = 0; i < expr->field_count; i++)
        if (capi_str_equal(expr->fields[i].alias, alias)) return true;
    return false;
}

bool capi_expr_is_field(const capi_expr *expr, uint32_t *slot)
{
    if (!expr->root || expr->root->kind != EXPR_NODE_FIELD) return false;
    *slot = expr->root->slot;
    return true;
}
