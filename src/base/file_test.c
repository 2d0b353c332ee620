#include "base/file.h"

#include "base/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char path_text[8][512];

/* Paths in the test's folder; eight are valid at a time. */
static const char *in_folder(const char *name)
{
    static unsigned next;
    char *path = path_text[next++ % 8];

    snprintf(path, sizeof path_text[0], "%s/%s", capi_test_folder(), name);
    return path;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    CHECK(file);
    fputs(text, file);
    fclose(file);
}

static const char *read_file(const char *path)
{
    static char text[1000];
    FILE *file = fopen(path, "r");
    size_t bytes;

    if (!file) return NULL;
    bytes = fread(text, 1, sizeof text - 1, file);
    text[bytes] = 0;
    fclose(file);
    return text;
}

TEST(a_reader_reads_at_any_place_and_stops_at_the_end)
{
    const char *path = in_folder("x.csv");
    capi_file_reader *file;
    capi_err err = {0};
    char bytes[8] = {0};
    size_t got;

    write_file(path, "0123456789");
    CHECK_OK(capi_file_open(path, &file, &err), err);
    CHECK_INT(capi_file_identity(file)->size_bytes, 10);
    capi_file_will_read(file, 0, 10);
    CHECK_OK(capi_file_read_at(file, 7, bytes, 8, &got, &err), err);
    CHECK_INT(got, 3);
    CHECK_STR(bytes, "789");
    CHECK_OK(capi_file_read_at(file, 100, bytes, 8, &got, &err), err);
    CHECK_INT(got, 0);
    CHECK_OK(capi_file_check_unchanged(file, &err), err);
    capi_file_close(file);
    capi_file_close(NULL);
}

TEST(what_is_no_regular_file_is_refused_with_its_kind)
{
    const char *pipe_path = in_folder("pipe");
    capi_file_reader *file;
    capi_err err = {0};

    CHECK(capi_file_open(in_folder("missing.csv"), &file, &err) == CAPI_NOT_FOUND);
    CHECK_ERR(err, "cannot open \"");
    CHECK_ERR(err, "missing.csv\": No such file or directory");
    CHECK(capi_file_open(capi_test_folder(), &file, &err) == CAPI_INVALID);
    CHECK_ERR(err, "it is a directory, expected a regular file");
    CHECK(capi_file_open("/dev/null", &file, &err) == CAPI_INVALID);
    CHECK_ERR(err, "it is a device");
    CHECK_INT(mkfifo(pipe_path, 0600), 0);
    CHECK(capi_file_open(pipe_path, &file, &err) == CAPI_INVALID);
    CHECK_ERR(err, "it is a pipe");
}

TEST(a_file_that_changes_while_it_is_read_is_noticed)
{
    const char *path = in_folder("x.csv");
    capi_file_reader *file;
    capi_err err = {0};

    write_file(path, "one");
    CHECK_OK(capi_file_open(path, &file, &err), err);
    write_file(path, "three");
    CHECK(capi_file_check_unchanged(file, &err) == CAPI_CONFLICT);
    CHECK_ERR(err, "changed while it was read: 3 bytes, then 5");
    write_file(in_folder("other"), "one");
    CHECK_INT(rename(in_folder("other"), path), 0);
    CHECK(capi_file_check_unchanged(file, &err) == CAPI_CONFLICT);
    CHECK_ERR(err, "was replaced while it was read");
    unlink(path);
    CHECK(capi_file_check_unchanged(file, &err) == CAPI_CONFLICT);
    CHECK_ERR(err, "was removed while it was read");
    capi_file_close(file);
}

TEST(a_whole_file_is_read_up_to_its_maximum)
{
    const char *path = in_folder("x.yaml");
    capi_arena arena = {0};
    capi_err err = {0};
    char url[600];
    capi_str text;

    write_file(path, "nodes:\n");
    snprintf(url, sizeof url, "file://%s", path);
    CHECK_OK(capi_file_read_all(url, 7, &arena, &text, &err), err);
    CHECK_STR(text.data, "nodes:\n");
    CHECK(capi_file_read_all(path, 6, &arena, &text, &err) == CAPI_INVALID);
    CHECK_ERR(err, "has 7 bytes, expected at most 6");
    capi_arena_deinit(&arena);
}

TEST(nothing_stands_under_the_final_name_until_it_is_published)
{
    const char *target = in_folder("out.csv");
    capi_file_writer *file;
    capi_err err = {0};

    write_file(target, "old");
    CHECK_OK(capi_file_create_beside(target, "a1", &file, &err), err);
    CHECK_STR(capi_file_writer_path(file), in_folder(".out.csv.a1.tmp"));
    CHECK_OK(capi_file_write(file, "new", 3, &err), err);
    CHECK_STR(read_file(target), "old");
    CHECK_OK(capi_file_publish(file, &err), err);
    CHECK_STR(read_file(target), "new");
    CHECK(!read_file(in_folder(".out.csv.a1.tmp")));
}

TEST(a_file_that_is_not_published_leaves_nothing_behind)
{
    const char *target = in_folder("out.csv");
    capi_file_writer *file;
    capi_err err = {0};

    CHECK_OK(capi_file_create_beside(target, "a1", &file, &err), err);
    CHECK_OK(capi_file_write(file, "new", 3, &err), err);
    capi_file_writer_close(file);
    CHECK_INT(rmdir(capi_test_folder()), 0);
    capi_file_writer_close(NULL);
}

TEST(a_target_that_cannot_be_is_refused_at_once)
{
    capi_file_writer *file;
    capi_err err = {0};

    CHECK(capi_file_create_beside(in_folder("no/out.csv"), "a", &file, &err) == CAPI_NOT_FOUND);
    CHECK_ERR(err, "/no\" does not exist");
    CHECK(capi_file_create_beside(capi_test_folder(), "a", &file, &err) == CAPI_INVALID);
    CHECK_ERR(err, "it is a directory");
    CHECK(capi_file_create_beside(in_folder(""), "a", &file, &err) == CAPI_INVALID);
    CHECK_ERR(err, "expected the name of a file");
}

TEST(every_operation_that_fails_while_publishing_leaves_the_old_file)
{
    const char *target = in_folder("out.csv");
    uint64_t fail_at = 0;
    capi_status status = CAPI_UNAVAILABLE;
    capi_err err = {0};

    write_file(target, "old");
    while (status != CAPI_OK) {
        capi_file_writer *file;

        CHECK(++fail_at < 10);
        CHECK_OK(capi_file_create_beside(target, "a1", &file, &err), err);
        capi_file_faults("out.csv", fail_at, ENOSPC);
        status = capi_file_write(file, "new", 3, &err);
        if (status == CAPI_OK)
            status = capi_file_publish(file, &err);
        else
            capi_file_writer_close(file);
        capi_file_faults(NULL, 0, 0);
        if (status == CAPI_OK) break;
        CHECK_ERR(err, "No space left on device");
        CHECK_ERR(err, "out.csv");
        CHECK_STR(read_file(target), "old");
        CHECK(!read_file(in_folder(".out.csv.a1.tmp")));
    }
    CHECK_INT(fail_at, 4); /* write, sync and rename were each seen to fail */
    CHECK_STR(read_file(target), "new");
}

TEST(an_interrupted_call_is_repeated)
{
    const char *path = in_folder("x");
    capi_file_reader *file;
    capi_err err = {0};
    char bytes[4] = {0};
    size_t got;

    write_file(path, "abc");
    CHECK_OK(capi_file_open(path, &file, &err), err);
    capi_file_faults("/x", 1, EINTR);
    CHECK_OK(capi_file_read_at(file, 0, bytes, 3, &got, &err), err);
    CHECK_STR(bytes, "abc");
    capi_file_faults("/x", 2, EIO);
    CHECK_OK(capi_file_read_at(file, 0, bytes, 3, &got, &err), err);
    CHECK(capi_file_read_at(file, 0, bytes, 3, &got, &err) == CAPI_UNAVAILABLE);
    CHECK_ERR(err, "could not read \"");
    capi_file_faults(NULL, 0, 0);
    capi_file_close(file);
}

TEST(appending_goes_on_where_the_file_ends)
{
    const char *path = in_folder("log");
    capi_file_writer *file;
    uint64_t size_bytes;
    capi_err err = {0};

    for (uint64_t i = 0; i < 3; i++) {
        CHECK_OK(capi_file_append_to(path, &file, &size_bytes, &err), err);
        CHECK_INT(size_bytes, i * 2);
        CHECK_OK(capi_file_write(file, "ab", 2, &err), err);
        capi_file_start_writing(file, size_bytes, 2);
        CHECK_OK(capi_file_sync_data(file, &err), err);
        CHECK_OK(capi_file_sync(file, &err), err);
        capi_file_faults("/log", 1, EIO);
        CHECK(capi_file_sync_data(file, &err) == CAPI_UNAVAILABLE);
        capi_file_faults(NULL, 0, 0);
        capi_file_writer_close(file);
    }
    CHECK_STR(read_file(path), "ababab");
    CHECK(capi_file_append_to(capi_test_folder(), &file, &size_bytes, &err) == CAPI_INVALID);
    CHECK(capi_file_append_to("/dev/null", &file, &size_bytes, &err) == CAPI_INVALID);
}

TEST(folders_are_made_and_removed_without_following_links)
{
    char outside[600];
    capi_err err = {0};

    snprintf(outside, sizeof outside, "%s", in_folder("outside"));
    CHECK_OK(capi_folder_make(outside, &err), err);
    write_file(in_folder("outside/precious"), "x");
    CHECK_OK(capi_folder_make(in_folder("a/b//c/"), &err), err);
    CHECK_OK(capi_folder_make(in_folder("a/b/c"), &err), err);
    CHECK(capi_folder_exists(in_folder("a/b/c")));
    CHECK_INT(symlink(outside, in_folder("a/b/link")), 0);
    write_file(in_folder("a/file"), "x");
    CHECK(capi_folder_make(in_folder("a/file/b"), &err) == CAPI_INVALID);
    CHECK_ERR(err, "there is a file of that name");
    CHECK_OK(capi_folder_remove(in_folder("a"), &err), err);
    CHECK(!capi_folder_exists(in_folder("a")));
    CHECK_OK(capi_folder_remove(in_folder("a"), &err), err);
    CHECK(read_file(in_folder("outside/precious")));
    CHECK_OK(capi_folder_sync(outside, &err), err);
    CHECK(capi_folder_sync(in_folder("a"), &err) == CAPI_NOT_FOUND);
}

TEST(a_local_disk_is_local_even_for_a_path_that_is_not_there_yet)
{
    capi_err err = {0};

    CHECK_OK(capi_folder_check_local(in_folder("not/yet/there"), &err), err);
    CHECK_OK(capi_folder_check_local("relative", &err), err);
}

TEST(a_network_file_system_is_refused_by_its_name)
{
    static const struct {
        uint32_t magic;
        const char *name;
    } kinds[] = {{0x6969, "NFS"}, {0xFF534D42, "CIFS"}, {0xFE534D42, "SMB2"}, {0x00C36400, "Ceph"}, {0xEF53, NULL}};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        capi_err err = {0};

        capi_folder_pretend("/far/", kinds[i].magic);
        CHECK(capi_folder_check_local(in_folder("far/away"), &err) == (kinds[i].name ? CAPI_INVALID : CAPI_OK));
        if (kinds[i].name) CHECK_ERR(err, kinds[i].name);
        CHECK_OK(capi_folder_check_local(in_folder("near"), &err), err);
    }
    capi_folder_pretend(NULL, 0);
}

TEST(a_target_that_is_a_link_means_the_file_it_points_to)
{
    char real[512];
    char link_path[512];
    char text[16] = "";
    capi_file_writer *file = NULL;
    struct stat info;
    capi_err err = {0};
    FILE *in;

    snprintf(real, sizeof real, "%s/real.csv", capi_test_folder());
    snprintf(link_path, sizeof link_path, "%s/link.csv", capi_test_folder());
    in = fopen(real, "w");
    CHECK(in && fclose(in) == 0);
    CHECK(symlink(real, link_path) == 0);
    CHECK_OK(capi_file_create_beside(link_path, "a1", &file, &err), err);
    CHECK_OK(capi_file_write(file, "new", 3, &err), err);
    CHECK_OK(capi_file_publish(file, &err), err);
    CHECK(lstat(link_path, &info) == 0 && S_ISLNK(info.st_mode));
    in = fopen(real, "r");
    CHECK(in && fread(text, 1, 3, in) == 3 && fclose(in) == 0);
    CHECK_STR(text, "new");
}

TEST(a_name_as_long_as_the_file_system_takes_can_be_written)
{
    char path[1024];
    capi_file_writer *file = NULL;
    capi_err err = {0};
    size_t folder_bytes = (size_t)snprintf(path, sizeof path, "%s/", capi_test_folder());

    memset(path + folder_bytes, 'x', 255);
    path[folder_bytes + 255] = 0;
    CHECK_OK(capi_file_create_beside(path, "0123456789abcdef", &file, &err), err);
    CHECK_OK(capi_file_publish(file, &err), err);
    CHECK(access(path, F_OK) == 0);
}
