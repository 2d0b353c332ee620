/* options.h - commands and their options as tables: parsing, help and messages come from the same rows. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* 0 done, 1 the run failed, 2 wrong usage, script or configuration, 3 a needed service cannot be reached, 130 interrupted. */
typedef enum capi_exit {
    CAPI_EXIT_DONE = 0,
    CAPI_EXIT_FAILED = 1,
    CAPI_EXIT_USAGE = 2,
    CAPI_EXIT_UNREACHABLE = 3,
    CAPI_EXIT_INTERRUPTED = 130,
} capi_exit;

typedef struct capi_option {
    const char *name;  /* without dashes */
    const char *value; /* what stands for its value in the help: "FILE"; NULL: a flag */
    const char *help;  /* one line; the default is part of it */
    bool is_repeatable;
} capi_option;

typedef struct capi_args capi_args;

typedef struct capi_command {
    const char *name;      /* may be two words: "table head" */
    const char *arguments; /* "SCRIPT", or "" */
    const char *summary;   /* one line */
    const char *details;   /* paragraphs for the command's own help, or NULL; Markdown: `code` and **words** at most */
    const char *manual;    /* more paragraphs, for the manual alone, with blocks of code; or NULL */
    uint32_t argument_min, argument_max;
    const capi_option *options;
    uint32_t option_count;
    int (*run)(const capi_args *args);
} capi_command;

/* All commands, in the order of the help. */
extern const capi_command *const capi_commands[];
extern const uint32_t capi_command_count;

/* ---- what a command sees ---- */

const char *capi_args_word(const capi_args *args, uint32_t index);
/* The value of an option (the last, if it came several times), or NULL. */
const char *capi_args_value(const capi_args *args, const char *option);
/* The index-th value of a repeatable option, or NULL. */
const char *capi_args_value_at(const capi_args *args, const char *option, uint32_t index);
bool capi_args_flag(const capi_args *args, const char *option);

/* "20", within min..max. Prints what is wrong and returns false. */
bool capi_args_number(const capi_args *args, const char *option, uint64_t min, uint64_t max, uint64_t *out);
/* "2G", "512M", "1000000". */
bool capi_args_bytes(const capi_args *args, const char *option, uint64_t *out);

/* "error: unknown command ..." on standard error; the exit code. */
int capi_command_complain(const char *name);

/* The reference's way: flags end at the first other word or at "--", the rest is ignored. NULL: something is wrong, and
 * printed. */
const capi_args *capi_args_parse_flags(const capi_command *command, int argc, char **argv);

/* Finds the command, parses, runs it; the exit code. */
int capi_command_main(int argc, char **argv);

/* What a program ends with: an error if not everything could be written to standard output. */
int capi_command_end(int exit_code);
/* "error: <text>" on standard error; the exit code that fits the status. Nothing when the reader of a pipe has left. */
int capi_command_fail(const capi_err *err);
