/* leftovers_test.c - what is removed beside a target, and what is not. */
#include "run/leftovers.h"

#include "base/test.h"

#include <unistd.h>

static const char *in_folder(const char *name)
{
    static char path[600];

    snprintf(path, sizeof path, "%s/%s", capi_test_folder(), name);
    return path;
}

static void touch(const char *name)
{
    FILE *file = fopen(in_folder(name), "w");

    CHECK(file != NULL);
    CHECK(fclose(file) == 0);
}

TEST(only_unnamed_files_of_the_target_are_removed)
{
    static const char *const gone[] = {".out.csv.0123456789abcdef.tmp", ".out.csv.ffffffffffffffff.tmp"};
    static const char *const kept[] = {"out.csv",
                                       ".out.csv.0123456789abcdeg.tmp",
                                       ".out.csv.0123456789abcde.tmp",
                                       ".out.csv.0123456789abcdef.tmq",
                                       ".out2.csv.0123456789abcdef.tmp",
                                       "xout.csv.0123456789abcdef.tmp",
                                       ".out.csv"};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        touch(gone[i]);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        touch(kept[i]);
    capi_leftovers_remove(in_folder("out.csv"));
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        CHECK(access(in_folder(gone[i]), F_OK) != 0);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        CHECK(access(in_folder(kept[i]), F_OK) == 0);
}

TEST(a_folder_that_is_not_there_has_no_leftovers)
{
    capi_leftovers_remove(in_folder("no/out.csv"));
}
