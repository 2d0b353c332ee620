/* expr.h - the expression language: from text to vector programs.
 *
 *     text --parse--> ast --check--> expr (typed) --add--> program (kernels over whole vectors) --run--> vectors
 *
 * Parsing knows syntax alone. Checking resolves names through a scope, settles every type, evaluates constant parts and
 * reports what cannot be right. A program holds all expressions of one node that see the same row; equal parts are
 * evaluated once. Ast, exprs and programs live in an arena and are read-only afterwards: any number of threads may share
 * them. An evaluator holds the scratch memory of one thread.
 *
 * Evaluation is eager: && and || and iif evaluate all operands, as the language says. Of several rows that fail, the lowest
 * is reported, over all expressions of the program. */
#pragma once

#include "base/diag.h"
#include "vec/vec.h"

/* ---- syntax ---- */

typedef struct capi_ast capi_ast;

enum { CAPI_EXPR_DEPTH_MAX = 1000, CAPI_EXPR_BYTES_MAX = 256 << 10 };

/* On error, err->offset and err->length_bytes tell the place in `text`. `text` is copied. */
CAPI_MUST_USE capi_status capi_expr_parse(capi_arena *arena, capi_str text, const capi_ast **out, capi_err *err);

/* For callers that walk the tree (Python formulas). */
typedef enum capi_ast_kind {
    CAPI_AST_INT,
    CAPI_AST_DECIMAL,
    CAPI_AST_FLOAT,
    CAPI_AST_STRING,
    CAPI_AST_BOOL,
    CAPI_AST_NAME,  /* a plain identifier */
    CAPI_AST_FIELD, /* alias.name */
    CAPI_AST_CALL,  /* name(...) or alias.name(...) */
    CAPI_AST_UNARY,
    CAPI_AST_BINARY,
    CAPI_AST_OTHER, /* parsed, never valid when checked: indexing, rune literals, hexadecimal numbers, ... */
} capi_ast_kind;

struct capi_ast {
    capi_ast_kind kind;
    bool in_parentheses;
    const char *source; /* the whole text */
    uint32_t offset;    /* in the text */
    uint32_t length_bytes;
    capi_str alias;        /* FIELD; CALL of alias.name; else empty */
    capi_str name;         /* NAME, FIELD, CALL; operator of UNARY and BINARY; description of OTHER */
    capi_value value;      /* literals */
    const capi_ast **args; /* CALL: arguments; UNARY: 1; BINARY: 2 */
    uint32_t arg_count;
};

/* This part of the text, as written. */
static inline capi_str capi_ast_text(const capi_ast *ast)
{
    return (capi_str){ast->source + ast->offset, ast->length_bytes};
}

/* ---- checking ---- */

typedef enum capi_name_verdict { CAPI_NAME_KNOWN, CAPI_NAME_UNKNOWN, CAPI_NAME_PROHIBITED } capi_name_verdict;

/* What names mean where an expression stands. */
typedef struct capi_scope {
    /* KNOWN: sets *slot (which input vector of the program) and *type. */
    capi_name_verdict (*find)(void *context, capi_str alias, capi_str name, uint32_t *slot, capi_type *type);
    /* All names that are allowed, as "r.price", for "did you mean"; may be NULL. */
    const capi_str *(*names)(void *context, uint32_t *count);
    void *context;
    bool allows_aggregates; /* grouped lookup: at the root only */
} capi_scope;

typedef struct capi_expr capi_expr;

/* All mistakes are one error: the first in the text, with its place. */
CAPI_MUST_USE capi_status capi_expr_check(capi_arena *arena, const capi_ast *ast, const capi_scope *scope,
                                          const capi_expr **out, capi_err *err);
/* Parse, check, and demand exactly type `wanted` (the message shows both types). */
CAPI_MUST_USE capi_status capi_expr_load(capi_arena *arena, capi_str text, const capi_scope *scope, capi_type wanted,
                                         const capi_expr **out, capi_err *err);

capi_type capi_expr_type(const capi_expr *expr);
capi_str capi_expr_text(const capi_expr *expr);
/* The value of an expression without fields, time.Now() and errors; NULL otherwise. */
const capi_value *capi_expr_constant(const capi_expr *expr);
bool capi_expr_is_aggregate(const capi_expr *expr); /* its root is one */
/* True if the expression mentions alias.anything. */
bool capi_expr_uses_alias(const capi_expr *expr, capi_str alias);
/* If the whole expression is one field: true and its slot. For columns that are only copied. */
bool capi_expr_is_field(const capi_expr *expr, uint32_t *slot);

/* ---- programs ---- */

typedef struct capi_program capi_program;

capi_program *capi_program_new(capi_arena *arena);
/* Returns the position among the outputs. Not for aggregates. */
uint32_t capi_program_add(capi_program *program, const capi_expr *expr);
/* The arguments of an aggregate become outputs: *value (unless count) and *condition (for the _if forms); UINT32_MAX when
 * there is none. */
void capi_program_add_aggregate(capi_program *program, const capi_expr *expr, uint32_t *value, uint32_t *condition);
/* May follow the last add: prepares what many expressions do together (regular expressions that search the same text). The
 * results are the same without it. */
void capi_program_finish(capi_program *program);
uint32_t capi_program_output_count(const capi_program *program);
/* Which input slots are read, for readers that fetch only needed columns. slot < slot_count. */
bool capi_program_reads_slot(const capi_program *program, uint32_t slot);

typedef struct capi_evaluator capi_evaluator;

/* now: what time.Now() gives, the same for a whole run. */
capi_evaluator *capi_evaluator_new(const capi_program *program, capi_instant now);
void capi_evaluator_free(capi_evaluator *evaluator);

/* Evaluates all outputs over row_count rows (at most CAPI_CHUNK_ROWS). inputs[slot] need only be set for slots that are
 * read; constants are fine. The outputs are valid until the next run with this evaluator, and may share memory with the
 * inputs. On CAPI_INVALID, *bad_row is the lowest row that failed, *bad_output the first output of that row that did, and
 * the message holds cause, expression and the values of its fields. */
CAPI_MUST_USE capi_status capi_evaluator_run(capi_evaluator *evaluator, const capi_vec *inputs, uint32_t row_count,
                                             capi_vec *outputs, uint32_t *bad_row, uint32_t *bad_output, capi_err *err);

/* Rows for which a bool vector is true, ascending; returns how many. */
uint32_t capi_select_true(const capi_vec *condition, uint32_t row_count, uint32_t *rows);

/* ---- aggregates ---- */

/* Accumulators of one aggregate expression: one per group. One thread at a time. */
typedef struct capi_aggregate capi_aggregate;

capi_aggregate *capi_aggregate_new(const capi_expr *expr);
void capi_aggregate_free(capi_aggregate *aggregate);
/* Forgets everything and begins group_count groups. */
void capi_aggregate_start(capi_aggregate *aggregate, uint32_t group_count);
/* Row i belongs to group groups[i]; value and condition as the program put them out (NULL where there is none). Within a
 * group rows come in right-table order; groups need not be sorted. */
CAPI_MUST_USE capi_status capi_aggregate_add(capi_aggregate *aggregate, const uint32_t *groups, uint32_t row_count,
                                             const capi_vec *value, const capi_vec *condition, uint32_t *bad_row,
                                             capi_err *err);
/* The results of all groups, group_count values; strings are valid until the next start. A group that saw no row at all has
 * the start value. */
CAPI_MUST_USE capi_status capi_aggregate_finish(capi_aggregate *aggregate, capi_arena *arena, capi_vec *out,
                                                uint32_t *bad_group, capi_err *err);

/* ---- the function table, for the manual and for tests ---- */

typedef struct capi_function_help {
    const char *name;      /* "time.Parse" */
    const char *signature; /* "(layout string, value string) datetime" */
    const char *help;      /* one line */
    const char *example;   /* an expression without fields, and the text of its value; NULL: an aggregate */
    const char *value;
} capi_function_help;
const capi_function_help *capi_functions(uint32_t *count);
