/* cmd_validate.c - "capillaries validate": all checks, nothing is run. */
#include "cmd/commands.h"
#include "cmd/diags_json.h"
#include "cmd/session.h"

#include <stdio.h>

static void append_inputs(const capi_node *node, capi_buf *to)
{
    if (node->type == CAPI_NODE_FILE_TABLE) {
        capi_buf_printf(to, "%u file%s", node->source.url_count, node->source.url_count == 1 ? "" : "s");
        if (node->source.url_count)
            capi_buf_printf(to, " (%.*s%s)", CAPI_STR_ARG(node->source.urls[0]),
                            node->source.url_count > 1 ? ", ..." : "");
        return;
    }
    capi_buf_append_str(to, node->source_table);
    if (node->lookup)
        capi_buf_printf(to, " %s %.*s by %.*s%s", node->lookup->is_left ? "left join" : "inner join",
                        CAPI_STR_ARG(node->lookup->index->owner->table->name), CAPI_STR_ARG(node->lookup->index->name),
                        node->lookup->is_grouped ? ", grouped" : "");
}

static void append_outputs(const capi_node *node, capi_buf *to)
{
    if (node->table) {
        capi_buf_printf(to, "table %.*s (%u fields)", CAPI_STR_ARG(node->table->name), node->table->field_count);
        return;
    }
    capi_buf_printf(to, "file %.*s", CAPI_STR_ARG(node->file->url_template));
}

/* One line a node in topological order: what it reads and what it makes. */
static void print_graph(const capi_script *script)
{
    capi_buf line = {0};

    for (uint32_t i = 0; i < script->node_count; i++) {
        const capi_node *node = script->order[i];

        capi_buf_clear(&line);
        capi_buf_printf(&line, "%.*s [%s%s]: ", CAPI_STR_ARG(node->name), capi_node_type_name(node->type),
                        node->is_manual ? ", manual" : "");
        append_inputs(node, &line);
        capi_buf_append_text(&line, " -> ");
        append_outputs(node, &line);
        if (node->batches_total > 1) capi_buf_printf(&line, ", %u batches", node->batches_total);
        printf("%.*s\n", (int)line.bytes, line.data);
    }
    capi_buf_deinit(&line);
}

static int validate_for_people(const capi_args *args)
{
    int exit_code;
    capi_script *script = capi_session_script(args, &exit_code);

    if (!script) return exit_code;
    if (capi_args_flag(args, "graph"))
        print_graph(script);
    else
        printf("\"%.*s\" is valid: %u node%s\n", CAPI_STR_ARG(script->url), script->node_count,
               script->node_count == 1 ? "" : "s");
    capi_script_free(script);
    return CAPI_EXIT_DONE;
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
    {"graph", NULL, "list the nodes in the order in which they can run, with what they read and make", false},
};

const capi_command capi_command_validate = {
    .name = "validate",
    .arguments = "SCRIPT",
    .summary = "check a script: every name, type, format and expression",
    .details = "All mistakes are reported at once, each with its place. Exit code 0: valid, 2: not valid.",
    .argument_min = 1,
    .argument_max = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = command_validate,
};
