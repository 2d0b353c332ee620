/* corpus.h - for tests: gives every input of a fuzzer's corpus to the fuzzer's function, with any compiler. */
#pragma once

#include "base/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { CAPI_CORPUS_INPUT_BYTES_MAX = 1 << 20 };

/* In a block of its own size, so that sanitizers see the first byte behind it. */
static inline void capi_corpus_replay_file(const char *path, int (*one)(const uint8_t *data, size_t bytes))
{
    FILE *in = fopen(path, "rb");
    uint8_t *read = capi_malloc(CAPI_CORPUS_INPUT_BYTES_MAX);
    uint8_t *exact;
    size_t bytes;

    CHECK(in != NULL);
    bytes = fread(read, 1, CAPI_CORPUS_INPUT_BYTES_MAX, in);
    fclose(in);
    exact = capi_malloc(bytes);
    memcpy(exact, read, bytes);
    one(exact, bytes);
    free(exact);
    free(read);
}

/* All of test/fuzz/corpus/<name>, which must not be empty. */
static inline void capi_corpus_replay(const char *name, int (*one)(const uint8_t *data, size_t bytes))
{
    char path[1024];
    struct dirent *entry;
    uint32_t count = 0;
    DIR *folder;

    snprintf(path, sizeof path, CAPI_TEST_DATA "/fuzz/corpus/%s", name);
    folder = opendir(path);
    CHECK(folder != NULL);
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, CAPI_TEST_DATA "/fuzz/corpus/%s/%s", name, entry->d_name);
        capi_corpus_replay_file(path, one);
        count++;
    }
    closedir(folder);
    CHECK(count > 0);
}
