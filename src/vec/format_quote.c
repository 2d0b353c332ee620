/* format_quote.c - "%q": texts and characters as Go writes them in a source. */
#include "vec/format_verb.h"
#include "vec/utf8.h"

#include <utf8proc.h>

bool capi_rune_is_print(uint32_t rune)
{
    if (rune < 0x80) return rune >= ' ' && rune <= '~';
    if (!capi_rune_is_valid(rune)) return false;
    switch (utf8proc_category((utf8proc_int32_t)rune)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO: return false;
    default: return true;
    }
}

static void append_escape(capi_buf *to, uint32_t rune)
{
    static const char letters[] = "abtnvfr"; /* of the bytes 7, 8, ... 13 */

    if (rune >= '\a' && rune <= '\r') {
        capi_buf_append_byte(to, '\\');
        capi_buf_append_byte(to, letters[rune - '\a']);
    } else if (rune < ' ' || rune == 0x7F) {
        capi_buf_printf(to, "\\x%02x", rune);
    } else if (rune < 0x10000) {
        capi_buf_printf(to, "\\u%04x", rune);
    } else {
        capi_buf_printf(to, "\\U%08x", rune);
    }
}

static void append_rune(capi_buf *to, uint32_t rune, char quote, bool is_ascii_only)
{
    char bytes[CAPI_RUNE_BYTES_MAX];

    if (rune == (unsigned char)quote || rune == '\\') {
        capi_buf_append_byte(to, '\\');
        capi_buf_append_byte(to, (char)rune);
    } else if (capi_rune_is_print(rune) && (rune < 0x80 || !is_ascii_only)) {
        capi_buf_append(to, bytes, capi_utf8_encode(rune, bytes));
    } else {
        append_escape(to, rune);
    }
}

static void append_quoted(capi_buf *to, capi_str text, bool is_ascii_only)
{
    const char *end = text.data + text.bytes;

    capi_buf_append_byte(to, '"');
    for (const char *at = text.data; at < end;) {
        uint32_t rune;
        unsigned bytes = capi_utf8_decode(at, end, &rune);

        if (bytes == 1 && rune == CAPI_RUNE_ERROR)
            capi_buf_printf(to, "\\x%02x", (unsigned char)*at);
        else
            append_rune(to, rune, '"', is_ascii_only);
        at += bytes;
    }
    capi_buf_append_byte(to, '"');
}

static bool can_be_backquoted(capi_str text)
{
    const char *end = text.data + text.bytes;

    for (const char *at = text.data; at < end;) {
        uint32_t rune;
        unsigned bytes = capi_utf8_decode(at, end, &rune);

        if (rune == 0xFEFF || (bytes == 1 && rune == CAPI_RUNE_ERROR)) return false;
        if ((rune < ' ' && rune != '\t') || rune == '`' || rune == 0x7F) return false;
        at += bytes;
    }
    return true;
}

void capi_format_quoted(capi_buf *to, const capi_format_spec *spec, capi_str text)
{
    capi_buf quoted = {0};

    if (spec->sharp && can_be_backquoted(text)) {
        capi_buf_append_byte(&quoted, '`');
        capi_buf_append_str(&quoted, text);
        capi_buf_append_byte(&quoted, '`');
    } else {
        append_quoted(&quoted, text, spec->plus);
    }
    capi_format_pad(to, spec, capi_buf_str(&quoted), true);
    capi_buf_deinit(&quoted);
}

void capi_format_quoted_rune(capi_buf *to, const capi_format_spec *spec, uint32_t rune)
{
    capi_buf quoted = {0};

    capi_buf_append_byte(&quoted, '\'');
    append_rune(&quoted, capi_rune_is_valid(rune) ? rune : CAPI_RUNE_ERROR, '\'', spec->plus);
    capi_buf_append_byte(&quoted, '\'');
    capi_format_pad(to, spec, capi_buf_str(&quoted), true);
    capi_buf_deinit(&quoted);
}
