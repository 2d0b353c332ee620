/* profile_sketch.h - distinct and frequent keys of a stream in bounded memory: HyperLogLog (Flajolet, Fusy, Gandouet, Meunier, 2007)
 * and Misra-Gries (1982), both exact while the different keys fit the table.
 *
 * A key is 64 bits: the value itself, or the hash of a longer one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { CAPI_SKETCH_HLL_BITS = 14, CAPI_SKETCH_REGISTERS = 1 << CAPI_SKETCH_HLL_BITS };

typedef struct capi_sketch_slot {
    uint64_t key;
    uint64_t count;
    uint64_t first; /* a row with the key, plus 1; 0: the slot is free */
} capi_sketch_slot;

typedef struct capi_sketch {
    uint8_t *registers;      /* of the HyperLogLog */
    capi_sketch_slot *slots; /* open addressing; at most half are used */
    uint32_t slot_count;     /* a power of two */
    uint32_t used;
    uint32_t limit;    /* of used */
    uint64_t given_up; /* how often every count lost one: no key outside the table is more frequent than that */
} capi_sketch;

/* Keeps at most `limit` keys, a power of two. */
void capi_sketch_init(capi_sketch *sketch, uint32_t limit);
void capi_sketch_deinit(capi_sketch *sketch);
void capi_sketch_add(capi_sketch *sketch, uint64_t key, uint64_t row);
static inline bool capi_sketch_is_exact(const capi_sketch *sketch)
{
    return sketch->given_up == 0;
}
double capi_sketch_distinct(const capi_sketch *sketch);

/* A second look at the same stream makes the counts of the keys that are left exact: first begin_recount, then recount for all. */
void capi_sketch_begin_recount(capi_sketch *sketch);
void capi_sketch_recount(capi_sketch *sketch, uint64_t key, uint64_t row);

/* Writes the `max` most frequent keys to out, ties by `first`; returns how many there are. */
uint32_t capi_sketch_top(const capi_sketch *sketch, capi_sketch_slot *out, uint32_t max);
