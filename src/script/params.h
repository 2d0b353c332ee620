/* params.h - parameters: values for {name}, {name|number}, ... in the text of a script.
 *
 * Replacement is a matter of text alone and happens before the script is parsed (script specification, section 1.3). */
#pragma once

#include "script/source.h"
#include "script/tree.h"

typedef struct capi_param {
    capi_str name;
    const capi_tree *value; /* from the parameters file, or NULL */
    bool is_set;            /* given one by one: `text` counts, read as the reference asks */
    capi_str text;
} capi_param;

typedef struct capi_params {
    const capi_source *source; /* the parameters file */
    const capi_param *items;
    uint32_t count;
} capi_params;

/* Values of the parameters file (root NULL: none) and those given one by one, which come first and take the type of the
 * file's value of that name. Mistakes are reported; the rest is usable. */
void capi_params_read(capi_report *report, const capi_source *source, const capi_tree *root, const capi_str *set_names,
                      const capi_str *set_values, uint32_t set_count, capi_params *out);

/* Puts the parameters into source->original; the result is source->text with its pieces, in the arena. Mistakes are
 * reported. */
void capi_params_apply(capi_report *report, const capi_params *params, capi_arena *arena, capi_source *source);
