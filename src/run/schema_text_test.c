#include "run/schema_text.h"

#include "base/test.h"

TEST(a_schema_survives_its_text)
{
    capi_arena arena = {0};
    capi_field fields[] = {{CAPI_STR("id"), CAPI_INT}, {CAPI_STR("a\"b"), CAPI_DECIMAL}};
    capi_schema schema = {fields, 2};
    capi_schema again;
    capi_str node;
    capi_err err = {0};
    capi_str text = capi_schema_to_text(CAPI_STR("read"), &schema, &arena);

    CHECK_OK(capi_schema_from_text(text, &arena, &node, &again, &err), err);
    CHECK(capi_str_is(node, "read"));
    CHECK_INT(again.field_count, 2);
    CHECK(capi_str_is(again.fields[1].name, "a\"b"));
    CHECK_INT(again.fields[1].type, CAPI_DECIMAL);
    capi_arena_deinit(&arena);
}

TEST(a_damaged_schema_text_is_an_error)
{
    static const char *const texts[] = {"", "[]", "{\"node\":1,\"fields\":[]}", "{\"node\":\"n\",\"fields\":[{}]}",
                                        "{\"node\":\"n\",\"fields\":[{\"name\":\"a\",\"type\":\"text\"}]}"};
    capi_arena arena = {0};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        capi_schema schema;
        capi_str node;
        capi_err err = {0};

        CHECK(capi_schema_from_text(capi_str_of(texts[i]), &arena, &node, &schema, &err) == CAPI_INVALID);
        CHECK_ERR(err, "damaged");
    }
    capi_arena_deinit(&arena);
}
