/* csv_open.c - checks options, finds the header and the first data record, and where each column stands in a record. */
#include "io/csv_read.h"

#include "base/file_url.h"

#include <stdlib.h>

/* ---- options ---- */

/* Columns are named by header, or all by index. */
static bool is_by_header(const capi_csv_options *options)
{
    return options->column_count > 0 && options->columns[0].header.bytes > 0;
}

static capi_status check_separator(char separator, capi_err *err)
{
    unsigned char byte = (unsigned char)separator;

    if (byte == '"' || byte == '\r' || byte == '\n')
        return capi_err_set(err, CAPI_INVALID, "a CSV separator cannot be a quote or a line end");
    if (byte == 0 || byte >= 0x80)
        return capi_err_set(err, CAPI_INVALID, "a CSV separator is one ASCII character, not byte 0x%02x", byte);
    return CAPI_OK;
}

static capi_status check_addressing(const capi_csv_options *options, capi_err *err)
{
    for (uint32_t i = 1; i < options->column_count; i++)
        if ((options->columns[i].header.bytes > 0) != is_by_header(options))
            return capi_err_set(err, CAPI_INVALID,
                                "column \"%.*s\" is found by %s, but column \"%.*s\" by %s: all must be found one way",
                                CAPI_STR_ARG(options->columns[0].name), is_by_header(options) ? "header" : "index",
                                CAPI_STR_ARG(options->columns[i].name), is_by_header(options) ? "index" : "header");
    if (is_by_header(options) && options->header_line < 0)
        return capi_err_set(err, CAPI_INVALID, "columns are found by header, but the header line is %lld",
                            (long long)options->header_line);
    return CAPI_OK;
}

static capi_status compile_column(const capi_csv_column *column, capi_csv_rule *rule, capi_arena *arena, capi_err *err)
{
    capi_err cause;

    memset(&cause, 0, offsetof(capi_err, text) + 1);
    if (capi_csv_rule_compile(rule, column, arena, &cause) == CAPI_OK) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "column \"%.*s\": %s", CAPI_STR_ARG(column->name), cause.text);
}

capi_status capi_csv_options_check(const capi_csv_options *options, capi_err *err)
{
    capi_arena arena = {0};
    capi_csv_rule rule;
    capi_status st;

    CAPI_TRY_OUT(check_separator(options->separator, err));
    CAPI_TRY_OUT(check_addressing(options, err));
    for (uint32_t i = 0; i < options->column_count; i++)
        CAPI_TRY_OUT(compile_column(&options->columns[i], &rule, &arena, err));
out:
    capi_arena_deinit(&arena);
    return st;
}

static capi_status compile_needed(capi_csv *csv, capi_err *err)
{
    const capi_csv_options *options = &csv->options;

    CAPI_TRY(check_separator(options->separator, err));
    CAPI_TRY(check_addressing(options, err));
    csv->rules = capi_new_array(&csv->arena, capi_csv_rule, options->column_count);
    for (uint32_t i = 0; i < options->column_count; i++)
        if (options->columns[i].is_needed)
            CAPI_TRY(compile_column(&options->columns[i], &csv->rules[i], &csv->arena, err));
    return CAPI_OK;
}

/* ---- the records in front of the data ---- */

/* Goes through the file record by record. */
typedef struct csv_front {
    const capi_csv *csv;
    capi_csv_piece piece;
    size_t at;       /* where the next record, or an empty line, begins */
    size_t next;     /* behind it, once seen */
    uint64_t record; /* its index */
    uint64_t lines;  /* LF in front of it */
    uint32_t field_count;
} csv_front;

static capi_csv_text front_text(const csv_front *front)
{
    return (capi_csv_text){front->piece.data, front->piece.bytes, capi_csv_piece_is_last(&front->piece),
                           front->csv->options.separator};
}

static void front_pass(csv_front *front)
{
    front->lines += capi_csv_count_line_ends(front->piece.data + front->at, front->next - front->at);
    front->at = front->next;
}

static capi_status front_extend(csv_front *front, capi_err *err)
{
    capi_status st = capi_csv_piece_extend(&front->piece, front->at, err);

    if (st != CAPI_OK) capi_err_note(err, "while reading file \"%s\"", front->csv->path);
    return st;
}

/* Looks at the next record, skipping empty lines; *is_end if there is none. */
static capi_status front_peek(csv_front *front, bool *is_end, capi_err *err)
{
    for (;;) {
        capi_csv_text text = front_text(front);
        capi_csv_step step = capi_csv_record_at(&text, front->at, NULL, 0, &front->field_count, &front->next);

        *is_end = step == CAPI_CSV_END;
        switch (step) {
        case CAPI_CSV_RECORD:
        case CAPI_CSV_END: return CAPI_OK;
        case CAPI_CSV_BLANK: front_pass(front); break;
        case CAPI_CSV_CUT:
            if (front->at > 0) { /* keep memory bounded: begin again at the record */
                CAPI_TRY(capi_csv_piece_load(&front->piece, front->piece.offset + front->at,
                                             front->piece.bytes - front->at + (64 << 10), err));
                front->at = 0;
            } else {
                CAPI_TRY(front_extend(front, err));
            }
            break;
        }
    }
}

/* For the record that says how many fields all have. */
static capi_status check_field_count(const csv_front *front, capi_err *err)
{
    if (front->field_count <= CAPI_CSV_FIELDS_MAX) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID,
                        "file \"%s\", line %llu (record %llu): the record has %u fields, expected at most %d",
                        front->csv->path, (unsigned long long)front->lines + 1, (unsigned long long)front->record,
                        front->field_count, CAPI_CSV_FIELDS_MAX);
}

/* Passes records up to number `record`; *is_end if the file ends before it. */
static capi_status front_go_to(csv_front *front, uint64_t record, bool *is_end, capi_err *err)
{
    for (;;) {
        CAPI_TRY(front_peek(front, is_end, err));
        if (*is_end || front->record >= record) return CAPI_OK;
        front_pass(front);
        front->record++;
    }
}

/* The values of the record in view. */
static capi_str *front_fields(const csv_front *front, capi_arena *arena)
{
    capi_csv_text text = front_text(front);
    uint32_t count = front->field_count;
    uint32_t *ends = capi_new_array(arena, uint32_t, count);
    capi_str *fields = capi_new_array(arena, capi_str, count);
    size_t start = front->at, next;

    capi_csv_record_at(&text, front->at, ends, count, &count, &next);
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = capi_csv_field(text.data, start, ends[i], i + 1 == count, arena);
        start = (size_t)ends[i] + 1;
    }
    return fields;
}

/* ---- columns ---- */

static void append_names(capi_buf *to, const capi_str *names, uint32_t count)
{
    enum { NAMES_MAX = 20 };

    for (uint32_t i = 0; i < count && i < NAMES_MAX; i++) {
        if (i) capi_buf_append_text(to, ", ");
        capi_csv_append_shown(to, names[i]);
    }
    if (count > NAMES_MAX) capi_buf_printf(to, " and %u more", count - NAMES_MAX);
}

/* With a repeated header the last one wins. */
static capi_status find_by_header(capi_csv *csv, const csv_front *front, capi_err *err)
{
    const capi_csv_options *options = &csv->options;
    capi_arena arena = {0};
    capi_str *fields = front_fields(front, &arena);
    capi_str *missing = capi_new_array(&arena, capi_str, options->column_count);
    uint32_t missing_count = 0;
    capi_buf text = {0};

    for (uint32_t i = 0; i < options->column_count; i++) {
        uint32_t field = front->field_count;

        while (field > 0 && !capi_str_equal(fields[field - 1], options->columns[i].header))
            field--;
        if (field == 0)
            missing[missing_count++] = options->columns[i].header;
        else
            csv->rules[i].position = field - 1;
    }
    if (missing_count) {
        capi_buf_printf(&text,
                        "file \"%s\", line %llu (record %llu): %u of %u columns not found in the header: ", csv->path,
                        (unsigned long long)front->lines + 1, (unsigned long long)front->record, missing_count,
                        options->column_count);
        append_names(&text, missing, missing_count);
        capi_buf_append_text(&text, "; it has ");
        append_names(&text, fields, front->field_count);
        capi_err_set(err, CAPI_INVALID, "%.*s", CAPI_STR_ARG(capi_buf_str(&text)));
        capi_buf_deinit(&text);
    }
    capi_arena_deinit(&arena);
    return missing_count ? CAPI_INVALID : CAPI_OK;
}

static capi_status find_by_index(capi_csv *csv, const csv_front *front, capi_err *err)
{
    const capi_csv_options *options = &csv->options;

    for (uint32_t i = 0; i < options->column_count; i++) {
        if (options->columns[i].index >= front->field_count)
            return capi_err_set(
                err, CAPI_INVALID,
                "file \"%s\", line %llu (record %llu): column \"%.*s\" has index %u, but the record has "
                "%u field%s",
                csv->path, (unsigned long long)front->lines + 1, (unsigned long long)front->record,
                CAPI_STR_ARG(options->columns[i].name), options->columns[i].index, front->field_count,
                front->field_count == 1 ? "" : "s");
        csv->rules[i].position = options->columns[i].index;
    }
    return CAPI_OK;
}

static capi_status find_header(capi_csv *csv, csv_front *front, bool *is_end, capi_err *err)
{
    uint64_t header_line = (uint64_t)csv->options.header_line;

    CAPI_TRY(front_go_to(front, header_line, is_end, err));
    if (*is_end && front->record > 0)
        return capi_err_set(
            err, CAPI_INVALID, "file \"%s\" has %llu record%s, but the header is expected in record %llu", csv->path,
            (unsigned long long)front->record, front->record == 1 ? "" : "s", (unsigned long long)header_line);
    if (*is_end) return CAPI_OK;
    CAPI_TRY(check_field_count(front, err));
    CAPI_TRY(find_by_header(csv, front, err));
    csv->field_count = front->field_count;
    front_pass(front);
    front->record++;
    return CAPI_OK;
}

capi_status capi_csv_find_data(capi_csv *csv, capi_err *err)
{
    const capi_csv_options *options = &csv->options;
    uint64_t first = options->first_data_line > 0 ? (uint64_t)options->first_data_line : 0;
    csv_front front = {.csv = csv, .piece = {.file = csv->file}};
    bool is_end = false;
    capi_status st;

    CAPI_TRY_OUT(capi_csv_piece_load(&front.piece, 0, 64 << 10, err));
    if (is_by_header(options)) CAPI_TRY_OUT(find_header(csv, &front, &is_end, err));
    if (!is_end) CAPI_TRY_OUT(front_go_to(&front, first, &is_end, err));
    if (!is_end && !is_by_header(options)) {
        CAPI_TRY_OUT(check_field_count(&front, err));
        CAPI_TRY_OUT(find_by_index(csv, &front, err));
        csv->field_count = front.field_count;
    }
    csv->data_offset = front.piece.offset + front.at;
    csv->data_record = front.record;
    csv->data_lines = front.lines;
    if (is_end) csv->field_count = 0;
out:
    capi_csv_piece_deinit(&front.piece);
    return st;
}

/* ---- open and close ---- */

static capi_status csv_open(capi_csv *csv, const char *path, capi_err *err)
{
    enum { RANGE_BYTES_DEFAULT = 4 << 20, RANGE_BYTES_MAX = 1 << 30 };
    uint64_t size_bytes;

    CAPI_TRY(compile_needed(csv, err));
    CAPI_TRY(capi_file_open(path, &csv->file, err));
    CAPI_TRY(capi_csv_find_data(csv, err));
    size_bytes = capi_csv_size_bytes(csv);
    csv->range_bytes = csv->options.range_bytes ? csv->options.range_bytes : RANGE_BYTES_DEFAULT;
    if (csv->range_bytes > RANGE_BYTES_MAX) csv->range_bytes = RANGE_BYTES_MAX;
    csv->range_count = size_bytes / csv->range_bytes + (size_bytes % csv->range_bytes != 0);
    csv->spans = capi_new_array(&csv->arena, capi_csv_span, csv->range_count);
    csv->next_offset = csv->data_offset;
    csv->next_record = csv->data_record;
    csv->next_lines = csv->data_lines;
    return CAPI_OK;
}

capi_status capi_csv_open(const char *path, const capi_csv_options *options, capi_csv **out, capi_err *err)
{
    path = capi_file_url_path(capi_str_of(path)).data;
    return capi_csv_open_copy(path, path, options, out, err);
}

capi_status capi_csv_open_copy(const char *path, const char *name, const capi_csv_options *options, capi_csv **out,
                               capi_err *err)
{
    capi_csv *csv = capi_zmalloc(sizeof *csv);
    capi_status st;

    *out = NULL;
    csv->path = (char *)(uintptr_t)capi_str_copy(&csv->arena, capi_str_of(name)).data;
    csv->options = *options;
    st = csv_open(csv, path, err);
    if (st == CAPI_OK)
        *out = csv;
    else
        capi_csv_close(csv);
    return st;
}

void capi_csv_close(capi_csv *csv)
{
    if (!csv) return;
    capi_file_close(csv->file);
    capi_arena_deinit(&csv->arena);
    free(csv);
}

uint64_t capi_csv_size_bytes(const capi_csv *csv)
{
    return capi_file_identity(csv->file)->size_bytes;
}

uint64_t capi_csv_range_count(const capi_csv *csv)
{
    return csv->range_count;
}

capi_status capi_csv_check_unchanged(const capi_csv *csv, capi_err *err)
{
    return capi_file_check_unchanged(csv->file, err);
}
