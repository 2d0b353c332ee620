/* log_file_test.c - log files that turn over. */
#include "base/file.h"
#include "base/test.h"
#include "cmd/log_file.h"

#include <dirent.h>
#include <stdlib.h>
#include <zlib.h>

static uint32_t count_files(const char *folder, const char *end)
{
    DIR *open = opendir(folder);
    uint32_t count = 0;

    for (struct dirent *entry; (entry = readdir(open));)
        count += capi_str_ends(capi_str_of(entry->d_name), end);
    closedir(open);
    return count;
}

TEST(a_log_file_turns_over_and_keeps_ten_packed_ones)
{
    capi_arena arena = {0};
    char folder[] = "/tmp/capi_log_XXXXXX";
    capi_log_file *file = NULL;
    capi_str path;
    capi_str text;

    CHECK(mkdtemp(folder) != NULL);
    path = capi_str_format(&arena, "%s/daemon.log", folder);
    CHECK(capi_log_file_open(path, 20, &file, NULL) == CAPI_OK);
    for (int i = 0; i < 30; i++)
        capi_log_file_write(file, "0123456789\n", 11);
    capi_log_file_rotate(file);
    capi_log_file_rotate(file); /* nothing to turn over */
    capi_log_file_close(file);
    CHECK(count_files(folder, ".log.gz") == 10);
    CHECK(count_files(folder, "daemon.log") == 1);
    CHECK(count_files(folder, ".tmp") == 0);
    CHECK(capi_file_read_all(path.data, 100, &arena, &text, NULL) == CAPI_OK && text.bytes == 0);
    CHECK(capi_folder_remove(folder, NULL) == CAPI_OK);
    capi_arena_deinit(&arena);
}

TEST(what_was_written_is_in_the_packed_file)
{
    capi_arena arena = {0};
    char folder[] = "/tmp/capi_log_XXXXXX";
    capi_log_file *file = NULL;
    char bytes[64];
    gzFile packed = NULL;
    DIR *open;

    CHECK(mkdtemp(folder) != NULL);
    CHECK(capi_log_file_open(capi_str_format(&arena, "%s/a.b.log", folder), 0, &file, NULL) == CAPI_OK);
    capi_log_file_write(file, "one\n", 4);
    capi_log_file_rotate(file);
    capi_log_file_write(file, "two\n", 4);
    capi_log_file_close(file);
    open = opendir(folder);
    for (struct dirent *entry; (entry = readdir(open));)
        if (capi_str_ends(capi_str_of(entry->d_name), ".gz"))
            packed = gzopen(capi_str_format(&arena, "%s/%s", folder, entry->d_name).data, "rb");
    closedir(open);
    CHECK(packed != NULL);
    CHECK(gzread(packed, bytes, sizeof bytes) == 4 && memcmp(bytes, "one\n", 4) == 0);
    gzclose(packed);
    CHECK(capi_folder_remove(folder, NULL) == CAPI_OK);
    capi_arena_deinit(&arena);
}

TEST(a_log_file_that_cannot_be_opened_is_named)
{
    capi_log_file *file = NULL;
    capi_err err = {0};

    CHECK(capi_log_file_open(CAPI_STR("/nowhere/at/all.log"), 0, &file, &err) != CAPI_OK);
    CHECK(strstr(err.text, "/nowhere/at/all.log") != NULL);
}
