/* text_set.h - many short texts searched for at once, in one pass over a text.
 *
 * A set is immutable; any number of threads may search with it. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

typedef struct expr_text_set expr_text_set;

#define EXPR_TEXT_SET_NONE UINT32_MAX

/* Are letters the same in any case? As in text_fold.h. */
typedef enum expr_text_case { EXPR_TEXT_EXACT, EXPR_TEXT_FOLDED } expr_text_case;

/* Sets numbers[i] to the number under which parts[i] is found: equal parts share one, numbers are below `number_count`.
 * Long parts are found by their beginning alone. A part that is empty, or for which the bounded memory does not suffice, is
 * not in the set: EXPR_TEXT_SET_NONE. Parts of a folded set hold neither a long s nor a Kelvin sign. */
expr_text_set *expr_text_set_new(capi_arena *arena, const capi_str *parts, uint32_t count, expr_text_case text_case,
                                 uint32_t *numbers, uint32_t *number_count);

/* For every part that occurs in the text: sets `bit` in words[number * stride]. */
void expr_text_set_mark(const expr_text_set *set, capi_str text, uint64_t *words, size_t stride, uint64_t bit);
