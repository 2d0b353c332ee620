/* leftovers.c - an attempt writes an output file under an unnamed name beside its target (capi_file_create_beside); if its
 * process dies, whoever takes the batch over removes it. Should the old process only have slept, its rename fails then, and its
 * claim is gone anyway. */
#include "run/leftovers.h"

#include "base/random.h"
#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

static bool is_attempt(capi_str text)
{
    for (size_t i = 0; i < text.bytes; i++)
        if (!strchr("0123456789abcdef", text.data[i]) || text.data[i] == 0) return false;
    return text.bytes == CAPI_UID_BYTES - 1;
}

static bool is_leftover(capi_str entry, capi_str name)
{
    size_t begin = name.bytes + 2; /* "." name "." attempt ".tmp" */

    if (entry.bytes != begin + CAPI_UID_BYTES - 1 + 4 || entry.data[0] != '.' || entry.data[begin - 1] != '.')
        return false;
    return capi_str_equal(capi_str_slice(entry, 1, begin - 1), name) &&
           is_attempt(capi_str_slice(entry, begin, entry.bytes - 4)) && capi_str_ends(entry, ".tmp");
}

void capi_leftovers_remove(const char *target)
{
    const char *slash = strrchr(target, '/');
    capi_arena arena = {0};
    capi_str folder = slash ? (capi_str){target, (size_t)(slash - target) + 1} : CAPI_STR(".");
    DIR *entries = opendir(capi_str_copy(&arena, folder).data);

    while (entries) {
        const struct dirent *entry = readdir(entries);

        if (!entry) break;
        if (is_leftover(capi_str_of(entry->d_name), capi_str_of(slash ? slash + 1 : target)))
            (void)!unlinkat(dirfd(entries), entry->d_name, 0);
    }
    if (entries) closedir(entries);
    capi_arena_deinit(&arena);
}
