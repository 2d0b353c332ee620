/* load_golden_test.c - every case of the validation table gets the verdict of the table. */
#include "base/test.h"
#include "script/script.h"

#include <jansson.h>
#include <stdlib.h>

typedef struct golden_files {
    capi_str script, params;
} golden_files;

static capi_status fetch_golden(void *context, capi_str url, capi_arena *arena, capi_str *text, capi_err *err)
{
    const golden_files *files = context;

    if (capi_str_is(url, "script.json"))
        *text = capi_str_copy(arena, files->script);
    else if (capi_str_is(url, "params.json"))
        *text = capi_str_copy(arena, files->params);
    else
        return capi_err_set(err, CAPI_NOT_FOUND, "file \"%.*s\" does not exist", CAPI_STR_ARG(url));
    return CAPI_OK;
}

static capi_str dump(capi_arena *arena, const json_t *json)
{
    char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_INDENT(1));
    capi_str copy = capi_str_copy(arena, capi_str_of(text));

    free(text);
    return copy;
}

static bool has_rule(const capi_diags *diags, const char *rule)
{
    for (uint32_t i = 0; i < diags->count; i++)
        if (diags->items[i].severity == CAPI_ERROR && capi_str_is(diags->items[i].rule, rule)) return true;
    return false;
}

/* Prints what differs; true if the verdict is right. */
static bool run_case(const json_t *test, uint32_t *other_rule_count)
{
    const char *name = json_string_value(json_object_get(test, "name"));
    const char *rule = json_string_value(json_object_get(test, "rule"));
    const json_t *processors = json_object_get(test, "custom_processors");
    bool is_valid = json_is_true(json_object_get(test, "valid"));
    capi_arena arena = {0};
    golden_files files = {dump(&arena, json_object_get(test, "script")), dump(&arena, json_object_get(test, "params"))};
    capi_load_options options = {.script_url = CAPI_STR("script.json"), .params_url = CAPI_STR("params.json")};
    capi_script *script = NULL;
    capi_diags diags;
    capi_status st;
    capi_buf words = {0};

    options.fetch = fetch_golden;
    options.fetch_context = &files;
    if (processors) options.custom_processors_json = dump(&arena, processors);
    capi_diags_init(&diags, &arena);
    st = capi_script_load(&options, &script, &diags);
    capi_diags_print(&diags, &words);
    if (is_valid != (st == CAPI_OK))
        printf("%s should be %s:\n%.*s", name, is_valid ? "valid" : "invalid", CAPI_STR_ARG(capi_buf_str(&words)));
    else if (!is_valid && !has_rule(&diags, rule)) {
        (*other_rule_count)++;
        printf("%s breaks %s, reported as:\n%.*s", name, rule, CAPI_STR_ARG(capi_buf_str(&words)));
    } else if (getenv("CAPI_TEST_SHOW"))
        printf("%s:\n%.*s", name, CAPI_STR_ARG(capi_buf_str(&words)));
    capi_script_free(script);
    capi_buf_deinit(&words);
    capi_arena_deinit(&arena);
    return is_valid == (st == CAPI_OK);
}

TEST(all_cases_of_the_validation_table_get_the_right_verdict)
{
    json_error_t error;
    json_t *tests = json_load_file(CAPI_TEST_DATA "/golden/script_validation.json", 0, &error);
    uint32_t wrong_count = 0;
    uint32_t other_rule_count = 0;
    size_t i;
    json_t *test;

    CHECK(json_array_size(tests) > 200);
    json_array_foreach(tests, i, test) if (!run_case(test, &other_rule_count)) wrong_count++;
    json_decref(tests);
    CHECK_INT(wrong_count, 0);
    /* Unknown column types are found where they stand, not where they are used. */
    CHECK(other_rule_count <= 1);
}
