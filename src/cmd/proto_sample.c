/* proto_sample.c - the columns of a sample: from the records of a CSV file, or from the schema of a Parquet file. */
#include "cmd/proto_sample.h"

#include "base/file.h"
#include "expr/lexer.h"
#include "io/csv.h"
#include "io/unpack.h"
#include "parquet/parquet.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PROTO_RECORDS_MAX = 100, PROTO_BYTES_MAX = 64 << 20 };

/* ---- names ---- */

capi_str capi_proto_word(capi_arena *arena, capi_str text)
{
    capi_str word = capi_str_copy(arena, text);
    char *bytes = (char *)word.data;

    for (size_t i = 0; i < word.bytes; i++)
        if (!isalnum((unsigned char)bytes[i]) || (unsigned char)bytes[i] >= 0x80) bytes[i] = '_';
    return word;
}

/* Names of fields that differ in letter case only are the same to databases, and these two are theirs. */
static bool is_taken(const capi_proto_sample *sample, uint32_t count, capi_str name)
{
    if (name.bytes == strlen("rowid") && strncasecmp(name.data, "rowid", name.bytes) == 0) return true;
    if (name.bytes == strlen("batch_idx") && strncasecmp(name.data, "batch_idx", name.bytes) == 0) return true;
    for (uint32_t i = 0; i < count; i++) {
        capi_str other = sample->columns[i].field;

        if (other.bytes == name.bytes && strncasecmp(other.data, name.data, name.bytes) == 0) return true;
    }
    return false;
}

/* Expressions take it for one name: no reserved word, no digit in front. */
static bool is_name(capi_str word)
{
    expr_lexer lexer = lexer_start(word);
    expr_token token;

    return lexer_next(&lexer, &token, NULL) == CAPI_OK && token.kind == TOKEN_NAME && capi_str_equal(token.text, word);
}

/* An identifier that no column before has. */
static capi_str unique_field(capi_proto_sample *sample, uint32_t index, capi_str word)
{
    capi_str first = is_name(word) ? word : capi_str_format(&sample->arena, "f_%.*s", CAPI_STR_ARG(word));
    capi_str name = first;

    for (unsigned suffix = 2; is_taken(sample, index, name); suffix++)
        name = capi_str_format(&sample->arena, "%.*s_%u", CAPI_STR_ARG(first), suffix);
    return name;
}

/* "col_qty" for the field qty; what was only put in front to make an identifier is not needed here. */
static void name_column(capi_proto_sample *sample, uint32_t index, capi_str word)
{
    capi_proto_column *column = &sample->columns[index];
    capi_str rest;

    column->field = unique_field(sample, index, word);
    rest = column->field;
    if (capi_str_starts(rest, "f_") && !capi_str_starts(word, "f_")) rest = capi_str_slice(rest, 2, rest.bytes);
    column->column = capi_str_format(&sample->arena, "col_%.*s", CAPI_STR_ARG(rest));
    for (uint32_t i = 0; i < index; i++)
        if (capi_str_equal(sample->columns[i].column, column->column))
            column->column = capi_str_format(&sample->arena, "col_%.*s", CAPI_STR_ARG(column->field));
}

static void name_columns(capi_proto_sample *sample, const capi_str *headers)
{
    for (uint32_t i = 0; i < sample->column_count; i++) {
        if (headers) sample->columns[i].header = capi_str_copy(&sample->arena, headers[i]);
        name_column(sample, i,
                    headers ? capi_proto_word(&sample->arena, headers[i]) : capi_str_format(&sample->arena, "%03u", i));
    }
}

/* ---- CSV ---- */

/* Sees one record; the sample is full with CAPI_STOPPED. */
static capi_status on_record(void *context, const capi_str *fields, uint32_t field_count, capi_err *err)
{
    capi_proto_sample *sample = context;

    if (sample->record >= PROTO_RECORDS_MAX) return CAPI_STOPPED;
    if (!sample->columns) {
        sample->columns = capi_new_array(&sample->arena, capi_proto_column, field_count + 1);
        sample->column_count = field_count;
    }
    for (uint32_t i = 0; i < field_count; i++)
        if (!capi_str_is_utf8(fields[i], NULL))
            return capi_err_set(err, CAPI_INVALID, "record %lld, field %u is not UTF-8", (long long)sample->record,
                                i + 1);
    if (sample->record == sample->csv.header_record) {
        name_columns(sample, fields);
        sample->has_header = true;
    } else if (sample->record >= sample->csv.first_record) {
        for (uint32_t i = 0; i < field_count; i++)
            capi_proto_see(&sample->columns[i], fields[i], sample->csv.is_careful);
    }
    sample->record++;
    return CAPI_OK;
}

capi_status capi_proto_sample_csv(capi_str text, const capi_proto_csv *csv, capi_proto_sample *out, capi_err *err)
{
    capi_status st;

    *out = (capi_proto_sample){.csv = *csv};
    st = capi_csv_records(text, csv->separator, on_record, out, err);
    if (st == CAPI_STOPPED) st = CAPI_OK;
    if (st == CAPI_OK && out->column_count == 0) st = capi_err_set(err, CAPI_INVALID, "the file has no records");
    if (st == CAPI_OK && csv->header_record >= 0 && !out->has_header)
        st = capi_err_set(err, CAPI_INVALID, "there is no record %lld for the header, only %lld records were looked at",
                          (long long)csv->header_record, (long long)out->record);
    if (out->column_count && !out->has_header) name_columns(out, NULL);
    if (out->column_count) capi_proto_check_types(text, out);
    return st;
}

/* ---- the separator ---- */

typedef struct field_tally {
    uint32_t fields, records;
} field_tally;

static capi_status count_fields(void *context, const capi_str *fields, uint32_t count, capi_err *err)
{
    field_tally *seen = context;

    (void)fields;
    (void)err;
    seen->fields = count;
    return ++seen->records == PROTO_RECORDS_MAX ? CAPI_STOPPED : CAPI_OK;
}

char capi_proto_guess_separator(capi_str text)
{
    static const char candidates[] = {',', ';', '\t', '|'};
    char best = ',';
    uint32_t best_fields = 1;

    for (size_t i = 0; i < sizeof candidates; i++) {
        field_tally seen = {0};
        capi_err ignored = {0};
        capi_status st = capi_csv_records(text, candidates[i], count_fields, &seen, &ignored);

        if ((st != CAPI_OK && st != CAPI_STOPPED) || seen.fields <= best_fields) continue;
        best = candidates[i];
        best_fields = seen.fields;
    }
    return best;
}

/* ---- Parquet ---- */

static capi_proto_type type_of(capi_type type)
{
    static const capi_proto_type types[CAPI_TYPE_STORED_COUNT] = {
        [CAPI_STRING] = CAPI_PROTO_STRING, [CAPI_INT] = CAPI_PROTO_INT,           [CAPI_FLOAT] = CAPI_PROTO_FLOAT,
        [CAPI_BOOL] = CAPI_PROTO_BOOL,     [CAPI_DATETIME] = CAPI_PROTO_DATETIME, [CAPI_DECIMAL] = CAPI_PROTO_DECIMAL,
    };

    return types[type];
}

static bool has_header(const capi_proto_sample *sample, capi_str name)
{
    for (uint32_t i = 0; i < sample->column_count; i++)
        if (capi_str_equal(sample->columns[i].header, name)) return true;
    return false;
}

capi_status capi_proto_sample_parquet(const char *path, capi_budget *budget, capi_proto_sample *out, capi_err *err)
{
    capi_parquet_field *fields;
    uint32_t field_count;
    capi_status st = CAPI_OK;

    *out = (capi_proto_sample){.is_parquet = true};
    CAPI_TRY(capi_parquet_describe(path, path, budget, &out->arena, &fields, &field_count, err));
    out->columns = capi_new_array(&out->arena, capi_proto_column, field_count + 1);
    for (uint32_t i = 0; i < field_count; i++) {
        capi_proto_column *column = &out->columns[out->column_count];

        if (fields[i].name.bytes == 0 || has_header(out, fields[i].name)) {
            if (st == CAPI_OK)
                st = capi_err_set(
                    err, CAPI_INVALID, "column %u, \"%.*s\", has %s, and scripts find columns by their names", i + 1,
                    CAPI_STR_ARG(fields[i].name), fields[i].name.bytes ? "the name of another" : "no name");
            continue;
        }
        if (fields[i].type == (capi_type)CAPI_TYPE_STORED_COUNT) {
            if (st == CAPI_OK)
                st = capi_err_set(err, CAPI_INVALID, "column %u, \"%.*s\", is %.*s, which is no type of scripts", i + 1,
                                  CAPI_STR_ARG(fields[i].name), CAPI_STR_ARG(fields[i].description));
            continue;
        }
        column->header = fields[i].name;
        column->type = type_of(fields[i].type);
        name_column(out, out->column_count, capi_proto_word(&out->arena, fields[i].name));
        out->column_count++;
    }
    if (st == CAPI_OK && out->column_count == 0) st = capi_err_set(err, CAPI_INVALID, "the file has no columns");
    return st;
}

void capi_proto_sample_deinit(capi_proto_sample *sample)
{
    capi_arena_deinit(&sample->arena);
    *sample = (capi_proto_sample){0};
}

/* ---- files ---- */

capi_status capi_proto_check_name(capi_str path, capi_err *err)
{
    if (!memchr(path.data, '{', path.bytes) && !memchr(path.data, '}', path.bytes)) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "the name \"%.*s\" has braces, which a script takes for parameters",
                        CAPI_STR_ARG(path));
}

static capi_status read_begin(const char *path, capi_arena *arena, capi_str *out, capi_err *err)
{
    capi_file_reader *file = NULL;
    uint64_t size;
    size_t got = 0;
    char *bytes;
    capi_status st;

    CAPI_TRY(capi_file_open(path, &file, err));
    size = capi_file_identity(file)->size_bytes;
    if (size > PROTO_BYTES_MAX) size = PROTO_BYTES_MAX;
    bytes = capi_arena_alloc(arena, (size_t)size);
    st = capi_file_read_at(file, 0, bytes, (size_t)size, &got, err);
    capi_file_close(file);
    *out = (capi_str){bytes, got};
    return st;
}

static bool is_enough(void *context)
{
    return lseek(*(int *)context, 0, SEEK_END) >= PROTO_BYTES_MAX;
}

/* What is packed is unpacked into memory first. */
static capi_status read_packed(const char *path, capi_packing packing, capi_arena *arena, capi_str *out, capi_err *err)
{
    int fd = memfd_create("sample", MFD_CLOEXEC);
    capi_status st;
    ssize_t got = 0;
    char *bytes;
    off_t size;

    if (fd < 0) return capi_err_set(err, CAPI_UNAVAILABLE, "no memory for an unpacked sample");
    st = capi_unpack_file(packing, path, capi_str_of(path), fd, is_enough, &fd, err);
    if (st == CAPI_STOPPED) {
        capi_err_clear(err);
        st = CAPI_OK;
    }
    size = lseek(fd, 0, SEEK_END);
    bytes = capi_arena_alloc(arena, (size_t)size);
    if (st == CAPI_OK) got = pread(fd, bytes, (size_t)size, 0);
    close(fd);
    *out = (capi_str){bytes, got > 0 ? (size_t)got : 0};
    return st;
}

capi_status capi_proto_read(const char *path, capi_arena *arena, capi_str *out, capi_err *err)
{
    capi_packing packing = capi_packing_of(capi_str_of(path));

    if (packing == CAPI_PACKING_NONE) return read_begin(path, arena, out, err);
    return read_packed(path, packing, arena, out, err);
}
