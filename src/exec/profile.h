/* profile.h - what the values of a table's columns are like: for somebody who looks before deciding.
 *
 * Two scans: the first finds counts, extremes, distinct values and the most frequent ones, the second fills the histogram
 * between the extremes. Memory is the same for any number of rows. */
#pragma once

#include "exec/exec.h"

enum { CAPI_PROFILE_TOP = 5, CAPI_PROFILE_BUCKETS = 16 };

typedef struct capi_profile_value {
    capi_str text;  /* as string() gives it */
    uint64_t count; /* exact if profile->is_exact, else at least so many */
} capi_profile_value;

typedef struct capi_column_profile {
    capi_str name;
    capi_type type;
    uint64_t empty_count;                     /* zero values: "", 0, false, 1901-01-01 */
    double distinct;                          /* exact if is_exact, else a HyperLogLog estimate, within about 2 % */
    bool is_exact;                            /* few enough different values to count them all */
    capi_str minimum, maximum;                /* empty for a table without rows */
    capi_profile_value top[CAPI_PROFILE_TOP]; /* most frequent first, ties by text */
    uint32_t top_count;
    bool has_histogram;                       /* numbers and datetimes with different values */
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
