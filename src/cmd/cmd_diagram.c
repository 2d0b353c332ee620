/* cmd_diagram.c - "capillaries diagram": a script as a picture. */
#include "cmd/commands.h"
#include "cmd/session.h"

#include "base/file.h"
#include "script/diagram.h"

#include <stdio.h>

static capi_status write_out(const char *path, capi_str text, capi_err *err)
{
    capi_file_writer *file = NULL;
    capi_status st;

    if (!path) {
        if (fwrite(text.data, 1, text.bytes, stdout) == text.bytes && fflush(stdout) == 0) return CAPI_OK;
        return capi_err_set(err, CAPI_UNAVAILABLE, "could not write to standard output");
    }
    CAPI_TRY(capi_file_create_beside(path, "diagram", &file, err));
    st = capi_file_write(file, text.data, text.bytes, err);
    if (st == CAPI_OK) return capi_file_publish(file, err);
    capi_file_writer_close(file);
    return st;
}

static bool take_detail(const char *detail, capi_diagram_options *options)
{
    options->with_index = strstr(detail, "index") != NULL;
    options->with_fields = strstr(detail, "fields") != NULL;
    if (options->with_index || options->with_fields || strcmp(detail, "none") == 0) return true;
    fprintf(stderr, "error: option \"--detail\" is \"%s\", expected index, fields, index,fields or none\n", detail);
    return false;
}

static int command_diagram(const capi_args *args)
{
    const char *format = capi_args_value(args, "format");
    const char *detail = capi_args_value(args, "detail");
    capi_diagram_options diagram = {.with_root_colors = !capi_args_flag(args, "plain")};
    bool is_dot = format && strcmp(format, "dot") == 0;
    capi_script *script;
    capi_buf text = {0};
    capi_err err = {0};
    int exit_code;

    if (format && !is_dot && strcmp(format, "svg") != 0) {
        fprintf(stderr, "error: option \"--format\" is \"%s\", expected svg or dot\n", format);
        return CAPI_EXIT_USAGE;
    }
    if (!take_detail(detail ? detail : "index,fields", &diagram)) return CAPI_EXIT_USAGE;
    script = capi_session_script(args, &exit_code);
    if (!script) return exit_code;
    (is_dot ? capi_diagram_dot : capi_diagram_svg)(script, &diagram, &text);
    if (write_out(capi_args_value(args, "to"), capi_buf_str(&text), &err) != CAPI_OK)
        exit_code = capi_command_fail(&err);
    capi_buf_deinit(&text);
    capi_script_free(script);
    return exit_code;
}

static const capi_option options[] = {
    CAPI_OPTIONS_SCRIPT,
    {"format", "svg|dot", "SVG, or DOT for Graphviz (default: svg)", false},
    {"detail", "LIST", "what edges say: index, fields, both with a comma, or none (default: index,fields)", false},
    {"plain", NULL, "no colours by source", false},
    {"to", "FILE", "file to write (default: standard output)", false},
};

const capi_command capi_command_diagram = {
    .name = "diagram",
    .arguments = "SCRIPT",
    .summary = "draw a script as SVG or DOT",
    .details =
        "Solid edges: the node reads the table; dashed edges: it looks up in it. A thick border marks a node that\n"
        "waits for the operator (start_policy: manual).",
    .argument_min = 1,
    .argument_max = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = command_diagram,
};
