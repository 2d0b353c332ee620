/* table_testing.h - what tests of tables share: a store in a fresh folder, columns of every type with values that bring
 * out every encoding, comparison of blocks. */
#pragma once

#include "base/random.h"
#include "base/test.h"
#include "store/table.h"

#include <stdlib.h>

typedef struct table_rig {
    capi_arena arena;
    capi_budget budget;
    capi_random_seeded seed;
    capi_random random;
    capi_tables *tables;
    capi_table_address address;
} table_rig;

static inline void rig_open(table_rig *rig, bool compress, uint64_t cache_bytes)
{
    capi_err err = {0};
    capi_str folder = capi_str_format(&rig->arena, "%s/tables", capi_test_folder());

    if (!rig->budget.limit_bytes) rig->budget.limit_bytes = UINT64_C(1) << 30;
    if (!rig->random.next) rig->random = capi_random_from_seed(&rig->seed, 7);
    rig->address = (capi_table_address){CAPI_STR("ks1"), CAPI_STR("run1"), CAPI_STR("orders")};
    CHECK_OK(capi_tables_open_embedded(
                 &(capi_tables_options){
                     .folder = folder, .budget = &rig->budget, .cache_bytes = cache_bytes, .compress = compress},
                 &rig->tables, &err),
             err);
}

static inline void rig_close(table_rig *rig)
{
    capi_tables_close(rig->tables);
    CHECK_INT(atomic_load(&rig->budget.used_bytes), 0);
    capi_arena_deinit(&rig->arena);
}

static inline uint64_t rig_random(table_rig *rig, uint64_t below)
{
    return rig->random.next(rig->random.context) % below;
}

/* A schema with every type, several columns each. */
static inline capi_schema rig_schema(void)
{
    static const capi_field fields[] = {
        {CAPI_STR("id"), CAPI_INT},          {CAPI_STR("small"), CAPI_INT},        {CAPI_STR("wide"), CAPI_INT},
        {CAPI_STR("ratio"), CAPI_FLOAT},     {CAPI_STR("flag"), CAPI_BOOL},        {CAPI_STR("day"), CAPI_DATETIME},
        {CAPI_STR("moment"), CAPI_DATETIME}, {CAPI_STR("price"), CAPI_DECIMAL},    {CAPI_STR("status"), CAPI_STRING},
        {CAPI_STR("note"), CAPI_STRING},     {CAPI_STR("constant"), CAPI_DECIMAL}, {CAPI_STR("empty"), CAPI_STRING},
    };

    return (capi_schema){fields, sizeof fields / sizeof *fields};
}

static inline int64_t rig_int64(table_rig *rig, const char *column, uint64_t row)
{
    if (strcmp(column, "id") == 0) return 1000000000000 + (int64_t)row;
    if (strcmp(column, "small") == 0) return -5 + (int64_t)rig_random(rig, 11);
    if (strcmp(column, "wide") == 0) return (int64_t)rig->random.next(rig->random.context);
    if (strcmp(column, "day") == 0) return ((int64_t)rig_random(rig, 40000) - 10000) * 86400000;
    if (strcmp(column, "moment") == 0) return 1500000000000 + (int64_t)rig_random(rig, 100000000) * 1000;
    if (strcmp(column, "price") == 0) return (int64_t)rig_random(rig, 100000) - 500;
    return 4200;
}

static inline capi_view rig_view(table_rig *rig, const char *column)
{
    static const char *const words[] = {"new", "delivered", "cancelled by the customer", "", "invoiced"};
    uint64_t bytes;
    char *text;

    if (strcmp(column, "empty") == 0) return capi_view_make("", 0);
    if (strcmp(column, "status") == 0) {
        const char *word = words[rig_random(rig, 5)];

        return capi_view_make(word, strlen(word));
    }
    bytes = rig_random(rig, 100) == 0 ? rig_random(rig, 3000) : rig_random(rig, 30);
    text = capi_arena_alloc(&rig->arena, bytes);
    for (uint64_t i = 0; i < bytes; i++)
        text[i] = (char)rig_random(rig, 256);
    return capi_view_make(text, bytes);
}

/* Columns of row_count rows for the schema, in stored form. */
static inline capi_vec *rig_columns(table_rig *rig, const capi_schema *schema, uint32_t row_count)
{
    capi_vec *columns = capi_new_array(&rig->arena, capi_vec, schema->field_count);

    for (uint32_t c = 0; c < schema->field_count; c++) {
        capi_type type = schema->fields[c].type;
        const char *name = schema->fields[c].name.data;

        columns[c] = capi_vec_new(&rig->arena, type, capi_form_stored(type), row_count);
        for (uint32_t row = 0; row < row_count; row++) {
            if (type == CAPI_STRING)
                columns[c].views[row] = rig_view(rig, name);
            else if (type == CAPI_FLOAT)
                columns[c].doubles[row] = (double)rig_random(rig, 1000000) / 7.0;
            else if (type == CAPI_BOOL)
                columns[c].bools[row] = rig_random(rig, 2) != 0;
            else
                columns[c].int64s[row] = rig_int64(rig, name, row);
        }
    }
    return columns;
}

static inline bool rig_values_equal(const capi_vec *a, uint32_t row_a, const capi_vec *b, uint32_t row_b)
{
    if (a->type != b->type || a->form != b->form) return false;
    if (a->form == CAPI_FORM_VIEW) return capi_view_equal(&a->views[row_a], &b->views[row_b]);
    if (a->form == CAPI_FORM_BOOL) return a->bools[row_a] == b->bools[row_b];
    return a->int64s[row_a] == b->int64s[row_b]; /* doubles: the same bits */
}

static inline void rig_check_columns(const capi_vec *actual, uint32_t actual_from, const capi_vec *expected,
                                     uint32_t expected_from, uint32_t row_count, uint32_t column_count)
{
    for (uint32_t c = 0; c < column_count; c++)
        for (uint32_t row = 0; row < row_count; row++)
            if (!rig_values_equal(&actual[c], actual_from + row, &expected[c], expected_from + row))
                capi_test_fail(__FILE__, __LINE__, "column %u differs in row %u", c, row);
}
