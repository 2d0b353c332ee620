/* leftovers_test.c - what is removed beside a target, and what is not. */
#include "run/leftovers.h"

#include "base/test.h"

#include <sys/stat.h>
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

static void remove_of(const char *name)
{
    capi_str target = capi_str_of(in_folder(name));

    capi_leftovers_remove(&target, 1);
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
    remove_of("out.csv");
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        CHECK(access(in_folder(gone[i]), F_OK) != 0);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        CHECK(access(in_folder(kept[i]), F_OK) == 0);
}

TEST(a_folder_that_is_not_there_has_no_leftovers)
{
    remove_of("no/out.csv");
    capi_leftovers_remove(NULL, 0);
}

TEST(leftovers_of_many_targets_in_many_folders_are_removed)
{
    enum { TARGETS = 300 };
    capi_arena arena = {0};
    capi_str targets[TARGETS];
    char name[100];

    CHECK(mkdir(in_folder("a"), 0700) == 0 && mkdir(in_folder("b"), 0700) == 0);
    for (int i = 0; i < TARGETS; i++) {
        snprintf(name, sizeof name, "%c/%d.csv", "ab"[i % 2], i * 7919 % TARGETS);
        targets[i] = capi_str_copy(&arena, capi_str_of(in_folder(name)));
        snprintf(name, sizeof name, "%c/.%d.csv.00000000%08x.tmp", "ab"[i % 2], i * 7919 % TARGETS, i);
        touch(name);
    }
    touch("a/.300.csv.0123456789abcdef.tmp");
    touch("b/.csv.0123456789abcdef.tmp");
    capi_leftovers_remove(targets, TARGETS);
    CHECK(access(in_folder("a/.300.csv.0123456789abcdef.tmp"), F_OK) == 0);
    CHECK(access(in_folder("b/.csv.0123456789abcdef.tmp"), F_OK) == 0);
    for (int i = 0; i < TARGETS; i++) {
        snprintf(name, sizeof name, "%c/.%d.csv.00000000%08x.tmp", "ab"[i % 2], i * 7919 % TARGETS, i);
        CHECK(access(in_folder(name), F_OK) != 0);
    }
    capi_arena_deinit(&arena);
}
