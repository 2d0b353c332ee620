/* list.c - what is kept of the files that a server tells: see net_listing in protocol.h. */
#include "net/glob.h"
#include "net/protocol.h"

#include <stdlib.h>

/* So many names are looked at for one pattern. */
enum { LOOKED_AT_MAX = 2000000 };

static bool is_literal(const net_listing *listing, capi_str path)
{
    capi_str literal = listing->literal;

    if (!listing->is_folder) return capi_str_equal(path, literal);
    return path.bytes > literal.bytes && memcmp(path.data, literal.data, literal.bytes) == 0 &&
           path.data[literal.bytes] != '.' && !memchr(path.data + literal.bytes, '/', path.bytes - literal.bytes);
}

capi_status net_listing_keep(net_listing *listing, capi_str url, uint64_t bytes, capi_err *err)
{
    if (listing->count == CAPI_NET_LIST_MAX)
        return capi_err_set(err, CAPI_INVALID, "more than %d files match", CAPI_NET_LIST_MAX);
    if (listing->count == listing->capacity) {
        listing->capacity = listing->capacity ? listing->capacity * 2 : 64;
        listing->entries = capi_realloc(listing->entries, listing->capacity * sizeof *listing->entries);
    }
    listing->entries[listing->count++] = (capi_net_entry){url, bytes};
    return CAPI_OK;
}

/* Keys of s3 that end in "/" stand for folders. */
capi_status net_listing_add(net_listing *listing, capi_str url, uint64_t bytes, capi_err *err)
{
    capi_str path = capi_str_slice(url, listing->path_at, url.bytes);

    if (listing->looked_at++ == LOOKED_AT_MAX)
        return capi_err_set(err, CAPI_INVALID,
                            "more than %d files to choose from: expected a longer name before the \"*\"",
                            (int)LOOKED_AT_MAX);
    if (capi_str_ends(path, "/")) return CAPI_OK;
    if (is_literal(listing, path)) {
        if (!listing->has_literal) listing->count = 0;
        listing->has_literal = true;
    } else if (listing->has_literal || !capi_glob_matches(listing->glob, path)) {
        return CAPI_OK;
    }
    return net_listing_keep(listing, url, bytes, err);
}

static int compare_entries(const void *a, const void *b)
{
    return capi_str_compare(((const capi_net_entry *)a)->url, ((const capi_net_entry *)b)->url);
}

void net_listing_sort(net_listing *listing, capi_arena *arena, capi_net_entry **out, uint32_t *count)
{
    if (listing->count) qsort(listing->entries, listing->count, sizeof *listing->entries, compare_entries);
    *out = capi_arena_copy(arena, listing->entries, listing->count * sizeof *listing->entries);
    *count = listing->count;
}
