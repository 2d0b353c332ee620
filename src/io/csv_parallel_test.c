/* csv_parallel_test.c - one file read by several threads, and written by them. */
#include "io/csv.h"

#include "base/test.h"
#include "base/thread_pool.h"

#include <stdlib.h>

enum { THREADS = 4, ROWS = 60000 };

static capi_csv_column columns[] = {
    {.name = CAPI_STR("i"), .header = CAPI_STR("id"), .type = CAPI_INT, .format = CAPI_STR("%d"), .is_needed = true},
    {.name = CAPI_STR("s"), .header = CAPI_STR("text"), .type = CAPI_STRING, .is_needed = true},
    {.name = CAPI_STR("d"),
     .header = CAPI_STR("at"),
     .type = CAPI_DATETIME,
     .format = CAPI_STR("2006-01-02 15:04"),
     .is_needed = true},
};

typedef struct parallel_job {
    capi_csv *csv;
    capi_csv_reader *readers[THREADS];
    const capi_csv_writer *writer;
    capi_buf *parts; /* per range */
} parallel_job;

static capi_status scan_one(void *context, uint32_t worker, uint64_t range, capi_err *err)
{
    parallel_job *job = context;

    return capi_csv_scan(job->csv, job->readers[worker], range, err);
}

typedef struct part_writer {
    const capi_csv_writer *writer;
    capi_buf *part;
} part_writer;

static capi_status write_chunk(void *context, const capi_chunk *chunk, uint64_t first_record, capi_err *err)
{
    part_writer *part = context;

    (void)first_record;
    (void)err;
    capi_csv_write_rows(part->writer, chunk->columns, NULL, chunk->row_count, part->part);
    return CAPI_OK;
}

static capi_status read_one(void *context, uint32_t worker, uint64_t range, capi_err *err)
{
    parallel_job *job = context;
    part_writer part = {job->writer, &job->parts[range]};

    return capi_csv_read(job->csv, job->readers[worker], range, write_chunk, &part, err);
}

static void append_file(capi_buf *to)
{
    capi_buf_append_text(to, "id,text,at\r\n");
    for (unsigned i = 0; i < ROWS; i++)
        capi_buf_printf(to, "%u,%s,2024-0%u-11 12:%02u\n", i,
                        i % 7 == 0    ? "\"a quoted,\ntext\""
                        : i % 11 == 0 ? "\"\"\"\""
                                      : "plain",
                        1 + i % 9, i % 60);
}

TEST(threads_read_and_write_the_same_file_as_one)
{
    capi_csv_options options = {.separator = ',', .columns = columns, .column_count = 3, .range_bytes = 40000};
    capi_csv_out_column out[3];
    capi_thread_pool *pool = capi_thread_pool_new(THREADS);
    capi_arena arena = {0};
    capi_err err = {0};
    capi_buf file = {0}, got = {0};
    parallel_job job = {0};
    char path[512];
    FILE *stream;
    uint64_t range_count;

    append_file(&file);
    snprintf(path, sizeof path, "%s/data.csv", capi_test_folder());
    stream = fopen(path, "w");
    CHECK(stream && fwrite(file.data, 1, file.bytes, stream) == file.bytes && fclose(stream) == 0);
    for (unsigned i = 0; i < 3; i++)
        out[i] = (capi_csv_out_column){columns[i].header, columns[i].format, columns[i].type};
    out[1].format = CAPI_STR("%s");
    CHECK_OK(capi_csv_writer_new(&arena, CAPI_STR(","), out, 3, &job.writer, &err), err);
    CHECK_OK(capi_csv_open(path, &options, &job.csv, &err), err);
    range_count = capi_csv_range_count(job.csv);
    CHECK(range_count > 10);
    job.parts = calloc(range_count, sizeof *job.parts);
    for (unsigned i = 0; i < THREADS; i++)
        job.readers[i] = capi_csv_reader_new(job.csv);
    CHECK_OK(capi_parallel_for(pool, range_count, scan_one, &job, &err), err);
    capi_csv_compose(job.csv);
    CHECK_OK(capi_parallel_for(pool, range_count, read_one, &job, &err), err);
    capi_csv_write_header(job.writer, &got);
    for (uint64_t i = 0; i < range_count; i++) {
        capi_buf_append_str(&got, capi_buf_str(&job.parts[i]));
        capi_buf_deinit(&job.parts[i]);
    }
    CHECK(capi_str_equal(capi_buf_str(&got), capi_buf_str(&file)));
    for (unsigned i = 0; i < THREADS; i++)
        capi_csv_reader_free(job.readers[i]);
    free(job.parts);
    capi_csv_close(job.csv);
    capi_thread_pool_free(pool);
    capi_buf_deinit(&file);
    capi_buf_deinit(&got);
    capi_arena_deinit(&arena);
}
