/* regex_required_test.c - which texts a pattern needs: "ab & cd~ & (x | y)", a tilde behind those in any case. */
#include "base/buf.h"
#include "base/test.h"
#include "expr/regex_required.h"

static const char *shown(const char *pattern, capi_buf *out)
{
    expr_required *required = expr_required_new(pattern, strlen(pattern));

    capi_buf_clear(out);
    for (uint32_t i = 0; i < required->text_count; i++) {
        const expr_required_text *text = &required->texts[i];

        if (i > 0) capi_buf_append_str(out, capi_str_of(text->clause == text[-1].clause ? " | " : " & "));
        capi_buf_append(out, text->data, text->bytes);
        if (text->is_folded) capi_buf_append_byte(out, '~');
    }
    *capi_buf_reserve(out, 1) = 0;
    expr_required_free(required);
    return out->data;
}

TEST(a_pattern_tells_which_texts_it_needs)
{
    static const struct {
        const char *pattern, *texts;
    } cases[] = {
        {"abc", "abc"},
        {"a", ""},
        {"\"k\":\"[^\"]*Fabric[^\"]*\"", "\"k\":\" & Fabric"},
        {"(?i)Fabric", "fabric~"},
        {"(?i)\"k\":\"FABRIC", "\"k\":\"fabric~"},
        {"(?i)\"1\":\"", "\"1\":\""},
        {"ab(?i)cd", "ab & cd~"},
        {"(?i:ab)cd", "ab~ & cd"},
        {"(?i)ab(?-i)cd", "ab~ & cd"},
        {"(?i:ab)!?cd", "ab~ & cd"},
        {"(?i:ab)!cd", "ab!~ & cd"},
        {"(?i)abé", "ab~"},
        {"éabžluť", "éabžluť"},
        {"ab\xEF\xBF\xBD"
         "cd",
         "ab & cd"},
        {"abſcd", "ab & cd"},
        {"ab\xE2\x84\xAA"
         "cd",
         "ab & cd"},
        {"abcd?e", "abc"},
        {"abcd?ef", "abc & ef"},
        {"ab+cd", "ab & cd"},
        {"ab{3}cd", "abbbcd"},
        {"ab{3,}cd", "abbb & cd"},
        {"a(?:bc)+d", "abc"},
        {"a(?:bc){2}de", "abc & de"},
        {"a(?:bc){0}de", "ade"},
        {"(abc)(def)", "abcdef"},
        {"(?P<n>ab)c", "abc"},
        {"^ab\\bcd$", "abcd"},
        {"abc|def", "abc | def"},
        {"abc|d", ""},
        {"(?i)(fabric|cotton) shirt", "fabric~ | cotton~ &  shirt~"},
        {"x(ab|cd(?:efg|hi))yz", "ab | cd & yz"},
        {"(ab|(?:efg|hij))", "ab | efg | hij"},
        {"(abc)?(def)*(ghi){0,2}jk", "jk"},
        {"ab(?:|c)de", "ab & de"},
        {"\\Qa|b\\E*cd", "a| & cd"},
        {"\\x41\\x{42}\\103D", "ABCD"},
        {"\\.\\*ab", ".*ab"},
        {"ab[cd]ef", "ab & ef"},
        {"ab.ef\\dgh\\pLij\\p{Greek}kl", "ab & ef & gh & ij & kl"},
        {"ab[]c]de[^]f]gh[[:alpha:]]ij", "ab & de & gh & ij"},
        {"abc{d", "abc{d"},
        {"ab{,2}c", "ab{,2}c"},
        {"ab{01}c", "ab{01}c"},
        {"ab(?i)*cd", "cd~"},
    };
    capi_buf out = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(shown(cases[i].pattern, &out), cases[i].texts) != 0)
            capi_test_fail(__FILE__, __LINE__, "%s needs %s", cases[i].pattern, out.data);
    capi_buf_deinit(&out);
}

TEST(texts_are_bounded)
{
    capi_buf pattern = {0}, out = {0};

    for (int i = 0; i < 1000; i++)
        capi_buf_append_str(&pattern, capi_str_of("ab."));
    *capi_buf_reserve(&pattern, 1) = 0;
    CHECK(strlen(shown(pattern.data, &out)) == 256 * 5 - 3);
    capi_buf_clear(&pattern);
    for (int i = 0; i < 1000; i++)
        capi_buf_append_str(&pattern, capi_str_of("ab|"));
    capi_buf_append_str(&pattern, capi_str_of("cd"));
    *capi_buf_reserve(&pattern, 1) = 0;
    CHECK_STR(shown(pattern.data, &out), "");
    capi_buf_clear(&pattern);
    for (int i = 0; i < 1000; i++)
        capi_buf_append_str(&pattern, capi_str_of("a"));
    *capi_buf_reserve(&pattern, 1) = 0;
    CHECK(strlen(shown(pattern.data, &out)) == 1000 + 15 * 3);
    capi_buf_clear(&pattern);
    for (int i = 0; i < 100000; i++)
        capi_buf_append_str(&pattern, capi_str_of("(a|"));
    *capi_buf_reserve(&pattern, 1) = 0;
    CHECK_STR(shown(pattern.data, &out), "");
    capi_buf_deinit(&pattern);
    capi_buf_deinit(&out);
}
