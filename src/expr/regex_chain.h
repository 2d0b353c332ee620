/* regex_chain.h - patterns that are only texts with repeated classes between them: "k":"[^"]*word[^"]*"
 *
 * They are common, and need no automaton. With (?i) before them they are chains of folded texts. A chain is immutable; any
 * number of threads may match with it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct expr_regex_chain expr_regex_chain;

/* The chain of a valid pattern, or NULL if it is of another kind. */
expr_regex_chain *expr_regex_chain_new(const char *pattern, size_t bytes);
void expr_regex_chain_free(expr_regex_chain *chain); /* NULL is fine */

/* Does the chain want its texts as expr_text_fold makes them? */
bool expr_regex_chain_is_folded(const expr_regex_chain *chain);
/* Is there a match anywhere in the text? The time is linear in the text. */
bool expr_regex_chain_match(const expr_regex_chain *chain, const char *text, size_t bytes);

#ifdef __cplusplus
}
#endif
