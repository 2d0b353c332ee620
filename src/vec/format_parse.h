/* format_parse.h - a format as a list of directives: what format.c makes and format_check.c looks at. */
#pragma once

#include "vec/format_verb.h"

/* "[n]" in a directive. */
typedef enum format_index_kind {
    FORMAT_INDEX_NONE,
    FORMAT_INDEX_BAD, /* no number in the brackets, or no closing bracket */
    FORMAT_INDEX_NUMBER,
} format_index_kind;

typedef struct format_index {
    format_index_kind kind;
    uint32_t number; /* from 0; UINT32_MAX for [0] */
} format_index;

typedef enum format_directive_kind {
    FORMAT_VERB,
    FORMAT_PERCENT, /* "%%", also with flags and widths, which count for nothing */
    FORMAT_NO_VERB, /* the format ends inside of the directive */
} format_directive_kind;

typedef struct format_directive {
    capi_str literal; /* before the directive */
    format_directive_kind kind;
    capi_format_spec spec;
    bool star_width, star_precision;
    bool is_misplaced_index;                               /* "%[3]2d", "%[3].2d" */
    format_index width_index, precision_index, verb_index; /* in the order in which they stand */
} format_directive;

struct capi_format {
    format_directive *directives;
    uint32_t directive_count;
    bool has_index; /* any "[n]": then left over values are no mistake */
    capi_str tail;
};
