/* Runs the corpus of the fuzzers through the same functions, with any compiler. */
#include "base/test.h"
#include "vec/format_fuzz.h"

#include <dirent.h>
#include <stdlib.h>

enum { INPUT_BYTES_MAX = 1 << 16 };

static void replay_file(const char *path, void (*fuzz)(const uint8_t *data, size_t bytes))
{
    FILE *in = fopen(path, "rb");
    uint8_t *read, *exact;
    size_t bytes;

    CHECK(in != NULL);
    read = capi_malloc(INPUT_BYTES_MAX);
    bytes = fread(read, 1, INPUT_BYTES_MAX, in);
    fclose(in);
    /* A block of just that size: a sanitizer sees the first byte behind it. */
    exact = capi_malloc(bytes);
    memcpy(exact, read, bytes);
    fuzz(exact, bytes);
    free(exact);
    free(read);
}

static void replay(const char *name, void (*fuzz)(const uint8_t *data, size_t bytes))
{
    char path[1024];
    unsigned count = 0;
    struct dirent *entry;
    DIR *folder;

    snprintf(path, sizeof path, CAPI_TEST_DATA "/fuzz/corpus/%s", name);
    folder = opendir(path);
    CHECK(folder != NULL);
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, CAPI_TEST_DATA "/fuzz/corpus/%s/%s", name, entry->d_name);
        replay_file(path, fuzz);
        count++;
    }
    closedir(folder);
    CHECK(count > 0);
}

TEST(the_corpus_of_the_format_fuzzer_does_no_harm)
{
    replay("format", fuzz_format);
}

TEST(the_corpus_of_the_layout_fuzzer_does_no_harm)
{
    replay("layout", fuzz_layout);
}

TEST(the_corpus_of_the_scan_fuzzer_does_no_harm)
{
    replay("scan", fuzz_scan);
}
