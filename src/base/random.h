/* random.h - the seam for randomness: ids come from here, so that a seed repeats a run. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct capi_random {
    uint64_t (*next)(void *context);
    void *context;
} capi_random;

/* The kernel's random numbers. */
extern const capi_random capi_random_system;

/* A generator with a seed (SplitMix64); the state is the caller's. */
typedef struct capi_random_seeded {
    uint64_t state;
} capi_random_seeded;
capi_random capi_random_from_seed(capi_random_seeded *state, uint64_t seed);

enum { CAPI_UID_BYTES = 17 }; /* 16 hex digits and a NUL */
/* A fresh id in hex: unique for all practical purposes. */
void capi_random_uid(const capi_random *random, char uid[CAPI_UID_BYTES]);
