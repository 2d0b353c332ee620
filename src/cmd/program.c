/* program.c - argv[0] chooses between the native commands, the daemon and the toolbelt. */
#include "cmd/program.h"

#include "cmd/options.h"
#include "cmd/toolbelt.h"

#include <stdlib.h>
#include <string.h>

static bool is_reference;

bool capi_program_is_reference(void)
{
    return is_reference;
}

/* capidaemon [OPTIONS]: everything that keeps it from beginning is exit code 1. */
static int daemon_main(int argc, char **argv)
{
    char **arguments = capi_zmalloc(((size_t)argc + 2) * sizeof *arguments);
    int exit_code;

    arguments[0] = argv[0];
    arguments[1] = (char[]){"daemon"};
    memcpy(arguments + 2, argv + 1, ((size_t)argc - 1) * sizeof *arguments);
    exit_code = capi_command_main(argc + 1, arguments);
    free(arguments);
    return exit_code == CAPI_EXIT_USAGE ? CAPI_EXIT_FAILED : exit_code;
}

int capi_program_main(int argc, char **argv)
{
    const char *name = argc > 0 ? argv[0] : "";

    if (strrchr(name, '/')) name = strrchr(name, '/') + 1;
    is_reference = true;
    if (strcmp(name, "capidaemon") == 0) return daemon_main(argc, argv);
    if (strcmp(name, "capitoolbelt") == 0) return capi_toolbelt_main(argc, argv);
    is_reference = false;
    return capi_command_main(argc, argv);
}
