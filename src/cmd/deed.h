/* deed.h - commands that do something to runs say what they did: in words for people, in rows for programs. */
#pragma once

#include "cmd/listing.h"

typedef struct capi_deeds {
    capi_output output;
    capi_listing listing;
} capi_deeds;

/* Reads --output; prints what is wrong and returns false. */
bool capi_deeds_init(capi_deeds *deeds, const capi_args *args);
/* One thing that was done: "started", "stopped", "removed"; run_id 0: to the keyspace as a whole. `words` is printed as a line for
 * people. */
void capi_deeds_add(capi_deeds *deeds, const char *deed, capi_str keyspace, uint32_t run_id, const char *words, ...)
    CAPI_PRINTF(5, 6);
/* Prints the rows for programs, and frees. */
void capi_deeds_end(capi_deeds *deeds);
