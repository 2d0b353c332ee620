/* large.c - maps whole huge pages, aligned by mapping one more and giving back what sticks out. */
#include "exec/large.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { HUGE_PAGE_BYTES = 2 << 20 };

static uint64_t round_up(uint64_t bytes)
{
    return (bytes + HUGE_PAGE_BYTES - 1) & ~(uint64_t)(HUGE_PAGE_BYTES - 1);
}

void *exec_large_alloc(uint64_t bytes)
{
    uint64_t rounded = round_up(bytes);
    uint64_t before;
    char *memory;

    if (bytes < HUGE_PAGE_BYTES) return capi_zmalloc(bytes ? bytes : 1);
    memory = mmap(NULL, rounded + HUGE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        fprintf(stderr, "error: out of memory: could not get %llu bytes\n", (unsigned long long)bytes);
        abort();
    }
    before = round_up((uintptr_t)memory) - (uintptr_t)memory;
    if (before) munmap(memory, before);
    if (before < HUGE_PAGE_BYTES) munmap(memory + before + rounded, HUGE_PAGE_BYTES - before);
    memory += before;
    (void)madvise(memory, rounded, MADV_HUGEPAGE);
    return memory;
}

void exec_large_free(void *memory, uint64_t bytes)
{
    if (!memory) return;
    if (bytes < HUGE_PAGE_BYTES)
        free(memory);
    else
        munmap(memory, round_up(bytes));
}
