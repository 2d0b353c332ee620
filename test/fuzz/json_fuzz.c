/* json_fuzz.c - any bytes as JSON: our scanner and jansson must agree, and every place must lie within the text. */
#include "script/tree.h"

#include "base/must.h"
#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void json_fuzz_walk(const capi_tree *tree, capi_str text)
{
    CAPI_MUST(tree->start <= tree->end && tree->end <= text.bytes);
    if (tree->kind == CAPI_TREE_STRING)
        for (size_t at = 0; at <= tree->string.bytes && at < 40; at++) {
            uint32_t start;
            uint32_t end;

            capi_tree_locate(tree, text, at, tree->string.bytes, &start, &end);
            CAPI_MUST(tree->start <= start && start <= end && end <= tree->end);
        }
    for (uint32_t i = 0; i < tree->count; i++) {
        if (tree->kind == CAPI_TREE_LIST) json_fuzz_walk(tree->items[i], text);
        if (tree->kind == CAPI_TREE_MAP) {
            json_fuzz_walk(tree->members[i].key, text);
            json_fuzz_walk(tree->members[i].value, text);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    capi_arena arena = {0};
    const capi_tree *tree = NULL;
    capi_err err = {0};
    capi_str text = {(const char *)data, bytes};
    bool is_ours = capi_tree_from_json(&arena, text, &tree, &err) == CAPI_OK;
    json_t *json = json_loadb(bytes ? (const char *)data : "", bytes, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);

    /* jansson overlooks a NUL behind a number; we do not. */
    CAPI_MUST(is_ours == (json != NULL) || strstr(err.text, "nested more than") ||
              (!is_ours && memchr(data, 0, bytes)));
    if (is_ours) json_fuzz_walk(tree, text);
    json_decref(json);
    capi_arena_deinit(&arena);
    return 0;
}
