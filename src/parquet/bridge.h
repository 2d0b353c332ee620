/* bridge.h - what rust/ offers: plain C, nothing unwinds out of it. Private to src/parquet/; every struct and every number
 * here stands in rust/src/ too, in the same order.
 *
 * Functions that return int: 0 is success, else what went wrong is in *failure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CAPI_PQ_OK = 0, CAPI_PQ_INVALID = 1, CAPI_PQ_NO_MEMORY = 2 };

typedef struct capi_pq_failure {
    char text[512];
} capi_pq_failure;

typedef struct capi_pq_file capi_pq_file;     /* shared by threads */
typedef struct capi_pq_piece capi_pq_piece;   /* of one thread */
typedef struct capi_pq_writer capi_pq_writer; /* of one thread at a time */
typedef struct capi_pq_group capi_pq_group;   /* of one thread at a time */

/* ---- reading ---- */

typedef struct capi_pq_input {
    int (*read)(void *context, uint64_t offset, uint8_t *to, size_t bytes); /* all of it, or not 0 */
    int (*charge)(void *context, int64_t bytes);                            /* negative: given back */
    void *context;
    uint64_t size_bytes;
} capi_pq_input;

typedef enum capi_pq_physical {
    CAPI_PQ_BOOLEAN,
    CAPI_PQ_INT32,
    CAPI_PQ_INT64,
    CAPI_PQ_INT96,
    CAPI_PQ_FLOAT,
    CAPI_PQ_DOUBLE,
    CAPI_PQ_BYTES,
    CAPI_PQ_FIXED,
} capi_pq_physical;

typedef enum capi_pq_meaning { /* what the annotation says, the new one first */
                               CAPI_PQ_PLAIN,
                               CAPI_PQ_TEXT,
                               CAPI_PQ_SIGNED,
                               CAPI_PQ_UNSIGNED,
                               CAPI_PQ_DECIMAL,
                               CAPI_PQ_DATE,
                               CAPI_PQ_MILLIS,
                               CAPI_PQ_MICROS,
                               CAPI_PQ_NANOS,
                               CAPI_PQ_OTHER,
} capi_pq_meaning;

typedef struct capi_pq_field { /* a top-level column */
    const char *name;
    size_t name_bytes;
    uint32_t leaf;
    int32_t scale, precision; /* of decimals */
    int32_t type_bytes;       /* of FIXED and INT96 */
    uint8_t physical;
    uint8_t meaning;
    uint8_t bits; /* of an annotated integer, or 0 */
    bool is_nested;
    bool is_repeated;
} capi_pq_field;

typedef struct capi_pq_want {
    uint32_t leaf;
    bool is_text; /* must be UTF-8 */
} capi_pq_want;

/* Values as they physically are: BOOLEAN as bits, FIXED and INT96 as bytes side by side, BYTES as 16-byte views: length,
 * then up to 12 bytes inline, or 4 bytes, number of the buffer and offset in it. */
typedef struct capi_pq_column {
    const void *values;
    const uint8_t *validity; /* bits, or NULL: no nulls */
    const uint8_t *const *buffers;
    size_t validity_offset; /* bits */
    size_t value_offset;    /* bits, of booleans */
    uint32_t buffer_count;
} capi_pq_column;

int capi_pq_open(const capi_pq_input *input, capi_pq_file **out, capi_pq_failure *failure);
void capi_pq_close(capi_pq_file *file);
const capi_pq_field *capi_pq_fields(const capi_pq_file *file, uint32_t *count);
const uint64_t *capi_pq_groups(const capi_pq_file *file, uint32_t *count); /* rows of each */
/* Where the pages of a column of a row group are; 0 bytes if that cannot be told. */
void capi_pq_place(const capi_pq_file *file, uint32_t group, uint32_t leaf, uint64_t *offset, uint64_t *bytes);

/* The rows from .. from + count of a row group. Columns are valid until the next call with the piece. */
int capi_pq_piece_open(const capi_pq_file *file, const capi_pq_want *wants, uint32_t want_count, uint32_t group,
                       uint64_t from, uint64_t count, uint32_t batch_rows, capi_pq_piece **out,
                       capi_pq_failure *failure);
int capi_pq_piece_next(capi_pq_piece *piece, const capi_pq_column **columns, uint32_t *rows,
                       capi_pq_failure *failure); /* 0 rows: the end */
void capi_pq_piece_close(capi_pq_piece *piece);

/* ---- writing ---- */

typedef struct capi_pq_output {
    int (*write)(void *context, const uint8_t *data, size_t bytes);
    void *context;
} capi_pq_output;

typedef enum capi_pq_kind {
    CAPI_PQ_OUT_TEXT,
    CAPI_PQ_OUT_INT,
    CAPI_PQ_OUT_FLOAT,
    CAPI_PQ_OUT_BOOL,
    CAPI_PQ_OUT_MILLIS,
    CAPI_PQ_OUT_CENTS,
} capi_pq_kind;

typedef struct capi_pq_out_field {
    const char *name;
    size_t name_bytes;
    uint8_t kind;
} capi_pq_out_field;

typedef struct capi_pq_out_column {
    const void *values;     /* bytes of all texts, or numbers, or one byte per bool */
    const int32_t *offsets; /* of texts: one more than rows */
    int64_t null_value;
    bool has_null_value;
} capi_pq_out_column;

int capi_pq_writer_open(const capi_pq_output *output, const capi_pq_out_field *fields, uint32_t field_count,
                        const char *codec, size_t codec_bytes, capi_pq_writer **out, capi_pq_failure *failure);
int capi_pq_writer_close(capi_pq_writer *writer, capi_pq_failure *failure); /* writes the footer; frees in any case */
void capi_pq_writer_free(capi_pq_writer *writer);
/* Any thread. Texts: values as PLAIN has them, a length of 4 bytes before each, with offsets of those. */
int capi_pq_group_encode(const capi_pq_writer *writer, const capi_pq_out_column *columns, uint32_t column_count,
                         uint32_t rows, capi_pq_group **out, capi_pq_failure *failure);
uint64_t capi_pq_group_bytes(const capi_pq_group *group);
int capi_pq_group_append(capi_pq_writer *writer, capi_pq_group *group, capi_pq_failure *failure); /* frees the group */
void capi_pq_group_free(capi_pq_group *group);

/* The file's columns, with the same schema and values; row i is row order[i]. One row group. Nested columns are refused. */
int capi_pq_reorder(const capi_pq_file *file, const uint32_t *order, uint64_t row_count, const capi_pq_output *output,
                    const char *codec, size_t codec_bytes, capi_pq_failure *failure);

/* ---- writing Arrow IPC files ---- */

typedef struct capi_ipc_writer capi_ipc_writer; /* of one thread at a time */

int capi_ipc_writer_open(const capi_pq_output *output, const capi_pq_out_field *fields, uint32_t field_count,
                         capi_ipc_writer **out, capi_pq_failure *failure);
/* One record batch. */
int capi_ipc_writer_write(capi_ipc_writer *writer, const capi_pq_out_column *columns, uint32_t column_count,
                          uint32_t rows, capi_pq_failure *failure);
int capi_ipc_writer_close(capi_ipc_writer *writer, capi_pq_failure *failure); /* the footer; frees in any case */
void capi_ipc_writer_free(capi_ipc_writer *writer);
