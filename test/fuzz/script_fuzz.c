/* script_fuzz.c - any bytes as a script: JSON if the first byte is even, else YAML. */
#include "script/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static capi_status fetch(void *context, capi_str url, capi_arena *arena, capi_str *text, capi_err *err)
{
    const capi_str *script = context;

    if (!capi_str_starts(url, "script.")) return capi_err_set(err, CAPI_NOT_FOUND, "there is no other file");
    *text = capi_str_copy(arena, *script);
    return CAPI_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    capi_arena arena = {0};
    capi_diags diags;
    capi_script *script = NULL;
    capi_str text;
    capi_buf printed = {0};
    capi_load_options options = {.fetch = fetch, .fetch_context = &text};

    if (bytes == 0) return 0;
    options.script_url = data[0] % 2 ? CAPI_STR("script.yaml") : CAPI_STR("script.json");
    text = (capi_str){(const char *)data + 1, bytes - 1};
    capi_diags_init(&diags, &arena);
    if (capi_script_load(&options, &script, &diags) == CAPI_OK)
        capi_script_free(script);
    else
        capi_diags_print(&diags, &printed);
    capi_buf_deinit(&printed);
    capi_arena_deinit(&arena);
    return 0;
}
