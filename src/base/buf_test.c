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

TEST(what_is_shown_in_messages_is_text_of_one_line)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"", ""},
        {"plain \"text\" é", "plain \"text\" é"},
        {"a\nb\tc\x7f", "a\\nb\\x09c\\x7f"},
        {"a\xff\xc5", "a\\xff\\xc5"},
        {"\xc2\x9b"
         "1mred",
         "\\x9b1mred"},
        {"1234567890123456789žx", "1234567890123456789..."},
        {"123456789012345678žx", "123456789012345678ž..."},
        {"12345678901234567ž", "12345678901234567ž"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        capi_buf buf = {0};

        capi_buf_append_visible(&buf, capi_str_of(cases[i].text), 20);
        capi_buf_append_byte(&buf, 0);
        CHECK_STR(buf.data, cases[i].shown);
        capi_buf_deinit(&buf);
    }
}
