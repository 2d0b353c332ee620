/* diag.c - keeps mistakes with their places and prints them with the line and a caret under the place.
 *
 * Columns count characters: a well-formed UTF-8 sequence is one, a byte that belongs to none is one too. */
#include "base/diag.h"

#include "base/secret.h"

#include <stdio.h>

enum { EXCERPT_CHARACTERS = 120, EXCERPT_BEFORE = 60 };

void capi_diags_init(capi_diags *diags, capi_arena *arena)
{
    *diags = (capi_diags){.arena = arena};
}

/* Bytes of the character at `at`, at least 1. Only the shape is looked at: enough to count as editors do. */
static size_t character_bytes(capi_str text, size_t at)
{
    unsigned char lead = (unsigned char)text.data[at];
    size_t bytes = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;

    if (text.bytes - at < bytes) return 1;
    for (size_t i = 1; i < bytes; i++)
        if (((unsigned char)text.data[at + i] & 0xC0) != 0x80) return 1;
    return bytes;
}

static uint32_t count_characters(capi_str text)
{
    size_t count = 0;

    for (size_t at = 0; at < text.bytes; at += character_bytes(text, at))
        count++;
    return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

static size_t skip_characters(capi_str text, size_t at, uint32_t count)
{
    while (count > 0 && at < text.bytes) {
        at += character_bytes(text, at);
        count--;
    }
    return at < text.bytes ? at : text.bytes;
}

/* The line around `offset`, without its end; *start is where it begins. */
static capi_str line_at(capi_str text, size_t offset, size_t *start)
{
    const char *before = offset ? memrchr(text.data, '\n', offset) : NULL;
    const char *after = offset < text.bytes ? memchr(text.data + offset, '\n', text.bytes - offset) : NULL;
    size_t end = after ? (size_t)(after - text.data) : text.bytes;

    *start = before ? (size_t)(before - text.data) + 1 : 0;
    if (end > *start && text.data[end - 1] == '\r') end--;
    return capi_str_slice(text, *start, end);
}

static uint32_t line_number(capi_str text, size_t line_start)
{
    uint32_t line = 1;
    const char *at = text.data;
    const char *end = text.data + line_start;

    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        line++;
        at++;
    }
    return line;
}

/* Cuts a long line around diag->column, with "..." where something is left out. */
static void cut_excerpt(capi_diag *diag, capi_str line, capi_arena *arena)
{
    uint32_t before = diag->column - 1;
    uint32_t skipped = before > EXCERPT_BEFORE ? before - EXCERPT_BEFORE : 0;
    size_t start;
    size_t end;

    if (skip_characters(line, 0, EXCERPT_CHARACTERS) == line.bytes) skipped = 0;
    start = skip_characters(line, 0, skipped);
    end = skip_characters(line, start, EXCERPT_CHARACTERS);
    diag->excerpt = capi_str_format(arena, "%s%.*s%s", skipped ? "..." : "", (int)(end - start), line.data + start,
                                    end < line.bytes ? "..." : "");
    diag->excerpt_column = diag->column - skipped + (skipped ? 3 : 0);
}

/* printf would stop at a NUL; a space stands for it. */
static capi_str without_nul(capi_str line, capi_arena *arena)
{
    char *copy;

    if (!line.bytes || !memchr(line.data, 0, line.bytes)) return line;
    copy = capi_arena_copy(arena, line.data, line.bytes);
    for (size_t i = 0; i < line.bytes; i++)
        if (copy[i] == 0) copy[i] = ' ';
    return (capi_str){copy, line.bytes};
}

static void locate(capi_diag *diag, capi_str text, uint64_t offset, uint32_t length_bytes, capi_arena *arena)
{
    size_t at = offset < text.bytes ? (size_t)offset : text.bytes;
    size_t start;
    size_t end;
    capi_str line = line_at(text, at, &start);

    diag->line = line_number(text, start);
    at -= start;
    if (at > line.bytes) at = line.bytes;
    diag->column = count_characters(capi_str_slice(line, 0, at)) + 1;
    end = length_bytes < line.bytes - at ? at + length_bytes : line.bytes;
    diag->length = count_characters(capi_str_slice(line, at, end));
    if (diag->length == 0) diag->length = 1;
    if (line.data) cut_excerpt(diag, capi_secret_mask(without_nul(line, arena), arena), arena);
}

void capi_diag_place(capi_str text, uint64_t offset, uint32_t *line, uint32_t *column)
{
    size_t at = offset < text.bytes ? (size_t)offset : text.bytes;
    size_t start;

    line_at(text, at, &start);
    *line = line_number(text, start);
    *column = count_characters(capi_str_slice(text, start, at)) + 1;
}

capi_str capi_diag_suggestion(const capi_diag *diag)
{
    static const char begin[] = "did you mean \"";
    capi_str rest = diag->message;
    int64_t at;

    if (!capi_str_ends(rest, "\"?")) return (capi_str){0};
    while ((at = capi_str_find(rest, CAPI_STR(begin))) >= 0) {
        rest = capi_str_slice(rest, (size_t)at + strlen(begin), rest.bytes);
        if (capi_str_find(rest, CAPI_STR(begin)) < 0) return capi_str_slice(rest, 0, rest.bytes - strlen("\"?"));
    }
    return (capi_str){0};
}

static capi_diag *diags_next(capi_diags *diags)
{
    if (diags->count == diags->capacity) {
        uint32_t capacity = diags->capacity ? diags->capacity * 2 : 8;
        capi_diag *items = capi_new_array(diags->arena, capi_diag, capacity);

        if (diags->count) memcpy(items, diags->items, diags->count * sizeof *items);
        diags->items = items;
        diags->capacity = capacity;
    }
    return &diags->items[diags->count++];
}

void capi_diags_add(capi_diags *diags, const capi_diag *diag, capi_str text, uint64_t offset, uint32_t length_bytes)
{
    capi_arena *arena = diags->arena;
    capi_diag *kept;

    if (diag->severity == CAPI_ERROR) diags->error_count++;
    if (diags->count >= CAPI_DIAG_MAX) return;
    kept = diags_next(diags);
    *kept = *diag;
    kept->file = capi_str_copy(arena, diag->file);
    kept->rule = capi_str_copy(arena, diag->rule);
    kept->message = capi_secret_mask(capi_str_copy(arena, diag->message), arena);
    kept->context = capi_str_copy(arena, diag->context);
    if (text.data)
        locate(kept, text, offset, length_bytes, arena);
    else
        kept->excerpt = capi_str_copy(arena, diag->excerpt);
}

static bool diag_before(const capi_diag *a, const capi_diag *b)
{
    if (a->line != b->line) return a->line < b->line;
    return a->column < b->column;
}

/* Stable, and the list is short: mistakes at one place stay in the order in which they were found. Files keep the order
 * of their first mistake. */
void capi_diags_sort(capi_diags *diags)
{
    for (uint32_t i = 1; i < diags->count; i++) {
        capi_diag diag = diags->items[i];
        uint32_t at = i;
        uint32_t last_of_file = i;

        while (last_of_file > 0 && !capi_str_equal(diags->items[last_of_file - 1].file, diag.file))
            last_of_file--;
        if (last_of_file > 0) {
            while (last_of_file > 0 && capi_str_equal(diags->items[last_of_file - 1].file, diag.file) &&
                   diag_before(&diag, &diags->items[last_of_file - 1]))
                last_of_file--;
            for (; at > last_of_file; at--)
                diags->items[at] = diags->items[at - 1];
        }
        diags->items[at] = diag;
    }
}

static void print_place(const capi_diag *diag, capi_buf *to)
{
    capi_buf_append_str(to, diag->file);
    if (diag->line) capi_buf_printf(to, "%s%u", diag->file.bytes ? ":" : "line ", diag->line);
    if (diag->line && diag->column) capi_buf_printf(to, ":%u", diag->column);
    if (diag->file.bytes || diag->line) capi_buf_append_text(to, ": ");
}

/* What names and values bring along must not move a terminal's cursor. */
static void append_plainly(capi_buf *to, capi_str text)
{
    for (size_t i = 0; i < text.bytes; i++)
        capi_buf_append_byte(to, ((unsigned char)text.data[i] < 0x20 && text.data[i] != '\n') || text.data[i] == 0x7F
                                     ? '?'
                                     : text.data[i]);
}

/* Control characters would disturb the terminal, so each shows as one "?"; a tab stays, for the caret line has it too. */
static void print_excerpt(const capi_diag *diag, capi_buf *to)
{
    capi_str excerpt = diag->excerpt;

    capi_buf_printf(to, "%5u | ", diag->line);
    for (size_t at = 0; at < excerpt.bytes;) {
        size_t bytes = character_bytes(excerpt, at);
        unsigned char first = (unsigned char)excerpt.data[at];
        bool odd = (first < 0x20 && first != '\t') || first == 0x7F || (bytes == 1 && first >= 0x80);

        if (odd)
            capi_buf_append_byte(to, '?');
        else
            capi_buf_append(to, excerpt.data + at, bytes);
        at += bytes;
    }
    capi_buf_append_byte(to, '\n');
}

static void print_caret(const capi_diag *diag, capi_buf *to)
{
    capi_str excerpt = diag->excerpt;
    uint32_t column = 1;
    size_t at = 0;
    uint32_t left = count_characters(excerpt);
    uint32_t length = diag->length ? diag->length : 1;

    capi_buf_append_text(to, "      | ");
    for (; column < diag->excerpt_column && at < excerpt.bytes; column++) {
        capi_buf_append_byte(to, excerpt.data[at] == '\t' ? '\t' : ' ');
        at += character_bytes(excerpt, at);
    }
    left = left > column - 1 ? left - (column - 1) : 1;
    if (length > left) length = left;
    capi_buf_append_byte(to, '^');
    for (uint32_t i = 1; i < length; i++)
        capi_buf_append_byte(to, '~');
    capi_buf_append_byte(to, '\n');
}

void capi_diag_print(const capi_diag *diag, capi_buf *to)
{
    print_place(diag, to);
    capi_buf_append_text(to, diag->severity == CAPI_ERROR ? "error: " : "warning: ");
    append_plainly(to, diag->message);
    if (diag->rule.bytes) capi_buf_printf(to, " [%.*s]", CAPI_STR_ARG(diag->rule));
    capi_buf_append_byte(to, '\n');
    if (diag->line && diag->excerpt.data) {
        print_excerpt(diag, to);
        if (diag->column) print_caret(diag, to);
    }
    if (diag->context.bytes) {
        capi_buf_append_text(to, "  ");
        append_plainly(to, diag->context);
        capi_buf_append_byte(to, '\n');
    }
}

static uint32_t kept_error_count(const capi_diags *diags)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < diags->count; i++)
        count += diags->items[i].severity == CAPI_ERROR;
    return count;
}

void capi_diags_print(const capi_diags *diags, capi_buf *to)
{
    uint32_t more = diags->error_count - kept_error_count(diags);

    capi_buf_reserve(to, 1); /* nothing to say is a text too: callers hand to->data to fwrite, which takes no NULL */
    for (uint32_t i = 0; i < diags->count; i++)
        capi_diag_print(&diags->items[i], to);
    if (more) capi_buf_printf(to, "and %u more error%s\n", more, more == 1 ? "" : "s");
}

capi_status capi_diags_to_err(const capi_diags *diags, capi_err *err)
{
    capi_buf place = {0};
    const capi_diag *first = NULL;

    for (uint32_t i = 0; i < diags->count && !first; i++)
        if (diags->items[i].severity == CAPI_ERROR) first = &diags->items[i];
    if (diags->error_count == 0) return CAPI_OK;
    if (!first) return capi_err_set(err, CAPI_INVALID, "%u errors", diags->error_count);
    print_place(first, &place);
    capi_err_set(err, CAPI_INVALID, "%.*s%.*s", CAPI_STR_ARG(capi_buf_str(&place)), CAPI_STR_ARG(first->message));
    if (first->context.bytes) capi_err_note(err, "%.*s", CAPI_STR_ARG(first->context));
    if (diags->error_count > 1)
        capi_err_note(err, "and %u more error%s", diags->error_count - 1, diags->error_count == 2 ? "" : "s");
    capi_buf_deinit(&place);
    return CAPI_INVALID;
}
