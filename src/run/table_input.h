/* table_input.h - what a node made in a run, as input for exec: the extents of all its batches in order. */
#pragma once

#include "run/run.h"

/* Everything lives in the arena. Only successful batches count. */
CAPI_MUST_USE capi_status capi_table_input_load(capi_state *state, capi_str keyspace_uid, capi_str run_uid,
                                                capi_str node, capi_str table, capi_arena *arena, capi_table_input *out,
                                                capi_err *err);

/* The bits that are set of the first `rows`. */
uint64_t capi_survivor_count(capi_str bitmap, uint64_t rows);

/* The number of a run; 0 if it was forgotten. */
CAPI_MUST_USE capi_status capi_table_input_find_run(capi_state *state, const capi_keyspace *keyspace, capi_str run_uid,
                                                    capi_arena *scratch, uint32_t *out, capi_err *err);

/* Everything copied to the arena. */
void capi_table_input_copy(capi_arena *arena, const capi_table_input *from, capi_table_input *to);

/* The contents of each batch by itself, for the seal; failed batches are empty. */
CAPI_MUST_USE capi_status capi_batch_contents_load(capi_state *state, capi_str run_uid, capi_str node,
                                                   capi_arena *arena, capi_table_content **out,
                                                   capi_batch_state **batches, uint32_t *count, capi_err *err);
