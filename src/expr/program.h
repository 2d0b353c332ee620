/* program.h - programs: all expressions of a node as one list of instructions over registers.
 *
 * A register is an input, a constant, the start instant of the run, or the result of an instruction. Equal parts of all
 * expressions share one register. Instructions stand in the order in which the language evaluates: operands before
 * operators, left before right, one expression after the other. */
#pragma once

#include "expr/node.h"

typedef struct expr_match_group expr_match_group;
typedef struct expr_match_member expr_match_member;

typedef enum expr_register_kind {
    EXPR_REGISTER_INPUT,
    EXPR_REGISTER_CONSTANT,
    EXPR_REGISTER_NOW,
    EXPR_REGISTER_RESULT,
} expr_register_kind;

typedef struct expr_register {
    expr_register_kind kind;
    uint32_t number;       /* INPUT: slot; RESULT: instruction */
    capi_vec constant;     /* CONSTANT */
    uint32_t last_use;     /* the last instruction that reads it; UINT32_MAX for outputs */
    uint32_t next;         /* in its bucket: register + 1, or 0 */
    const expr_node *node; /* what it is the value of */
} expr_register;

typedef struct expr_instruction {
    expr_kernel kernel;
    capi_type type;
    uint32_t param;
    const void *prepared;
    const uint32_t *args; /* registers */
    uint32_t arg_count;
    uint32_t out;                    /* register */
    uint32_t output;                 /* the first output that needs it */
    const expr_match_member *member; /* a regular expression that is matched together with others; or NULL */
} expr_instruction;

typedef struct expr_output {
    uint32_t reg;
    const capi_expr *expr;
} expr_output;

struct capi_program {
    capi_arena *arena;
    expr_register *registers;
    uint32_t register_count, register_capacity;
    expr_instruction *instructions;
    uint32_t instruction_count, instruction_capacity;
    expr_output *outputs;
    uint32_t output_count, output_capacity;
    uint32_t *buckets; /* of registers, by hash; a power of two */
    uint32_t bucket_count;
    uint32_t arg_count_max;
    expr_match_group *groups; /* match_group.h */
    uint32_t group_count, group_capacity;
};

/* Room for one more item of an array in the arena. */
void *expr_program_grow(capi_arena *arena, void *items, uint32_t count, uint32_t *capacity, size_t item_bytes);
