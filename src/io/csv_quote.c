/* csv_quote.c - texts with quotes where they need them.
 *
 * Most need none, so the search for the bytes that matter looks at eight at a time; a hit is looked at again. */
#include "io/csv_quote.h"

#include "io/csv.h"

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (uint8_t)(value))

capi_csv_special capi_csv_special_of(capi_str separator)
{
    return (capi_csv_special){separator, separator.bytes ? separator.data[0] : ','};
}

/* Not zero if a byte of the word is zero; wrong only in which ones. */
static inline uint64_t zero_byte(uint64_t word)
{
    return (word - EACH_BYTE(1)) & ~word & EACH_BYTE(0x80);
}

/* Not zero if a byte of the word is special. */
static inline uint64_t special_bytes(const capi_csv_special *special, uint64_t word)
{
    return zero_byte(word ^ EACH_BYTE(',')) | zero_byte(word ^ EACH_BYTE('\n')) | zero_byte(word ^ EACH_BYTE('\r')) |
           zero_byte(word ^ EACH_BYTE(special->first));
}

static bool has_special(const capi_csv_special *special, const char *text, size_t bytes)
{
    uint64_t word, found = 0;

    if (bytes < 8) {
        for (size_t i = 0; i < bytes; i++)
            if (capi_csv_is_special(special, text[i])) return true;
        return false;
    }
    for (size_t i = 0; i + 8 < bytes; i += 8) {
        memcpy(&word, text + i, 8);
        found |= special_bytes(special, word);
    }
    memcpy(&word, text + bytes - 8, 8);
    return (found | special_bytes(special, word)) != 0;
}

/* For a text that has special bytes: are there commas or line ends, or a whole separator? */
static bool special_is_real(const capi_csv_special *special, capi_str text)
{
    if (special->separator.bytes <= 1) return true;
    for (size_t i = 0; i < text.bytes; i++)
        if (text.data[i] == ',' || text.data[i] == '\n' || text.data[i] == '\r') return true;
    return capi_str_find(text, special->separator) >= 0;
}

bool capi_csv_needs_quotes(const capi_csv_special *special, capi_str text)
{
    if (text.bytes == 0) return false;
    if (text.data[0] == '"') return true;
    return has_special(special, text.data, text.bytes) && special_is_real(special, text);
}

/* Quotes inside are doubled. */
static char *put_quoted(capi_str text, char *to)
{
    *to++ = '"';
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] == '"') *to++ = '"';
        *to++ = text.data[i];
    }
    *to++ = '"';
    return to;
}

char *capi_csv_put_text(const capi_csv_special *special, capi_str text, char *to)
{
    if (capi_csv_needs_quotes(special, text)) return put_quoted(text, to);
    if (text.bytes) memcpy(to, text.data, text.bytes);
    return to + text.bytes;
}

char *capi_csv_put_view(const capi_csv_special *special, const capi_view *view, char *to)
{
    uint64_t low;
    uint32_t high;

    if (view->bytes > CAPI_VIEW_INLINE_MAX) return capi_csv_put_text(special, capi_view_str(view), to);
    memcpy(&low, view->inlined, 8); /* zero behind the text: never special, but for a NUL as separator */
    memcpy(&high, view->inlined + 8, 4);
    if (special_bytes(special, low) | special_bytes(special, high) | (view->inlined[0] == '"'))
        return capi_csv_put_text(special, capi_view_str(view), to);
    memcpy(to, &low, 8);
    memcpy(to + 8, &high, 4);
    return to + view->bytes;
}

void capi_csv_quote(capi_str separator, capi_str text, capi_buf *to)
{
    capi_csv_special special = capi_csv_special_of(separator);
    char *start = capi_buf_reserve(to, 2 * text.bytes + 2);

    to->bytes += (size_t)(capi_csv_put_text(&special, text, start) - start);
}
