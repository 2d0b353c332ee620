/* tool_script.c - toolbelt: validate_script, get_table_cql. */
#include "cmd/cql.h"
#include "cmd/find.h"
#include "cmd/toolbelt.h"

#include "script/diagram.h"

#include <stdio.h>

static int write_out(capi_buf *text)
{
    bool is_well = fwrite(text->data, 1, text->bytes, stdout) == text->bytes && fflush(stdout) == 0;

    capi_buf_deinit(text);
    if (is_well) return CAPI_EXIT_DONE;
    fprintf(stderr, "error: could not write to standard output\n");
    return CAPI_EXIT_FAILED;
}

/* ---- validate_script ---- */

static int tool_validate(const capi_args *args)
{
    const char *format = capi_args_value(args, "format");
    const char *detail = capi_args_value(args, "detail");
    bool is_old = capi_args_flag(args, "idx_dag") || capi_args_flag(args, "field_dag");
    bool is_dot = is_old || (format && strcmp(format, "capigraph") != 0);
    capi_diagram_options options = {.with_root_colors = true};
    capi_script *script;
    capi_buf text = {0};

    if (capi_tool_text(args, "script_file").bytes == 0) {
        fprintf(stderr, "error: say which script: -script_file FILE\n");
        return capi_tool_usage(&capi_tool_validate_script);
    }
    if (!detail) detail = "idx,field";
    options.with_index = is_old ? capi_args_flag(args, "idx_dag") : strstr(detail, "idx") != NULL;
    options.with_fields = is_old ? capi_args_flag(args, "field_dag") : strstr(detail, "field") != NULL;
    script = capi_tool_script(args);
    if (!script) return CAPI_EXIT_FAILED;
    (is_dot ? capi_diagram_dot : capi_diagram_svg)(script, &options, &text);
    capi_script_free(script);
    return write_out(&text);
}

static const capi_option validate_flags[] = {
    {"script_file", "FILE", "script, .json or .yaml", false},
    {"params_file", "FILE", "parameters of the script, .json or .yaml", false},
    {"format", "FORMAT", "capigraph: SVG (default); anything else: DOT", false},
    {"detail", "LIST", "what edges say: idx, field (default: idx,field)", false},
    {"idx_dag", NULL, "DOT with indexes", false},
    {"field_dag", NULL, "DOT with fields", false},
};

const capi_command capi_tool_validate_script = {
    .name = "validate_script",
    .arguments = "",
    .summary = "check a script and draw it",
    .options = validate_flags,
    .option_count = sizeof validate_flags / sizeof *validate_flags,
    .run = tool_validate,
};

/* ---- get_table_cql ---- */

static int tool_table_cql(const capi_args *args)
{
    capi_str keyspace = capi_tool_text(args, "keyspace");
    capi_arena arena = {0};
    capi_buf text = {0};
    capi_err err = {0};
    int64_t run_id = 0;
    capi_script *script = NULL;
    int exit_code = CAPI_EXIT_FAILED;

    if (!capi_tool_int(args, "run_id", &run_id)) return CAPI_EXIT_USAGE;
    if (run_id < 1 || run_id > CAPI_RUN_ID_MAX)
        capi_err_set(&err, CAPI_INVALID, "flag -run_id is %lld, expected 1 to %d", (long long)run_id, CAPI_RUN_ID_MAX);
    else
        (void)!capi_keyspace_check_name(keyspace, &err);
    if (err.status == CAPI_OK) script = capi_tool_script(args);
    if (script && capi_cql_write(script, keyspace, (uint32_t)run_id, capi_tool_text(args, "start_nodes"), &arena, &text,
                                 &err) == CAPI_OK)
        exit_code = write_out(&text);
    if (err.status != CAPI_OK) exit_code = capi_tool_fail(&err);
    capi_buf_deinit(&text);
    capi_script_free(script);
    capi_arena_deinit(&arena);
    return exit_code;
}

static const capi_option cql_flags[] = {
    {"script_file", "FILE", "script, .json or .yaml", false},
    {"params_file", "FILE", "parameters of the script, .json or .yaml", false},
    {"keyspace", "NAME", "keyspace of the tables", false},
    {"run_id", "ID", "run of the tables", false},
    {"start_nodes", "NODES", "nodes to start from, comma-separated; empty: workflow tables only", false},
};

const capi_command capi_tool_get_table_cql = {
    .name = "get_table_cql",
    .arguments = "",
    .summary = "the tables of a run as CQL statements",
    .options = cql_flags,
    .option_count = sizeof cql_flags / sizeof *cql_flags,
    .run = tool_table_cql,
};
