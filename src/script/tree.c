/* tree.c - what both readers share: looking up members, and finding the place of a piece of a decoded string.
 *
 * The latter reads the string's source again, token by token (a character, an escape, a folded line end), and counts how
 * many decoded bytes each token made. What a token should have made is compared with what the string holds; at the first
 * difference the search gives up and the whole value is the place. */
#include "script/tree.h"

const capi_tree *capi_tree_get(const capi_tree *map, const char *name)
{
    if (!map || map->kind != CAPI_TREE_MAP) return NULL;
    for (uint32_t i = 0; i < map->count; i++)
        if (capi_str_is(map->members[i].key->string, name)) return map->members[i].value;
    return NULL;
}

const char *capi_tree_kind_name(capi_tree_kind kind)
{
    switch (kind) {
    case CAPI_TREE_NULL: return "null";
    case CAPI_TREE_BOOL: return "true or false";
    case CAPI_TREE_INT: return "a whole number";
    case CAPI_TREE_NUMBER: return "a number that is not whole or does not fit 64 bits";
    case CAPI_TREE_STRING: return "a string";
    case CAPI_TREE_LIST: return "a list";
    case CAPI_TREE_MAP: return "a map";
    }
    return "";
}

typedef struct string_walk {
    capi_tree_style style;
    capi_str text; /* the source of the string, without quotes */
    size_t at;     /* in text */
    capi_str decoded;
    size_t made;   /* in decoded */
    size_t indent; /* block scalars: blanks before each line */
} string_walk;

static size_t utf8_bytes(uint32_t code)
{
    return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

static uint32_t hex_value(capi_str text, size_t at, size_t digits)
{
    uint32_t value = 0;

    for (size_t i = 0; i < digits && at + i < text.bytes; i++) {
        unsigned char digit = (unsigned char)text.data[at + i];

        value = value * 16 + (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10u);
    }
    return value;
}

/* One escape; true if the walk can go on. */
static bool walk_escape(string_walk *walk)
{
    char kind = walk->at + 1 < walk->text.bytes ? walk->text.data[walk->at + 1] : 0;
    size_t digits = kind == 'u' ? 4 : kind == 'x' ? 2 : kind == 'U' ? 8 : 0;

    if (kind == '\n' || kind == '\r') { /* YAML: the line end and the blanks of the next line count for nothing */
        walk->at += 2;
        while (walk->at < walk->text.bytes && strchr(" \t\n", walk->text.data[walk->at]))
            walk->at++;
        return true;
    }
    if (digits) {
        uint32_t code = hex_value(walk->text, walk->at + 2, digits);

        walk->at += 2 + digits;
        if (code >= 0xD800 && code < 0xDC00 && walk->style == CAPI_TREE_JSON) {
            walk->at += 6;
            walk->made += 4;
        } else
            walk->made += utf8_bytes(code);
        return true;
    }
    walk->at += 2;
    walk->made += kind == 'N' || kind == '_' ? 2 : kind == 'L' || kind == 'P' ? 3 : 1;
    return true;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* At white space that may end a line, in a plain or quoted scalar: one line end is a space, n more are n line feeds. */
static bool walk_fold(string_walk *walk)
{
    size_t at = walk->at;
    size_t line_ends = 0;

    while (at < walk->text.bytes && (is_blank(walk->text.data[at]) || strchr("\r\n", walk->text.data[at]))) {
        line_ends += walk->text.data[at] == '\n';
        at++;
    }
    if (line_ends == 0) return false;
    walk->made += line_ends == 1 ? 1 : line_ends - 1;
    walk->at = at;
    return true;
}

/* At the beginning of a line of a block scalar: its indentation is no part of the value. */
static void walk_indent(string_walk *walk)
{
    for (size_t i = 0; i < walk->indent && walk->at < walk->text.bytes && walk->text.data[walk->at] == ' '; i++)
        walk->at++;
}

static bool walk_block_line_end(string_walk *walk)
{
    if (walk->style == CAPI_TREE_FOLDED) {
        size_t line_ends = 0;

        while (walk->at < walk->text.bytes && strchr("\r\n", walk->text.data[walk->at])) {
            line_ends += walk->text.data[walk->at++] == '\n';
            walk_indent(walk);
        }
        /* Lines that are indented more are not folded. */
        if (walk->made < walk->decoded.bytes && walk->decoded.data[walk->made] == ' ' && line_ends == 1)
            walk->made++;
        else
            while (line_ends > 0 && walk->made < walk->decoded.bytes && walk->decoded.data[walk->made] == '\n') {
                walk->made++;
                line_ends--;
            }
        return true;
    }
    if (walk->text.data[walk->at] == '\r') walk->at++;
    if (walk->at < walk->text.bytes && walk->text.data[walk->at] == '\n') walk->at++;
    walk->made++;
    walk_indent(walk);
    return true;
}

static bool walk_step(string_walk *walk)
{
    char byte = walk->text.data[walk->at];
    bool is_block = walk->style == CAPI_TREE_LITERAL || walk->style == CAPI_TREE_FOLDED;

    if (byte == '\\' && (walk->style == CAPI_TREE_JSON || walk->style == CAPI_TREE_DOUBLE_QUOTED))
        return walk_escape(walk);
    if (is_block && (byte == '\n' || byte == '\r')) return walk_block_line_end(walk);
    if (!is_block && walk->style != CAPI_TREE_JSON && (is_blank(byte) || byte == '\n' || byte == '\r') &&
        walk_fold(walk))
        return true;
    if (walk->made >= walk->decoded.bytes || walk->decoded.data[walk->made] != byte) return false;
    if (byte == '\'' && walk->style == CAPI_TREE_SINGLE_QUOTED) walk->at++;
    walk->at++;
    walk->made++;
    return true;
}

/* Skips "|" or ">", its indicators and the comment, and measures the indentation of the first line that has text. */
static void walk_open_block(string_walk *walk)
{
    const char *line_end = memchr(walk->text.data, '\n', walk->text.bytes);
    size_t at;
    size_t line;
    size_t first; /* byte of the value that is no line end */

    walk->at = line_end ? (size_t)(line_end - walk->text.data) + 1 : walk->text.bytes;
    line = at = walk->at;
    while (at < walk->text.bytes && strchr(" \r\n", walk->text.data[at])) {
        if (walk->text.data[at] == '\n') line = at + 1;
        at++;
    }
    /* An explicit indentation indicator leaves leading blanks in the value. */
    walk->indent = at - line;
    first = 0;
    while (first < walk->decoded.bytes && walk->decoded.data[first] == '\n')
        first++;
    for (; first < walk->decoded.bytes && walk->decoded.data[first] == ' ' && walk->indent > 0; first++)
        walk->indent--;
    walk_indent(walk);
}

static void walk_open(string_walk *walk, const capi_tree *string, capi_str text)
{
    *walk = (string_walk){.style = string->style, .decoded = string->string};
    walk->text = capi_str_slice(text, string->start, string->end);
    switch (string->style) {
    case CAPI_TREE_JSON:
    case CAPI_TREE_SINGLE_QUOTED:
    case CAPI_TREE_DOUBLE_QUOTED:
        if (walk->text.bytes >= 2) walk->text = capi_str_slice(walk->text, 0, walk->text.bytes - 1);
        walk->at = walk->text.bytes ? 1 : 0;
        break;
    case CAPI_TREE_LITERAL:
    case CAPI_TREE_FOLDED: walk_open_block(walk); break;
    case CAPI_TREE_PLAIN: break;
    }
}

/* What comes next stands for no byte: an escaped line end. What is looked for lies behind it. */
static bool makes_nothing(string_walk walk)
{
    size_t made = walk.made;

    return walk.at < walk.text.bytes && walk_step(&walk) && walk.made == made && walk.at < walk.text.bytes;
}

void capi_tree_locate(const capi_tree *string, capi_str text, size_t from, size_t to, uint32_t *start, uint32_t *end)
{
    string_walk walk;
    size_t first = 0;
    bool is_found = false;

    *start = string->start;
    *end = string->end;
    if (string->kind != CAPI_TREE_STRING || string->end > text.bytes || string->start >= string->end) return;
    walk_open(&walk, string, text);
    if (to < from) to = from;
    for (;;) {
        if (!is_found && walk.made >= from && !makes_nothing(walk)) {
            first = walk.at;
            is_found = true;
        }
        if (is_found && walk.made >= to) break;
        if (walk.at >= walk.text.bytes) return;
        if (!walk_step(&walk)) return;
    }
    if (walk.at > walk.text.bytes) return;
    *start = string->start + (uint32_t)first;
    *end = string->start + (uint32_t)walk.at;
}
