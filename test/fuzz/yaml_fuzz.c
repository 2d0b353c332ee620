/* yaml_fuzz.c - any bytes as YAML: every place must lie within the text, and aliases must not explode. */
#include "script/tree.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Aliases lead to the same values again and again, so only so many are looked at. */
static void yaml_fuzz_walk(const capi_tree *tree, capi_str text, uint32_t *left)
{
    if (*left == 0) return;
    (*left)--;
    CAPI_MUST(tree->start <= tree->end && tree->end <= text.bytes);
    if (tree->kind == CAPI_TREE_STRING)
        for (size_t at = 0; at <= tree->string.bytes && at < 40; at++) {
            uint32_t start;
            uint32_t end;

            capi_tree_locate(tree, text, at, tree->string.bytes, &start, &end);
            CAPI_MUST(tree->start <= start && start <= end && end <= tree->end);
        }
    for (uint32_t i = 0; i < tree->count; i++) {
        if (tree->kind == CAPI_TREE_LIST) yaml_fuzz_walk(tree->items[i], text, left);
        if (tree->kind == CAPI_TREE_MAP) {
            CAPI_MUST(tree->members[i].key->kind == CAPI_TREE_STRING);
            yaml_fuzz_walk(tree->members[i].key, text, left);
            yaml_fuzz_walk(tree->members[i].value, text, left);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    capi_arena arena = {0};
    const capi_tree *tree = NULL;
    capi_err err = {0};
    capi_str text = {(const char *)data, bytes};
    uint32_t left = 10000;

    if (capi_tree_from_yaml(&arena, text, &tree, &err) == CAPI_OK)
        yaml_fuzz_walk(tree, text, &left);
    else
        CAPI_MUST(err.text_bytes > 0 && err.offset <= (int64_t)bytes);
    capi_arena_deinit(&arena);
    return 0;
}
