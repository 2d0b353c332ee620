/* arena.c - bump allocation from blocks that double in size up to a limit. */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_FIRST_BYTES = 4096, ARENA_BLOCK_MAX = 1 << 20, ARENA_ALIGN = 16 };

struct capi_arena_block {
    capi_arena_block *older;
    size_t bytes; /* of the whole block, this header included */
};

struct capi_arena_hook {
    capi_arena_hook *older;
    void (*fn)(void *context);
    void *context;
};

static _Noreturn void die_no_memory(size_t bytes)
{
    fprintf(stderr, "error: out of memory while asking for %zu bytes\n", bytes);
    abort();
}

void *capi_malloc(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1);

    if (!memory) die_no_memory(bytes);
    return memory;
}

void *capi_zmalloc(size_t bytes)
{
    void *memory = calloc(1, bytes ? bytes : 1);

    if (!memory) die_no_memory(bytes);
    return memory;
}

void *capi_realloc(void *memory, size_t bytes)
{
    void *larger = realloc(memory, bytes ? bytes : 1);

    if (!larger) die_no_memory(bytes);
    return larger;
}

size_t capi_array_bytes(size_t count, size_t item_bytes)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, item_bytes, &bytes)) die_no_memory(SIZE_MAX);
    return bytes;
}

static void arena_use_block(capi_arena *arena, capi_arena_block *block)
{
    arena->next = (char *)block + sizeof *block;
    arena->end = (char *)block + block->bytes;
}

static void arena_grow(capi_arena *arena, size_t need_bytes)
{
    size_t bytes = arena->block ? arena->block->bytes * 2 : ARENA_FIRST_BYTES;
    capi_arena_block *block;

    if (bytes > ARENA_BLOCK_MAX) bytes = ARENA_BLOCK_MAX;
    if (need_bytes > SIZE_MAX / 2) die_no_memory(need_bytes);
    if (bytes < need_bytes + sizeof *block) bytes = need_bytes + sizeof *block;
    block = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    if (!block) die_no_memory(bytes);
    block->older = arena->block;
    block->bytes = bytes;
    arena->block = block;
    arena->total_bytes += bytes;
    arena_use_block(arena, block);
}

static void *arena_take(capi_arena *arena, size_t bytes, size_t align)
{
    uintptr_t at = ((uintptr_t)arena->next + align - 1) & ~(uintptr_t)(align - 1);

    if (!arena->next || at > (uintptr_t)arena->end || (uintptr_t)arena->end - at < bytes) {
        arena_grow(arena, bytes + align);
        at = ((uintptr_t)arena->next + align - 1) & ~(uintptr_t)(align - 1);
    }
    arena->next = (char *)(at + bytes);
    return (void *)at;
}

void *capi_arena_alloc(capi_arena *arena, size_t bytes)
{
    return arena_take(arena, bytes, ARENA_ALIGN);
}

void *capi_arena_alloc_aligned(capi_arena *arena, size_t bytes)
{
    return arena_take(arena, bytes, 64);
}

void *capi_arena_zalloc(capi_arena *arena, size_t bytes)
{
    return memset(arena_take(arena, bytes, ARENA_ALIGN), 0, bytes);
}

void *capi_arena_copy(capi_arena *arena, const void *data, size_t bytes)
{
    void *copy = arena_take(arena, bytes, ARENA_ALIGN);

    if (bytes) memcpy(copy, data, bytes);
    return copy;
}

void capi_arena_on_end(capi_arena *arena, void (*fn)(void *context), void *context)
{
    capi_arena_hook *hook = capi_new(arena, capi_arena_hook);

    *hook = (capi_arena_hook){.older = arena->hooks, .fn = fn, .context = context};
    arena->hooks = hook;
}

static void arena_run_hooks(capi_arena *arena)
{
    while (arena->hooks) {
        capi_arena_hook *hook = arena->hooks;

        arena->hooks = hook->older;
        hook->fn(hook->context);
    }
}

/* Frees the blocks but the newest, which is the largest so far or holds the largest value. */
void capi_arena_reset(capi_arena *arena)
{
    arena_run_hooks(arena);
    if (!arena->block) return;
    while (arena->block->older) {
        capi_arena_block *older = arena->block->older;

        arena->block->older = older->older;
        arena->total_bytes -= older->bytes;
        free(older);
    }
    arena_use_block(arena, arena->block);
}

void capi_arena_deinit(capi_arena *arena)
{
    arena_run_hooks(arena);
    while (arena->block) {
        capi_arena_block *block = arena->block;

        arena->block = block->older;
        free(block);
    }
    *arena = (capi_arena){0};
}
