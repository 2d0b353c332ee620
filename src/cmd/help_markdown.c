/* help_markdown.c - the command reference, doc/commands.md. */
#include "cmd/help.h"

/* A "|" would end the cell. */
static void append_cell(capi_buf *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') capi_buf_append_byte(to, '\\');
        capi_buf_append_byte(to, *text);
    }
}

/* A sentence: the first letter is a capital, a full stop ends it. */
static void append_sentence(capi_buf *to, const char *text)
{
    bool is_small = text[0] >= 'a' && text[0] <= 'z';

    capi_buf_printf(to, "%c%s.\n", is_small ? text[0] - 'a' + 'A' : text[0], text + 1);
}

static void append_options(capi_buf *to, const capi_command *command)
{
    if (command->option_count == 0) return;
    capi_buf_append_text(to, "\n| Option | |\n|---|---|\n");
    for (uint32_t i = 0; i < command->option_count; i++) {
        const capi_option *option = &command->options[i];

        capi_buf_printf(to, "| `--%s", option->name);
        if (option->value) {
            capi_buf_append_byte(to, ' ');
            append_cell(to, option->value);
        }
        capi_buf_append_text(to, "` | ");
        append_cell(to, option->help);
        capi_buf_printf(to, "%s |\n", option->is_repeatable ? " (may be repeated)" : "");
    }
}

static void append_examples(capi_buf *to, const capi_command *command)
{
    uint32_t count;
    const capi_help_example *examples = capi_help_examples_of(command, &count);

    if (count) capi_buf_append_text(to, "\n");
    for (uint32_t i = 0; i < count; i++)
        capi_buf_printf(to, "    %s%s%s\n", examples[i].line, examples[i].meaning[0] ? "    # " : "",
                        examples[i].meaning);
}

static void append_command(capi_buf *to, const capi_command *command)
{
    capi_buf_printf(to, "\n## %s\n\n    capillaries %s [OPTIONS]%s%s\n\n", command->name, command->name,
                    command->arguments[0] ? " " : "", command->arguments);
    append_sentence(to, command->summary);
    if (command->details) capi_buf_printf(to, "\n%s\n", command->details);
    if (command->manual) capi_buf_printf(to, "\n%s\n", command->manual);
    append_options(to, command);
    append_examples(to, command);
}

void capi_help_append_markdown(capi_buf *to)
{
    capi_buf_append_text(
        to, "<!-- Written by \"capillaries help --markdown\" from the tables of commands and options; edit those, "
            "then ./dev manual. -->\n"
            "# Commands\n\n    capillaries COMMAND [OPTIONS] [ARGUMENTS]\n\n"
            "`capillaries --help` lists the commands, `capillaries COMMAND --help` the options of one.\n\n"
            "| Exit code | |\n|---|---|\n");
    for (int i = 0; i < CAPI_HELP_EXIT_COUNT; i++)
        capi_buf_printf(to, "| %d | %s |\n", capi_help_exits[i].code, capi_help_exits[i].meaning);
    for (int i = 0; i < CAPI_HELP_TOPIC_COUNT; i++)
        capi_buf_printf(to, "\n**%s.** %s\n", capi_help_topics[i].title, capi_help_topics[i].text);
    capi_buf_append_text(to, "\n| Command | |\n|---|---|\n");
    for (uint32_t i = 0; i < capi_command_count; i++) {
        capi_buf_printf(to, "| [%s](#", capi_commands[i]->name);
        for (const char *c = capi_commands[i]->name; *c; c++)
            capi_buf_append_byte(to, *c == ' ' ? '-' : *c);
        capi_buf_append_text(to, ") | ");
        append_cell(to, capi_commands[i]->summary);
        capi_buf_append_text(to, " |\n");
    }
    for (uint32_t i = 0; i < capi_command_count; i++)
        append_command(to, capi_commands[i]);
}
