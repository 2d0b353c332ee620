#include "script/order.h"

#include "base/test.h"

static const capi_field order_fields[] = {
    {{"id", 2}, CAPI_INT}, {{"name", 4}, CAPI_STRING}, {{"day", 3}, CAPI_DATETIME}};
static const capi_schema order_schema = {order_fields, 3};

static void check_bad_index(const char *text, const char *words, int64_t offset)
{
    capi_arena arena = {0};
    capi_key_def key;
    capi_err err = {0};

    CHECK(capi_index_parse(&arena, capi_str_of(text), &order_schema, &key, &err) == CAPI_INVALID);
    CHECK_ERR(err, words);
    CHECK_INT(err.offset, offset);
    capi_arena_deinit(&arena);
}

TEST(an_index_definition_gives_its_components)
{
    capi_arena arena = {0};
    capi_key_def key;
    capi_err err = {0};

    CHECK_OK(capi_index_parse(&arena, CAPI_STR(" unique ( id(desc) , name(ignore_case, 5, desc,asc),name() , ) "),
                              &order_schema, &key, &err),
             err);
    CHECK(key.is_unique);
    CHECK_INT(key.part_count, 3);
    CHECK(key.parts[0].descending && key.parts[0].column == 0 && key.parts[0].type == CAPI_INT);
    CHECK(!key.parts[1].descending && key.parts[1].ignore_case);
    CHECK_INT(key.parts[1].length, 16);
    CHECK_INT(key.parts[2].length, 64);
    capi_arena_deinit(&arena);
}

TEST(an_index_without_components_is_fine)
{
    capi_arena arena = {0};
    capi_key_def key;
    capi_err err = {0};

    CHECK_OK(capi_index_parse(&arena, CAPI_STR("non_unique()"), &order_schema, &key, &err), err);
    CHECK(!key.is_unique);
    CHECK_INT(key.part_count, 0);
    capi_arena_deinit(&arena);
}

TEST(an_order_may_be_blank_and_may_end_in_a_comma)
{
    capi_arena arena = {0};
    capi_key_def key;
    capi_err err = {0};

    CHECK_OK(capi_order_parse(&arena, CAPI_STR("  "), &order_schema, &key, &err), err);
    CHECK_INT(key.part_count, 0);
    CHECK_OK(capi_order_parse(&arena, CAPI_STR("name(1024),id,"), &order_schema, &key, &err), err);
    CHECK_INT(key.part_count, 2);
    CHECK_INT(key.parts[0].length, 1024);
    CHECK(capi_order_parse(&arena, CAPI_STR("id)"), &order_schema, &key, &err) == CAPI_INVALID);
    CHECK(capi_order_parse(&arena, CAPI_STR("id("), &order_schema, &key, &err) == CAPI_INVALID);
    CHECK(capi_order_parse(&arena, CAPI_STR("id name"), &order_schema, &key, &err) == CAPI_INVALID);
    capi_arena_deinit(&arena);
}

TEST(mistakes_in_index_definitions_are_told_with_their_place)
{
    check_bad_index("", "unique(...) or non_unique(...)", 0);
    check_bad_index("primary(id)", "found \"primary(id)\"", 0);
    check_bad_index("unique id", "expected \"(\" at \"id\"", 7);
    check_bad_index("unique(id", "found the end of the text", 9);
    check_bad_index("unique(id) x", "expected the end of the text", 11);
    check_bad_index("unique(,id)", "expected a name", 7);
    check_bad_index("unique(idd)", "did you mean \"id\"?", 7);
    check_bad_index("unique(w.id)", "is not a bare name", 7);
    check_bad_index("unique(id(up))", "unknown modifier \"up\"", 10);
    check_bad_index("unique(name(descc))", "did you mean \"desc\"?", 12);
    check_bad_index("unique(name(desc()))", "takes no parentheses", 12);
    check_bad_index("unique(id(20))", "for strings only; \"id\" is int", 10);
    check_bad_index("unique(name(1025))", "more than 1024", 12);
    check_bad_index("unique(name(99999999999999999999999))", "more than 1024", 12);
    check_bad_index("unique(name(-5))", "not a whole number", 12);
    check_bad_index("unique(name(2.5))", "not a whole number", 12);
    check_bad_index("unique(name(\"20\"))", "not a whole number", 12);
    check_bad_index("unique(day(ignore_case))", "is for strings only", 11);
    check_bad_index("unique(\"id)", "this quote has no end", 7);
}
