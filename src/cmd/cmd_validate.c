/* cmd_validate.c - "capillaries validate": all checks, nothing is run. */
#include "cmd/commands.h"
#include "cmd/diags_json.h"
#include "cmd/plan.h"
#include "cmd/session.h"

#include <stdio.h>

static int validate_for_people(const capi_args *args)
{
    int exit_code;
    capi_script *script = capi_session_script(args, &exit_code);

    if (!script) return exit_code;
    if (capi_args_flag(args, "plan"))
        exit_code = capi_plan_command(args, script);
    else
        printf("\"%.*s\" is valid: %u node%s\n", CAPI_STR_ARG(script->url), script->node_count,
               script->node_count == 1 ? "" : "s");
    capi_script_free(script);
    return exit_code;
}

static int validate_for_editors(const capi_args *args)
{
    capi_arena arena = {0};
    capi_buf text = {0};
    capi_diags diags;
    int exit_code;
    capi_script *script;

    capi_diags_init(&diags, &arena);
    script = capi_session_script_quietly(args, &diags, &exit_code);
    capi_diags_to_json(&diags, &text);
    fwrite(text.data, 1, text.bytes, stdout);
    capi_buf_deinit(&text);
    capi_arena_deinit(&arena);
    if (script) capi_script_free(script);
    return exit_code;
}

static int command_validate(const capi_args *args)
{
    const char *format = capi_args_value(args, "format");

    if (format && strcmp(format, "json") == 0) return validate_for_editors(args);
    if (!format || strcmp(format, "text") == 0) return validate_for_people(args);
    fprintf(stderr, "error: option \"--format\" is \"%s\", expected text or json\n", format);
    return CAPI_EXIT_USAGE;
}

static const capi_option options[] = {
    CAPI_OPTIONS_SCRIPT,
    {"format", "text|json", "how mistakes are written: for people, or for editors (default: text)", false},
    {"plan", NULL, "show what a run would do: nodes, files, tables, batches, what is overwritten, who waits", false},
    CAPI_OPTIONS_PLAN,
};

const capi_command capi_command_validate = {
    .name = "validate",
    .arguments = "SCRIPT",
    .summary = "check a script: every name, type, format and expression",
    .details = "All mistakes are reported at once, each with its place. Exit code 0: valid, 2: not valid.\n"
               "With `--plan`, also 1: the run would fail, for example because an input file is missing. Nothing is\n"
               "changed or made by it.",
    .argument_min = 1,
    .argument_max = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = command_validate,
};
