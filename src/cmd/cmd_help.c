/* cmd_help.c - "capillaries help": the help, the manual page, the command reference. */
#include "cmd/commands.h"
#include "cmd/help.h"

#include <stdio.h>

/* Whether it could be written is looked at when the program ends. */
static int print_and_free(capi_buf *text)
{
    (void)!fwrite(text->data, 1, text->bytes, stdout);
    capi_buf_deinit(text);
    return CAPI_EXIT_DONE;
}

static int command_help(const capi_args *args)
{
    const char *first = capi_args_word(args, 0);
    const char *second = capi_args_word(args, 1);
    const capi_command *command;
    capi_buf text = {0};

    if (capi_args_flag(args, "man")) {
        capi_help_append_man(&text);
    } else if (capi_args_flag(args, "markdown")) {
        capi_help_append_markdown(&text);
    } else if (capi_args_flag(args, "functions")) {
        capi_help_append_functions(&text);
    } else if (!first) {
        capi_help_append_commands(&text);
    } else {
        capi_buf_printf(&text, "%s%s%s", first, second ? " " : "", second ? second : "");
        command = capi_command_named(capi_buf_str(&text));
        if (!command) {
            capi_buf_append_byte(&text, 0);
            capi_command_complain(text.data);
            capi_buf_deinit(&text);
            return CAPI_EXIT_USAGE;
        }
        capi_buf_clear(&text);
        capi_help_append_command(&text, command);
    }
    return print_and_free(&text);
}

static const capi_option options[] = {
    {"man", NULL, "the manual page of all commands, for man(1)", false},
    {"markdown", NULL, "the command reference of the manual", false},
    {"functions", NULL, "the functions and aggregates of expressions, as a page of the manual", false},
};

const capi_command capi_command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "show the help of a command, or of all of them in one of several forms",
    .manual = "The manual page can be read at once, or installed:\n\n"
              "```sh\n"
              "capillaries help --man | man -l -\n"
              "capillaries help --man >~/.local/share/man/man1/capillaries.1\n"
              "```",
    .argument_max = 2,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = command_help,
};
