/* regex_states.h - patterns that are small but whose automaton is not, such as [\pL ]{1,500}x: repeats are counted, and a
 * class is one step however many characters it has.
 *
 * Slower than an automaton, but as fast made as the pattern is short. States are immutable; any number of threads may match
 * with them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct expr_regex_states expr_regex_states;

/* Of a pattern that RE2 accepts or finds too large; NULL if it is too large for this too. */
expr_regex_states *expr_regex_states_new(const char *pattern, size_t bytes);
void expr_regex_states_free(expr_regex_states *states); /* NULL is fine */

/* What a match needs to work in; zero or any bytes, aligned for uint64_t. */
size_t expr_regex_states_room(const expr_regex_states *states);
/* Is there a match anywhere in the text? The time is linear in the text. Bytes that are no UTF-8 are U+FFFD. */
bool expr_regex_states_match(const expr_regex_states *states, const char *text, size_t bytes, void *room);

#ifdef __cplusplus
}
#endif
