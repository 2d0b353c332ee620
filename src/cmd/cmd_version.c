/* cmd_version.c - "capillaries version". */
#include "cmd/commands.h"

#include <stdio.h>

static int command_version(const capi_args *args)
{
    (void)args;
    printf("capillaries %s\n", CAPI_VERSION);
    return CAPI_EXIT_DONE;
}

const capi_command capi_command_version = {
    .name = "version",
    .arguments = "",
    .summary = "print the version",
    .run = command_version,
};
