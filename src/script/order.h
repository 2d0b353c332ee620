/* order.h - index definitions, "unique(a, b(desc))", and order expressions, "a(desc,ignore_case,100), b". */
#pragma once

#include "script/names.h"

typedef struct capi_order_mistake {
    const char *rule;  /* "V28" .. "V32" */
    size_t start, end; /* in the text */
    capi_err err;      /* the words */
} capi_order_mistake;

/* Components refer to `names`. False with *mistake set. Names without a type are accepted with a placeholder, as that is
 * reported elsewhere. */
bool capi_order_read_index(capi_arena *arena, capi_str text, const capi_name_list *names, capi_key_def *out,
                           capi_order_mistake *mistake);
/* May be blank: no components. */
bool capi_order_read(capi_arena *arena, capi_str text, const capi_name_list *names, capi_key_def *out,
                     capi_order_mistake *mistake);
