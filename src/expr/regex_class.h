/* regex_class.h - which characters a part of a pattern stands for, if it stands for one: [^\pL,] or . or a letter in any case.
 *
 * Equal classes are shared by all patterns of the process; any number of threads may ask. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { REGEX_CLASS_LOW = 2048 }; /* characters of one or two bytes */

typedef struct expr_regex_class {
    uint64_t low[REGEX_CLASS_LOW / 64]; /* one bit each */
} expr_regex_class;

/* `source` as in a pattern, `flags` as in (?is). NULL if it is not valid. */
const expr_regex_class *expr_regex_class_ref(const char *flags, const char *source, size_t bytes);
void expr_regex_class_unref(const expr_regex_class *wanted); /* NULL is fine */

bool expr_regex_class_has_high(const expr_regex_class *wanted, uint32_t rune);

static inline bool expr_regex_class_has(const expr_regex_class *wanted, uint32_t rune)
{
    if (rune < REGEX_CLASS_LOW) return wanted->low[rune / 64] >> rune % 64 & 1;
    return expr_regex_class_has_high(wanted, rune);
}

#ifdef __cplusplus
}
#endif
