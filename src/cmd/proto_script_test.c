/* proto_script_test.c - scripts made from samples. */
#include "base/test.h"
#include "cmd/proto_script.h"

#include <jansson.h>

static json_t *make(const char *text, int64_t header, int64_t first, capi_status expected)
{
    capi_proto_csv csv = {header, first, ',', false};
    capi_proto_style style = {
        .source = CAPI_STR("in"), .target = CAPI_STR("out"), .table = CAPI_STR("items"), .is_reference = true};
    capi_proto_sample sample = {0};
    capi_buf script = {0};
    capi_err err = {0};
    json_t *json = NULL;

    CHECK_INT(capi_proto_sample_csv(capi_str_of(text), &csv, &sample, &err), expected);
    if (sample.column_count) {
        capi_proto_write(&sample, &style, &script);
        json = json_loadb(script.data, script.bytes, JSON_REJECT_DUPLICATES, NULL);
    }
    capi_buf_deinit(&script);
    capi_proto_sample_deinit(&sample);
    return json;
}

static json_t *read_columns(json_t *script)
{
    return json_object_get(json_object_get(json_object_get(json_object_get(script, "nodes"), "read_file"), "r"),
                           "columns");
}

static json_t *fields(json_t *script)
{
    return json_object_get(json_object_get(json_object_get(json_object_get(script, "nodes"), "read_file"), "w"),
                           "fields");
}

static json_t *write_column(json_t *script, size_t index)
{
    json_t *writer = json_object_get(json_object_get(json_object_get(script, "nodes"), "write_file"), "w");

    return json_array_get(json_object_get(writer, "columns"), index);
}

static const char *text_at(json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static const char *csv_at(json_t *json, const char *key)
{
    return text_at(json_object_get(json, "csv"), key);
}

TEST(values_are_classified_by_their_look)
{
    static const struct {
        const char *text;
        capi_proto_type type;
        const char *layout;
    } cases[] = {
        {"1.25", CAPI_PROTO_DECIMAL, ""},
        {"-.25", CAPI_PROTO_DECIMAL, ""},
        {"+12", CAPI_PROTO_INT, ""},
        {" 7 ", CAPI_PROTO_INT, ""},
        {"1.2", CAPI_PROTO_FLOAT, ""},
        {"1.", CAPI_PROTO_STRING, ""},
        {"-", CAPI_PROTO_STRING, ""},
        {"1.2.3", CAPI_PROTO_STRING, ""},
        {"TRUE", CAPI_PROTO_BOOL, ""},
        {"f", CAPI_PROTO_BOOL, ""},
        {"", CAPI_PROTO_NONE, ""},
        {"  ", CAPI_PROTO_NONE, ""},
        {"abc", CAPI_PROTO_STRING, ""},
        {"2024-01-05 10:00:00", CAPI_PROTO_DATETIME, "2006-01-02 15:04:05"},
        {"2024-01-05T10:00:00.123", CAPI_PROTO_DATETIME, "2006-01-02T15:04:05.000"},
        {"2024-01-05T10:00:00.123456-0500", CAPI_PROTO_DATETIME, "2006-01-02T15:04:05.000000-0700"},
        {"2024-01-05", CAPI_PROTO_STRING, ""},
        {"2024-01-05 10:00:00.12", CAPI_PROTO_STRING, ""},
        {"2024-01-05 10:00:00Z", CAPI_PROTO_STRING, ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char layout[CAPI_PROTO_LAYOUT_BYTES] = "";

        CHECK_INT(capi_proto_classify(capi_str_of(cases[i].text), false, layout), cases[i].type);
        CHECK_STR(layout, cases[i].layout);
    }
}

TEST(types_are_generalised_over_all_rows)
{
    json_t *script = make("a,b,c,d,e,g\n1,1,1.5,x,2024-01-05 10:00:00,\n1.25,1.234,2,3,2024-01-05T10:00:00,\n,,,,,\n",
                          0, 1, CAPI_OK);
    json_t *columns = read_columns(script);

    CHECK_STR(text_at(json_object_get(columns, "col_a"), "col_type"), "decimal2");
    CHECK_STR(csv_at(json_object_get(columns, "col_a"), "col_format"), "%f");
    CHECK_STR(text_at(json_object_get(columns, "col_b"), "col_type"), "float");
    CHECK_STR(text_at(json_object_get(columns, "col_c"), "col_type"), "float");
    CHECK_STR(text_at(json_object_get(columns, "col_d"), "col_type"), "string");
    CHECK(csv_at(json_object_get(columns, "col_d"), "col_format") == NULL);
    CHECK_STR(text_at(json_object_get(columns, "col_e"), "col_type"), "string");
    CHECK_STR(text_at(json_object_get(columns, "col_g"), "col_type"), "string");
    json_decref(script);
}

TEST(names_are_unique_identifiers)
{
    json_t *script = make("item id,1st,col_x,A,a_,rowid,x-y,x y,\n,,,,,,,,\n", 0, 1, CAPI_OK);
    json_t *made = fields(script);

    CHECK_INT(json_object_size(made), 9);
    CHECK_STR(text_at(json_object_get(made, "item_id"), "expression"), "r.col_item_id");
    CHECK_STR(text_at(json_object_get(made, "f_1st"), "expression"), "r.col_1st");
    CHECK_STR(text_at(json_object_get(made, "col_x"), "expression"), "r.col_col_x");
    CHECK_STR(text_at(json_object_get(made, "rowid_2"), "expression"), "r.col_rowid_2");
    CHECK_STR(text_at(json_object_get(made, "x_y"), "expression"), "r.col_x_y");
    CHECK_STR(text_at(json_object_get(made, "x_y_2"), "expression"), "r.col_x_y_2");
    CHECK_STR(text_at(write_column(script, 2), "expression"), "r.col_x");
    json_decref(script);
}

TEST(a_file_without_header_is_read_by_index)
{
    json_t *script = make("1,x\n2,y\n", -1, 0, CAPI_OK);
    json_t *column = json_object_get(read_columns(script), "col_001");

    CHECK_INT(json_integer_value(json_object_get(json_object_get(column, "csv"), "col_idx")), 1);
    CHECK_STR(text_at(json_object_get(fields(script), "f_001"), "expression"), "r.col_001");
    CHECK_STR(csv_at(write_column(script, 1), "header"), "f_001");
    json_decref(script);
}

TEST(the_header_may_stand_anywhere_before_the_data)
{
    json_t *script = make("made,by\na,b\nunit,unit\n1,2\n", 1, 3, CAPI_OK);

    CHECK_STR(text_at(json_object_get(read_columns(script), "col_a"), "col_type"), "int");
    json_decref(script);
}

TEST(equal_headers_are_told_apart_by_index)
{
    json_t *script = make("a,a\n1,x\n", 0, 1, CAPI_OK);
    json_t *column = json_object_get(read_columns(script), "col_a_2");

    CHECK_INT(json_integer_value(json_object_get(json_object_get(column, "csv"), "col_idx")), 1);
    CHECK_STR(csv_at(write_column(script, 1), "header"), "a");
    json_decref(script);
}

TEST(what_was_seen_before_a_mistake_is_written)
{
    json_t *script = make("a,b\n1,2\n1\n", 0, 1, CAPI_INVALID);

    CHECK_STR(text_at(json_object_get(read_columns(script), "col_a"), "col_type"), "int");
    json_decref(script);
    CHECK(make("", 0, 1, CAPI_INVALID) == NULL);
    script = make("a,b\n", 5, 6, CAPI_INVALID);
    json_decref(script);
}

TEST(tables_are_named_like_the_file)
{
    static const struct {
        const char *path, *name;
    } cases[] = {
        {"/some/where/items.csv", "items_csv"},
        {"idx.csv", "t_idx_csv"},
        {"a/wf-log", "t_wf_log"},
        {"a very long name of a file, longer than names of tables may be.csv",
         "a_very_long_name_of_a_file__longer_than_na"},
    };
    capi_arena arena = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        capi_str name = capi_proto_table_name(capi_str_of(cases[i].path), &arena);

        CHECK(capi_str_is(name, cases[i].name));
    }
    capi_arena_deinit(&arena);
}

TEST(the_separator_is_the_one_that_cuts_all_records_alike)
{
    CHECK_INT(capi_proto_guess_separator(CAPI_STR("a;b\n1,5;2,5\n")), ';');
    CHECK_INT(capi_proto_guess_separator(CAPI_STR("a\tb,c\n1\t2\n")), '\t');
    CHECK_INT(capi_proto_guess_separator(CAPI_STR("a|b|c\n1|2|3\n")), '|');
    CHECK_INT(capi_proto_guess_separator(CAPI_STR("\"a;b\",c\n1,2\n")), ',');
    CHECK_INT(capi_proto_guess_separator(CAPI_STR("a\n1\n")), ',');
    CHECK_INT(capi_proto_guess_separator(CAPI_STR("")), ',');
}

TEST(careful_guesses_keep_what_would_not_come_out_as_it_went_in)
{
    static const struct {
        const char *text;
        capi_proto_type type;
        const char *layout;
    } cases[] = {
        {"2024-01-05", CAPI_PROTO_DATETIME, "2006-01-02"},
        {"2024-01-05 10:00:00", CAPI_PROTO_DATETIME, "2006-01-02 15:04:05"},
        {"2024-01-0", CAPI_PROTO_STRING, ""},
        {"007", CAPI_PROTO_STRING, ""},
        {"-01.50", CAPI_PROTO_STRING, ""},
        {"+5", CAPI_PROTO_STRING, ""},
        {"0", CAPI_PROTO_INT, ""},
        {"-7", CAPI_PROTO_INT, ""},
        {"0.50", CAPI_PROTO_DECIMAL, ""},
        {"0.125", CAPI_PROTO_FLOAT, ""},
        {"123456789012345", CAPI_PROTO_INT, ""},
        {"1234567890123456", CAPI_PROTO_STRING, ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char layout[CAPI_PROTO_LAYOUT_BYTES] = "";

        CHECK_INT(capi_proto_classify(capi_str_of(cases[i].text), true, layout), cases[i].type);
        CHECK_STR(layout, cases[i].layout);
    }
}

static capi_proto_type type_of_column(const char *value, const char *second, bool is_careful)
{
    capi_proto_csv csv = {-1, 0, ';', is_careful};
    capi_proto_sample sample = {0};
    capi_buf text = {0};
    capi_err err = {0};
    capi_proto_type type;

    capi_buf_printf(&text, "%s;x\n%s;x\n", value, second);
    CHECK_OK(capi_proto_sample_csv(capi_buf_str(&text), &csv, &sample, &err), err);
    type = sample.columns[0].type;
    capi_buf_deinit(&text);
    capi_proto_sample_deinit(&sample);
    return type;
}

TEST(a_type_is_taken_only_if_a_run_reads_every_value)
{
    static const struct {
        const char *value, *second;
        capi_proto_type type, careful;
    } cases[] = {
        {"True", "f", CAPI_PROTO_BOOL, CAPI_PROTO_BOOL},
        {"tRuE", "false", CAPI_PROTO_STRING, CAPI_PROTO_STRING},
        {"2024-02-29 10:20:30", "2024-02-28 10:20:30", CAPI_PROTO_DATETIME, CAPI_PROTO_DATETIME},
        {"2024-02-28 10:20:30", "2024-02-30 10:20:30", CAPI_PROTO_STRING, CAPI_PROTO_STRING},
        {"2024-02-28 25:20:30", "", CAPI_PROTO_STRING, CAPI_PROTO_STRING},
        {"9223372036854775807", "1", CAPI_PROTO_INT, CAPI_PROTO_STRING},
        {"1", "9223372036854775808", CAPI_PROTO_STRING, CAPI_PROTO_STRING},
        {"92233720368547758.08", "1", CAPI_PROTO_STRING, CAPI_PROTO_STRING},
        {"1", "", CAPI_PROTO_INT, CAPI_PROTO_STRING},
        {"true", "", CAPI_PROTO_BOOL, CAPI_PROTO_STRING},
        {"1.25", "", CAPI_PROTO_DECIMAL, CAPI_PROTO_STRING},
        {"2024-02-20 05:20:30.123456", "2024-02-20 05:20:30.123000", CAPI_PROTO_DATETIME, CAPI_PROTO_STRING},
        {"2024-02-20 05:20:30.120000", "2024-02-20 05:20:30.123000", CAPI_PROTO_DATETIME, CAPI_PROTO_DATETIME},
        {"2024-02-20 05:20:30-0500", "2024-02-20 05:20:30+0000", CAPI_PROTO_DATETIME, CAPI_PROTO_STRING},
        {"2024-02-20 05:20:30+0000", "2024-02-20 05:20:30+0000", CAPI_PROTO_DATETIME, CAPI_PROTO_DATETIME},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_INT(type_of_column(cases[i].value, cases[i].second, false), cases[i].type);
        CHECK_INT(type_of_column(cases[i].value, cases[i].second, true), cases[i].careful);
    }
}

TEST(names_are_no_reserved_words)
{
    json_t *script = make("if,type,f_if,_\n,,,\n", 0, 1, CAPI_OK);
    json_t *made = fields(script);

    CHECK_STR(text_at(json_object_get(made, "f_if"), "expression"), "r.col_if");
    CHECK_STR(text_at(json_object_get(made, "f_type"), "expression"), "r.col_type");
    CHECK_STR(text_at(json_object_get(made, "f_if_2"), "expression"), "r.col_f_if_2");
    json_decref(script);
}

TEST(braces_in_headers_are_no_parameters)
{
    capi_proto_csv csv = {0, 1, ',', true};
    capi_proto_style style = {.source = CAPI_STR("{dir}/in"), .target = CAPI_STR("o"), .table = CAPI_STR("t")};
    capi_proto_sample sample = {0};
    capi_buf script = {0};
    capi_err err = {0};

    CHECK_OK(capi_proto_sample_csv(CAPI_STR("{p},\"a\\\"\"{run_id|string}\"\nx,y\n"), &csv, &sample, &err), err);
    for (int is_yaml = 0; is_yaml < 2; is_yaml++) {
        style.is_yaml = is_yaml;
        script.bytes = 0;
        capi_proto_write(&sample, &style, &script);
        capi_buf_append_byte(&script, 0);
        CHECK(strstr(script.data, "{p") == NULL && strstr(script.data, "{run_id") == NULL);
        CHECK(strstr(script.data, "\\u007bp}\"") != NULL && strstr(script.data, "\"{dir}/in\"") != NULL);
        CHECK(strstr(script.data, "\"a\\\\\\\"\\u007brun_id|string}\"") != NULL);
    }
    capi_buf_deinit(&script);
    capi_proto_sample_deinit(&sample);
}
