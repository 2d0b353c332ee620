/* csv_index_test.c - masks and indexes against the byte-by-byte reference. */
#include "io/csv_index.h"

#include "io/csv_reference_test.h"

#include <stdlib.h>

TEST(all_ways_to_make_masks_agree)
{
    capi_random_seeded state;
    capi_random random = capi_random_from_seed(&state, 1);
    char text[1024 + 1];

    for (unsigned round = 0; round < 200; round++) {
        capi_csv_masks best[16], other[16];

        for (size_t i = 0; i < sizeof text; i++) {
            static const char bytes[] = "\",;\n\r\0\xff\x80\x7f\x01z ";

            text[i] = nasty_number(&random, 2) ? bytes[nasty_number(&random, sizeof bytes - 1)]
                                               : (char)nasty_number(&random, 256);
        }
        capi_csv_mask(text + round % 2, 16, ';', best);
        for (unsigned way = 0; capi_csv_mask_by(way, text + round % 2, 16, ';', other); way++)
            CHECK(memcmp(best, other, sizeof best) == 0);
        for (unsigned i = 0; i < 1024; i++) {
            char byte = text[round % 2 + i];
            uint64_t bit = UINT64_C(1) << i % 64;

            CHECK(((best[i / 64].quote & bit) != 0) == (byte == '"'));
            CHECK(((best[i / 64].separator & bit) != 0) == (byte == ';'));
            CHECK(((best[i / 64].line_end & bit) != 0) == (byte == '\n'));
            CHECK(((best[i / 64].carriage_return & bit) != 0) == (byte == '\r'));
            CHECK(((best[i / 64].odd & bit) != 0) == (byte == 0 || (byte & 0x80) != 0));
        }
        CHECK(capi_csv_has_odd_bytes(text, round) ==
              (capi_csv_has_odd_bytes(text, round / 2) || capi_csv_has_odd_bytes(text + round / 2, round - round / 2)));
    }
}

TEST(line_ends_are_counted)
{
    char text[100];

    for (unsigned bytes = 0; bytes < sizeof text; bytes++) {
        memset(text, '\n' + 1, sizeof text);
        for (unsigned i = 0; i < bytes; i += 3)
            text[i] = '\n';
        CHECK_INT(capi_csv_count_line_ends(text, bytes), (bytes + 2) / 3);
    }
}

/* Checks the rows of the index, which are records from `record` on, and passes them. */
static void check_rows(const capi_csv_index *index, const char *data, const reference *expected, uint32_t *record)
{
    capi_arena arena = {0};

    for (uint32_t row = 0; row < index->row_count; row++, ++*record) {
        CHECK(*record < expected->record_count);
        CHECK_INT(reference_field_count(expected, *record), index->field_count);
        for (uint32_t field = 0; field < index->field_count; field++) {
            size_t end = index->ends[row * index->field_count + field];
            size_t start = field ? index->ends[row * index->field_count + field - 1] + (size_t)1 : index->starts[row];
            capi_str got = capi_csv_field(data, start, end, field + 1 == index->field_count, &arena);

            CHECK(capi_str_equal(got, reference_field(expected, *record, field)));
        }
    }
    capi_arena_deinit(&arena);
}

/* Indexes the text in portions of rows, the text coming in pieces, with ranges that end anywhere. */
static void check_index(capi_str whole, const capi_random *random, reference *expected)
{
    char *data = calloc(1, whole.bytes + CAPI_CSV_PADDING_BYTES);
    capi_csv_text text = {data, nasty_number(random, whole.bytes + 1), false, ','};
    uint32_t row_max = (uint32_t)(nasty_number(random, 2) ? 1 + nasty_number(random, 4) : 2048);
    size_t limit = nasty_number(random, whole.bytes + 1), at = 0;
    capi_arena arena = {0};
    capi_csv_index index;
    uint32_t record = 0;

    reference_parse(expected, whole, ',');
    memcpy(data, whole.data ? whole.data : "", whole.bytes);
    if (nasty_number(random, 2)) text.end = whole.bytes;
    text.is_complete = text.end == whole.bytes;
    capi_csv_index_init(&index, expected->record_count ? reference_field_count(expected, 0) : 1, row_max, &arena);
    for (;;) {
        capi_csv_step step = capi_csv_index_rows(&index, &text, limit, &at);

        if (step == CAPI_CSV_CUT) {
            CHECK(!text.is_complete);
            text.end += 1 + nasty_number(random, whole.bytes - text.end);
            text.is_complete = text.end == whole.bytes;
            index.window.end = 0;
            continue;
        }
        check_rows(&index, data, expected, &record);
        index.row_count = 0;
        if (step == CAPI_CSV_END) break;
        if (index.wrong_field_count) {
            CHECK_INT(reference_field_count(expected, record), index.wrong_field_count);
            break;
        }
        if (at >= limit) {
            if (limit == whole.bytes && at == whole.bytes) break;
            limit += nasty_number(random, whole.bytes - limit + 1);
        }
    }
    if (!index.wrong_field_count) CHECK_INT(record, expected->record_count);
    capi_arena_deinit(&arena);
    free(data);
}

#ifndef INDEX_TEXT_COUNT
#define INDEX_TEXT_COUNT 100000
#endif

TEST(an_index_has_the_records_of_the_reference)
{
    capi_random_seeded state;
    capi_random random = capi_random_from_seed(&state, 2);
    reference *expected = calloc(1, sizeof *expected);
    capi_buf text = {0};

    for (unsigned i = 0; i < INDEX_TEXT_COUNT; i++) {
        nasty_text(&random, &text);
        check_index(capi_buf_str(&text), &random, expected);
    }
    capi_buf_deinit(&text);
    capi_buf_deinit(&expected->bytes);
    free(expected);
}
