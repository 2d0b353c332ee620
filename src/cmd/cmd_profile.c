/* cmd_profile.c - "capillaries table profile": what the values of a table's columns are like. */
#include "cmd/commands.h"
#include "cmd/json_text.h"
#include "cmd/listing.h"
#include "cmd/table_cell.h"
#include "cmd/table_view.h"

#include "exec/profile.h"

#include <stdio.h>

/* ---- for people ---- */

static void print_cut(capi_str text)
{
    size_t end = text.bytes < 40 ? text.bytes : 40;

    while (end < text.bytes && end > 0 && ((unsigned char)text.data[end] & 0xC0) == 0x80)
        end--; /* not within a character */
    putchar('"');
    capi_print_plainly((capi_str){text.data, end});
    printf("%s\"", end < text.bytes ? "..." : "");
}

static void print_value(const capi_value *value)
{
    capi_buf text = {0};

    capi_table_append_cell(&text, value);
    print_cut(capi_buf_str(&text));
    capi_buf_deinit(&text);
}

static void print_frequent(const capi_column_profile *column)
{
    printf("    frequent   ");
    for (uint32_t i = 0; i < column->top_count; i++) {
        if (i) printf(", ");
        print_value(&column->top[i].value);
        printf(" %llu", (unsigned long long)column->top[i].count);
    }
    if (column->top_count < CAPI_PROFILE_TOP && column->others_at_most)
        printf("%s at most %llu", column->top_count ? ", others" : "none:", (unsigned long long)column->others_at_most);
    printf("\n");
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
    if (column->has_range) {
        printf("    minimum    ");
        print_value(&column->minimum);
        printf("\n    maximum    ");
        print_value(&column->maximum);
        printf("\n");
    }
    if (column->distinct > 0) print_frequent(column);
    if (column->has_histogram) print_histogram(column);
}

static void print_profile(const capi_table_profile *profile)
{
    printf("%llu rows\n", (unsigned long long)profile->row_count);
    for (uint32_t c = 0; c < profile->column_count; c++)
        print_column(&profile->columns[c]);
}

/* ---- for programs ---- */

static json_t *value_json(const capi_value *value)
{
    capi_buf text = {0};
    json_t *json;

    capi_table_append_cell(&text, value);
    json = capi_json_text(capi_buf_str(&text));
    capi_buf_deinit(&text);
    return json;
}

static json_t *column_json(const capi_column_profile *column)
{
    json_t *item = json_object();
    json_t *top = json_array();

    json_object_set_new(item, "name", capi_json_text(column->name));
    json_object_set_new(item, "type", json_string(capi_type_name(column->type)));
    json_object_set_new(item, "distinct", json_integer((json_int_t)(column->distinct + 0.5)));
    json_object_set_new(item, "exact", json_boolean(column->is_exact));
    json_object_set_new(item, "empty", json_integer((json_int_t)column->empty_count));
    json_object_set_new(item, "minimum", column->has_range ? value_json(&column->minimum) : json_null());
    json_object_set_new(item, "maximum", column->has_range ? value_json(&column->maximum) : json_null());
    for (uint32_t i = 0; i < column->top_count; i++)
        json_array_append_new(top, json_pack("{s:o,s:I}", "value", value_json(&column->top[i].value), "count",
                                             (json_int_t)column->top[i].count));
    json_object_set_new(item, "frequent", top);
    json_object_set_new(item, "others_at_most", json_integer((json_int_t)column->others_at_most));
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

    for (uint32_t c = 0; c < profile->column_count; c++)
        json_array_append_new(columns, column_json(&profile->columns[c]));
    json_object_set_new(root, "rows", json_integer((json_int_t)profile->row_count));
    json_object_set_new(root, "columns", columns);
    capi_json_print(root);
}

static void add_value(capi_listing *listing, bool is_there, const capi_value *value)
{
    capi_buf text = {0};

    if (is_there) capi_table_append_cell(&text, value);
    capi_listing_add(listing, capi_buf_str(&text));
    capi_buf_deinit(&text);
}

/* One row a column, without what is a list itself. */
static void print_csv(const capi_table_profile *profile)
{
    static const capi_listing_column columns[] = {
        {"name", CAPI_CELL_TEXT},        {"type", CAPI_CELL_TEXT},    {"rows", CAPI_CELL_INTEGER},
        {"distinct", CAPI_CELL_INTEGER}, {"exact", CAPI_CELL_BOOL},   {"empty", CAPI_CELL_INTEGER},
        {"minimum", CAPI_CELL_TEXT},     {"maximum", CAPI_CELL_TEXT},
    };
    capi_listing listing = {.columns = columns, .column_count = sizeof columns / sizeof *columns};

    for (uint32_t c = 0; c < profile->column_count; c++) {
        const capi_column_profile *column = &profile->columns[c];

        capi_listing_add(&listing, column->name);
        capi_listing_add(&listing, capi_str_of(capi_type_name(column->type)));
        capi_listing_addf(&listing, "%llu", (unsigned long long)profile->row_count);
        capi_listing_addf(&listing, "%.0f", column->distinct);
        capi_listing_add(&listing, capi_str_of(column->is_exact ? "true" : "false"));
        capi_listing_addf(&listing, "%llu", (unsigned long long)column->empty_count);
        add_value(&listing, column->has_range, &column->minimum);
        add_value(&listing, column->has_range, &column->maximum);
    }
    capi_listing_print(&listing, CAPI_OUTPUT_CSV);
    capi_listing_deinit(&listing);
}

static capi_status show_profile(capi_table_view *view, const capi_args *args, capi_err *err)
{
    capi_table_profile profile;
    capi_output output;

    if (!capi_args_output(args, &output)) return capi_err_set(err, CAPI_INVALID, "nothing was shown");
    CAPI_TRY(capi_table_profile_make(capi_engine_exec(view->engine), &view->input, &view->schema, &view->arena,
                                     &profile, err));
    if (output == CAPI_OUTPUT_TABLE) print_profile(&profile);
    if (output == CAPI_OUTPUT_JSON) print_json(&profile);
    if (output == CAPI_OUTPUT_CSV) print_csv(&profile);
    return CAPI_OK;
}

static int command_profile(const capi_args *args)
{
    return capi_with_table_view(args, show_profile);
}

static const capi_option options[] = {
    CAPI_OPTION_OUTPUT,
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
