/* engine_test.c - data folders that cannot be worked in. */
#include "base/file.h"
#include "base/test.h"
#include "run/run.h"

#include <stdio.h>
#include <unistd.h>

static void path_of(const char *name, char out[512])
{
    snprintf(out, 512, "%s/%s", capi_test_folder(), name);
}

static capi_status open_engine(const char *folder, bool must_exist, capi_err *err)
{
    capi_engine_options options = {.data_folder = capi_str_of(folder), .must_exist = must_exist, .thread_count = 1};
    capi_engine *engine = NULL;
    capi_status st = capi_engine_open(&options, &engine, err);

    capi_engine_close(engine);
    return st;
}

TEST(a_network_file_system_is_refused_before_anything_is_made)
{
    char folder[512];
    capi_err err = {0};

    path_of("mounted_elsewhere", folder);
    capi_folder_pretend("mounted_elsewhere", 0x6969);
    CHECK(open_engine(folder, false, &err) == CAPI_INVALID);
    CHECK_ERR(err, "network file system (NFS)");
    capi_folder_pretend(NULL, 0);
    CHECK(access(folder, F_OK) != 0);
    CHECK_OK(open_engine(folder, false, &err), err);
}

TEST(a_store_that_must_exist_is_not_made)
{
    char folder[512];
    capi_err err = {0};

    path_of("none_yet", folder);
    CHECK(open_engine(folder, true, &err) == CAPI_NOT_FOUND);
    CHECK_ERR(err, "there is no store in");
    CHECK(access(folder, F_OK) != 0);
    CHECK_OK(open_engine(folder, false, &err), err);
    CHECK_OK(open_engine(folder, true, &err), err);
}

static void empty_state(const char *folder)
{
    static const char *const suffixes[] = {"-wal", "-shm"};
    char path[600];

    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/state.db%s", folder, suffixes[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/state.db", folder);
    CHECK(truncate(path, 0) == 0);
}

TEST(an_empty_state_is_made_new_but_not_where_it_would_forget_tables)
{
    char folder[512];
    char table[600];
    capi_err err = {0};

    path_of("emptied", folder);
    CHECK_OK(open_engine(folder, false, &err), err);
    empty_state(folder);
    CHECK_OK(open_engine(folder, false, &err), err);
    snprintf(table, sizeof table, "%s/tables/0123456789abcdef", folder);
    CHECK_OK(capi_folder_make(table, &err), err);
    CHECK_OK(open_engine(folder, false, &err), err);
    empty_state(folder);
    CHECK(open_engine(folder, false, &err) == CAPI_INVALID);
    CHECK_ERR(err, "holds tables");
}
