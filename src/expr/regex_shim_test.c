/* regex_shim_test.c - where patterns differ from RE2's own: named groups, \C, invalid UTF-8; and what is rejected. */
#include "base/test.h"
#include "expr/regex_shim.h"

static bool matches(const char *pattern, const char *text)
{
    char why[256];
    expr_regex *regex = expr_regex_compile(pattern, strlen(pattern), why, sizeof why);
    bool found;

    if (!regex) capi_test_fail(__FILE__, __LINE__, "%s: %s", pattern, why);
    found = expr_regex_match(regex, text, strlen(text));
    expr_regex_free(regex);
    return found;
}

static bool compiles(const char *pattern)
{
    char why[256] = "";
    expr_regex *regex = expr_regex_compile(pattern, strlen(pattern), why, sizeof why);
    bool ok = regex != NULL;

    CHECK(ok || why[0]);
    expr_regex_free(regex);
    return ok;
}

TEST(patterns_match_anywhere)
{
    CHECK(matches("b", "abc"));
    CHECK(!matches("^b", "abc"));
    CHECK(matches("", ""));
    CHECK(matches("^$", ""));
    CHECK(!matches("a$", "a\n"));
    CHECK(matches("(?m)a$", "a\n"));
    CHECK(!matches("a.b", "a\nb"));
    CHECK(matches("a\\.b", "xa.b"));
    CHECK(matches("a+b{2,3}[c-e]", "aabbd"));
}

TEST(places_are_between_characters)
{
    CHECK(matches("\\B", "Σ"));
    CHECK(matches("\\B", "ab"));
    CHECK(!matches("\\B", "aΣb"));
    CHECK(!matches("x|\\B(?:ab)?", "aΣb"));
    CHECK(matches("\\b", "aΣb"));
    CHECK(!matches("\\b", "Σ"));
    CHECK(matches("\\B$", ""));
}

TEST(both_ways_to_name_a_group_are_known)
{
    CHECK(matches("(?<n>a)b", "ab"));
    CHECK(matches("(?P<n>a)b", "ab"));
    CHECK(matches("[(?<n>]", "<"));
    CHECK(matches("[](?<]", "]"));
    CHECK(matches("[[:alpha:](?<]x", "<x"));
    CHECK(matches("\\Q(?<n>\\E", "(?<n>"));
    CHECK(matches("\\(?<", "<"));
    CHECK(!compiles("(?<=a)b"));
    CHECK(!compiles("(?<!a)b"));
}

TEST(what_is_not_linear_is_rejected)
{
    const char *const bad[] = {"(",
                               "(a)\\1",
                               "(?=a)",
                               "(?!a)",
                               "(?>a)",
                               "a*+",
                               "a{1001}",
                               "\\Z",
                               "\\C",
                               "[b-a]",
                               "*",
                               "\xff",
                               "(?<n>a)(?<n>b)",
                               "(((a{100}){100}){100})"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (compiles(bad[i])) capi_test_fail(__FILE__, __LINE__, "%s compiles", bad[i]);
    CHECK(compiles("[\\C]") || true);
    CHECK(compiles("(?:a{1000})"));
    CHECK(compiles("\\pL{0,1000}"));
}

TEST(an_invalid_byte_is_one_replacement_character)
{
    CHECK(matches("^a.b$", "a\xff"
                           "b"));
    CHECK(!matches("^a.b$", "a\xff\xfe"
                            "b"));
    CHECK(matches("^a..b$", "a\xe2\x82"
                            "b"));
    CHECK(matches("\xEF\xBF\xBD", "a\xff"));
    CHECK(matches("^\\x{FFFD}$", "\xff"));
    CHECK(matches("é", "\xff"
                       "é"));
    CHECK(!matches("[^a]", "a"));
}

TEST(required_texts_do_not_change_what_matches)
{
    CHECK(matches("\"v\":\"[\\w ,]*Boys[\\w ,]*\"", "{\"v\":\"Big Boys, Men\"}"));
    CHECK(!matches("\"v\":\"[\\w ,]*Boys[\\w ,]*\"", "{\"v\":\"Big Girls, Men\"}"));
    CHECK(matches("abcd?e", "abce"));
    CHECK(matches("abcd*e", "abce"));
    CHECK(matches("abcd{0,1}e", "abce"));
    CHECK(matches("abc|xyz", "xyz"));
    CHECK(matches("(abc|xyz)q", "xyzq"));
    CHECK(matches("(abc)?q", "q"));
    CHECK(matches("(?:abc){0,2}q", "q"));
    CHECK(matches("(?i)abc", "ABC"));
    CHECK(matches("x(?i)abc", "xABC"));
    CHECK(matches("x(?i:abc)y", "xABCy"));
    CHECK(matches("ab\\+cd", "ab+cd"));
    CHECK(matches("ab+cd", "abbcd"));
    CHECK(matches("abc\\dxyz", "abc7xyz"));
    CHECK(matches("\\x41bcd", "Abcd"));
    CHECK(matches("\\101bcd", "Abcd"));
    CHECK(matches("\\x{41}bcd", "Abcd"));
    CHECK(matches("a\\Q*\\Ecd", "a*cd"));
    CHECK(matches("\\pLbcd", "abcd"));
    CHECK(matches("\\p{Lu}bcd", "Abcd"));
    CHECK(matches("abcd\\b efg", "abcd efg"));
    CHECK(matches("žluťé*x", "žluťx"));
    CHECK(matches("abc[)]def", "abc)def"));
    CHECK(matches("a([)])?def", "adef"));
    CHECK(matches("abc{y|z}", "z}"));
    CHECK(matches("{\"k\":\"a b\"", "[{\"k\":\"a b\"}]"));
}

/* The same pattern, in a form of which no text that a match must contain is known, and which is no chain: RE2 alone decides. */
static expr_regex *compile_plainly(const char *pattern)
{
    char text[400];
    char why[128];

    snprintf(text, sizeof text, "(?:%s)|[^\\x00-\\x{10FFFF}]", pattern);
    return expr_regex_compile(text, strlen(text), why, sizeof why);
}

TEST(random_patterns_match_the_same_with_and_without_required_texts)
{
    static const char *const parts[] = {"a",          "b",
                                        "ab",         "ba",
                                        "x",          "|",
                                        "(",          ")",
                                        "(?:",        "[ab]",
                                        "[^b]",       "[)|]",
                                        "*",          "+",
                                        "?",          "{2}",
                                        "{0,2}",      "{",
                                        "}",          "{a|",
                                        ".",          "^",
                                        "$",          "\\.",
                                        "\\d",        "\\b",
                                        "\\x61",      "(?i)",
                                        "(?i:",       "(?P<n>",
                                        "é",          "\\Qa|b\\E",
                                        "\"",         ",",
                                        "{1,",        "s",
                                        "K",          "(?-i)",
                                        "ſ",          "É",
                                        "(?m:",       "(?s-i:",
                                        "\\z",        "{3}",
                                        "]",          "[[:^alpha:]]",
                                        "\\A",        "\\B",
                                        "(?U)",       "(?s)",
                                        "(?m)",       "\\pL{2,3}",
                                        "[^\\pN]{2}", "\\n"};
    static const char *const texts[] = {"",
                                        "a",
                                        "ab",
                                        "abab",
                                        "xab",
                                        "b}",
                                        "a{a",
                                        "AB",
                                        "aab1.",
                                        "\"ab\",",
                                        "é ab",
                                        "aa|b",
                                        "bb{2}x",
                                        "aſK",
                                        "AS\xE2\x84\xAAÉ",
                                        "ab\xffs\nk\nab"};
    uint64_t state = 42;
    uint32_t compiled = 0;

    for (int round = 0; round < 20000; round++) {
        char plain[128] = "";
        char why[128];
        expr_regex *regex, *other;

        for (int i = 0; i < 7; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            strcat(plain, parts[(state >> 33) % (sizeof parts / sizeof *parts)]);
        }
        regex = expr_regex_compile(plain, strlen(plain), why, sizeof why);
        other = compile_plainly(plain);
        compiled += regex && other;
        for (size_t i = 0; regex && other && i < sizeof texts / sizeof *texts; i++)
            if (expr_regex_match(regex, texts[i], strlen(texts[i])) !=
                expr_regex_match(other, texts[i], strlen(texts[i])))
                capi_test_fail(__FILE__, __LINE__, "%s on %s", plain, texts[i]);
        expr_regex_free(regex);
        expr_regex_free(other);
    }
    CHECK(compiled > 2000);
}

/* Texts with classes between them need no automaton; in a choice they do, so the two ways check each other. */
TEST(random_chains_match_the_same_as_automata)
{
    static const char *const parts[] = {"a",      "b",           "ab",     "aba",        "\"",      "\\.",
                                        "[^\"]*", "[ab]*",       "[^b]+",  "[\\w ,-]*",  "[a-b.]+", ".*",
                                        ".+",     "[^\\\"\\s]*", "[^\n]*", "[\\d\\-x]*", "[^\\w]*", "K",
                                        "sB",     "[^k]*",       "[R-T]+", "[\\wé]*",    "[^A-J]*"};
    static const char *const bytes[] = {"a",  "b",   "\"", ".", " ",    "\n", "é", "\xff",
                                        "ab", "aba", "1",  "-", "\\",   "K",  "k", "\xE2\x84\xAA",
                                        "ſ",  "S",   "sb", "B", "\xC5", "É"};
    uint64_t state = 11;
    uint32_t matched = 0;

    for (int round = 0; round < 6000; round++) {
        char plain[128] = "";
        char why[128];
        expr_regex *regex, *other;

        if (round % 2) strcpy(plain, "(?i)");
        for (int i = 0; i < 2 + round % 6; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            strcat(plain, parts[(state >> 33) % (sizeof parts / sizeof *parts)]);
        }
        regex = expr_regex_compile(plain, strlen(plain), why, sizeof why);
        other = compile_plainly(plain);
        CHECK(regex && other);
        for (int i = 0; i < 30; i++) {
            char text[128] = "";
            bool found;

            for (int j = 0; j < i; j++) {
                state = state * 6364136223846793005u + 1442695040888963407u;
                strcat(text, bytes[(state >> 33) % (sizeof bytes / sizeof *bytes)]);
            }
            found = expr_regex_match(other, text, strlen(text));
            matched += found;
            if (expr_regex_match(regex, text, strlen(text)) != found)
                capi_test_fail(__FILE__, __LINE__, "%s on %s", plain, text);
            if (found && !expr_regex_match_candidate(regex, text, strlen(text)))
                capi_test_fail(__FILE__, __LINE__, "%s as a candidate on %s", plain, text);
        }
        expr_regex_free(regex);
        expr_regex_free(other);
    }
    CHECK(matched > 10000);
}

TEST(a_batch_gives_the_same_as_single_texts)
{
    const expr_regex_text texts[] = {{"abc", 3}, {NULL, 0}, {"b", 1}, {"xyz", 3}};
    uint8_t out[4];
    char why[64];
    expr_regex *regex = expr_regex_compile("b|^$", 4, why, sizeof why);

    expr_regex_match_batch(regex, texts, 4, out);
    CHECK(out[0] == 1 && out[1] == 1 && out[2] == 1 && out[3] == 0);
    expr_regex_free(regex);
}
