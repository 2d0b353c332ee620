#include "base/clock.h"
#include "base/test.h"

TEST(the_system_clock_tells_a_time_after_2020_and_never_steps_back)
{
    const capi_clock *clock = &capi_clock_system;
    int64_t before = clock->monotonic_ns(clock->context);

    CHECK(capi_clock_wall_ms(clock) > 1577836800000);
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock->monotonic_ns(clock->context);

        CHECK(now >= before);
        before = now;
    }
}

static int64_t fixed_ns(void *context)
{
    return *(int64_t *)context;
}

TEST(a_clock_of_our_own_tells_what_we_want)
{
    int64_t now_ns = 1234567890;
    capi_clock clock = {fixed_ns, fixed_ns, &now_ns};

    CHECK_INT(capi_clock_wall_ms(&clock), 1234);
}
