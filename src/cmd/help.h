/* help.h - what the program says about itself, all of it from the tables of commands and options. */
#pragma once

#include "cmd/options.h"

/* "capillaries --help", and "capillaries COMMAND --help". */
void capi_help_append_commands(capi_buf *to);
void capi_help_append_command(capi_buf *to, const capi_command *command);
/* All of it as a manual page (roff with man macros), and as the command reference (Markdown). */
void capi_help_append_man(capi_buf *to);
void capi_help_append_markdown(capi_buf *to);
/* The functions of expressions (Markdown), from the table of functions. */
void capi_help_append_functions(capi_buf *to);

/* The command of that name, "table head" for example, or NULL. */
const capi_command *capi_command_named(capi_str name);

typedef struct capi_help_example {
    const char *command, *line, *meaning; /* the line is one of a shell; the meaning may be empty */
} capi_help_example;

/* They lie one after another. */
const capi_help_example *capi_help_examples_of(const capi_command *command, uint32_t *count);

/* ---- for those who write it in another form ---- */

typedef struct capi_help_exit {
    capi_exit code;
    const char *meaning;
} capi_help_exit;

typedef struct capi_help_topic { /* what concerns all commands */
    const char *title, *text;    /* Markdown: `code` and **words** at most */
} capi_help_topic;

enum { CAPI_HELP_EXIT_COUNT = 5, CAPI_HELP_TOPIC_COUNT = 5 };
extern const capi_help_exit capi_help_exits[CAPI_HELP_EXIT_COUNT];
extern const capi_help_topic capi_help_topics[CAPI_HELP_TOPIC_COUNT];
