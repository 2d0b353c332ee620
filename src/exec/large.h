/* large.h - memory for big arrays that are read at random: in huge pages where the system has them.
 *
 * Zeroed, as it comes from the system; nothing is cleared twice. Small arrays come from the heap. */
#pragma once

#include <stdint.h>

/* bytes 0 gives a valid pointer. Ends the process when there is no memory, like capi_malloc. */
void *exec_large_alloc(uint64_t bytes);
/* `bytes` as it was asked for. NULL is fine. */
void exec_large_free(void *memory, uint64_t bytes);
