/* random.c - the kernel's random numbers, or a seeded sequence, behind the seam. */
#include "base/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static uint64_t system_next(void *context)
{
    uint64_t value = 0;
    ssize_t got;

    (void)context;
    do
        got = getrandom(&value, sizeof value, 0);
    while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof value) {
        /* Without randomness ids would collide and batches be mixed up: better no run at all. */
        perror("error: could not read random numbers");
        abort();
    }
    return value;
}

const capi_random capi_random_system = {system_next, NULL};

/* SplitMix64 (public domain, Sebastiano Vigna). */
static uint64_t seeded_next(void *context)
{
    capi_random_seeded *seeded = context;
    uint64_t z = (seeded->state += 0x9e3779b97f4a7c15ull);

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

capi_random capi_random_from_seed(capi_random_seeded *state, uint64_t seed)
{
    state->state = seed;
    return (capi_random){seeded_next, state};
}

void capi_random_uid(const capi_random *random, char uid[CAPI_UID_BYTES])
{
    snprintf(uid, CAPI_UID_BYTES, "%016llx", (unsigned long long)random->next(random->context));
}
