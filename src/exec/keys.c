/* keys.c - hashes and comparable images of keys, a chunk at a time. */
#include "exec/keys.h"

#include "base/hash.h"
#include "vec/key.h"

#include <stdlib.h>

void exec_keys_init(exec_keys *keys, const capi_key_def *def)
{
    *keys = (exec_keys){.def = def, .is_int64 = capi_key_is_int64(def)};
    keys->parts = capi_zmalloc((def->part_count + 1) * sizeof *keys->parts);
    keys->hashes = capi_malloc(CAPI_CHUNK_ROWS * sizeof *keys->hashes);
    if (keys->is_int64)
        keys->numbers = capi_malloc(CAPI_CHUNK_ROWS * sizeof *keys->numbers);
    else
        keys->views = capi_malloc(CAPI_CHUNK_ROWS * sizeof *keys->views);
}

void exec_keys_deinit(exec_keys *keys)
{
    free(keys->parts);
    free(keys->hashes);
    free(keys->numbers);
    free(keys->views);
    capi_arena_deinit(&keys->arena);
    *keys = (exec_keys){0};
}

static void keys_numbers(exec_keys *keys, uint32_t row_count)
{
    const capi_vec *part = &keys->parts[0];

    if (part->form == CAPI_FORM_BOOL)
        for (uint32_t row = 0; row < row_count; row++)
            keys->numbers[row] = part->bools[row];
    else
        memcpy(keys->numbers, part->int64s, row_count * sizeof *keys->numbers);
    for (uint32_t row = 0; row < row_count; row++)
        keys->hashes[row] = capi_hash_int64((uint64_t)keys->numbers[row]);
}

static void keys_of_parts(exec_keys *keys, uint32_t row_count)
{
    if (row_count == 0) return;
    if (keys->is_int64) {
        keys_numbers(keys, row_count);
        return;
    }
    capi_keys_build(keys->def, keys->parts, row_count, false, &keys->arena, keys->views);
    capi_keys_hash(keys->views, row_count, keys->hashes);
}

void exec_keys_build(exec_keys *keys, uint32_t row_count)
{
    capi_arena_reset(&keys->arena);
    keys_of_parts(keys, row_count);
}

capi_status exec_keys_build_from(exec_keys *keys, const capi_schema *schema, const capi_vec *columns,
                                 const uint32_t *rows, uint32_t row_count, uint32_t *bad_row, capi_err *err)
{
    capi_arena_reset(&keys->arena);
    for (uint32_t part = 0; part < keys->def->part_count; part++) {
        uint32_t column = keys->def->parts[part].column;
        const capi_vec *in = &columns[column];
        capi_vec gathered = rows ? capi_vec_gather(&keys->arena, in, rows, row_count) : *in;
        uint32_t bad = 0;
        capi_status st = capi_vec_to_stored(&keys->arena, &gathered, row_count, &keys->parts[part], &bad, err);

        if (st != CAPI_OK) {
            *bad_row = rows ? rows[bad] : bad;
            exec_err_prefix(err, "field \"%.*s\"", CAPI_STR_ARG(schema->fields[column].name));
            return st;
        }
    }
    keys_of_parts(keys, row_count);
    return CAPI_OK;
}

void exec_key_text(const capi_key_def *def, const capi_schema *schema, const capi_vec *parts, uint32_t row,
                   capi_buf *to)
{
    for (uint32_t part = 0; part < def->part_count; part++) {
        capi_value value = capi_vec_get(&parts[part], row);

        if (part) capi_buf_append_text(to, ", ");
        capi_buf_append_str(to, schema->fields[def->parts[part].column].name);
        capi_buf_append_text(to, value.type == CAPI_STRING ? " \"" : " ");
        capi_value_append_text(to, &value);
        if (value.type == CAPI_STRING) capi_buf_append_byte(to, '"');
    }
}
