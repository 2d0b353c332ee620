/* leftovers.c - an attempt writes an output file under an unnamed name beside its target (capi_file_create_beside); if its
 * process dies, whoever takes the batch over removes it, and so does the next run that writes the target. Should the old process
 * only have slept, its rename fails then. */
#include "run/leftovers.h"

#include "base/random.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { SUFFIX_BYTES = 1 + CAPI_UID_BYTES - 1 + 4 }; /* ".0123456789abcdef.tmp" */

static capi_str folder_of(capi_str path)
{
    size_t bytes = path.bytes;

    while (bytes && path.data[bytes - 1] != '/')
        bytes--;
    return (capi_str){path.data, bytes};
}

static capi_str name_of(capi_str path)
{
    return capi_str_slice(path, folder_of(path).bytes, path.bytes);
}

/* By folder, then by name. */
static int compare(const void *a, const void *b)
{
    const capi_str *left = a;
    const capi_str *right = b;
    int by_folder = capi_str_compare(folder_of(*left), folder_of(*right));

    return by_folder ? by_folder : capi_str_compare(name_of(*left), name_of(*right));
}

static bool is_attempt(capi_str text)
{
    for (size_t i = 0; i < text.bytes; i++)
        if (!strchr("0123456789abcdef", text.data[i]) || text.data[i] == 0) return false;
    return true;
}

/* The name of the target of such a file; empty if it is none. */
static capi_str target_name(capi_str entry)
{
    size_t end = entry.bytes - SUFFIX_BYTES;

    if (entry.bytes <= 1 + SUFFIX_BYTES || entry.data[0] != '.' || entry.data[end] != '.' ||
        !capi_str_ends(entry, ".tmp") || !is_attempt(capi_str_slice(entry, end + 1, entry.bytes - 4)))
        return (capi_str){0};
    return capi_str_slice(entry, 1, end);
}

static bool has_name(const capi_str *targets, uint32_t count, capi_str name)
{
    uint32_t low = 0;
    uint32_t high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = capi_str_compare(name_of(targets[middle]), name);

        if (order == 0) return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* All targets lie in one folder. */
static void clear_folder(const capi_str *targets, uint32_t count)
{
    capi_arena arena = {0};
    capi_str folder = folder_of(targets[0]);
    DIR *entries = opendir(folder.bytes ? capi_str_copy(&arena, folder).data : ".");
    const struct dirent *entry;

    while (entries && (entry = readdir(entries))) {
        capi_str name = target_name(capi_str_of(entry->d_name));

        if (name.bytes && has_name(targets, count, name)) (void)!unlinkat(dirfd(entries), entry->d_name, 0);
    }
    if (entries) closedir(entries);
    capi_arena_deinit(&arena);
}

void capi_leftovers_remove(capi_str *targets, uint32_t count)
{
    uint32_t end;

    if (count) qsort(targets, count, sizeof *targets, compare);
    for (uint32_t begin = 0; begin < count; begin = end) {
        for (end = begin + 1; end < count && capi_str_equal(folder_of(targets[end]), folder_of(targets[begin])); end++)
            ;
        clear_folder(targets + begin, end - begin);
    }
}
