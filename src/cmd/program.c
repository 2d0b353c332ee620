/* program.c - argv[0] chooses between the native commands and the programs of the reference. */
#include "cmd/program.h"

#include "cmd/options.h"
#include "cmd/toolbelt.h"
#include "cmd/work_alone.h"
#include "run/alone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_reference;

bool capi_program_is_reference(void)
{
    return is_reference;
}

/* The native command line with one word more in front. */
static int native_main(const char *word, int argc, char **argv)
{
    char **arguments = capi_zmalloc(((size_t)argc + 2) * sizeof *arguments);
    char *first = capi_zmalloc(strlen(word) + 1);
    int exit_code;

    strcpy(first, word);
    arguments[0] = argv[0];
    arguments[1] = first;
    memcpy(arguments + 2, argv + 1, ((size_t)argc - 1) * sizeof *arguments);
    exit_code = capi_command_main(argc + 1, arguments);
    free(first);
    free(arguments);
    return exit_code;
}

/* capidaemon [OPTIONS]: everything that keeps it from beginning is exit code 1. */
static int daemon_main(int argc, char **argv)
{
    int exit_code = native_main("daemon", argc, argv);

    return exit_code == CAPI_EXIT_USAGE ? CAPI_EXIT_FAILED : exit_code;
}

/* capiparquet cat FILE, diff LEFT RIGHT, sort FILE ORDER; without arguments, or asked for help, it says so. */
static int parquet_main(int argc, char **argv)
{
    static const char usage[] = "usage: capiparquet cat FILE\n"
                                "       capiparquet diff [-identical_schemas] LEFT RIGHT\n"
                                "       capiparquet sort FILE 'FIELD(asc),FIELD(desc),...'\n";
    static const char *const helps[] = {"-h", "-help", "--help", "help"};
    bool wants_help = argc < 2;

    for (int i = 0; i < 4 && argc > 1; i++)
        wants_help = wants_help || strcmp(argv[1], helps[i]) == 0;
    if (!wants_help) return native_main("parquet", argc, argv);
    fputs(usage, stdout);
    return CAPI_EXIT_DONE;
}

int capi_program_main(int argc, char **argv)
{
    const char *name = argc > 0 ? argv[0] : "";

    if (strrchr(name, '/')) name = strrchr(name, '/') + 1;
    if (argc > 1 && strcmp(argv[1], CAPI_ALONE_COMMAND) == 0) return capi_work_alone_main(argc, argv);
    is_reference = true;
    if (strcmp(name, "capidaemon") == 0) return daemon_main(argc, argv);
    if (strcmp(name, "capitoolbelt") == 0) return capi_toolbelt_main(argc, argv);
    if (strcmp(name, "capiparquet") == 0) return parquet_main(argc, argv);
    is_reference = false;
    return capi_command_main(argc, argv);
}
