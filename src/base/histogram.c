/* histogram.c - finds the class of a duration. */
#include "base/histogram.h"

const double capi_histogram_bounds[CAPI_HISTOGRAM_CLASSES - 1] = {0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05,
                                                                  0.1,    0.5,    1,     10,    60};

void capi_histogram_add(capi_histogram *histogram, int64_t ns)
{
    double seconds = (double)ns / 1e9;
    uint32_t class = 0;

    while (class < CAPI_HISTOGRAM_CLASSES - 1 && seconds > capi_histogram_bounds[class])
        class ++;
    atomic_fetch_add_explicit(&histogram->counts[class], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_ns, ns > 0 ? (uint64_t)ns : 0, memory_order_relaxed);
}
