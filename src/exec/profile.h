/* profile.h - what the values of a table's columns are like: for somebody who looks before deciding.
 *
 * Two scans: the first finds extremes, distinct values and candidates for the most frequent ones; the second counts the candidates
 * and fills the histogram between the extremes. Memory is the same for any number of rows. */
#pragma once

#include "exec/exec.h"

enum { CAPI_PROFILE_TOP = 5, CAPI_PROFILE_BUCKETS = 16 };

typedef struct capi_profile_value {
    capi_value value; /* whole; a string lies in the arena */
    uint64_t count;   /* exact */
} capi_profile_value;

typedef struct capi_column_profile {
    capi_str name;
    capi_type type;
    uint64_t empty_count;        /* zero values: "", 0, false, 1901-01-01; NaN is none */
    double distinct;             /* exact if is_exact, else a HyperLogLog estimate: standard error 0.8 % */
    bool is_exact;               /* few enough different values to count them all */
    bool has_range;              /* there are values, apart from NaN */
    capi_value minimum, maximum; /* if has_range */
    capi_profile_value
        top[CAPI_PROFILE_TOP]; /* most frequent first, ties by their first row; only values of which it is sure that
                                                 no other is more frequent: perhaps none, if almost all are different */
    uint32_t top_count;
    uint64_t others_at_most;                  /* rows of any value that is not in top */
    bool has_histogram;                       /* numbers and datetimes with different, finite extremes */
    uint64_t histogram[CAPI_PROFILE_BUCKETS]; /* equally wide, from minimum to maximum */
} capi_column_profile;

typedef struct capi_table_profile {
    uint64_t row_count;
    capi_column_profile *columns; /* in the arena */
    uint32_t column_count;
} capi_table_profile;

CAPI_MUST_USE capi_status capi_table_profile_make(capi_exec *exec, const capi_table_input *input,
                                                  const capi_schema *schema, capi_arena *arena, capi_table_profile *out,
                                                  capi_err *err);
