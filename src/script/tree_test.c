#include "script/tree.h"

#include "base/buf.h"
#include "base/test.h"

#include <stdlib.h>

static const capi_tree *json(capi_arena *arena, const char *text)
{
    const capi_tree *tree = NULL;
    capi_err err = {0};

    CHECK_OK(capi_tree_from_json(arena, capi_str_of(text), &tree, &err), err);
    return tree;
}

static const capi_tree *yaml(capi_arena *arena, const char *text)
{
    const capi_tree *tree = NULL;
    capi_err err = {0};

    CHECK_OK(capi_tree_from_yaml(arena, capi_str_of(text), &tree, &err), err);
    return tree;
}

static void check_text(capi_str text, const char *expected)
{
    char copy[200];

    snprintf(copy, sizeof copy, "%.*s", CAPI_STR_ARG(text));
    CHECK_STR(copy, expected);
}

/* The text of the file that bytes from..to of the string stand for. */
static void check_place(const char *text, const capi_tree *string, size_t from, size_t to, const char *expected)
{
    uint32_t start;
    uint32_t end;

    capi_tree_locate(string, capi_str_of(text), from, to, &start, &end);
    check_text(capi_str_slice(capi_str_of(text), start, end), expected);
}

static void check_bad(bool is_yaml, const char *text, const char *words, int64_t offset)
{
    capi_arena arena = {0};
    const capi_tree *tree;
    capi_err err = {0};
    capi_status st = is_yaml ? capi_tree_from_yaml(&arena, capi_str_of(text), &tree, &err)
                             : capi_tree_from_json(&arena, capi_str_of(text), &tree, &err);

    CHECK(st == CAPI_INVALID);
    CHECK_ERR(err, words);
    CHECK_INT(err.offset, offset);
    capi_arena_deinit(&arena);
}

TEST(json_values_know_their_kind_and_their_place)
{
    static const char text[] = "{\"a\": [1, -2.5, true, null, \"x\\ny\"], \"b\": {}}";
    capi_arena arena = {0};
    const capi_tree *tree = json(&arena, text);
    const capi_tree *list = capi_tree_get(tree, "a");

    CHECK_INT(tree->kind, CAPI_TREE_MAP);
    CHECK_INT(tree->end, sizeof text - 1);
    CHECK_INT(list->count, 5);
    CHECK_INT(list->items[0]->integer, 1);
    CHECK(list->items[1]->kind == CAPI_TREE_NUMBER && list->items[1]->number == -2.5);
    CHECK(list->items[2]->boolean);
    CHECK_INT(list->items[3]->kind, CAPI_TREE_NULL);
    check_text(list->items[4]->string, "x\ny");
    CHECK_INT(list->start, 6);
    CHECK_INT(capi_tree_get(tree, "b")->kind, CAPI_TREE_MAP);
    CHECK(capi_tree_get(tree, "c") == NULL);
    capi_arena_deinit(&arena);
}

TEST(json_numbers_are_whole_only_if_written_so_and_within_64_bits)
{
    capi_arena arena = {0};
    const capi_tree *tree = json(&arena, "[9223372036854775807, -9223372036854775808, 9223372036854775808, 10.0, 1e3]");

    CHECK_INT(tree->items[0]->kind, CAPI_TREE_INT);
    CHECK(tree->items[1]->integer == INT64_MIN);
    CHECK_INT(tree->items[2]->kind, CAPI_TREE_NUMBER);
    CHECK_INT(tree->items[3]->kind, CAPI_TREE_NUMBER);
    CHECK_INT(tree->items[4]->kind, CAPI_TREE_NUMBER);
    capi_arena_deinit(&arena);
}

TEST(of_equal_json_names_the_last_value_counts)
{
    capi_arena arena = {0};
    const capi_tree *tree = json(&arena, "{\"a\": 1, \"b\": 2, \"a\": 3}");

    CHECK_INT(tree->count, 2);
    CHECK_INT(capi_tree_get(tree, "a")->integer, 3);
    CHECK(tree->members[0].is_repeated);
    CHECK(!tree->members[1].is_repeated);
    capi_arena_deinit(&arena);
}

TEST(json_escapes_are_decoded_and_their_places_found_again)
{
    static const char text[] = "[\"\\u00e9\\ud83d\\ude00\\\"x\\\\ r.a\"]";
    capi_arena arena = {0};
    const capi_tree *string = json(&arena, text)->items[0];

    check_text(string->string, "\xC3\xA9\xF0\x9F\x98\x80\"x\\ r.a");
    check_place(text, string, 0, 2, "\\u00e9");
    check_place(text, string, 2, 6, "\\ud83d\\ude00");
    check_place(text, string, 10, 13, "r.a");
    capi_arena_deinit(&arena);
}

TEST(wrong_json_is_refused_with_its_place)
{
    check_bad(false, "", "expected a value, found the end of the text", 0);
    check_bad(false, "{\"a\": 1,}", "expected a name in double quotes, found \"}\"", 8);
    check_bad(false, "{\"a\" 1}", "expected \":\" behind the name", 5);
    check_bad(false, "[1 2]", "expected \",\" or \"]\", found \"2\"", 3);
    check_bad(false, "[1] x", "text behind the end", 4);
    check_bad(false, "[01]", "leading zero", 1);
    check_bad(false, "[1.]", "expected a digit", 3);
    check_bad(false, "[\"a\nb\"]", "line end in a string", 3);
    check_bad(false, "[\"a]", "this string has no end", 1);
    check_bad(false, "[\"\\x\"]", "unknown escape", 2);
    check_bad(false, "[\"\\ud800\"]", "half of a surrogate pair", 2);
    check_bad(false, "[\"\\u0000\"]", "NUL", 2);
    check_bad(false, "[truex]", "expected a value", 1);
    check_bad(false, "[1e999]", "number out of range", 1);
    check_bad(false, "\xEF\xBB\xBF{}", "byte order mark", 0);
    check_bad(false, "[\"\xFF\"]", "byte 0xff is not valid UTF-8", 2);
}

TEST(json_nesting_has_a_limit)
{
    char *text = capi_malloc(2 * 501);
    capi_arena arena = {0};
    const capi_tree *tree;
    capi_err err = {0};

    memset(text, '[', 501);
    memset(text + 501, ']', 501);
    CHECK(capi_tree_from_json(&arena, (capi_str){text, 1002}, &tree, &err) == CAPI_INVALID);
    CHECK_ERR(err, "nested more than 500 deep");
    CHECK_OK(capi_tree_from_json(&arena, (capi_str){text + 1, 1000}, &tree, &err), err);
    CHECK(capi_tree_from_yaml(&arena, (capi_str){text, 1002}, &tree, &err) == CAPI_INVALID);
    CHECK_ERR(err, "nested more than 500 deep");
    CHECK_OK(capi_tree_from_yaml(&arena, (capi_str){text + 1, 1000}, &tree, &err), err);
    free(text);
    capi_arena_deinit(&arena);
}

TEST(plain_yaml_scalars_are_typed_by_the_core_schema)
{
    static const struct {
        const char *text;
        capi_tree_kind kind;
    } cases[] = {
        {"~", CAPI_TREE_NULL},         {"null", CAPI_TREE_NULL},       {"true", CAPI_TREE_BOOL},
        {"False", CAPI_TREE_BOOL},     {"yes", CAPI_TREE_STRING},      {"no", CAPI_TREE_STRING},
        {"on", CAPI_TREE_STRING},      {"off", CAPI_TREE_STRING},      {"1", CAPI_TREE_INT},
        {"-7", CAPI_TREE_INT},         {"0o17", CAPI_TREE_INT},        {"0xff", CAPI_TREE_INT},
        {"010", CAPI_TREE_INT},        {"10.0", CAPI_TREE_INT},        {"1e3", CAPI_TREE_INT},
        {"1.5", CAPI_TREE_NUMBER},     {".5", CAPI_TREE_NUMBER},       {".inf", CAPI_TREE_NUMBER},
        {".nan", CAPI_TREE_NUMBER},    {"1_000", CAPI_TREE_STRING},    {"2006-01-02", CAPI_TREE_STRING},
        {"1:30", CAPI_TREE_STRING},    {"'1'", CAPI_TREE_STRING},      {"\"true\"", CAPI_TREE_STRING},
        {"!!str 1", CAPI_TREE_STRING}, {"!!int \"7\"", CAPI_TREE_INT}, {"99999999999999999999", CAPI_TREE_NUMBER},
    };
    capi_arena arena = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        capi_str text = capi_str_format(&arena, "a: %s\n", cases[i].text);
        const capi_tree *value = capi_tree_get(yaml(&arena, text.data), "a");

        if (value->kind != cases[i].kind)
            capi_test_fail(__FILE__, __LINE__, "%s is %s", cases[i].text, capi_tree_kind_name(value->kind));
    }
    CHECK_INT(capi_tree_get(yaml(&arena, "a: 0o17"), "a")->integer, 15);
    CHECK_INT(capi_tree_get(yaml(&arena, "a: 010"), "a")->integer, 10);
    capi_arena_deinit(&arena);
}

TEST(places_in_all_styles_of_yaml_strings_are_found)
{
    static const char text[] = "plain: r.\xC3\xA9 + r.bad\n"
                               "single: 'it''s r.bad'\n"
                               "double: \"\\t\\x41\\u00e9 r.bad\"\n"
                               "literal: |\n"
                               "  first\n"
                               "    r.bad\n"
                               "folded: >-\n"
                               "  one\n"
                               "  r.bad two\n"
                               "wrapped: \"one\n"
                               "  r.bad\"\n"
                               "plain2: one\n"
                               "  two r.bad\n";
    static const char *const names[] = {"plain", "single", "double", "literal", "folded", "wrapped", "plain2"};
    capi_arena arena = {0};
    const capi_tree *tree = yaml(&arena, text);

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const capi_tree *string = capi_tree_get(tree, names[i]);
        int64_t at = capi_str_find(string->string, CAPI_STR("r.bad"));

        if (at < 0) capi_test_fail(__FILE__, __LINE__, "no r.bad in %s", names[i]);
        check_place(text, string, (size_t)at, (size_t)at + 5, "r.bad");
    }
    capi_arena_deinit(&arena);
}

TEST(yaml_values_know_their_place_behind_characters_of_several_bytes)
{
    static const char text[] = "# \xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\n\"\xC3\xA9\": [x, \"y\"]\n";
    capi_arena arena = {0};
    const capi_tree *list = yaml(&arena, text)->members[0].value;

    check_text(capi_str_slice(capi_str_of(text), list->start, list->end), "[x, \"y\"]");
    check_text(capi_str_slice(capi_str_of(text), list->items[1]->start, list->items[1]->end), "\"y\"");
    capi_arena_deinit(&arena);
}

TEST(yaml_anchors_aliases_and_merge_keys_work)
{
    capi_arena arena = {0};
    const capi_tree *tree = yaml(&arena, "base: &b {x: 1, y: 2}\n"
                                         "more: &m {y: 3, z: 4}\n"
                                         "one: {<<: *b, y: 9}\n"
                                         "two: {<<: [*b, *m], w: 5}\n"
                                         "alias: *b\n");
    const capi_tree *one = capi_tree_get(tree, "one");
    const capi_tree *two = capi_tree_get(tree, "two");

    CHECK_INT(one->count, 2);
    CHECK_INT(capi_tree_get(one, "x")->integer, 1);
    CHECK_INT(capi_tree_get(one, "y")->integer, 9);
    CHECK_INT(two->count, 4);
    CHECK_INT(capi_tree_get(two, "y")->integer, 2);
    CHECK_INT(capi_tree_get(two, "z")->integer, 4);
    CHECK(capi_tree_get(tree, "alias") == capi_tree_get(tree, "base"));
    capi_arena_deinit(&arena);
}

TEST(only_the_first_yaml_document_is_read)
{
    capi_arena arena = {0};

    CHECK_INT(capi_tree_get(yaml(&arena, "---\na: 1\n---\nb: [\n"), "a")->integer, 1);
    CHECK_INT(yaml(&arena, "")->kind, CAPI_TREE_NULL);
    CHECK_INT(yaml(&arena, "# nothing\n")->kind, CAPI_TREE_NULL);
    CHECK_INT(capi_tree_get(yaml(&arena, "\xEF\xBB\xBF"
                                         "a: 1\r\nb: 2\r\n"),
                            "b")
                  ->integer,
              2);
    capi_arena_deinit(&arena);
}

TEST(wrong_yaml_is_refused_with_its_place)
{
    check_bad(true, "a: 1\na: 2\n", "the name \"a\" is there twice", 5);
    check_bad(true, "a: {1: x}\n", "names in maps must be strings, found a whole number", 4);
    check_bad(true, "true: x\n", "names in maps must be strings, found true or false", 0);
    check_bad(true, "a: *x\n", "this alias has no anchor", 3);
    check_bad(true, "a: &a [*a]\n", "inside its own anchor", 7);
    check_bad(true, "a: [1, 2\n", "expected \",\" or \"]\" in the list that begins in line 1", 9);
    check_bad(true, "{<<: 1}\n", "\"<<\" wants a map", 1);
    check_bad(true, "a: !!int x\n", "does not fit its tag", 3);
    check_bad(true, "a: \xFF\n", "byte 0xff is not valid UTF-8", 3);
    check_bad(true, "a: b\n\tc: d\n", "", 5);
    check_bad(true, "a: \"\\0\"\n", "the character NUL is not allowed", 3);
}

TEST(yaml_aliases_cannot_stand_for_billions_of_values)
{
    capi_arena arena = {0};
    capi_buf text = {0};
    const capi_tree *tree;
    capi_err err = {0};

    capi_buf_append_text(&text, "a0: &a0 [x]\n");
    for (int i = 1; i < 12; i++) {
        capi_buf_printf(&text, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            capi_buf_printf(&text, "%s*a%d", j ? "," : "", i - 1);
        capi_buf_append_text(&text, "]\n");
    }
    CHECK(capi_tree_from_yaml(&arena, capi_buf_str(&text), &tree, &err) == CAPI_INVALID);
    CHECK_ERR(err, "aliases stand for more than 20000000 values");
    capi_buf_deinit(&text);
    capi_arena_deinit(&arena);
}
