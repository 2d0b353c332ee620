#include "base/test.h"

TEST(values_are_aligned_zeroed_and_stay_until_the_end)
{
    capi_arena arena = {0};
    uint64_t *values[500];

    for (uint64_t i = 0; i < 500; i++) {
        values[i] = capi_new_array(&arena, uint64_t, i);
        CHECK_INT((uintptr_t)values[i] % 16, 0);
        for (uint64_t k = 0; k < i; k++) {
            CHECK_INT(values[i][k], 0);
            values[i][k] = i;
        }
        CHECK_INT((uintptr_t)capi_arena_alloc_aligned(&arena, i) % 64, 0);
    }
    for (uint64_t i = 0; i < 500; i++)
        for (uint64_t k = 0; k < i; k++)
            CHECK_INT(values[i][k], i);
    CHECK(arena.total_bytes > 500 * 499 / 2 * 8);
    capi_arena_deinit(&arena);
    CHECK_INT(arena.total_bytes, 0);
}

TEST(a_value_larger_than_any_block_fits)
{
    capi_arena arena = {0};
    char *large = capi_arena_alloc(&arena, 5 << 20);

    memset(large, 1, 5 << 20);
    CHECK(capi_arena_alloc(&arena, 0));
    CHECK_STR(capi_arena_copy(&arena, "text", 5), "text");
    capi_arena_deinit(&arena);
}

static char calls[8];

static void note_call(void *context)
{
    size_t count = strlen(calls);

    calls[count] = *(const char *)context;
    calls[count + 1] = 0;
}

TEST(hooks_run_last_first_and_once)
{
    capi_arena arena = {0};

    calls[0] = 0;
    capi_arena_on_end(&arena, note_call, "a");
    capi_arena_on_end(&arena, note_call, "b");
    capi_arena_reset(&arena);
    CHECK_STR(calls, "ba");
    capi_arena_on_end(&arena, note_call, "c");
    capi_arena_deinit(&arena);
    CHECK_STR(calls, "bac");
}

TEST(a_reset_arena_keeps_its_memory)
{
    capi_arena arena = {0};
    size_t total_bytes;

    capi_arena_alloc(&arena, 100000);
    capi_arena_reset(&arena);
    total_bytes = arena.total_bytes;
    for (int i = 0; i < 50; i++) {
        capi_arena_alloc(&arena, 90000);
        capi_arena_reset(&arena);
    }
    CHECK_INT(arena.total_bytes, total_bytes);
    capi_arena_deinit(&arena);
}
