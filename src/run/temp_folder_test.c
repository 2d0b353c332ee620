/* temp_folder_test.c - folders of the living stay, folders of the dead go. */
#include "run/temp_folder.h"

#include "base/file.h"
#include "base/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static bool is_there(const char *folder, const char *name)
{
    char path[512];
    struct stat info;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &info) == 0;
}

/* A process that has made its folder, with a file in it, and was killed. */
static void leave_behind(const char *folder, const char *uid)
{
    int ready[2];
    char byte = 0;
    pid_t child;

    CHECK(pipe(ready) == 0);
    child = fork();
    if (child == 0) {
        capi_temp_folder made;
        char path[512];
        FILE *file;

        capi_temp_folder_make(folder, uid, &made);
        snprintf(path, sizeof path, "%s/spilled", made.path);
        file = fopen(path, "w");
        if (!file || fputs("rows", file) < 0 || fclose(file) != 0) _exit(2);
        if (write(ready[1], "x", 1) != 1) _exit(3);
        for (;;)
            pause();
    }
    CHECK(child > 0 && read(ready[0], &byte, 1) == 1);
    kill(child, SIGKILL);
    CHECK(waitpid(child, NULL, 0) == child);
    close(ready[0]);
    close(ready[1]);
}

TEST(folders_of_dead_processes_are_swept_and_those_of_living_ones_stay)
{
    char folder[] = "/tmp/capi_temp_XXXXXX";
    capi_temp_folder ours;
    capi_err err = {0};

    CHECK(mkdtemp(folder) != NULL);
    capi_temp_folder_make(folder, "00000000000000aa", &ours);
    leave_behind(folder, "00000000000000bb");
    CHECK(is_there(folder, "temp-00000000000000bb/spilled"));
    CHECK_INT(capi_temp_folders_sweep(folder), 1);
    CHECK(!is_there(folder, "temp-00000000000000bb"));
    CHECK(is_there(folder, "temp-00000000000000aa"));
    CHECK_INT(capi_temp_folders_sweep(folder), 0);
    capi_temp_folder_remove(&ours);
    CHECK(!is_there(folder, "temp-00000000000000aa"));
    CHECK_OK(capi_folder_remove(folder, &err), err);
}

TEST(one_that_was_never_named_goes_when_it_is_old)
{
    char folder[] = "/tmp/capi_temp_XXXXXX";
    struct timespec old[2] = {{.tv_sec = time(NULL) - 100}, {.tv_sec = time(NULL) - 100}};
    char path[512];
    capi_err err = {0};

    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/.new-temp-00000000000000aa", folder);
    CHECK(mkdir(path, 0700) == 0);
    CHECK_INT(capi_temp_folders_sweep(folder), 0);
    CHECK(utimensat(AT_FDCWD, path, old, 0) == 0);
    CHECK_INT(capi_temp_folders_sweep(folder), 1);
    CHECK_OK(capi_folder_remove(folder, &err), err);
}

TEST(a_folder_that_cannot_be_made_has_a_path_that_no_sweep_takes)
{
    char folder[] = "/tmp/capi_temp_XXXXXX";
    capi_temp_folder ours;
    char path[512];
    capi_err err = {0};

    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/not_there_yet", folder);
    capi_temp_folder_make(path, "00000000000000aa", &ours);
    CHECK(mkdir(path, 0700) == 0 && mkdir(ours.path, 0700) == 0);
    CHECK_INT(capi_temp_folders_sweep(path), 0);
    CHECK(is_there(ours.path, "."));
    capi_temp_folder_remove(&ours);
    CHECK_OK(capi_folder_remove(folder, &err), err);
}
