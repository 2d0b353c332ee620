/* csv_read.c - ranges of an open file, read as chunks.
 *
 * A record belongs to the range in which it begins; reading it may run past the end of the range. So reading a range needs
 * only the place where its first record begins: composing the scans tells it, or the range before, when one thread reads
 * them in order. */
#include "io/csv_read.h"

#include <assert.h>
#include <stdlib.h>

enum {
    READ_STEP_BYTES = 512 << 10, /* of a range in memory at a time: what fits the processor's cache */
};

/* ---- readers ---- */

capi_csv_reader *capi_csv_reader_new(const capi_csv *csv)
{
    capi_csv_reader *reader = capi_zmalloc(sizeof *reader);
    uint32_t column_count = csv->options.column_count;

    reader->csv = csv;
    reader->piece.file = csv->file;
    capi_csv_index_init(&reader->index, csv->field_count ? csv->field_count : 1, CAPI_CHUNK_ROWS, &reader->arena);
    reader->texts = capi_new_array(&reader->arena, const char *, CAPI_CHUNK_ROWS);
    reader->text_bytes = capi_new_array(&reader->arena, uint32_t, CAPI_CHUNK_ROWS);
    reader->column_data = capi_new_array(&reader->arena, void *, column_count);
    reader->vecs = capi_new_array(&reader->arena, capi_vec, column_count);
    for (uint32_t i = 0; i < column_count; i++) {
        capi_type type = csv->options.columns[i].type;

        if (!csv->options.columns[i].is_needed) continue;
        reader->column_data[i] = capi_vec_new(&reader->arena, type, capi_form_stored(type), CAPI_CHUNK_ROWS).data;
    }
    return reader;
}

void capi_csv_reader_free(capi_csv_reader *reader)
{
    if (!reader) return;
    capi_csv_piece_deinit(&reader->piece);
    capi_arena_deinit(&reader->chunk_arena);
    capi_arena_deinit(&reader->arena);
    free(reader);
}

static capi_csv_text reader_text(const capi_csv_reader *reader)
{
    return (capi_csv_text){reader->piece.data, reader->piece.bytes, capi_csv_piece_is_last(&reader->piece),
                           reader->csv->options.separator};
}

/* ---- messages ---- */

void capi_csv_append_place(const capi_csv *csv, uint64_t offset, uint64_t record, uint64_t line_offset, uint64_t lines,
                           capi_buf *to)
{
    capi_csv_piece piece = {.file = csv->file};
    bool is_counted = true;

    while (line_offset < offset) {
        size_t bytes = offset - line_offset < 1 << 20 ? (size_t)(offset - line_offset) : 1 << 20;

        is_counted = capi_csv_piece_load(&piece, line_offset, bytes, NULL) == CAPI_OK;
        if (!is_counted) break;
        lines += capi_csv_count_line_ends(piece.data, piece.bytes);
        line_offset += bytes;
    }
    capi_csv_piece_deinit(&piece);
    capi_buf_printf(to, "file \"%s\"", csv->path);
    if (is_counted) capi_buf_printf(to, ", line %llu", (unsigned long long)lines + 1);
    if (!is_counted || lines != record) capi_buf_printf(to, " (record %llu)", (unsigned long long)record);
    capi_buf_printf(to, ", byte %llu", (unsigned long long)offset);
}

/* ---- reading ---- */

/* One call of capi_csv_read. */
typedef struct csv_reading {
    const capi_csv *csv;
    capi_csv_reader *reader;
    uint64_t record;      /* index of the record at `at` */
    uint64_t line_offset; /* a place with a known number of LF in front of it */
    uint64_t lines;
    size_t at;          /* in the piece */
    uint64_t end;       /* in the file: records that begin here or later belong to the next range */
    size_t chunk_bytes; /* of the chunk before */
    capi_csv_chunk_fn fn;
    void *context;
} csv_reading;

static capi_status wrong_field_count(const csv_reading *reading, capi_err *err)
{
    const capi_csv *csv = reading->csv;
    const capi_csv_reader *reader = reading->reader;
    capi_buf text = {0};

    capi_csv_append_place(csv, reader->piece.offset + reading->at, reading->record, reading->line_offset,
                          reading->lines, &text);
    capi_buf_printf(&text, ": the record has %u field%s, expected %u as in the %s", reader->index.wrong_field_count,
                    reader->index.wrong_field_count == 1 ? "" : "s", csv->field_count,
                    csv->options.columns && csv->options.column_count && csv->options.columns[0].header.bytes
                        ? "header"
                        : "first data record");
    capi_err_set(err, CAPI_INVALID, "%.*s", CAPI_STR_ARG(capi_buf_str(&text)));
    capi_buf_deinit(&text);
    return CAPI_INVALID;
}

void capi_csv_append_row_place(const capi_csv_reader *reader, uint32_t row, capi_buf *to)
{
    const csv_reading *reading = reader->reading;

    capi_csv_append_place(reading->csv, reader->piece.offset + reader->index.starts[row], reading->record + row,
                          reading->line_offset, reading->lines, to);
}

static size_t field_start(const capi_csv_index *index, uint32_t row, uint32_t position)
{
    return position ? (size_t)index->ends[(size_t)row * index->field_count + position - 1] + 1 : index->starts[row];
}

static capi_status wrong_field(const csv_reading *reading, uint32_t column, uint32_t row, capi_err *err)
{
    const capi_csv *csv = reading->csv;
    capi_csv_reader *reader = reading->reader;
    const capi_csv_rule *rule = &csv->rules[column];
    const capi_csv_index *index = &reader->index;
    size_t start = field_start(index, row, rule->position);
    size_t end = index->ends[(size_t)row * index->field_count + rule->position];
    capi_buf text = {0};
    capi_err cause;
    capi_str field =
        capi_csv_field(reader->piece.data, start, end, rule->position + 1 == index->field_count, &reader->chunk_arena);

    memset(&cause, 0, offsetof(capi_err, text) + 1);
    capi_csv_rule_explain(rule, field, &reader->chunk_arena, &cause);
    capi_csv_append_place(csv, reader->piece.offset + start, reading->record + row, reading->line_offset,
                          reading->lines, &text);
    if (rule->column->header.bytes) {
        capi_buf_append_text(&text, ", column ");
        capi_csv_append_shown(&text, rule->column->header);
        capi_buf_printf(&text, " (%.*s): ", CAPI_STR_ARG(rule->column->name));
    } else {
        capi_buf_printf(&text, ", column %u (%.*s): ", rule->position, CAPI_STR_ARG(rule->column->name));
    }
    capi_buf_append_text(&text, cause.text);
    capi_err_set(err, CAPI_INVALID, "%.*s", CAPI_STR_ARG(capi_buf_str(&text)));
    capi_buf_deinit(&text);
    return CAPI_INVALID;
}

/* The raw fields at one position of all records of the chunk. */
static void take_fields(capi_csv_reader *reader, uint32_t position, uint32_t row_count)
{
    const capi_csv_index *index = &reader->index;
    const uint32_t stride = index->field_count;
    const bool is_last = position + 1 == stride;
    const uint32_t *restrict ends = index->ends + position;
    const char *const data = reader->piece.data;
    const char **restrict texts = reader->texts;
    uint32_t *restrict bytes = reader->text_bytes;

    if (position == 0) {
        for (uint32_t row = 0; row < row_count; row++) {
            texts[row] = data + index->starts[row];
            bytes[row] = ends[(size_t)row * stride] - index->starts[row];
        }
    } else {
        const uint32_t *restrict before = ends - 1;

        for (uint32_t row = 0; row < row_count; row++) {
            uint32_t start = before[(size_t)row * stride] + 1;

            texts[row] = data + start;
            bytes[row] = ends[(size_t)row * stride] - start;
        }
    }
    if (is_last)
        for (uint32_t row = 0; row < row_count; row++)
            bytes[row] -= bytes[row] > 0 && texts[row][bytes[row] - 1] == '\r';
    if (!index->has_quotes) return;
    for (uint32_t row = 0; row < row_count; row++) {
        capi_str field;
        size_t start = (size_t)(texts[row] - data);

        if (bytes[row] == 0 || texts[row][0] != '"') continue;
        field = capi_csv_field(data, start, start + bytes[row], false, &reader->chunk_arena);
        texts[row] = field.data;
        bytes[row] = (uint32_t)field.bytes;
    }
}

/* Converts and hands out the rows of the index. The first bad field in file order ends it: rows are done in full up to the
 * first bad one found so far, and in its row the leftmost field counts. */
static capi_status deliver(const csv_reading *reading, capi_err *err)
{
    const capi_csv *csv = reading->csv;
    capi_csv_reader *reader = reading->reader;
    const uint32_t column_count = csv->options.column_count;
    uint32_t row_count = reader->index.row_count;
    uint32_t bad_column = column_count;

    capi_arena_reset(&reader->chunk_arena);
    for (uint32_t i = 0; i < column_count; i++) {
        const capi_csv_rule *rule = &csv->rules[i];
        uint32_t wanted = row_count + (bad_column < column_count);
        capi_csv_fields fields = {reader->texts, reader->text_bytes, wanted, reader->index.has_odd_bytes};
        uint32_t done;

        if (!rule->column) continue;
        reader->vecs[i] = (capi_vec){.type = rule->column->type, .form = capi_form_stored(rule->column->type)};
        reader->vecs[i].data = reader->column_data[i];
        take_fields(reader, rule->position, wanted);
        done = capi_csv_convert_column(rule, &fields, &reader->chunk_arena, &reader->vecs[i]);
        if (done == wanted) continue;
        if (done < row_count || bad_column == column_count || rule->position < csv->rules[bad_column].position)
            bad_column = i;
        row_count = done;
    }
    if (row_count > 0) {
        capi_chunk chunk = {reader->vecs, column_count, row_count};

        CAPI_TRY(reading->fn(reading->context, &chunk, reading->record, err));
    }
    return bad_column < column_count ? wrong_field(reading, bad_column, row_count, err) : CAPI_OK;
}

/* Where the range ends, in the piece. */
static size_t limit_of(const csv_reading *reading)
{
    return (size_t)(reading->end - reading->reader->piece.offset);
}

/* Reads more of a record that runs past what is there. */
static capi_status read_on(csv_reading *reading, capi_err *err)
{
    capi_csv_reader *reader = reading->reader;
    capi_status st = capi_csv_piece_extend(&reader->piece, reading->at, err);

    reader->index.window.end = 0;
    if (st != CAPI_OK) capi_err_note(err, "while reading file \"%s\"", reading->csv->path);
    return st;
}

/* Moves on in the file when less of the range is left than the next chunk may take. */
static capi_status step_on(csv_reading *reading, capi_err *err)
{
    capi_csv_piece *piece = &reading->reader->piece;
    size_t wanted = reading->chunk_bytes + reading->chunk_bytes / 4;
    size_t bytes = wanted < READ_STEP_BYTES ? READ_STEP_BYTES : wanted;
    size_t range_left = limit_of(reading) - reading->at;

    if (piece->bytes - reading->at > wanted || piece->bytes >= limit_of(reading)) return CAPI_OK;
    CAPI_TRY(capi_csv_piece_slide(piece, reading->at, bytes < range_left ? bytes : range_left, err));
    reading->reader->index.window.end = 0;
    reading->at = 0;
    return CAPI_OK;
}

/* Fills the index with the next records; *is_end if the file ends behind them. */
static capi_status next_rows(csv_reading *reading, bool *is_end, capi_err *err)
{
    capi_csv_reader *reader = reading->reader;
    capi_csv_index *index = &reader->index;

    index->row_count = 0;
    index->has_quotes = index->has_odd_bytes = false;
    for (;;) {
        capi_csv_text text = reader_text(reader);
        capi_csv_step step = capi_csv_index_rows(index, &text, limit_of(reading), &reading->at);

        *is_end = step == CAPI_CSV_END;
        if (step != CAPI_CSV_CUT) return CAPI_OK;
        CAPI_TRY(read_on(reading, err));
    }
}

/* Chunk after chunk up to the end of the range. */
static capi_status read_chunks(csv_reading *reading, capi_err *err)
{
    capi_csv_reader *reader = reading->reader;
    capi_csv_index *index = &reader->index;
    bool is_end = false;

    reader->reading = reading;
    while (!is_end && reading->at < limit_of(reading)) {
        size_t start;

        CAPI_TRY(step_on(reading, err));
        start = reading->at;
        CAPI_TRY(next_rows(reading, &is_end, err));
        CAPI_TRY(deliver(reading, err));
        reading->record += index->row_count;
        if (index->wrong_field_count) return wrong_field_count(reading, err);
        reading->chunk_bytes = reading->at - start;
        reading->lines += capi_csv_count_line_ends(reader->piece.data + start, reading->chunk_bytes);
        reading->line_offset = reader->piece.offset + reading->at;
    }
    return CAPI_OK;
}

/* Where the range's first record begins; false if none does. */
static bool begin_composed(const capi_csv *csv, uint64_t range, csv_reading *reading, uint64_t *start)
{
    const capi_csv_span *span = &csv->spans[range];

    *start = span->start;
    reading->record = span->start_record;
    reading->line_offset = span->line_start;
    reading->lines = span->lines_before;
    if (!span->begins_records) return false;
    if (*start <= csv->data_offset) { /* header and what else stands in front of the data */
        *start = csv->data_offset;
        reading->record = csv->data_record;
    }
    return true;
}

/* The number of line ends before `offset`, which is not far behind the place where it is known. */
static capi_status count_lines_to(csv_reading *reading, uint64_t offset, capi_err *err)
{
    capi_csv_piece *piece = &reading->reader->piece;

    while (reading->line_offset < offset) {
        uint64_t left = offset - reading->line_offset;

        CAPI_TRY(
            capi_csv_piece_load(piece, reading->line_offset, left < READ_STEP_BYTES ? left : READ_STEP_BYTES, err));
        reading->lines += capi_csv_count_line_ends(piece->data, piece->bytes);
        reading->line_offset += piece->bytes;
    }
    return CAPI_OK;
}

/* Reads the records that begin at `start` or later, and before the end of the range. */
static capi_status read_records(csv_reading *reading, uint64_t start, capi_err *err)
{
    capi_csv_reader *reader = reading->reader;
    uint64_t bytes = reading->end - start;

    CAPI_TRY(count_lines_to(reading, start, err));
    CAPI_TRY(capi_csv_piece_load(&reader->piece, start, bytes < READ_STEP_BYTES ? bytes : READ_STEP_BYTES, err));
    reader->index.window.end = 0;
    reading->at = 0;
    return read_chunks(reading, err);
}

/* The range behind the one read before, by one thread. */
static capi_status read_in_order(capi_csv *csv, csv_reading *reading, uint64_t range, capi_err *err)
{
    if (range != csv->next_range)
        return capi_err_set(err, CAPI_INTERNAL, "range %llu of file \"%s\" read out of order without a scan",
                            (unsigned long long)range, csv->path);
    csv->next_range++;
    if (csv->next_offset >= reading->end) return CAPI_OK;
    reading->record = csv->next_record;
    reading->line_offset = csv->next_offset;
    reading->lines = csv->next_lines;
    CAPI_TRY(read_records(reading, csv->next_offset, err));
    csv->next_offset = reading->line_offset;
    csv->next_record = reading->record;
    csv->next_lines = reading->lines;
    return CAPI_OK;
}

capi_status capi_csv_read(capi_csv *csv, capi_csv_reader *reader, uint64_t range, capi_csv_chunk_fn fn, void *context,
                          capi_err *err)
{
    csv_reading reading = {.csv = csv, .reader = reader, .fn = fn, .context = context};
    uint64_t start;

    assert(range < csv->range_count);
    if (csv->field_count == 0) return CAPI_OK; /* no data records */
    reading.end = capi_csv_range_end(csv, range);
    reading.chunk_bytes = READ_STEP_BYTES / 4; /* a guess */
    if (!csv->is_composed) return read_in_order(csv, &reading, range, err);
    if (!begin_composed(csv, range, &reading, &start) || start >= reading.end) return CAPI_OK;
    return read_records(&reading, start, err);
}
