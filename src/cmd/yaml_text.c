/* yaml_text.c - see yaml_text.h. Whatever is written reads back as the same value, in YAML 1.1 and 1.2. */
#include "cmd/yaml_text.h"

#include <ctype.h>

enum { LINE_BYTES = 118, INDENT = 2 };

/* ---- on one line ---- */

/* The bytes at `text` that YAML does not take as they are, and their code point: control characters and non-characters. */
static size_t special_bytes(const unsigned char *text, size_t bytes, unsigned *code)
{
    *code = text[0];
    if (text[0] < 0x20 || text[0] == 0x7f) return 1;
    if (bytes >= 2 && text[0] == 0xc2 && text[1] < 0xa0) {
        *code = text[1];
        return 2;
    }
    if (bytes < 3) return 0;
    *code = (unsigned)(text[0] & 0x0f) << 12 | (unsigned)(text[1] & 0x3f) << 6 | (text[2] & 0x3f);
    if (text[0] == 0xe2 && (*code == 0x2028 || *code == 0x2029)) return 3;
    return text[0] == 0xef && (*code == 0xfeff || *code >= 0xfffe) ? 3 : 0;
}

static void append_quoted(capi_buf *to, const char *text, size_t bytes)
{
    capi_buf_append_byte(to, '"');
    for (size_t at = 0; at < bytes;) {
        unsigned code;
        size_t special = special_bytes((const unsigned char *)text + at, bytes - at, &code);

        if (special && (code == '\n' || code == '\t')) {
            capi_buf_append_text(to, code == '\n' ? "\\n" : "\\t");
        } else if (special) {
            capi_buf_printf(to, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
        } else {
            if (text[at] == '"' || text[at] == '\\') capi_buf_append_byte(to, '\\');
            capi_buf_append_byte(to, text[at]);
        }
        at += special ? special : 1;
    }
    capi_buf_append_byte(to, '"');
}

/* A word that is no number and none of the words that some YAML takes for a bool or null. */
static bool is_plain_key(const char *key)
{
    static const char *const words[] = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"};
    size_t bytes = strlen(key);

    if (!isalpha((unsigned char)key[0])) return false;
    for (size_t i = 0; i < bytes; i++)
        if (!isalnum((unsigned char)key[i]) && key[i] != '_') return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(key, words[i]) == 0) return false;
    return true;
}

static void append_key(capi_buf *to, const char *key)
{
    if (is_plain_key(key))
        capi_buf_append_text(to, key);
    else
        append_quoted(to, key, strlen(key));
    capi_buf_append_byte(to, ':');
}

static void append_line(capi_buf *to, const json_t *value)
{
    size_t index = 0;
    const char *key;
    json_t *item;

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        capi_buf_append_byte(to, '{');
        json_object_foreach((json_t *)value, key, item)
        {
            if (index++ > 0) capi_buf_append_text(to, ", ");
            append_key(to, key);
            capi_buf_append_byte(to, ' ');
            append_line(to, item);
        }
        capi_buf_append_byte(to, '}');
        return;
    case JSON_ARRAY:
        capi_buf_append_byte(to, '[');
        json_array_foreach(value, index, item)
        {
            if (index > 0) capi_buf_append_text(to, ", ");
            append_line(to, item);
        }
        capi_buf_append_byte(to, ']');
        return;
    case JSON_STRING: append_quoted(to, json_string_value(value), json_string_length(value)); return;
    case JSON_INTEGER: capi_buf_printf(to, "%lld", (long long)json_integer_value(value)); return;
    case JSON_REAL: capi_buf_printf(to, "%.17g", json_real_value(value)); return;
    case JSON_TRUE: capi_buf_append_text(to, "true"); return;
    case JSON_FALSE: capi_buf_append_text(to, "false"); return;
    case JSON_NULL: capi_buf_append_text(to, "null"); return;
    }
}

/* ---- in blocks ---- */

/* How many levels of maps and lists there are. */
static unsigned depth_of(const json_t *value)
{
    unsigned deepest = 0;
    size_t index;
    const char *key;
    json_t *item;

    json_object_foreach((json_t *)value, key, item) if (depth_of(item) > deepest) deepest = depth_of(item);
    json_array_foreach(value, index, item) if (depth_of(item) > deepest) deepest = depth_of(item);
    return deepest + (json_is_object(value) || json_is_array(value));
}

/* True, and appended, if the value is small enough for the rest of a line. */
static bool fits_line(capi_buf *to, const json_t *value, size_t used_bytes)
{
    enum { DEPTH_ON_A_LINE = 2 };
    size_t before = to->bytes;

    if (depth_of(value) > DEPTH_ON_A_LINE) return false;
    append_line(to, value);
    if (to->bytes - before + used_bytes <= LINE_BYTES || !(json_is_object(value) || json_is_array(value))) return true;
    if (json_object_size(value) == 0 && json_array_size(value) == 0) return true;
    to->bytes = before;
    return false;
}

static void append_indent(capi_buf *to, unsigned indent)
{
    for (unsigned i = 0; i < indent; i++)
        capi_buf_append_byte(to, ' ');
}

static void append_block(capi_buf *to, const json_t *value, unsigned indent);

static void append_member(capi_buf *to, const char *key, const json_t *value, unsigned indent)
{
    size_t begin = to->bytes;

    append_indent(to, indent);
    append_key(to, key);
    capi_buf_append_byte(to, ' ');
    if (fits_line(to, value, to->bytes - begin)) {
        capi_buf_append_byte(to, '\n');
        return;
    }
    to->data[to->bytes - 1] = '\n';
    append_block(to, value, indent + INDENT);
}

static void append_item(capi_buf *to, const json_t *value, unsigned indent)
{
    append_indent(to, indent);
    capi_buf_append_text(to, "- ");
    if (!fits_line(to, value, indent + 2)) append_line(to, value); /* a long line */
    capi_buf_append_byte(to, '\n');
}

static void append_block(capi_buf *to, const json_t *value, unsigned indent)
{
    size_t index;
    const char *key;
    json_t *item;

    json_object_foreach((json_t *)value, key, item) append_member(to, key, item, indent);
    json_array_foreach(value, index, item) append_item(to, item, indent);
}

void capi_yaml_append(capi_buf *to, const json_t *map)
{
    append_block(to, map, 0);
}
