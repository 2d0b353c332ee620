/* column_test.c - every encoding there and back, at awkward sizes, with and without compression. */
#include "store/table_format.h"
#include "store/table_testing.h"

/* Encodes one column, checks its entry and decodes it to `memory`; returns the entry. */
static column_entry there_and_back(const column_source *source, uint32_t row_count, bool compress, void **memory)
{
    column_habit habit = {0};
    column_scratch scratch = {0};
    capi_buf block = {0};
    capi_buf decode = {0};
    column_entry entry;
    capi_err err = {0};
    char *stored;

    memset(capi_buf_reserve(&block, 128), 0, 128);
    block.bytes = 128;
    column_encode(source, row_count, compress, &habit, &scratch, &block, &entry);
    CHECK_INT(entry.offset, 128);
    CHECK_INT(block.bytes % BLOCK_ALIGN, 0);
    CHECK_OK(column_entry_check(&entry, source->type, row_count, block.bytes, 128, &err), err);
    stored = aligned_alloc(64, block_aligned(entry.stored_bytes + COLUMN_SLACK_BYTES));
    memcpy(stored, block.data + entry.offset, entry.stored_bytes);
    memset(stored + entry.stored_bytes, 0, COLUMN_SLACK_BYTES);
    *memory = aligned_alloc(64, column_decoded_bytes(&entry, row_count) + 64);
    CHECK_OK(column_decode(&entry, row_count, stored, *memory, &decode, &err), err);
    free(stored);
    capi_buf_deinit(&block);
    capi_buf_deinit(&decode);
    column_scratch_deinit(&scratch);
    return entry;
}

static column_entry check_int64s(capi_type type, const int64_t *values, uint32_t count, bool compress)
{
    void *memory;
    column_entry entry =
        there_and_back(&(column_source){.type = (uint8_t)type, .int64s = values}, count, compress, &memory);

    CHECK(memcmp(memory, values, count * sizeof *values) == 0);
    free(memory);
    return entry;
}

TEST(whole_numbers_take_as_few_bytes_as_their_range_needs)
{
    static const uint32_t counts[] = {1, 2, 7, 63, 64, 65, 1000, 65536};
    static const uint64_t ranges[] = {0, 1, 255, 256, 65535, 65536, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX};
    static const uint8_t widths[] = {0, 1, 1, 2, 2, 4, 4, 8, 8};
    static const int64_t bases[] = {0, -100, INT64_MIN, 5000000000};
    int64_t *values = malloc(65536 * sizeof *values);

    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++)
            for (size_t b = 0; b < sizeof bases / sizeof *bases; b++) {
                column_entry entry;
                uint64_t range = ranges[r];
                int64_t base = range > UINT32_MAX ? INT64_MIN : bases[b];

                for (uint32_t i = 0; i < counts[c]; i++)
                    values[i] = (int64_t)((uint64_t)base + (i % 3 == 0 ? range : i % 3 == 1 ? 0 : range / 2));
                entry = check_int64s(CAPI_INT, values, counts[c], false);
                if (counts[c] > 1) CHECK_INT(entry.width, widths[r]);
            }
    free(values);
}

TEST(datetimes_in_whole_days_or_seconds_are_stored_as_such)
{
    int64_t values[500];
    column_entry entry;

    for (int i = 0; i < 500; i++)
        values[i] = (i * 37 % 500 - 200) * INT64_C(86400000);
    entry = check_int64s(CAPI_DATETIME, values, 500, false);
    CHECK_INT(entry.scale, 86400000);
    CHECK_INT(entry.width, 2);
    for (int i = 0; i < 500; i++)
        values[i] = -2177452800000 + i * INT64_C(7777) * 1000;
    entry = check_int64s(CAPI_DATETIME, values, 500, false);
    CHECK_INT(entry.scale, 1000);
    CHECK_INT(entry.width, 4);
    values[77]++;
    entry = check_int64s(CAPI_DATETIME, values, 500, false);
    CHECK_INT(entry.scale, 1);
    /* Numbers that happen to be such multiples are no datetimes. */
    for (int i = 0; i < 500; i++)
        values[i] = i * INT64_C(86400000);
    CHECK_INT(check_int64s(CAPI_INT, values, 500, false).scale, 0);
}

TEST(the_range_of_a_column_is_recorded)
{
    int64_t values[3] = {5, -7, 3};
    double doubles[3] = {0.5, -1.5, 2.5};
    column_entry entry = check_int64s(CAPI_DECIMAL, values, 3, false);
    void *memory;
    int64_t least, most;
    double low, high;

    memcpy(&least, entry.minimum, 8);
    memcpy(&most, entry.maximum, 8);
    CHECK(entry.flags & COLUMN_HAS_RANGE);
    CHECK_INT(least, -7);
    CHECK_INT(most, 5);
    entry = there_and_back(&(column_source){.type = CAPI_FLOAT, .doubles = doubles}, 3, false, &memory);
    free(memory);
    memcpy(&low, entry.minimum, 8);
    memcpy(&high, entry.maximum, 8);
    CHECK(low == -1.5 && high == 2.5);
    doubles[1] = __builtin_nan("");
    entry = there_and_back(&(column_source){.type = CAPI_FLOAT, .doubles = doubles}, 3, false, &memory);
    free(memory);
    CHECK(!(entry.flags & COLUMN_HAS_RANGE));
}

TEST(floats_keep_every_bit)
{
    uint64_t bits[] = {0, UINT64_C(1) << 63, 0x7ff0000000000000, 0x7ff8000000000001, 0xfff8000000000123, 1};
    void *memory;

    there_and_back(&(column_source){.type = CAPI_FLOAT, .doubles = (const double *)bits}, 6, true, &memory);
    CHECK(memcmp(memory, bits, sizeof bits) == 0);
    free(memory);
    bits[0] = bits[1] = bits[2] = 0xfff8000000000123;
    there_and_back(&(column_source){.type = CAPI_FLOAT, .doubles = (const double *)bits}, 3, false, &memory);
    CHECK(memcmp(memory, bits, 24) == 0);
    free(memory);
}

static column_entry check_doubles(const double *values, uint32_t count)
{
    void *memory;
    column_entry entry = there_and_back(&(column_source){.type = CAPI_FLOAT, .doubles = values}, count, false, &memory);

    CHECK(memcmp(memory, values, count * sizeof *values) == 0);
    free(memory);
    return entry;
}

TEST(floats_that_are_short_decimals_are_stored_as_whole_numbers)
{
    static const uint32_t scales[] = {1, 10, 100, 1000, 10000};
    double values[1000];

    for (int s = 0; s < 5; s++) {
        column_entry entry;

        for (int i = 0; i < 1000; i++)
            values[i] = (double)(i * 37 % 1009 - 300) / scales[s];
        entry = check_doubles(values, 1000);
        CHECK_INT(entry.encoding, COLUMN_DECIMALS);
        CHECK_INT(entry.scale, scales[s]);
        CHECK_INT(entry.width, 2);
        values[900] = -0.0;
        CHECK_INT(check_doubles(values, 1000).encoding, COLUMN_PLAIN);
        values[900] = __builtin_nan("");
        CHECK_INT(check_doubles(values, 1000).encoding, COLUMN_PLAIN);
        values[900] = -__builtin_inf();
        CHECK_INT(check_doubles(values, 1000).encoding, COLUMN_PLAIN);
        values[900] = 1e300;
        CHECK_INT(check_doubles(values, 1000).encoding, COLUMN_PLAIN);
        values[900] = 0.1 + 0.2;
        CHECK_INT(check_doubles(values, 1000).encoding, COLUMN_PLAIN);
    }
    for (int i = 0; i < 1000; i++)
        values[i] = 0x1p49 + i;
    CHECK_INT(check_doubles(values, 1000).width, 2);
    for (int i = 0; i < 1000; i++)
        values[i] = 0x1p52 + i;
    CHECK_INT(check_doubles(values, 1000).encoding, COLUMN_PLAIN);
}

TEST(bools_are_bits)
{
    uint8_t bools[1000];

    for (uint32_t count = 1; count <= 1000; count += count < 20 ? 1 : 163) {
        void *memory;
        column_entry entry;

        for (uint32_t i = 0; i < count; i++)
            bools[i] = i * i % 7 < 3;
        entry = there_and_back(&(column_source){.type = CAPI_BOOL, .bools = bools}, count, false, &memory);
        CHECK(memcmp(memory, bools, count) == 0);
        CHECK(entry.first_raw == (count + 7) / 8 || entry.width == 0);
        free(memory);
        memset(bools, 1, sizeof bools);
        entry = there_and_back(&(column_source){.type = CAPI_BOOL, .bools = bools}, count, false, &memory);
        CHECK_INT(entry.width, 0);
        CHECK(memcmp(memory, bools, count) == 0);
        free(memory);
    }
}

typedef struct texts {
    uint32_t lengths[65536];
    uint32_t starts[65536];
    capi_buf bytes;
    uint32_t count;
} texts;

static void texts_add(texts *to, const char *text, size_t bytes)
{
    to->lengths[to->count] = (uint32_t)bytes;
    to->starts[to->count++] = (uint32_t)to->bytes.bytes;
    capi_buf_append(&to->bytes, text, bytes);
}

static column_entry check_texts(texts *from, bool compress)
{
    void *memory;
    const capi_view *views;
    column_entry entry;

    memset(capi_buf_reserve(&from->bytes, COLUMN_SLACK_BYTES), 0xee, COLUMN_SLACK_BYTES);
    entry = there_and_back(
        &(column_source){
            .type = CAPI_STRING, .lengths = from->lengths, .bytes = from->bytes.data, .byte_count = from->bytes.bytes},
        from->count, compress, &memory);
    views = memory;
    for (uint32_t row = 0; row < from->count; row++) {
        capi_view expected = capi_view_make(from->bytes.data + from->starts[row], from->lengths[row]);

        if (!capi_view_equal(&views[row], &expected)) capi_test_fail(__FILE__, __LINE__, "row %u differs", row);
        if (expected.bytes <= CAPI_VIEW_INLINE_MAX) CHECK(memcmp(&views[row], &expected, sizeof expected) == 0);
    }
    free(memory);
    capi_buf_deinit(&from->bytes);
    return entry;
}

TEST(strings_of_all_lengths_come_back)
{
    texts *list = calloc(1, sizeof *list);
    char text[70000];

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 131 + (i >> 7));
    for (int compress = 0; compress < 2; compress++) {
        for (int round = 0; round < 4; round++) {
            static const size_t length_max[] = {12, 40, 300, 66000};

            list->count = 0;
            for (size_t i = 0; i < 300; i++)
                texts_add(list, text + i * 13, (i * 7919 + 3) % (length_max[round] + 1));
            CHECK_INT(check_texts(list, compress).encoding, COLUMN_STRINGS);
        }
        list->count = 0;
        texts_add(list, "x", 1);
        check_texts(list, compress);
        list->count = 0;
        texts_add(list, "", 0);
        texts_add(list, "", 0);
        CHECK_INT(check_texts(list, compress).width, 0);
        list->count = 0;
        for (int i = 0; i < 100; i++)
            texts_add(list, text + i * 32, 32); /* keys of one length need no lengths */
        CHECK_INT(check_texts(list, compress).width, 0);
    }
    free(list);
}

TEST(strings_that_repeat_are_stored_as_codes)
{
    texts *list = calloc(1, sizeof *list);
    char text[40];

    for (int compress = 0; compress < 2; compress++)
        for (int distinct = 1; distinct <= 5000; distinct = distinct * 4 + 1) {
            column_entry entry;

            list->count = 0;
            for (int i = 0; i < 65536; i++)
                texts_add(list, text, (size_t)snprintf(text, sizeof text, "city of number %d", i / 3 % distinct));
            entry = check_texts(list, compress);
            CHECK_INT(entry.encoding, COLUMN_DICTIONARY);
            CHECK_INT(entry.width, distinct == 1 ? 0 : distinct <= 256 ? 1 : 2);
            CHECK_INT(entry.count, distinct);
        }
    free(list);
}

TEST(strings_of_few_different_bytes_take_half_a_byte_each)
{
    static const char *const digits[] = {"0123456789abcdef", "0123456789-: ", "x"};
    texts *list = calloc(1, sizeof *list);
    char text[64];

    for (int compress = 0; compress < 2; compress++)
        for (int d = 0; d < 3; d++)
            for (size_t length_max = 3; length_max < 40; length_max += 9) {
                column_entry entry;

                list->count = 0;
                for (uint64_t i = 0; i < 3001; i++) {
                    size_t bytes = i * 2654435761u % (length_max + 1);

                    for (size_t k = 0; k < bytes; k++)
                        text[k] = digits[d][(i * 40503 + k * k * 977 + (i >> 5)) % strlen(digits[d])];
                    texts_add(list, text, bytes);
                }
                entry = check_texts(list, compress);
                if (entry.encoding == COLUMN_STRINGS) {
                    CHECK(entry.flags & COLUMN_SECOND_NIBBLES);
                    CHECK_INT(entry.second_stored, 16 + (entry.second_raw + 1) / 2);
                }
            }
    /* A seventeenth byte anywhere undoes it. */
    list->count = 0;
    for (int i = 0; i < 3000; i++)
        texts_add(list, text, (size_t)snprintf(text, sizeof text, i == 2999 ? "zebra" : "%x", i * 7919));
    CHECK(!(check_texts(list, false).flags & COLUMN_SECOND_NIBBLES));
    free(list);
}

TEST(compression_is_kept_only_where_it_saves_an_eighth)
{
    int64_t values[4096];
    column_entry entry;

    for (int i = 0; i < 4096; i++)
        values[i] = i % 2 * 100000;
    entry = check_int64s(CAPI_INT, values, 4096, true);
    CHECK(entry.flags & COLUMN_FIRST_LZ4);
    CHECK(entry.first_stored < 1000);
    for (int i = 0; i < 4096; i++)
        values[i] = (int64_t)((uint64_t)i * UINT64_C(0x9e3779b97f4a7c15));
    entry = check_int64s(CAPI_INT, values, 4096, true);
    CHECK(!(entry.flags & COLUMN_FIRST_LZ4));
}

TEST(entries_that_cannot_be_are_refused)
{
    int64_t values[100] = {0};
    void *memory;
    column_entry good;
    column_entry bad;

    for (int i = 0; i < 100; i++)
        values[i] = i;
    good = there_and_back(&(column_source){.type = CAPI_INT, .int64s = values}, 100, false, &memory);
    free(memory);
    CHECK(column_entry_check(&good, CAPI_INT, 100, 4096, 128, NULL) == CAPI_OK);
    CHECK(column_entry_check(&good, CAPI_DECIMAL, 100, 4096, 128, NULL) == CAPI_INVALID);
    CHECK(column_entry_check(&good, CAPI_INT, 101, 4096, 128, NULL) == CAPI_INVALID);
    CHECK(column_entry_check(&good, CAPI_INT, 100, 192, 128, NULL) == CAPI_INVALID);
    bad = good;
    bad.offset = UINT64_MAX - 63;
    CHECK(column_entry_check(&bad, CAPI_INT, 100, 4096, 128, NULL) == CAPI_INVALID);
    bad = good;
    bad.stored_bytes = UINT64_MAX;
    CHECK(column_entry_check(&bad, CAPI_INT, 100, 4096, 128, NULL) == CAPI_INVALID);
    bad = good;
    bad.width = 3;
    CHECK(column_entry_check(&bad, CAPI_INT, 100, 4096, 128, NULL) == CAPI_INVALID);
    bad = good;
    bad.flags |= COLUMN_FIRST_LZ4;
    CHECK(column_entry_check(&bad, CAPI_INT, 100, 4096, 128, NULL) == CAPI_INVALID);
}
