/* csv_index.c - finds records by masks; see csv_index.h for the idea.
 *
 * Positions of field ends are written for whole blocks without looking at them. Then each line end is checked: if it is
 * not the expected number of fields behind the one before it, the record in front of it is done again the careful way, which
 * skips an empty line or finds the wrong number of fields. */
#include "io/csv_index.h"

#include <assert.h>

enum {
    INDEX_ENDS_MAX = 1 << 22,  /* fields of all records in an index: bounds the rows of very wide files */
    INDEX_ENDS_SLACK = 64 + 8, /* a whole block may be written behind the last row */
};

void capi_csv_index_init(capi_csv_index *index, uint32_t field_count, uint32_t row_max, capi_arena *arena)
{
    uint32_t fitting = INDEX_ENDS_MAX / (field_count ? field_count : 1);

    assert(field_count > 0);
    if (fitting < 1) fitting = 1;
    memset(index, 0, sizeof *index);
    index->field_count = field_count;
    index->row_max = fitting < row_max ? fitting : row_max;
    index->ends = capi_arena_alloc_aligned(
        arena, capi_array_bytes((size_t)index->row_max * field_count + INDEX_ENDS_SLACK, sizeof(uint32_t)));
    index->starts = capi_arena_alloc_aligned(arena, capi_array_bytes((size_t)index->row_max + 1, sizeof(uint32_t)));
}

const capi_csv_masks *capi_csv_window_at(capi_csv_window *window, const capi_csv_text *text, size_t block, size_t bound)
{
    if (block < window->start || block >= window->end) {
        size_t blocks = (bound - block + 63) / 64;

        if (blocks > CAPI_CSV_MASK_BATCH) blocks = CAPI_CSV_MASK_BATCH;
        capi_csv_mask(text->data + block, blocks, text->separator, window->masks);
        window->start = block;
        window->end = block + blocks * 64;
    }
    return &window->masks[(block - window->start) / 64];
}

/* Writes `base` plus the number of each set bit; may write up to 7 values more than there are bits. */
static void write_bits(uint32_t *to, uint64_t bits, uint32_t base, unsigned count)
{
    for (unsigned done = 0; done < count; done += 8) {
        for (unsigned i = 0; i < 8; i++) {
            to[i] = base + (unsigned)__builtin_ctzll(bits | UINT64_C(1) << 63);
            bits &= bits - 1;
        }
        to += 8;
    }
}

static uint64_t bits_below(unsigned bit)
{
    return (UINT64_C(1) << bit) - 1;
}

/* Rows by masks up to `bound`; stops at the first record that needs care, or when the index is full. Returns where the row
 * in progress begins. */
static size_t fast_rows(capi_csv_index *index, const capi_csv_text *text, size_t at, size_t bound)
{
    const uint32_t fields = index->field_count;
    uint32_t row = index->row_count;
    size_t written = (size_t)row * fields; /* ends */
    size_t start = at;                     /* of the row in progress */
    capi_csv_window *window = &index->window;
    size_t block = at >= window->start && at < window->end ? at - (at - window->start) % 64 : at;
    uint64_t keep = ~bits_below((unsigned)(at - block));
    capi_csv_quotes quotes = {0, UINT64_C(1) << (at - block), 0, 0};

    index->starts[row] = (uint32_t)at;
    for (; block < bound; block += 64) {
        const capi_csv_masks *masks = capi_csv_window_at(window, text, block, bound);
        uint64_t quote, inside, wrong, ends, line_ends;
        unsigned count;

        if (bound - block < 64) keep &= bits_below((unsigned)(bound - block));
        quote = masks->quote & keep;
        line_ends = masks->line_end & keep;
        ends = masks->separator & keep;
        inside = capi_csv_quotes_step(&quotes, quote, ends, line_ends, masks->carriage_return & keep, &wrong);
        index->has_quotes |= quote != 0;
        index->has_odd_bytes |= (masks->odd & keep) != 0;
        ends = (ends | line_ends) & ~inside;
        line_ends &= ~inside;
        if (wrong) {
            uint64_t before = (wrong & -wrong) - 1;

            ends &= before;
            line_ends &= before;
        }
        count = (unsigned)__builtin_popcountll(ends);
        write_bits(index->ends + written, ends, (uint32_t)block, count);
        while (line_ends) {
            unsigned bit = (unsigned)__builtin_ctzll(line_ends);
            size_t end = block + bit;
            size_t number = written + (unsigned)__builtin_popcountll(ends & bits_below(bit));

            if (number != (size_t)row * fields + fields - 1) goto out;
            if (fields == 1 && (end == start || (end == start + 1 && text->data[start] == '\r'))) goto out;
            start = end + 1;
            index->starts[++row] = (uint32_t)start;
            if (row == index->row_max) goto out;
            line_ends &= line_ends - 1;
        }
        written += count;
        if (wrong || written >= (size_t)row * fields + fields) break;
        keep = ~UINT64_C(0);
    }
out:
    index->row_count = row;
    return start;
}

/* One record or empty line the careful way. */
static capi_csv_step careful_row(capi_csv_index *index, const capi_csv_text *text, size_t *at)
{
    const uint32_t fields = index->field_count;
    uint32_t field_count = 0;
    size_t next = *at;
    capi_csv_step step =
        capi_csv_record_at(text, *at, index->ends + (size_t)index->row_count * fields, fields, &field_count, &next);

    if (step == CAPI_CSV_BLANK) *at = next;
    if (step != CAPI_CSV_RECORD) return step;
    if (field_count != fields) {
        index->wrong_field_count = field_count;
        return step;
    }
    if (!index->has_quotes) index->has_quotes = memchr(text->data + *at, '"', next - *at) != NULL;
    if (!index->has_odd_bytes) index->has_odd_bytes = capi_csv_has_odd_bytes(text->data + *at, next - *at);
    index->starts[index->row_count++] = (uint32_t)*at;
    *at = next;
    return step;
}

capi_csv_step capi_csv_index_rows(capi_csv_index *index, const capi_csv_text *text, size_t limit, size_t *at)
{
    size_t bound = limit < text->end ? limit : text->end;

    index->wrong_field_count = 0;
    while (index->row_count < index->row_max && *at < limit) {
        capi_csv_step step;

        if (*at < bound) *at = fast_rows(index, text, *at, bound);
        if (index->row_count == index->row_max || *at >= limit) break;
        step = careful_row(index, text, at);
        if (step == CAPI_CSV_CUT || step == CAPI_CSV_END || index->wrong_field_count) return step;
    }
    return CAPI_CSV_RECORD;
}
