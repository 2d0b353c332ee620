/* help_man.c - the manual page, doc/capillaries.1: the same tables in roff, with the man macros. */
#include "cmd/help.h"

/* One character of ordinary text: what roff would take for its own is escaped. */
static void append_char(capi_buf *to, char c, bool is_line_start)
{
    if (is_line_start && (c == '.' || c == '\'')) capi_buf_append_text(to, "\\&");
    if (c == '\\')
        capi_buf_append_text(to, "\\e");
    else if (c == '-')
        capi_buf_append_text(to, "\\-");
    else
        capi_buf_append_byte(to, c);
}

static void append_text(capi_buf *to, const char *text)
{
    for (const char *c = text; *c; c++)
        append_char(to, *c, c == text || c[-1] == '\n');
}

/* Markdown as far as our tables use it: `code`, **words**, blocks between ``` lines, paragraphs. */
static void append_markdown(capi_buf *to, const char *text)
{
    bool is_block = false;
    bool is_bold = false;

    for (const char *c = text; *c; c++) {
        bool is_line_start = c == text || c[-1] == '\n';

        if (is_line_start && strncmp(c, "```", 3) == 0) {
            is_block = !is_block;
            capi_buf_append_text(to, is_block ? ".PP\n.nf" : ".fi");
            while (c[1] && c[1] != '\n')
                c++;
        } else if (!is_block && (*c == '`' || (c[0] == '*' && c[1] == '*'))) {
            is_bold = !is_bold;
            capi_buf_append_text(to, is_bold ? "\\fB" : "\\fR");
            c += *c == '*';
        } else if (!is_block && is_line_start && *c == '\n') {
            capi_buf_append_text(to, ".PP\n");
        } else {
            append_char(to, *c, is_line_start);
        }
    }
    capi_buf_append_byte(to, '\n');
}

static void append_option(capi_buf *to, const capi_option *option)
{
    capi_buf_append_text(to, ".TP\n\\fB\\-\\-");
    append_text(to, option->name);
    capi_buf_append_text(to, "\\fR");
    if (option->value) {
        capi_buf_append_text(to, " \\fI");
        append_text(to, option->value);
        capi_buf_append_text(to, "\\fR");
    }
    capi_buf_append_byte(to, '\n');
    append_text(to, option->help);
    capi_buf_append_text(to, option->is_repeatable ? " (may be repeated)\n" : "\n");
}

static void append_examples(capi_buf *to, const capi_command *command)
{
    uint32_t count;
    const capi_help_example *examples = capi_help_examples_of(command, &count);

    if (count) capi_buf_append_text(to, ".PP\n.nf\n");
    for (uint32_t i = 0; i < count; i++) {
        append_text(to, examples[i].line);
        if (examples[i].meaning[0]) {
            capi_buf_append_text(to, "    # ");
            append_text(to, examples[i].meaning);
        }
        capi_buf_append_byte(to, '\n');
    }
    if (count) capi_buf_append_text(to, ".fi\n");
}

static void append_command(capi_buf *to, const capi_command *command)
{
    capi_buf_append_text(to, ".SS \"");
    append_text(to, command->name);
    if (command->arguments[0]) capi_buf_append_byte(to, ' ');
    append_text(to, command->arguments);
    capi_buf_append_text(to, "\"\n");
    append_text(to, command->summary);
    capi_buf_append_byte(to, '\n');
    if (command->details) {
        capi_buf_append_text(to, ".PP\n");
        append_markdown(to, command->details);
    }
    if (command->manual) {
        capi_buf_append_text(to, ".PP\n");
        append_markdown(to, command->manual);
    }
    for (uint32_t i = 0; i < command->option_count; i++)
        append_option(to, &command->options[i]);
    append_examples(to, command);
}

void capi_help_append_man(capi_buf *to)
{
    capi_buf_printf(to,
                    ".\\\" Written by \"capillaries help --man\".\n"
                    ".TH CAPILLARIES 1 \"\" \"capillaries %s\" \"Commands\"\n"
                    ".SH NAME\ncapillaries \\- supervised data pipelines\n"
                    ".SH SYNOPSIS\n\\fBcapillaries\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]\n"
                    ".SH DESCRIPTION\n",
                    CAPI_VERSION);
    append_text(
        to, "A script describes a graph of nodes that read files into tables, join, group, deduplicate and compute,\n"
            "and write files. A run executes some of them; people look at the tables between runs.\n");
    for (int i = 0; i < CAPI_HELP_TOPIC_COUNT; i++) {
        capi_buf_append_text(to, ".TP\n\\fB");
        append_text(to, capi_help_topics[i].title);
        capi_buf_append_text(to, "\\fR\n");
        append_markdown(to, capi_help_topics[i].text);
    }
    capi_buf_append_text(to, ".SH COMMANDS\n");
    for (uint32_t i = 0; i < capi_command_count; i++)
        append_command(to, capi_commands[i]);
    capi_buf_append_text(to, ".SH \"EXIT STATUS\"\n");
    for (int i = 0; i < CAPI_HELP_EXIT_COUNT; i++) {
        capi_buf_printf(to, ".TP\n\\fB%d\\fR\n", capi_help_exits[i].code);
        append_markdown(to, capi_help_exits[i].meaning);
    }
    capi_buf_append_text(to, ".SH ENVIRONMENT\n");
    capi_buf_append_text(to, ".TP\n\\fBCAPI_DATA\\fR\nthe data folder, unless \\fB\\-\\-data\\fR names one\n"
                             ".TP\n\\fBNO_COLOR\\fR\nif not empty, no colours\n");
}
