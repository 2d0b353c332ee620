#include "base/random.h"
#include "base/test.h"
#include "vec/format.h"

#include <math.h>

static void check_same_as_printf(double value, unsigned digits)
{
    char text[CAPI_FLOAT_FIXED_TEXT_MAX + 1], expected[CAPI_FLOAT_FIXED_TEXT_MAX + 1];

    text[capi_float_fixed_text(value, digits, text)] = 0;
    snprintf(expected, sizeof expected, "%.*f", (int)digits, value);
    if (strcmp(text, expected) != 0)
        capi_test_fail(__FILE__, __LINE__, "%a with %u digits is %s, expected %s", value, digits, text, expected);
}

/* Many with few bits behind the point, where ties are. */
static double random_value(uint64_t bits, int kind)
{
    double value;

    switch (kind) {
    case 0: /* any finite double */
        bits &= ~(UINT64_C(1) << 62);
        memcpy(&value, &bits, 8);
        return value;
    case 1: /* a tie for some number of digits */ return ldexp((double)(bits >> 12 & 0xFFFFFFF), -(int)(bits & 15));
    case 2: return (double)(int64_t)bits / 1e9;
    case 3: return (double)(bits % 1000000000) / 1000;
    default: return ldexp((double)(int64_t)bits, -(int)(bits & 127));
    }
}

TEST(fixed_digits_are_those_of_printf_for_random_floats)
{
    capi_random_seeded state;
    capi_random random = capi_random_from_seed(&state, 20251125);

    for (int i = 0; i < 400000; i++) {
        uint64_t bits = random.next(random.context);

        check_same_as_printf(random_value(bits, i % 5), (unsigned)(bits >> 40) % 10);
    }
}

TEST(fixed_digits_are_those_of_printf_at_the_edges)
{
    const double values[] = {0,
                             -0.0,
                             0.5,
                             1.5,
                             2.5,
                             0.125,
                             0.375,
                             9.5,
                             99.5,
                             999999.5,
                             0.9999995,
                             1e-9,
                             5e-10,
                             1e-10,
                             5e-324,
                             1e15,
                             1e16,
                             1e22,
                             1e300,
                             2.675,
                             1.005,
                             0.0000005,
                             0x1p53,
                             0x1p52,
                             0x1.fffffffffffffp52,
                             0x1.fffffffffffffp51,
                             0x1.fffffffffffffp-2};

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        for (unsigned digits = 0; digits <= CAPI_FLOAT_FIXED_DIGITS_MAX; digits++) {
            check_same_as_printf(values[i], digits);
            check_same_as_printf(-values[i], digits);
        }
}

TEST(what_is_no_number_has_a_name)
{
    char text[CAPI_FLOAT_FIXED_TEXT_MAX];

    CHECK(capi_float_fixed_text(INFINITY, 2, text) == 4 && memcmp(text, "+Inf", 4) == 0);
    CHECK(capi_float_fixed_text(-INFINITY, 2, text) == 4 && memcmp(text, "-Inf", 4) == 0);
    CHECK(capi_float_fixed_text(NAN, 2, text) == 3 && memcmp(text, "NaN", 3) == 0);
}
