/* csv_read_test.c - whole files: options, headers, ranges, values and messages. */
#include "io/csv.h"

#include "io/csv_reference_test.h"

#include <stdlib.h>
#include <unistd.h>

/* ---- helpers ---- */

static const char *write_file(capi_str text)
{
    static char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/data.csv", capi_test_folder());
    unlink(path); /* a new file: some file systems write a truncated one to the disk at once */
    file = fopen(path, "w");
    CHECK(file);
    CHECK(fwrite(text.data ? text.data : "", 1, text.bytes, file) == text.bytes);
    CHECK(fclose(file) == 0);
    return path;
}

/* What was read, as one line of text per row: "record: value|value". */
typedef struct rows_text {
    capi_buf text;
    uint64_t row_count;
    const bool *is_needed; /* per column; NULL: all */
} rows_text;

static capi_status append_rows(void *context, const capi_chunk *chunk, uint64_t first_record, capi_err *err)
{
    rows_text *all = context;

    (void)err;
    for (uint32_t row = 0; row < chunk->row_count; row++) {
        capi_buf_printf(&all->text, "%llu: ", (unsigned long long)first_record + row);
        for (uint32_t i = 0; i < chunk->column_count; i++) {
            capi_value value;

            if (i) capi_buf_append_byte(&all->text, '|');
            if (all->is_needed && !all->is_needed[i]) continue;
            value = capi_vec_get(&chunk->columns[i], row);
            capi_value_append_text(&all->text, &value);
        }
        capi_buf_append_byte(&all->text, '\n');
    }
    all->row_count += chunk->row_count;
    return CAPI_OK;
}

typedef enum read_mode { IN_ORDER, SCANNED, SCANNED_BACKWARDS } read_mode;

/* Reads all ranges; rows up to the first failure in file order, whose words are in *err. */
static capi_status read_all(capi_csv *csv, read_mode mode, rows_text *all, capi_err *err)
{
    capi_csv_reader *reader = capi_csv_reader_new(csv);
    uint64_t count = capi_csv_range_count(csv);
    rows_text *parts = calloc(count + 1, sizeof *parts);
    capi_status st = CAPI_OK;

    for (uint64_t i = 0; mode != IN_ORDER && i < count; i++)
        CHECK_OK(capi_csv_scan(csv, reader, mode == SCANNED ? i : count - 1 - i, err), *err);
    if (mode != IN_ORDER) capi_csv_compose(csv);
    for (uint64_t i = 0; i < count && (mode == SCANNED_BACKWARDS || st == CAPI_OK); i++) {
        uint64_t range = mode == SCANNED_BACKWARDS ? count - 1 - i : i;
        capi_err range_err = {0};
        capi_status range_st;

        parts[range].is_needed = all->is_needed;
        range_st = capi_csv_read(csv, reader, range, append_rows, &parts[range], &range_err);
        if (range_st == CAPI_OK) continue;
        st = range_st;
        *err = range_err;
        for (uint64_t later = range + 1; later < count; later++) /* what came before counts alone */
            parts[later].text.bytes = parts[later].row_count = 0;
    }
    for (uint64_t i = 0; i < count; i++) {
        capi_buf_append_str(&all->text, capi_buf_str(&parts[i].text));
        all->row_count += parts[i].row_count;
        capi_buf_deinit(&parts[i].text);
    }
    free(parts);
    capi_csv_reader_free(reader);
    return st;
}

/* Opens and reads a text; the rows in *all, a message in *err. */
static capi_status read_text(const char *text, const capi_csv_options *options, rows_text *all, capi_err *err)
{
    capi_csv *csv;
    capi_status st = capi_csv_open(write_file(capi_str_of(text)), options, &csv, err);

    if (st == CAPI_OK) st = read_all(csv, IN_ORDER, all, err);
    if (st == CAPI_OK) CHECK_OK(capi_csv_check_unchanged(csv, err), *err);
    capi_csv_close(csv);
    return st;
}

static void check_rows(const char *text, const capi_csv_options *options, const char *expected)
{
    rows_text all = {0};
    capi_err err = {0};

    CHECK_OK(read_text(text, options, &all, &err), err);
    capi_buf_append_byte(&all.text, 0);
    CHECK_STR(all.text.data, expected);
    capi_buf_deinit(&all.text);
}

/* `expected` is the end of the message; in front of it stand kind and name of the file. */
static void check_error(const char *text, const capi_csv_options *options, const char *rows, const char *expected)
{
    rows_text all = {0};
    capi_err err = {0};

    CHECK(read_text(text, options, &all, &err) == CAPI_INVALID);
    CHECK(err.status == CAPI_INVALID);
    CHECK_ERR(err, expected);
    capi_buf_append_byte(&all.text, 0);
    CHECK_STR(all.text.data, rows);
    capi_buf_deinit(&all.text);
}

/* ---- against the reference ---- */

static void check_against(capi_str text, const reference *expected, uint64_t range_bytes, read_mode mode)
{
    uint32_t field_count = expected->record_count ? reference_field_count(expected, 0) : 1;
    capi_csv_column columns[2] = {
        {.name = CAPI_STR("first"), .type = CAPI_STRING, .is_needed = true},
        {.name = CAPI_STR("last"), .index = field_count - 1, .type = CAPI_STRING, .is_needed = true},
    };
    capi_csv_options options = {.separator = ',', .columns = columns, .column_count = 2, .range_bytes = range_bytes};
    rows_text got = {0}, wanted = {0};
    capi_err err = {0};
    capi_csv *csv;
    capi_status st;
    uint32_t record;

    for (record = 0; record < expected->record_count; record++) {
        if (reference_field_count(expected, record) != field_count) break;
        capi_buf_printf(&wanted.text, "%u: ", record);
        capi_buf_append_str(&wanted.text, reference_field(expected, record, 0));
        capi_buf_append_byte(&wanted.text, '|');
        capi_buf_append_str(&wanted.text, reference_field(expected, record, field_count - 1));
        capi_buf_append_byte(&wanted.text, '\n');
    }
    CHECK_OK(capi_csv_open(write_file(text), &options, &csv, &err), err);
    st = read_all(csv, mode, &got, &err);
    if (!capi_str_equal(capi_buf_str(&got.text), capi_buf_str(&wanted.text))) {
        capi_buf shown = {0};

        capi_buf_printf(&shown, "ranges of %llu bytes, mode %d, text [%.*s]\nread     [%.*s]\nexpected [%.*s]",
                        (unsigned long long)range_bytes, (int)mode, CAPI_STR_ARG(text),
                        CAPI_STR_ARG(capi_buf_str(&got.text)), CAPI_STR_ARG(capi_buf_str(&wanted.text)));
        capi_test_fail(__FILE__, __LINE__, "%.*s", CAPI_STR_ARG(capi_buf_str(&shown)));
    }
    CHECK((st == CAPI_OK) == (record == expected->record_count));
    if (st != CAPI_OK) {
        char place[100], why[100];

        if (expected->line[record] == record)
            snprintf(place, sizeof place, "line %u, byte", record + 1);
        else
            snprintf(place, sizeof place, "line %u (record %u), byte", expected->line[record] + 1, record);
        snprintf(why, sizeof why, "the record has %u field", reference_field_count(expected, record));
        CHECK_ERR(err, place);
        CHECK_ERR(err, why);
    }
    capi_csv_close(csv);
    capi_buf_deinit(&got.text);
    capi_buf_deinit(&wanted.text);
}

static const uint64_t tiny_ranges[] = {1, 2, 3, 7, 64, 200};

TEST(nasty_texts_split_anywhere_have_the_records_of_the_reference)
{
    static const char *const texts[] = {
        "a,b\n\"x\ny\",\"\"\"\"\n\r\n\"\r\n\",c\r\n\"lazy\" one\",d\n,\n",
        "\"a\"\r\n\"b\"\n\"\"\n\"c\n\n\nd\"\n\ne\r",
        "\"never closed,\na,b\nc,d\n\"\"\n",
        "\r\r\n\r\r,\n\"\r\",\"\r\n\"\n\"a\"\r,\"b\"\r\n\"x\r\"",
        "a\",\"b\"\nc\",d\"e\n\"f\"\"\",\"\"\"\n",
        ",\n,\n\n\n,\n\"\"\",\n\"\"\n\"\"\",\n\"\n",
        "\n\n\r\n\n",
        "",
        "\r",
        "\"",
        "\"\"",
        "a",
        ",",
        "\n",
    };
    reference *expected = calloc(1, sizeof *expected);

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        capi_str text = capi_str_of(texts[i]);

        reference_parse(expected, text, ',');
        for (uint64_t bytes = 1; bytes <= text.bytes + 1; bytes++)
            for (unsigned mode = IN_ORDER; mode <= SCANNED_BACKWARDS; mode++)
                check_against(text, expected, bytes, (read_mode)mode);
    }
    capi_buf_deinit(&expected->bytes);
    free(expected);
}

#ifndef READ_TEXT_COUNT
#define READ_TEXT_COUNT 2000
#endif

TEST(random_texts_in_tiny_ranges_have_the_records_of_the_reference)
{
    capi_random_seeded state;
    capi_random random = capi_random_from_seed(&state, 3);
    reference *expected = calloc(1, sizeof *expected);
    capi_buf text = {0};

    for (unsigned i = 0; i < READ_TEXT_COUNT; i++) {
        uint64_t range_bytes = tiny_ranges[nasty_number(&random, sizeof tiny_ranges / sizeof tiny_ranges[0])];

        nasty_text(&random, &text);
        reference_parse(expected, capi_buf_str(&text), ',');
        for (unsigned mode = IN_ORDER; mode <= SCANNED_BACKWARDS; mode++)
            check_against(capi_buf_str(&text), expected, range_bytes, (read_mode)mode);
    }
    capi_buf_deinit(&text);
    capi_buf_deinit(&expected->bytes);
    free(expected);
}

/* Longer than a portion of the scan, a batch of masks and what is read ahead. */
TEST(long_texts_have_the_same_records_in_any_ranges)
{
    static const uint64_t ranges[] = {100000, 65536, 1 << 20, 0};
    capi_csv_column columns[2] = {
        {.name = CAPI_STR("a"), .header = CAPI_STR("a"), .type = CAPI_STRING, .is_needed = true},
        {.name = CAPI_STR("b"), .header = CAPI_STR("b"), .type = CAPI_STRING, .is_needed = true},
    };
    capi_csv_options options = {.separator = ',', .columns = columns, .column_count = 2};
    capi_random_seeded state;
    capi_random random = capi_random_from_seed(&state, 4);
    capi_buf text = {0};
    rows_text first = {0};

    capi_buf_append_text(&text, "b,c,a\n");
    while (text.bytes < 1000000) {
        if (nasty_number(&random, 200) == 0) {
            capi_buf_append_byte(&text, '"');
            for (uint64_t n = nasty_number(&random, 3000); n > 0; n--)
                capi_buf_append_text(&text, nasty_number(&random, 30) ? "lo\"ng,\n" : "\"\"");
            capi_buf_append_text(&text, "\",,x\r\n");
        } else {
            capi_buf_append_text(&text, nasty_number(&random, 5) ? "plain,\"row\",3\n" : "5\" pipe,\"a\",\"b\"\n\n");
        }
    }
    for (unsigned i = 0; i < 12; i++) {
        rows_text all = {0};
        capi_err err = {0};
        capi_csv *csv;

        options.range_bytes = ranges[i / 3];
        CHECK_OK(capi_csv_open(write_file(capi_buf_str(&text)), &options, &csv, &err), err);
        CHECK_OK(read_all(csv, (read_mode)(i % 3), i ? &all : &first, &err), err);
        if (i) {
            CHECK(all.row_count > 1000);
            CHECK(capi_str_equal(capi_buf_str(&first.text), capi_buf_str(&all.text)));
        }
        capi_csv_close(csv);
        capi_buf_deinit(&all.text);
    }
    capi_buf_deinit(&first.text);
    capi_buf_deinit(&text);
}

/* ---- headers and data lines ---- */

static capi_csv_column example_columns[] = {
    {.name = CAPI_STR("col_id"),
     .header = CAPI_STR("id"),
     .type = CAPI_INT,
     .format = CAPI_STR("%d"),
     .is_needed = true},
    {.name = CAPI_STR("col_when"),
     .header = CAPI_STR("when"),
     .type = CAPI_DATETIME,
     .format = CAPI_STR("2006-01-02 15:04:05"),
     .is_needed = true},
    {.name = CAPI_STR("col_price"),
     .header = CAPI_STR("price"),
     .type = CAPI_DECIMAL,
     .format = CAPI_STR("%f"),
     .is_needed = true},
    {.name = CAPI_STR("col_ok"), .header = CAPI_STR("ok"), .type = CAPI_BOOL, .is_needed = true},
    {.name = CAPI_STR("col_note"),
     .header = CAPI_STR("note"),
     .type = CAPI_STRING,
     .has_default = true,
     .default_text = CAPI_STR("none"),
     .is_needed = true},
};
static const capi_csv_options example_options = {
    .separator = ',', .first_data_line = 1, .columns = example_columns, .column_count = 5};

TEST(the_example_of_the_specification_is_read)
{
    check_rows(
        "id,when,price,ok,note\r\n7,2024-03-01 10:20:30.5,2.675,T,\"a,\"\"b\"\"\"\r\n8,,1234.5,,plain \"q\"\r\n\r\n"
        "9,2024-03-02 00:00:00,12 EUR,0,\n",
        &example_options,
        "1: 7|2024-03-01 10:20:30.5 +0000 UTC|2.68|true|a,\"b\"\n"
        "2: 8|1901-01-01 00:00:00 +0000 UTC|1234.5|false|plain \"q\"\n"
        "3: 9|2024-03-02 00:00:00 +0000 UTC|12|false|none\n");
}

static capi_csv_column by_name[] = {
    {.name = CAPI_STR("x"), .header = CAPI_STR("b"), .type = CAPI_STRING, .is_needed = true},
    {.name = CAPI_STR("y"), .header = CAPI_STR("a"), .type = CAPI_INT, .is_needed = true},
};

TEST(columns_are_found_by_header_and_the_last_of_the_same_name_counts)
{
    capi_csv_options options = {.separator = ';', .header_line = 1, .columns = by_name, .column_count = 2};

    check_rows("a preamble\nb;a;b\n1;2;3\n4;5;6\n", &options, "2: 3|2\n3: 6|5\n");
    options.first_data_line = 3;
    check_rows("a preamble\nb;a;b\n1;2;3\n4;5;6\n", &options, "3: 6|5\n");
}

TEST(a_file_without_records_has_no_rows)
{
    capi_csv_options options = {.separator = ',', .header_line = 3, .columns = by_name, .column_count = 2};

    check_rows("", &options, "");
    check_rows("\n\r\n\r", &options, "");
    options.header_line = 0;
    check_rows("a,b", &options, "");
}

TEST(a_missing_header_is_told_with_those_there_are)
{
    capi_csv_options options = {.separator = ',', .columns = by_name, .column_count = 2};

    check_error("B,a,c\n1,2,3\n", &options, "",
                "line 1 (record 0): 1 of 2 columns not found in the header: \"b\"; it has \"B\", \"a\", \"c\"");
    options.header_line = 2;
    check_error("a,b\n1,2\n", &options, "", "has 2 records, but the header is expected in record 2");
}

TEST(columns_by_index_begin_at_the_first_data_line)
{
    capi_csv_column columns[] = {
        {.name = CAPI_STR("x"), .index = 2, .type = CAPI_STRING, .is_needed = true},
        {.name = CAPI_STR("unused"), .index = 1, .type = CAPI_INT},
        {.name = CAPI_STR("y"), .index = 0, .type = CAPI_INT, .is_needed = true},
    };
    capi_csv_options options = {.separator = ',', .first_data_line = 1, .columns = columns, .column_count = 3};
    static const bool is_needed[] = {true, false, true};
    rows_text all = {.is_needed = is_needed};
    capi_err err = {0};

    CHECK_OK(read_text("only one\n1,no int,c\n2,b,d\n", &options, &all, &err), err);
    capi_buf_append_byte(&all.text, 0);
    CHECK_STR(all.text.data, "1: c||1\n2: d||2\n");
    capi_buf_deinit(&all.text);
    check_error("x\n1,2\n", &options, "", "line 2 (record 1): column \"x\" has index 2, but the record has 2 fields");
}

/* ---- wrong data ---- */

TEST(another_number_of_fields_is_told_after_the_rows_before_it)
{
    check_error("b,a\nx,1\n\ny,2\nz\n", &(capi_csv_options){.separator = ',', .columns = by_name, .column_count = 2},
                "1: x|1\n2: y|2\n", "line 5 (record 3), byte 13: the record has 1 field, expected 2 as in the header");
}

TEST(a_wrong_field_is_told_with_its_place)
{
    check_error("id,when,price,ok,note\n1,,2,t,\n2,2024-03-01 10:20:30,1\"2,a,x\n", &example_options,
                "1: 1|1901-01-01 00:00:00 +0000 UTC|2|true|none\n",
                "line 3, byte 56, column \"ok\" (col_ok): \"a\" is not a bool: expected 1, t");
    check_error("id,when,price,ok,note\n1,,\"x2\n,a\",t,\n", &example_options, "",
                "line 2, byte 25, column \"price\" (col_price): \"x2\\n,a\" is not a decimal2 with format \"%f\"");
}

TEST(of_several_wrong_fields_the_first_in_the_file_is_told)
{
    check_error("b,a\nx,1\ny,2\n\xff,zz\nx,yy\n",
                &(capi_csv_options){.separator = ',', .columns = by_name, .column_count = 2}, "1: x|1\n2: y|2\n",
                "line 4, byte 12, column \"b\" (x): \"\\xff\" is not UTF-8 text: bad byte 0xff at byte 0");
    check_error("b,a\nx,1\ny,zz\n\xff,1\n",
                &(capi_csv_options){.separator = ',', .columns = by_name, .column_count = 2}, "1: x|1\n",
                "line 3, byte 10, column \"a\" (y): \"zz\" is not an int");
}

TEST(a_string_cannot_hold_nul)
{
    capi_csv_options options = {.separator = ',', .columns = by_name, .column_count = 1};
    rows_text all = {0};
    capi_err err = {0};
    capi_csv *csv;

    CHECK_OK(capi_csv_open(write_file((capi_str){"b\nok\nx\0y\n", 9}), &options, &csv, &err), err);
    CHECK(read_all(csv, IN_ORDER, &all, &err) == CAPI_INVALID);
    CHECK_ERR(err, "\"x\\x00y\" has a NUL at byte 1, which a string cannot hold");
    CHECK_INT(all.row_count, 1);
    capi_csv_close(csv);
    capi_buf_deinit(&all.text);
}

TEST(a_record_without_end_is_refused_before_memory_is_full)
{
    capi_csv_options options = {.separator = ',', .columns = by_name, .column_count = 1, .range_bytes = 1 << 20};
    rows_text all = {0};
    capi_err err = {0};
    const char *path = write_file(CAPI_STR("b\nx\n\"never"));
    FILE *file = fopen(path, "r+");
    capi_csv *csv;

    CHECK(file);
    CHECK(fseek(file, 500l << 20, SEEK_SET) == 0); /* a hole, read as NUL */
    CHECK(fputc('\n', file) == '\n');
    CHECK(fclose(file) == 0);
    CHECK_OK(capi_csv_open(path, &options, &csv, &err), err);
    CHECK(read_all(csv, IN_ORDER, &all, &err) == CAPI_INVALID);
    CHECK_ERR(err, "the record that begins at byte 4 has more than 256 MiB; is a quote never closed?");
    CHECK_ERR(err, "while reading file");
    capi_csv_close(csv);
    capi_buf_deinit(&all.text);
}

TEST(too_many_fields_are_refused)
{
    capi_csv_options options = {.separator = ',', .columns = by_name, .column_count = 1};
    capi_buf text = {0};
    capi_err err = {0};
    capi_csv *csv;

    memset(capi_buf_reserve(&text, 2 << 20), ',', 2 << 20);
    text.bytes = 2 << 20;
    CHECK(capi_csv_open(write_file(capi_buf_str(&text)), &options, &csv, &err) == CAPI_INVALID);
    CHECK_ERR(err, "the record has 2097153 fields, expected at most 1048576");
    capi_buf_deinit(&text);
}

TEST(wide_records_are_read_in_small_chunks)
{
    enum { FIELDS = 5000, ROWS = 2100 };
    capi_csv_column last = {.name = CAPI_STR("last"), .index = FIELDS - 1, .type = CAPI_INT, .is_needed = true};
    capi_csv_options options = {.separator = ',', .columns = &last, .column_count = 1};
    rows_text all = {0};
    capi_buf text = {0};
    capi_err err = {0};
    capi_csv *csv;

    for (unsigned row = 0; row < ROWS; row++) {
        memset(capi_buf_reserve(&text, FIELDS), ',', FIELDS);
        text.bytes += FIELDS - 1;
        capi_buf_append_text(&text, "7\n");
    }
    CHECK_OK(capi_csv_open(write_file(capi_buf_str(&text)), &options, &csv, &err), err);
    CHECK_OK(read_all(csv, SCANNED, &all, &err), err);
    CHECK_INT(all.row_count, ROWS);
    CHECK(capi_str_ends(capi_buf_str(&all.text), "2099: 7\n"));
    capi_csv_close(csv);
    capi_buf_deinit(&all.text);
    capi_buf_deinit(&text);
}

TEST(a_file_that_changes_is_noticed)
{
    capi_csv_options options = {.separator = ',', .columns = by_name, .column_count = 1};
    const char *path = write_file(CAPI_STR("b\nx\n"));
    FILE *file;
    capi_err err = {0};
    capi_csv *csv;

    CHECK_OK(capi_csv_open(path, &options, &csv, &err), err);
    file = fopen(path, "a");
    CHECK(file);
    CHECK(fputs("y\n", file) >= 0);
    CHECK(fclose(file) == 0);
    CHECK(capi_csv_check_unchanged(csv, &err) == CAPI_CONFLICT);
    capi_csv_close(csv);
}

/* ---- options ---- */

static void check_column(capi_csv_column column, const char *expected)
{
    capi_csv_options options = {.separator = ',', .columns = &column, .column_count = 1};
    capi_err err = {0};
    capi_status st;

    column.name = CAPI_STR("c");
    st = capi_csv_options_check(&options, &err);
    if (!expected) {
        CHECK_OK(st, err);
        return;
    }
    CHECK(st == CAPI_INVALID);
    CHECK_ERR(err, expected);
}

TEST(options_are_checked_before_there_is_data)
{
    check_column((capi_csv_column){.type = CAPI_INT, .format = CAPI_STR("value(%d)")}, NULL);
    check_column((capi_csv_column){.type = CAPI_INT, .format = CAPI_STR("%f")}, "column \"c\": ");
    check_column((capi_csv_column){.type = CAPI_STRING, .format = CAPI_STR("%s")},
                 "column \"c\": a string column takes no format, but it has \"%s\"");
    check_column((capi_csv_column){.type = CAPI_DATETIME}, "column \"c\": a datetime column needs a layout");
    check_column((capi_csv_column){.type = CAPI_INT, .has_default = true, .default_text = CAPI_STR("1.5")},
                 "column \"c\": default \"1.5\" is not an int: expected decimal digits");
    check_column((capi_csv_column){.type = CAPI_INT, .has_default = true, .default_text = CAPI_STR(" ")}, NULL);
    check_column(
        (capi_csv_column){
            .type = CAPI_DATETIME, .format = CAPI_STR("2006"), .has_default = true, .default_text = CAPI_STR("20x4")},
        "column \"c\": default \"20x4\" is not a datetime with layout \"2006\"");
}

TEST(separators_and_ways_to_find_columns_are_checked)
{
    capi_csv_column mixed[] = {{.name = CAPI_STR("a"), .header = CAPI_STR("h")}, {.name = CAPI_STR("b"), .index = 1}};
    capi_csv_options options = {.separator = '"', .columns = mixed, .column_count = 2};
    capi_err err = {0};

    CHECK(capi_csv_options_check(&options, &err) == CAPI_INVALID);
    CHECK_ERR(err, "a CSV separator cannot be a quote or a line end");
    options.separator = (char)0xc3;
    CHECK(capi_csv_options_check(&options, &err) == CAPI_INVALID);
    CHECK_ERR(err, "a CSV separator is one ASCII character, not byte 0xc3");
    options.separator = '\t';
    CHECK(capi_csv_options_check(&options, &err) == CAPI_INVALID);
    CHECK_ERR(err, "column \"a\" is found by header, but column \"b\" by index");
    options.column_count = 1;
    options.header_line = -1;
    CHECK(capi_csv_options_check(&options, &err) == CAPI_INVALID);
    CHECK_ERR(err, "columns are found by header, but the header line is -1");
}
