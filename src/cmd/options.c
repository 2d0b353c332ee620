/* options.c - finds the command, checks its options against its table. */
#include "cmd/help.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ARGS_MAX = 1024 };

typedef struct arg {
    const capi_option *option; /* NULL: a word */
    const char *value;
} arg;

struct capi_args {
    const capi_command *command;
    const char *dashes; /* as its program writes them: "--", of the toolbelt "-" */
    arg items[ARGS_MAX];
    uint32_t count;
    uint32_t word_count;
};

static void print_help(FILE *to, const capi_command *command)
{
    capi_buf text = {0};

    if (command)
        capi_help_append_command(&text, command);
    else
        capi_help_append_commands(&text);
    fwrite(text.data, 1, text.bytes, to);
    capi_buf_deinit(&text);
}

/* ---- parsing ---- */

static const capi_option *find_option(const capi_command *command, capi_str name)
{
    for (uint32_t i = 0; i < command->option_count; i++)
        if (capi_str_is(name, command->options[i].name)) return &command->options[i];
    return NULL;
}

/* The toolbelt prints its flags behind the message. */
static bool is_toolbelt(const capi_args *args)
{
    return strcmp(args->dashes, "-") == 0;
}

static const char *option_word(const capi_args *args)
{
    return is_toolbelt(args) ? "flag" : "option";
}

static bool complain_option(const capi_args *args, capi_str name)
{
    const capi_command *command = args->command;
    capi_str names[64];
    capi_str nearest;
    uint32_t count = 0;

    for (uint32_t i = 0; i < command->option_count && count < 64; i++)
        names[count++] = capi_str_of(command->options[i].name);
    nearest = capi_str_nearest(name, names, count);
    fprintf(stderr, "error: unknown %s \"%s%.*s\" of command \"%s\"", option_word(args), args->dashes,
            CAPI_STR_ARG(name), command->name);
    if (nearest.bytes) fprintf(stderr, "; did you mean \"%s%.*s\"?", args->dashes, CAPI_STR_ARG(nearest));
    fprintf(stderr, "\n");
    if (!is_toolbelt(args)) fprintf(stderr, "  \"capillaries %s --help\" lists its options\n", command->name);
    return false;
}

static bool args_add(capi_args *args, const capi_option *option, const char *value)
{
    if (args->count == ARGS_MAX) {
        fprintf(stderr, "error: more than %d arguments\n", ARGS_MAX);
        return false;
    }
    args->items[args->count++] = (arg){option, value};
    args->word_count += !option;
    return true;
}

/* One argument that begins with a dash: --name, --name=value or --name value; -name is the same. */
static bool parse_option(capi_args *args, int argc, char **argv, int *at)
{
    const char *text = argv[*at] + (argv[*at][1] == '-' ? 2 : 1);
    const char *equals = strchr(text, '=');
    capi_str name = equals ? (capi_str){text, (size_t)(equals - text)} : capi_str_of(text);
    const capi_option *option = find_option(args->command, name);

    if (!option) return complain_option(args, name);
    if (!option->value) {
        if (equals) {
            fprintf(stderr, "error: %s \"%s%s\" takes no value\n", option_word(args), args->dashes, option->name);
            return false;
        }
        return args_add(args, option, "");
    }
    if (equals) return args_add(args, option, equals + 1);
    if (*at + 1 >= argc) {
        fprintf(stderr, "error: %s \"%s%s\" needs a value: %s%s %s\n", option_word(args), args->dashes, option->name,
                args->dashes, option->name, option->value);
        return false;
    }
    return args_add(args, option, argv[++*at]);
}

static bool check_words(const capi_args *args)
{
    const capi_command *command = args->command;

    if (args->word_count >= command->argument_min && args->word_count <= command->argument_max) return true;
    fprintf(stderr, "error: command \"%s\" takes %s%s, found %u\n", command->name,
            command->argument_max == 0 ? "no arguments" : "", command->arguments, args->word_count);
    return false;
}

static bool parse(capi_args *args, int argc, char **argv, int at)
{
    bool only_words = false;

    for (; at < argc; at++) {
        const char *text = argv[at];

        if (!only_words && strcmp(text, "--") == 0)
            only_words = true;
        else if (!only_words && text[0] == '-' && text[1]) {
            if (!parse_option(args, argc, argv, &at)) return false;
        } else if (!args_add(args, NULL, text)) {
            return false;
        }
    }
    return check_words(args);
}

static bool wants_help(int argc, char **argv, int at)
{
    for (; at < argc && strcmp(argv[at], "--") != 0; at++)
        if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-help") == 0 || strcmp(argv[at], "-h") == 0)
            return true;
    return false;
}

/* The command named by argv[1], or by argv[1] and argv[2]. *at is where its arguments begin. */
static const capi_command *find_command(int argc, char **argv, int *at)
{
    char two_words[64] = "";

    if (argc > 2) snprintf(two_words, sizeof two_words, "%s %s", argv[1], argv[2]);
    for (uint32_t i = 0; i < capi_command_count; i++) {
        *at = 2;
        if (strcmp(capi_commands[i]->name, argv[1]) == 0) return capi_commands[i];
        *at = 3;
        if (strcmp(capi_commands[i]->name, two_words) == 0) return capi_commands[i];
    }
    return NULL;
}

int capi_command_complain(const char *name)
{
    capi_str names[64];
    capi_str nearest;
    uint32_t count = 0;
    size_t bytes = strlen(name);

    for (uint32_t i = 0; i < capi_command_count; i++) { /* the first of two words */
        const char *command = capi_commands[i]->name;

        if (strncmp(command, name, bytes) == 0 && command[bytes] == ' ') {
            fprintf(stderr, "error: command \"%s\" needs a second word; it is one of:\n", name);
            for (uint32_t j = i; j < capi_command_count; j++)
                if (strncmp(capi_commands[j]->name, name, bytes) == 0)
                    fprintf(stderr, "  %-14s %s\n", capi_commands[j]->name, capi_commands[j]->summary);
            return CAPI_EXIT_USAGE;
        }
        if (count < 64) names[count++] = capi_str_of(command);
    }
    nearest = capi_str_nearest(capi_str_of(name), names, count);
    fprintf(stderr, "error: unknown command \"%s\"", name);
    if (nearest.bytes) fprintf(stderr, "; did you mean \"%.*s\"?", CAPI_STR_ARG(nearest));
    fprintf(stderr, "\n  \"capillaries --help\" lists the commands\n");
    return CAPI_EXIT_USAGE;
}

int capi_command_main(int argc, char **argv)
{
    static capi_args args; /* large, and there is one command line */
    const capi_command *command;
    int at;

    if (argc < 2) {
        print_help(stderr, NULL);
        return CAPI_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout, NULL);
        return CAPI_EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) argv[1] = "version";
    command = find_command(argc, argv, &at);
    if (!command) return capi_command_complain(argv[1]);
    if (wants_help(argc, argv, at)) {
        print_help(stdout, command);
        return CAPI_EXIT_DONE;
    }
    args.command = command;
    args.dashes = "--";
    if (!parse(&args, argc, argv, at)) return CAPI_EXIT_USAGE;
    return command->run(&args);
}

/* "-flag=true": as the reference writes flags that are on or off. */
static bool is_switch_set(const capi_option *option, const char *equals, bool *is_on)
{
    static const char *const words[] = {"true",  "1", "t", "T", "TRUE",  "True",
                                        "false", "0", "f", "F", "FALSE", "False"};

    if (!option || option->value || !equals) return false;
    for (int i = 0; i < 12; i++)
        if (strcmp(equals + 1, words[i]) == 0) {
            *is_on = i < 6;
            return true;
        }
    return false;
}

const capi_args *capi_args_parse_flags(const capi_command *command, int argc, char **argv)
{
    static capi_args args;

    args.command = command;
    args.dashes = "-";
    for (int at = 0; at < argc && argv[at][0] == '-' && argv[at][1] && strcmp(argv[at], "--") != 0; at++) {
        const char *text = argv[at] + (argv[at][1] == '-' ? 2 : 1);
        const char *equals = strchr(text, '=');
        const capi_option *option =
            find_option(command, (capi_str){text, equals ? (size_t)(equals - text) : strlen(text)});
        bool is_on = false;

        if (is_switch_set(option, equals, &is_on)) {
            if (is_on && !args_add(&args, option, "")) return NULL;
        } else if (!parse_option(&args, argc, argv, &at)) {
            return NULL;
        }
    }
    return &args;
}

/* ---- what a command sees ---- */

const char *capi_args_word(const capi_args *args, uint32_t index)
{
    for (uint32_t i = 0; i < args->count; i++)
        if (!args->items[i].option && index-- == 0) return args->items[i].value;
    return NULL;
}

const char *capi_args_value_at(const capi_args *args, const char *option, uint32_t index)
{
    for (uint32_t i = 0; i < args->count; i++)
        if (args->items[i].option && strcmp(args->items[i].option->name, option) == 0 && index-- == 0)
            return args->items[i].value;
    return NULL;
}

const char *capi_args_value(const capi_args *args, const char *option)
{
    const char *last = NULL;

    for (uint32_t i = 0; i < args->count; i++)
        if (args->items[i].option && strcmp(args->items[i].option->name, option) == 0) last = args->items[i].value;
    return last;
}

bool capi_args_flag(const capi_args *args, const char *option)
{
    return capi_args_value(args, option) != NULL;
}

/* Digits up to a suffix; false on anything else or on overflow. */
static bool parse_digits(const char *text, uint64_t *out, const char **rest)
{
    uint64_t value = 0;
    const char *p = text;

    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
            return false;
    *out = value;
    *rest = p;
    return p > text;
}

bool capi_args_number(const capi_args *args, const char *option, uint64_t min, uint64_t max, uint64_t *out)
{
    const char *text = capi_args_value(args, option);
    const char *rest;
    uint64_t value;

    if (!text) return true;
    if (!parse_digits(text, &value, &rest) || *rest || value < min || value > max) {
        fprintf(stderr, "error: option \"--%s\" is \"%s\", expected a number from %llu to %llu\n", option, text,
                (unsigned long long)min, (unsigned long long)max);
        return false;
    }
    *out = value;
    return true;
}

bool capi_args_bytes(const capi_args *args, const char *option, uint64_t *out)
{
    const char *text = capi_args_value(args, option);
    const char *rest;
    uint64_t value;

    if (!text) return true;
    if (parse_digits(text, &value, &rest)) {
        unsigned shift = *rest == 'K' ? 10 : *rest == 'M' ? 20 : *rest == 'G' ? 30 : *rest == 'T' ? 40 : 0;
        bool is_whole = !*rest || (shift && !rest[1]);

        if (is_whole && value <= UINT64_MAX >> shift) {
            *out = value << shift;
            return true;
        }
    }
    fprintf(stderr, "error: option \"--%s\" is \"%s\", expected a number of bytes such as 512M or 2G\n", option, text);
    return false;
}

/* "... | head": whoever read it has gone, and wants to hear nothing more. */
static bool has_reader_left(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

int capi_command_end(int exit_code)
{
    if ((fflush(stdout) == 0 && !ferror(stdout)) || has_reader_left()) return exit_code;
    fprintf(stderr, "error: could not write to standard output\n");
    return exit_code == CAPI_EXIT_DONE ? CAPI_EXIT_FAILED : exit_code;
}

int capi_command_fail(const capi_err *err)
{
    if (has_reader_left()) return CAPI_EXIT_FAILED;
    fprintf(stderr, "error: %s\n", err->text);
    switch (err->status) {
    case CAPI_OK: return CAPI_EXIT_DONE;
    case CAPI_INVALID:
    case CAPI_NOT_FOUND:
    case CAPI_CONFLICT: return CAPI_EXIT_USAGE;
    case CAPI_STOPPED: return CAPI_EXIT_INTERRUPTED;
    case CAPI_KILLED:
    case CAPI_UNAVAILABLE: /* the disk: no command reaches for a service yet */
    case CAPI_NO_MEMORY:
    case CAPI_INTERNAL: return CAPI_EXIT_FAILED;
    }
    return CAPI_EXIT_FAILED;
}
