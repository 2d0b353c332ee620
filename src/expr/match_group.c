/* match_group.c - finds the groups of a program, and the rows that a pattern need look at. */
#include "expr/match_group.h"

#include "expr/regex_shim.h"

#include <stdlib.h>

/* ---- making ---- */

typedef struct group_draft {
    capi_program *program;
    uint32_t text_reg;
    expr_text_case text_case;
    uint32_t *members; /* instructions */
    uint32_t member_count;
    capi_str *texts; /* of all members, one after the other */
    uint32_t text_count, text_capacity;
} group_draft;

static bool can_be_grouped(const expr_instruction *instruction)
{
    return instruction->kernel == expr_string_match && instruction->prepared && !instruction->member &&
           expr_regex_required(instruction->prepared)->text_count > 0;
}

static expr_text_case case_of(const expr_instruction *instruction)
{
    return expr_regex_required(instruction->prepared)->is_folded ? EXPR_TEXT_FOLDED : EXPR_TEXT_EXACT;
}

static void add_texts(group_draft *draft, const expr_required *required)
{
    for (uint32_t i = 0; i < required->text_count; i++) {
        if (draft->text_count == draft->text_capacity) {
            draft->text_capacity = draft->text_capacity ? 2 * draft->text_capacity : 256;
            draft->texts = capi_realloc(draft->texts, capi_array_bytes(draft->text_capacity, sizeof *draft->texts));
        }
        draft->texts[draft->text_count++] = (capi_str){required->texts[i].data, required->texts[i].bytes};
    }
}

/* The instructions from `first` on that search the text that it searches, as it does, while there is room for their texts. */
static void collect(group_draft *draft, uint32_t first)
{
    const capi_program *program = draft->program;

    draft->text_reg = program->instructions[first].args[1];
    draft->text_case = case_of(&program->instructions[first]);
    draft->member_count = 0;
    draft->text_count = 0;
    for (uint32_t i = first; i < program->instruction_count; i++) {
        const expr_instruction *instruction = &program->instructions[i];
        const expr_required *required;

        if (!can_be_grouped(instruction) || instruction->args[1] != draft->text_reg) continue;
        if (case_of(instruction) != draft->text_case) continue;
        required = expr_regex_required(instruction->prepared);
        if (draft->text_count + required->text_count > MATCH_GROUP_TEXTS_MAX) return;
        add_texts(draft, required);
        draft->members[draft->member_count++] = i;
    }
}

/* The texts of the clause that begins at `first`; none if one of them is not in the set. */
static expr_match_clause make_clause(capi_arena *arena, const expr_required *required, uint32_t first,
                                     const uint32_t *numbers)
{
    uint32_t *texts = capi_new_array(arena, uint32_t, required->text_count - first);
    expr_match_clause clause = {.texts = texts};
    uint32_t number = required->texts[first].clause;

    for (uint32_t i = first; i < required->text_count && required->texts[i].clause == number; i++) {
        if (numbers[i] == EXPR_TEXT_SET_NONE) return (expr_match_clause){0};
        texts[clause.text_count++] = numbers[i];
    }
    return clause;
}

static void make_member(group_draft *draft, expr_instruction *instruction, const uint32_t *numbers)
{
    capi_program *program = draft->program;
    const expr_required *required = expr_regex_required(instruction->prepared);
    expr_match_member *member = capi_new(program->arena, expr_match_member);

    member->group = program->group_count;
    member->clauses = capi_new_array(program->arena, expr_match_clause, required->clause_count);
    for (uint32_t i = 0; i < required->text_count; i++) {
        expr_match_clause *clause = &member->clauses[member->clause_count];

        if (i > 0 && required->texts[i].clause == required->texts[i - 1].clause) continue;
        *clause = make_clause(program->arena, required, i, numbers);
        member->clause_count += clause->text_count > 0;
    }
    if (member->clause_count > 0) instruction->member = member;
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
    group->set = expr_text_set_new(program->arena, draft->texts, draft->text_count, draft->text_case, numbers,
                                   &group->text_count);
    for (uint32_t i = 0; i < draft->member_count; i++) {
        expr_instruction *instruction = &program->instructions[draft->members[i]];

        make_member(draft, instruction, next);
        next += expr_regex_required(instruction->prepared)->text_count;
    }
    program->group_count++;
    free(numbers);
}

/* The texts that are searched are few (fields, mostly), so each of them goes through all instructions once or twice. */
void capi_program_finish(capi_program *program)
{
    group_draft draft = {.program = program};
    bool(*is_done)[2] = capi_zmalloc((program->register_count + 1) * sizeof *is_done);

    draft.members = capi_malloc((program->instruction_count + 1) * sizeof *draft.members);
    for (uint32_t i = 0; i < program->instruction_count && program->group_count < MATCH_GROUPS_MAX; i++) {
        const expr_instruction *instruction = &program->instructions[i];

        if (!can_be_grouped(instruction) || is_done[instruction->args[1]][case_of(instruction)]) continue;
        collect(&draft, i);
        if (draft.member_count >= MATCH_GROUP_MIN)
            make_group(&draft);
        else
            is_done[draft.text_reg][draft.text_case] = true;
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

static const uint64_t *rows_with(const expr_match_found *found, uint32_t text)
{
    return &found->bits[(size_t)text * MATCH_GROUP_WORDS];
}

static void keep_rows_of_clause(const expr_match_clause *clause, const expr_match_found *found, uint64_t *rows)
{
    uint64_t any[MATCH_GROUP_WORDS] = {0};

    for (uint32_t i = 0; i < clause->text_count; i++) {
        const uint64_t *more = rows_with(found, clause->texts[i]);

        for (uint32_t word = 0; word < MATCH_GROUP_WORDS; word++)
            any[word] |= more[word];
    }
    for (uint32_t word = 0; word < MATCH_GROUP_WORDS; word++)
        rows[word] &= any[word];
}

static void keep_rows_of_text(uint32_t text, const expr_match_found *found, uint64_t *rows)
{
    const uint64_t *more = rows_with(found, text);

    for (uint32_t word = 0; word < MATCH_GROUP_WORDS; word++)
        rows[word] &= more[word];
}

void expr_match_group_rows(const expr_match_member *member, const expr_match_found *found, uint64_t *rows)
{
    memset(rows, 0xff, MATCH_GROUP_WORDS * sizeof *rows);
    for (uint32_t i = 0; i < member->clause_count; i++) {
        if (member->clauses[i].text_count == 1)
            keep_rows_of_text(member->clauses[i].texts[0], found, rows);
        else
            keep_rows_of_clause(&member->clauses[i], found, rows);
    }
}
