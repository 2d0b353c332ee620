/* csv_scan.c - scans the ranges of an open file, and composes them.
 *
 * A range owns the lines that begin in it: those behind a line end at its first byte - 1 or later. They are read in steps of
 * whole lines; the last one may run past the end of the range. */
#include "io/csv_read.h"

#include <assert.h>

enum { SCAN_STEP_BYTES = 256 << 10 };

uint64_t capi_csv_range_end(const capi_csv *csv, uint64_t range)
{
    uint64_t size_bytes = capi_csv_size_bytes(csv);
    uint64_t start = range * csv->range_bytes;

    return size_bytes - start < csv->range_bytes ? size_bytes : start + csv->range_bytes;
}

/* Byte number in the piece behind the first LF at `from` or later, or 0 if there is none. */
static size_t behind_line_end(const capi_csv_piece *piece, size_t from)
{
    const char *found = from < piece->bytes ? memchr(piece->data + from, '\n', piece->bytes - from) : NULL;

    return found ? (size_t)(found - piece->data) + 1 : 0;
}

/* Loads the piece in which the first line of the range begins, at *at; *at is SIZE_MAX if no line begins in the range. */
static capi_status load_first_line(const capi_csv *csv, capi_csv_piece *piece, uint64_t range, size_t *at,
                                   capi_err *err)
{
    uint64_t start = range * csv->range_bytes;
    uint64_t end = capi_csv_range_end(csv, range);
    uint64_t offset = start > 0 ? start - 1 : 0; /* the byte in front tells whether a line begins at `start` */

    for (; offset < end; offset += piece->bytes) {
        CAPI_TRY(capi_csv_piece_load(piece, offset, SCAN_STEP_BYTES, err));
        *at = start > 0 ? behind_line_end(piece, 0) : 0;
        if (start > 0 && *at == 0) continue;
        if (offset + *at < end) return CAPI_OK;
        break;
    }
    *at = SIZE_MAX;
    return CAPI_OK;
}

/* Where the whole lines end that begin at `at` in the piece and before `end` in the file; 0 if the piece does not tell.
 * *is_done: no further line begins before `end`. */
static size_t lines_end(const capi_csv_piece *piece, size_t at, uint64_t end, bool *is_done)
{
    uint64_t last = end - 1 - piece->offset; /* the first LF from here on ends the last line */
    const char *found;
    size_t behind;

    *is_done = true;
    if (last < piece->bytes) {
        behind = behind_line_end(piece, (size_t)last > at ? (size_t)last : at);
        if (behind) return behind;
    }
    if (capi_csv_piece_is_last(piece)) return piece->bytes;
    *is_done = false;
    if (last < piece->bytes) return 0;
    found = memrchr(piece->data + at, '\n', piece->bytes - at);
    return found ? (size_t)(found - piece->data) + 1 : 0;
}

/* All lines from byte `at` of the piece on. */
static capi_status scan_lines(const capi_csv *csv, capi_csv_reader *reader, size_t at, uint64_t end, capi_err *err)
{
    capi_csv_piece *piece = &reader->piece;
    bool is_done = false;

    while (!is_done) {
        size_t to = lines_end(piece, at, end, &is_done);

        if (to > at) {
            capi_csv_text text = {piece->data, to, to == piece->bytes && capi_csv_piece_is_last(piece),
                                  csv->options.separator};

            capi_csv_scan_lines(&reader->scan, &text, at, piece->offset);
            if (!is_done) CAPI_TRY(capi_csv_piece_slide(piece, to, SCAN_STEP_BYTES, err));
            at = 0;
        } else if (!is_done) {
            CAPI_TRY(capi_csv_piece_extend(piece, at, err));
        }
    }
    return CAPI_OK;
}

static capi_status scan_range(const capi_csv *csv, capi_csv_reader *reader, uint64_t range, capi_csv_span *span,
                              capi_err *err)
{
    size_t at;

    CAPI_TRY(load_first_line(csv, &reader->piece, range, &at, err));
    if (at == SIZE_MAX) return CAPI_OK;
    span->has_lines = true;
    span->line_start = reader->piece.offset + at;
    capi_csv_scan_begin(&reader->scan);
    CAPI_TRY(scan_lines(csv, reader, at, capi_csv_range_end(csv, range), err));
    capi_csv_scan_end(&reader->scan, span);
    return CAPI_OK;
}

capi_status capi_csv_scan(capi_csv *csv, capi_csv_reader *reader, uint64_t range, capi_err *err)
{
    capi_status st;

    assert(range < csv->range_count);
    memset(&csv->spans[range], 0, sizeof csv->spans[range]);
    st = scan_range(csv, reader, range, &csv->spans[range], err);
    if (st != CAPI_OK) capi_err_note(err, "while scanning file \"%s\"", csv->path);
    return st;
}

void capi_csv_compose(capi_csv *csv)
{
    capi_csv_compose_spans(csv->spans, csv->range_count);
    csv->is_composed = true;
}
