/* aggregate.c - sum, avg, min, max, count and string_agg: one accumulator per group, as plain arrays.
 *
 * Rows come in any order of groups; within a group they come in the order that floats are added and texts are joined in.
 * Decimals are added as hundredths, and all groups change to the general form at the first value that does not fit.
 * `seen` tells a minimum from its start value, which is also the result when no row satisfied the condition. */
#include "expr/node.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

typedef struct joined_text {
    char *data; /* in the arena; doubles when it is full */
    uint32_t bytes;
    uint32_t capacity;
} joined_text;

struct capi_aggregate {
    const capi_expr *expr;
    capi_type type; /* of the values; INT for lengths and counts */
    uint32_t group_count;
    capi_arena arena; /* all arrays: reset at every start */
    int64_t *ints;    /* sums, extremes, counts of count(); sums and extremes of hundredths */
    double *doubles;
    __int128 *exact;        /* sums of avg over ints */
    int64_t *counts;        /* rows of avg */
    uint8_t *seen;          /* min, max */
    capi_decimal *decimals; /* instead of ints when is_wide */
    bool is_wide;
    capi_view *views; /* min, max of texts */
    joined_text *joined;
};

/* The rows of one call. */
typedef struct agg_rows {
    const uint32_t *groups;
    uint32_t row_count;
    const capi_vec *value;
    uint32_t step;            /* of value */
    const uint8_t *condition; /* NULL: all rows count */
    uint32_t condition_step;
} agg_rows;

/* Runs the statements for every row that counts, with `row` and its `group`. */
#define AGG_EACH(rows, STATEMENTS)                                                                                     \
    do {                                                                                                               \
        const uint32_t *restrict groups_ = (rows)->groups;                                                             \
        if (!(rows)->condition) {                                                                                      \
            for (uint32_t row = 0; row < (rows)->row_count; row++) {                                                   \
                uint32_t group = groups_[row];                                                                         \
                STATEMENTS                                                                                             \
            }                                                                                                          \
        } else {                                                                                                       \
            for (uint32_t row = 0; row < (rows)->row_count; row++) {                                                   \
                uint32_t group = groups_[row];                                                                         \
                if (!(rows)->condition[row * (rows)->condition_step]) continue;                                        \
                STATEMENTS                                                                                             \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

capi_aggregate *capi_aggregate_new(const capi_expr *expr)
{
    capi_aggregate *aggregate = capi_zmalloc(sizeof *aggregate);

    aggregate->expr = expr;
    aggregate->type = expr->agg_value ? expr->agg_value->type : CAPI_INT;
    if (aggregate->type == CAPI_LENGTH) aggregate->type = CAPI_INT;
    return aggregate;
}

void capi_aggregate_free(capi_aggregate *aggregate)
{
    if (!aggregate) return;
    capi_arena_deinit(&aggregate->arena);
    free(aggregate);
}

/* ---- start values ---- */

static void start_min_max(capi_aggregate *aggregate)
{
    bool is_min = aggregate->expr->aggregate == EXPR_AGGREGATE_MIN;
    uint32_t count = aggregate->group_count;

    aggregate->seen = capi_new_array(&aggregate->arena, uint8_t, count);
    if (aggregate->type == CAPI_STRING) {
        aggregate->views = capi_new_array(&aggregate->arena, capi_view, count);
    } else if (aggregate->type == CAPI_FLOAT) {
        aggregate->doubles = capi_new_array(&aggregate->arena, double, count);
        for (uint32_t i = 0; i < count; i++)
            aggregate->doubles[i] = is_min ? DBL_MAX : -(double)FLT_MAX;
    } else {
        aggregate->ints = capi_new_array(&aggregate->arena, int64_t, count);
        for (uint32_t i = 0; i < count; i++)
            aggregate->ints[i] = is_min ? INT64_MAX : INT64_MIN;
    }
}

void capi_aggregate_start(capi_aggregate *aggregate, uint32_t group_count)
{
    capi_arena *arena = &aggregate->arena;

    capi_arena_reset(arena);
    *aggregate = (capi_aggregate){
        .expr = aggregate->expr, .type = aggregate->type, .group_count = group_count, .arena = aggregate->arena};
    switch (aggregate->expr->aggregate) {
    case EXPR_AGGREGATE_MIN:
    case EXPR_AGGREGATE_MAX: start_min_max(aggregate); return;
    case EXPR_AGGREGATE_JOIN: aggregate->joined = capi_new_array(arena, joined_text, group_count); return;
    case EXPR_AGGREGATE_AVG:
        aggregate->counts = capi_new_array(arena, int64_t, group_count);
        if (aggregate->type == CAPI_INT) {
            aggregate->exact = capi_new_array(arena, __int128, group_count);
            return;
        }
        break;
    case EXPR_AGGREGATE_SUM:
    case EXPR_AGGREGATE_COUNT:
    case EXPR_AGGREGATE_NONE: break;
    }
    if (aggregate->type == CAPI_FLOAT)
        aggregate->doubles = capi_new_array(arena, double, group_count);
    else
        aggregate->ints = capi_new_array(arena, int64_t, group_count);
}

/* ---- numbers ---- */

static void add_count(int64_t *restrict counts, const agg_rows *rows)
{
    AGG_EACH(rows, counts[group]++;);
}

static void sum_ints(int64_t *restrict sums, const agg_rows *rows)
{
    const int64_t *restrict values = rows->value->int64s;

    AGG_EACH(rows, sums[group] = (int64_t)((uint64_t)sums[group] + (uint64_t)values[row * rows->step]););
}

static void sum_exact(__int128 *restrict sums, const agg_rows *rows)
{
    const int64_t *restrict values = rows->value->int64s;

    AGG_EACH(rows, sums[group] += values[row * rows->step];);
}

static void sum_floats(double *restrict sums, const agg_rows *rows)
{
    const double *restrict values = rows->value->doubles;

    AGG_EACH(rows, sums[group] += values[row * rows->step];);
}

static void extreme_ints(capi_aggregate *aggregate, const agg_rows *rows, bool is_min)
{
    const int64_t *restrict values = rows->value->int64s;
    int64_t *restrict best = aggregate->ints;
    uint8_t *restrict seen = aggregate->seen;

    if (is_min)
        AGG_EACH(rows, int64_t value = values[row * rows->step]; seen[group] = 1;
                 best[group] = value < best[group] ? value : best[group];);
    else
        AGG_EACH(rows, int64_t value = values[row * rows->step]; seen[group] = 1;
                 best[group] = value > best[group] ? value : best[group];);
}

/* NaN is neither below nor above anything, so it is never taken. The greatest of values that all lie below the start value
 * is still found; the smallest never exceeds its start value, as the language has it. */
static void extreme_floats(capi_aggregate *aggregate, const agg_rows *rows, bool is_min)
{
    const double *restrict values = rows->value->doubles;
    double *restrict best = aggregate->doubles;
    uint8_t *restrict seen = aggregate->seen;

    if (is_min)
        AGG_EACH(rows, double value = values[row * rows->step];
                 best[group] = value < best[group] ? value : best[group];);
    else
        AGG_EACH(rows, double value = values[row * rows->step];
                 if (value > best[group] || (!seen[group] && value == value)) best[group] = value;
                 seen[group] |= value == value;);
}

/* ---- decimals ---- */

/* Changes all groups to the general form. */
static void widen(capi_aggregate *aggregate)
{
    if (aggregate->is_wide) return;
    aggregate->decimals = capi_new_array(&aggregate->arena, capi_decimal, aggregate->group_count);
    for (uint32_t i = 0; i < aggregate->group_count; i++)
        aggregate->decimals[i] = capi_decimal_from_cents(aggregate->ints[i]);
    aggregate->is_wide = true;
}

/* Adds hundredths up to the first sum that does not fit; returns that row, or row_count. */
static uint32_t sum_cents(int64_t *restrict sums, const agg_rows *rows)
{
    const int64_t *restrict values = rows->value->int64s;

    AGG_EACH(rows, int64_t sum; if (__builtin_add_overflow(sums[group], values[row * rows->step], &sum)) return row;
             sums[group] = sum;);
    return rows->row_count;
}

static capi_decimal decimal_at(const capi_vec *vec, uint32_t index)
{
    return vec->form == CAPI_FORM_CENTS ? capi_decimal_from_cents(vec->int64s[index]) : vec->decimals[index];
}

/* From row `from` on, in the general form. */
static capi_status sum_decimals(capi_aggregate *aggregate, const agg_rows *rows, uint32_t from, uint32_t *bad_row,
                                capi_err *err)
{
    widen(aggregate);
    for (uint32_t row = from; row < rows->row_count; row++) {
        capi_decimal *sum = &aggregate->decimals[rows->groups[row]];
        capi_decimal value;

        if (rows->condition && !rows->condition[row * rows->condition_step]) continue;
        value = decimal_at(rows->value, row * rows->step);
        if (!capi_decimal_add(sum, &value, sum)) {
            if (bad_row) *bad_row = row;
            return capi_err_set(err, CAPI_INVALID, "decimal sum needs more than %d digits in expression \"%.*s\"",
                                CAPI_DECIMAL_DIGITS_MAX, CAPI_STR_ARG(aggregate->expr->text));
        }
    }
    return CAPI_OK;
}

static capi_status add_decimals(capi_aggregate *aggregate, const agg_rows *rows, uint32_t *bad_row, capi_err *err)
{
    uint32_t done = 0;

    if (!aggregate->is_wide && rows->value->form == CAPI_FORM_CENTS) done = sum_cents(aggregate->ints, rows);
    return done == rows->row_count ? CAPI_OK : sum_decimals(aggregate, rows, done, bad_row, err);
}

static void extreme_decimals(capi_aggregate *aggregate, const agg_rows *rows, bool is_min)
{
    if (!aggregate->is_wide && rows->value->form == CAPI_FORM_CENTS) {
        extreme_ints(aggregate, rows, is_min);
        return;
    }
    widen(aggregate);
    for (uint32_t row = 0; row < rows->row_count; row++) {
        uint32_t group = rows->groups[row];
        capi_decimal value;
        int order;

        if (rows->condition && !rows->condition[row * rows->condition_step]) continue;
        value = decimal_at(rows->value, row * rows->step);
        order = aggregate->seen[group] ? capi_decimal_compare(&value, &aggregate->decimals[group]) : is_min ? -1 : 1;
        if (is_min ? order < 0 : order > 0) aggregate->decimals[group] = value;
        aggregate->seen[group] = 1;
    }
}

/* ---- texts ---- */

/* The view with its bytes in the arena. */
static capi_view keep_view(capi_arena *arena, const capi_view *view)
{
    if (view->bytes <= CAPI_VIEW_INLINE_MAX) return *view;
    return capi_view_make(capi_arena_copy(arena, capi_view_data(view), view->bytes), view->bytes);
}

/* Empty texts only count when there are no others, so the start value will do for them. */
static void extreme_texts(capi_aggregate *aggregate, const agg_rows *rows, bool is_min)
{
    const capi_view *values = rows->value->views;

    for (uint32_t row = 0; row < rows->row_count; row++) {
        const capi_view *value = &values[row * rows->step];
        capi_view *best = &aggregate->views[rows->groups[row]];
        int order;

        if (rows->condition && !rows->condition[row * rows->condition_step]) continue;
        if (value->bytes == 0) continue;
        order = best->bytes ? capi_str_compare(capi_view_str(value), capi_view_str(best)) : is_min ? -1 : 1;
        if (is_min ? order < 0 : order > 0) *best = keep_view(&aggregate->arena, value);
    }
}

static void join_grow(capi_arena *arena, joined_text *text, uint64_t bytes)
{
    uint64_t capacity = text->capacity ? 2 * (uint64_t)text->capacity : 32;
    char *larger;

    while (capacity < bytes)
        capacity *= 2;
    larger = capi_arena_alloc(arena, capacity);
    if (text->bytes) memcpy(larger, text->data, text->bytes);
    text->data = larger;
    text->capacity = (uint32_t)capacity;
}

static capi_status join_texts(capi_aggregate *aggregate, const agg_rows *rows, uint32_t *bad_row, capi_err *err)
{
    capi_str separator = aggregate->expr->separator;
    const capi_view *values = rows->value->views;

    for (uint32_t row = 0; row < rows->row_count; row++) {
        joined_text *text = &aggregate->joined[rows->groups[row]];
        capi_str value = capi_view_str(&values[row * rows->step]);
        uint64_t bytes;

        if (rows->condition && !rows->condition[row * rows->condition_step]) continue;
        bytes = (uint64_t)text->bytes + (text->bytes ? separator.bytes : 0) + value.bytes;
        if (bytes > EXPR_TEXT_BYTES_MAX) {
            if (bad_row) *bad_row = row;
            return capi_err_set(err, CAPI_NO_MEMORY,
                                "joined text is longer than the maximum of %d bytes in expression \"%.*s\"",
                                EXPR_TEXT_BYTES_MAX, CAPI_STR_ARG(aggregate->expr->text));
        }
        if (bytes > text->capacity) join_grow(&aggregate->arena, text, bytes);
        if (text->bytes && separator.bytes) memcpy(text->data + text->bytes, separator.data, separator.bytes);
        if (text->bytes) text->bytes += (uint32_t)separator.bytes;
        if (value.bytes) memcpy(text->data + text->bytes, value.data, value.bytes);
        text->bytes = (uint32_t)bytes;
    }
    return CAPI_OK;
}

/* ---- add ---- */

static capi_status add_sums(capi_aggregate *aggregate, const agg_rows *rows, uint32_t *bad_row, capi_err *err)
{
    if (aggregate->counts) add_count(aggregate->counts, rows);
    if (aggregate->type == CAPI_DECIMAL) return add_decimals(aggregate, rows, bad_row, err);
    if (aggregate->type == CAPI_FLOAT)
        sum_floats(aggregate->doubles, rows);
    else if (aggregate->exact)
        sum_exact(aggregate->exact, rows);
    else
        sum_ints(aggregate->ints, rows);
    return CAPI_OK;
}

static void add_extremes(capi_aggregate *aggregate, const agg_rows *rows, bool is_min)
{
    if (aggregate->type == CAPI_STRING)
        extreme_texts(aggregate, rows, is_min);
    else if (aggregate->type == CAPI_FLOAT)
        extreme_floats(aggregate, rows, is_min);
    else if (aggregate->type == CAPI_DECIMAL)
        extreme_decimals(aggregate, rows, is_min);
    else
        extreme_ints(aggregate, rows, is_min);
}

capi_status capi_aggregate_add(capi_aggregate *aggregate, const uint32_t *groups, uint32_t row_count,
                               const capi_vec *value, const capi_vec *condition, uint32_t *bad_row, capi_err *err)
{
    agg_rows rows = {.groups = groups, .row_count = row_count, .value = value};

    if (value) rows.step = kernel_step(value);
    if (condition) {
        rows.condition = condition->bools;
        rows.condition_step = kernel_step(condition);
    }
    switch (aggregate->expr->aggregate) {
    case EXPR_AGGREGATE_COUNT: add_count(aggregate->ints, &rows); return CAPI_OK;
    case EXPR_AGGREGATE_SUM:
    case EXPR_AGGREGATE_AVG: return add_sums(aggregate, &rows, bad_row, err);
    case EXPR_AGGREGATE_MIN:
    case EXPR_AGGREGATE_MAX:
        add_extremes(aggregate, &rows, aggregate->expr->aggregate == EXPR_AGGREGATE_MIN);
        return CAPI_OK;
    case EXPR_AGGREGATE_JOIN: return join_texts(aggregate, &rows, bad_row, err);
    case EXPR_AGGREGATE_NONE: break;
    }
    return capi_err_set(err, CAPI_INTERNAL, "expression \"%.*s\" is no aggregate", CAPI_STR_ARG(aggregate->expr->text));
}

/* ---- results ---- */

/* The average of decimals: to 16 digits, then to 2. */
static bool average_decimal(capi_decimal *value, int64_t count)
{
    capi_decimal divisor = capi_decimal_from_int64(count);

    return count == 0 || capi_decimal_divide_round2(value, &divisor, value);
}

/* The start value of min and max over decimals, for groups that saw nothing. */
static capi_decimal extreme_start(bool is_min)
{
    capi_decimal value = {0};
    bool fits = capi_decimal_parse(CAPI_STR("3.4028235e38"), &value);

    if (fits && !is_min) capi_decimal_negate(&value);
    return value;
}

/* One group's decimal; false if it does not fit. */
static bool decimal_result(const capi_aggregate *aggregate, uint32_t group, capi_decimal *out)
{
    if (aggregate->seen && !aggregate->seen[group]) {
        *out = extreme_start(aggregate->expr->aggregate == EXPR_AGGREGATE_MIN);
        return true;
    }
    *out = aggregate->is_wide ? aggregate->decimals[group] : capi_decimal_from_cents(aggregate->ints[group]);
    return !aggregate->counts || average_decimal(out, aggregate->counts[group]);
}

static bool all_seen(const capi_aggregate *aggregate)
{
    return !aggregate->seen || aggregate->group_count == 0 || !memchr(aggregate->seen, 0, aggregate->group_count);
}

static capi_status finish_decimals(const capi_aggregate *aggregate, capi_arena *arena, capi_vec *out,
                                   uint32_t *bad_group, capi_err *err)
{
    uint32_t count = aggregate->group_count;
    capi_decimal *values;
    bool all_cents = true;

    *out = capi_vec_new(arena, CAPI_DECIMAL, CAPI_FORM_CENTS, count);
    if (!aggregate->is_wide && !aggregate->counts && all_seen(aggregate)) {
        if (count) memcpy(out->int64s, aggregate->ints, count * sizeof *out->int64s);
        return CAPI_OK;
    }
    values = capi_new_array(arena, capi_decimal, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!decimal_result(aggregate, i, &values[i])) {
            if (bad_group) *bad_group = i;
            return capi_err_set(err, CAPI_INVALID, "decimal average needs more than %d digits in expression \"%.*s\"",
                                CAPI_DECIMAL_DIGITS_MAX, CAPI_STR_ARG(aggregate->expr->text));
        }
        all_cents = all_cents && capi_decimal_is_cents(&values[i], &out->int64s[i]);
    }
    if (!all_cents) *out = (capi_vec){.type = CAPI_DECIMAL, .form = CAPI_FORM_DECIMAL, .decimals = values};
    return CAPI_OK;
}

static void finish_ints(const capi_aggregate *aggregate, capi_arena *arena, capi_vec *out)
{
    *out = capi_vec_new(arena, CAPI_INT, CAPI_FORM_INT64, aggregate->group_count);
    for (uint32_t i = 0; i < aggregate->group_count; i++) {
        if (aggregate->exact)
            out->int64s[i] = aggregate->counts[i] ? (int64_t)(aggregate->exact[i] / aggregate->counts[i]) : 0;
        else
            out->int64s[i] = aggregate->ints[i];
    }
}

static void finish_floats(const capi_aggregate *aggregate, capi_arena *arena, capi_vec *out)
{
    *out = capi_vec_new(arena, CAPI_FLOAT, CAPI_FORM_DOUBLE, aggregate->group_count);
    for (uint32_t i = 0; i < aggregate->group_count; i++) {
        out->doubles[i] = aggregate->doubles[i];
        if (aggregate->counts && aggregate->counts[i]) out->doubles[i] /= (double)aggregate->counts[i];
    }
}

static void finish_texts(const capi_aggregate *aggregate, capi_arena *arena, capi_vec *out)
{
    *out = capi_vec_new(arena, CAPI_STRING, CAPI_FORM_VIEW, aggregate->group_count);
    for (uint32_t i = 0; i < aggregate->group_count; i++)
        out->views[i] = aggregate->joined ? capi_view_make(aggregate->joined[i].data, aggregate->joined[i].bytes)
                                          : aggregate->views[i];
}

capi_status capi_aggregate_finish(capi_aggregate *aggregate, capi_arena *arena, capi_vec *out, uint32_t *bad_group,
                                  capi_err *err)
{
    if (aggregate->joined || aggregate->views)
        finish_texts(aggregate, arena, out);
    else if (aggregate->type == CAPI_DECIMAL)
        return finish_decimals(aggregate, arena, out, bad_group, err);
    else if (aggregate->type == CAPI_FLOAT)
        finish_floats(aggregate, arena, out);
    else
        finish_ints(aggregate, arena, out);
    return CAPI_OK;
}
