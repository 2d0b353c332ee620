/* keys.h - keys of chunks for hashing: one number where the key is one number, else bytes (vec/key.h). */
#pragma once

#include "exec/batch.h"

typedef struct exec_keys {
    const capi_key_def *def;
    bool is_int64;    /* the key is one number: no bytes are built */
    capi_arena arena; /* of the chunk */
    capi_vec *parts;  /* key columns in stored form, by part */
    uint64_t *hashes; /* results, by row */
    int64_t *numbers; /* is_int64 */
    capi_view *views; /* else */
} exec_keys;

void exec_keys_init(exec_keys *keys, const capi_key_def *def);
void exec_keys_deinit(exec_keys *keys);

/* The keys of up to CAPI_CHUNK_ROWS rows whose key columns are already set in keys->parts. Results are valid until the next
 * call. capi_hash_int64 is a bijection, so equal hashes of numbers mean equal numbers. */
void exec_keys_build(exec_keys *keys, uint32_t row_count);

/* The keys of selected rows (NULL: all) of computed columns, which are brought to their stored form first. Results are dense:
 * index i belongs to rows[i]. */
CAPI_MUST_USE capi_status exec_keys_build_from(exec_keys *keys, const capi_schema *schema, const capi_vec *columns,
                                               const uint32_t *rows, uint32_t row_count, uint32_t *bad_row,
                                               capi_err *err);

/* Work that does not fit into memory is done in 1 << pass_bits passes, each over the keys whose hashes fall into it. The bits
 * are neither those that partitions of an index use nor those that slots of a set use. */
enum { EXEC_PASS_BITS_MAX = 12 };
static inline bool exec_hash_in_pass(uint64_t hash, uint32_t pass, uint32_t pass_bits)
{
    return (hash >> 32 & ((UINT64_C(1) << pass_bits) - 1)) == pass;
}

/* The key of one row as text, for messages: `order_id "ab", item 3`. */
void exec_key_text(const capi_key_def *def, const capi_schema *schema, const capi_vec *parts, uint32_t row,
                   capi_buf *to);
