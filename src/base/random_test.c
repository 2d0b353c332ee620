#include "base/random.h"
#include "base/test.h"

TEST(a_seed_repeats_the_sequence_and_the_first_value_is_the_published_one)
{
    capi_random_seeded first_state;
    capi_random_seeded second_state;
    capi_random first = capi_random_from_seed(&first_state, 1234567);
    capi_random second = capi_random_from_seed(&second_state, 1234567);
    uint64_t value = first.next(first.context);

    CHECK(value == 6457827717110365317ull);
    CHECK(second.next(second.context) == value);
    for (int i = 0; i < 100; i++)
        CHECK(first.next(first.context) == second.next(second.context));
}

TEST(a_uid_is_sixteen_hex_digits_and_another_each_time)
{
    char first[CAPI_UID_BYTES];
    char second[CAPI_UID_BYTES];

    capi_random_uid(&capi_random_system, first);
    capi_random_uid(&capi_random_system, second);
    CHECK_INT(strlen(first), 16);
    CHECK_INT(strspn(first, "0123456789abcdef"), 16);
    CHECK(strcmp(first, second) != 0);
}
