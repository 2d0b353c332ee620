/* order.h - index definitions, "unique(a, b(desc))", and order expressions, "a(desc,ignore_case,100), b". */
#pragma once

#include "script/names.h"

typedef struct capi_order_mistake {
    struct capi_order_mistake *next;
    const char *rule;  /* "V28" .. "V32" */
    size_t start, end; /* in the text */
    capi_str message;
} capi_order_mistake;

/* Components refer to `names`. False with the mistakes in *mistakes, in order of the text: all wrong names and modifiers,
 * up to the first mistake of syntax. Names without a type are accepted as if they had one, as that is reported
 * elsewhere. */
bool capi_order_read_index(capi_arena *arena, capi_str text, const capi_name_list *names, capi_key_def *out,
                           const capi_order_mistake **mistakes);
/* May be blank: no components. */
bool capi_order_read(capi_arena *arena, capi_str text, const capi_name_list *names, capi_key_def *out,
                     const capi_order_mistake **mistakes);
