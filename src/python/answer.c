/* answer.c - takes payloads apart; nothing in them is believed before it is checked. */
#include "python/answer.h"

enum { PART_BYTES = 17 }; /* u8 kind, u64 offset, u64 bytes */

capi_status answer_no_sense(capi_err *err)
{
    return capi_err_set(err, CAPI_INVALID, "the Python worker sent an answer that makes no sense");
}

/* ---- words ---- */

/* Bytes of a character that moves the cursor, rings, or turns the direction of text; 0 for all others. */
static size_t control_bytes(const char *at, size_t bytes)
{
    uint8_t first = (uint8_t)at[0];
    uint8_t second = bytes > 1 ? (uint8_t)at[1] : 0;
    uint8_t third = bytes > 2 ? (uint8_t)at[2] : 0;

    if (first == '\n' || first == '\t') return 0;
    if (first < 0x20 || first == 0x7f) return 1;
    if (first == 0xc2 && second < 0xa0) return 2; /* U+0080..U+009F */
    if (first != 0xe2) return 0;
    if (second == 0x80 && ((third >= 0x8e && third <= 0x8f) || (third >= 0xa8 && third <= 0xae))) return 3;
    return second == 0x81 && third >= 0xa6 && third <= 0xa9 ? 3
                                                            : 0; /* U+200E, U+200F, U+2028..U+202E, U+2066..U+2069 */
}

static void append_valid(capi_str words, capi_buf *to)
{
    for (size_t i = 0; i < words.bytes;) {
        const uint8_t *at = (const uint8_t *)words.data + i;
        size_t bytes = control_bytes(words.data + i, words.bytes - i);

        if (bytes == 3)
            capi_buf_printf(to, "\\u%04x", 0x2000 | (at[1] & 0x3f) << 6 | (at[2] & 0x3f));
        else if (bytes)
            capi_buf_printf(to, "\\x%02x", at[bytes - 1]);
        else
            capi_buf_append_byte(to, words.data[i]);
        i += bytes ? bytes : 1;
    }
}

void answer_append_words(capi_str words, capi_buf *to)
{
    while (words.bytes) {
        size_t valid_bytes;

        if (capi_str_is_utf8(words, &valid_bytes)) {
            append_valid(words, to);
            return;
        }
        append_valid(capi_str_slice(words, 0, valid_bytes), to);
        capi_buf_printf(to, "\\x%02x", (uint8_t)words.data[valid_bytes]);
        words = capi_str_slice(words, valid_bytes + 1, words.bytes);
    }
}

capi_status answer_failed(const char *prefix, capi_str words, capi_err *err)
{
    capi_buf clean = {0};

    answer_append_words(words, &clean);
    capi_err_set(err, CAPI_INVALID, "%s%.*s", prefix, (int)clean.bytes, clean.bytes ? clean.data : "");
    capi_buf_deinit(&clean);
    return CAPI_INVALID;
}

/* ---- payloads ---- */

static bool take_u32(capi_str *payload, uint32_t *out)
{
    if (payload->bytes < sizeof *out) return false;
    memcpy(out, payload->data, sizeof *out);
    *payload = capi_str_slice(*payload, sizeof *out, payload->bytes);
    return true;
}

static bool take_text(capi_str *payload, capi_str *out)
{
    uint32_t bytes;

    if (!take_u32(payload, &bytes) || bytes > payload->bytes) return false;
    *out = capi_str_slice(*payload, 0, bytes);
    *payload = capi_str_slice(*payload, bytes, payload->bytes);
    return true;
}

static capi_str first_line(capi_str text)
{
    const char *end = text.bytes ? memchr(text.data, '\n', text.bytes) : NULL;

    return end ? capi_str_slice(text, 0, (size_t)(end - text.data)) : text;
}

static void note_row(uint64_t row, capi_str words, capi_err *err)
{
    capi_buf clean = {0};

    answer_append_words(first_line(words), &clean);
    capi_err_note(err, "  row %llu: %.*s", (unsigned long long)row, (int)clean.bytes, clean.bytes ? clean.data : "");
    capi_buf_deinit(&clean);
}

capi_status answer_rows_failed(capi_str payload, uint32_t row_count, uint64_t first_row, uint32_t *bad_row,
                               capi_err *err)
{
    uint32_t failed_count, told_count, row;
    capi_str words;

    if (!take_u32(&payload, &failed_count) || !take_u32(&payload, &told_count) || told_count == 0 ||
        !take_u32(&payload, &row) || row >= row_count || !take_text(&payload, &words))
        return answer_no_sense(err);
    *bad_row = row;
    answer_failed("", words, err);
    if (failed_count > 1)
        capi_err_note(err, "%u more row%s of this page failed%s", failed_count - 1, failed_count == 2 ? "" : "s",
                      told_count > 1 ? ":" : "");
    for (uint32_t i = 1; i < told_count; i++) {
        if (!take_u32(&payload, &row) || row >= row_count || !take_text(&payload, &words)) break;
        note_row(first_row + row, words, err);
    }
    return CAPI_INVALID;
}

capi_status answer_parts(capi_str payload, uint32_t field_count, columns_part *parts, capi_err *err)
{
    if (payload.bytes != (uint64_t)field_count * PART_BYTES) return answer_no_sense(err);
    for (uint32_t i = 0; i < field_count; i++) {
        const char *at = payload.data + (size_t)i * PART_BYTES;

        parts[i] = (columns_part){.kind = at[0]};
        memcpy(&parts[i].offset, at + 1, 8);
        memcpy(&parts[i].bytes, at + 9, 8);
    }
    return CAPI_OK;
}
