/* csv_fuzz_test.c - the corpus of the CSV fuzzer, and random files of its kind, with any compiler. */
#include "io/csv_fuzz.h"

#include "io/csv_reference_test.h"

#include <dirent.h>

static void replay_file(const char *path)
{
    capi_arena arena = {0};
    capi_err err = {0};
    capi_str file;
    uint8_t *exact;

    CHECK_OK(capi_file_read_all(path, 1 << 20, &arena, &file, &err), err);
    exact = capi_malloc(file.bytes + 1); /* of just that size: a sanitizer sees the first byte behind it */
    memcpy(exact, file.data, file.bytes);
    csv_fuzz(exact, file.bytes);
    free(exact);
    capi_arena_deinit(&arena);
}

TEST(all_ways_of_reading_agree_on_the_corpus)
{
    DIR *folder = opendir(CAPI_TEST_DATA "/fuzz/corpus/csv");
    struct dirent *entry;
    unsigned count = 0;

    CHECK(folder);
    while ((entry = readdir(folder))) {
        char path[1024];

        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, CAPI_TEST_DATA "/fuzz/corpus/csv/%s", entry->d_name);
        replay_file(path);
        count++;
    }
    closedir(folder);
    CHECK(count > 0);
}

#ifndef FUZZ_VALUE_COUNT
#define FUZZ_VALUE_COUNT 3000
#endif

/* Fields that are almost numbers, datetimes and bools. */
static void append_value(const capi_random *random, capi_buf *to)
{
    static const char *const values[] = {"",
                                         " ",
                                         "0",
                                         "-0",
                                         "+1",
                                         "12",
                                         "-12.5",
                                         "2.675",
                                         "-2.665",
                                         ".5",
                                         "5.",
                                         "1e5",
                                         "1e300",
                                         "true",
                                         "false",
                                         "T",
                                         "1",
                                         "2.5 x",
                                         "12EUR",
                                         "0x1p4",
                                         "1_000",
                                         "nan",
                                         "-inf",
                                         "1.",
                                         "2001-02-03 04:05:06",
                                         "2001-02-03 04:05:06.123456789",
                                         "2001-02-03T04:05:06Z",
                                         "2001-02-03T04:05:06+01:00",
                                         "9999-12-31 23:59:59.999",
                                         "2001-02-29 00:00:00",
                                         "\xc3\xa9",
                                         "\xff",
                                         "\xc2\xa0",
                                         "12345678901234567890",
                                         "-9223372036854775808",
                                         "92233720368547758.07",
                                         "0.0000001"};

    if (nasty_number(random, 3) == 0) {
        capi_buf_append_text(to, values[nasty_number(random, sizeof values / sizeof values[0])]);
        return;
    }
    if (nasty_number(random, 3) == 0) capi_buf_append_byte(to, nasty_number(random, 2) ? '-' : '+');
    for (uint64_t n = nasty_number(random, nasty_number(random, 2) ? 20 : 5); n > 0; n--)
        capi_buf_append_byte(to, (char)('0' + nasty_number(random, 10)));
    if (nasty_number(random, 2)) capi_buf_append_byte(to, '.');
    for (uint64_t n = nasty_number(random, nasty_number(random, 2) ? 17 : 5); n > 0; n--)
        capi_buf_append_byte(to, (char)('0' + nasty_number(random, 10)));
    if (nasty_number(random, 40) == 0) capi_buf_append_byte(to, "x/: e"[nasty_number(random, 5)]);
}

TEST(columns_are_converted_as_single_fields_are)
{
    capi_random_seeded state;
    capi_random random = capi_random_from_seed(&state, 5);
    capi_buf file = {0};

    for (unsigned i = 0; i < FUZZ_VALUE_COUNT; i++) {
        capi_buf_clear(&file);
        capi_buf_append_byte(&file, (char)nasty_number(&random, 256));
        capi_buf_append_byte(&file, nasty_number(&random, 2) ? (char)0xff : ' ');
        for (uint64_t n = 1 + nasty_number(&random, 6); n > 0; n--) {
            append_value(&random, &file);
            capi_buf_append_text(&file, nasty_number(&random, 3) ? "\n" : "\r\n");
        }
        csv_fuzz((const uint8_t *)file.data, file.bytes);
    }
    capi_buf_deinit(&file);
}

TEST(all_ways_of_reading_agree_on_nasty_texts)
{
    capi_random_seeded state;
    capi_random random = capi_random_from_seed(&state, 6);
    capi_buf file = {0}, text = {0};

    for (unsigned i = 0; i < FUZZ_VALUE_COUNT / 10; i++) {
        nasty_text(&random, &text);
        capi_buf_clear(&file);
        capi_buf_append_byte(&file, (char)nasty_number(&random, 256));
        capi_buf_append_byte(&file, (char)nasty_number(&random, 256));
        capi_buf_append_str(&file, capi_buf_str(&text));
        csv_fuzz((const uint8_t *)file.data, file.bytes);
    }
    capi_buf_deinit(&text);
    capi_buf_deinit(&file);
}
