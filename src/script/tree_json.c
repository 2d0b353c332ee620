/* tree_json.c - JSON to a tree with places.
 *
 * jansson decides what is valid JSON; the scanner here builds the tree from the same text and knows where every value
 * stands. A text is accepted if both accept it (a fuzzer checks that they agree), and the words come from whichever
 * refused it, ours first: they carry the exact place. The scanner keeps its own stack, so depth costs no C stack. */
#include "base/buf.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "script/tree.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

typedef struct json_level { /* an open list or map */
    capi_tree *tree;
    capi_tree_member *members; /* grows on the heap until it is closed */
    const capi_tree **items;
    uint32_t capacity;
    const capi_tree *key; /* of the member whose value comes next */
} json_level;

typedef struct json_scanner {
    capi_arena *arena;
    capi_str text;
    size_t at;
    json_level levels[CAPI_TREE_DEPTH_MAX];
    uint32_t depth;
    uint32_t value_count;
    capi_buf buf; /* for strings with escapes */
    capi_err *err;
} json_scanner;

static capi_status scan_fail(json_scanner *scanner, size_t at, size_t bytes, const char *what)
{
    return capi_err_set_at(scanner->err, CAPI_INVALID, (int64_t)at, (uint32_t)bytes, "%s", what);
}

static void scan_skip_space(json_scanner *scanner)
{
    while (scanner->at < scanner->text.bytes) {
        char byte = scanner->text.data[scanner->at];

        if (byte != ' ' && byte != '\n' && byte != '\r' && byte != '\t') return;
        scanner->at++;
    }
}

static int scan_peek(const json_scanner *scanner)
{
    return scanner->at < scanner->text.bytes ? (unsigned char)scanner->text.data[scanner->at] : -1;
}

static capi_status scan_unexpected(json_scanner *scanner, const char *expected)
{
    int byte = scan_peek(scanner);

    if (byte < 0)
        return capi_err_set_at(scanner->err, CAPI_INVALID, (int64_t)scanner->at, 0,
                               "expected %s, found the end of the text", expected);
    if (byte < 0x20 || byte >= 0x7F)
        return capi_err_set_at(scanner->err, CAPI_INVALID, (int64_t)scanner->at, 1, "expected %s, found byte 0x%02x",
                               expected, byte);
    if (byte == '"')
        return capi_err_set_at(scanner->err, CAPI_INVALID, (int64_t)scanner->at, 1, "expected %s, found a string",
                               expected);
    return capi_err_set_at(scanner->err, CAPI_INVALID, (int64_t)scanner->at, 1, "expected %s, found \"%c\"", expected,
                           byte);
}

static capi_status scan_new(json_scanner *scanner, capi_tree_kind kind, capi_tree **out)
{
    if (++scanner->value_count > CAPI_TREE_WEIGHT_MAX)
        return capi_err_set_at(scanner->err, CAPI_INVALID, (int64_t)scanner->at, 0, "more than %d values",
                               CAPI_TREE_WEIGHT_MAX);
    *out = capi_new(scanner->arena, capi_tree);
    (*out)->kind = kind;
    (*out)->weight = 1;
    (*out)->start = (uint32_t)scanner->at;
    return CAPI_OK;
}

/* ---- strings ---- */

static int hex_digit(int byte)
{
    if (byte >= '0' && byte <= '9') return byte - '0';
    if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
    return -1;
}

/* The four digits at `at`; -1 if they are not there. */
static int32_t scan_hex4(const json_scanner *scanner, size_t at)
{
    int32_t code = 0;

    if (scanner->text.bytes - at < 4 || at > scanner->text.bytes) return -1;
    for (size_t i = 0; i < 4; i++) {
        int digit = hex_digit((unsigned char)scanner->text.data[at + i]);

        if (digit < 0) return -1;
        code = code * 16 + digit;
    }
    return code;
}

static capi_status scan_unicode_escape(json_scanner *scanner)
{
    size_t start = scanner->at;
    int32_t code = scan_hex4(scanner, start + 2);

    if (code < 0) return scan_fail(scanner, start, 2, "expected four hexadecimal digits behind \"\\u\"");
    scanner->at += 6;
    if (code == 0) return scan_fail(scanner, start, 6, "the character NUL is not allowed");
    if (code >= 0xDC00 && code < 0xE000) return scan_fail(scanner, start, 6, "half of a surrogate pair");
    if (code >= 0xD800 && code < 0xDC00) {
        int32_t low = -1;

        if (scanner->text.bytes - scanner->at >= 6 && memcmp(scanner->text.data + scanner->at, "\\u", 2) == 0)
            low = scan_hex4(scanner, scanner->at + 2);
        if (low < 0xDC00 || low >= 0xE000) return scan_fail(scanner, start, 6, "half of a surrogate pair");
        scanner->at += 6;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    scanner->buf.bytes += capi_utf8_write((uint32_t)code, capi_buf_reserve(&scanner->buf, 4));
    return CAPI_OK;
}

static capi_status scan_escape(json_scanner *scanner)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    char kind = scanner->at + 1 < scanner->text.bytes ? scanner->text.data[scanner->at + 1] : 0;
    const char *known = kind ? strchr(from, kind) : NULL;

    if (kind == 'u') return scan_unicode_escape(scanner);
    if (!known)
        return scan_fail(scanner, scanner->at, 2, "unknown escape in a string; a backslash is written \"\\\\\"");
    capi_buf_append_byte(&scanner->buf, to[known - from]);
    scanner->at += 2;
    return CAPI_OK;
}

/* Up to the next quote, escape or control character. */
static size_t scan_plain_run(capi_str text, size_t at)
{
    while (at < text.bytes && text.data[at] != '"' && text.data[at] != '\\' && (unsigned char)text.data[at] >= 0x20)
        at++;
    return at;
}

static capi_status scan_string(json_scanner *scanner, capi_tree **out)
{
    size_t start = scanner->at;
    size_t run = scan_plain_run(scanner->text, start + 1);

    CAPI_TRY(scan_new(scanner, CAPI_TREE_STRING, out));
    (*out)->style = CAPI_TREE_JSON;
    if (run < scanner->text.bytes && scanner->text.data[run] == '"') { /* no escapes: the text itself */
        (*out)->string = capi_str_slice(scanner->text, start + 1, run);
        (*out)->end = (uint32_t)run + 1;
        scanner->at = run + 1;
        return CAPI_OK;
    }
    capi_buf_clear(&scanner->buf);
    scanner->at++;
    for (;;) {
        run = scan_plain_run(scanner->text, scanner->at);
        capi_buf_append(&scanner->buf, scanner->text.data + scanner->at, run - scanner->at);
        scanner->at = run;
        if (run >= scanner->text.bytes) return scan_fail(scanner, start, 1, "this string has no end");
        if (scanner->text.data[run] == '"') break;
        if (scanner->text.data[run] == '\\')
            CAPI_TRY(scan_escape(scanner));
        else
            return scan_fail(scanner, run, 1,
                             scanner->text.data[run] == '\n'
                                 ? "line end in a string; write \"\\n\", or is a quote missing?"
                                 : "control character in a string; write it as \"\\u00..\"");
    }
    scanner->at++;
    (*out)->string = capi_str_copy(scanner->arena, capi_buf_str(&scanner->buf));
    (*out)->end = (uint32_t)scanner->at;
    return CAPI_OK;
}

/* ---- numbers and words ---- */

static bool is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

static size_t scan_digits(json_scanner *scanner)
{
    size_t start = scanner->at;

    while (is_digit(scan_peek(scanner)))
        scanner->at++;
    return scanner->at - start;
}

static capi_status scan_number_shape(json_scanner *scanner, bool *is_whole)
{
    *is_whole = true;
    if (scan_peek(scanner) == '-') scanner->at++;
    if (scan_peek(scanner) == '0') {
        scanner->at++;
        if (is_digit(scan_peek(scanner))) return scan_fail(scanner, scanner->at - 1, 1, "number with a leading zero");
    } else if (scan_digits(scanner) == 0) {
        return scan_unexpected(scanner, "a digit");
    }
    if (scan_peek(scanner) == '.') {
        *is_whole = false;
        scanner->at++;
        if (scan_digits(scanner) == 0) return scan_unexpected(scanner, "a digit");
    }
    if (scan_peek(scanner) == 'e' || scan_peek(scanner) == 'E') {
        *is_whole = false;
        scanner->at++;
        if (scan_peek(scanner) == '-' || scan_peek(scanner) == '+') scanner->at++;
        if (scan_digits(scanner) == 0) return scan_unexpected(scanner, "a digit");
    }
    return CAPI_OK;
}

static capi_status scan_number(json_scanner *scanner, capi_tree **out)
{
    capi_str copy;
    size_t start = scanner->at;
    bool is_whole;
    char *end;

    CAPI_TRY(scan_new(scanner, CAPI_TREE_NUMBER, out));
    CAPI_TRY(scan_number_shape(scanner, &is_whole));
    (*out)->end = (uint32_t)scanner->at;
    capi_buf_clear(&scanner->buf);
    capi_buf_append(&scanner->buf, scanner->text.data + start, scanner->at - start);
    capi_buf_append_byte(&scanner->buf, 0);
    copy = capi_buf_str(&scanner->buf);
    if (is_whole) {
        long long integer;

        errno = 0;
        integer = strtoll(copy.data, &end, 10);
        if (errno == 0) {
            (*out)->kind = CAPI_TREE_INT;
            (*out)->integer = integer;
            return CAPI_OK;
        }
    }
    (*out)->number = strtod(copy.data, &end);
    if (isinf((*out)->number)) return scan_fail(scanner, start, scanner->at - start, "number out of range");
    return CAPI_OK;
}

static capi_status scan_word(json_scanner *scanner, capi_tree **out)
{
    static const struct {
        const char *text;
        capi_tree_kind kind;
        bool boolean;
    } words[] = {{"true", CAPI_TREE_BOOL, true}, {"false", CAPI_TREE_BOOL, false}, {"null", CAPI_TREE_NULL, false}};
    capi_str rest = capi_str_slice(scanner->text, scanner->at, scanner->text.bytes);

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t bytes = strlen(words[i].text);
        int next = rest.bytes > bytes ? (unsigned char)rest.data[bytes] : 0;

        if (!capi_str_starts(rest, words[i].text) || ((next | 0x20) >= 'a' && (next | 0x20) <= 'z')) continue;
        CAPI_TRY(scan_new(scanner, words[i].kind, out));
        (*out)->boolean = words[i].boolean;
        scanner->at += bytes;
        (*out)->end = (uint32_t)scanner->at;
        return CAPI_OK;
    }
    return scan_unexpected(scanner, "a value");
}

static capi_status scan_scalar(json_scanner *scanner, capi_tree **out)
{
    int byte = scan_peek(scanner);

    if (byte == '"') return scan_string(scanner, out);
    if (byte == '-' || is_digit(byte)) return scan_number(scanner, out);
    return scan_word(scanner, out);
}

/* ---- lists and maps ---- */

static capi_status scan_open(json_scanner *scanner, capi_tree_kind kind)
{
    json_level *level;

    if (scanner->depth == CAPI_TREE_DEPTH_MAX)
        return capi_err_set_at(scanner->err, CAPI_INVALID, (int64_t)scanner->at, 1, "nested more than %d deep",
                               CAPI_TREE_DEPTH_MAX);
    level = &scanner->levels[scanner->depth];
    *level = (json_level){0};
    CAPI_TRY(scan_new(scanner, kind, &level->tree));
    scanner->depth++;
    scanner->at++;
    return CAPI_OK;
}

static void *level_room(void *array, uint32_t count, uint32_t *capacity, size_t item_bytes)
{
    if (count < *capacity) return array;
    *capacity = *capacity ? *capacity * 2 : 8;
    return capi_realloc(array, capi_array_bytes(*capacity, item_bytes));
}

static void level_add(json_level *level, const capi_tree *value)
{
    capi_tree *tree = level->tree;

    tree->weight += value->weight;
    if (tree->kind == CAPI_TREE_LIST) {
        level->items = level_room(level->items, tree->count, &level->capacity, sizeof *level->items);
        level->items[tree->count++] = value;
    } else {
        level->members = level_room(level->members, tree->count, &level->capacity, sizeof *level->members);
        level->members[tree->count++] = (capi_tree_member){level->key, value, false};
        level->key = NULL;
    }
}

/* Of members with the same name the last one counts, at the place of the first. */
static void drop_repeated(capi_tree *map, capi_arena *arena)
{
    capi_map seen;
    uint32_t kept = 0;

    capi_map_init(&seen, arena);
    for (uint32_t i = 0; i < map->count; i++) {
        capi_tree_member *first = capi_map_get(&seen, map->members[i].key->string);

        if (first) {
            *first = (capi_tree_member){map->members[i].key, map->members[i].value, true};
            continue;
        }
        map->members[kept] = map->members[i];
        capi_map_put(&seen, map->members[kept].key->string, &map->members[kept]);
        kept++;
    }
    map->count = kept;
}

static bool has_repeated(const capi_tree *map)
{
    for (uint32_t i = 1; i < map->count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (capi_str_equal(map->members[i].key->string, map->members[j].key->string)) return true;
    return false;
}

enum { SMALL_MAP = 16 };

static capi_tree *scan_close(json_scanner *scanner)
{
    json_level *level = &scanner->levels[--scanner->depth];
    capi_tree *tree = level->tree;

    scanner->at++;
    tree->end = (uint32_t)scanner->at;
    if (tree->kind == CAPI_TREE_LIST) {
        tree->items = capi_arena_copy(scanner->arena, level->items, tree->count * sizeof *tree->items);
    } else {
        tree->members = capi_arena_copy(scanner->arena, level->members, tree->count * sizeof *tree->members);
        if (tree->count > SMALL_MAP || has_repeated(tree)) drop_repeated(tree, scanner->arena);
    }
    free(level->items);
    free(level->members);
    return tree;
}

/* Behind "{" or "," of a map: name and colon. */
static capi_status scan_name(json_scanner *scanner)
{
    json_level *level = &scanner->levels[scanner->depth - 1];
    capi_tree *key;

    scan_skip_space(scanner);
    if (scan_peek(scanner) != '"') return scan_unexpected(scanner, "a name in double quotes");
    CAPI_TRY(scan_string(scanner, &key));
    level->key = key;
    scan_skip_space(scanner);
    if (scan_peek(scanner) != ':') return scan_unexpected(scanner, "\":\" behind the name");
    scanner->at++;
    return CAPI_OK;
}

/* Behind a value: closes what ends here, steps over one comma. *done when the outermost value is closed. */
static capi_status scan_after_value(json_scanner *scanner, capi_tree *value, capi_tree **root)
{
    for (;;) {
        json_level *level;
        bool is_map;

        if (scanner->depth == 0) {
            *root = value;
            return CAPI_OK;
        }
        level = &scanner->levels[scanner->depth - 1];
        is_map = level->tree->kind == CAPI_TREE_MAP;
        level_add(level, value);
        scan_skip_space(scanner);
        if (scan_peek(scanner) == ',') {
            scanner->at++;
            return is_map ? scan_name(scanner) : CAPI_OK;
        }
        if (scan_peek(scanner) != (is_map ? '}' : ']'))
            return scan_unexpected(scanner, is_map ? "\",\" or \"}\"" : "\",\" or \"]\"");
        value = scan_close(scanner);
    }
}

/* One value, or the beginning of one; an empty list or map is a whole value. */
static capi_status scan_value(json_scanner *scanner, capi_tree **out)
{
    int byte;

    scan_skip_space(scanner);
    byte = scan_peek(scanner);
    *out = NULL;
    if (byte != '{' && byte != '[') return scan_scalar(scanner, out);
    CAPI_TRY(scan_open(scanner, byte == '{' ? CAPI_TREE_MAP : CAPI_TREE_LIST));
    scan_skip_space(scanner);
    if (scan_peek(scanner) == (byte == '{' ? '}' : ']')) {
        *out = scan_close(scanner);
        return CAPI_OK;
    }
    return byte == '{' ? scan_name(scanner) : CAPI_OK;
}

static capi_status scan_document(json_scanner *scanner, capi_tree **root)
{
    *root = NULL;
    if (capi_str_starts(scanner->text, "\xEF\xBB\xBF"))
        return scan_fail(scanner, 0, 3, "a byte order mark; JSON begins with its value");
    do {
        capi_tree *value;

        CAPI_TRY(scan_value(scanner, &value));
        if (value) CAPI_TRY(scan_after_value(scanner, value, root));
    } while (!*root);
    scan_skip_space(scanner);
    if (scanner->at < scanner->text.bytes)
        return scan_fail(scanner, scanner->at, 1, "text behind the end of the JSON value");
    return CAPI_OK;
}

/* ---- the judge ---- */

static capi_status scan_judge(capi_str text, capi_err *err)
{
    json_error_t error;
    /* Whole numbers beyond 64 bits are valid JSON; whether they fit a setting is not for this place to say. */
    json_t *json =
        json_loadb(text.data ? text.data : "", text.bytes, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);

    if (json) {
        json_decref(json);
        return CAPI_OK;
    }
    return capi_err_set_at(err, CAPI_INVALID, error.position < 0 ? 0 : error.position, 0, "%s", error.text);
}

capi_status capi_tree_from_json(capi_arena *arena, capi_str text, const capi_tree **out, capi_err *err)
{
    json_scanner *scanner;
    capi_tree *root = NULL;
    size_t bad_at = 0;
    capi_status st;

    *out = NULL;
    if (text.bytes > UINT32_MAX) return capi_err_set(err, CAPI_INVALID, "JSON text of more than 4 GiB");
    if (!capi_str_is_utf8(text, &bad_at))
        return capi_err_set_at(err, CAPI_INVALID, (int64_t)bad_at, 1, "byte 0x%02x is not valid UTF-8",
                               (unsigned char)text.data[bad_at]);
    scanner = capi_zmalloc(sizeof *scanner);
    scanner->arena = arena;
    scanner->text = text;
    scanner->err = err;
    CAPI_TRY_OUT(scan_document(scanner, &root));
    CAPI_TRY_OUT(scan_judge(text, err));
    *out = root;
out:
    while (scanner->depth > 0) {
        free(scanner->levels[--scanner->depth].items);
        free(scanner->levels[scanner->depth].members);
    }
    capi_buf_deinit(&scanner->buf);
    free(scanner);
    return st;
}
