/* source.c - leads places back through parameters to the file, and adds messages to the list. */
#include "script/source.h"

#include <stdarg.h>
#include <stdio.h>

/* The piece that holds byte `at` of the changed text. */
static const capi_source_piece *piece_at(const capi_source *source, uint32_t at)
{
    uint32_t low = 0;
    uint32_t high = source->piece_count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (source->pieces[middle].at <= at)
            low = middle;
        else
            high = middle;
    }
    return &source->pieces[low];
}

void capi_source_find(const capi_source *source, uint32_t start, uint32_t end, uint32_t *file_start, uint32_t *file_end)
{
    const capi_source_piece *first;
    const capi_source_piece *last;

    *file_start = start;
    *file_end = end > start ? end : start;
    if (source->piece_count == 0) return;
    first = piece_at(source, start);
    last = end > start ? piece_at(source, end - 1) : first;
    *file_start = first->is_replaced ? first->from : first->from + (start - first->at);
    *file_end = last->is_replaced ? last->to : last->from + ((end > start ? end : start) - last->at);
    if (*file_end < *file_start) *file_end = *file_start;
}

/* ---- parameters ---- */

enum { VALUES_MAX = 3, VALUE_BYTES_MAX = 60 };

/* The byte of the decoded value that stands at byte `at` of its text in the script, where line ends are "\n". */
static size_t decoded_at(capi_str value, size_t at)
{
    size_t written = 0;
    size_t i = 0;

    for (; i < value.bytes && written < at; i++)
        written += value.data[i] == '\n' ? 2 : 1;
    return i;
}

/* Says what stands where the file has {name}, and where that comes from: the place of bytes from..to of the value. */
static void append_value(capi_buf *to, const capi_source *source, const capi_source_piece *piece, uint32_t from,
                         uint32_t end)
{
    const capi_source_value *value = piece->value;
    bool is_last = piece + 1 == source->pieces + source->piece_count;
    uint32_t piece_end = is_last ? (uint32_t)source->text.bytes : piece[1].at;
    uint32_t bytes = piece_end - piece->at;
    uint32_t start;
    uint32_t line;
    uint32_t column;

    if (from > piece_end) from = piece_end;
    if (end > piece_end) end = piece_end;
    capi_buf_printf(to, "%s with parameter \"%.*s\" = \"%.*s%s\"", to->bytes ? "," : "", CAPI_STR_ARG(value->name),
                    (int)(bytes > VALUE_BYTES_MAX ? VALUE_BYTES_MAX : bytes), source->text.data + piece->at,
                    bytes > VALUE_BYTES_MAX ? "..." : "");
    if (!value->file) return;
    start = value->tree->start;
    if (value->tree->kind == CAPI_TREE_STRING)
        capi_tree_locate(value->tree, value->file->text,
                         decoded_at(value->tree->string, from > piece->at ? from - piece->at : 0),
                         decoded_at(value->tree->string, end > piece->at ? end - piece->at : 0), &start, &end);
    capi_diag_place(value->file->text, start, &line, &column);
    capi_buf_printf(to, " (%.*s:%u:%u)", CAPI_STR_ARG(value->file->url), line, column);
}

/* The piece to begin with: values may be empty, and what is missing behind a value is the value's mistake. */
static const capi_source_piece *piece_before(const capi_source *source, const capi_source_piece *piece, uint32_t start)
{
    uint32_t at = start;

    while (at > 0 && at <= source->text.bytes && source->text.data[at - 1] == ' ')
        at--;
    if (at < piece->at) piece = piece_at(source, at);
    while (piece > source->pieces && (piece[-1].at == start || (piece->at >= at && piece[-1].value)))
        piece--;
    return piece;
}

/* The context, with the parameters whose values the mistake lies in or goes across. Those of a mistake across several
 * lines say nothing about it. */
static capi_str context_with_values(const capi_report *report, const capi_source *source, uint32_t start, uint32_t end)
{
    const capi_source_piece *piece = source->piece_count ? piece_at(source, start) : NULL;
    const capi_source_piece *last;
    capi_str context = report->context;
    capi_buf words = {0};
    uint32_t count = 0;

    if (!piece || start > source->text.bytes) return context;
    last = source->pieces + source->piece_count;
    piece = piece_before(source, piece, start);
    if (end > start && memchr(source->text.data + start, '\n', end - start)) return context;
    for (; piece < last && count < VALUES_MAX && (piece->at < end || piece->at <= start); piece++)
        if (piece->value) {
            append_value(&words, source, piece, start, end);
            count++;
        }
    if (count)
        context =
            capi_str_format(report->arena, "%.*s%.*s", CAPI_STR_ARG(context),
                            CAPI_STR_ARG(capi_str_slice(capi_buf_str(&words), context.bytes ? 0 : 1, words.bytes)));
    capi_buf_deinit(&words);
    return context;
}

/* ---- reporting ---- */

static void report_add(capi_report *report, capi_severity severity, const char *rule, const capi_source *source,
                       uint32_t start, uint32_t end, const char *format, va_list args)
{
    capi_diag diag = {.severity = severity, .context = report->context, .rule = capi_str_of(rule)};
    char words[CAPI_ERR_TEXT_MAX];
    int bytes = vsnprintf(words, sizeof words, format, args);
    uint32_t file_start;
    uint32_t file_end;

    if (severity == CAPI_WARNING && report->warning_count++ >= CAPI_WARNING_MAX) return;
    diag.message = (capi_str){words, bytes < 0 ? 0 : (size_t)bytes < sizeof words ? (size_t)bytes : sizeof words - 1};
    for (size_t i = 0; i < diag.message.bytes; i++)
        if (words[i] == '\n' || words[i] == 0) words[i] = ' ';
    if (!source) {
        capi_diags_add(report->diags, &diag, (capi_str){0}, 0, 0);
        return;
    }
    diag.file = source->url;
    diag.context = context_with_values(report, source, start, end);
    capi_source_find(source, start, end, &file_start, &file_end);
    capi_diags_add(report->diags, &diag, source->original, file_start, file_end - file_start);
}

void capi_report_error(capi_report *report, const char *rule, const capi_source *source, uint32_t start, uint32_t end,
                       const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report_add(report, CAPI_ERROR, rule, source, start, end, format, args);
    va_end(args);
}

void capi_report_warning(capi_report *report, const char *rule, const capi_source *source, uint32_t start, uint32_t end,
                         const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report_add(report, CAPI_WARNING, rule, source, start, end, format, args);
    va_end(args);
}

enum { WORDS_MAX = 20 };

capi_str capi_words_join(capi_arena *arena, const capi_str *words, size_t count, bool quote)
{
    capi_buf buf = {0};
    capi_str joined;

    for (size_t i = 0; i < count && i < WORDS_MAX; i++)
        capi_buf_printf(&buf, "%s%s%.*s%s", i ? ", " : "", quote ? "\"" : "", CAPI_STR_ARG(words[i]),
                        quote ? "\"" : "");
    if (count > WORDS_MAX) capi_buf_append_text(&buf, ", ...");
    joined = capi_str_copy(arena, capi_buf_str(&buf));
    capi_buf_deinit(&buf);
    return joined;
}

bool capi_report_may_hint(capi_report *report)
{
    return report->hint_count++ < CAPI_HINT_MAX;
}

capi_str capi_did_you_mean(capi_arena *arena, capi_str wrong, const capi_str *candidates, size_t count)
{
    capi_str nearest = capi_str_nearest(wrong, candidates, count);

    if (nearest.bytes == 0) return CAPI_STR("");
    return capi_str_format(arena, "; did you mean \"%.*s\"?", CAPI_STR_ARG(nearest));
}
