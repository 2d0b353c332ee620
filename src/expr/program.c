/* program.c - from typed nodes to instructions. Every node is looked up among the registers before it becomes a new one
 * (hash-consing), so what is equal is computed once, across all expressions of the program. */
#include "expr/program.h"

#include "base/hash.h"

enum { PROGRAM_FIRST_BUCKETS = 64 };

capi_program *capi_program_new(capi_arena *arena)
{
    capi_program *program = capi_new(arena, capi_program);

    program->arena = arena;
    program->bucket_count = PROGRAM_FIRST_BUCKETS;
    program->buckets = capi_new_array(arena, uint32_t, PROGRAM_FIRST_BUCKETS);
    return program;
}

void *expr_program_grow(capi_arena *arena, void *items, uint32_t count, uint32_t *capacity, size_t item_bytes)
{
    void *larger;

    if (count < *capacity) return items;
    *capacity = *capacity ? 2 * *capacity : 16;
    larger = capi_arena_zalloc(arena, capi_array_bytes(*capacity, item_bytes));
    if (count) memcpy(larger, items, count * item_bytes);
    return larger;
}

/* ---- equality of parts ---- */

/* Two constants that no kernel can tell apart. */
static bool same_value(const capi_value *a, const capi_value *b)
{
    if (a->type != b->type) return false;
    switch (a->type) {
    case CAPI_STRING: return capi_str_equal(a->string, b->string);
    case CAPI_INT:
    case CAPI_LENGTH:
    case CAPI_MONTH: return a->integer == b->integer;
    case CAPI_FLOAT: return memcmp(&a->real, &b->real, sizeof a->real) == 0;
    case CAPI_BOOL: return a->boolean == b->boolean;
    case CAPI_DATETIME: {
        const char *name_a = a->instant.zone_name ? a->instant.zone_name : "";
        const char *name_b = b->instant.zone_name ? b->instant.zone_name : "";

        return a->instant.seconds == b->instant.seconds && a->instant.nanoseconds == b->instant.nanoseconds &&
               a->instant.offset_seconds == b->instant.offset_seconds && strcmp(name_a, name_b) == 0;
    }
    case CAPI_DECIMAL:
        return memcmp(a->decimal.limb, b->decimal.limb, sizeof a->decimal.limb) == 0 &&
               a->decimal.scale == b->decimal.scale && a->decimal.negative == b->decimal.negative;
    case CAPI_ZONE:
        return a->zone.offset_seconds == b->zone.offset_seconds && a->zone.name_bytes == b->zone.name_bytes &&
               (a->zone.name_bytes == 0 || memcmp(a->zone.name, b->zone.name, a->zone.name_bytes) == 0);
    }
    return false;
}

static uint64_t value_hash(const capi_value *value)
{
    uint64_t hash = (uint64_t)value->type;

    switch (value->type) {
    case CAPI_STRING: return capi_hash_combine(hash, capi_hash_bytes(value->string.data, value->string.bytes));
    case CAPI_FLOAT: return capi_hash_combine(hash, capi_hash_bytes(&value->real, sizeof value->real));
    case CAPI_INT:
    case CAPI_LENGTH:
    case CAPI_MONTH: return capi_hash_combine(hash, (uint64_t)value->integer);
    case CAPI_BOOL: return capi_hash_combine(hash, value->boolean);
    case CAPI_DATETIME: return capi_hash_combine(hash, (uint64_t)value->instant.seconds);
    case CAPI_DECIMAL: return capi_hash_combine(hash, value->decimal.limb[0]);
    case CAPI_ZONE: return capi_hash_combine(hash, (uint64_t)value->zone.offset_seconds);
    }
    return hash;
}

static uint64_t node_hash(const expr_node *node, const uint32_t *args)
{
    uint64_t hash = capi_hash_combine((uint64_t)node->kind, (uint64_t)node->type);

    switch (node->kind) {
    case EXPR_NODE_CONSTANT: return capi_hash_combine(hash, value_hash(&node->value));
    case EXPR_NODE_FIELD: return capi_hash_combine(hash, node->slot);
    case EXPR_NODE_NOW: return hash;
    case EXPR_NODE_CALL: break;
    }
    hash = capi_hash_combine(hash, (uint64_t)(uintptr_t)node->kernel);
    hash = capi_hash_combine(hash, node->param);
    for (uint32_t i = 0; i < node->arg_count; i++)
        hash = capi_hash_combine(hash, args[i]);
    return hash;
}

/* What is prepared follows from constant arguments, so it need not be compared. */
static bool same_node(const capi_program *program, const expr_register *reg, const expr_node *node,
                      const uint32_t *args)
{
    const expr_node *other = reg->node;

    if (other->kind != node->kind || other->type != node->type) return false;
    switch (node->kind) {
    case EXPR_NODE_CONSTANT: return same_value(&other->value, &node->value);
    case EXPR_NODE_FIELD: return other->slot == node->slot;
    case EXPR_NODE_NOW: return true;
    case EXPR_NODE_CALL: break;
    }
    if (other->kernel != node->kernel || other->param != node->param || other->arg_count != node->arg_count)
        return false;
    return memcmp(program->instructions[reg->number].args, args, node->arg_count * sizeof *args) == 0;
}

/* ---- registers ---- */

static void rehash(capi_program *program)
{
    uint32_t old_count = program->bucket_count;
    uint32_t *old = program->buckets;
    uint32_t *new_buckets = capi_new_array(program->arena, uint32_t, 2 * (size_t)old_count);

    program->bucket_count = 2 * old_count;
    program->buckets = new_buckets;
    for (uint32_t i = 0; i < old_count; i++) {
        for (uint32_t at = old[i]; at;) {
            expr_register *reg = &program->registers[at - 1];
            uint32_t next = reg->next;
            const uint32_t *args = reg->kind == EXPR_REGISTER_RESULT ? program->instructions[reg->number].args : NULL;
            uint32_t *bucket = &new_buckets[node_hash(reg->node, args) & (program->bucket_count - 1)];

            reg->next = *bucket;
            *bucket = at;
            at = next;
        }
    }
}

static uint32_t register_new(capi_program *program, const expr_node *node, const uint32_t *args)
{
    uint32_t *bucket;
    expr_register *reg;

    program->registers = expr_program_grow(program->arena, program->registers, program->register_count,
                                           &program->register_capacity, sizeof *program->registers);
    if (program->register_count >= program->bucket_count) rehash(program);
    bucket = &program->buckets[node_hash(node, args) & (program->bucket_count - 1)];
    reg = &program->registers[program->register_count++];
    *reg = (expr_register){.node = node, .next = *bucket};
    *bucket = program->register_count;
    return program->register_count - 1;
}

static bool register_find(const capi_program *program, const expr_node *node, const uint32_t *args, uint32_t *out)
{
    uint32_t at = program->buckets[node_hash(node, args) & (program->bucket_count - 1)];

    for (; at; at = program->registers[at - 1].next) {
        if (!same_node(program, &program->registers[at - 1], node, args)) continue;
        *out = at - 1;
        return true;
    }
    return false;
}

/* ---- instructions ---- */

static void add_instruction(capi_program *program, const expr_node *node, const uint32_t *args, uint32_t out)
{
    uint32_t number = program->instruction_count;

    program->instructions = expr_program_grow(program->arena, program->instructions, number,
                                              &program->instruction_capacity, sizeof *program->instructions);
    program->instructions[number] = (expr_instruction){
        .kernel = node->kernel,
        .type = node->type,
        .param = node->param,
        .prepared = node->prepared,
        .args = args,
        .arg_count = node->arg_count,
        .out = out,
        .output = program->output_count,
    };
    program->instruction_count++;
    for (uint32_t i = 0; i < node->arg_count; i++)
        if (program->registers[args[i]].last_use != UINT32_MAX) program->registers[args[i]].last_use = number;
    program->registers[out].kind = EXPR_REGISTER_RESULT;
    program->registers[out].number = number;
    program->registers[out].last_use = number;
    if (node->arg_count > program->arg_count_max) program->arg_count_max = node->arg_count;
}

static void set_source(capi_program *program, const expr_node *node, expr_register *reg)
{
    switch (node->kind) {
    case EXPR_NODE_FIELD:
        reg->kind = EXPR_REGISTER_INPUT;
        reg->number = node->slot;
        break;
    case EXPR_NODE_NOW: reg->kind = EXPR_REGISTER_NOW; break;
    case EXPR_NODE_CONSTANT:
    case EXPR_NODE_CALL:
        reg->kind = EXPR_REGISTER_CONSTANT;
        reg->constant = capi_vec_constant(program->arena, &node->value);
        break;
    }
}

/* The register of a node; makes it and those below it where they are not there. Depth is bounded by the parser. */
static uint32_t compile(capi_program *program, const expr_node *node)
{
    uint32_t *args = NULL;
    uint32_t out;

    if (node->kind == EXPR_NODE_CALL) {
        args = capi_new_array(program->arena, uint32_t, node->arg_count);
        for (uint32_t i = 0; i < node->arg_count; i++)
            args[i] = compile(program, node->args[i]);
    }
    if (register_find(program, node, args, &out)) return out;
    out = register_new(program, node, args);
    if (node->kind == EXPR_NODE_CALL)
        add_instruction(program, node, args, out);
    else
        set_source(program, node, &program->registers[out]);
    return out;
}

static uint32_t add_output(capi_program *program, const capi_expr *expr, const expr_node *node)
{
    uint32_t reg = compile(program, node);

    program->registers[reg].last_use = UINT32_MAX;
    program->outputs = expr_program_grow(program->arena, program->outputs, program->output_count,
                                         &program->output_capacity, sizeof *program->outputs);
    program->outputs[program->output_count] = (expr_output){.reg = reg, .expr = expr};
    return program->output_count++;
}

uint32_t capi_program_add(capi_program *program, const capi_expr *expr)
{
    return add_output(program, expr, expr->root);
}

void capi_program_add_aggregate(capi_program *program, const capi_expr *expr, uint32_t *value, uint32_t *condition)
{
    *value = expr->agg_value ? add_output(program, expr, expr->agg_value) : UINT32_MAX;
    *condition = expr->agg_condition ? add_output(program, expr, expr->agg_condition) : UINT32_MAX;
}

uint32_t capi_program_output_count(const capi_program *program)
{
    return program->output_count;
}

bool capi_program_reads_slot(const capi_program *program, uint32_t slot)
{
    for (uint32_t i = 0; i < program->register_count; i++)
        if (program->registers[i].kind == EXPR_REGISTER_INPUT && program->registers[i].number == slot) return true;
    return false;
}
