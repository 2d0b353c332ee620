/* python_fuzz.c - what a Python worker may claim about its results, with any memory behind it. */
#include "python/columns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    capi_arena arena = {0};
    capi_err err = {0};
    columns_part part;
    capi_vec out;
    uint32_t bad_row;
    char *memory;

    if (bytes < 8) return 0;
    part = (columns_part){.kind = "qdbsoc?m"[data[0] % 8], .offset = data[1], .bytes = data[2] | data[3] << 8};
    if (data[4] & 1) part.offset = UINT64_MAX - data[1];
    if (data[4] & 2) part.bytes = UINT64_MAX - data[2];
    if (data[4] & 4) part.offset &= ~(uint64_t)7;
    memory = capi_arena_copy(&arena, data + 8, bytes - 8);
    (void)!columns_take(&part, (capi_type)(data[5] % CAPI_TYPE_COUNT), memory, bytes - 8, data[6] + 1u, &arena, &out,
                        &bad_row, &err);
    capi_arena_deinit(&arena);
    return 0;
}
