/* key_fuzz.c - "settings, text NUL text" as keys: equality and order of the keys are those of the normalised, padded texts, and
 * of the decimals if both are some; numbers are read as the C library reads them. */
#include "vec/key.h"
#include "vec/key_text.h"
#include "vec/number.h"

#include "base/must.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

typedef struct pair {
    capi_arena arena;
    capi_key_part part;
    capi_key_def def;
    capi_vec vec;
} pair;

static int padded_order(capi_str a, capi_str b)
{
    for (size_t i = 0; i < a.bytes || i < b.bytes; i++) {
        uint8_t byte_a = i < a.bytes ? (uint8_t)a.data[i] : ' ';
        uint8_t byte_b = i < b.bytes ? (uint8_t)b.data[i] : ' ';

        if (byte_a != byte_b) return byte_a < byte_b ? -1 : 1;
    }
    return 0;
}

static void check_keys(pair *p, int expected)
{
    capi_view ordered[2], equal[2];
    uint64_t hashes[2];

    capi_keys_build(&p->def, &p->vec, 2, true, &p->arena, ordered);
    capi_keys_build(&p->def, &p->vec, 2, false, &p->arena, equal);
    capi_keys_hash(equal, 2, hashes);
    CAPI_MUST(capi_key_compare(&ordered[0], &ordered[1]) == (p->part.descending ? -expected : expected));
    CAPI_MUST(capi_view_equal(&equal[0], &equal[1]) == (expected == 0));
    CAPI_MUST(expected != 0 || hashes[0] == hashes[1]);
}

static void try_strings(pair *p, const capi_str texts[2])
{
    capi_key_scratch scratch = {.arena = &p->arena};
    capi_key_text made[2];
    int expected;

    p->part.type = CAPI_STRING;
    p->vec = capi_vec_new(&p->arena, CAPI_STRING, CAPI_FORM_VIEW, 2);
    for (int i = 0; i < 2; i++) {
        p->vec.views[i] = capi_view_make(texts[i].data, texts[i].bytes);
        made[i] = capi_key_text_make(&scratch, texts[i], p->part.length, p->part.ignore_case);
        made[i].text = capi_str_copy(&p->arena, made[i].text);
        CAPI_MUST(made[i].text.bytes <= p->part.length + made[i].length_delta);
    }
    expected = padded_order(made[0].text, made[1].text);
    /* Of two texts that differ only in the blanks at their ends the shorter comes first, in both directions. */
    if (expected == 0 && made[0].length_delta != made[1].length_delta)
        expected = (made[0].length_delta < made[1].length_delta) == !p->part.descending ? -1 : 1;
    check_keys(p, expected);
}

static void try_decimals(pair *p, const capi_str texts[2])
{
    int64_t cents;
    int64_t parsed;

    p->part.type = CAPI_DECIMAL;
    p->vec = capi_vec_new(&p->arena, CAPI_DECIMAL, CAPI_FORM_DECIMAL, 2);
    for (int i = 0; i < 2; i++) {
        if (!capi_decimal_parse(texts[i], &p->vec.decimals[i])) {
            CAPI_MUST(!capi_cents_parse(texts[i], &parsed));
            return;
        }
        CAPI_MUST(capi_decimal_to_cents(&p->vec.decimals[i], &cents) == capi_cents_parse(texts[i], &parsed));
        CAPI_MUST(!capi_decimal_to_cents(&p->vec.decimals[i], &cents) || cents == parsed);
    }
    check_keys(p, capi_decimal_compare(&p->vec.decimals[0], &p->vec.decimals[1]));
}

static void try_float(capi_arena *arena, capi_str text)
{
    const char *copy = capi_str_copy(arena, text).data;
    double expected;
    double value;

    if (capi_parse_float(text, &value) != CAPI_FLOAT_OK || memchr(text.data, '_', text.bytes)) return;
    expected = strtod(copy, NULL);
    CAPI_MUST(value == expected || value != value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const uint8_t *nul = bytes ? memchr(data + 1, 0, bytes - 1) : NULL;
    capi_str texts[2];
    pair p = {0};

    if (!nul || bytes > 4000) return 0;
    p.part = (capi_key_part){.descending = data[0] & 1, .ignore_case = data[0] & 2, .length = 16u + (data[0] >> 2)};
    p.def = (capi_key_def){.parts = &p.part, .part_count = 1};
    texts[0] = (capi_str){(const char *)data + 1, (size_t)(nul - data) - 1};
    texts[1] = (capi_str){(const char *)nul + 1, bytes - (size_t)(nul - data) - 1};
    try_strings(&p, texts);
    try_decimals(&p, texts);
    try_float(&p.arena, texts[0]);
    capi_arena_deinit(&p.arena);
    return 0;
}
