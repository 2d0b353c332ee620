/* evaluator.c - runs a program over the rows of a chunk, one instruction after the other, each over all rows.
 *
 * An instruction that fails at row k cuts the number of rows for those after it to k: rows above cannot become the lowest
 * failing one any more. So the last failure is the lowest row, and of several in one row the first in the order of
 * evaluation. Instructions whose operands are all constants run over one row, and their result is a constant. */
#include "expr/match_group.h"
#include "expr/message.h"
#include "expr/program.h"

#include <assert.h>
#include <stdlib.h>

struct capi_evaluator {
    const capi_program *program;
    capi_arena arena;
    expr_run run;
    capi_vec *registers;
    bool *is_owned;  /* per register: its memory is a buffer of the run, to be given back */
    bool *is_pinned; /* per register: another one shares its memory */
    capi_vec *args;  /* of the current instruction */
    uint32_t *slots; /* registers that are inputs */
    uint32_t slot_count;
    expr_match_found *found;                /* by match group */
    uint64_t candidates[MATCH_GROUP_WORDS]; /* of the current instruction */
};

typedef struct run_failure {
    bool is_set;
    uint32_t row;
    uint32_t output;
} run_failure;

capi_evaluator *capi_evaluator_new(const capi_program *program, capi_instant now)
{
    capi_evaluator *evaluator = capi_zmalloc(sizeof *evaluator);
    capi_value now_value = {.type = CAPI_DATETIME, .instant = now};
    uint32_t count = program->register_count;

    evaluator->program = program;
    expr_run_init(&evaluator->run, CAPI_CHUNK_ROWS);
    evaluator->registers = capi_new_array(&evaluator->arena, capi_vec, count);
    evaluator->is_owned = capi_new_array(&evaluator->arena, bool, count);
    evaluator->is_pinned = capi_new_array(&evaluator->arena, bool, count);
    evaluator->slots = capi_new_array(&evaluator->arena, uint32_t, count);
    evaluator->found = capi_new_array(&evaluator->arena, expr_match_found, program->group_count);
    evaluator->args = capi_new_array(&evaluator->arena, capi_vec, program->arg_count_max);
    for (uint32_t i = 0; i < count; i++) {
        if (program->registers[i].kind == EXPR_REGISTER_CONSTANT)
            evaluator->registers[i] = program->registers[i].constant;
        if (program->registers[i].kind == EXPR_REGISTER_NOW)
            evaluator->registers[i] = capi_vec_constant(&evaluator->arena, &now_value);
        if (program->registers[i].kind == EXPR_REGISTER_INPUT) evaluator->slots[evaluator->slot_count++] = i;
    }
    return evaluator;
}

void capi_evaluator_free(capi_evaluator *evaluator)
{
    if (!evaluator) return;
    expr_run_deinit(&evaluator->run);
    capi_arena_deinit(&evaluator->arena);
    free(evaluator);
}

static void release(capi_evaluator *evaluator, uint32_t reg)
{
    if (!evaluator->is_owned[reg]) return;
    expr_run_release(&evaluator->run, &evaluator->registers[reg]);
    evaluator->is_owned[reg] = false;
}

/* Takes back what the last run handed out, and takes the new inputs. */
static void begin(capi_evaluator *evaluator, const capi_vec *inputs)
{
    const capi_program *program = evaluator->program;

    for (uint32_t i = 0; i < program->instruction_count; i++) {
        release(evaluator, program->instructions[i].out);
        evaluator->is_pinned[program->instructions[i].out] = false;
    }
    for (uint32_t i = 0; i < evaluator->slot_count; i++) {
        uint32_t reg = evaluator->slots[i];

        evaluator->registers[reg] = inputs[program->registers[reg].number];
    }
    for (uint32_t i = 0; i < program->group_count; i++)
        evaluator->found[i].is_current = false;
    expr_run_reset(&evaluator->run);
}

/* A result that shares the memory of an operand keeps that operand alive until the next run. */
static void take_result(capi_evaluator *evaluator, const expr_instruction *instruction, const capi_vec *result)
{
    bool is_shared = false;

    for (uint32_t i = 0; i < instruction->arg_count; i++) {
        uint32_t arg = instruction->args[i];

        if (evaluator->registers[arg].data != result->data) continue;
        evaluator->is_pinned[arg] = true;
        is_shared = true;
    }
    evaluator->registers[instruction->out] = *result;
    evaluator->is_owned[instruction->out] = !is_shared;
}

static void release_operands(capi_evaluator *evaluator, const expr_instruction *instruction, uint32_t number)
{
    for (uint32_t i = 0; i < instruction->arg_count; i++) {
        uint32_t arg = instruction->args[i];

        if (evaluator->program->registers[arg].last_use == number && !evaluator->is_pinned[arg])
            release(evaluator, arg);
    }
}

/* The rows that may match; NULL if the text is the same in all rows. The first of a group's instructions searches for all
 * of them: those after it see no more rows than it. */
static const uint64_t *find_candidates(capi_evaluator *evaluator, const expr_match_member *member, uint32_t row_count)
{
    const expr_match_group *group = &evaluator->program->groups[member->group];
    const capi_vec *text = &evaluator->registers[group->text_reg];
    expr_match_found *found = &evaluator->found[member->group];

    if (text->is_constant) return NULL;
    if (!found->is_current) expr_match_group_search(group, text, row_count, &evaluator->arena, found);
    expr_match_group_rows(member, found, evaluator->candidates);
    return evaluator->candidates;
}

/* The number of rows done: row_count, or the row that failed. */
static uint32_t run_instruction(capi_evaluator *evaluator, const expr_instruction *instruction, uint32_t row_count)
{
    expr_call call = {.args = evaluator->args,
                      .arg_count = instruction->arg_count,
                      .row_count = row_count,
                      .type = instruction->type,
                      .param = instruction->param,
                      .prepared = instruction->prepared,
                      .run = &evaluator->run};
    bool all_constant = true;
    capi_vec result;
    uint32_t done;

    for (uint32_t i = 0; i < instruction->arg_count; i++) {
        evaluator->args[i] = evaluator->registers[instruction->args[i]];
        all_constant &= evaluator->args[i].is_constant;
    }
    if (all_constant) {
        call.row_count = 1;
        for (uint32_t i = 0; i < instruction->arg_count; i++)
            evaluator->args[i].is_constant = false;
    }
    if (instruction->member) call.candidates = find_candidates(evaluator, instruction->member, row_count);
    done = instruction->kernel(&call, &result);
    result.is_constant = all_constant;
    take_result(evaluator, instruction, &result);
    return done == call.row_count ? row_count : done;
}

static void run_all(capi_evaluator *evaluator, uint32_t row_count, run_failure *failure)
{
    const capi_program *program = evaluator->program;

    for (uint32_t i = 0; i < program->instruction_count && row_count > 0; i++) {
        const expr_instruction *instruction = &program->instructions[i];
        uint32_t done = run_instruction(evaluator, instruction, row_count);

        if (done < row_count) {
            failure->is_set = true;
            failure->row = done;
            failure->output = instruction->output;
            row_count = done;
        }
        release_operands(evaluator, instruction, i);
    }
}

/* No rows: vectors of the right types that nobody reads. */
static void give_empty(capi_evaluator *evaluator, capi_vec *outputs)
{
    const capi_program *program = evaluator->program;

    for (uint32_t i = 0; i < program->output_count; i++) {
        const expr_register *reg = &program->registers[program->outputs[i].reg];
        capi_type type = reg->node->type;

        outputs[i] = evaluator->registers[program->outputs[i].reg];
        if (reg->kind == EXPR_REGISTER_RESULT)
            outputs[i] = capi_vec_new(&evaluator->run.texts, type, capi_form_stored(type), 1);
    }
    evaluator->run.text_bytes++; /* the arena of texts is in use */
}

capi_status capi_evaluator_run(capi_evaluator *evaluator, const capi_vec *inputs, uint32_t row_count, capi_vec *outputs,
                               uint32_t *bad_row, uint32_t *bad_output, capi_err *err)
{
    const capi_program *program = evaluator->program;
    run_failure failure = {0};

    assert(row_count <= CAPI_CHUNK_ROWS);
    begin(evaluator, inputs);
    if (row_count == 0) {
        give_empty(evaluator, outputs);
        return CAPI_OK;
    }
    run_all(evaluator, row_count, &failure);
    if (failure.is_set) {
        if (bad_row) *bad_row = failure.row;
        if (bad_output) *bad_output = failure.output;
        capi_err_copy(err, &evaluator->run.cause);
        if (err) err->offset = -1;
        expr_note_failure(program->outputs[failure.output].expr, inputs, failure.row, err);
        return evaluator->run.cause.status;
    }
    for (uint32_t i = 0; i < program->output_count; i++)
        outputs[i] = evaluator->registers[program->outputs[i].reg];
    return CAPI_OK;
}

uint32_t capi_select_true(const capi_vec *condition, uint32_t row_count, uint32_t *rows)
{
    const uint8_t *restrict bools = condition->bools;
    uint32_t count = 0;

    if (condition->is_constant) {
        if (row_count == 0 || !bools[0]) return 0;
        for (uint32_t row = 0; row < row_count; row++)
            rows[row] = row;
        return row_count;
    }
    for (uint32_t row = 0; row < row_count; row++) {
        rows[count] = row;
        count += bools[row];
    }
    return count;
}
