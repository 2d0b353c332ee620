#include "script/params.h"

#include "base/test.h"

typedef struct params_bed {
    capi_arena arena;
    capi_diags diags;
    capi_report report;
    capi_source params_source, source;
    capi_params params;
} params_bed;

static void bed_open(params_bed *bed, const char *params, const capi_str *names, const capi_str *values, uint32_t count)
{
    const capi_tree *root = NULL;
    capi_err err = {0};

    *bed = (params_bed){0};
    capi_diags_init(&bed->diags, &bed->arena);
    bed->report = (capi_report){.arena = &bed->arena, .diags = &bed->diags};
    bed->params_source = (capi_source){.url = CAPI_STR("p.json"), .original = capi_str_of(params)};
    bed->params_source.text = bed->params_source.original;
    CHECK_OK(capi_tree_from_json(&bed->arena, bed->params_source.text, &root, &err), err);
    capi_params_read(&bed->report, &bed->params_source, root, names, values, count, &bed->params);
}

static void bed_apply(params_bed *bed, const char *text)
{
    bed->source = (capi_source){.url = CAPI_STR("s.json"), .original = capi_str_of(text)};
    capi_params_apply(&bed->report, &bed->params, &bed->arena, &bed->source);
}

static void check_result(const char *params, const char *text, const char *expected)
{
    params_bed bed;

    bed_open(&bed, params, NULL, NULL, 0);
    bed_apply(&bed, text);
    CHECK_INT(bed.diags.error_count, 0);
    CHECK_STR(capi_str_copy(&bed.arena, bed.source.text).data, expected);
    capi_arena_deinit(&bed.arena);
}

static void check_mistake(const char *params, const char *text, const char *rule, const char *words)
{
    params_bed bed;

    bed_open(&bed, params, NULL, NULL, 0);
    bed_apply(&bed, text);
    CHECK_INT(bed.diags.error_count, 1);
    CHECK_STR(capi_str_copy(&bed.arena, bed.diags.items[0].rule).data, rule);
    CHECK(strstr(capi_str_copy(&bed.arena, bed.diags.items[0].message).data, words));
    capi_arena_deinit(&bed.arena);
}

TEST(references_are_replaced_as_their_types_say)
{
    check_result("{\"a\": \"x\"}", "{a} {  a  } {a|string} { a | string }", "x x x x");
    check_result("{\"n\": 10}", "[\"{n|number}\", \"{ n | number }\"]", "[10, 10]");
    check_result("{\"n\": 10.0, \"m\": 2.5, \"k\": -0.1234567}", "\"{n|number}\" \"{m|number}\" \"{k|number}\"",
                 "10 2.500000 -0.123457");
    check_result("{\"b\": true}", "\"{b|bool}\"", "true");
    check_result("{\"l\": [\"a\", \"b\\\"\"]}", "\"{l|stringlist}\"", "[\"a\",\"b\"\"]");
    check_result("{\"a\": \"1\\n2\"}", "{a}", "1\\n2");
    check_result("{\"a\": \"x\"}", "{\"{a}\": 1}", "{\"x\": 1}");
}

TEST(only_blanks_may_stand_inside_a_reference)
{
    check_result("{\"a\": \"x\"}", "{\ta} {\na} {} {\"a\":1} {a b} {2,3} {a|strings}",
                 "{\ta} {\na} {} {\"a\":1} {a b} {2,3} {a|strings}");
}

TEST(replaced_text_is_not_scanned_again)
{
    check_result("{\"a\": \"{b}\", \"b\": \"x\"}", "{a}", "{b}");
    check_mistake("{\"a\": \"{b|string}\", \"b\": \"x\"}", "{a}", "V8", "parameter \"b\" of type string has no value");
}

TEST(reserved_references_stay_unless_a_parameter_has_their_name)
{
    check_result("{}", "{batch_idx} {run_id}", "{batch_idx|string} {run_id|string}");
    check_result("{\"batch_idx\": \"7\"}", "{batch_idx}", "7");
    check_mistake("{}", "\"{batch_idx|number}\"", "V8", "batch_idx");
}

TEST(a_list_reference_that_is_not_given_stays_text)
{
    check_result("{}", "\"{urls|stringlist}\"", "\"{urls|stringlist}\"");
    check_result("{\"urls\": \"x\"}", "\"{ urls | stringlist }\"", "\"{urls|stringlist}\"");
}

TEST(numbers_and_bools_must_fill_a_quoted_string)
{
    check_mistake("{\"n\": 1}", "\"n={n|number}\"", "V7", "must fill a string in double quotes");
    check_mistake("{\"n\": \"1\"}", "\"{n|number}\"", "V8", "its value is a string, so write {n|string}");
    check_mistake("{\"n\": 1}", "{n}", "V8", "so write {n|number}");
    check_mistake("{\"name\": \"1\"}", "{nam}", "V8", "did you mean \"name\"?");
    check_mistake("{}", "[0-9]{4}", "V8", "write {4,4}");
}

TEST(values_of_other_kinds_are_mistakes_even_if_unused)
{
    check_mistake("{\"x\": null}", "", "V5", "is null");
    check_mistake("{\"x\": {}}", "", "V5", "is a map");
    check_mistake("{\"x\": []}", "", "S8", "empty list");
    check_mistake("{\"x\": [\"a\", 2]}", "", "V6", "item 2");
    check_mistake("[1]", "", "V4", "expected a map");
}

TEST(values_given_one_by_one_come_first)
{
    const capi_str names[] = {CAPI_STR("n"), CAPI_STR("s"), CAPI_STR("new"), CAPI_STR("list")};
    const capi_str values[] = {CAPI_STR("20"), CAPI_STR("y"), CAPI_STR("5"), CAPI_STR("a, b")};
    params_bed bed;

    bed_open(&bed, "{\"n\": 10, \"s\": \"x\"}", names, values, 4);
    bed_apply(&bed, "\"{n|number}\" {s} \"{new|number}\" {new} \"{list|stringlist}\"");
    CHECK_INT(bed.diags.error_count, 0);
    CHECK_STR(capi_str_copy(&bed.arena, bed.source.text).data, "20 y 5 5 [\"a\",\"b\"]");
    capi_arena_deinit(&bed.arena);
}

TEST(a_value_given_one_by_one_must_have_the_type_of_the_files_value)
{
    const capi_str name = CAPI_STR("n");
    const capi_str value = CAPI_STR("many");
    params_bed bed;

    bed_open(&bed, "{\"n\": 10}", &name, &value, 1);
    CHECK_INT(bed.diags.error_count, 1);
    CHECK(strstr(capi_str_copy(&bed.arena, bed.diags.items[0].message).data, "in the parameters file it is a number"));
    capi_arena_deinit(&bed.arena);
}

TEST(places_lead_back_to_the_file)
{
    params_bed bed;
    uint32_t start;
    uint32_t end;

    bed_open(&bed, "{\"a\": \"a long value\", \"n\": 7}", NULL, NULL, 0);
    bed_apply(&bed, "x {a} y \"{n|number}\" z");
    CHECK_STR(capi_str_copy(&bed.arena, bed.source.text).data, "x a long value y 7 z");
    capi_source_find(&bed.source, 15, 16, &start, &end); /* y */
    CHECK_INT(start, 6);
    CHECK_INT(end, 7);
    capi_source_find(&bed.source, 4, 8, &start, &end); /* "long" stands for the reference */
    CHECK_INT(start, 2);
    CHECK_INT(end, 5);
    capi_source_find(&bed.source, 17, 20, &start, &end); /* 7 z */
    CHECK_INT(start, 8);
    CHECK_INT(end, 22);
    capi_arena_deinit(&bed.arena);
}
