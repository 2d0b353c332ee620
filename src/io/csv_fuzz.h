/* csv_fuzz.h - for the fuzzer and tests: any bytes as a CSV file, read in all ways, which must agree.
 *
 * The first two bytes choose separator, a column and range size, the rest is the file. What each way reads is written down as text:
 * records and fields one by one, and ranges in order, scanned, and backwards, converted a column at a time. */
#pragma once

#include "io/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CSV_FUZZ_COLUMNS = 10 };

static const struct {
    capi_type type;
    const char *format;
    const char *default_text;
} csv_fuzz_columns[CSV_FUZZ_COLUMNS] = {
    {CAPI_STRING, "", NULL},
    {CAPI_INT, "", "7"},
    {CAPI_INT, "%d", NULL},
    {CAPI_FLOAT, "", NULL},
    {CAPI_FLOAT, "%f", "-1e300"},
    {CAPI_DECIMAL, "", "99999999999999999999"},
    {CAPI_DECIMAL, "%f", NULL},
    {CAPI_BOOL, "", "true"},
    {CAPI_DATETIME, "2006-01-02 15:04:05", "2001-02-03 04:05:06.7"},
    {CAPI_DATETIME, "2006-01-02T15:04:05Z07:00", NULL},
};

#define CSV_FUZZ_CHECK(condition)                                                                                      \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                                  \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

static inline void csv_fuzz_append(capi_buf *to, const capi_value *value)
{
    capi_value_append_text(to, value);
    capi_buf_append_byte(to, '|');
}

/* ---- fields one by one ---- */

typedef struct csv_fuzz_plain {
    const capi_csv_column *columns;
    uint32_t column_count;
    capi_arena arena;
    capi_buf text;
} csv_fuzz_plain;

static inline capi_status csv_fuzz_record(void *context, const capi_str *fields, uint32_t field_count, capi_err *err)
{
    csv_fuzz_plain *plain = context;
    size_t start = plain->text.bytes;

    for (uint32_t i = 0; i < plain->column_count; i++) {
        const capi_csv_column *column = &plain->columns[i];
        capi_str field = fields[column->index];
        capi_value value;
        size_t bad_at;
        bool is_bad;

        CSV_FUZZ_CHECK(column->index < field_count);
        is_bad = capi_csv_convert(column, field, &plain->arena, &value, err) != CAPI_OK;
        if (column->type == CAPI_STRING && field.bytes)
            is_bad |= memchr(field.data, 0, field.bytes) || !capi_str_is_utf8(field, &bad_at);
        if (is_bad) {
            plain->text.bytes = start;
            return CAPI_INVALID;
        }
        csv_fuzz_append(&plain->text, &value);
    }
    capi_buf_append_byte(&plain->text, '\n');
    return CAPI_OK;
}

/* ---- ranges ---- */

static inline capi_status csv_fuzz_chunk(void *context, const capi_chunk *chunk, uint64_t first_record, capi_err *err)
{
    capi_buf *text = context;

    (void)first_record;
    (void)err;
    for (uint32_t row = 0; row < chunk->row_count; row++) {
        for (uint32_t i = 0; i < chunk->column_count; i++) {
            capi_value value = capi_vec_get(&chunk->columns[i], row);

            csv_fuzz_append(text, &value);
        }
        capi_buf_append_byte(text, '\n');
    }
    return CAPI_OK;
}

/* Mode 0: in order; 1: scanned before. */
static inline capi_status csv_fuzz_read(const char *path, const capi_csv_options *options, int mode, capi_buf *text,
                                        capi_err *err)
{
    capi_csv *csv = NULL;
    capi_csv_reader *reader;
    capi_status st = capi_csv_open(path, options, &csv, err);
    uint64_t count;

    CSV_FUZZ_CHECK(st == CAPI_OK);
    reader = capi_csv_reader_new(csv);
    count = capi_csv_range_count(csv);
    for (uint64_t i = 0; mode && i < count; i++)
        CSV_FUZZ_CHECK(capi_csv_scan(csv, reader, count - 1 - i, err) == CAPI_OK);
    if (mode) capi_csv_compose(csv);
    for (uint64_t i = 0; i < count && st == CAPI_OK; i++)
        st = capi_csv_read(csv, reader, i, csv_fuzz_chunk, text, err);
    capi_csv_reader_free(reader);
    capi_csv_close(csv);
    return st;
}

static inline capi_status csv_fuzz_count_fields(void *context, const capi_str *fields, uint32_t field_count,
                                                capi_err *err)
{
    (void)fields;
    (void)err;
    *(uint32_t *)context = field_count;
    return CAPI_STOPPED;
}

/* Reads the file with the columns from..to-1 in all ways. */
static inline void csv_fuzz_compare(const char *path, capi_str file, char separator, uint64_t range_bytes,
                                    unsigned from, unsigned to)
{
    capi_csv_column columns[CSV_FUZZ_COLUMNS];
    csv_fuzz_plain plain = {.columns = columns, .column_count = to - from};
    capi_csv_options options = {
        .separator = separator, .columns = columns, .column_count = to - from, .range_bytes = range_bytes};
    capi_err err;
    uint32_t field_count = 1;
    capi_status st = capi_csv_records(file, separator, csv_fuzz_count_fields, &field_count, &err);

    for (unsigned i = from; i < to; i++)
        columns[i - from] = (capi_csv_column){
            .name = CAPI_STR("c"),
            .index = i % field_count,
            .type = csv_fuzz_columns[i].type,
            .format = capi_str_of(csv_fuzz_columns[i].format),
            .has_default = csv_fuzz_columns[i].default_text != NULL,
            .default_text = capi_str_of(csv_fuzz_columns[i].default_text),
            .is_needed = true,
        };
    st = capi_csv_records(file, separator, csv_fuzz_record, &plain, &err);
    for (int mode = 0; mode < 2; mode++) {
        capi_buf text = {0};

        CSV_FUZZ_CHECK(csv_fuzz_read(path, &options, mode, &text, &err) == st);
        CSV_FUZZ_CHECK(capi_str_equal(capi_buf_str(&text), capi_buf_str(&plain.text)));
        capi_buf_deinit(&text);
    }
    capi_buf_deinit(&plain.text);
    capi_arena_deinit(&plain.arena);
}

static inline void csv_fuzz(const uint8_t *data, size_t bytes)
{
    char path[64];
    capi_str file;
    char separator;
    unsigned column;
    int fd;

    if (bytes < 2) return;
    separator = ",;\t|"[data[0] % 4];
    column = data[0] / 4 % CSV_FUZZ_COLUMNS;
    fd = memfd_create("csv", MFD_CLOEXEC);
    CSV_FUZZ_CHECK(fd >= 0);
    CSV_FUZZ_CHECK(write(fd, data + 2, bytes - 2) == (ssize_t)bytes - 2);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    file = (capi_str){(const char *)data + 2, bytes - 2};
    csv_fuzz_compare(path, file, separator, data[1] ? data[1] : 4096, 0, 1);
    csv_fuzz_compare(path, file, separator, data[1] ? data[1] : 4096, column, column + 1);
    csv_fuzz_compare(path, file, separator, data[1] + UINT64_C(1), 0, CSV_FUZZ_COLUMNS);
    close(fd);
}
