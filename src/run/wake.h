/* wake.h - tells the other processes on this machine at once that there may be something to do.
 *
 * A file in the data folder is touched, and whoever listens looks into the state. It says neither what nor whose: a ring that is lost,
 * or a file system that tells nobody, costs the time until the next look (up to a second), nothing else. */
#pragma once

#include "base/err.h"

typedef struct capi_wake capi_wake;

/* <folder>/wake is made if it is missing. NULL when that cannot be done: then everybody only looks from time to time. */
capi_wake *capi_wake_open(const char *folder);
void capi_wake_close(capi_wake *wake); /* ends the listening; NULL is fine */
void capi_wake_ring(capi_wake *wake);  /* any thread; NULL is fine */
/* Calls heard(context) from a thread of its own after rings, also our own; at most every few milliseconds. Once. */
void capi_wake_listen(capi_wake *wake, void (*heard)(void *context), void *context);
