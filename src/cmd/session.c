/* session.c - script, data folder and engine from the command line. */
#include "cmd/session.h"
#include "cmd/remote.h"
#include "parquet/parquet.h"

#include <stdio.h>
#include <stdlib.h>

capi_status capi_data_folder(const capi_args *args, capi_arena *arena, capi_str *out, capi_err *err)
{
    const char *given = capi_args_value(args, "data");
    const char *home = getenv("HOME");
    const char *data_home = getenv("XDG_DATA_HOME");

    if (!given || !given[0]) given = getenv("CAPI_DATA");
    if (given && given[0])
        *out = capi_str_copy(arena, capi_str_of(given));
    else if (data_home && data_home[0] == '/')
        *out = capi_str_format(arena, "%s/capillaries", data_home);
    else if (home && home[0])
        *out = capi_str_format(arena, "%s/.local/share/capillaries", home);
    else
        return capi_err_set(err, CAPI_INVALID, "no data folder: say --data DIR, or set CAPI_DATA or HOME");
    return CAPI_OK;
}

static void print_diags(const capi_diags *diags)
{
    capi_buf buf = {0};

    capi_diags_print(diags, &buf);
    if (buf.bytes) fwrite(buf.data, 1, buf.bytes, stderr);
    capi_buf_deinit(&buf);
}

bool capi_session_sets(const capi_args *args, capi_str names[CAPI_SETS_MAX], capi_str values[CAPI_SETS_MAX],
                       uint32_t *count)
{
    const char *text;

    *count = 0;
    for (uint32_t i = 0; (text = capi_args_value_at(args, "set", i)); i++) {
        const char *equals = strchr(text, '=');

        if (!equals || equals == text || i == CAPI_SETS_MAX) {
            fprintf(stderr, "error: option \"--set\" is \"%s\", expected NAME=VALUE (at most %d of them)\n", text,
                    CAPI_SETS_MAX);
            return false;
        }
        names[i] = (capi_str){text, (size_t)(equals - text)};
        values[i] = capi_str_of(equals + 1);
        *count = i + 1;
    }
    return true;
}

capi_script *capi_session_script_quietly(const capi_args *args, capi_diags *diags, int *exit_code)
{
    capi_str names[CAPI_SETS_MAX];
    capi_str values[CAPI_SETS_MAX];
    capi_load_options options = {
        .script_url = capi_str_of(capi_args_word(args, 0)),
        .params_url = capi_str_of(capi_args_value(args, "params")),
        .set_names = names,
        .set_values = values,
        .fetch = capi_remote_fetch,
        .show_url = capi_url_show,
        .refuses_parquet = !capi_parquet_is_built(),
    };
    capi_script *script = NULL;
    capi_status st;

    *exit_code = CAPI_EXIT_USAGE;
    if (!capi_session_sets(args, names, values, &options.set_count)) return NULL;
    st = capi_script_load(&options, &script, diags);
    if (st == CAPI_UNAVAILABLE) *exit_code = CAPI_EXIT_UNREACHABLE;
    if (st != CAPI_OK) return NULL;
    *exit_code = CAPI_EXIT_DONE;
    return script;
}

capi_script *capi_session_script(const capi_args *args, int *exit_code)
{
    capi_arena arena = {0};
    capi_diags diags;
    capi_script *script;

    capi_diags_init(&diags, &arena);
    script = capi_session_script_quietly(args, &diags, exit_code);
    print_diags(&diags);
    if (!script && diags.error_count)
        fprintf(stderr, "%u error%s in \"%.*s\"\n", diags.error_count, diags.error_count == 1 ? "" : "s",
                CAPI_STR_ARG(capi_url_show(&arena, capi_str_of(capi_args_word(args, 0)))));
    capi_arena_deinit(&arena);
    return script;
}

bool capi_session_options(const capi_args *args, const capi_config *config, capi_engine_options *out)
{
    uint64_t threads = config ? (uint64_t)capi_config_number(config, CAPI_CONFIG_THREADS) : 0;
    uint64_t batches = config ? (uint64_t)capi_config_number(config, CAPI_CONFIG_THREAD_POOL) : 0;
    uint64_t lease_ms = config ? (uint64_t)capi_config_number(config, CAPI_CONFIG_LEASE) : 0;
    uint64_t patience_ms = config ? (uint64_t)capi_config_number(config, CAPI_CONFIG_PATIENCE) : 0;

    *out = (capi_engine_options){.can_work_alone = true,
                                 .alone_config = config ? config->text : (capi_str){0},
                                 .memory_bytes = config ? (uint64_t)capi_config_number(config, CAPI_CONFIG_MEMORY) : 0};
    if (!capi_args_number(args, "threads", 1, CAPI_THREAD_MAX, &threads)) return false;
    if (!capi_args_number(args, "batches", 1, 100, &batches)) return false;
    if (!capi_args_number(args, "lease-ms", 100, 3600000, &lease_ms)) return false;
    if (!capi_args_number(args, "patience-ms", 100, 86400000, &patience_ms)) return false;
    if (!capi_args_bytes(args, "memory", &out->memory_bytes)) return false;
    out->batch_count_max = (uint32_t)batches;
    out->lease_ms = (uint32_t)lease_ms;
    out->patience_ms = (uint32_t)patience_ms;
    out->thread_count = (uint32_t)threads;
    return true;
}

static capi_engine *open_engine(const capi_args *args, bool must_exist, int *exit_code)
{
    capi_engine_options options;
    capi_engine *engine = NULL;
    capi_arena arena = {0};
    capi_err err = {0};

    *exit_code = CAPI_EXIT_USAGE;
    if (!capi_session_options(args, NULL, &options)) return NULL;
    options.net = capi_remote_settings();
    options.must_exist = must_exist;
    if (capi_data_folder(args, &arena, &options.data_folder, &err) != CAPI_OK ||
        capi_remote_configure(NULL, &err) != CAPI_OK || capi_engine_open(&options, &engine, &err) != CAPI_OK) {
        *exit_code = capi_command_fail(&err);
        engine = NULL;
    } else {
        *exit_code = CAPI_EXIT_DONE;
    }
    capi_arena_deinit(&arena);
    return engine;
}

capi_engine *capi_session_engine(const capi_args *args, int *exit_code)
{
    return open_engine(args, false, exit_code);
}

capi_engine *capi_session_old_engine(const capi_args *args, int *exit_code)
{
    return open_engine(args, true, exit_code);
}

static bool is_name(capi_str name)
{
    return capi_keyspace_check_name(name, NULL) == CAPI_OK;
}

/* The base name of a script without what follows the last dot. */
static capi_str script_name(capi_str url)
{
    capi_str name = url;

    for (size_t i = 0; i < url.bytes; i++)
        if (url.data[i] == '/') name = capi_str_slice(url, i + 1, url.bytes);
    for (size_t i = name.bytes; i > 1; i--)
        if (name.data[i - 1] == '.') return capi_str_slice(name, 0, i - 1);
    return name;
}

capi_str capi_session_keyspace(const capi_args *args, capi_str script_url, capi_arena *arena)
{
    const char *given = capi_args_value(args, "keyspace");
    capi_str name, prefixed;
    char *text;

    if (given) return capi_str_copy(arena, capi_str_of(given));
    name = capi_str_copy(arena, script_name(script_url));
    text = (char *)name.data;
    for (size_t i = 0; i < name.bytes; i++) {
        char c = text[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) text[i] = '_';
    }
    if (name.bytes == 0) return CAPI_STR("main");
    prefixed = capi_str_format(arena, "script_%.*s", CAPI_STR_ARG(name));
    return !is_name(name) && is_name(prefixed) ? prefixed : name; /* "2024.yaml", "_draft.yaml", "system.yaml" */
}
