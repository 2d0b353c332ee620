/* distinct.h - a set of keys that remembers where each was seen first. Not for several threads at once.
 *
 * Memory comes from the budget. A set that cannot grow any more is *full*: it goes on finding the keys it has, and takes
 * those it does not have for new without remembering them. */
#pragma once

#include "exec/keys.h"

typedef struct distinct_set distinct_set;

/* is_int64: keys are numbers, told apart by their hashes alone (keys.h). limit_bytes: more is not even asked for. */
distinct_set *distinct_set_new(capi_exec *exec, bool is_int64, uint64_t limit_bytes);
void distinct_set_free(distinct_set *set); /* NULL is fine */
/* Forgets all keys and keeps the memory. */
void distinct_set_clear(distinct_set *set);
bool distinct_set_is_full(const distinct_set *set);

/* Adds keys in order; selected[] gets the positions of those that are new, ascending; returns how many. rows[i] is
 * remembered as the place of key i (NULL: 0); first_seen[i] (or NULL) becomes the place of the key where it is not new.
 * At most CAPI_CHUNK_ROWS keys. */
uint32_t distinct_set_add(distinct_set *set, const uint64_t *hashes, const capi_view *views, const uint64_t *rows,
                          uint32_t count, uint32_t *selected, uint64_t *first_seen);
