/* cmd_diagram.c - "capillaries diagram": a script as a picture. */
#include "cmd/commands.h"
#include "cmd/find.h"
#include "cmd/session.h"

#include "base/file.h"
#include "base/hash.h"
#include "script/diagram.h"

#include <stdio.h>
#include <string.h>

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

static bool take_detail_word(capi_str word, capi_diagram_options *options)
{
    if (capi_str_is(word, "index"))
        options->with_index = true;
    else if (capi_str_is(word, "fields"))
        options->with_fields = true;
    else
        return false;
    return true;
}

static bool take_detail(const char *detail, capi_diagram_options *options)
{
    const char *at = detail;
    bool is_known = strcmp(detail, "none") == 0;

    while (!is_known) {
        const char *end = strchrnul(at, ',');

        if (!take_detail_word(capi_str_trim((capi_str){at, (size_t)(end - at)}), options)) break;
        is_known = *end == 0;
        at = end + 1;
    }
    if (is_known) return true;
    fprintf(stderr, "error: option \"--detail\" is \"%s\", expected index, fields, index,fields or none\n", detail);
    return false;
}

/* ---- the status of a run ---- */

static capi_status read_statuses(capi_state *state, capi_str keyspace_name, uint32_t run_id, const capi_script *script,
                                 capi_arena *arena, int **out, capi_err *err)
{
    capi_keyspace keyspace;
    capi_node_state *nodes = NULL;
    uint32_t count = 0;
    capi_map by_name;
    capi_run run;

    CAPI_TRY(capi_find_keyspace(state, keyspace_name, arena, &keyspace, err));
    CAPI_TRY(capi_find_run(state, &keyspace, run_id, arena, &run, err));
    CAPI_TRY(capi_node_list(state, run.run_uid, arena, &nodes, &count, err));
    capi_map_init(&by_name, arena);
    for (uint32_t i = 0; i < count; i++)
        capi_map_put(&by_name, nodes[i].name, &nodes[i]);
    *out = capi_new_array(arena, int, script->node_count);
    for (uint32_t i = 0; i < script->node_count; i++) {
        const capi_node_state *node = capi_map_get(&by_name, script->nodes[i]->name);

        (*out)[i] = node ? (int)node->status : CAPI_DIAGRAM_NO_STATUS;
    }
    return CAPI_OK;
}

static bool take_statuses(const capi_args *args, uint32_t run_id, const capi_script *script, capi_arena *arena,
                          capi_diagram_options *options, int *exit_code)
{
    capi_engine *engine = capi_session_old_engine(args, exit_code);
    int *statuses = NULL;
    capi_err err = {0};

    if (!engine) return false;
    if (read_statuses(capi_engine_state(engine), capi_session_keyspace(args, script->url, arena), run_id, script, arena,
                      &statuses, &err) != CAPI_OK)
        *exit_code = capi_command_fail(&err);
    capi_engine_close(engine);
    options->statuses = statuses;
    return statuses != NULL;
}

/* ---- the command ---- */

static int draw(const capi_args *args, const capi_script *script, const capi_diagram_options *options, bool is_dot)
{
    capi_buf text = {0};
    capi_err err = {0};
    int exit_code = CAPI_EXIT_DONE;

    (is_dot ? capi_diagram_dot : capi_diagram_svg)(script, options, &text);
    if (write_out(capi_args_value(args, "to"), capi_buf_str(&text), &err) != CAPI_OK)
        exit_code = capi_command_fail(&err);
    capi_buf_deinit(&text);
    return exit_code;
}

/* What edges say unless --detail is given: a picture of a run is about its nodes. */
static const char *usual_detail(bool has_run, bool is_dot)
{
    if (!has_run) return "index,fields";
    return is_dot ? "index" : "none";
}

static int command_diagram(const capi_args *args)
{
    const char *format = capi_args_value(args, "format");
    const char *detail = capi_args_value(args, "detail");
    capi_diagram_options diagram = {.with_root_colors = !capi_args_flag(args, "plain")};
    bool is_dot = format && strcmp(format, "dot") == 0;
    bool has_run = capi_args_value(args, "run") != NULL;
    capi_arena arena = {0};
    capi_script *script;
    uint32_t run_id = 0;
    int exit_code;

    if (format && !is_dot && strcmp(format, "svg") != 0) {
        fprintf(stderr, "error: option \"--format\" is \"%s\", expected svg or dot\n", format);
        return CAPI_EXIT_USAGE;
    }
    if (!take_detail(detail ? detail : usual_detail(has_run, is_dot), &diagram)) return CAPI_EXIT_USAGE;
    if (!capi_find_run_id(args, &run_id)) return CAPI_EXIT_USAGE;
    script = capi_session_script(args, &exit_code);
    if (!script) return exit_code;
    if (!has_run || take_statuses(args, run_id, script, &arena, &diagram, &exit_code))
        exit_code = draw(args, script, &diagram, is_dot);
    capi_script_free(script);
    capi_arena_deinit(&arena);
    return exit_code;
}

static const capi_option options[] = {
    CAPI_OPTIONS_SCRIPT,
    {"format", "svg|dot", "SVG, or DOT for Graphviz (default: svg)", false},
    {"detail", "LIST", "what edges say: index, fields, both with a comma, or none (default: index,fields)", false},
    {"plain", NULL, "no colours by source", false},
    {"run", "ID", "colour the nodes by their status in this run", false},
    CAPI_OPTION_KEYSPACE,
    {"data", "DIR", "data folder (default: CAPI_DATA, else the user's data folder)", false},
    {"to", "FILE", "file to write (default: standard output)", false},
};

const capi_command capi_command_diagram = {
    .name = "diagram",
    .arguments = "SCRIPT",
    .summary = "draw a script, or the state of a run, as SVG or DOT",
    .details =
        "Solid edges: the node reads the table; dashed edges: it looks up in it. A thick border marks a node that\n"
        "waits for the operator (`start_policy: manual`). Nodes that come from one source have one colour; a picture\n"
        "of a run has the colours of statuses instead: blue running, green done, red failed, orange stopped.",
    .argument_min = 1,
    .argument_max = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = command_diagram,
};
