#include "base/test.h"

static capi_str text(const char *words)
{
    return capi_str_of(words);
}

TEST(order_is_bytewise_and_a_prefix_comes_first)
{
    CHECK(capi_str_compare(text("a"), text("b")) < 0);
    CHECK(capi_str_compare(text("ab"), text("a")) > 0);
    CHECK(capi_str_compare(text(""), text("")) == 0);
    CHECK(capi_str_compare(text("z"), text("\xC3\xA4")) < 0);
    CHECK(capi_str_compare((capi_str){0}, text("a")) < 0);
}

TEST(starts_ends_and_parts_are_found)
{
    CHECK(capi_str_starts(text("abc"), "ab"));
    CHECK(!capi_str_starts(text("a"), "ab"));
    CHECK(capi_str_starts((capi_str){0}, ""));
    CHECK(capi_str_ends(text("abc"), "bc"));
    CHECK(!capi_str_ends(text("c"), "bc"));
    CHECK_INT(capi_str_find(text("abcbc"), text("bc")), 1);
    CHECK_INT(capi_str_find(text("abc"), text("x")), -1);
    CHECK_INT(capi_str_find(text(""), text("x")), -1);
    CHECK_INT(capi_str_find(text("abc"), text("")), 0);
}

TEST(trimming_takes_white_space_off_both_ends_only)
{
    CHECK(capi_str_is(capi_str_trim(text(" \t\r\n a b \v\f")), "a b"));
    CHECK_INT(capi_str_trim(text(" \n ")).bytes, 0);
    CHECK_INT(capi_str_trim((capi_str){0}).bytes, 0);
}

TEST(copies_and_formatted_texts_end_with_a_nul)
{
    capi_arena arena = {0};
    capi_str copy = capi_str_copy(&arena, (capi_str){"abcdef", 3});

    CHECK_STR(copy.data, "abc");
    CHECK_STR(capi_str_format(&arena, "%d of %s", 3, "x").data, "3 of x");
    CHECK_STR(capi_str_copy(&arena, (capi_str){0}).data, "");
    capi_arena_deinit(&arena);
}

TEST(utf8_is_checked_by_the_book)
{
    static const char *const good[] = {"",
                                       "plain ascii text",
                                       "\xC2\x80",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF",
                                       "12345678\xC3\xA4"};
    static const struct {
        const char *text;
        size_t bad_at;
    } bad[] = {{"\x80", 0},         {"ab\xC0\x80", 2},       {"\xC1\xBF", 0},         {"\xE0\x9F\x80", 0},
               {"\xED\xA0\x80", 0}, {"\xF0\x8F\x80\x80", 0}, {"\xF4\x90\x80\x80", 0}, {"12345678\xFF", 8},
               {"a\xC3", 1},        {"\xE2\x82", 0},         {"\xF5\x80\x80\x80", 0}, {"\xC3(", 0}};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(capi_str_is_utf8(text(good[i]), NULL));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t at = 99;

        CHECK(!capi_str_is_utf8(text(bad[i].text), &at));
        CHECK_INT(at, bad[i].bad_at);
    }
}

TEST(the_nearest_name_is_a_slip_of_the_pen_away)
{
    const capi_str names[] = {CAPI_STR("order_id"), CAPI_STR("price"), CAPI_STR("quantity")};

    CHECK(capi_str_is(capi_str_nearest(text("pricee"), names, 3), "price"));
    CHECK(capi_str_is(capi_str_nearest(text("oder_id"), names, 3), "order_id"));
    CHECK(capi_str_is(capi_str_nearest(text("Quantity"), names, 3), "quantity"));
    CHECK(capi_str_is(capi_str_nearest(text("prcie"), names, 3), "price"));
    CHECK_INT(capi_str_nearest(text("customer"), names, 3).bytes, 0);
    CHECK_INT(capi_str_nearest(text(""), names, 3).bytes, 0);
    CHECK_INT(capi_str_nearest(text("x"), names, 0).bytes, 0);
}
