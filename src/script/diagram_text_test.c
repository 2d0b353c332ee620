#include "script/diagram_text.h"

#include "base/test.h"

static const char ellipsis[] = "\xe2\x80\xa6";

static capi_str repeated(capi_arena *arena, const char *part, int times)
{
    capi_buf buf = {0};
    capi_str text;

    for (int i = 0; i < times; i++)
        capi_buf_append_text(&buf, part);
    text = capi_str_copy(arena, capi_buf_str(&buf));
    capi_buf_deinit(&buf);
    return text;
}

static const char *escaped(capi_arena *arena, capi_str text)
{
    capi_buf buf = {0};
    const char *out;

    capi_text_escape(&buf, text);
    out = capi_str_copy(arena, capi_buf_str(&buf)).data;
    capi_buf_deinit(&buf);
    return out;
}

TEST(widths_are_those_of_the_wider_font)
{
    /* Verdana: m 0.973, underscore 0.636, I 0.421; DejaVu Sans: m 0.974; Arial: m 0.833. */
    CHECK(capi_text_width(CAPI_STR("mm"), CAPI_FACE_BOX) >= 2 * 0.974 * 20);
    CHECK(capi_text_width(CAPI_STR("_I"), CAPI_FACE_BOX) >= (0.636 + 0.421) * 20);
    CHECK(capi_text_width(CAPI_STR("_I"), CAPI_FACE_BOX) < (0.636 + 0.421) * 20 * 1.1);
    CHECK(capi_text_width(CAPI_STR("m"), CAPI_FACE_LABEL) >= 0.833 * 18);
    CHECK(capi_text_width(CAPI_STR("\xe7\x95\x8c"), CAPI_FACE_BOX) >= 20);
    CHECK(capi_text_width(CAPI_STR("\xf0\x9f\x98\x80"), CAPI_FACE_BOX) >= 25);
    CHECK(capi_text_width(CAPI_STR(""), CAPI_FACE_BOX) == 0);
}

TEST(a_text_that_is_too_wide_keeps_both_ends)
{
    capi_arena arena = {0};
    capi_str text = capi_str_format(&arena, "begin%.*send", CAPI_STR_ARG(repeated(&arena, "\xe7\x95\x8c", 1000)));
    capi_str fit = capi_text_fit(text, CAPI_FACE_BOX, 400, &arena);

    CHECK(capi_str_equal(capi_text_fit(CAPI_STR("short"), CAPI_FACE_BOX, 400, &arena), CAPI_STR("short")));
    CHECK(capi_str_starts(fit, "begin") && capi_str_ends(fit, "end"));
    CHECK(capi_str_find(fit, capi_str_of(ellipsis)) > 0);
    CHECK(capi_str_is_utf8(fit, &(size_t){0}));
    CHECK(capi_text_width(fit, CAPI_FACE_BOX) <= 400 && capi_text_width(fit, CAPI_FACE_BOX) > 340);
    CHECK(capi_str_is(capi_text_fit(text, CAPI_FACE_BOX, 1, &arena), ellipsis));
    capi_arena_deinit(&arena);
}

TEST(texts_are_wrapped_at_blanks)
{
    capi_arena arena = {0};
    capi_str lines[4];
    double width = capi_text_width(CAPI_STR("aaaa bbbb"), CAPI_FACE_BOX) + 0.1;

    CHECK_INT(capi_text_wrap(CAPI_STR("  aaaa bbbb \n cccc\tdddd"), CAPI_FACE_BOX, width, lines, 4, &arena), 2);
    CHECK(capi_str_is(lines[0], "aaaa bbbb"));
    CHECK(capi_str_is(lines[1], "cccc\tdddd"));
    CHECK_INT(capi_text_wrap(CAPI_STR("aaaa bbbb cccc dddd e"), CAPI_FACE_BOX, width, lines, 2, &arena), 2);
    CHECK(capi_str_starts(lines[1], "cccc") && capi_str_ends(lines[1], ellipsis));
    CHECK_INT(capi_text_wrap(CAPI_STR(" \n\t "), CAPI_FACE_BOX, width, lines, 4, &arena), 0);
    capi_arena_deinit(&arena);
}

TEST(long_words_are_broken_between_characters)
{
    capi_arena arena = {0};
    capi_str lines[8];
    uint32_t count = capi_text_wrap(repeated(&arena, "\xe7\x95\x8c", 25), CAPI_FACE_BOX, 220, lines, 8, &arena);

    CHECK_INT(count, 3);
    CHECK_INT(lines[0].bytes, 30);
    CHECK_INT(lines[0].bytes + lines[1].bytes + lines[2].bytes, 75);
    /* Less than one character's width still gets on. */
    CHECK_INT(capi_text_wrap(CAPI_STR("abc"), CAPI_FACE_BOX, 0.5, lines, 8, &arena), 3);
    capi_arena_deinit(&arena);
}

TEST(what_xml_gives_a_meaning_to_or_forbids_is_escaped)
{
    capi_arena arena = {0};

    CHECK_STR(escaped(&arena, CAPI_STR("<a b=\"c\">&'")), "&lt;a b=&quot;c&quot;&gt;&amp;&#39;");
    CHECK_STR(escaped(&arena, CAPI_STR("a\tb\nc\x01\x1b\x7f")), "a b c   ");
    CHECK_STR(escaped(&arena, CAPI_STR("\xc2\x85|\xc3\xa9|\xf0\x9f\x98\x80")), " |\xc3\xa9|\xf0\x9f\x98\x80");
    /* U+FFFE, half of a character, a lonely continuation, a surrogate. */
    CHECK_STR(escaped(&arena, CAPI_STR("\xef\xbf\xbe|\xe7\x95|\x95|\xed\xa0\x80|\xe7")),
              "\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd");
    capi_arena_deinit(&arena);
}
