/* parquet_test.c - what is written is read again; damaged files are refused or have the right number of rows; the corpus of the
 * fuzzer. */
#include "parquet/parquet.h"

#include "base/corpus.h"

#include <pthread.h>
#include <stdlib.h>

#include "../../test/fuzz/parquet_fuzz.c"

enum { COLUMN_COUNT = 6, DAMAGE_BYTES = 4096, INPUT_BYTES_MAX = 1 << 20 };

static const capi_parquet_out_column out_columns[COLUMN_COUNT] = {
    {{"s", 1}, CAPI_STRING}, {{"i", 1}, CAPI_INT},      {{"f", 1}, CAPI_FLOAT},
    {{"b", 1}, CAPI_BOOL},   {{"t", 1}, CAPI_DATETIME}, {{"d", 1}, CAPI_DECIMAL},
};

/* Row r of every column, from its number. */
static capi_chunk make_chunk(capi_arena *arena, uint64_t first, uint32_t count)
{
    capi_chunk chunk = {capi_new_array(arena, capi_vec, COLUMN_COUNT), COLUMN_COUNT, count};

    for (uint32_t i = 0; i < COLUMN_COUNT; i++)
        chunk.columns[i] = capi_vec_new(arena, out_columns[i].type, capi_form_stored(out_columns[i].type), count);
    for (uint32_t row = 0; row < count; row++) {
        uint64_t r = first + row;
        capi_str text =
            capi_str_format(arena, "text %llu %s", (unsigned long long)(r % 97), r % 3 ? "" : "and much more");

        chunk.columns[0].views[row] = capi_view_make(text.data, text.bytes);
        chunk.columns[1].int64s[row] = (int64_t)(r * 7919) - 5;
        chunk.columns[2].doubles[row] = (double)r;
        chunk.columns[3].bools[row] = r % 5 == 0;
        chunk.columns[4].int64s[row] = r % 7 ? (int64_t)r * 1000 : CAPI_INSTANT_ZERO_MS;
        chunk.columns[5].int64s[row] = (int64_t)r * 11 - 1000;
    }
    return chunk;
}

static void write_file(const char *path, uint64_t row_count, uint64_t group_rows, const char *codec)
{
    capi_file_writer *file = NULL;
    capi_parquet_writer *writer = NULL;
    capi_arena arena = {0};
    uint64_t bytes = 0;
    uint32_t bad_row;

    CHECK(capi_file_create_beside(path, "test", &file, NULL) == CAPI_OK);
    CHECK(capi_parquet_writer_new(file, out_columns, COLUMN_COUNT, capi_str_of(codec), &writer, NULL) == CAPI_OK);
    for (uint64_t first = 0; first < row_count; first += group_rows) {
        capi_parquet_group *group = capi_parquet_group_new(writer);
        uint64_t end = first + group_rows < row_count ? first + group_rows : row_count;

        for (uint64_t at = first; at < end; at += CAPI_CHUNK_ROWS) {
            uint32_t count = end - at < CAPI_CHUNK_ROWS ? (uint32_t)(end - at) : CAPI_CHUNK_ROWS;
            capi_chunk chunk = make_chunk(&arena, at, count);

            CHECK(capi_parquet_group_add(group, chunk.columns, NULL, count, &bad_row, NULL) == CAPI_OK);
        }
        CHECK(capi_parquet_group_rows(group) == end - first);
        CHECK(capi_parquet_group_finish(group, NULL) == CAPI_OK);
        CHECK(capi_parquet_writer_append(writer, group, NULL) == CAPI_OK);
    }
    CHECK(capi_parquet_writer_finish(writer, &bytes, NULL) == CAPI_OK);
    CHECK(bytes > 0);
    CHECK(capi_file_publish(file, NULL) == CAPI_OK);
    capi_parquet_writer_free(writer);
    capi_arena_deinit(&arena);
}

static capi_status check_chunk(void *context, const capi_chunk *chunk, uint64_t first_row, capi_err *err)
{
    uint64_t *rows = context;
    capi_arena arena = {0};
    capi_chunk expected = make_chunk(&arena, first_row, chunk->row_count);

    (void)err;
    for (uint32_t i = 0; i < COLUMN_COUNT; i++)
        for (uint32_t row = 0; row < chunk->row_count; row++) {
            if (out_columns[i].type == CAPI_STRING)
                CHECK(capi_view_equal(&chunk->columns[i].views[row], &expected.columns[i].views[row]));
            else if (out_columns[i].type == CAPI_BOOL)
                CHECK(chunk->columns[i].bools[row] == expected.columns[i].bools[row]);
            else
                CHECK(chunk->columns[i].int64s[row] == expected.columns[i].int64s[row]);
        }
    *rows += chunk->row_count;
    capi_arena_deinit(&arena);
    return CAPI_OK;
}

static void check_file(const char *path, uint64_t row_count, bool is_shared)
{
    capi_parquet_column columns[COLUMN_COUNT];
    capi_budget budget = {.limit_bytes = UINT64_C(1) << 30};
    capi_parquet *parquet = NULL;
    uint64_t rows = 0;
    uint64_t pieces;

    for (uint32_t i = 0; i < COLUMN_COUNT; i++)
        columns[i] =
            (capi_parquet_column){out_columns[i].name, out_columns[i].type, true, capi_value_zero(out_columns[i].type)};
    CHECK(capi_parquet_open(path, path, columns, COLUMN_COUNT, is_shared, &budget, &parquet, NULL) == CAPI_OK);
    pieces = capi_parquet_piece_count(parquet);
    for (uint64_t piece = pieces; piece-- > 0;)
        CHECK(capi_parquet_read(parquet, piece, check_chunk, &rows, NULL) == CAPI_OK);
    CHECK(rows == row_count && capi_parquet_row_count(parquet) == row_count);
    capi_parquet_close(parquet);
    CHECK(budget.used_bytes == 0);
    CHECK(row_count == 0 || budget.peak_bytes > 0);
}

TEST(rows_are_read_as_they_were_written_with_every_codec_and_cut)
{
    static const char *codecs[] = {"gzip", "snappy", "zstd", "lz4", "uncompressed"};
    const char *path = "/tmp/capi_parquet_test.parquet";

    if (!capi_parquet_is_built()) return;
    for (size_t i = 0; i < 5; i++) {
        write_file(path, 10000, 3000, codecs[i]);
        check_file(path, 10000, false);
    }
    for (uint64_t count = 0; count < 3; count++) {
        write_file(path, count, 1, "snappy");
        check_file(path, count, false);
    }
    write_file(path, CAPI_PARQUET_PIECE_ROWS + 5000, UINT64_MAX / 2, "snappy");
    check_file(path, CAPI_PARQUET_PIECE_ROWS + 5000, true);
    check_file(path, CAPI_PARQUET_PIECE_ROWS + 5000, false);
    unlink(path);
}

/* Columns t and whether it is null, t again, and one that is not needed. */
static void check_cursor(const char *path, uint64_t row_count)
{
    const capi_parquet_column columns[] = {
        {out_columns[4].name, CAPI_DATETIME, true, capi_value_zero(CAPI_DATETIME), false},
        {.name = out_columns[4].name, .is_needed = true, .is_null_flag = true},
        {.name = out_columns[0].name},
        {out_columns[4].name, CAPI_INT, true, {.type = CAPI_INT, .integer = 77}, false},
    };
    capi_budget budget = {.limit_bytes = UINT64_C(1) << 30};
    capi_parquet *parquet = NULL;
    capi_parquet_cursor *cursor;
    const capi_chunk *chunk;
    uint64_t first_row = 0;
    uint64_t row = 0;

    CHECK(capi_parquet_open(path, path, columns, 4, false, &budget, &parquet, NULL) == CAPI_OK);
    cursor = capi_parquet_cursor_new(parquet);
    for (;;) {
        CHECK(capi_parquet_cursor_next(cursor, &chunk, &first_row, NULL) == CAPI_OK);
        if (!chunk) break;
        CHECK(first_row == row && chunk->row_count > 0 && chunk->row_count <= CAPI_CHUNK_ROWS);
        for (uint32_t i = 0; i < chunk->row_count; i++, row++) {
            bool is_null = row % 7 == 0;

            CHECK(chunk->columns[0].int64s[i] == (is_null ? CAPI_INSTANT_ZERO_MS : (int64_t)row * 1000));
            CHECK(chunk->columns[1].bools[i] == is_null);
            CHECK(chunk->columns[3].int64s[i] == (is_null ? 77 : (int64_t)row * 1000));
        }
    }
    CHECK(row == row_count);
    capi_parquet_cursor_free(cursor);
    capi_parquet_close(parquet);
    CHECK(budget.used_bytes == 0);
}

TEST(a_cursor_gives_all_rows_in_order_and_tells_which_values_are_null)
{
    const char *path = "/tmp/capi_parquet_cursor.parquet";

    if (!capi_parquet_is_built()) return;
    for (uint64_t count = 0; count < 3; count++) {
        write_file(path, count, 1, "snappy");
        check_cursor(path, count);
    }
    write_file(path, 20001, 7000, "snappy");
    check_cursor(path, 20001);
    unlink(path);
}

/* ---- row groups side by side ---- */

typedef struct side_reader {
    capi_parquet *parquet;
    uint64_t piece;
    pthread_barrier_t *all_are_inside;
    uint64_t rows;
} side_reader;

/* Waits in its first rows until every other piece has come to its own. */
static capi_status wait_inside(void *context, const capi_chunk *chunk, uint64_t first_row, capi_err *err)
{
    side_reader *reader = context;

    if (reader->rows == 0) pthread_barrier_wait(reader->all_are_inside);
    return check_chunk(&reader->rows, chunk, first_row, err);
}

static void *read_beside(void *context)
{
    side_reader *reader = context;

    CHECK(capi_parquet_read(reader->parquet, reader->piece, wait_inside, reader, NULL) == CAPI_OK);
    return NULL;
}

TEST(many_row_groups_are_read_at_the_same_time)
{
    enum { READERS = 6, GROUP_ROWS = 5000 };
    const char *path = "/tmp/capi_parquet_side.parquet";
    capi_parquet_column columns[COLUMN_COUNT];
    capi_budget budget = {.limit_bytes = UINT64_C(1) << 30};
    capi_parquet *parquet = NULL;
    pthread_barrier_t barrier;
    pthread_t threads[READERS];
    side_reader readers[READERS];

    if (!capi_parquet_is_built()) return;
    write_file(path, READERS * GROUP_ROWS, GROUP_ROWS, "snappy");
    for (uint32_t i = 0; i < COLUMN_COUNT; i++)
        columns[i] = (capi_parquet_column){out_columns[i].name, out_columns[i].type, true,
                                           capi_value_zero(out_columns[i].type), false};
    CHECK(capi_parquet_open(path, path, columns, COLUMN_COUNT, true, &budget, &parquet, NULL) == CAPI_OK);
    CHECK(capi_parquet_piece_count(parquet) == READERS);
    pthread_barrier_init(&barrier, NULL, READERS);
    for (uint64_t i = 0; i < READERS; i++) {
        readers[i] = (side_reader){parquet, i, &barrier, 0};
        CHECK(pthread_create(&threads[i], NULL, read_beside, &readers[i]) == 0);
    }
    for (uint32_t i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(readers[i].rows == GROUP_ROWS);
    }
    pthread_barrier_destroy(&barrier);
    capi_parquet_close(parquet);
    CHECK(budget.used_bytes == 0);
    unlink(path);
}

/* ---- where row groups end ---- */

static capi_parquet_group *filled(capi_parquet_writer *writer, const capi_parquet_group *part, uint32_t first,
                                  uint32_t *count)
{
    capi_parquet_group *group = capi_parquet_group_new(writer);

    *count = capi_parquet_group_fill(group, part, first);
    return group;
}

TEST(a_row_group_ends_with_the_row_that_fills_it)
{
    enum { TEXT_BYTES = 30000, ROWS = 2000 };
    static char text[TEXT_BYTES];
    const char *path = "/tmp/capi_parquet_full.parquet";
    const capi_parquet_out_column column = {CAPI_STR("s"), CAPI_STRING};
    /* Every text with the 4 bytes of its length. */
    const uint32_t full_rows = (CAPI_PARQUET_GROUP_BYTES + TEXT_BYTES + 3) / (TEXT_BYTES + 4);
    capi_parquet_writer *writer = NULL;
    capi_file_writer *file = NULL;
    capi_parquet_group *part;
    capi_parquet_group *group;
    capi_arena arena = {0};
    uint32_t bad_row;
    uint32_t count;
    capi_vec vec;

    if (!capi_parquet_is_built()) return;
    memset(text, 'x', sizeof text);
    vec = capi_vec_new(&arena, CAPI_STRING, CAPI_FORM_VIEW, ROWS);
    for (uint32_t i = 0; i < ROWS; i++)
        vec.views[i] = capi_view_make(text, TEXT_BYTES);
    CHECK(capi_file_create_beside(path, "test", &file, NULL) == CAPI_OK);
    CHECK(capi_parquet_writer_new(file, &column, 1, CAPI_STR("snappy"), &writer, NULL) == CAPI_OK);
    part = capi_parquet_group_new(writer);
    CHECK(capi_parquet_group_add(part, &vec, NULL, ROWS, &bad_row, NULL) == CAPI_OK);
    CHECK(capi_parquet_group_is_full(part));
    group = filled(writer, part, 100, &count);
    CHECK(count == full_rows && capi_parquet_group_is_full(group));
    CHECK(capi_parquet_group_fill(group, part, 0) == 0);
    capi_parquet_group_free(group);
    group = filled(writer, part, ROWS - full_rows + 1, &count);
    CHECK(count == full_rows - 1 && !capi_parquet_group_is_full(group));
    CHECK(capi_parquet_group_fill(group, part, 7) == 1 && capi_parquet_group_is_full(group));
    capi_parquet_group_free(group);
    capi_parquet_group_free(part);
    capi_parquet_writer_free(writer);
    capi_file_writer_close(file);
    capi_arena_deinit(&arena);
    unlink(path);
}

static uint8_t *load(const char *path, size_t *bytes)
{
    FILE *in = fopen(path, "rb");
    uint8_t *data = capi_malloc(INPUT_BYTES_MAX);
    uint8_t *exact;

    CHECK(in != NULL);
    *bytes = fread(data, 1, INPUT_BYTES_MAX, in);
    fclose(in);
    exact = capi_malloc(*bytes);
    memcpy(exact, data, *bytes);
    free(data);
    return exact;
}

TEST(files_damaged_at_any_byte_of_their_ends_give_an_error_or_all_rows)
{
    const char *path = "/tmp/capi_parquet_damage.parquet";
    uint8_t *data;
    size_t bytes;

    if (!capi_parquet_is_built()) return;
    write_file(path, 400, 150, "snappy");
    data = load(path, &bytes);
    unlink(path);
    for (size_t at = 0; at < bytes; at++) {
        static const uint8_t flips[] = {0x01, 0x80, 0xff};

        if (at >= DAMAGE_BYTES && at + DAMAGE_BYTES < bytes) continue;
        for (size_t i = 0; i < sizeof flips; i++) {
            data[at] ^= flips[i];
            LLVMFuzzerTestOneInput(data, bytes);
            data[at] ^= flips[i];
        }
    }
    for (size_t cut = 0; cut < bytes; cut += 1 + bytes / 500)
        LLVMFuzzerTestOneInput(data, cut);
    free(data);
}

TEST(no_input_of_the_corpus_does_harm)
{
    capi_corpus_replay("parquet", LLVMFuzzerTestOneInput);
}
