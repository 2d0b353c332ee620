/* natural.h - natural numbers of up to 3,200 bits, for decimals whose exact result needs more than 128 bits on the way.
 *
 * Plain schoolbook arithmetic: this is the slow path, taken by few values. The bound holds whatever two decimals can ask
 * for: 77 digits, moved by up to 816 places. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { CAPI_NATURAL_LIMBS = 100 };

typedef struct capi_natural {
    uint32_t count;                    /* of limbs; the highest is not zero */
    uint32_t limb[CAPI_NATURAL_LIMBS]; /* least significant first */
} capi_natural;

void capi_natural_from_limbs(const uint64_t limbs[4], capi_natural *out);
/* False if it does not fit 256 bits. */
bool capi_natural_to_limbs(const capi_natural *a, uint64_t limbs[4]);
int capi_natural_compare(const capi_natural *a, const capi_natural *b);
void capi_natural_add(capi_natural *a, const capi_natural *b);
/* a - b; a must not be smaller. */
void capi_natural_subtract(capi_natural *a, const capi_natural *b);
void capi_natural_multiply(const capi_natural *a, const capi_natural *b, capi_natural *out);
/* a * factor + addend */
void capi_natural_multiply_add(capi_natural *a, uint32_t factor, uint32_t addend);
void capi_natural_multiply_power10(capi_natural *a, unsigned power);
/* Divides and returns the remainder. */
uint32_t capi_natural_divide_small(capi_natural *a, uint32_t divisor);
/* a / 10^power, toward zero. */
void capi_natural_divide_power10(capi_natural *a, unsigned power);
/* a / 10^power, half up. */
void capi_natural_round_power10(capi_natural *a, unsigned power);
/* *a becomes the remainder. b must not be zero. */
void capi_natural_divide(capi_natural *a, const capi_natural *b, capi_natural *quotient);
