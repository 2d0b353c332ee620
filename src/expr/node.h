/* node.h - typed expressions: what the checker makes and programs are built from. Nodes live in the arena of the loaded
 * expression and are read-only afterwards. */
#pragma once

#include "expr/expr.h"
#include "expr/function.h"

typedef enum expr_node_kind {
    EXPR_NODE_CONSTANT,
    EXPR_NODE_FIELD,
    EXPR_NODE_NOW,  /* time.Now(): the same for a whole run, known when the evaluator is made */
    EXPR_NODE_CALL, /* a kernel on other nodes */
} expr_node_kind;

struct expr_node {
    expr_node_kind kind;
    capi_type type;
    uint32_t slot;      /* FIELD */
    capi_value value;   /* CONSTANT */
    expr_kernel kernel; /* CALL */
    uint32_t param;
    const void *prepared;
    const expr_node **args;
    uint32_t arg_count;
};

typedef struct expr_field {
    capi_str alias, name;
    uint32_t slot;
    capi_type type;
} expr_field;

struct capi_expr {
    capi_str text;
    capi_type type;
    const expr_node *root;    /* NULL for an aggregate */
    const expr_field *fields; /* that it mentions, in order of first mention */
    uint32_t field_count;
    expr_aggregate_kind aggregate;  /* EXPR_AGGREGATE_NONE if it is none */
    const expr_node *agg_value;     /* NULL for count */
    const expr_node *agg_condition; /* of the _if forms, else NULL */
    capi_str separator;             /* string_agg */
};

/* fold.c: evaluates a node whose arguments are all constants. The value's bytes are in `arena`. */
CAPI_MUST_USE capi_status expr_fold(const expr_node *node, expr_run *run, capi_arena *arena, capi_value *out,
                                    capi_err *err);
