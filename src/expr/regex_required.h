/* regex_required.h - texts that a match must contain, read from the pattern: searching for them is much faster than an
 * automaton, and most rows do not have them.
 *
 * They come as clauses: of each clause at least one text occurs in every match. A text that is folded is in lower case and
 * stands for itself in any case, where the long s and the Kelvin sign are the letters s and k in another case. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct expr_required_text {
    const char *data;
    uint32_t bytes;  /* two or more */
    uint32_t clause; /* ascending from 0; clauses of one text each stand in the order in which a match has them */
    bool is_folded;
} expr_required_text;

typedef struct expr_required {
    const expr_required_text *texts;
    uint32_t text_count;
    uint32_t clause_count;
    bool is_folded; /* one of the texts at least */
} expr_required;

/* Of a pattern that RE2 accepts; no texts if nothing is sure. */
expr_required *expr_required_new(const char *pattern, size_t bytes);
void expr_required_free(expr_required *required); /* NULL is fine */

#ifdef __cplusplus
}
#endif
