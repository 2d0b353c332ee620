/* cmd_profile.c - "capillaries table profile": what the values of a table's columns are like. */
#include "cmd/commands.h"
#include "cmd/table_view.h"

#include "exec/profile.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- for people ---- */

static void print_cut(capi_str text)
{
    int cut = text.bytes > 40;

    printf("\"%.*s%s\"", cut ? 40 : (int)text.bytes, text.data ? text.data : "", cut ? "..." : "");
}

static void print_histogram(const capi_column_profile *column)
{
    static const char *const bars[] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
                                       "\u2585", "\u2586", "\u2587", "\u2588"};
    uint64_t highest = 1;

    for (int i = 0; i < CAPI_PROFILE_BUCKETS; i++)
        if (column->histogram[i] > highest) highest = column->histogram[i];
    printf("    histogram  |");
    for (int i = 0; i < CAPI_PROFILE_BUCKETS; i++)
        printf("%s", bars[column->histogram[i] ? 1 + column->histogram[i] * 7 / highest : 0]);
    printf("|\n");
}

static void print_column(const capi_column_profile *column)
{
    printf("%.*s (%s)\n", CAPI_STR_ARG(column->name), capi_type_name(column->type));
    printf("    distinct   %s%.0f\n", column->is_exact ? "" : "about ", column->distinct);
    printf("    empty      %llu\n", (unsigned long long)column->empty_count);
    printf("    minimum    ");
    print_cut(column->minimum);
    printf("\n    maximum    ");
    print_cut(column->maximum);
    printf("\n    frequent   ");
    for (uint32_t i = 0; i < column->top_count; i++) {
        if (i) printf(", ");
        print_cut(column->top[i].text);
        printf(" %s%llu", column->is_exact ? "" : ">= ", (unsigned long long)column->top[i].count);
    }
    printf("\n");
    if (column->has_histogram) print_histogram(column);
}

static void print_profile(const capi_table_profile *profile)
{
    printf("%llu rows\n", (unsigned long long)profile->row_count);
    for (uint32_t c = 0; c < profile->column_count; c++)
        print_column(&profile->columns[c]);
}

/* ---- for programs ---- */

static json_t *text_json(capi_str text)
{
    return json_stringn_nocheck(text.bytes ? text.data : "", text.bytes);
}

static json_t *column_json(const capi_column_profile *column)
{
    json_t *item = json_object();
    json_t *top = json_array();

    json_object_set_new(item, "name", text_json(column->name));
    json_object_set_new(item, "type", json_string(capi_type_name(column->type)));
    json_object_set_new(item, "distinct", json_integer((json_int_t)(column->distinct + 0.5)));
    json_object_set_new(item, "exact", json_boolean(column->is_exact));
    json_object_set_new(item, "empty", json_integer((json_int_t)column->empty_count));
    json_object_set_new(item, "minimum", text_json(column->minimum));
    json_object_set_new(item, "maximum", text_json(column->maximum));
    for (uint32_t i = 0; i < column->top_count; i++)
        json_array_append_new(top, json_pack("{s:o,s:I}", "value", text_json(column->top[i].text), "count",
                                             (json_int_t)column->top[i].count));
    json_object_set_new(item, "frequent", top);
    if (column->has_histogram) {
        json_t *histogram = json_array();

        for (int i = 0; i < CAPI_PROFILE_BUCKETS; i++)
            json_array_append_new(histogram, json_integer((json_int_t)column->histogram[i]));
        json_object_set_new(item, "histogram", histogram);
    }
    return item;
}

static void print_json(const capi_table_profile *profile)
{
    json_t *root = json_object();
    json_t *columns = json_array();
    char *text;

    for (uint32_t c = 0; c < profile->column_count; c++)
        json_array_append_new(columns, column_json(&profile->columns[c]));
    json_object_set_new(root, "rows", json_integer((json_int_t)profile->row_count));
    json_object_set_new(root, "columns", columns);
    text = json_dumps(root, JSON_INDENT(1));
    printf("%s\n", text ? text : "{}");
    free(text);
    json_decref(root);
}

static capi_status show_profile(capi_table_view *view, const capi_args *args, capi_err *err)
{
    const char *output = capi_args_value(args, "output");
    bool is_json = output && strcmp(output, "json") == 0;
    capi_table_profile profile;

    if (output && !is_json && strcmp(output, "table") != 0)
        return capi_err_set(err, CAPI_INVALID, "option \"--output\" is \"%s\", expected table or json", output);
    CAPI_TRY(capi_table_profile_make(capi_engine_exec(view->engine), &view->input, &view->schema, &view->arena,
                                     &profile, err));
    (is_json ? print_json : print_profile)(&profile);
    return CAPI_OK;
}

static int command_profile(const capi_args *args)
{
    return capi_with_table_view(args, show_profile);
}

static const capi_option options[] = {
    {"output", "table|json", "for people or for programs (default: table)", false},
    CAPI_OPTIONS_TABLE,
};

const capi_command capi_command_table_profile = {
    .name = "table profile",
    .arguments = "TABLE",
    .summary = "what a table's values are like: distinct, empty, extremes, frequent",
    .argument_min = 1,
    .argument_max = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = command_profile,
};
