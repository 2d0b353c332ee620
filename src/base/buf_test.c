#include "base/buf.h"
#include "base/test.h"

TEST(a_buffer_grows_by_what_is_appended)
{
    capi_buf buf = {0};

    for (int i = 0; i < 1000; i++)
        capi_buf_printf(&buf, "%d,", i % 10);
    capi_buf_append_byte(&buf, 'x');
    capi_buf_append_text(&buf, "yz");
    capi_buf_append_str(&buf, (capi_str){0});
    capi_buf_append(&buf, NULL, 0);
    CHECK_INT(buf.bytes, 2003);
    CHECK(capi_str_ends(capi_buf_str(&buf), "8,9,xyz"));
    capi_buf_clear(&buf);
    CHECK_INT(buf.bytes, 0);
    CHECK(buf.capacity_bytes >= 2003);
    capi_buf_deinit(&buf);
    CHECK(!buf.data);
}

TEST(reserved_room_is_there_and_counts_when_the_caller_says_so)
{
    capi_buf buf = {0};
    char *room = capi_buf_reserve(&buf, 100000);

    memset(room, 'a', 100000);
    buf.bytes += 100000;
    capi_buf_append_byte(&buf, 'b');
    CHECK_INT(buf.data[99999], 'a');
    CHECK_INT(buf.data[100000], 'b');
    capi_buf_deinit(&buf);
}
