/* extents.c - lists of extents as bytes: a count, then 32 bytes an extent, little-endian. */
#include "base/buf.h"
#include "store/state.h"
#include "store/table.h"

_Static_assert(sizeof(capi_extent) == 32, "an extent is stored as it lies in memory");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "extents are stored as they lie in memory");

void capi_extents_encode(capi_buf *to, const capi_extent *extents, uint32_t count)
{
    capi_buf_append(to, &count, sizeof count);
    capi_buf_append(to, extents, (size_t)count * sizeof *extents);
}

capi_status capi_extents_decode(capi_str bytes, capi_arena *arena, capi_extent **out, uint32_t *count, capi_err *err)
{
    *out = NULL;
    *count = 0;
    if (bytes.bytes == 0) return CAPI_OK;
    if (bytes.bytes < sizeof *count)
        return capi_err_set(err, CAPI_INVALID, "list of extents is damaged: it has %zu bytes, expected at least 4",
                            bytes.bytes);
    memcpy(count, bytes.data, sizeof *count);
    if ((bytes.bytes - sizeof *count) / sizeof **out != *count || (bytes.bytes - sizeof *count) % sizeof **out)
        return capi_err_set(err, CAPI_INVALID, "list of extents is damaged: it has %zu bytes for %u extents",
                            bytes.bytes, *count);
    *out = capi_arena_copy(arena, bytes.data + sizeof *count, (size_t)*count * sizeof **out);
    return CAPI_OK;
}
