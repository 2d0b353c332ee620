/* csv.h - CSV files to column vectors and back.
 *
 * Reading. The dialect is that of spec section 3.1: a field that begins with a quote is quoted ("" is one quote, a quote
 * before anything else is data), any other field is taken as it is; CR LF counts as LF; empty lines are skipped. A file is
 * cut into byte ranges of a few MiB. Where a range begins inside a quoted field cannot be seen from its bytes, so each range
 * is first scanned from every state it may begin in (SIMD: separators, quotes and line ends), the states are composed left
 * to right, and record numbers are prefix sums; then all ranges are parsed independently, typed, straight into vectors.
 *
 *     capi_csv_open       reads the header, resolves the columns
 *     capi_csv_scan       range by range, any thread, any order
 *     capi_csv_compose    once, when all ranges are scanned
 *     capi_csv_read       range by range, any thread, any order; rows come as chunks in file order within the range
 *
 * A single thread may leave out scan and compose and read the ranges in order: then capi_csv_read carries the state along.
 *
 * Memory: per thread that reads, half a MiB of the file and a chunk; more only for a record that is longer than that. */
#pragma once

#include "base/file.h"
#include "vec/format.h"
#include "vec/layout.h"
#include "vec/vec.h"

enum {
    CAPI_CSV_FIELD_BYTES_MAX = 256 << 20, /* of one field, and of a record: more is an error */
    CAPI_CSV_FIELDS_MAX = 1 << 20,        /* of a record */
};

typedef struct capi_csv_column {
    capi_str name;   /* the script's name, for messages */
    capi_str header; /* header text, or empty: by index */
    uint32_t index;  /* when header is empty */
    capi_type type;
    capi_str format; /* col_format, or empty */
    bool has_default;
    capi_str default_text; /* col_default_value as written */
    bool is_needed;        /* false: skipped, not even converted; its vector is left unset */
} capi_csv_column;

typedef struct capi_csv_options {
    char separator;
    int64_t header_line;     /* record index; used when columns are named by header */
    int64_t first_data_line; /* record index */
    const capi_csv_column *columns;
    uint32_t column_count;
    uint64_t range_bytes; /* 0: the default of 4 MiB; tests use small ones */
} capi_csv_options;

typedef struct capi_csv capi_csv;
typedef struct capi_csv_reader capi_csv_reader; /* scratch memory of one thread */

/* Checks what can be checked before there is data: formats compile, defaults parse, bool and string without format,
 * separator. Used when a script is loaded, too. The message names the column. */
CAPI_MUST_USE capi_status capi_csv_options_check(const capi_csv_options *options, capi_err *err);

/* Opens a local file ("file://" is taken off), finds header and columns. A file without any record has 0 rows. The options
 * and their texts must outlive the capi_csv. */
CAPI_MUST_USE capi_status capi_csv_open(const char *path, const capi_csv_options *options, capi_csv **out,
                                        capi_err *err);
/* The same for the local copy of a file that messages call `name`. */
CAPI_MUST_USE capi_status capi_csv_open_copy(const char *path, const char *name, const capi_csv_options *options,
                                             capi_csv **out, capi_err *err);
void capi_csv_close(capi_csv *csv);
uint64_t capi_csv_size_bytes(const capi_csv *csv);
uint64_t capi_csv_range_count(const capi_csv *csv);
/* CAPI_CONFLICT if the file changed while it was read. */
CAPI_MUST_USE capi_status capi_csv_check_unchanged(const capi_csv *csv, capi_err *err);

capi_csv_reader *capi_csv_reader_new(const capi_csv *csv);
void capi_csv_reader_free(capi_csv_reader *reader);

CAPI_MUST_USE capi_status capi_csv_scan(capi_csv *csv, capi_csv_reader *reader, uint64_t range, capi_err *err);
void capi_csv_compose(capi_csv *csv);

/* Gets up to CAPI_CHUNK_ROWS rows: columns[i] belongs to options.columns[i], and is valid during the call. `first_row` is the
 * record index in the file of row 0 (as "line" in messages). A failure ends the reading. */
typedef capi_status (*capi_csv_chunk_fn)(void *context, const capi_chunk *chunk, uint64_t first_record, capi_err *err);

/* A wrong field fails with file, line, byte offset, column, value and what was expected; chunks before the failing row are
 * delivered first (the rows of its own chunk before it, too). */
CAPI_MUST_USE capi_status capi_csv_read(capi_csv *csv, capi_csv_reader *reader, uint64_t range, capi_csv_chunk_fn fn,
                                        void *context, capi_err *err);

/* "file "x.csv", line 12, byte 345" for a row of the chunk that capi_csv_read is giving to `fn` at this moment: for messages
 * about what was computed from it. */
void capi_csv_append_row_place(const capi_csv_reader *reader, uint32_t row, capi_buf *to);

/* The records of a whole text, for tests and for guessing types: calls fn for each record. Stops with CAPI_INVALID at the
 * first record with another number of fields than the first. */
typedef capi_status (*capi_csv_record_fn)(void *context, const capi_str *fields, uint32_t field_count, capi_err *err);
CAPI_MUST_USE capi_status capi_csv_records(capi_str text, char separator, capi_csv_record_fn fn, void *context,
                                           capi_err *err);

/* One field as capi_csv_read would convert it: for tests and tools. */
CAPI_MUST_USE capi_status capi_csv_convert(const capi_csv_column *column, capi_str field, capi_arena *arena,
                                           capi_value *out, capi_err *err);

/* ---- writing ---- */

typedef struct capi_csv_out_column {
    capi_str header;
    capi_str format; /* Go-style format, or layout for datetimes; decimals take %s */
    capi_type type;
} capi_csv_out_column;

/* Formats chunks to text; holds no file. Immutable after opening: any number of threads. */
typedef struct capi_csv_writer capi_csv_writer;

/* Lives in the arena. CAPI_INVALID names the column whose format does not fit its type. */
CAPI_MUST_USE capi_status capi_csv_writer_new(capi_arena *arena, capi_str separator, const capi_csv_out_column *columns,
                                              uint32_t column_count, const capi_csv_writer **out, capi_err *err);
/* The header line, CR LF at its end. */
void capi_csv_write_header(const capi_csv_writer *writer, capi_buf *to);
/* One line per row, LF at its end. Vectors in any form; decimals rounded to 2 digits. rows: which rows, or NULL for all. */
void capi_csv_write_rows(const capi_csv_writer *writer, const capi_vec *columns, const uint32_t *rows,
                         uint32_t row_count, capi_buf *to);
/* `text` with quotes where the separator, a comma, a line end or a leading quote asks for them. */
void capi_csv_quote(capi_str separator, capi_str text, capi_buf *to);
