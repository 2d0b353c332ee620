/* csv_split.c - scans the lines of a range from both states they may begin in, and composes ranges.
 *
 * The lines are taken in portions that end at a line end. As soon as both scans are in the same state between two portions,
 * one of them can stop: from there on they count the same. */
#include "io/csv_split.h"

enum { SPLIT_PORTION_BYTES = 64 << 10 };

static void note_boundary(capi_csv_outcome *outcome, uint64_t offset)
{
    if (outcome->has_boundary) return;
    outcome->has_boundary = true;
    outcome->first_boundary = offset;
}

/* Counts records by masks from `at`, where one begins, as far as quotes are strict. Returns where the record begins that
 * was not finished. */
static size_t count_strict(capi_csv_outcome *outcome, const capi_csv_text *text, size_t at, capi_csv_window *window)
{
    size_t block = at >= window->start && at < window->end ? at - (at - window->start) % 64 : at;
    uint64_t first = UINT64_C(1) << (at - block);
    uint64_t keep = ~(first - 1);
    uint64_t line_start = first; /* bit 0: the byte before ended a line */
    uint64_t after_cr = 0;       /* bit 0: the line before consists of a CR */
    capi_csv_quotes quotes = {0, first, 0, 0};
    size_t start = at;

    for (; block < text->end; block += 64) {
        const capi_csv_masks *masks = capi_csv_window_at(window, text, block, text->end);
        uint64_t line_ends, line_starts, cr_lines, wrong, inside;

        if (text->end - block < 64) keep &= (UINT64_C(1) << (text->end - block)) - 1;
        line_ends = masks->line_end & keep;
        inside = capi_csv_quotes_step(&quotes, masks->quote & keep, masks->separator & keep, line_ends,
                                      masks->carriage_return & keep, &wrong);
        line_ends &= ~inside;
        if (wrong) line_ends &= (wrong & -wrong) - 1;
        line_starts = line_ends << 1 | line_start;
        cr_lines = (masks->carriage_return & keep & line_starts) << 1 | after_cr;
        outcome->record_count += (unsigned)__builtin_popcountll(line_ends & ~line_starts & ~cr_lines);
        if (line_ends) start = block + 64 - (unsigned)__builtin_clzll(line_ends);
        if (wrong) break;
        line_start = line_ends >> 63;
        after_cr = (masks->carriage_return & keep & line_starts) >> 63;
        keep = ~UINT64_C(0);
    }
    return start;
}

/* One portion of whole lines from `at` to the end of the text. */
static void scan_portion(capi_csv_outcome *outcome, const capi_csv_text *text, size_t at, uint64_t text_offset,
                         capi_csv_window *window)
{
    window->end = 0; /* masks of the portion before know nothing of this one */
    if (outcome->ends_in_quotes) {
        size_t next;

        if (capi_csv_record_rest(text, at, &next) == CAPI_CSV_CUT) return;
        outcome->record_count++;
        outcome->ends_in_quotes = false;
        at = next;
    }
    while (at < text->end) {
        uint32_t field_count;
        size_t next = at;
        capi_csv_step step;

        note_boundary(outcome, text_offset + at);
        at = count_strict(outcome, text, at, window);
        if (at == text->end) break;
        step = capi_csv_record_at(text, at, NULL, 0, &field_count, &next);
        if (step == CAPI_CSV_CUT) {
            outcome->ends_in_quotes = true;
            return;
        }
        outcome->record_count += step == CAPI_CSV_RECORD;
        at = next;
    }
}

/* Where the portion that begins at `at` ends: behind a line end, or at the end of the text. */
static size_t portion_end(const capi_csv_text *text, size_t at)
{
    const char *found;

    if (text->end - at <= SPLIT_PORTION_BYTES) return text->end;
    found = memchr(text->data + at + SPLIT_PORTION_BYTES, '\n', text->end - at - SPLIT_PORTION_BYTES);
    return found ? (size_t)(found - text->data) + 1 : text->end;
}

void capi_csv_scan_begin(capi_csv_scan_state *scan)
{
    memset(scan, 0, offsetof(capi_csv_scan_state, window));
    scan->window.start = scan->window.end = 0;
    scan->outcome[1].ends_in_quotes = true;
}

static void scan_both(capi_csv_scan_state *scan, const capi_csv_text *text, size_t at, uint64_t text_offset)
{
    capi_csv_outcome *outside = &scan->outcome[0], *quoted = &scan->outcome[1];
    uint64_t count_before = outside->record_count;

    scan_portion(outside, text, at, text_offset, &scan->window);
    if (scan->are_met) {
        quoted->ends_in_quotes = outside->ends_in_quotes;
        quoted->record_count += outside->record_count - count_before;
        note_boundary(quoted, text_offset + at);
        return;
    }
    scan_portion(quoted, text, at, text_offset, &scan->window);
    scan->are_met = !outside->ends_in_quotes && !quoted->ends_in_quotes;
}

void capi_csv_scan_lines(capi_csv_scan_state *scan, const capi_csv_text *text, size_t at, uint64_t text_offset)
{
    scan->line_end_count += capi_csv_count_line_ends(text->data + at, text->end - at);
    while (at < text->end) {
        capi_csv_text portion = *text;

        portion.end = portion_end(text, at);
        portion.is_complete = text->is_complete && portion.end == text->end;
        scan_both(scan, &portion, at, text_offset);
        at = portion.end;
    }
}

void capi_csv_scan_end(const capi_csv_scan_state *scan, capi_csv_span *span)
{
    span->line_end_count = scan->line_end_count;
    span->from[0] = scan->outcome[0];
    span->from[1] = scan->outcome[1];
}

void capi_csv_compose_spans(capi_csv_span *spans, uint64_t count)
{
    bool is_in_quotes = false;
    uint64_t records = 0, lines = 0;

    for (uint64_t i = 0; i < count; i++) {
        capi_csv_span *span = &spans[i];
        const capi_csv_outcome *outcome = &span->from[is_in_quotes];

        span->lines_before = lines;
        span->begins_records = span->has_lines && outcome->has_boundary;
        if (!span->has_lines) continue;
        span->start = outcome->first_boundary;
        span->start_record = records + is_in_quotes;
        records += outcome->record_count;
        lines += span->line_end_count;
        is_in_quotes = outcome->ends_in_quotes;
    }
}
