/* regex_traits.c - instructions of RE2 are of bytes, so a class of Unicode has hundreds; repeats are written out. */
#include "expr/regex_traits.h"

#include "expr/regex_tree.h"

enum {
    SIZE_OF_CHARACTER = 4,
    SIZE_OF_CLASS = 8,            /* and one more for each byte of its source */
    SIZE_OF_UNICODE_CLASS = 1300, /* \pL has 1,200 */
    SIZE_MAX_COUNTED = 1 << 30,   /* larger ones are the same */
};

static uint64_t class_size(capi_str source)
{
    uint64_t size = SIZE_OF_CLASS + source.bytes;

    for (size_t i = 0; i + 1 < source.bytes; i++)
        if (source.data[i] == '\\' && (source.data[i + 1] | 0x20) == 'p') size += SIZE_OF_UNICODE_CLASS;
    return size;
}

static uint64_t node_size(const regex_node *node)
{
    uint64_t size = 1;

    if (node->kind == REGEX_CHARACTER) return SIZE_OF_CHARACTER;
    if (node->kind == REGEX_CLASS) return class_size(node->source);
    for (uint32_t i = 0; i < node->child_count; i++)
        size += 1 + node_size(node->children[i]);
    if (node->kind == REGEX_REPEAT) {
        if (node->max != REGEX_NO_MAX)
            size *= node->max;
        else if (node->min > 0)
            size *= node->min;
    }
    return size < SIZE_MAX_COUNTED ? size : SIZE_MAX_COUNTED;
}

static bool has_no_edge(const regex_node *node)
{
    bool has = node->kind == REGEX_PLACE && node->place == REGEX_NO_WORD_EDGE;

    for (uint32_t i = 0; i < node->child_count && !has; i++)
        has = has_no_edge(node->children[i]);
    return has;
}

expr_regex_traits expr_regex_traits_of(const char *pattern, size_t bytes)
{
    capi_arena arena = {0};
    const regex_node *root = expr_regex_tree(&arena, (capi_str){pattern, bytes});
    expr_regex_traits traits = {0};

    if (root) traits = (expr_regex_traits){node_size(root), has_no_edge(root)};
    capi_arena_deinit(&arena);
    return traits;
}
