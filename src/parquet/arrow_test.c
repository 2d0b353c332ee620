/* arrow_test.c - record batches end where they should, and what cannot be written is said. What other programs read is checked
 * by test/e2e/export.py. */
#include "base/test.h"
#include "parquet/arrow.h"
#include "parquet/parquet.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static const capi_field fields[] = {{{"s", 1}, CAPI_STRING}, {{"i", 1}, CAPI_INT}};
static const capi_schema schema = {fields, 2};

#define ARROW_PATH "/tmp/capi_arrow_test.arrow"

/* Writes so many rows, whose texts have so many bytes. */
static capi_status write_rows(uint64_t row_count, size_t text_bytes, capi_err *err)
{
    capi_arena arena = {0};
    capi_vec columns[2] = {capi_vec_new(&arena, CAPI_STRING, CAPI_FORM_VIEW, CAPI_CHUNK_ROWS),
                           capi_vec_new(&arena, CAPI_INT, CAPI_FORM_INT64, CAPI_CHUNK_ROWS)};
    char *text = capi_arena_alloc(&arena, text_bytes);
    capi_file_writer *file = NULL;
    capi_arrow_writer *writer = NULL;
    capi_status st;

    memset(text, 'x', text_bytes);
    for (uint32_t i = 0; i < CAPI_CHUNK_ROWS; i++) {
        columns[0].views[i] = capi_view_make(text, text_bytes);
        columns[1].int64s[i] = i;
    }
    CAPI_TRY_OUT(capi_file_create_beside(ARROW_PATH, "test", &file, err));
    CAPI_TRY_OUT(capi_arrow_writer_new(file, &schema, &writer, err));
    for (uint64_t at = 0; at < row_count; at += CAPI_CHUNK_ROWS)
        CAPI_TRY_OUT(capi_arrow_write(
            writer, columns, row_count - at < CAPI_CHUNK_ROWS ? (uint32_t)(row_count - at) : CAPI_CHUNK_ROWS, err));
    CAPI_TRY_OUT(capi_arrow_writer_finish(writer, err));
out:
    capi_arrow_writer_free(writer);
    capi_file_writer_close(file);
    capi_arena_deinit(&arena);
    return st;
}

TEST(an_arrow_file_that_cannot_be_written_is_an_error_wherever_it_happens)
{
    uint64_t fail_at = 1;
    capi_err err = {0};
    capi_status st;

    if (!capi_parquet_is_built()) return;
    for (;; fail_at++) {
        capi_file_faults("capi_arrow_test", fail_at, ENOSPC);
        st = write_rows(3 * CAPI_ARROW_BATCH_ROWS, 20, &err);
        if (st == CAPI_OK) break;
        CHECK(strstr(err.text, "capi_arrow_test") != NULL);
        CHECK(strstr(err.text, "No space left") != NULL);
        capi_err_clear(&err);
    }
    CHECK(fail_at > 3);
    capi_file_faults("", 0, 0);
}

TEST(long_texts_end_a_record_batch_early)
{
    capi_err err = {0};

    if (!capi_parquet_is_built()) return;
    CHECK_INT(write_rows(CAPI_CHUNK_ROWS * 3, CAPI_ARROW_BATCH_BYTES / CAPI_CHUNK_ROWS, &err), CAPI_OK);
    CHECK_INT(write_rows(0, 0, &err), CAPI_OK);
}

TEST(a_build_without_arrow_says_so)
{
    capi_err err = {0};

    if (capi_parquet_is_built()) return;
    CHECK_INT(write_rows(1, 1, &err), CAPI_INVALID);
    CHECK(strstr(err.text, "not available in this build") != NULL);
}
