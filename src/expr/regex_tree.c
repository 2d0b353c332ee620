/* regex_tree.c - a recursive descent over a pattern, with the rules of RE2's parser: flags last until the end of their group,
 * also beyond "|"; a repeat belongs to the last character, also across (?i) and \Q; braces that are no repeat are characters. */
#include "expr/regex_tree.h"

#include "base/utf8.h"

#include <string.h>

enum { TREE_DEPTH_MAX = 200, TREE_REPEAT_MAX = 1000, TREE_RUNE_MAX = 0x10FFFF };

typedef struct tree_reader {
    capi_arena *arena;
    const char *at, *end;
    uint8_t flags;
    uint32_t depth;
} tree_reader;

/* The children of a node while it grows. */
typedef struct tree_list {
    regex_node **items;
    uint32_t count, capacity;
} tree_list;

static void list_add(capi_arena *arena, tree_list *list, regex_node *node)
{
    if (list->count == list->capacity) {
        regex_node **larger;

        list->capacity = list->capacity ? 2 * list->capacity : 4;
        larger = capi_new_array(arena, regex_node *, list->capacity);
        if (list->count) memcpy(larger, list->items, list->count * sizeof *larger);
        list->items = larger;
    }
    list->items[list->count++] = node;
}

static regex_node *node_new(tree_reader *reader, regex_kind kind)
{
    regex_node *node = capi_new(reader->arena, regex_node);

    node->kind = kind;
    node->flags = reader->flags;
    return node;
}

static regex_node *list_node(tree_reader *reader, regex_kind kind, const tree_list *list)
{
    regex_node *node;

    if (list->count == 1) return list->items[0];
    node = node_new(reader, kind);
    node->children = list->items;
    node->child_count = list->count;
    return node;
}

static regex_node *character(tree_reader *reader, uint32_t rune)
{
    regex_node *node = node_new(reader, REGEX_CHARACTER);

    node->rune = rune;
    return node;
}

static regex_node *class_until(tree_reader *reader, const char *end)
{
    regex_node *node = node_new(reader, REGEX_CLASS);

    node->source = (capi_str){reader->at, (size_t)(end - reader->at)};
    reader->at = end;
    return node;
}

static regex_node *place(tree_reader *reader, regex_place where)
{
    regex_node *node = node_new(reader, REGEX_PLACE);

    node->place = where;
    return node;
}

static bool starts_with(const tree_reader *reader, const char *text)
{
    size_t bytes = strlen(text);

    return (size_t)(reader->end - reader->at) >= bytes && memcmp(reader->at, text, bytes) == 0;
}

/* ---- single characters and places ---- */

/* The UTF-8 character here; patterns that RE2 accepts are well-formed. */
static regex_node *read_literal(tree_reader *reader)
{
    size_t at = 0;
    uint32_t rune = capi_utf8_read(reader->at, (size_t)(reader->end - reader->at), &at);

    reader->at += at;
    return character(reader, rune);
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 99;
}

/* Behind "\x": two digits, or any number of them in braces. */
static regex_node *read_hexadecimal(tree_reader *reader)
{
    bool in_braces = reader->at < reader->end && *reader->at == '{';
    uint32_t digit_count = 0;
    uint32_t rune = 0;

    reader->at += in_braces;
    while (reader->at < reader->end && digit_value(*reader->at) < 16 && (in_braces || digit_count < 2)) {
        rune = rune * 16 + (uint32_t)digit_value(*reader->at++);
        digit_count++;
        if (rune > TREE_RUNE_MAX) return NULL;
    }
    if (digit_count == 0 || (!in_braces && digit_count < 2)) return NULL;
    if (in_braces && (reader->at == reader->end || *reader->at++ != '}')) return NULL;
    return character(reader, rune);
}

/* Up to three digits, of which the first is read. */
static regex_node *read_octal(tree_reader *reader, char first)
{
    uint32_t rune = (uint32_t)(first - '0');

    for (int i = 0; i < 2 && reader->at < reader->end && digit_value(*reader->at) < 8; i++)
        rune = rune * 8 + (uint32_t)digit_value(*reader->at++);
    return character(reader, rune);
}

/* \pL, \p{Greek}, \d */
static regex_node *read_class_escape(tree_reader *reader, const char *start, char name)
{
    const char *end = reader->at;

    if (name == 'p' || name == 'P') {
        if (end == reader->end) return NULL;
        if (*end == '{') end = memchr(end, '}', (size_t)(reader->end - end));
        if (!end || (unsigned char)*end >= 0x80) return NULL;
        end++;
    }
    reader->at = start;
    return class_until(reader, end);
}

static regex_node *read_escape(tree_reader *reader)
{
    static const char names[] = "afnrtv", values[] = "\a\f\n\r\t\v";
    const char *start = reader->at;
    const char *found;
    char c;

    if (reader->end - reader->at < 2) return NULL;
    c = reader->at[1];
    reader->at += 2;
    found = c ? strchr(names, c) : NULL;
    if (found) return character(reader, (unsigned char)values[found - names]);
    if (c && strchr("dDsSwWpP", c)) return read_class_escape(reader, start, c);
    switch (c) {
    case 'A': return place(reader, REGEX_TEXT_START);
    case 'z': return place(reader, REGEX_TEXT_END);
    case 'b': return place(reader, REGEX_WORD_EDGE);
    case 'B': return place(reader, REGEX_NO_WORD_EDGE);
    case 'x': return read_hexadecimal(reader);
    default: break;
    }
    if (c >= '0' && c <= '7') return read_octal(reader, c);
    if (c > ' ' && c < 0x7F && c != '_' && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
        return character(reader, (unsigned char)c);
    return NULL;
}

/* "]" right behind "[" or "[^" is a member; [:alpha:] has a bracket of its own. */
static regex_node *read_class(tree_reader *reader)
{
    const char *at = reader->at + 1;

    if (at < reader->end && *at == '^') at++;
    if (at < reader->end && *at == ']') at++;
    while (at < reader->end && *at != ']') {
        const char *close = NULL;

        if (*at == '[' && reader->end - at > 3 && at[1] == ':')
            close = memmem(at + 2, (size_t)(reader->end - at - 2), ":]", 2);
        at += close ? close + 2 - at : *at == '\\' ? 2 : 1;
    }
    return at < reader->end ? class_until(reader, at + 1) : NULL;
}

/* ---- repeats ---- */

static bool read_count(const char **at, const char *end, uint32_t *out)
{
    const char *start = *at;
    uint32_t count = 0;

    while (*at < end && **at >= '0' && **at <= '9' && *at - start < 8)
        count = count * 10 + (uint32_t)(*(*at)++ - '0');
    *out = count;
    return *at > start && (*start != '0' || *at - start == 1);
}

/* {2} {2,} {2,3}; anything else in braces is text. */
static bool read_braces(tree_reader *reader, uint32_t *min, uint32_t *max)
{
    const char *at = reader->at + 1;

    if (!read_count(&at, reader->end, min)) return false;
    *max = *min;
    if (at < reader->end && *at == ',') {
        at++;
        *max = REGEX_NO_MAX;
        if (at < reader->end && *at != '}' && !read_count(&at, reader->end, max)) return false;
    }
    if (at == reader->end || *at != '}') return false;
    reader->at = at + 1;
    return true;
}

static bool read_repeat(tree_reader *reader, uint32_t *min, uint32_t *max)
{
    char c = *reader->at;

    if (c == '{') return read_braces(reader, min, max);
    if (c != '*' && c != '+' && c != '?') return false;
    *min = c == '+';
    *max = c == '?' ? 1 : REGEX_NO_MAX;
    reader->at++;
    return true;
}

static bool repeat_last(tree_reader *reader, tree_list *list, uint32_t min, uint32_t max)
{
    regex_node *node;

    if (list->count == 0 || min > TREE_REPEAT_MAX || max < min || (max > TREE_REPEAT_MAX && max != REGEX_NO_MAX))
        return false;
    node = node_new(reader, REGEX_REPEAT);
    node->min = min;
    node->max = max;
    node->child_count = 1;
    node->children = capi_new_array(reader->arena, regex_node *, 1);
    node->children[0] = list->items[list->count - 1];
    list->items[list->count - 1] = node;
    if (reader->at < reader->end && *reader->at == '?') reader->at++;
    return true;
}

/* ---- groups ---- */

static regex_node *read_choice(tree_reader *reader);

/* "i-s:" or "i-s)" behind "(?"; *is_group tells which of the two. */
static bool read_flags(tree_reader *reader, bool *is_group)
{
    uint8_t flags = reader->flags;
    bool is_off = false;

    for (; reader->at < reader->end; reader->at++) {
        uint8_t flag = 0;

        switch (*reader->at) {
        case 'i': flag = REGEX_FOLD; break;
        case 's': flag = REGEX_DOT_ALL; break;
        case 'm': flag = REGEX_LINES; break;
        case 'U': break;
        case '-': is_off = true; break;
        case ':':
        case ')':
            *is_group = *reader->at++ == ':';
            reader->flags = flags;
            return true;
        default: return false;
        }
        flags = is_off ? flags & (uint8_t)~flag : flags | flag;
    }
    return false;
}

/* From "(" to ")". *out stays NULL where there are only flags. */
static bool read_group(tree_reader *reader, regex_node **out)
{
    uint8_t flags = reader->flags;
    bool is_group = true;

    if (starts_with(reader, "(?P<") || starts_with(reader, "(?<")) {
        reader->at = memchr(reader->at, '>', (size_t)(reader->end - reader->at));
        if (!reader->at) return false;
        reader->at++;
    } else if (starts_with(reader, "(?")) {
        reader->at += 2;
        if (!read_flags(reader, &is_group)) return false;
        if (!is_group) return true;
    } else {
        reader->at++;
    }
    if (++reader->depth > TREE_DEPTH_MAX) return false;
    *out = read_choice(reader);
    if (!*out || reader->at == reader->end) return false;
    reader->at++;
    reader->depth--;
    reader->flags = flags;
    return true;
}

/* \Q...\E: characters as they are. */
static void read_quoted(tree_reader *reader, tree_list *list)
{
    reader->at += 2;
    while (reader->at < reader->end && !starts_with(reader, "\\E")) {
        list_add(reader->arena, list, read_literal(reader));
    }
    if (reader->at < reader->end) reader->at += 2;
}

static regex_node *read_single(tree_reader *reader)
{
    bool by_lines = reader->flags & REGEX_LINES;

    switch (*reader->at) {
    case '[': return read_class(reader);
    case '\\': return read_escape(reader);
    case '.': return class_until(reader, reader->at + 1);
    case '^': reader->at++; return place(reader, by_lines ? REGEX_LINE_START : REGEX_TEXT_START);
    case '$': reader->at++; return place(reader, by_lines ? REGEX_LINE_END : REGEX_TEXT_END);
    default: return read_literal(reader);
    }
}

static regex_node *read_sequence(tree_reader *reader)
{
    tree_list list = {0};

    while (reader->at < reader->end && *reader->at != '|' && *reader->at != ')') {
        regex_node *node = NULL;
        uint32_t min, max;

        if (starts_with(reader, "\\Q")) {
            read_quoted(reader, &list);
            continue;
        }
        if (read_repeat(reader, &min, &max)) {
            if (!repeat_last(reader, &list, min, max)) return NULL;
            continue;
        }
        if (*reader->at == '(') {
            if (!read_group(reader, &node)) return NULL;
        } else {
            node = read_single(reader);
            if (!node) return NULL;
        }
        if (node) list_add(reader->arena, &list, node);
    }
    return list_node(reader, REGEX_SEQUENCE, &list);
}

static regex_node *read_choice(tree_reader *reader)
{
    tree_list list = {0};

    for (;;) {
        regex_node *node = read_sequence(reader);

        if (!node) return NULL;
        list_add(reader->arena, &list, node);
        if (reader->at == reader->end || *reader->at != '|') return list_node(reader, REGEX_CHOICE, &list);
        reader->at++;
    }
}

const regex_node *expr_regex_tree(capi_arena *arena, capi_str pattern)
{
    tree_reader reader = {.arena = arena, .at = pattern.data, .end = pattern.data + pattern.bytes};
    const regex_node *root = read_choice(&reader);

    return root && reader.at == reader.end ? root : NULL;
}
