/* key_text.h - strings as key components: normalised, stripped of nonspacing marks, cut, upper-cased. */
#pragma once

#include "base/str.h"

/* Working memory for many strings; lives in the arena. */
typedef struct capi_key_scratch {
    capi_arena *arena;
    int32_t *characters;
    uint32_t character_max;
    char *bytes;
    uint32_t byte_max;
} capi_key_scratch;

typedef struct capi_key_text {
    capi_str text; /* without blanks at its end; in the original string or in the scratch (until the next call) */
    int32_t length_delta; /* bytes that upper-casing added */
} capi_key_text;

/* The first `length` bytes of the normalised text. Invalid UTF-8 counts as U+FFFD, byte by byte; a character that the cut
 * broke stays broken. */
capi_key_text capi_key_text_make(capi_key_scratch *scratch, capi_str text, uint32_t length, bool ignore_case);
