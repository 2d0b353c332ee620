/* function.h - the function table: one row a function, with its types, its kernel and its line of the manual.
 *
 * To add a function: write its kernel, declare it in kernel.h, add a row here. Checking, help and the list of functions
 * follow from the row. */
#pragma once

#include "expr/expr.h"
#include "expr/kernel.h"

typedef struct expr_node expr_node;

typedef enum expr_aggregate_kind {
    EXPR_AGGREGATE_NONE,
    EXPR_AGGREGATE_COUNT,
    EXPR_AGGREGATE_SUM,
    EXPR_AGGREGATE_AVG,
    EXPR_AGGREGATE_MIN,
    EXPR_AGGREGATE_MAX,
    EXPR_AGGREGATE_JOIN, /* string_agg */
} expr_aggregate_kind;

/* A set of types, as bits. */
typedef uint16_t expr_types;

#define EXPR_TYPE(type) ((expr_types)(1u << (type)))
#define EXPR_NUMBERS (EXPR_TYPE(CAPI_INT) | EXPR_TYPE(CAPI_LENGTH) | EXPR_TYPE(CAPI_FLOAT) | EXPR_TYPE(CAPI_DECIMAL))
#define EXPR_ANY ((expr_types)((1u << CAPI_TYPE_COUNT) - 1))

enum { EXPR_ARG_MAX = 8, EXPR_ARGS_ANY = 255 };

/* Compiles a constant argument (a pattern, a layout, a format) once. */
typedef capi_status (*expr_prepare)(capi_arena *arena, capi_str text, const void **out, capi_err *err);

typedef struct expr_function {
    capi_function_help help;
    expr_aggregate_kind aggregate;
    bool has_condition;       /* aggregates: the last argument is one */
    uint8_t arg_min, arg_max; /* arg_max EXPR_ARGS_ANY: further arguments are like the last */
    expr_types args[EXPR_ARG_MAX];
    capi_type type;             /* of the result */
    expr_kernel kernel;         /* NULL with by_type */
    const expr_kernel *by_type; /* by the type of the first argument; NULL there: the argument itself */
    uint32_t param;
    bool wants_float; /* numbers are converted to float first */
    expr_prepare prepare;
    uint8_t prepared_arg;
} expr_function;

/* The row called alias.name (alias may be empty), or NULL. */
const expr_function *expr_function_find(capi_str alias, capi_str name);
/* The name most like the wrong one, or empty. */
capi_str expr_function_nearest(capi_str alias, capi_str name);
/* The kernel that makes a FLOAT or DECIMAL of a number, or NULL: it is one. */
expr_kernel expr_conversion(capi_type from, capi_type to);
