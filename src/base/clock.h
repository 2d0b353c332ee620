/* clock.h - the seam for time: everything that asks what time it is asks here, so that tests can turn the clock. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct capi_clock {
    int64_t (*wall_ns)(void *context);      /* since 1970-01-01T00:00:00Z */
    int64_t (*monotonic_ns)(void *context); /* from some moment on, never back */
    void *context;
} capi_clock;

/* The machine's clock. */
extern const capi_clock capi_clock_system;

static inline int64_t capi_clock_wall_ms(const capi_clock *clock)
{
    return clock->wall_ns(clock->context) / 1000000;
}
