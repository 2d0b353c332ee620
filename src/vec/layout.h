/* layout.h - Go time layouts: "2006-01-02 15:04:05" shows how the reference instant is written.
 *
 * A layout is compiled once and then used for many values; it lives in an arena and is read by any number of threads.
 * Reference: the documentation of Go's package time. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "vec/instant.h"

typedef struct capi_layout capi_layout;

/* Never fails: text that is no element is literal. */
const capi_layout *capi_layout_compile(capi_arena *arena, capi_str layout);
/* The message shows value, layout and what did not fit where. An abbreviation found in the value is copied to `arena`. */
CAPI_MUST_USE capi_status capi_layout_parse(const capi_layout *layout, capi_str text, capi_arena *arena,
                                            capi_instant *out, capi_err *err);
void capi_layout_format(const capi_layout *layout, const capi_instant *instant, capi_buf *to);
/* The most bytes that formatting a value from a table (UTC, years 0..9999) can take; 0 if unknown. */
size_t capi_layout_bytes_max(const capi_layout *layout);
/* Fast path for whole vectors of stored values (ms, UTC): layouts made of year, month, day, hour, minute, second, fraction
 * and literals only. Writes to `to` and returns the bytes, or 0 if the layout or the value needs the general way. `to` must
 * have room for capi_layout_bytes_max bytes: whole words are written, behind the text too. */
size_t capi_layout_format_ms(const capi_layout *layout, int64_t ms, char *to);
/* Same for reading: true and *ms if the layout is simple and the text has exactly that shape. False: use the general way. */
bool capi_layout_parse_ms(const capi_layout *layout, capi_str text, int64_t *ms);
