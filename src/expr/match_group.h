/* match_group.h - the regular expressions of a program that search the same text, matched together.
 *
 * Most patterns have texts that every match contains (regex_required.h). One pass over a row finds which of the texts of all
 * patterns occur in it; only rows with a text of each clause of a pattern are then given to its automaton. A pattern without
 * such texts is matched alone. Patterns that ignore case are a group of their own.
 * Groups are a part of the program: made by capi_program_finish, then immutable. What they found is in the evaluator. */
#pragma once

#include "expr/program.h"
#include "expr/text_set.h"

enum {
    MATCH_GROUP_MIN = 8, /* fewer patterns are not worth a pass of their own */
    MATCH_GROUP_WORDS = CAPI_CHUNK_ROWS / 64,
    MATCH_GROUP_TEXTS_MAX = 32768, /* 8 MB of bits; patterns for which there is no room make another group */
    MATCH_GROUPS_MAX = 16,         /* of a program; further patterns are matched alone */
};

struct expr_match_group {
    uint32_t text_reg;
    const expr_text_set *set;
    uint32_t text_count; /* of the set */
};

/* Texts as numbers of the group's set; at least one. */
typedef struct expr_match_clause {
    uint32_t text_count;
    const uint32_t *texts;
} expr_match_clause;

/* What one pattern needs; at least one clause. */
struct expr_match_member {
    uint32_t group;
    uint32_t clause_count;
    expr_match_clause *clauses;
};

/* One group and one chunk of rows: which rows hold which text. */
typedef struct expr_match_found {
    bool is_current;
    uint64_t *bits; /* [text][MATCH_GROUP_WORDS]; NULL until it is first needed */
} expr_match_found;

/* Searches all rows of the text. */
void expr_match_group_search(const expr_match_group *group, const capi_vec *text, uint32_t row_count, capi_arena *arena,
                             expr_match_found *found);
/* The rows that have a text of each clause of the pattern, into rows[MATCH_GROUP_WORDS]. */
void expr_match_group_rows(const expr_match_member *member, const expr_match_found *found, uint64_t *rows);
