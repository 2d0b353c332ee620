/* cmd_version.c - "capillaries version". */
#include "cmd/commands.h"
#include "cmd/listing.h"

#include <stdio.h>

static int command_version(const capi_args *args)
{
    static const capi_listing_column columns[] = {{"program", CAPI_CELL_TEXT}, {"version", CAPI_CELL_TEXT}};
    capi_listing listing = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    capi_output output;

    if (!capi_args_output(args, &output)) return CAPI_EXIT_USAGE;
    if (output == CAPI_OUTPUT_TABLE) {
        printf("capillaries %s\n", CAPI_VERSION);
        return CAPI_EXIT_DONE;
    }
    capi_listing_add(&listing, CAPI_STR("capillaries"));
    capi_listing_add(&listing, CAPI_STR(CAPI_VERSION));
    capi_listing_print(&listing, output);
    capi_listing_deinit(&listing);
    return CAPI_EXIT_DONE;
}

static const capi_option options[] = {CAPI_OPTION_OUTPUT};

const capi_command capi_command_version = {
    .name = "version",
    .arguments = "",
    .summary = "print the version",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = command_version,
};
