/* cmd_parquet_diff.c - "capillaries parquet diff": the first thing in which two Parquet files differ. Both are read side by side,
 * a chunk at a time, whatever their row groups. */
#include "cmd/commands.h"
#include "cmd/parquet_rows.h"

#include <stdio.h>

typedef struct file_pair {
    capi_parquet_rows left, right;
    capi_buf difference; /* in words; empty: none was found */
} file_pair;

/* ---- columns ---- */

static bool differ_in_field(file_pair *pair, uint32_t index, bool with_storage)
{
    const capi_parquet_field *left = &pair->left.fields[index];
    const capi_parquet_field *right = &pair->right.fields[index];

    if (!capi_str_equal(left->name, right->name))
        capi_buf_printf(&pair->difference, "column %u is \"%.*s\" in \"%s\", \"%.*s\" in \"%s\"", index + 1,
                        CAPI_STR_ARG(left->name), pair->left.path, CAPI_STR_ARG(right->name), pair->right.path);
    else if (left->type != right->type)
        capi_buf_printf(&pair->difference, "column \"%.*s\" is of type %s in \"%s\", of type %s in \"%s\"",
                        CAPI_STR_ARG(left->name), capi_type_name(left->type), pair->left.path,
                        capi_type_name(right->type), pair->right.path);
    else if (with_storage && !capi_str_equal(left->description, right->description))
        capi_buf_printf(&pair->difference, "column \"%.*s\" is stored as %.*s in \"%s\", as %.*s in \"%s\"",
                        CAPI_STR_ARG(left->name), CAPI_STR_ARG(left->description), pair->left.path,
                        CAPI_STR_ARG(right->description), pair->right.path);
    return pair->difference.bytes > 0;
}

static bool differ_in_columns(file_pair *pair, bool with_storage)
{
    uint32_t left = pair->left.field_count;
    uint32_t right = pair->right.field_count;

    for (uint32_t i = 0; i < left && i < right; i++)
        if (differ_in_field(pair, i, with_storage)) return true;
    if (left != right)
        capi_buf_printf(&pair->difference, "\"%s\" has %u columns, \"%s\" has %u", pair->left.path, left,
                        pair->right.path, right);
    return left != right;
}

/* ---- rows ---- */

static bool are_equal(const capi_value *a, const capi_value *b)
{
    switch (a->type) {
    case CAPI_STRING: return capi_str_equal(a->string, b->string);
    case CAPI_FLOAT: return a->real == b->real || (a->real != a->real && b->real != b->real);
    case CAPI_BOOL: return a->boolean == b->boolean;
    case CAPI_DATETIME: return capi_instant_compare(&a->instant, &b->instant) == 0;
    case CAPI_DECIMAL: return capi_decimal_compare(&a->decimal, &b->decimal) == 0;
    case CAPI_INT:
    case CAPI_LENGTH:
    case CAPI_MONTH:
    case CAPI_ZONE: break;
    }
    return a->integer == b->integer;
}

static void append_side(capi_buf *to, const capi_parquet_rows *rows, bool is_there, const capi_value *value)
{
    bool is_text = is_there && value->type == CAPI_STRING;

    if (is_text) capi_buf_append_byte(to, '"');
    if (!is_there)
        capi_buf_append_text(to, "empty");
    else if (value->type == CAPI_DATETIME)
        capi_value_append_text(to, value); /* with all its digits */
    else
        capi_parquet_append_value(to, value);
    if (is_text) capi_buf_append_byte(to, '"');
    capi_buf_printf(to, " in \"%s\"", rows->path);
}

static bool differ_in_row(file_pair *pair)
{
    for (uint32_t i = 0; i < pair->left.field_count; i++) {
        capi_value left, right;
        bool is_left = capi_parquet_rows_value(&pair->left, i, &left);
        bool is_right = capi_parquet_rows_value(&pair->right, i, &right);

        if (is_left == is_right && (!is_left || are_equal(&left, &right))) continue;
        capi_buf_printf(&pair->difference, "row %llu, column \"%.*s\": ", (unsigned long long)pair->left.row + 1,
                        CAPI_STR_ARG(pair->left.fields[i].name));
        append_side(&pair->difference, &pair->left, is_left, &left);
        capi_buf_append_text(&pair->difference, ", ");
        append_side(&pair->difference, &pair->right, is_right, &right);
        return true;
    }
    return false;
}

static capi_status compare_rows(file_pair *pair, capi_err *err)
{
    for (;;) {
        bool is_left, is_right;

        CAPI_TRY(capi_parquet_rows_next(&pair->left, &is_left, err));
        CAPI_TRY(capi_parquet_rows_next(&pair->right, &is_right, err));
        if (is_left != is_right) {
            capi_buf_printf(&pair->difference, "\"%s\" has %llu rows, \"%s\" has %llu", pair->left.path,
                            (unsigned long long)capi_parquet_row_count(pair->left.file), pair->right.path,
                            (unsigned long long)capi_parquet_row_count(pair->right.file));
            return CAPI_OK;
        }
        if (!is_left || differ_in_row(pair)) return CAPI_OK;
    }
}

/* ---- the command ---- */

static int command_diff(const capi_args *args)
{
    file_pair pair = {0};
    capi_budget budget = {0};
    capi_err err = {0};
    int exit_code = CAPI_EXIT_DONE;
    capi_status st;

    if (!capi_parquet_tool_budget(args, &budget)) return CAPI_EXIT_USAGE;
    CAPI_TRY_OUT(capi_parquet_rows_open(capi_args_word(args, 0), &budget, &pair.left, &err));
    CAPI_TRY_OUT(capi_parquet_rows_open(capi_args_word(args, 1), &budget, &pair.right, &err));
    if (!differ_in_columns(&pair, capi_args_flag(args, "identical_schemas"))) CAPI_TRY_OUT(compare_rows(&pair, &err));
    if (pair.difference.bytes) {
        fprintf(stderr, "%.*s\n", CAPI_STR_ARG(capi_buf_str(&pair.difference)));
        exit_code = CAPI_EXIT_FAILED;
    }
out:
    if (st != CAPI_OK) exit_code = capi_parquet_tool_fail(&err);
    capi_parquet_rows_close(&pair.left);
    capi_parquet_rows_close(&pair.right);
    capi_buf_deinit(&pair.difference);
    return exit_code;
}

static const capi_option diff_options[] = {
    {"identical_schemas", NULL, "columns must also be stored in the same way: INT32 and INT64 differ", false},
    CAPI_OPTION_PARQUET_MEMORY,
};

const capi_command capi_command_parquet_diff = {
    .name = "parquet diff",
    .arguments = "LEFT RIGHT",
    .summary = "compare two Parquet files",
    .details = "Equal files have the same columns in the same order, of the same types as scripts know them, and the "
               "same values row by row; how they are packed and cut into row groups does not matter. The first "
               "difference is printed to standard error. Exit code 0: they are equal, 1: they differ, 2: one cannot "
               "be read.",
    .argument_min = 2,
    .argument_max = 2,
    .options = diff_options,
    .option_count = sizeof diff_options / sizeof *diff_options,
    .run = command_diff,
};
