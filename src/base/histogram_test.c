/* histogram_test.c - durations fall into their classes. */
#include "base/histogram.h"
#include "base/test.h"

TEST(a_duration_on_a_bound_belongs_to_the_class_below)
{
    capi_histogram histogram = {0};

    capi_histogram_add(&histogram, 100000); /* 0.0001 s */
    capi_histogram_add(&histogram, 100001);
    capi_histogram_add(&histogram, INT64_C(61) << 30); /* more than a minute */
    CHECK_INT(histogram.counts[0], 1);
    CHECK_INT(histogram.counts[1], 1);
    CHECK_INT(histogram.counts[CAPI_HISTOGRAM_CLASSES - 1], 1);
    CHECK_INT(histogram.sum_ns, 200001 + (INT64_C(61) << 30));
}
