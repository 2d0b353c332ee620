/* key.h - keys: what matching, uniqueness and order are defined by (script specification, section 7).
 *
 * A key definition is a list of components (column, direction, case, length). Keys are compared as byte strings; ours are
 * binary, and only equality and order mean something. Integers are big-endian with the sign bit flipped:
 *
 *     int        8 bytes
 *     datetime   8 bytes of seconds, 3 bytes of microseconds: the same for every form, zones play no part
 *     decimal2   8 bytes of the cents, rounded down, and 1 byte: 0 below what 64 bits hold, 1 exactly these cents, 2 more,
 *                3 above; for 0, 2 and 3 what is missing follows, in digits (key.c). So any decimal compares exactly
 *     float      8 bytes, order-preserving image; -0.0 is 0.0; all NaN equal, before all numbers
 *     bool       1 byte
 *     string     NFD, nonspacing marks removed, NFC, padded with blanks to L characters, cut to L bytes, upper-cased
 *                with ignore_case; written without the blanks at its end:
 *                for equality: these bytes; 0xFE and 2 bytes when upper-casing changed the length (to how much);
 *                              0xFF if another component follows. Both never occur in text
 *                for order:    bytes above a blank + 4; a blank as 0x20 or 0x24 by what comes after the run of blanks;
 *                              then 0x22, or 0x21 or 0x23 and 2 bytes when upper-casing changed the length
 *     desc       the component's bytes inverted
 *
 * Keys for equality and keys for order are two kinds: never compare one with the other. */
#pragma once

#include "vec/vec.h"

enum { CAPI_KEY_LENGTH_MIN = 16, CAPI_KEY_LENGTH_DEFAULT = 64, CAPI_KEY_LENGTH_MAX = 1024 };

typedef struct capi_key_part {
    uint32_t column; /* position in the schema it indexes */
    capi_type type;
    bool descending;
    bool ignore_case; /* strings */
    uint32_t length;  /* strings: 16 .. 1024 */
} capi_key_part;

typedef struct capi_key_def {
    bool is_unique;
    const capi_key_part *parts;
    uint32_t part_count;
} capi_key_def;

/* Keys of a chunk: for each row its bytes, in `arena`. columns[i] is the vector for parts[i], in any form. Directions
 * are honoured if `ordered`, else ignored (equality only). A key for equality may share the bytes of its column: it lives
 * as long as both. */
void capi_keys_build(const capi_key_def *def, const capi_vec *columns, uint32_t row_count, bool ordered,
                     capi_arena *arena, capi_view *keys);
/* -1, 0, 1 as the bytes compare. */
int capi_key_compare(const capi_view *a, const capi_view *b);
/* True if the key is a single int, datetime, decimal or bool: then capi_keys_build_int64 gives it as one number. */
bool capi_key_is_int64(const capi_key_def *def);
/* Keys as numbers: equal and ordered (if `ordered`, with the direction) as unsigned 64-bit numbers. `column` in its stored
 * form always works; in another form, false if some value has no such number (it has microseconds, or more than 2 digits
 * after the point): then use capi_keys_build. The two kinds of keys are not comparable with each other. */
CAPI_MUST_USE bool capi_keys_build_int64(const capi_key_def *def, const capi_vec *column, uint32_t row_count,
                                         bool ordered, uint64_t *values);
/* hashes[row] of the keys. Same hash for equal keys of the same kind. */
void capi_keys_hash(const capi_view *keys, uint32_t row_count, uint64_t *hashes);
void capi_keys_hash_int64(const uint64_t *values, uint32_t row_count, uint64_t *hashes);
