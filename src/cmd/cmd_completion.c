/* cmd_completion.c - "capillaries completion": what a shell must know to complete commands, options and their values.
 *
 * One script a shell, written from the tables of commands and options. What a value can be is told by how the help calls it:
 * FILE and DIR are paths, "svg|dot" are words, everything else is the user's. */
#include "cmd/commands.h"
#include "cmd/help.h"

#include <stdio.h>

typedef enum value_kind { VALUE_NONE, VALUE_FILE, VALUE_FOLDER, VALUE_WORDS, VALUE_OTHER } value_kind;

static value_kind kind_of(const capi_option *option)
{
    if (!option->value) return VALUE_NONE;
    if (strcmp(option->value, "FILE") == 0) return VALUE_FILE;
    if (strcmp(option->value, "DIR") == 0) return VALUE_FOLDER;
    return strchr(option->value, '|') ? VALUE_WORDS : VALUE_OTHER;
}

/* "svg|dot" with something else between: "svg dot" */
static void append_words(capi_buf *to, const char *words, char between)
{
    for (; *words; words++)
        capi_buf_append_byte(to, *words == '|' ? between : *words);
}

static capi_str first_word(const capi_command *command)
{
    const char *blank = strchr(command->name, ' ');

    return blank ? (capi_str){command->name, (size_t)(blank - command->name)} : capi_str_of(command->name);
}

/* The second word of a command of two words, or NULL. */
static const char *second_word(const capi_command *command)
{
    const char *blank = strchr(command->name, ' ');

    return blank ? blank + 1 : NULL;
}

/* Is it the first command with its first word? */
static bool is_first(uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (capi_str_equal(first_word(capi_commands[i]), first_word(capi_commands[index]))) return false;
    return true;
}

static bool takes_script(const capi_command *command)
{
    return strcmp(command->arguments, "SCRIPT") == 0;
}

/* An argument that is one of some words: "bash|zsh|fish". */
static bool takes_words(const capi_command *command)
{
    return strchr(command->arguments, '|') != NULL;
}

/* ---- bash ---- */

static void append_first_words(capi_buf *to)
{
    for (uint32_t i = 0; i < capi_command_count; i++)
        if (is_first(i)) capi_buf_printf(to, "%.*s ", CAPI_STR_ARG(first_word(capi_commands[i])));
    capi_buf_append_text(to, "--help --version");
}

/* "table) words="head profile export";;" for each first word of several. */
static void append_bash_second_words(capi_buf *to)
{
    for (uint32_t i = 0; i < capi_command_count; i++) {
        if (!second_word(capi_commands[i]) || !is_first(i)) continue;
        capi_buf_printf(to, "    %.*s)\n        command=\"$command ${COMP_WORDS[2]:-}\" first=3\n        words=\"",
                        CAPI_STR_ARG(first_word(capi_commands[i])));
        for (uint32_t j = i; j < capi_command_count; j++)
            if (capi_str_equal(first_word(capi_commands[i]), first_word(capi_commands[j])))
                capi_buf_printf(to, "%s%s", j == i ? "" : " ", second_word(capi_commands[j]));
        capi_buf_append_text(to, "\"\n        ;;\n");
    }
}

static void append_bash_values(capi_buf *to, const capi_command *command)
{
    for (uint32_t i = 0; i < command->option_count; i++) {
        const capi_option *option = &command->options[i];

        if (!option->value) continue;
        capi_buf_printf(to, "    \"%s --%s\")", command->name, option->name);
        switch (kind_of(option)) {
        case VALUE_FILE: capi_buf_append_text(to, " mapfile -t COMPREPLY < <(compgen -f -- \"$cur\");"); break;
        case VALUE_FOLDER: capi_buf_append_text(to, " mapfile -t COMPREPLY < <(compgen -d -- \"$cur\");"); break;
        case VALUE_WORDS:
            capi_buf_append_text(to, " COMPREPLY=($(compgen -W \"");
            append_words(to, option->value, ' ');
            capi_buf_append_text(to, "\" -- \"$cur\"));");
            break;
        case VALUE_NONE:
        case VALUE_OTHER: break;
        }
        capi_buf_append_text(to, " return ;;\n");
    }
}

static void append_bash(capi_buf *to)
{
    capi_buf_append_text(to, "# bash completion of capillaries; written by \"capillaries completion bash\".\n"
                             "_capillaries() {\n"
                             "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                             "    local command=${COMP_WORDS[1]:-} first=2 words= options=\n"
                             "    COMPREPLY=()\n"
                             "    if ((COMP_CWORD == 1)); then\n"
                             "        COMPREPLY=($(compgen -W \"");
    append_first_words(to);
    capi_buf_append_text(to, "\" -- \"$cur\"))\n        return\n    fi\n    case $command in\n");
    append_bash_second_words(to);
    capi_buf_append_text(to, "    esac\n"
                             "    if ((COMP_CWORD < first)); then\n"
                             "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n        return\n    fi\n"
                             "    case \"$command $prev\" in\n");
    for (uint32_t i = 0; i < capi_command_count; i++)
        append_bash_values(to, capi_commands[i]);
    capi_buf_append_text(to, "    esac\n    case $command in\n");
    for (uint32_t i = 0; i < capi_command_count; i++) {
        capi_buf_printf(to, "    \"%s\")", capi_commands[i]->name);
        capi_buf_append_text(to, " options=\"");
        for (uint32_t j = 0; j < capi_commands[i]->option_count; j++)
            capi_buf_printf(to, "--%s ", capi_commands[i]->options[j].name);
        capi_buf_append_text(to, "--help\"");
        if (takes_words(capi_commands[i])) {
            capi_buf_append_text(to, " words=\"");
            append_words(to, capi_commands[i]->arguments, ' ');
            capi_buf_append_text(to, "\"");
        }
        capi_buf_append_text(to, " ;;\n");
    }
    capi_buf_append_text(to, "    esac\n"
                             "    if [[ $cur == -* ]]; then\n"
                             "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
                             "    elif [[ -n $words ]] && ((first == 2)); then\n"
                             "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                             "    else\n"
                             "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
                             "    fi\n}\n"
                             "complete -o filenames -F _capillaries capillaries\n");
}

/* ---- zsh ---- */

/* Inside '...': a quote, and what _arguments and _describe take for their own. */
static void append_zsh_text(capi_buf *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            capi_buf_append_text(to, "'\\''");
        else if (strchr("[]:\\", *text))
            capi_buf_printf(to, "\\%c", *text);
        else
            capi_buf_append_byte(to, *text);
    }
}

static void append_zsh_option(capi_buf *to, const capi_option *option)
{
    capi_buf_printf(to, " \\\n            '%s--%s[", option->is_repeatable ? "*" : "", option->name);
    append_zsh_text(to, option->help);
    capi_buf_append_byte(to, ']');
    if (option->value) {
        capi_buf_append_byte(to, ':');
        append_zsh_text(to, option->value);
        capi_buf_append_byte(to, ':');
    }
    switch (kind_of(option)) {
    case VALUE_FILE: capi_buf_append_text(to, "_files"); break;
    case VALUE_FOLDER: capi_buf_append_text(to, "_files -/"); break;
    case VALUE_WORDS:
        capi_buf_append_byte(to, '(');
        append_words(to, option->value, ' ');
        capi_buf_append_byte(to, ')');
        break;
    case VALUE_NONE:
    case VALUE_OTHER: break;
    }
    capi_buf_append_byte(to, '\'');
}

static void append_zsh_command(capi_buf *to, const capi_command *command)
{
    capi_buf_printf(to, "    '%s')\n        _arguments -S '--help[show the help of the command]'", command->name);
    for (uint32_t i = 0; i < command->option_count; i++)
        append_zsh_option(to, &command->options[i]);
    if (takes_script(command)) capi_buf_append_text(to, " \\\n            '1:script:_files -g \"*.(json|yaml)\"'");
    if (takes_words(command)) {
        capi_buf_append_text(to, " \\\n            '1:word:(");
        append_words(to, command->arguments, ' ');
        capi_buf_append_text(to, ")'");
    }
    capi_buf_append_text(to, "\n        ;;\n");
}

static void append_zsh_first_words(capi_buf *to)
{
    for (uint32_t i = 0; i < capi_command_count; i++) {
        if (!is_first(i)) continue;
        capi_buf_printf(to, "            '%.*s:", CAPI_STR_ARG(first_word(capi_commands[i])));
        append_zsh_text(to, second_word(capi_commands[i]) ? "several commands" : capi_commands[i]->summary);
        capi_buf_append_text(to, "'\n");
    }
}

static void append_zsh_second_words(capi_buf *to)
{
    for (uint32_t i = 0; i < capi_command_count; i++) {
        if (!second_word(capi_commands[i]) || !is_first(i)) continue;
        capi_buf_printf(
            to, "    if [[ $command == %.*s ]]; then\n        if ((CURRENT == 3)); then\n            commands=(\n",
            CAPI_STR_ARG(first_word(capi_commands[i])));
        for (uint32_t j = i; j < capi_command_count; j++) {
            if (!capi_str_equal(first_word(capi_commands[i]), first_word(capi_commands[j]))) continue;
            capi_buf_printf(to, "            '%s:", second_word(capi_commands[j]));
            append_zsh_text(to, capi_commands[j]->summary);
            capi_buf_append_text(to, "'\n");
        }
        capi_buf_append_text(to,
                             "            )\n            _describe command commands\n            return\n        fi\n"
                             "        command=\"$command $words[3]\"\n        skipped=2\n    fi\n");
    }
}

static void append_zsh(capi_buf *to)
{
    capi_buf_append_text(
        to, "#compdef capillaries\n# zsh completion of capillaries; written by \"capillaries completion zsh\".\n"
            "_capillaries() {\n"
            "    local command=$words[2] skipped=1\n"
            "    local -a commands\n"
            "    if ((CURRENT == 2)); then\n        commands=(\n");
    append_zsh_first_words(to);
    capi_buf_append_text(to, "        )\n        _describe command commands\n        return\n    fi\n");
    append_zsh_second_words(to);
    capi_buf_append_text(to, "    shift $skipped words\n    ((CURRENT -= skipped))\n    case $command in\n");
    for (uint32_t i = 0; i < capi_command_count; i++)
        append_zsh_command(to, capi_commands[i]);
    capi_buf_append_text(to, "    esac\n}\n"
                             "if [[ $funcstack[1] == _capillaries ]]; then\n    _capillaries \"$@\"\nelse\n"
                             "    compdef _capillaries capillaries\nfi\n");
}

/* ---- fish ---- */

static void append_fish_text(capi_buf *to, const char *text)
{
    capi_buf_append_byte(to, '\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\') capi_buf_append_byte(to, '\\');
        capi_buf_append_byte(to, *text);
    }
    capi_buf_append_byte(to, '\'');
}

/* The condition under which a completion of the command is offered. */
static void append_fish_condition(capi_buf *to, const capi_command *command)
{
    capi_str first = first_word(command);
    const char *second = second_word(command);

    capi_buf_printf(to, "complete -c capillaries -n '__fish_seen_subcommand_from %.*s", CAPI_STR_ARG(first));
    if (second) capi_buf_printf(to, "; and __fish_seen_subcommand_from %s", second);
    capi_buf_append_byte(to, '\'');
}

static void append_fish_option(capi_buf *to, const capi_command *command, const capi_option *option)
{
    append_fish_condition(to, command);
    capi_buf_printf(to, " -l %s", option->name);
    switch (kind_of(option)) {
    case VALUE_NONE: break;
    case VALUE_FILE: capi_buf_append_text(to, " -r -F"); break;
    case VALUE_FOLDER: capi_buf_append_text(to, " -x -a '(__fish_complete_directories)'"); break;
    case VALUE_WORDS:
        capi_buf_append_text(to, " -x -a '");
        append_words(to, option->value, ' ');
        capi_buf_append_byte(to, '\'');
        break;
    case VALUE_OTHER: capi_buf_append_text(to, " -x"); break;
    }
    capi_buf_append_text(to, " -d ");
    append_fish_text(to, option->help);
    capi_buf_append_byte(to, '\n');
}

static void append_fish_names(capi_buf *to, uint32_t index)
{
    const capi_command *command = capi_commands[index];
    capi_str first = first_word(command);

    if (is_first(index)) {
        capi_buf_printf(to, "complete -c capillaries -f -n __fish_use_subcommand -a %.*s -d ", CAPI_STR_ARG(first));
        append_fish_text(to, second_word(command) ? "several commands" : command->summary);
        capi_buf_append_byte(to, '\n');
    }
    if (!second_word(command)) return;
    capi_buf_printf(
        to, "complete -c capillaries -f -n '__fish_seen_subcommand_from %.*s; and not __fish_seen_subcommand_from",
        CAPI_STR_ARG(first));
    for (uint32_t i = 0; i < capi_command_count; i++)
        if (second_word(capi_commands[i]) && capi_str_equal(first_word(capi_commands[i]), first))
            capi_buf_printf(to, " %s", second_word(capi_commands[i]));
    capi_buf_printf(to, "' -a %s -d ", second_word(command));
    append_fish_text(to, command->summary);
    capi_buf_append_byte(to, '\n');
}

static void append_fish(capi_buf *to)
{
    capi_buf_append_text(to, "# fish completion of capillaries; written by \"capillaries completion fish\".\n");
    for (uint32_t i = 0; i < capi_command_count; i++) {
        append_fish_names(to, i);
        append_fish_condition(to, capi_commands[i]);
        capi_buf_append_text(to, " -l help -d 'show the help of the command'\n");
        for (uint32_t j = 0; j < capi_commands[i]->option_count; j++)
            append_fish_option(to, capi_commands[i], &capi_commands[i]->options[j]);
        if (!takes_words(capi_commands[i])) continue;
        append_fish_condition(to, capi_commands[i]);
        capi_buf_append_text(to, " -f -a '");
        append_words(to, capi_commands[i]->arguments, ' ');
        capi_buf_append_text(to, "'\n");
    }
}

/* ---- the command ---- */

static const struct {
    const char *name;
    void (*append)(capi_buf *to);
} shells[] = {{"bash", append_bash}, {"zsh", append_zsh}, {"fish", append_fish}};

static int command_completion(const capi_args *args)
{
    const char *shell = capi_args_word(args, 0);
    capi_buf text = {0};

    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(shell, shells[i].name) == 0) shells[i].append(&text);
    if (text.bytes == 0) {
        fprintf(stderr, "error: unknown shell \"%s\", expected bash, zsh or fish\n", shell);
        return CAPI_EXIT_USAGE;
    }
    fwrite(text.data, 1, text.bytes, stdout);
    capi_buf_deinit(&text);
    return CAPI_EXIT_DONE;
}

const capi_command capi_command_completion = {
    .name = "completion",
    .arguments = "bash|zsh|fish",
    .summary = "print what a shell needs to complete commands, options and file names",
    .manual =
        "```sh\n"
        "source <(capillaries completion bash)                                      # bash, in ~/.bashrc\n"
        "source <(capillaries completion zsh)                                       # zsh, in ~/.zshrc after compinit\n"
        "capillaries completion fish >~/.config/fish/completions/capillaries.fish   # fish\n"
        "```",
    .argument_min = 1,
    .argument_max = 1,
    .run = command_completion,
};
