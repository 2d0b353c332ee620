#include "base/buf.h"
#include "base/test.h"
#include "store/state.h"
#include "store/table.h"

TEST(extents_go_there_and_back)
{
    capi_extent list[3] = {{1, 64, 128, 5, 7}, {UINT64_MAX, UINT64_MAX, 1, UINT32_MAX, UINT32_MAX}, {0}};
    capi_arena arena = {0};
    capi_buf buf = {0};
    capi_extent *out;
    uint32_t count;
    capi_err err = {0};

    for (uint32_t n = 0; n <= 3; n++) {
        capi_buf_clear(&buf);
        capi_extents_encode(&buf, list, n);
        CHECK_INT(buf.bytes, 4 + 32 * n);
        CHECK_OK(capi_extents_decode(capi_buf_str(&buf), &arena, &out, &count, &err), err);
        CHECK_INT(count, n);
        CHECK(n == 0 || memcmp(out, list, n * sizeof *out) == 0);
    }
    capi_buf_deinit(&buf);
    capi_arena_deinit(&arena);
}

TEST(bytes_that_are_no_extents_are_refused)
{
    static const char bytes[100] = {3};
    capi_arena arena = {0};
    capi_extent *out;
    uint32_t count;
    capi_err err = {0};

    CHECK_OK(capi_extents_decode((capi_str){0}, &arena, &out, &count, &err), err);
    CHECK_INT(count, 0);
    for (size_t n = 1; n <= sizeof bytes; n++) {
        CHECK_INT(capi_extents_decode((capi_str){bytes, n}, &arena, &out, &count, &err),
                  n == 100 ? CAPI_OK : CAPI_INVALID);
        if (n < 100) CHECK_ERR(err, "list of extents is damaged");
    }
    capi_arena_deinit(&arena);
}
