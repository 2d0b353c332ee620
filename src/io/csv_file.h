/* csv_file.h - a piece of a file in memory, with readable bytes behind it. One thread at a time. */
#pragma once

#include "base/file.h"
#include "io/csv_record.h"

typedef struct capi_csv_piece {
    const capi_file_reader *file;
    uint64_t offset; /* of data[0] in the file */
    char *data;
    size_t bytes;
    size_t capacity_bytes; /* without the padding */
} capi_csv_piece;

/* Reads bytes from `offset` on, at most to the end of the file, replacing what was there. */
CAPI_MUST_USE capi_status capi_csv_piece_load(capi_csv_piece *piece, uint64_t offset, size_t bytes, capi_err *err);
/* Reads more behind what is there: at least as much as there is from byte `keep` on. CAPI_INVALID, told as too long a
 * record, when that is already more than CAPI_CSV_FIELD_BYTES_MAX. What is in front of `keep` stays, too. */
CAPI_MUST_USE capi_status capi_csv_piece_extend(capi_csv_piece *piece, size_t keep, capi_err *err);
/* Forgets the bytes in front of `keep` and fills up to `bytes`: data[keep] becomes data[0]. */
CAPI_MUST_USE capi_status capi_csv_piece_slide(capi_csv_piece *piece, size_t keep, size_t bytes, capi_err *err);
bool capi_csv_piece_is_last(const capi_csv_piece *piece); /* the file ends with it */
void capi_csv_piece_deinit(capi_csv_piece *piece);
