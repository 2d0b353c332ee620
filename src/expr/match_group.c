/* match_group.c - finds the groups of a program, and the rows that a pattern need look at. */
#include "expr/match_group.h"

#include "expr/regex_shim.h"

#include <stdlib.h>

/* ---- making ---- */

typedef struct group_draft {
    capi_program *program;
    uint32_t text_reg;
    uint32_t *members; /* instructions */
    uint32_t member_count;
    capi_str *texts; /* of all members, one after the other */
    uint32_t text_count, text_capacity;
} group_draft;

static bool can_be_grouped(const expr_instruction *instruction)
{
    return instruction->kernel == expr_string_match && instruction->prepared && !instruction->member &&
           expr_regex_required_count(instruction->prepared) > 0;
}

static void add_texts(group_draft *draft, const expr_regex *regex)
{
    for (uint32_t i = 0; i < expr_regex_required_count(regex); i++) {
        expr_regex_text text = expr_regex_required(regex, i);

        if (draft->text_count == draft->text_capacity) {
            draft->text_capacity = draft->text_capacity ? 2 * draft->text_capacity : 256;
            draft->texts = capi_realloc(draft->texts, capi_array_bytes(draft->text_capacity, sizeof *draft->texts));
        }
        draft->texts[draft->text_count++] = (capi_str){text.data, text.bytes};
    }
}

/* The instructions from `first` on that search the text that it searches, while there is room for their texts. */
static void collect(group_draft *draft, uint32_t first)
{
    const capi_program *program = draft->program;

    draft->text_reg = program->instructions[first].args[1];
    draft->member_count = 0;
    draft->text_count = 0;
    for (uint32_t i = first; i < program->instruction_count; i++) {
        const expr_instruction *instruction = &program->instructions[i];

        if (!can_be_grouped(instruction) || instruction->args[1] != draft->text_reg) continue;
        if (draft->text_count + expr_regex_required_count(instruction->prepared) > MATCH_GROUP_TEXTS_MAX) return;
        add_texts(draft, instruction->prepared);
        draft->members[draft->member_count++] = i;
    }
}

static void make_member(group_draft *draft, expr_instruction *instruction, const uint32_t *numbers)
{
    capi_program *program = draft->program;
    uint32_t count = expr_regex_required_count(instruction->prepared);
    uint32_t *texts = capi_new_array(program->arena, uint32_t, count);
    expr_match_member *member = capi_new(program->arena, expr_match_member);

    member->group = program->group_count;
    member->texts = texts;
    for (uint32_t i = 0; i < count; i++)
        if (numbers[i] != EXPR_TEXT_SET_NONE) texts[member->text_count++] = numbers[i];
    if (member->text_count > 0) instruction->member = member;
}

static void make_group(group_draft *draft)
{
    capi_program *program = draft->program;
    uint32_t *numbers = capi_malloc(draft->text_count * sizeof *numbers);
    const uint32_t *next = numbers;
    expr_match_group *group;

    program->groups = expr_program_grow(program->arena, program->groups, program->group_count, &program->group_capacity,
                                        sizeof *program->groups);
    group = &program->groups[program->group_count];
    group->text_reg = draft->text_reg;
    group->set = expr_text_set_new(program->arena, draft->texts, draft->text_count, numbers, &group->text_count);
    for (uint32_t i = 0; i < draft->member_count; i++) {
        expr_instruction *instruction = &program->instructions[draft->members[i]];

        make_member(draft, instruction, next);
        next += expr_regex_required_count(instruction->prepared);
    }
    program->group_count++;
    free(numbers);
}

/* The texts that are searched are few (fields, mostly), so each of them goes through all instructions once. */
void capi_program_finish(capi_program *program)
{
    group_draft draft = {.program = program};
    bool *is_done = capi_zmalloc(program->register_count + 1);

    draft.members = capi_malloc((program->instruction_count + 1) * sizeof *draft.members);
    for (uint32_t i = 0; i < program->instruction_count; i++) {
        const expr_instruction *instruction = &program->instructions[i];

        if (!can_be_grouped(instruction) || is_done[instruction->args[1]]) continue;
        collect(&draft, i);
        if (draft.member_count >= MATCH_GROUP_MIN) make_group(&draft);
        is_done[draft.text_reg] = true;
    }
    free(is_done);
    free(draft.members);
    free(draft.texts);
}

/* ---- using ---- */

void expr_match_group_search(const expr_match_group *group, const capi_vec *text, uint32_t row_count, capi_arena *arena,
                             expr_match_found *found)
{
    size_t bytes = (size_t)group->text_count * MATCH_GROUP_WORDS * sizeof *found->bits;

    if (!found->bits) found->bits = capi_arena_alloc_aligned(arena, bytes);
    memset(found->bits, 0, bytes);
    for (uint32_t row = 0; row < row_count; row++)
        expr_text_set_mark(group->set, capi_view_str(&text->views[row]), found->bits + row / 64, MATCH_GROUP_WORDS,
                           1ull << row % 64);
    found->is_current = true;
}

void expr_match_group_rows(const expr_match_member *member, const expr_match_found *found, uint64_t *rows)
{
    memcpy(rows, &found->bits[(size_t)member->texts[0] * MATCH_GROUP_WORDS], MATCH_GROUP_WORDS * sizeof *rows);
    for (uint32_t i = 1; i < member->text_count; i++) {
        const uint64_t *more = &found->bits[(size_t)member->texts[i] * MATCH_GROUP_WORDS];

        for (uint32_t word = 0; word < MATCH_GROUP_WORDS; word++)
            rows[word] &= more[word];
    }
}
