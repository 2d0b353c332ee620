/* lookup_plan.h - how the fields of a lookup node are computed: which part sees which rows.
 *
 *     left    fields without l.*, no aggregate      once per left row that gives output
 *     pair    fields with l.*; aggregates' arguments   once per pair (left row, right row)
 *     last    grouped: fields with l.*, no aggregate   again for the last pair of each left row, whose value wins
 *
 * Fields of `pair`, `last` and aggregates have a default value for left rows without a match. */
#pragma once

#include "exec/batch.h"

typedef enum lookup_field_kind { LOOKUP_LEFT, LOOKUP_PAIR, LOOKUP_LAST, LOOKUP_AGGREGATE } lookup_field_kind;

typedef struct lookup_field {
    lookup_field_kind kind;
    uint32_t output;           /* of left, pair or last */
    uint32_t value, condition; /* AGGREGATE: outputs of pair, or UINT32_MAX */
} lookup_field;

typedef struct lookup_plan {
    const capi_node *node;
    const capi_lookup *lookup;
    const capi_schema *right_schema;
    lookup_field *fields;
    uint32_t field_count;
    capi_program *left, *pair, *last;
    uint32_t *left_fields, *pair_fields, *last_fields; /* output to field, for messages */
    bool *left_needed;                                 /* columns of the left table */
    bool *right_needed;                                /* of the right table */
} lookup_plan;

/* In the batch's arena. */
lookup_plan *lookup_plan_new(exec_batch *batch);
