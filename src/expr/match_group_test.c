/* match_group_test.c - patterns matched together give what they give one by one, also where rows fail. */
#include "expr/expr_fixture.h"
#include "expr/match_group.h"
#include "expr/regex_shim.h"

#include <stdlib.h>

enum { GROUP_ROWS = 700, GROUP_PATTERNS = 60 };

static uint64_t state = 7;

static uint32_t pick(uint32_t count)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % count;
}

static void random_text(capi_buf *text)
{
    static const char *const parts[] = {"ab",
                                        "abc",
                                        "bcd",
                                        "cab",
                                        "x",
                                        "\"k\":\"",
                                        "\"",
                                        "\",",
                                        " ",
                                        "1",
                                        "é",
                                        "\xff",
                                        "\n",
                                        "dabcab",
                                        "a long part of a text",
                                        "AB",
                                        "aBC",
                                        "Kſk",
                                        "sS\xE2\x84\xAA",
                                        "ÉÉ",
                                        "SkK",
                                        "a LONG Part OF a text"};

    capi_buf_clear(text);
    for (uint32_t i = pick(9); i > 0; i--)
        capi_buf_append_str(text, capi_str_of(parts[pick(sizeof parts / sizeof *parts)]));
}

static void random_pattern(capi_buf *text)
{
    static const char *const parts[] = {"ab",
                                        "abc",
                                        "bcd",
                                        "cab",
                                        "dab",
                                        "\"k\":\"",
                                        "[^\"]*",
                                        "\"",
                                        "[a-c ]*",
                                        "[^\"]+",
                                        "[\\w ,]*",
                                        ".*",
                                        "x?",
                                        "(ab|bc)",
                                        "^",
                                        "$",
                                        "\\.",
                                        "é",
                                        "a long part of a text",
                                        "a long part of a song",
                                        "(?i)ab",
                                        "(?i:skk)",
                                        "(?i:Ks|a[bk]c)",
                                        "(ab|sk|bcd)",
                                        "ſk",
                                        "éé",
                                        "(?i)é",
                                        "(?i)",
                                        "(abc)*",
                                        "|"};
    char why[100];
    expr_regex *regex;

    do {
        capi_buf_clear(text);
        for (uint32_t i = 1 + pick(5); i > 0; i--)
            capi_buf_append_str(text, capi_str_of(parts[pick(sizeof parts / sizeof *parts - (pick(4) ? 3 : 0))]));
        regex = expr_regex_compile(text->data, text->bytes, why, sizeof why);
    } while (!regex);
    expr_regex_free(regex);
}

/* An expression with one or two patterns, or now and then one that fails for some rows. */
static void random_criterion(capi_buf *text, bool may_fail)
{
    static const char *const forms[] = {"re.MatchString(`~`, r.s)",
                                        "!re.MatchString(`~`, r.s)",
                                        "re.MatchString(`~`, r.s) && r.i > 5",
                                        "re.MatchString(`~`, r.s) || re.MatchString(`~`, r.s)",
                                        "re.MatchString(`~`, r.u)",
                                        "re.MatchString(`~`, r.s + r.u)",
                                        "re.MatchString(`~`, \"ab\")",
                                        "re.MatchString(`~`, r.s) && 100 / r.j > 3"};
    capi_buf pattern = {0};
    const char *form = forms[pick(sizeof forms / sizeof *forms - !may_fail)];

    capi_buf_clear(text);
    for (; *form; form++) {
        if (*form != '~') {
            capi_buf_append_byte(text, *form);
            continue;
        }
        random_pattern(&pattern);
        capi_buf_append_str(text, capi_buf_str(&pattern));
    }
    capi_buf_deinit(&pattern);
}

/* NUL-terminated; its memory is the buffer's. */
static const char *text_of(capi_buf *buf)
{
    *capi_buf_reserve(buf, 1) = 0;
    return buf->data;
}

typedef struct group_result {
    capi_status status;
    uint32_t bad_row, bad_output;
    capi_err err;
    capi_vec outputs[GROUP_PATTERNS];
} group_result;

static void run(capi_evaluator *evaluator, const capi_vec *inputs, uint32_t row_count, group_result *result)
{
    result->bad_row = result->bad_output = 0;
    result->status = capi_evaluator_run(evaluator, inputs, row_count, result->outputs, &result->bad_row,
                                        &result->bad_output, &result->err);
}

static void compare(const group_result *a, const group_result *b, uint32_t row_count, const char *const *texts)
{
    CHECK(a->status == b->status && a->bad_row == b->bad_row && a->bad_output == b->bad_output);
    if (a->status != CAPI_OK) {
        CHECK_STR(a->err.text, b->err.text);
        return;
    }
    for (uint32_t i = 0; i < GROUP_PATTERNS; i++) {
        CHECK(a->outputs[i].is_constant == b->outputs[i].is_constant);
        for (uint32_t row = 0; row < (a->outputs[i].is_constant ? 1 : row_count); row++)
            if (a->outputs[i].bools[row] != b->outputs[i].bools[row])
                capi_test_fail(__FILE__, __LINE__, "%u differs: %s", i, texts[row]);
    }
}

static const char **random_texts(uint32_t count)
{
    const char **texts = capi_malloc(count * sizeof *texts);
    capi_buf text = {0};

    for (uint32_t i = 0; i < count; i++) {
        random_text(&text);
        texts[i] = strdup(text_of(&text));
    }
    capi_buf_deinit(&text);
    return texts;
}

static void free_texts(const char **texts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        free((char *)texts[i]);
    free(texts);
}

static void one_round(bool may_fail)
{
    expr_fixture fixture;
    capi_program *together, *alone;
    capi_evaluator *evaluators[2];
    capi_instant now = {0};
    capi_buf text = {0};
    group_result results[2];
    const char **s = random_texts(GROUP_ROWS);
    const char **u = random_texts(GROUP_ROWS);
    int64_t numbers[GROUP_ROWS];

    fixture_init(&fixture);
    for (uint32_t i = 0; i < GROUP_ROWS; i++)
        numbers[i] = pick(300);
    fixture_ints(&fixture, "i", numbers, GROUP_ROWS);
    fixture_ints(&fixture, "j", numbers, GROUP_ROWS);
    fixture_texts(&fixture, "s", s, GROUP_ROWS);
    fixture_texts(&fixture, "u", u, GROUP_ROWS);
    together = capi_program_new(&fixture.arena);
    alone = capi_program_new(&fixture.arena);
    for (uint32_t i = 0; i < GROUP_PATTERNS; i++) {
        const capi_expr *expr;

        random_criterion(&text, may_fail);
        expr = fixture_load(&fixture, text_of(&text));
        if (!expr) capi_test_fail(__FILE__, __LINE__, "%s: %s", text_of(&text), fixture.err.text);
        capi_program_add(together, expr);
        capi_program_add(alone, expr);
    }
    capi_program_finish(together);
    CHECK(together->group_count > 0 && alone->group_count == 0);
    evaluators[0] = capi_evaluator_new(together, now);
    evaluators[1] = capi_evaluator_new(alone, now);
    for (uint32_t row_count = GROUP_ROWS; row_count > 0; row_count = row_count > 65  ? 65
                                                                     : row_count > 1 ? row_count / 2
                                                                                     : 0) {
        for (int i = 0; i < 2; i++)
            run(evaluators[i], fixture.inputs, row_count, &results[i]);
        compare(&results[0], &results[1], row_count, s);
    }
    capi_evaluator_free(evaluators[0]);
    capi_evaluator_free(evaluators[1]);
    capi_buf_deinit(&text);
    free_texts(s, GROUP_ROWS);
    free_texts(u, GROUP_ROWS);
    fixture_deinit(&fixture);
}

TEST(patterns_matched_together_give_what_they_give_alone)
{
    for (int round = 0; round < 30; round++)
        one_round(false);
}

TEST(rows_that_fail_are_the_same_when_patterns_are_matched_together)
{
    for (int round = 0; round < 20; round++)
        one_round(true);
}

/* How many criteria of the form, with numbers from 100 on in it, need look at only a few rows. */
static uint32_t count_filtered(const char *form)
{
    enum { CRITERIA = 50 };
    capi_program *program;
    expr_fixture fixture;
    uint32_t count = 0;

    fixture_init(&fixture);
    program = capi_program_new(&fixture.arena);
    for (int i = 0; i < CRITERIA; i++) {
        const char *text = capi_str_format(&fixture.arena, form, 100 + i, 200 + i).data;

        capi_program_add(program, fixture_load(&fixture, text));
    }
    capi_program_finish(program);
    for (uint32_t i = 0; i < program->instruction_count; i++)
        count += program->instructions[i].member != NULL;
    fixture_deinit(&fixture);
    return count;
}

TEST(patterns_with_texts_that_a_match_needs_are_given_few_rows)
{
    CHECK(count_filtered("re.MatchString(`word%d`, r.s)") == 50);
    CHECK(count_filtered("re.MatchString(`(?i)word%d`, r.s)") == 50);
    CHECK(count_filtered("re.MatchString(`\"(?i:k)\":\"[^\"]*(?i:word%d)`, r.s)") == 50);
    CHECK(count_filtered("re.MatchString(`^(word%d|text%d)$`, r.s)") == 50);
    CHECK(count_filtered("re.MatchString(`(?i)(word%d|text%d) ?[a-z]+`, r.s) && r.i > 5") == 50);
    CHECK(count_filtered("re.MatchString(`(word%d|\\d)`, r.s)") == 0);
}

/* A choice of words that no other criterion has. */
static const char *many_words(capi_arena *arena, int criterion, int word_count)
{
    capi_buf text = {0};
    const char *copy;

    capi_buf_append_text(&text, "re.MatchString(`(");
    for (int i = 0; i < word_count; i++)
        capi_buf_printf(&text, "%s%dword%d", i ? "|" : "", criterion, i);
    capi_buf_append_text(&text, ")`, r.s)");
    copy = capi_str_copy(arena, capi_buf_str(&text)).data;
    capi_buf_deinit(&text);
    return copy;
}

TEST(patterns_for_which_a_group_has_no_room_make_another_one)
{
    enum { CRITERIA = 500, WORDS = 100 };
    static const char *const texts[] = {"7word3", "x 499word99", "499 word", "300word50 1word1"};
    expr_fixture fixture;
    capi_program *program;
    capi_evaluator *evaluator;
    capi_vec *outputs = capi_malloc(CRITERIA * sizeof *outputs);
    uint32_t found = 0;

    fixture_init(&fixture);
    fixture_texts(&fixture, "s", texts, 4);
    program = capi_program_new(&fixture.arena);
    for (int i = 0; i < CRITERIA; i++)
        capi_program_add(program, fixture_load(&fixture, many_words(&fixture.arena, i, WORDS)));
    capi_program_finish(program);
    CHECK(program->group_count == 2);
    for (uint32_t i = 0; i < program->instruction_count; i++)
        CHECK(program->instructions[i].member);
    evaluator = capi_evaluator_new(program, (capi_instant){0});
    CHECK(capi_evaluator_run(evaluator, fixture.inputs, 4, outputs, NULL, NULL, NULL) == CAPI_OK);
    for (uint32_t i = 0; i < CRITERIA; i++)
        for (uint32_t row = 0; row < 4; row++)
            found += outputs[i].bools[row];
    CHECK(outputs[7].bools[0] && outputs[499].bools[1] && outputs[300].bools[3] && outputs[1].bools[3]);
    CHECK(outputs[99].bools[1] && outputs[9].bools[1] && outputs[0].bools[3] && found == 7);
    capi_evaluator_free(evaluator);
    free(outputs);
    fixture_deinit(&fixture);
}

/* A full chunk of rows: empty ones, some of a megabyte with what is looked for at the end, bytes that are no UTF-8. */
TEST(long_and_empty_rows_of_a_full_chunk_are_matched_alike_together_and_alone)
{
    enum { LONG_BYTES = 1 << 20, LONG_ROWS = 6, CRITERIA = 24 };
    static const char *const ends[LONG_ROWS] = {"Word10",   "wORD23\xff", "\xC5word11",
                                                "\xE2\x84", "\n text15",  "WORD19 "};
    const char **texts = capi_malloc(CAPI_CHUNK_ROWS * sizeof *texts);
    char *longs = capi_malloc((size_t)LONG_ROWS * (LONG_BYTES + 16));
    expr_fixture fixture;
    capi_program *programs[2];
    capi_vec outputs[2][CRITERIA];
    uint32_t found = 0;

    fixture_init(&fixture);
    for (uint32_t row = 0; row < CAPI_CHUNK_ROWS; row++)
        texts[row] = row % 5 ? "" : row % 2 ? "a WORD12" : "text13\xff";
    for (uint32_t i = 0; i < LONG_ROWS; i++) {
        char *text = longs + (size_t)i * (LONG_BYTES + 16);

        memset(text, " wordtext1é"[i], LONG_BYTES);
        strcpy(text + LONG_BYTES, ends[i]);
        texts[i * (CAPI_CHUNK_ROWS - 1) / (LONG_ROWS - 1)] = text;
    }
    fixture_texts(&fixture, "s", texts, CAPI_CHUNK_ROWS);
    for (int i = 0; i < 2; i++)
        programs[i] = capi_program_new(&fixture.arena);
    for (int i = 0; i < CRITERIA; i++) {
        static const char *const forms[] = {"re.MatchString(`word%d`, r.s)", "re.MatchString(`(?i)word%d.?$`, r.s)",
                                            "re.MatchString(`(?i)(word|text)%d\\b`, r.s)",
                                            "re.MatchString(`^[^x]*(?i:d1%d)`, r.s)"};
        const char *text = capi_str_format(&fixture.arena, forms[i % 4], i % 4 == 3 ? i % 10 : i).data; // NOLINT

        for (int j = 0; j < 2; j++)
            capi_program_add(programs[j], fixture_load(&fixture, text));
    }
    capi_program_finish(programs[0]);
    CHECK(programs[0]->group_count > 0);
    for (int i = 0; i < 2; i++) {
        capi_evaluator *evaluator = capi_evaluator_new(programs[i], (capi_instant){0});

        CHECK(capi_evaluator_run(evaluator, fixture.inputs, CAPI_CHUNK_ROWS, outputs[i], NULL, NULL, NULL) == CAPI_OK);
        for (int j = 0; j < CRITERIA; j++)
            outputs[i][j].data = capi_arena_copy(&fixture.arena, outputs[i][j].data, CAPI_CHUNK_ROWS);
        capi_evaluator_free(evaluator);
    }
    for (int i = 0; i < CRITERIA; i++)
        for (uint32_t row = 0; row < CAPI_CHUNK_ROWS; row++) {
            CHECK(outputs[0][i].bools[row] == outputs[1][i].bools[row]);
            found += outputs[0][i].bools[row];
        }
    CHECK(found > LONG_ROWS);
    free(longs);
    free(texts);
    fixture_deinit(&fixture);
}

/* ---- sets of texts ---- */

TEST(a_set_finds_what_a_plain_search_finds)
{
    enum { PARTS = 40 };
    capi_arena arena = {0};
    capi_str parts[PARTS];
    uint32_t numbers[PARTS];
    uint32_t count;

    for (int round = 0; round < 200; round++) {
        char bytes[PARTS][8];
        uint64_t words[PARTS] = {0};
        char text[60];
        const expr_text_set *set;

        for (uint32_t i = 0; i < PARTS; i++) {
            parts[i] = (capi_str){bytes[i], pick(6)};
            for (size_t at = 0; at < parts[i].bytes; at++)
                bytes[i][at] = "abc\xff"[pick(round % 2 ? 2 : 4)];
        }
        for (size_t at = 0; at < sizeof text; at++)
            text[at] = "abc\xff"[pick(4)];
        set = expr_text_set_new(&arena, parts, PARTS, EXPR_TEXT_EXACT, numbers, &count);
        CHECK(count <= PARTS);
        expr_text_set_mark(set, (capi_str){text, sizeof text}, words, 1, 1);
        for (uint32_t i = 0; i < PARTS; i++) {
            if (parts[i].bytes == 0) {
                CHECK(numbers[i] == EXPR_TEXT_SET_NONE);
                continue;
            }
            CHECK((words[numbers[i]] == 1) == (memmem(text, sizeof text, parts[i].data, parts[i].bytes) != NULL));
        }
        capi_arena_reset(&arena);
    }
    capi_arena_deinit(&arena);
}

TEST(a_folded_set_finds_letters_in_any_case)
{
    static const struct {
        const char *part, *text;
        bool is_found;
    } cases[] = {
        {"fabric", "a FabRIC!", true},
        {"FABRIC", "a fabric!", true},
        {"fabric", "a fabri", false},
        {"task", "TA\xC5\xBF\xE2\x84\xAA", true},
        {"sk", "\xC5\xBF\xE2\x84\xAA", true},
        {"sks", "\xC5\xBF\xE2\x84\xAA\xC5", false},
        {"ss", "s\xBF", false},
        {"s\xBFx", "\xC5\xBF\xBFX", true},
        {"ks", "\xE2\x84s", false},
        {"éa", "éA", true},
        {"éa", "ÉA", false},
        {"[a", "{a", false},
        {"@a", "`a", false},
    };
    capi_arena arena = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        capi_str part = capi_str_of(cases[i].part);
        uint32_t number, count;
        uint64_t word = 0;
        const expr_text_set *set = expr_text_set_new(&arena, &part, 1, EXPR_TEXT_FOLDED, &number, &count);

        expr_text_set_mark(set, capi_str_of(cases[i].text), &word, 1, 1);
        if ((word == 1) != cases[i].is_found)
            capi_test_fail(__FILE__, __LINE__, "%s in %s: %d", cases[i].part, cases[i].text, (int)word);
    }
    capi_arena_deinit(&arena);
}

TEST(a_set_of_all_bytes_and_more_parts_than_fit_is_still_right)
{
    enum { PARTS = 3000 };
    capi_arena arena = {0};
    char(*bytes)[16] = capi_malloc(PARTS * sizeof *bytes);
    capi_str *parts = capi_malloc(PARTS * sizeof *parts);
    uint32_t *numbers = capi_malloc(PARTS * sizeof *numbers);
    uint64_t *words = capi_zmalloc(PARTS * sizeof *words);
    uint32_t count, taken = 0;
    const expr_text_set *set;

    for (uint32_t i = 0; i < PARTS; i++) {
        for (size_t at = 0; at < 16; at++)
            bytes[i][at] = (char)pick(256);
        parts[i] = (capi_str){bytes[i], 16};
    }
    set = expr_text_set_new(&arena, parts, PARTS, EXPR_TEXT_EXACT, numbers, &count);
    for (uint32_t i = 0; i < PARTS; i++) {
        if (numbers[i] == EXPR_TEXT_SET_NONE) continue;
        taken++;
        CHECK(words[numbers[i]] == 0);
        expr_text_set_mark(set, parts[i], words, 1, 1);
        CHECK(words[numbers[i]] == 1);
    }
    CHECK(taken == count && taken > 900 && taken < PARTS);
    capi_arena_deinit(&arena);
    free(bytes);
    free(parts);
    free(numbers);
    free(words);
}
