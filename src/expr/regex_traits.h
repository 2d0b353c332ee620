/* regex_traits.h - what decides how a pattern is matched. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct expr_regex_traits {
    uint64_t size;    /* about how many instructions RE2 needs, rather too many than too few */
    bool has_no_edge; /* \B: for RE2 also true inside of characters */
} expr_regex_traits;

/* All zero if the pattern is not understood. */
expr_regex_traits expr_regex_traits_of(const char *pattern, size_t bytes);

#ifdef __cplusplus
}
#endif
