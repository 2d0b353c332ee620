/* text_find.h - where a short text first occurs in another. */
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The first place of `part` in `text`, or NULL; an empty part is at the beginning. */
const char *expr_text_find(const char *text, size_t text_bytes, const char *part, size_t part_bytes);

#ifdef __cplusplus
}
#endif
