/* fuzz_replay_test.c - runs the corpus of the fuzzer of Python workers, with any compiler. */
#include "base/test.h"

#include <dirent.h>
#include <stdlib.h>

#include "../../test/fuzz/python_fuzz.c"

enum { INPUT_BYTES_MAX = 1 << 16 };

/* In a block of its own size, so that sanitizers see the first byte behind it. */
static void replay_file(const char *path)
{
    FILE *in = fopen(path, "rb");
    uint8_t *read = capi_malloc(INPUT_BYTES_MAX);
    uint8_t *exact;
    size_t bytes;

    CHECK(in != NULL);
    bytes = fread(read, 1, INPUT_BYTES_MAX, in);
    fclose(in);
    exact = capi_malloc(bytes);
    memcpy(exact, read, bytes);
    LLVMFuzzerTestOneInput(exact, bytes);
    free(exact);
    free(read);
}

TEST(no_input_of_the_corpus_of_python_workers_does_harm)
{
    DIR *folder = opendir(CAPI_TEST_DATA "/fuzz/corpus/python");
    struct dirent *entry;
    uint32_t count = 0;

    CHECK(folder != NULL);
    while ((entry = readdir(folder))) {
        char path[1024];

        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, CAPI_TEST_DATA "/fuzz/corpus/python/%s", entry->d_name);
        replay_file(path);
        count++;
    }
    closedir(folder);
    CHECK(count > 0);
}
