/* csv_index.h - up to a chunk of records found at once: where their fields end.
 *
 * The fast way works on masks of 64 bytes. Quotes toggle "inside" (a running exclusive-or), as in strict CSV; that agrees
 * with our dialect as long as every opening quote stands at the start of a field and every closing one at its end, or both
 * in a pair. Both are checked by masks. From the first place where that fails the record is done again by csv_record.h. */
#pragma once

#include "io/csv_mask.h"
#include "io/csv_record.h"

enum { CAPI_CSV_MASK_BATCH = 64 /* blocks of masks computed at once: 4 KiB of text */ };

/* Quotes so far, carried from block to block. All zero but `may_open` at the start of a record. */
typedef struct capi_csv_quotes {
    uint64_t inside;         /* all ones inside a quoted field */
    uint64_t may_open;       /* bit 0: the byte before was a separator, line end or quote */
    uint64_t after_close;    /* bit 0: the byte before was a closing quote */
    uint64_t after_close_cr; /* bit 0: the two bytes before were a closing quote and CR */
} capi_csv_quotes;

/* Masks over a text, a batch at a time. */
typedef struct capi_csv_window {
    size_t start; /* of masks[0] in the text */
    size_t end;   /* masks are right up to here; start == end: none */
    capi_csv_masks masks[CAPI_CSV_MASK_BATCH];
} capi_csv_window;

/* The masks of the 64 bytes at `block` (window->start plus a multiple of 64, or a place outside of the window, where a new
 * one begins). `text` is readable for 64 bytes behind `bound`. */
const capi_csv_masks *capi_csv_window_at(capi_csv_window *window, const capi_csv_text *text, size_t block,
                                         size_t bound);

/* What is inside quotes in a block, from its masks; *wrong gets the bits where strict quoting and our dialect part. */
static inline uint64_t capi_csv_quotes_step(capi_csv_quotes *quotes, uint64_t quote, uint64_t separator,
                                            uint64_t line_end, uint64_t carriage_return, uint64_t *wrong)
{
    uint64_t edges = quote | separator | line_end;
    uint64_t inside = quote;
    uint64_t opening, closing, after, after_cr;

    if (!(quote | quotes->inside | quotes->after_close | quotes->after_close_cr)) {
        quotes->may_open = edges >> 63;
        *wrong = 0;
        return 0;
    }
    for (unsigned shift = 1; shift < 64; shift *= 2)
        inside ^= inside << shift;
    inside ^= quotes->inside;
    opening = quote & inside;
    closing = quote & ~inside;
    after = closing << 1 | quotes->after_close;
    after_cr = (after & carriage_return) << 1 | quotes->after_close_cr;
    *wrong =
        (opening & ~(edges << 1 | quotes->may_open)) | (after & ~(edges | carriage_return)) | (after_cr & ~line_end);
    quotes->may_open = edges >> 63;
    quotes->after_close = closing >> 63;
    quotes->after_close_cr = (after & carriage_return) >> 63;
    quotes->inside = (uint64_t)((int64_t)inside >> 63);
    return inside;
}

typedef struct capi_csv_index {
    uint32_t field_count; /* of every record */
    uint32_t row_max;
    uint32_t row_count;
    bool has_quotes;            /* some field may need capi_csv_field */
    bool has_odd_bytes;         /* some byte is NUL or not ASCII */
    uint32_t *ends;             /* [row * field_count + field] */
    uint32_t *starts;           /* [row]: of the record; one more than rows */
    uint32_t wrong_field_count; /* of the record that stopped the search, or 0 */
    capi_csv_window window;
} capi_csv_index;

/* Memory in `arena`, for up to row_max records at once; fewer for very wide ones. */
void capi_csv_index_init(capi_csv_index *index, uint32_t field_count, uint32_t row_max, capi_arena *arena);

/* Finds records from *at on, adding to those that the index has, until it is full, or the next record would begin at
 * `limit` or behind; moves *at to where the next one begins. Empty lines are skipped.
 *
 *     CAPI_CSV_RECORD   stopped as said, or because of index->wrong_field_count: *at is that record
 *     CAPI_CSV_CUT      the record at *at runs past the end of the text: call again when there is more
 *     CAPI_CSV_END      the file ends
 *
 * `text` is readable for CAPI_CSV_PADDING_BYTES behind its end. Its window is forgotten when the text has moved: set
 * index->window.end to 0. */
capi_csv_step capi_csv_index_rows(capi_csv_index *index, const capi_csv_text *text, size_t limit, size_t *at);
