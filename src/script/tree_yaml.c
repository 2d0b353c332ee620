/* tree_yaml.c - YAML to a tree with places.
 *
 * libyaml gives events; the tree is built here. Plain scalars are typed by the core schema of YAML 1.2, so yes, no, on and off
 * are strings, and so is 2006-01-02. Only the first document of a stream is read. Names in maps must be strings and differ;
 * "<<" merges other maps in, whose members give way to those that are written out.
 *
 * libyaml counts characters where we count bytes; events come in the order of the text, so one cursor translates. */
#include "base/hash.h"
#include "script/tree.h"
#include "vec/number.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <yaml.h>

typedef struct yaml_level {
    capi_tree *tree;
    capi_tree_member *members;
    const capi_tree **items;
    uint32_t capacity;
    const capi_tree *key; /* waits for its value; maps only */
    capi_str anchor;
    bool has_merge; /* there is a "<<" */
} yaml_level;

typedef struct yaml_anchor {
    const capi_tree *tree; /* NULL while it is still open */
} yaml_anchor;

typedef struct yaml_builder {
    capi_arena *arena;
    capi_str text;
    yaml_parser_t parser;
    yaml_event_t event;
    size_t bom_bytes; /* a byte order mark in front is not given to libyaml */
    size_t cursor_characters, cursor_bytes;
    yaml_level levels[CAPI_TREE_DEPTH_MAX];
    uint32_t depth;
    uint64_t weight;
    capi_map anchors;
    capi_err *err;
} yaml_builder;

/* The byte of the character that libyaml counts as number `characters`. */
static uint32_t yaml_byte_of(yaml_builder *builder, size_t characters)
{
    while (builder->cursor_characters < characters && builder->cursor_bytes < builder->text.bytes) {
        builder->cursor_bytes++;
        while (builder->cursor_bytes < builder->text.bytes &&
               ((unsigned char)builder->text.data[builder->cursor_bytes] & 0xC0) == 0x80)
            builder->cursor_bytes++;
        builder->cursor_characters++;
    }
    while (builder->cursor_characters > characters && builder->cursor_bytes > 0) {
        builder->cursor_bytes--;
        while (builder->cursor_bytes > 0 && ((unsigned char)builder->text.data[builder->cursor_bytes] & 0xC0) == 0x80)
            builder->cursor_bytes--;
        builder->cursor_characters--;
    }
    return (uint32_t)builder->cursor_bytes;
}

static capi_status yaml_fail(yaml_builder *builder, uint32_t at, uint32_t bytes, const char *what)
{
    return capi_err_set_at(builder->err, CAPI_INVALID, at, bytes, "%s", what);
}

static capi_status yaml_fail_event(yaml_builder *builder, const char *what)
{
    uint32_t start = yaml_byte_of(builder, builder->event.start_mark.index);
    uint32_t end = yaml_byte_of(builder, builder->event.end_mark.index);

    return yaml_fail(builder, start, end - start, what);
}

static capi_status yaml_fail_weight(yaml_builder *builder, const char *what)
{
    uint32_t start = yaml_byte_of(builder, builder->event.start_mark.index);
    uint32_t end = yaml_byte_of(builder, builder->event.end_mark.index);

    return capi_err_set_at(builder->err, CAPI_INVALID, start, end - start, "%smore than %d values", what,
                           CAPI_TREE_WEIGHT_MAX);
}

/* libyaml names its contexts, like "did not find expected key while parsing a block mapping"; these are the mistakes that
 * are made most, in words that help. */
static const struct yaml_words {
    const char *problem, *words;
    bool has_begin; /* "that begins in line 5" follows, if that is another line */
} yaml_words[] = {
    {"cannot start any token", "this character cannot begin a value; put the text in quotes (tabs cannot indent)",
     false},
    {"expected ',' or ']'", "expected \",\" or \"]\" in the list", true},
    {"expected ',' or '}'", "expected \",\" or \"}\" in the map", true},
    {"expected '-' indicator", "expected \"-\", right below the one before, for the next item of the list", true},
    {"did not find expected key", "expected a name, right below the one before, or the end of the map", true},
    {"could not find expected ':'", "expected \":\" after the name", true},
    {"found unexpected end of stream", "the closing quote is missing of the text", true},
    {"mapping values are not allowed",
     "\":\" cannot stand here: put a text with \":\" in quotes; a map begins in a line of its own", false},
    {"block sequence entries are not allowed",
     "\"-\" cannot stand here: put a text with \"-\" in quotes; a list begins in a line of its own", false},
    {"unknown escape character", "unknown escape: \"\\\" itself is written \"\\\\\" in double quotes", false},
};

static capi_status yaml_fail_parser(yaml_builder *builder)
{
    const yaml_parser_t *parser = &builder->parser;
    uint32_t at = parser->error == YAML_READER_ERROR ? (uint32_t)(parser->problem_offset + builder->bom_bytes)
                                                     : yaml_byte_of(builder, parser->problem_mark.index);
    const char *problem = parser->problem ? parser->problem : "cannot be read as YAML";

    size_t begin = parser->context_mark.line;

    for (size_t i = 0; i < sizeof yaml_words / sizeof *yaml_words; i++) {
        if (!strstr(problem, yaml_words[i].problem)) continue;
        if (!yaml_words[i].has_begin || !parser->context || begin == parser->problem_mark.line)
            return yaml_fail(builder, at, 0, yaml_words[i].words);
        return capi_err_set_at(builder->err, CAPI_INVALID, at, 0, "%s that begins in line %zu", yaml_words[i].words,
                               begin + 1);
    }
    if (parser->error == YAML_MEMORY_ERROR) return capi_err_set(builder->err, CAPI_NO_MEMORY, "not enough memory");
    if (parser->context) return capi_err_set_at(builder->err, CAPI_INVALID, at, 0, "%s %s", problem, parser->context);
    return yaml_fail(builder, at, 0, problem);
}

/* ---- scalars ---- */

static bool text_is_any(capi_str text, const char *const *words)
{
    for (; *words; words++)
        if (capi_str_is(text, *words)) return true;
    return false;
}

static size_t digits_at(capi_str text, size_t at)
{
    size_t count = 0;

    while (at + count < text.bytes && text.data[at + count] >= '0' && text.data[at + count] <= '9')
        count++;
    return count;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_core_float(capi_str text)
{
    size_t at = text.bytes && (text.data[0] == '-' || text.data[0] == '+');
    size_t whole = digits_at(text, at);
    size_t fraction = 0;

    at += whole;
    if (at < text.bytes && text.data[at] == '.') {
        fraction = digits_at(text, at + 1);
        at += 1 + fraction;
    }
    if (whole + fraction == 0) return false;
    if (at < text.bytes && (text.data[at] | 0x20) == 'e') {
        size_t exponent;

        at++;
        if (at < text.bytes && (text.data[at] == '-' || text.data[at] == '+')) at++;
        exponent = digits_at(text, at);
        if (exponent == 0) return false;
        at += exponent;
    }
    return at == text.bytes;
}

/* 0o17 and 0xff; false also when it does not fit 64 bits. */
static bool core_based_int(capi_str text, int64_t *out)
{
    int base = capi_str_starts(text, "0o") ? 8 : capi_str_starts(text, "0x") ? 16 : 0;
    char copy[40];
    char *end;

    if (!base || text.bytes < 3 || text.bytes >= sizeof copy || text.data[2] == '-' || text.data[2] == '+')
        return false;
    memcpy(copy, text.data + 2, text.bytes - 2);
    copy[text.bytes - 2] = 0;
    if (copy[0] == ' ' || (base == 16 && (copy[1] | 0x20) == 'x')) return false;
    errno = 0;
    *out = strtoll(copy, &end, base);
    return errno == 0 && *end == 0;
}

/* A float without fraction counts as a whole number. */
static void set_number(capi_tree *tree, double number)
{
    tree->kind = CAPI_TREE_NUMBER;
    tree->number = number;
    if (number == floor(number) && fabs(number) < 9.2e18) {
        tree->kind = CAPI_TREE_INT;
        tree->integer = (int64_t)number;
    }
}

static void resolve_plain(capi_tree *tree, capi_str text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    static const char *const infinities[] = {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", NULL};
    static const char *const minus_infinities[] = {"-.inf", "-.Inf", "-.INF", NULL};
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};

    if (text_is_any(text, nulls)) {
        tree->kind = CAPI_TREE_NULL;
    } else if (text_is_any(text, trues) || text_is_any(text, falses)) {
        tree->kind = CAPI_TREE_BOOL;
        tree->boolean = text_is_any(text, trues);
    } else if (capi_parse_int(text, &tree->integer) || core_based_int(text, &tree->integer)) {
        tree->kind = CAPI_TREE_INT;
    } else if (is_core_float(text)) {
        set_number(tree, capi_double_from_text(text.data, text.bytes));
    } else if (text_is_any(text, infinities) || text_is_any(text, minus_infinities)) {
        tree->kind = CAPI_TREE_NUMBER;
        tree->number = text.data[0] == '-' ? -INFINITY : INFINITY;
    } else if (text_is_any(text, nans)) {
        tree->kind = CAPI_TREE_NUMBER;
        tree->number = NAN;
    } else {
        tree->kind = CAPI_TREE_STRING;
        tree->string = text;
    }
}

static capi_tree_style style_of(yaml_scalar_style_t style)
{
    switch (style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE: return CAPI_TREE_SINGLE_QUOTED;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE: return CAPI_TREE_DOUBLE_QUOTED;
    case YAML_LITERAL_SCALAR_STYLE: return CAPI_TREE_LITERAL;
    case YAML_FOLDED_SCALAR_STYLE: return CAPI_TREE_FOLDED;
    case YAML_ANY_SCALAR_STYLE:
    case YAML_PLAIN_SCALAR_STYLE: return CAPI_TREE_PLAIN;
    }
    return CAPI_TREE_PLAIN;
}

/* A tag ("!!str") and an anchor ("&x") stand before a scalar; it begins behind them. */
static uint32_t behind_properties(capi_str text, uint32_t start, uint32_t end)
{
    uint32_t at = start;

    while (at < end && (text.data[at] == '!' || text.data[at] == '&')) {
        while (at < end && !strchr(" \t\r\n", text.data[at]))
            at++;
        while (at < end && strchr(" \t\r\n", text.data[at]))
            at++;
    }
    return at < end ? at : start;
}

static capi_status yaml_new(yaml_builder *builder, capi_tree_kind kind, capi_tree **out)
{
    if (++builder->weight > CAPI_TREE_WEIGHT_MAX) return yaml_fail_weight(builder, "");
    *out = capi_new(builder->arena, capi_tree);
    (*out)->kind = kind;
    (*out)->weight = 1;
    (*out)->start = yaml_byte_of(builder, builder->event.start_mark.index);
    (*out)->end = yaml_byte_of(builder, builder->event.end_mark.index);
    if (kind == CAPI_TREE_STRING) (*out)->start = behind_properties(builder->text, (*out)->start, (*out)->end);
    return CAPI_OK;
}

/* "!!int 1", "!!str 1": the tag decides, and the text must fit. Tags of other makers say nothing to us. */
static capi_status yaml_apply_tag(yaml_builder *builder, const char *tag, capi_str text, capi_tree *tree)
{
    static const char prefix[] = "tag:yaml.org,2002:";
    capi_tree typed = *tree;
    const char *name;

    if (!tag || strncmp(tag, prefix, sizeof prefix - 1) != 0) return CAPI_OK;
    name = tag + sizeof prefix - 1;
    resolve_plain(&typed, text);
    if (strcmp(name, "float") == 0 && typed.kind == CAPI_TREE_INT) {
        *tree = typed;
        return CAPI_OK;
    }
    if ((strcmp(name, "int") == 0 && typed.kind == CAPI_TREE_INT) ||
        (strcmp(name, "float") == 0 && typed.kind == CAPI_TREE_NUMBER) ||
        (strcmp(name, "bool") == 0 && typed.kind == CAPI_TREE_BOOL) ||
        (strcmp(name, "null") == 0 && typed.kind == CAPI_TREE_NULL)) {
        *tree = typed;
        return CAPI_OK;
    }
    if (strcmp(name, "int") == 0 || strcmp(name, "float") == 0 || strcmp(name, "bool") == 0 ||
        strcmp(name, "null") == 0)
        return yaml_fail_event(builder, "the value does not fit its tag");
    return CAPI_OK;
}

static capi_status yaml_scalar(yaml_builder *builder, capi_tree **out)
{
    const yaml_event_t *event = &builder->event;
    capi_str text =
        capi_str_copy(builder->arena, (capi_str){(const char *)event->data.scalar.value, event->data.scalar.length});
    bool has_nul = memchr(text.data, 0, text.bytes) != NULL;
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && event->data.scalar.plain_implicit;

    if (has_nul) return yaml_fail_event(builder, "the character NUL is not allowed");
    CAPI_TRY(yaml_new(builder, CAPI_TREE_STRING, out));
    (*out)->style = style_of(event->data.scalar.style);
    (*out)->string = text;
    if (is_plain) resolve_plain(*out, text);
    return yaml_apply_tag(builder, (const char *)event->data.scalar.tag, text, *out);
}

/* ---- lists and maps ---- */

static void *yaml_room(void *array, uint32_t count, uint32_t *capacity, size_t item_bytes)
{
    if (count < *capacity) return array;
    *capacity = *capacity ? *capacity * 2 : 8;
    return capi_realloc(array, capi_array_bytes(*capacity, item_bytes));
}

static capi_status yaml_open(yaml_builder *builder, capi_tree_kind kind, capi_str anchor)
{
    yaml_level *level;

    if (builder->depth == CAPI_TREE_DEPTH_MAX)
        return capi_err_set_at(builder->err, CAPI_INVALID, yaml_byte_of(builder, builder->event.start_mark.index), 1,
                               "nested more than %d deep", CAPI_TREE_DEPTH_MAX);
    level = &builder->levels[builder->depth];
    *level = (yaml_level){.anchor = anchor};
    CAPI_TRY(yaml_new(builder, kind, &level->tree));
    builder->depth++;
    return CAPI_OK;
}

static bool is_merge_key(const capi_tree *key)
{
    return key->style == CAPI_TREE_PLAIN && capi_str_is(key->string, "<<");
}

static capi_status yaml_take_key(yaml_builder *builder, yaml_level *level, const capi_tree *key)
{
    if (key->kind != CAPI_TREE_STRING)
        return capi_err_set_at(builder->err, CAPI_INVALID, key->start, key->end - key->start,
                               "names in maps must be strings, found %s; put it in quotes",
                               capi_tree_kind_name(key->kind));
    level->key = key;
    return CAPI_OK;
}

static capi_status yaml_add(yaml_builder *builder, const capi_tree *value)
{
    yaml_level *level = &builder->levels[builder->depth - 1];
    capi_tree *tree = level->tree;

    if (tree->kind == CAPI_TREE_MAP && !level->key) return yaml_take_key(builder, level, value);
    tree->weight += value->weight;
    if (tree->kind == CAPI_TREE_LIST) {
        level->items = yaml_room(level->items, tree->count, &level->capacity, sizeof *level->items);
        level->items[tree->count++] = value;
        return CAPI_OK;
    }
    level->members = yaml_room(level->members, tree->count, &level->capacity, sizeof *level->members);
    level->members[tree->count++] = (capi_tree_member){level->key, value, false};
    if (is_merge_key(level->key)) level->has_merge = true;
    level->key = NULL;
    return CAPI_OK;
}

/* Adds the members of `from` that `names` does not have yet. */
static capi_status merge_from(yaml_builder *builder, yaml_level *level, capi_map *names, const capi_tree *from,
                              const capi_tree *key)
{
    if (from->kind != CAPI_TREE_MAP)
        return yaml_fail(builder, key->start, key->end - key->start, "\"<<\" wants a map or a list of maps");
    for (uint32_t i = 0; i < from->count; i++) {
        if (capi_map_put(names, from->members[i].key->string, level->tree)) continue;
        if ((builder->weight += from->members[i].value->weight) > CAPI_TREE_WEIGHT_MAX)
            return capi_err_set_at(builder->err, CAPI_INVALID, key->start, key->end - key->start,
                                   "aliases stand for more than %d values", CAPI_TREE_WEIGHT_MAX);
        level->members = yaml_room(level->members, level->tree->count, &level->capacity, sizeof *level->members);
        level->members[level->tree->count++] = from->members[i];
        level->tree->weight += from->members[i].value->weight;
    }
    return CAPI_OK;
}

static capi_status merge_all(yaml_builder *builder, yaml_level *level, capi_map *names)
{
    uint32_t written = level->tree->count;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < written; i++) {
        capi_tree_member member = level->members[i];

        if (!is_merge_key(member.key)) continue;
        if (member.value->kind != CAPI_TREE_LIST) {
            CAPI_TRY(merge_from(builder, level, names, member.value, member.key));
            continue;
        }
        for (uint32_t j = 0; j < member.value->count; j++)
            CAPI_TRY(merge_from(builder, level, names, member.value->items[j], member.key));
    }
    for (uint32_t i = 0; i < level->tree->count; i++)
        if (i >= written || !is_merge_key(level->members[i].key)) level->members[kept++] = level->members[i];
    level->tree->count = kept;
    return CAPI_OK;
}

enum { SMALL_MAP = 16 };

static bool names_differ(const yaml_level *level)
{
    for (uint32_t i = 1; i < level->tree->count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (capi_str_equal(level->members[i].key->string, level->members[j].key->string)) return false;
    return true;
}

/* Names must differ; then "<<" is carried out. */
static capi_status yaml_check_names(yaml_builder *builder, yaml_level *level)
{
    capi_map names;

    if (level->tree->count <= SMALL_MAP && !level->has_merge && names_differ(level)) return CAPI_OK;
    capi_map_init(&names, builder->arena);
    for (uint32_t i = 0; i < level->tree->count; i++) {
        const capi_tree *key = level->members[i].key;

        if (capi_map_put(&names, key->string, level->tree) && !is_merge_key(key))
            return capi_err_set_at(builder->err, CAPI_INVALID, key->start, key->end - key->start,
                                   "the name \"%.*s\" is there twice in one map", CAPI_STR_ARG(key->string));
    }
    return level->has_merge ? merge_all(builder, level, &names) : CAPI_OK;
}

static void yaml_set_anchor(yaml_builder *builder, capi_str name, const capi_tree *tree)
{
    yaml_anchor *anchor;

    if (!name.data) return;
    anchor = capi_new(builder->arena, yaml_anchor);
    anchor->tree = tree;
    capi_map_put(&builder->anchors, name, anchor);
}

/* A block ends where its last value ends, not at the token that libyaml saw next. */
static uint32_t end_of_content(const capi_tree *tree)
{
    const capi_tree *last = tree->count == 0               ? NULL
                            : tree->kind == CAPI_TREE_LIST ? tree->items[tree->count - 1]
                                                           : tree->members[tree->count - 1].value;

    return last && last->end > tree->start ? last->end : tree->end;
}

static capi_status yaml_close(yaml_builder *builder, capi_tree **out)
{
    yaml_level *level = &builder->levels[builder->depth - 1];
    capi_tree *tree = level->tree;

    tree->end = yaml_byte_of(builder, builder->event.end_mark.index);
    if (tree->kind == CAPI_TREE_MAP) {
        CAPI_TRY(yaml_check_names(builder, level));
        tree->members = capi_arena_copy(builder->arena, level->members, tree->count * sizeof *tree->members);
    } else {
        tree->items = capi_arena_copy(builder->arena, level->items, tree->count * sizeof *tree->items);
    }
    if (builder->event.start_mark.index == builder->event.end_mark.index) tree->end = end_of_content(tree);
    yaml_set_anchor(builder, level->anchor, tree);
    free(level->members);
    free(level->items);
    builder->depth--;
    *out = tree;
    return CAPI_OK;
}

/* ---- events ---- */

static capi_str yaml_anchor_name(yaml_builder *builder, const yaml_char_t *name)
{
    if (!name) return (capi_str){0};
    return capi_str_copy(builder->arena, capi_str_of((const char *)name));
}

/* An anchor counts as known but open until its value is complete. */
static void yaml_open_anchor(yaml_builder *builder, capi_str name)
{
    yaml_set_anchor(builder, name, NULL);
}

static capi_status yaml_alias(yaml_builder *builder, capi_tree **out)
{
    capi_str name = capi_str_of((const char *)builder->event.data.alias.anchor);
    const yaml_anchor *anchor = capi_map_get(&builder->anchors, name);

    if (!anchor) return yaml_fail_event(builder, "this alias has no anchor before it");
    if (!anchor->tree) return yaml_fail_event(builder, "this alias stands inside its own anchor");
    if ((builder->weight += anchor->tree->weight) > CAPI_TREE_WEIGHT_MAX)
        return yaml_fail_weight(builder, "aliases stand for ");
    *out = (capi_tree *)anchor->tree;
    return CAPI_OK;
}

/* Complete values come out in *value; beginnings of lists and maps leave it NULL. */
static capi_status yaml_event(yaml_builder *builder, capi_tree **value)
{
    const yaml_event_t *event = &builder->event;
    capi_str anchor;

    *value = NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT: return yaml_alias(builder, value);
    case YAML_SCALAR_EVENT:
        CAPI_TRY(yaml_scalar(builder, value));
        yaml_set_anchor(builder, yaml_anchor_name(builder, event->data.scalar.anchor), *value);
        return CAPI_OK;
    case YAML_SEQUENCE_START_EVENT:
        anchor = yaml_anchor_name(builder, event->data.sequence_start.anchor);
        yaml_open_anchor(builder, anchor);
        return yaml_open(builder, CAPI_TREE_LIST, anchor);
    case YAML_MAPPING_START_EVENT:
        anchor = yaml_anchor_name(builder, event->data.mapping_start.anchor);
        yaml_open_anchor(builder, anchor);
        return yaml_open(builder, CAPI_TREE_MAP, anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return yaml_close(builder, value);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT: return CAPI_OK;
    }
    return CAPI_OK;
}

/* Reads the first document. An empty stream is null. */
static capi_status yaml_document(yaml_builder *builder, capi_tree **root)
{
    bool is_done = false;

    *root = NULL;
    while (!is_done) {
        capi_tree *value = NULL;
        capi_status st;

        if (!yaml_parser_parse(&builder->parser, &builder->event)) return yaml_fail_parser(builder);
        is_done = builder->event.type == YAML_STREAM_END_EVENT || builder->event.type == YAML_DOCUMENT_END_EVENT;
        st = yaml_event(builder, &value);
        if (st == CAPI_OK && value) {
            if (builder->depth > 0)
                st = yaml_add(builder, value);
            else
                *root = value;
        }
        yaml_event_delete(&builder->event);
        CAPI_TRY(st);
    }
    if (!*root) *root = capi_new(builder->arena, capi_tree);
    return CAPI_OK;
}

capi_status capi_tree_from_yaml(capi_arena *arena, capi_str text, const capi_tree **out, capi_err *err)
{
    yaml_builder *builder;
    capi_tree *root = NULL;
    size_t bad_at = 0;
    capi_status st;

    *out = NULL;
    if (text.bytes > UINT32_MAX) return capi_err_set(err, CAPI_INVALID, "YAML text of more than 4 GiB");
    if (!capi_str_is_utf8(text, &bad_at))
        return capi_err_set_at(err, CAPI_INVALID, (int64_t)bad_at, 1, "byte 0x%02x is not valid UTF-8",
                               (unsigned char)text.data[bad_at]);
    builder = capi_zmalloc(sizeof *builder);
    builder->arena = arena;
    builder->text = text;
    builder->err = err;
    capi_map_init(&builder->anchors, arena);
    if (!yaml_parser_initialize(&builder->parser)) {
        free(builder);
        return capi_err_set(err, CAPI_NO_MEMORY, "not enough memory");
    }
    yaml_parser_set_encoding(&builder->parser, YAML_UTF8_ENCODING);
    builder->bom_bytes = builder->cursor_bytes = capi_str_starts(text, "\xEF\xBB\xBF") ? 3 : 0;
    yaml_parser_set_input_string(&builder->parser,
                                 (const unsigned char *)(text.data ? text.data : "") + builder->bom_bytes,
                                 text.bytes - builder->bom_bytes);
    CAPI_TRY_OUT(yaml_document(builder, &root));
    *out = root;
out:
    while (builder->depth > 0) {
        free(builder->levels[--builder->depth].members);
        free(builder->levels[builder->depth].items);
    }
    yaml_parser_delete(&builder->parser);
    free(builder);
    return st;
}
