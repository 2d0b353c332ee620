/* Runs the corpus of the fuzzers through the same functions, with any compiler. */
#include "base/test.h"
#include "vec/format_fuzz.h"

/* Two fuzzers that are a file of their own; their helpers may have the same names. */
#define LLVMFuzzerTestOneInput fuzz_text_one
#include "../../test/fuzz/text_fuzz.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_key_one
#define pair key_pair
#include "../../test/fuzz/key_fuzz.c"
#undef pair
#undef LLVMFuzzerTestOneInput

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

static void fuzz_text(const uint8_t *data, size_t bytes)
{
    (void)fuzz_text_one(data, bytes);
}

static void fuzz_key(const uint8_t *data, size_t bytes)
{
    (void)fuzz_key_one(data, bytes);
}

TEST(the_corpus_of_the_text_fuzzer_does_no_harm)
{
    replay("text", fuzz_text);
}

TEST(the_corpus_of_the_key_fuzzer_does_no_harm)
{
    replay("key", fuzz_key);
}
