/* golden_script.c - a script with its parameters: valid or not. */
#include "cmd/golden.h"

#include "script/script.h"

#include <stdlib.h>

typedef struct golden_files {
    char *script;
    char *params;
} golden_files;

static capi_status fetch(void *context, capi_str url, capi_arena *arena, capi_str *text, capi_err *err)
{
    const golden_files *files = context;

    if (capi_str_is(url, "script.json"))
        *text = capi_str_copy(arena, capi_str_of(files->script));
    else if (capi_str_is(url, "params.json"))
        *text = capi_str_copy(arena, capi_str_of(files->params));
    else
        return capi_err_set(err, CAPI_NOT_FOUND, "cannot open \"%.*s\": no such file", CAPI_STR_ARG(url));
    return CAPI_OK;
}

bool golden_script(const json_t *all, size_t index, capi_arena *arena, golden_failure *failure)
{
    const json_t *object = json_array_get(all, index);
    const json_t *processors = json_object_get(object, "custom_processors");
    bool is_valid = golden_flag(object, "valid");
    golden_files files = {json_dumps(json_object_get(object, "script"), JSON_ENCODE_ANY),
                          json_dumps(json_object_get(object, "params"), JSON_ENCODE_ANY)};
    char *processors_text = processors ? json_dumps(processors, JSON_ENCODE_ANY) : NULL;
    capi_load_options options = {
        .script_url = CAPI_STR("script.json"),
        .params_url = files.params ? CAPI_STR("params.json") : (capi_str){0},
        .fetch = fetch,
        .fetch_context = &files,
        .custom_processors_json = capi_str_of(processors_text),
    };
    capi_script *script = NULL;
    capi_diags diags;
    capi_status st;

    capi_diags_init(&diags, arena);
    st = capi_script_load(&options, &script, &diags);
    if (st == CAPI_OK) {
        capi_buf_append_text(&failure->got, "valid");
        capi_script_free(script);
    } else {
        capi_diags_print(&diags, &failure->got);
    }
    if (is_valid)
        capi_buf_append_text(&failure->expected, "valid");
    else
        capi_buf_printf(&failure->expected, "a mistake (rule %.*s)", CAPI_STR_ARG(golden_text(object, "rule")));
    free(files.script);
    free(files.params);
    free(processors_text);
    return (st == CAPI_OK) == is_valid && (st == CAPI_OK || diags.error_count > 0);
}
