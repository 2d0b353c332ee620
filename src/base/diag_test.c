#include "base/diag.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

static capi_arena arena;
static capi_diags diags;
static capi_buf printed;

static void start(void)
{
    arena = (capi_arena){0};
    printed = (capi_buf){0};
    capi_diags_init(&diags, &arena);
}

static void add(const char *message, const char *text, uint64_t offset, uint32_t length_bytes)
{
    capi_diag diag = {.file = CAPI_STR("shop.yaml"), .message = capi_str_of(message)};

    capi_diags_add(&diags, &diag, capi_str_of(text), offset, length_bytes);
}

/* All of it, as one text. */
static const char *print(void)
{
    capi_diags_print(&diags, &printed);
    capi_buf_append_byte(&printed, 0);
    return printed.data;
}

static void end(void)
{
    capi_buf_deinit(&printed);
    capi_arena_deinit(&arena);
}

TEST(a_mistake_shows_its_line_with_a_caret_and_its_context)
{
    capi_diag diag = {.file = CAPI_STR("shop.yaml"),
                      .message = CAPI_STR("unknown field \"r.pricee\""),
                      .context = CAPI_STR("in field \"total\" of node \"join_items\"")};
    const char *text = "nodes:\n  expression: \"r.pricee * 2\"\nmore";

    start();
    capi_diags_add(&diags, &diag, capi_str_of(text), 22, 8);
    CHECK_STR(print(), "shop.yaml:2:16: error: unknown field \"r.pricee\"\n"
                       "    2 |   expression: \"r.pricee * 2\"\n"
                       "      |                ^~~~~~~~\n"
                       "  in field \"total\" of node \"join_items\"\n");
    end();
}

TEST(columns_count_characters_and_tabs_stay_aligned)
{
    start();
    add("bad", "\tn\xC3\xA4\xE2\x82\xAC: bad", 8, 3);
    CHECK_STR(print(), "shop.yaml:1:6: error: bad\n"
                       "    1 | \tn\xC3\xA4\xE2\x82\xAC: bad\n"
                       "      | \t    ^~~\n");
    end();
}

TEST(a_very_long_line_is_cut_around_the_place)
{
    char *text = malloc(100001);
    const capi_diag *diag;

    start();
    memset(text, 'a', 100000);
    text[100000] = 0;
    memcpy(text + 50000, "BAD", 3);
    add("bad", text, 50000, 3);
    diag = &diags.items[0];
    CHECK_INT(diag->column, 50001);
    CHECK(diag->excerpt.bytes < 200);
    CHECK(memcmp(diag->excerpt.data + diag->excerpt_column - 1, "BAD", 3) == 0);
    CHECK(capi_str_starts(diag->excerpt, "..."));
    CHECK(capi_str_ends(diag->excerpt, "..."));
    free(text);
    end();
}

TEST(a_place_at_the_end_of_the_text_has_a_caret_behind_the_line)
{
    start();
    add("expected \")\"", "(a\r\n(b", 6, 1);
    add("empty", "", 0, 0);
    CHECK_STR(print(), "shop.yaml:2:3: error: expected \")\"\n"
                       "    2 | (b\n"
                       "      |   ^\n"
                       "shop.yaml:1:1: error: empty\n"
                       "    1 | \n"
                       "      | ^\n");
    end();
}

TEST(control_characters_and_bad_bytes_do_not_reach_the_terminal)
{
    start();
    capi_diags_add(&diags, &(capi_diag){.message = CAPI_STR("bad"), .severity = CAPI_WARNING, .rule = CAPI_STR("V26")},
                   (capi_str){"a\x1b[31m\0\xFFz", 9}, 8, 1);
    CHECK_STR(print(), "line 1:9: warning: bad [V26]\n"
                       "    1 | a?[31m ?z\n"
                       "      |         ^\n");
    end();
}

TEST(a_file_as_a_whole_has_no_line)
{
    start();
    capi_diags_add(&diags, &(capi_diag){.file = CAPI_STR("x.yaml"), .message = CAPI_STR("no nodes")}, (capi_str){0}, 0,
                   0);
    CHECK_STR(print(), "x.yaml: error: no nodes\n");
    end();
}

TEST(sorting_follows_the_text_and_keeps_files_together)
{
    const char *text = "one\ntwo three\n";
    capi_diag other = {.file = CAPI_STR("params.yaml"), .message = CAPI_STR("p")};

    start();
    add("three", text, 8, 5);
    capi_diags_add(&diags, &other, capi_str_of(text), 0, 1);
    add("two", text, 4, 3);
    add("two again", text, 4, 3);
    add("one", text, 0, 3);
    capi_diags_sort(&diags);
    CHECK(capi_str_is(diags.items[0].message, "one"));
    CHECK(capi_str_is(diags.items[1].message, "two"));
    CHECK(capi_str_is(diags.items[2].message, "two again"));
    CHECK(capi_str_is(diags.items[3].message, "three"));
    CHECK(capi_str_is(diags.items[4].message, "p"));
    end();
}

TEST(more_than_the_maximum_are_counted_and_not_kept)
{
    capi_err err = {0};

    start();
    CHECK(capi_diags_to_err(&diags, &err) == CAPI_OK);
    for (int i = 0; i < CAPI_DIAG_MAX + 5; i++)
        add("bad", "x", 0, 1);
    CHECK_INT(diags.count, CAPI_DIAG_MAX);
    CHECK_INT(diags.error_count, CAPI_DIAG_MAX + 5);
    CHECK(strstr(print(), "and 5 more errors\n"));
    CHECK(capi_diags_to_err(&diags, &err) == CAPI_INVALID);
    CHECK_STR(err.text, "shop.yaml:1:1: bad\n  and 1004 more errors");
    end();
}

TEST(a_suggestion_is_the_last_words_of_a_message)
{
    capi_diag diag = {.message = CAPI_STR("unknown \"did you mean \"; did you mean \"r.price\"?")};
    uint32_t line;
    uint32_t column;

    CHECK(capi_str_is(capi_diag_suggestion(&diag), "r.price"));
    diag.message = CAPI_STR("did you mean \"r.price\"? perhaps");
    CHECK_INT(capi_diag_suggestion(&diag).bytes, 0);
    diag.message = CAPI_STR("is it \"x\"?");
    CHECK_INT(capi_diag_suggestion(&diag).bytes, 0);
    capi_diag_place(CAPI_STR("a\n\xC3\xA4x"), 4, &line, &column);
    CHECK_INT(line, 2);
    CHECK_INT(column, 2);
    capi_diag_place(CAPI_STR("a"), 99, &line, &column);
    CHECK_INT(column, 2);
}
