/* help.c - help for the terminal, and what all forms of the help share. */
#include "cmd/help.h"

#include <stdio.h>

const capi_help_exit capi_help_exits[CAPI_HELP_EXIT_COUNT] = {
    {CAPI_EXIT_DONE, "done"},
    {CAPI_EXIT_FAILED, "the run failed: data, files, disk"},
    {CAPI_EXIT_USAGE, "the command line, the script, its parameters or the configuration are wrong"},
    {CAPI_EXIT_UNREACHABLE, "a service that is needed cannot be reached"},
    {CAPI_EXIT_INTERRUPTED, "interrupted; `resume` goes on with the run"},
};

const capi_help_topic capi_help_topics[CAPI_HELP_TOPIC_COUNT] = {
    {"Messages and results",
     "Messages go to standard error, results to standard output. What a program may want to read is\n"
     "printed as JSON or CSV with `--output json` or `--output csv`. Colours appear on a terminal only, and\n"
     "not at all when the environment variable `NO_COLOR` is set."},
    {"The data folder",
     "It holds the state and the tables of all keyspaces: `--data DIR`, else the environment variable\n"
     "`CAPI_DATA`, else `$XDG_DATA_HOME/capillaries`, else `~/.local/share/capillaries`. It must lie on a local\n"
     "disk."},
    {"A keyspace",
     "It is a working area of runs and their tables. A run leaves its tables in the keyspace, and later runs may\n"
     "start from them."},
    {"Results do not depend on",
     "`--threads`, `--memory` or `--batches`: the same input gives the same output, byte for byte."},
    {"Options", "They may stand before, between and after the arguments: `--name VALUE` or `--name=VALUE`. After `--`\n"
                "everything is an argument."},
};

const capi_command *capi_command_named(capi_str name)
{
    for (uint32_t i = 0; i < capi_command_count; i++)
        if (capi_str_is(name, capi_commands[i]->name)) return capi_commands[i];
    return NULL;
}

void capi_help_append_commands(capi_buf *to)
{
    capi_buf_printf(
        to, "capillaries %s - supervised data pipelines\n\nusage: capillaries COMMAND [OPTIONS] [ARGUMENTS]\n\n",
        CAPI_VERSION);
    for (uint32_t i = 0; i < capi_command_count; i++)
        capi_buf_printf(to, "  %-14s %s\n", capi_commands[i]->name, capi_commands[i]->summary);
    capi_buf_append_text(to, "\n\"capillaries COMMAND --help\" tells more about a command.\n");
}

/* Text that is also Markdown, without its marks. */
static void append_plain(capi_buf *to, const char *text)
{
    for (; *text; text++) {
        if (text[0] == '*' && text[1] == '*')
            text++;
        else if (*text != '`')
            capi_buf_append_byte(to, *text);
    }
}

static void append_examples(capi_buf *to, const capi_command *command)
{
    uint32_t count;
    const capi_help_example *examples = capi_help_examples_of(command, &count);

    if (count) capi_buf_append_text(to, count == 1 ? "\nexample:\n" : "\nexamples:\n");
    for (uint32_t i = 0; i < count; i++) {
        capi_buf_printf(to, "  %s\n", examples[i].line);
        if (examples[i].meaning[0]) capi_buf_printf(to, "      %s\n", examples[i].meaning);
    }
}

void capi_help_append_command(capi_buf *to, const capi_command *command)
{
    capi_buf_printf(to, "usage: capillaries %s [OPTIONS]%s%s\n\n%s\n", command->name, command->arguments[0] ? " " : "",
                    command->arguments, command->summary);
    if (command->details) {
        capi_buf_append_byte(to, '\n');
        append_plain(to, command->details);
        capi_buf_append_byte(to, '\n');
    }
    capi_buf_append_byte(to, '\n');
    for (uint32_t i = 0; i < command->option_count; i++) {
        const capi_option *option = &command->options[i];
        char left[64];

        snprintf(left, sizeof left, "--%s%s%s", option->name, option->value ? " " : "",
                 option->value ? option->value : "");
        capi_buf_printf(to, "  %-24s %s%s\n", left, option->help, option->is_repeatable ? " (may be repeated)" : "");
    }
    capi_buf_printf(to, "  %-24s %s\n", "--help", "show this text");
    append_examples(to, command);
}
