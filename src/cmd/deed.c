/* deed.c - see deed.h */
#include "cmd/deed.h"

#include <stdarg.h>
#include <stdio.h>

static const capi_listing_column columns[] = {
    {"deed", CAPI_CELL_TEXT},
    {"keyspace", CAPI_CELL_TEXT},
    {"run_id", CAPI_CELL_INTEGER},
};

bool capi_deeds_init(capi_deeds *deeds, const capi_args *args)
{
    *deeds = (capi_deeds){.listing = {.columns = columns, .column_count = sizeof columns / sizeof *columns}};
    return capi_args_output(args, &deeds->output);
}

void capi_deeds_add(capi_deeds *deeds, const char *deed, capi_str keyspace, uint32_t run_id, const char *words, ...)
{
    va_list args;

    if (deeds->output == CAPI_OUTPUT_TABLE) {
        va_start(args, words);
        vprintf(words, args);
        va_end(args);
        printf("\n");
        return;
    }
    capi_listing_add(&deeds->listing, capi_str_of(deed));
    capi_listing_add(&deeds->listing, keyspace);
    capi_listing_addf(&deeds->listing, "%u", run_id);
}

void capi_deeds_end(capi_deeds *deeds)
{
    if (deeds->output != CAPI_OUTPUT_TABLE) capi_listing_print(&deeds->listing, deeds->output);
    capi_listing_deinit(&deeds->listing);
}
