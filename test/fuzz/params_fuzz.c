/* params_fuzz.c - any bytes as parameters (up to the first line end, JSON) and a text to put them into. */
#include "script/params.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const uint8_t *line_end = bytes ? memchr(data, '\n', bytes) : NULL;
    size_t first = line_end ? (size_t)(line_end - data) : bytes;
    size_t second = line_end ? first + 1 : bytes;
    capi_arena arena = {0};
    capi_diags diags;
    capi_report report = {.arena = &arena, .diags = &diags};
    capi_source params_source = {.url = CAPI_STR("p.json")};
    capi_source source = {.url = CAPI_STR("s.json")};
    const capi_tree *root = NULL;
    capi_params params;

    capi_diags_init(&diags, &arena);
    params_source.original = params_source.text = (capi_str){bytes ? (const char *)data : "", first};
    source.original = (capi_str){bytes ? (const char *)data + second : "", bytes - second};
    if (capi_tree_from_json(&arena, params_source.text, &root, NULL) == CAPI_OK) {
        capi_params_read(&report, &params_source, root, NULL, NULL, 0, &params);
        capi_params_apply(&report, &params, &arena, &source);
        for (uint32_t at = 0; at <= source.text.bytes && at < 200; at++) {
            uint32_t start;
            uint32_t end;

            capi_source_find(&source, at, (uint32_t)source.text.bytes, &start, &end);
            CAPI_MUST(start <= end && end <= source.original.bytes);
        }
    }
    capi_arena_deinit(&arena);
    return 0;
}
