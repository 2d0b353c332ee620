/* load_fixture.h - loads scripts from texts in memory, for tests. */
#pragma once

#include "base/test.h"
#include "script/script.h"

enum { LOAD_FILES_MAX = 4 };

typedef struct load_bed {
    capi_arena arena;
    capi_diags diags;
    capi_script *script;
    capi_status status;
    const char *names[LOAD_FILES_MAX];
    const char *texts[LOAD_FILES_MAX];
    capi_load_options options;
} load_bed;

static inline capi_status load_fetch(void *context, capi_str url, capi_arena *arena, capi_str *text, capi_err *err)
{
    const load_bed *bed = context;

    for (size_t i = 0; i < LOAD_FILES_MAX; i++)
        if (bed->names[i] && capi_str_is(url, bed->names[i])) {
            *text = capi_str_copy(arena, capi_str_of(bed->texts[i]));
            return CAPI_OK;
        }
    if (capi_str_starts(url, "away")) return capi_err_set(err, CAPI_UNAVAILABLE, "could not reach the server");
    return capi_err_set(err, CAPI_NOT_FOUND, "file \"%.*s\" does not exist", CAPI_STR_ARG(url));
}

static inline void load_run(load_bed *bed)
{
    bed->options.fetch = load_fetch;
    bed->options.fetch_context = bed;
    capi_diags_init(&bed->diags, &bed->arena);
    bed->status = capi_script_load(&bed->options, &bed->script, &bed->diags);
}

/* Loads a text under a name that tells what it is. */
static inline void load_open(load_bed *bed, const char *name, const char *text)
{
    bed->names[0] = name;
    bed->texts[0] = text;
    bed->options.script_url = capi_str_of(name);
    load_run(bed);
}

static inline void load_close(load_bed *bed)
{
    capi_script_free(bed->script);
    capi_arena_deinit(&bed->arena);
    *bed = (load_bed){0};
}

/* All messages, as they would be printed. */
static inline const char *load_words(load_bed *bed)
{
    capi_buf buf = {0};
    const char *words;

    capi_diags_print(&bed->diags, &buf);
    words = capi_str_copy(&bed->arena, capi_buf_str(&buf)).data;
    capi_buf_deinit(&buf);
    return words;
}

static inline void load_must(load_bed *bed)
{
    if (bed->status != CAPI_OK) capi_test_fail(__FILE__, __LINE__, "the script does not load:\n%s", load_words(bed));
}
