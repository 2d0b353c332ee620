/* parquet_fuzz.c - any bytes as a Parquet file: all columns of our types are read with a small memory budget, and the rows must
 * be as many as the file says, or it is an error; the budget is whole again afterwards. A short file is also written in the
 * reverse order; if that goes well, the result is a file of as many rows. */
#include "base/must.h"
#include "parquet/parquet.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { FUZZ_BUDGET_BYTES = 64 << 20, FUZZ_ROWS_MAX = 1 << 20, REVERSE_ROWS_MAX = 512 };

static capi_status count_rows(void *context, const capi_chunk *chunk, uint64_t first_row, capi_err *err)
{
    uint64_t *rows = context;

    CAPI_MUST(first_row == *rows);
    *rows += chunk->row_count;
    for (uint32_t i = 0; i < chunk->column_count; i++)
        for (uint32_t row = 0; row < chunk->row_count; row++) {
            capi_value value = capi_vec_get(&chunk->columns[i], row);

            if (value.type == CAPI_STRING) CAPI_MUST(capi_str_is_utf8(value.string, &(size_t){0}));
        }
    /* A few bytes may stand for any number of rows: those are no fault, but take their time. */
    return *rows > FUZZ_ROWS_MAX ? capi_err_set(err, CAPI_STOPPED, "enough") : CAPI_OK;
}

static void read_all(const char *path, const capi_parquet_column *columns, uint32_t count, bool is_shared,
                     capi_budget *budget)
{
    capi_parquet *parquet = NULL;
    capi_err err = {0};
    uint64_t rows = 0;
    capi_status st = capi_parquet_open(path, "fuzz", columns, count, is_shared, budget, &parquet, &err);

    if (st != CAPI_OK) return;
    for (uint64_t piece = 0; st == CAPI_OK && piece < capi_parquet_piece_count(parquet); piece++)
        st = capi_parquet_read(parquet, piece, count_rows, &rows, &err);
    CAPI_MUST(st != CAPI_OK || rows == capi_parquet_row_count(parquet));
    capi_parquet_close(parquet);
}

static void check_rows(const char *path, uint64_t row_count, capi_budget *budget)
{
    capi_parquet *parquet = NULL;

    CAPI_MUST(capi_parquet_open(path, "reversed", NULL, 0, false, budget, &parquet, NULL) == CAPI_OK);
    CAPI_MUST(capi_parquet_row_count(parquet) == row_count);
    capi_parquet_close(parquet);
}

static void reverse(const char *path, capi_budget *budget)
{
    capi_parquet *parquet = NULL;
    capi_file_writer *file = NULL;
    uint32_t order[REVERSE_ROWS_MAX];
    uint64_t row_count, size;
    char to[64];
    int fd = memfd_create("reversed", MFD_CLOEXEC);

    snprintf(to, sizeof to, "/proc/self/fd/%d", fd);
    CAPI_MUST(fd >= 0 && capi_file_append_to(to, &file, &size, NULL) == CAPI_OK);
    if (capi_parquet_open(path, "fuzz", NULL, 0, false, budget, &parquet, NULL) == CAPI_OK) {
        row_count = capi_parquet_row_count(parquet);
        for (uint64_t i = 0; i < row_count && i < REVERSE_ROWS_MAX; i++)
            order[i] = (uint32_t)(row_count - 1 - i);
        if (row_count <= REVERSE_ROWS_MAX &&
            capi_parquet_reorder(parquet, order, row_count, CAPI_STR("uncompressed"), file, NULL) == CAPI_OK)
            check_rows(to, row_count, budget);
        capi_parquet_close(parquet);
    }
    capi_file_writer_close(file);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    capi_budget budget = {.limit_bytes = FUZZ_BUDGET_BYTES};
    capi_parquet_field *fields = NULL;
    capi_parquet_column *columns;
    capi_arena arena = {0};
    capi_err err = {0};
    uint32_t count = 0, wanted = 0;
    char path[64];
    int fd = memfd_create("parquet", MFD_CLOEXEC);

    CAPI_MUST(fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (capi_parquet_describe(path, "fuzz", &budget, &arena, &fields, &count, &err) == CAPI_OK) {
        columns = capi_new_array(&arena, capi_parquet_column, count + 1);
        for (uint32_t i = 0; i < count; i++)
            if (fields[i].type < (capi_type)CAPI_TYPE_STORED_COUNT)
                columns[wanted++] = (capi_parquet_column){fields[i].name, fields[i].type, .is_needed = true,
                                                          .default_value = capi_value_zero(fields[i].type)};
        read_all(path, columns, wanted, false, &budget);
        read_all(path, columns, wanted, true, &budget);
        reverse(path, &budget);
    }
    CAPI_MUST(budget.used_bytes == 0);
    capi_arena_deinit(&arena);
    close(fd);
    return 0;
}
