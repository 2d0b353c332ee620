/* fuzz_replay_test.c - runs the corpora of the fuzzers of JSON, YAML and parameters, and changes of them, with any compiler. */
#include "base/test.h"

/* The fuzzers' asserts are the test. */
#undef NDEBUG
#define LLVMFuzzerTestOneInput json_fuzz_one
#include "../../test/fuzz/json_fuzz.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput yaml_fuzz_one
#include "../../test/fuzz/yaml_fuzz.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput params_fuzz_one
#include "../../test/fuzz/params_fuzz.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput script_fuzz_one
#define fetch script_fuzz_fetch
#include "../../test/fuzz/script_fuzz.c"
#undef fetch
#undef LLVMFuzzerTestOneInput

#include "base/file.h"

#include <dirent.h>
#include <stdlib.h>

enum { CHANGES = 200 };

/* A small generator of its own, so that a failure can be repeated. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The text with a few bytes changed, inserted or left out; exactly as long as its memory, so that reading on is seen. */
static void run_changed(int (*one)(const uint8_t *, size_t), capi_str text, uint64_t *random)
{
    size_t cut = text.bytes ? next_random(random) % (text.bytes + 1) : 0;
    size_t skip = next_random(random) % 4;
    size_t from = cut + skip < text.bytes ? cut + skip : text.bytes;
    size_t bytes = cut + 1 + (text.bytes - from);
    static const char inserts[] = "{}[]\",:|'*&!>-\n \\0a";
    uint8_t *copy = capi_malloc(bytes);

    memcpy(copy, text.data, cut);
    copy[cut] = (uint8_t)inserts[next_random(random) % (sizeof inserts - 1)];
    memcpy(copy + cut + 1, text.data + from, text.bytes - from);
    one(copy, bytes);
    free(copy);
}

static void replay(const char *corpus, int (*one)(const uint8_t *, size_t))
{
    capi_arena arena = {0};
    const char *folder_name = capi_str_format(&arena, CAPI_TEST_DATA "/fuzz/corpus/%s", corpus).data;
    DIR *folder = opendir(folder_name);
    struct dirent *entry;
    uint64_t random = 0x9e3779b97f4a7c15u;
    uint32_t count = 0;

    CHECK(folder != NULL);
    one((const uint8_t *)"", 0);
    while ((entry = readdir(folder)) != NULL) {
        capi_str text;
        capi_err err = {0};

        if (entry->d_name[0] == '.') continue;
        CHECK_OK(capi_file_read_all(capi_str_format(&arena, "%s/%s", folder_name, entry->d_name).data, 1 << 20, &arena,
                                    &text, &err),
                 err);
        one((const uint8_t *)text.data, text.bytes);
        for (uint32_t i = 0; i < CHANGES; i++)
            run_changed(one, text, &random);
        count++;
    }
    closedir(folder);
    capi_arena_deinit(&arena);
    CHECK(count >= 3);
}

TEST(the_corpus_of_json_and_changes_of_it_are_read_as_jansson_does)
{
    replay("json", json_fuzz_one);
}

TEST(the_corpus_of_yaml_and_changes_of_it_do_no_harm)
{
    replay("yaml", yaml_fuzz_one);
}

TEST(the_corpus_of_parameters_and_changes_of_it_do_no_harm)
{
    replay("params", params_fuzz_one);
}

TEST(the_corpus_of_scripts_and_changes_of_it_do_no_harm)
{
    replay("script", script_fuzz_one);
}
