#include "script/settings.h"

#include "base/file.h"
#include "base/test.h"

#include <stdlib.h>

TEST(the_settings_of_a_section_stand_together_and_fit_its_struct)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < CAPI_SETTING_COUNT; i++) {
        CHECK(i == 0 || capi_setting_infos[i].section == capi_setting_infos[i - 1].section ||
              capi_setting_infos[i].section > capi_setting_infos[i - 1].section);
        count = i && capi_setting_infos[i].section == capi_setting_infos[i - 1].section ? count + 1 : 1;
        CHECK(count <= CAPI_SECTION_SETTINGS_MAX);
    }
}

/* CAPI_WRITE_MANUAL=1 writes the page anew. */
TEST(the_manual_page_of_settings_is_up_to_date)
{
    static const char path[] = CAPI_TEST_DATA "/../doc/settings.md";
    capi_arena arena = {0};
    capi_buf manual = {0};
    capi_str page;
    capi_err err = {0};

    capi_settings_append_manual(&manual);
    if (getenv("CAPI_WRITE_MANUAL")) {
        FILE *file = fopen(path, "w");

        CHECK(file && fwrite(manual.data, 1, manual.bytes, file) == manual.bytes && fclose(file) == 0);
    }
    CHECK_OK(capi_file_read_all(path, 1 << 20, &arena, &page, &err), err);
    CHECK(capi_str_equal(page, capi_buf_str(&manual)));
    capi_buf_deinit(&manual);
    capi_arena_deinit(&arena);
}

TEST(a_setting_of_a_wrong_type_is_reported_and_counts_as_absent)
{
    static const char text[] =
        "{\"table\": 5, \"rowset_size\": 10, \"expected_batches_total\": null, \"tabel\": \"x\"}";
    capi_arena arena = {0};
    capi_diags diags;
    capi_report report = {.arena = &arena, .diags = &diags};
    capi_source source = {.url = CAPI_STR("s.json"), .original = CAPI_STR(text), .text = CAPI_STR(text)};
    const capi_tree *tree = NULL;
    capi_settings settings;
    capi_err err = {0};

    capi_diags_init(&diags, &arena);
    CHECK_OK(capi_tree_from_json(&arena, source.text, &tree, &err), err);
    capi_settings_read(&report, &source, tree, CAPI_SECTION_TABLE_READER, "r", &settings);
    CHECK_INT(diags.error_count, 1);
    CHECK_INT(diags.count, 2);
    CHECK(capi_settings_is_wrong(&settings, CAPI_SET_READER_TABLE));
    CHECK_INT(capi_settings_string(&settings, CAPI_SET_READER_TABLE).bytes, 0);
    CHECK_INT(capi_settings_int(&settings, CAPI_SET_READER_ROWSET), 10);
    CHECK(!capi_settings_value(&settings, CAPI_SET_READER_BATCHES));
    CHECK(!capi_settings_is_wrong(&settings, CAPI_SET_READER_BATCHES));
    CHECK(strstr(capi_str_copy(&arena, diags.items[1].message).data, "did you mean \"table\"?"));
    capi_arena_deinit(&arena);
}
