/* lookup_rows.c - from left rows to pairs, through the filter, to output rows.
 *
 * Pairs are made in left order, right-table order within, and handled in portions of at most CAPI_CHUNK_ROWS: a left row's
 * pairs may span several. Without `group` every pair that passes the filter is an output row, and so is, for `left` joins, a
 * left row none of whose pairs passed. With `group` pairs go into the aggregates of their left row, and the chunk's left rows
 * become the output rows. */
#include "exec/lookup_rows.h"
#include "exec/vectors.h"

#include <stdlib.h>

struct lookup_rows {
    const lookup_plan *plan;
    const lookup_index *index;
    lookup_rows_fn fn;
    void *context;
    exec_keys keys;
    capi_evaluator *left, *pair, *last, *filter; /* NULL where there is nothing to compute */
    exec_having having;
    capi_aggregate **aggregates; /* by field; NULL: is none */
    lookup_range *ranges;
    capi_vec *inputs;        /* by slot */
    capi_vec *filter_inputs; /* by right column */
    capi_vec *left_out, *pair_out, *last_out;
    capi_vec *fields;
    const capi_vec *left_columns; /* of the chunk being joined */
    uint32_t left_count;
    capi_arena chunk_arena;   /* of the chunk */
    capi_arena portion_arena; /* of a portion of pairs or output rows */

    /* pairs that match by key */
    uint32_t *pair_left, *pair_right;
    uint32_t pair_count;
    uint32_t *selected; /* scratch */

    /* left rows below next_left are settled */
    uint32_t next_left;
    bool has_match; /* next_left had a pair that passed */

    /* not grouped: output rows. right EXEC_NO_ROW: no match */
    uint32_t *out_left, *out_right;
    uint32_t out_count;

    /* grouped, by left row */
    uint32_t *last_right; /* EXEC_NO_ROW: no match so far */
};

/* ---- life ---- */

static capi_evaluator *evaluator_of(const capi_program *program, capi_instant now)
{
    return program && capi_program_output_count(program) ? capi_evaluator_new(program, now) : NULL;
}

static capi_vec *vectors_of(const capi_program *program)
{
    return capi_zmalloc((capi_program_output_count(program) + 1) * sizeof(capi_vec));
}

static uint32_t *rows_new(void)
{
    return capi_malloc(CAPI_CHUNK_ROWS * sizeof(uint32_t));
}

lookup_rows *lookup_rows_new(const lookup_plan *plan, const lookup_index *index, capi_instant now, lookup_rows_fn fn,
                             void *context)
{
    lookup_rows *rows = capi_zmalloc(sizeof *rows);
    const capi_table_sink *table = plan->node->table;

    rows->plan = plan;
    rows->index = index;
    rows->fn = fn;
    rows->context = context;
    exec_keys_init(&rows->keys, &plan->lookup->index->key);
    rows->left = evaluator_of(plan->left, now);
    rows->pair = evaluator_of(plan->pair, now);
    rows->last = evaluator_of(plan->last, now);
    rows->filter = evaluator_of(plan->lookup->filter_program, now);
    exec_having_init(&rows->having, table->having_program, now);
    rows->aggregates = capi_zmalloc((plan->field_count + 1) * sizeof *rows->aggregates);
    for (uint32_t field = 0; field < plan->field_count; field++)
        if (plan->fields[field].kind == LOOKUP_AGGREGATE)
            rows->aggregates[field] = capi_aggregate_new(table->fields[field].expr);
    rows->ranges = capi_malloc(CAPI_CHUNK_ROWS * sizeof *rows->ranges);
    rows->inputs = capi_zmalloc((plan->node->slot_count + 1) * sizeof *rows->inputs);
    rows->filter_inputs = capi_zmalloc((plan->right_schema->field_count + 1) * sizeof *rows->filter_inputs);
    rows->left_out = vectors_of(plan->left);
    rows->pair_out = vectors_of(plan->pair);
    rows->last_out = vectors_of(plan->last);
    rows->fields = capi_zmalloc((plan->field_count + 1) * sizeof *rows->fields);
    rows->pair_left = rows_new();
    rows->pair_right = rows_new();
    rows->selected = rows_new();
    rows->out_left = rows_new();
    rows->out_right = rows_new();
    rows->last_right = rows_new();
    return rows;
}

void lookup_rows_free(lookup_rows *rows)
{
    if (!rows) return;
    exec_keys_deinit(&rows->keys);
    capi_evaluator_free(rows->left);
    capi_evaluator_free(rows->pair);
    capi_evaluator_free(rows->last);
    capi_evaluator_free(rows->filter);
    exec_having_deinit(&rows->having);
    for (uint32_t field = 0; field < rows->plan->field_count; field++)
        if (rows->aggregates[field]) capi_aggregate_free(rows->aggregates[field]);
    free(rows->aggregates);
    free(rows->ranges);
    free(rows->inputs);
    free(rows->filter_inputs);
    free(rows->left_out);
    free(rows->pair_out);
    free(rows->last_out);
    free(rows->fields);
    free(rows->pair_left);
    free(rows->pair_right);
    free(rows->selected);
    free(rows->out_left);
    free(rows->out_right);
    free(rows->last_right);
    capi_arena_deinit(&rows->chunk_arena);
    capi_arena_deinit(&rows->portion_arena);
    free(rows);
}

/* ---- computing ---- */

static void blame_field(const lookup_rows *rows, uint32_t field, capi_err *err)
{
    if (field == UINT32_MAX) return;
    exec_err_prefix(err, "field \"%.*s\"", CAPI_STR_ARG(rows->plan->node->table->fields[field].name));
}

/* True if rows[] are from, from + 1, from + 2, ... */
static bool is_run(const uint32_t *rows, uint32_t count)
{
    if (count == 0 || rows[count - 1] - rows[0] != count - 1) return count == 0;
    for (uint32_t i = 1; i < count; i++)
        if (rows[i] != rows[0] + i) return false;
    return true;
}

/* The reader's inputs of a program for the given left rows. */
static void set_left_inputs(lookup_rows *rows, const capi_program *program, const uint32_t *left, uint32_t count,
                            capi_arena *arena)
{
    const capi_node *node = rows->plan->node;
    bool run = is_run(left, count);

    for (uint32_t slot = 0; slot < node->slot_count; slot++) {
        const capi_vec *column;

        if (node->slots[slot].side != CAPI_SIDE_READER || !capi_program_reads_slot(program, slot)) continue;
        column = &rows->left_columns[node->slots[slot].column];
        rows->inputs[slot] =
            run ? capi_vec_slice(column, count ? left[0] : 0) : capi_vec_gather(arena, column, left, count);
    }
}

static void set_right_inputs(lookup_rows *rows, const capi_program *program, const uint32_t *right, uint32_t count,
                             capi_arena *arena)
{
    const capi_node *node = rows->plan->node;

    for (uint32_t slot = 0; slot < node->slot_count; slot++)
        if (node->slots[slot].side == CAPI_SIDE_LOOKUP && capi_program_reads_slot(program, slot))
            rows->inputs[slot] =
                capi_vec_gather(arena, lookup_index_column(rows->index, node->slots[slot].column), right, count);
}

/* Fields of the left row alone, for the given left rows (each once, ascending). */
static capi_status run_left(lookup_rows *rows, const uint32_t *left, uint32_t count, capi_arena *arena,
                            uint32_t *bad_row, capi_err *err)
{
    uint32_t bad = 0, output = 0;
    capi_status st;

    if (!rows->left || count == 0) return CAPI_OK;
    set_left_inputs(rows, rows->plan->left, left, count, arena);
    st = capi_evaluator_run(rows->left, rows->inputs, count, rows->left_out, &bad, &output, err);
    if (st == CAPI_OK) return CAPI_OK;
    *bad_row = left[bad];
    blame_field(rows, rows->plan->left_fields[output], err);
    return st;
}

static capi_status run_pairs(lookup_rows *rows, capi_evaluator *evaluator, const capi_program *program,
                             const uint32_t *output_fields, const uint32_t *left, const uint32_t *right, uint32_t count,
                             capi_vec *out, capi_arena *arena, uint32_t *bad_row, capi_err *err)
{
    uint32_t bad = 0, output = 0;
    capi_status st;

    if (!evaluator || count == 0) return CAPI_OK;
    set_left_inputs(rows, program, left, count, arena);
    set_right_inputs(rows, program, right, count, arena);
    st = capi_evaluator_run(evaluator, rows->inputs, count, out, &bad, &output, err);
    if (st == CAPI_OK) return CAPI_OK;
    *bad_row = left[bad];
    blame_field(rows, output_fields[output], err);
    return st;
}

/* `having`, and on to whoever wants the rows. left[i]: the left row of output row i. */
static capi_status give_rows(lookup_rows *rows, const uint32_t *left, uint32_t count, uint32_t *bad_row, capi_err *err)
{
    const uint32_t *passed = NULL;
    uint32_t passed_count = 0;
    uint32_t bad = EXEC_NO_ROW;
    capi_status st = exec_having_run(&rows->having, rows->fields, count, &passed, &passed_count, &bad, err);

    if (st == CAPI_OK && passed_count)
        st = rows->fn(rows->context, rows->fields, left, passed, passed_count, &bad, err);
    if (st != CAPI_OK && bad != EXEC_NO_ROW) *bad_row = left[bad];
    return st;
}

/* ---- filter ---- */

/* Drops the pairs whose right row does not pass. */
static capi_status filter_pairs(lookup_rows *rows, uint32_t *bad_row, capi_err *err)
{
    const capi_lookup *lookup = rows->plan->lookup;
    capi_vec condition;
    uint32_t bad = 0, output = 0;
    uint32_t count;
    capi_status st;

    if (!rows->filter || rows->pair_count == 0) return CAPI_OK;
    for (uint32_t column = 0; column < rows->plan->right_schema->field_count; column++)
        if (capi_program_reads_slot(lookup->filter_program, column))
            rows->filter_inputs[column] = capi_vec_gather(
                &rows->portion_arena, lookup_index_column(rows->index, column), rows->pair_right, rows->pair_count);
    st = capi_evaluator_run(rows->filter, rows->filter_inputs, rows->pair_count, &condition, &bad, &output, err);
    if (st != CAPI_OK) {
        *bad_row = rows->pair_left[bad];
        exec_err_prefix(err, "filter, row %llu of lookup table \"%.*s\"",
                        (unsigned long long)lookup_index_row_number(rows->index, rows->pair_right[bad]),
                        CAPI_STR_ARG(lookup->index->owner->table->name));
        return st;
    }
    count = capi_select_true(&condition, rows->pair_count, rows->selected);
    for (uint32_t i = 0; i < count; i++) {
        rows->pair_left[i] = rows->pair_left[rows->selected[i]];
        rows->pair_right[i] = rows->pair_right[rows->selected[i]];
    }
    rows->pair_count = count;
    return CAPI_OK;
}

/* ---- not grouped ---- */

/* Splits the output rows: pairs (dense) with the place of each output row among them; left rows, each once, likewise. */
typedef struct out_split {
    uint32_t *pair_left, *pair_right, *pair_of;
    uint32_t pair_count;
    uint32_t *lefts, *left_of;
    uint32_t left_count;
} out_split;

static void split_out(lookup_rows *rows, out_split *split)
{
    capi_arena *arena = &rows->portion_arena;
    uint32_t bytes = rows->out_count * (uint32_t)sizeof(uint32_t);

    *split = (out_split){.pair_left = capi_arena_alloc(arena, bytes),
                         .pair_right = capi_arena_alloc(arena, bytes),
                         .pair_of = capi_arena_alloc(arena, bytes),
                         .lefts = capi_arena_alloc(arena, bytes),
                         .left_of = capi_arena_alloc(arena, bytes)};
    for (uint32_t i = 0; i < rows->out_count; i++) {
        uint32_t left = rows->out_left[i];

        if (split->left_count == 0 || split->lefts[split->left_count - 1] != left)
            split->lefts[split->left_count++] = left;
        split->left_of[i] = split->left_count - 1;
        split->pair_of[i] = EXEC_NO_ROW;
        if (rows->out_right[i] == EXEC_NO_ROW) continue;
        split->pair_of[i] = split->pair_count;
        split->pair_left[split->pair_count] = left;
        split->pair_right[split->pair_count++] = rows->out_right[i];
    }
}

static void out_field(lookup_rows *rows, uint32_t field, const out_split *split)
{
    const lookup_field *plan = &rows->plan->fields[field];
    const capi_value *missing = &rows->plan->node->table->fields[field].default_value;
    capi_arena *arena = &rows->portion_arena;
    capi_vec *to = &rows->fields[field];

    if (plan->kind == LOOKUP_LEFT) {
        const capi_vec *from = &rows->left_out[plan->output];

        *to = split->left_count == rows->out_count ? *from
                                                   : capi_vec_gather(arena, from, split->left_of, rows->out_count);
    } else if (split->pair_count == rows->out_count) {
        *to = rows->pair_out[plan->output];
    } else if (split->pair_count == 0) {
        *to = capi_vec_constant(arena, missing);
    } else {
        *to = exec_vec_expand(arena, &rows->pair_out[plan->output], split->pair_of, rows->out_count, missing);
    }
}

static capi_status flush_out(lookup_rows *rows, uint32_t *bad_row, capi_err *err)
{
    const lookup_plan *plan = rows->plan;
    out_split split;

    if (rows->out_count == 0) return CAPI_OK;
    capi_arena_reset(&rows->portion_arena);
    split_out(rows, &split);
    CAPI_TRY(run_left(rows, split.lefts, split.left_count, &rows->portion_arena, bad_row, err));
    CAPI_TRY(run_pairs(rows, rows->pair, plan->pair, plan->pair_fields, split.pair_left, split.pair_right,
                       split.pair_count, rows->pair_out, &rows->portion_arena, bad_row, err));
    for (uint32_t field = 0; field < plan->field_count; field++)
        out_field(rows, field, &split);
    CAPI_TRY(give_rows(rows, rows->out_left, rows->out_count, bad_row, err));
    rows->out_count = 0;
    return CAPI_OK;
}

static capi_status push_out(lookup_rows *rows, uint32_t left, uint32_t right, uint32_t *bad_row, capi_err *err)
{
    if (rows->out_count == CAPI_CHUNK_ROWS) CAPI_TRY(flush_out(rows, bad_row, err));
    rows->out_left[rows->out_count] = left;
    rows->out_right[rows->out_count++] = right;
    return CAPI_OK;
}

/* Left rows below `upto` have no further pairs: their output rows, and those of `upto` so far. */
static capi_status settle(lookup_rows *rows, uint32_t upto, uint32_t *bad_row, capi_err *err)
{
    bool is_left = rows->plan->lookup->is_left;
    uint32_t at = 0;

    for (uint32_t left = rows->next_left; left <= upto; left++) {
        for (; at < rows->pair_count && rows->pair_left[at] == left; at++) {
            CAPI_TRY(push_out(rows, left, rows->pair_right[at], bad_row, err));
            rows->has_match = true;
        }
        if (left == upto) break;
        if (!rows->has_match && is_left) CAPI_TRY(push_out(rows, left, EXEC_NO_ROW, bad_row, err));
        rows->has_match = false;
    }
    rows->next_left = upto;
    return CAPI_OK;
}

/* ---- grouped ---- */

static capi_status aggregate_pairs(lookup_rows *rows, uint32_t *bad_row, capi_err *err)
{
    const lookup_plan *plan = rows->plan;

    if (rows->pair_count == 0) return CAPI_OK;
    CAPI_TRY(run_pairs(rows, rows->pair, plan->pair, plan->pair_fields, rows->pair_left, rows->pair_right,
                       rows->pair_count, rows->pair_out, &rows->portion_arena, bad_row, err));
    for (uint32_t field = 0; field < plan->field_count; field++) {
        const lookup_field *to = &plan->fields[field];
        uint32_t bad = 0;
        capi_status st;

        if (to->kind != LOOKUP_AGGREGATE) continue;
        st = capi_aggregate_add(rows->aggregates[field], rows->pair_left, rows->pair_count,
                                to->value == UINT32_MAX ? NULL : &rows->pair_out[to->value],
                                to->condition == UINT32_MAX ? NULL : &rows->pair_out[to->condition], &bad, err);
        if (st == CAPI_OK) continue;
        *bad_row = rows->pair_left[bad];
        blame_field(rows, field, err);
        return st;
    }
    for (uint32_t i = 0; i < rows->pair_count; i++)
        rows->last_right[rows->pair_left[i]] = rows->pair_right[i];
    return CAPI_OK;
}

/* The value of an aggregate for each left row of the chunk. */
static capi_status finish_aggregate(lookup_rows *rows, uint32_t field, capi_vec *out, uint32_t *bad_row, capi_err *err)
{
    uint32_t bad = 0;
    capi_status st = capi_aggregate_finish(rows->aggregates[field], &rows->chunk_arena, out, &bad, err);

    if (st == CAPI_OK) return CAPI_OK;
    *bad_row = bad;
    blame_field(rows, field, err);
    return st;
}

/* Output rows of a grouped chunk: which left rows, and where the values of matched ones are. */
typedef struct group_rows {
    uint32_t *lefts;                  /* output row to left row */
    uint32_t *matched;                /* output row to left row, or EXEC_NO_ROW */
    uint32_t *last_of;                /* output row to position among the matched, or EXEC_NO_ROW */
    uint32_t *last_left, *last_right; /* the matched: last pairs */
    uint32_t count, matched_count;
} group_rows;

static void split_groups(lookup_rows *rows, group_rows *groups)
{
    capi_arena *arena = &rows->chunk_arena;
    uint32_t bytes = rows->left_count * (uint32_t)sizeof(uint32_t);

    *groups = (group_rows){.lefts = capi_arena_alloc(arena, bytes),
                           .matched = capi_arena_alloc(arena, bytes),
                           .last_of = capi_arena_alloc(arena, bytes),
                           .last_left = capi_arena_alloc(arena, bytes),
                           .last_right = capi_arena_alloc(arena, bytes)};
    for (uint32_t left = 0; left < rows->left_count; left++) {
        bool matched = rows->last_right[left] != EXEC_NO_ROW;

        if (!matched && !rows->plan->lookup->is_left) continue;
        groups->lefts[groups->count] = left;
        groups->matched[groups->count] = matched ? left : EXEC_NO_ROW;
        groups->last_of[groups->count++] = matched ? groups->matched_count : EXEC_NO_ROW;
        if (!matched) continue;
        groups->last_left[groups->matched_count] = left;
        groups->last_right[groups->matched_count++] = rows->last_right[left];
    }
}

static capi_status group_field(lookup_rows *rows, uint32_t field, const group_rows *groups, uint32_t *bad_row,
                               capi_err *err)
{
    const lookup_field *plan = &rows->plan->fields[field];
    const capi_value *missing = &rows->plan->node->table->fields[field].default_value;
    capi_arena *arena = &rows->chunk_arena;
    capi_vec *to = &rows->fields[field];
    capi_vec values;

    if (plan->kind == LOOKUP_LEFT) {
        *to = rows->left_out[plan->output];
        return CAPI_OK;
    }
    if (groups->matched_count == 0) {
        *to = capi_vec_constant(arena, missing);
        return CAPI_OK;
    }
    if (plan->kind == LOOKUP_AGGREGATE) {
        CAPI_TRY(finish_aggregate(rows, field, &values, bad_row, err));
        *to = groups->matched_count == rows->left_count
                  ? values
                  : exec_vec_expand(arena, &values, groups->matched, groups->count, missing);
        return CAPI_OK;
    }
    values = rows->last_out[plan->output];
    *to = groups->matched_count == groups->count
              ? values
              : exec_vec_expand(arena, &values, groups->last_of, groups->count, missing);
    return CAPI_OK;
}

static capi_status finish_groups(lookup_rows *rows, uint32_t *bad_row, capi_err *err)
{
    const lookup_plan *plan = rows->plan;
    group_rows groups;

    split_groups(rows, &groups);
    if (groups.count == 0) return CAPI_OK;
    CAPI_TRY(run_left(rows, groups.lefts, groups.count, &rows->chunk_arena, bad_row, err));
    CAPI_TRY(run_pairs(rows, rows->last, plan->last, plan->last_fields, groups.last_left, groups.last_right,
                       groups.matched_count, rows->last_out, &rows->chunk_arena, bad_row, err));
    for (uint32_t field = 0; field < plan->field_count; field++)
        CAPI_TRY(group_field(rows, field, &groups, bad_row, err));
    return give_rows(rows, groups.lefts, groups.count, bad_row, err);
}

static void start_groups(lookup_rows *rows)
{
    for (uint32_t field = 0; field < rows->plan->field_count; field++)
        if (rows->aggregates[field]) capi_aggregate_start(rows->aggregates[field], rows->left_count);
    for (uint32_t left = 0; left < rows->left_count; left++)
        rows->last_right[left] = EXEC_NO_ROW;
}

/* ---- pairs ---- */

static capi_status flush_pairs(lookup_rows *rows, uint32_t upto, uint32_t *bad_row, capi_err *err)
{
    capi_status st;

    capi_arena_reset(&rows->portion_arena);
    CAPI_TRY(filter_pairs(rows, bad_row, err));
    st = rows->plan->lookup->is_grouped ? aggregate_pairs(rows, bad_row, err) : settle(rows, upto, bad_row, err);
    rows->pair_count = 0;
    return st;
}

static capi_status make_pairs(lookup_rows *rows, uint32_t *bad_row, capi_err *err)
{
    const uint32_t *right_rows = lookup_index_rows(rows->index);

    for (uint32_t left = 0; left < rows->left_count; left++) {
        lookup_range range = rows->ranges[left];

        if (range.count == 1) {
            if (rows->pair_count == CAPI_CHUNK_ROWS) CAPI_TRY(flush_pairs(rows, left, bad_row, err));
            rows->pair_left[rows->pair_count] = left;
            rows->pair_right[rows->pair_count++] = range.start;
            continue;
        }
        for (uint32_t i = 0; i < range.count; i++) {
            if (rows->pair_count == CAPI_CHUNK_ROWS) CAPI_TRY(flush_pairs(rows, left, bad_row, err));
            rows->pair_left[rows->pair_count] = left;
            rows->pair_right[rows->pair_count++] = right_rows[range.start + i];
        }
    }
    return flush_pairs(rows, rows->left_count, bad_row, err);
}

capi_status lookup_rows_join(lookup_rows *rows, const capi_vec *left_columns, uint32_t row_count, uint32_t *bad_row,
                             capi_err *err)
{
    const capi_lookup *lookup = rows->plan->lookup;

    capi_arena_reset(&rows->chunk_arena);
    rows->left_columns = left_columns;
    rows->left_count = row_count;
    rows->pair_count = rows->out_count = rows->next_left = 0;
    rows->has_match = false;
    for (uint32_t part = 0; part < lookup->index->key.part_count; part++)
        rows->keys.parts[part] = left_columns[lookup->left_columns[part]];
    exec_keys_build(&rows->keys, row_count);
    lookup_index_probe(rows->index, &rows->keys, row_count, rows->ranges);
    if (lookup->is_grouped) start_groups(rows);
    CAPI_TRY(make_pairs(rows, bad_row, err));
    return lookup->is_grouped ? finish_groups(rows, bad_row, err) : flush_out(rows, bad_row, err);
}
