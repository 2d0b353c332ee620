/* key.h - keys: what matching, uniqueness and order are defined by (script specification, section 7).
 *
 * A key definition is a list of components (column, direction, case, length). Keys are compared as byte strings; ours are
 * binary, and only equality and order mean something:
 *
 *     int, datetime  8 bytes big-endian, sign bit flipped (datetimes: ms as stored)
 *     decimal2       8 bytes of the cents, same way
 *     float          8 bytes, order-preserving image; -0.0 is 0.0; all NaN equal, before all numbers
 *     bool           1 byte
 *     string         NFD, nonspacing marks removed, NFC, padded with blanks to L characters, cut to L bytes, upper-cased
 *                    with ignore_case; then terminated so that no key is a prefix of another
 *     desc           the component's bytes inverted
 */
#pragma once

#include "vec/vec.h"

typedef struct capi_key_part {
    uint32_t column;      /* position in the schema it indexes */
    capi_type type;
    bool descending;
    bool ignore_case;     /* strings */
    uint32_t length;      /* strings: 16 .. 1024 */
} capi_key_part;

typedef struct capi_key_def {
    bool is_unique;
    const capi_key_part *parts;
    uint32_t part_count;
} capi_key_def;

/* Keys of a chunk: for each row its bytes, in `arena`. columns[i] is the vector for parts[i], in stored form. Directions
 * are honoured if `ordered`, else ignored (equality only). */
void capi_keys_build(const capi_key_def *def, const capi_vec *columns, uint32_t row_count, bool ordered,
                     capi_arena *arena, capi_view *keys);
/* True if the key is a single int, datetime, decimal or bool: then capi_keys_build_int64 gives it as one number. */
bool capi_key_is_int64(const capi_key_def *def);
/* hashes[row] of the keys; also for capi_key_is_int64 without building bytes. Same hash for equal keys. */
void capi_keys_hash(const capi_view *keys, uint32_t row_count, uint64_t *hashes);
