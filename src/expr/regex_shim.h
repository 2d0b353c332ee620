/* regex_shim.h - RE2 for C, with the few differences to Go's regexp settled.
 *
 * A compiled pattern is immutable; any number of threads may match with it. Memory and time are bounded by RE2: matching is
 * linear in the text. */
#pragma once

#include "expr/regex_required.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct expr_regex expr_regex;

typedef struct expr_regex_text {
    const char *data;
    size_t bytes;
} expr_regex_text;

/* NULL if the pattern is not valid; `why` (of why_bytes) then tells the reason. */
expr_regex *expr_regex_compile(const char *pattern, size_t bytes, char *why, size_t why_bytes);
void expr_regex_free(expr_regex *regex); /* NULL is fine */

/* Texts that a match must contain; borrowed from the pattern. */
const expr_required *expr_regex_required(const expr_regex *regex);

/* Is there a match anywhere in the text? */
bool expr_regex_match(const expr_regex *regex, const char *text, size_t bytes);
/* The same, for a text that is known to hold most of what is required. */
bool expr_regex_match_candidate(const expr_regex *regex, const char *text, size_t bytes);
/* The same for many texts: out[i] is 0 or 1. */
void expr_regex_match_batch(const expr_regex *regex, const expr_regex_text *texts, uint32_t count, uint8_t *out);

#ifdef __cplusplus
}
#endif
