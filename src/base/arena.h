/* arena.h - memory grouped by lifetime: everything in an arena is freed at once.
 *
 *     capi_arena arena = {0};        all zero is valid and empty
 *     node = capi_new(&arena, capi_node);
 *     capi_arena_deinit(&arena);     runs the hooks, last first, then frees
 *
 * There is one arena per lifetime (loaded script, run, batch, chunk), passed as an argument named for it. Nothing is
 * freed singly. An arena belongs to one thread at a time. Small allocations do not fail: out of memory ends the process. */
#pragma once

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

typedef struct capi_arena_block capi_arena_block;
typedef struct capi_arena_hook capi_arena_hook;

typedef struct capi_arena {
    char *next; /* free part of the newest block */
    char *end;
    capi_arena_block *block; /* newest first */
    capi_arena_hook *hooks;
    size_t total_bytes; /* of all blocks: what the arena costs */
} capi_arena;

/* Uninitialised memory, aligned to 16 bytes; `bytes` 0 gives a valid pointer. */
void *capi_arena_alloc(capi_arena *arena, size_t bytes);

/* Same, aligned to 64 bytes: for vectors. */
void *capi_arena_alloc_aligned(capi_arena *arena, size_t bytes);

/* Zeroed. */
void *capi_arena_zalloc(capi_arena *arena, size_t bytes);

void *capi_arena_copy(capi_arena *arena, const void *data, size_t bytes);

/* Calls fn(context) when the arena is reset or ends: closes what a value in the arena owns outside of it. */
void capi_arena_on_end(capi_arena *arena, void (*fn)(void *context), void *context);

/* Runs the hooks and forgets all values, but keeps the memory for the next round: for chunks. */
void capi_arena_reset(capi_arena *arena);

void capi_arena_deinit(capi_arena *arena);

#define capi_new(arena, type) ((type *)capi_arena_zalloc((arena), sizeof(type)))
#define capi_new_array(arena, type, count) ((type *)capi_arena_zalloc((arena), capi_array_bytes((count), sizeof(type))))

/* count * item_bytes; ends the process when that does not fit. */
size_t capi_array_bytes(size_t count, size_t item_bytes);

/* malloc and friends that end the process when there is no memory: for small things outside of arenas. */
void *capi_malloc(size_t bytes);
void *capi_zmalloc(size_t bytes);
void *capi_realloc(void *memory, size_t bytes);
