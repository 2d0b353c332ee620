/* translate.h - from formulas of the script to Python: r.price becomes r_price, p.total becomes p_total.
 *
 * Only references to fields that exist are replaced, wherever they stand, and nothing inside of texts. */
#pragma once

#include "vec/type.h"

typedef struct capi_python_names {
    const capi_field *readers; /* fields of the source table */
    uint32_t reader_count;
    const capi_str *processors; /* names of the calculated fields */
    uint32_t processor_count;
} capi_python_names;

/* used[i] is set (never cleared) for each reader field that the formula mentions. */
capi_str capi_python_translate(capi_arena *arena, capi_str formula, const capi_python_names *names, bool *used);

/* Looks through the user's code for fields read as module globals ("r_price", "p_total"): sets used[] for the reader fields
 * among them. True if there are any, or if the code may reach globals in ways that a text does not show (globals(),
 * eval() and the like). */
bool capi_python_find_globals(capi_str code, const capi_python_names *names, bool *used);
