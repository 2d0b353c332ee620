/* progress.h - shows a run while it works: a live table on a terminal, plain lines elsewhere. Writes to standard error. */
#pragma once

#include "run/run.h"

typedef struct capi_display capi_display;

/* Live only if standard error is a terminal that can move its cursor. NO_COLOR is honoured. */
capi_display *capi_display_new(void);
void capi_display_free(capi_display *display);
/* A capi_watch_fn; context is the display. */
void capi_display_watch(void *display, const capi_run_view *view);
