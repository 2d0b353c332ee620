/* natural.c - natural numbers of bounded size (Donald Knuth, "The Art of Computer Programming", volume 2, section 4.3.1). */
#include "vec/natural.h"

#include <assert.h>
#include <string.h>

enum { NINE_DIGITS = 1000000000 };

static const uint32_t small_powers[10] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

static void drop_high_zeros(capi_natural *a)
{
    while (a->count && a->limb[a->count - 1] == 0)
        a->count--;
}

static void push(capi_natural *a, uint32_t limb)
{
    assert(a->count < CAPI_NATURAL_LIMBS);
    a->limb[a->count++] = limb;
}

void capi_natural_from_limbs(const uint64_t limbs[4], capi_natural *out)
{
    out->count = 8;
    for (unsigned i = 0; i < 4; i++) {
        out->limb[2 * i] = (uint32_t)limbs[i];
        out->limb[2 * i + 1] = (uint32_t)(limbs[i] >> 32);
    }
    drop_high_zeros(out);
}

bool capi_natural_to_limbs(const capi_natural *a, uint64_t limbs[4])
{
    if (a->count > 8) return false;
    memset(limbs, 0, 4 * sizeof limbs[0]);
    for (unsigned i = 0; i < a->count; i++)
        limbs[i / 2] |= (uint64_t)a->limb[i] << (i % 2 * 32);
    return true;
}

int capi_natural_compare(const capi_natural *a, const capi_natural *b)
{
    if (a->count != b->count) return a->count < b->count ? -1 : 1;
    for (unsigned i = a->count; i-- > 0;)
        if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

void capi_natural_add(capi_natural *a, const capi_natural *b)
{
    uint64_t carry = 0;

    while (a->count < b->count)
        push(a, 0);
    for (unsigned i = 0; i < a->count; i++) {
        carry += (uint64_t)a->limb[i] + (i < b->count ? b->limb[i] : 0);
        a->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) push(a, (uint32_t)carry);
}

void capi_natural_subtract(capi_natural *a, const capi_natural *b)
{
    int64_t borrow = 0;

    assert(capi_natural_compare(a, b) >= 0);
    for (unsigned i = 0; i < a->count; i++) {
        borrow += (int64_t)a->limb[i] - (i < b->count ? b->limb[i] : 0);
        a->limb[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    drop_high_zeros(a);
}

void capi_natural_multiply(const capi_natural *a, const capi_natural *b, capi_natural *out)
{
    assert(a->count + b->count <= CAPI_NATURAL_LIMBS);
    out->count = a->count + b->count;
    memset(out->limb, 0, out->count * sizeof out->limb[0]);
    for (unsigned i = 0; i < a->count; i++) {
        uint64_t carry = 0;

        for (unsigned j = 0; j < b->count; j++) {
            carry += (uint64_t)a->limb[i] * b->limb[j] + out->limb[i + j];
            out->limb[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        out->limb[i + b->count] = (uint32_t)carry;
    }
    drop_high_zeros(out);
}

void capi_natural_multiply_add(capi_natural *a, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;

    for (unsigned i = 0; i < a->count; i++) {
        carry += (uint64_t)a->limb[i] * factor;
        a->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) push(a, (uint32_t)carry);
}

void capi_natural_multiply_power10(capi_natural *a, unsigned power)
{
    for (; power >= 9; power -= 9)
        capi_natural_multiply_add(a, NINE_DIGITS, 0);
    if (power) capi_natural_multiply_add(a, small_powers[power], 0);
}

uint32_t capi_natural_divide_small(capi_natural *a, uint32_t divisor)
{
    uint64_t rest = 0;

    for (unsigned i = a->count; i-- > 0;) {
        rest = rest << 32 | a->limb[i];
        a->limb[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    drop_high_zeros(a);
    return (uint32_t)rest;
}

void capi_natural_divide_power10(capi_natural *a, unsigned power)
{
    for (; power >= 9 && a->count; power -= 9)
        capi_natural_divide_small(a, NINE_DIGITS);
    if (power && a->count) capi_natural_divide_small(a, small_powers[power]);
}

void capi_natural_round_power10(capi_natural *a, unsigned power)
{
    if (power == 0) return;
    capi_natural_divide_power10(a, power - 1);
    /* The highest dropped digit alone decides. */
    if (capi_natural_divide_small(a, 10) >= 5) capi_natural_multiply_add(a, 1, 1);
}

/* to = from << bits, bits < 32; writes from->count + 1 limbs and keeps the highest even if it is zero. */
static void shift_left(const capi_natural *from, unsigned bits, capi_natural *to)
{
    uint64_t carry = 0;

    assert(from->count < CAPI_NATURAL_LIMBS);
    for (unsigned i = 0; i < from->count; i++) {
        carry |= (uint64_t)from->limb[i] << bits;
        to->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    to->limb[from->count] = (uint32_t)carry;
    to->count = from->count + 1;
}

static void shift_right(capi_natural *a, unsigned bits)
{
    for (unsigned i = 0; i < a->count; i++) {
        uint64_t pair = a->limb[i] | (uint64_t)(i + 1 < a->count ? a->limb[i + 1] : 0) << 32;
        a->limb[i] = (uint32_t)(pair >> bits);
    }
    drop_high_zeros(a);
}

/* The next limb of the quotient, from the highest limbs: at most one too large. */
static uint64_t guess_limb(const uint32_t *rest, const uint32_t *divisor, unsigned count)
{
    uint64_t high = (uint64_t)rest[count] << 32 | rest[count - 1];
    uint64_t guess = high / divisor[count - 1];
    uint64_t left = high % divisor[count - 1];

    while (guess > UINT32_MAX || guess * divisor[count - 2] > (left << 32 | rest[count - 2])) {
        guess--;
        left += divisor[count - 1];
        if (left > UINT32_MAX) break;
    }
    return guess;
}

/* rest -= guess * divisor; true if that went below zero. */
static bool subtract_product(uint32_t *rest, const uint32_t *divisor, unsigned count, uint64_t guess)
{
    uint64_t carry = 0;
    int64_t borrow = 0;

    for (unsigned i = 0; i < count; i++) {
        carry += guess * divisor[i];
        borrow += (int64_t)rest[i] - (uint32_t)carry;
        rest[i] = (uint32_t)borrow;
        borrow >>= 32;
        carry >>= 32;
    }
    borrow += (int64_t)rest[count] - (int64_t)carry;
    rest[count] = (uint32_t)borrow;
    return borrow < 0;
}

static void add_back(uint32_t *rest, const uint32_t *divisor, unsigned count)
{
    uint64_t carry = 0;

    for (unsigned i = 0; i < count; i++) {
        carry += (uint64_t)rest[i] + divisor[i];
        rest[i] = (uint32_t)carry;
        carry >>= 32;
    }
    rest[count] += (uint32_t)carry;
}

/* Knuth's algorithm D; b has at least two limbs and a is not smaller. */
static void divide_long(capi_natural *a, const capi_natural *b, capi_natural *quotient)
{
    unsigned bits = (unsigned)__builtin_clz(b->limb[b->count - 1]);
    unsigned count = b->count;
    unsigned quotient_count = a->count - count + 1;
    capi_natural divisor, rest;

    shift_left(b, bits, &divisor);
    shift_left(a, bits, &rest);
    quotient->count = quotient_count;
    for (unsigned i = quotient_count; i-- > 0;) {
        uint64_t guess = guess_limb(rest.limb + i, divisor.limb, count);

        if (subtract_product(rest.limb + i, divisor.limb, count, guess)) {
            add_back(rest.limb + i, divisor.limb, count);
            guess--;
        }
        quotient->limb[i] = (uint32_t)guess;
    }
    drop_high_zeros(quotient);
    drop_high_zeros(&rest);
    shift_right(&rest, bits);
    *a = rest;
}

void capi_natural_divide(capi_natural *a, const capi_natural *b, capi_natural *quotient)
{
    assert(b->count > 0);
    if (capi_natural_compare(a, b) < 0) {
        quotient->count = 0;
        return;
    }
    if (b->count == 1) {
        uint32_t rest;

        *quotient = *a;
        rest = capi_natural_divide_small(quotient, b->limb[0]);
        a->count = rest != 0;
        a->limb[0] = rest;
        return;
    }
    divide_long(a, b, quotient);
}
