#include "base/test.h"
#include "store/block_cache.h"

static block_cache_entry *add(block_cache *cache, uint32_t column, uint64_t bytes)
{
    block_cache_entry *entry = NULL;
    capi_err err = {0};

    CHECK_OK(block_cache_new_entry(cache, (block_cache_key){1, 2, column}, bytes, &entry, &err), err);
    memset(entry->memory, (int)column, bytes);
    return block_cache_publish(cache, entry);
}

static bool has(block_cache *cache, uint32_t column)
{
    block_cache_entry *entry = block_cache_pin(cache, (block_cache_key){1, 2, column});

    if (entry) block_cache_unpin(cache, entry);
    return entry != NULL;
}

TEST(the_least_recently_used_entry_goes_first)
{
    capi_budget budget = {.limit_bytes = 1 << 20};
    block_cache cache;

    block_cache_init(&cache, &budget, 640);
    for (uint32_t i = 0; i < 10; i++)
        block_cache_unpin(&cache, add(&cache, i, 64));
    CHECK(has(&cache, 0));
    block_cache_unpin(&cache, add(&cache, 10, 64));
    CHECK(has(&cache, 0));
    CHECK(!has(&cache, 1));
    CHECK(has(&cache, 2));
    CHECK_INT(budget.used_bytes, 640);
    block_cache_deinit(&cache);
    CHECK_INT(budget.used_bytes, 0);
}

TEST(pinned_entries_stay_beyond_the_limit)
{
    capi_budget budget = {.limit_bytes = 1 << 20};
    block_cache cache;
    block_cache_entry *pinned[20];

    block_cache_init(&cache, &budget, 640);
    for (uint32_t i = 0; i < 20; i++)
        pinned[i] = add(&cache, i, 64);
    CHECK_INT(budget.used_bytes, 1280);
    for (uint32_t i = 0; i < 20; i++) {
        CHECK_INT(*(unsigned char *)pinned[i]->memory, i);
        block_cache_unpin(&cache, pinned[i]);
    }
    CHECK_INT(budget.used_bytes, 640);
    CHECK(!has(&cache, 0));
    CHECK(has(&cache, 19));
    block_cache_deinit(&cache);
}

TEST(entries_make_way_for_others_who_need_the_budget)
{
    capi_budget budget = {.limit_bytes = 1000};
    block_cache cache;
    block_cache_entry *entry = NULL;
    capi_err err = {0};

    block_cache_init(&cache, &budget, 1 << 20);
    for (uint32_t i = 0; i < 10; i++)
        block_cache_unpin(&cache, add(&cache, i, 64));
    CHECK_OK(block_cache_reserve(&cache, 900, "a sort", &err), err);
    CHECK(has(&cache, 9));
    CHECK(!has(&cache, 8));
    CHECK(block_cache_new_entry(&cache, (block_cache_key){3, 3, 3}, 500, &entry, &err) == CAPI_NO_MEMORY);
    CHECK(block_cache_reserve(&cache, 500, "a sort", &err) == CAPI_NO_MEMORY);
    CHECK_ERR(err, "a sort needs 500 bytes more");
    block_cache_release(&cache, 900);
    block_cache_deinit(&cache);
    CHECK_INT(budget.used_bytes, 0);
}

TEST(of_two_that_read_the_same_one_keeps_its_copy)
{
    block_cache cache;
    block_cache_entry *first, *second;
    capi_err err = {0};

    block_cache_init(&cache, NULL, 1 << 20);
    CHECK_OK(block_cache_new_entry(&cache, (block_cache_key){1, 2, 3}, 10, &first, &err), err);
    CHECK_OK(block_cache_new_entry(&cache, (block_cache_key){1, 2, 3}, 10, &second, &err), err);
    CHECK(block_cache_publish(&cache, first) == first);
    CHECK(block_cache_publish(&cache, second) == first);
    CHECK_INT(first->pin_count, 2);
    block_cache_unpin(&cache, first);
    block_cache_unpin(&cache, first);
    for (uint32_t i = 0; i < 2000; i++)
        block_cache_unpin(&cache, add(&cache, 100 + i, 8));
    CHECK(has(&cache, 3) && has(&cache, 100) && has(&cache, 2099));
    block_cache_deinit(&cache);
}
