/* fuzz_replay_test.c - runs the corpus of the fuzzer of column files, and random changes of it, with any compiler. */
#include "base/random.h"
#include "base/test.h"

/* The fuzzer's asserts are the test. */
#undef NDEBUG
#include "../../test/fuzz/column_file_fuzz.c"

#include <dirent.h>

enum { CHANGES_PER_FILE = 300 };

static void change(capi_random *random, uint8_t *data, size_t bytes)
{
    static const uint8_t edges[] = {0, 1, 2, 4, 7, 8, 15, 16, 63, 64, 127, 128, 200, 254, 255};
    uint64_t count = 1 + random->next(random->context) % 4;

    while (count--) {
        uint64_t draw = random->next(random->context);
        /* Half of the changes hit the front, where the directory lies. */
        size_t at = draw >> 20 & 1 ? (draw >> 32) % bytes : (draw >> 32) % (bytes < 600 ? bytes : 600);

        data[at] = draw & 1   ? edges[draw >> 8 & 7]
                   : draw & 2 ? data[at] ^ (uint8_t)(1 << (draw >> 8 & 7))
                              : (uint8_t)(draw >> 8);
    }
}

static void replay(const uint8_t *content, size_t bytes, capi_random *random)
{
    uint8_t *exact = malloc(bytes ? bytes : 1); /* so that the sanitizer sees every byte beyond it */

    if (bytes) memcpy(exact, content, bytes);
    LLVMFuzzerTestOneInput(exact, bytes);
    for (int i = 0; bytes > 1 && i < CHANGES_PER_FILE; i++) {
        memcpy(exact, content, bytes);
        change(random, exact + 1, bytes - 1);
        LLVMFuzzerTestOneInput(exact, bytes - (i % 10 == 0 ? (size_t)i % bytes : 0));
    }
    free(exact);
}

TEST(hostile_column_files_give_rows_or_an_error)
{
    DIR *folder = opendir(CAPI_TEST_DATA "/fuzz/corpus/column_file");
    capi_random_seeded seed;
    capi_random random = capi_random_from_seed(&seed, 11);
    uint32_t count = 0;

    CHECK(folder != NULL);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[600];
        capi_arena arena = {0};
        capi_str content;
        capi_err err = {0};

        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, CAPI_TEST_DATA "/fuzz/corpus/column_file/%s", entry->d_name);
        CHECK_OK(capi_file_read_all(path, 1 << 20, &arena, &content, &err), err);
        replay((const uint8_t *)content.data, content.bytes, &random);
        capi_arena_deinit(&arena);
        count++;
    }
    closedir(folder);
    CHECK(capi_folder_remove(fuzz_folder(), NULL) == CAPI_OK);
    CHECK(count >= 8);
}
