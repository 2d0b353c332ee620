/* csv_file.c - loads and extends pieces of a file. */
#include "io/csv_file.h"

#include "io/csv.h"
#include "io/csv_mask.h"

#include <stdlib.h>

static uint64_t file_bytes(const capi_csv_piece *piece)
{
    return capi_file_identity(piece->file)->size_bytes;
}

/* Reads the bytes data[piece->bytes .. bytes). */
static capi_status piece_fill(capi_csv_piece *piece, size_t bytes, capi_err *err)
{
    size_t wanted = bytes - piece->bytes, got = 0;

    if (bytes > piece->capacity_bytes || !piece->data) {
        piece->data = capi_realloc(piece->data, bytes + CAPI_CSV_PADDING_BYTES);
        piece->capacity_bytes = bytes;
    }
    CAPI_TRY(
        capi_file_read_at(piece->file, piece->offset + piece->bytes, piece->data + piece->bytes, wanted, &got, err));
    piece->bytes += got;
    memset(piece->data + piece->bytes, 0, CAPI_CSV_PADDING_BYTES);
    if (got == wanted) return CAPI_OK;
    CAPI_TRY(capi_file_check_unchanged(piece->file, err));
    return capi_err_set(err, CAPI_UNAVAILABLE, "could not read %zu bytes at byte %llu: the file ended early", wanted,
                        (unsigned long long)(piece->offset + piece->bytes - got));
}

capi_status capi_csv_piece_load(capi_csv_piece *piece, uint64_t offset, size_t bytes, capi_err *err)
{
    uint64_t left = file_bytes(piece) - offset;

    piece->offset = offset;
    piece->bytes = 0;
    return piece_fill(piece, left < bytes ? (size_t)left : bytes, err);
}

capi_status capi_csv_piece_extend(capi_csv_piece *piece, size_t keep, capi_err *err)
{
    enum { EXTEND_BYTES_MIN = 16 << 10 };
    uint64_t left = file_bytes(piece) - piece->offset - piece->bytes;
    size_t kept = piece->bytes - keep;
    size_t more = kept < EXTEND_BYTES_MIN ? EXTEND_BYTES_MIN : kept;
    const size_t kept_max = CAPI_CSV_FIELD_BYTES_MAX;

    if (kept > kept_max)
        return capi_err_set(err, CAPI_INVALID,
                            "the record that begins at byte %llu has more than %d MiB; is a quote never closed?",
                            (unsigned long long)(piece->offset + keep), CAPI_CSV_FIELD_BYTES_MAX >> 20);
    if (more > kept_max + EXTEND_BYTES_MIN - kept) more = kept_max + EXTEND_BYTES_MIN - kept;
    return piece_fill(piece, piece->bytes + (left < more ? (size_t)left : more), err);
}

capi_status capi_csv_piece_slide(capi_csv_piece *piece, size_t keep, size_t bytes, capi_err *err)
{
    size_t kept = piece->bytes - keep;
    uint64_t left = file_bytes(piece) - piece->offset - keep;

    if (kept) memmove(piece->data, piece->data + keep, kept);
    piece->offset += keep;
    piece->bytes = kept;
    if (bytes < kept) bytes = kept;
    return piece_fill(piece, left < bytes ? (size_t)left : bytes, err);
}

bool capi_csv_piece_is_last(const capi_csv_piece *piece)
{
    return piece->offset + piece->bytes == file_bytes(piece);
}

void capi_csv_piece_deinit(capi_csv_piece *piece)
{
    free(piece->data);
    *piece = (capi_csv_piece){.file = piece->file};
}
