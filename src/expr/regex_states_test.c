/* regex_states_test.c - states match what RE2 matches, for random patterns and texts; and large patterns stay small. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/test.h"
#include "expr/regex_shim.h"
#include "expr/regex_states.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static uint64_t state = 3;

static uint32_t pick(uint32_t count)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % count;
}

#define PICK(items) (items)[pick(sizeof(items) / sizeof *(items))]

/* A pattern of up to `depth` levels. Rounds are few, so that RE2 can do with little memory. */
static void random_pattern(capi_buf *out, int depth)
{
    static const char *const singles[] = {
        "a",       "b",     "ab",       "K",      "s",     ".",     "\\pL",   "[^\\pL]", "\\p{Greek}",    "\\PN",
        "[a-c]",   "[^a]",  "\\d",      "\\W",    "\\s",   "é",     "ſ",      "\\x{e9}", "[[:^alpha:]é]", "\\n",
        "[]a]",    "[^]b]", "\\Qa.\\E", "\\.",    "\\101", "\\x41", "[\\w-]", "[α-ω]",   "\xEF\xBF\xBD",  "\\x{FFFD}",
        "\\x{ff}", "Σ",     "\\pZ",     "[\\d.]", " ",     "{",     "{1,",    "日"};
    static const char *const places[] = {"^", "$", "\\A", "\\z", "\\b", "\\B"};
    static const char *const opens[] = {
        "(", "(?:", "(?i:", "(?s:", "(?m:", "(?U:", "(?-i:", "(?ims:", "(?P<n>", "(?i-s:"};
    static const char *const repeats[] = {"*",     "+",     "?",      "{2}",   "{0}",    "{1,3}", "{0,2}",
                                          "{2,}",  "*?",    "+?",     "{3}?",  "{0,70}", "{5,9}", "{64}",
                                          "{63,}", "{1,1}", "{0,64}", "{65,}", "??",     "{,2}"};
    uint32_t parts = 1 + pick(4);

    if (pick(12) == 0)
        capi_buf_append_str(out, capi_str_of(PICK(((const char *const[]){"(?i)", "(?s)", "(?m)", "(?U)"}))));
    for (uint32_t i = 0; i < parts; i++) {
        if (i > 0 && pick(5) == 0) capi_buf_append_byte(out, '|');
        if (pick(5) == 0) capi_buf_append_str(out, capi_str_of(PICK(places)));
        if (depth > 1 && pick(3) == 0) {
            capi_buf_append_str(out, capi_str_of(PICK(opens)));
            random_pattern(out, depth - 1);
            capi_buf_append_byte(out, ')');
            if (pick(2)) capi_buf_append_str(out, capi_str_of(repeats[pick(9)]));
        } else {
            capi_buf_append_str(out, capi_str_of(PICK(singles)));
            if (pick(3) == 0) capi_buf_append_str(out, capi_str_of(PICK(repeats)));
        }
    }
}

static void random_text(capi_buf *out)
{
    static const char *const parts[] = {"a",
                                        "b",
                                        "ab",
                                        "A",
                                        "aab",
                                        "é",
                                        "É",
                                        "K",
                                        "k",
                                        "\xE2\x84\xAA",
                                        "ſ",
                                        "S",
                                        " ",
                                        "\n",
                                        "α",
                                        "Σ",
                                        "ς",
                                        "1",
                                        "٣",
                                        "_",
                                        "a.",
                                        "\xff",
                                        "\xC5",
                                        "\xE2\x84",
                                        "日",
                                        "\xEF\xBF\xBD",
                                        "\xED\xA0\x80",
                                        "{1,",
                                        "🙂",
                                        "\xF0\x9F",
                                        "]",
                                        "\r",
                                        ".",
                                        "B",
                                        "-",
                                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

    capi_buf_clear(out);
    for (uint32_t i = pick(10); i > 0; i--)
        capi_buf_append_str(out, capi_str_of(PICK(parts)));
}

static expr_regex *compile(const char *pattern)
{
    char why[256];

    return expr_regex_compile(pattern, strlen(pattern), why, sizeof why);
}

/* The pattern in a form in which RE2 alone decides: nothing that a match must contain is known of it. */
static expr_regex *compile_plainly(const char *pattern)
{
    capi_buf text = {0};
    expr_regex *regex;

    capi_buf_append_str(&text, capi_str_of("(?:"));
    capi_buf_append_str(&text, capi_str_of(pattern));
    capi_buf_append_str(&text, capi_str_of(")|[^\\x00-\\x{10FFFF}]"));
    *capi_buf_reserve(&text, 1) = 0;
    regex = compile(text.data);
    capi_buf_deinit(&text);
    return regex;
}

static bool states_match(const expr_regex_states *states, const char *text, size_t bytes)
{
    void *room = malloc(expr_regex_states_room(states));
    bool found = expr_regex_states_match(states, text, bytes, room);

    free(room);
    return found;
}

static void compare_on_random_texts(const char *pattern, const expr_regex *regex, const expr_regex_states *states,
                                    uint32_t *matched)
{
    capi_buf text = {0};

    for (int i = 0; i < 12; i++) {
        bool found;

        random_text(&text);
        found = expr_regex_match(regex, text.data, text.bytes);
        *matched += found;
        if (states_match(states, text.data ? text.data : "", text.bytes) != found)
            capi_test_fail(__FILE__, __LINE__, "%s on \"%.*s\": %d", pattern, (int)text.bytes, text.data, found);
    }
    capi_buf_deinit(&text);
}

TEST(states_match_what_the_automaton_matches)
{
    uint32_t compiled = 0, matched = 0;
    capi_buf pattern = {0};

    for (int round = 0; round < 4000; round++) {
        expr_regex *regex;
        expr_regex_states *states;

        capi_buf_clear(&pattern);
        random_pattern(&pattern, 3);
        *capi_buf_reserve(&pattern, 1) = 0;
        regex = compile_plainly(pattern.data);
        if (!regex) continue;
        states = expr_regex_states_new(pattern.data, pattern.bytes);
        if (states) {
            compiled++;
            compare_on_random_texts(pattern.data, regex, states, &matched);
        }
        expr_regex_states_free(states);
        expr_regex_free(regex);
    }
    capi_buf_deinit(&pattern);
    CHECK(compiled > 3000 && matched > 8000 && matched < 11 * compiled);
}

TEST(counts_are_exact_at_their_ends)
{
    static const uint32_t counts[] = {0, 1, 2, 31, 62, 63, 64, 65, 127, 128, 129, 500, 999, 1000};
    enum { COUNTS = sizeof counts / sizeof *counts };
    static char text[1200];

    memset(text, 'a', sizeof text);
    for (uint32_t low = 0; low < COUNTS; low++)
        for (uint32_t high = low; high <= COUNTS; high++) {
            char pattern[64];
            expr_regex_states *states;

            snprintf(pattern, sizeof pattern, "^[a-b]{%u,%.0u}$", counts[low], high < COUNTS ? counts[high] : 0);
            if (high < COUNTS && counts[high] == 0) strcpy(pattern, "^[a-b]{0}$");
            states = expr_regex_states_new(pattern, strlen(pattern));
            CHECK(states);
            for (uint32_t i = 0; i < COUNTS; i++)
                for (uint32_t bytes = counts[i] ? counts[i] - 1 : 0; bytes <= counts[i] + 1; bytes++)
                    if (states_match(states, text, bytes) !=
                        (bytes >= counts[low] && (high == COUNTS || bytes <= counts[high])))
                        capi_test_fail(__FILE__, __LINE__, "%s on %u", pattern, bytes);
            expr_regex_states_free(states);
        }
}

/* Each alone would take ten to twenty megabytes and most of a second as an automaton. */
TEST(thousands_of_large_patterns_need_little_memory)
{
    static const char *const forms[] = {
        "\\pL{1,1000}%u",           "(?i)[\\pL ]{900}x%u$",       "(?:\\pL+ ){1,300}%u",
        "^[^\\pN]{1,500}\\p{Lu}%u", "(\\pL{2,100}|\\pN{1,90})%u", "\\PL{1000}\\pL{1000}%u"};
    enum { PATTERNS = 400, FORMS = sizeof forms / sizeof *forms };
    expr_regex **all = capi_malloc(PATTERNS * FORMS * sizeof *all);
    struct rusage before, after;

    getrusage(RUSAGE_SELF, &before);
    for (uint32_t i = 0; i < PATTERNS * FORMS; i++) {
        char pattern[64];

        snprintf(pattern, sizeof pattern, forms[i % FORMS], i); // NOLINT
        all[i] = compile(pattern);
        CHECK(all[i]);
    }
    getrusage(RUSAGE_SELF, &after);
    CHECK(expr_regex_match(all[6], "abc6", 4) && !expr_regex_match(all[6], "ab76", 4));
    for (uint32_t i = 0; i < PATTERNS * FORMS; i++)
        expr_regex_free(all[i]);
    free(all);
    if (after.ru_maxrss - before.ru_maxrss > 1 << 20)
        capi_test_fail(__FILE__, __LINE__, "%ld kB", after.ru_maxrss - before.ru_maxrss);
}

TEST(a_long_text_is_matched_as_the_automaton_does)
{
    static const char *const patterns[] = {"\\pL{1000}\\d", "[\\pL ]{500}x$", "(?:\\pL+ ){300}\\d",
                                           "\\pN\\z",       "(?s)^.{1000}",   "^\\PN*$"};
    size_t bytes = 1 << 20;
    char *text = capi_malloc(bytes);

    for (size_t i = 0; i < bytes; i++)
        text[i] = "abc \xC3\xA9"[pick(6)];
    text[bytes - 1] = '7';
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        expr_regex *regex = compile_plainly(patterns[i]);
        expr_regex_states *states = expr_regex_states_new(patterns[i], strlen(patterns[i]));

        CHECK(regex && states);
        if (expr_regex_match(regex, text, bytes) != states_match(states, text, bytes))
            capi_test_fail(__FILE__, __LINE__, "%s", patterns[i]);
        expr_regex_states_free(states);
        expr_regex_free(regex);
    }
    free(text);
}
