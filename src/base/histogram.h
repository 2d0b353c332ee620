/* histogram.h - how long things take, counted in classes: for metrics. All zero is empty. Any thread may add and read. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum { CAPI_HISTOGRAM_CLASSES = 12 };

/* Upper bounds in seconds; the last class has none. */
extern const double capi_histogram_bounds[CAPI_HISTOGRAM_CLASSES - 1];

typedef struct capi_histogram {
    _Atomic uint64_t counts[CAPI_HISTOGRAM_CLASSES];
    _Atomic uint64_t sum_ns;
} capi_histogram;

void capi_histogram_add(capi_histogram *histogram, int64_t ns);
