/* csv_record.c - the dialect as a state machine over bytes, one record at a time. */
#include "io/csv_record.h"

/* Where the field ends whose quoted part goes on at `at`, or SIZE_MAX if that is not among the bytes given. */
static size_t quoted_end(const capi_csv_text *text, size_t at)
{
    const char *data = text->data;
    const size_t if_missing = text->is_complete ? text->end : SIZE_MAX;

    for (;;) {
        const char *quote = at < text->end ? memchr(data + at, '"', text->end - at) : NULL;

        if (!quote) return if_missing;
        at = (size_t)(quote - data) + 1;
        if (at == text->end) return if_missing;
        if (data[at] == text->separator || data[at] == '\n') return at;
        if (data[at] == '"') {
            at++;
        } else if (data[at] == '\r') {
            if (at + 1 == text->end) return if_missing;
            if (data[at + 1] == '\n') return at + 1;
        }
    }
}

static size_t plain_end(const capi_csv_text *text, size_t at)
{
    while (at < text->end && text->data[at] != text->separator && text->data[at] != '\n')
        at++;
    return at == text->end && !text->is_complete ? SIZE_MAX : at;
}

/* The fields from `at` on, where a field begins, or inside of a quoted one. */
static capi_csv_step record_fields(const capi_csv_text *text, size_t at, bool is_in_quotes, uint32_t *ends,
                                   uint32_t ends_max, uint32_t *field_count, size_t *next)
{
    uint32_t count = 0;

    for (;;) {
        if (is_in_quotes || (at < text->end && text->data[at] == '"'))
            at = quoted_end(text, is_in_quotes ? at : at + 1);
        else
            at = plain_end(text, at);
        is_in_quotes = false;
        if (at == SIZE_MAX) return CAPI_CSV_CUT;
        if (count < ends_max) ends[count] = (uint32_t)at;
        count++;
        if (at == text->end || text->data[at] == '\n') break;
        at++;
    }
    *field_count = count;
    *next = at == text->end ? at : at + 1;
    return CAPI_CSV_RECORD;
}

capi_csv_step capi_csv_record_at(const capi_csv_text *text, size_t at, uint32_t *ends, uint32_t ends_max,
                                 uint32_t *field_count, size_t *next)
{
    const char *data = text->data;

    if (at == text->end) return text->is_complete ? CAPI_CSV_END : CAPI_CSV_CUT;
    if (data[at] == '\n') {
        *next = at + 1;
        return CAPI_CSV_BLANK;
    }
    if (data[at] == '\r' && at + 1 == text->end) {
        *next = text->end;
        return text->is_complete ? CAPI_CSV_BLANK : CAPI_CSV_CUT;
    }
    if (data[at] == '\r' && data[at + 1] == '\n') {
        *next = at + 2;
        return CAPI_CSV_BLANK;
    }
    return record_fields(text, at, false, ends, ends_max, field_count, next);
}

capi_csv_step capi_csv_record_rest(const capi_csv_text *text, size_t at, size_t *next)
{
    uint32_t field_count;

    return record_fields(text, at, true, NULL, 0, &field_count, next);
}

/* The general way: pairs of quotes become one, CR LF becomes LF, the closing quote goes. */
static capi_str unquote(const char *data, size_t start, size_t end, capi_arena *arena)
{
    char *copy = capi_arena_alloc(arena, end - start + 16);
    size_t bytes = 0;

    for (size_t at = start; at < end; at++) {
        if (data[at] == '"') {
            if (at + 1 == end) break;
            if (data[at + 1] == '"') at++;
        } else if (data[at] == '\r' && at + 1 < end && data[at + 1] == '\n') {
            continue;
        }
        copy[bytes++] = data[at];
    }
    memset(copy + bytes, 0, 16);
    return (capi_str){copy, bytes};
}

capi_str capi_csv_field(const char *data, size_t start, size_t end, bool is_last, capi_arena *arena)
{
    const char *quote;
    size_t from = start + 1;

    if (is_last && end > start && data[end - 1] == '\r') end--;
    if (start == end || data[start] != '"') return (capi_str){data + start, end - start};
    quote = from < end ? memchr(data + from, '"', end - from) : NULL;
    if (quote && quote != data + end - 1) return unquote(data, from, end, arena);
    if (quote) end--;
    if (from < end && memchr(data + from, '\r', end - from)) return unquote(data, from, end, arena);
    return (capi_str){data + from, end - from};
}
