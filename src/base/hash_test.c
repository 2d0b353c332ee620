#include "base/hash.h"
#include "base/test.h"

TEST(a_map_finds_what_was_put_and_keeps_the_order)
{
    capi_arena arena = {0};
    static int values[1000];
    capi_map map;

    capi_map_init(&map, &arena);
    CHECK(!capi_map_get(&map, CAPI_STR("nothing")));
    for (int i = 0; i < 1000; i++)
        CHECK(!capi_map_put(&map, capi_str_format(&arena, "name %d", i), &values[i]));
    CHECK_INT(map.count, 1000);
    for (int i = 0; i < 1000; i++) {
        CHECK(capi_map_get(&map, capi_str_format(&arena, "name %d", i)) == &values[i]);
        CHECK(map.entries[i].value == &values[i]);
    }
    CHECK(!capi_map_get(&map, CAPI_STR("name 1000")));
    CHECK(capi_map_put(&map, CAPI_STR("name 7"), &values[0]) == &values[7]);
    CHECK(capi_map_get(&map, CAPI_STR("name 7")) == &values[0]);
    CHECK_INT(map.count, 1000);
    capi_arena_deinit(&arena);
}

TEST(hashes_differ_in_low_bits_too)
{
    uint32_t seen[256] = {0};

    for (uint64_t i = 0; i < 25600; i++)
        seen[capi_hash_int64(i) & 255]++;
    for (int i = 0; i < 256; i++)
        CHECK(seen[i] > 50 && seen[i] < 150);
    CHECK(capi_hash_bytes("a", 1) != capi_hash_bytes("b", 1));
    CHECK(capi_hash_combine(1, 2) != capi_hash_combine(2, 1));
}
