/* clock.c - the machine's clock behind the seam. */
#include "base/clock.h"

#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t system_wall_ns(void *context)
{
    (void)context;
    return read_ns(CLOCK_REALTIME);
}

static int64_t system_monotonic_ns(void *context)
{
    (void)context;
    return read_ns(CLOCK_MONOTONIC);
}

const capi_clock capi_clock_system = {system_wall_ns, system_monotonic_ns, NULL};
