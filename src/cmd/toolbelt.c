/* toolbelt.c - capitoolbelt: finds the command, reads flags and configuration, runs it. */
#include "cmd/toolbelt.h"

#include "base/log.h"
#include "cmd/find.h"
#include "cmd/remote.h"
#include "parquet/parquet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

const capi_command *const capi_toolbelt_commands[] = {
    &capi_tool_validate_script,
    &capi_tool_start_run,
    &capi_tool_stop_run,
    &capi_tool_exec_node,
    &capi_tool_get_run_history,
    &capi_tool_get_node_history,
    &capi_tool_get_batch_history,
    &capi_tool_get_run_status_diagram,
    &capi_tool_drop_keyspace,
    &capi_tool_get_table_cql,
    &capi_tool_proto_file_reader_creator,
    &capi_tool_check_db_connectivity,
    &capi_tool_check_queue_connectivity,
    &capi_tool_drop_run_status_diagram,
};

const uint32_t capi_toolbelt_command_count = sizeof capi_toolbelt_commands / sizeof *capi_toolbelt_commands;

static capi_config config;
static capi_err config_missing; /* why there is no configuration file; empty if there is one */

const capi_config *capi_tool_config(void)
{
    return &config;
}

/* ---- usage ---- */

static void print_usage(FILE *to)
{
    fprintf(to, "capitoolbelt %s\nusage: capitoolbelt COMMAND [FLAGS]\ncommands:\n", CAPI_VERSION);
    for (uint32_t i = 0; i < capi_toolbelt_command_count; i++)
        if (capi_toolbelt_commands[i] != &capi_tool_drop_run_status_diagram) /* an old name */
            fprintf(to, "  %s\n", capi_toolbelt_commands[i]->name);
}

static void print_flags(FILE *to, const capi_command *command)
{
    fprintf(to, "usage of %s: %s\n", command->name, command->summary);
    for (uint32_t i = 0; i < command->option_count; i++) {
        const capi_option *option = &command->options[i];

        fprintf(to, "  -%s%s%s\n        %s\n", option->name, option->value ? " " : "",
                option->value ? option->value : "", option->help);
    }
}

int capi_tool_usage(const capi_command *command)
{
    print_flags(stderr, command);
    return CAPI_EXIT_USAGE;
}

static bool is_help(const char *text)
{
    return strcmp(text, "-h") == 0 || strcmp(text, "-help") == 0 || strcmp(text, "--help") == 0 ||
           strcmp(text, "--h") == 0;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc && argv[i][0] == '-' && strcmp(argv[i], "--") != 0; i++)
        if (is_help(argv[i])) return true;
    return false;
}

/* ---- flags ---- */

capi_str capi_tool_text(const capi_args *args, const char *flag)
{
    const char *text = capi_args_value(args, flag);

    return text ? capi_str_of(text) : (capi_str){"", 0};
}

capi_status capi_tool_run_id(capi_str text, const char *flag, uint32_t *out, capi_err *err)
{
    capi_str digits = capi_str_trim(text);
    uint64_t number = 0;

    for (size_t i = 0; i < digits.bytes && number <= CAPI_RUN_ID_MAX; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            number = 0;
            break;
        }
        number = number * 10 + (uint64_t)(digits.data[i] - '0');
    }
    *out = (uint32_t)number;
    if (number >= 1 && number <= CAPI_RUN_ID_MAX) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "flag -%s is \"%.*s\", expected a run id from 1 to %d", flag,
                        CAPI_STR_ARG(text), CAPI_RUN_ID_MAX);
}

capi_status capi_tool_run_ids(capi_str text, const char *flag, capi_arena *arena, uint32_t **out, uint32_t *count,
                              capi_err *err)
{
    *out = capi_new_array(arena, uint32_t, text.bytes + 1);
    *count = 0;
    for (bool has_more = text.bytes > 0; has_more;) { /* what stands behind a last comma is an item too */
        int64_t comma = capi_str_find(text, CAPI_STR(","));
        capi_str item = comma < 0 ? text : capi_str_slice(text, 0, (size_t)comma);

        CAPI_TRY(capi_tool_run_id(item, flag, &(*out)[(*count)++], err));
        has_more = comma >= 0;
        if (has_more) text = capi_str_slice(text, (size_t)comma + 1, text.bytes);
    }
    return CAPI_OK;
}

bool capi_tool_int(const capi_args *args, const char *flag, int64_t *out)
{
    const char *text = capi_args_value(args, flag);
    char *rest;

    if (!text) return true;
    errno = 0;
    *out = strtoll(text, &rest, 0);
    if (rest > text && !*rest && !errno && text[0] != ' ') return true;
    fprintf(stderr, "error: flag -%s is \"%s\", expected a whole number\n", flag, text);
    return false;
}

int capi_tool_fail(const capi_err *err)
{
    fprintf(stderr, "error: %s\n", err->text);
    return CAPI_EXIT_FAILED;
}

/* ---- configuration ---- */

/* capitoolbelt.json beside the program or in the current folder. Commands that work with files only do without one. */
static capi_status read_config(capi_err *err)
{
    capi_arena arena = {0};
    capi_str path = {0};
    capi_status st = capi_config_find("capitoolbelt.json", &arena, &path, &config_missing);

    if (st == CAPI_NOT_FOUND) st = CAPI_OK;
    if (st == CAPI_OK) st = capi_config_load(path, &config, err);
    capi_arena_deinit(&arena);
    if (st == CAPI_OK) capi_config_apply_python(&config);
    if (st == CAPI_OK) st = capi_remote_configure(&config, err);
    return st;
}

capi_status capi_tool_data_folder(capi_arena *arena, capi_str *out, capi_err *err)
{
    capi_status st = capi_config_data_folder(&config, arena, out, err);

    if (st != CAPI_NOT_FOUND) return st;
    capi_err_copy(err, &config_missing);
    capi_err_note(err, "make one, or set CAPI_DATA to the data folder");
    return CAPI_NOT_FOUND;
}

static capi_status open_store(bool must_exist, capi_engine **out, capi_err *err)
{
    capi_arena arena = {0};
    capi_engine_options options = {
        .batch_count_max = (uint32_t)capi_config_number(&config, CAPI_CONFIG_THREAD_POOL),
        .thread_count = (uint32_t)capi_config_number(&config, CAPI_CONFIG_THREADS),
        .memory_bytes = (uint64_t)capi_config_number(&config, CAPI_CONFIG_MEMORY),
        .lease_ms = (uint32_t)capi_config_number(&config, CAPI_CONFIG_LEASE),
        .patience_ms = (uint32_t)capi_config_number(&config, CAPI_CONFIG_PATIENCE),
        .must_exist = must_exist,
        .can_work_alone = true,
        .alone_config = config.text,
    };
    capi_status st = capi_tool_data_folder(&arena, &options.data_folder, err);

    options.net = capi_remote_settings();
    if (st == CAPI_OK) st = capi_engine_open(&options, out, err);
    capi_arena_deinit(&arena);
    return st;
}

capi_status capi_tool_open(capi_engine **out, capi_err *err)
{
    return open_store(false, out, err);
}

capi_status capi_tool_open_old(capi_engine **out, capi_err *err)
{
    return open_store(true, out, err);
}

static void print_diags(const capi_diags *diags)
{
    capi_buf text = {0};

    capi_diags_print(diags, &text);
    if (text.bytes) fwrite(text.data, 1, text.bytes, stderr);
    capi_buf_deinit(&text);
}

capi_script *capi_tool_script(const capi_args *args)
{
    capi_load_options options = {
        .script_url = capi_tool_text(args, "script_file"),
        .params_url = capi_tool_text(args, "params_file"),
        .custom_processors_json = config.values[CAPI_CONFIG_PROCESSORS].json,
        .fetch = capi_remote_fetch,
        .show_url = capi_url_show,
        .refuses_parquet = !capi_parquet_is_built(),
    };
    capi_arena arena = {0};
    capi_script *script = NULL;
    capi_diags diags;

    capi_diags_init(&diags, &arena);
    if (options.script_url.bytes == 0)
        fprintf(stderr, "error: say which script: -script_file FILE\n");
    else if (capi_script_load(&options, &script, &diags) != CAPI_OK)
        script = NULL;
    print_diags(&diags);
    capi_arena_deinit(&arena);
    return script;
}

/* ---- main ---- */

static const capi_command *find_command(const char *name)
{
    for (uint32_t i = 0; i < capi_toolbelt_command_count; i++)
        if (strcmp(capi_toolbelt_commands[i]->name, name) == 0) return capi_toolbelt_commands[i];
    return NULL;
}

static int run_command(const capi_command *command, const capi_args *args)
{
    capi_err err = {0};
    int exit_code = read_config(&err) == CAPI_OK ? command->run(args) : capi_tool_fail(&err);

    capi_config_free(&config);
    return exit_code;
}

int capi_toolbelt_main(int argc, char **argv)
{
    const capi_command *command;
    const capi_args *args;

    if (argc < 2 || is_help(argv[1])) {
        print_usage(stdout);
        return CAPI_EXIT_DONE;
    }
    command = find_command(argv[1]);
    if (!command) {
        printf("unknown command \"%s\"\n", argv[1]);
        print_usage(stdout);
        return CAPI_EXIT_FAILED;
    }
    if (wants_help(argc - 2, argv + 2)) {
        print_flags(stderr, command); /* as the reference does */
        return CAPI_EXIT_DONE;
    }
    args = capi_args_parse_flags(command, argc - 2, argv + 2);
    if (!args) return capi_tool_usage(command);
    capi_log_set_level(CAPI_LOG_WARN);
    return run_command(command, args);
}
